/**
 * Messages of the PostgreSQL frontend/backend protocol, versions 3.0 and 3.2, by the names of its specification
 * (PostgreSQL 18 docs, 54.7). Every message but the first of a connection is: 1 byte type, 4 bytes length (itself
 * included, the type not), body. All integers are in network byte order; a String ends with a NUL byte.
 */

/** What a client sends: the first byte of each message. */
export const frontend = {
  Bind: 0x42, // 'B' portal, statement, formats, values, result formats
  Close: 0x43, // 'C' 'S' or 'P', name
  CopyData: 0x64, // 'd' bytes
  CopyDone: 0x63, // 'c' nothing
  CopyFail: 0x66, // 'f' String
  Describe: 0x44, // 'D' 'S' or 'P', name
  Execute: 0x45, // 'E' portal, 4 bytes row limit
  Flush: 0x48, // 'H' nothing
  FunctionCall: 0x46, // 'F' refused unread: it runs a function without any SQL
  Parse: 0x50, // 'P' name, query, parameter types
  PasswordMessage: 0x70, // 'p' also SASLInitialResponse, SASLResponse, GSSResponse: the context tells
  Query: 0x51, // 'Q' String
  Sync: 0x53, // 'S' nothing
  Terminate: 0x58, // 'X' nothing
} as const;

/** What a server sends: the first byte of each message. */
export const backend = {
  Authentication: 0x52, // 'R' 4 bytes kind, then what that kind needs
  BackendKeyData: 0x4b, // 'K' 4 bytes process, key: 4 bytes, up to 256 since 3.2
  BindComplete: 0x32, // '2'
  CloseComplete: 0x33, // '3'
  CommandComplete: 0x43, // 'C' String
  CopyBothResponse: 0x57, // 'W' replication only
  CopyData: 0x64, // 'd'
  CopyDone: 0x63, // 'c'
  CopyInResponse: 0x47, // 'G' 1 byte format, 2 bytes count, formats
  CopyOutResponse: 0x48, // 'H'
  DataRow: 0x44, // 'D' 2 bytes count, for each 4 bytes length (-1: NULL) and value
  EmptyQueryResponse: 0x49, // 'I'
  ErrorResponse: 0x45, // 'E' fields: 1 byte code and String; a zero byte ends them
  FunctionCallResponse: 0x56, // 'V'
  NegotiateProtocolVersion: 0x76, // 'v' 4 bytes version, 4 bytes count, Strings
  NoData: 0x6e, // 'n'
  NoticeResponse: 0x4e, // 'N' as ErrorResponse
  NotificationResponse: 0x41, // 'A' 4 bytes process, channel, payload
  ParameterDescription: 0x74, // 't' 2 bytes count, types
  ParameterStatus: 0x53, // 'S' name, value
  ParseComplete: 0x31, // '1'
  PortalSuspended: 0x73, // 's'
  ReadyForQuery: 0x5a, // 'Z' 1 byte: I, T or E
  RowDescription: 0x54, // 'T' 2 bytes count, fields
} as const;

/** The second four bytes of a connection's first packet: a version, or one of three requests (54.7). */
export const startupCode = {
  protocol30: 0x0003_0000,
  protocol32: 0x0003_0002,
  cancel: 80_877_102,
  ssl: 80_877_103,
  gssEncryption: 80_877_104,
} as const;

/** The longest first packet a PostgreSQL server takes (source, libpq/pqcomm.h: MAX_STARTUP_PACKET_LENGTH). */
export const startupBytesMax = 10_000;

/** The longest cancel key of protocol 3.2 (54.7, BackendKeyData). */
export const cancelKeyBytesMax = 256;

/** 0 text, 1 binary. */
export type Format = 0 | 1;

/** The first packet of a connection. It has no type byte. */
export type StartupPacket =
  | {
      readonly kind: 'startup';
      readonly version: number; // major << 16 | minor
      readonly parameters: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'cancel'; readonly process: number; readonly key: Uint8Array }
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gssEncryption' };

/** `raw` is the whole message, type and length included: a view that lives as long as the bytes it was read from. */
interface Raw {
  readonly raw: Uint8Array;
}

export type FrontendMessage =
  | Query
  | Parse
  | Bind
  | Describe
  | Execute
  | Close
  | (Raw & { readonly kind: 'Flush' | 'Sync' | 'Terminate' | 'CopyDone' })
  | (Raw & { readonly kind: 'CopyData'; readonly data: Uint8Array })
  | (Raw & { readonly kind: 'CopyFail'; readonly message: string })
  | (Raw & { readonly kind: 'FunctionCall' })
  | (Raw & { readonly kind: 'PasswordMessage'; readonly data: Uint8Array });

