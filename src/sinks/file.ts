import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { writeWhole } from './cursor.ts';
import type { Sink } from './sink.ts';

export interface FileSink {
  readonly kind: 'file';
  readonly folder: string;
}

/**
 * One file of JSON Lines for each batch, named after its first entry: `000000000000500.jsonl`. A file is there whole or
 * not at all; a batch that is written again after a crash replaces itself.
 */
export function fileSink({ folder }: FileSink): Sink {
  return {
    send: async (batch) => {
      const first = batch[0]?.index ?? 0;
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeWhole(
          join(folder, `${String(first).padStart(15, '0')}.jsonl`),
          batch.map(({ json }) => `${json}\n`).join(''),
        );
      } catch (thrown) {
        const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
        throw new Fault('unreachable', `Cannot write the batch: ${code}`);
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
