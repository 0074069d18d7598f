import type { World } from '../base/time.ts';

/** Waits so long, or until it is told to stop; leaves nothing behind on the signal, which may live for months. */
export async function pause(ms: number, world: World, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  using _timer = world.after(ms, stop);
  signal.addEventListener('abort', stop, { once: true });
  await promise;
  signal.removeEventListener('abort', stop);
}
