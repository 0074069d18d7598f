import { Fault, WireError } from '../../base/errors.ts';
import { backend, cancelKeyBytesMax, frontend } from './messages.ts';

/** One whole message: `bytes[start]` is its type, `bytes[end]` the first byte after it. */
export interface Frame {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** How long the length field of each type may be, least and most; a type without an entry is refused. */
export type Bounds = (type: number) => Bound | undefined;
type Bound = readonly [least: number, most: number];

const empty = new Uint8Array(0);
const spareBytes = 16_384;

/**
 * Walks the messages of one direction without copying them: `push` a chunk, then take messages with `next` until it
 * gives false. It is itself the frame of the message taken last. Of a chunk it holds only an unfinished message.
 *
 * INVARIANT: views of `bytes` are valid until the next `push`, and `bytes` stays the same from `push` to `push`, so
 * neighbouring messages can be forwarded as one view.
 * SECURITY: no more is held than has really arrived, whatever length a header declares.
 */
export class Frames implements Frame {
  type = 0;
  start = 0;
  end = 0;
  bytes: Uint8Array = empty;
  readonly #bounds: Bounds;
  #limit = 0; // bytes[#limit] is the first byte that has not arrived
  #own: Uint8Array = empty; // holds an unfinished message, later the chunks that end it
  #held = 0; // bytes of it at the front of #own; 0 while `bytes` is #own itself

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Takes the next chunk. `next` must have said that there is no more in the one before. */
  push(chunk: Uint8Array): void {
    if (this.bytes === this.#own) this.#moveTail();
    else if (this.#held === 0 && this.end < this.#limit) throw new Fault('bug', 'Messages were left untaken');
    if (this.#held === 0) {
      this.#own = empty;
      this.bytes = chunk;
      this.#limit = chunk.length;
    } else {
      this.#append(chunk);
    }
    this.start = 0;
    this.end = 0;
  }

  /**
   * Steps to the next whole message; false when there is none yet.
   * @throws {WireError} when the header declares what the protocol does not allow
   */
  next(): boolean {
    const { bytes, end: at } = this;
    const there = this.#limit - at;
    if (there >= 5) {
      const type = bytes[at] ?? 0;
      const length = readUint32(bytes, at + 1);
      this.#check(type, length);
      if (there > length) {
        this.type = type;
        this.start = at;
        this.end = at + 1 + length;
        return true;
      }
    } else if (there > 0) {
      this.#checkType(bytes[at] ?? 0);
    }
    this.#keepTail(at, there);
    return false;
  }

  /** Where the bytes that have arrived end. */
  get limit(): number {
    return this.#limit;
  }

  /** Whoever knows that whole messages stand from here to there takes them at once. */
  skip(to: number): void {
    if (to < this.end || to > this.#limit) throw new Fault('bug', 'Messages were skipped that are not there');
    this.start = to;
    this.end = to;
  }

  /** Bytes of an unfinished message that are waiting for their rest. */
  get unfinished(): number {
    return this.#limit - this.end;
  }

  /** The bytes that have arrived and were not taken: what another reader has to start with. A copy. */
  rest(): Uint8Array {
    const rest =
      this.#held > 0 ? this.#own.subarray(0, this.#held) : this.bytes.subarray(this.end, this.#limit);
    return new Uint8Array(rest);
  }

  /** Copies what the carrier lent, so that it lives while the connection is read on; views of `bytes` from before are old. */
  keep(): void {
    if (this.bytes !== this.#own) this.bytes = new Uint8Array(this.bytes);
  }

  /** Gives memory back while nothing is under way; views of `bytes` are gone after it. */
  settle(): void {
    if (this.#limit > this.end) return;
    this.bytes = empty;
    this.#own = empty;
    this.#held = 0;
    this.#limit = 0;
    this.start = 0;
    this.end = 0;
  }

  #check(type: number, length: number): void {
    const bound = this.#checkType(type);
    if (length < bound[0]) throw new WireError('bad-length', `Message ${named(type)} is too short`);
    if (length > bound[1]) {
      throw bound[1] < shortest
        ? new WireError('bad-length', `Message ${named(type)} is too long for its type`)
        : new WireError('too-large', `Message ${named(type)} is longer than ${bound[1]} bytes`);
    }
  }

  #checkType(type: number): Bound {
    const bound = this.#bounds(type);
    if (bound === undefined) throw new WireError('unknown-message', `Unknown message type ${named(type)}`);
    return bound;
  }

  /** The chunk's memory is its carrier's again at the next read: an unfinished message is copied out of it. */
  #keepTail(at: number, there: number): void {
    if (there === 0 || this.bytes === this.#own || this.#held > 0) return;
    this.#own = new Uint8Array(there + spareBytes);
    this.#own.set(this.bytes.subarray(at, this.#limit));
    this.#held = there;
  }

  #moveTail(): void {
    const there = this.#limit - this.end;
    if (there > 0 && this.end > 0) this.#own.copyWithin(0, this.end, this.#limit);
    this.#held = there;
    if (there === 0) this.#own = empty;
  }

  #append(chunk: Uint8Array): void {
    const total = this.#held + chunk.length;
    if (total > this.#own.length) {
      const grown = new Uint8Array(Math.max(total, Math.min(2 * this.#own.length, total + growthMax)));
      grown.set(this.#own.subarray(0, this.#held));
      this.#own = grown;
    }
    this.#own.set(chunk, this.#held);
    this.bytes = this.#own;
    this.#limit = total;
    this.#held = 0;
  }
}

const growthMax = 4_194_304;
const shortest = 65_536; // bounds below this are the type's own, above it the configured limit

/** The bounds of what clients send; nothing is longer than `messageBytes`. */
export function frontendBounds(messageBytes: number): Bounds {
  return table(messageBytes, [
    [frontend.Bind, 12],
    [frontend.Close, 6],
    [frontend.CopyData, 4],
    [frontend.CopyDone, 4, 4],
    [frontend.CopyFail, 5, 65_535],
    [frontend.Describe, 6],
    [frontend.Execute, 9],
    [frontend.Flush, 4, 4],
    [frontend.FunctionCall, 4],
    [frontend.Parse, 8],
    [frontend.PasswordMessage, 4, 65_535],
    [frontend.Query, 5],
    [frontend.Sync, 4, 4],
    [frontend.Terminate, 4, 4],
  ]);
}

/** The bounds of what servers send; nothing is longer than `messageBytes`. */
export function backendBounds(messageBytes: number): Bounds {
  return table(messageBytes, [
    [backend.Authentication, 8, 65_535],
    [backend.BackendKeyData, 12, 8 + cancelKeyBytesMax],
    [backend.BindComplete, 4, 4],
    [backend.CloseComplete, 4, 4],
    [backend.CommandComplete, 5, 4_096],
    [backend.CopyBothResponse, 7],
    [backend.CopyData, 4],
    [backend.CopyDone, 4, 4],
    [backend.CopyInResponse, 7],
    [backend.CopyOutResponse, 7],
    [backend.DataRow, 6],
    [backend.EmptyQueryResponse, 4, 4],
    [backend.ErrorResponse, 5],
    [backend.FunctionCallResponse, 8],
    [backend.NegotiateProtocolVersion, 12, 65_535],
    [backend.NoData, 4, 4],
    [backend.NoticeResponse, 5],
    [backend.NotificationResponse, 10],
    [backend.ParameterDescription, 6],
    [backend.ParameterStatus, 6],
    [backend.ParseComplete, 4, 4],
    [backend.PortalSuspended, 4, 4],
    [backend.ReadyForQuery, 5, 5],
    [backend.RowDescription, 6],
  ]);
}

function table(messageBytes: number, rows: readonly (readonly [number, number, number?])[]): Bounds {
  const bounds: (Bound | undefined)[] = Array.from({ length: 256 });
  for (const [type, least, most] of rows)
    bounds[type] = [least, Math.min(most ?? messageBytes, messageBytes)];
  return (type) => bounds[type];
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) * 0x100_0000 +
    (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
  );
}

function named(type: number): string {
  return type > 0x20 && type < 0x7f
    ? `'${String.fromCharCode(type)}'`
    : `0x${type.toString(16).padStart(2, '0')}`;
}
