import type { Due } from '../../http/json-walk.ts';

/** How long one piece of work may keep everybody else waiting. */
const sliceMs = 3;

let last: Promise<void> = Promise.resolve();

/** Everything else that is ready goes first; of those who wait here one goes on in each round of the event loop. */
function turn(): Promise<void> {
  last = last.then(() => new Promise((resolve) => void setImmediate(resolve)));
  return last;
}

/** When a slice that begins now is over. */
function slice(): Due {
  const until = performance.now() + sliceMs;
  return () => performance.now() >= until;
}

/** Does work in slices until `step` says that it is done. Rejects with the signal's reason when that aborts in between. */
export async function inTurns(step: (due: Due) => boolean, signal: AbortSignal): Promise<void> {
  while (!step(slice())) {
    await turn();
    signal.throwIfAborted();
  }
}

/** What work that yields between its steps comes to, done in one go. */
export function atOnce<T>(steps: Iterator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same in slices. Rejects with the signal's reason when that aborts in between. */
export async function byTurns<T>(steps: Iterator<void, T>, signal: AbortSignal): Promise<T> {
  let due = slice();
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (!due()) continue;
    await turn();
    signal.throwIfAborted();
    due = slice();
  }
}

/** Of many small pieces of work each one as it is, or as a promise where others have their turn first. */
export function* inSlices<T>(all: Iterable<T>, signal?: AbortSignal): Generator<T | Promise<T>> {
  let due = slice();
  for (const each of all) {
    if (due()) {
      yield turn().then(() => {
        signal?.throwIfAborted();
        return each;
      });
      due = slice();
    } else yield each;
  }
}
