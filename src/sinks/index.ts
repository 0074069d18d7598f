/**
 * Sinks: where entries of the ledger are also sent. Each kind is one file; this is the list.
 *
 * They promise: every entry on disk reaches each sink, in order, at least once, whatever stops in between; a duplicate
 * is known by its number. They do not stand in the data path: a sink that is slow or away delays nothing, unless the
 * configuration says that the gateway must wait (`whenFull: wait`) or deny (`whenFull: deny`) when too much waits for it.
 * What is sealed in the ledger (addresses, reasons, texts) stays there unless the configuration says so.
 */
import { join } from 'node:path';
import { never } from '../base/result.ts';
import type { MaskKey } from '../mask/index.ts';
import { fileSink } from './file.ts';
import { itemOf } from './item.ts';
import { otlpSink } from './otlp.ts';
import { startPump, type Pump, type Source } from './pump.ts';
import type { SinkSettings } from './settings.ts';
import type { Sink, SinkParts } from './sink.ts';
import { splunkSink } from './splunk.ts';
import { syslogSink } from './syslog.ts';
import { webhookSink } from './webhook.ts';

export { sinkSettings, type SinkSettings } from './settings.ts';
export type { Pump } from './pump.ts';

/** Opens all sinks. `folder` keeps their cursors. Rejects with a Fault `config` when a cursor does not fit this ledger. */
export async function startSinks(
  settings: readonly SinkSettings[],
  parts: SinkParts & { readonly source: Source; readonly folder: string; readonly maskKey: MaskKey },
): Promise<readonly Pump[]> {
  await using opened = new AsyncDisposableStack();
  const pumps: Pump[] = [];
  for (const { name, to, batch, spool, ...terms } of settings) {
    const { origin, version, maskKey } = parts;
    const pump = await startPump(
      {
        name,
        source: parts.source,
        sink: open(to, parts),
        item: (stored) => itemOf(stored, { origin, version, maskKey, ...terms }),
        batch,
        spool,
        file: join(parts.folder, name),
      },
      parts,
    );
    pumps.push(opened.use(pump));
  }
  opened.move(); // all are open: they are the caller's now
  return pumps;
}

function open(to: SinkSettings['to'], parts: SinkParts): Sink {
  switch (to.kind) {
    case 'file':
      return fileSink(to);
    case 'otlp':
      return otlpSink(to, parts);
    case 'splunk':
      return splunkSink(to, parts);
    case 'syslog':
      return syslogSink(to, parts);
    case 'webhook':
      return webhookSink(to, parts);
    default:
      return never(to);
  }
}
