import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WireError } from '../../base/errors.ts';
import type { FindMask } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import type { Type } from '../../sql/catalogue.ts';
import { type ColumnPlan, cellOf, type FieldShape } from './cells.ts';
import { rowMasker } from './rows.ts';
import { Written } from './outgoing.ts';

const key = maskKey(new Uint8Array(32).fill(3));
const finds: readonly FindMask[] = [{ entity: '*', operator: { kind: 'redact' } }];
const scan: ColumnPlan = { kind: 'scan', finds };
const redact: ColumnPlan = { kind: 'mask', operator: { kind: 'redact' } };
const partial: ColumnPlan = { kind: 'mask', operator: { kind: 'partial', keepFirst: 1, keepLast: 4 } };

const hstoreOid = 90_001;
const own: readonly Type[] = [
  type(hstoreOid, 'hstore', { kind: 'base' }),
  type(90_002, 'mystery', { kind: 'base' }),
  type(90_003, 'email_address', { kind: 'domain', base: 25 }),
  type(90_004, 'person', { kind: 'composite', relation: 77 }),
  type(90_005, '_mystery', { kind: 'base', element: 90_002 }),
  type(90_006, 'endless', { kind: 'domain', base: 90_006 }),
];
const parts = {
  key,
  typeOf: (oid: number): Type | undefined => own.find((each) => each.oid === oid),
  fieldsOf: (relation: number): readonly number[] | undefined =>
    relation === 77 ? [23, 25, 1082] : undefined,
};

function type(oid: number, name: string, more: Partial<Type> & Pick<Type, 'kind'>): Type {
  return { oid, name, schema: 'public', element: 0, base: 0, relation: 0, runs: [], ...more };
}

function dataRow(values: readonly (string | Uint8Array | null)[]): Buffer {
  const cells = values.map((value) => {
    const head = Buffer.alloc(4);
    if (value === null) {
      head.writeInt32BE(-1);
      return head;
    }
    const bytes = Buffer.from(value as Uint8Array);
    head.writeInt32BE(bytes.length);
    return Buffer.concat([head, bytes]);
  });
  const head = Buffer.alloc(7, 'D');
  head.writeInt16BE(values.length, 5);
  const row = Buffer.concat([head, ...cells]);
  row.writeInt32BE(row.length - 1, 1);
  return row;
}

/** What a text cell of this type shows: the text, null, or 'withheld'. */
function shown(plan: ColumnPlan, field: FieldShape, value: string): string | null | undefined {
  const bytes = Buffer.from(value);
  const made = cellOf(plan, field, parts)?.(bytes, 0, bytes.length);
  return made instanceof Uint8Array ? Buffer.from(made).toString() : made;
}

