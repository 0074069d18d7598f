// Appends until it is killed, and notes every acknowledged decision: `writer.ts FOLDER ACKS PREFIX [rotate]`. With
// `rotate`, one key after another follows meanwhile.
import { openSync, writeSync } from 'node:fs';
import { decided, open, opened } from '../fake.ts';

const [folder = '', acks = '', prefix = '', rotate = ''] = process.argv.slice(2);
const noted = openSync(acks, 'a');
const ledger = await open(folder);
await ledger.append({ kind: 'gateway.started', at: opened('s').at, version: '1' });
if (rotate !== '')
  void (async () => {
    for (;;) await ledger.rotate();
  })();
await Promise.all(
  Array.from({ length: 16 }, async (_, producer) => {
    const session = `${prefix}-${producer}`;
    await ledger.append(opened(session));
    for (let at = 1; ; at++) {
      const entry = decided(session, at, `SELECT ${at}`);
      await ledger.append(entry);
      writeSync(noted, `${entry.id}\n`);
    }
  }),
);
