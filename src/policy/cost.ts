import { maxSteps } from './evaluate.ts';
import type { Expr } from './typecheck.ts';

/** How long a list of a request is taken to be: of groups, targets, columns. What is longer, the run-time steps stop. */
const assumedLength = 64;

/** The rounds of macros that evaluating this takes at worst, where lists of requests have the assumed length. */
export function costOf(expr: Expr): number {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'callExpr': {
      const { target, args } = exprKind.value;
      return sum([...(target === undefined ? [] : [target]), ...args]);
    }
    case 'selectExpr':
      return sum(exprKind.value.operand === undefined ? [] : [exprKind.value.operand]);
    case 'listExpr':
      return sum(exprKind.value.elements);
    case 'comprehensionExpr': {
      const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
      const given = (...parts: readonly (Expr | undefined)[]): number =>
        sum(parts.filter((part) => part !== undefined));
      const rounds = iterRange === undefined ? assumedLength : lengthOf(iterRange);
      return given(iterRange, accuInit, result) + rounds * (1 + given(loopCondition, loopStep));
    }
    case 'structExpr': // refused by the type checker
    case 'identExpr':
    case 'constExpr':
    case undefined:
    default:
      return 0;
  }
}

/** What the author is told where a part may take more steps than there are; undefined where all is well. */
export function tooCostly(expr: Expr): { readonly message: string; readonly fix: string } | undefined {
  const cost = costOf(expr);
  if (cost <= maxSteps) return undefined;
  return {
    message: `This may take ${cost} steps, where lists of a request are ${assumedLength} long; ${maxSteps} are allowed`,
    fix: 'Nest fewer macros over lists of the request: compare with a literal list by `in`, or write two rules',
  };
}

function lengthOf(range: Expr): number {
  const { exprKind } = range;
  if (exprKind.case === 'listExpr') return exprKind.value.elements.length;
  // `filter` and `map` give at most as many as they were given.
  if (exprKind.case === 'comprehensionExpr' && exprKind.value.iterRange !== undefined)
    return lengthOf(exprKind.value.iterRange);
  return assumedLength;
}

function sum(exprs: readonly Expr[]): number {
  return exprs.reduce((total, expr) => total + costOf(expr), 0);
}
