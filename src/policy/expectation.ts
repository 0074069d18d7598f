import type { ColumnRef } from '../core/action.ts';
import type { Decision, MaskOperator } from '../core/decision.ts';
import { operatorForFind, operatorForTags } from '../core/duties.ts';
import type { Problems } from './problem.ts';
import { choice, fields, mapping, text, texts, whole, wrong } from './shape.ts';
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
  readonly notify?: readonly string[];
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
  'notify',
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
    notify: words('notify'),
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

function readShown(node: Located, what: string, problems: Problems): ReadonlyMap<string, string> {
  const shown = new Map<string, string>();
  for (const { key, value } of mapping(node, what, problems)?.entries ?? []) {
    const how = value.kind === 'scalar' && value.value === null ? 'null' : text(value, key, problems);
    if (how === undefined) continue;
    if (/^(none|redact|hash|generalise|null|partial \d+ \d+)$/.test(how)) shown.set(key, how);
    else wrong(value, 'How a value is shown: none, redact, hash, generalise, null, `partial 1 4`', problems);
  }
  return shown;
}

/** Where a decision is not what a case expects: one line each; none when it is. */
export function disappointments(
  expect: Expectation,
  decision: Decision,
  tagsOf: (column: ColumnRef) => readonly string[],
): readonly string[] {
  const { duties } = decision;
  const lines: string[] = [];
  const compare = (what: string, wanted: unknown, got: unknown): void => {
    if (wanted === undefined) return;
    const [a, b] = [JSON.stringify(wanted), JSON.stringify(got)];
    if (a !== b) lines.push(`${what}: expected ${a}, got ${b ?? 'nothing'}`);
  };
  compare('decision', expect.decision, decision.kind);
  compare('code', expect.code, decision.code ?? 'none');
  compare('by', sorted(expect.by), sorted(decision.because.map((rule) => rule.id)));
  compare('wouldBe', sorted(expect.wouldBe), sorted(decision.wouldBe.map((rule) => rule.id)));
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
  compare('rows', expect.rows, duties.rowLimit ?? 'none');
  compare('bytes', expect.bytes, duties.byteLimit ?? 'none');
  compare('record', expect.record, duties.record);
  compare('unknownLineage', expect.unknownLineage, duties.unknownLineage);
  compare('approve', sorted(expect.approve), sorted(duties.approve.flatMap((each) => each.groups)));
  compare('notify', sorted(expect.notify), sorted(duties.notify));
  return lines;
}

/** As tests write it: `none`, `redact`, `partial 1 4`. */
export function shown(operator: MaskOperator | undefined): string {
  if (operator === undefined) return 'none';
  return operator.kind === 'partial' ? `partial ${operator.keepFirst} ${operator.keepLast}` : operator.kind;
}

function sorted(items: readonly string[] | undefined): readonly string[] | undefined {
  return items === undefined ? undefined : [...new Set(items)].sort();
}
