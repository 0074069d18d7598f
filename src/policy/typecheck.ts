import type { parse } from '@bufbuild/cel';
import { RE2JS } from 're2js';
import { messageOf } from '../base/errors.ts';
import { nearest } from '../base/check.ts';
import { functions } from './functions.ts';
import type { ProblemCode } from './problem.ts';
import { bool, comparable, double, dyn, int, join, show, string, type Type } from './types.ts';

type Parsed = ReturnType<typeof parse>;
export type Expr = Parsed['expr'];

/** Something wrong at an offset of the condition's text. */
export interface TypeProblem {
  readonly code: ProblemCode;
  readonly offset: number;
  readonly length: number;
  readonly message: string;
  readonly fix?: string;
}

export interface Typed {
  readonly problems: readonly TypeProblem[];
  /** It reads the clock or a fact of this one session. */
  readonly fleeting: boolean;
  /** The attribute paths it can read: `action.byKey`, `identity.mfa`. */
  readonly reads: ReadonlySet<string>;
}

/** CEL's own limit is none; a comprehension in a comprehension in a comprehension is where conditions stop being readable. */
const maxNesting = 3;

/** Checks a parsed condition against the words it may use. */
export function typecheck(parsed: Parsed, words: ReadonlyMap<string, Type>): Typed {
  const checker = new Checker(parsed, words);
  const type = checker.infer(parsed.expr, new Map());
  if (type.kind !== 'bool' && type.kind !== 'dyn') {
    checker.complain('SP-T102', parsed.expr, `A condition is true or false, this is ${show(type)}`);
  }
  checker.unguarded();
  return { problems: checker.problems, fleeting: checker.fleeting, reads: checker.reads };
}

type Scope = ReadonlyMap<string, Type>;

class Checker {
  readonly problems: TypeProblem[] = [];
  readonly reads: Set<string> = new Set();
  fleeting = false;
  readonly #positions: Readonly<Record<string, number>>;
  readonly #words: ReadonlyMap<string, Type>;
  readonly #guards: Set<string> = new Set();
  readonly #optional: { readonly path: string; readonly expr: Expr }[] = [];
  #nesting = 0;

  constructor(parsed: Parsed, words: ReadonlyMap<string, Type>) {
    this.#positions = parsed.sourceInfo?.positions ?? {};
    this.#words = words;
  }

