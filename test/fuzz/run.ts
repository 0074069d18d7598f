import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { chance } from './random.ts';
import { type Case, kept, type Target } from './targets.ts';

/** A promise was broken: everything needed to see it again. */
export interface Failure {
  readonly target: string;
  readonly seed: number;
  readonly iteration: number;
  readonly why: string;
  /** The smallest case that still fails, with its bytes as hex. */
  readonly shrunk: Case;
}

export interface Ran {
  readonly iterations: number;
  readonly failure?: Failure;
  /** Heap and buffers after collection: in the beginning and at the most later, in bytes. */
  readonly memory: { readonly first: number; readonly most: number };
}

export interface RunOptions {
  readonly seed: number;
  /** Asked before each iteration. */
  readonly goesOn: (iteration: number) => boolean;
  readonly progress?: (iteration: number) => void;
}

/** More than this beyond the beginning is growth: caches are full by then, and what is garbage is collected. */
const growthMax = 48 * 1_048_576;
const warmUp = 300;
const sampleEvery = 500;

/** Plays cases made from a seed until one fails or `goesOn` says no. */
export async function run(target: Target, { seed, goesOn, progress }: RunOptions): Promise<Ran> {
  const stray = watchStrays();
  let [first, most, at] = [0, 0, 0];
  try {
    for (; goesOn(at); at++) {
      const given = target.make(chance(seed, at));
      const why = (await failureOf(target, given)) ?? stray.take();
      if (why !== undefined) {
        return {
          iterations: at,
          memory: { first, most },
          failure: await report(target, { seed, at, given, why }),
        };
      }
      if (at === warmUp) first = used();
      if (at > warmUp && at % sampleEvery === 0) {
        most = Math.max(most, used());
        if (most - first > growthMax) {
          const grown = `Memory has grown from ${first} to ${most} bytes`;
          return {
            iterations: at,
            memory: { first, most },
            failure: failure(target, { seed, at, given, why: grown }),
          };
        }
      }
      progress?.(at);
    }
    return { iterations: at, memory: { first, most } };
  } finally {
    stray.stop();
  }
}

/** Why the case fails; undefined where all promises hold. */
export async function failureOf(target: Target, given: Case): Promise<string | undefined> {
  try {
    await target.play(given);
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error
      ? `${thrown.name}: ${thrown.message}\n${thrown.stack ?? ''}`
      : String(thrown);
  }
}

interface Found {
  readonly seed: number;
  readonly at: number;
  readonly given: Case;
  readonly why: string;
}

function failure(target: Target, { seed, at, given, why }: Found): Failure {
  return { target: target.name, seed, iteration: at, why, shrunk: kept(target, given) };
}

async function report(target: Target, found: Found): Promise<Failure> {
  return failure(target, { ...found, given: await shrink(target, found.given) });
}

// No talk of ours is longer by much.
const messagesMax = 40;

/** Leaves out faults and cuts, and then whole messages, as long as it still fails. */
async function shrink(target: Target, given: Case): Promise<Case> {
  let least = given;
  let tries = 600;
  const better = async (other: Case): Promise<boolean> => {
    tries -= 1;
    if (tries < 0 || (await failureOf(target, other)) === undefined) return false;
    least = other;
    return true;
  };
  for (let size = least.cuts.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < least.cuts.length;) {
      if (!(await better({ ...least, cuts: least.cuts.toSpliced(from, size) }))) from += size;
    }
  }
  for (let from = 0; from < least.damage.length;) {
    if (!(await better({ ...least, damage: least.damage.toSpliced(from, 1) }))) from += 1;
  }
  for (let at = 0; at < messagesMax; at++) {
    if (least.damage.some((each) => each.at === at && each.how === 'drop')) continue;
    const without: Case = { ...least, damage: [...least.damage, { at, how: 'drop', a: 0, b: 0 }] };
    if (Buffer.compare(target.bytes(without), target.bytes(least)) !== 0) await better(without);
  }
  return least;
}

/** Rejections that nobody handles, and errors that nobody catches: the process would be gone. */
function watchStrays(): { readonly take: () => string | undefined; readonly stop: () => void } {
  let first: string | undefined;
  const onStray = (thrown: unknown): void => {
    first ??= `Nobody handles: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`;
  };
  process.on('unhandledRejection', onStray).on('uncaughtException', onStray);
  return {
    take: () => {
      const found = first;
      first = undefined;
      return found;
    },
    stop: () => {
      process.off('unhandledRejection', onStray).off('uncaughtException', onStray);
    },
  };
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void; // what the flag makes

function used(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
