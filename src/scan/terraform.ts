import type { Access, Action } from '../core/action.ts';
import {
  type DocumentAction,
  isRecord,
  listOf,
  marked,
  plannedAction,
  type ReadDocument,
  textOf,
  under,
  valuesOf,
} from './documents.ts';
import { elementPlaces } from './json-place.ts';

// `terraform show -json PLAN`: "Plan representation" of Terraform's JSON output format; OpenTofu writes the same.

const verbs: Readonly<Record<string, { readonly verb: string; readonly access: Access }>> = {
  'no-op': { verb: 'terraform.keep', access: 'read' },
  read: { verb: 'terraform.read', access: 'read' },
  create: { verb: 'terraform.create', access: 'define' },
  update: { verb: 'terraform.update', access: 'define' },
  delete: { verb: 'terraform.delete', access: 'define' },
  forget: { verb: 'terraform.keep', access: 'define' },
  'delete,create': { verb: 'terraform.replace', access: 'define' },
  'create,forget': { verb: 'terraform.replace', access: 'define' },
  'create,delete': { verb: 'terraform.replace', access: 'define' },
};

/** Undefined: it is no plan of Terraform. */
export function readTerraform(file: string, source: string, json: unknown): ReadDocument | undefined {
  if (!isRecord(json) || typeof json['format_version'] !== 'string') return undefined;
  if (!('resource_changes' in json) && !('planned_values' in json)) return undefined;
  const actions: DocumentAction[] = [];
  const unread: ReadDocument['unread'][number][] = [];
  const top = { file, line: 1, col: 1 };
  // A plan that ends early says nothing of the rest.
  if (json['errored'] === true) {
    unread.push({ piece: top, why: 'Making the plan failed, so that it does not hold everything' });
  }
  const placeOf = elementPlaces(source, ['resource_changes']);
  for (const [index, each] of listOf(json['resource_changes']).entries()) {
    const piece = { file, ...placeOf(index, 'address') };
    const action = changeAction(each);
    if (action === undefined) unread.push({ piece, why: 'A change of the plan has no `change`' });
    else actions.push({ piece, action });
  }
  // Terraform 1.9: put off because something is not known yet; what it will be stands there as far as it is known.
  const laterPlaceOf = elementPlaces(source, ['deferred_changes']);
  for (const [index, each] of listOf(json['deferred_changes']).entries()) {
    const piece = { file, ...laterPlaceOf(index, 'address') };
    const action = changeAction(isRecord(each) ? each['resource_change'] : undefined);
    if (action === undefined) unread.push({ piece, why: 'A deferred change of the plan has no `change`' });
    else actions.push({ piece, action });
  }
  return { kind: 'terraform', actions, findings: [], unread };
}

function changeAction(each: unknown): Action | undefined {
  if (!isRecord(each) || !isRecord(each['change'])) return undefined;
  const { change } = each;
  const address = textOf(each['address']);
  const type = textOf(each['type']);
  const does = verbs[listOf(change['actions']).join(',')] ?? {
    verb: 'terraform.update',
    access: 'unknown',
  };
  const sensitive = change['after_sensitive'];
  const isSensitive = (mark: unknown): boolean => mark === true;
  const values = valuesOf(change['after'], (keys) => under(sensitive, keys, isSensitive) === true);
  return plannedAction({
    verb: does.verb,
    access: values === undefined ? 'unknown' : does.access,
    kind: type,
    name: address,
    attributes: {
      type,
      address,
      provider: textOf(each['provider_name']),
      values: values ?? [],
      changed: changedPaths(change),
      unknown: marked(change['after_unknown']),
    },
    ...(does.access === 'unknown' ? { note: 'The plan names an action that is not known' } : {}),
  });
}

function changedPaths({
  before,
  after,
  after_unknown: unknown,
}: Readonly<Record<string, unknown>>): readonly string[] {
  const [old, made] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}];
  const later = isRecord(unknown) ? unknown : {};
  const keys = new Set([...Object.keys(old), ...Object.keys(made), ...Object.keys(later)]);
  return [...keys]
    .filter((key) => later[key] === true || JSON.stringify(old[key]) !== JSON.stringify(made[key]))
    .sort();
}
