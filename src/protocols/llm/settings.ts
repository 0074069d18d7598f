import {
  array,
  type Check,
  either,
  literal,
  map,
  number,
  object,
  optional,
  type Problem,
  record,
  string,
} from '../../base/check.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { duration } from '../../base/time.ts';
import { type Upstream, upstreamAnd } from '../../http/upstream.ts';

/** A provider of models, or a server of one's own that speaks like one. */
export interface LlmSettings {
  readonly upstream: Upstream;
  /** Money for a million tokens, by model; a name may end with `*`. The longest that fits counts. */
  readonly prices: readonly Price[];
  readonly budgets: readonly Budget[];
  /** Ids of the provider's files and vector stores that everybody may name who may ask at all; one may end with `*`. */
  readonly shared: readonly string[];
}

export interface Price {
  readonly model: string;
  readonly input: number;
  readonly output: number;
}

/** At most so much in a window of time; none of its bounds may be passed. */
export interface Budget {
  /** For whom it is counted: each identity, everybody of a group together, or all together. */
  /** `run`: of one identity and everyone that acts for it, as the client names its runs; beside a budget that it cannot name. */
  readonly per: 'identity' | 'run' | 'all' | { readonly group: string };
  readonly everyMs: number;
  readonly tokens?: number;
  readonly requests?: number;
  readonly money?: number;
}

const price = object({ input: number({ min: 0 }), output: number({ min: 0 }) });
const budget = object({
  per: optional(either(literal('identity', 'run', 'all'), object({ group: string({ max: 128 }) }))),
  every: string({ pattern: /^\d{1,9}(?:ms|s|m|h|d)$/, what: 'a duration such as 1h or 1d' }),
  tokens: optional(number({ min: 1, integer: true })),
  requests: optional(number({ min: 1, integer: true })),
  money: optional(number({ min: 0 })),
});

const own = object({
  prices: optional(record(price)),
  budgets: optional(array(budget)),
  shared: optional(
    array(
      string({
        pattern: /^[\w-]{1,200}\*?$/,
        what: 'an id such as vs_1a2b, or the beginning of ids such as vs_*',
      }),
    ),
  ),
});
type Own = typeof own extends Check<infer T> ? T : never;

export const settings: Check<LlmSettings> = map(upstreamAnd(own, 'model'), toSettings);

function toSettings(
  given: Own & { readonly upstream: Upstream },
  path: string,
): Result<LlmSettings, readonly Problem[]> {
  const prices = Object.entries(given.prices ?? {}).map(([model, { input, output }]) => ({
    model,
    input,
    output,
  }));
  const budgets: Budget[] = [];
  const problems: Problem[] = [];
  for (const [index, each] of (given.budgets ?? []).entries()) {
    const { per = 'identity', every, tokens, requests, money } = each;
    const at = `${path}.budgets[${index}]`;
    if (tokens === undefined && requests === undefined && money === undefined) {
      problems.push({ path: at, message: 'A budget has tokens, requests or money' });
    }
    if (money !== undefined && prices.length === 0)
      problems.push({ path: `${at}.money`, message: 'Money needs `prices`' });
    budgets.push({
      per,
      everyMs: duration(every) ?? 0,
      ...(tokens === undefined ? {} : { tokens }),
      ...(requests === undefined ? {} : { requests }),
      ...(money === undefined ? {} : { money }),
    });
  }
  return problems.length > 0
    ? err(problems)
    : ok({ upstream: given.upstream, prices, budgets, shared: given.shared ?? [] });
}
