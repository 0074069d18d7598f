import { duration } from '../base/time.ts';
import type { ApproveDuty, Duties, FindMask, MaskOperator, TagMask } from '../core/decision.ts';
import type { Problems } from './problem.ts';
import { choice, type Fields, fields, text, texts, whole, wrong } from './shape.ts';
import { readWindow, type Window } from './window.ts';
import type { Located } from './yaml.ts';

/** What one `require` rule demands. */
export interface RuleDuties {
  readonly masks: readonly TagMask[];
  readonly finds: readonly FindMask[];
  readonly unknownLineage?: Duties['unknownLineage'];
  readonly rowLimit?: number;
  readonly byteLimit?: number;
  readonly record?: Duties['record'];
  readonly approve: readonly ApproveDuty[];
  readonly notify: readonly string[];
  /** The engine itself denies outside of it, so no decision carries it. */
  readonly window?: Window;
}

const records: readonly Duties['record'][] = ['meta', 'statements', 'full']; // weakest first
const maxCount = Number.MAX_SAFE_INTEGER;

/** Reads `then:`. */
export function readDuties(node: Located, problems: Problems): RuleDuties | undefined {
  const before = problems.list.length;
  const known = ['mask', 'unknownLineage', 'limit', 'approve', 'record', 'notify', 'window'];
  const found = fields(node, 'then', { optional: [...known, ...notYet.duties] }, problems);
  if (found === undefined) return undefined;
  refuseNotYet(found, notYet.duties, problems);
  if (found.size === 0) return wrong(node, 'A require rule says at least one duty under `then`', problems);
  const masks: TagMask[] = [];
  const finds: FindMask[] = [];
  const mask = found.get('mask')?.value;
  if (mask !== undefined) {
    if (mask.kind !== 'list' || mask.items.length === 0) wrong(mask, 'mask is a list of masks', problems);
    else for (const item of mask.items) readMask(item, masks, finds, problems);
  }
  const limit = found.get('limit')?.value;
  const limits =
    limit === undefined
      ? undefined
      : fields(limit, 'limit', { optional: ['rows', 'bytes', ...notYet.limit] }, problems);
  if (limits !== undefined) refuseNotYet(limits, notYet.limit, problems);
  if (limit !== undefined && limits?.size === 0) wrong(limit, 'limit has `rows`, `bytes` or both', problems);
  const rowLimit = bound(limits, 'rows', problems);
  const byteLimit = bound(limits, 'bytes', problems);
  const lineage = found.get('unknownLineage')?.value;
  const unknownLineage =
    lineage === undefined ? undefined : choice(lineage, 'unknownLineage', ['withhold', 'deny'], problems);
  const recordNode = found.get('record')?.value;
  const record = recordNode === undefined ? undefined : choice(recordNode, 'record', records, problems);
  const notify = found.get('notify')?.value;
  const notified = notify === undefined ? [] : (texts(notify, 'notify', problems) ?? []);
  const approve = found.get('approve')?.value;
  const approvals = approve === undefined ? undefined : readApprove(approve, problems);
  const windowNode = found.get('window')?.value;
  const window = windowNode === undefined ? undefined : readWindow(windowNode, problems);
  if (problems.list.length > before) return undefined;
  return {
    masks,
    finds,
    ...(window === undefined ? {} : { window }),
    approve: approvals === undefined ? [] : [approvals],
    notify: notified.map((item) => item.value),
    ...(unknownLineage === undefined ? {} : { unknownLineage }),
    ...(rowLimit === undefined ? {} : { rowLimit }),
    ...(byteLimit === undefined ? {} : { byteLimit }),
    ...(record === undefined ? {} : { record }),
  };
}

/** Words that the language keeps for duties which nothing enforces so far. */
const notYet = {
  duties: ['columns', 'readOnly', 'justify', 'ticket'],
  limit: ['rate', 'concurrency', 'session', 'idle'],
} as const;

/** SECURITY: a duty that is read and not enforced would be believed. */
function refuseNotYet(found: Fields, keys: readonly string[], problems: Problems): void {
  for (const key of keys) {
    const field = found.get(key);
    if (field === undefined) continue;
    problems.add('SP-Y011', field.keyAt, `\`${key}\` is not enforced yet, so no rule can ask for it`, {
      fix: 'Leave it out; what is enforced stands in docs/policy.md',
      length: key.length,
    });
  }
}

function bound(limits: Fields | undefined, key: 'rows' | 'bytes', problems: Problems): number | undefined {
  const node = limits?.get(key)?.value;
  return node === undefined ? undefined : whole(node, key, { min: 1, max: maxCount }, problems);
}

function readMask(node: Located, masks: TagMask[], finds: FindMask[], problems: Problems): void {
  const found = fields(
    node,
    'a mask',
    { required: ['with'], optional: ['tag', 'find', 'keepFirst', 'keepLast'] },
    problems,
  );
  if (found === undefined) return;
  const operator = readOperator(found, node, problems);
  const tag = found.get('tag')?.value;
  const find = found.get('find')?.value;
  if ((tag === undefined) === (find === undefined)) {
    wrong(
      node,
      'A mask has either `tag` (columns by their tag) or `find` (values that detectors find)',
      problems,
    );
  } else if (tag !== undefined) {
    const pattern = text(tag, 'tag', problems);
    if (pattern === undefined || operator === undefined) return;
    if (!/^(\*|[a-z0-9-]+(\/[a-z0-9-]+)*(\/\*)?)$/.test(pattern)) {
      wrong(tag, 'A tag looks like `pii/email`, `pii/*` or `*`', problems);
    } else masks.push({ tag: pattern, operator });
  } else if (find !== undefined) {
    const entity = text(find, 'find', problems);
    if (entity === undefined || operator === undefined) return;
    if (!/^(\*|[A-Z][A-Z0-9_]*)$/.test(entity)) {
      wrong(find, 'What to find looks like `EMAIL_ADDRESS`, or is `*` for everything', problems);
    } else finds.push({ entity, operator });
  }
}

