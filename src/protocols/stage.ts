import { Fault } from '../base/errors.ts';
import { wirePair } from '../base/memory-wire.ts';
import { err, ok } from '../base/result.ts';
import { Secret } from '../base/secret.ts';
import type { Wire } from '../base/stream.ts';
import { instant, type World } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import { type Duties, noDuties, type Permit } from '../core/decision.ts';
import { denial } from '../core/denial.ts';
import type { Entry } from '../core/entry.ts';
import type { Identity, Subject } from '../core/identity.ts';
import { heldBy } from '../core/held.ts';
import { defaultLimits } from '../core/limits.ts';
import type { Policy, Question } from '../core/ports.ts';
import type { Claim, Gate, House, Protocol, Seat } from '../core/protocol.ts';
import type { Rehearsal, RehearsalClient } from '../core/rehearsal.ts';
import type { Resource, ResourceName, SessionId } from '../core/session.ts';
import { gate } from '../gate/gate.ts';

// A protocol's room between its rehearsal's client and resource, with everything around it under the test's hand.

export interface StageOptions {
  /** `allow` everything unless said; `known`: everything that is understood; `mask`: and the rehearsal's column. */
  readonly policy?: 'allow' | 'deny' | 'mask' | 'known';
  readonly ledgerFails?: boolean;
  readonly recorderFails?: boolean;
  /** What the policy records of everything; `full` unless said. */
  readonly record?: Duties['record'];
  /** The client's and the resource's bytes come in pieces of so many. */
  readonly cut?: number;
}

export interface Stage extends AsyncDisposable {
  /** A client that has signed in through the gateway. */
  readonly client: () => Promise<RehearsalClient>;
  /** A client without the gateway. */
  readonly direct: () => Promise<RehearsalClient>;
  /** A connection on which nothing but this was said. */
  readonly connect: (bytes: Uint8Array) => void;
  readonly actions: (text: string) => Promise<readonly Action[]>;
  /** How often the resource was sent this. */
  readonly arrivals: (mark: string) => number;
  /** How often under a permit. */
  readonly permittedArrivals: (mark: string) => number;
  /** What the last client sent since its last answer. */
  readonly lastRequest: () => Buffer;
  readonly sawRequest: (bytes: Buffer) => boolean;
  readonly arrived: () => Buffer;
  readonly seenByClient: () => Buffer;
  readonly recorded: () => Buffer;
  /** The kinds of its frames, in order. */
  readonly recordedKinds: () => readonly string[];
  /** All entries (without what is sealed) and log lines. */
  readonly written: () => string;
  readonly decisions: () => readonly unknown[];
  readonly permitsEndedOnce: () => void;
  readonly holdAnswers: () => void;
  readonly stop: () => void;
  /** Lets things happen; whether the last connection has ended. */
  readonly settled: () => Promise<boolean>;
  /** The same, with all deadlines passing. */
  readonly quiet: () => Promise<boolean>;
  readonly error: () => unknown;
  /** Connections to the resource that stand behind the gate; what a room keeps for itself does not count. */
  readonly openToResource: () => number;
  readonly ended: boolean;
}

export async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
}

