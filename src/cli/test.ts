import { parseArgs } from 'node:util';
import { messageOf } from '../base/errors.ts';
import { realWorld } from '../base/time.ts';
import type { Place } from '../core/decision.ts';
import type { FactExplanation, RuleExplanation } from '../core/explanation.ts';
import { explain } from '../policy/explain.ts';
import type { LoadedPolicy } from '../policy/load.ts';
import { mutate, type Mutation } from '../policy/mutants.ts';
import type { PolicyProblem, ProblemCode } from '../policy/problem.ts';
import { percent, review } from '../policy/review.ts';
import type { CaseResult, Miss, Trial } from '../policy/trial.ts';
import { readPolicyFiles } from '../server/policy-source.ts';
import { explanation, safe } from './command.ts';
import { kindsOfFile } from './own-kinds.ts';

/** Where a command speaks to: the answer goes to `out`, all else to `err`. */
export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const help = `Usage: sallyport test [DIR] [--only TEXT] [--detectors FILE] [--json]

Asks the policy in DIR (default: policy) every question in DIR/tests/*.test.yaml, and says of each wrong answer which
rules made it, which came near, and which condition decided, with its place. Then it says how much the tests reach:
rules, conditions, and how many of all small faults put into the rules make some case fail. \`thresholds\` in policy.yaml
say how much is enough.
--only TEXT runs the cases whose name or file contains TEXT, without the thresholds.
--detectors names the file with detectors of your own, whose entities rules may name.
Exit code: 0 all is well, 1 a case fails or a threshold is missed, 2 could not run.
`;

interface Asked {
  readonly directory: string;
  readonly only?: string;
  readonly detectors?: string;
  readonly json: boolean;
}

/** The command `sallyport test`. Gives its exit code: 0 all is well, 1 not, 2 could not run. */
export async function test(args: readonly string[], io: Io): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        only: { type: 'string' },
        detectors: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const [directory = 'policy', ...others] = positionals;
    if (values.help) io.out(help);
    else if (others.length > 0) throw new Error('Expected one directory; see --help');
    else {
      const only = values.only === undefined ? {} : { only: values.only };
      const own = values.detectors === undefined ? {} : { detectors: values.detectors };
      return await run({ directory, json: values.json, ...only, ...own }, io);
    }
    return 0;
  } catch (thrown) {
    io.err(`${explanation(thrown) ?? messageOf(thrown)}\n`);
    return 2;
  }
}

async function run(asked: Asked, io: Io): Promise<number> {
  const { files, problems: unreadable } = await readPolicyFiles(asked.directory);
  const kinds = await kindsOfFile(asked.detectors);
  const said = unreadable.length > 0 ? { problems: unreadable } : review(files, kinds, realWorld.now());
  if (said.policy === undefined || said.trial === undefined) {
    io.err('The policy does not load, so no test was run; sallyport check says more\n');
    io.err(safe(said.problems.map((problem) => `${lineOf(asked, problem)}\n`).join('')));
    return 2;
  }
  const { policy, trial } = said;
  const { only } = asked;
  const results = trial.results.filter(
    ({ name, at }) => only === undefined || name.includes(only) || at.file.includes(only),
  );
  if (results.length === 0) {
    throw new Error(
      only === undefined ? `There are no tests in ${asked.directory}` : `No case has "${only}"`,
    );
  }
  const failed = results.some(({ failures }) => failures.length > 0);
  const mutation =
    failed || only !== undefined ? undefined : (said.mutation ?? mutate(policy, trial.cases, trial.reach));
  const short = [
    ...trial.problems,
    ...(only === undefined ? said.problems.filter(({ code }) => thresholdCodes.includes(code)) : []),
  ];
  const report: Report = { asked, policy, trial, results, problems: short, ...(mutation && { mutation }) };
  io.out(asked.json ? json(report) : safe(text(report)));
  return failed || short.length > 0 ? 1 : 0;
}

const thresholdCodes: readonly ProblemCode[] = ['SP-M110', 'SP-M111', 'SP-M112', 'SP-M121'];

interface Report {
  readonly asked: Asked;
  readonly policy: LoadedPolicy;
  readonly trial: Trial;
  readonly results: readonly CaseResult[];
  readonly problems: readonly PolicyProblem[];
  readonly mutation?: Mutation;
}

function text(report: Report): string {
  const { asked, policy, results, problems } = report;
  const files = Map.groupBy(results, ({ at }) => at.file);
  const lines: string[] = [];
  for (const [file, cases] of files) {
    const bad = cases.filter(({ failures }) => failures.length > 0);
    lines.push(
      `${bad.length === 0 ? 'ok  ' : 'FAIL'}  ${file}  ${cases.length - bad.length}/${cases.length}`,
    );
    for (const { name, at, missed } of bad) {
      lines.push('', `  ${placeIn(asked, at)}  ${name}`);
      for (const miss of missed) lines.push(...missLines(asked, policy, miss));
      lines.push('');
    }
  }
  for (const problem of problems) lines.push(lineOf(asked, problem));
  return `${lines.join('\n')}\n\n${summary(report)}\n`;
}

