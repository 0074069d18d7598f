import { parseArgs } from 'node:util';
import type { AccessShown, CatalogueEntry } from '../server/api/access.ts';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, say, table, type Command } from './command.ts';
import {
  answerLines,
  askedByText,
  clock,
  needsText,
  onText,
  promptLines,
  queryOf,
  refused,
  showFrom,
  statedLines,
  wholeId,
  whoText,
  whyLines,
} from './review-text.ts';

const help = `Usage: sallyport access list [--json]
       sallyport access request RESOURCE [--verbs VERB,…] [--for 1h] --reason TEXT [--ticket ID] [--rule RULE] [--json]
       sallyport access requests [--state STATE] [--limit N] [--json]
       sallyport access show ID [--json]
       sallyport access approve ID [--reason TEXT] [--digest DIGEST] [--json]
       sallyport access deny ID [--reason TEXT] [--json]
       sallyport access revoke ID [--reason TEXT] [--json]

Access for a time: a rule of the policy that is in force for you alone, on one resource, until its time is over.

list      what you may reach now, what you may ask for, of whom and for how long
request   asks for it. --verbs narrows it (patterns such as sql.* are allowed), --for says how long (1h, or the longest
          the rule gives, when absent), --rule says which where several rules could give it
requests  what you asked for, what you may answer, and all where the policy lets you read the record; newest first
          STATE: waiting, granted, denied, expired, revoked, withdrawn, void
show      all that is known of one
approve   counts when you are one of those who are asked; never for a request of your own, of your agent, or of another
          account of yours, and never by an agent
deny      one refusal ends the request
revoke    ends access at once, with the sessions that used it: yours, what you may approve, or any where the policy says so

ID may be cut short where it stays clear. Exit codes: 0 yes, 1 no, 2 could not run.
SALLYPORT_API (default http://127.0.0.1:8420) is the gateway, SALLYPORT_TOKEN your token.
`;

export const access: Command = { help, run };

interface Options {
  readonly verbs?: readonly string[] | undefined;
  readonly for?: string | undefined;
  readonly reason?: string | undefined;
  readonly ticket?: string | undefined;
  readonly rule?: string | undefined;
  readonly state?: string | undefined;
  readonly limit?: string | undefined;
  readonly digest?: string | undefined;
  readonly json: boolean;
}

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      verbs: { type: 'string', multiple: true },
      for: { type: 'string' },
      reason: { type: 'string' },
      ticket: { type: 'string' },
      rule: { type: 'string' },
      state: { type: 'string' },
      limit: { type: 'string' },
      digest: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [verb, id, ...others] = positionals;
  if (verb === 'list' && id === undefined) return catalogue(values);
  if (verb === 'requests' && id === undefined) return requests(values);
  if (id === undefined || others.length > 0) {
    throw new CouldNotRun(
      'Expected `access list`, `access requests`, request with a RESOURCE, or show, approve, deny or revoke with an ID; see --help',
    );
  }
  switch (verb) {
    case 'request':
      return request(id, values);
    case 'show':
      return show(id, values);
    case 'approve':
    case 'deny':
    case 'revoke':
      return answer(id, verb, values);
    default:
      throw new CouldNotRun('Expected list, request, requests, show, approve, deny or revoke; see --help');
  }
}

async function catalogue({ json }: Options): Promise<number> {
  return showFrom(
    '/api/v1/access',
    json,
    (found) => catalogueText(found as readonly CatalogueEntry[]), // the API's own schema
  );
}

async function request(resource: string, options: Options): Promise<number> {
  const { verbs, for: span, reason, ticket, rule, json } = options;
  if (reason === undefined) throw new CouldNotRun('--reason is needed: say why');
  const asked = await ask('/api/v1/access/requests', {
    resource,
    reason,
    ...(verbs === undefined
      ? {}
      : { verbs: verbs.flatMap((each) => each.split(',')).map((each) => each.trim()) }),
    ...(span === undefined ? {} : { for: span }),
    ...(ticket === undefined ? {} : { ticket }),
    ...(rule === undefined ? {} : { rule }),
  });
  if (!asked.ok) return refused(asked.refusal);
  const made = asked.answer as AccessShown; // the API's own schema
  if (json) print(JSON.stringify(made, undefined, 2));
  else {
    print(
      `Asked: ${made.id}, for ${made.for} of ${safe(made.verbs.join(', '))} on ${safe(made.resource)}; it waits for ${needsText(made.review)} until ${clock(made.expiresAt)}`,
    );
    say(`They answer with: sallyport access approve ${made.id}`);
  }
  return 0;
}

