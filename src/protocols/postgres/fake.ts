import { never } from '../../base/result.ts';
import type { Wire } from '../../base/stream.ts';
import { md5Password } from './auth.ts';
import { decodeFrontend, decodeSaslInitialResponse, decodeStartupPacket, decodePassword } from './decode.ts';
import { textOf } from './reader.ts';
import * as encode from './encode.ts';
import { Frames, frontendBounds } from './frames.ts';
import { backend, type Field, type FrontendMessage, type TransactionStatus } from './messages.ts';
import { ScramError, ScramServer, verifierOf } from './scram.ts';

/** How one statement is answered. */
export type FakeAnswer =
  | {
      readonly kind: 'rows';
      readonly fields: readonly Field[];
      readonly rows: readonly (readonly (Uint8Array | string | null)[])[];
      readonly tag?: string;
    }
  | { readonly kind: 'done'; readonly tag: string; readonly status?: TransactionStatus }
  | { readonly kind: 'error'; readonly sqlstate: string; readonly message: string; readonly detail?: string }
  | { readonly kind: 'copyOut'; readonly columns: number; readonly data: readonly string[] }
  | { readonly kind: 'copyIn'; readonly columns: number }
  | { readonly kind: 'empty' };

export interface FakeParts {
  readonly auth?:
    | { readonly kind: 'trust' }
    | { readonly kind: 'scram' | 'md5' | 'cleartext'; readonly password: string };
  /** The answers to a text, one for each of its statements. */
  readonly answer: (text: string) => readonly FakeAnswer[];
  readonly parameters?: Readonly<Record<string, string>>;
  /** Texts that fail at Parse already, as what is no SQL does. */
  readonly unparsable?: (text: string) => boolean;
  /** Bytes to send right behind each answer, before ReadyForQuery: notices, notifications, whatever a test wants. */
  readonly aside?: (text: string) => Uint8Array | undefined;
}

/** What the fake has seen. */
export interface Fake {
  /** Every text that reached it, in order: simple queries, and prepared ones when they are executed. */
  readonly statements: string[];
  /** All messages after the sign-in, by kind. */
  readonly messages: FrontendMessage['kind'][];
  readonly startup: Map<string, string>;
  copied: string;
  bytes: number;
  cancelled: number;
  /** Settles when the connection is over; rejects where the client broke the protocol. */
  done: Promise<void>;
}

/** A resource that speaks enough of the wire for tests: trust, SCRAM, md5 or cleartext; simple and extended query; COPY. */
export function fakePostgres(wire: Wire, parts: FakeParts): Fake {
  const fake: Fake = {
    statements: [],
    messages: [],
    startup: new Map(),
    copied: '',
    bytes: 0,
    cancelled: 0,
    done: Promise.resolve(),
  };
  fake.done = new Talk(wire, parts, fake).run();
  fake.done.catch(() => {}); // a test that cares awaits it
  return fake;
}

class Talk {
  readonly #wire: Wire;
  readonly #parts: FakeParts;
  readonly #fake: Fake;
  readonly #frames = new Frames(frontendBounds(67_108_864));
  readonly #statements = new Map<string, string>();
  readonly #portals = new Map<string, string>();
  #status: TransactionStatus = 'I';
  #skipping = false;

  constructor(wire: Wire, parts: FakeParts, fake: Fake) {
    this.#wire = wire;
    this.#parts = parts;
    this.#fake = fake;
  }

