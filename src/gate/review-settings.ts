import type { Instant } from '../base/time.ts';

/** `reviews:` of the configuration. */
export interface ReviewSettings {
  /** In an open transaction, whose locks others wait for. */
  readonly transactionMs: number;
  readonly remindMs: number;
  /** From high risk on, an approval counts only so long after a sign-in; absent: always. */
  readonly signInWithinMs?: number;
  /** How many requests of one person, of one agent or workload, and of all may wait at once. */
  readonly waitingPerIdentity: number;
  readonly waitingPerAgent: number;
  readonly waiting: number;
  /** How many requests one person, one agent or workload, may make in any hour; each use of a grant is none. */
  readonly perHourIdentity: number;
  readonly perHourAgent: number;
  /** When people sleep, and what becomes of what is asked for then. */
  readonly quiet?: QuietHours;
  /** An approved ticket that nobody uses ends after this. */
  readonly useWithinMs: number;
  /** So long the requester has to send an approved ticket's request again before the gateway runs it; Infinity: it waits to be asked for the result. */
  readonly runAfterMs: number;
  /** How long the gateway lets it run. */
  readonly runWithinMs: number;
  /** What it answered is kept so long, and no more of it than this. */
  readonly resultForMs: number;
  readonly resultBytes: number;
  /** Ended reviews, with their texts, are forgotten after this; the ledger keeps its entries. */
  readonly keepMs: number;
  /** Where a person opens a review in a browser, without the id. */
  readonly link?: string;
}

/** `escalate`: who a duty escalates to can answer at once; `ticket`: nobody waits in flight; `refuse`: nothing is asked. */
export interface QuietHours {
  readonly at: (now: Instant) => boolean;
  readonly source: string; // `mon, tue 20:00-07:00 Europe/Berlin`
  readonly do: 'escalate' | 'ticket' | 'refuse';
  /** Only these are told while it lasts; absent: all. */
  readonly channels?: readonly string[];
}

export const defaultReviewSettings: ReviewSettings = {
  transactionMs: 60_000,
  remindMs: 15_000,
  signInWithinMs: 15 * 60_000,
  waitingPerIdentity: 1_000,
  waitingPerAgent: 20,
  waiting: 5_000,
  perHourIdentity: 5_000,
  perHourAgent: 200,
  useWithinMs: 15 * 60_000,
  runAfterMs: 10_000,
  runWithinMs: 60_000,
  resultForMs: 24 * 3_600_000,
  resultBytes: 1_048_576,
  keepMs: 30 * 86_400_000,
};
