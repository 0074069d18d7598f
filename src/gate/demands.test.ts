import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant, type World } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import { type Decision, type Duties, noDuties, type RuleId, type Verdict } from '../core/decision.ts';
import type { DecisionEntry, Entry } from '../core/entry.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Stated } from '../core/protocol.ts';
import type { ResourceName, Session, SessionId } from '../core/session.ts';
import type { SessionEnd } from './demands.ts';
import { gate, type GateParts } from './gate.ts';
import type { Notice } from './notice.ts';
import { Usage } from './usage.ts';

/** A clock that stands still until it is set. */
class Clock {
  now = 0;
  readonly #timers: { at: number; call: () => void; on: boolean }[] = [];
  readonly world: World = {
    now: () => instant(this.now),
    random: (bytes) => new Uint8Array(bytes),
    after: (ms, call) => {
      const timer = { at: this.now + ms, call, on: true };
      this.#timers.push(timer);
      return { [Symbol.dispose]: () => void (timer.on = false) };
    },
  };

  set(now: number): void {
    this.now = now;
    for (let due = this.#due(); due !== undefined; due = this.#due()) {
      due.on = false;
      due.call();
    }
  }

  #due(): { at: number; call: () => void; on: boolean } | undefined {
    return this.#timers.find(({ at, on }) => on && at <= this.now);
  }
}

function person(subject: string, actingFor?: Identity): Identity {
  return {
    kind: actingFor === undefined ? 'human' : 'agent',
    subject: subject as Subject,
    groups: [],
    attributes: {},
    proof: { kind: 'token', tokenId: subject, expiresAt: instant(8e15) },
    ...(actingFor === undefined ? {} : { actingFor }),
  };
}

function sessionOf(identity: Identity, id = 's'): Session {
  return {
    id: id as SessionId,
    identity,
    resource: { name: 'shop' as ResourceName, kind: 'postgres', tags: [], settings: undefined },
    startedAt: instant(0),
    peer: '127.0.0.1:1',
  };
}

const action: Action = {
  verb: 'sql.select',
  access: 'read',
  targets: [],
  columns: [],
  attributes: {},
  text: 'SELECT 1',
  notes: [],
};

const rule = {
  id: 'm/r' as RuleId,
  effect: 'require',
  at: { file: 'f', line: 1, col: 1 },
  demands: ['rate'],
} as const;

function decisionOf(duties: Partial<Duties>, more: Partial<Decision> = {}): Decision {
  return {
    kind: 'allow',
    because: [rule],
    why: '',
    fix: [],
    duties: { ...noDuties, ...duties },
    policy: { digest: 'd' },
    wouldBe: [],
    cacheable: true,
    ...more,
  };
}

interface Place {
  readonly clock: Clock;
  readonly entries: Entry[];
  readonly ended: SessionEnd[];
  readonly told: Notice[];
  readonly gateFor: (session: Session) => ReturnType<typeof gate>;
}

function placeOf(decision: Decision, without: 'usage' | 'end' | 'nothing' = 'nothing'): Place {
  const clock = new Clock();
  const entries: Entry[] = [];
  const ended: SessionEnd[] = [];
  const told: Notice[] = [];
  const usage = new Usage();
  const parts: GateParts = {
    policy: () => ({
      id: decision.policy,
      decide: () => decision,
      tagsOf: (_, { column }) => (column === 'ssn' ? ['pii/ssn'] : []),
    }),
    ledger: {
      append: async (entry) => {
        entries.push(entry);
      },
    },
    world: clock.world,
    metrics: {
      count: () => undefined,
      gauge: () => undefined,
      observe: () => undefined,
    },
    ...(without === 'usage' ? {} : { usage }),
    ...(without === 'end' ? {} : { end: (_: Session, why: SessionEnd) => void ended.push(why) }),
    notify: (_, about) => void told.push(about),
  };
  return { clock, entries, ended, told, gateFor: (session) => gate(parts, session) };
}

/** The class of a refusal; `permit` for a permit. */
function saidOf(verdict: Verdict): string {
  return verdict.kind === 'permit' ? 'permit' : verdict.denial.class;
}

