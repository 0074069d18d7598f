import { Fault } from '../../base/errors.ts';
import type { Entry } from '../../core/entry.ts';
import { judge, type JudgeParts } from './judge.ts';
import { type Answer, type ApiRequest, json, problem, type Route } from './route.ts';
import { list } from './schemas.ts';

/** The ledger, as far as decisions are read from it in their order. */
export interface Recorded {
  readonly size: number;
  readonly read: (from: number, to: number) => AsyncIterable<Numbered>;
}

interface Numbered {
  readonly index: number;
  readonly entry: Entry;
  readonly cut?: unknown;
}

/** At most so many entries are looked at for one answer, and so many are in it. */
const mostLooked = 5_000;
const mostGiven = 1_000;

/** Decisions with all that judging them again takes, oldest first: what `backtest --from URL` reads. */
export function decisionsRoute(parts: JudgeParts, recorded: Recorded): Route {
  return {
    method: 'get',
    path: '/api/v1/decisions',
    summary:
      'Decisions and beginnings of sessions, oldest first, as they were written and without what is sealed',
    query: {
      after: {
        about: 'Only entries from this number on (0 when absent): the `next` of the answer before',
        schema: { type: 'integer', default: 0 },
      },
      limit: {
        about: 'At most so many (1 to 1000; 1000 when absent)',
        schema: { type: 'integer', default: 1_000 },
      },
    },
    gives: {
      schema: {
        type: 'object',
        required: ['entries', 'next', 'size'],
        properties: {
          entries: list({
            type: 'object',
            required: ['index', 'entry'],
            properties: { index: { type: 'integer' }, entry: { type: 'object' } },
          }),
          next: { type: 'integer', description: 'ask on from here; there is no more where it is `size`' },
          size: { type: 'integer', description: 'entries in the ledger' },
        },
      },
      about: 'Some of them',
    },
    errors: {
      400: 'A parameter is not as described',
      401: 'No token, or one that is not accepted',
      403: 'The policy denies it',
      503: 'No policy is in force, or the ledger cannot be read or written',
    },
    run: (request) => page(parts, recorded, request),
  };
}

/** Everybody's decisions: judged as reading all of the record. */
async function page(parts: JudgeParts, recorded: Recorded, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const { after = '0', limit = String(mostGiven), ...rest } = request.query;
  if (Object.keys(rest).length > 0)
    return problem(400, 'There is a parameter that is not known here: see /openapi.json');
  if (!/^\d{1,15}$/.test(after)) return problem(400, 'after: Expected a whole number');
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > mostGiven) {
    return problem(400, `limit: Expected a whole number from 1 to ${mostGiven}`);
  }
  for (const verb of ['record.list', 'record.read'] as const) {
    const refused = await judge(parts, caller, { verb, own: false });
    if (refused !== undefined) return refused;
  }
  const { size } = recorded;
  const from = Math.min(Number(after), size);
  const entries: unknown[] = [];
  let next = from;
  try {
    for await (const each of recorded.read(from, Math.min(size, from + mostLooked))) {
      next = each.index + 1;
      const shown = shownOf(each);
      if (shown !== undefined) entries.push(shown);
      if (entries.length >= Number(limit)) break;
    }
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return problem(503, `The ledger cannot be read: ${thrown.message}`);
  }
  return json({ entries, next, size });
}

/** SECURITY: texts, values and addresses of clients stay; nothing that is sealed in the ledger leaves here. */
function shownOf({ index, entry, cut }: Numbered): unknown {
  if (entry.kind === 'decision') {
    const { sealed: _, ...shown } = entry;
    return { index, entry: cut === undefined ? shown : { ...shown, cut } };
  }
  if (entry.kind !== 'session.opened') return undefined;
  const { kind, at, session, identity, resource, run, facts } = entry;
  return {
    index,
    entry: {
      kind,
      at,
      session,
      identity,
      resource,
      ...(run === undefined ? {} : { run }),
      ...(facts === undefined ? {} : { facts }),
      ...(cut === undefined ? {} : { cut }),
    },
  };
}
