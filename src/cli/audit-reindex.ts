import { parseArgs } from 'node:util';
import { protocols } from '../protocols/index.ts';
import { readConfig } from '../server/config.ts';
import { indexStoreOf } from '../server/index-config.ts';
import { rebuildIndex } from '../stores/index-rebuild.ts';
import type { AuditIo } from './audit-folder.ts';
import { unusable } from './command.ts';
import { dataFolder } from './data-folder.ts';

/** `sallyport audit reindex`. */
export async function reindex(args: readonly string[], io: AuditIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { data: { type: 'string' }, config: { type: 'string' }, json: { type: 'boolean' } },
  });
  const folder = dataFolder(values.data);
  const config = values.config === undefined ? undefined : readConfig(values.config, { protocols });
  if (config?.ok === false) throw unusable(config.error);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  const began = performance.now();
  const bar = progressBar(io, process.stderr.isTTY);
  try {
    const rebuilt = await rebuildIndex({
      folder,
      store: indexStoreOf(config?.value.index, folder),
      progress: bar,
      signal: stop.signal,
    });
    const seconds = (performance.now() - began) / 1_000;
    io.out(
      values.json === true
        ? `${JSON.stringify({ ...rebuilt, seconds: Number(seconds.toFixed(1)) }, undefined, 2)}\n`
        : `${rebuilt.entries} entries in ${seconds.toFixed(1)} s${rebuilt.resumed > 0 ? ` (${rebuilt.resumed} were done before)` : ''}; ${told[rebuilt.state]}\n`,
    );
    return 0;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

const told = {
  used: 'the new index is in use',
  waiting: 'a gateway uses this folder and takes the new index when it looks next, or when it starts',
} as const;

const width = 30;

/** A bar that is drawn over itself on a terminal; elsewhere a line for every tenth. */
function progressBar(io: AuditIo, drawn: boolean): (done: number, total: number) => void {
  const began = performance.now();
  let first: number | undefined;
  let tenth = -1;
  return (done, total) => {
    first ??= done;
    const share = total === 0 ? 1 : done / total;
    const rate = Math.round((done - first) / Math.max(0.001, (performance.now() - began) / 1_000));
    const text = `${String(Math.floor(share * 100)).padStart(3)} %  ${done} of ${total} entries  ${rate}/s`;
    if (drawn) {
      const filled = Math.floor(share * width);
      io.err(`\r[${'#'.repeat(filled)}${' '.repeat(width - filled)}] ${text}  ${share === 1 ? '\n' : ''}`);
    } else if (Math.floor(share * 10) > tenth) {
      tenth = Math.floor(share * 10);
      io.err(`${text}\n`);
    }
  };
}
