import type { Wire } from '../../base/stream.ts';
import { WireError } from '../../base/errors.ts';

/** More than this is not read ahead: a client that sends so much while it waits is noticed leaving only later. */
const aheadBytesMax = 262_144;

/**
 * Reads a client. While a request of it waits for a person, what it sends is read ahead, since a client that has left is
 * noticed only by reading. What was read ahead comes first when the session reads on.
 *
 * SECURITY: what the wire read before is gone with the next read; who watches has copied what must live.
 */
export class Ahead {
  readonly #wire: Pick<Wire, 'read'>;
  readonly #held: Uint8Array[] = [];
  #heldBytes = 0;
  #pulling: Promise<void> | undefined;
  #end: { readonly error?: unknown } | undefined;

  constructor(wire: Pick<Wire, 'read'>) {
    this.#wire = wire;
  }

  /** As the wire's own: the view is valid until the next read. */
  read(): Promise<Uint8Array | undefined> {
    if (this.#pulling === undefined && this.#held.length === 0 && this.#end === undefined)
      return this.#wire.read();
    return this.#readHeld();
  }

  async #readHeld(): Promise<Uint8Array | undefined> {
    while (this.#held.length === 0 && this.#end === undefined) await this.#pull();
    const chunk = this.#held.shift();
    if (chunk !== undefined) {
      this.#heldBytes -= chunk.length;
      return chunk;
    }
    if (this.#end !== undefined && 'error' in this.#end) throw this.#end.error;
    return undefined;
  }

  /** Reads ahead until disposed; calls `gone` when the client has left. */
  watch(gone: () => void): Disposable {
    const state = { over: false };
    const follow = async (): Promise<void> => {
      while (!state.over && this.#end === undefined && this.#heldBytes < aheadBytesMax) await this.#pull();
      if (!state.over && this.#end !== undefined) gone();
    };
    void follow();
    return {
      [Symbol.dispose]: () => {
        state.over = true;
      },
    };
  }

  #pull(): Promise<void> {
    this.#pulling ??= this.#take().finally(() => {
      this.#pulling = undefined;
    });
    return this.#pulling;
  }

  async #take(): Promise<void> {
    try {
      const chunk = await this.#wire.read();
      if (chunk === undefined) {
        this.#end = {};
        return;
      }
      this.#held.push(new Uint8Array(chunk));
      this.#heldBytes += chunk.length;
    } catch (error) {
      this.#end = { error: error instanceof Error ? error : new WireError('closed', 'Connection closed') };
    }
  }
}
