import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { realWorld, type World } from '../base/time.ts';
import type { Opinion } from '../core/ports.ts';
import { openBundle, policyText } from '../policy/opa/bundle.ts';
import type { Evaluation } from '../policy/opa/engine.ts';
import { wasmEngine } from './wasm.ts';

const testdata = join(import.meta.dirname, '..', 'policy', 'opa', 'testdata');

function bundle(name: string): { readonly wasm: Uint8Array; readonly data: string; readonly digest: string } {
  const path = `opa/${name}.tar.gz`;
  const opened = openBundle(policyText(path, readFileSync(join(testdata, `${name}.tar.gz`))));
  assert.ok(opened.ok && opened.value.wasm !== undefined);
  const { wasm, data, digest } = opened.value;
  return { wasm, data: JSON.stringify(data), digest };
}

const engine = wasmEngine(realWorld);
const now = realWorld.now();

function evaluation(name: string, entrypoint: string, deadlineMs = 60_000): Evaluation {
  const made = engine({ ...bundle(name), entrypoint, deadlineMs });
  assert.ok(made.ok, made.ok ? '' : made.error);
  return made.value;
}

function value(opinion: Opinion): unknown {
  assert.equal(opinion.kind, 'said', opinion.kind === 'failed' ? opinion.why : '');
  return opinion.kind === 'said' ? JSON.parse(opinion.json) : undefined;
}

const input = JSON.stringify({
  identity: { kind: 'agent', groups: ['analysts'] },
  resource: { name: 'shop', kind: 'postgres', tags: ['state/frozen'] },
  action: { access: 'write', targets: [{ name: 'public.payments' }] },
});

test('a policy in WebAssembly is asked, blocking and not, and says the same', async () => {
  const { ask, consult, fleeting } = evaluation('gate-wasm', 'gate/decision');
  const expected = {
    allow: false,
    deny: ['agents may not touch payments', 'shop is frozen'],
    reasons: [],
    require: { limit: { rows: 100 }, record: 'full' },
  };
  assert.deepEqual(value(ask(input, now)), expected);
  assert.ok(consult);
  assert.deepEqual(value(await consult(input, now)), expected);
  assert.equal(fleeting, false);
  assert.equal(evaluation('clock-wasm', 'clock/decision').fleeting, true);
});

test('many ask at once, blocking and not, and each gets its own answer', async () => {
  const { ask, consult } = evaluation('gate-wasm', 'gate/allow');
  assert.ok(consult);
  const asking = (reads: boolean): string =>
    JSON.stringify({ identity: { groups: ['analysts'] }, action: { access: reads ? 'read' : 'write' } });
  const answers = Array.from({ length: 50 }, (_, at) => consult(asking(at % 3 === 0), now));
  assert.equal(value(ask(asking(true), now)), true);
  assert.equal(value(ask(asking(false), now)), false);
  assert.deepEqual(
    (await Promise.all(answers)).map(value),
    Array.from({ length: 50 }, (_, at) => at % 3 === 0),
  );
});

for (const blocking of [true, false]) {
  test(`what takes too long is ended and fails, and the next question is answered (blocking: ${blocking})`, async () => {
    const slow = evaluation('gate-wasm', 'gate/slow', 50);
    const quick = evaluation('gate-wasm', 'gate/allow');
    assert.ok(slow.consult && quick.consult);
    const late = blocking ? slow.ask('{}', now) : await slow.consult('{}', now);
    assert.ok(late.kind === 'failed' && late.why.includes('50 ms'), JSON.stringify(late));
    const reads = JSON.stringify({ identity: { groups: ['analysts'] }, action: { access: 'read' } });
    assert.equal(value(blocking ? quick.ask(reads, now) : await quick.consult(reads, now)), true);
  });
}

test('an answer that came in time counts, however late its caller looks', async () => {
  const timers = new Set<() => void>();
  const world: World = {
    ...realWorld,
    after: (_ms, call) => {
      timers.add(call);
      return { [Symbol.dispose]: () => void timers.delete(call) };
    },
  };
  const made = wasmEngine(world)({ ...bundle('gate-wasm'), entrypoint: 'gate/allow', deadlineMs: 50 });
  assert.ok(made.ok && made.value.consult);
  const { consult } = made.value;
  assert.equal((await consult('{}', now)).kind, 'said');
  const reads = JSON.stringify({ identity: { groups: ['analysts'] }, action: { access: 'read' } });
  const answers = Promise.all([consult(reads, now), consult('{}', now)]);
  // This thread has no time for them until all deadlines are over.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
  const due = [...timers]; // not those that are set meanwhile
  for (const over of due) over();
  assert.deepEqual((await answers).map(value), [true, false]);
});

test('a slow question takes nobody’s answer with it', async () => {
  const slow = evaluation('gate-wasm', 'gate/slow', 50);
  const quick = evaluation('gate-wasm', 'gate/allow', 60_000);
  assert.ok(slow.consult && quick.consult);
  const [late, answered] = await Promise.all([
    slow.consult('{}', now),
    quick.consult(JSON.stringify({ identity: { groups: ['analysts'] }, action: { access: 'read' } }), now),
  ]);
  assert.equal(late.kind, 'failed');
  assert.equal(value(answered), true);
});

test('what wants more memory than there is fails', async () => {
  const { consult } = evaluation('gate-wasm', 'gate/huge', 60_000);
  assert.ok(consult);
  assert.equal((await consult('{}', now)).kind, 'failed');
});

test('what is undefined for an input is no answer', () => {
  const opinion = evaluation('gate-wasm', 'gate/undefined_here').ask('{}', now);
  assert.ok(opinion.kind === 'failed' && opinion.why.includes('undefined'), JSON.stringify(opinion));
});

test('what cannot be used is refused when it is loaded', () => {
  const whole = bundle('gate-wasm');
  const refusal = (made: ReturnType<typeof engine>): string => (made.ok ? 'it was taken' : made.error);
  const load = (more: Partial<typeof whole> & { readonly entrypoint?: string }): string =>
    refusal(engine({ ...whole, entrypoint: 'gate/decision', deadlineMs: 100, ...more }));
  assert.match(load({ entrypoint: 'gate/nothing' }), /no entrypoint gate\/nothing; it has gate\/allow/);
  assert.match(
    load({ ...bundle('lookup-wasm'), entrypoint: 'lookup/decision' }),
    /not supported here: http\.send/,
  );
  assert.match(load({ wasm: whole.wasm.subarray(0, 40_000), digest: 'cut' }), /cannot be loaded/);
  assert.match(load({ wasm: new Uint8Array(100), digest: 'zeros' }), /cannot be loaded/);
  // A module that is WebAssembly, and no policy of OPA.
  assert.match(
    load({ wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), digest: 'empty' }),
    /cannot be loaded/,
  );
});

test('a bundle that is damaged, cut or a bomb is refused', () => {
  const bytes = readFileSync(join(testdata, 'gate-wasm.tar.gz'));
  const tar = gunzipSync(bytes);
  const error = (given: Uint8Array): string => {
    const opened = openBundle(policyText('opa/a.tar.gz', given));
    return opened.ok ? '' : opened.error;
  };
  assert.equal(error(bytes), '');
  assert.match(error(bytes.subarray(0, 30_000)), /cut short/);
  assert.match(error(gzipSync(tar.subarray(0, 60_000))), /cut short/);
  assert.match(error(gzipSync(new Uint8Array(40_000_000))), /more than/);
  assert.match(error(new TextEncoder().encode('no gzip')), /not gzip/);
});