export interface Query extends Raw {
  readonly kind: 'Query';
  readonly text: string;
}

export interface Parse extends Raw {
  readonly kind: 'Parse';
  readonly name: string; // '' is the unnamed statement
  readonly text: string;
  readonly parameterTypes: readonly number[]; // 0: the server is to infer it
}

export interface Bind extends Raw {
  readonly kind: 'Bind';
  readonly portal: string;
  readonly statement: string;
  /** One for each value, however few codes the message gave. */
  readonly formats: readonly Format[];
  readonly values: readonly (Uint8Array | null)[];
  /** As given: none means all text, one stands for all columns. */
  readonly resultFormats: readonly Format[];
}

export interface Describe extends Raw {
  readonly kind: 'Describe';
  readonly of: 'statement' | 'portal';
  readonly name: string;
}

export interface Execute extends Raw {
  readonly kind: 'Execute';
  readonly portal: string;
  readonly maxRows: number; // 0: all
}

export interface Close extends Raw {
  readonly kind: 'Close';
  readonly of: 'statement' | 'portal';
  readonly name: string;
}

export type BackendMessage =
  | (Raw & { readonly kind: 'Authentication'; readonly request: AuthenticationRequest })
  | (Raw & { readonly kind: 'BackendKeyData'; readonly process: number; readonly key: Uint8Array })
  | (Raw & { readonly kind: 'ParameterStatus'; readonly name: string; readonly value: string })
  | (Raw & { readonly kind: 'ReadyForQuery'; readonly status: TransactionStatus })
  | (Raw & { readonly kind: 'RowDescription'; readonly fields: readonly Field[] })
  | (Raw & { readonly kind: 'DataRow'; readonly values: readonly (Uint8Array | null)[] })
  | (Raw & { readonly kind: 'CommandComplete'; readonly tag: string })
  | (Raw & { readonly kind: 'ErrorResponse' | 'NoticeResponse'; readonly fields: ErrorFields })
  | (Raw & {
      readonly kind: 'NotificationResponse';
      readonly process: number;
      readonly channel: string;
      readonly payload: string;
    })
  | (Raw & { readonly kind: 'ParameterDescription'; readonly types: readonly number[] })
  | (Raw & {
      readonly kind: 'CopyInResponse' | 'CopyOutResponse' | 'CopyBothResponse';
      readonly format: Format;
      readonly formats: readonly Format[];
    })
  | (Raw & { readonly kind: 'CopyData'; readonly data: Uint8Array })
  | (Raw & {
      readonly kind: 'NegotiateProtocolVersion';
      readonly version: number; // the newest the server speaks, major << 16 | minor
      readonly unknown: readonly string[];
    })
  | (Raw & { readonly kind: 'FunctionCallResponse' })
  | (Raw & { readonly kind: BareBackend });

/** Messages of a server that are nothing but their type. */
export type BareBackend =
  | 'ParseComplete'
  | 'BindComplete'
  | 'CloseComplete'
  | 'NoData'
  | 'PortalSuspended'
  | 'EmptyQueryResponse'
  | 'CopyDone';

/** What a server wants as proof (54.7, Authentication…). */
export type AuthenticationRequest =
  | { readonly kind: 'Ok' | 'CleartextPassword' }
  | { readonly kind: 'MD5Password'; readonly salt: Uint8Array } // 4 bytes
  | { readonly kind: 'SASL'; readonly mechanisms: readonly string[] }
  | { readonly kind: 'SASLContinue' | 'SASLFinal'; readonly data: Uint8Array }
  | { readonly kind: 'unsupported'; readonly code: number }; // Kerberos, GSS, SSPI and what may come

export type TransactionStatus = 'I' | 'T' | 'E'; // idle, in a block, in a failed block

/** A column of an answer (54.7, RowDescription). */
export interface Field {
  readonly name: string;
  readonly tableOid: number; // 0: not a column of a table
  readonly column: number; // pg_attribute.attnum; 0: not a column, negative: a system column
  readonly typeOid: number;
  readonly typeSize: number; // negative: variable
  readonly typeModifier: number;
  readonly format: Format; // in answer to Describe of a statement always 0: not known yet
}

/** By the one-letter codes of 54.8: S severity, V severity untranslated, C SQLSTATE, M message, D detail, H hint, P position, … */
export type ErrorFields = ReadonlyMap<string, string>;
