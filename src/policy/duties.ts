import type {
  ApproveDuty,
  ClassTerms,
  Duties,
  FindMask,
  ModelUse,
  MaskOperator,
  PredicateDuty,
  TagMask,
} from '../core/decision.ts';
import { RE2JS } from 're2js';
import { nearest } from '../base/check.ts';
import { messageOf } from '../base/errors.ts';
import { readColumns } from './columns.ts';
import { readLimits, readTime, type RuleLimits } from './limits.ts';
import type { Problems } from './problem.ts';
import { choice, type Fields, fields, flag, text, texts, whole, wrong } from './shape.ts';
import { readWindow, type Window } from './window.ts';
import type { Located } from './yaml.ts';

/** What one `require` rule demands. */
export interface RuleDuties extends RuleLimits {
  readonly masks: readonly TagMask[];
  readonly finds: readonly FindMask[];
  readonly unknownLineage?: Duties['unknownLineage'];
  readonly record?: Duties['record'];
  readonly retainMs?: number;
  readonly approve: readonly ApproveDuty[];
  readonly notify: readonly string[];
  readonly predicates?: readonly PredicateDuty[];
  readonly onlyColumns?: readonly string[];
  readonly readOnly?: true;
  readonly justify?: true;
  readonly tickets?: readonly string[];
  /** The engine itself denies outside of it, so no decision carries it. */
  readonly window?: Window;
}

export const records: readonly Duties['record'][] = ['meta', 'statements', 'full']; // weakest first

/** Every duty of the language. SECURITY: a word stands here only when something enforces it. */
export const dutyKeys: readonly string[] = [
  'mask',
  'unknownLineage',
  'limit',
  'approve',
  'record',
  'notify',
  'window',
  'predicates',
  'columns',
  'readOnly',
  'justify',
  'ticket',
];

/** Reads `then:`. */
export function readDuties(
  node: Located,
  entities: readonly string[] | undefined,
  problems: Problems,
): RuleDuties | undefined {
  const before = problems.list.length;
  const found = fields(node, 'then', { optional: dutyKeys }, problems);
  if (found === undefined) return undefined;
  if (found.size === 0) return wrong(node, 'A require rule says at least one duty under `then`', problems);
  const read = <T>(key: string, as: (value: Located) => T | undefined): T | undefined => {
    const value = found.get(key)?.value;
    return value === undefined ? undefined : as(value);
  };
  const masks: TagMask[] = [];
  const finds: FindMask[] = [];
  read('mask', (mask) => {
    if (mask.kind !== 'list' || mask.items.length === 0) wrong(mask, 'mask is a list of masks', problems);
    else for (const item of mask.items) readMask(item, { masks, finds, entities }, problems);
  });
  const limits = read('limit', (limit) => readLimits(limit, problems));
  const duties = {
    ...limits,
    masks,
    finds: specificFirst(finds),
    window: read('window', (window) => readWindow(window, problems)),
    approve: read('approve', (approve) => readApprovals(approve, problems)) ?? [],
    notify: (read('notify', (notify) => texts(notify, 'notify', problems)) ?? []).map(({ value }) => value),
    unknownLineage: read('unknownLineage', (how) =>
      choice(how, 'unknownLineage', ['withhold', 'deny'], problems),
    ),
    ...read('record', (how) => readRecord(how, problems)),
    predicates: read('predicates', (list) => readPredicates(list, problems)),
    onlyColumns: read('columns', (columns) => readColumns(columns, problems)),
    readOnly: read('readOnly', (value) => onlyTrue(value, 'readOnly', problems)),
    justify: read('justify', (value) => onlyTrue(value, 'justify', problems)),
    tickets: read('ticket', (pattern) => readTickets(pattern, problems)),
  };
  if (problems.list.length > before) return undefined;
  // Absent keys stay absent: two rules that say the same have the same duties.
  return Object.fromEntries(
    Object.entries(duties).filter(([, value]) => value !== undefined),
  ) as unknown as RuleDuties;
}

const dayMs = 86_400_000;

/** `full`, or `{ level: full, retention: 90d }`. */
function readRecord(node: Located, problems: Problems): Pick<RuleDuties, 'record' | 'retainMs'> | undefined {
  if (node.kind !== 'map') {
    const record = choice(node, 'record', records, problems);
    return record === undefined ? undefined : { record };
  }
  const found = fields(node, 'record', { optional: ['level', 'retention'] }, problems);
  if (found === undefined) return undefined;
  if (found.size === 0) return wrong(node, 'record says a level, a retention, or both', problems);
  const [level, retention] = [found.get('level')?.value, found.get('retention')?.value];
  const record = level === undefined ? undefined : choice(level, 'level', records, problems);
  const times = { min: 1_000, max: 36_500 * dayMs };
  const retainMs = retention === undefined ? undefined : readTime(retention, 'retention', times, problems);
  return {
    ...(record === undefined ? {} : { record }),
    ...(retainMs === undefined ? {} : { retainMs }),
  };
}

