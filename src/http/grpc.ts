import { err, ok, type Result } from '../base/result.ts';

// gRPC over HTTP/2 (the protocol's own PROTOCOL-HTTP2.md): what stands around the messages.

/** The codes of gRPC, as far as the gateway says them. */
export const grpcStatus = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** How messages are written: `other` is what nobody here can read. */
export type GrpcCodec = 'proto' | 'json' | 'other';

/** The codec of a Content-Type of gRPC; undefined of any other type (`application/grpc-web` is another). */
export function grpcCodec(contentType: string | undefined): GrpcCodec | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const match = /^application\/grpc(?:\+([a-z0-9.+_-]+))?$/.exec(type);
  if (match === null) return undefined;
  const [, codec = 'proto'] = match;
  return codec === 'proto' || codec === 'json' ? codec : 'other';
}

/** `/shop.v1.Orders/Get`; undefined where it is not so. */
export function grpcMethod(path: string): { readonly service: string; readonly rpc: string } | undefined {
  const match = /^\/([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\/([A-Za-z_]\w*)$/.exec(path);
  const [, service = '', rpc = ''] = match ?? [];
  return match === null || path.length > 500 ? undefined : { service, rpc };
}

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** Milliseconds of `grpc-timeout`; undefined where it is none. */
export function grpcTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  const unit = unitMs[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** What is left, as `grpc-timeout`: milliseconds as far as they fit. */
export function grpcTimeoutText(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  return whole <= 99_999_999 ? `${whole}m` : `${Math.min(99_999_999, Math.ceil(whole / 1_000))}S`;
}

/** `grpc-message`: percent-encoded UTF-8 of all but printable ASCII. */
export function encodeMessage(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text, 'utf8'))
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return out;
}

/** The text of a `grpc-message`; what is no encoding stands for itself, as the protocol wants. */
export function decodeMessage(text: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const hex = /^%[0-9A-Fa-f]{2}/.test(text.slice(at, at + 3)) ? text.slice(at + 1, at + 3) : undefined;
    bytes.push(hex === undefined ? text.charCodeAt(at) & 0xff : Number.parseInt(hex, 16));
    if (hex !== undefined) at += 2;
  }
  return Buffer.from(bytes).toString('utf8');
}

/** One message of a stream: 1 byte flag (1: compressed), 4 bytes length, the message. */
export interface GrpcMessage {
  readonly compressed: boolean;
  readonly bytes: Uint8Array;
  /** With its prefix, as it came. */
  readonly raw: Uint8Array;
}

export const prefixBytes = 5;

/** Puts messages together out of the pieces of a stream. The first error is the last: nothing behind it is a message. */
export class MessageReader {
  readonly #most: number;
  #held: Uint8Array[] = [];
  #bytes = 0;
  #failed = false;

  /** No message is longer than `most` bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  push(piece: Uint8Array): Result<readonly GrpcMessage[], 'flag' | 'length'> {
    if (this.#failed) return err('flag');
    this.#held.push(piece);
    this.#bytes += piece.length;
    const messages: GrpcMessage[] = [];
    while (this.#bytes >= prefixBytes) {
      const head = this.#peek(prefixBytes);
      const [flag = 0] = head;
      const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
      const wrong = flag > 1 ? 'flag' : length > this.#most ? 'length' : undefined;
      if (wrong !== undefined) {
        this.#failed = true;
        this.#held = [];
        return err(wrong);
      }
      if (this.#bytes < prefixBytes + length) break;
      const raw = this.#take(prefixBytes + length);
      messages.push({ compressed: flag === 1, bytes: raw.subarray(prefixBytes), raw });
    }
    return ok(messages);
  }

  /** Bytes of a message that is not whole yet. */
  get held(): number {
    return this.#bytes;
  }

  /** Whether the stream may end here: at the end of a message. */
  get whole(): boolean {
    return this.#bytes === 0 && !this.#failed;
  }

  #peek(count: number): Uint8Array {
    const [first] = this.#held;
    if (first !== undefined && first.length >= count) return first.subarray(0, count);
    return this.#joined().subarray(0, count);
  }

  #take(count: number): Uint8Array {
    const all = this.#joined();
    this.#held = count < all.length ? [all.subarray(count)] : [];
    this.#bytes -= count;
    return all.subarray(0, count);
  }

  #joined(): Uint8Array {
    const [first] = this.#held;
    const all = this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
    this.#held = [all];
    return all;
  }
}

/** A message with its prefix, not compressed. */
export function framed(bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(prefixBytes + bytes.length);
  out[0] = 0;
  out.writeUInt32BE(bytes.length, 1);
  out.set(bytes, prefixBytes);
  return out;
}

/** What an answer of plain HTTP means to a client of gRPC (http-grpc-status-mapping.md). */
export function statusOfHttp(status: number): number {
  const known: Readonly<Record<number, number>> = {
    400: grpcStatus.internal,
    401: grpcStatus.unauthenticated,
    403: grpcStatus.permissionDenied,
    404: grpcStatus.unimplemented,
    429: grpcStatus.unavailable,
    502: grpcStatus.unavailable,
    503: grpcStatus.unavailable,
    504: grpcStatus.unavailable,
  };
  return known[status] ?? grpcStatus.unknown;
}
