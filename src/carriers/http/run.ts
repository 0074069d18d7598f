import { err, ok, type Result } from '../../base/result.ts';
import type { Denial } from '../../core/decision.ts';
import type { Exchange } from './exchange.ts';

/**
 * The same request in the session of the run that its body names; as it is where that names none, or the one it is in already.
 * To be disposed with the request. What a client says of runs is recorded, never trusted.
 */
export async function inRun(
  exchange: Exchange,
  run: unknown,
): Promise<Result<{ readonly exchange: Exchange } & Disposable, Denial>> {
  const { session } = exchange.stay;
  if (typeof run !== 'string' || run === '' || run.length > 256 || run === session.run)
    return ok({ exchange, [Symbol.dispose]: () => undefined });
  const joined = await exchange.join(session.resource.name, session.resource.kind, run);
  if (!joined.ok) return err(joined.error);
  const stay = joined.value;
  const signal = AbortSignal.any([exchange.signal, stay.signal]);
  return ok({ exchange: { ...exchange, stay, signal }, [Symbol.dispose]: () => stay[Symbol.dispose]() });
}