/** What is not wanted is left out: `false` would look as if it could take back what another rule demands. */
function onlyTrue(node: Located, what: string, problems: Problems): true | undefined {
  const value = flag(node, what, problems);
  if (value !== false) return value;
  return wrong(node, `${what} is true or left out: no rule can take it back from another`, problems);
}

/** Patterns that the id of a ticket must match as a whole. */
function readTickets(node: Located, problems: Problems): readonly string[] | undefined {
  const items = texts(node, 'ticket', problems);
  for (const item of items ?? []) if (!isPattern(item, problems)) return undefined;
  return items?.map(({ value }) => value);
}

/** Whether a text is a pattern that takes linear time; adds a problem where not. */
export function isPattern(node: Located & { readonly value: unknown }, problems: Problems): boolean {
  try {
    RE2JS.compile(String(node.value));
    return true;
  } catch (thrown) {
    problems.add('SP-T103', node.at, `Not a valid RE2 pattern: ${messageOf(thrown)}`);
    return false;
  }
}

const tagPattern = /^(\*|[a-z0-9-]+(\/[a-z0-9-]+)*(\/\*)?)$/;

function readPredicates(node: Located, problems: Problems): readonly PredicateDuty[] | undefined {
  if (node.kind !== 'list' || node.items.length === 0) {
    return wrong(node, 'predicates is a list of { tag, allow, otherwise, probes }', problems);
  }
  return node.items.map((item) => readPredicate(item, problems)).filter((item) => item !== undefined);
}

function readPredicate(node: Located, problems: Problems): PredicateDuty | undefined {
  const keys = { required: ['tag', 'allow'], optional: ['otherwise', 'probes'] };
  const found = fields(node, 'a predicate', keys, problems);
  const [tag, allow, otherwise, probes] = ['tag', 'allow', 'otherwise', 'probes'].map(
    (key) => found?.get(key)?.value,
  );
  if (tag === undefined || allow === undefined) return undefined;
  const pattern = text(tag, 'tag', problems);
  if (pattern !== undefined && !tagPattern.test(pattern)) {
    return wrong(tag, 'A tag looks like `pii/email`, `pii/*` or `*`', problems);
  }
  const allowed = choice(allow, 'allow', ['equality', 'none'], problems);
  const rest =
    otherwise === undefined ? 'deny' : choice(otherwise, 'otherwise', ['deny', 'approve'], problems);
  const most =
    probes === undefined ? undefined : whole(probes, 'probes', { min: 1, max: 1_000_000 }, problems);
  if (pattern === undefined || allowed === undefined || rest === undefined) return undefined;
  return { tag: pattern, allow: allowed, otherwise: rest, ...(most === undefined ? {} : { probes: most }) };
}

/** Inside one rule an entity that is named goes before `*`, as the more specific tag does. */
function specificFirst(finds: readonly FindMask[]): readonly FindMask[] {
  const except = [...new Set(finds.map(({ entity }) => entity))].filter((entity) => entity !== '*').sort();
  if (except.length === 0) return finds;
  return finds.map((find) => (find.entity === '*' ? { ...find, except } : find));
}

interface MaskLists {
  readonly masks: TagMask[];
  readonly finds: FindMask[];
  readonly entities: readonly string[] | undefined;
}

