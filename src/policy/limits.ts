import { duration } from '../base/time.ts';
import type { RateDuty } from '../core/decision.ts';
import type { Problems } from './problem.ts';
import { fields, texts, whole, wrong } from './shape.ts';
import type { Located } from './yaml.ts';

/** What `limit:` of one rule says. */
export interface RuleLimits {
  readonly rowLimit?: number;
  readonly byteLimit?: number;
  readonly rates?: readonly RateDuty[];
  readonly concurrency?: number;
  readonly sessionMs?: number;
  readonly idleMs?: number;
}

export const limitKeys: readonly string[] = ['rows', 'bytes', 'rate', 'concurrency', 'session', 'idle'];

const dayMs = 86_400_000;
/** Every action of a rate is remembered by its moment. */
const largestRate = 10_000;

/** Reads `limit: { rows: 500, rate: 100/1m, concurrency: 4, session: 8h, idle: 15m }`. */
export function readLimits(node: Located, problems: Problems): RuleLimits | undefined {
  const found = fields(node, 'limit', { optional: limitKeys }, problems);
  if (found === undefined) return undefined;
  if (found.size === 0) return wrong(node, `limit has one or more of ${limitKeys.join(', ')}`, problems);
  const read = <T>(key: string, as: (value: Located) => T | undefined): T | undefined => {
    const value = found.get(key)?.value;
    return value === undefined ? undefined : as(value);
  };
  const count = (key: string, max: number) =>
    read(key, (value) => whole(value, key, { min: 1, max }, problems));
  const time = (key: string, max: number) =>
    read(key, (value) => readTime(value, key, { min: 1_000, max }, problems));
  const limits = {
    rowLimit: count('rows', Number.MAX_SAFE_INTEGER),
    byteLimit: count('bytes', Number.MAX_SAFE_INTEGER),
    rates: read('rate', (value) => readRates(value, problems)),
    concurrency: count('concurrency', 1_000_000),
    sessionMs: time('session', 7 * dayMs),
    idleMs: time('idle', 7 * dayMs),
  };
  // Absent keys stay absent.
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

/** `100/1m`, or several that all hold. */
function readRates(node: Located, problems: Problems): readonly RateDuty[] | undefined {
  const items = texts(node, 'rate', problems);
  const rates: RateDuty[] = [];
  for (const item of items ?? []) {
    const [, many = '', span = ''] = /^(\d{1,9})\s*\/\s*(\d{1,9}(?:ms|s|m|h|d))$/.exec(item.value) ?? [];
    const [count, perMs] = [Number(many), duration(span) ?? 0];
    if (many === '' || count < 1 || count > largestRate || perMs < 1_000 || perMs > dayMs) {
      return wrong(item, `A rate is such as \`100/1m\`: 1 to ${largestRate} actions in 1s to 1d`, problems);
    }
    rates.push({ count, perMs });
  }
  return items === undefined ? undefined : rates;
}

/** A time such as `15m`, in milliseconds. */
export function readTime(
  node: Located,
  what: string,
  { min, max }: { readonly min: number; readonly max: number },
  problems: Problems,
): number | undefined {
  const ms = node.kind === 'scalar' && typeof node.value === 'string' ? duration(node.value) : undefined;
  if (ms !== undefined && ms >= min && ms <= max) return ms;
  return wrong(
    node,
    `${what} is a time from \`${shortTime(min)}\` to \`${shortTime(max)}\`, such as \`15m\``,
    problems,
  );
}

/** `15m`, `90s`: as a policy writes it. */
export function shortTime(ms: number): string {
  const units = [
    ['d', dayMs],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const;
  const [unit, size] = units.find(([, each]) => ms > 0 && ms % each === 0) ?? ['ms', 1];
  return ms === 0 ? '0s' : `${ms / size}${unit}`;
}
