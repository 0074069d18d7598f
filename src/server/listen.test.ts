import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault, WireError } from '../base/errors.ts';
import { wirePair } from '../base/memory-wire.ts';
import { err, ok } from '../base/result.ts';
import { Secret } from '../base/secret.ts';
import type { Wire } from '../base/stream.ts';
import { defaultLimits } from '../core/limits.ts';
import type { Claim, Room, Seat } from '../core/protocol.ts';
import type { ResourceName } from '../core/session.ts';
import { gate } from '../gate/gate.ts';
import { fakePolicy, heldWorld, memoryLedger, memoryMetrics, person } from './fake.ts';
import { reception, type Reception, type ReceptionParts } from './listen.ts';
import { LiveSessions, SignInFailures } from './live.ts';

const shop = { name: 'shop' as ResourceName, kind: 'postgres', tags: ['env/test'], settings: {} };

function house(over: Partial<ReceptionParts> = {}): {
  readonly parts: ReceptionParts;
  readonly hall: Reception;
  readonly world: ReturnType<typeof heldWorld>;
  readonly ledger: ReturnType<typeof memoryLedger>;
  readonly metrics: ReturnType<typeof memoryMetrics>;
  readonly logged: string[];
} {
  const [world, ledger, metrics, logged] = [heldWorld(), memoryLedger(), memoryMetrics(), [] as string[]];
  const limits = over.limits ?? defaultLimits;
  const parts: ReceptionParts = {
    identify: (token, user) =>
      Promise.resolve(
        token.reveal('test') === 'good'
          ? ok(person(user ?? ''))
          : err({ fault: 'foreign', why: 'Not ours', subject: 'x' } as const),
      ),
    resources: [shop],
    live: new LiveSessions(limits, metrics),
    failures: new SignInFailures(limits.signInFailuresPerMinute, world),
    ledger,
    world,
    metrics,
    log: (level, event, facts) => logged.push(JSON.stringify({ level, event, ...facts })),
    gate: (session) => gate({ policy: () => fakePolicy(() => true), ledger, world, metrics }, session),
    recorder: () => ({ frame: () => undefined, close: () => Promise.resolve(2) }),
    limits,
    plainFrom: 'loopback',
    ...over,
  };
  return { parts, hall: reception(parts), world, ledger, metrics, logged };
}

function claim(over: Partial<Claim> = {}): Claim {
  return { user: 'ana', token: new Secret('good'), resource: 'shop', kind: 'postgres', ...over };
}

