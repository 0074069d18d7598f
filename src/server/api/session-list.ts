import { Fault } from '../../base/errors.ts';
import type { Identity } from '../../core/identity.ts';
import type { ProblemAnswer } from './route.ts';
import { decideOwn, judge, type JudgeParts } from './judge.ts';
import type { Records, SessionSummary } from './records.ts';
import { json, problem, type Answer, type ApiRequest, type Parameter, type Route } from './route.ts';
import { list, ref } from './schemas.ts';
import { entryQuery, type EntrySearch, questionOf } from './search.ts';

export interface SessionListParts extends JudgeParts {
  readonly records: Records;
  readonly findSessions?: FindSessions | undefined;
}

/** Finds sessions by what their entries say. */
export interface FindSessions {
  /** Ids of sessions with an entry that fits, newest first; those older than `olderThan`. */
  readonly ids: (query: EntrySearch & { readonly olderThan?: string }) => Promise<readonly string[]>;
  readonly summary: (id: string) => Promise<SessionSummary | undefined>;
  /** Those that are open now, newest first. */
  readonly open: () => readonly SessionSummary[];
}

const states = ['open', 'closed', 'lost', 'live', 'ended'] as const;

const { before: _before, session: _session, kind: _kind, ...entryFilters } = entryQuery;
const query: Readonly<Record<string, Parameter>> = {
  ...entryFilters,
  limit: {
    about: 'At most so many (1 to 1000; 100 when absent)',
    schema: { type: 'integer', minimum: 1, maximum: 1_000, default: 100 },
  },
  decision: { about: 'The same as effect: allow, deny, review', schema: { type: 'string' } },
  table: { about: 'The same as object', schema: { type: 'string' } },
  state: {
    about: 'live (open) or ended (closed, or lost with its gateway)',
    schema: { type: 'string', enum: states },
  },
  after: {
    about: 'The next page: only sessions that stand behind the one with this id',
    schema: { type: 'string' },
  },
  before: {
    about: 'The same as after: only older than the session with this id',
    schema: { type: 'string' },
  },
};

export function sessionListRoute(parts: SessionListParts): Route {
  return {
    method: 'get',
    path: '/api/v1/sessions',
    summary:
      'Sessions, newest first: all, or your own where the policy shows you no others. Those with an entry that fits every filter',
    query,
    gives: { schema: list(ref('SessionSummary')), about: 'The sessions' },
    errors: {
      400: 'A parameter is not as described',
      401: 'No token, or one that is not accepted',
      403: 'The policy denies it',
      503: 'No policy is in force, the ledger cannot be written, or the index cannot be asked',
    },
    run: (request) => sessions(parts, request),
  };
}

interface Asked {
  readonly limit: number;
  readonly after: string | undefined;
  readonly state: (typeof states)[number] | undefined;
  readonly entry: EntrySearch;
}

/** All of them where the policy says so; else the caller's own where it says that. */
async function sessions(parts: SessionListParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const asked = askedOf(request.query);
  if ('problem' in asked) return asked;
  const seesAll = decideOwn(parts, caller, { verb: 'record.list', own: false }).kind === 'allow';
  const refused =
    (await judge(parts, caller, { verb: 'record.list', own: !seesAll })) ??
    // A search that may not show a text must not tell whether a word is in it either.
    (asked.entry['text'] === undefined
      ? undefined
      : await judge(parts, caller, { verb: 'record.read', own: !seesAll }));
  if (refused !== undefined) return refused;
  const { identity } = asked.entry;
  if (!seesAll && identity !== undefined && identity !== caller.subject) return json([]);
  const own = seesAll ? asked : { ...asked, entry: { ...asked.entry, identity: caller.subject } };
  try {
    const found = await find(parts, own);
    // SECURITY: whatever the store made of the query, what is not the caller's own does not leave.
    return json(seesAll ? found : found.filter((each) => isOwn(each, caller)));
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return problem(503, `Sessions cannot be searched now; they are still written. ${thrown.message}`);
  }
}

