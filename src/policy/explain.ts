import type { Decision } from '../core/decision.ts';
import type { IdentityExplanation, RuleExplanation, TestExplanation } from '../core/explanation.ts';
import type { Identity } from '../core/identity.ts';
import type { Policy, Question } from '../core/ports.ts';
import { grantFor, termsText } from './on-request.ts';
import { factsOf, readByKey } from './reads.ts';
import type { Rule } from './rule.ts';
import { chainOf, type Ruling } from './ruling.ts';

/** Why a decision is what it is: what every rule that may concern it said, for everyone in the delegation chain. */
export interface Explanation {
  readonly decision: Decision;
  readonly identities: readonly IdentityExplanation[];
}

const nearFailures = 3;

/** Asks every rule everything, where a decision stops at the first "no". For people, not for the hot path. */
export function explain(policy: Explainable, question: Question): Explanation {
  return { decision: policy.decide(question), identities: said(policy.ruling, question) };
}

type Explainable = Pick<Policy, 'decide'> & { readonly ruling: Ruling };

/** The same without the decision. */
export function said(ruling: Ruling, question: Question): readonly IdentityExplanation[] {
  return (chainOf(question.identity) ?? []).map((identity, at) => ({
    subject: identity.subject,
    kind: identity.kind,
    rules: [...foreign(ruling, question, identity, at), ...rulesFor({ ruling }, question, identity)],
  }));
}

/** What layers of OPA say: one line for all that the entrypoint gave, since nothing is seen of its rules. */
// oxlint-disable-next-line max-params
function foreign(
  ruling: Ruling,
  question: Question,
  identity: Identity,
  at: number,
): readonly RuleExplanation[] {
  return (ruling.opa ?? [])
    .filter(({ judges }) => judges(question.resource.kind))
    .flatMap((layer) => {
      const { allows, denies, requires, failed, silent } = layer.hear(question, identity, at);
      const said = [denies, failed, allows, requires].filter((rule) => rule !== undefined);
      const spoken = said.map(({ ref, enforce }) => ({
        rule: ref,
        layer: layer.name,
        enforce,
        outcome: failed === undefined ? ('matched' as const) : ('failed' as const),
        tests: [],
      }));
      if (silent === undefined) return spoken;
      return [
        ...spoken,
        {
          rule: silent,
          layer: layer.name,
          enforce: 'enforce' as const,
          outcome: 'no-match' as const,
          tests: [],
        },
      ];
    });
}

function rulesFor(
  policy: Pick<Explainable, 'ruling'>,
  question: Question,
  identity: Identity,
): readonly RuleExplanation[] {
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
  policy: Pick<Explainable, 'ruling'>,
  rule: Rule,
  question: Question,
  identity: Identity,
): Pick<RuleExplanation, 'outcome' | 'exemption' | 'tests'> {
  const tests: TestExplanation[] = rule.match.tests.map((test) => ({
    source: test.source,
    at: test.at,
    outcome: test.passes(question, identity) ? 'yes' : 'no',
    facts: factsOf([readByKey[test.key]], question, identity, rule),
  }));
  const words = policy.ruling.words(question, identity);
  words.params = rule.params;
  for (const part of rule.when?.parts ?? []) {
    tests.push({
      source: part.source,
      at: part.at,
      outcome: part.ask(words),
      facts: factsOf(part.reads, question, identity, rule),
    });
  }
  if (rule.onRequest !== undefined) {
    tests.push({
      source: `onRequest: ${termsText(rule.onRequest)}`,
      at: rule.ref.at,
      outcome: grantFor(rule, question) === undefined ? 'no' : 'yes',
      facts: [],
    });
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
