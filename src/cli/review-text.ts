import type { ReviewShown } from '../server/api/reviews.ts';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, say } from './command.ts';

// What `reviews` and `access` have in common: a request for access is a review too.

/** Asks the API for a thing and prints it, as JSON or as `text` puts it. Gives the exit code. */
export async function showFrom(
  path: string,
  json: boolean,
  text: (answer: unknown) => string,
): Promise<number> {
  const asked = await ask(path);
  if (!asked.ok) return refused(asked.refusal);
  print(json ? JSON.stringify(asked.answer, undefined, 2) : text(asked.answer));
  return 0;
}

/** Prints why the gateway would not. Gives the exit code. */
export function refused(refusal: string): number {
  say(refusal);
  return 1;
}

/** `path` with those of these options that were given. */
export function queryOf(path: string, options: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) if (value !== undefined) query.set(name, value);
  return `${path}?${query.toString()}`;
}

/** An id that was cut short, made whole by those at `path` that one sees. `plural` names them. */
export async function wholeId(given: string, path: string, plural: string): Promise<string> {
  if (/^rev_[0-9a-z]{26}$/.test(given)) return given;
  const prefix = given.startsWith('rev_') ? given : `rev_${given}`;
  if (!/^rev_[0-9a-z]{4,26}$/.test(prefix)) return given;
  const asked = await ask(`${path}?limit=1000`);
  const found = asked.ok
    ? (asked.answer as readonly { readonly id: string }[]).filter(({ id }) => id.startsWith(prefix)) // the API's own schema
    : [];
  if (found.length > 1)
    throw new CouldNotRun(`${safe(given)} fits ${found.length} ${plural}: give more of it`);
  return found[0]?.id ?? given;
}

type Shown = ReviewShown['review'];

/** Who asks, by their names and groups. */
export function askedByText({ identity }: Shown): string {
  const groups = identity.groups.length > 0 ? ` of ${identity.groups.join(', ')}` : '';
  return `${whoText(identity)}${groups}`;
}

/** On what it is asked. */
export function onText({ resource }: Shown): string {
  const tags = resource.tags.length > 0 ? ` [${resource.tags.join(', ')}]` : '';
  return `${resource.name} (${resource.kind})${tags}`;
}

/** Lines for what the requester says. */
export function statedLines({ stated }: Shown): readonly string[] {
  return [
    ...(stated?.reason === undefined ? [] : [`  they say ${stated.reason}`]),
    ...(stated?.ticket === undefined ? [] : [`  ticket   ${stated.ticket}`]),
  ];
}

/** Lines for why it is held, by which rules, and how risky it is. */
export function whyLines({ why, rules, risk }: Shown): readonly string[] {
  return [
    `  why      ${why}`,
    ...rules.map(({ id, at }) => `  rule     ${id} (${at.file}:${at.line}:${at.col})`),
    `  risk     ${risk.level}, ${risk.score} of 100`,
    ...risk.reasons.map(({ points, why: reason }) => `           ${String(points).padStart(3)}  ${reason}`),
  ];
}

/** Lines for who answered, and the digest that an approval is bound to. */
export function answerLines({ votes, digest }: Shown): readonly string[] {
  return [
    ...votes.map(
      ({ by, vote, via, reason }) =>
        `  answer   ${vote} by ${by} (${via})${reason === undefined ? '' : `: ${reason}`}`,
    ),
    `  digest   ${digest}`,
  ];
}

/** Lines for whoever may answer: the commands. Empty for others. */
export function promptLines(command: string, id: string, mayAnswer: boolean): readonly string[] {
  return mayAnswer
    ? ['', `  sallyport ${command} approve ${id}   or   sallyport ${command} deny ${id} --reason TEXT`]
    : [];
}

/** The approvals that are still needed. */
export function needsText({ needs }: Shown): string {
  return safe(needs.map(({ groups, count }) => `${count} of ${groups.join(' or ')}`).join(', and '));
}

/** A name, with those it acts for. */
export function whoText({ subject, actingFor }: Shown['identity']): string {
  return safe(actingFor === undefined ? subject : `${subject} for ${whoText(actingFor)}`);
}

/** An ISO moment, to the second. */
export function clock(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
}
