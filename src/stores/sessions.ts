import type { ColumnUse, Target } from '../core/action.ts';
import type { Denial, Outcome } from '../core/decision.ts';
import type { Actor, DecisionEntry, Entry } from '../core/entry.ts';
import type { Log } from '../core/ports.ts';
import { instant, type Instant, timestamp } from '../base/time.ts';
import type { Stored } from '../ledger/index.ts';
import type { OpenLedger } from './ledger.ts';
import type { RecordingOf } from './recordings.ts';

/** Sessions and their decisions, read from the ledger. */
export interface SessionRecords {
  /** Newest first. */
  readonly sessions: (query: SessionQuery) => Promise<readonly SessionSummary[]>;
  /** With every decision, at most `statementsShown`; `undefined` when there is no such session among the remembered. */
  readonly session: (id: string) => Promise<SessionDetail | undefined>;
  readonly decision: (id: string) => Promise<DecisionRecord | undefined>;
  readonly summary: (id: string) => Promise<SessionSummary | undefined>;
  /** Those that are open now, newest first. */
  readonly open: () => readonly SessionSummary[];
  /** Forgets what was personal of a session: its key was destroyed. */
  readonly forget: (id: string) => void;
  /** What a replay of its recording needs. */
  readonly recording: (id: string) => Promise<RecordingOf | undefined>;
}

export interface SessionQuery {
  readonly limit: number;
  readonly identity?: string; // a subject
  readonly resource?: string;
  readonly before?: string; // a session's id: what is older than it
}

export interface SessionSummary {
  readonly id: string;
  readonly identity: Actor;
  readonly resource: string;
  readonly kind: string;
  readonly startedAt: string; // RFC 3339
  readonly endedAt?: string;
  readonly state: 'open' | 'closed' | 'lost'; // lost: the gateway ended without writing its end
  readonly why?: string;
  readonly peer: string;
  readonly run?: string;
  readonly client?: string;
  readonly decisions: number;
  readonly allowed: number;
  readonly denied: number;
  readonly reviewed: number;
}

export interface SessionDetail extends SessionSummary {
  readonly statements: readonly DecisionRecord[];
  /** True where there are more statements than are shown. */
  readonly more?: true;
}

export interface DecisionRecord {
  readonly id: string;
  readonly session: string;
  readonly at: string; // RFC 3339
  readonly identity: Actor;
  readonly resource: string;
  readonly decision: DecisionEntry['decision'];
  readonly verb: string;
  readonly access: string;
  readonly targets: readonly Target[];
  readonly columns: readonly ColumnUse[];
  readonly rules: readonly { readonly id: string; readonly at?: string }[];
  readonly wouldBe: readonly string[];
  readonly duties: readonly string[];
  readonly policy: string;
  readonly commit?: string;
  readonly denial?: Denial;
  /** Absent once the session's key was destroyed. */
  readonly text?: string;
  /** Bytes of the whole text, where the entry holds only its beginning. */
  readonly cutFrom?: number;
  readonly outcome?: Outcome;
  /** The review that it waited for or was let pass by, and how that ended. */
  readonly review?: ReviewOf;
  /** The access requests by whose grants it was allowed. */
  readonly grants?: readonly string[];
  /** It went past soft rules: these, and what was said for it, until the session's key was destroyed. */
  readonly glass?: { readonly rules: readonly string[]; readonly reason?: string; readonly ticket?: string };
}

export interface ReviewOf {
  readonly id: string;
  /** `open`: it waits, or is a ticket that can still be used. */
  readonly state: 'open' | 'done' | 'refused' | 'expired' | 'withdrawn' | 'void' | 'unknown';
  readonly why?: string;
  readonly approvers?: readonly string[];
}

/** Sessions that are remembered; older ones are in the ledger, and `audit export` shows them. */
const remembered = 100_000;
/** Entries that are read again at a start. */
const replayed = 250_000;
export const statementsShown = 10_000;

interface Remembered {
  readonly opened: Extract<Entry, { kind: 'session.opened' }>;
  /** Entries from here on can be of this session. */
  readonly first: number;
  last: number;
  ended?: { readonly at: Instant; readonly why: string };
  lost: boolean;
  allowed: number;
  denied: number;
  reviewed: number;
}

/**
 * Remembers the sessions of a ledger: rebuilt from its newest entries now, kept up with every append from now on. In
 * memory only, bounded; statements are read from the ledger when they are asked for.
 */