const ended = { kind: 'ok', rows: 0, bytes: 0, masked: 0, withheld: 0 } as const;

test('a rate lets so many actions pass in its span, and more after it', async () => {
  const place = placeOf(decisionOf({ rates: [{ count: 2, perMs: 60_000, of: 'm/r' }] }));
  const own = place.gateFor(sessionOf(person('ana')));
  const said = async (): Promise<string> => saidOf(await own.ask({ action }));
  assert.deepEqual([await said(), await said(), await said()], ['permit', 'permit', 'LIMIT']);
  place.clock.set(59_999);
  assert.equal(await said(), 'LIMIT');
  place.clock.set(60_000);
  assert.equal(await said(), 'permit');
  const denied = place.entries.filter(
    (entry): entry is DecisionEntry => entry.kind === 'decision' && entry.decision === 'deny',
  );
  assert.deepEqual(
    denied.map(({ denial }) => [denial?.class, denial?.rule, denial?.retryable]),
    [
      ['LIMIT', 'm/r', true],
      ['LIMIT', 'm/r', true],
    ],
  );
});

test('a rate counts over sessions, for who asks and for whom they act, and not for others', async () => {
  const place = placeOf(decisionOf({ rates: [{ count: 2, perMs: 60_000, of: 'm/r' }] }));
  const ana = person('ana');
  const sessions = [
    sessionOf(ana, 'a'),
    sessionOf(ana, 'b'),
    sessionOf(person('bot', ana), 'c'),
    sessionOf(person('eve'), 'd'),
  ];
  const said: string[] = [];
  for (const session of sessions) said.push(saidOf(await place.gateFor(session).ask({ action })));
  assert.deepEqual(said, ['permit', 'permit', 'LIMIT', 'permit']);
});

for (const access of ['read', 'write'] as const) {
  test(`concurrency: a ${access} more is refused until one has ended, or its session has`, async () => {
    const place = placeOf(decisionOf({ concurrency: 1 }));
    const ana = person('ana');
    const [one, two] = [place.gateFor(sessionOf(ana, 'a')), place.gateFor(sessionOf(ana, 'b'))];
    const asked = { action: { ...action, access } };
    const first = await one.ask(asked);
    assert.equal(saidOf(first), 'permit');
    assert.equal(saidOf(await two.ask(asked)), 'LIMIT');
    assert.ok(first.kind === 'permit');
    one.done(first, ended);
    assert.equal(saidOf(await two.ask(asked)), 'permit');
    assert.equal(saidOf(await one.ask(asked)), 'LIMIT');
    await two.close();
    assert.equal(saidOf(await one.ask(asked)), 'permit');
  });
}

test('what cannot be counted or ended is refused', async () => {
  const cases: readonly (readonly [Partial<Duties>, 'usage' | 'end'])[] = [
    [{ rates: [{ count: 9, perMs: 1_000 }] }, 'usage'],
    [{ concurrency: 9 }, 'usage'],
    [{ sessionMs: 1_000 }, 'end'],
    [{ idleMs: 1_000 }, 'end'],
  ];
  for (const [duties, without] of cases) {
    const own = placeOf(decisionOf(duties), without).gateFor(sessionOf(person('ana')));
    assert.equal(saidOf(await own.ask({ action })), 'LIMIT', JSON.stringify(duties));
  }
});

test('a session is ended when it is as old as a rule allows, and nothing more of it passes', async () => {
  const place = placeOf(decisionOf({ sessionMs: 1_000 }));
  const own = place.gateFor(sessionOf(person('ana')));
  assert.equal(saidOf(await own.ask({ action })), 'permit');
  place.clock.set(999);
  assert.deepEqual(place.ended, []);
  place.clock.set(1_000);
  assert.deepEqual(place.ended, ['session limit']);
  assert.equal(saidOf(await own.ask({ action })), 'LIMIT');
});

