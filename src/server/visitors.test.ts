import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../base/errors.ts';
import { err, ok } from '../base/result.ts';
import { Secret } from '../base/secret.ts';
import { instant, realWorld } from '../base/time.ts';
import type { Entry } from '../core/entry.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Resource, Session, SessionId } from '../core/session.ts';
import { SignInFailures } from './live.ts';
import { byToken, SignedIn } from './visitors.ts';

const minute = 60_000;
const at = { peer: '192.0.2.1:1', origin: 'https://gate.example' };

function identity(subject: string): Identity {
  return {
    kind: 'human',
    subject: subject as Subject,
    groups: [],
    attributes: {},
    proof: { kind: 'token', tokenId: `t-${subject}`, expiresAt: instant(10 * 60 * minute) },
  };
}

function house(): {
  readonly signed: SignedIn;
  readonly entries: Entry[];
  readonly ended: ((session: Session) => boolean)[];
  readonly state: { now: number; revoked: string; gone: string; broken: boolean };
} {
  const state = { now: 0, revoked: '', gone: '', broken: false };
  const entries: Entry[] = [];
  const ended: ((session: Session) => boolean)[] = [];
  const world = { ...realWorld, now: () => instant(state.now) };
  const signed = new SignedIn({
    authenticators: [
      byToken((token, user) =>
        Promise.resolve(
          token.reveal('test') === `secret-${user}`
            ? ok(identity(user))
            : err({ fault: 'foreign', why: 'The token is not of this gateway' }),
        ),
      ),
    ],
    terms: { idleMs: 30 * minute, longestMs: 120 * minute },
    ledger: {
      append: (entry) => {
        if (state.broken) return Promise.reject(new Fault('ledger', 'full'));
        entries.push(entry);
        return Promise.resolve();
      },
    },
    world,
    metrics: { count: () => undefined, gauge: () => undefined, observe: () => undefined },
    log: () => undefined,
    failures: new SignInFailures(60, world),
    revoked: (id) => {
      if (state.revoked === 'throws') throw new Error('EIO');
      return id === state.revoked;
    },
    find: (subject) => (subject === state.gone ? undefined : identity(subject)),
    endSessions: (of) => void ended.push(of),
  });
  return { signed, entries, ended, state };
}

async function signIn(signed: SignedIn, name: string = 'ana'): Promise<Secret> {
  const made = await signed.signIn({ way: 'token', name, secret: new Secret(`secret-${name}`) }, at);
  assert.ok(made.ok);
  return made.value.id;
}

const whys = (entries: readonly Entry[]): readonly string[] =>
  entries.flatMap((entry) => (entry.kind === 'sign-in.ended' ? [entry.why] : []));

test('a sign-in slides with its use, ends when idle, and at its longest whatever is done', async () => {
  const { signed, entries, state } = house();
  const used = await signIn(signed);
  const idle = await signIn(signed, 'bob');
  for (state.now = 0; state.now < 120 * minute; state.now += 20 * minute) {
    signed.sweep();
    assert.equal(signed.find(used, at)?.subject, 'ana');
  }
  assert.equal(signed.find(idle, at), undefined);
  state.now = 120 * minute;
  assert.equal(signed.find(used, at), undefined);
  await signed[Symbol.asyncDispose]();
  assert.deepEqual(whys(entries), ['idle', 'expired']);
});

test('a sign-in is never longer than its token', async () => {
  const { signed, state } = house();
  state.now = 9 * 60 * minute;
  const made = await signed.signIn({ way: 'token', name: 'ana', secret: new Secret('secret-ana') }, at);
  assert.equal(made.ok ? made.value.until : 0, 10 * 60 * minute);
});

