import type { Decision, DecisionId, Denial, DenyCode } from './decision.ts';

/** The denial object of a decision that is not an allow. */
export function denialOf(decision: Decision, id: DecisionId): Denial {
  const rule = decision.because[0];
  const policy = decision.policy;
  return {
    class: decision.code ?? 'NO_ALLOW_RULE',
    ...(rule === undefined ? {} : { rule: rule.id, at: `${rule.at.file}:${rule.at.line}:${rule.at.col}` }),
    policy: policy.commit === undefined ? policy.digest : `${policy.digest}@${policy.commit}`,
    why: decision.why,
    fix: decision.fix,
    retryable: false,
    decisionId: id,
  };
}

/** A denial that no rule made: a limit, a sign-in, something not supported. */
export function denial(
  code: DenyCode,
  decisionId: DecisionId | string,
  why: string,
  ...fix: readonly string[]
): Denial {
  return { class: code, why, fix, retryable: code === 'LIMIT', decisionId };
}
