import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Figures, rubberStampMs } from '../reviews/index.ts';
import type { TicketResult } from '../core/protocol.ts';
import type { ReviewShown } from '../server/api/reviews.ts';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, table, type Command } from './command.ts';
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

const help = `Usage: sallyport reviews list [--state STATE] [--limit N] [--json]
       sallyport reviews show ID [--json]
       sallyport reviews approve ID [--reason TEXT] [--digest DIGEST] [--alike] [--json]
       sallyport reviews approve ID --class --for TIME --count N [--reason TEXT] [--digest DIGEST] [--json]
       sallyport reviews grants [--json]
       sallyport reviews revoke ID [--reason TEXT] [--json]
       sallyport reviews deny ID [--reason TEXT] [--json]        (refuse is the same)
       sallyport reviews withdraw ID
       sallyport reviews result ID [--json]
       sallyport reviews figures [--days N] [--json]
       sallyport reviews wait ID [--timeout SECONDS] [--json]

A review is a request that waits for another person. An approval fits exactly what show prints, and is used once.

list      what you may answer, what you asked for, and all where the policy lets you read the record; newest first
          STATE: waiting, approved, denied, expired, withdrawn, used
show      the request as it will run, who asks, what it touches, its risk and why, and who has answered
approve   counts when you are one of those who are asked; never for a request of your own, of your agent, or of another
          account of yours. --digest (from show) makes sure that it is what you have looked at
          --class (where the rule lets it be): what is alike may run too, for TIME (30m), N times with this one; the same
          requester, resource, settings and policy, and a statement that differs in nothing but constants compared by =
          --alike: each request of the same class that waits too is approved, by its own digest
grants    what was approved with its class and may still be used
revoke    ends such a grant at once: for those who could approve it, and for who has it
deny      one refusal ends the review
withdraw  takes your own request back
result    what your ticket answered, once it is approved: runs it, once, where it has not run yet
figures   how reviews are answered: latency, time-outs, approvals nobody looked at (of N days; 7 when absent)
wait      until it has been answered: exit 0 when approved or run, 1 when not

ID may be cut short where it stays clear. Exit codes: 0 yes, 1 no, 2 could not run.
SALLYPORT_API (default http://127.0.0.1:8420) is the gateway, SALLYPORT_TOKEN your token.
`;

export const reviews: Command = { help, run };

interface Options {
  readonly state?: string | undefined;
  readonly limit?: string | undefined;
  readonly reason?: string | undefined;
  readonly digest?: string | undefined;
  readonly timeout?: string | undefined;
  readonly days?: string | undefined;
  readonly class?: boolean | undefined;
  readonly for?: string | undefined;
  readonly count?: string | undefined;
  readonly alike?: boolean | undefined;
  readonly json: boolean;
}

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      state: { type: 'string' },
      limit: { type: 'string' },
      reason: { type: 'string' },
      digest: { type: 'string' },
      timeout: { type: 'string' },
      days: { type: 'string' },
      class: { type: 'boolean' },
      for: { type: 'string' },
      count: { type: 'string' },
      alike: { type: 'boolean' },
      json: { type: 'boolean', default: false },
    },
  });
  const [verb, id, ...others] = positionals;
  if (verb === 'list' && id === undefined) return list(values);
  if (verb === 'figures' && id === undefined) return figures(values);
  if (verb === 'grants' && id === undefined) return grants(values);
  if (id === undefined || others.length > 0) {
    throw new CouldNotRun(
      'Expected `reviews list`, `reviews figures`, or show, approve, deny, withdraw or wait with an ID; see --help',
    );
  }
  switch (verb) {
    case 'show':
      return show(id, values);
    case 'approve':
      return answer(id, 'approve', values);
    case 'deny':
    case 'refuse':
      return answer(id, 'refuse', values);
    case 'revoke':
      return answer(id, 'revoke', values);
    case 'withdraw':
      return answer(id, 'withdraw', values);
    case 'result':
      return result(id, values);
    case 'wait':
      return wait(id, values);
    default:
      throw new CouldNotRun('Expected list, show, approve, deny, withdraw, result or wait; see --help');
  }
}

