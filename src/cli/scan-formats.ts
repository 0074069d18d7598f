import type { Finding, Verdict } from '../scan/finding.ts';
import { reaches, verdicts } from '../scan/finding.ts';
import type { ScanReport } from '../scan/scan.ts';
import { safe } from './command.ts';

/** What `scan` and `observe` print, one function a format; `level` says which findings make it fail. */
export type Format = 'text' | 'json' | 'sarif' | 'junit' | 'github';

interface Shown {
  readonly report: ScanReport;
  readonly level: Verdict;
}

export const formats: Readonly<Record<Format, (shown: Shown) => string>> = {
  text,
  json,
  sarif,
  junit,
  github,
};

export function isFormat(format: string): format is Format {
  return Object.hasOwn(formats, format);
}

function text({ report }: Shown): string {
  const linesOf = linesIn(report);
  const blocks = report.findings.map((finding) => block(linesOf, finding));
  return safe(`${[...blocks, summary(report)].join('\n')}\n`);
}

function block(linesOf: (file: string) => readonly string[], finding: Finding): string {
  const { file, line, col, rule, at, verdict, message, why, fix, owner, commit } = finding;
  const place = at === undefined ? '' : `  (${at.file}:${at.line}:${at.col})`;
  return [
    `${file}:${line}:${col}  ${verdict}  ${rule}${place}`,
    `   ${message}`,
    ...excerpt(linesOf(file), finding),
    `   why    ${why}`,
    ...(fix === undefined ? [] : [`   fix    ${fix}`]),
    ...(owner === undefined ? [] : [`   owner  ${owner}`]),
    ...(commit === undefined
      ? []
      : [`   commit ${commit.id.slice(0, 12)}  ${commit.author}  ${commit.summary}`]),
    '',
  ].join('\n');
}

/** The lines of files, each file taken apart once. */
function linesIn({ sources }: ScanReport): (file: string) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (file) => {
    const lines = known.get(file) ?? sources.get(file)?.split(/\r?\n/) ?? [];
    known.set(file, lines);
    return lines;
  };
}

/** SECURITY: none of JSON: a plan holds the secrets that its marks say are secrets. */
function excerpt(lines: readonly string[], { file, line, col }: Finding): readonly string[] {
  const found = lines[line - 1];
  if (found === undefined || found.length > 200 || found.trim() === '') return [];
  if (/\.(?:json|jsonl|sarif)$/.test(file)) return [];
  const number = String(line).padStart(6);
  return [
    `${number} | ${found.replaceAll('\t', ' ')}`,
    `${' '.repeat(number.length)} | ${' '.repeat(Math.max(0, col - 1))}^`,
  ];
}

function summary({ findings, counts, assumed, notes, policy }: ScanReport): string {
  const by = verdicts
    .map((verdict) => [verdict, findings.filter((each) => each.verdict === verdict).length] as const)
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => `${count} ${verdict}`);
  const shown = assumed.slice(0, namesShown).join(', ');
  return [
    `${counted(counts)}   ${by.length === 0 ? 'nothing found' : by.join(', ')}`,
    `policy ${policy.digest.slice(0, 12)}${policy.commit === undefined ? '' : ` at ${policy.commit.slice(0, 12)}`}`,
    ...(assumed.length === 0
      ? []
      : [
          `taken as they are named, since no migration here makes them (give --schema FILE.sql to have them known): ${shown}${assumed.length > namesShown ? ` and ${assumed.length - namesShown} more` : ''}`,
        ]),
    ...notes,
  ].join('\n');
}

function counted({ files, statements, resources, results }: ScanReport['counts']): string {
  const all = [
    [files, 'files'],
    [statements, 'statements'],
    [resources, 'resources'],
    [results, 'findings of other scanners'],
  ] as const;
  const some = all.filter(([count]) => count > 0).map(([count, noun]) => `${count} ${noun}`);
  return some.length === 0 ? 'Nothing to judge' : some.join(', ');
}

const namesShown = 10;

