import { type Key, KeyScan, keysOf, starred } from '../../http/key-scan.ts';
import type { Credential } from '../../http/upstream.ts';
import type { Arriving, HttpResponse } from './client.ts';
import { decoded } from './decoded.ts';

/**
 * The body of an answer with stars for the credential of the gateway; `recoded`: it has no content coding any more. Undefined where
 * nobody can look into it.
 */
export function keyless(
  answer: HttpResponse,
  credential: Credential | undefined,
): { readonly body: Arriving; readonly recoded: boolean } | undefined {
  if (keysOf(credential).length === 0) return { body: answer.body, recoded: false };
  const body = decoded(answer);
  return body === undefined ? undefined : { body: searched(body, credential), recoded: body !== answer.body };
}

/** The same of a body without a coding. Of what comes no more is held back than the credential may begin with. */
export function searched(body: Arriving, credential: Credential | undefined): Arriving {
  const keys = keysOf(credential);
  if (keys.length === 0) return body;
  return {
    [Symbol.asyncIterator]: () => scanned(body, keys),
    arrived: () => {
      const whole = body.arrived?.();
      return whole === undefined ? undefined : starred(whole, keys);
    },
  };
}

async function* scanned(
  body: AsyncIterable<Uint8Array>,
  keys: readonly Key[],
): AsyncGenerator<Uint8Array, undefined, undefined> {
  const scan = new KeyScan(keys);
  for await (const piece of body) {
    const shown = scan.push(piece);
    if (shown.length > 0) yield shown;
  }
  const rest = scan.end();
  if (rest.length > 0) yield rest;
  return undefined;
}
