import { WireError } from './errors.ts';
import type { Wire } from './stream.ts';

/** Two ends of one connection in memory: what one writes the other reads. For tests and for talks inside the process. */
export function wirePair(highWaterBytes: number = 65_536): readonly [Wire, Wire] {
  const there = new Pipe(highWaterBytes);
  const back = new Pipe(highWaterBytes);
  const closed = Promise.withResolvers<void>();
  const destroy = (why?: Error): void => {
    const error = why ?? new WireError('closed', 'Connection closed');
    there.fail(error);
    back.fail(error);
    closed.resolve();
  };
  const end = (from: Pipe, other: Pipe) => (): void => {
    from.end();
    if (other.ended) closed.resolve();
  };
  const wire = (out: Pipe, into: Pipe, peer: string): Wire => ({
    read: () => into.read(),
    write: (bytes) => out.write(bytes),
    end: end(out, into),
    destroy,
    closed: closed.promise,
    peer,
  });
  return [wire(there, back, 'memory:a'), wire(back, there, 'memory:b')];
}

class Pipe {
  readonly #high: number;
  #chunks: Uint8Array[] = [];
  #held = 0;
  #reader: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  #writer: PromiseWithResolvers<void> | undefined;
  #error: Error | undefined;
  ended = false;

  constructor(high: number) {
    this.#high = high;
  }

  read(): Promise<Uint8Array | undefined> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#held -= chunk.length;
      if (this.#held < this.#high) {
        this.#writer?.resolve();
        this.#writer = undefined;
      }
      return Promise.resolve(chunk);
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.ended) return Promise.resolve(undefined);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.ended) return Promise.reject(new WireError('closed', 'Written after end'));
    if (bytes.length === 0) return undefined;
    const copy = new Uint8Array(bytes); // slice() of a Buffer would share its memory
    if (this.#reader !== undefined) {
      this.#reader.resolve(copy);
      this.#reader = undefined;
      return undefined;
    }
    this.#chunks.push(copy);
    this.#held += copy.length;
    if (this.#held < this.#high) return undefined;
    this.#writer ??= Promise.withResolvers();
    return this.#writer.promise;
  }

  end(): void {
    this.ended = true;
    this.#reader?.resolve(undefined);
    this.#reader = undefined;
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.#reader?.reject(error);
    this.#reader = undefined;
    this.#writer?.reject(error);
    this.#writer = undefined;
  }
}