  /** The type of an expression; `dyn` after a problem, so that one fault is told once. */
  infer(expr: Expr, scope: Scope): Type {
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'constExpr':
        return constant(exprKind.value.constantKind.case);
      case 'identExpr':
        return this.#ident(expr, exprKind.value.name, scope);
      case 'selectExpr':
        return this.#select(expr, exprKind.value, scope);
      case 'callExpr':
        return this.#call(expr, exprKind.value, scope);
      case 'listExpr':
        return this.#list(expr, exprKind.value.elements, scope);
      case 'comprehensionExpr':
        return this.#comprehension(expr, exprKind.value, scope);
      case 'structExpr':
        return this.complain('SP-T102', expr, 'Mappings cannot be written in conditions');
      case undefined:
      default:
        return this.complain('SP-T100', expr, 'Not an expression');
    }
  }

  /** Every attribute that may be absent must be asked for with `has()` somewhere in the condition. */
  unguarded(): void {
    for (const { path, expr } of this.#optional) {
      if (this.#guards.has(path)) continue;
      this.complain('SP-T104', expr, `\`${path}\` may be absent`, `has(${path}) && …`);
    }
  }

  complain(code: ProblemCode, expr: Expr, message: string, fix?: string): Type {
    const offset = this.#start(expr);
    this.problems.push({
      code,
      offset,
      length: Math.max(1, this.#end(expr) - offset),
      message,
      ...(fix === undefined ? {} : { fix }),
    });
    return dyn;
  }

  #ident(expr: Expr, name: string, scope: Scope): Type {
    const type = scope.get(name) ?? this.#words.get(name);
    if (type === undefined) {
      const known = [...scope.keys(), ...this.#words.keys()].filter((word) => !word.startsWith('@'));
      const near = nearest(name, known);
      return this.complain(
        'SP-T101',
        expr,
        `Unknown word \`${name}\`${near === undefined ? '' : ` (did you mean \`${near}\`?)`}`,
        near === undefined ? `Words here: ${known.join(', ')}` : `${name} → ${near}`,
      );
    }
    if (!scope.has(name)) {
      this.reads.add(name);
      if (name === 'now') this.fleeting = true;
    }
    return type;
  }

  #select(expr: Expr, select: SelectExpr, scope: Scope): Type {
    if (select.operand === undefined) return this.complain('SP-T100', expr, 'Not an expression');
    const of = this.infer(select.operand, scope);
    if (of.kind === 'dyn') return select.testOnly ? bool : dyn;
    if (of.kind === 'map') return select.testOnly ? bool : of.of;
    if (of.kind !== 'object') {
      return this.complain('SP-T102', expr, `${show(of)} has no attributes, so not \`${select.field}\``);
    }
    const field = of.fields.get(select.field);
    const path = pathOf(select.operand);
    const here = path === undefined ? undefined : `${path}.${select.field}`;
    if (field === undefined) {
      const known = [...of.fields.keys()];
      const near = nearest(select.field, known);
      const shown = here ?? `.${select.field}`;
      const declared =
        here === `identity.${select.field}`
          ? `; further facts are declared in schema.yaml: identity: { ${select.field}: boolean }, or string, number`
          : '';
      return this.complain(
        'SP-T101',
        expr,
        `Unknown attribute \`${shown}\`${near === undefined ? '' : ` (did you mean \`${path ?? ''}.${near}\`?)`}`,
        near === undefined
          ? `${of.name} has: ${known.join(', ')}${declared}`
          : `${shown} → ${path ?? ''}.${near}`,
      );
    }
    if (field.fleeting === true) this.fleeting = true;
    if (here !== undefined && !scope.has(here.split('.')[0] ?? '')) this.reads.add(here);
    if (select.testOnly) {
      if (here !== undefined) this.#guards.add(here);
      return bool;
    }
    if (field.optional === true && here !== undefined) this.#optional.push({ path: here, expr });
    return field.type;
  }

  #call(expr: Expr, call: CallExpr, scope: Scope): Type {
    const args = call.args.map((arg) => this.infer(arg, scope));
    const on = call.target === undefined ? undefined : this.infer(call.target, scope);
    const [a = dyn, b = dyn, c = dyn] = args;
    switch (call.function) {
      case '_==_':
      case '_!=_':
        this.#among(call.args[1], a, b);
        this.#among(call.args[0], b, a);
        return comparable(a, b) ? bool : this.#unfit(expr, `${show(a)} and ${show(b)} are never equal`);
      case '@in':
        return this.#in(expr, call, a, b);
      case '_?_:_':
        if (!fits(a, bool)) return this.#unfit(expr, `The question before \`?\` is ${show(a)}`);
        return join(b, c) ?? this.#unfit(expr, `The two answers are ${show(b)} and ${show(c)}`);
      case '_[_]':
        return this.#index(expr, a, b);
      case '_+_':
        if (a.kind === 'list' && b.kind === 'list') {
          return join(a, b) ?? this.#unfit(expr, `Lists of ${show(a.of)} and ${show(b.of)} do not join`);
        }
        return this.#overload(expr, call, args, on);
      default:
        return this.#overload(expr, call, args, on);
    }
  }

  #overload(expr: Expr, call: CallExpr, args: readonly Type[], on: Type | undefined): Type {
    const overloads = Object.hasOwn(functions, call.function) ? functions[call.function] : undefined;
    if (overloads === undefined) {
      const named = Object.keys(functions).filter((name) => /^[a-z]/i.test(name));
      const near = nearest(call.function, named);
      return this.complain(
        'SP-T105',
        expr,
        `Unknown function \`${call.function}\`${near === undefined ? '' : ` (did you mean \`${near}\`?)`}`,
        near === undefined ? undefined : `${call.function} → ${near}`,
      );
    }
    if (call.function === 'matches') this.#pattern(call.args[0]);
    const found = overloads.find(
      (overload) =>
        (overload.on === undefined) === (on === undefined) &&
        (overload.on === undefined || on === undefined || fits(on, overload.on)) &&
        overload.args.length === args.length &&
        overload.args.every((arg, at) => fits(args[at] ?? dyn, arg)),
    );
    if (found !== undefined) return found.gives;
    const given = args.map(show).join(', ');
    return this.#unfit(
      expr,
      `${operator(call.function)} does not take ${on === undefined ? '' : `${show(on)}.`}(${given})`,
    );
  }

  #in(expr: Expr, call: CallExpr, item: Type, list: Type): Type {
    if (list.kind === 'dyn') return bool;
    if (list.kind === 'map') {
      return fits(item, string) ? bool : this.#unfit(expr, `Keys are texts, not ${show(item)}`);
    }
    if (list.kind !== 'list') return this.#unfit(expr, `\`in\` looks into a list, not into ${show(list)}`);
    const literal = call.args[1]?.exprKind;
    if (literal?.case === 'listExpr') {
      for (const element of literal.value.elements) this.#among(element, item, string);
    }
    this.#among(call.args[0], list.of, string);
    return comparable(item, list.of) ? bool : this.#unfit(expr, `A ${show(item)} is never in ${show(list)}`);
  }

  #index(expr: Expr, of: Type, key: Type): Type {
    if (of.kind === 'dyn') return dyn;
    if (of.kind === 'list') {
      return fits(key, int) ? of.of : this.#unfit(expr, `A list is indexed by int, not ${show(key)}`);
    }
    if (of.kind === 'map') {
      return fits(key, string) ? of.of : this.#unfit(expr, `A map is indexed by string, not ${show(key)}`);
    }
    // `identity["mfa"]` would go round the check of names.
    return this.#unfit(expr, `${show(of)} is read by name: write \`.attribute\``);
  }

  #list(expr: Expr, elements: readonly Expr[], scope: Scope): Type {
    let of: Type = dyn;
    for (const element of elements) {
      const type = this.infer(element, scope);
      const joined = join(of, type);
      if (joined === undefined) return this.#unfit(expr, `The list mixes ${show(of)} and ${show(type)}`);
      of = joined;
    }
    return { kind: 'list', of };
  }

  #comprehension(expr: Expr, fold: FoldExpr, scope: Scope): Type {
    const { iterRange, accuInit, loopCondition, loopStep, result } = fold;
    if (
      iterRange === undefined ||
      accuInit === undefined ||
      loopCondition === undefined ||
      loopStep === undefined ||
      result === undefined ||
      fold.iterVar2 !== ''
    ) {
      return this.complain('SP-T100', expr, 'This macro is not supported');
    }
    if (this.#words.has(fold.iterVar)) {
      return this.complain('SP-T102', expr, `\`${fold.iterVar}\` is a word already: name it otherwise`);
    }
    if (this.#nesting >= maxNesting) {
      return this.complain('SP-T106', expr, `More than ${maxNesting} macros inside one another`);
    }
    const range = this.infer(iterRange, scope);
    if (range.kind !== 'list' && range.kind !== 'map' && range.kind !== 'dyn') {
      return this.#unfit(expr, `A macro runs over a list or a map, not over ${show(range)}`);
    }
    const item = range.kind === 'list' ? range.of : range.kind === 'map' ? string : dyn;
    this.#nesting += 1;
    const started = this.infer(accuInit, scope);
    const inner = new Map(scope).set(fold.iterVar, item).set(fold.accuVar, started);
    const stepped = this.infer(loopStep, inner);
    const accu = join(started, stepped) ?? dyn;
    inner.set(fold.accuVar, accu);
    this.infer(loopCondition, inner);
    const type = this.infer(result, inner);
    this.#nesting -= 1;
    return type;
  }

  /** A literal compared with a text of known values must be one of them. */
  #among(literal: Expr | undefined, other: Type, own: Type): void {
    const of = own.kind === 'string' && other.kind === 'string' ? other.values : undefined;
    if (of === undefined || literal?.exprKind.case !== 'constExpr') return;
    const { constantKind } = literal.exprKind.value;
    if (constantKind.case !== 'stringValue' || of.includes(constantKind.value)) return;
    const near = nearest(constantKind.value, of);
    this.complain(
      'SP-T107',
      literal,
      `Never "${constantKind.value}"${near === undefined ? `: it is ${of.slice(0, 12).join(', ')}` : ` (did you mean "${near}"?)`}`,
    );
  }

  /** SECURITY: patterns are literals, so that they are checked here and never come from a client. */
  #pattern(arg: Expr | undefined): void {
    if (arg === undefined) return;
    const kind = arg.exprKind.case === 'constExpr' ? arg.exprKind.value.constantKind : undefined;
    if (kind?.case !== 'stringValue') {
      this.complain('SP-T103', arg, 'The pattern of matches() is a literal text');
      return;
    }
    try {
      RE2JS.compile(kind.value);
    } catch (thrown) {
      this.complain('SP-T103', arg, `Not a valid RE2 pattern: ${messageOf(thrown)}`);
    }
  }

  #unfit(expr: Expr, message: string): Type {
    return this.complain('SP-T102', expr, message);
  }

  #start(expr: Expr): number {
    const own = this.#positions[String(expr.id)] ?? 0;
    const { exprKind } = expr;
    if (exprKind.case === 'selectExpr' && exprKind.value.operand !== undefined) {
      return Math.min(own, this.#start(exprKind.value.operand));
    }
    if (exprKind.case === 'callExpr') {
      const first = exprKind.value.target ?? exprKind.value.args[0];
      return first === undefined ? own : Math.min(own, this.#start(first));
    }
    return own;
  }

  #end(expr: Expr): number {
    const own = this.#positions[String(expr.id)] ?? 0;
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'selectExpr':
        return own + 1 + exprKind.value.field.length;
      case 'identExpr':
        return own + exprKind.value.name.length;
      case 'callExpr': {
        const last = exprKind.value.args.at(-1);
        return last === undefined ? own + 1 : Math.max(own + 1, this.#end(last));
      }
      case 'constExpr': {
        const { constantKind } = exprKind.value;
        return own + (constantKind.case === 'stringValue' ? constantKind.value.length + 2 : 1);
      }
      case 'listExpr':
      case 'structExpr':
      case 'comprehensionExpr':
      case undefined:
      default:
        return own + 1;
    }
  }
}

