import { Fault } from '../base/errors.ts';
import type { World } from '../base/time.ts';
import type { LimitName, Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';

/** Nobody may hold more now: nothing of it was passed on. */
export class Full extends Fault {
  readonly limit: Extract<LimitName, 'heldBytes' | 'heldBytesPerIdentity'>;

  constructor(limit: Full['limit']) {
    super('full', says[limit]);
    this.limit = limit;
  }
}

const says = {
  heldBytes: 'The gateway holds as much of requests and answers as it may (limit `heldBytes`)',
  heldBytesPerIdentity:
    'As much as may be is held of requests and answers of this identity (limit `heldBytesPerIdentity`)',
} as const;

/** Who was refused so may try again after this time. */
export const fullForSeconds = 10;
/** Who has to wait for others to end does so for this long. */
const patienceMs = 10_000;
/** Of a body, what is not longer is not counted: most are not. */
const uncounted = 16_384;

export interface HeldParts {
  readonly world: World;
  readonly most: number;
  /** Of that, what one of its users may have at once. */
  readonly mostOfOne: number;
  readonly metrics?: Pick<Metrics, 'count' | 'gauge'>;
}

/** Counts a piece of a body that is held; gives a promise where it must be waited for before more is read. Rejects with `Full`. */
export type Count = (piece: Uint8Array) => Promise<void> | undefined;

/** What a byte of a body takes, with the texts and copies that are made of it until its request is over. */
export interface Cost {
  readonly each: number;
  /** For what may become an object of its own where JSON is read as objects. */
  readonly node: number;
}

interface Share {
  bytes: number;
  /** Those that hold anything, in the order in which they began to. */
  readonly all: Set<Holding>;
}

interface Waiting extends Disposable {
  readonly of: Holding;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (why: Error) => void;
}

/**
 * What is held whole of requests and answers, in bytes of memory. Who finds no room waits for a moment, reading nothing meanwhile;
 * then it is refused.
 * SECURITY: nobody gets all of it: who has their share waits, however much room there is, but for the request of theirs that came
 * first. So of each one goes on; and where nobody does, the last that came is refused, so that nobody waits for one that waits.
 */
export class Held {
  readonly #parts: HeldParts;
  readonly #shares: Map<string, Share> = new Map();
  readonly #waiting: Set<Waiting> = new Set();
  #bytes = 0;
  #opened = 0;

  constructor(parts: HeldParts) {
    this.#parts = parts;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** What one request holds. `whose` share it takes; it waits no longer than its signal lets it. */
  open(whose: string, signal?: AbortSignal): Holding {
    return new Holding(this, { whose, since: ++this.#opened, ...(signal === undefined ? {} : { signal }) });
  }

  /** Of `Holding` only. */
  take(of: Holding, bytes: number): Promise<void> | undefined {
    const full = this.#fullFor(of, bytes) ?? this.#behind(of);
    if (full === undefined) {
      this.#add(of, bytes);
      return undefined;
    }
    // Nobody's end would help it.
    if (of.bytes + bytes > this.#parts.most) return Promise.reject(this.#refusal('heldBytes'));
    return this.#wait(of, bytes);
  }

  /** Of `Holding` only. */
  give(of: Holding, bytes: number): void {
    this.#bytes -= bytes;
    this.#parts.metrics?.gauge('held_bytes', this.#bytes);
    const share = this.#shares.get(of.whose);
    if (share === undefined) throw new Fault('bug', 'More was given back than was held');
    share.bytes -= bytes;
    of.bytes -= bytes;
    if (of.bytes === 0) share.all.delete(of);
    if (share.all.size === 0) this.#shares.delete(of.whose);
    this.#goOn();
  }

  /** Of `Holding` only. */
  move(from: Holding, to: Holding): void {
    const { bytes } = from;
    if (bytes === 0) return;
    this.#add(to, bytes);
    this.give(from, bytes);
  }

  #add(of: Holding, bytes: number): void {
    const share = this.#shares.get(of.whose) ?? { bytes: 0, all: new Set() };
    this.#shares.set(of.whose, share);
    this.#bytes += bytes;
    this.#parts.metrics?.gauge('held_bytes', this.#bytes);
    share.bytes += bytes;
    of.bytes += bytes;
    share.all.add(of);
  }

  /** Who holds nothing yet lets those go first that hold something and could end. */
  #behind(of: Holding): Full['limit'] | undefined {
    if (of.bytes > 0) return undefined;
    for (const { of: other, bytes } of this.#waiting)
      if (other.bytes > 0 && this.#fullFor(other, bytes) === 'heldBytes') return 'heldBytes';
    return undefined;
  }

  #fullFor(of: Holding, bytes: number): Full['limit'] | undefined {
    const { most, mostOfOne } = this.#parts;
    if (this.#bytes + bytes > most) return 'heldBytes';
    const share = this.#shares.get(of.whose);
    if (share === undefined || share.bytes + bytes <= mostOfOne) return undefined;
    const [first] = share.all;
    return first === of ? undefined : 'heldBytesPerIdentity';
  }

  async #wait(of: Holding, bytes: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { signal } = of;
    const left = (): void => end(asError(signal?.reason));
    const late = this.#parts.world.after(patienceMs, () => this.#refuse(waiting));
    const waiting: Waiting = {
      of,
      bytes,
      resolve,
      reject,
      [Symbol.dispose]: () => {
        this.#waiting.delete(waiting);
        late[Symbol.dispose]();
        signal?.removeEventListener('abort', left);
      },
    };
    const end = (why: Error): void => {
      waiting[Symbol.dispose]();
      reject(why);
    };
    this.#waiting.add(waiting);
    signal?.addEventListener('abort', left, { once: true });
    if (signal?.aborted === true) left();
    else this.#untie();
    await promise;
  }

  /** Where all that hold something wait, the last of them is refused: what it holds lets the others go on. */
  #untie(): void {
    const waits = new Set([...this.#waiting].map(({ of }) => of));
    for (const { all } of this.#shares.values()) for (const each of all) if (!waits.has(each)) return;
    let last: Waiting | undefined;
    for (const each of this.#waiting)
      if (each.of.bytes > 0 && each.of.since >= (last?.of.since ?? 0)) last = each;
    if (last !== undefined) this.#refuse(last);
  }

  #refuse(waiting: Waiting): void {
    waiting[Symbol.dispose]();
    waiting.reject(this.#refusal(this.#fullFor(waiting.of, waiting.bytes) ?? 'heldBytes'));
  }

  #refusal(limit: Full['limit']): Full {
    this.#parts.metrics?.count('limits_total', { limit });
    return new Full(limit);
  }

  /** Of those for whom there is room now, who came first goes on first. */
  #goOn(): void {
    if (this.#waiting.size === 0) return;
    for (const waiting of [...this.#waiting].toSorted((a, b) => a.of.since - b.of.since)) {
      if (this.#fullFor(waiting.of, waiting.bytes) !== undefined || this.#behind(waiting.of) !== undefined)
        continue;
      waiting[Symbol.dispose]();
      this.#add(waiting.of, waiting.bytes);
      waiting.resolve();
    }
  }
}

/** As the limits say. */
export function heldBy(
  limits: Pick<Limits, 'heldBytes' | 'heldBytesPerIdentity'>,
  world: World,
  metrics?: HeldParts['metrics'],
): Held {
  const { heldBytes: most, heldBytesPerIdentity: mostOfOne } = limits;
  return new Held({ world, most, mostOfOne, ...(metrics === undefined ? {} : { metrics }) });
}

/** What one request holds, until it is disposed. */
export class Holding implements Disposable {
  readonly #held: Held;
  readonly whose: string;
  /** Which of all it was. */
  readonly since: number;
  readonly signal: AbortSignal | undefined;
  /** Changed by `Held` only. */
  bytes = 0;
  #over = false;

  constructor(
    held: Held,
    {
      whose,
      since,
      signal,
    }: { readonly whose: string; readonly since: number; readonly signal?: AbortSignal },
  ) {
    this.#held = held;
    this.whose = whose;
    this.since = since;
    this.signal = signal;
  }

  /** Holds more. Gives a promise where there is no room yet; it rejects with `Full`, or with the reason of the signal. */
  take(bytes: number): Promise<void> | undefined {
    if (this.#over) return Promise.reject(new Fault('upstream-closed', 'The request is over'));
    if (bytes <= 0) return undefined;
    return this.#held.take(this, bytes)?.then(() => {
      // It ended while it waited.
      if (this.#over) this.give(bytes);
    });
  }

  give(bytes: number): void {
    const own = Math.min(bytes, this.bytes);
    if (own > 0) this.#held.give(this, own);
  }

  /** What another of the same share has held is held by this one from here on. */
  takeOver(other: Holding): void {
    this.#held.move(other, this);
  }

  /** Counts a body as it comes, at its cost. */
  counting({ each, node }: Cost): Count {
    let seen = 0;
    return (piece) => {
      const before = seen;
      seen += piece.length;
      if (seen <= uncounted) return undefined;
      const bytes = before <= uncounted ? seen : piece.length;
      return this.take(Math.ceil(bytes * each) + (node === 0 ? 0 : node * nodesIn(piece)));
    };
  }

  /** Something of which now more and now less is held: an event that is not whole yet, a message. */
  level(each: number): Level {
    return new Level(this, each);
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.give(this.bytes);
  }
}

/** What is held now of something that comes and goes. */
export class Level implements Disposable {
  readonly #of: Holding;
  readonly #each: number;
  /** Counted. */
  #now = 0;
  #sum = 0;

  constructor(of: Holding, each: number) {
    this.#of = of;
    this.#each = each;
  }

  /** So many bytes of it are held now. Gives a promise as `take` does. */
  set(bytes: number): Promise<void> | undefined {
    this.#sum = bytes;
    const wanted = bytes <= uncounted ? 0 : Math.ceil(bytes * this.#each);
    const more = wanted - this.#now;
    if (more <= 0) {
      this.#now = wanted;
      this.#of.give(-more);
      return undefined;
    }
    const waiting = this.#of.take(more);
    if (waiting === undefined) {
      this.#now = wanted;
      return undefined;
    }
    return waiting.then(() => {
      this.#now += more; // it may have become less meanwhile
    });
  }

  /** Holds so much more of it. */
  add(bytes: number): Promise<void> | undefined {
    this.#sum += bytes;
    return this.set(this.#sum);
  }

  [Symbol.dispose](): void {
    void this.set(0);
  }
}

/** Signs in JSON behind each of which a value stands that may be an object: `{`, `[`, `:` and `,`. */
function nodesIn(piece: Uint8Array): number {
  let found = 0;
  for (const byte of piece) if (byte === 0x2c || byte === 0x3a || byte === 0x5b || byte === 0x7b) found++;
  return found;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Fault('upstream-closed', 'The request was given up');
}
