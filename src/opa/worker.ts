import { type MessagePort, workerData } from 'node:worker_threads';
import { loadPolicy } from '@open-policy-agent/opa-wasm';
import { own, ofTheRuntime } from './builtins.ts';
import type { FromWorker, ToWorker, WorkerStart } from './wasm.ts';

// Evaluates one policy. It is ended from outside when it takes too long, so nothing here has to be stopped.

const { wasm, data, port, flag } = workerData as WorkerStart & { readonly port: MessagePort };

// SECURITY: what a policy prints may be values of a request.
console.log = () => undefined;
console.error = () => undefined;

const pages = 1_024; // of 64 KiB: what a policy may use at most
const mostBytes = 4_194_304;

function say(message: FromWorker): void {
  port.postMessage(message);
  Atomics.add(flag, 0, 1);
  Atomics.notify(flag, 0);
}

function textAt(memory: { readonly buffer: ArrayBuffer }, address: number): string {
  const bytes = new Uint8Array(memory.buffer, address);
  const end = bytes.indexOf(0);
  if (end > mostBytes) throw new RangeError('The result is too long');
  return new TextDecoder().decode(bytes.subarray(0, end));
}

try {
  const policy = await loadPolicy(wasm, { initial: 5, maximum: pages }, { ...own });
  const { builtins, opa_json_dump: dump } = (policy.wasmInstance as { readonly exports: unknown })
    .exports as Readonly<
    Record<'builtins' | 'opa_json_dump', (address?: number) => number> // OPA's ABI 1.2
  >;
  const wanted = Object.keys(JSON.parse(textAt(policy.mem, dump(builtins()))) as object);
  const missing = wanted.filter((name) => !Object.hasOwn(own, name) && !ofTheRuntime.includes(name));
  policy.setData(JSON.parse(data) as object);
  const entrypoints = Object.keys(policy.entrypoints);
  port.on('message', ({ id, entrypoint, input }: ToWorker) => {
    try {
      const results: unknown = policy.evaluate(JSON.parse(input), entrypoint);
      const first: unknown = Array.isArray(results) ? results[0] : undefined;
      const json =
        typeof first === 'object' && first !== null && 'result' in first
          ? JSON.stringify(first.result)
          : undefined;
      if (json !== undefined && json.length > mostBytes) throw new RangeError('The result is too long');
      say({ kind: 'result', id, json });
    } catch {
      // SECURITY: OPA's own message may quote the request.
      say({ kind: 'error', id });
    }
  });
  say({ kind: 'ready', builtins: wanted, missing, entrypoints });
} catch (thrown) {
  say({ kind: 'unusable', why: thrown instanceof Error ? thrown.name : 'it is no policy of OPA' });
}