function room(serve: (seat: Seat) => Promise<void>): Room {
  return {
    serve,
    probe: () => Promise.resolve(''),
    actions: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function wire(peer: string = '127.0.0.1:5000'): Wire {
  return { ...wirePair()[0], peer };
}

const kinds = (ledger: { readonly entries: readonly { readonly kind: string }[] }): readonly string[] =>
  ledger.entries.map(({ kind }) => kind);

test('a session is written down before it begins and after it ends', async () => {
  const { hall, ledger, metrics } = house();
  await hall.attend(
    wire(),
    room(async (seat) => {
      const admitted = await seat.admit(claim({ run: 'r\u0000un', client: 'psql' }));
      assert.ok(admitted.ok);
      assert.deepEqual(kinds(ledger), ['session.opened']);
      assert.equal(metrics.counted.get('sessions{shop}'), 1);
      await seat.client.write(Buffer.from('bye'));
    }),
  );
  const [opened, closed] = ledger.entries;
  assert.ok(opened?.kind === 'session.opened' && closed?.kind === 'session.closed');
  assert.equal(opened.run, 'r?un');
  assert.equal(opened.identity.subject, 'ana');
  assert.deepEqual({ why: closed.why, chunks: closed.chunks }, { why: 'client left', chunks: 2 });
  assert.equal(metrics.counted.get('sessions{shop}'), 0);
  assert.equal(metrics.counted.get('connections{}'), 0);
});

test('admit() refuses and writes down who is not known, what is not there, and too many', async (t) => {
  const cases = [
    ['a token that is not ours', claim({ token: new Secret('bad') }), 'SIGN_IN', 'sign-in.refused'],
    ['a resource that is not there', claim({ resource: 'shop2' }), 'SIGN_IN', 'sign-in.refused'],
    ['a resource of another kind', claim({ kind: 'mysql' }), 'SIGN_IN', 'sign-in.refused'],
  ] as const;
  for (const [name, claimed, code, entry] of cases) {
    await t.test(name, async () => {
      const { hall, ledger, logged } = house();
      await hall.attend(
        wire(),
        room(async (seat) => {
          const admitted = await seat.admit(claimed);
          assert.equal(admitted.ok ? '' : admitted.error.class, code);
        }),
      );
      assert.deepEqual(kinds(ledger), [entry]);
      assert.equal(logged.join().includes('bad'), false);
    });
  }
});

test('admit() opens no session that cannot be written down', async () => {
  const { hall, ledger, parts } = house();
  ledger.fails = true;
  await hall.attend(
    wire(),
    room(async (seat) => {
      const admitted = await seat.admit(claim());
      assert.equal(admitted.ok ? '' : admitted.error.class, 'NOT_WRITTEN');
    }),
  );
  assert.equal(parts.live.size, 0);
  assert.ok(typeof parts.live.place('ana') !== 'string');
});

test('a seat admits once', async () => {
  const { hall, metrics } = house();
  await hall.attend(
    wire(),
    room(async (seat) => {
      await seat.admit(claim({ token: new Secret('bad') }));
      await seat.admit(claim());
    }),
  );
  assert.equal(metrics.counted.get('faults_total{bug}'), 1);
});

test('an address with too many failures is not listened to, nor written down, for a minute', async () => {
  const { hall, ledger, world } = house({ limits: { ...defaultLimits, signInFailuresPerMinute: 2 } });
  const attempt = async (token: string): Promise<string> => {
    let answer = '';
    await hall.attend(
      wire(),
      room(async (seat) => {
        const admitted = await seat.admit(claim({ token: new Secret(token) }));
        answer = admitted.ok ? 'ok' : admitted.error.class;
      }),
    );
    return answer;
  };
  assert.equal(await attempt('bad'), 'SIGN_IN');
  assert.equal(await attempt('bad'), 'SIGN_IN');
  assert.equal(await attempt('good'), 'LIMIT');
  assert.equal(kinds(ledger).length, 2);
  world.pass(60_000);
  assert.equal(await attempt('good'), 'ok');
});

test('connections before sign-in are bounded, and free again once signed in', async () => {
  const { hall, metrics } = house({ limits: { ...defaultLimits, connectionsBeforeSignIn: 1 } });
  const hold = Promise.withResolvers<void>();
  const signedIn = Promise.withResolvers<void>();
  const enter = Promise.withResolvers<void>();
  const first = hall.attend(
    wire(),
    room(async (seat) => {
      await enter.promise;
      await seat.admit(claim());
      signedIn.resolve();
      await hold.promise;
    }),
  );
  let served = 0;
  const count = room(() => {
    served += 1;
    return Promise.resolve();
  });
  const refused = wire();
  await hall.attend(refused, count);
  await refused.closed;
  assert.deepEqual([served, metrics.counted.get('limits_total{connectionsBeforeSignIn}')], [0, 1]);
  enter.resolve();
  await signedIn.promise;
  await hall.attend(wire(), count);
  assert.equal(served, 1);
  hold.resolve();
  await first;
});

test('who does not sign in within the time is disconnected; who did is not', async () => {
  const { hall, world } = house({ limits: { ...defaultLimits, signInSeconds: 15 } });
  const silent = wire();
  const gone = hall.attend(
    silent,
    room(async (seat) => void (await seat.client.read())),
  );
  const signedIn = Promise.withResolvers<void>();
  const hold = Promise.withResolvers<void>();
  let aborted = false;
  const stays = hall.attend(
    wire(),
    room(async (seat) => {
      await seat.admit(claim());
      signedIn.resolve();
      await hold.promise;
      aborted = seat.signal.aborted;
    }),
  );
  await signedIn.promise;
  world.pass(17_000);
  await gone;
  hold.resolve();
  await stays;
  assert.equal(aborted, false);
});

test('a token is asked for in the clear only from loopback, and nowhere when so configured', async () => {
  const allowed = async (peer: string, plainFrom: 'loopback' | 'nowhere'): Promise<boolean> => {
    let plain = false;
    const { hall } = house({ plainFrom });
    await hall.attend(
      wire(peer),
      room((seat) => {
        plain = seat.plainAllowed;
        return Promise.resolve();
      }),
    );
    return plain;
  };
  assert.equal(await allowed('127.0.0.1:1', 'loopback'), true);
  assert.equal(await allowed('10.0.0.7:1', 'loopback'), false);
  assert.equal(await allowed('127.0.0.1:1', 'nowhere'), false);
});

for (const [name, thrown, why, metric] of [
  [
    'the peer broke its protocol',
    new WireError('bad-length', 'Too long'),
    'bad-length',
    'wire_errors_total{bad-length}',
  ],
  [
    'the resource failed',
    new Fault('upstream-closed', 'Gone'),
    'upstream-closed',
    'faults_total{upstream-closed}',
  ],
  ['we failed', new TypeError('canary-value is not a function'), 'bug', 'faults_total{bug}'],
  ['the client left', new WireError('closed', 'Closed'), 'client left', undefined],
] as const) {
  test(`a session ends closed and written down when ${name}`, async () => {
    const { hall, ledger, metrics, logged } = house();
    const held = wire();
    await hall.attend(
      held,
      room(async (seat) => {
        await seat.admit(claim());
        throw thrown;
      }),
    );
    await held.closed;
    const closed = ledger.entries.at(-1);
    assert.equal(closed?.kind === 'session.closed' ? closed.why : '', why);
    if (metric !== undefined) assert.equal(metrics.counted.get(metric), 1);
    assert.equal(logged.join().includes('canary-value'), false);
  });
}

test('a recorder or a ledger that fails at the end does not take the gateway with it', async () => {
  const { hall, ledger, parts } = house({
    recorder: () => ({
      frame: () => undefined,
      close: () => Promise.reject(new Fault('recorder', 'The disk is full')),
    }),
  });
  await hall.attend(
    wire(),
    room(async (seat) => void (await seat.admit(claim()))),
  );
  const closed = ledger.entries.at(-1);
  assert.equal(closed?.kind === 'session.closed' ? closed.why : '', 'recorder');
  assert.equal(parts.live.size, 0);
});

test('drain() waits for busy sessions, then ends them, and takes no new ones', async () => {
  const { hall, world, ledger } = house({ limits: { ...defaultLimits, drainSeconds: 10 } });
  const signedIn = Promise.withResolvers<void>();
  const events: string[] = [];
  const busy = hall.attend(
    wire(),
    room(async (seat) => {
      await seat.admit(claim());
      seat.draining.addEventListener('abort', () => events.push('draining'));
      signedIn.resolve();
      await new Promise<void>((resolve) => {
        seat.signal.addEventListener('abort', () => resolve());
      });
      events.push('ended');
    }),
  );
  await signedIn.promise;
  const drained = hall.drain();
  await hall.attend(
    wire(),
    room(() => {
      events.push('a new one');
      return Promise.resolve();
    }),
  );
  assert.deepEqual(events, ['draining']);
  world.pass(10_000);
  await Promise.all([drained, busy]);
  assert.deepEqual(events, ['draining', 'ended']);
  const closed = ledger.entries.at(-1);
  assert.equal(closed?.kind === 'session.closed' ? closed.why : '', 'stopping');
});

test('drain() of an empty gateway is over at once', async () => {
  await house().hall.drain();
});

test('a session whose token expires is ended', async () => {
  const { hall, parts, ledger } = house();
  const signedIn = Promise.withResolvers<void>();
  const visit = hall.attend(
    wire(),
    room(async (seat) => {
      await seat.admit(claim());
      signedIn.resolve();
      await new Promise<void>((resolve) => {
        seat.signal.addEventListener('abort', () => resolve());
      });
      throw seat.signal.reason;
    }),
  );
  await signedIn.promise;
  parts.live.sweep(Date.UTC(2026, 0, 3), () => false);
  await visit;
  const closed = ledger.entries.at(-1);
  assert.equal(closed?.kind === 'session.closed' ? closed.why : '', 'token expired');
});

test('a client on which nothing moves is disconnected, however the wire was upgraded', async () => {
  const { hall, world } = house({ limits: { ...defaultLimits, idleSeconds: 60 } });
  const [near] = wirePair();
  const secured = wire();
  const signedIn = Promise.withResolvers<void>();
  const visit = hall.attend(
    { ...near, peer: '127.0.0.1:1', secure: () => Promise.resolve(secured) },
    room(async (seat) => {
      const client = (await seat.client.secure?.({ kind: 'server', cert: '', key: '' })) ?? seat.client;
      await seat.admit(claim());
      signedIn.resolve();
      await client.read();
    }),
  );
  await signedIn.promise;
  world.pass(66_000);
  await visit;
});

test('nobody is shut out by an address that holds all connections before sign-in', async () => {
  const { hall } = house({ limits: { ...defaultLimits, connectionsBeforeSignIn: 3 } });
  const ended: string[] = [];
  const waits = (name: string): Room =>
    room(
      (seat) =>
        new Promise((resolve) => {
          seat.signal.addEventListener('abort', () => {
            ended.push(name);
            resolve();
          });
        }),
    );
  const peers = ['203.0.113.1:1', '203.0.113.1:2', '203.0.113.1:3'];
  const held = peers.map((peer) => hall.attend(wire(peer), waits(peer)));
  let served = 0;
  const count = room(() => {
    served++;
    return Promise.resolve();
  });
  await hall.attend(wire('203.0.113.1:4'), count); // one more of the same
  assert.deepEqual([served, ended], [0, []]);
  await hall.attend(wire('198.51.100.1:1'), count);
  assert.deepEqual([served, ended], [1, [peers[0]]]);
  await held[0];
  held.push(hall.attend(wire('198.51.100.1:2'), waits('other')));
  await hall.attend(wire('198.51.100.1:3'), count); // two of theirs, one of ours: another would only change places
  assert.deepEqual([served, ended], [1, [peers[0]]]);
});
