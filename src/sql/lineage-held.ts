import { clean, derive, type Flow, isClean, temporaryWhy, unknown, type Value } from './lineage-flow.ts';
import { findColumn, findItem, itemColumn, type Item, type Reader, type Space } from './lineage-scope.ts';
import { as, type Fields, isNode, list, open, stringOf, text } from './tree.ts';

// SECURITY: a row that is kept only where `chr(g) = substr(ssn, i, 1)` spells the value in g, which is no column at all.
// So what a condition compares with a stored value holds that value too, wherever it is shown.

/** A condition's flow; what it compares is held together, part by part of its AND, OR and NOT. */
export function condition(reader: Reader, node: unknown, space: Space): Flow {
  const { flow } = reader.value(node, space);
  for (const each of parts(node)) holdTogether(reader, each, space);
  return flow;
}

/** What sorts or parts rows: with the first of them it picks values as a condition does. */
export function picking(reader: Reader, nodes: readonly unknown[], space: Space): void {
  for (const node of nodes) {
    reader.value(node, space);
    holdTogether(reader, node, space);
  }
}

/** ORDER BY and PARTITION BY of the windows anywhere in these expressions. */
export function windowsIn(inside: unknown): readonly unknown[] {
  if (Array.isArray(inside)) return inside.flatMap(windowsIn);
  if (typeof inside !== 'object' || inside === null || as(inside, 'SubLink') !== undefined) return [];
  return Object.entries(inside as Fields).flatMap(([key, value]) => {
    if (key !== 'over' && key !== 'WindowDef') return windowsIn(value);
    const window = (value ?? {}) as Fields;
    const order = list(window['orderClause']).map((each) => as(each, 'SortBy')?.['node']);
    return [...order, ...list(window['partitionClause'])];
  });
}

/**
 * SECURITY: an entry of FROM, or a set in the list of outputs, that has a row only where `chr(g) = left(ssn, 1)` picks the
 * row of g as a condition does: what it reads beside it holds what decides how many rows it has.
 */
export function decided(reader: Reader, node: unknown, space: Space, control: Flow): void {
  if (isClean(control)) return;
  for (const leaf of leavesIn(node, space, true)) {
    if (!isMade(leaf)) continue;
    hold(reader, leaf, control);
    if (!isClean(leaf.flow)) for (const beside of besideOf(leaf, space)) hold(reader, beside, control);
  }
}

/** The other values of a row that a list or a series had a part in. */
function besideOf(leaf: Value, space: Space): readonly Value[] {
  for (let at: Space | undefined = space; at !== undefined; at = at.outer) {
    const item = at.items.find((each) => each.cells.some(({ value }) => value === leaf));
    if (item !== undefined) return item.made === true ? cellsOf(item).filter(isMade) : [];
  }
  return [];
}

function parts(node: unknown): readonly unknown[] {
  const bool = as(node, 'BoolExpr');
  return bool === undefined ? [node] : list(bool['args']).flatMap(parts);
}

function holdTogether(reader: Reader, node: unknown, space: Space): void {
  const whole = flowOf(reader, node);
  for (const leaf of leavesIn(node, space, true)) {
    if (!isMade(leaf)) continue;
    hold(reader, leaf, whole);
    // `ok` of `(SELECT chr(g) AS c, chr(g) = left(ssn, 1) AS ok …)` picks a row of a list, and c with it.
    if (!isClean(leaf.flow)) for (const beside of besideOf(leaf, space)) hold(reader, beside, whole);
  }
  const fields = as(node, 'A_Expr');
  const kind = text(fields?.['kind']) ?? '';
  const names = list(fields?.['name']).flatMap((each) => stringOf(each) ?? []);
  if (fields !== undefined && (comparing.has(kind) || comparisons.has(names.at(-1) ?? ''))) {
    const sides = [fields['lexpr'], fields['rexpr']] as const;
    const flows = sides.map((each) => flowOf(reader, each));
    for (const [at, side] of sides.entries()) {
      const other = flows[1 - at] ?? clean;
      // Which of two stored values is greater is a question, not the value.
      const bare = other.bare !== undefined && flows[at]?.bare !== undefined;
      if (bare && !same.has(kind) && names.at(-1) !== '=') continue;
      for (const leaf of leavesIn(side, space, false)) hold(reader, leaf, other);
    }
  }
  const link = as(node, 'SubLink');
  if (link?.['testexpr'] !== undefined)
    for (const leaf of leavesIn(link['testexpr'], space, false)) hold(reader, leaf, whole);
}

const comparisons: ReadonlySet<string> = new Set(['=', '<>', '<', '>', '<=', '>=', '~~', '~~*', '~', '~*']);
const same: ReadonlySet<string> = new Set([
  'AEXPR_DISTINCT',
  'AEXPR_NOT_DISTINCT',
  'AEXPR_IN',
  'AEXPR_OP_ANY',
]);
const comparing: ReadonlySet<string> = new Set([
  ...same,
  'AEXPR_OP_ALL',
  'AEXPR_BETWEEN',
  'AEXPR_NOT_BETWEEN',
  'AEXPR_BETWEEN_SYM',
  'AEXPR_NOT_BETWEEN_SYM',
  'AEXPR_LIKE',
  'AEXPR_ILIKE',
  'AEXPR_SIMILAR',
]);

