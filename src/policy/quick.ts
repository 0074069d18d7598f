import type { ColumnUse, Target } from '../core/action.ts';
import { maxSteps } from './evaluate.ts';
import type { Expr } from './typecheck.ts';
import type { Type } from './types.ts';

/** The words of a question by dotted name, and the lists behind `action.objects` and `action.columns` as they are. */
export interface QuickWords {
  readonly [path: string]: unknown;
  readonly $objects: readonly Target[];
  readonly $columns: readonly ColumnUse[];
  readonly $tagsOf: (column: ColumnUse) => readonly string[];
}

/** What CEL calls an error: kept aside by `&&` and `||`, which may not need it. */
const failed: unique symbol = Symbol('failed');

type Run = (words: QuickWords) => unknown;

interface Node {
  readonly type: 'bool' | 'string' | 'number' | 'strings' | 'objects' | 'columns' | 'object' | 'column';
  readonly run: Run;
  /** Known before any question: the value. */
  readonly constant?: unknown;
}

/** A variable of a macro: where its value stands while the macro goes round. */
interface Variable {
  readonly type: Node['type'];
  readonly slot: number;
}

/**
 * Most conditions are made of few forms: comparisons, `in`, `has`, `&&`, `||`, `!`, texts that start or end so, `exists`
 * and `all` over a list. These become plain functions, some ten times as fast as CEL's own evaluator, with the same
 * answer for every question: a property holds one against the other. `undefined`: another form, for CEL's evaluator.
 *
 * What is returned throws what a fact of another type than declared throws, and a RangeError when the steps have run out.
 */
export function quick(
  expr: Expr,
  words: ReadonlyMap<string, Type>,
): ((words: QuickWords) => 'yes' | 'no' | 'error') | undefined {
  const state: State = { slots: [], steps: 0 };
  const node = new Builder(words, state).node(expr, new Map());
  if (node?.type !== 'bool') return undefined;
  const { run } = node;
  return (asked) => {
    state.steps = 0;
    const said = run(asked);
    return said === true ? 'yes' : said === false ? 'no' : 'error';
  };
}

interface State {
  readonly slots: unknown[];
  steps: number;
}

type Scope = ReadonlyMap<string, Variable>;
type CallExpr = Extract<Expr['exprKind'], { case: 'callExpr' }>['value'];
type FoldExpr = Extract<Expr['exprKind'], { case: 'comprehensionExpr' }>['value'];
type SelectExpr = Extract<Expr['exprKind'], { case: 'selectExpr' }>['value'];

class Builder {
  readonly #words: ReadonlyMap<string, Type>;
  readonly #state: State;

  constructor(words: ReadonlyMap<string, Type>, state: State) {
    this.#words = words;
    this.#state = state;
  }

  node(expr: Expr | undefined, scope: Scope): Node | undefined {
    const exprKind = expr?.exprKind;
    switch (exprKind?.case) {
      case 'constExpr':
        return constant(exprKind.value.constantKind);
      case 'identExpr':
        return this.#variable(exprKind.value.name, scope);
      case 'selectExpr':
        return exprKind.value.testOnly
          ? this.#present(exprKind.value, scope)
          : this.#select(exprKind.value, scope);
      case 'callExpr':
        return this.#call(exprKind.value, scope);
      case 'listExpr':
        return this.#list(exprKind.value.elements, scope);
      case 'comprehensionExpr':
        return this.#macro(exprKind.value, scope);
      case 'structExpr':
      case undefined:
      default:
        return undefined;
    }
  }

