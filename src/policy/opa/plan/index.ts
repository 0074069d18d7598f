import { messageOf } from '../../../base/errors.ts';
import { err, ok, type Result } from '../../../base/result.ts';
import type { Evaluation } from '../engine.ts';
import type { Builtin, Context } from './builtin.ts';
import { builtins } from './builtins/index.ts';
import { compileBlocks, type Func, pathKey, type Program, type Run, runBlocks } from './compile.ts';
import { Halt, Meter } from './meter.ts';
import { indexIn, listOf, objectOf, textIn, Unusable } from './read.ts';
import { fromJson, fromPlain, RegoObject, toJson, type Value } from './value.ts';

// Plans of OPA (`opa build -t plan`) evaluated in this process: no I/O, no clock but the question's, and an end after a number
// of steps, so that the same question has the same answer everywhere.

export interface PlanWanted {
  readonly plan: Uint8Array; // plan.json
  readonly data: Readonly<Record<string, unknown>>;
  readonly entrypoint: string;
  readonly deadlineMs: number;
  readonly strict: boolean;
}

/** A time limit in steps: about what a slow machine manages. */
const stepsPerMs = 10_000;
const mostSteps = 5_000_000;
const loadingSteps = 20_000_000;

/** Builtins whose answer is another one the next moment. */
const fleeting = ['time.now_ns'];

/** Compiles one entrypoint; the error says why it cannot be used. */
export function planEvaluation(wanted: PlanWanted): Result<Evaluation, string> {
  try {
    const { builtins: used, plans } = load(wanted.plan, wanted.strict);
    const evaluate = plans.get(wanted.entrypoint);
    if (evaluate === undefined)
      return err(
        `it has no entrypoint ${wanted.entrypoint}; it has ${[...plans.keys()].sort().slice(0, 20).join(', ')}`,
      );
    const data = fromPlain(wanted.data, new Meter(loadingSteps));
    const steps = Math.min(mostSteps, wanted.deadlineMs * stepsPerMs);
    const patterns = new Map<string, unknown>();
    return ok({
      ask: (input, at) => {
        try {
          const context = { meter: new Meter(steps), at, patterns };
          const found = resultOf(evaluate(fromJson(input, context.meter), data, context));
          return found === undefined
            ? { kind: 'failed', why: 'It has no result: the rule is undefined for this input' }
            : { kind: 'said', json: toJson(found, context.meter) };
        } catch (thrown) {
          // SECURITY: a message of anything but this evaluator may quote the request.
          return { kind: 'failed', why: thrown instanceof Halt ? thrown.message : 'The policy failed' };
        } finally {
          if (patterns.size > mostPatterns) patterns.clear();
        }
      },
      fleeting: used.some((name) => fleeting.includes(name)),
    });
  } catch (thrown) {
    return err(thrown instanceof Unusable || thrown instanceof Halt ? thrown.message : messageOf(thrown));
  }
}

const mostPatterns = 1_000;

/** The value of the one binding that a compiled entrypoint makes. */
function resultOf([first]: readonly Value[]): Value | undefined {
  return first instanceof RegoObject ? first.named('result') : undefined;
}

interface Loaded {
  readonly builtins: readonly string[];
  /** By entrypoint: what it finds, each as a mapping of names to values. Throws where it comes to no end. */
  readonly plans: ReadonlyMap<
    string,
    (input: Value | undefined, data: Value, context: Context) => readonly Value[]
  >;
}

/** @throws {Unusable} for what is no plan, or one that cannot be evaluated here. */
export function load(plan: Uint8Array, strict: boolean): Loaded {
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plan));
  } catch {
    throw new Unusable('its plan.json is no JSON');
  }
  const policy = objectOf(raw, 'plan.json');
  const held = objectOf(policy['static'] ?? {}, 'static');
  const strings = listOf(held['strings'], 'strings').map((each) =>
    textIn(objectOf(each, 'A string')['value'], 'A string'),
  );
  const wanted = listOf(held['builtin_funcs'], 'builtin_funcs').map((each) =>
    textIn(objectOf(each, 'A builtin')['name'], 'A builtin'),
  );
  const missing = wanted.filter((name) => !Object.hasOwn(builtins, name));
  if (missing.length > 0)
    throw new Unusable(
      `it calls builtins that are not supported here: ${missing.sort().slice(0, 20).join(', ')}`,
    );
  const raws = listOf(objectOf(policy['funcs'] ?? {}, 'funcs')['funcs'], 'funcs').map((each) =>
    objectOf(each, 'A function'),
  );
  const functions = new Map<string, Func>();
  const byPath = new Map<string, Func>();
  for (const each of raws) {
    const name = textIn(each['name'], 'name');
    const params = listOf(each['params'], 'params').map((param) => indexIn(param, 'A parameter'));
    if (functions.has(name)) throw new Unusable(`it has ${name.slice(0, 64)} twice`);
    const global = params.length === 2 && params[0] === 0 && params[1] === 1;
    const func: Func = { params, blocks: [], global };
    functions.set(name, func);
    const path = listOf(each['path'], 'path').map((part) => textIn(part, 'path'));
    if (path.length > 0) byPath.set(pathKey(path), func);
  }
  const own = new Map<string, Builtin>();
  for (const name of wanted) {
    const builtin = builtins[name];
    if (builtin !== undefined) own.set(name, builtin);
  }
  const program: Program = { strings, functions, byPath, builtins: own, strict };
  for (const each of raws) {
    const func = functions.get(textIn(each['name'], 'name'));
    if (func !== undefined) func.blocks = compileBlocks(program, each['blocks']);
  }
  const plans = listOf(objectOf(policy['plans'] ?? {}, 'plans')['plans'], 'plans').map((each) => {
    const { name, blocks: raw } = objectOf(each, 'A plan');
    const blocks = compileBlocks(program, raw);
    const evaluate = (input: Value | undefined, data: Value, context: Context): readonly Value[] => {
      const run: Run = {
        context,
        meter: context.meter,
        results: [],
        depth: 0,
        returned: undefined,
        known: new Map(),
      };
      runBlocks(blocks, [input, data], run);
      return run.results;
    };
    return [textIn(name, 'name'), evaluate] as const;
  });
  return { builtins: wanted, plans: new Map(plans) };
}