const cases: readonly (readonly [string, ColumnPlan, number, string, string | null | undefined])[] = [
  ['a clean text is untouched', scan, 25, 'shipped', undefined],
  ['a finding in a text', scan, 25, 'mail ann@example.com', 'mail [EMAIL_ADDRESS]'],
  ['a number is never searched', scan, 20, '4111111111111111', undefined],
  ['a domain is what it is made of', scan, 90_003, 'ann@example.com', '[EMAIL_ADDRESS]'],
  ['a masked domain', partial, 90_003, 'ann@example.com', 'a***@example.com'],
  ['a domain without end', redact, 90_006, 'x', 'withheld'],
  ['an unknown type masked', redact, 90_002, 'x', 'withheld'],
  ['an unknown type searched, clean', scan, 90_002, 'x', undefined],
  ['an unknown type searched, with a finding', scan, 90_002, 'ann@example.com', null],
  ['an array of an unknown type', redact, 90_005, '{x}', 'withheld'],
  ['a type nobody knows', redact, 99_999, 'x', 'withheld'],
  ['partial on a number is its constant', partial, 23, '457555462', '0'],
  [
    'json: strings, keys, numbers named by their key',
    scan,
    114,
    '{"ann@example.com": 1.0, "card" : 4111111111111111, "id": 4111111111111111, "a":["x\\u0040example.com"]}',
    '{"[EMAIL_ADDRESS]": 1.0, "card" : 0, "id": 4111111111111111, "a":["[EMAIL_ADDRESS]"]}',
  ],
  [
    'json: two keys that show alike stay two',
    scan,
    3802,
    '{"a@b.io": 1, "c@d.io": 2}',
    '{"[EMAIL_ADDRESS]": 1, "[EMAIL_ADDRESS] 2": 2}',
  ],
  ['json: clean, with white space and duplicate keys', scan, 114, ' {"a": 1e400, "a" : [ ] }', undefined],
  ['json: broken is withheld', scan, 114, '{"a": ann@example.com}', 'withheld'],
  ['json: masked whole', redact, 3802, '{"a": 1}', '"***"'],
  [
    'json: deep is no trouble',
    scan,
    3802,
    `${'['.repeat(50_000)}"ann@example.com"${']'.repeat(50_000)}`,
    `${'['.repeat(50_000)}"[EMAIL_ADDRESS]"${']'.repeat(50_000)}`,
  ],
  [
    'hstore: values and keys',
    scan,
    hstoreOid,
    '"k"=>"ann@example.com", "a@b.io"=>NULL, "x"=>"1"',
    '"k"=>"[EMAIL_ADDRESS]", "[EMAIL_ADDRESS]"=>NULL, "x"=>"1"',
  ],
  [
    'array: only the element',
    scan,
    1009,
    '{a,"ann@example.com","x \\"y\\"",NULL}',
    '{a,"[EMAIL_ADDRESS]","x \\"y\\"",NULL}',
  ],
  ['array: masked one by one', redact, 1007, '{1,NULL,{2}}'.replace('{2}', '2'), '{"0",NULL,"0"}'],
  ['array: masked whole', { ...redact, whole: true }, 1009, '{a,b}', '{}'],
  ['array: broken is withheld', redact, 1007, '{1,2', 'withheld'],
  [
    'composite: by its columns',
    scan,
    90_004,
    '(7,"Ann ""A"" ann@example.com",1984-07-21)',
    '(7,"Ann ""A"" [EMAIL_ADDRESS]",1984-07-21)',
  ],
  ['composite: masked by its columns', redact, 90_004, '(7,Ann,1984-07-21)', '("0","***","1970-01-01")'],
  ['record: types unknown, masked', redact, 2249, '(7,Ann,)', '(,,)'],
  ['xml: hidden behind references', scan, 142, '<a>ann&#64;example.com</a>', '***'],
  [
    'bytea with a text inside',
    scan,
    17,
    '\\x616e6e406578616d706c652e636f6d',
    `\\x${Buffer.from('[EMAIL_ADDRESS]').toString('hex')}`,
  ],
  ['bytea with bytes and a text inside', scan, 17, '\\xff20616e6e406578616d706c652e636f6d', '\\x'],
  ['tsvector with an address', scan, 3614, "'ann@example.com':1", ''],
  ['withheld text', { kind: 'withhold' }, 25, 'x', '***'],
  ['withheld number', { kind: 'withhold' }, 23, '1', 'withheld'],
  ['the null operator', { kind: 'mask', operator: { kind: 'null' } }, 25, 'x', null],
  ['null wins over whole', { kind: 'mask', operator: { kind: 'null' }, whole: true }, 25, 'x', null],
  ['derived by partial is redacted', { ...partial, whole: true }, 25, 'ann@example.com', '***'],
];

test('cells show what their plan says, as their type', () => {
  for (const [what, plan, oid, value, expected] of cases) {
    assert.equal(shown(plan, { type: oid, format: 0 }, value), expected, what);
  }
});

test("a column's name is context: values without any sign are searched", () => {
  assert.equal(shown(scan, { type: 25, format: 0, name: 'ssn' }, '457555462'), '[US_SSN]');
  assert.equal(shown(scan, { type: 25, format: 0, name: 'order_ref' }, '457555462'), undefined);
});

test('rowMasker() rebuilds a row around what changed and leaves clean rows alone', () => {
  const field = { type: 25, format: 0 } as const;
  const masker = rowMasker(
    [{ kind: 'pass' }, scan, redact, { kind: 'withhold' }],
    [field, field, field, field],
    parts,
  );
  const before = dataRow(['id-1', 'mail ann@example.com', 'secret', 'x']);
  const around = Buffer.concat([Buffer.from('zz'), before, Buffer.from('zz')]);
  const made = masker.row(around, 2, around.length - 2);
  assert.deepEqual(Buffer.from(made ?? []), dataRow(['id-1', 'mail [EMAIL_ADDRESS]', '***', '***']));
  assert.deepEqual([masker.masked, masker.withheld], [2, 1]);
  const nulls = dataRow([null, null, null, null]);
  assert.equal(masker.row(nulls, 0, nulls.length), undefined);
  assert.equal(masker.passes, false);
  assert.equal(rowMasker([{ kind: 'pass' }], [field], parts).passes, true);
  assert.equal(rowMasker([scan], [{ type: 23, format: 1 }], parts).passes, true);
  assert.equal(rowMasker([], [], parts).row(dataRow([]), 0, 7), undefined);
});

test('a row grows as much as its masks make it grow', () => {
  const columns = 700;
  const plan: ColumnPlan = { kind: 'mask', operator: { kind: 'redact' } };
  const masker = rowMasker(
    Array.from({ length: columns }, () => plan),
    Array.from({ length: columns }, () => ({ type: 25, format: 0 as const })),
    parts,
  );
  const row = dataRow(Array.from({ length: columns }, () => 'x'));
  const shown = dataRow(Array.from({ length: columns }, () => '***'));
  const written = new Written();
  for (let count = 1; count < 4; count++) {
    assert.equal(masker.write({ bytes: row, start: 0, end: row.length }, { writer: () => written }), true);
    assert.equal(written.length, count * shown.length);
    const last = written.bytes.subarray(written.length - shown.length, written.length);
    assert.deepEqual(Buffer.from(last), Buffer.from(shown));
  }
});