/** Opens the protocol's room; nothing of it is real but the room and the gate. */
export async function openStage(
  protocol: Protocol,
  rehearsal: Rehearsal,
  options: StageOptions,
): Promise<Stage> {
  const settings = protocol.settings(rehearsal.settings, '');
  if (!settings.ok) throw new Fault('config', 'The rehearsal has settings that the protocol does not take');
  const resource: Resource = {
    name: 'stage' as ResourceName,
    kind: protocol.name,
    tags: [],
    settings: settings.value,
  };
  const world = heldWorld();
  const entries: Entry[] = [];
  const ledger = {
    append: (entry: Entry): Promise<void> => {
      if (options.ledgerFails === true) return Promise.reject(new Fault('ledger', 'The disk is full'));
      entries.push(entry);
      return Promise.resolve();
    },
  };
  const [arrived, permitted, seen, recorded]: [Buffer[], Buffer[], Buffer[], Buffer[]] = [[], [], [], []];
  const kinds: string[] = [];
  const logged: string[] = [];
  const calls: Action[] = [];
  const outcomes: Permit[] = [];
  const permits: Permit[] = [];
  let [open, held] = [0, false];
  let asked: Buffer[] = [];

  const house: House = {
    resources: [resource],
    world,
    limits: defaultLimits,
    held: heldBy(defaultLimits, world),
    log: (...line) => logged.push(JSON.stringify(line)),
    metrics,
    dial: () => {
      const [near, far] = wirePair();
      rehearsal.resource(
        cutting({ ...far, write: (bytes) => (held ? undefined : far.write(bytes)) }, options),
      );
      const write = (bytes: Uint8Array): Promise<void> | undefined => {
        arrived.push(Buffer.from(bytes));
        return near.write(bytes);
      };
      return Promise.resolve({ ...near, write });
    },
    worker: (module) => ({
      call: async (name, argument) => {
        const loaded = (await import(module.href)) as Record<string, (argument: unknown) => unknown>; // as a worker would
        return await loaded[name]?.(argument);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
    maskKey: new Secret('00'.repeat(32)),
  };

  const session = {
    id: 'stage' as SessionId,
    identity: visitor,
    resource,
    startedAt: world.now(),
    peer: 'memory',
  };
  const made = gate({ policy: () => policyOf(rehearsal, options), ledger, world, metrics }, session);
  const watched: Gate = {
    ...made,
    ask: (ask) => noted(made.ask(ask), permits),
    prepare: made.prepare,
    done: (permit, outcome) => {
      if (permit.id !== '') outcomes.push(permit);
      made.done(permit, outcome);
    },
    guard: (wire) => {
      const inner = made.guard(wire);
      open += 1;
      void wire.closed.then(() => (open -= 1));
      return {
        ...inner,
        send: (given, bytes) => {
          const sent = inner.send(given, bytes); // throws without a permit
          permitted.push(Buffer.from(bytes));
          return sent;
        },
      };
    },
    guardCalls: (call) => {
      const inner = made.guardCalls(call);
      return (permit, request) => {
        const answer = inner(permit, request);
        calls.push(permit.action);
        return answer;
      };
    },
  };
  const recorder = {
    frame: (kind: string, bytes: Uint8Array): undefined => {
      if (options.recorderFails === true) throw new Fault('recorder', 'The disk is full');
      kinds.push(kind);
      recorded.push(Buffer.from(bytes));
    },
    close: () => Promise.resolve(0),
  };
  const admission = { session, gate: watched, recorder };
  const stop = new AbortController();
  const fits = (claim: Claim): boolean =>
    claim.token.reveal('test') === login.token &&
    claim.resource === login.resource &&
    claim.kind === protocol.name;
  const unknown = denial('SIGN_IN', '', 'This token is not known here');

  const room = protocol.start(house);
  let served: Promise<void> = Promise.resolve();
  let [over, error]: [boolean, unknown] = [true, undefined];
  const serve = (): Wire => {
    const [client, near] = wirePair();
    const seat: Seat = {
      client: cutting(near, options),
      plainAllowed: true,
      admit: (claim) => Promise.resolve(fits(claim) ? ok(admission) : err(unknown)),
      join: (claim) =>
        Promise.resolve(
          fits(claim)
            ? ok({ ...admission, signal: stop.signal, [Symbol.dispose]: () => undefined })
            : err(unknown),
        ),
      signal: stop.signal,
      draining: new AbortController().signal,
    };
    over = false;
    error = undefined;
    served = room.serve(seat).then(
      () => {
        over = true;
        near.destroy(); // as the reception does once the last words are out
      },
      (thrown: unknown) => {
        over = true;
        error = thrown;
        near.destroy();
      },
    );
    return client;
  };
  const wait = async (ms: readonly number[]): Promise<boolean> => {
    for (const each of [0, ...ms]) {
      if (each > 0) world.pass(each);
      for (let left = 150; left > 0 && !isOver(); left--) await turns(1);
    }
    if (isOver()) await served;
    return isOver();
  };
  const isOver = (): boolean => over;

  return {
    client: () => {
      const wire = serve();
      const write = (bytes: Uint8Array): Promise<void> | undefined => {
        asked.push(Buffer.from(bytes));
        return pieces(wire, bytes, options.cut);
      };
      const read = async (): Promise<Uint8Array | undefined> => {
        const chunk = await wire.read();
        if (chunk !== undefined) seen.push(Buffer.from(chunk));
        return chunk;
      };
      return rehearsal.client({ ...wire, write, read }, login).then((client) => ({
        ...client,
        ask: (text) => {
          asked = [];
          return client.ask(text);
        },
      }));
    },
    direct: () => {
      const [client, far] = wirePair();
      rehearsal.resource(far);
      return rehearsal.client(client, login);
    },
    connect: (bytes) =>
      void serve()
        .write(bytes)
        ?.catch(() => undefined),
    actions: (text) => room.actions(resource, text),
    arrivals: (mark) => count(Buffer.concat(arrived), mark),
    permittedArrivals: (mark) =>
      count(Buffer.concat(permitted), mark) + calls.filter(({ text }) => text.includes(mark)).length,
    lastRequest: () => Buffer.concat(asked),
    sawRequest: (bytes) => bytes.length > 0 && Buffer.concat(arrived).includes(bytes),
    arrived: () => Buffer.concat(arrived),
    seenByClient: () => Buffer.concat(seen),
    recorded: () => Buffer.concat(recorded),
    recordedKinds: () => kinds,
    written: () => [...entries.map(open_), ...logged].join('\n'),
    decisions: () => entries.filter(({ kind }) => kind === 'decision').map(open_),
    permitsEndedOnce: () => {
      const ids = outcomes.map(({ id }) => id).sort();
      const given = permits.map(({ id }) => id).sort();
      if (ids.join() !== given.join())
        throw new Fault('bug', `${given.length} permits had ${ids.length} ends`);
    },
    holdAnswers: () => (held = true),
    stop: () => stop.abort(new Fault('stopping', 'The test stops')),
    settled: () => wait([]),
    quiet: () => wait([15_001, 60_000, 600_001, 86_400_001]),
    error: () => error,
    openToResource: () => open,
    get ended() {
      return over;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await turns(5);
      await room[Symbol.asyncDispose]();
    },
  };
}

const login = { user: 'visitor', token: 'a-token', resource: 'stage' } as const;
const visitor: Identity = {
  kind: 'human',
  subject: login.user as Subject,
  groups: [],
  attributes: {},
  proof: { kind: 'token', tokenId: 't', expiresAt: instant(Date.UTC(2030, 0, 1)) },
};
const metrics = { count: ignore, gauge: ignore, observe: ignore };

function policyOf({ column }: Rehearsal, { policy = 'allow', record = 'full' }: StageOptions): Policy {
  const allows = ({ action }: Question): boolean =>
    policy === 'allow' || (policy !== 'deny' && action.access !== 'unknown');
  const plain = { ...noDuties, record };
  const duties =
    policy === 'mask'
      ? { ...plain, masks: [[{ tag: 'pii/*', operator: { kind: 'redact' as const } }]] }
      : plain;
  return {
    id: { digest: 'stage' },
    tagsOf: (_resource, { object, column: name }) =>
      object === column.object && name === column.column ? ['pii/any'] : [],
    decide: (question) => ({
      kind: allows(question) ? 'allow' : 'deny',
      ...(allows(question) ? {} : { code: 'RULE' as const }),
      because: [],
      why: allows(question) ? 'Allowed' : 'Everything is denied on this stage',
      fix: ['Ask elsewhere'],
      duties,
      policy: { digest: 'stage' },
      wouldBe: [],
      cacheable: true,
    }),
  };
}

function noted<T extends { readonly kind: string } | Promise<{ readonly kind: string }>>(
  verdict: T,
  permits: Permit[],
): T {
  const note = (given: { readonly kind: string }): void => {
    if (given.kind === 'permit') permits.push(given as Permit); // its kind was just looked at
  };
  if (verdict instanceof Promise) void verdict.then(note);
  else note(verdict);
  return verdict;
}

function open_(entry: Entry): string {
  return JSON.stringify(entry.kind === 'decision' ? { ...entry, sealed: undefined } : entry);
}

function count(bytes: Buffer, mark: string): number {
  let found = 0;
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) found += 1;
  return found;
}

/** A wire that gives and takes small pieces. */
function cutting(wire: Wire, { cut }: StageOptions): Wire {
  return cut === undefined ? wire : { ...wire, write: (bytes) => pieces(wire, bytes, cut) };
}

function pieces(wire: Wire, bytes: Uint8Array, cut: number | undefined): Promise<void> | undefined {
  if (cut === undefined) return wire.write(bytes);
  const whole = Buffer.from(bytes); // the caller's memory may be used again
  return (async () => {
    for (let at = 0; at < whole.length; at += cut) await wire.write(whole.subarray(at, at + cut));
  })();
}

/** Time that moves only when told to. */
function heldWorld(): World & { readonly pass: (ms: number) => void } {
  let now = Date.UTC(2026, 0, 1);
  let timers: { readonly at: number; readonly call: () => void }[] = [];
  let chance = 0;
  return {
    now: () => instant(now),
    random: (bytes) => Uint8Array.from({ length: bytes }, () => (chance = (chance * 73 + 41) % 251)),
    after: (ms, call) => {
      const timer = { at: now + ms, call };
      timers.push(timer);
      return { [Symbol.dispose]: () => void (timers = timers.filter((each) => each !== timer)) };
    },
    pass: (ms) => {
      now += ms;
      const due = timers.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
      timers = timers.filter((each) => !due.includes(each));
      for (const { call } of due) call();
    },
  };
}

function ignore(): void {
  // Nobody looks.
}