async function list({ state, limit, json }: Options): Promise<number> {
  return showFrom(
    queryOf('/api/v1/reviews', { state, limit }),
    json,
    (found) => listText(found as readonly ReviewShown[]), // the API's own schema
  );
}

async function show(given: string, { json }: Options): Promise<number> {
  return showFrom(
    `/api/v1/reviews/${encodeURIComponent(await whole(given))}`,
    json,
    (found) => reviewText(found as ReviewShown), // the API's own schema
  );
}

const done = { approve: 'Approved', refuse: 'Denied', withdraw: 'Withdrawn', revoke: 'Revoked' } as const;

async function answer(given: string, vote: keyof typeof done, options: Options): Promise<number> {
  const { reason, digest, json } = options;
  const terms = termsOf(vote, options);
  const id = await whole(given);
  const asked = await ask(`/api/v1/reviews/${encodeURIComponent(id)}/${vote}`, {
    via: 'cli',
    ...(reason === undefined ? {} : { reason }),
    ...(digest === undefined ? {} : { digest }),
    ...(terms === undefined ? {} : { class: terms }),
    ...(options.alike === true ? { alike: true } : {}),
  });
  if (!asked.ok) return refused(asked.refusal);
  const now = asked.answer as ReviewShown; // the API's own schema
  if (json) {
    print(JSON.stringify(now, undefined, 2));
    return 0;
  }
  const more =
    vote === 'approve' && now.phase === 'waiting' ? `; it still needs ${needsText(now.review)}` : '';
  const { granted } = now.review;
  const also =
    vote === 'approve' && granted !== undefined
      ? `; what is like it may run too: ${granted.count} with this one, until ${clock(new Date(granted.until).toISOString())}`
      : '';
  print(`${done[vote]}: ${id}, for ${safe(now.identity)} on ${safe(now.resource)}${more}${also}`);
  return 0;
}

function termsOf(
  vote: keyof typeof done,
  { class: wanted, for: span, count }: Options,
): { readonly for: string; readonly count: number } | undefined {
  if (wanted !== true) {
    if (span !== undefined || count !== undefined)
      throw new CouldNotRun('--for and --count belong to approve ID --class');
    return undefined;
  }
  if (vote !== 'approve' || span === undefined || count === undefined || !/^\d{1,4}$/.test(count))
    throw new CouldNotRun(
      'A class is approved for a time and a count: approve ID --class --for 30m --count 5',
    );
  return { for: span, count: Number(count) };
}

async function grants({ json }: Options): Promise<number> {
  return showFrom(
    '/api/v1/reviews/grants',
    json,
    (found) => grantsText(found as readonly ReviewShown[]), // the API's own schema
  );
}

function grantsText(found: readonly ReviewShown[]): string {
  const rows = found.flatMap(({ id, identity, resource, statement, review: { granted, votes } }) =>
    granted === undefined
      ? []
      : [
          [
            id,
            safe(identity),
            safe(resource),
            `${granted.used} of ${granted.count}`,
            clock(new Date(granted.until).toISOString()),
            safe(votes.map(({ by }) => by).join(', ')),
            safe(statement.replaceAll(/\s+/g, ' ').slice(0, 60)),
          ],
        ],
  );
  return table([['ID', 'FOR', 'RESOURCE', 'USED', 'UNTIL', 'BY', 'LIKE'], ...rows]);
}

async function figures({ days = '7', json }: Options): Promise<number> {
  return showFrom(
    queryOf('/api/v1/reviews/figures', { days }),
    json,
    (found) => figuresText(found as Figures), // the API's own schema
  );
}