test('rowMasker() refuses rows that lie about counts and lengths', () => {
  const field = { type: 25, format: 0 } as const;
  const good = dataRow(['abc', 'def']);
  const change = (at: number, ...bytes: readonly number[]): Buffer => {
    const copy = Buffer.from(good);
    copy.set(bytes, at);
    return copy;
  };
  const bad: readonly Buffer[] = [
    dataRow(['abc']),
    dataRow(['abc', 'def', 'ghi']),
    change(0, 0x45),
    change(4, 99),
    change(7, 0x7f, 0xff, 0xff, 0xff),
    change(7, 0xff, 0xff, 0xff, 0xfe),
    change(10, 4),
    change(17, 2),
    good.subarray(0, 6),
    good.subarray(0, 12),
  ];
  for (const row of bad) {
    const masker = rowMasker([scan, redact], [field, field], parts);
    assert.throws(
      () => masker.row(row, 0, row.length),
      (error) => error instanceof WireError && error.code === 'bad-message',
      row.toString('hex'),
    );
  }
});

const oids = [
  16,
  17,
  18,
  19,
  20,
  23,
  25,
  114,
  142,
  600,
  602,
  700,
  790,
  869,
  1000,
  1007,
  1009,
  1082,
  1114,
  1231,
  1560,
  1700,
  2249,
  2278,
  2950,
  3614,
  3615,
  3802,
  3807,
  3904,
  4072,
  4451,
  hstoreOid,
  90_002,
  90_003,
  90_004,
  90_005,
  12_345,
];
const plans: readonly ColumnPlan[] = [
  scan,
  redact,
  partial,
  { kind: 'mask', operator: { kind: 'hash' } },
  { kind: 'mask', operator: { kind: 'generalise' } },
  { kind: 'mask', operator: { kind: 'redact' }, whole: true },
  { kind: 'withhold' },
];

test('any bytes in any type: nothing throws, the row stays a row', () => {
  const random = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .string({ unit: fc.constantFrom(...Array.from('{}()",\\:=>1a@.x ')), maxLength: 30 })
      .map((text) => new Uint8Array(Buffer.from(text))),
  );
  fc.assert(
    fc.property(
      random,
      fc.constantFrom(...oids),
      fc.constantFrom<0 | 1>(0, 1),
      fc.constantFrom(...plans),
      (value, oid, format, plan) => {
        const masker = rowMasker(
          [plan, { kind: 'pass' }],
          [
            { type: oid, format },
            { type: 25, format: 0 },
          ],
          parts,
        );
        const row = dataRow([value, 'tail']);
        const made = masker.row(row, 0, row.length);
        if (made === undefined) return;
        const check = rowMasker(
          [{ kind: 'pass' }, scan],
          [
            { type: oid, format },
            { type: 25, format: 0 },
          ],
          parts,
        );
        assert.equal(check.row(made, 0, made.length), undefined);
      },
    ),
    { numRuns: 5_000 },
  );
});

test('binary: arrays, records and hstore are rebuilt around what changed; broken ones are withheld', () => {
  const field = (length: number, bytes: string): string =>
    `${length.toString(16).padStart(8, '0')}${Buffer.from(bytes).toString('hex')}`;
  const array = Buffer.from(
    `0000000100000000000000190000000200000001${field(15, 'ann@example.com')}${field(1, 'x')}`,
    'hex',
  );
  const cell = cellOf(scan, { type: 1009, format: 1 }, parts);
  const made = cell?.(array, 0, array.length);
  assert.equal(
    Buffer.from(made as Uint8Array).toString('hex'),
    `0000000100000000000000190000000200000001${field(15, '[EMAIL_ADDRESS]')}${field(1, 'x')}`,
  );
  for (let cut = 0; cut < array.length; cut++) assert.equal(cell?.(array, 0, cut), 'withheld');
  const pairs = Buffer.from(`00000001${field(1, 'k')}${field(15, 'ann@example.com')}`, 'hex');
  const shownPairs = cellOf(scan, { type: hstoreOid, format: 1 }, parts)?.(pairs, 0, pairs.length);
  assert.equal(
    Buffer.from(shownPairs as Uint8Array).toString('hex'),
    `00000001${field(1, 'k')}${field(15, '[EMAIL_ADDRESS]')}`,
  );
  // An array whose elements an unknown type shows as NULL says that it has NULLs.
  const unknown = Buffer.from('000000010000000000015f92000000010000000100000001ff', 'hex');
  assert.equal(cellOf(redact, { type: 90_005, format: 1 }, parts)?.(unknown, 0, unknown.length), 'withheld');
});
