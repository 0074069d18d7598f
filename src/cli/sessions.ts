import { parseArgs } from 'node:util';
import type { Outcome } from '../core/decision.ts';
import type { Actor } from '../core/entry.ts';
import type { DecisionRecord, SessionDetail, SessionSummary } from '../server/api/records.ts';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, say, table, type Command } from './command.ts';
import { exportSession, play, watch } from './play.ts';

const help = `Usage: sallyport sessions list [FILTER …] [--limit N] [--after ID] [--json]
       sallyport sessions show ID|last [--count N] [--json]
       sallyport sessions play ID|last [--speed N] [--max-pause 2s] [--from 1:30] [--json] [--data DIR]
       sallyport sessions watch ID [--json]
       sallyport sessions export ID|last [--format jsonl|asciicast|html] [-o FILE] [--data DIR]
       sallyport sessions kill ID | --run RUN

list shows sessions, newest first: all, or your own where the policy shows you no others. Filters, which all must fit:
  --identity --agent --run --resource --from TIME --to TIME --verb --access --effect (or --decision) allow|deny|review
  --object (or --table) NAME --rule ID --risk LEVEL --review ID --text WORDS --live --ended
  --after ID  the next page: what stands behind this session
show shows each statement of a session with its verdict, its rules and their places, and how it ended.
  last        your newest session; with --count N the newest N, oldest first
play shows a session again as it was seen, after masking, with pauses cut (--max-pause, default 2s) and as fast as you
say (--speed; without it, and where the output is no terminal, all at once).
watch follows a session that is open, within a second, until it ends.
export writes a recording as JSON Lines, as asciicast v3, or as one HTML page that stands alone.
  --data DIR  reads a data folder on the gateway's host with the keys in it; that is written to its ledger too
Playing, watching and exporting are judged by the policy (recording.read, recording.watch, recording.export), and
written to the ledger before the first byte is given.
kill ends an open session within a second, whatever it does; the policy says who may (verb session.kill).
  --run       all sessions of one run, over all protocols; what it asked people for is withdrawn, and it does not come in
              again for ten minutes

SALLYPORT_API (default http://127.0.0.1:8420) is the gateway, SALLYPORT_TOKEN your token.
`;

export const sessions: Command = { help, run };

const filters = {
  identity: { type: 'string' },
  agent: { type: 'string' },
  run: { type: 'string' },
  resource: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  verb: { type: 'string' },
  access: { type: 'string' },
  effect: { type: 'string' },
  decision: { type: 'string' },
  object: { type: 'string' },
  table: { type: 'string' },
  rule: { type: 'string' },
  risk: { type: 'string' },
  review: { type: 'string' },
  text: { type: 'string' },
  state: { type: 'string' },
  after: { type: 'string' },
  before: { type: 'string' },
  limit: { type: 'string' },
} as const;

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...filters,
      count: { type: 'string' },
      live: { type: 'boolean', default: false },
      ended: { type: 'boolean', default: false },
      speed: { type: 'string' },
      'max-pause': { type: 'string' },
      format: { type: 'string' },
      output: { type: 'string', short: 'o' },
      data: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [verb, id, ...others] = positionals;
  if (verb === 'list' && id === undefined) return list(values);
  if (verb === 'show' && id !== undefined && others.length === 0) return show(id, values);
  if (verb === 'kill' && id === undefined && values.run !== undefined) return killRun(values.run);
  if (verb === 'kill' && id !== undefined && others.length === 0) return kill(id);
  if (verb === 'play' && id !== undefined && others.length === 0) return play(id, values);
  if (verb === 'watch' && id !== undefined && others.length === 0) return watch(id, values);
  if (verb === 'export' && id !== undefined && others.length === 0) return exportSession(id, values);
  throw new CouldNotRun('Expected `sessions list`, or `sessions show|play|watch|export|kill ID`; see --help');
}

async function kill(id: string): Promise<number> {
  const asked = await ask(`/api/v1/sessions/${encodeURIComponent(id)}/kill`, {});
  if (!asked.ok) return refused(asked.refusal);
  print(`Ended: ${safe(id)}`);
  return 0;
}

async function killRun(run: string): Promise<number> {
  const asked = await ask('/api/v1/runs/kill', { run });
  if (!asked.ok) return refused(asked.refusal);
  const { sessions: ended } = asked.answer as { readonly sessions: readonly string[] }; // the API's schema
  print(ended.length === 0 ? 'No session of this run is open' : `Ended: ${ended.map(safe).join(', ')}`);
  return 0;
}

type Filters = { readonly [name in keyof typeof filters]?: string | undefined };

async function list(
  options: Filters & { readonly live: boolean; readonly ended: boolean; readonly json: boolean },
): Promise<number> {
  const query = new URLSearchParams();
  if (options.live && options.ended) throw new CouldNotRun('--live and --ended: give one of them');
  if (options.live) query.set('state', 'live');
  if (options.ended) query.set('state', 'ended');
  for (const name of Object.keys(filters) as (keyof Filters)[]) {
    const value = options[name];
    if (value !== undefined) query.set(name, value);
  }
  const asked = await ask(`/api/v1/sessions?${query.toString()}`);
  if (!asked.ok) return refused(asked.refusal);
  const found = asked.answer as readonly SessionSummary[]; // the API's own schema
  print(options.json ? JSON.stringify(found, undefined, 2) : listText(found));
  const last = found.at(-1);
  if (!options.json && last !== undefined && found.length === Number(options.limit ?? '100'))
    say(`More: --after ${last.id}`);
  return 0;
}

