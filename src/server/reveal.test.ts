import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../base/secret.ts';
import type { Duties } from '../core/decision.ts';
import { noDuties } from '../core/decision.ts';
import type { Entry } from '../core/entry.ts';
import type { Ledger, Policy } from '../core/ports.ts';
import type { ResourceName } from '../core/session.ts';
import { gate } from '../gate/gate.ts';
import { maskKey, showText } from '../mask/index.ts';
import { fakePolicy, heldWorld, memoryLedger, memoryMetrics, person } from './fake.ts';
import { revealer, type Reveal, type RevealAsked } from './reveal.ts';

const hex = (byte: string): string => byte.repeat(32);
const now = maskKey(Buffer.from(hex('ab'), 'hex'));
const before = maskKey(Buffer.from(hex('cd'), 'hex'));
const token = (value: string, key = now): string => showText({ kind: 'token' }, value, key);
const mail = token('ann@example.com');

function house(
  duties: Partial<Duties> = {},
  over: { readonly ledger?: (ledger: Ledger) => Ledger } = {},
): { readonly reveal: Reveal; readonly entries: readonly Entry[]; readonly asked: Question[] } {
  const [world, ledger, metrics] = [heldWorld(), memoryLedger(), memoryMetrics()];
  const asked: Question[] = [];
  const given = fakePolicy(() => true);
  const policy: Policy = {
    ...given,
    decide: (question) => {
      asked.push(question.action.attributes);
      return { ...given.decide(question), duties: { ...noDuties, ...duties } };
    },
  };
  const written = over.ledger?.(ledger) ?? ledger;
  const reveal = revealer({
    keys: [new Secret(hex('ab')), new Secret(hex('cd'))],
    resources: [{ name: 'shop' as ResourceName, kind: 'postgres', tags: ['env/prod'], settings: {} }],
    policy: () => policy,
    ledger: written,
    world,
    log: () => undefined,
    gate: (session) => gate({ policy: () => policy, ledger: written, world, metrics }, session),
    revoked: () => false,
  });
  return { reveal, entries: ledger.entries, asked };
}

type Question = Readonly<Record<string, unknown>>;

const ask = (tokens: readonly string[], more: Partial<RevealAsked> = {}): RevealAsked => ({
  tokens,
  digitsKey: 0,
  signal: new AbortController().signal,
  ...more,
});

test('tokens of this key and of earlier ones, numbers by the key that is named, and what is none', async () => {
  const { reveal, asked } = house();
  const old = token('bob@example.com', before);
  const card = token('4111 1111 1111 1111', before);
  const answer = await reveal(person('ana'), ask([mail, old, card, 't_abab', 'Ann'], { digitsKey: 1 }));
  assert.ok(answer.kind === 'revealed');
  assert.deepEqual(answer.values, [
    { kind: 'value', value: 'ann@example.com', form: 'text', type: 'EMAIL_ADDRESS' },
    { kind: 'value', value: 'bob@example.com', form: 'text', type: 'EMAIL_ADDRESS' },
    { kind: 'value', value: '4111 1111 1111 1111', form: 'digits', type: 'CREDIT_CARD' },
    { kind: 'none' },
    { kind: 'none' },
  ]);
  assert.deepEqual(
    [asked[0]?.['count'], asked[0]?.['types'], asked[0]?.['forms']],
    [5, ['CREDIT_CARD', 'EMAIL_ADDRESS', 'OTHER'], ['digits', 'text']],
  );
});

test('where it is said to come from has its tags; a resource that is none has none', async () => {
  const { reveal, asked } = house();
  const column = { object: 'public.customers', column: 'email' };
  await reveal(person('ana'), ask([mail], { of: { resource: 'shop', ...column } }));
  await reveal(person('ana'), ask([mail], { of: { resource: 'other', ...column } }));
  assert.deepEqual(
    asked.map((each) => [each['ofResource'], each['ofTags'], each['columnTags']]),
    [
      ['shop', ['env/prod'], ['pii/email']],
      ['other', [], []],
    ],
  );
});

test('the entries: a session, a decision that is on disk before the answer, an outcome; no token and no value', async () => {
  const { reveal, entries } = house();
  const answer = await reveal(person('ana'), ask([mail, '4155552671']));
  assert.equal(answer.kind, 'revealed');
  assert.deepEqual(
    entries.map(({ kind }) => kind),
    ['session.opened', 'decision', 'outcomes', 'session.closed'],
  );
  const all = JSON.stringify(entries);
  for (const hidden of [mail, 'ann@', '4155552671', token('4155552671')]) assert.ok(!all.includes(hidden));
});

test('nothing is shown that is not written, whichever entry fails', async () => {
  for (let fails = 0; fails < 2; fails++) {
    let seen = 0;
    const { reveal } = house(
      {},
      {
        ledger: (ledger) => ({
          append: (entry) =>
            seen++ === fails
              ? Promise.reject(Object.assign(new Error('disk'), { name: 'Fault' }))
              : ledger.append(entry),
        }),
      },
    );
    const answer = await reveal(person('ana'), ask([mail])).catch(() => undefined);
    assert.ok(answer?.kind !== 'revealed', `entry ${fails}`);
  }
});

test('duties hold: masks by tag and by what is found, rows and bytes', async () => {
  const byFind = house({ finds: [{ entity: 'EMAIL_ADDRESS', operator: { kind: 'redact' } }] });
  const found = await byFind.reveal(person('ana'), ask([mail, token('Ann Lee')]));
  assert.ok(found.kind === 'revealed');
  assert.deepEqual(
    found.values.map((each) => (each.kind === 'value' ? [each.value, each.masked] : each)),
    [
      ['[EMAIL_ADDRESS]', true],
      ['Ann Lee', undefined],
    ],
  );
  const byTag = house({ masks: [[{ tag: 'pii/*', operator: { kind: 'redact' } }]] });
  const of = { resource: 'shop', object: 'public.customers', column: 'email' };
  const tagged = await byTag.reveal(person('ana'), ask([mail], { of }));
  assert.ok(tagged.kind === 'revealed' && tagged.values[0]?.kind === 'value');
  assert.equal(tagged.values[0].value, '***');
  for (const duties of [{ rowLimit: 1 }, { byteLimit: 20 }]) {
    const { reveal, entries } = house(duties);
    const over = await reveal(person('ana'), ask([mail, mail]));
    assert.ok(over.kind === 'refused' && over.denial.class === 'LIMIT');
    assert.ok(JSON.stringify(entries).includes('"cut"'));
    assert.equal((await reveal(person('ana'), ask([mail]))).kind, 'revealed');
  }
});

test('where nobody can be asked, what needs a person is refused', async () => {
  const world = heldWorld();
  const policy: Policy = {
    ...fakePolicy(() => true),
    decide: (question) => ({ ...fakePolicy(() => true).decide(question), kind: 'review' }),
  };
  const ledger = memoryLedger();
  const reveal = revealer({
    keys: [new Secret(hex('ab'))],
    resources: [],
    policy: () => policy,
    ledger,
    world,
    log: () => undefined,
    gate: (session) => gate({ policy: () => policy, ledger, world, metrics: memoryMetrics() }, session),
    revoked: () => false,
  });
  const answer = await reveal(person('ana'), ask([mail]));
  assert.ok(answer.kind === 'refused' && answer.denial.class === 'REVIEW_UNAVAILABLE');
});