const endings: readonly (readonly [string, string, (made: ReturnType<typeof house>) => void])[] = [
  ['a revoked token', 'token revoked', ({ state }) => (state.revoked = 't-ana')],
  ['a list of the revoked that cannot be read', 'token revoked', ({ state }) => (state.revoked = 'throws')],
  ['an identity that left the directory', 'unknown subject', ({ state }) => (state.gone = 'ana')],
  ['a kill', 'killed by lead', ({ signed }) => signed.sessionEnded(session('ana'), 'killed by lead')],
  [
    'a session that was too long',
    'session limit',
    ({ signed }) => signed.sessionEnded(session('ana'), 'session limit'),
  ],
];
for (const [what, why, happens] of endings)
  test(`${what} ends the sign-in and what is open by it`, async () => {
    const made = house();
    const id = await signIn(made.signed);
    happens(made);
    assert.equal(made.signed.find(id, at), undefined);
    assert.deepEqual(whys(made.entries), [why]);
    const [of] = made.ended;
    assert.equal(of?.(session('ana')), true);
    assert.ok(of !== undefined && !of(session('bob')) && !of(session('ana', 'postgres')));
  });

test('what ends a session by itself leaves the sign-in: its client left, another was killed', async () => {
  const { signed } = house();
  const id = await signIn(signed);
  signed.sessionEnded(session('ana'), 'signed out');
  signed.sessionEnded(session('bob'), 'killed by lead');
  assert.equal(signed.find(id, at)?.subject, 'ana');
});

test('a browser that leaves does not end what another with the same token has open', async () => {
  const { signed, ended } = house();
  const [one, two] = [await signIn(signed), await signIn(signed)];
  await signed.signOut(one, 'signed out');
  assert.equal(ended.length, 0);
  await signed.signOut(two, 'signed out');
  assert.equal(ended.length, 1);
});

test('an id is known at its own origin only, and not after a restart', async () => {
  const { signed } = house();
  const id = await signIn(signed);
  assert.equal(signed.find(id, { ...at, origin: 'http://gate.example' }), undefined);
  assert.equal(signed.find(id, { ...at, origin: 'https://other.example' }), undefined);
  assert.equal(house().signed.find(id, at), undefined);
  assert.equal(signed.find(id, { ...at, peer: '198.51.100.1:9' })?.subject, 'ana', 'people move');
});

test('what cannot be written down lets nobody in', async () => {
  const { signed, state } = house();
  state.broken = true;
  const made = await signed.signIn({ way: 'token', name: 'ana', secret: new Secret('secret-ana') }, at);
  assert.equal(made.ok ? '' : made.error.class, 'NOT_WRITTEN');
});

test('one name is listened to ten times a minute from one address, and nobody is locked out from elsewhere', async () => {
  const { signed, state } = house();
  const attempt = async (peer: string, secret: string): Promise<string> => {
    const made = await signed.signIn(
      { way: 'token', name: 'ana', secret: new Secret(secret) },
      { ...at, peer },
    );
    return made.ok ? 'in' : made.error.class;
  };
  for (let count = 0; count < 10; count++) assert.equal(await attempt(`10.0.0.1:${count}`, 'x'), 'SIGN_IN');
  assert.equal(await attempt('10.0.0.1:99', 'secret-ana'), 'LIMIT');
  assert.equal(await attempt('10.1.0.1:1', 'secret-ana'), 'in');
  state.now = minute;
  assert.equal(await attempt('10.0.0.1:99', 'secret-ana'), 'in');
});

test('a person has twenty browsers at most: the one unused longest goes', async () => {
  const { signed, state } = house();
  const first = await signIn(signed);
  const others: Secret[] = [];
  for (state.now = 1; state.now <= 20; state.now++) others.push(await signIn(signed));
  assert.equal(signed.find(first, at), undefined);
  for (const id of others) assert.equal(signed.find(id, at)?.subject, 'ana');
});

function session(subject: string, kind: string = 'http'): Session {
  return {
    id: 's' as SessionId,
    identity: identity(subject),
    resource: { name: 'web', kind, tags: [], settings: undefined } as unknown as Resource,
    startedAt: instant(0),
    peer: '192.0.2.1:7',
  };
}
