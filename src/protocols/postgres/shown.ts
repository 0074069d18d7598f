import type { Catalogue } from '../../sql/catalogue.ts';
import type { Names, NoticeAbout } from './notices.ts';
import { strongest } from './plan.ts';
import type { About } from './run.ts';

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
    names: namesOf(
      action.text,
      [...action.targets.map(({ name }) => name), ...action.columns.map(({ column }) => column)],
      catalogue,
    ),
    finds: duties.finds,
  };
}

/** True where everything may be shown as it is. */
export function showsAll({ tagged, unknown, finds }: NoticeAbout): boolean {
  return !tagged && !unknown && finds.length === 0;
}

/**
 * Names of the statement: what it uses, the words it has written itself, and what the catalogue calls things. Values with
 * anything but letters, digits and `_` are never among the written ones.
 */
function namesOf(text: string, used: readonly string[], catalogue: Catalogue): Names {
  const names = new Set<string>();
  for (const name of used) {
    names.add(name);
    for (const part of name.split('.')) names.add(part);
  }
  for (const [word] of text.matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)) names.add(word);
  const known = catalogueNames(catalogue);
  return { has: (name) => names.has(name) || known.has(name) };
}

const namesByCatalogue: WeakMap<Catalogue, ReadonlySet<string>> = new WeakMap();

function catalogueNames(catalogue: Catalogue): ReadonlySet<string> {
  const found = namesByCatalogue.get(catalogue);
  if (found !== undefined) return found;
  const { data } = catalogue;
  const made = new Set<string>(data.schemas);
  for (const relation of data.relations) {
    made.add(relation.name);
    for (const { name } of relation.columns) made.add(name);
  }
  for (const { name } of [...data.functions, ...data.types]) made.add(name);
  namesByCatalogue.set(catalogue, made);
  return made;
}
