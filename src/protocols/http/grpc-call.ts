import type { Http2Client } from '../../carriers/http/client2.ts';
import type { Permit } from '../../core/decision.ts';
import type { House } from '../../core/protocol.ts';
import { typeFits } from '../../http/content.ts';
import type { GrpcCodec, GrpcMessage } from '../../http/grpc.ts';
import type { MaskKey } from '../../mask/index.ts';
import type { Judge } from './grpc-judge.ts';
import type { RpcShape } from './protos.ts';
import type { HttpSettings } from './settings.ts';

export interface GrpcParts {
  readonly house: House;
  readonly settings: HttpSettings;
  readonly client: Http2Client;
  readonly maskKey: MaskKey;
}

/** One call as it was asked for. */
export interface Call {
  readonly service: string;
  readonly rpc: string;
  readonly codec: GrpcCodec;
  readonly contentType: string;
  readonly shape: RpcShape | undefined;
  /** Of the client's messages. */
  readonly encoding: string | undefined;
  /** The one message of a call that takes one; undefined where they come as a stream. */
  readonly message: GrpcMessage | undefined;
  /** Milliseconds that were left when it came. */
  readonly timeoutMs: number | undefined;
}

/** Ends with the client, with its session, and with the deadline that the client gave. */
export interface Bounds extends Disposable {
  readonly signal: AbortSignal;
  readonly late: () => boolean;
  /** Milliseconds until then. */
  readonly left: () => number | undefined;
}

/** Why the bytes are no messages. */
export function notFramed(why: 'flag' | 'length'): string {
  return why === 'flag' ? 'The flag of a message is neither 0 nor 1' : 'A message is too long';
}

/** The pieces until the signal aborts: then its reason is thrown. */
export async function* within(
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => undefined);
  const stop = (): void => over.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const each = pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([each.next(), over.promise]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    void each.return?.().catch(() => undefined);
  }
}

/** Whether masks can be kept: what cannot be looked into passes only where the configuration says so. */
export function passesUnseen({ uninspected }: HttpSettings, { contentType }: Call): boolean {
  return uninspected.some(
    (pattern) => typeFits(pattern, contentType) || typeFits(pattern, 'application/grpc'),
  );
}

/** The permit of a call, with all that bounds it. */
export interface Permitted {
  readonly call: Call;
  readonly bounds: Bounds;
  readonly permit: Permit;
  /** Of the messages of a client's stream; undefined where nobody can read them. */
  readonly judge: Judge | undefined;
}