function readMask(node: Located, { masks, finds, entities }: MaskLists, problems: Problems): void {
  const found = fields(
    node,
    'a mask',
    {
      required: ['with'],
      optional: [
        'tag',
        'find',
        'model',
        'keepFirst',
        'keepLast',
        'keepWidth',
        'percent',
        'days',
        'averagesOut',
      ],
    },
    problems,
  );
  if (found === undefined) return;
  const operator = readOperator(found, node, problems);
  const tag = found.get('tag')?.value;
  const find = found.get('find')?.value;
  const asked = found.get('model')?.value;
  const model = asked === undefined ? undefined : choice(asked, 'model', modelUses, problems);
  if (asked !== undefined && (model === undefined || find === undefined)) {
    if (find === undefined) wrong(asked, '`model` belongs to `find`: a tag says all by itself', problems);
    return;
  }
  if ((tag === undefined) === (find === undefined)) {
    wrong(
      node,
      'A mask has either `tag` (columns by their tag) or `find` (values that detectors find)',
      problems,
    );
  } else if (tag !== undefined) {
    const pattern = text(tag, 'tag', problems);
    if (pattern === undefined || operator === undefined) return;
    if (!tagPattern.test(pattern)) {
      wrong(tag, 'A tag looks like `pii/email`, `pii/*` or `*`', problems);
    } else masks.push({ tag: pattern, operator });
  } else if (find !== undefined) {
    const entity = text(find, 'find', problems);
    if (entity === undefined || operator === undefined) return;
    if (!/^(\*|[A-Z][A-Z0-9_]*)$/.test(entity)) {
      wrong(find, 'What to find looks like `EMAIL_ADDRESS`, or is `*` for everything', problems);
    } else if (entities !== undefined && entity !== '*' && !entities.includes(entity)) {
      const near = nearest(entity, entities);
      problems.add(
        'SP-T108',
        find.at,
        `No detector finds \`${entity}\`${near === undefined ? '' : ` (did you mean \`${near}\`?)`}`,
        {
          fix: near === undefined ? `Known: ${entities.join(', ')}` : `${entity} → ${near}`,
          length: entity.length,
        },
      );
    } else if (operator.kind === 'noise') {
      wrong(
        find,
        '`noise` is for columns of numbers and dates by their tag: what is found stands in a text',
        problems,
      );
    } else finds.push({ entity, operator, ...(model === undefined ? {} : { model }) });
  }
}

const modelUses: readonly ModelUse[] = ['required', 'where-possible'];

function readOperator(found: Fields, node: Located, problems: Problems): MaskOperator | undefined {
  const how = found.get('with')?.value ?? node;
  // `with: null` is YAML's null, and the name of the operator.
  const named: Located = how.kind === 'scalar' && how.value === null ? { ...how, value: 'null' } : how;
  const kind = choice(named, 'with', operators, problems);
  const first = found.get('keepFirst')?.value;
  const last = found.get('keepLast')?.value;
  const keepFirst = first === undefined ? 0 : whole(first, 'keepFirst', { min: 0, max: 64 }, problems);
  const keepLast = last === undefined ? 0 : whole(last, 'keepLast', { min: 0, max: 64 }, problems);
  if (kind === undefined || keepFirst === undefined || keepLast === undefined) return undefined;
  const noise = readNoise(found, { node, how, isNoise: kind === 'noise' }, problems);
  if (noise === undefined) return undefined;
  if (kind === 'partial') {
    if (keepFirst + keepLast > 0) return { kind, keepFirst, keepLast };
    return wrong(node, 'partial keeps something: `keepFirst`, `keepLast` or both', problems);
  }
  if (first !== undefined || last !== undefined) {
    return wrong(node, '`keepFirst` and `keepLast` belong to `with: partial`', problems);
  }
  const widthNode = found.get('keepWidth')?.value;
  if (kind === 'noise')
    return widthNode === undefined ? noise : wrong(node, '`keepWidth` belongs to `with: redact`', problems);
  if (widthNode === undefined) return { kind };
  const width = flag(widthNode, 'keepWidth', problems);
  if (kind !== 'redact') return wrong(node, '`keepWidth` belongs to `with: redact`', problems);
  return width === true ? { kind, keepWidth: true } : { kind };
}

/** Noise is refused unless its cost stands beside it. What other operators have of its words is wrong. */
function readNoise(
  found: Fields,
  of: { readonly node: Located; readonly how: Located; readonly isNoise: boolean },
  problems: Problems,
): Extract<MaskOperator, { kind: 'noise' }> | undefined {
  const [percentNode, daysNode, accepted] = ['percent', 'days', 'averagesOut'].map(
    (name) => found.get(name)?.value,
  );
  if (!of.isNoise) {
    if (percentNode === undefined && daysNode === undefined && accepted === undefined)
      return { kind: 'noise' };
    return wrong(of.node, '`percent`, `days` and `averagesOut` belong to `with: noise`', problems);
  }
  if (accepted?.kind !== 'scalar' || accepted.value !== 'accepted') {
    const why =
      '`noise` is refused unless it is asked for: over many values it averages out, and one value is known about. ' +
      'Write `averagesOut: accepted` beside it, or take `generalise`, which says as much';
    return wrong(accepted ?? of.how, why, problems);
  }
  if (percentNode === undefined && daysNode === undefined) {
    const why = '`noise` has `percent` (numbers and money), `days` (dates and timestamps) or both';
    return wrong(of.node, why, problems);
  }
  const percent =
    percentNode === undefined ? undefined : whole(percentNode, 'percent', { min: 1, max: 50 }, problems);
  const days = daysNode === undefined ? undefined : whole(daysNode, 'days', { min: 1, max: 3_650 }, problems);
  if ((percentNode !== undefined && percent === undefined) || (daysNode !== undefined && days === undefined))
    return undefined;
  return {
    kind: 'noise',
    ...(percent === undefined ? {} : { percent }),
    ...(days === undefined ? {} : { days }),
  };
}

const operators = ['partial', 'noise', 'generalise', 'token', 'hash', 'fake', 'redact', 'null'] as const;

/** One approval, or a list of which all are needed: of each, `count` people of any of its groups. */
export function readApprovals(node: Located, problems: Problems): readonly ApproveDuty[] | undefined {
  const items = node.kind === 'list' ? node.items : [node];
  if (items.length === 0) return wrong(node, 'approve has at least one approval', problems);
  return items.map((item) => readApprove(item, problems)).filter((item) => item !== undefined);
}

const approveKeys = {
  required: ['from'],
  optional: ['count', 'ttl', 'reason', 'hold', 'escalate', 'class', 'notRequester'],
};

function readApprove(node: Located, problems: Problems): ApproveDuty | undefined {
  const found = fields(node, 'approve', approveKeys, problems);
  const from = found?.get('from')?.value;
  if (found === undefined || from === undefined) return undefined;
  const read = <T>(key: string, as: (value: Located) => T | undefined): T | undefined => {
    const value = found.get(key)?.value;
    return value === undefined ? undefined : as(value);
  };
  const groups = texts(from, 'approve.from', problems);
  const count = read('count', (value) => whole(value, 'count', { min: 1, max: 100 }, problems)) ?? 1;
  const withinMs =
    read('ttl', (value) => readTime(value, 'ttl', { min: 1_000, max: 7 * 86_400_000 }, problems)) ?? 900_000;
  const holdMs = read('hold', (value) => readTime(value, 'hold', { min: 0, max: 86_400_000 }, problems));
  const reason = read('reason', (value) => onlyTrue(value, 'reason', problems));
  const escalate = read('escalate', (value) => readEscalation(value, withinMs, problems));
  const terms = read('class', (value) => readClass(value, problems));
  // Always so; said by who wants it to be read.
  read('notRequester', (value) => {
    if (flag(value, 'notRequester', problems) !== false) return;
    problems.add('SP-S220', value.at, 'Who asks can never approve: `notRequester` is always true', {
      fix: 'Leave `notRequester` out',
    });
  });
  if (groups === undefined) return undefined;
  return {
    groups: [...new Set(groups.map((item) => item.value))].sort(),
    count,
    withinMs,
    ...(reason === undefined ? {} : { reason }),
    ...(holdMs === undefined ? {} : { holdMs }),
    ...(escalate === undefined ? {} : { escalate }),
    ...(terms === undefined ? {} : { class: terms }),
  };
}

/** `escalate: { to: leads, after: 5m }` */
function readEscalation(
  node: Located,
  withinMs: number,
  problems: Problems,
): ApproveDuty['escalate'] | undefined {
  const found = fields(node, 'escalate', { required: ['to', 'after'], optional: [] }, problems);
  const [to, after] = [found?.get('to')?.value, found?.get('after')?.value];
  if (to === undefined || after === undefined) return undefined;
  const groups = texts(to, 'escalate.to', problems);
  const afterMs = readTime(after, 'after', { min: 1_000, max: 7 * 86_400_000 }, problems);
  if (groups === undefined || afterMs === undefined) return undefined;
  if (afterMs >= withinMs)
    return wrong(after, '`after` is shorter than `ttl`, or nobody is left to answer', problems);
  return { afterMs, groups: [...new Set(groups.map((item) => item.value))].sort() };
}

/** `class: { for: 30m, count: 5 }` */
function readClass(node: Located, problems: Problems): ClassTerms | undefined {
  const found = fields(node, 'class', { required: ['for', 'count'], optional: [] }, problems);
  const [span, times] = [found?.get('for')?.value, found?.get('count')?.value];
  if (span === undefined || times === undefined) return undefined;
  const forMs = readTime(span, 'for', { min: 1_000, max: 86_400_000 }, problems);
  const count = whole(times, 'count', { min: 2, max: 1_000 }, problems);
  return forMs === undefined || count === undefined ? undefined : { forMs, count };
}
