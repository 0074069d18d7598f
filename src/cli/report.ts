import { existsSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { realWorld } from '../base/time.ts';
import { detectors } from '../mask/index.ts';
import { controlState, frameworks, type Framework, readControls } from '../policy/controls.ts';
import { kindsOf } from '../policy/kinds.ts';
import { Problems } from '../policy/problem.ts';
import { review } from '../policy/review.ts';
import { protocols } from '../protocols/index.ts';
import { readPolicyFiles } from '../server/policy-files.ts';
import { version } from '../server/environment.ts';
import { ledgerFolder } from './audit-folder.ts';
import { type Command, CouldNotRun, print, say } from './command.ts';
import { dataFolder } from './data-folder.ts';
import { type Findings, gather } from './report-gather.ts';
import { html } from './report-html.ts';
import { oscal } from './report-oscal.ts';

const help = `Usage: sallyport report --framework soc2|fedramp|iso27001|pci [--from DAY] [--to DAY] [--format html|json|oscal] [-o FILE]
                        [--policy DIR] [--data DIR] [--strict]

Verifies a ledger and says, control by control, which rules and tests of the policy hold it up, which entries of the period
show it (how many, some of them, each with a proof that it is in the ledger), and what is missing. It reads DIR/controls/*.yaml
of the policy (default: policy) and the data folder (default: that of SALLYPORT_HOME); the gateway may run.

--from, --to   days such as 2026-11-01, both included, or RFC 3339 times; the last 30 days when absent
--format       html (default): one page that stands alone; json; oscal: NIST OSCAL 1.2.1 assessment-results
-o, --out      where to write it; else it is printed
--strict       exit code 1 also where a control is not satisfied
Exit code: 0 the report is made, 1 the ledger does not verify, 2 could not run.
`;

export const report: Command = { help, run };

type Format = 'html' | 'json' | 'oscal';

const formats: Readonly<Record<Format, (found: Findings) => string>> = {
  html,
  json: (found) => `${JSON.stringify(found, undefined, 2)}\n`,
  oscal,
};

const dayMs = 86_400_000;

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      framework: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      format: { type: 'string', default: 'html' },
      out: { type: 'string', short: 'o' },
      policy: { type: 'string', default: 'policy' },
      data: { type: 'string' },
      strict: { type: 'boolean', default: false },
    },
  });
  if (positionals.length > 0) throw new CouldNotRun('Too many arguments; see --help');
  const framework = frameworks.find((each) => each === values.framework);
  if (framework === undefined)
    throw new CouldNotRun(`Say which framework: --framework ${frameworks.join('|')}`);
  if (!isFormat(values.format)) throw new CouldNotRun('--format is html, json or oscal');
  const now = realWorld.now();
  const to = values.to === undefined ? now + 1 : moment(values.to, '--to', dayMs);
  const from = values.from === undefined ? to - 30 * dayMs : moment(values.from, '--from', 0);
  if (from >= to) throw new CouldNotRun('--from is not before --to');
  const found = await gathered({
    framework,
    from,
    to,
    now,
    policy: values.policy,
    data: dataFolder(values.data),
  });
  const text = formats[values.format](found);
  if (values.out === undefined) print(text);
  else writeFileSync(values.out, text);
  const short = found.controls.filter(({ status }) => status !== 'satisfied');
  say(
    `${found.title}: ${found.controls.length - short.length} of ${found.controls.length} controls have rules and entries behind them${short.length === 0 ? '' : `; missing: ${short.map(({ id }) => id).join(', ')}`}`,
  );
  if (!found.ledger.verified) say('The ledger does not verify: run sallyport audit verify');
  return !found.ledger.verified || (values.strict && short.length > 0) ? 1 : 0;
}

interface Asked {
  readonly framework: Framework;
  readonly from: number;
  readonly to: number;
  readonly now: number;
  readonly policy: string;
  readonly data: string;
}

async function gathered({ framework, from, to, now, policy: directory, data }: Asked): Promise<Findings> {
  if (!existsSync(directory))
    throw new CouldNotRun(`There is no policy in ${directory}: say where, with --policy DIR`);
  const { files, problems: unreadable } = await readPolicyFiles(directory);
  const { policy, trial } = review(files, kindsOf(protocols, detectors), realWorld.now());
  if (unreadable.length > 0 || policy === undefined || trial === undefined)
    throw new CouldNotRun(`The policy in ${directory} does not load: run sallyport check`);
  const problems = new Problems();
  const set = readControls(files, problems).find((each) => each.framework === framework);
  if (problems.list.length > 0) throw new CouldNotRun('A file of controls has mistakes: run sallyport check');
  if (set === undefined)
    throw new CouldNotRun(`No file in ${directory}/controls says \`framework: ${framework}\``);
  const failed = trial.results.filter(({ failures }) => failures.length > 0).length;
  return gather({
    ledger: ledgerFolder(data),
    set,
    from,
    to,
    now,
    version,
    policy: {
      directory,
      digest: policy.id.digest,
      testsPassed: trial.results.length - failed,
      testsFailed: failed,
    },
    stateOf: (control) => controlState(control, policy, trial),
    placeOf: (name) => {
      const at = policy.ruling.rules.find(({ ref }) => ref.id === name)?.ref.at;
      return at === undefined ? undefined : `${at.file}:${at.line}:${at.col}`;
    },
  });
}

function isFormat(text: string): text is Format {
  return Object.hasOwn(formats, text);
}

/** A day begins at midnight UTC; `whole`: how much of it counts. */
function moment(text: string, name: string, whole: number): number {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const ms = isDay || /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new CouldNotRun(`${name}: Expected a day such as 2026-11-01, or an RFC 3339 time`);
  return isDay ? ms + whole : ms;
}
