import type { ColumnRef } from '../core/action.ts';
import type { ApproveDuty, Decision, MaskOperator, PredicateDuty, RateDuty } from '../core/decision.ts';
import { operatorForFind, operatorForTags } from '../core/duties.ts';
import type { Problems } from './problem.ts';
import { choice, fields, flag, mapping, text, texts, unknownKey, whole, wrong } from './shape.ts';
import { entryFields, entryOf, holds } from './test-entry.ts';
import { shortTime } from './limits.ts';
import type { Question } from '../core/ports.ts';
import type { Located } from './yaml.ts';

/** What a case demands of a decision; what it does not name may be anything. */
export interface Expectation {
  readonly decision: Decision['kind'];
  readonly code?: string;
  /** Exactly these rules made it. */
  readonly by?: readonly string[];
  readonly wouldBe?: readonly string[];
  readonly why?: string; // a part of it
  readonly nearest?: { readonly rule: string; readonly failed?: string };
  /** Column -> how it is shown: `none`, `redact`, `partial 1 4`. */
  readonly mask?: ReadonlyMap<string, string>;
  /** Entity type -> how a found value is shown. */
  readonly find?: ReadonlyMap<string, string>;
  readonly rows?: number | 'none';
  readonly bytes?: number | 'none';
  readonly record?: string;
  readonly unknownLineage?: string;
  /** Exactly these groups may approve, over all approvals wanted. */
  readonly approve?: readonly string[];
  /** Exactly these approvals: `2 of dba, leads in 15m` */
  readonly approvals?: readonly string[];
  readonly notify?: readonly string[];
  readonly columns?: readonly string[];
  /** `100/1m` */
  readonly rate?: readonly string[];
  readonly concurrency?: number | 'none';
  readonly session?: string;
  readonly idle?: string;
  readonly retention?: string;
  readonly readOnly?: boolean;
  readonly justify?: boolean;
  readonly ticket?: readonly string[];
  /** `pii/*: equality, else deny` */
  readonly predicates?: readonly string[];
  /** Whether who asks may break the rules that deny. */
  readonly soft?: boolean;
  /** What must stand in the ledger's entry: any of its fields. */
  readonly entry?: Readonly<Record<string, unknown>>;
}

const optional = [
  'code',
  'by',
  'wouldBe',
  'why',
  'nearest',
  'mask',
  'find',
  'rows',
  'bytes',
  'record',
  'unknownLineage',
  'approve',
  'approvals',
  'notify',
  'columns',
  'rate',
  'concurrency',
  'session',
  'idle',
  'retention',
  'readOnly',
  'justify',
  'ticket',
  'predicates',
  'soft',
  'entry',
];

export function readExpectation(node: Located, problems: Problems): Expectation | undefined {
  const found = fields(node, 'expect', { required: ['decision'], optional }, problems);
  const said = found?.get('decision')?.value;
  const decision =
    said === undefined ? undefined : choice(said, 'decision', ['allow', 'deny', 'review'], problems);
  if (found === undefined || decision === undefined) return undefined;
  const read = <T>(key: string, as: (value: Located) => T | undefined): T | undefined => {
    const value = found.get(key)?.value;
    return value === undefined ? undefined : as(value);
  };
  const word = (key: string) => read(key, (value) => text(value, key, problems));
  const words = (key: string) =>
    read(key, (value) =>
      value.kind === 'list' && value.items.length === 0
        ? []
        : texts(value, key, problems)?.map((item) => item.value),
    );
  const bound = (key: string) =>
    read(key, (value) =>
      value.kind === 'scalar' && value.value === 'none'
        ? ('none' as const)
        : whole(value, key, { min: 1, max: Number.MAX_SAFE_INTEGER }, problems),
    );
  const yes = (key: string) => read(key, (value) => flag(value, key, problems));
  const expectation = {
    decision,
    code: word('code'),
    by: words('by'),
    wouldBe: words('wouldBe'),
    why: word('why'),
    nearest: read('nearest', (value) => readNearest(value, problems)),
    mask: read('mask', (value) => readShown(value, 'mask', problems)),
    find: read('find', (value) => readShown(value, 'find', problems)),
    rows: bound('rows'),
    bytes: bound('bytes'),
    record: word('record'),
    unknownLineage: word('unknownLineage'),
    approve: words('approve'),
    approvals: words('approvals'),
    notify: words('notify'),
    columns: words('columns'),
    rate: words('rate'),
    concurrency: bound('concurrency'),
    session: word('session'),
    idle: word('idle'),
    retention: word('retention'),
    readOnly: yes('readOnly'),
    justify: yes('justify'),
    ticket: words('ticket'),
    predicates: words('predicates'),
    soft: yes('soft'),
    entry: read('entry', (value) => readEntry(value, problems)),
  };
  // Absent keys stay absent: an expectation of `undefined` would be one.
  return Object.fromEntries(
    Object.entries(expectation).filter(([, value]) => value !== undefined),
  ) as unknown as Expectation;
}

