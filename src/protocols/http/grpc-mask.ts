import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { Fault } from '../../base/errors.ts';
import { costs } from '../../carriers/http/costs.ts';
import { wholeOf, without } from '../../carriers/http/decoded.ts';
import { documentMask, type DocumentMask, heads } from '../../carriers/http/masks.ts';
import { mayBeDocument } from '../../carriers/http/texts.ts';
import type { MaskOperator, Permit } from '../../core/decision.ts';
import { Full, type Holding, type Level } from '../../core/held.ts';
import { stronger } from '../../core/duties.ts';
import { base64Bytes } from '../../http/base64.ts';
import { framed, type GrpcCodec, type GrpcMessage } from '../../http/grpc.ts';
import {
  NotMessage,
  type ProtoLeaf,
  type RewriteParts,
  rewriteProto,
  type Shape,
  type ShownLeaf,
} from '../../http/protobuf.ts';
import { type MaskKey, showText } from '../../mask/index.ts';
import type { Protos } from './protos.ts';

export interface MessageMaskParts {
  readonly permit: Permit;
  /** As tags name it: `/shop.v1.Orders/Get`. */
  readonly object: string;
  readonly key: MaskKey;
  readonly codec: GrpcCodec;
  /** Of the answers; undefined where no schema says. */
  readonly shape: Shape | undefined;
  readonly protos: Protos | undefined;
  /** No message is longer, once its compression is undone. */
  readonly most: number;
  /** Of the call. */
  readonly held: Holding;
  /** Fields of bytes pass although nothing can look into them. */
  readonly bytesPass: boolean;
}

/** Shows the messages of one call as its permit demands. */
export class MessageMask {
  /** Of whatever is a text: metadata, messages of errors. */
  readonly texts: DocumentMask;
  readonly #parts: MessageMaskParts;
  readonly #operators: Map<string, MaskOperator | undefined> = new Map();
  readonly #rewrite: RewriteParts;
  #masked = 0;
  withheld = 0;

