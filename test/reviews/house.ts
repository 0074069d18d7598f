import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '../../src/base/secret.ts';
import type { Wire } from '../../src/base/stream.ts';
import type { World } from '../../src/base/time.ts';
import { instant, realWorld } from '../../src/base/time.ts';
import type { Action } from '../../src/core/action.ts';
import { noDuties, type ApproveDuty, type Decision, type Verdict } from '../../src/core/decision.ts';
import type { Entry } from '../../src/core/entry.ts';
import type { Identity, Subject } from '../../src/core/identity.ts';
import type { Ledger, Policy } from '../../src/core/ports.ts';
import type { Ask, Room, Upstream, Waiting } from '../../src/core/protocol.ts';
import type { Answer, Channel, Counted, ReviewId } from '../../src/core/review.ts';
import type { ResourceName, Session, SessionId } from '../../src/core/session.ts';
import { Desk } from '../../src/gate/desk.ts';
import { defaultReviewSettings, type ReviewSettings } from '../../src/gate/review-settings.ts';
import { gate, type SessionGate } from '../../src/gate/gate.ts';
import { directory, type DirectoryRecord } from '../../src/identity/directory.ts';
import type { ReviewStore } from '../../src/reviews/index.ts';
import { Tickets } from '../../src/server/tickets.ts';
import { openReviews } from '../../src/stores/reviews.ts';

export const noMetrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };

export const deletes: Action = {
  verb: 'sql.delete',
  access: 'write',
  targets: [{ kind: 'table', name: 'public.orders', access: 'write' }],
  columns: [{ object: 'public.orders', column: 'status', use: 'filter' }],
  attributes: { condition: 'other' },
  text: "DELETE FROM orders WHERE status = 'cancelled'",
  notes: [],
};

export const people: readonly DirectoryRecord[] = [
  { subject: 'dba' as Subject, kind: 'human', groups: ['dba'], attributes: {} },
  { subject: 'dba2' as Subject, kind: 'human', groups: ['dba'], attributes: {}, links: ['dba'] },
  { subject: 'dora' as Subject, kind: 'human', groups: ['dba', 'leads'], attributes: {} },
  { subject: 'lead' as Subject, kind: 'human', groups: ['leads'], attributes: {} },
  { subject: 'lena' as Subject, kind: 'human', groups: ['leads'], attributes: {}, links: ['lead'] },
  { subject: 'analyst' as Subject, kind: 'human', groups: ['analysts'], attributes: {} },
  {
    subject: 'agent' as Subject,
    kind: 'agent',
    groups: ['dba'],
    actingFor: 'dora' as Subject,
    attributes: {},
  },
  { subject: 'robot' as Subject, kind: 'workload', groups: ['leads'], attributes: {} },
  {
    subject: 'proxy' as Subject,
    kind: 'human',
    groups: ['leads'],
    actingFor: 'lead' as Subject,
    attributes: {},
  },
];

const oneOf: readonly ApproveDuty[] = [{ groups: ['dba', 'leads'], count: 1, withinMs: 900_000 }];

export interface House {
  readonly desk: Desk;
  readonly store: ReviewStore;
  readonly entries: Entry[];
  readonly ledger: { fails: boolean };
  readonly sent: string[];
  /** Changes what the policy says from now on. */
  policy: { digest: string; kind: Decision['kind']; needs: readonly ApproveDuty[] };
  records: readonly DirectoryRecord[];
  readonly gateOf: (subject: string, ticket?: string) => SessionGate;
  /** Runs tickets by themselves; `runs` counts how often one was tried. */
  readonly tickets: Tickets;
  readonly runs: { count: number };
  readonly identity: (subject: string) => Identity;
  /** Asks, and sends when it may. */
  readonly ask: (by: string, more?: Partial<Asked>) => Asking;
  readonly answer: (by: string, vote?: 'approve' | 'refuse', more?: Partial<Answer>) => Promise<Counted>;
  /** The review asked for last. */
  readonly last: () => ReviewId;
  readonly kinds: () => readonly string[];
}

