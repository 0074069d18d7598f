import type { Expr } from './typecheck.ts';

/** What a part of a condition says of one attribute, where it says nothing else. */
export type Fact =
  | { readonly path: string; readonly kind: 'is'; readonly values: readonly Value[] } // one of them
  | { readonly path: string; readonly kind: 'not'; readonly values: readonly Value[] }
  | {
      readonly path: string;
      readonly kind: 'range';
      readonly low: number;
      readonly high: number;
      readonly open: boolean;
    };

type Value = string | number | boolean;

/** The fact of `action.byKey`, `!action.byKey`, `a.b == "x"`, `a.b in [..]`, `a.b < 5`; undefined of anything else. */
export function factOf(expr: Expr): Fact | undefined {
  const { exprKind } = expr;
  const path = pathOf(expr);
  if (path !== undefined) return { path, kind: 'is', values: [true] };
  if (exprKind.case !== 'callExpr') return undefined;
  const { function: name, args, target } = exprKind.value;
  const [a, b] = args;
  if (target !== undefined || a === undefined) return undefined;
  if (name === '!_') return negated(factOf(a));
  const on = pathOf(a);
  if (b === undefined || on === undefined) return undefined;
  if (name === '@in') {
    const values = b.exprKind.case === 'listExpr' ? b.exprKind.value.elements.map(literal) : [undefined];
    const known = values.filter((value) => value !== undefined);
    return known.length === values.length ? { path: on, kind: 'is', values: known } : undefined;
  }
  const value = literal(b);
  if (value === undefined) return undefined;
  if (name === '_==_') return { path: on, kind: 'is', values: [value] };
  if (name === '_!=_') return { path: on, kind: 'not', values: [value] };
  return typeof value === 'number' ? range(on, name, value) : undefined;
}

function range(path: string, name: string, value: number): Fact | undefined {
  switch (name) {
    case '_<_':
      return { path, kind: 'range', low: -Infinity, high: value, open: true };
    case '_<=_':
      return { path, kind: 'range', low: -Infinity, high: value, open: false };
    case '_>_':
      return { path, kind: 'range', low: value, high: Infinity, open: true };
    case '_>=_':
      return { path, kind: 'range', low: value, high: Infinity, open: false };
    default:
      return undefined;
  }
}

function negated(fact: Fact | undefined): Fact | undefined {
  if (fact === undefined || fact.kind === 'range') return undefined;
  return { ...fact, kind: fact.kind === 'is' ? 'not' : 'is' };
}

/** Whether no value can be what all these facts say. Facts of one attribute each; says no where it cannot tell. */
export function contradicts(facts: readonly Fact[]): boolean {
  for (const same of Map.groupBy(facts, ({ path }) => path).values()) {
    const listed = same.flatMap((fact) => (fact.kind === 'is' ? [fact.values] : []));
    const ranges = same.filter((fact) => fact.kind === 'range');
    const [first, ...others] = listed;
    if (first !== undefined) {
      const left = first.filter(
        (value) =>
          others.every((values) => values.includes(value)) &&
          same.every((fact) => fact.kind !== 'not' || !fact.values.includes(value)) &&
          ranges.every((each) => typeof value !== 'number' || inside(each, value)),
      );
      if (left.length === 0) return true;
    }
    const low = Math.max(...ranges.map((each) => each.low));
    const high = Math.min(...ranges.map((each) => each.high));
    const open = ranges.some((each) => each.open && (each.low === low || each.high === high));
    if (low > high || (low === high && open && ranges.length > 1)) return true;
  }
  return false;
}

function inside({ low, high, open }: Extract<Fact, { kind: 'range' }>, value: number): boolean {
  return open ? value > low && value < high : value >= low && value <= high;
}

function literal(expr: Expr): Value | undefined {
  if (expr.exprKind.case !== 'constExpr') return undefined;
  const { constantKind } = expr.exprKind.value;
  switch (constantKind.case) {
    case 'stringValue':
    case 'boolValue':
    case 'doubleValue':
      return constantKind.value;
    case 'int64Value':
    case 'uint64Value':
      return Number(constantKind.value);
    default:
      return undefined;
  }
}

/** `action.byKey`; undefined for anything but attributes of words, and for `has()`. */
function pathOf(expr: Expr): string | undefined {
  const { exprKind } = expr;
  if (exprKind.case !== 'selectExpr' || exprKind.value.testOnly) return undefined;
  const { operand, field } = exprKind.value;
  if (operand === undefined) return undefined;
  if (operand.exprKind.case === 'identExpr') return `${operand.exprKind.value.name}.${field}`;
  const above = pathOf(operand);
  return above === undefined ? undefined : `${above}.${field}`;
}