/** Expected and got, then the rules that made the answer, and those that were expected or came near, with what failed. */
function missLines(asked: Asked, policy: LoadedPolicy, miss: Miss): readonly string[] {
  const { label, question, decision, lines } = miss;
  const { identities } = explain(policy, question);
  const said = identities.flatMap(({ subject, rules }) => rules.map((rule) => ({ subject, rule })));
  const many = identities.length > 1;
  const matched = said.filter(({ rule }) => rule.outcome !== 'no-match');
  // What would have changed the answer: rules that the case names, and else those of the effect that is missing.
  const named = ({ rule }: RuleExplanation): boolean => lines.some((line) => line.includes(`"${rule.id}"`));
  const lacking = ({ rule }: RuleExplanation): boolean =>
    (rule.effect === 'allow') === (decision.code === 'NO_ALLOW_RULE');
  const others = said.filter(({ rule }) => rule.outcome === 'no-match');
  const near = [
    ...others.filter(({ rule }) => named(rule)),
    ...others.filter(({ rule }) => !named(rule) && lacking(rule)),
  ].slice(0, nearest);
  const whose = (subject: string): string => (many ? ` for ${subject}` : '');
  return [
    `    ${label}`,
    ...lines.map((line) => `      ${line}`),
    `      why      ${decision.code === undefined ? '' : `${decision.code}: `}${decision.why}`,
    ...matched.map(({ subject, rule }) => {
      const how = rule.exemption === undefined ? rule.outcome : `exempt by ${rule.exemption}`;
      return `      ${how.padEnd(8)} ${rule.rule.effect} ${rule.rule.id}${whose(subject)} (${placeIn(asked, rule.rule.at)})${broken(asked, rule, 'error')}`;
    }),
    ...near.map(
      ({ subject, rule }) =>
        `      near     ${rule.rule.effect} ${rule.rule.id}${whose(subject)} (${placeIn(asked, rule.rule.at)})${broken(asked, rule, 'no')}`,
    ),
  ];
}

const nearest = 3;

/** The tests of a rule that did not hold, as its author wrote them, with what they read. */
function broken(asked: Asked, { tests }: RuleExplanation, outcome: 'no' | 'error'): string {
  const verb = outcome === 'no' ? 'does not hold' : 'cannot be evaluated';
  return tests
    .filter((test) => test.outcome === outcome)
    .map(
      ({ source, at, facts }) =>
        `\n                 \`${source.replaceAll(/\s+/g, ' ')}\` ${verb} (${placeIn(asked, at)})${factLines(facts)}`,
    )
    .join('');
}

function factLines(facts: readonly FactExplanation[]): string {
  return facts
    .map(
      ({ path, value }) => `\n                   ${path} ${value === undefined ? 'is absent' : `= ${value}`}`,
    )
    .join('');
}

function summary({ asked, results, trial, mutation, policy }: Report): string {
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  const { rules, conditions } = trial.coverage;
  const { thresholds } = policy.composition;
  const wanted = (least: number | undefined): string => (least === undefined ? '' : ` (at least ${least} %)`);
  const parts = [`${results.length - failed} passed, ${failed} failed`];
  if (asked.only === undefined) {
    parts.push(
      `rules ${rules.covered}/${rules.all}${wanted(thresholds.ruleCoverage)}`,
      `conditions ${Math.floor(percent(conditions))} %${wanted(thresholds.conditionCoverage)}`,
      mutation === undefined
        ? 'faults not tried: first make the cases pass'
        : `faults noticed ${mutation.killed}/${mutation.all}, ${Math.floor(percent({ covered: mutation.killed, all: mutation.all }))} %${wanted(thresholds.mutationScore)}`,
    );
  }
  return parts.join('   ');
}

function json({ asked, policy, results, problems, trial, mutation }: Report): string {
  const { coverage } = trial;
  const report = {
    digest: policy.id.digest,
    cases: results.map(({ name, at, failures, missed }) => ({
      name,
      at: placeIn(asked, at),
      passed: failures.length === 0,
      questions: missed.map(({ label, lines, decision, question }) => ({
        label,
        lines,
        decision: decision.kind,
        code: decision.code,
        why: decision.why,
        by: decision.because.map((rule) => rule.id),
        explanation: explain(policy, question).identities,
      })),
    })),
    problems: problems.map((problem) => ({ ...problem, file: pathIn(asked, problem.file) })),
    ...(asked.only === undefined ? { coverage, thresholds: policy.composition.thresholds } : {}),
    ...(mutation === undefined
      ? {}
      : {
          mutation: {
            killed: mutation.killed,
            all: mutation.all,
            survivors: mutation.survivors.map(({ rule, change }) => ({ rule: rule.ref.id, change })),
          },
        }),
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

function pathIn({ directory }: Asked, file: string): string {
  return directory === '.' ? file : `${directory.replace(/\/$/, '')}/${file}`;
}

function placeIn(asked: Asked, { file, line, col }: Place): string {
  return `${pathIn(asked, file)}:${line}:${col}`;
}

function lineOf(asked: Asked, problem: PolicyProblem): string {
  return `${placeIn(asked, problem)}  ${problem.code}  ${problem.message}`;
}