  async run(): Promise<void> {
    if (!(await this.#start())) return this.#wire.end();
    for (let message = await this.#next(); message !== undefined; message = await this.#next()) {
      this.#fake.messages.push(message.kind);
      if (message.kind === 'Terminate') break;
      const out = await this.#answer(message);
      if (out.length > 0) await this.#wire.write(encode.join(out));
    }
    this.#wire.end();
  }

  async #start(): Promise<boolean> {
    let held = Buffer.alloc(0);
    while (held.length < 4 || held.length < held.readUInt32BE()) {
      const chunk = await this.#wire.read();
      if (chunk === undefined) return false;
      held = Buffer.concat([held, chunk]);
    }
    const packet = decodeStartupPacket(held);
    if (packet.kind === 'cancel') this.#fake.cancelled += 1;
    if (packet.kind !== 'startup') return false;
    for (const [name, value] of packet.parameters) this.#fake.startup.set(name, value);
    if (!(await this.#authenticate())) {
      await this.#wire.write(
        encode.errorResponse({
          severity: 'FATAL',
          sqlstate: '28P01',
          message: 'password authentication failed',
        }),
      );
      return false;
    }
    await this.#wire.write(
      encode.join([
        encode.authenticationOk,
        ...Object.entries({
          server_version: '15.0',
          client_encoding: 'UTF8',
          standard_conforming_strings: 'on',
          ...this.#parts.parameters,
        }).map(([name, value]) => encode.parameterStatus(name, value)),
        encode.backendKeyData(1_234, Buffer.from('fake')),
        encode.readyForQuery('I'),
      ]),
    );
    return true;
  }

