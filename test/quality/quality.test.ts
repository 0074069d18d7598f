import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cases } from './corpora.ts';
import { businessHits, cleanHits, conformance, type Corpus, scoreOf } from './run.ts';
import { figuresOf } from './score.ts';

// Floors under the numbers of `npm run quality` on the part that nothing was tuned on. A change that costs quality fails here.
const floors: readonly (readonly [Corpus, string, number])[] = [
  ['presidio-research', 'CREDIT_CARD', 0.98],
  ['presidio-research', 'PHONE_NUMBER', 0.96],
  ['presidio-research', 'US_SSN', 0.97],
  ['presidio-research', 'IBAN_CODE', 0.98],
  ['presidio-research', 'IP_ADDRESS', 0.98],
  ['pii-anon', 'EMAIL_ADDRESS', 0.98],
  ['pii-anon', 'PHONE_NUMBER', 0.96],
  ['pii-anon', 'MAC_ADDRESS', 0.98],
  ['pii-anon', 'IBAN_CODE', 0.98],
  ['made', 'URL', 0.98],
  ['made', 'IN_AADHAAR', 0.98],
  ['made', 'PL_PESEL', 0.98],
  ['made', 'BR_CPF', 0.98],
  ['made', 'DE_TAX_ID', 0.98],
  ['made', 'VIN', 0.98],
  ['made', 'CA_SIN', 0.98],
  ['made', 'US_SSN', 0.98],
  ['fresh', 'PHONE_NUMBER', 0.985],
  ['fresh', 'US_SSN', 0.98],
  ['fresh', 'EMAIL_ADDRESS', 0.98],
  ['fresh', 'DE_TAX_ID', 0.9],
  ['fresh', 'BR_CPF', 0.98],
  ['fresh', 'PL_PESEL', 0.98],
  ['fresh', 'CREDIT_CARD', 0.96],
  ['fresh', 'US_BANK_NUMBER', 0.98],
  ['wild', 'PHONE_NUMBER', 0.98],
  ['wild', 'IBAN_CODE', 0.98],
  ['wild', 'CREDIT_CARD', 0.98],
  ['wild', 'API_KEY', 0.98],
  ['wild', 'PASSWORD', 0.96],
];

const scores = new Map<string, ReturnType<typeof scoreOf>>();

for (const [corpus, type, least] of floors) {
  test(`${type} of ${corpus}: F1 at least ${least}, and few leaks`, () => {
    const score = scores.get(corpus) ?? scoreOf(corpus, 'test');
    scores.set(corpus, score);
    const tally = score.ours.types.get(type);
    assert.ok(tally !== undefined && tally.gold > 0, 'nothing labelled: the test would pass on nothing');
    const { f1, leakRate } = figuresOf(tally);
    assert.ok(f1 >= least, `F1 ${f1}`);
    assert.ok(
      leakRate <= (corpus === 'made' || corpus === 'pii-anon' ? 0.01 : 0.04),
      `leak rate ${leakRate}`,
    );
  });
}

test('of clean business cells at most one in a thousand is masked', () => {
  const { hits, cells } = businessHits(20_000);
  assert.ok(hits <= cells / 1_000, `${hits} of ${cells}`);
});

test('of what a business has in tables, logs and sentences at most one in a thousand is masked', () => {
  const { hits, texts } = cleanHits('test', 100);
  assert.ok(texts > 4_000 && hits <= texts / 1_000, `${hits} of ${texts}`);
});

test("nine in ten of the cases of Presidio's recognisers come out the same", () => {
  const { right, all } = conformance(cases('test'));
  assert.ok(all > 200 && right / all >= 0.85, `${right} of ${all}`);
});