interface Asked {
  readonly text: string;
  readonly values: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly again: Waiting['again'];
  readonly patienceMs: number;
  readonly limit: { readonly why: string };
  readonly through: SessionGate;
  readonly errand: string;
  readonly action: Action;
  readonly within: string;
  readonly shape: string | undefined;
  readonly veiled: string;
  readonly estimate: number | undefined;
}

export interface Asking {
  readonly verdict: Promise<Verdict>;
  readonly told: string[];
  readonly cancel: () => void;
}

export function house(
  over: {
    readonly settings?: Partial<ReviewSettings>;
    readonly world?: World;
    readonly store?: ReviewStore;
    readonly ledger?: Ledger;
    readonly onSend?: (text: string) => void;
    readonly channels?: readonly Channel[];
  } = {},
): House & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-reviews-'));
  const opened = over.store === undefined ? openReviews(folder, new Secret('00'.repeat(32))) : undefined;
  const store = over.store ?? opened;
  if (store === undefined) throw new Error('No store');
  const world = over.world ?? realWorld;
  const entries: Entry[] = [];
  const ledgerState = { fails: false };
  const ledger: Ledger = over.ledger ?? {
    append: (entry) => {
      if (ledgerState.fails) return Promise.reject(new Error('The disk is full'));
      entries.push(entry);
      return Promise.resolve();
    },
  };
  const state: Pick<House, 'policy' | 'records'> = {
    policy: { digest: 'p1', kind: 'review', needs: oneOf },
    records: people,
  };
  const known = (): ReturnType<typeof directory> & { ok: true } => {
    const made = directory(state.records);
    if (!made.ok) throw new Error(made.error[0]?.message);
    return made;
  };
  const policy = (): Policy => ({
    id: { digest: state.policy.digest },
    tagsOf: (_resource, { column }) => (column === 'ssn' ? ['pii/ssn'] : []),
    decide: () => ({
      kind: state.policy.kind,
      because: [],
      why: 'Another person looks first',
      fix: [],
      duties: { ...noDuties, approve: state.policy.needs },
      policy: { digest: state.policy.digest },
      wouldBe: [],
      cacheable: false,
    }),
  });
  const desk = new Desk({
    store,
    ledger,
    world,
    metrics: noMetrics,
    log: () => undefined,
    policy,
    people: {
      find: (subject) => known().value.find(subject),
      human: (subject) => known().value.human(subject),
      all: () =>
        state.records.map(({ subject }) => known().value.find(subject)).filter((each) => each !== undefined),
    },
    settings: { ...defaultReviewSettings, ...over.settings },
    channels: () => over.channels ?? [],
    approved: (ticket) => tickets.approved(ticket),
  });
  const runs = { count: 0 };
  const tickets = new Tickets({
    desk,
    world,
    log: () => undefined,
    find: (subject) => known().value.find(subject),
    revoked: (tokenId) => tokenId === 'revoked',
    room: () => room,
    attend: () => Promise.resolve(),
  });
  /** A protocol whose errand is one request through a session of its own. */
  const room: Room = {
    serve: () => Promise.resolve(),
    probe: () => Promise.resolve(''),
    actions: () => Promise.resolve([]),
    errand: async (_wire, { subject, kept }) => {
      runs.count += 1;
      const through = gateOf(subject, store.list({ limit: 1, states: ['approved'] })[0]?.id ?? 'none');
      const verdict = await made.ask(subject, { text: kept, through }).verdict;
      return verdict.kind === 'permit'
        ? { columns: [], rows: [], tag: 'DELETE 3', cut: 0 }
        : { columns: [], rows: [], cut: 0, error: { code: '42501', message: verdict.denial.why } };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const identity = (subject: string): Identity => {
    const found = known().value.find(subject);
    if (found === undefined) throw new Error(`Nobody is called ${subject}`);
    return {
      ...found,
      proof: {
        kind: 'token',
        tokenId: subject,
        expiresAt: instant(world.now() + 3_600_000),
        signedInAt: world.now(),
      },
    };
  };
  let sessions = 0;
  const gateOf = (subject: string, ticket?: string): SessionGate => {
    const session: Session = {
      id: `s${(sessions += 1)}` as SessionId,
      identity: identity(subject),
      resource: { name: 'shop' as ResourceName, kind: 'postgres', tags: [], settings: undefined },
      startedAt: world.now(),
      peer: '127.0.0.1:1',
      ...(ticket === undefined ? {} : { ticket }),
    };
    return gate({ policy, ledger, world, metrics: noMetrics, desk }, session);
  };
  const sent: string[] = [];
  const made: House & Disposable = {
    desk,
    store,
    entries,
    ledger: ledgerState,
    sent,
    get policy() {
      return state.policy;
    },
    set policy(now) {
      state.policy = now;
    },
    get records() {
      return state.records;
    },
    set records(now) {
      state.records = now;
    },
    gateOf,
    tickets,
    runs,
    identity,
    ask: (by, more = {}) => {
      const own = more.through ?? gateOf(by);
      const upstream = sink(own, (text) => {
        over.onSend?.(text);
        sent.push(text);
      });
      const stop = new AbortController();
      const told: string[] = [];
      const text = more.text ?? deletes.text;
      const settings = more.settings ?? { search_path: 'public' };
      const action = more.action ?? deletes;
      const { within, shape, estimate, veiled } = more;
      const request: Ask = {
        action,
        text,
        ...(more.values === undefined ? {} : { values: more.values }),
        wait: (): Waiting => ({
          tell: (line) => void told.push(line),
          signal: stop.signal,
          settings,
          again: more.again ?? (() => Promise.resolve({ action, settings })),
          ...(within === undefined ? {} : { within }),
          ...(shape === undefined ? {} : { shape }),
          ...(veiled === undefined ? {} : { veiled: { text: veiled } }),
          ...(estimate === undefined
            ? {}
            : { estimate: () => Promise.resolve({ rows: estimate, about: 'a plan' }) }),
          ...(more.patienceMs === undefined ? {} : { patienceMs: more.patienceMs }),
          ...(more.errand === undefined ? {} : { errand: more.errand }),
          ...(more.limit === undefined ? {} : { limit: more.limit }),
          [Symbol.dispose]: () => undefined,
        }),
      };
      const verdict = Promise.resolve(own.ask(request)).then((given) => {
        if (given.kind === 'permit') {
          void upstream.send([given], Buffer.from(text));
          own.done(given, { kind: 'ok', rows: 0, bytes: 0, masked: 0, withheld: 0 });
        }
        return given;
      });
      return { verdict, told, cancel: () => stop.abort(new Error('The client cancelled it')) };
    },
    answer: (by, vote = 'approve', more = {}) => {
      const review = more.review ?? made.last();
      const who = identity(by);
      return desk.answer({
        review,
        digest: store.find(review)?.digest ?? ('' as Answer['digest']),
        vote,
        via: 'test',
        by: who,
        signedInAt: who.proof.signedInAt ?? instant(0),
        ...more,
      });
    },
    last: () => {
      const [newest] = store.list({ limit: 1 });
      if (newest === undefined) throw new Error('No review was asked for');
      return newest.id;
    },
    kinds: () =>
      entries.map((entry) => (entry.kind === 'review.ended' ? `ended:${entry.state}` : entry.kind)),
    [Symbol.dispose]: () => {
      tickets[Symbol.dispose]();
      opened?.[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return made;
}

function sink(own: SessionGate, send: (text: string) => void): Upstream {
  const wire: Wire = {
    read: () => Promise.resolve(undefined),
    write: (bytes) => {
      send(Buffer.from(bytes).toString());
      return undefined;
    },
    end: () => undefined,
    destroy: () => undefined,
    closed: Promise.resolve(),
    peer: 'test',
  };
  return own.guard(wire);
}

/** Until it may go, is refused, or its client was told that it waits. */
export async function answeredOrHeld({ verdict, told }: Asking): Promise<void> {
  const answers: Verdict[] = [];
  void verdict.then((given) => answers.push(given));
  while (answers.length === 0 && !told.some((line) => line.startsWith('This waits'))) await settle(1);
}

/** Lets everything that can go on go on. */
export async function settle(turns: number = 40): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
