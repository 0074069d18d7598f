import { rmSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../base/errors.ts';
import { building, IndexDatabase, readyPath } from './index-database.ts';
import { IndexPostgres, type PostgresIndexSettings } from './index-postgres.ts';
import { rowsFrom } from './index-read.ts';
import { erasedRow } from './index-rows.ts';
import type { IndexAnswer, IndexCall } from './index-search.ts';

export interface IndexWorkerData {
  readonly store:
    | { readonly kind: 'sqlite'; readonly path: string }
    | ({ readonly kind: 'postgres'; readonly beside?: boolean } & PostgresIndexSettings);
  readonly folder: string; // data folder
  readonly ledger: string;
  readonly size: number;
}

const { store: where, folder, ledger, size } = workerData as IndexWorkerData;
const store =
  where.kind === 'sqlite'
    ? new IndexDatabase(where.path, ledger, size)
    : new IndexPostgres(where, {
        ledger,
        size,
        ...(where.beside === undefined ? {} : { beside: where.beside }),
      });
const source = { folder, origin: ledger };

// One call after another: what one of them waits for must not let the next one in between.
let last: Promise<void> = Promise.resolve();
parentPort?.on('message', ({ id, call }: { readonly id: number; readonly call: IndexCall }) => {
  last = last.then(async () => {
    let answer: IndexAnswer;
    try {
      answer = { value: await answered(call) };
    } catch (thrown) {
      answer = { failed: messageOf(thrown) };
    }
    parentPort?.postMessage({ id, ...answer });
    if (call.kind === 'close') parentPort?.close();
  });
});

function answered(call: IndexCall): unknown {
  switch (call.kind) {
    case 'next':
      return store.next();
    case 'add':
      return store.add(call.rows, call.next);
    case 'build':
      return build(call);
    case 'entries':
      return store.entries(call.query);
    case 'sessions':
      return store.sessions(call.query);
    case 'forget':
      return forget(call.session, call.size);
    case 'finish':
      return store instanceof IndexDatabase ? store.seal() : store.takeOver();
    case 'close':
      return store[Symbol.asyncDispose]();
  }
}

async function build(range: {
  readonly from: number;
  readonly to: number;
  readonly size: number;
}): Promise<void> {
  await store.add(await rowsFrom(source, range), range.to);
}

/** The session's key is gone: what can still be read of its entries takes the place of what was. */
async function forget(session: string, upTo: number): Promise<void> {
  // SECURITY: an index that is being built beside this one may have read what is now erased.
  if (where.kind === 'sqlite')
    for (const path of [readyPath(where.path), `${where.path}${building}`]) rmSync(path, { force: true });
  if (store instanceof IndexPostgres) await store.dropBeside();
  const rows = [];
  for (const n of await store.entriesOf(session))
    rows.push(...(await rowsFrom(source, { from: n, to: n + 1, size: upTo })));
  await store.replace(session, rows.map(erasedRow));
}
