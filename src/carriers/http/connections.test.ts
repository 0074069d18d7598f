import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Wire } from '../../base/stream.ts';
import { realWorld } from '../../base/time.ts';
import { type Connection, Connections } from './connections.ts';

interface Fake {
  readonly wire: Wire;
  /** Bytes that are here already when they are asked for. */
  pending: Uint8Array | undefined;
  destroyed: boolean;
}

function fake(): Fake {
  const closed = Promise.withResolvers<void>();
  const one: Fake = {
    pending: undefined,
    destroyed: false,
    wire: {
      read: () => (one.pending === undefined ? new Promise(() => undefined) : Promise.resolve(one.pending)),
      write: () => undefined,
      end: () => undefined,
      destroy: () => {
        one.destroyed = true;
        closed.resolve();
      },
      closed: closed.promise,
      peer: 'x',
    },
  };
  return one;
}

function pool(most: number, mostOfOne = most): { readonly made: Fake[]; readonly connections: Connections } {
  const made: Fake[] = [];
  const connect = (): Promise<Wire> => {
    const one = fake();
    made.push(one);
    return Promise.resolve(one.wire);
  };
  return { made, connections: new Connections({ world: realWorld, most, mostOfOne, connect }) };
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('Connections gives the last one that was used, and no more than there may be', async () => {
  const { made, connections } = pool(2);
  const [a, b] = [await connections.take(), await connections.take()];
  const third = Promise.resolve(connections.take());
  connections.give(a, undefined);
  assert.equal(await third, a);
  connections.give(b, undefined);
  connections.give(a, undefined);
  await settled();
  assert.equal(await connections.take(), a);
  assert.equal(made.length, 2);
  connections[Symbol.dispose]();
});

test('Connections gives nobody one on which more has come than was asked for', async () => {
  for (const waits of [false, true]) {
    const { made, connections } = pool(1);
    const first = await connections.take();
    const next = waits ? Promise.resolve(connections.take()) : undefined;
    const [one] = made;
    assert.ok(one);
    one.pending = Buffer.from('HTTP/1.1 200 OK\r\n');
    connections.give(first, undefined);
    const second: Connection = await (next ?? settled().then(() => connections.take()));
    assert.notEqual(second, first);
    assert.equal(one.destroyed, true);
    connections[Symbol.dispose]();
  }
});

test('Connections gives its place to who waits when one is lost', async () => {
  const { connections } = pool(1);
  const first = await connections.take();
  const next = Promise.resolve(connections.take());
  connections.drop(first);
  assert.notEqual(await next, first);
  connections[Symbol.dispose]();
});

test('Connections keeps none for longer than its resource says', async () => {
  const { made, connections } = pool(4);
  const first = await connections.take();
  connections.give(first, 1_000); // less a second
  await settled();
  assert.equal(made[0]?.destroyed, true);
  assert.notEqual(await connections.take(), first);
  connections[Symbol.dispose]();
});

test('Connections gives nobody more than their share, and what is left to others', async () => {
  const { made, connections } = pool(4, 2);
  const [a, b] = [await connections.take(false, 'ann'), await connections.take(false, 'ann')];
  let third: Connection | undefined;
  void Promise.resolve(connections.take(false, 'ann')).then((one) => (third = one));
  const bobs = [await connections.take(false, 'bob'), await connections.take(false, 'bob')];
  await settled();
  assert.equal(made.length, 4);
  assert.equal(third, undefined);
  connections.give(bobs[0] ?? a, undefined);
  await settled();
  assert.equal(third, undefined);
  connections.drop(b);
  await settled();
  assert.ok(third !== undefined && third !== b);
  connections.give(a, undefined);
  assert.ok((await connections.take(false, 'ann')) !== undefined);
  connections[Symbol.dispose]();
});
