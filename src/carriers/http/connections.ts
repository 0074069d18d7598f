import { Fault } from '../../base/errors.ts';
import type { Wire } from '../../base/stream.ts';
import type { World } from '../../base/time.ts';

/** One connection to the resource, which carries one request at a time. */
export interface Connection {
  readonly wire: Wire;
  /** An answer came over it before. */
  used: boolean;
  /**
   * The read that is under way: one always is while nobody uses it, so that its end is seen, and what nobody asked for
   * (RFC 9112, 9.3).
   */
  next: Promise<Uint8Array | undefined> | undefined;
  /** When it became idle; undefined while it is used. */
  idleSince: number | undefined;
  keepMs: number;
  /** Who has it; undefined while nobody does, or nobody is named. */
  whose?: string | undefined;
}

interface ConnectionsParts {
  readonly world: World;
  readonly most: number;
  /** Of those, what one of its users may have at once; all of them where it is not said. */
  readonly mostOfOne?: number;
  readonly connect: () => Promise<Wire>;
}

/** How long a connection is kept whose resource says nothing of it. */
const usualKeepMs = 60_000;
const sweepMs = 15_000;

interface Waiting extends PromiseWithResolvers<Connection> {
  readonly whose: string | undefined;
}

/**
 * The connections to one resource: the last one used is the next. Who finds none free waits in line.
 * SECURITY: nobody gets all of them, however slowly they take their answers: who has their share waits, and others go first.
 */
export class Connections {
  readonly #parts: ConnectionsParts;
  readonly #all: Set<Connection> = new Set();
  readonly #idle: Connection[] = [];
  readonly #waiting: Waiting[] = [];
  /** How many each of its users has, or is having opened. */
  readonly #held: Map<string, number> = new Map();
  #opening = 0;
  #sweep: Disposable | undefined;
  #closed = false;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
  }

  /**
   * `fresh`: one that nobody has used; `whose`: who asks, as far as they have a share. Rejects as connecting does. Who no longer
   * wants it gives it back.
   */
  take(fresh: boolean = false, whose?: string): Connection | Promise<Connection> {
    if (this.#closed) return Promise.reject(new Fault('stopping', 'The gateway stops'));
    if (!this.#mayHave(whose)) return this.#wait(whose).promise;
    const now = this.#parts.world.now();
    for (let kept = fresh ? undefined : this.#idle.pop(); kept !== undefined; kept = this.#idle.pop()) {
      if (now - (kept.idleSince ?? 0) < kept.keepMs) {
        this.#count(whose, 1);
        return given(kept, whose);
      }
      this.drop(kept);
    }
    if (this.#all.size + this.#opening < this.#parts.most) return this.#open(whose);
    const [oldest] = this.#idle; // only where a fresh one is wanted
    if (oldest !== undefined) this.drop(oldest);
    const waiting = this.#wait(whose);
    if (oldest !== undefined) this.#goOn();
    return waiting.promise;
  }

  #wait(whose: string | undefined): Waiting {
    const waiting = { ...Promise.withResolvers<Connection>(), whose };
    this.#waiting.push(waiting);
    return waiting;
  }

  #mayHave(whose: string | undefined): boolean {
    const { mostOfOne = Infinity } = this.#parts;
    return whose === undefined || (this.#held.get(whose) ?? 0) < mostOfOne;
  }

  #count(whose: string | undefined, by: 1 | -1): void {
    if (whose === undefined) return;
    const now = (this.#held.get(whose) ?? 0) + by;
    if (now > 0) this.#held.set(whose, now);
    else this.#held.delete(whose);
  }

  /** Who waits longest of those that have not got their share. */
  #next(): Waiting | undefined {
    const at = this.#waiting.findIndex(({ whose }) => this.#mayHave(whose));
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0];
  }

  async #open(whose: string | undefined): Promise<Connection> {
    this.#opening++;
    this.#count(whose, 1);
    try {
      const wire = await this.#parts.connect();
      const made: Connection = {
        wire,
        used: false,
        next: undefined,
        idleSince: undefined,
        keepMs: usualKeepMs,
        whose,
      };
      this.#all.add(made);
      void wire.closed.then(() => this.drop(made));
      if (this.#closed) this.drop(made);
      return made;
    } catch (thrown) {
      this.#count(whose, -1);
      throw thrown;
    } finally {
      this.#opening--;
      this.#goOn();
    }
  }

  /** Gives one back that can carry another request. */
  give(connection: Connection, keepMs: number | undefined): void {
    if (!this.#all.has(connection)) return;
    this.#left(connection);
    connection.used = true;
    // A little less: so that no request meets the resource as it closes.
    connection.keepMs = Math.max(0, Math.min(usualKeepMs, (keepMs ?? Infinity) - 1_000));
    if (this.#closed || connection.keepMs === 0) return this.drop(connection);
    connection.idleSince = this.#parts.world.now();
    this.#watch(connection);
    // SECURITY: what has come already is seen by then, so that nobody gets a connection that has more to say.
    queueMicrotask(() => this.#rests(connection));
  }

  /** Whoever had it has it no more. */
  #left(connection: Connection): void {
    this.#count(connection.whose, -1);
    connection.whose = undefined;
  }

  #rests(connection: Connection): void {
    if (!this.#all.has(connection)) return;
    const waiting = this.#next();
    if (waiting !== undefined) {
      this.#count(waiting.whose, 1);
      waiting.resolve(given(connection, waiting.whose));
      return;
    }
    this.#idle.push(connection);
    this.#sweep ??= this.#parts.world.after(sweepMs, () => this.#sweepIdle());
  }

  /** SECURITY: what comes while nobody has asked would be taken for the answer to whoever asks next (CWE-444). */
  #watch(connection: Connection): void {
    const drop = (): void => {
      if (connection.idleSince !== undefined) this.drop(connection);
    };
    connection.next ??= connection.wire.read();
    connection.next.then(drop, drop);
  }

  /** Closes it. */
  drop(connection: Connection, why?: Error): void {
    connection.wire.destroy(why);
    if (!this.#all.delete(connection)) return;
    this.#left(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    connection.next?.catch(ignore);
    this.#goOn();
  }

  /** There is room for another: who waits longest gets it. */
  #goOn(): void {
    if (this.#closed || this.#all.size + this.#opening >= this.#parts.most) return;
    const waiting = this.#next();
    if (waiting !== undefined) this.#open(waiting.whose).then(waiting.resolve, waiting.reject);
  }

  #sweepIdle(): void {
    this.#sweep = undefined;
    const now = this.#parts.world.now();
    const over = this.#idle.filter(({ idleSince = 0, keepMs }) => now - idleSince >= keepMs);
    for (const kept of over) this.drop(kept);
    if (this.#idle.length > 0) this.#sweep = this.#parts.world.after(sweepMs, () => this.#sweepIdle());
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#sweep?.[Symbol.dispose]();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(new Fault('stopping', 'The gateway stops'));
    for (const connection of this.#all) this.drop(connection);
  }
}

function given(connection: Connection, whose: string | undefined): Connection {
  connection.idleSince = undefined;
  connection.whose = whose;
  return connection;
}

function ignore(): void {
  // Whoever used it was told.
}
