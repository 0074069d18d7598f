import { array, type Check, map, number, object, string } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import { ok } from '../../base/result.ts';
import type { House } from '../../core/protocol.ts';

/** What was counted of one budget, for one of those it is for. */
export interface Counted {
  readonly key: string;
  readonly since: number; // milliseconds since the epoch
  readonly tokens: number;
  readonly requests: number;
  readonly money: number;
}

/** Where counts outlive the process. */
export interface BudgetBook extends Disposable {
  /** What was kept. Throws a Fault `config` where that cannot be read: nobody's budget begins anew by that. */
  readonly read: () => readonly Counted[];
  /** Something was counted: it is kept soon, with all that is counted until then. */
  readonly changed: () => void;
}

const count = number({ min: 0 });
const shape: Check<readonly Counted[]> = map(
  object({
    version: number({ min: 1, max: 1 }),
    counted: array(
      object({ key: string({ max: 2_000 }), since: count, tokens: count, requests: count, money: count }),
      { max: 1_000_000 },
    ),
  }),
  ({ counted }) => ok(counted),
);

/** At most so much is counted again after a crash; a stop loses nothing. */
const soonMs = 2_000;
const latestMs = 60_000;

/**
 * Keeps counts in a file of the gateway. Writing is cheap for as many as a team has, and waits longer where it is not: never more
 * than a fiftieth of the time is spent on it.
 */
export function budgetBook(
  house: Pick<House, 'kept' | 'world' | 'log'>,
  resource: string,
  all: () => readonly Counted[],
): BudgetBook {
  const { kept, world, log } = house;
  const name = `budgets.${resource}`;
  let timer: Disposable | undefined;
  let waitMs = soonMs;
  const write = (): void => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    const from = world.now();
    try {
      kept?.set(name, JSON.stringify({ version: 1, counted: all() }));
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      log('error', 'budget.not-kept', { resource, code: thrown.code });
    }
    waitMs = Math.min(latestMs, Math.max(soonMs, (world.now() - from) * 50));
  };
  return {
    read: () => {
      const text = kept?.get(name);
      if (text === undefined) return [];
      const read = shape(parsed(text), name);
      if (read.ok) return read.value;
      const [problem] = read.error;
      throw new Fault(
        'config',
        `The counts of budgets of ${resource} cannot be read (${problem?.path ?? name}): remove the file to begin anew`,
      );
    },
    changed: () => {
      if (kept !== undefined) timer ??= world.after(waitMs, write);
    },
    [Symbol.dispose]: () => {
      if (timer !== undefined) write();
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