test('an idle session is ended; an action under way keeps it awake', async () => {
  const place = placeOf(decisionOf({ idleMs: 1_000 }));
  const own = place.gateFor(sessionOf(person('ana')));
  const permit = await own.ask({ action });
  assert.ok(permit.kind === 'permit');
  place.clock.set(5_000);
  assert.deepEqual(place.ended, []);
  own.done(permit, ended);
  place.clock.set(5_999);
  assert.deepEqual(place.ended, []);
  place.clock.set(6_000);
  assert.deepEqual(place.ended, ['idle limit']);
});

const stated: readonly (readonly [string, Stated | undefined, string])[] = [
  ['nothing', undefined, 'UNSTATED'],
  ['a reason alone', { reason: 'month end' }, 'UNSTATED'],
  ['a ticket alone', { ticket: 'INC-1' }, 'UNSTATED'],
  ['a reason of blanks', { reason: '     ', ticket: 'INC-1' }, 'UNSTATED'],
  ['a ticket that only begins well', { reason: 'month end', ticket: 'INC-1; x' }, 'UNSTATED'],
  ['both', { reason: 'month end', ticket: 'INC-1' }, 'permit'],
];
for (const [what, given, said] of stated) {
  test(`justify and ticket: ${what} gives ${said}`, async () => {
    const own = placeOf(decisionOf({ justify: true, tickets: ['INC-[0-9]+'] })).gateFor(
      sessionOf(person('ana')),
    );
    const verdict = await own.ask({ action, ...(given === undefined ? {} : { stated: given }) });
    assert.equal(saidOf(verdict), said);
  });
}

const past = decisionOf({ justify: true, tickets: ['INC-[0-9]+'], notify: ['team:ops'] });
const soft = decisionOf({}, { kind: 'deny', code: 'RULE', soft: true, past });
const glass: readonly (readonly [string, Decision, Stated, string])[] = [
  ['who does not ask', soft, { reason: 'outage', ticket: 'INC-7' }, 'RULE'],
  ['who says no ticket', soft, { reason: 'outage', breakGlass: true }, 'UNSTATED'],
  ['who says all', soft, { reason: 'outage', ticket: 'INC-7', breakGlass: true }, 'permit'],
  [
    'a hard deny',
    { ...soft, soft: undefined } as unknown as Decision,
    { reason: 'outage', ticket: 'INC-7', breakGlass: true },
    'RULE',
  ],
];
for (const [what, decision, given, said] of glass) {
  test(`break-glass: ${what} gets ${said}`, async () => {
    const place = placeOf(decision);
    const own = place.gateFor(sessionOf(person('ana')));
    assert.equal(saidOf(await own.ask({ action, stated: given })), said);
    if (said === 'permit')
      assert.deepEqual(
        place.told.map(({ subject, kind }) => [subject, kind]),
        [['ana', 'allow']],
      );
  });
}

test('an entry says duties in full once a session, and whether the origin of values is known', async () => {
  const place = placeOf(decisionOf({ rowLimit: 5 }));
  const own = place.gateFor(sessionOf(person('ana')));
  await own.ask({ action });
  await own.ask({ action: { ...action, opaque: true } });
  const entries = place.entries.filter((entry): entry is DecisionEntry => entry.kind === 'decision');
  assert.deepEqual(
    entries.map(({ opaque, demands }) => [opaque, demands?.rowLimit]),
    [
      [false, 5],
      [true, undefined],
    ],
  );
});

test('a condition on a column whose tag a rule hides is refused; its output and other columns are not', async () => {
  const decision = decisionOf({ predicates: [{ tag: 'pii/*', allow: 'none', otherwise: 'deny' }] });
  const place = placeOf(decision);
  const own = place.gateFor(sessionOf(person('ana')));
  const column = (name: string, use: 'output' | 'filter') => ({
    object: 'public.customers',
    column: name,
    use,
  });
  const said = async (name: string, use: 'output' | 'filter'): Promise<string> =>
    saidOf(await own.ask({ action: { ...action, columns: [column(name, use)] } }));
  assert.deepEqual(
    [await said('ssn', 'filter'), await said('ssn', 'output'), await said('city', 'filter')],
    ['RULE', 'permit', 'permit'],
  );
});
