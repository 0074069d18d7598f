import type { Exchange } from '../../carriers/http/exchange.ts';
import { preferred } from '../../carriers/http/prefer.ts';
import { statedBy } from '../../carriers/http/stated.ts';
import { WireError } from '../../base/errors.ts';
import type { World } from '../../base/time.ts';
import type { Action } from '../../core/action.ts';
import type { Waiting } from '../../core/protocol.ts';
import { eventText } from '../../http/events.ts';

/** So long one request and all calls of tools in its answer may wait together; SDKs give up after 600 s. */
const patienceMs = 60_000;
/** Proxies in between take a stream that is silent for long for dead. */
const aliveEveryMs = 10_000;

/**
 * One request's client while it waits for people: for its prompt, and for calls that its answer asks for. A client that reads
 * a stream gets comments (WHATWG HTML, 9.2.6), which SDKs skip, so that nothing between takes the connection for dead: its answer
 * has begun by then, and whatever comes of it is told in the stream.
 */
export class Hold {
  readonly #world: World;
  readonly #exchange: Exchange;
  readonly #streams: boolean;
  #leftMs: number;
  /** The answer was begun by a comment: nothing of the provider's has been sent. */
  began = false;

  constructor(world: World, exchange: Exchange, { streams }: { readonly streams: boolean }) {
    this.#world = world;
    this.#exchange = exchange;
    this.#streams = streams;
    this.#leftMs = preferred(exchange.fields, patienceMs);
  }

  waiting(action: Action): Waiting {
    const { signal, fields } = this.#exchange;
    const from = this.#world.now();
    let told = 'This waits for a review';
    let timer: Disposable | undefined;
    const alive = (): void => {
      timer = this.#world.after(aliveEveryMs, () => {
        this.#say(told);
        alive();
      });
    };
    if (this.#streams) alive();
    return {
      tell: (line) => {
        told = line;
      },
      signal,
      settings: {},
      patienceMs: this.#leftMs,
      thenTicket: true,
      again: () => Promise.resolve({ action, settings: {} }), // nothing around a request changes what it means
      ...statedBy(fields),
      [Symbol.dispose]: () => {
        timer?.[Symbol.dispose]();
        this.#leftMs = Math.max(0, this.#leftMs - (this.#world.now() - from));
      },
    };
  }

  #say(line: string): void {
    const { reply, signal } = this.#exchange;
    if (signal.aborted) return;
    const comment = ` ${line.replaceAll(/[\r\n]+/g, ' ')}`;
    try {
      if (!reply.started) {
        reply.start(200, [
          ['content-type', 'text/event-stream'],
          ['cache-control', 'private, no-store'],
        ]);
        this.began = true;
      }
      void reply.write(Buffer.from(eventText({ comments: [comment] })));
    } catch (thrown) {
      if (!(thrown instanceof WireError)) throw thrown; // its client has left: the signal says so too
    }
  }
}