export async function sessionRecords(ledger: OpenLedger, log: Log, locate?: Locate): Promise<SessionRecords> {
  const memory = new Memory();
  const from = Math.max(0, ledger.size - replayed);
  if (from > 0) log('info', 'sessions.partly-remembered', { fromEntry: from });
  // To be called before anything is appended: the gateway opens its listeners later.
  for await (const { index, entry } of ledger.read(from, ledger.size)) memory.see(entry, index);
  memory.restart();
  ledger.watch((entry, index) => memory.see(entry, index));
  const find = async (id: string): Promise<Remembered | undefined> =>
    memory.find(id) ?? (await older(ledger, id, locate));
  return {
    sessions: (query) => Promise.resolve(memory.list(query)),
    session: async (id) => detail(ledger, await find(id)),
    decision: async (id) => decisionOf(ledger, await find(id.slice(0, id.lastIndexOf('.'))), id),
    summary: async (id) => {
      const found = await find(id);
      return found === undefined ? undefined : summary(found);
    },
    open: () => memory.open(),
    forget: (id) => memory.forget(id),
    recording: async (id) => recordingOf(ledger, await find(id)),
  };
}

/** Where the entries of a session stand that is not remembered; `undefined` where there is none. */
export type Locate = (id: string) => Promise<{ readonly first: number; readonly last: number } | undefined>;

/** How one session ends may be written a little behind the last entry that is searched for. */
const behindLast = 5_000;

/** A session that is not remembered, read from the ledger. */
async function older(
  ledger: OpenLedger,
  id: string,
  locate: Locate | undefined,
): Promise<Remembered | undefined> {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) return undefined;
  const at = await locate?.(id);
  if (at === undefined) return undefined;
  const memory = new Memory();
  const to = Math.min(ledger.size, at.last + behindLast);
  for await (const { entry, index } of ledger.read(at.first, to, `"session":${JSON.stringify(id)}`))
    if ('session' in entry && entry.session === id) memory.see(entry, index);
  memory.restart(); // one that is open is remembered
  return memory.find(id);
}

class Memory {
  readonly #sessions: Map<string, Remembered> = new Map(); // oldest first

  see(entry: Entry, index: number): void {
    if (entry.kind === 'gateway.started') this.restart();
    if (entry.kind === 'session.opened') this.#open(entry, index);
    if (!('session' in entry)) return;
    const session = this.#sessions.get(entry.session);
    if (session === undefined) return;
    session.last = index;
    if (entry.kind === 'session.closed') session.ended = { at: entry.at, why: entry.why };
    if (entry.kind !== 'decision') return;
    if (entry.decision === 'allow') session.allowed += 1;
    else if (entry.decision === 'deny') session.denied += 1;
    else session.reviewed += 1;
  }

