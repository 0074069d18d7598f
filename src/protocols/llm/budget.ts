import type { World } from '../../base/time.ts';
import type { Identity } from '../../core/identity.ts';
import type { BudgetBook, Counted } from './budget-kept.ts';
import type { Budget, LlmSettings, Price } from './settings.ts';

/** What a request may still take, and what it took in the end. */
export interface Reservation {
  /** Puts what was really used in the place of what was reserved. Only the first call counts. */
  readonly settle: (used: Spent) => void;
}

/** What a request may take; `output` is undefined where it has no bound, for each of its `answers`. */
export interface Most {
  readonly input: number; // tokens
  readonly output: number | undefined;
  readonly answers?: number;
}

export interface Spent extends Used {
  /** The provider may have counted more: no less than what was reserved is taken. */
  readonly atLeastReserved?: true;
}

export interface Used {
  readonly input: number; // tokens
  readonly output: number;
}

export interface Exhausted {
  readonly why: string;
  readonly retryAfterSeconds: number;
}

interface Window {
  since: number;
  tokens: number;
  requests: number;
  money: number;
}

/** Whose budget it is: a session, as far as it matters here. */
export interface Payer {
  readonly identity: Identity;
  readonly run?: string;
}

const mostWindows = 100_000;

/**
 * Tokens of an answer that has no bound, as long as it is not known. SECURITY: else all that are asked for at once would pass while
 * there is anything left at all.
 */
const unbounded = 4_096;

/** Makes the book in which counts outlive the process; `all` gives what it is to keep. */
type OpenBook = (all: () => readonly Counted[]) => BudgetBook;

/** Counts tokens, requests and money by whom a budget is for: reserved when a request begins, settled when it is over. */
export class Budgets {
  readonly #settings: LlmSettings;
  readonly #world: World;
  readonly #windows: Map<string, Window> = new Map();
  readonly #book: BudgetBook | undefined;

  /** Throws a Fault `config` where what was counted before cannot be read. */
  constructor(settings: LlmSettings, world: World, open?: OpenBook) {
    this.#settings = settings;
    this.#world = world;
    this.#book = settings.budgets.length === 0 ? undefined : open?.(() => this.#counted());
    const now = world.now();
    for (const { key, since, ...sums } of this.#book?.read() ?? [])
      // A clock that was ahead must not make a window longer.
      this.#windows.set(key, { since: Math.min(since, now), ...sums });
  }

  /** Nothing is reserved where one of the budgets is used up. */
  reserve(of: Payer, model: string, { input, output, answers = 1 }: Most): Reservation | Exhausted {
    const price = priceOf(this.#settings.prices, model);
    const least = { input, output: output ?? 1 };
    const most = { input, output: output ?? unbounded * answers };
    const lacks = { tokens: least.input + least.output, money: costOf(price, least) };
    const counted = new Set<Window>(); // two budgets of one span count in one window
    for (const budget of this.#settings.budgets) {
      const key = keyOf(budget, of);
      if (key === undefined) continue;
      const window = this.#window(key, budget);
      const name = lacking(budget, window, lacks);
      if (name === undefined && budget.money !== undefined && price === undefined) {
        return { why: 'This model has no price, and a budget counts money', retryAfterSeconds: 86_400 };
      }
      if (name !== undefined) {
        const left = window.since + budget.everyMs - this.#world.now();
        return {
          why: `The budget of ${name} is used up`,
          retryAfterSeconds: Math.max(1, Math.ceil(left / 1_000)),
        };
      }
      counted.add(window);
    }
    const tokens = most.input + most.output;
    const money = costOf(price, most);
    for (const window of counted) add(window, { tokens, requests: 1, money });
    if (counted.size > 0) this.#book?.changed();
    let settled = false;
    return {
      settle: (used) => {
        if (settled) return;
        settled = true;
        const least = used.atLeastReserved === true ? 0 : -Infinity;
        const more = {
          tokens: Math.max(used.input + used.output - tokens, least),
          requests: 0,
          money: Math.max(costOf(price, used) - money, least),
        };
        for (const window of counted) add(window, more);
        if (counted.size > 0) this.#book?.changed();
      },
    };
  }

  #window(key: string, { everyMs }: Budget): Window {
    const now = this.#world.now();
    const known = this.#windows.get(key);
    if (known !== undefined && now - known.since < everyMs) return known;
    const made = { since: now, tokens: 0, requests: 0, money: 0 };
    this.#windows.delete(key);
    if (this.#windows.size >= mostWindows) this.#sweep(now);
    this.#windows.set(key, made);
    return made;
  }

  /** What is not over. */
  #counted(): readonly Counted[] {
    this.#sweep(this.#world.now());
    return Array.from(this.#windows, ([key, { since, tokens, requests, money }]) => ({
      key,
      since,
      // What is settled below its reservation can leave a rest of rounding.
      tokens: Math.max(0, tokens),
      requests,
      money: Math.max(0, money),
    }));
  }

  /** Keeps what was counted last. */
  [Symbol.dispose](): void {
    this.#book?.[Symbol.dispose]();
  }

  /** Windows that are over hold nothing any more. */
  #sweep(now: number): void {
    const longest = Math.max(...this.#settings.budgets.map(({ everyMs }) => everyMs));
    for (const [key, { since }] of this.#windows) if (now - since >= longest) this.#windows.delete(key);
  }
}

/** The agent's owner has the same budget as the agent: many agents of one person share it. */
function keyOf({ per, everyMs }: Budget, { identity, run }: Payer): string | undefined {
  const key = (...of: readonly (string | null)[]): string => JSON.stringify([everyMs, ...of]);
  if (per === 'all') return key('all');
  let owner = identity;
  while (owner.actingFor !== undefined) owner = owner.actingFor;
  if (per === 'identity') return key('identity', owner.subject);
  if (per === 'run') return key('run', owner.subject, run ?? null);
  const groups = [...identity.groups, ...owner.groups];
  return groups.includes(per.group) ? key('group', per.group) : undefined;
}

function lacking(
  { tokens, requests, money }: Budget,
  window: Window,
  more: { readonly tokens: number; readonly money: number },
): string | undefined {
  if (requests !== undefined && window.requests + 1 > requests) return 'requests';
  if (tokens !== undefined && window.tokens + more.tokens > tokens) return 'tokens';
  if (money !== undefined && window.money + more.money > money) return 'money';
  return undefined;
}

function add(window: Window, more: Omit<Window, 'since'>): void {
  window.tokens += more.tokens;
  window.requests += more.requests;
  window.money += more.money;
}

function priceOf(prices: readonly Price[], model: string): Price | undefined {
  const fits = prices.filter((price) =>
    price.model.endsWith('*') ? model.startsWith(price.model.slice(0, -1)) : model === price.model,
  );
  return fits.toSorted((a, b) => b.model.length - a.model.length)[0];
}

function costOf(price: Price | undefined, { input, output }: Used): number {
  return price === undefined ? 0 : (price.input * input + price.output * output) / 1_000_000;
}

/** Where nobody says how many tokens a text has: four characters each, as providers advise. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / 4);
}