  async #authenticate(): Promise<boolean> {
    const auth = this.#parts.auth ?? { kind: 'trust' };
    if (auth.kind === 'trust') return true;
    if (auth.kind === 'cleartext') {
      await this.#wire.write(encode.authenticationCleartextPassword);
      return (await this.#password()) === auth.password;
    }
    if (auth.kind === 'md5') {
      const salt = Buffer.from([1, 2, 3, 4]);
      await this.#wire.write(encode.authenticationMd5Password(salt));
      return (
        (await this.#password()) === md5Password(this.#fake.startup.get('user') ?? '', auth.password, salt)
      );
    }
    const scram = new ScramServer(
      await verifierOf(auth.password, Buffer.from('fakesalt'), 4_096),
      'fakenonce',
    );
    try {
      await this.#wire.write(encode.authenticationSasl(['SCRAM-SHA-256']));
      await this.#next();
      const { data } = decodeSaslInitialResponse(this.#frames);
      await this.#wire.write(encode.authenticationSaslContinue(Buffer.from(scram.first(textOf(data)))));
      const last = await this.#next();
      const signature = last?.kind === 'PasswordMessage' ? scram.final(textOf(last.data)) : undefined;
      if (signature === undefined) return false;
      await this.#wire.write(encode.authenticationSaslFinal(Buffer.from(signature)));
      return true;
    } catch (thrown) {
      if (thrown instanceof ScramError) return false;
      throw thrown;
    }
  }

  async #password(): Promise<string> {
    await this.#next();
    return decodePassword(this.#frames);
  }

  async #next(): Promise<FrontendMessage | undefined> {
    while (!this.#frames.next()) {
      const chunk = await this.#wire.read();
      if (chunk === undefined) return undefined;
      this.#fake.bytes += chunk.length;
      this.#frames.push(chunk);
    }
    return decodeFrontend(this.#frames);
  }

  async #answer(message: FrontendMessage): Promise<Uint8Array[]> {
    if (this.#skipping && message.kind !== 'Sync') return [];
    switch (message.kind) {
      case 'Query':
        return this.#query(message.text);
      case 'Sync':
        this.#skipping = false;
        return [encode.readyForQuery(this.#status)];
      case 'Parse':
        if (this.#parts.unparsable?.(message.text) === true) return this.#fail('42601', 'syntax error');
        this.#statements.set(message.name, message.text);
        return [encode.parseComplete];
      case 'Bind': {
        const text = this.#statements.get(message.statement);
        if (text === undefined) return this.#fail('26000', 'no such statement');
        this.#portals.set(message.portal, text);
        return [encode.bindComplete];
      }
      case 'Describe': {
        const text = (message.of === 'statement' ? this.#statements : this.#portals).get(message.name);
        if (text === undefined) return this.#fail('26000', 'nothing to describe');
        const [answer] = this.#parts.answer(text);
        const types = message.of === 'statement' ? [encode.parameterDescription([])] : [];
        return [...types, answer?.kind === 'rows' ? encode.rowDescription(answer.fields) : encode.noData];
      }
      case 'Execute': {
        const text = this.#portals.get(message.portal);
        if (text === undefined) return this.#fail('34000', 'no such portal');
        this.#fake.statements.push(text);
        const out = await this.#run(text, false);
        if (out === undefined) {
          this.#skipping = true;
          return [];
        }
        return out;
      }
      case 'Close':
        (message.of === 'statement' ? this.#statements : this.#portals).delete(message.name);
        return [encode.closeComplete];
      case 'CopyData':
      case 'CopyDone':
      case 'CopyFail':
      case 'Flush':
      case 'FunctionCall':
      case 'PasswordMessage':
      case 'Terminate':
        return [];
      default:
        return never(message);
    }
  }

  async #query(text: string): Promise<Uint8Array[]> {
    this.#fake.statements.push(text);
    const out = (await this.#run(text, true)) ?? [];
    return [...out, encode.readyForQuery(this.#status)];
  }

  /** The answers to one text; `undefined` after an error that has been sent. */
  async #run(text: string, describe: boolean): Promise<Uint8Array[] | undefined> {
    const out: Uint8Array[] = [];
    for (const answer of this.#parts.answer(text)) {
      switch (answer.kind) {
        case 'rows':
          if (describe) out.push(encode.rowDescription(answer.fields));
          out.push(...answer.rows.map((row) => encode.dataRow(row)));
          out.push(encode.commandComplete(answer.tag ?? `SELECT ${answer.rows.length}`));
          break;
        case 'done':
          this.#status = answer.status ?? this.#status;
          out.push(encode.commandComplete(answer.tag));
          break;
        case 'empty':
          out.push(encode.emptyQueryResponse);
          break;
        case 'error':
          await this.#wire.write(
            encode.join([...out, encode.errorResponse({ severity: 'ERROR', ...answer })]),
          );
          if (this.#status === 'T') this.#status = 'E';
          return undefined;
        case 'copyOut':
          out.push(encode.copyResponse(backend.CopyOutResponse, 0, zeros(answer.columns)));
          out.push(...answer.data.map((line) => encode.copyData(Buffer.from(line))), encode.copyDone);
          out.push(encode.commandComplete(`COPY ${answer.data.length}`));
          break;
        case 'copyIn': {
          const response = encode.copyResponse(backend.CopyInResponse, 0, zeros(answer.columns));
          await this.#wire.write(encode.join([...out.splice(0), response]));
          if (!(await this.#copyIn())) return undefined;
          out.push(encode.commandComplete('COPY 1'));
          break;
        }
      }
    }
    const aside = this.#parts.aside?.(text);
    return aside === undefined ? out : [...out, aside];
  }

  async #copyIn(): Promise<boolean> {
    for (;;) {
      const message = await this.#next();
      if (message === undefined) return false;
      this.#fake.messages.push(message.kind);
      if (message.kind === 'CopyData') this.#fake.copied += Buffer.from(message.data).toString();
      else if (message.kind === 'CopyDone') return true;
      else if (message.kind === 'CopyFail') {
        await this.#wire.write(
          encode.errorResponse({ severity: 'ERROR', sqlstate: '57014', message: 'COPY from stdin failed' }),
        );
        return false;
      }
    }
  }

  async #fail(sqlstate: string, message: string): Promise<Uint8Array[]> {
    this.#skipping = true;
    return [encode.errorResponse({ severity: 'ERROR', sqlstate, message })];
  }
}

function zeros(count: number): readonly 0[] {
  return Array.from({ length: count }, () => 0 as const);
}