  constructor(parts: MessageMaskParts) {
    this.#parts = parts;
    this.texts = documentMask(parts.permit, parts.object, parts.key);
    this.#rewrite = {
      leaf: (leaf) => this.#leaf(leaf),
      unknown: (path) => this.#unknown(path),
      anyOf: (url) => parts.protos?.type(url.slice(url.lastIndexOf('/') + 1)),
    };
  }

  get masked(): number {
    return this.#masked + this.texts.masked;
  }

  /** Whether its messages can be shown at all. */
  get able(): boolean {
    const { codec, shape } = this.#parts;
    return !this.texts.needed || codec === 'json' || (codec === 'proto' && shape !== undefined);
  }

  /** The message with its prefix, as it may go to the client. Rejects with a Fault `mask` where it cannot be shown. */
  async show(message: GrpcMessage, encoding: string | undefined, signal: AbortSignal): Promise<Uint8Array> {
    if (!this.texts.needed) return message.raw;
    if (!this.texts.reads) return this.#show(message, encoding, signal);
    const [masked, withheld] = [this.#masked, this.withheld];
    return this.texts.read(() => {
      this.#masked = masked;
      this.withheld = withheld;
      return this.#show(message, encoding, signal);
    }, signal);
  }

  async #show(message: GrpcMessage, encoding: string | undefined, signal: AbortSignal): Promise<Uint8Array> {
    const { codec, shape, most, held } = this.#parts;
    using level = held.level(costs.request.each);
    const plain = await expanded(message, encoding, { most, level });
    if (codec === 'json') {
      if (!isUtf8(plain)) throw new Fault('mask', 'A message is not UTF-8, so it cannot be masked');
      const text = Buffer.from(plain).toString('utf8');
      const shown = await this.texts.document(text, signal);
      if (!shown.ok) throw new Fault('mask', 'A message is not JSON, so it cannot be masked');
      return shown.value === text ? message.raw : framed(Buffer.from(shown.value));
    }
    if (shape === undefined) throw new Fault('mask', 'No schema is given, so the messages cannot be masked');
    const shown = this.#shown(plain, shape);
    return shown === plain ? message.raw : framed(shown);
  }

  /** The details of an error, which stand in metadata; undefined where they cannot be shown. */
  details(value: string): string | undefined {
    try {
      const bytes = base64Bytes(value);
      if (bytes === undefined) throw new Fault('mask', 'The details of an error cannot be read');
      return Buffer.from(this.#shown(bytes, statusShape)).toString('base64').replace(/=+$/, '');
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      this.withheld++;
      return undefined;
    }
  }

  /** Metadata of bytes, of which several may stand in one field; undefined where they cannot be shown. */
  binary(name: string, value: string): string | undefined {
    const clean = value.split(',').every((each) => {
      const bytes = base64Bytes(each.trim());
      if (bytes === undefined || !isUtf8(bytes)) return false;
      const text = Buffer.from(bytes).toString();
      return this.texts.text(text, name.slice(0, -'-bin'.length)) === text;
    });
    if (clean) return value;
    this.withheld++;
    return undefined;
  }

  #shown(bytes: Uint8Array, shape: Shape): Uint8Array {
    try {
      return rewriteProto(bytes, shape, this.#rewrite);
    } catch (thrown) {
      if (!(thrown instanceof NotMessage)) throw thrown;
      throw new Fault('mask', 'A message is not of the type that the schema says, so it cannot be masked');
    }
  }

  #leaf({ kind, path, key, value, bytes }: ProtoLeaf): ShownLeaf {
    if (kind === 'key') {
      const shown = this.texts.text(value);
      return shown === value ? undefined : shown;
    }
    const operator = this.#operatorOf(path);
    if (operator !== undefined && (kind !== 'string' || value !== '')) {
      this.#masked++;
      return kind !== 'string' || operator.kind === 'null'
        ? null
        : showText(operator, value, this.#parts.key);
    }
    if (kind === 'string') return this.#text(value, { path, key });
    if (kind === 'number') return this.texts.text(value, key) === value ? undefined : null;
    return kind === 'bytes' ? this.#bytes(bytes, { path, key }) : undefined;
  }

  /** JSON in a text has its own paths, and those that go on from where it stands. */
  #text(value: string, { path, key }: Pick<ProtoLeaf, 'path' | 'key'>): ShownLeaf {
    const document = mayBeDocument(value) ? this.texts.json(value, key) : undefined;
    const placed = document?.ok === true ? this.texts.json(document.value, key, path) : undefined;
    const shown = placed?.ok === true ? placed.value : this.texts.text(value, key);
    return shown === value ? undefined : shown;
  }

  /** SECURITY: whatever is in there, nobody can change a part of it: it stays whole, or goes whole. */
  #bytes(bytes: Uint8Array, at: Pick<ProtoLeaf, 'path' | 'key'>): ShownLeaf {
    if (bytes.length === 0 || this.#parts.bytesPass) return undefined;
    if (!isUtf8(bytes)) {
      if (this.#parts.permit.duties.finds.length === 0) return undefined; // tags know paths, and there are none
      this.withheld++;
      return null;
    }
    const text = Buffer.from(bytes).toString('utf8');
    return this.#text(text, at) === undefined ? undefined : null;
  }

  /** What the schema does not have: the rule says whether it is left out or all of it refused. */
  #unknown(_path: string): boolean {
    if (this.#parts.permit.duties.unknownLineage === 'deny')
      throw new Fault('mask', 'A message has a field that the schema does not have');
    this.withheld++;
    return false;
  }

  /** A tag on a message is one on everything in it. */
  #operatorOf(path: string): MaskOperator | undefined {
    if (this.#operators.has(path)) return this.#operators.get(path);
    const { permit, object } = this.#parts;
    const operator = heads(path, 0)
      .map((column) => permit.operatorOf({ object, column }))
      .reduce(stronger, undefined);
    if (this.#operators.size < mostPaths) this.#operators.set(path, operator);
    return operator;
  }
}

const mostPaths = 10_000;

/** google.rpc.Status: code, message, details. */
const anyShape: Shape = { name: 'google.protobuf.Any', field: () => undefined };
const statusShape: Shape = {
  name: 'google.rpc.Status',
  field: (number) =>
    number === 1
      ? { name: 'code', kind: 'enum', repeated: false }
      : number === 2
        ? { name: 'message', kind: 'string', repeated: false }
        : number === 3
          ? { name: 'details', kind: 'message', repeated: true, message: () => anyShape }
          : undefined,
};

/** At once, what is short. */
const codings = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;
const shortBytes = 65_536;

/**
 * The message without its compression, counted in `level` as it grows. Rejects with a Fault `mask` where that cannot be undone, or it is
 * too long then, and with `Full`.
 */
export async function expanded(
  { compressed, bytes }: GrpcMessage,
  encoding: string | undefined,
  { most, level }: { readonly most: number; readonly level: Level },
): Promise<Uint8Array> {
  if (!compressed) return bytes;
  const coding = encoding === 'gzip' || encoding === 'deflate' ? encoding : undefined;
  if (coding === undefined) throw new Fault('mask', 'A message has a compression that cannot be looked into');
  const failed = 'A message could not be decompressed, or is too long then';
  try {
    return await codings[coding](bytes, { maxOutputLength: Math.min(most, shortBytes) });
  } catch (thrown) {
    const isLong = thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_BUFFER_TOO_LARGE';
    if (!isLong || most <= shortBytes) throw new Fault('mask', failed);
  }
  try {
    const whole = await wholeOf(without(coding, bytes), most, (piece) => level.add(piece.length));
    if (whole !== undefined) return whole;
  } catch (thrown) {
    if (thrown instanceof Full) throw thrown;
  }
  throw new Fault('mask', failed);
}
