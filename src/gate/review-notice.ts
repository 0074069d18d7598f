import type { Instant } from '../base/time.ts';
import type { Waiting } from '../core/protocol.ts';
import { asked, escalatedTo, needsNow, type StoredReview, visible } from '../reviews/index.ts';
import type { Asking } from './asking.ts';
import { clock, span } from './spoken-time.ts';

const shownChars = 2_000;

/** What the waiting client reads: a first line, and what belongs to it. */
export function notice(
  { desk, decision }: Asking,
  { limit }: Waiting,
  row: StoredReview,
  forMs: number,
): string {
  const { id, text, needs } = row;
  const { link } = desk.parts.settings;
  const shown = visible(text);
  return [
    `This waits for a review: ${id}`,
    `Who can approve: ${asked(needs)}; never the one who asks`,
    `Why: ${decision.why}`,
    `Runs once, exactly so: ${shown.slice(0, shownChars)}${shown.length > shownChars ? ` … (${shown.length - shownChars} more characters; the review shows all of it)` : ''}`,
    ...(link === undefined ? [] : [`Link: ${link}${id}`]),
    `To answer: sallyport reviews approve ${id} (or refuse, or show)`,
    `It waits ${span(forMs)}, until ${clock(desk.parts.world.now() + forMs)}; cancel it (Ctrl-C) to withdraw the request`,
    ...(row.beyond === undefined ? [] : [`A grant for what is like it does not cover it: ${row.beyond}`]),
    ...escalations(row),
    ...(limit === undefined ? [] : [`No longer than that, because ${limit.why}`]),
  ].join('\n');
}

function escalations({ needs, quiet }: StoredReview): readonly string[] {
  return needs.flatMap(({ escalate }) =>
    escalate === undefined
      ? []
      : [
          `${escalate.groups.join(' or ')} can answer too${quiet === true ? ', at once, since these are quiet hours' : ` after ${span(escalate.afterMs)}`}`,
        ],
  );
}

/** What it reads again and again while it waits. */
export function reminder(row: StoredReview, now: Instant, until: number): string {
  const needs = needsNow(row, now);
  const also = escalatedTo(row, now);
  const more = also.length === 0 ? '' : ` (${also.join(', ')} are asked too by now)`;
  return `Still waiting for review ${row.id}: ${asked(needs)}${more}; ${span(Math.max(0, until - now))} left`;
}
