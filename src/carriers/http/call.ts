import { Fault, messageOf, WireError } from '../../base/errors.ts';
import type { Wire } from '../../base/stream.ts';
import type { World } from '../../base/time.ts';
import { first } from '../../http/headers.ts';
import { type AnswerHead, AnswerReader } from './answer-reader.ts';
import type { Arriving, HttpClientParts, HttpRequest, HttpResponse } from './client.ts';
import type { Connection, Connections } from './connections.ts';
import { headOf } from './request-head.ts';

/** One request and its answer. Whatever ends it ends its connection, unless all of the answer has come. */
export class Call {
  readonly #parts: HttpClientParts;
  readonly #connections: Connections;
  readonly #asked: HttpRequest;
  readonly #reader: AnswerReader;
  readonly #deadline: Deadline;
  #connection: Connection | undefined;
  /** Rejects when it is given up while it waits for a connection; undefined where it does not wait. */
  #givenUp: PromiseWithResolvers<never> | undefined;
  #why: Error | undefined;
  #sent = false;
  /** The head of the answer is here. */
  #begun = false;
  #over = false;
  #keeps = false;
  #keepMs: number | undefined;

  constructor(parts: HttpClientParts, connections: Connections, asked: HttpRequest) {
    this.#parts = parts;
    this.#connections = connections;
    this.#asked = asked;
    this.#reader = new AnswerReader(asked.method);
    this.#deadline = new Deadline(parts.world, (why) => this.#end(why));
  }

  async answer(): Promise<HttpResponse> {
    const { signal } = this.#asked;
    signal.addEventListener('abort', this.#abort, { once: true });
    try {
      if (signal.aborted) throw signal.reason;
      this.#deadline.start('did not answer', this.#parts.patience.firstByteMs);
      const head = await this.#head();
      this.#deadline.stop();
      this.#keeps = head.keeps;
      this.#keepMs = head.keepMs;
      return this.#answered(head);
    } catch (thrown) {
      throw this.#failed(thrown, 'did not answer');
    }
  }

  readonly #abort = (): void => {
    const { reason } = this.#asked.signal as { readonly reason: unknown };
    this.#end(reason instanceof Error ? reason : new Error('The request was given up'));
  };

