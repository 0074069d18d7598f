import type { Builtin, Context } from './builtin.ts';
import { Halt, type Meter, Wrong } from './meter.ts';
import { Decimal, numberOf } from './number.ts';
import { type Fields, indexIn, listOf, objectOf, textIn, Unusable } from './read.ts';
import { decimalCost, dot, isList, RegoObject, RegoSet, same, type Value } from './value.ts';

// OPA's intermediate representation (openpolicyagent.org/docs/ir) made into functions. A statement that is undefined leaves
// its block; `break` leaves as many more as it says. Statements count against the meter, block by block.

export type Locals = (Value | undefined)[];

/** Everything that changes in one evaluation. */
export interface Run {
  readonly meter: Meter;
  readonly context: Context;
  readonly results: Value[];
  depth: number;
  returned: Value | undefined;
  /** Answers of functions of nothing but input and data; another map where `with` changes these. */
  known: Map<Func, Value | undefined>;
}

/** NEXT, RETURN, or how many blocks around this one are left as well. */
type Op = (locals: Locals, run: Run) => number;
const NEXT = -1;
const RETURN = -2;

export interface Func {
  readonly params: readonly number[];
  blocks: readonly Op[];
  /** It asks for nothing but input and data. */
  readonly global: boolean;
}

/** What all functions of one plan share while it is compiled. */
export interface Program {
  readonly strings: readonly string[];
  readonly functions: ReadonlyMap<string, Func>;
  readonly byPath: ReadonlyMap<string, Func>;
  readonly builtins: ReadonlyMap<string, Builtin>;
  /** Whether a failing builtin ends the evaluation. */
  readonly strict: boolean;
}

const deepestCalls = 256;
const deepestBlocks = 256;

/** `path` of a function as one text. */
export function pathKey(path: readonly string[]): string {
  return JSON.stringify(path);
}

export function compileBlocks(program: Program, raw: unknown, depth = 0): readonly Op[] {
  if (depth > deepestBlocks) throw new Unusable('Its blocks are nested too deep');
  return listOf(raw, 'blocks').map((block) => compileBlock(program, block, depth));
}

function compileBlock(program: Program, raw: unknown, depth: number): Op {
  const ops = listOf(objectOf(raw, 'A block')['stmts'], 'stmts').map((each) => {
    const statement = objectOf(each, 'A statement');
    const type = textIn(statement['type'], 'type');
    const make = Object.hasOwn(statements, type) ? statements[type] : undefined;
    if (make === undefined)
      throw new Unusable(`It has a statement that is not known here: ${type.slice(0, 64)}`);
    return make(new Statement(program, objectOf(statement['stmt'], type), depth));
  });
  const cost = ops.length + 1;
  return (locals, run) => {
    run.meter.spend(cost);
    for (const op of ops) {
      const next = op(locals, run);
      if (next !== NEXT) return next;
    }
    return NEXT;
  };
}

/** Runs blocks one after the other: what one leaves undefined, the next may define. */
export function runBlocks(blocks: readonly Op[], locals: Locals, run: Run): number {
  for (const block of blocks) {
    const next = block(locals, run);
    if (next === RETURN) return RETURN;
    if (next > 0) return next - 1;
  }
  return NEXT;
}

function call(func: Func, args: readonly (Value | undefined)[], run: Run): Value | undefined {
  const memo = func.global ? run.known : undefined;
  if (memo?.has(func) === true) return memo.get(func);
  if (run.depth >= deepestCalls) throw new Halt('The policy calls itself, or calls too deep');
  run.depth += 1;
  const locals: Locals = [];
  const { params } = func;
  for (let at = 0; at < params.length; at++) locals[params[at] ?? 0] = args[at];
  const returned = runBlocks(func.blocks, locals, run) === RETURN ? run.returned : undefined;
  run.depth -= 1;
  memo?.set(func, returned);
  return returned;
}

type Operand = (locals: Locals) => Value | undefined;

/** One statement as it is written, with what it stands in. */
class Statement {
  readonly program: Program;
  readonly #fields: Fields;
  readonly #depth: number;

  constructor(program: Program, fields: Fields, depth: number) {
    this.program = program;
    this.#fields = fields;
    this.#depth = depth;
  }

  raw(name: string): unknown {
    return this.#fields[name];
  }

