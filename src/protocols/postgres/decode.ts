import { WireError } from '../../base/errors.ts';
import { bodyOf, rawOf, Reader } from './reader.ts';
import type { Frame } from './frames.ts';
import {
  type AuthenticationRequest,
  backend,
  type BackendMessage,
  type BareBackend,
  type Bind,
  cancelKeyBytesMax,
  type Close,
  type Describe,
  type ErrorFields,
  type Execute,
  type Field,
  type Format,
  frontend,
  type FrontendMessage,
  type Parse,
  type Query,
  startupCode,
  type StartupPacket,
} from './messages.ts';

// Every decoder reads its message to the last byte and throws a WireError where bytes are missing, left over, or not
// what the specification allows there. Views in what they give live as long as the frame's bytes.

/** Any message of a client. What only its type tells is decided by `frame.type` without this. */
export function decodeFrontend(frame: Frame): FrontendMessage {
  switch (frame.type) {
    case frontend.Query:
      return decodeQuery(frame);
    case frontend.Parse:
      return decodeParse(frame);
    case frontend.Bind:
      return decodeBind(frame);
    case frontend.Describe:
      return { kind: 'Describe', ...decodeNamed(frame) };
    case frontend.Execute:
      return decodeExecute(frame);
    case frontend.Close:
      return { kind: 'Close', ...decodeNamed(frame) };
    case frontend.Flush:
      return bare('Flush', frame);
    case frontend.Sync:
      return bare('Sync', frame);
    case frontend.Terminate:
      return bare('Terminate', frame);
    case frontend.CopyDone:
      return bare('CopyDone', frame);
    case frontend.CopyData:
      return { kind: 'CopyData', raw: rawOf(frame), data: bodyOf(frame) };
    case frontend.CopyFail: {
      const reader = new Reader(frame);
      const message = reader.text();
      reader.done();
      return { kind: 'CopyFail', raw: rawOf(frame), message };
    }
    case frontend.FunctionCall:
      return { kind: 'FunctionCall', raw: rawOf(frame) };
    case frontend.PasswordMessage:
      return { kind: 'PasswordMessage', raw: rawOf(frame), data: bodyOf(frame) };
    default:
      throw unknownType(frame);
  }
}

export function decodeQuery(frame: Frame): Query {
  const reader = new Reader(frame);
  const text = reader.text();
  reader.done();
  return { kind: 'Query', raw: rawOf(frame), text };
}

export function decodeParse(frame: Frame): Parse {
  const reader = new Reader(frame);
  const name = reader.text();
  const text = reader.text();
  const parameterTypes = reader.list(reader.uint16(), 4, () => reader.uint32());
  reader.done();
  return { kind: 'Parse', raw: rawOf(frame), name, text, parameterTypes };
}

export function decodeBind(frame: Frame): Bind {
  const reader = new Reader(frame);
  const portal = reader.text();
  const statement = reader.text();
  const codes = reader.formats();
  const values = reader.values();
  const resultFormats = reader.formats();
  reader.done();
  return {
    kind: 'Bind',
    raw: rawOf(frame),
    portal,
    statement,
    formats: spread(codes, values.length),
    values,
    resultFormats,
  };
}

export function decodeDescribe(frame: Frame): Describe {
  return { kind: 'Describe', ...decodeNamed(frame) };
}

export function decodeClose(frame: Frame): Close {
  return { kind: 'Close', ...decodeNamed(frame) };
}

export function decodeExecute(frame: Frame): Execute {
  const reader = new Reader(frame);
  const portal = reader.text();
  const maxRows = reader.int32();
  reader.done();
  // A server takes a negative limit as "all" (source, tcop/postgres.c: exec_execute_message).
  return { kind: 'Execute', raw: rawOf(frame), portal, maxRows: Math.max(0, maxRows) };
}

/** The password of a PasswordMessage: one String. */
export function decodePassword(frame: Frame): string {
  const reader = new Reader(frame);
  const password = reader.text();
  reader.done();
  return password;
}

/** SASLInitialResponse: a mechanism and its first message. */
export function decodeSaslInitialResponse(frame: Frame): {
  readonly mechanism: string;
  readonly data: Uint8Array;
} {
  const reader = new Reader(frame);
  const mechanism = reader.text();
  const length = reader.int32();
  const data = length === -1 ? new Uint8Array(0) : reader.take(length);
  reader.done();
  return { mechanism, data };
}

