import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant, type World } from '../../base/time.ts';
import type { Identity } from '../../core/identity.ts';
import type { House } from '../../core/protocol.ts';
import { budgetBook } from './budget-kept.ts';
import { Budgets } from './budget.ts';
import type { Budget, LlmSettings } from './settings.ts';

const day = 86_400_000;

/** One gateway's disk and clock; each `open` is a process. */
function place(budgets: readonly Budget[]): {
  readonly open: (settings?: readonly Budget[]) => Budgets;
  readonly pass: (ms: number) => void;
  readonly files: Map<string, string>;
  readonly logged: string[];
} {
  let now = 1_000_000;
  let timers: { at: number; call: () => void }[] = [];
  const world: World = {
    now: () => instant(now),
    random: () => new Uint8Array(),
    after: (ms, call) => {
      const timer = { at: now + ms, call };
      timers.push(timer);
      return { [Symbol.dispose]: () => void (timers = timers.filter((each) => each !== timer)) };
    },
  };
  const files = new Map<string, string>();
  const logged: string[] = [];
  return {
    files,
    logged,
    pass: (ms: number): void => {
      now += ms;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { call } of due) call();
    },
    open: (given: readonly Budget[] = budgets): Budgets => {
      timers = []; // the process before is gone
      const house: Pick<House, 'kept' | 'world' | 'log'> = {
        world,
        log: (_level, event) => void logged.push(event),
        kept: {
          get: (name) => files.get(name),
          set: (name, text) => void files.set(name, text),
        },
      };
      const settings = {
        prices: [{ model: 'm', input: 1_000_000, output: 1_000_000 }],
        budgets: given,
      } as unknown as LlmSettings;
      return new Budgets(settings, world, (all) => budgetBook(house, 'model', all));
    },
  };
}

const ana = { identity: { subject: 'ana', groups: ['interns'] } as unknown as Identity };
const bob = { identity: { subject: 'bob', groups: [] } as unknown as Identity };
const agent = { identity: { subject: 'bot', groups: [], actingFor: ana.identity } as unknown as Identity };

/** Takes so many tokens; false where the budget has not so much. */
function take(budgets: Budgets, of: typeof ana, tokens: number): boolean {
  const reserved = budgets.reserve(of, 'm', { input: tokens, output: 0 });
  if ('why' in reserved) return false;
  reserved.settle({ input: tokens, output: 0 });
  return true;
}

const monthly: Budget = { per: 'identity', everyMs: 30 * day, tokens: 100 };

test('what was taken is taken after a stop, for everybody by themselves, until the window is over', () => {
  const here = place([monthly]);
  const before = here.open();
  assert.ok(take(before, ana, 80) && take(before, bob, 10));
  before[Symbol.dispose]();
  here.pass(10 * day);
  const again = here.open();
  assert.ok(!take(again, ana, 30) && !take(again, agent, 30) && take(again, ana, 20) && take(again, bob, 90));
  again[Symbol.dispose]();
  here.pass(20 * day);
  assert.ok(take(here.open(), ana, 100));
});

test('after a crash only what was counted last is forgotten, and what was reserved stays taken', () => {
  const here = place([monthly]);
  const before = here.open();
  assert.ok('settle' in before.reserve(ana, 'm', { input: 70, output: 0 })); // never settled
  here.pass(2_000);
  assert.ok(take(before, ana, 20)); // not kept yet
  const again = here.open();
  assert.ok(!take(again, ana, 31));
  assert.ok(take(again, ana, 30));
});

test('a changed limit, another order and another budget beside it go on with the same count', () => {
  const here = place([monthly]);
  const before = here.open();
  assert.ok(take(before, ana, 80));
  before[Symbol.dispose]();
  const hourly: Budget = { per: { group: 'interns' }, everyMs: 3_600_000, tokens: 50 };
  const again = here.open([hourly, { ...monthly, tokens: 120 }, { ...monthly, tokens: 500, requests: 3 }]);
  assert.ok(!take(again, ana, 41) && take(again, ana, 40));
  assert.ok(!take(again, ana, 1), 'two budgets of one span count each request once');
});

test('money and requests are kept too', () => {
  const here = place([{ per: 'all', everyMs: day, requests: 3, money: 10 }]);
  const before = here.open();
  assert.ok(take(before, ana, 6));
  before[Symbol.dispose]();
  const again = here.open();
  assert.ok(!take(again, bob, 5) && take(again, bob, 4) && take(again, ana, 0) && !take(again, ana, 0));
});

test('what cannot be read keeps it from starting; a clock that was ahead makes no window longer', () => {
  const here = place([monthly]);
  for (const text of ['', '{', '[]', '{"version":2,"counted":[]}', '{"version":1,"counted":[{"key":"a"}]}']) {
    here.files.set('budgets.model', text);
    assert.throws(() => here.open(), /budgets of model cannot be read/, text);
  }
  here.files.clear();
  const before = here.open();
  assert.ok(take(before, ana, 100));
  before[Symbol.dispose]();
  const kept = here.files.get('budgets.model') ?? '';
  here.files.set('budgets.model', kept.replace(/"since":\d+/, `"since":${1_000_000 + 365 * day}`));
  const again = here.open();
  assert.ok(!take(again, ana, 1));
  here.pass(30 * day);
  assert.ok(take(again, ana, 1));
});

test('a thousand requests are written once in a while, not one by one', () => {
  const here = place([monthly]);
  let writes = 0;
  const set = here.files.set.bind(here.files);
  here.files.set = (name, text) => {
    writes += 1;
    return set(name, text);
  };
  const budgets = here.open([{ ...monthly, tokens: 1_000_000 }]);
  for (let count = 0; count < 1_000; count++) {
    assert.ok(take(budgets, ana, 1));
    here.pass(10);
  }
  assert.ok(writes >= 4 && writes <= 6, String(writes));
});