  #variable(name: string, scope: Scope): Node | undefined {
    const variable = scope.get(name);
    if (variable === undefined) return undefined;
    const { slots } = this.#state;
    const { slot, type } = variable;
    return { type, run: () => slots[slot] };
  }

  /** `action.byKey`, or `o.name` of a variable. */
  #select({ operand, field }: SelectExpr, scope: Scope): Node | undefined {
    if (operand?.exprKind.case !== 'identExpr') return undefined;
    const { name } = operand.exprKind.value;
    const variable = scope.get(name);
    if (variable !== undefined) return rowField(this.#state.slots, variable, field);
    const type = this.#fieldOf(name, field);
    const known = type === undefined ? undefined : plain(type);
    if (known === undefined) return undefined;
    if (known === 'objects') return { type: known, run: (words) => words.$objects };
    if (known === 'columns') return { type: known, run: (words) => words.$columns };
    const path = `${name}.${field}`;
    return {
      type: known,
      run: (words) => {
        const value = words[path];
        return value === undefined ? failed : value;
      },
    };
  }

  #present({ operand, field }: SelectExpr, scope: Scope): Node | undefined {
    if (operand?.exprKind.case !== 'identExpr') return undefined;
    const { name } = operand.exprKind.value;
    if (scope.has(name) || this.#fieldOf(name, field) === undefined) return undefined;
    const path = `${name}.${field}`;
    return { type: 'bool', run: (words) => words[path] !== undefined };
  }

  /** The type of an attribute of a word that is read by its dotted name; params are not. */
  #fieldOf(word: string, field: string): Type | undefined {
    const type = this.#words.get(word);
    return type?.kind === 'object' && type.name === word && word !== 'params'
      ? type.fields.get(field)?.type
      : undefined;
  }

  #list(elements: readonly Expr[], scope: Scope): Node | undefined {
    const values: unknown[] = [];
    for (const element of elements) {
      const node = this.node(element, scope);
      if (node?.type !== 'string' || node.constant === undefined) return undefined;
      values.push(node.constant);
    }
    return { type: 'strings', constant: values, run: () => values };
  }

  #call({ function: name, args, target }: CallExpr, scope: Scope): Node | undefined {
    const own = target === undefined ? args : [target, ...args];
    const nodes: Node[] = [];
    for (const arg of own) {
      const node = this.node(arg, scope);
      if (node === undefined) return undefined;
      nodes.push(node);
    }
    return Object.hasOwn(calls, name) ? calls[name]?.(nodes) : undefined;
  }

  /** `list.exists(x, …)` and `list.all(x, …)`, as CEL's parser writes them out. */
  #macro(fold: FoldExpr, scope: Scope): Node | undefined {
    const shape = shapeOf(fold);
    const range = this.node(fold.iterRange, scope);
    const of = range === undefined ? undefined : items[range.type];
    if (shape === undefined || range === undefined || of === undefined) return undefined;
    const state = this.#state;
    const slot = scope.size;
    // One name twice would share a slot with the wrong variable.
    if (scope.has(fold.iterVar)) return undefined;
    const asked = this.node(shape.asked, new Map(scope).set(fold.iterVar, { type: of, slot }));
    if (asked?.type !== 'bool') return undefined;
    const { ends } = shape;
    return {
      type: 'bool',
      run: (words) => {
        const list = range.run(words);
        if (list === failed) return failed;
        let answer: unknown = !ends;
        for (const item of list as readonly unknown[]) {
          state.steps += 1;
          if (state.steps > maxSteps) throw new RangeError('The steps have run out');
          if (answer === ends) break;
          if (of === 'string' && typeof item !== 'string') throw new TypeError('An item is no text');
          state.slots[slot] = item;
          const said = asked.run(words);
          if (said === ends) answer = ends;
          else if (said === failed) answer = failed;
        }
        return answer;
      },
    };
  }
}

const items: Readonly<Partial<Record<Node['type'], Node['type']>>> = {
  strings: 'string',
  objects: 'object',
  columns: 'column',
};

function plain(type: Type): Node['type'] | undefined {
  if (type.kind === 'bool' || type.kind === 'string') return type.kind;
  if (type.kind === 'double') return 'number';
  if (type.kind !== 'list') return undefined;
  if (type.of.kind === 'string') return 'strings';
  if (type.of.kind !== 'object') return undefined;
  return type.of.name === 'object' ? 'objects' : type.of.name === 'column' ? 'columns' : undefined;
}

function constant(
  kind: Extract<Expr['exprKind'], { case: 'constExpr' }>['value']['constantKind'],
): Node | undefined {
  const made = (type: Node['type'], value: unknown): Node => ({ type, constant: value, run: () => value });
  switch (kind.case) {
    case 'stringValue':
      return made('string', kind.value);
    case 'boolValue':
      return made('bool', kind.value);
    case 'doubleValue':
      return made('number', kind.value);
    case 'int64Value':
      // Of larger ones a comparison with a double would not be exact.
      return Number.isSafeInteger(Number(kind.value)) ? made('number', Number(kind.value)) : undefined;
    case 'uint64Value':
    case 'bytesValue':
    case 'nullValue':
    case 'durationValue':
    case 'timestampValue':
    case undefined:
    default:
      return undefined;
  }
}

function rowField(slots: readonly unknown[], { type, slot }: Variable, field: string): Node | undefined {
  if (type === 'object' && (field === 'kind' || field === 'name' || field === 'access')) {
    return { type: 'string', run: () => (slots[slot] as Target)[field] };
  }
  if (type !== 'column') return undefined;
  if (field === 'object' || field === 'column' || field === 'use') {
    return { type: 'string', run: () => (slots[slot] as ColumnUse)[field] };
  }
  if (field !== 'tags') return undefined;
  return { type: 'strings', run: (words) => words.$tagsOf(slots[slot] as ColumnUse) };
}