/** Any message of a server. */
export function decodeBackend(frame: Frame): BackendMessage {
  switch (frame.type) {
    case backend.Authentication:
      return { kind: 'Authentication', raw: rawOf(frame), request: decodeAuthentication(frame) };
    case backend.BackendKeyData:
      return decodeKeyData(frame);
    case backend.ParameterStatus:
      return { kind: 'ParameterStatus', raw: rawOf(frame), ...decodeParameterStatus(frame) };
    case backend.ReadyForQuery:
      return { kind: 'ReadyForQuery', raw: rawOf(frame), status: decodeReadyForQuery(frame) };
    case backend.RowDescription:
      return { kind: 'RowDescription', raw: rawOf(frame), fields: decodeRowDescription(frame) };
    case backend.DataRow:
      return { kind: 'DataRow', raw: rawOf(frame), values: decodeDataRow(frame) };
    case backend.CommandComplete:
      return { kind: 'CommandComplete', raw: rawOf(frame), tag: decodeCommandComplete(frame) };
    case backend.ErrorResponse:
      return { kind: 'ErrorResponse', raw: rawOf(frame), fields: decodeErrorFields(frame) };
    case backend.NoticeResponse:
      return { kind: 'NoticeResponse', raw: rawOf(frame), fields: decodeErrorFields(frame) };
    case backend.NotificationResponse:
      return decodeNotification(frame);
    case backend.ParameterDescription:
      return { kind: 'ParameterDescription', raw: rawOf(frame), types: decodeParameterDescription(frame) };
    case backend.CopyInResponse:
      return { kind: 'CopyInResponse', raw: rawOf(frame), ...decodeCopyResponse(frame) };
    case backend.CopyOutResponse:
      return { kind: 'CopyOutResponse', raw: rawOf(frame), ...decodeCopyResponse(frame) };
    case backend.CopyBothResponse:
      return { kind: 'CopyBothResponse', raw: rawOf(frame), ...decodeCopyResponse(frame) };
    case backend.CopyData:
      return { kind: 'CopyData', raw: rawOf(frame), data: bodyOf(frame) };
    case backend.NegotiateProtocolVersion:
      return decodeNegotiation(frame);
    case backend.FunctionCallResponse:
      return { kind: 'FunctionCallResponse', raw: rawOf(frame) };
    default:
      return decodeBareBackend(frame);
  }
}

const bareBackend: ReadonlyMap<number, BareBackend> = new Map<number, BareBackend>([
  [backend.ParseComplete, 'ParseComplete'],
  [backend.BindComplete, 'BindComplete'],
  [backend.CloseComplete, 'CloseComplete'],
  [backend.NoData, 'NoData'],
  [backend.PortalSuspended, 'PortalSuspended'],
  [backend.EmptyQueryResponse, 'EmptyQueryResponse'],
  [backend.CopyDone, 'CopyDone'],
]);

function decodeBareBackend(frame: Frame): BackendMessage {
  const kind = bareBackend.get(frame.type);
  if (kind === undefined) throw unknownType(frame);
  return bare(kind, frame);
}

export function decodeAuthentication(frame: Frame): AuthenticationRequest {
  const reader = new Reader(frame);
  const code = reader.int32();
  switch (code) {
    case 0:
      reader.done();
      return { kind: 'Ok' };
    case 3:
      reader.done();
      return { kind: 'CleartextPassword' };
    case 5: {
      const salt = reader.take(4);
      reader.done();
      return { kind: 'MD5Password', salt };
    }
    case 10: {
      const mechanisms: string[] = [];
      for (let name = reader.text(); name !== ''; name = reader.text()) mechanisms.push(name);
      reader.done();
      return { kind: 'SASL', mechanisms };
    }
    case 11:
      return { kind: 'SASLContinue', data: reader.remaining() };
    case 12:
      return { kind: 'SASLFinal', data: reader.remaining() };
    default:
      return { kind: 'unsupported', code };
  }
}

function decodeKeyData(frame: Frame): BackendMessage {
  const reader = new Reader(frame);
  const process = reader.int32();
  const key = reader.remaining();
  if (key.length < 4 || key.length > cancelKeyBytesMax) throw reader.bad('a key of a wrong length');
  return { kind: 'BackendKeyData', raw: rawOf(frame), process, key };
}

export function decodeParameterStatus(frame: Frame): { readonly name: string; readonly value: string } {
  const reader = new Reader(frame);
  const name = reader.text();
  const value = reader.text();
  reader.done();
  return { name, value };
}

export function decodeReadyForQuery(frame: Frame): 'I' | 'T' | 'E' {
  const reader = new Reader(frame);
  const status = reader.uint8();
  reader.done();
  if (status === 0x49) return 'I';
  if (status === 0x54) return 'T';
  if (status === 0x45) return 'E';
  throw reader.bad('an unknown transaction status');
}

export function decodeRowDescription(frame: Frame): readonly Field[] {
  const reader = new Reader(frame);
  const fields = reader.list(reader.uint16(), 19, () => ({
    name: reader.text(),
    tableOid: reader.uint32(),
    column: reader.int16(),
    typeOid: reader.uint32(),
    typeSize: reader.int16(),
    typeModifier: reader.int32(),
    format: reader.format(),
  }));
  reader.done();
  return fields;
}

