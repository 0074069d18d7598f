import type { Instant } from '../base/time.ts';
import type { RateDuty } from '../core/decision.ts';

/** What is counted of identities, over all sessions of one gateway: actions in a span of time, and actions under way. */
export class Usage {
  readonly #buckets: Map<string, Bucket> = new Map();
  readonly #running: Map<string, number> = new Map(); // by subject

  /**
   * Counts one action of all these subjects against all these rates; false, and nothing is counted, where one is
   * exhausted or too much is remembered already.
   */
  take(subjects: readonly string[], rates: readonly RateDuty[], now: Instant): boolean {
    if (this.#buckets.size > mostBuckets) this.#sweep(now);
    if (this.#buckets.size > mostBuckets) return false;
    const asked = rates.flatMap((rate) =>
      subjects.map((subject) => this.#bucket(JSON.stringify([rate.of, rate.perMs, subject]), rate, now)),
    );
    if (!asked.every(({ bucket, count }) => bucket.moments.length < count)) return false;
    for (const bucket of new Set(asked.map((each) => each.bucket))) bucket.moments.push(now);
    return true;
  }

  #bucket(key: string, { count, perMs }: RateDuty, now: Instant): { bucket: Bucket; count: number } {
    const bucket = this.#buckets.get(key) ?? { perMs, moments: [] };
    this.#buckets.set(key, bucket);
    forget(bucket, now);
    return { bucket, count };
  }

  /** Begins an action of all these subjects; undefined where one has `most` under way already. Call what it gives at the end. */
  begin(subjects: readonly string[], most: number): (() => void) | undefined {
    if (subjects.some((subject) => (this.#running.get(subject) ?? 0) >= most)) return undefined;
    for (const subject of subjects) this.#running.set(subject, (this.#running.get(subject) ?? 0) + 1);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      for (const subject of subjects) {
        const left = (this.#running.get(subject) ?? 1) - 1;
        if (left > 0) this.#running.set(subject, left);
        else this.#running.delete(subject);
      }
    };
  }

  #sweep(now: Instant): void {
    for (const [key, bucket] of this.#buckets) {
      forget(bucket, now);
      if (bucket.moments.length === 0) this.#buckets.delete(key);
    }
  }
}

interface Bucket {
  readonly perMs: number;
  readonly moments: number[]; // of the actions that count, oldest first
}

const mostBuckets = 100_000;

function forget({ perMs, moments }: Bucket, now: Instant): void {
  const from = now - perMs;
  let gone = 0;
  while (gone < moments.length && (moments[gone] ?? 0) <= from) gone += 1;
  if (gone > 0) moments.splice(0, gone);
}
