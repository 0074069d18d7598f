import { parentPort, workerData } from 'node:worker_threads';
import type { Reply, Request } from './worker.ts';

// The inside of a worker: imports the module it was started for and calls its exported functions, one at a time.

if (parentPort !== null) await answer(parentPort, String(workerData));

async function answer(port: NonNullable<typeof parentPort>, module: string): Promise<void> {
  const exported = (await import(module)) as Readonly<Record<string, unknown>>;
  const reply = (message: Reply): void => port.postMessage(message);
  port.on('message', ({ name, argument }: Request) => {
    void call(exported[name], argument).then(
      (value) => reply({ kind: 'value', value }),
      // SECURITY: not the message, which may quote what the function was given.
      (thrown: unknown) =>
        reply({ kind: 'failed', error: thrown instanceof Error ? thrown.name : 'a value' }),
    );
  });
  reply({ kind: 'ready' });
}

async function call(named: unknown, argument: unknown): Promise<unknown> {
  if (typeof named !== 'function') throw new TypeError('Not an exported function');
  return (named as (argument: unknown) => unknown)(argument);
}