/** The cells of a row, NULL as null. */
export function decodeDataRow(frame: Frame): readonly (Uint8Array | null)[] {
  const reader = new Reader(frame);
  const values = reader.values();
  reader.done();
  return values;
}

/** The command tag, such as `INSERT 0 5`. */
export function decodeCommandComplete(frame: Frame): string {
  const reader = new Reader(frame);
  const tag = reader.text();
  reader.done();
  return tag;
}

/**
 * The fields of an ErrorResponse or NoticeResponse (54.8). `lossy`: before the sign-in is over a server may speak its
 * own encoding; what is not UTF-8 is replaced then instead of refused.
 */
export function decodeErrorFields(frame: Frame, how: { readonly lossy?: boolean } = {}): ErrorFields {
  const reader = new Reader(frame);
  const fields = new Map<string, string>();
  for (let code = reader.uint8(); code !== 0; code = reader.uint8()) {
    const name = String.fromCharCode(code);
    if (fields.has(name)) throw reader.bad('a field twice');
    fields.set(name, how.lossy === true ? reader.lossyText() : reader.text());
  }
  reader.done();
  return fields;
}

function decodeNotification(frame: Frame): BackendMessage {
  const reader = new Reader(frame);
  const process = reader.int32();
  const channel = reader.text();
  const payload = reader.text();
  reader.done();
  return { kind: 'NotificationResponse', raw: rawOf(frame), process, channel, payload };
}

export function decodeParameterDescription(frame: Frame): readonly number[] {
  const reader = new Reader(frame);
  const types = reader.list(reader.uint16(), 4, () => reader.uint32());
  reader.done();
  return types;
}

export function decodeCopyResponse(frame: Frame): {
  readonly format: Format;
  readonly formats: readonly Format[];
} {
  const reader = new Reader(frame);
  const code = reader.uint8();
  if (code > 1) throw reader.bad('an unknown format');
  const formats = reader.formats();
  reader.done();
  return { format: code === 0 ? 0 : 1, formats };
}

function decodeNegotiation(frame: Frame): BackendMessage {
  const reader = new Reader(frame);
  const version = reader.int32();
  const unknown = reader.list(reader.uint32(), 1, () => reader.text());
  reader.done();
  return { kind: 'NegotiateProtocolVersion', raw: rawOf(frame), version, unknown };
}

/** The first packet of a connection, whole: 4 bytes length (itself included), 4 bytes version or code, the rest. */
export function decodeStartupPacket(packet: Uint8Array): StartupPacket {
  const reader = new Reader({ type: 0, bytes: packet, start: -1, end: packet.length });
  const code = reader.int32();
  switch (code) {
    case startupCode.ssl:
      reader.done();
      return { kind: 'ssl' };
    case startupCode.gssEncryption:
      reader.done();
      return { kind: 'gssEncryption' };
    case startupCode.cancel: {
      const process = reader.int32();
      const key = reader.remaining();
      if (key.length < 4 || key.length > cancelKeyBytesMax) throw reader.bad('a key of a wrong length');
      return { kind: 'cancel', process, key };
    }
    default: {
      const parameters = new Map<string, string>();
      for (let name = reader.text(); name !== ''; name = reader.text()) {
        // A server lets the last one win; two readers of one packet must not disagree about who it is.
        const value = reader.text();
        if ((parameters.get(name) ?? value) !== value) throw reader.bad('a parameter with two values');
        parameters.set(name, value);
      }
      reader.done();
      return { kind: 'startup', version: code, parameters };
    }
  }
}

function bare<const K extends string>(kind: K, frame: Frame): { readonly kind: K; readonly raw: Uint8Array } {
  new Reader(frame).done();
  return { kind, raw: rawOf(frame) };
}

function decodeNamed(frame: Frame): {
  readonly raw: Uint8Array;
  readonly of: 'statement' | 'portal';
  readonly name: string;
} {
  const reader = new Reader(frame);
  const what = reader.uint8();
  if (what !== 0x53 && what !== 0x50) throw reader.bad('neither a statement nor a portal');
  const name = reader.text();
  reader.done();
  return { raw: rawOf(frame), of: what === 0x53 ? 'statement' : 'portal', name };
}

/** No format code means all text, one stands for all (54.7, Bind). */
function spread(codes: readonly Format[], count: number): readonly Format[] {
  if (codes.length === count) return codes;
  if (codes.length > 1)
    throw new WireError('bad-message', 'Bind has another number of formats than of values');
  const code = codes[0] ?? 0;
  return Array.from({ length: count }, () => code);
}

function unknownType(frame: Frame): WireError {
  return new WireError('unknown-message', `Unknown message type 0x${frame.type.toString(16)}`);
}
