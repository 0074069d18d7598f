import { Readable, type Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';
import { Fault, WireError } from '../../base/errors.ts';
import type { Count } from '../../core/held.ts';
import type { Arriving, HttpResponse } from './client.ts';
import { all } from '../../http/headers.ts';
import { inSlices } from './turns.ts';

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  // No larger window is needed to read what comes over HTTP (RFC 9659).
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } }),
};

/** The body without its content coding (RFC 9110, 8.4); undefined where the coding is not known or there are several. */
export function decoded({ fields, body }: HttpResponse): Arriving | undefined {
  const codings = all(fields, 'content-encoding')
    .flatMap((value) => value.split(','))
    .map((value) => value.trim().toLowerCase())
    .filter((value) => value !== '' && value !== 'identity');
  if (codings.length === 0) return body;
  const make = codings.length === 1 ? decoders[codings[0] ?? ''] : undefined;
  if (make === undefined) return undefined;
  const decoder = make();
  const source = Readable.from(body);
  source.on('error', (error) => decoder.destroy(error));
  decoder.on('close', () => source.destroy());
  return faulty(source.pipe(decoder));
}

/** Bytes without this coding, as they come out of it. */
export function without(coding: 'gzip' | 'deflate', bytes: Uint8Array): Arriving {
  return Readable.from([bytes]).pipe(coding === 'gzip' ? createGunzip() : createInflate());
}

async function* faulty(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    if (error instanceof Fault || error instanceof WireError) throw error;
    throw new Fault('upstream-closed', 'The answer of the resource could not be decoded', { cause: error });
  }
}

/** All bytes, or undefined when there are more than `most`. Rejects as `count` does. */
export async function wholeOf(body: Arriving, most: number, count?: Count): Promise<Uint8Array | undefined> {
  const arrived = body.arrived?.();
  if (arrived !== undefined) {
    if (arrived.length > most) return undefined;
    const full = count?.(arrived);
    if (full !== undefined) await full;
    return arrived;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) return undefined;
    const full = count?.(chunk);
    if (full !== undefined) await full;
    chunks.push(chunk);
  }
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  if (bytes <= atOnce) return Buffer.concat(chunks);
  const whole = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const waiting of inSlices(chunks)) {
    const chunk = await waiting;
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Bytes that are put together without a look at the time. */
const atOnce = 1_048_576;