function readNearest(node: Located, problems: Problems): Expectation['nearest'] {
  const found = fields(node, 'nearest', { required: ['rule'], optional: ['failed'] }, problems);
  const rule = found?.get('rule')?.value;
  const id = rule === undefined ? undefined : text(rule, 'rule', problems);
  const failed = found?.get('failed')?.value;
  const source = failed === undefined ? undefined : text(failed, 'failed', problems);
  if (id === undefined) return undefined;
  return source === undefined ? { rule: id } : { rule: id, failed: source };
}

/** Fields of an entry, each with exactly this value; of a mapping, those that are named. */
function readEntry(node: Located, problems: Problems): Readonly<Record<string, unknown>> {
  const entry: Record<string, unknown> = {};
  for (const { key, keyAt, value } of mapping(node, 'entry', problems)?.entries ?? []) {
    if (entryFields.includes(key)) entry[key] = plain(value);
    else unknownKey(key, keyAt, { what: 'entry', known: entryFields }, problems);
  }
  return entry;
}

function plain(node: Located): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plain);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]));
}

function readShown(node: Located, what: string, problems: Problems): ReadonlyMap<string, string> {
  const shown = new Map<string, string>();
  for (const { key, value } of mapping(node, what, problems)?.entries ?? []) {
    const how = value.kind === 'scalar' && value.value === null ? 'null' : text(value, key, problems);
    if (how === undefined) continue;
    if (
      /^(none|redact|redact width|token|hash|fake|generalise|null|partial \d+ \d+|noise( \d+%)?( \d+d)?)$/.test(
        how,
      )
    )
      shown.set(key, how);
    else
      wrong(
        value,
        'How a value is shown: none, redact, `redact width`, token, hash, fake, generalise, null, `partial 1 4`, `noise 10% 30d`',
        problems,
      );
  }
  return shown;
}

/** Where a decision is not what a case expects: one line each; none when it is. */
export function disappointments(
  expect: Expectation,
  { question, decision }: { readonly question: Question; readonly decision: Decision },
  tagsOf: (column: ColumnRef) => readonly string[],
): readonly string[] {
  const { duties } = decision;
  const lines: string[] = [];
  const compare = (what: string, wanted: unknown, got: unknown): void => {
    if (wanted === undefined) return;
    const [a, b] = [JSON.stringify(wanted), JSON.stringify(got)];
    if (a !== b) lines.push(`${what}: expected ${a}, got ${b ?? 'nothing'}`);
  };
  for (const [key, of] of answered) {
    const wanted = expect[key];
    if (wanted !== undefined)
      compare(key, Array.isArray(wanted) ? sorted(wanted as readonly string[]) : wanted, of(decision));
  }
  if (expect.why !== undefined && !decision.why.includes(expect.why)) {
    lines.push(`why: expected ${JSON.stringify(expect.why)} in ${JSON.stringify(decision.why)}`);
  }
  compare('nearest.rule', expect.nearest?.rule, decision.nearest?.rule.id);
  compare('nearest.failed', expect.nearest?.failed, decision.nearest?.failed);
  for (const [name, how] of expect.mask ?? []) {
    const dot = name.lastIndexOf('.');
    const column = { object: name.slice(0, dot), column: name.slice(dot + 1) };
    compare(`mask of ${name}`, how, shown(operatorForTags(duties.masks, tagsOf(column))));
  }
  for (const [entity, how] of expect.find ?? []) {
    compare(`mask of a found ${entity}`, how, shown(operatorForFind(duties.finds, entity)));
  }
  const entry = expect.entry === undefined ? undefined : entryOf(question, decision);
  for (const [field, wanted] of Object.entries(expect.entry ?? {})) {
    const got = entry?.[field];
    if (!holds(wanted, got)) compare(`entry.${field}`, wanted, got ?? 'nothing');
  }
  return lines;
}

