import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FindMask } from '../core/decision.ts';
import { mayContain, maskFindings, maskKey, scan } from './index.ts';

const key = maskKey(new Uint8Array(32).fill(7));

/** Types found in a text, in order. */
function types(text: string, column?: string): readonly string[] {
  return scan(text, column === undefined ? {} : { column }).map((each) => each.type);
}

const hidden: readonly (readonly [string, string, string])[] = [
  ['full-width digits', '４１１１ １１１１ １１１１ １１１１', 'CREDIT_CARD'],
  ['Arabic-Indic digits', '٤١١١-١١١١-١١١١-١١١١', 'CREDIT_CARD'],
  ['no-break spaces', '4111\u00a01111\u00a01111\u00a01111', 'CREDIT_CARD'],
  ['thin spaces', '4111\u20091111\u20091111\u20091111', 'CREDIT_CARD'],
  ['zero-width characters', '4111\u200b1111\u200b11111\u200b111', 'CREDIT_CARD'],
  ['mixed separators', '4111-1111.1111 1111', 'CREDIT_CARD'],
  ['a newline inside', '4111 1111\n1111 1111', 'CREDIT_CARD'],
  ['en dashes', '219\u201309\u20139998', 'US_SSN'],
  ['mathematical digits', '𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏', 'CREDIT_CARD'],
  ['full-width at sign', 'ann＠example.com', 'EMAIL_ADDRESS'],
  ['soft hyphen in an address', 'ann@exam\u00adple.com', 'EMAIL_ADDRESS'],
];

test('scan() reads through other ways to write the same', () => {
  for (const [how, text, type] of hidden) {
    assert.deepEqual(scan(text), [{ type, start: 0, end: text.length, score: scan(text)[0]?.score }], how);
    const bytes = new TextEncoder().encode(text);
    assert.ok(mayContain(bytes, 0, bytes.length), how);
  }
});

test('scan() finds values inside sentences, with their exact place', () => {
  const text = 'Pay 4111 1111 1111 1111 or mail ann@example.com, call +44 20 7946 0958.';
  assert.deepEqual(
    scan(text).map((each) => [each.type, text.slice(each.start, each.end)]),
    [
      ['CREDIT_CARD', '4111 1111 1111 1111'],
      ['EMAIL_ADDRESS', 'ann@example.com'],
      ['PHONE_NUMBER', '+44 20 7946 0958'],
    ],
  );
});

test('scan() finds two numbers that touch', () => {
  const text = '4111 1111 1111 1111 5555 5555 5555 4444';
  assert.deepEqual(
    maskFindings(text, [{ entity: '*', operator: { kind: 'redact' } }], { key }).text.includes('1111'),
    false,
  );
});

test('scan() takes a name for context: the column, the words before', () => {
  assert.deepEqual(types('457555462'), []);
  assert.deepEqual(types('457555462', 'customer_ssn'), ['US_SSN']);
  assert.deepEqual(types('SSN: 457555462'), ['US_SSN']);
  assert.deepEqual(types('4111111111111112', 'cardNumber'), ['CREDIT_CARD']);
  assert.deepEqual(types('hunter2', 'db_password'), ['PASSWORD']);
  assert.deepEqual(types('DE89370400440532013001', 'iban'), ['IBAN_CODE']);
  assert.deepEqual(types('2125550123', 'mobile_phone'), ['PHONE_NUMBER']);
  assert.deepEqual(types('2125550123', 'order_id'), []);
});

test('scan() looks only for the entities asked for', () => {
  assert.deepEqual(scan('ann@example.com 4111111111111111', { entities: ['CREDIT_CARD'] }).length, 1);
  assert.deepEqual(scan('ann@example.com', { entities: [] }), []);
});

const hex = (length: number) =>
  fc.string({
    unit: fc.constantFrom(...Array.from('0123456789abcdef')),
    minLength: length,
    maxLength: length,
  });
