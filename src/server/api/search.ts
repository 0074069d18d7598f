import { Fault } from '../../base/errors.ts';
import type { Identity } from '../../core/identity.ts';
import { decideOwn, judge, type JudgeParts } from './judge.ts';
import type { Records } from './records.ts';
import { json, problem, type Answer, type ApiRequest, type Parameter, type Route } from './route.ts';
import { list, ref } from './schemas.ts';

/** What is looked for; every part that is there must fit. */
export interface EntrySearch {
  readonly limit: number;
  readonly before?: number;
  readonly from?: number;
  readonly to?: number;
  readonly identity?: string;
  readonly [part: string]: string | number | undefined;
}

/** Finds entries, newest first; with their statements where the second argument says so. */
export type FindEntries = (
  query: EntrySearch,
  withText: boolean,
) => Promise<
  readonly {
    readonly entry: number;
    readonly at: number;
    readonly kind: string;
    readonly identity?: string;
    readonly session?: string;
    readonly run?: string;
  }[]
>;

const texts = {
  identity: 'Only of this subject',
  agent: 'Only of this agent',
  run: 'Only of this run, as the client declared it',
  resource: 'Only about this resource',
  session: 'Only of this session',
  kind: 'Only of this kind: decision, session.opened, record.read, review.asked …',
  verb: 'Only with this verb',
  access: 'Only with this access',
  effect: 'Only with this decision: allow, deny, review',
  object: 'Only where this table or object is a target',
  rule: 'Only where this rule matched, or would have',
  risk: 'Only reviews of this level of risk',
  review: 'Only about this review',
  text: 'Only where all these words stand in the statement',
} as const;

const word = { type: 'string', maxLength: 500 };
export const entryQuery: Readonly<Record<string, Parameter>> = {
  limit: { about: 'At most so many (1 to 1000; 100 when absent)', schema: { type: 'integer', default: 100 } },
  before: {
    about: 'Only entries before this one: its number, with @ and its gateway where the index is of several',
    schema: { type: 'string', pattern: '^\\d{1,15}(@.+)?$', maxLength: 500 },
  },
  from: { about: 'Not older than this', schema: { type: 'string', format: 'date-time' } },
  to: { about: 'Older than this', schema: { type: 'string', format: 'date-time' } },
  ...Object.fromEntries(Object.entries(texts).map(([name, about]) => [name, { about, schema: word }])),
};

export interface SearchParts extends JudgeParts {
  readonly records: Pick<Records, 'session'>;
}

export function searchRoute(parts: SearchParts, find: FindEntries): Route {
  return {
    method: 'get',
    path: '/api/v1/entries',
    summary: 'Entries of the record, newest first: all, or your own where the policy shows you no others',
    query: entryQuery,
    gives: { schema: list(ref('FoundEntry')), about: 'The entries' },
    errors: {
      400: 'A parameter is not as described',
      401: 'No token, or one that is not accepted',
      403: 'The policy denies it',
      503: 'No policy is in force, the ledger cannot be written, or the index cannot be asked',
    },
    run: (request) => search(parts, find, request),
  };
}

/**
 * Listing is `record.list`. Words of statements are looked for, and statements shown, only where `record.read` is
 * allowed for the same scope: a search that may not show a text must not tell whether a word is in it either.
 */
async function search(parts: SearchParts, find: FindEntries, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const asked = questionOf(request.query);
  if (typeof asked === 'string') return problem(400, asked);
  const seesAll = allows(parts, caller, 'record.list', false);
  const refused = await judge(parts, caller, { verb: 'record.list', own: !seesAll });
  if (refused !== undefined) return refused;
  let reads = allows(parts, caller, 'record.read', !seesAll);
  if (reads || asked['text'] !== undefined) {
    const denied = await judge(parts, caller, { verb: 'record.read', own: !seesAll });
    if (denied !== undefined && asked['text'] !== undefined) return denied;
    reads = denied === undefined;
  }
  if (!seesAll && asked.identity !== undefined && asked.identity !== caller.subject) return json([]);
  let found: Awaited<ReturnType<FindEntries>>;
  try {
    found = await find(seesAll ? asked : { ...asked, identity: caller.subject }, reads);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return problem(503, `The record cannot be searched now; it is still written. ${thrown.message}`);
  }
  // SECURITY: whatever the index made of the query, what is not the caller's own does not leave.
  const shown = seesAll
    ? found
    : await ofOwnSessions(
        parts,
        asked,
        found.filter(({ identity }) => identity === caller.subject),
        caller,
      );
  return json(shown.map((each) => ({ ...each, at: new Date(each.at).toISOString() })));
}

type FoundEntries = Awaited<ReturnType<FindEntries>>;

/** Entries whose identity is always that of their session. */
const ofOne: ReadonlySet<string> = new Set(['decision', 'session.opened', 'session.closed']);

/**
 * SECURITY: who was refused another's session has an entry about it, with that session's run. Neither says here whether there
 * is such a session, nor what it is part of.
 */
async function ofOwnSessions(
  { records }: SearchParts,
  asked: EntrySearch,
  found: FoundEntries,
  { subject }: Identity,
): Promise<FoundEntries> {
  const about = new Set(found.filter(({ kind }) => !ofOne.has(kind)).map(({ session }) => session));
  const others = new Set<string>();
  for (const id of about) {
    if (id === undefined) continue;
    const of = await records.session(id);
    if (of?.identity.subject !== subject) others.add(id);
  }
  const isOthers = (each: FoundEntries[number]): boolean =>
    !ofOne.has(each.kind) && each.session !== undefined && others.has(each.session);
  const byThem = asked['session'] !== undefined || asked['run'] !== undefined;
  return found.flatMap((each) => {
    if (!isOthers(each)) return [each];
    const { session: _, run: __, ...rest } = each;
    return byThem ? [] : [rest];
  });
}

function allows(
  parts: JudgeParts,
  caller: Identity,
  verb: 'record.list' | 'record.read',
  own: boolean,
): boolean {
  return decideOwn(parts, caller, { verb, own }).kind === 'allow';
}

/** The question, or what is wrong with it. */
export function questionOf(given: Readonly<Record<string, string>>): EntrySearch | string {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(entryQuery, name));
  // A filter that nobody knows would otherwise show more than was asked for.
  if (unknown !== undefined) return 'There is a parameter that is not known here: see /openapi.json';
  const { limit = '100', before, from, to, ...rest } = given;
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > 1_000)
    return 'limit: Expected a whole number from 1 to 1000';
  const [, n, beforeIn] = /^(\d{1,15})(?:@(.{1,400}))?$/u.exec(before ?? '') ?? [];
  if (before !== undefined && n === undefined) return 'before: Expected a whole number';
  const times: Record<string, number> = {};
  for (const [name, text] of [
    ['from', from],
    ['to', to],
  ] as const) {
    if (text === undefined) continue;
    times[name] = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
    if (Number.isNaN(times[name])) return `${name}: Expected a time, such as 2026-11-21T10:00:00Z`;
  }
  const long = Object.entries(rest).find(([, text]) => text.length > 500);
  if (long !== undefined) return `${long[0]}: At most 500 characters`;
  return {
    limit: Number(limit),
    ...(n === undefined ? {} : { before: Number(n) }),
    ...(beforeIn === undefined ? {} : { beforeIn }),
    ...times,
    ...rest,
  };
}