/** What flows out of a part of the condition that was just read. */
function flowOf(reader: Reader, node: unknown): Flow {
  const flow = reader.last.get(node)?.flow ?? clean;
  // What is not known of one side says nothing of the other where it is the client's own temporary table.
  return flow.why === temporaryWhy ? clean : flow;
}

/** It is no stored column: a list, a series, something computed. */
function isMade({ flow }: Value): boolean {
  return flow.bare === undefined;
}

/** Two columns that a join merges: what is no stored one holds the other. */
export function holdMerged(reader: Reader, a: Value, b: Value): void {
  if (isMade(a)) hold(reader, a, b.flow);
  if (isMade(b)) hold(reader, b, a.flow);
}

function hold(reader: Reader, leaf: Value, flow: Flow): void {
  if (isClean(flow) || leaf.flow.why !== undefined) return;
  const other: Value = { flow: flow.why === undefined || isMade(leaf) ? flow : clean, scalar: true };
  if (isClean(other.flow)) return;
  const known = reader.equals.get(leaf);
  if (known === undefined) reader.equals.set(leaf, new Set([other]));
  else known.add(other);
}

/** The columns of FROM that an expression names; `inside`: also those that a sub-select in it may name. */
function leavesIn(node: unknown, space: Space, inside: boolean): readonly Value[] {
  if (Array.isArray(node)) return node.flatMap((each) => leavesIn(each, space, inside));
  if (typeof node !== 'object' || node === null) return [];
  if (isNode(node)) {
    const [type, fields] = open(node);
    if (type === 'ColumnRef') return leavesOf(fields, space);
    if (type === 'SelectStmt' && !inside) return [];
  }
  return Object.values(node as Fields).flatMap((each) => leavesIn(each, space, inside));
}

function leavesOf(fields: Fields, space: Space): readonly Value[] {
  const names = list(fields['fields']).flatMap((each) => stringOf(each) ?? []);
  const [name, table, schema] = names.toReversed();
  if (name === undefined) return [];
  if (table === undefined) {
    const found = findColumn(space, name) ?? findItem(space, name);
    if (found === undefined) return [];
    return 'cells' in found ? cellsOf(found) : [found];
  }
  const item = findItem(space, table, schema);
  const found = item === undefined ? undefined : itemColumn(item, name);
  // A function of a row, `p.length`, or a row in a row: all of it.
  return found === undefined ? cellsOf(item ?? findItem(space, name, table)) : [found];
}

function cellsOf(item: Item | undefined): readonly Value[] {
  return item?.cells.map((each) => each.value) ?? [];
}

// ---------------------------------------------------------------------------------------------- LATERAL

/**
 * An entry of FROM with values of its own, so that what holds for one place does not for another; they hold what an
 * earlier look at the same place has found.
 */
export function placed(reader: Reader, node: unknown, item: Item): Item {
  const held = reader.held.get(node);
  const cells = item.cells.map(({ name, value }, at) => {
    const also = held?.get(at);
    const own: Value = also === undefined ? { ...value } : { ...value, flow: holding(value.flow, also) };
    if (isMade(own)) reader.origins.set(own, { node, at });
    return { name, value: own };
  });
  return { ...item, cells };
}

function holding(flow: Flow, also: Flow): Flow {
  return also.why === undefined ? derive([flow, also]) : unknown(also.why, [flow, also]);
}

/** Notes what values that are no columns were found to hold. True: something new, which entries beside them may have read before. */
export function remember(reader: Reader, items: readonly Item[]): boolean {
  let isNew = false;
  for (const { value } of items.flatMap((each) => each.cells)) {
    const origin = reader.origins.get(value);
    const equals = reader.equals.get(value);
    if (origin === undefined || equals === undefined) continue;
    const held = reader.held.get(origin.node) ?? new Map<number, Flow>();
    reader.held.set(origin.node, held);
    const before = held.get(origin.at);
    const now = derive([...(before === undefined ? [] : [before]), ...[...equals].map((each) => each.flow)]);
    if (before !== undefined && before.why === now.why && size(before) === size(now)) continue;
    held.set(origin.at, now);
    isNew = true;
  }
  return isNew;
}

/** Whether an entry of FROM can have read another one beside it. */
export function isLateral(inside: unknown): boolean {
  if (Array.isArray(inside)) return inside.some(isLateral);
  if (typeof inside !== 'object' || inside === null) return false;
  return Object.entries(inside as Fields).some(
    ([key, value]) =>
      (key === 'lateral' && value === true) || lateral.has(key) || (key !== 'subquery' && isLateral(value)),
  );
}

const lateral: ReadonlySet<string> = new Set(['RangeFunction', 'RangeTableFunc', 'JsonTable']);

function size(flow: Flow): number {
  return flow.from.size + flow.through.size;
}
