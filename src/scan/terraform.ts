import type { Access } from '../core/action.ts';
import {
  type DocumentAction,
  isRecord,
  listOf,
  plannedAction,
  type ReadDocument,
  textOf,
  valuesOf,
} from './documents.ts';
import { lineOfText } from './json-place.ts';

// `terraform show -json PLAN`: "Plan representation" of Terraform's JSON output format; OpenTofu writes the same.

const verbs: Readonly<Record<string, { readonly verb: string; readonly access: Access }>> = {
  'no-op': { verb: 'terraform.keep', access: 'read' },
  read: { verb: 'terraform.read', access: 'read' },
  create: { verb: 'terraform.create', access: 'define' },
  update: { verb: 'terraform.update', access: 'define' },
  delete: { verb: 'terraform.delete', access: 'define' },
  forget: { verb: 'terraform.keep', access: 'define' },
  'delete,create': { verb: 'terraform.replace', access: 'define' },
  'create,delete': { verb: 'terraform.replace', access: 'define' },
};

/** Undefined: it is no plan of Terraform. */
export function readTerraform(file: string, source: string, json: unknown): ReadDocument | undefined {
  if (!isRecord(json) || typeof json['format_version'] !== 'string') return undefined;
  if (!('resource_changes' in json) && !('planned_values' in json)) return undefined;
  const actions: DocumentAction[] = [];
  const unread: ReadDocument['unread'][number][] = [];
  for (const each of listOf(json['resource_changes'])) {
    const change = isRecord(each) && isRecord(each['change']) ? each['change'] : undefined;
    const address = isRecord(each) ? textOf(each['address']) : '';
    const piece = { file, ...lineOfText(source, 'address', address) };
    if (!isRecord(each) || change === undefined) {
      unread.push({ piece, why: 'A change of the plan has no `change`' });
      continue;
    }
    const type = textOf(each['type']);
    const does = verbs[listOf(change['actions']).join(',')] ?? {
      verb: 'terraform.update',
      access: 'unknown',
    };
    const after = change['after'];
    const values = valuesOf(after, (path) => path !== '' && at(change['after_sensitive'], path) === true);
    actions.push({
      piece,
      action: plannedAction({
        verb: does.verb,
        access: values === undefined ? 'unknown' : does.access,
        kind: type,
        name: address,
        attributes: {
          type,
          address,
          provider: textOf(each['provider_name']),
          values: change['after_sensitive'] === true ? [] : (values ?? []),
          changed: changedPaths(change),
        },
        ...(does.access === 'unknown' ? { note: 'The plan names an action that is not known' } : {}),
      }),
    });
  }
  return { kind: 'terraform', actions, findings: [], unread };
}

/** What stands at a path of `valuesOf`; true as soon as a part of the way is marked as a whole. */
function at(marks: unknown, path: string): unknown {
  let here = marks;
  for (const [, key, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    if (here === true) return true;
    if (Array.isArray(here)) here = (here as readonly unknown[])[Number(index)];
    else if (isRecord(here) && key !== undefined) here = here[key];
    else return undefined;
  }
  return here;
}

function changedPaths({
  before,
  after,
  after_unknown: unknown,
}: Readonly<Record<string, unknown>>): readonly string[] {
  const [old, made] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}];
  const keys = new Set([
    ...Object.keys(old),
    ...Object.keys(made),
    ...Object.keys(isRecord(unknown) ? unknown : {}),
  ]);
  return [...keys].filter((key) => JSON.stringify(old[key]) !== JSON.stringify(made[key])).sort();
}
