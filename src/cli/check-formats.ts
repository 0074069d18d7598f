import { safe } from './command.ts';
import { findingPages } from '../policy/finding-pages.ts';
import { problemCodes, type PolicyProblem } from '../policy/problem.ts';
import { percent, type Review } from '../policy/review.ts';

/** What `check` prints, one function a format. `files` are those of the policy, for excerpts. */
export type Format = 'text' | 'json' | 'sarif' | 'junit' | 'github';

export interface Report {
  readonly directory: string; // as it was given: findings name files below it
  /** A file of the findings that does not lie there. */
  readonly beside?: string;
  readonly files: ReadonlyMap<string, string>;
  readonly review: Review;
}

export const formats: Readonly<Record<Format, (report: Report) => string>> = {
  text,
  json,
  sarif,
  junit,
  github,
};

function pathOf({ directory, beside }: Report, { file }: PolicyProblem): string {
  if (file === beside) return file;
  return directory === '.' ? file : `${directory.replace(/\/$/, '')}/${file}`;
}

function text(report: Report): string {
  const blocks = report.review.problems.map((problem) => block(report, problem));
  return safe(`${[...blocks, summary(report.review)].join('\n')}\n`);
}

function block(report: Report, problem: PolicyProblem): string {
  const { line, col, code, message, fix, owner, witness } = problem;
  return [
    `${pathOf(report, problem)}:${line}:${col}  ${code}  ${message}`,
    ...excerpt(report.files.get(problem.file), problem),
    `   why    ${problemCodes[code]}`,
    ...(fix === undefined ? [] : [`   fix    ${fix}`]),
    ...(owner === undefined ? [] : [`   owner  ${owner}`]),
    `   more   ${pageOf(code)}`,
    ...(witness === undefined
      ? []
      : [
          '   counter-example, as a file for tests/:',
          ...witness
            .trimEnd()
            .split('\n')
            .map((each) => `     ${each}`),
        ]),
    '',
  ].join('\n');
}

/** The page of a code in the documentation. */
function pageOf(code: string): string {
  return `docs/findings/${code}.md`;
}

/** The line itself with a caret below the place. */
function excerpt(source: string | undefined, { line, col, length = 1 }: PolicyProblem): readonly string[] {
  const found = source?.split(/\r?\n/)[line - 1];
  if (found === undefined || found.length > 200) return [];
  const number = String(line).padStart(6);
  const width = Math.max(1, Math.min(length, found.length - col + 1));
  return [
    `${number} | ${found.replaceAll('\t', ' ')}`,
    `${' '.repeat(number.length)} | ${' '.repeat(col - 1)}${'^'.repeat(width)}`,
  ];
}

function summary({ policy, problems, trial, mutation }: Review): string {
  if (policy === undefined || trial === undefined)
    return `${plural(problems.length, 'problem')}: the policy does not load`;
  const failed = trial.results.filter((result) => result.failures.length > 0).length;
  const { rules, conditions } = trial.coverage;
  const parts = [
    plural(policy.ruling.rules.length, 'rule'),
    `tests ${trial.results.length - failed} passed, ${failed} failed`,
    `rules ${rules.covered}/${rules.all} covered`,
    `conditions ${Math.floor(percent(conditions))} %`,
    ...(mutation === undefined ? [] : [`faults ${mutation.killed}/${mutation.all} noticed`]),
    plural(problems.length, 'finding'),
  ];
  return parts.join('   ');
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function json(report: Report): string {
  const { policy, problems, trial, mutation } = report.review;
  return `${JSON.stringify(
    {
      digest: policy?.id.digest,
      findings: problems.map((problem) => ({
        ...problem,
        file: pathOf(report, problem),
        why: problemCodes[problem.code],
        page: pageOf(problem.code),
      })),
      tests: trial?.results.map(({ name, at, failures }) => ({ name, at, failures })),
      coverage: trial?.coverage,
      mutation:
        mutation === undefined
          ? undefined
          : {
              killed: mutation.killed,
              all: mutation.all,
              survivors: mutation.survivors.map(({ rule, change }) => ({ rule: rule.ref.id, change })),
            },
    },
    undefined,
    2,
  )}\n`;
}

/** SARIF 2.1.0 (OASIS), with a region for each result. */
function sarif(report: Report): string {
  const { problems } = report.review;
  const used = [...new Set(problems.map((problem) => problem.code))].sort();
  return `${JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: {
              name: 'sallyport',
              rules: used.map((id) => ({
                id,
                shortDescription: { text: problemCodes[id] },
                fullDescription: { text: findingPages[id].why },
                help: { text: `${findingPages[id].fix} See ${pageOf(id)}.` },
              })),
            },
          },
          columnKind: 'utf16CodeUnits',
          results: problems.map((problem) => ({
            ruleId: problem.code,
            ruleIndex: used.indexOf(problem.code),
            level: 'error',
            message: {
              text: problem.fix === undefined ? problem.message : `${problem.message}\nFix: ${problem.fix}`,
            },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: encodeURI(pathOf(report, problem)) },
                  region: {
                    startLine: problem.line,
                    startColumn: problem.col,
                    endColumn: problem.col + (problem.length ?? 1),
                  },
                },
              },
            ],
          })),
        },
      ],
    },
    undefined,
    2,
  )}\n`;
}

function junit(report: Report): string {
  const { problems, trial } = report.review;
  const findings = problems.filter((problem) => problem.code !== 'SP-M120');
  const cases = trial?.results ?? [];
  const failed = cases.filter((each) => each.failures.length > 0).length;
  const failure = (message: string, body: string): string =>
    `<failure message="${xml(message)}">${xml(body)}</failure>`;
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `<testsuite name="policy tests" tests="${cases.length}" failures="${failed}">`,
    ...cases.map(
      ({ name, at, failures }) =>
        `<testcase classname="${xml(at.file)}" name="${xml(name)}">${failures.length === 0 ? '' : failure(failures[0] ?? '', failures.join('\n'))}</testcase>`,
    ),
    '</testsuite>',
    `<testsuite name="policy findings" tests="${Math.max(1, findings.length)}" failures="${findings.length}">`,
    ...(findings.length === 0 ? ['<testcase classname="policy" name="no findings"></testcase>'] : []),
    ...findings.map(
      (problem) =>
        `<testcase classname="${xml(pathOf(report, problem))}" name="${xml(`${problem.code} ${problem.line}:${problem.col}`)}">${failure(problem.message, block(report, problem))}</testcase>`,
    ),
    '</testsuite>',
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function xml(raw: string): string {
  // XML 1.0 has no way to write other control characters.
  return raw.replaceAll(/[&<>"]|[^\P{C}\n\t]/gu, (char) => entities[char] ?? ' ');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** Workflow commands that GitHub shows beside the line. */
function github(report: Report): string {
  const lines = report.review.problems.map((problem) => {
    const message = problem.fix === undefined ? problem.message : `${problem.message}\nFix: ${problem.fix}`;
    const where = `file=${property(pathOf(report, problem))},line=${problem.line},col=${problem.col}`;
    return `::error ${where},title=${problem.code}::${escaped(message)}`;
  });
  return `${[...lines, summary(report.review)].join('\n')}\n`;
}

function escaped(raw: string): string {
  return raw.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(raw: string): string {
  return escaped(raw).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