  local(name: string): number {
    return indexIn(this.#fields[name], name);
  }

  operand(name: string): Operand {
    return operandOf(this.program, this.#fields[name]);
  }

  block(): Op {
    return compileBlocks(this.program, [this.#fields['block']], this.#depth + 1)[0] ?? (() => NEXT);
  }

  blocks(): readonly Op[] {
    return compileBlocks(this.program, this.#fields['blocks'], this.#depth + 1);
  }

  text(name: string): string {
    return textIn(this.#fields[name], name);
  }

  get depth(): number {
    return this.#depth;
  }
}

function stringAt({ strings }: Program, raw: unknown): string {
  const text = strings[indexIn(raw, 'A string', strings.length)];
  if (text === undefined) throw new Unusable('It has no such string');
  return text;
}

function operandOf(program: Program, raw: unknown): Operand {
  const { type, value } = objectOf(raw, 'An operand');
  if (type === 'local') {
    const at = indexIn(value, 'A local');
    return (locals) => locals[at];
  }
  if (type === 'bool' && typeof value === 'boolean') return () => value;
  if (type !== 'string_index') throw new Unusable('It has an operand that is not known here');
  const text = stringAt(program, value);
  return () => text;
}

type Make = (statement: Statement) => Op;

function assigns(at: number, value: () => Value): Op {
  return (locals) => {
    locals[at] = value();
    return NEXT;
  };
}

function tests(at: number, holds: (value: Value | undefined) => boolean): Op {
  return (locals) => (holds(locals[at]) ? NEXT : 0);
}

const statements: Readonly<Record<string, Make>> = {
  ArrayAppendStmt: (of) => {
    const [value, array] = [of.operand('value'), of.local('array')];
    return (locals) => {
      const [item, list] = [value(locals), locals[array]];
      if (item === undefined || !isList(list)) return 0;
      // What was given is frozen, so this throws there; all else was made by MakeArrayStmt.
      (list as Value[]).push(item);
      return NEXT;
    };
  },
  AssignBooleanStmt: (of) => {
    const value = of.raw('value') === true;
    return assigns(of.local('target'), () => value);
  },
  AssignIntStmt: (of) => {
    const value = whole(of.raw('value'));
    return assigns(of.local('target'), () => value);
  },
  AssignVarStmt: (of) => {
    const [source, target] = [of.operand('source'), of.local('target')];
    return (locals) => {
      locals[target] = source(locals);
      return NEXT;
    };
  },
  AssignVarOnceStmt: (of) => {
    const [source, target] = [of.operand('source'), of.local('target')];
    return (locals, run) => {
      const [value, before] = [source(locals), locals[target]];
      if (value === undefined) return 0;
      if (before !== undefined && !same(before, value, run.meter))
        throw new Halt('A rule of the policy gives two different values');
      locals[target] = value;
      return NEXT;
    };
  },
  BlockStmt: (of) => {
    const blocks = of.blocks();
    return (locals, run) => runBlocks(blocks, locals, run);
  },
  BreakStmt: (of) => {
    const index = indexIn(of.raw('index'), 'index', of.depth + 1);
    return () => index;
  },
  CallStmt: (of) => {
    const args = listOf(of.raw('args'), 'args').map((each) => operandOf(of.program, each));
    const [name, target] = [of.text('func'), of.local('result')];
    const func = of.program.functions.get(name);
    if (func === undefined) return callBuiltin(of.program, name, args, target);
    if (args.length !== func.params.length) throw new Unusable(`It calls ${name} with other arguments`);
    return (locals, run) => {
      const given: (Value | undefined)[] = [];
      for (const arg of args) given.push(arg(locals));
      const value = call(func, given, run);
      locals[target] = value;
      return value === undefined ? 0 : NEXT;
    };
  },
  CallDynamicStmt: (of) => {
    const { program } = of;
    const args = listOf(of.raw('args'), 'args').map((each) => indexIn(each, 'A local'));
    const path = listOf(of.raw('path'), 'path').map((each) => operandOf(program, each));
    const target = of.local('result');
    return (locals, run) => {
      const names = path.map((each) => each(locals));
      if (!names.every((name) => typeof name === 'string')) return 0;
      const func = program.byPath.get(pathKey(names));
      const value =
        func === undefined || func.params.length !== args.length
          ? undefined
          : call(
              func,
              args.map((arg) => locals[arg]),
              run,
            );
      locals[target] = value;
      return value === undefined ? 0 : NEXT;
    };
  },
  DotStmt: (of) => {
    const [source, key, target] = [of.operand('source'), of.operand('key'), of.local('target')];
    return (locals, run) => {
      const [from, at] = [source(locals), key(locals)];
      const value = from === undefined || at === undefined ? undefined : dot(from, at, run.meter);
      locals[target] = value;
      return value === undefined ? 0 : NEXT;
    };
  },
  EqualStmt: (of) => {
    const [a, b] = [of.operand('a'), of.operand('b')];
    return (locals, run) => {
      const [left, right] = [a(locals), b(locals)];
      return left !== undefined && right !== undefined && same(left, right, run.meter) ? NEXT : 0;
    };
  },
  IsArrayStmt: (of) => {
    const source = of.operand('source');
    return (locals) => (isList(source(locals)) ? NEXT : 0);
  },
  IsObjectStmt: (of) => {
    const source = of.operand('source');
    return (locals) => (source(locals) instanceof RegoObject ? NEXT : 0);
  },
  IsSetStmt: (of) => {
    const source = of.operand('source');
    return (locals) => (source(locals) instanceof RegoSet ? NEXT : 0);
  },
  IsDefinedStmt: (of) => tests(of.local('source'), (value) => value !== undefined),
  IsUndefinedStmt: (of) => tests(of.local('source'), (value) => value === undefined),
  LenStmt: (of) => {
    const [source, target] = [of.operand('source'), of.local('target')];
    return (locals) => {
      const value = source(locals);
      const length =
        typeof value === 'string' || isList(value)
          ? value.length
          : value instanceof RegoObject || value instanceof RegoSet
            ? value.size
            : undefined;
      if (length === undefined) return 0;
      locals[target] = length;
      return NEXT;
    };
  },
  MakeArrayStmt: (of) => assigns(of.local('target'), () => []),
  MakeNullStmt: (of) => assigns(of.local('target'), () => null),
  MakeNumberIntStmt: (of) => {
    const value = whole(of.raw('value'));
    return assigns(of.local('target'), () => value);
  },
  MakeNumberRefStmt: (of) => {
    const text = stringAt(of.program, of.raw('Index') ?? of.raw('index'));
    if (!/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) throw new Unusable('It has a number that is none');
    const value = numberOf(text);
    return assigns(of.local('target'), () => value);
  },
  MakeObjectStmt: (of) => assigns(of.local('target'), () => new RegoObject()),
  MakeSetStmt: (of) => assigns(of.local('target'), () => new RegoSet()),
  NopStmt: () => () => NEXT,
  NotEqualStmt: (of) => {
    const [a, b] = [of.operand('a'), of.operand('b')];
    return (locals, run) => {
      const [left, right] = [a(locals), b(locals)];
      return left !== undefined && right !== undefined && !same(left, right, run.meter) ? NEXT : 0;
    };
  },
  NotStmt: (of) => {
    const block = of.block();
    return (locals, run) => {
      const next = block(locals, run);
      if (next === NEXT) return 0;
      return next === 0 ? NEXT : next === RETURN ? RETURN : next - 1;
    };
  },
  ObjectInsertStmt: (of) => {
    const [key, value, object] = [of.operand('key'), of.operand('value'), of.local('object')];
    return (locals, run) => {
      const [at, item, into] = [key(locals), value(locals), locals[object]];
      if (at === undefined || item === undefined || !(into instanceof RegoObject)) return 0;
      into.set(at, item, run.meter);
      return NEXT;
    };
  },
  ObjectInsertOnceStmt: (of) => {
    const [key, value, object] = [of.operand('key'), of.operand('value'), of.local('object')];
    return (locals, run) => {
      const [at, item, into] = [key(locals), value(locals), locals[object]];
      if (at === undefined || item === undefined || !(into instanceof RegoObject)) return 0;
      const before = into.get(at, run.meter);
      if (before === undefined) into.set(at, item, run.meter);
      else if (!same(before, item, run.meter))
        throw new Halt('A rule of the policy gives two values for one key');
      return NEXT;
    };
  },
  ObjectMergeStmt: (of) => {
    const [a, b, target] = [of.local('a'), of.local('b'), of.local('target')];
    return (locals, run) => {
      const [left, right] = [locals[a], locals[b]];
      if (left === undefined || right === undefined) return 0;
      locals[target] = merged(left, right, run.meter, 0);
      return NEXT;
    };
  },
  ResetLocalStmt: (of) => {
    const target = of.local('target');
    return (locals) => {
      locals[target] = undefined;
      return NEXT;
    };
  },
  ResultSetAddStmt: (of) => {
    const value = of.local('value');
    return (locals, run) => {
      const found = locals[value];
      if (found === undefined) return 0;
      run.results.push(found);
      return NEXT;
    };
  },
  ReturnLocalStmt: (of) => {
    const source = of.local('source');
    return (locals, run) => {
      run.returned = locals[source];
      return RETURN;
    };
  },
  ScanStmt: (of) => {
    const [source, key, value, block] = [of.local('source'), of.local('key'), of.local('value'), of.block()];
    return (locals, run) => {
      const found = locals[source];
      if (found === undefined) return 0;
      const entries = found instanceof RegoObject ? found.entries(run.meter) : undefined;
      const items = isList(found) ? found : found instanceof RegoSet ? found.items(run.meter) : [];
      const { length } = entries ?? items;
      for (let at = 0; at < length; at++) {
        const entry = entries?.[at];
        const item = entry === undefined ? items[at] : entry.value;
        locals[key] = entry === undefined ? (found instanceof RegoSet ? item : at) : entry.key;
        locals[value] = item;
        const next = block(locals, run);
        if (next === RETURN) return RETURN;
        if (next > 0) return next - 1;
      }
      return NEXT;
    };
  },
  SetAddStmt: (of) => {
    const [value, set] = [of.operand('value'), of.local('set')];
    return (locals, run) => {
      const [item, into] = [value(locals), locals[set]];
      if (item === undefined || !(into instanceof RegoSet)) return 0;
      into.add(item, run.meter);
      return NEXT;
    };
  },
  WithStmt: (of) => {
    const [local, value, block] = [of.local('local'), of.operand('value'), of.block()];
    const path = listOf(of.raw('path'), 'path').map((each) => stringAt(of.program, each));
    return (locals, run) => {
      const [before, known, put] = [locals[local], run.known, value(locals)];
      if (put === undefined && path.length > 0) return 0;
      // Nothing in place of all of it: there was no input before.
      locals[local] = put === undefined ? undefined : replaced(before, path, put, run.meter);
      run.known = new Map();
      const next = block(locals, run);
      locals[local] = before;
      run.known = known;
      return next > 0 ? next - 1 : next;
    };
  },
};

function whole(raw: unknown): number {
  if (!Number.isSafeInteger(raw)) throw new Unusable('It has a number that is no whole one');
  return Number(raw);
}

/** What looking at all of an argument once costs, in steps; what lies deeper is counted where it is looked at. */
function weight(value: Value): number {
  if (typeof value === 'string') return value.length >> 3;
  if (isList(value)) return value.length >> 2;
  if (value instanceof RegoObject || value instanceof RegoSet) return value.size >> 2;
  return value instanceof Decimal ? decimalCost : 0;
}

function callBuiltin(program: Program, name: string, args: readonly Operand[], target: number): Op {
  const builtin = program.builtins.get(name);
  if (builtin === undefined) throw new Unusable(`It calls ${name.slice(0, 64)}, which it does not hold`);
  const { strict } = program;
  const cost = name.startsWith('time.') ? 300 : 4; // zones are slow
  return (locals, run) => {
    const given: Value[] = [];
    for (const arg of args) {
      const value = arg(locals);
      if (value === undefined) {
        locals[target] = undefined;
        return 0;
      }
      run.meter.spend(weight(value));
      given.push(value);
    }
    run.meter.spend(cost);
    let value: Value | undefined;
    try {
      value = builtin(given, run.context);
    } catch (thrown) {
      if (!(thrown instanceof Wrong)) throw thrown;
      if (strict) throw new Halt(`The builtin ${name} failed: ${thrown.message}`, { cause: thrown });
    }
    if (typeof value === 'string') run.meter.spend(value.length >> 4);
    locals[target] = value;
    return value === undefined ? 0 : NEXT;
  };
}

/** Both together; what both have must be objects, too. */
function merged(left: Value, right: Value, meter: Meter, depth: number): Value {
  if (!(left instanceof RegoObject && right instanceof RegoObject) || depth > deepestBlocks)
    throw new Halt('The policy and its data give different values for one path');
  meter.spend(left.size + right.size);
  const made = left.copy();
  for (const { key, value } of right.unordered()) {
    const before = made.get(key, meter);
    made.set(key, before === undefined ? value : merged(before, value, meter, depth + 1), meter);
  }
  return made;
}

/** `value` at this path of `into`; what is no object on the way becomes one. */
function replaced(into: Value | undefined, path: readonly string[], value: Value, meter: Meter): Value {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const made = into instanceof RegoObject ? into.copy() : new RegoObject();
  meter.spend(made.size);
  made.set(name, replaced(made.named(name), rest, value, meter), meter);
  return made;
}
