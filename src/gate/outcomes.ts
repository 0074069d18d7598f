import type { World } from '../base/time.ts';
import type { Decision, DecisionId, Outcome } from '../core/decision.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Ledger } from '../core/ports.ts';
import type { Session } from '../core/session.ts';

const heldMs = 1_000;
const held = 100;

type Tally = Record<Decision['kind'] | 'rows' | 'masked' | 'withheld', number>;

interface OutcomeParts {
  readonly ledger: Ledger;
  readonly world: World;
  readonly metrics: Metrics;
}

/** What became of a session's statements, written down and counted many at a time. */
export class Outcomes {
  readonly #parts: OutcomeParts;
  readonly #session: Session;
  #waiting: { readonly id: DecisionId; readonly outcome: Outcome }[] = [];
  #flush: Disposable | undefined;
  /** What metrics will be told with the next outcomes. */
  #tally: Tally = nothingCounted();

  constructor(parts: OutcomeParts, session: Session) {
    this.#parts = parts;
    this.#session = session;
  }

  decided(kind: Decision['kind']): void {
    this.#tally[kind] += 1;
    this.#soon();
  }

  add(id: DecisionId, outcome: Outcome): void {
    if (outcome.kind !== 'unsent') {
      this.#tally.rows += outcome.rows;
      this.#tally.masked += outcome.masked;
      this.#tally.withheld += outcome.withheld;
    }
    this.#waiting.push({ id, outcome });
    if (this.#waiting.length < held) this.#soon();
    else this.write().catch(ignore); // the ledger refuses from then on, and with it every later ask
  }

  /** All that wait. Rejects with a Fault `ledger`. */
  async write(): Promise<void> {
    this.#flush?.[Symbol.dispose]();
    this.#flush = undefined;
    this.#count();
    if (this.#waiting.length === 0) return;
    const outcomes = this.#waiting;
    this.#waiting = [];
    const { ledger, world } = this.#parts;
    await ledger.append({ kind: 'outcomes', at: world.now(), session: this.#session.id, outcomes });
  }

  #soon(): void {
    this.#flush ??= this.#parts.world.after(heldMs, () => {
      this.write().catch(ignore);
    });
  }

  /** Finding a counter by its labels costs more than all else that is done with a statement here: not for each one. */
  #count(): void {
    const { metrics } = this.#parts;
    const resource = this.#session.resource.name;
    const { rows, masked, withheld } = this.#tally;
    for (const decision of ['allow', 'deny', 'review'] as const) {
      const count = this.#tally[decision];
      if (count > 0) metrics.count('decisions_total', { resource, decision }, count);
    }
    if (rows > 0) metrics.count('rows_total', { resource }, rows);
    if (masked > 0) metrics.count('masked_values_total', { resource }, masked);
    if (withheld > 0) metrics.count('withheld_values_total', { resource }, withheld);
    this.#tally = nothingCounted();
  }
}

function nothingCounted(): Tally {
  return { allow: 0, deny: 0, review: 0, rows: 0, masked: 0, withheld: 0 };
}

function ignore(): void {
  // The rejection has its effect elsewhere.
}
