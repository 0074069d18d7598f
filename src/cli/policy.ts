import { parseArgs } from 'node:util';
import type { PolicyStatus } from '../server/api/routes.ts';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, say, type Command } from './command.ts';

const help = `Usage: sallyport policy status [--json]

Says which policy the gateway enforces, and what is wrong with a newer one that it refused.
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
  return status.loaded && status.problems.length === 0 ? 0 : 1;
}

export function statusText({ loaded, digest, commit, loadedAt, problems }: PolicyStatus): string {
  const lines = [
    loaded
      ? `In force: ${digest}${commit === undefined ? '' : ` at ${commit}`}`
      : 'No policy is in force: everything is denied',
    ...(loadedAt === undefined ? [] : [`Loaded:   ${loadedAt}`]),
    ...(problems.length === 0 ? [] : ['A newer one was refused:', ...problems.map((each) => `  ${each}`)]),
  ];
  return safe(`${lines.join('\n')}\n`);
}
