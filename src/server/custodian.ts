import { timestamp, type Instant, type World } from '../base/time.ts';
import type { Actor, HoldScope } from '../core/entry.ts';
import type { Ledger, Log } from '../core/ports.ts';
import type { SessionId } from '../core/session.ts';
import type { Custody, Hold, Kept } from '../stores/custody.ts';
import type { Rotated } from '../stores/rotate.ts';

export interface CustodianParts {
  readonly custody: Custody;
  readonly ledger: Ledger & {
    readonly erase: (...sessions: readonly SessionId[]) => number;
    readonly rotate: (by: Actor) => Promise<Rotated>;
  };
  /** Removes what lies outside of the ledger: words in the index, chunks, what is remembered. Idempotent. */
  readonly forget: (session: SessionId, startedAt: Instant) => Promise<void>;
  readonly newId: () => string;
  readonly world: World;
  readonly log: Log;
}

export interface Erased {
  readonly erased: readonly SessionId[];
  readonly held: readonly { readonly session: SessionId; readonly holds: readonly string[] }[];
  readonly open: readonly SessionId[];
}

/** Keeps records as long as rules and holds say, and erases them for good. */
export interface Custodian extends AsyncDisposable {
  readonly holds: () => Promise<readonly Hold[]>;
  /** Rejects with a Fault `ledger` when it cannot be written: then there is no hold. */
  readonly addHold: (by: Actor, scope: HoldScope, reason: string) => Promise<string>;
  /** False when there is no such hold. */
  readonly removeHold: (by: Actor, hold: string, reason: string) => Promise<boolean>;
  /**
   * Erases the sessions of this scope, or those whose time is over, by destroying their keys; what a hold keeps and what is
   * still open stays. With `dryRun` it only says what it would do.
   */
  readonly erase: (
    by: Actor,
    what: HoldScope | 'expired',
    how: { readonly why: string; readonly dryRun: boolean },
  ) => Promise<Erased>;
  /** Lets a new key follow the ledger's while it goes on. Rejects with a Fault `ledger`. */
  readonly rotate: (by: Actor) => Promise<Rotated>;
  /** One line about a session that was erased. */
  readonly erased: (session: string) => Promise<string | undefined>;
}

const firstSweepMs = 5_000;
const sweepMs = 3_600_000;
const batch = 400; // ids that fit into one entry
const gateway: Actor = { subject: 'sallyport', kind: 'workload', groups: [] };

/** Finishes what a crash interrupted, and from then on lets go every hour what is over. */
export function custodian(parts: CustodianParts): Custodian {
  const made = new Keeper(parts);
  made.begin();
  return made;
}

class Keeper implements Custodian {
  readonly #parts: CustodianParts;
  #turn: Promise<unknown> = Promise.resolve();
  #timer: Disposable | undefined;
  #closed = false;

  constructor(parts: CustodianParts) {
    this.#parts = parts;
  }

  readonly holds = (): Promise<readonly Hold[]> => this.#parts.custody.holds();

  readonly addHold = (by: Actor, scope: HoldScope, reason: string): Promise<string> =>
    this.#inTurn(async () => {
      const { ledger, world, newId } = this.#parts;
      const hold = newId();
      await ledger.append({ kind: 'hold.added', at: world.now(), hold, by, scope, reason });
      return hold;
    });

  readonly removeHold = (by: Actor, hold: string, reason: string): Promise<boolean> =>
    this.#inTurn(async () => {
      const { custody, ledger, world } = this.#parts;
      if (!(await custody.holds()).some(({ id }) => id === hold)) return false;
      await ledger.append({ kind: 'hold.removed', at: world.now(), hold, by, reason });
      return true;
    });

  readonly erase: Custodian['erase'] = (by, what, { why, dryRun }) =>
    this.#inTurn(async () => {
      const wanted = what === 'expired' ? await this.#expired() : await this.#parts.custody.sessions(what);
      const sorted = await this.#sort(wanted);
      if (!dryRun)
        await this.#destroy(sorted.free, { by, why, rule: what === 'expired' ? 'retention' : 'order' });
      const { free, held, open } = sorted;
      return { erased: free.map(({ session }) => session), held, open };
    });

  readonly rotate = (by: Actor): Promise<Rotated> => this.#parts.ledger.rotate(by);

  readonly erased = async (session: string): Promise<string | undefined> => {
    const found = await this.#parts.custody.erased(session);
    if (found === undefined) return undefined;
    const { at, by, rule, why } = found;
    return `Erased at ${timestamp(at)} by ${by} (${rule}): ${why}`;
  };

  begin(): void {
    this.#inTurn(() => this.#finish()).catch(() => this.#parts.log('error', 'record.sweep-failed', {}));
    this.sweepSoon(firstSweepMs);
  }

  /** What the ledger says is erased, is. */
  async #finish(): Promise<void> {
    const { custody, log } = this.#parts;
    const left = await custody.unfinished();
    if (left.length === 0) return;
    await this.#letGo(left);
    log('info', 'record.erased', { sessions: left.length, after: 'a restart' });
  }

  sweepSoon(ms: number): void {
    if (this.#closed) return;
    this.#timer = this.#parts.world.after(ms, () => {
      this.erase(gateway, 'expired', { why: 'Its retention is over', dryRun: false })
        .catch(() => {
          // SECURITY: nothing is let go on a state that is not known; it is tried again.
          this.#parts.log('error', 'record.sweep-failed', {});
        })
        .finally(() => this.sweepSoon(sweepMs));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    await this.#turn.catch(() => undefined);
    this.#parts.custody[Symbol.dispose]();
  }

  /** SECURITY: no hold is added between the look at holds and the entry of the erasure. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const ran = this.#turn.catch(() => undefined).then(run);
    this.#turn = ran;
    return ran;
  }

  #expired(): Promise<readonly Kept[]> {
    return this.#parts.custody.expired(this.#parts.world.now(), 10_000);
  }

  async #sort(wanted: readonly Kept[]): Promise<{
    readonly free: readonly Kept[];
    readonly held: { session: SessionId; holds: readonly string[] }[];
    readonly open: SessionId[];
  }> {
    const free: Kept[] = [];
    const held: { session: SessionId; holds: readonly string[] }[] = [];
    const open: SessionId[] = [];
    for (const kept of wanted) {
      const bar = await this.#parts.custody.barred(kept.session);
      if (bar === undefined) free.push(kept);
      else if (bar.kind === 'open') open.push(kept.session);
      else held.push({ session: kept.session, holds: bar.holds });
    }
    return { free, held, open };
  }

  /** Written down first: what was begun is finished after a crash. */
  async #destroy(
    sessions: readonly Kept[],
    { by, rule, why }: { readonly by: Actor; readonly rule: string; readonly why: string },
  ): Promise<void> {
    const { ledger, world, custody, log } = this.#parts;
    for (let from = 0; from < sessions.length; from += batch) {
      const some = sessions.slice(from, from + batch);
      const ids = some.map(({ session }) => session);
      await ledger.append({ kind: 'record.erased', at: world.now(), sessions: ids, rule, by, why });
      await custody.erased(''); // so that `finished` finds them
      await this.#letGo(some);
      log('info', 'record.erased', { sessions: ids.length, rule });
    }
  }

  async #letGo(sessions: readonly Kept[]): Promise<void> {
    const { ledger, forget, custody } = this.#parts;
    ledger.erase(...sessions.map(({ session }) => session));
    for (const { session, startedAt } of sessions) await forget(session, startedAt);
    custody.finished(sessions.map(({ session }) => session));
  }
}
