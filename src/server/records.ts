import { timestamp } from '../base/time.ts';
import type { Outcome } from '../core/decision.ts';
import type { DecisionEntry, Entry } from '../core/entry.ts';
import type { Stored } from '../ledger/index.ts';
import type { DecisionRecord, Records, SessionDetail, SessionQuery, SessionSummary } from './api/records.ts';

export interface RecordsParts {
  readonly ledger: {
    readonly size: number;
    readonly read: (from: number, to: number) => AsyncIterable<Stored>;
    readonly watch: (see: (entry: Entry) => void) => void;
  };
  /** Where a rule of the policy with this digest stands: `file:line:col`. */
  readonly placeOf: (rule: string, digest: string) => string | undefined;
}

/** Sessions kept in memory; older ones are in the ledger and no longer listed. */
const sessionsKept = 50_000;
/** Entries looked through at a start. */
const entriesRead = 500_000;
/** Statements of one session in one answer: its newest. */
const statementsShown = 10_000;

interface Held {
  readonly summary: SessionSummary;
  readonly from: number; // index of its first entry
  readonly to: number; // index of its last entry so far
}

/**
 * The sessions of a ledger: an index in memory of where their entries are; the statements are read from the ledger itself
 * each time. Call before anything is appended: it counts entries from here on.
 */
export async function openRecords({ ledger, placeOf }: RecordsParts): Promise<Records> {
  const held = new Map<string, Held>();
  const before = ledger.size;
  let next = before;
  const later: (() => void)[] = [];
  let caughtUp = false;
  ledger.watch((entry) => {
    const index = next++;
    if (caughtUp) see(held, entry, index);
    else later.push(() => see(held, entry, index));
  });
  for await (const { entry, index } of ledger.read(Math.max(0, before - entriesRead), before)) {
    see(held, entry, index);
  }
  lose(held); // no gateway ran until now
  for (const missed of later) missed();
  caughtUp = true;

  const session = async (id: string): Promise<SessionDetail | undefined> => {
    const found = held.get(id);
    return found === undefined ? undefined : { ...found.summary, statements: await statements(found) };
  };
  const statements = async ({ summary, from, to }: Held): Promise<readonly DecisionRecord[]> => {
    const decisions: { readonly entry: DecisionEntry; readonly erased: boolean }[] = [];
    const outcomes = new Map<string, Outcome>();
    for await (const { entry, seal } of ledger.read(from, to + 1)) {
      if (!('session' in entry) || entry.session !== summary.id) continue;
      if (entry.kind === 'decision') decisions.push({ entry, erased: seal === 'shut' });
      if (entry.kind === 'outcomes') for (const { id, outcome } of entry.outcomes) outcomes.set(id, outcome);
      if (decisions.length > statementsShown * 2) decisions.splice(0, statementsShown);
    }
    return decisions
      .slice(-statementsShown)
      .map(({ entry, erased }) => recordOf(entry, { erased, outcome: outcomes.get(entry.id), placeOf }));
  };
  return {
    sessions: (query) => Promise.resolve(list(held, query)),
    session,
    decision: async (id) => {
      const found = await session(id.split('.')[0] ?? '');
      return found?.statements.find((each) => each.id === id);
    },
  };
}

function see(held: Map<string, Held>, entry: Entry, index: number): void {
  if (entry.kind === 'gateway.started') lose(held);
  if (entry.kind === 'session.opened') {
    held.set(entry.session, { summary: opened(entry), from: index, to: index });
    for (const oldest of held.keys()) {
      if (held.size <= sessionsKept) break;
      held.delete(oldest);
    }
    return;
  }
  if (!('session' in entry)) return;
  const known = held.get(entry.session);
  if (known === undefined) return;
  held.set(entry.session, { summary: after(known.summary, entry), from: known.from, to: index });
}

type SessionEntry = Extract<Entry, { readonly kind: 'session.opened' }>;

function opened(entry: SessionEntry): SessionSummary {
  const { run, client } = entry;
  return {
    id: entry.session,
    identity: entry.identity,
    resource: entry.resource.name,
    kind: entry.resource.kind,
    startedAt: timestamp(entry.at),
    state: 'open',
    peer: entry.peer,
    ...(run === undefined ? {} : { run }),
    ...(client === undefined ? {} : { client }),
    decisions: 0,
    denied: 0,
  };
}

function after(summary: SessionSummary, entry: Entry): SessionSummary {
  if (entry.kind === 'decision') {
    const denied = summary.denied + (entry.decision === 'allow' ? 0 : 1);
    return { ...summary, decisions: summary.decisions + 1, denied };
  }
  if (entry.kind === 'session.closed') {
    return { ...summary, state: 'closed', endedAt: timestamp(entry.at), why: entry.why };
  }
  return summary;
}

/** A gateway that starts has no sessions: those still open were cut off without a word. */
function lose(held: Map<string, Held>): void {
  for (const [id, each] of held) {
    if (each.summary.state === 'open') held.set(id, { ...each, summary: { ...each.summary, state: 'lost' } });
  }
}

function list(held: ReadonlyMap<string, Held>, query: SessionQuery): readonly SessionSummary[] {
  const { limit, identity, resource, before } = query;
  return [...held.values()]
    .reverse()
    .map(({ summary }) => summary)
    .filter((each) => before === undefined || each.id < before)
    .filter((each) => identity === undefined || each.identity.subject === identity)
    .filter((each) => resource === undefined || each.resource === resource)
    .slice(0, limit);
}

function recordOf(
  entry: DecisionEntry,
  known: {
    readonly erased: boolean;
    readonly outcome: Outcome | undefined;
    readonly placeOf: RecordsParts['placeOf'];
  },
): DecisionRecord {
  const { commit, denial, sealed } = entry;
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
    rules: entry.rules.map((id) => {
      const at = known.placeOf(id, entry.policy);
      return at === undefined ? { id } : { id, at };
    }),
    wouldBe: entry.wouldBe,
    duties: entry.duties,
    policy: entry.policy,
    ...(commit === undefined ? {} : { commit }),
    ...(denial === undefined ? {} : { denial }),
    ...(known.erased ? {} : { text: sealed.text }),
    ...(known.outcome === undefined ? {} : { outcome: known.outcome }),
  };
}