function figuresText(found: Figures): string {
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const { asked, waiting, approved, refused: no, expired, withdrawn, latency, rubberStamps } = found;
  return [
    `asked ${asked}, waiting ${waiting}, approved ${approved}, refused ${no}, expired ${expired}, withdrawn ${withdrawn}`,
    `answered within ${seconds(latency.p50)} (half), ${seconds(latency.p90)} (nine of ten); nobody answered ${(found.expiredShare * 100).toFixed(0)} %`,
    `approved within ${rubberStampMs / 1_000} s without having been shown: ${rubberStamps}; sooner than it can be read: ${found.quick}; without being shown: ${found.unseen}`,
    `approved of what was answered: ${percent(found.approvedShare)}; for a class: ${found.classes.granted}, by which ${found.classes.uses} more ran`,
    '',
    ...plot(found.latencies),
    '',
    table([
      ['REVIEWER', 'APPROVED', 'REFUSED', 'SHARE', 'UNSEEN', 'TOO QUICK', 'HALF WITHIN'],
      ...found.byReviewer.map((each) => [
        safe(each.subject),
        String(each.approved),
        String(each.refused),
        percent(each.approvedShare),
        String(each.unseen),
        String(each.quick),
        seconds(each.p50),
      ]),
    ]),
  ].join('\n');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

const widest = 40;

/** How long answers took, a line for each span. */
function plot(latencies: Figures['latencies']): readonly string[] {
  const most = Math.max(1, ...latencies.map(({ count }) => count));
  const name = (ms: number): string =>
    ms < 60_000 ? `${ms / 1_000} s` : ms < 3_600_000 ? `${ms / 60_000} min` : `${ms / 3_600_000} h`;
  return latencies.map(({ withinMs, count }) => {
    const bar = '#'.repeat(Math.ceil((count / most) * widest));
    return `  ${(withinMs === undefined ? 'longer' : `< ${name(withinMs)}`).padStart(8)} ${String(count).padStart(5)} ${bar}`.trimEnd();
  });
}

async function result(given: string, { json }: Options): Promise<number> {
  const asked = await ask(`/api/v1/reviews/${encodeURIComponent(await whole(given))}/result`);
  if (!asked.ok) return refused(asked.refusal);
  const found = asked.answer as TicketResult; // the API's own schema
  print(json ? JSON.stringify(found, undefined, 2) : resultText(found));
  return found.error === undefined ? 0 : 1;
}

function resultText({ columns, rows, tag, error, cut }: TicketResult): string {
  const cells = rows.map((row) =>
    row.map((cell) => (cell === null ? '' : safe(cell.replaceAll(/\s+/g, ' ')))),
  );
  return [
    ...(columns.length === 0 ? [] : [table([columns.map(safe), ...cells]).trimEnd()]),
    ...(cut === 0 ? [] : [`... and ${cut} more rows, which were not kept: the result was too large`]),
    ...(error === undefined ? [] : [`ERROR ${safe(error.code)}: ${safe(error.message)}`]),
    ...(error?.detail === undefined ? [] : [safe(error.detail)]),
    ...(error?.hint === undefined ? [] : [safe(error.hint)]),
    ...(tag === undefined ? [] : [safe(tag)]),
    '',
  ].join('\n');
}

async function wait(given: string, { timeout = '900', json }: Options): Promise<number> {
  if (!/^\d{1,6}$/.test(timeout)) throw new CouldNotRun('--timeout takes a number of seconds');
  const until = Date.now() + Number(timeout) * 1_000;
  const id = await whole(given);
  for (;;) {
    const asked = await ask(`/api/v1/reviews/${encodeURIComponent(id)}`);
    if (!asked.ok) return refused(asked.refusal);
    const found = asked.answer as ReviewShown; // the API's own schema
    if (found.state !== 'waiting' || Date.now() >= until) {
      const end = found.review.end;
      print(
        json
          ? JSON.stringify(found, undefined, 2)
          : `${id}: ${found.phase}${end === undefined ? '' : `: ${safe(end)}`}`,
      );
      return found.state === 'approved' || found.phase === 'done' || found.phase === 'running' ? 0 : 1;
    }
    await sleep(500);
  }
}

function whole(given: string): Promise<string> {
  return wholeId(given, '/api/v1/reviews', 'reviews');
}

export function listText(found: readonly ReviewShown[]): string {
  if (found.length === 0) return 'No reviews\n';
  const rows = found.map((each) => [
    each.id,
    each.phase,
    clock(each.askedAt),
    whoText(each.review.identity),
    safe(each.resource),
    `${each.review.risk.level} ${each.review.risk.score}`,
    each.mayAnswer ? 'yes' : each.own ? 'own' : 'no',
    brief(each.statement),
  ]);
  return table([['ID', 'STATE', 'ASKED', 'IDENTITY', 'RESOURCE', 'RISK', 'YOURS', 'STATEMENT'], ...rows]);
}

function brief(statement: string): string {
  const line = safe(statement.replaceAll(/\s+/g, ' '));
  return line.length <= 80 ? line : `${line.slice(0, 79)}…`;
}

/** All of it; nothing is cut. */
export function reviewText(shown: ReviewShown): string {
  const { review } = shown;
  const { history, estimate, values = [], settings } = review;
  const pair = ([name, value]: readonly [string, string]): string => `${name} = ${value}`;
  const lines = [
    `review ${review.id}: ${review.state}${review.end === undefined ? '' : ` (${review.end})`}`,
    `  asked    ${clock(shown.askedAt)}, by ${askedByText(review)}`,
    `  expires  ${clock(shown.expiresAt)}`,
    `  needs    ${needsText(review)}`,
    `  on       ${onText(review)}`,
    `  does     ${review.verb} (${review.access})`,
    ...review.targets.map(({ kind, name, access }) => `           ${access} ${kind} ${name}`),
    ...review.columns.map(({ object, column, use }) => `           ${use} column ${object}.${column}`),
    ...(estimate === undefined ? [] : [`  rows     about ${estimate.rows}: ${estimate.about}`]),
    '',
    ...review.text.split('\n').map((line) => `  | ${line}`),
    ...values.map((value, at) => `  $${at + 1} = ${value}`),
    '',
    ...(review.within === undefined
      ? []
      : ['  which came inside this text:', ...review.within.split('\n').map((line) => `  : ${line}`), '']),
    ...statedLines(review),
    ...whyLines(review),
    `  before   asked ${history.asked} times, approved ${history.approved}, refused ${history.refused}${review.alike === undefined || review.alike === 0 ? '' : `; ${review.alike} more like it wait now`}`,
    ...(review.hidden === undefined
      ? []
      : [
          `  hidden   ${review.hidden === 'text' ? 'the text' : 'its constants'}: you may not see what is in them`,
        ]),
    ...(review.beyond === undefined
      ? []
      : [`  grant    there is one for what is alike, but ${review.beyond}`]),
    ...(review.grant === undefined ? [] : [`  grant    it ran by ${review.grant}, approved for its class`]),
    ...(review.granted === undefined ? [] : [`  class    ${grantText(review.granted)}`]),
    ...(review.classTerms === undefined
      ? []
      : [
          `  class    may be approved for ${Math.floor(review.classTerms.forMs / 60_000)}m, ${review.classTerms.count} times, at most (--class)`,
        ]),
    ...(review.escalated === undefined ? [] : [`  asked    ${review.escalated.join(', ')} too, by now`]),
    ...Object.entries(settings).map((each, at) => `  ${at === 0 ? 'session ' : '        '} ${pair(each)}`),
    ...answerLines(review),
    ...promptLines('reviews', review.id, shown.mayAnswer),
  ];
  return safe(`${lines.join('\n')}\n`);
}

function grantText({ count, used, until, revoked }: NonNullable<ReviewShown['review']['granted']>): string {
  const end = revoked === undefined ? `until ${clock(new Date(until).toISOString())}` : revoked;
  return `approved with what is like it: ${used} of ${count} used, ${end}`;
}
