import { createHash } from 'node:crypto';
import { Fault } from '../../base/errors.ts';
import type { World } from '../../base/time.ts';
import type { House, Worker } from '../../core/protocol.ts';
import type { Fitting } from './schema.ts';

/** `late`: nobody could say in time. */
export type Fitted = Fitting | 'late';

export interface Schemas extends AsyncDisposable {
  /** `resource`: whose schema it is. */
  readonly fit: (resource: string, schema: unknown, given: unknown) => Promise<Fitted>;
}

/** In a minute: of one schema, and of all of a resource. */
const mostLate = 3;
const mostLateOfAll = 10;
const lateForMs = 60_000;
const lateKept = 5_000;

const schemaModule = new URL(`schema-worker${import.meta.url.slice(-3)}`, import.meta.url);

/**
 * Holds arguments against schemas in a thread of its own. SECURITY: servers write schemas, and clients what is held against them: patterns
 * and references can be made to take hours. Who misses the deadline is refused; of a schema that does so again and again,
 * or of a resource with many such, nothing is asked for a while, so that those of others have their turn.
 */
export function schemas(house: Pick<House, 'worker' | 'world' | 'limits' | 'metrics'>): Schemas {
  const { world, limits, metrics } = house;
  let worker: Worker | undefined;
  const late = new Map<string, { since: ReturnType<World['now']>; times: number }>();

  /** One after the other: the time that one takes is no other's. */
  let last: Promise<unknown> = Promise.resolve();

  const missed = (digest: string): void => {
    const times = (late.get(digest)?.times ?? 0) + 1;
    if (late.size >= lateKept) late.clear();
    late.set(digest, { since: world.now(), times });
  };
  const isLate = (digest: string, most: number): boolean => {
    const known = late.get(digest);
    if (known === undefined) return false;
    if (world.now() - known.since < lateForMs) return known.times >= most;
    late.delete(digest);
    return false;
  };
  // oxlint-disable-next-line max-params
  const work = async (resource: string, schema: string, given: unknown): Promise<Fitted> => {
    const digest = createHash('sha256').update(schema).digest('base64');
    if (isLate(digest, mostLate) || isLate(resource, mostLateOfAll)) return 'late';
    worker ??= house.worker(schemaModule);
    try {
      return (await worker.call('fit', { schema, given }, limits.parseMs)) as Fitting; // our own module's answer
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.code !== 'parser') throw thrown;
      metrics.count('limits_total', { limit: 'parseMs' });
      missed(digest);
      missed(resource);
      return 'late';
    }
  };

  return {
    // oxlint-disable-next-line max-params
    fit: (resource, schema, given) => {
      const one = last.then(() => work(resource, JSON.stringify(schema ?? null), given));
      last = one.catch(() => undefined);
      return one;
    },
    [Symbol.asyncDispose]: async () => worker?.[Symbol.asyncDispose](),
  };
}
