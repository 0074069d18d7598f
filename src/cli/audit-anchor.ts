import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { realWorld } from '../base/time.ts';
import type { LedgerSettings } from '../server/ledger-config.ts';
import { anchorRound } from '../stores/anchoring.ts';
import { type AuditIo, ledgerFolder, witnessesFrom } from './audit-folder.ts';
import { safe } from './command.ts';

/** `sallyport audit anchor`: 0 kept everywhere, 1 somewhere not. */
export async function anchor(args: readonly string[], io: AuditIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      config: { type: 'string' },
      file: { type: 'string', multiple: true },
      git: { type: 'string', multiple: true },
      'witness-url': { type: 'string', multiple: true },
      witness: { type: 'string', multiple: true },
      json: { type: 'boolean' },
    },
  });
  const data = values.data;
  if (data === undefined || ledgerFolder(data) === data) throw new Error('Say which data folder: --data DIR');
  const keys = witnessesFrom(values.witness);
  const urls = values['witness-url'] ?? [];
  if (keys.length !== urls.length)
    throw new Error('Give a key (--witness) for each witness (--witness-url), in the same order');
  const settings = {
    anchors: [
      ...(values.file ?? []).map((path) => ({ kind: 'file' as const, path })),
      ...(values.git ?? []).map((repository) => ({ kind: 'git' as const, repository })),
    ],
    witnesses: keys.map((key, at) => ({ key, url: urls[at] ?? '' })),
  };
  const configured = await configuredIn(
    values.config,
    settings.anchors.length + settings.witnesses.length > 0,
  );
  const round = await anchorRound(
    data,
    {
      anchors: [...settings.anchors, ...(configured?.anchors ?? [])],
      witnesses: [...settings.witnesses, ...(configured?.witnesses ?? [])],
    },
    realWorld,
  );
  if (round.places.length === 0)
    throw new Error(
      'There is nowhere to keep the head: give --file, --git or --witness-url, or configure ledger.anchors',
    );
  const lines = round.places.map(
    ({ where, ok, why }) => `${ok ? 'kept  ' : 'FAILED'}  ${where}${why === undefined ? '' : `: ${why}`}\n`,
  );
  io.out(
    values.json === true
      ? `${JSON.stringify(round, undefined, 2)}\n`
      : safe(`head    ${round.size} entries\n${lines.join('')}`),
  );
  return round.places.every(({ ok }) => ok) ? 0 : 1;
}

async function configuredIn(config: string | undefined, given: boolean): Promise<LedgerSettings | undefined> {
  if (config === undefined && (given || !existsSync('sallyport.yaml'))) return undefined;
  const { configOf } = await import('./up.ts');
  const { protocols } = await import('../protocols/index.ts');
  return configOf(config ?? 'sallyport.yaml', protocols).ledger;
}
