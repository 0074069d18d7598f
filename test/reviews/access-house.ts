import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instant, realWorld, type World } from '../../src/base/time.ts';
import type { Action } from '../../src/core/action.ts';
import type { Verdict } from '../../src/core/decision.ts';
import type { Entry } from '../../src/core/entry.ts';
import type { Identity } from '../../src/core/identity.ts';
import type { ResourceName, Session, SessionId } from '../../src/core/session.ts';
import type { Counted } from '../../src/core/review.ts';
import { Access, type Requested, type Revoked } from '../../src/gate/access.ts';
import { Desk } from '../../src/gate/desk.ts';
import { defaultReviewSettings } from '../../src/gate/review-settings.ts';
import { gate, type SessionGate } from '../../src/gate/gate.ts';
import type { Wanted } from '../../src/gate/wanted.ts';
import { directory, type DirectoryRecord } from '../../src/identity/directory.ts';
import type { LoadedPolicy } from '../../src/policy/load.ts';
import { filesOf, loaded } from '../../src/policy/fake.ts';
import { openGrants } from '../../src/stores/grants.ts';
import { openReviews } from '../../src/stores/reviews.ts';
import { noMetrics, people as others } from './house.ts';

// A gateway's heart with a real policy, real stores, and a clock that can be put forward and back.

const subjects: readonly DirectoryRecord[] = [
  ...others,
  { subject: 'sue' as DirectoryRecord['subject'], kind: 'human', groups: ['support'], attributes: {} },
  {
    subject: 'sam' as DirectoryRecord['subject'],
    kind: 'human',
    groups: ['support', 'leads'],
    attributes: {},
  },
  {
    subject: 'bot' as DirectoryRecord['subject'],
    kind: 'agent',
    groups: [],
    actingFor: 'sue' as DirectoryRecord['subject'],
    attributes: {},
  },
];

/** `edit` changes the text of the rules. */
export function policyOf(edit: (rules: string) => string = (rules) => rules): LoadedPolicy {
  const rules = `- id: look
  effect: allow
  match: { resource: { kind: postgres, name: shop }, identity: { groups: [support] }, action: [sql.select, sql.explain], access: read }
  when: action.objects.all(o, o.name == "public.customers")
  onRequest: { approve: { from: leads }, longest: 2h }
- id: change
  effect: allow
  match: { resource: { kind: postgres, tags: team/* }, identity: { groups: [support] }, action: sql.update, access: write }
  onRequest: { approve: [{ from: leads, count: 2 }], longest: 8h, ticket: 'OPS-[0-9]+' }
- id: agents
  effect: allow
  match: { resource: { kind: postgres }, identity: { kind: agent }, access: read }`;
  return loaded(filesOf(edit(rules)));
}

export interface AccessHouse extends Disposable {
  policy: LoadedPolicy | undefined;
  records: readonly DirectoryRecord[];
  readonly desk: Desk;
  readonly access: Access;
  readonly entries: Entry[];
  readonly ledger: { fails: boolean; until: Promise<void> };
  readonly ended: { readonly session: string; readonly why: string }[];
  /** Time goes on by so much; timers go off. */
  readonly pass: (ms: number) => void;
  /** Somebody puts the clock. No timer notices. */
  readonly put: (ms: number) => void;
  readonly ask: (by: string, wanted?: Partial<Wanted>, resource?: string) => Promise<Requested>;
  readonly answer: (by: string, id: string, vote?: 'approve' | 'refuse') => Promise<Counted>;
  readonly revoke: (by: string, id: string, admin?: boolean) => Promise<Revoked>;
  readonly identity: (subject: string) => Identity;
  readonly open: (by: string, resource?: string) => SessionGate;
  readonly read: (through: SessionGate, more?: Partial<Action>) => Promise<Verdict>;
  /** Asks for it, and has it approved. Gives the id. */
  readonly have: (by: string, wanted?: Partial<Wanted>) => Promise<string>;
  /** The gateway ends, as kill -9 ends it, and starts again on the same files. */
  readonly again: () => Promise<void>;
}

const customers: Action = {
  verb: 'sql.select',
  access: 'read',
  targets: [{ kind: 'table', name: 'public.customers', access: 'read' }],
  columns: [],
  attributes: {
    byKey: false,
    condition: 'none',
    functions: [],
    settings: [],
    copy: 'none',
    explain: false,
    temporary: false,
    locks: false,
  },
  text: 'SELECT * FROM customers',
  notes: [],
};

const resources = ['shop', 'Shop', 'shop2'].map((name) => ({
  name: name as ResourceName,
  kind: 'postgres',
  tags: ['team/crm'],
  settings: undefined,
}));

