import type { About } from './run.ts';
import type { NoticeAbout } from './notices.ts';
import { strongest } from './plan.ts';

/** What may be shown of messages that belong to no statement we know: nothing that could be a value. */
export const strict: NoticeAbout = {
  tagged: true,
  unknown: true,
  names: new Set(),
  finds: [{ entity: '*', operator: { kind: 'redact' } }],
};

/** What errors, notices and notifications during this statement may show. */
export function aboutOf({ permit, outputs, catalogue }: About): NoticeAbout {
  const { action, duties } = permit;
  const masks = duties.masks.length > 0;
  const readable = action.access === 'read' || action.access === 'write';
  return {
    tagged: masks && strongest(permit, action.columns, catalogue) !== undefined,
    unknown: masks && (!readable || action.opaque === true || outputs.kind === 'unknown'),
    names: namesOf(action.text, [
      ...action.targets.map(({ name }) => name),
      ...action.columns.map(({ column }) => column),
    ]),
    finds: duties.finds,
  };
}

/** True where everything may be shown as it is. */
export function showsAll({ tagged, unknown, finds }: NoticeAbout): boolean {
  return !tagged && !unknown && finds.length === 0;
}

/** Names of the statement: what it uses, and the words it has written itself. Values with anything but letters, digits and `_` are never among them. */
function namesOf(text: string, used: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const name of used) {
    names.add(name);
    for (const part of name.split('.')) names.add(part);
  }
  for (const [word] of text.matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)) names.add(word);
  return names;
}
