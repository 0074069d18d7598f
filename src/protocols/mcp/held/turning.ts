import { Fault } from '../../../base/errors.ts';
import type { Reply } from '../../../carriers/http/exchange.ts';
import { EventReader } from '../../../http/events.ts';
import { first, type Fields } from '../../../http/headers.ts';
import { type Message, readMessage } from '../message.ts';

/** The answer to a client that leaves before it comes: from then on what is said is caught here. */
export class Turning implements Reply {
  readonly #client: Reply;
  #caught: Caught | undefined;

  constructor(client: Reply) {
    this.#client = client;
  }

  /** From here on nothing reaches the client. */
  turn(mostBytes: number): Caught {
    this.#caught ??= new Caught(mostBytes);
    return this.#caught;
  }

  get #to(): Reply {
    return this.#caught ?? this.#client;
  }

  get started(): boolean {
    return this.#to.started;
  }

  start(status: number, fields: Fields): void {
    this.#to.start(status, fields);
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#to.write(bytes);
  }

  end(last?: Uint8Array): void {
    this.#to.end(last);
  }

  destroy(): void {
    this.#to.destroy();
  }
}

/** Keeps the one message that answers a call, of all that is said before it. */
export class Caught implements Reply {
  started = false;
  answer: Extract<Message, { kind: 'answer' | 'error' }> | undefined;
  readonly #mostBytes: number;
  readonly #chunks: Uint8Array[] = [];
  readonly #decoder: InstanceType<typeof TextDecoder> = new TextDecoder('utf-8', { fatal: true });
  #events: EventReader | undefined;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  start(_status: number, fields: Fields): void {
    this.started = true;
    if (first(fields, 'content-type')?.startsWith('text/event-stream') === true)
      this.#events = new EventReader();
  }

  write(bytes: Uint8Array): undefined {
    if (this.#events === undefined) {
      this.#bytes += bytes.length;
      if (this.#bytes > this.#mostBytes) throw new Fault('mask', 'The answer is too long to be kept');
      this.#chunks.push(bytes.slice());
      return;
    }
    for (const { data = '' } of this.#events.push(this.#decoder.decode(bytes, { stream: true })))
      this.#take(data);
  }

  end(last?: Uint8Array): void {
    if (last !== undefined) this.write(last);
    if (this.#events === undefined) this.#take(Buffer.concat(this.#chunks).toString('utf8'));
  }

  destroy(): void {
    // What was not said is not there.
  }

  #take(text: string): void {
    const read = text === '' ? undefined : readMessage(text);
    if (read?.ok === true && (read.value.kind === 'answer' || read.value.kind === 'error'))
      this.answer = read.value;
  }
}
