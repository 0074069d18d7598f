import { parseArgs } from 'node:util';
import type { PolicyStatus } from '../server/api/routes.ts';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, say, type Command } from './command.ts';

const help = `Usage: sallyport policy status [--json]

Says which policy the gateway enforces, since when, where it comes from, whether its source holds another one by now
(drift), and what is wrong with a newer one that it refused.
Exit code: 0 in force and nothing wrong, 1 otherwise.

SALLYPORT_API (default http://127.0.0.1:8420) is the gateway, SALLYPORT_TOKEN your token.
`;

export const policy: Command = { help, run };

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  if (positionals.length !== 1 || positionals[0] !== 'status') {
    throw new CouldNotRun('Expected `policy status`; see --help');
  }
  const asked = await ask('/api/v1/policy/status');
  if (!asked.ok) {
    say(asked.refusal);
    return 1;
  }
  const status = asked.answer as PolicyStatus; // the API's own schema
  print(values.json ? JSON.stringify(status, undefined, 2) : statusText(status));
  return status.loaded && status.problems.length === 0 && status.drift?.drifting !== true ? 0 : 1;
}

export function statusText(status: PolicyStatus): string {
  const { loaded, digest, commit, loadedAt, problems, source, version, confirmedAt, drift, lastError } =
    status;
  const { maxAgeSeconds } = status;
  const lines = [
    loaded
      ? `In force: ${digest}${commit === undefined ? '' : ` at ${commit}`}${version === undefined ? '' : `, version ${version}`}`
      : 'No policy is in force: everything is denied',
    ...(loadedAt === undefined ? [] : [`Since:    ${loadedAt}`]),
    ...(source === undefined ? [] : [`From:     ${source.about} (${source.kind})`]),
    ...(confirmedAt === undefined ? [] : [`Seen:     ${confirmedAt}, the last time that its source held it`]),
    ...(maxAgeSeconds === undefined
      ? []
      : [`Too old:  ${maxAgeSeconds} s after that; then everything is denied`]),
    ...(drift === undefined ? [] : [driftLine(drift)]),
    ...(problems.length === 0 ? [] : ['A newer one was refused:', ...problems.map((each) => `  ${each}`)]),
    ...(lastError === undefined || problems.length > 0
      ? []
      : [`Last error, over now: ${lastError.at}`, ...lastError.problems.map((each) => `  ${each}`)]),
  ];
  return safe(`${lines.join('\n')}\n`);
}

function driftLine({ drifting, holds, ageSeconds }: NonNullable<PolicyStatus['drift']>): string {
  if (!drifting) return 'Drift:    none';
  const what = holds?.version === undefined ? (holds?.commit ?? 'another state') : `version ${holds.version}`;
  return `Drift:    the source has held ${what} for ${Math.round(ageSeconds)} s, and it is not enforced`;
}