  /** Nothing more comes of it. */
  #end(why: Error): void {
    this.#why ??= why;
    this.#leave();
    this.#givenUp?.reject(why);
  }

  /** Its session has ended, and the client is told why; or the client has left; or the resource failed. */
  #failed(thrown: unknown, what: string): Error {
    this.#leave();
    const why = this.#why ?? thrown;
    if (why instanceof Fault) return why;
    const { signal } = this.#asked;
    if (signal.aborted) {
      const ended: unknown = signal.reason;
      if (ended instanceof Fault || ended instanceof WireError) return ended;
      return new Fault('upstream-closed', `The resource ${what}: the request was given up`, { cause: ended });
    }
    return new Fault('upstream-closed', `The resource ${what}: ${codeOf(why)}`, { cause: why });
  }

  /** Its connection can carry no other request. */
  #leave(): void {
    this.#over = true;
    this.#deadline.stop();
    this.#asked.signal.removeEventListener('abort', this.#abort);
    if (this.#connection !== undefined) this.#connections.drop(this.#connection);
    this.#connection = undefined;
  }

  async #head(): Promise<AnswerHead> {
    const head = headOf(this.#parts, this.#asked);
    for (let fresh = false; ; fresh = true) {
      const taken = this.#connections.take(fresh, this.#asked.whose);
      const connection = taken instanceof Promise ? await this.#waited(taken) : taken;
      if (this.#why !== undefined) {
        this.#connections.drop(connection);
        throw this.#why;
      }
      this.#connection = connection;
      try {
        this.#send(connection, head);
        return await this.#read(connection);
      } catch (thrown) {
        if (fresh || this.#why !== undefined || !this.#mayAskAgain(connection)) throw thrown;
        this.#connections.drop(connection);
      }
    }
  }

  /** Nobody waits for a connection in vain: who is given up gives back what he gets. */
  async #waited(taken: Promise<Connection>): Promise<Connection> {
    taken.then((connection) => {
      if (this.#why !== undefined) this.#connections.give(connection, undefined);
    }, ignore);
    this.#givenUp = Promise.withResolvers();
    return Promise.race([taken, this.#givenUp.promise]);
  }

  /**
   * A kept connection that the resource was just closing: nothing of an answer came, and a request that only reads has no
   * second effect (RFC 9110, 9.2.2).
   */
  #mayAskAgain({ used }: Connection): boolean {
    const { method, body } = this.#asked;
    const reads = (method === 'GET' || method === 'HEAD') && body === undefined;
    return reads && used && this.#reader.untouched;
  }

  #send({ wire }: Connection, head: string): void {
    const { body } = this.#asked;
    if (body === undefined || body instanceof Uint8Array) {
      // What is small is sent in one piece.
      const together = body === undefined || body.length <= mostTogether;
      const first = Buffer.from(head, 'latin1');
      const written = wire.write(body === undefined || !together ? first : Buffer.concat([first, body]));
      const rest = together ? undefined : wire.write(body);
      this.#sent = written === undefined && rest === undefined;
      if (!this.#sent)
        Promise.all([written, rest]).then(
          () => (this.#sent = true),
          (thrown: unknown) => this.#end(asError(thrown)),
        );
      return;
    }
    wire.write(Buffer.from(head, 'latin1'))?.catch(ignore); // the next write tells it
    this.#stream(wire, body).catch((thrown: unknown) => {
      // A resource need not take all of a request to answer it; its connection is closed behind the answer.
      if (!this.#begun) this.#end(asError(thrown));
    });
  }

  /** A client that is slow to send is no fault of the resource: while it is waited for nothing counts against that. */
  async #stream(wire: Wire, body: AsyncIterable<Uint8Array>): Promise<void> {
    const answered = (): boolean => this.#over || this.#begun;
    this.#deadline.stop();
    for await (const chunk of body) {
      if (this.#over) return;
      if (chunk.length === 0) continue;
      if (!answered()) this.#deadline.start('did not answer', this.#parts.patience.firstByteMs);
      const size = Buffer.from(`${chunk.length.toString(16)}\r\n`, 'latin1');
      const waiting = wire.write(Buffer.concat([size, chunk, lineEnd]));
      if (waiting !== undefined) await waiting;
      if (!answered()) this.#deadline.stop();
    }
    if (this.#over) return;
    if (!answered()) this.#deadline.start('did not answer', this.#parts.patience.firstByteMs);
    const waiting = wire.write(lastChunk);
    if (waiting !== undefined) await waiting;
    this.#sent = true;
  }

  async #read(connection: Connection): Promise<AnswerHead> {
    for (;;) {
      await this.#fill(connection);
      const head = this.#reader.head();
      if (head === undefined) continue;
      this.#begun = true;
      return head;
    }
  }

  async #fill(connection: Connection): Promise<void> {
    this.#reader.keep();
    const reading = connection.next ?? connection.wire.read();
    connection.next = undefined;
    const bytes = await reading;
    if (bytes === undefined) this.#reader.close();
    else this.#reader.push(bytes);
  }

  #answered({ status, fields }: AnswerHead): HttpResponse {
    const events = /^text\/event-stream\b/i.test(first(fields, 'content-type') ?? '');
    const idleMs = events ? this.#parts.patience.streamIdleMs : this.#parts.patience.idleMs;
    const ahead: Uint8Array[] = [];
    let whole = false;
    for (let piece = this.#reader.piece(); piece !== 'more'; piece = this.#reader.piece()) {
      if (piece === 'end') {
        whole = true;
        this.#done();
        break;
      }
      ahead.push(piece);
    }
    // Whoever does not begin to read it keeps nobody's connection for ever.
    if (!whole) this.#deadline.start('was not listened to', idleMs);
    let chunks: AsyncGenerator<Uint8Array, undefined, undefined> | undefined;
    const body: Arriving = {
      [Symbol.asyncIterator]: () => (chunks ??= this.#chunks(ahead, whole, idleMs)),
      arrived: () => (whole ? together(ahead.splice(0)) : undefined),
    };
    return { status, fields, body };
  }

  async *#chunks(
    ahead: Uint8Array[],
    whole: boolean,
    idleMs: number,
  ): AsyncGenerator<Uint8Array, undefined, undefined> {
    try {
      this.#deadline.stop();
      for (let piece = ahead.shift(); piece !== undefined; piece = ahead.shift()) yield piece;
      if (whole) return undefined;
      for (;;) {
        const connection = this.#connection;
        if (connection === undefined) throw this.#why ?? new WireError('closed', 'The connection is gone');
        const piece = this.#reader.piece();
        if (piece === 'end') {
          this.#done();
          return undefined;
        }
        if (piece === 'more') {
          this.#deadline.start('did not go on', idleMs);
          await this.#fill(connection);
          this.#deadline.stop();
        } else yield piece;
      }
    } catch (thrown) {
      throw this.#brokeOff(thrown);
    } finally {
      if (!this.#over) this.#leave(); // nobody wants the rest
    }
  }

  #brokeOff(thrown: unknown): Error {
    const failed = this.#failed(thrown, 'broke off');
    return failed instanceof Fault && failed.code === 'upstream-closed' && !(thrown instanceof Fault)
      ? new Fault('upstream-closed', 'The answer of the resource broke off', { cause: thrown })
      : failed;
  }

  /** All of the answer is here: its connection may carry the next request, where nothing is left of this one. */
  #done(): void {
    const connection = this.#connection;
    if (connection === undefined || !this.#keeps || !this.#sent || this.#reader.hasMore) return this.#leave();
    this.#over = true;
    this.#deadline.stop();
    this.#asked.signal.removeEventListener('abort', this.#abort);
    this.#connection = undefined;
    this.#connections.give(connection, this.#keepMs);
  }
}

const mostTogether = 65_536;
const lineEnd = Buffer.from('\r\n');
const lastChunk = Buffer.from('0\r\n\r\n');

function together(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
}

function codeOf(thrown: unknown): string {
  if (thrown instanceof WireError) return thrown.code;
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  return code === '' ? 'no code' : code;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}

function ignore(): void {
  // Told elsewhere.
}

/** Calls once when nobody stopped it in time. */
class Deadline {
  readonly #world: World;
  readonly #call: (why: Fault) => void;
  #timer: Disposable | undefined;

  constructor(world: World, call: (why: Fault) => void) {
    this.#world = world;
    this.#call = call;
  }

  start(what: string, ms: number): void {
    this.stop();
    this.#timer = this.#world.after(ms, () => this.#call(lateBy(what, ms)));
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}

export function lateBy(what: string, ms: number): Fault {
  return new Fault('upstream-late', `The resource ${what} within ${ms / 1_000} s`);
}
