import { Duplex } from 'node:stream';
import { WireError } from '../../base/errors.ts';
import type { Wire } from '../../base/stream.ts';

/**
 * A wire as a Node stream, so that Node's own HTTP parsers and writers run over any carrier. Back-pressure stays: the
 * wire is read when the stream asks, and a write is done when the wire can take more.
 */
export class WireDuplex extends Duplex {
  readonly #wire: Wire;
  #ahead: Uint8Array | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Bytes that were read, to see whether a request had begun. */
  received: number = 0;
  /** The connection went away by itself: nobody here closed it. */
  peerLeft: boolean = false;
  readonly remoteAddress: string;
  /** Told of bytes that came before anybody gets them, who waits where it gives a promise. */
  arriving: ((bytes: number) => Promise<void> | undefined) | undefined;

  /** `ahead`: bytes that were read from the wire already, to see what it speaks. It may be written to after its peer has ended. */
  constructor(wire: Wire, { ahead }: { readonly ahead?: Uint8Array | undefined } = {}) {
    super({ allowHalfOpen: true });
    this.#wire = wire;
    this.#ahead = ahead;
    this.remoteAddress = wire.peer;
    void wire.closed.then(() => {
      this.peerLeft = !this.destroyed;
      this.destroy();
    });
  }

  override _read(): void {
    const ahead = this.#ahead;
    if (ahead !== undefined) {
      this.#ahead = undefined;
      this.received += ahead.length;
      this.push(Buffer.from(ahead));
      return;
    }
    this.#wire.read().then(
      (bytes) => {
        this.#idle?.refresh();
        this.received += bytes?.length ?? 0;
        const given = bytes === undefined ? null : Buffer.from(bytes);
        const full = given === null ? undefined : this.arriving?.(given.length);
        if (full === undefined) this.push(given);
        else void full.then(() => this.push(given));
      },
      (thrown: unknown) =>
        this.destroy(thrown instanceof WireError && thrown.code === 'closed' ? undefined : asError(thrown)),
    );
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#send(chunk, done);
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: (error?: Error) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  #send(bytes: Buffer, done: (error?: Error) => void): void {
    let waiting: Promise<void> | undefined;
    this.#idle?.refresh();
    try {
      waiting = this.#wire.write(bytes);
    } catch (thrown) {
      done(asError(thrown));
      return;
    }
    if (waiting === undefined) done();
    else
      waiting.then(
        () => done(),
        (thrown: unknown) => done(asError(thrown)),
      );
  }

  override _final(done: () => void): void {
    this.#wire.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#idle);
    this.#wire.destroy(error ?? undefined);
    done(error);
  }

  /** Node's agent closes a kept connection a little before its server does; nothing else here asks for it. */
  setTimeout(ms: number, call?: () => void): this {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    if (call !== undefined) this.once('timeout', call);
    if (ms > 0) this.#idle = setTimeout(() => this.emit('timeout'), ms).unref();
    return this;
  }

  // What Node's HTTP asks of a socket and a wire has no use for.
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  destroySoon(): void {
    if (this.writableEnded) this.destroy();
    else this.end(() => this.destroy());
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('The connection broke');
}
