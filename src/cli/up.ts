import { parseArgs } from 'node:util';
import type { Protocol } from '../core/protocol.ts';
import { protocols } from '../protocols/index.ts';
import { detectorsCheck } from '../mask/index.ts';
import { addressText, readConfig, type Config } from '../server/config.ts';
import { environment } from '../server/environment.ts';
import { lockHome } from '../server/lock.ts';
import { untilStopped } from '../server/process.ts';
import { wire } from '../server/wire.ts';
import { say, unusable, type Command } from './command.ts';

const help = `Usage: sallyport up [--config sallyport.yaml]

Runs the gateway until it gets SIGTERM or Ctrl-C: then it takes no new sessions, lets busy ones finish (limit
\`drainSeconds\`) and stops. Its state lies in SALLYPORT_HOME. docs/configuration.md has every key of the file.
`;

export const up: Command = { help, run };

async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string', default: 'sallyport.yaml' } },
  });
  const config = configOf(values.config, protocols);
  const { home } = environment();
  using _lock = lockHome(home);
  const { gateway, log, metrics, certificate, data, stop } = await wire({ config, home, protocols });
  say(`API       ${gateway.api}`);
  for (const [kind, address] of Object.entries(gateway.listeners))
    say(`${kind.padEnd(9)} ${addressText(address)}`);
  say(`policy    ${config.policy}`);
  say(`data      ${data}`);
  if (certificate.ca !== undefined) say(`CA        ${certificate.ca}`);
  void gateway.probe().then((told) => {
    for (const [name, about] of Object.entries(told))
      log(about.startsWith('does not answer') ? 'warn' : 'info', 'resource.probed', {
        resource: name,
        about,
      });
  });
  return untilStopped({ log, metrics, stop, abandon: () => undefined });
}

/** The configuration, or CouldNotRun with every problem on a line of its own. */
export function configOf(file: string, known: readonly Protocol[]): Config {
  const read = readConfig(file, { protocols: known, detectors: detectorsCheck });
  if (read.ok) return read.value;
  throw unusable(read.error);
}
