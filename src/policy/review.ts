import type { Instant } from '../base/time.ts';
import { controlFindings } from './controls.ts';
import { type Around, findings } from './findings.ts';
import type { Kinds } from './kinds.ts';
import { type LoadedPolicy, loadPolicy } from './load.ts';
import { mutate, type Mutation } from './mutants.ts';
import { type PolicyProblem, Problems } from './problem.ts';
import { runTrial, type Trial } from './trial.ts';

/** Everything that can be said of a policy before it is used. */
export interface Review {
  readonly policy?: LoadedPolicy;
  readonly problems: readonly PolicyProblem[];
  readonly trial?: Trial;
  readonly mutation?: Mutation;
}

/** Loads, analyses and tests a policy. What does not load is not tested. */
// oxlint-disable-next-line max-params
export function review(
  files: ReadonlyMap<string, string>,
  kinds: Kinds,
  now: Instant,
  around: Around = {},
): Review {
  const loaded = loadPolicy(files, kinds);
  if (!loaded.ok) return { problems: loaded.error };
  const policy = loaded.value;
  const trial = runTrial(policy, files);
  const failed = trial.results.some((result) => result.failures.length > 0);
  // A fault is noticed by a case that fails: cases that fail already tell nothing.
  const mutation =
    failed || policy.composition.thresholds.mutationScore === undefined
      ? undefined
      : mutate(policy, trial.cases, trial.reach);
  const problems = new Problems();
  for (const { name, at, failures } of trial.results) {
    for (const line of failures) problems.add('SP-M120', at, `${name}: ${line}`);
  }
  thresholds(policy, trial, mutation, problems);
  return {
    policy,
    problems: [
      ...findings(policy, now, { ...around, groups: groupsIn(trial) }),
      ...trial.problems,
      ...problems.list,
      ...controlFindings(files, policy, trial),
    ],
    trial,
    ...(mutation === undefined ? {} : { mutation }),
  };
}

function groupsIn({ cases }: Trial): readonly string[] {
  return cases.flatMap(({ fixtures }) => fixtures).flatMap((each) => each.groups);
}

/** What is not covered is a finding where policy.yaml asks for more than there is; each gap is named then. */
function thresholds(
  { composition, ruling }: LoadedPolicy,
  { coverage }: Trial,
  mutation: Mutation | undefined,
  problems: Problems,
): void {
  const wanted = composition.thresholds;
  const top = { file: 'policy.yaml', line: 1, col: 1 };
  const short = (what: string, have: number, want: number | undefined): boolean => {
    if (want === undefined || have >= want) return false;
    problems.add('SP-M121', top, `${what}: ${Math.floor(have)} %, and policy.yaml asks for ${want} %`, {
      fix: 'Add the cases that the findings below ask for; `sallyport test` lists what no case reaches',
    });
    return true;
  };
  const untested = short('Rules that decide in a test', percent(coverage.rules), wanted.ruleCoverage);
  if (untested || wanted.ruleCoverage === undefined) {
    for (const { ref } of ruling.rules.filter((rule) => coverage.rules.missing.includes(rule.ref.id))) {
      problems.add('SP-M110', ref.at, `The rule ${ref.id} decides in no test`, {
        fix: 'Add a case to tests/ whose `expect.by` names it',
      });
    }
  }
  const conditions = percent(coverage.conditions);
  if (short('Conditions seen true and false in tests', conditions, wanted.conditionCoverage)) {
    for (const { rule, part, at } of coverage.conditions.missing) {
      problems.add(
        'SP-M111',
        at,
        `${rule}: \`${oneLine(part)}\` is never true, or never false, in the tests`,
        {
          fix: 'Add a case on the other side of it',
        },
      );
    }
  }
  if (mutation === undefined) return;
  const score = percent({ covered: mutation.killed, all: mutation.all });
  if (short('Faults put in that a test notices', score, wanted.mutationScore)) {
    for (const { rule, change } of mutation.survivors) {
      problems.add('SP-M112', rule.ref.at, `No test fails for ${rule.ref.id} ${change}`, {
        fix: `Add a case to tests/ whose answer is another one for ${rule.ref.id} ${change}`,
      });
    }
  }
}

export function percent({ covered, all }: { readonly covered: number; readonly all: number }): number {
  return all === 0 ? 100 : (covered / all) * 100;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
