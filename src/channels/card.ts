import type { Instant } from '../base/time.ts';
import { timestamp } from '../base/time.ts';
import type { ClassTerms } from '../core/decision.ts';
import type { Actor } from '../core/entry.ts';
import type { Review, ReviewState } from '../core/review.ts';

/** What a button says: `class` approves what is alike too, so long and so often as the rule lets it. */
export type Press = 'approve' | 'refuse' | 'class';

/** What a card shows, without any markup: each channel puts it into its own form, and escapes it there. */
export interface Card {
  readonly title: string;
  readonly facts: readonly { readonly label: string; readonly text: string }[];
  readonly statement: string;
  /** Which answers this card may take; what it cannot take is done behind the link, where people sign in. */
  readonly answers: readonly Press[];
  /** An approval needs a reason, which is typed where the card is. */
  readonly asksReason: boolean;
  /** Why an answer is missing; said on the card. */
  readonly notes: readonly string[];
}

/** What a channel's form can hold. `length` measures a text as it is sent, after escaping. */
export interface Room {
  readonly statementLength: number;
  readonly factLength: number;
  readonly length: (text: string) => number;
}

/** What the gateway's settings ask of cards. */
export interface CardTerms {
  /** Whether an approval of high risk counts only after a fresh sign-in: then the card cannot take one. */
  readonly freshSignIn: boolean;
}

const lineLimit = 40; // more hide what stands below them
const itemLimit = 20;

/** How far a review has come: a card never goes back. */
export function rankOf(state: ReviewState): number {
  return {
    waiting: 0,
    approved: 1,
    running: 2,
    done: 3,
    refused: 3,
    expired: 3,
    withdrawn: 3,
    void: 3,
    unknown: 3,
  }[state];
}

/**
 * SECURITY: whoever approves must have seen all of it. Where something had to be cut, or where the risk asks for a
 * fresh sign-in, the card does not take an approval.
 */
export function cardOf(review: Review, room: Room, { freshSignIn }: CardTerms): Card {
  let cut = false;
  const fit = (text: string, length: number): string => {
    const whole = inert(text);
    const part = cutTo(whole, length, room);
    if (part === whole) return whole;
    cut = true;
    return `${part}\n[cut: this is not all of it]`;
  };
  const statement = fit(review.text, room.statementLength);
  const facts = factsOf(review).map(({ label, text }) => ({ label, text: fit(text, room.factLength) }));
  const waits = review.state === 'waiting';
  const reasoned = review.needs.some(({ reason }) => reason === true);
  const hidden = review.hidden !== undefined || review.values?.includes('***') === true;
  const classed = review.classTerms !== undefined;
  const risky = freshSignIn && (review.risk.level === 'high' || review.risk.level === 'critical');
  return {
    title:
      review.kind === 'break-glass'
        ? 'Glass broken: somebody went past a rule in an emergency'
        : titles[review.state],
    facts,
    statement,
    answers:
      !waits || risky
        ? []
        : cut || hidden
          ? ['refuse']
          : classed
            ? ['approve', 'class', 'refuse']
            : ['approve', 'refuse'],
    asksReason: waits && reasoned && !risky && !cut && !hidden,
    notes: !waits
      ? []
      : [
          ...(risky ? ['High risk: answer behind the link, after a fresh sign-in.'] : []),
          ...(reasoned ? ['An approval needs a reason.'] : []),
          ...(hidden
            ? [
                'Not all may be shown here, since it holds data that is masked: approve behind the link, where your own rights decide.',
              ]
            : []),
          ...(cut ? ['Something was cut: approve behind the link, where all of it is shown.'] : []),
        ],
  };
}

const titles: Readonly<Record<ReviewState, string>> = {
  waiting: 'Review: an action waits',
  approved: 'Approved',
  running: 'Approved, running',
  done: 'Approved, done',
  refused: 'Refused',
  expired: 'Nobody answered in time',
  withdrawn: 'Withdrawn',
  void: 'Void: something it was bound to has changed',
  unknown: 'It was running when the gateway stopped: nobody can say whether it took effect',
};