async function show(
  id: string,
  options: { readonly count?: string | undefined; readonly json: boolean },
): Promise<number> {
  if (options.count !== undefined && (id !== 'last' || !/^[1-9]\d?$/.test(options.count))) {
    throw new CouldNotRun('--count takes a number from 1 to 99, and goes with `last`');
  }
  const ids = options.count === undefined ? [id] : await newest(options.count);
  const found: SessionDetail[] = [];
  for (const each of ids) {
    const asked = await ask(`/api/v1/sessions/${encodeURIComponent(each)}`);
    if (!asked.ok) return refused(asked.refusal);
    found.push(asked.answer as SessionDetail); // the API's own schema
  }
  if (options.json) print(JSON.stringify(options.count === undefined ? found[0] : found, undefined, 2));
  else print(found.map(sessionText).join('\n'));
  return 0;
}

/** The caller's newest sessions, oldest first. */
async function newest(count: string): Promise<readonly string[]> {
  const me = await ask('/api/v1/me');
  if (!me.ok) return [];
  const { subject } = me.answer as Actor; // the API's own schema
  const asked = await ask(`/api/v1/sessions?identity=${encodeURIComponent(subject)}&limit=${count}`);
  return asked.ok ? (asked.answer as readonly SessionSummary[]).map((each) => each.id).toReversed() : [];
}

function refused(refusal: string): number {
  say(refusal);
  return 1;
}

export function listText(found: readonly SessionSummary[]): string {
  if (found.length === 0) return 'No sessions\n';
  const rows = found.map((each) => [
    each.id,
    clock(each.startedAt),
    each.state,
    who(each.identity),
    safe(each.resource),
    String(each.decisions),
    String(each.denied),
  ]);
  return table([['ID', 'STARTED', 'STATE', 'IDENTITY', 'RESOURCE', 'STATEMENTS', 'DENIED'], ...rows]);
}

export function sessionText(session: SessionDetail): string {
  const { identity, resource, kind, startedAt, endedAt, why, run: of, client, peer } = session;
  const ended =
    endedAt === undefined
      ? session.state
      : `${session.state} ${clock(endedAt)}${why === undefined ? '' : ` (${why})`}`;
  const facts = [
    `from ${peer}`,
    ...(client === undefined ? [] : [`with ${client}`]),
    ...(of === undefined ? [] : [`run ${of}`]),
  ];
  const head = [
    `session ${session.id}`,
    `  ${who(identity)}${identity.groups.length > 0 ? ` of ${identity.groups.join(', ')}` : ''} -> ${resource} (${kind})`,
    `  ${clock(startedAt)}, ${ended}, ${facts.join(', ')}`,
  ];
  const statements = session.statements.map((each) => `\n${statementText(each)}`);
  if (session.more === true) statements.push(`\n... and more than these ${session.statements.length}\n`);
  return safe(`${head.join('\n')}\n${statements.length === 0 ? '\nNo statements\n' : statements.join('')}`);
}

const verdicts = { allow: 'ALLOWED', deny: 'DENIED', review: 'HELD' } as const;

export function statementText(statement: DecisionRecord): string {
  const { denial, outcome, text, cutFrom } = statement;
  const lines = [
    `${statement.at.slice(11, 23)}  ${verdicts[statement.decision].padEnd(7)}  ${statement.verb} (${statement.access})  ${statement.id}`,
    ...(text ?? '(the statement was erased)').split('\n').map((line) => `  | ${line}`),
    ...(cutFrom === undefined ? [] : [`  ... of ${cutFrom} bytes`]),
    ...(denial === undefined ? [] : [`  why    ${denial.why}`]),
    ...rulesOf(statement).map((rule) => `  rule   ${rule}`),
    ...(denial?.fix ?? []).map((fix) => `  fix    ${fix}`),
    ...reviewLines(statement),
    ...(outcome === undefined ? [] : [`  ended  ${outcomeText(outcome)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function reviewLines({ review, glass, grants = [] }: DecisionRecord): readonly string[] {
  const by = review?.approvers;
  return [
    ...(grants.length === 0 ? [] : [`  access  granted for a time: ${grants.join(', ')}`]),
    ...(glass === undefined
      ? []
      : [
          `  GLASS  broken: ${glass.rules.join(', ')}`,
          `         ticket ${glass.ticket ?? '(erased)'}: ${(glass.reason ?? '(erased)').replaceAll(/\s+/g, ' ')}`,
        ]),
    ...(review === undefined
      ? []
      : [
          `  review ${review.id}: ${review.state}${by === undefined ? '' : `, approved by ${by.join(', ')}`}${review.why === undefined ? '' : ` (${review.why})`}`,
        ]),
  ];
}

function rulesOf({ rules, denial }: DecisionRecord): readonly string[] {
  return rules.map(({ id, at }) => {
    const place = at ?? (denial?.rule === id ? denial.at : undefined);
    return place === undefined ? id : `${id} (${place})`;
  });
}

function outcomeText(outcome: Outcome): string {
  if (outcome.kind === 'unsent') return 'never sent';
  const { rows, masked, withheld } = outcome;
  const counts = `${rows} rows, ${masked} values masked${withheld > 0 ? `, ${withheld} withheld` : ''}`;
  switch (outcome.kind) {
    case 'ok':
      return counts;
    case 'error':
      return `error ${outcome.code}, ${counts}`;
    case 'cut':
      return `cut (${outcome.why}), ${counts}`;
  }
}

function who({ subject, actingFor }: Actor): string {
  return safe(actingFor === undefined ? subject : `${subject} for ${who(actingFor)}`);
}

function clock(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
}
