import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { Case } from './cases.ts';
import type { Part } from './condition.ts';
import type { MatchTest } from './match.ts';
import type { Rule } from './rule.ts';
import { chainOf, type Ruling } from './ruling.ts';
import type { Words } from './words.ts';

/** A question of a case. */
export interface Asked {
  readonly of: Case;
  readonly label: string;
  readonly question: Question;
}

/** How near the rules come to the questions of some cases. */
export interface Reach {
  /** Questions that a rule matches (`lacks` is undefined), and those that it would match but for one thing. */
  readonly near: ReadonlyMap<Rule, readonly Near[]>;
  /** The rules that match a question, for anybody in its chain. */
  readonly matching: ReadonlyMap<Question, ReadonlySet<Rule>>;
  /** `<rule> <part> <yes|no|error>`: what parts of conditions said where the rule's match held. */
  readonly seen: ReadonlySet<string>;
}

export interface Near {
  readonly asked: Asked;
  readonly lacks: MatchTest | Part | undefined;
}

/** Asks every rule about every question, each only until it is clear that two things are lacking. */
export function reach(ruling: Ruling, cases: readonly Case[]): Reach {
  const near = new Map<Rule, Near[]>();
  const matching = new Map<Question, Set<Rule>>();
  const seen = new Set<string>();
  const byKind = new Map<string, readonly Meeting[]>();
  const meeting = (kind: string): readonly Meeting[] => {
    const known = byKind.get(kind);
    if (known !== undefined) return known;
    const found = ruling.rules
      .filter((rule) => rule.enforce !== 'off' && rule.match.kinds.includes(kind))
      .map((rule): Meeting => ({ rule, tests: tellingFirst(rule) }));
    byKind.set(kind, found);
    return found;
  };
  for (const of of cases) {
    for (const { label, question } of of.questions) {
      const asked: Asked = { of, label, question };
      const matched = matching.get(question) ?? new Set<Rule>();
      matching.set(question, matched);
      for (const identity of chainOf(question.identity) ?? []) {
        let words: Words | undefined;
        for (const { rule, tests } of meeting(question.resource.kind)) {
          const lacking = failing(tests, question, identity);
          if (lacking.length > 1) continue;
          words ??= ruling.words(question, identity);
          const refused = rule.when === undefined ? [] : refusing(rule, words, lacking.length === 0, seen);
          const lacks = [...lacking, ...refused];
          if (lacks.length > 1) continue;
          if (lacks.length === 0) matched.add(rule);
          const all = near.get(rule) ?? [];
          near.set(rule, all);
          all.push({ asked, lacks: lacks[0] });
        }
      }
    }
  }
  return { near, matching, seen };
}

/** A rule that meets a kind, with the tests of its match in the order in which two that fail are found soonest. */
interface Meeting {
  readonly rule: Rule;
  readonly tests: readonly MatchTest[];
}

/** Most questions are asked by others than the rule is for, and do something else; the kind has been looked at. */
function tellingFirst({ match }: Rule): readonly MatchTest[] {
  const others = match.tests.filter(({ key }) => key !== 'resource.kind');
  const at = ({ key }: MatchTest): number => {
    if (key.startsWith('identity.')) return 0;
    return key === 'access' || key === 'action' ? 1 : 2;
  };
  return others.toSorted((a, b) => at(a) - at(b));
}

/** The tests that fail; two of them tell as much as all. */
function failing(tests: readonly MatchTest[], question: Question, identity: Identity): readonly MatchTest[] {
  let found: MatchTest[] = nothing;
  for (const test of tests) {
    if (test.passes(question, identity)) continue;
    if (found.length === 1) return [...found, test];
    found = [test];
  }
  return found;
}

const nothing: MatchTest[] = [];

/** The parts of its condition that are false. What fails counts as what holds: taken as a match, the rule is looked at closely. */
// oxlint-disable-next-line max-params
function refusing(rule: Rule, words: Words, matched: boolean, seen: Set<string>): readonly Part[] {
  words.params = rule.params;
  return (rule.when?.parts ?? []).filter((part, at) => {
    const said = part.ask(words);
    if (matched) seen.add(`${rule.ref.id} ${at} ${said}`);
    return said === 'no';
  });
}
