import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../base/errors.ts';
import { indexDatabase } from './index-database.ts';
import type { IndexAnswer, IndexCall } from './index-search.ts';

const { path, ledger, size } = workerData as {
  readonly path: string;
  readonly ledger: string;
  readonly size: number;
};
const database = indexDatabase(path, ledger, size);

parentPort?.on('message', ({ id, call }: { readonly id: number; readonly call: IndexCall }) => {
  let answer: IndexAnswer;
  try {
    answer = { value: answered(call) };
  } catch (thrown) {
    answer = { failed: messageOf(thrown) };
  }
  parentPort?.postMessage({ id, ...answer });
  if (call.kind === 'close') parentPort?.close();
});

function answered(call: IndexCall): unknown {
  switch (call.kind) {
    case 'next':
      return database.next();
    case 'add':
      return database.add(call.rows, call.next);
    case 'entries':
      return database.entries(call.query);
    case 'sessions':
      return database.sessions(call.query);
    case 'forget':
      return database.forget(call.session);
    case 'close':
      return database[Symbol.dispose]();
  }
}
