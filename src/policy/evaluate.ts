import { type CelInput, celEnv, celFunc, CelScalar, parse, plan } from '@bufbuild/cel';
import { RE2JS } from 're2js';
import type { Expr } from './typecheck.ts';

/** Rounds of macros in one evaluation; each costs about a microsecond. */
export const maxSteps = 20_000;

/** Evaluates expressions with a meter in each macro. Not re-entrant, and needs not be: evaluation is synchronous. */
export interface Evaluator {
  /**
   * What gives an expression's value; the tree is changed. The value may be an error of CEL's.
   *
   * @throws whatever CEL throws, and a RangeError when the steps have run out.
   */
  readonly planned: (expr: Expr) => (words: Readonly<Record<string, CelInput>>) => unknown;
}

/** One evaluator, with patterns that take linear time. `namespace` is CEL's container, for its conformance cases. */
export function evaluator(namespace?: string): Evaluator {
  const meter = { steps: 0 };
  const patterns = new Map<string, RE2JS>();
  const env = celEnv({
    ...(namespace === undefined ? {} : { namespace }),
    funcs: [
      // SECURITY: every round of every macro passes here (see `metered`), so that no data of a client makes a decision endless.
      celFunc(step, [], CelScalar.BOOL, () => {
        meter.steps += 1;
        return meter.steps <= maxSteps;
      }),
    ],
    re2: {
      compile: (pattern) => {
        const known = patterns.get(pattern);
        if (known !== undefined) return known;
        const compiled = RE2JS.compile(pattern);
        patterns.set(pattern, compiled); // patterns are literals of the policy: as many as it has
        return compiled;
      },
    },
  });
  return {
    planned: (expr) => {
      const ask = plan(env, metered(expr));
      return (words) => {
        meter.steps = 0;
        const value = ask(words);
        if (meter.steps > maxSteps) throw new RangeError('The steps have run out');
        return value;
      };
    },
  };
}

// No user can call it: the type checker, which runs before, does not know it.
const step = '__step';

/** `__step()`, and an `&&` to put it into. */
function meterCall(): readonly [Expr, Extract<Expr['exprKind'], { case: 'callExpr' }>] {
  const { exprKind } = meterShape;
  if (exprKind.case !== 'callExpr') throw new TypeError('The shape of the meter is no call');
  const [call] = exprKind.value.args;
  if (call === undefined) throw new TypeError('The shape of the meter has no call');
  return [call, { case: 'callExpr', value: { ...exprKind.value } }];
}

const meterShape: Expr = parse(`${step}() && true`).expr;

/** The same expression, with the meter in the loop condition of each macro. */
function metered(expr: Expr): Expr {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'callExpr':
      if (exprKind.value.target !== undefined) metered(exprKind.value.target);
      exprKind.value.args.forEach(metered);
      return expr;
    case 'selectExpr':
      if (exprKind.value.operand !== undefined) metered(exprKind.value.operand);
      return expr;
    case 'listExpr':
      exprKind.value.elements.forEach(metered);
      return expr;
    case 'comprehensionExpr': {
      const fold = exprKind.value;
      for (const inner of [fold.iterRange, fold.accuInit, fold.loopCondition, fold.loopStep, fold.result]) {
        if (inner !== undefined) metered(inner);
      }
      const [call, and] = meterCall();
      if (fold.loopCondition !== undefined) and.value.args = [call, fold.loopCondition];
      fold.loopCondition = { ...expr, exprKind: and };
      return expr;
    }
    case 'structExpr': // refused by the type checker
    case 'identExpr':
    case 'constExpr':
    case undefined:
    default:
      return expr;
  }
}
