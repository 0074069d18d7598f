import type { IncomingMessage } from 'node:http';
import { WireError } from '../../base/errors.ts';
import type { World } from '../../base/time.ts';
import { type Fields, first } from '../../http/headers.ts';
import type { Body, Incoming } from './exchange.ts';

/** A body whose next bytes do not come for so long is given up. */
const stallMs = 60_000;

/** The body of a client's request. */
export function bodyOf(request: Incoming, fields: Fields, world: World): Body {
  const declared = first(fields, 'content-length');
  const ended =
    'stream' in request ? request.stream.endAfterHeaders : first(fields, 'transfer-encoding') === undefined;
  const length = declared !== undefined ? Number(declared) : ended ? 0 : undefined;
  return {
    length,
    stream: (stalledMs = stallMs) => inTime(request, world, stalledMs),
    whole: async (most, count) => {
      if (length !== undefined && length > most) return undefined;
      const arrived = 'stream' in request ? undefined : arrivedOf(request);
      if (arrived !== undefined) {
        if (arrived.length > most) return undefined;
        const full = count?.(arrived);
        if (full !== undefined) await full;
        return arrived;
      }
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of inTime(request, world, stallMs)) {
        bytes += chunk.length;
        if (bytes > most) return undefined;
        chunks.push(chunk);
        const full = count?.(chunk);
        if (full !== undefined) await full;
      }
      return Buffer.concat(chunks);
    },
  };
}

/** The whole body where all of it is here already and nobody has begun to read it: most are when they are asked for. */
export function arrivedOf(message: IncomingMessage): Uint8Array | undefined {
  if (!message.complete || message.destroyed || message.readableDidRead) return undefined;
  const chunks: Buffer[] = [];
  for (let chunk: unknown = message.read(); chunk !== null; chunk = message.read()) {
    if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  }
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
}

/**
 * The chunks of a body whose sender may not stall for ever. Breaking off leaves the request open, so that it can still be
 * answered.
 */
async function* inTime(request: Incoming, world: World, stalledMs: number): AsyncIterable<Uint8Array> {
  const chunks = request.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const late = Promise.withResolvers<never>();
      late.promise.catch(() => undefined);
      using _ = world.after(stalledMs, () =>
        late.reject(new WireError('deadline', 'The body does not go on')),
      );
      const next = (await Promise.race([chunks.next(), late.promise])) as IteratorResult<
        Uint8Array,
        undefined
      >;
      if (next.done === true) return;
      yield next.value;
    }
  } catch (thrown) {
    if (thrown instanceof WireError) throw thrown;
    throw new WireError('closed', 'The client broke off');
  } finally {
    chunks.return?.().catch(() => undefined); // what is left of it is nobody's
  }
}
