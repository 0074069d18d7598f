import { Fault } from '../../base/errors.ts';
import {
  backend,
  type Field,
  type Format,
  frontend,
  startupCode,
  type TransactionStatus,
} from './messages.ts';

/** Builds one message: type where it has one, length, body. */
class Writer {
  #bytes: Buffer = Buffer.alloc(64);
  #at: number;
  readonly #lengthAt: number;

  constructor(type: number | undefined) {
    if (type !== undefined) this.#bytes[0] = type;
    this.#lengthAt = type === undefined ? 0 : 1;
    this.#at = this.#lengthAt + 4;
  }

  uint8(value: number): this {
    this.#room(1);
    this.#at = this.#bytes.writeUInt8(value, this.#at);
    return this;
  }

  int16(value: number): this {
    this.#room(2);
    this.#at = this.#bytes.writeInt16BE(value, this.#at);
    return this;
  }

  uint16(value: number): this {
    this.#room(2);
    this.#at = this.#bytes.writeUInt16BE(value, this.#at);
    return this;
  }

  int32(value: number): this {
    this.#room(4);
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
    return this;
  }

  uint32(value: number): this {
    this.#room(4);
    this.#at = this.#bytes.writeUInt32BE(value, this.#at);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#room(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  /** A String. SECURITY: a NUL inside would end it early and make the rest another field. */
  text(value: string): this {
    if (value.includes('\0')) throw new Fault('bug', 'A text for the wire holds a NUL byte');
    const length = Buffer.byteLength(value);
    this.#room(length + 1);
    this.#bytes.write(value, this.#at, 'utf8');
    this.#bytes[this.#at + length] = 0;
    this.#at += length + 1;
    return this;
  }

  /** A value with its length before it; NULL has the length -1. */
  value(value: Uint8Array | string | null): this {
    if (value === null) return this.int32(-1);
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return this.int32(bytes.length).bytes(bytes);
  }

  formats(formats: readonly Format[]): this {
    this.uint16(formats.length);
    for (const format of formats) this.uint16(format);
    return this;
  }

  message(): Uint8Array {
    this.#bytes.writeInt32BE(this.#at - this.#lengthAt, this.#lengthAt);
    return this.#bytes.subarray(0, this.#at);
  }

  /** SECURITY: a length that does not fit its field would put the reader out of step. */
  #room(bytes: number): void {
    const need = this.#at + bytes;
    if (need > messageBytesMax) throw new Fault('bug', 'A message for the wire is too long');
    if (need <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(need, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

const messageBytesMax = 0x3fff_ffff; // as a server's own bound (source, common/memutils.h: MaxAllocSize)

function typed(type: number): Writer {
  return new Writer(type);
}

/** Joins messages into one piece, so that they leave in one write. */
export function join(messages: readonly Uint8Array[]): Uint8Array {
  return messages.length === 1 ? (messages[0] ?? Buffer.alloc(0)) : Buffer.concat(messages);
}

// ---- towards clients

/** What an error says; each field by its name in 54.8. */
export interface ErrorParts {
  readonly severity: 'ERROR' | 'FATAL' | 'PANIC';
  readonly sqlstate: string; // five characters
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly position?: number; // in characters of the statement, from 1
  readonly where?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly dataType?: string;
  readonly constraint?: string;
}

export interface NoticeParts extends Omit<ErrorParts, 'severity'> {
  readonly severity: 'WARNING' | 'NOTICE' | 'DEBUG' | 'INFO' | 'LOG';
}

export function errorResponse(parts: ErrorParts): Uint8Array {
  return fieldsMessage(backend.ErrorResponse, partFields(parts));
}

export function noticeResponse(parts: NoticeParts): Uint8Array {
  return fieldsMessage(backend.NoticeResponse, partFields(parts));
}

/** An ErrorResponse or NoticeResponse with these fields, in this order: what was read, after the masks. */
export function fieldsMessage(
  type: typeof backend.ErrorResponse | typeof backend.NoticeResponse,
  fields: Iterable<readonly [code: string, text: string]>,
): Uint8Array {
  const writer = typed(type);
  for (const [code, text] of fields) {
    writer.uint8(code.charCodeAt(0));
    // A NUL would end the field early: what a client reads as the rest must not be ours to choose.
    writer.text(text.replaceAll('\0', '\uFFFD'));
  }
  writer.uint8(0);
  return writer.message();
}

function partFields(parts: ErrorParts | NoticeParts): readonly (readonly [string, string])[] {
  const all: readonly (readonly [string, string | undefined])[] = [
    ['S', parts.severity],
    ['V', parts.severity],
    ['C', parts.sqlstate],
    ['M', parts.message],
    ['D', parts.detail],
    ['H', parts.hint],
    ['P', parts.position === undefined ? undefined : String(parts.position)],
    ['W', parts.where],
    ['s', parts.schema],
    ['t', parts.table],
    ['c', parts.column],
    ['d', parts.dataType],
    ['n', parts.constraint],
  ];
  return all.flatMap(([code, text]) => (text === undefined ? [] : [[code, text] as const]));
}

export const authenticationOk: Uint8Array = authentication(0);
export const authenticationCleartextPassword: Uint8Array = authentication(3);

export function authenticationMd5Password(salt: Uint8Array): Uint8Array {
  return authentication(5, salt);
}

export function authenticationSasl(mechanisms: readonly string[]): Uint8Array {
  const writer = typed(backend.Authentication).int32(10);
  for (const mechanism of mechanisms) writer.text(mechanism);
  return writer.uint8(0).message();
}

export function authenticationSaslContinue(data: Uint8Array): Uint8Array {
  return authentication(11, data);
}

export function authenticationSaslFinal(data: Uint8Array): Uint8Array {
  return authentication(12, data);
}

function authentication(code: number, data: Uint8Array = Buffer.alloc(0)): Uint8Array {
  return typed(backend.Authentication).int32(code).bytes(data).message();
}

/** `key`: 4 bytes, up to 256 towards a client of protocol 3.2. */
export function backendKeyData(process: number, key: Uint8Array): Uint8Array {
  return typed(backend.BackendKeyData).int32(process).bytes(key).message();
}

export function parameterStatus(name: string, value: string): Uint8Array {
  return typed(backend.ParameterStatus).text(name).text(value).message();
}

/** `version`: the newest spoken, major << 16 | minor. */
export function negotiateProtocolVersion(version: number, unknown: readonly string[]): Uint8Array {
  const writer = typed(backend.NegotiateProtocolVersion).int32(version).int32(unknown.length);
  for (const name of unknown) writer.text(name);
  return writer.message();
}

/** `I` idle, `T` in a transaction block, `E` in a failed one. */
export function readyForQuery(status: TransactionStatus): Uint8Array {
  return typed(backend.ReadyForQuery).uint8(status.charCodeAt(0)).message();
}

export function rowDescription(fields: readonly Field[]): Uint8Array {
  const writer = typed(backend.RowDescription).uint16(fields.length);
  for (const field of fields) {
    writer.text(field.name).uint32(field.tableOid).int16(field.column).uint32(field.typeOid);
    writer.int16(field.typeSize).int32(field.typeModifier).uint16(field.format);
  }
  return writer.message();
}

/** A column of the gateway's own answers: type text (oid 25). */
export function textField(name: string): Field {
  return { name, tableOid: 0, column: 0, typeOid: 25, typeSize: -1, typeModifier: -1, format: 0 };
}

export function dataRow(values: readonly (Uint8Array | string | null)[]): Uint8Array {
  const writer = typed(backend.DataRow).uint16(values.length);
  for (const value of values) writer.value(value);
  return writer.message();
}

export function commandComplete(tag: string): Uint8Array {
  return typed(backend.CommandComplete).text(tag).message();
}

export function parameterDescription(types: readonly number[]): Uint8Array {
  const writer = typed(backend.ParameterDescription).uint16(types.length);
  for (const type of types) writer.uint32(type);
  return writer.message();
}

export function notificationResponse(process: number, channel: string, payload: string): Uint8Array {
  return typed(backend.NotificationResponse).int32(process).text(channel).text(payload).message();
}

export function copyResponse(
  type: typeof backend.CopyInResponse | typeof backend.CopyOutResponse,
  format: Format,
  formats: readonly Format[],
): Uint8Array {
  return typed(type).uint8(format).formats(formats).message();
}

export const parseComplete: Uint8Array = typed(backend.ParseComplete).message();
export const bindComplete: Uint8Array = typed(backend.BindComplete).message();
export const closeComplete: Uint8Array = typed(backend.CloseComplete).message();
export const noData: Uint8Array = typed(backend.NoData).message();
export const portalSuspended: Uint8Array = typed(backend.PortalSuspended).message();
export const emptyQueryResponse: Uint8Array = typed(backend.EmptyQueryResponse).message();

// ---- both ways: 'd' and 'c' are the same in both directions

export const copyDone: Uint8Array = typed(backend.CopyDone).message();

export function copyData(data: Uint8Array): Uint8Array {
  return typed(backend.CopyData).bytes(data).message();
}

// ---- towards servers

/** The first packet. `version`: major << 16 | minor. */
export function startupMessage(version: number, parameters: Iterable<readonly [string, string]>): Uint8Array {
  const writer = new Writer(undefined).int32(version);
  for (const [name, value] of parameters) writer.text(name).text(value);
  return writer.uint8(0).message();
}

export const sslRequest: Uint8Array = new Writer(undefined).int32(startupCode.ssl).message();

export const gssEncryptionRequest: Uint8Array = new Writer(undefined)
  .int32(startupCode.gssEncryption)
  .message();

export function cancelRequest(process: number, key: Uint8Array): Uint8Array {
  return new Writer(undefined).int32(startupCode.cancel).int32(process).bytes(key).message();
}

export function passwordMessage(password: string): Uint8Array {
  return typed(frontend.PasswordMessage).text(password).message();
}

export function saslInitialResponse(mechanism: string, data: Uint8Array): Uint8Array {
  return typed(frontend.PasswordMessage).text(mechanism).value(data).message();
}

export function saslResponse(data: Uint8Array): Uint8Array {
  return typed(frontend.PasswordMessage).bytes(data).message();
}

export function query(text: string): Uint8Array {
  return typed(frontend.Query).text(text).message();
}

export function parse(name: string, text: string, parameterTypes: readonly number[] = []): Uint8Array {
  const writer = typed(frontend.Parse).text(name).text(text).uint16(parameterTypes.length);
  for (const type of parameterTypes) writer.uint32(type);
  return writer.message();
}

export interface BindParts {
  readonly portal: string;
  readonly statement: string;
  readonly formats?: readonly Format[];
  readonly values: readonly (Uint8Array | string | null)[];
  readonly resultFormats?: readonly Format[];
}

export function bind(parts: BindParts): Uint8Array {
  const writer = typed(frontend.Bind)
    .text(parts.portal)
    .text(parts.statement)
    .formats(parts.formats ?? []);
  writer.uint16(parts.values.length);
  for (const value of parts.values) writer.value(value);
  return writer.formats(parts.resultFormats ?? []).message();
}

export function describe(of: 'statement' | 'portal', name: string): Uint8Array {
  return typed(frontend.Describe).uint8(letter[of]).text(name).message();
}

export function close(of: 'statement' | 'portal', name: string): Uint8Array {
  return typed(frontend.Close).uint8(letter[of]).text(name).message();
}

const letter = { statement: 0x53, portal: 0x50 } as const; // 'S', 'P'

/** `maxRows` 0: all. */
export function execute(portal: string, maxRows: number): Uint8Array {
  return typed(frontend.Execute).text(portal).int32(maxRows).message();
}

export function copyFail(message: string): Uint8Array {
  return typed(frontend.CopyFail).text(message).message();
}

export const flush: Uint8Array = typed(frontend.Flush).message();
export const sync: Uint8Array = typed(frontend.Sync).message();
export const terminate: Uint8Array = typed(frontend.Terminate).message();