export async function accessHouse(): Promise<AccessHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-access-'));
  const state = { mono: 0, wall: Date.UTC(2026, 0, 5, 10) };
  let timers: { readonly at: number; readonly call: () => void }[] = [];
  const world: World = {
    now: () => instant(state.wall),
    random: realWorld.random,
    after: (ms, call) => {
      const timer = { at: state.mono + ms, call };
      timers.push(timer);
      return { [Symbol.dispose]: () => void (timers = timers.filter((each) => each !== timer)) };
    },
  };
  const entries: Entry[] = [];
  const ledgerState = { fails: false, until: Promise.resolve() };
  const ledger = {
    append: (entry: Entry): Promise<void> => {
      if (ledgerState.fails) return Promise.reject(new Error('The disk is full'));
      entries.push(entry);
      return ledgerState.until;
    },
  };
  const ended: { readonly session: string; readonly why: string }[] = [];
  let sessions = 0;
  const made = { policy: policyOf() as LoadedPolicy | undefined, records: subjects };
  const known = (): Extract<ReturnType<typeof directory>, { ok: true }>['value'] => {
    const read = directory(made.records);
    if (!read.ok) throw new Error(read.error[0]?.message);
    return read.value;
  };
  const start = (): { readonly desk: Desk; readonly access: Access; readonly close: () => void } => {
    const [store, grants] = [openReviews(folder), openGrants(folder)];
    const desk: Desk = new Desk({
      store,
      ledger,
      world,
      metrics: noMetrics,
      log: () => undefined,
      policy: () => made.policy,
      people: {
        find: (subject) => known().find(subject),
        human: (subject) => known().human(subject),
        all: () =>
          made.records.map(({ subject }) => known().find(subject)).filter((each) => each !== undefined),
      },
      settings: defaultReviewSettings,
      channels: () => [],
      granted: (request) => access.granted(request),
      ungranted: (request) => access.ungranted(request),
    });
    const access = new Access({
      store: grants,
      desk,
      world,
      log: () => undefined,
      policy: () => made.policy,
      resources,
      end: (session, why) => void ended.push({ session: session.id, why }),
      newSession: () => `a${(sessions += 1)}` as SessionId,
    });
    const close = (): void => {
      access[Symbol.dispose]();
      store[Symbol.dispose]();
      grants[Symbol.dispose]();
    };
    return { desk, access, close };
  };
  let running = start();
  const identity = (subject: string): Identity => {
    const found = known().find(subject);
    if (found === undefined) throw new Error(`Nobody is called ${subject}`);
    const at = instant(state.wall);
    return { ...found, proof: { kind: 'token', tokenId: subject, expiresAt: at, signedInAt: at } };
  };
  const resourceOf = (name: string): (typeof resources)[number] => {
    const found = resources.find((each) => each.name === name);
    if (found === undefined) throw new Error(`There is no ${name}`);
    return found;
  };
  const house: AccessHouse = {
    get policy() {
      return made.policy;
    },
    set policy(now) {
      made.policy = now;
    },
    get records() {
      return made.records;
    },
    set records(now) {
      made.records = now;
    },
    get desk() {
      return running.desk;
    },
    get access() {
      return running.access;
    },
    entries,
    identity,
    ledger: ledgerState,
    ended,
    pass: (ms) => {
      const until = state.mono + ms;
      for (;;) {
        const due = timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers = timers.filter((each) => each !== due);
        state.wall += due.at - state.mono;
        state.mono = due.at;
        due.call();
      }
      state.wall += until - state.mono;
      state.mono = until;
    },
    put: (ms) => void (state.wall += ms),
    ask: (by, wanted = {}, resource = 'shop') =>
      running.access.ask(identity(by), resourceOf(resource), {
        reason: 'a case',
        verbs: ['sql.select'],
        ...wanted,
      }),
    answer: (by, id, vote = 'approve') => {
      const review = running.desk.find(id);
      if (review === undefined) throw new Error('There is no such request');
      const at = instant(state.wall);
      return running.desk.answer({
        review: review.id,
        digest: review.digest,
        vote,
        via: 'test',
        by: identity(by),
        signedInAt: at,
      });
    },
    revoke: (by, id, admin = false) => running.access.revoke(id, identity(by), { admin, via: 'test' }),
    open: (by, resource = 'shop') => {
      const session: Session = {
        id: `s${(sessions += 1)}` as SessionId,
        identity: identity(by),
        resource: resourceOf(resource),
        startedAt: instant(state.wall),
        peer: 'test',
      };
      const { desk, access } = running;
      return gate({ policy: () => made.policy, ledger, world, metrics: noMetrics, desk, access }, session);
    },
    read: async (through, more = {}) => through.ask({ action: { ...customers, ...more } }),
    have: async (by, wanted = {}) => {
      const asked = await house.ask(by, wanted);
      if (asked.kind !== 'asked') throw new Error(asked.why);
      const counted = await house.answer('lead', asked.review.id);
      if (counted.kind !== 'counted') throw new Error(counted.why);
      return asked.review.id;
    },
    again: async () => {
      timers = [];
      running.close();
      running = start();
      await running.desk.recover();
      await running.access.recover();
    },
    [Symbol.dispose]: () => {
      running.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await house.access.recover();
  return house;
}