const digits = (length: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789')), minLength: length, maxLength: length });

test('scan() leaves business values alone', () => {
  const date = fc.date({ min: new Date('1990-01-01'), max: new Date('2049-12-31'), noInvalidDate: true });
  const business = fc.oneof(
    digits(6).map((id) => `ORD-${id}`),
    fc.tuple(digits(4), digits(6)).map(([year, id]) => `INV-${year}-${id}`),
    fc.tuple(digits(4), digits(4)).map(([a, b]) => `SKU-${a}-${b}-XL`),
    fc.tuple(hex(3), digits(5)).map(([a, b]) => `${a.toUpperCase()}${b}`),
    fc.uuid(),
    hex(40),
    hex(64),
    hex(32),
    date.map((each) => each.toISOString()),
    date.map((each) => each.toISOString().replace('T', ' ').replace('Z', '+00')),
    date.map((each) => String(each.getTime())),
    date.map((each) => each.toISOString().slice(0, 10)),
    fc.tuple(fc.nat(30), fc.nat(30), fc.nat(99)).map((parts) => `v${parts.join('.')}`),
    fc
      .tuple(fc.nat(9), fc.nat(9), fc.nat(9), fc.nat(9))
      .filter((p) => new Set(p).size > 1)
      .map((parts) => parts.join('.')),
    fc.double({ min: 0, max: 1e6, noNaN: true }).map((price) => price.toFixed(2)),
    fc.double({ min: 0, max: 1, noNaN: true }).map(String),
    fc.integer().map(String),
    digits(9),
    digits(10),
    digits(11),
    digits(18).map((id) => `1${id}`),
    fc.constantFrom(
      'shipped',
      'Berlin',
      'EUR',
      'true',
      '10:15',
      'Room 101',
      'Q3/2024',
      '12x34 mm',
      'node_modules/a-b-c-d',
      'application/json',
    ),
  );
  const sample = fc.sample(business, { numRuns: 20_000, seed: 20261121 });
  const hits = sample.filter((text) => scan(text).length > 0);
  assert.ok(hits.length <= sample.length / 1_000, `${hits.length}: ${hits.slice(0, 20).join(' | ')}`);
});

const fragment = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom(
    'ann@example.com',
    '4111111111111111',
    '4111 1111',
    ' 1111 1111',
    '219-09-9998',
    '+44 20 7946 0958',
    'ssn ',
    'card: ',
    'DE89 3704 0044 0532 0130 00',
    '10.2.3.40',
    'fe80::1',
    '00:1A:2B:3C:4D:5E',
    'https://u:p@h/',
    'AKIAIOSFODNN7EXAMPLE',
    '2024-01-31 10:11:12',
    '550e8400-e29b-41d4-a716-446655440000',
    '４１１１',
    '\u200b',
    '\u00a0',
    '-',
    '.',
    '/',
    '(',
    ')',
    ' ',
    '\n',
    'é',
    '日本',
    '-----BEGIN PRIVATE KEY-----',
    'password=hunter2',
  ),
);
const texts = fc.array(fragment, { maxLength: 8 }).map((parts) => parts.join(''));

test('mayContain() is never false where scan() finds something', () => {
  fc.assert(
    fc.property(texts, (text) => {
      // What is not well-formed cannot stand in UTF-8.
      const bytes = new TextEncoder().encode(text);
      const read = new TextDecoder().decode(bytes);
      if (scan(read).length > 0) assert.ok(mayContain(bytes, 0, bytes.length));
    }),
    { numRuns: 3_000 },
  );
});

test('scan() gives disjoint ranges in order, inside the text', () => {
  fc.assert(
    fc.property(texts, (text) => {
      let last = 0;
      for (const { start, end, score } of scan(text)) {
        assert.ok(start >= last && end > start && end <= text.length && score >= 0.4 && score <= 1);
        last = end;
      }
    }),
    { numRuns: 2_000 },
  );
});

const operators: readonly FindMask['operator'][] = [
  { kind: 'redact' },
  { kind: 'hash' },
  { kind: 'generalise' },
  { kind: 'partial', keepFirst: 1, keepLast: 4 },
  { kind: 'null' },
];

test('maskFindings() on what it masked changes nothing', () => {
  fc.assert(
    fc.property(texts, fc.constantFrom(...operators), (text, operator) => {
      const finds = [{ entity: '*', operator }];
      const once = maskFindings(text, finds, { key }).text;
      assert.equal(maskFindings(once, finds, { key }).text, once);
    }),
    { numRuns: 3_000 },
  );
});

test('scan() is linear on what is made to be slow', () => {
  const hostile = [
    `${'a'.repeat(200_000)}@`,
    '('.repeat(200_000),
    '1-'.repeat(100_000),
    '1234 '.repeat(40_000),
    'a@'.repeat(100_000),
    'a.'.repeat(100_000),
    'AB12'.repeat(50_000),
    'eyJ'.repeat(60_000),
    'a:'.repeat(100_000),
    'x://'.repeat(50_000),
    'password='.repeat(20_000),
    '-----BEGIN PRIVATE KEY-----'.repeat(7_000),
    '+44 20 7946 0958 '.repeat(12_000),
  ];
  for (const text of hostile) {
    // The assertion is that this ends: quadratic work on 200,000 characters would take minutes.
    assert.ok(scan(text).length <= 20_000, text.slice(0, 12));
  }
});

test('a detector that throws makes the whole text a finding', () => {
  const found = scan('something @ all', {
    detectors: [
      {
        kind: 'find',
        name: 'BROKEN',
        gate: /./,
        context: [],
        examples: { yes: [], no: [] },
        find: () => {
          throw new Error('broken');
        },
      },
    ],
  });
  assert.deepEqual(found, [{ type: 'BROKEN', start: 0, end: 15, score: 1 }]);
});

test('costs and times of a plan are no values, and nothing that only looks like them is spared', () => {
  for (const plan of [
    'Seq Scan on orders  (cost=675.92..54566.17 rows=1486270 width=879) (actual time=441.494..9313.406 rows=4812284 loops=21)',
    '  Worker 0:  actual time=0.363..924.500 rows=24937 loops=1',
    'Index Scan  (cost=0.42..8.44 rows=1 width=4) (actual time=30.547..815.628 rows=33356 loops=1)',
  ])
    assert.deepEqual(scan(plan), [], plan);
  for (const value of [
    'actual time=441.494..9313.406',
    'time=441.494..9313.406 rows=1',
    '(cost=4111111111111111..0.00 rows=1',
    '(cost=4111 1111 1111 1111 rows=1',
    '(cost=0.00..4111111111111111.00 rows=1',
    '(cost=0.00..1.00 rows=4111111111111111',
    'Filter: (card = 4111111111111111)  (cost=0.00..1.00 rows=1',
  ])
    assert.ok(scan(value).length > 0, value);
});
