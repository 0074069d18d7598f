import { connect, type Socket } from 'node:net';

/** One message of the server: its type letter and what follows the length. */
export interface Message {
  readonly type: string;
  readonly body: Buffer;
}

export interface RawOptions {
  readonly host?: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Sent when the server asks for a password in clear. */
  readonly password?: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

/** A client that sends whatever it is told to: PostgreSQL's protocol 3.0 without any manners. */
export class RawClient implements AsyncDisposable {
  readonly #socket: Socket;
  #held: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  /** From BackendKeyData. */
  key: { readonly pid: number; readonly secret: Buffer } | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.#chunks.push(bytes);
      this.#wake?.();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('close', end).on('end', end).on('error', end);
  }

  /** A connected socket, nothing said yet. */
  static async open(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawClient(socket);
  }

  /** Signed in and ready, or an error with the server's answer. */
  static async connect(options: RawOptions): Promise<RawClient> {
    const client = await RawClient.open(options.port, options.host);
    client.send(startup({ user: options.user, database: options.database, ...options.parameters }));
    const messages = await client.signIn(options.password ?? '');
    const last = messages.at(-1);
    if (last?.type !== 'Z') {
      client.destroy();
      const told = last === undefined ? 'closed' : errorOf(last).message;
      throw new Error(`Sign-in failed: ${told}`);
    }
    return client;
  }

  /** Answers a request for a password; gives all messages up to ReadyForQuery, an error or the end. */
  async signIn(password: string): Promise<readonly Message[]> {
    const messages: Message[] = [];
    for (;;) {
      const message = await this.next();
      if (message === undefined) return messages;
      messages.push(message);
      if (message.type === 'R' && message.body.readInt32BE(0) === 3) this.send(say('p', cstring(password)));
      if (message.type === 'K') {
        this.key = { pid: message.body.readInt32BE(0), secret: message.body.subarray(4) };
      }
      if (message.type === 'Z' || message.type === 'E') return messages;
    }
  }

  send(...parts: readonly Uint8Array[]): void {
    if (!this.#ended) this.#socket.write(Buffer.concat(parts));
  }

  /** The next message; `undefined` once the server has closed. Throws after `withinMs` of silence. */
  async next(withinMs = 300_000): Promise<Message | undefined> {
    for (;;) {
      const message = this.#take();
      if (message !== undefined) return message;
      if (this.#chunks.length > 0) {
        this.#held = Buffer.concat([this.#held, ...this.#chunks]);
        this.#chunks = [];
        continue;
      }
      if (this.#ended) return undefined;
      await this.#more(withinMs);
    }
  }

  /** Messages up to and with one of this type, or to the end of the connection. */
  async until(type: string, withinMs?: number): Promise<readonly Message[]> {
    const messages: Message[] = [];
    for (;;) {
      const message = await this.next(withinMs);
      if (message === undefined) return messages;
      messages.push(message);
      if (message.type === type) return messages;
    }
  }

  /** Sends and gives what comes until ReadyForQuery. */
  ask(...parts: readonly Uint8Array[]): Promise<readonly Message[]> {
    this.send(...parts);
    return this.until('Z');
  }

  get ended(): boolean {
    return this.#ended;
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.destroy();
    return Promise.resolve();
  }

  #take(): Message | undefined {
    if (this.#held.length < 5) return undefined;
    const length = this.#held.readInt32BE(1) + 1;
    if (this.#held.length < length) return undefined;
    const message = { type: String.fromCharCode(this.#held[0] ?? 0), body: this.#held.subarray(5, length) };
    this.#held = this.#held.subarray(length);
    return message;
  }

  async #more(withinMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error(`Nothing came for ${withinMs} ms`)), withinMs);
    this.#wake = resolve;
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#wake = undefined;
    }
  }
}

/** Fields of ErrorResponse and NoticeResponse. */
export function errorOf(message: Message): {
  readonly code: string;
  readonly message: string;
  readonly detail: string;
  readonly hint: string;
  readonly severity: string;
} {
  const fields = new Map(
    message.body
      .toString()
      .split('\0')
      .map((each) => [each.slice(0, 1), each.slice(1)]),
  );
  const field = (letter: string): string => fields.get(letter) ?? '';
  return {
    code: field('C'),
    message: field('M'),
    detail: field('D'),
    hint: field('H'),
    severity: field('V'),
  };
}

/** The cells of a DataRow, as text. */
export function cellsOf(message: Message): readonly (string | null)[] {
  const { body } = message;
  const cells: (string | null)[] = [];
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left--) {
    const length = body.readInt32BE(at);
    at += 4;
    if (length < 0) cells.push(null);
    else cells.push(body.toString('utf8', at, at + length));
    at += Math.max(length, 0);
  }
  return cells;
}

/** A message: type, length, body. */
export function say(type: string, ...body: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(body);
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

export function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function startup(parameters: Readonly<Record<string, string>>, version = 196_608): Buffer {
  const body = Buffer.concat([
    int32(version),
    ...Object.entries(parameters).flatMap(([name, value]) => [cstring(name), cstring(value)]),
    Buffer.from([0]),
  ]);
  return Buffer.concat([int32(body.length + 4), body]);
}

export const wire: {
  readonly query: (sql: string) => Buffer;
  readonly parse: (name: string, sql: string) => Buffer;
  readonly bind: (portal: string, name: string, values?: readonly (string | null)[]) => Buffer;
  readonly describe: (what: 'S' | 'P', name: string) => Buffer;
  readonly execute: (portal: string, rows?: number) => Buffer;
  readonly close: (what: 'S' | 'P', name: string) => Buffer;
  readonly sync: Buffer;
  readonly flush: Buffer;
  readonly terminate: Buffer;
  readonly copyData: (text: string) => Buffer;
  readonly copyDone: Buffer;
  readonly copyFail: Buffer;
  readonly functionCall: (oid: number, ...values: readonly string[]) => Buffer;
} = {
  query: (sql) => say('Q', cstring(sql)),
  parse: (name, sql) => say('P', cstring(name), cstring(sql), int16(0)),
  bind: (portal, name, values = []) =>
    say('B', cstring(portal), cstring(name), int16(0), int16(values.length), ...values.map(value), int16(0)),
  describe: (what, name) => say('D', Buffer.from(what), cstring(name)),
  execute: (portal, rows = 0) => say('E', cstring(portal), int32(rows)),
  close: (what, name) => say('C', Buffer.from(what), cstring(name)),
  sync: say('S'),
  flush: say('H'),
  terminate: say('X'),
  copyData: (text) => say('d', Buffer.from(text)),
  copyDone: say('c'),
  copyFail: say('f', cstring('stop')),
  functionCall: (oid, ...values) =>
    say('F', int32(oid), int16(0), int16(values.length), ...values.map(value), int16(0)),
};

function value(text: string | null): Buffer {
  if (text === null) return int32(-1);
  const bytes = Buffer.from(text);
  return Buffer.concat([int32(bytes.length), bytes]);
}
