import type { ColumnRef } from '../core/action.ts';
import type { Decision, Place } from '../core/decision.ts';
import type { Question } from '../core/ports.ts';
import { type Case, casePath, readCases } from './cases.ts';
import { decider } from './decide.ts';
import { disappointments, type Expectation } from './expectation.ts';
import type { LoadedPolicy } from './load.ts';
import { asGranted } from './on-request.ts';
import { Problems } from './problem.ts';
import type { PolicyProblem } from './problem.ts';
import { reach, type Reach } from './reach.ts';

/** What came of running all cases of a policy. */
export interface Trial {
  readonly cases: readonly Case[];
  readonly results: readonly CaseResult[];
  /** Of test files that could not be read. */
  readonly problems: readonly PolicyProblem[];
  readonly coverage: Coverage;
  readonly reach: Reach;
}

export interface CaseResult {
  readonly name: string;
  readonly at: Place;
  /** One line for each expectation that was not met; empty: passed. */
  readonly failures: readonly string[];
  /** The questions that were answered otherwise than expected. */
  readonly missed: readonly Miss[];
}

/** A question of a case, and how its answer differs from what the case expects. */
export interface Miss {
  readonly label: string; // `ana sql.select`
  readonly question: Question;
  readonly decision: Decision;
  readonly lines: readonly string[];
}

export interface Coverage {
  readonly rules: { readonly covered: number; readonly all: number; readonly missing: readonly string[] };
  /** Each part of each condition, once seen true and once false. */
  readonly conditions: {
    readonly covered: number;
    readonly all: number;
    readonly missing: readonly { readonly rule: string; readonly part: string; readonly at: Place }[];
  };
}

/** Reads `tests/*.test.yaml` among the files and asks the policy every question in them. */
export function runTrial(policy: LoadedPolicy, files: ReadonlyMap<string, string>): Trial {
  const problems = new Problems();
  const words = { kinds: policy.ruling.kinds, identity: policy.schema.identity };
  const cases = [...files]
    .filter(([path]) => path.startsWith('tests/'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, source]) => {
      if (casePath.test(path)) {
        const read = readCases(path, source, words, problems);
        return read.map((each) => withGrants(policy, each, problems));
      }
      problems.add('SP-Y007', { file: path, line: 1, col: 1 }, 'This file is not read', {
        fix: 'Tests are `tests/<name>.test.yaml`',
      });
      return [];
    });
  const reached = reach(policy.ruling, cases);
  const deciding = new Set<string>();
  const hearing =
    (decide: Judge['decide']): Judge['decide'] =>
    (question) => {
      const decision = decide(question);
      for (const rule of decision.because) deciding.add(rule.id);
      for (const rule of decision.wouldBe) deciding.add(rule.id);
      return decision;
    };
  const whole = { decide: hearing(policy.decide), tagsOf: policy.tagsOf };
  const quick = { ...whole, decide: hearing(decider(policy.ruling, { nearest: false })) };
  /** To look for the nearest rule takes longer than to decide: it is done where it is asked for, or will be shown. */
  const judged = (each: Case): CaseResult => {
    if (namesNearest(each.expect)) return judgeCase(whole, each);
    const result = judgeCase(quick, each);
    return result.failures.length === 0 ? result : judgeCase(whole, each);
  };
  return {
    cases,
    results: cases.map(judged),
    problems: problems.list,
    coverage: coverage(policy, deciding, reached),
    reach: reached,
  };
}

/** The case's questions, as asked by who has been granted what it says. */
function withGrants({ ruling }: LoadedPolicy, each: Case, problems: Problems): Case {
  const rules = (each.granted ?? []).flatMap(({ rule: id, at }) => {
    const rule = ruling.rules.find(({ ref }) => ref.id === id);
    if (rule?.onRequest !== undefined) return [rule];
    problems.add('SP-Y004', at, `There is no rule \`${id}\` with \`onRequest\``);
    return [];
  });
  if (rules.length === 0) return each;
  const questions = each.questions.map(({ label, question }) => ({
    label,
    question: asGranted(question, rules),
  }));
  return { ...each, questions };
}

/** Whether what a case expects of a denial hangs on the rule that came nearest. */
export function namesNearest({ nearest, entry }: Expectation): boolean {
  return nearest !== undefined || entry?.['denial'] !== undefined;
}

export type Judge = Pick<LoadedPolicy, 'tagsOf'> & { readonly decide: (question: Question) => Decision };

export function judgeCase(policy: Judge, each: Case): CaseResult {
  const missed = each.questions
    .map(({ label, question }): Miss => {
      const decision = policy.decide(question);
      const tags = (column: ColumnRef): readonly string[] => policy.tagsOf(question.resource, column);
      return { label, question, decision, lines: disappointments(each.expect, { question, decision }, tags) };
    })
    .filter(({ lines }) => lines.length > 0);
  const several = each.questions.length > 1;
  const failures = missed.flatMap(({ label, lines }) =>
    lines.map((line) => (several ? `${label}: ${line}` : line)),
  );
  return { name: each.name, at: each.at, failures, missed };
}

/** `deciding`: the rules that some answer rests on. */
function coverage(policy: LoadedPolicy, deciding: ReadonlySet<string>, { seen }: Reach): Coverage {
  const rules = policy.ruling.rules.filter((rule) => rule.enforce !== 'off');
  const missing = rules.map((rule) => rule.ref.id).filter((id) => !deciding.has(id));
  const parts = rules.flatMap((rule) =>
    (rule.when?.parts ?? []).map((part, at) => ({
      rule: rule.ref.id,
      part: part.source,
      at: part.at,
      both: seen.has(`${rule.ref.id} ${at} yes`) && seen.has(`${rule.ref.id} ${at} no`),
    })),
  );
  const half = parts.filter((part) => !part.both);
  return {
    rules: { covered: rules.length - missing.length, all: rules.length, missing },
    conditions: { covered: parts.length - half.length, all: parts.length, missing: half },
  };
}