type Make = (args: readonly Node[]) => Node | undefined;

/** Both values in order, as CEL evaluates them: where the first fails, the second is not looked at. */
function two(a: Node, b: Node, of: (a: unknown, b: unknown) => boolean): Node {
  const [first, second] = [a.run, b.run];
  return {
    type: 'bool',
    run: (words) => {
      const left = first(words);
      if (left === failed) return failed;
      const right = second(words);
      return right === failed ? failed : of(left, right);
    },
  };
}

function equality(same: boolean): Make {
  return ([a, b]) => {
    if (a === undefined || b === undefined || a.type !== b.type) return undefined;
    if (a.type !== 'string' && a.type !== 'bool' && a.type !== 'number') return undefined;
    return two(a, b, (left, right) => (left === right) === same);
  };
}

function order(holds: (a: number, b: number) => boolean): Make {
  return ([a, b]) =>
    a?.type === 'number' && b?.type === 'number'
      ? two(a, b, (left, right) => holds(left as number, right as number))
      : undefined;
}

function texts(holds: (a: string, b: string) => boolean): Make {
  return ([a, b]) =>
    a?.type === 'string' && b?.type === 'string'
      ? two(a, b, (left, right) => holds(left as string, right as string))
      : undefined;
}

/** `&&` ends at the first false, `||` at the first true; an error counts only where nothing ends it. */
function junction(ends: boolean): Make {
  return (args) => {
    if (args.some(({ type }) => type !== 'bool')) return undefined;
    const runs = args.map(({ run }) => run);
    return {
      type: 'bool',
      run: (words) => {
        let answer: unknown = !ends;
        for (const run of runs) {
          const said = run(words);
          if (said === ends) return ends;
          if (said === failed) answer = failed;
        }
        return answer;
      },
    };
  };
}

const calls: Readonly<Record<string, Make>> = {
  '_&&_': junction(false),
  '_||_': junction(true),
  '!_': ([a]) => {
    if (a?.type !== 'bool') return undefined;
    const { run } = a;
    return {
      type: 'bool',
      run: (words) => {
        const said = run(words);
        return said === failed ? failed : said === false;
      },
    };
  },
  '_==_': equality(true),
  '_!=_': equality(false),
  '_<_': order((a, b) => a < b),
  '_<=_': order((a, b) => a <= b),
  '_>_': order((a, b) => a > b),
  '_>=_': order((a, b) => a >= b),
  startsWith: texts((a, b) => a.startsWith(b)),
  endsWith: texts((a, b) => a.endsWith(b)),
  contains: texts((a, b) => a.includes(b)),
  '@in': ([item, list]) => {
    if (item?.type !== 'string' || list?.type !== 'strings') return undefined;
    if (list.constant === undefined) {
      return two(item, list, (value, values) => (values as readonly unknown[]).includes(value));
    }
    const known = new Set(list.constant as readonly unknown[]);
    return two(item, list, (value) => known.has(value));
  },
};

/** What a macro asks of each item, and the answer that ends it: `exists` at the first true, `all` at the first false. */
function shapeOf(fold: FoldExpr): { readonly asked: Expr; readonly ends: boolean } | undefined {
  const { accuInit, loopCondition, loopStep, result, accuVar } = fold;
  if (fold.iterVar2 !== '' || accuInit?.exprKind.case !== 'constExpr') return undefined;
  const start = accuInit.exprKind.value.constantKind;
  if (start.case !== 'boolValue' || !isVariable(result, accuVar)) return undefined;
  const ends = !start.value;
  const step = callOf(loopStep, ends ? '_||_' : '_&&_');
  const [before, asked, ...others] = step?.args ?? [];
  if (asked === undefined || others.length > 0 || !isVariable(before, accuVar)) return undefined;
  const inner = callOf(loopCondition, '@not_strictly_false')?.args[0];
  const goesOn = ends ? callOf(inner, '!_')?.args[0] : inner;
  return isVariable(goesOn, accuVar) ? { asked, ends } : undefined;
}

function callOf(expr: Expr | undefined, name: string): CallExpr | undefined {
  return expr?.exprKind.case === 'callExpr' && expr.exprKind.value.function === name
    ? expr.exprKind.value
    : undefined;
}

function isVariable(expr: Expr | undefined, name: string): boolean {
  return expr?.exprKind.case === 'identExpr' && expr.exprKind.value.name === name;
}