  /** Whoever was still open was cut off with the gateway. */
  restart(): void {
    for (const session of this.#sessions.values()) if (session.ended === undefined) session.lost = true;
  }

  open(): readonly SessionSummary[] {
    return [...this.#sessions.values()]
      .filter(({ ended, lost }) => ended === undefined && !lost)
      .reverse()
      .map(summary);
  }

  forget(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    const { run: _run, client: _client, ...opened } = session.opened;
    this.#sessions.set(id, { ...session, opened: { ...opened, peer: '' } });
  }

  find(id: string): Remembered | undefined {
    return this.#sessions.get(id);
  }

  list({ limit, identity, resource, before }: SessionQuery): readonly SessionSummary[] {
    const found: SessionSummary[] = [];
    let past = before === undefined;
    for (const session of [...this.#sessions.values()].reverse()) {
      if (found.length >= limit) break;
      const { opened } = session;
      const wanted =
        past &&
        (identity === undefined || opened.identity.subject === identity) &&
        (resource === undefined || opened.resource.name === resource);
      if (wanted) found.push(summary(session));
      if (opened.session === before) past = true;
    }
    return found;
  }

  #open(opened: Remembered['opened'], index: number): void {
    this.#sessions.set(opened.session, {
      opened,
      first: index,
      last: index,
      lost: false,
      allowed: 0,
      denied: 0,
      reviewed: 0,
    });
    if (this.#sessions.size <= remembered) return;
    for (const [id, { ended, lost }] of this.#sessions) {
      if (ended === undefined && !lost) continue; // an open session is kept
      this.#sessions.delete(id);
      return;
    }
  }
}

function summary(session: Remembered): SessionSummary {
  const { opened, ended, lost, allowed, denied, reviewed } = session;
  return {
    id: opened.session,
    identity: opened.identity,
    resource: opened.resource.name,
    kind: opened.resource.kind,
    startedAt: timestamp(opened.at),
    ...(ended === undefined ? {} : { endedAt: timestamp(ended.at), why: ended.why }),
    state: ended !== undefined ? 'closed' : lost ? 'lost' : 'open',
    peer: opened.peer,
    ...(opened.run === undefined ? {} : { run: opened.run }),
    ...(opened.client === undefined ? {} : { client: opened.client }),
    decisions: allowed + denied + reviewed,
    allowed,
    denied,
    reviewed,
  };
}

/** The entries of one session, in order. */
function entriesOf(ledger: OpenLedger, { opened, first, last }: Remembered): AsyncIterable<Stored> {
  return ledger.read(first, last + 1, `"session":${JSON.stringify(opened.session)}`);
}

async function detail(
  ledger: OpenLedger,
  session: Remembered | undefined,
): Promise<SessionDetail | undefined> {
  if (session === undefined) return undefined;
  const statements = new Map<string, DecisionRecord>();
  let more = false;
  for await (const stored of entriesOf(ledger, session)) {
    const { entry } = stored;
    if (!('session' in entry) || entry.session !== session.opened.session) continue;
    if (entry.kind === 'outcomes') {
      for (const { id, outcome } of entry.outcomes) {
        const known = statements.get(id);
        if (known !== undefined) statements.set(id, { ...known, outcome });
      }
    } else if (
      entry.kind === 'break-glass' ||
      entry.kind === 'review.used' ||
      entry.kind === 'review.ended'
    ) {
      const known = statements.get(entry.decision);
      if (known !== undefined) statements.set(entry.decision, withMore(known, entry, stored));
    } else if (entry.kind === 'decision') {
      if (statements.size < statementsShown) statements.set(entry.id, recordOf(entry, stored));
      else more = true;
    }
  }
  return { ...summary(session), statements: [...statements.values()], ...(more ? { more } : {}) };
}

async function decisionOf(
  ledger: OpenLedger,
  session: Remembered | undefined,
  id: string,
): Promise<DecisionRecord | undefined> {
  if (session === undefined) return undefined;
  let found: DecisionRecord | undefined;
  for await (const stored of entriesOf(ledger, session)) {
    const { entry } = stored;
    if (entry.kind === 'decision' && entry.id === id) found = recordOf(entry, stored);
    if (found === undefined) continue;
    if (entry.kind === 'break-glass' || entry.kind === 'review.used' || entry.kind === 'review.ended') {
      if (entry.decision === id) found = withMore(found, entry, stored);
    }
    if (entry.kind !== 'outcomes') continue;
    const own = entry.outcomes.find((each) => each.id === id);
    // Of what a review let pass, how the review ended is written behind this.
    if (own !== undefined && found.review === undefined) return { ...found, outcome: own.outcome };
    if (own !== undefined) found = { ...found, outcome: own.outcome };
  }
  return found;
}

async function recordingOf(
  ledger: OpenLedger,
  session: Remembered | undefined,
): Promise<RecordingOf | undefined> {
  if (session === undefined) return undefined;
  const chunks: string[] = [];
  const bytes: number[] = [];
  for await (const { entry } of entriesOf(ledger, session))
    if (entry.kind === 'recording.chunk' && entry.session === session.opened.session) {
      chunks.push(entry.digest);
      bytes.push(entry.bytes);
    }
  return { session: session.opened.session, startedAt: instant(session.opened.at), chunks, bytes };
}

type More = Extract<Entry, { kind: 'break-glass' | 'review.used' | 'review.ended' }>;

/** What later entries say of a decision. */
function withMore(known: DecisionRecord, entry: More, { seal }: Stored): DecisionRecord {
  switch (entry.kind) {
    case 'break-glass':
      return { ...known, glass: { rules: entry.rules, ...(seal === 'shut' ? {} : entry.stated) } };
    case 'review.used':
      return {
        ...known,
        review: { ...(known.review ?? { id: entry.review, state: 'open' }), approvers: entry.approvers },
      };
    case 'review.ended':
      return { ...known, review: { ...known.review, id: entry.review, state: entry.state, why: entry.why } };
  }
}

function recordOf(entry: DecisionEntry, { seal, cut }: Stored): DecisionRecord {
  const { denial } = entry;
  return {
    id: entry.id,
    session: entry.session,
    at: timestamp(entry.at),
    identity: entry.identity,
    resource: entry.resource,
    decision: entry.decision,
    verb: entry.verb,
    access: entry.access,
    targets: entry.targets,
    columns: entry.columns,
    rules: entry.rules.map((id) => ({
      id,
      ...(denial?.rule === id && denial.at !== undefined ? { at: denial.at } : {}),
    })),
    wouldBe: entry.wouldBe,
    duties: entry.duties,
    policy: entry.policy,
    ...(entry.commit === undefined ? {} : { commit: entry.commit }),
    ...(denial === undefined ? {} : { denial }),
    ...(seal === 'shut' ? {} : { text: entry.sealed.text }),
    ...(cut === undefined ? {} : { cutFrom: cut.bytes }),
    ...(entry.grants === undefined ? {} : { grants: entry.grants }),
    ...(entry.review === undefined ? {} : { review: { id: entry.review, state: 'open' } }),
  };
}
