import { wirePair } from '../base/memory-wire.ts';
import { Fault, messageOf } from '../base/errors.ts';
import type { Wire } from '../base/stream.ts';
import { instant, type World } from '../base/time.ts';
import type { Identity } from '../core/identity.ts';
import type { Log } from '../core/ports.ts';
import type { Room, TicketResult } from '../core/protocol.ts';
import type { Desk } from '../gate/desk.ts';
import type { StoredReview } from '../reviews/index.ts';

export interface TicketParts {
  readonly desk: Desk;
  readonly world: World;
  readonly log: Log;
  readonly room: (kind: string) => Room | undefined;
  /** Who the requester is now; undefined when the directory no longer knows them. */
  readonly find: (subject: string) => Omit<Identity, 'proof'> | undefined;
  readonly revoked: (tokenId: string) => boolean;
  /** Serves a connection inside this process as this identity, for this ticket and nothing else. */
  readonly attend: (
    wire: Wire,
    room: Room,
    as: { readonly identity: Identity; readonly ticket: string },
  ) => Promise<void>;
}

/** What became of asking for a result. */
export type Fetched =
  | { readonly kind: 'result'; readonly result: TicketResult; readonly review: StoredReview }
  | { readonly kind: 'not-yet' | 'none'; readonly why: string };

/**
 * Runs approved tickets by themselves, and keeps what they answered for who asked. A run goes the way of every other
 * request: a session, the gate, the masks, the ledger. That it happens once is the gate's: the step from approved to running
 * is a compare-and-swap, whoever takes it.
 */
export class Tickets {
  readonly #parts: TicketParts;
  readonly #timers: Map<string, Disposable> = new Map();
  readonly #runs: Map<string, Promise<void>> = new Map();
  readonly #stop: AbortController = new AbortController();

  constructor(parts: TicketParts) {
    this.#parts = parts;
  }

  /** A ticket was approved: its requester has a moment to send the request again, then it is run. */
  approved({ id, errand }: StoredReview): void {
    const { desk, world } = this.#parts;
    const { runAfterMs } = desk.parts.settings;
    if (errand === undefined || !Number.isFinite(runAfterMs)) return;
    this.#timers.get(id)?.[Symbol.dispose]();
    this.#timers.set(
      id,
      world.after(runAfterMs, () => {
        this.#timers.delete(id);
        void this.run(id);
      }),
    );
  }

  /** Runs it if it may run. Resolves when that is over, however it went. */
  run(id: string): Promise<void> {
    const under = this.#runs.get(id) ?? this.#run(id).finally(() => this.#runs.delete(id));
    this.#runs.set(id, under);
    return under;
  }

  /** What it answered. Asking for it runs what is approved and has not run. The caller has checked who asks. */
  async fetch(id: string): Promise<Fetched> {
    const { desk } = this.#parts;
    const first = desk.find(id);
    if (first?.state === 'approved' && first.kind === 'ticket') {
      if (first.errand === undefined) {
        return {
          kind: 'not-yet',
          why: 'It runs only when you send exactly the same again: it needs your own connection',
        };
      }
      await this.run(id);
    } else await this.#runs.get(id);
    const review = desk.find(id);
    if (review === undefined) return { kind: 'none', why: 'There is no such review' };
    if (review.state === 'waiting') return { kind: 'not-yet', why: 'It has not been approved yet' };
    if (review.state === 'approved')
      return { kind: 'not-yet', why: 'It could not be run just now; it stays approved' };
    const kept = desk.parts.store.result(review.id);
    if (kept === undefined) return { kind: 'none', why: noneOf(review) };
    desk.parts.store.fetched(review.id);
    return { kind: 'result', result: JSON.parse(Buffer.from(kept).toString()) as TicketResult, review }; // ours, sealed
  }

  async #run(id: string): Promise<void> {
    this.#timers.get(id)?.[Symbol.dispose]();
    this.#timers.delete(id);
    const { desk, log } = this.#parts;
    const review = desk.find(id);
    if (review?.state !== 'approved' || review.errand === undefined || this.#stop.signal.aborted) return;
    try {
      const result = await this.#send(review, review.errand);
      const now = desk.find(id);
      // Refused before its approval was used up: nothing of it has run, and nothing of it will.
      if (now?.state === 'approved' && result.error !== undefined) {
        await desk.end(
          review.id,
          ['approved'],
          'void',
          `It was refused when it was to run: ${result.error.message}`,
        );
        return;
      }
      // Its client was first: what it answered was shown there.
      if (!desk.ran.delete(review.id)) return;
      desk.parts.store.keepResult(review.id, Buffer.from(JSON.stringify(result)), this.#parts.world.now());
    } catch (thrown) {
      const why = thrown instanceof Fault ? messageOf(thrown) : 'bug';
      desk.ran.delete(review.id);
      log('warn', 'ticket.not-run', { review: id, why });
    }
  }

  async #send(review: StoredReview, kept: string): Promise<TicketResult> {
    const { desk, world, room: roomOf, attend, find, revoked } = this.#parts;
    const { runWithinMs, resultBytes } = desk.parts.settings;
    const room = roomOf(review.resource.kind);
    const known = find(review.identity.subject);
    if (room?.errand === undefined) throw new Fault('config', 'Nothing can run it here');
    if (known === undefined || review.tokenId === undefined || revoked(review.tokenId)) {
      await desk.end(
        review.id,
        ['approved'],
        'void',
        'Who asked is not known any more, or their token was withdrawn',
      );
      throw new Fault('stopping', 'The requester may not ask any more');
    }
    const identity: Identity = {
      ...known,
      proof: {
        kind: 'token',
        tokenId: review.tokenId,
        expiresAt: instant(world.now() + runWithinMs + 5_000),
      },
    };
    const stop = new AbortController();
    using _late = world.after(runWithinMs, () => stop.abort());
    const [far, near] = wirePair();
    const served = attend(far, room, { identity, ticket: review.id });
    const { subject } = known;
    const signal = AbortSignal.any([stop.signal, this.#stop.signal]);
    const result = await room.errand(near, {
      subject,
      resource: review.resource.name,
      kept,
      bytes: resultBytes,
      signal,
    });
    await served; // how it ended is written down before anybody is told
    return result;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
  }
}

function noneOf({ state, end, kind }: StoredReview): string {
  if (kind !== 'ticket') return 'Only a ticket has a result: this was answered on its own connection';
  if (state === 'running') return 'It runs now';
  if (state === 'done')
    return 'It ran, and its result is not kept: its requester sent it again, or it is too long ago';
  return `It has no result: ${end ?? state}`;
}
