import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import { defaultLimits } from '../core/limits.ts';
import type { Session } from '../core/session.ts';
import { heldWorld, memoryMetrics, person } from './fake.ts';
import { newSessionId } from './ids.ts';
import { hostOf, isLoopback, LiveSessions, networkOf, SignInFailures } from './live.ts';

const world = heldWorld();

function session(subject: string, expiresAt: number): Session {
  return {
    id: newSessionId(world),
    identity: person(subject, {
      proof: { kind: 'token', tokenId: `of-${subject}`, expiresAt: instant(expiresAt) },
    }),
    resource: { name: 'shop' as Session['resource']['name'], kind: 'postgres', tags: [], settings: {} },
    startedAt: world.now(),
    peer: '127.0.0.1:1',
  };
}

test('place() bounds connections of one identity and of all, and takes places back once', () => {
  const live = new LiveSessions(
    { ...defaultLimits, connections: 3, connectionsPerIdentity: 2 },
    memoryMetrics(),
  );
  const first = live.place('ana');
  live.place('ana');
  assert.equal(live.place('ana'), 'connectionsPerIdentity');
  live.place('bob');
  assert.equal(live.place('bob'), 'connections');
  assert.ok(typeof first !== 'string');
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.notEqual(live.place('ana'), 'connections');
  assert.equal(live.place('ana'), 'connections');
});

test('sweep() ends what has expired, what was revoked, and all when that cannot be told', () => {
  const metrics = memoryMetrics();
  const live = new LiveSessions(defaultLimits, metrics);
  const ended: string[] = [];
  for (const [subject, expiresAt] of [
    ['old', 10],
    ['ana', 100],
    ['bob', 100],
  ] as const) {
    live.add(session(subject, expiresAt), (why) => ended.push(`${subject} ${why}`));
  }
  live.sweep(50, (id) => id === 'of-bob');
  assert.deepEqual(ended, ['old token expired', 'bob token revoked']);
  ended.length = 0;
  live.sweep(5, () => {
    throw new Error('EIO');
  });
  assert.equal(ended.length, 3);
  assert.equal(metrics.counted.get('sessions{shop}'), 3);
});

test('tooMany() silences one address for a minute after its last allowed failure', () => {
  const held = heldWorld();
  const failures = new SignInFailures(3, held);
  const [bad, other] = ['10.0.0.7:1', '10.0.0.8:1'];
  assert.equal(failures.add(bad), false);
  held.pass(50_000);
  assert.equal(failures.add('10.0.0.7:2'), false);
  assert.equal(failures.tooMany(bad), false);
  assert.equal(failures.add(bad), true);
  assert.equal(failures.tooMany('10.0.0.7:9'), true);
  assert.equal(failures.tooMany(other), false);
  held.pass(59_999);
  assert.equal(failures.tooMany(bad), true);
  held.pass(1);
  assert.equal(failures.tooMany(bad), false);
});

test('peers are read in all their forms', () => {
  for (const [peer, host, network, loopback] of [
    ['127.0.0.1:5', '127.0.0.1', '127.0.0.1', true],
    ['[::1]:5', '::1', '0:0:0:0', true],
    ['::1', '::1', '0:0:0:0', true],
    ['[::ffff:127.0.0.1]:5', '127.0.0.1', '127.0.0.1', true],
    ['[2001:db8:1:2:3:4:5:6]:5', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2', false],
    ['[2001:db8::6]:5', '2001:db8::6', '2001:db8:0:0', false],
    ['10.0.0.7:5', '10.0.0.7', '10.0.0.7', false],
    ['127.0.0.1.example.com:5', '127.0.0.1.example.com', '127.0.0.1.example.com', false],
    ['memory:a', 'memory:a', 'memory:a', false],
  ] as const) {
    assert.equal(hostOf(peer), host);
    assert.equal(networkOf(peer), network);
    assert.equal(isLoopback(peer), loopback);
  }
});

test('newSessionId() sorts by time and does not repeat', () => {
  const held = heldWorld();
  const ids = Array.from({ length: 100 }, () => {
    held.pass(1);
    return newSessionId(held);
  });
  assert.deepEqual(ids.toSorted(), ids);
  assert.match(ids[0] ?? '', /^[0-9a-hjkmnp-tv-z]{26}$/);
});