type Answered = readonly [key: keyof Expectation, of: (decision: Decision) => unknown];

/** What a case would say of a decision under this key; undefined where it says it in another form. */
export function answerUnder(key: string, decision: Decision): unknown {
  return answered.find(([each]) => each === key)?.[1](decision);
}

/** What of a decision is compared as it is, with what a case expects under the same key. */
const answered: readonly Answered[] = [
  ['decision', ({ kind }) => kind],
  ['code', ({ code = 'none' }) => code],
  ['by', ({ because }) => sorted(because.map((rule) => rule.id))],
  ['wouldBe', ({ wouldBe }) => sorted(wouldBe.map((rule) => rule.id))],
  ['rows', ({ duties: { rowLimit = 'none' } }) => rowLimit],
  ['bytes', ({ duties: { byteLimit = 'none' } }) => byteLimit],
  ['record', ({ duties }) => duties.record],
  ['unknownLineage', ({ duties }) => duties.unknownLineage],
  ['approve', ({ duties }) => sorted(duties.approve.flatMap((each) => each.groups))],
  ['approvals', ({ duties }) => sorted(duties.approve.map(approvalText))],
  ['notify', ({ duties }) => sorted(duties.notify)],
  ['columns', ({ duties: { onlyColumns = [] } }) => sorted(onlyColumns)],
  ['rate', ({ duties: { rates = [] } }) => sorted(rates.map(rateText))],
  ['concurrency', ({ duties: { concurrency = 'none' } }) => concurrency],
  ['session', ({ duties: { sessionMs } }) => spanText(sessionMs)],
  ['idle', ({ duties: { idleMs } }) => spanText(idleMs)],
  ['retention', ({ duties: { retainMs } }) => spanText(retainMs)],
  ['readOnly', ({ duties }) => duties.readOnly === true],
  ['justify', ({ duties }) => duties.justify === true],
  ['ticket', ({ duties: { tickets = [] } }) => sorted(tickets)],
  ['predicates', ({ duties: { predicates = [] } }) => sorted(predicates.map(predicateText))],
  ['soft', ({ soft }) => soft === true],
];

/** `15m`; `none` where nothing is demanded. */
export function spanText(ms: number | undefined): string {
  return ms === undefined ? 'none' : shortTime(ms);
}

/** `2 of dba, leads in 15m`, with whatever else is asked of who approves. */
export function approvalText({
  groups,
  count,
  withinMs,
  reason,
  escalate,
  class: terms,
}: ApproveDuty): string {
  const others = escalate === undefined ? '' : `, then ${escalate.groups.join(', ')}`;
  const several = terms === undefined ? '' : `, ${terms.count} of a class for ${shortTime(terms.forMs)}`;
  return `${count} of ${groups.join(', ')} in ${shortTime(withinMs)}${reason === true ? ' with a reason' : ''}${others}${several}`;
}

/** `100/1m` */
export function rateText({ count, perMs }: RateDuty): string {
  return `${count}/${shortTime(perMs)}`;
}

/** `pii/*: equality, else deny, 20 probes` */
export function predicateText({ tag, allow, otherwise, probes }: PredicateDuty): string {
  return `${tag}: ${allow}, else ${otherwise}${probes === undefined ? '' : `, ${probes} probes`}`;
}

/** As tests write it: `none`, `redact`, `partial 1 4`. */
export function shown(operator: MaskOperator | undefined): string {
  if (operator === undefined) return 'none';
  if (operator.kind === 'redact' && operator.keepWidth === true) return 'redact width';
  if (operator.kind === 'noise') return noiseText(operator);
  return operator.kind === 'partial' ? `partial ${operator.keepFirst} ${operator.keepLast}` : operator.kind;
}

function noiseText({ percent, days }: Extract<MaskOperator, { kind: 'noise' }>): string {
  return `noise${percent === undefined ? '' : ` ${percent}%`}${days === undefined ? '' : ` ${days}d`}`;
}

function sorted(items: readonly string[] | undefined): readonly string[] | undefined {
  return items === undefined ? undefined : [...new Set(items)].sort();
}