function readOperator(found: Fields, node: Located, problems: Problems): MaskOperator | undefined {
  const how = found.get('with')?.value ?? node;
  // `with: null` is YAML's null, and the name of the operator.
  const named: Located = how.kind === 'scalar' && how.value === null ? { ...how, value: 'null' } : how;
  const kind = choice(named, 'with', ['partial', 'generalise', 'hash', 'redact', 'null'], problems);
  const first = found.get('keepFirst')?.value;
  const last = found.get('keepLast')?.value;
  const keepFirst = first === undefined ? 0 : whole(first, 'keepFirst', { min: 0, max: 64 }, problems);
  const keepLast = last === undefined ? 0 : whole(last, 'keepLast', { min: 0, max: 64 }, problems);
  if (kind === undefined || keepFirst === undefined || keepLast === undefined) return undefined;
  if (kind === 'partial') {
    if (keepFirst + keepLast > 0) return { kind, keepFirst, keepLast };
    return wrong(node, 'partial keeps something: `keepFirst`, `keepLast` or both', problems);
  }
  if (first !== undefined || last !== undefined) {
    return wrong(node, '`keepFirst` and `keepLast` belong to `with: partial`', problems);
  }
  return { kind };
}

function readApprove(node: Located, problems: Problems): ApproveDuty | undefined {
  const found = fields(node, 'approve', { required: ['from'], optional: ['count', 'ttl'] }, problems);
  const from = found?.get('from')?.value;
  if (found === undefined || from === undefined) return undefined;
  const groups = texts(from, 'approve.from', problems);
  const count = found.get('count')?.value;
  const many = count === undefined ? 1 : whole(count, 'count', { min: 1, max: 100 }, problems);
  const ttl = found.get('ttl')?.value;
  const within = ttl === undefined ? 15 * 60_000 : readTtl(ttl, problems);
  if (groups === undefined || many === undefined || within === undefined) return undefined;
  return { groups: sorted(groups.map((item) => item.value)), count: many, withinMs: within };
}

function readTtl(node: Located, problems: Problems): number | undefined {
  const ms = node.kind === 'scalar' && typeof node.value === 'string' ? duration(node.value) : undefined;
  if (ms !== undefined && ms >= 1_000 && ms <= 7 * 86_400_000) return ms;
  return wrong(node, 'ttl is a time from `1s` to `7d`, such as `15m`', problems);
}

/**
 * What all these rules demand together: strongest mask, smallest limit, every approval. Each part is a join of a
 * semilattice, so order and repetition change nothing; the lists are sorted so that equal duties look equal.
 */
export function joinDuties(all: readonly RuleDuties[], recordAtLeast: Duties['record']): Duties {
  const rowLimit = least(all.map((each) => each.rowLimit));
  const byteLimit = least(all.map((each) => each.byteLimit));
  return {
    masks: distinct(all.map((each) => distinct(each.masks)).filter((group) => group.length > 0)),
    finds: distinct(all.flatMap((each) => each.finds)),
    unknownLineage: all.some((each) => each.unknownLineage === 'deny') ? 'deny' : 'withhold',
    record: strongestRecord([recordAtLeast, ...all.map((each) => each.record)]),
    approve: joinApprovals(all.flatMap((each) => each.approve)),
    notify: sorted(all.flatMap((each) => each.notify)),
    ...(rowLimit === undefined ? {} : { rowLimit }),
    ...(byteLimit === undefined ? {} : { byteLimit }),
  };
}

function strongestRecord(wanted: readonly (Duties['record'] | undefined)[]): Duties['record'] {
  let at = 0;
  for (const each of wanted) if (each !== undefined) at = Math.max(at, records.indexOf(each));
  return records[at] ?? 'full';
}

/** The same groups: the larger count within the shorter time. Different groups: both. */
function joinApprovals(all: readonly ApproveDuty[]): readonly ApproveDuty[] {
  const byGroups = new Map<string, ApproveDuty>();
  for (const each of all) {
    const key = JSON.stringify(each.groups);
    const known = byGroups.get(key);
    byGroups.set(key, {
      groups: each.groups,
      count: Math.max(each.count, known?.count ?? 0),
      withinMs: Math.min(each.withinMs, known?.withinMs ?? Infinity),
    });
  }
  return distinct([...byGroups.values()]);
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const given = values.filter((value) => value !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}

function distinct<T>(items: readonly T[]): readonly T[] {
  if (items.length < 2) return items;
  return [...new Map(items.map((item) => [JSON.stringify(item), item]))]
    .sort(([a], [b]) => compare(a, b))
    .map(([, item]) => item);
}

function sorted(items: readonly string[]): readonly string[] {
  return [...new Set(items)].sort(compare);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
