import { type Full, fullForSeconds } from '../../core/held.ts';
import type { Denial } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import { sayProblem } from './problem.ts';
import type { Reply } from './exchange.ts';

/** The status by which HTTP says that no more may be held: of one identity, or at all. */
export function statusOfFull({ limit }: Full): 429 | 503 {
  return limit === 'heldBytes' ? 503 : 429;
}

export function denialOfFull({ message }: Full, decisionId: string): Denial {
  return denial('LIMIT', decisionId, message, 'Ask for less at once, or again in a moment');
}

export function sayFull(reply: Reply, full: Full, decisionId: string): void {
  sayProblem(reply, statusOfFull(full), denialOfFull(full, decisionId), retryAfter);
}

export const retryAfter: readonly [string, string] = ['retry-after', String(fullForSeconds)];
