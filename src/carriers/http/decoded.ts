import { Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { Fault, WireError } from '../../base/errors.ts';
import type { HttpResponse } from './client.ts';
import { all } from '../../http/headers.ts';

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** The body without its content coding (RFC 9110, 8.4); undefined where the coding is not known or there are several. */
export function decoded({ fields, body }: HttpResponse): AsyncIterable<Uint8Array> | undefined {
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

async function* faulty(stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    if (error instanceof Fault || error instanceof WireError) throw error;
    throw new Fault('upstream-closed', 'The answer of the resource could not be decoded', { cause: error });
  }
}

/** All bytes, or undefined when there are more than `most`. */
export async function wholeOf(
  body: AsyncIterable<Uint8Array>,
  most: number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
