import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../../src/base/time.ts';
import type { Decision, RuleId } from '../../src/core/decision.ts';
import { noDuties } from '../../src/core/decision.ts';
import type { Entry } from '../../src/core/entry.ts';
import type { Policy } from '../../src/core/ports.ts';
import type { Stated } from '../../src/core/protocol.ts';
import type { Review } from '../../src/core/review.ts';
import type { ResourceName, SessionId } from '../../src/core/session.ts';
import { Desk } from '../../src/gate/desk.ts';
import { defaultReviewSettings } from '../../src/gate/review-settings.ts';
import { gate } from '../../src/gate/gate.ts';
import { heldWorld } from '../../src/server/fake.ts';
import { deletes, house, noMetrics, settle } from './house.ts';

const rule = {
  id: 'prod/frozen' as RuleId,
  effect: 'deny',
  at: { file: 'a.yaml', line: 1, col: 1 },
  why: 'Frozen',
} as const;
const common = { why: 'Frozen', fix: [], policy: { digest: 'p1' }, wouldBe: [], cacheable: true } as const;
const past: Decision = {
  ...common,
  kind: 'allow',
  because: [],
  duties: { ...noDuties, record: 'full', justify: true, tickets: ['INC-[0-9]+'] },
};
const soft: Decision = {
  ...common,
  kind: 'deny',
  code: 'RULE',
  because: [rule],
  duties: noDuties,
  soft: true,
  past,
};
const hard: Decision = { ...common, kind: 'deny', code: 'RULE', because: [rule], duties: noDuties };

async function ask(
  decision: Decision,
  stated: Stated | undefined,
  fails = false,
): Promise<{
  readonly verdict: string;
  readonly entries: readonly Entry[];
  readonly told: readonly Review[];
}> {
  using h = house();
  const entries: Entry[] = [];
  const told: Review[] = [];
  const world = heldWorld();
  const ledger = {
    append: (entry: Entry): Promise<void> => {
      if (fails && entry.kind === 'break-glass') return Promise.reject(new Error('The disk is full'));
      entries.push(entry);
      return Promise.resolve();
    },
  };
  const policy = (): Policy => ({ id: { digest: 'p1' }, tagsOf: () => [], decide: () => decision });
  const desk = new Desk({
    ...h.desk.parts,
    ledger,
    world,
    settings: defaultReviewSettings,
    channels: () => [
      {
        name: 'test',
        tell: (review) => Promise.resolve(void told.push(review)),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
    ],
  });
  const chamber = gate(
    { policy, ledger, world, metrics: noMetrics, desk },
    {
      id: 's1' as SessionId,
      identity: h.identity('dba'),
      resource: { name: 'shop' as ResourceName, kind: 'postgres', tags: [], settings: undefined },
      startedAt: instant(0),
      peer: 'test',
    },
  );
  const verdict = await chamber.ask({ action: deletes, ...(stated === undefined ? {} : { stated }) });
  await settle();
  await chamber.close();
  return { verdict: verdict.kind === 'permit' ? 'permit' : verdict.denial.class, entries, told };
}

const said = { reason: 'the shop is down', ticket: 'INC-7', breakGlass: true } as const;

test('a soft deny is broken with a reason and a ticket: an entry of its own before anything leaves, and everybody is told', async () => {
  const { verdict, entries, told } = await ask(soft, said);
  assert.equal(verdict, 'permit');
  const entry = entries.find(({ kind }) => kind === 'break-glass');
  assert.deepEqual(entry?.kind === 'break-glass' && [entry.rules, entry.stated.ticket], [
    ['prod/frozen'],
    'INC-7',
  ]);
  assert.equal(told[0]?.kind, 'break-glass');
  assert.equal(told[0]?.stated?.reason, 'the shop is down');
});

const refusals: readonly (readonly [string, Decision, Stated | undefined, string])[] = [
  ['nothing was said', soft, undefined, 'RULE'],
  [
    'a reason and a ticket, but not asked to break it',
    soft,
    { reason: 'the shop is down', ticket: 'INC-7' },
    'RULE',
  ],
  ['no reason', soft, { ticket: 'INC-7', breakGlass: true }, 'UNSTATED'],
  ['no ticket', soft, { reason: 'the shop is down', breakGlass: true }, 'UNSTATED'],
  ['another form of ticket', soft, { ...said, ticket: 'JOKE-1' }, 'UNSTATED'],
  ['a deny that is not soft', hard, said, 'RULE'],
];

for (const [name, decision, stated, code] of refusals) {
  test(`not broken: ${name}`, async () => {
    const { verdict, entries, told } = await ask(decision, stated);
    assert.equal(verdict, code);
    assert.ok(!entries.some(({ kind }) => kind === 'break-glass'));
    assert.deepEqual(told, []);
  });
}

test('not broken when it cannot be written down', async () => {
  const { verdict, told } = await ask(soft, said, true);
  assert.equal(verdict, 'NOT_WRITTEN');
  assert.deepEqual(told, []);
});