/** What only sessions know, or only the memory of the newest can tell fast. */
const simple: ReadonlySet<string> = new Set(['limit', 'identity', 'resource']);

async function find(parts: SessionListParts, asked: Asked): Promise<readonly SessionSummary[]> {
  const { limit, after, state, entry } = asked;
  const { findSessions } = parts;
  const isSimple = Object.keys(entry).every((name) => simple.has(name));
  if (findSessions === undefined || (isSimple && state === undefined)) {
    const newest = await parts.records.sessions({
      limit: isSimple ? limit : 1_000,
      ...pick(entry, ['identity', 'resource']),
      ...(after === undefined ? {} : { before: after }),
    });
    const fitting = newest.filter((each) => fits(each, asked)).slice(0, limit);
    // Older ones than are remembered are found through the index.
    if (findSessions === undefined || fitting.length >= limit) return fitting;
    return indexed(findSessions, asked).catch(() => fitting);
  }
  if (isSimple && (state === 'open' || state === 'live')) {
    const open = findSessions.open().filter((each) => fits(each, asked));
    const from = after === undefined ? 0 : open.findIndex(({ id }) => id === after) + 1;
    return open.slice(from, from + limit);
  }
  return indexed(findSessions, asked);
}

async function indexed(findSessions: FindSessions, asked: Asked): Promise<readonly SessionSummary[]> {
  const { limit, after, entry } = asked;
  const found: SessionSummary[] = [];
  let olderThan = after;
  while (found.length < limit) {
    const page = 2 * limit;
    const ids = await findSessions.ids({
      ...entry,
      limit: page,
      ...(olderThan === undefined ? {} : { olderThan }),
    });
    for (const id of ids) {
      const summary = await findSessions.summary(id);
      if (summary !== undefined && fits(summary, asked)) found.push(summary);
      if (found.length === limit) break;
    }
    olderThan = ids.at(-1);
    if (ids.length < page) break;
  }
  return found;
}

/** An entry can be about a session and of somebody else, who reads it or answers for it: the session itself must fit. */
function fits({ identity, resource, run, state: is }: SessionSummary, { entry, state }: Asked): boolean {
  const wanted =
    state === undefined ||
    state === is ||
    (state === 'live' ? is === 'open' : state === 'ended' && is !== 'open');
  return (
    wanted &&
    (entry.identity === undefined || identity.subject === entry.identity) &&
    (entry['agent'] === undefined || (identity.kind === 'agent' && identity.subject === entry['agent'])) &&
    (entry['resource'] === undefined || resource === entry['resource']) &&
    (entry['run'] === undefined || run === entry['run'])
  );
}

function askedOf(given: Readonly<Record<string, string>>): Asked | ProblemAnswer {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(query, name));
  if (unknown !== undefined)
    return problem(400, 'There is a parameter that is not known here: see /openapi.json');
  const { decision, table, state, after, before, ...entry } = given;
  if (state !== undefined && !isState(state)) return problem(400, `state: Expected ${states.join(', ')}`);
  if (after !== undefined && before !== undefined)
    return problem(400, 'after: Give this or before, not both');
  const read = questionOf({
    ...entry,
    ...(decision === undefined ? {} : { effect: decision }),
    ...(table === undefined ? {} : { object: table }),
  });
  if (typeof read === 'string') return problem(400, read);
  return { limit: read.limit, after: after ?? before, state, entry: read };
}

function isState(text: string): text is (typeof states)[number] {
  return (states as readonly string[]).includes(text);
}

function pick(from: EntrySearch, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(from).filter(
      (each): each is [string, string] => names.includes(each[0]) && typeof each[1] === 'string',
    ),
  );
}

function isOwn({ identity }: SessionSummary, caller: Identity): boolean {
  return identity.subject === caller.subject;
}