async function requests({ state, limit, json }: Options): Promise<number> {
  return showFrom(
    queryOf('/api/v1/access/requests', { state, limit }),
    json,
    (found) => requestsText(found as readonly AccessShown[]), // the API's own schema
  );
}

async function show(given: string, { json }: Options): Promise<number> {
  return showFrom(
    `/api/v1/access/requests/${encodeURIComponent(await whole(given))}`,
    json,
    (found) => requestText(found as AccessShown), // the API's own schema
  );
}

const done = { approve: 'Approved', deny: 'Denied', revoke: 'Ended' } as const;

async function answer(given: string, verb: keyof typeof done, options: Options): Promise<number> {
  const { reason, digest, json } = options;
  const id = await whole(given);
  const asked = await ask(`/api/v1/access/requests/${encodeURIComponent(id)}/${verb}`, {
    via: 'cli',
    ...(reason === undefined ? {} : { reason }),
    ...(digest === undefined ? {} : { digest }),
  });
  if (!asked.ok) return refused(asked.refusal);
  const now = asked.answer as AccessShown; // the API's own schema
  if (json) {
    print(JSON.stringify(now, undefined, 2));
    return 0;
  }
  const more =
    now.state === 'granted' && now.until !== undefined
      ? `, until ${clock(now.until)}`
      : now.state === 'waiting'
        ? `; it still needs ${needsText(now.review)}`
        : now.state === 'void' && verb === 'approve'
          ? `, but nothing came of it: ${safe(now.review.end ?? 'it is void')}`
          : '';
  print(`${done[verb]}: ${id}, for ${safe(now.identity)} on ${safe(now.resource)}${more}`);
  return verb === 'approve' && now.state === 'void' ? 1 : 0;
}

function whole(given: string): Promise<string> {
  return wholeId(given, '/api/v1/access/requests', 'requests');
}

function catalogueText(found: readonly CatalogueEntry[]): string {
  if (found.length === 0) return 'Nothing that you may reach or ask for\n';
  return found
    .map(({ id, kind, tags, address, verbs, onRequest, grants }) =>
      [
        safe(
          `${id} (${kind})${address === undefined ? '' : ` at ${address}`}${tags.length === 0 ? '' : ` [${tags.join(', ')}]`}`,
        ),
        `  now      ${verbs.length === 0 ? 'nothing' : safe(verbs.join(', '))}`,
        ...grants.map((grant) =>
          safe(`  granted  ${grant.verbs.join(', ')} until ${clock(grant.until)} (${grant.id})`),
        ),
        ...onRequest.flatMap((each) => [
          safe(
            `  ask for  ${each.verbs.join(', ')}${each.access === undefined ? '' : ` (${each.access.join(', ')})`}: ${each.approve.map(({ groups, count }) => `${count} of ${groups.join(' or ')}`).join(' and ')}, at most ${each.longest}${each.ticket === undefined ? '' : `, ticket ${each.ticket}`}`,
          ),
          ...(each.why === undefined ? [] : [safe(`           ${each.why}`)]),
          safe(
            `           sallyport access request ${id} --rule ${each.rule} --reason TEXT${each.ticket === undefined ? '' : ' --ticket ID'}`,
          ),
        ]),
        '',
      ].join('\n'),
    )
    .join('\n');
}

function requestsText(found: readonly AccessShown[]): string {
  if (found.length === 0) return 'No requests\n';
  const rows = found.map((each) => [
    each.id,
    each.state,
    clock(each.askedAt),
    whoText(each.review.identity),
    safe(each.resource),
    each.for,
    each.until === undefined ? '' : clock(each.until),
    each.mayAnswer ? 'yes' : each.own ? 'own' : 'no',
    safe(each.verbs.join(', ')),
  ]);
  return table([['ID', 'STATE', 'ASKED', 'IDENTITY', 'RESOURCE', 'FOR', 'UNTIL', 'YOURS', 'VERBS'], ...rows]);
}

function requestText(shown: AccessShown): string {
  const { review } = shown;
  const lines = [
    `access ${shown.id}: ${shown.state}${review.end === undefined ? '' : ` (${review.end})`}`,
    `  asked    ${clock(shown.askedAt)}, by ${askedByText(review)}`,
    `  for      ${shown.for}${shown.until === undefined ? '' : `, until ${clock(shown.until)}`}`,
    `  on       ${onText(review)}`,
    `  verbs    ${shown.verbs.join(', ')}`,
    `  needs    ${needsText(review)}, by ${clock(shown.expiresAt)}`,
    ...statedLines(review),
    ...whyLines(review),
    ...answerLines(review),
    ...promptLines('access', shown.id, shown.mayAnswer),
  ];
  return safe(`${lines.join('\n')}\n`);
}