function factsOf(review: Review): { readonly label: string; readonly text: string }[] {
  const { resource, risk, estimate, values, history, end } = review;
  const facts: { label: string; text: string }[] = [
    { label: 'Who asks', text: chain(review.identity) },
    { label: 'Resource', text: `${resource.name} (${[resource.kind, ...resource.tags].join(', ')})` },
    { label: 'Does', text: `${review.verb}, ${review.access}: ${targets(review)}` },
  ];
  const written = review.columns.filter(({ use }) => use === 'write');
  if (written.length > 0)
    facts.push({
      label: 'Changes columns',
      text: written
        .map(({ object, column }) => `${object}.${column}`)
        .join(written.length <= itemLimit ? ', ' : '\n'),
    });
  if (review.hidden !== undefined)
    facts.push({
      label: 'Hidden',
      text:
        review.hidden === 'text'
          ? 'the text: it cannot be shown without what is masked'
          : 'constants stand as ?',
    });
  if (values !== undefined)
    facts.push({
      label: 'Bound values',
      text: values.map((value, at) => `$${at + 1} = ${value}`).join('\n'),
    });
  if (review.within !== undefined) facts.push({ label: 'Comes in', text: review.within });
  const settings = Object.entries(review.settings);
  if (settings.length > 0)
    facts.push({ label: 'Settings', text: settings.map(([name, value]) => `${name} = ${value}`).join('\n') });
  if (estimate !== undefined)
    facts.push({ label: 'Rows, estimated', text: `${estimate.rows} (${estimate.about})` });
  const reasons = risk.reasons.map(({ why }) => why).join('; ');
  facts.push({
    label: 'Risk',
    text: `${risk.level}, ${risk.score} of 100${reasons === '' ? '' : `: ${reasons}`}`,
  });
  facts.push({
    label: 'Why it is held',
    text: [review.why, ...review.rules.map(({ id, at }) => `${id} at ${at.file}:${at.line}`)].join('\n'),
  });
  const { reason, ticket } = review.stated ?? {};
  if (reason !== undefined) facts.push({ label: 'Reason, as they say', text: reason });
  if (ticket !== undefined) facts.push({ label: 'Ticket, as they say', text: ticket });
  if (review.alike !== undefined && review.alike > 0)
    facts.push({
      label: 'Alike',
      text: `${review.alike} other requests wait; each has its own answer, and a card when this one is over`,
    });
  if (review.beyond !== undefined)
    facts.push({ label: 'Grant', text: `There is one for what is alike, but ${review.beyond}` });
  if (review.classTerms !== undefined)
    facts.push({
      label: 'Class',
      text: `What is alike can be approved too: ${termsText(review.classTerms)}`,
    });
  if (review.granted !== undefined) {
    const { count, used, until, revoked } = review.granted;
    facts.push({
      label: 'Class',
      text: `approved with it: ${count} in all until ${timestamp(until)}, ${used} used${revoked === undefined ? '' : `; ${revoked}`}`,
    });
  }
  if (review.escalated !== undefined)
    facts.push({ label: 'Asked too, by now', text: review.escalated.join(', ') });
  facts.push({
    label: 'Needs',
    text: review.needs.map(({ count, groups }) => `${count} of ${groups.join(' or ')}`).join(' and '),
  });
  facts.push({
    label: 'Asked before',
    text: `${history.asked} times, approved ${history.approved}, refused ${history.refused}`,
  });
  if (review.state === 'waiting') facts.push({ label: 'Waits until', text: timestamp(review.expiresAt) });
  if (review.votes.length > 0) {
    facts.push({
      label: 'Answers',
      text: review.votes
        .map(
          ({ by, vote, at, via, reason }) =>
            `${by}: ${vote} at ${clock(at)} by ${via}${reason === undefined ? '' : `, ${reason}`}`,
        )
        .join('\n'),
    });
  }
  if (end !== undefined) facts.push({ label: 'End', text: end });
  facts.push({ label: 'Request', text: `${review.id}, digest ${review.digest}` });
  return facts;
}

/** `5 in 30 min, this one included`. */
export function termsText({ forMs, count }: ClassTerms): string {
  const minutes = Math.floor(forMs / 60_000);
  return `${count} in ${minutes > 0 ? `${minutes} min` : `${Math.floor(forMs / 1_000)} s`}, this one included`;
}

/** What a button says. */
export function buttonText(press: Press, { classTerms }: Review): string {
  if (press === 'class') {
    const minutes = Math.floor((classTerms?.forMs ?? 0) / 60_000);
    return `Approve ${classTerms?.count ?? 0} alike, ${minutes} min`;
  }
  return press === 'approve' ? 'Approve once' : 'Refuse';
}

function clock(at: Instant): string {
  return timestamp(at).slice(11, 19);
}

function chain(actor: Actor): string {
  const name = `${actor.subject} (${actor.kind})`;
  return actor.actingFor === undefined ? name : `${name}, acting for ${chain(actor.actingFor)}`;
}

function targets({ targets: all }: Review): string {
  // Many stand on lines of their own: more lines than a card can hold count as cut.
  return all.length <= itemLimit
    ? all.map(({ access, kind, name }) => `${access} ${kind} ${name}`).join(', ')
    : all.map(({ access, kind, name }) => `${access} ${kind} ${name}`).join('\n');
}

/**
 * Characters that a reader cannot see, or that change how others are shown, by their number. A second lock: the texts of a
 * review have been through `reviews/visible.ts`, and come out of this one as they are.
 */
export function inert(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(
      /[\p{C}\p{Zl}\p{Zp}\u115F\u1160\u3164\uFFA0]|[\uFE00-\uFE0F]|[\u{E0100}-\u{E01EF}]/gu,
      (character) =>
        character === '\n' || character === '\t'
          ? character
          : `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`,
    );
}

/** The longest beginning that fits, by whole characters. */
function cutTo(text: string, length: number, room: Room): string {
  const lines = text.split('\n');
  const few = lines.length > lineLimit ? lines.slice(0, lineLimit).join('\n') : text;
  if (room.length(few) <= length) return few;
  const characters = Array.from(few);
  let [low, high] = [0, characters.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (room.length(characters.slice(0, middle).join('')) <= length) low = middle;
    else high = middle - 1;
  }
  return characters.slice(0, low).join('');
}