function json({ report }: Shown): string {
  const { findings, counts, assumed, notes, policy } = report;
  return `${JSON.stringify({ policy, counts, assumed, notes, findings: findings.map(flat) }, undefined, 2)}\n`;
}

function flat(finding: Finding): object {
  const { at, ...rest } = finding;
  return { ...rest, ...(at === undefined ? {} : { at: `${at.file}:${at.line}:${at.col}` }) };
}

const sarifLevels: Readonly<Record<Verdict, string>> = {
  refused: 'error',
  held: 'warning',
  warned: 'warning',
  masked: 'note',
  noted: 'note',
};

/** SARIF 2.1.0 (OASIS), a run for each tool, with a region for each result. */
function sarif({ report }: Shown): string {
  const tools = [...new Set(['sallyport', ...report.findings.map(({ tool }) => tool)])];
  return `${JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: tools.map((tool) => sarifRun(tool, report)),
    },
    undefined,
    2,
  )}\n`;
}

function sarifRun(name: string, report: ScanReport): object {
  const findings = report.findings.filter(({ tool }) => tool === name);
  const used = [...new Set(findings.map(({ rule }) => rule))].sort();
  return {
    tool: {
      driver: {
        name,
        rules: used.map((id) => ({
          id,
          shortDescription: { text: findings.find(({ rule }) => rule === id)?.why ?? id },
        })),
      },
    },
    columnKind: 'utf16CodeUnits',
    properties: { policy: report.policy },
    results: findings.map((finding) => ({
      ruleId: finding.rule,
      ruleIndex: used.indexOf(finding.rule),
      level: sarifLevels[finding.verdict],
      message: {
        text: [finding.message, finding.why, finding.fix].filter((each) => each !== undefined).join('\n'),
      },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: encodeURI(finding.file) },
            region: {
              startLine: finding.line,
              startColumn: finding.col,
              ...(finding.endLine === undefined || finding.endLine < finding.line
                ? {}
                : { endLine: finding.endLine }),
            },
          },
        },
      ],
      properties: {
        verdict: finding.verdict,
        ...(finding.commit === undefined ? {} : { commit: finding.commit.id }),
      },
    })),
  };
}

function junit({ report, level }: Shown): string {
  const { findings } = report;
  const failures = findings.filter(({ verdict }) => reaches(verdict, level)).length;
  const linesOf = linesIn(report);
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `<testsuite name="scan" tests="${Math.max(1, findings.length)}" failures="${failures}">`,
    ...(findings.length === 0 ? ['<testcase classname="scan" name="nothing found"></testcase>'] : []),
    ...findings.map((finding) => {
      const body = xml(block(linesOf, finding));
      const inside = reaches(finding.verdict, level)
        ? `<failure message="${xml(finding.message)}">${body}</failure>`
        : `<system-out>${body}</system-out>`;
      return `<testcase classname="${xml(finding.file)}" name="${xml(`${finding.rule} ${finding.line}:${finding.col}`)}">${inside}</testcase>`;
    }),
    '</testsuite>',
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function xml(raw: string): string {
  // XML 1.0 has no way to write other control characters.
  return raw.replaceAll(/[&<>"]|[^\P{C}\n\t]/gu, (char) => entities[char] ?? ' ');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const commands: Readonly<Record<Verdict, string>> = {
  refused: 'error',
  held: 'warning',
  warned: 'warning',
  masked: 'notice',
  noted: 'notice',
};

/** Workflow commands that GitHub shows beside the line. */
function github({ report }: Shown): string {
  const lines = report.findings.map(({ file, line, col, rule, verdict, message, why, fix }) => {
    const said = [message, why, ...(fix === undefined ? [] : [`Fix: ${fix}`])].join('\n');
    return `::${commands[verdict]} file=${property(file)},line=${line},col=${col},title=${property(rule)}::${escaped(said)}`;
  });
  return `${[...lines, summary(report)].join('\n')}\n`;
}

function escaped(raw: string): string {
  return raw.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(raw: string): string {
  return escaped(raw).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
