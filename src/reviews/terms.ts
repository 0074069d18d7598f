import type { Instant } from '../base/time.ts';
import type { ApproveDuty, ClassTerms } from '../core/decision.ts';
import type { Risk } from '../core/risk.ts';
import type { StoredReview } from './stored.ts';

/** Who can answer now: after its time, or at once in quiet hours, also those that a duty escalates to. */
export function needsNow(
  { needs, askedAt, quiet }: Pick<StoredReview, 'needs' | 'askedAt' | 'quiet'>,
  now: Instant,
): readonly ApproveDuty[] {
  return needs.map((need) =>
    need.escalate !== undefined && (quiet === true || now - askedAt >= need.escalate.afterMs)
      ? { ...need, groups: [...new Set([...need.groups, ...need.escalate.groups])].sort() }
      : need,
  );
}

/** Who can answer at any time before it ends. */
export function needsEver(needs: readonly ApproveDuty[]): readonly ApproveDuty[] {
  return needs.map((need) => ({ ...need, groups: [...need.groups, ...(need.escalate?.groups ?? [])] }));
}

/** The groups that can answer by now and could not when it was asked. */
export function escalatedTo(
  review: Pick<StoredReview, 'needs' | 'askedAt' | 'quiet'>,
  now: Instant,
): readonly string[] {
  const first = new Set(review.needs.flatMap(({ groups }) => groups));
  const all = needsNow(review, now).flatMap(({ groups }) => groups);
  return [...new Set(all)].filter((group) => !first.has(group)).sort();
}

/** How much of a class may be granted: every duty must say so, and none more than the least. */
export function classTerms(needs: readonly ApproveDuty[]): ClassTerms | undefined {
  const terms = needs.map((need) => need.class).filter((each) => each !== undefined);
  return needs.length === 0 || terms.length < needs.length ? undefined : least(terms);
}

/** What people who approved a class have granted together; undefined when one of them approved this request alone. */
export function grantedBy({ votes, needs }: Pick<StoredReview, 'votes' | 'needs'>): ClassTerms | undefined {
  const most = classTerms(needs);
  const given = votes.filter(({ vote }) => vote === 'approve').map((vote) => vote.class);
  const terms = given.filter((each) => each !== undefined);
  return most === undefined || given.length === 0 || terms.length < given.length
    ? undefined
    : least([most, ...terms]);
}

function least(terms: readonly ClassTerms[]): ClassTerms {
  return {
    forMs: Math.min(...terms.map(({ forMs }) => forMs)),
    count: Math.min(...terms.map(({ count }) => count)),
  };
}

interface Weighed {
  readonly text: string;
  readonly risk: Risk;
  readonly estimate?: StoredReview['estimate'];
}

const levels: readonly Risk['level'][] = ['low', 'medium', 'high', 'critical'];
const rowsMore = 10;
const scoreMore = 10;

/**
 * Why a use of a grant is more than what was looked at; undefined where it is not. Requests of one class choose other rows:
 * where the constants differ, only an estimate says how many, so without one it is looked at again.
 */
export function beyond(approved: Weighed, use: Weighed): string | undefined {
  if (use.text !== approved.text && (approved.estimate === undefined || use.estimate === undefined))
    return 'its constants differ from what was approved, and it cannot be told how many rows it touches';
  if (approved.estimate !== undefined) {
    if (use.estimate === undefined) return 'it cannot be told how many rows it touches';
    const most = Math.max(approved.estimate.rows * 2, approved.estimate.rows + rowsMore);
    if (use.estimate.rows > most)
      return `it is expected to touch ${use.estimate.rows} rows; what was approved, ${approved.estimate.rows}`;
  }
  const higher = levels.indexOf(use.risk.level) > levels.indexOf(approved.risk.level);
  if (higher || use.risk.score > approved.risk.score + scoreMore)
    return `its risk is ${use.risk.level}, ${use.risk.score} of 100; what was approved was ${approved.risk.level}, ${approved.risk.score}`;
  return undefined;
}
