import type { Decision, Place, RuleRef } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { LoadedPolicy } from './load.ts';
import type { Enforcement, Rule } from './rule.ts';
import { chainOf } from './ruling.ts';

/** Why a decision is what it is: what every rule that may concern it said, for everyone in the delegation chain. */
export interface Explanation {
  readonly decision: Decision;
  readonly identities: readonly IdentityExplanation[];
}

export interface IdentityExplanation {
  readonly subject: string;
  readonly kind: Identity['kind'];
  /** Those that matched first, then those that came near (at most three tests failed), nearest first. */
  readonly rules: readonly RuleExplanation[];
}

export interface RuleExplanation {
  readonly rule: RuleRef;
  readonly layer: string;
  readonly enforce: Enforcement;
  /** `exempt`: it would match, and an exemption takes it away. */
  readonly outcome: 'matched' | 'failed' | 'no-match' | 'exempt';
  readonly exemption?: string;
  /** What did not hold, as its author wrote it; never a value of the request. */
  readonly tests: readonly TestExplanation[];
}

export interface TestExplanation {
  readonly source: string;
  readonly at: Place;
  readonly outcome: 'yes' | 'no' | 'error';
}

const nearFailures = 3;

/** Asks every rule everything, where a decision stops at the first "no". For people, not for the hot path. */
export function explain(policy: LoadedPolicy, question: Question): Explanation {
  const chain = chainOf(question.identity) ?? [];
  return {
    decision: policy.decide(question),
    identities: chain.map((identity) => ({
      subject: identity.subject,
      kind: identity.kind,
      rules: rulesFor(policy, question, identity),
    })),
  };
}

function rulesFor(policy: LoadedPolicy, question: Question, identity: Identity): readonly RuleExplanation[] {
  return policy.ruling.rules
    .filter((rule) => rule.match.kinds.includes(question.resource.kind))
    .map((rule) => ({ rule, failures: 0, ...ask(policy, rule, question, identity) }))
    .map((each) => ({ ...each, failures: each.tests.filter((test) => test.outcome !== 'yes').length }))
    .filter((each) => each.outcome !== 'no-match' || each.failures <= nearFailures)
    .sort((a, b) => a.failures - b.failures || (a.rule.ref.id < b.rule.ref.id ? -1 : 1))
    .map(({ rule, outcome, exemption, tests }) => ({
      rule: rule.ref,
      layer: rule.layer,
      enforce: rule.enforce,
      outcome,
      ...(exemption === undefined ? {} : { exemption }),
      tests,
    }));
}

/** Everything about one rule for one identity: each test of its match, each part of its condition. */
export function ask(
  policy: LoadedPolicy,
  rule: Rule,
  question: Question,
  identity: Identity,
): Pick<RuleExplanation, 'outcome' | 'exemption' | 'tests'> {
  const tests: TestExplanation[] = rule.match.tests.map((test) => ({
    source: test.source,
    at: test.at,
    outcome: test.passes(question, identity) ? 'yes' : 'no',
  }));
  const words = policy.ruling.words(question, identity);
  words.params = rule.params;
  for (const part of rule.when?.parts ?? []) {
    tests.push({ source: part.source, at: part.at, outcome: part.ask(words) });
  }
  const exemption = policy.ruling.exemptions.find(
    (each) =>
      each.rule === rule.ref.id && question.at < each.expires && each.covers(identity, question.resource),
  );
  const outcome = tests.some((test) => test.outcome === 'no')
    ? 'no-match'
    : exemption !== undefined
      ? 'exempt'
      : tests.some((test) => test.outcome === 'error')
        ? 'failed'
        : 'matched';
  return { outcome, tests, ...(exemption === undefined ? {} : { exemption: exemption.id }) };
}