type SelectExpr = Extract<Expr['exprKind'], { case: 'selectExpr' }>['value'];
type CallExpr = Extract<Expr['exprKind'], { case: 'callExpr' }>['value'];
type FoldExpr = Extract<Expr['exprKind'], { case: 'comprehensionExpr' }>['value'];

/** Whether a value of this type may stand where the other is wanted. */
function fits(given: Type, wanted: Type): boolean {
  if (given.kind === 'dyn' || wanted.kind === 'dyn') return true;
  if (given.kind === 'list' && wanted.kind === 'list') return fits(given.of, wanted.of);
  return given.kind === wanted.kind;
}

function constant(kind: string | undefined): Type {
  switch (kind) {
    case 'boolValue':
      return bool;
    case 'int64Value':
      return int;
    case 'uint64Value':
      return { kind: 'uint' };
    case 'doubleValue':
      return double;
    case 'stringValue':
      return string;
    case 'bytesValue':
      return { kind: 'bytes' };
    case 'nullValue':
      return { kind: 'null' };
    case undefined:
    default:
      return dyn;
  }
}

/** `identity.actingFor.subject` of a chain of names; undefined for anything else. */
function pathOf(expr: Expr): string | undefined {
  const { exprKind } = expr;
  if (exprKind.case === 'identExpr') return exprKind.value.name;
  if (exprKind.case !== 'selectExpr' || exprKind.value.operand === undefined) return undefined;
  const path = pathOf(exprKind.value.operand);
  return path === undefined ? undefined : `${path}.${exprKind.value.field}`;
}

function operator(name: string): string {
  return `\`${name.replaceAll('_', ' ').trim()}\``;
}
