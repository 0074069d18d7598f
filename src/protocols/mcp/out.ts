import type { Exchange, Reply } from '../../carriers/http/exchange.ts';
import type { World } from '../../base/time.ts';
import { eventText } from '../../http/events.ts';
import { type Message, textOf } from './message.ts';

/** The answer to one POST or GET: one JSON message, or a stream of events once something comes before the answer. */
export class Out {
  readonly #exchange: Exchange;
  readonly #world: World;
  #streams = false;
  #beat: Disposable | undefined;
  bytes = 0;
  /** The request that it answers, and whether the answer is recorded. */
  recorded: { readonly of: string | undefined; readonly full: boolean } = { of: undefined, full: true };

  constructor(exchange: Exchange, world: World) {
    this.#exchange = exchange;
    this.#world = world;
  }

  get streams(): boolean {
    return this.#streams;
  }

  /** From here on events: with a comment now and then, so that the client sees that somebody is there. */
  begin(session?: string): void {
    if (this.#streams) return;
    this.#streams = true;
    this.#exchange.reply.start(200, [
      ['content-type', 'text/event-stream'],
      ['cache-control', 'no-store'],
      ['x-accel-buffering', 'no'],
      ...(session === undefined ? [] : [['mcp-session-id', session] as const]),
    ]);
    this.#beatOn();
  }

  #beatOn(): void {
    this.#beat = this.#world.after(beatMs, () => {
      if (this.#exchange.signal.aborted) return;
      try {
        void this.#exchange.reply.write(Buffer.from(': \n\n'));
      } catch {
        return; // the client has left: whoever writes next is told
      }
      this.#beatOn();
    });
  }

  /** One event of the stream; `id` and `retry` as the server gave them, for clients that come back. */
  async event(
    message: Message | undefined,
    about: { readonly id?: string; readonly retry?: string } = {},
  ): Promise<void> {
    const data = message === undefined ? '' : textOf(message);
    await this.#write(
      Buffer.from(
        eventText({
          ...(message === undefined ? {} : { event: 'message' }),
          data,
          comments: [],
          ...(about.id !== undefined && opaque.test(about.id) ? { id: about.id } : {}),
          ...(about.retry !== undefined && /^\d{1,9}$/.test(about.retry) ? { retry: about.retry } : {}),
        }),
      ),
    );
  }

  /** The whole answer, where no stream has begun; its last event, where one has. */
  async whole(
    message: Message,
    { status = 200, session }: { readonly status?: number; readonly session?: string | undefined } = {},
  ): Promise<void> {
    if (this.#streams) return this.event(message);
    const body = Buffer.from(textOf(message));
    this.#exchange.reply.start(status, [
      ['content-type', 'application/json'],
      ['content-length', String(body.length)],
      ['cache-control', 'no-store'],
      ...(session === undefined ? [] : [['mcp-session-id', session] as const]),
    ]);
    await this.#write(body);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { reply, stay } = this.#exchange;
    this.bytes += bytes.length;
    const { of, full: whole } = this.recorded;
    const full = whole ? stay.recorder.frame('answer', bytes, of) : undefined;
    if (full !== undefined) await full;
    await reply.write(bytes);
  }

  end(): void {
    this.#beat?.[Symbol.dispose]();
    this.#beat = undefined;
    this.#exchange.reply.end();
  }

  stop(): void {
    this.#beat?.[Symbol.dispose]();
    this.#beat = undefined;
  }
}

const beatMs = 10_000;
const opaque = /^[\w.:=+/-]{1,300}$/;

/** An answer without a body. */
export function sayStatus(reply: Reply, status: number): void {
  reply.start(status, [
    ['content-length', '0'],
    ['cache-control', 'no-store'],
  ]);
  reply.end();
}

/** An error in the words of JSON-RPC, with the status that HTTP has for it. */
export function sayMessage(
  reply: Reply,
  status: number,
  message: Message,
  ...more: readonly (readonly [string, string])[]
): void {
  const body = Buffer.from(textOf(message));
  reply.start(status, [
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
    ['cache-control', 'no-store'],
    ...more,
  ]);
  reply.end(body);
}
