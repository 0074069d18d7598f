import type { Decision, DecisionId, Denial, DenyCode, Permit, RuleRef } from './decision.ts';

/** The denial object of a decision that is not an allow. */
export function denialOf(decision: Decision, id: DecisionId): Denial {
  // Where no rule allows it, the rule that came nearest is the place to look.
  const rule = decision.because[0] ?? decision.nearest?.rule;
  const policy = decision.policy;
  return {
    class: decision.code ?? 'NO_ALLOW_RULE',
    ...placeOf(rule),
    policy: policy.commit === undefined ? policy.digest : `${policy.digest}@${policy.commit}`,
    why: decision.why,
    fix: decision.fix,
    retryable: false,
    decisionId: id,
  };
}

/** The denial of a permitted action whose answer ran into what a rule demands (`limit`). */
export function denialOfDemand(permit: Permit, code: DenyCode, demand: string, why: string): Denial {
  const rule = permit.because.find(({ demands }) => demands?.includes(demand) === true);
  return {
    ...denial(code, permit.id, why, ...(rule?.fix === undefined ? [] : [rule.fix])),
    ...placeOf(rule),
    retryable: false,
  };
}

function placeOf(rule: RuleRef | undefined): Pick<Denial, 'rule' | 'at'> {
  return rule === undefined ? {} : { rule: rule.id, at: `${rule.at.file}:${rule.at.line}:${rule.at.col}` };
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
