import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { FindMask } from '../../core/decision.ts';
import { columnVote, findMasker, maskKey, mostRowBytes } from '../../mask/index.ts';
import type { ColumnPlan, FieldShape } from './cells.ts';
import { rowMasker } from './rows.ts';

const key = maskKey(new Uint8Array(32).fill(3));
const finds: readonly FindMask[] = [{ entity: '*', operator: { kind: 'redact' } }];
const scan: ColumnPlan = { kind: 'scan', finds };
const parts = { key, typeOf: () => undefined };
const text = 25;

function dataRow(values: readonly (string | null)[]): Buffer {
  const cells = values.map((value) => {
    const head = Buffer.alloc(4);
    head.writeInt32BE(value === null ? -1 : Buffer.byteLength(value));
    return Buffer.concat([head, Buffer.from(value ?? '')]);
  });
  const head = Buffer.alloc(7, 'D');
  head.writeInt16BE(values.length, 5);
  const row = Buffer.concat([head, ...cells]);
  row.writeInt32BE(row.length - 1, 1);
  return row;
}

function valuesOf(row: Uint8Array): readonly (string | null)[] {
  const bytes = Buffer.from(row);
  let at = 7;
  return Array.from({ length: bytes.readInt16BE(5) }, () => {
    const length = bytes.readInt32BE(at);
    at += 4 + Math.max(0, length);
    return length < 0 ? null : bytes.toString('utf8', at - length, at);
  });
}

const value = fc.oneof(
  fc.constantFrom(
    null,
    '',
    'shipped',
    'Person A Bson',
    'label Bogotá',
    'my name is Ann Smith',
    'Ann Smith lives in London',
    'ann@example.com',
    '4111 1111 1111 1111',
    '4111 1111 1111 1112',
    '+1 415 555 0100',
    '2026-01-31 10:11:12',
    '2026-13-31 10:11:12',
    'call 415 555 0100',
    'ssn 078-05-1120',
  ),
  fc.stringMatching(/^ORD-[0-9]{1,8}$/),
  fc.stringMatching(/^[0-9]{1,16}$/),
  fc.stringMatching(/^[a-zA-Z ]{1,12}$/),
);
const rows = fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 12 });

suite('rows', () => {
  test('shown as the search shows each value, however often what is like it came before', () => {
    const search = findMasker(finds, { key });
    const shownOf = (each: string | null): string | null => (each === null ? null : search(each).text);
    fc.assert(
      fc.property(rows, fc.boolean(), (given, large) => {
        // A row that is too large for a sieve is looked at value by value.
        const filling = 'x '.repeat(mostRowBytes / 2);
        const more = large ? [filling] : [];
        const plans = [scan, scan, scan, ...more.map((): ColumnPlan => ({ kind: 'pass' }))];
        const field: FieldShape = { type: text, format: 0 };
        const masker = rowMasker(
          plans,
          plans.map(() => field),
          parts,
        );
        for (let time = 0; time < 3; time++) {
          for (const values of given) {
            const row = dataRow([...values, ...more]);
            const shown = valuesOf(masker.row(row, 0, row.length) ?? row);
            assert.deepEqual(shown.slice(0, 3), values.map(shownOf), JSON.stringify(values));
            assert.equal(shown.length, plans.length);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test('what a vote has found is shown so, though the sieve knows the shape of the value', () => {
    const vote = columnVote(['*']);
    const found: string[] = [];
    const watch = { vote, searched: 0, found: (types: readonly string[]) => void found.push(...types) };
    const masker = rowMasker([scan], [{ type: text, format: 0, name: 'c', watch }], parts);
    const row = dataRow(['kept 12']);
    const show = (): Uint8Array | undefined => {
      masker.see?.({ bytes: row, start: 0, end: row.length });
      return masker.row(row, 0, row.length);
    };
    for (let time = 0; time < 3; time++) assert.equal(show(), undefined);
    // Valid numbers of the British health service, by which the column is known.
    const numbers = [
      '9434765919',
      '9876543210',
      '4010232137',
      '4505577104',
      '9434765870',
      '5990128088',
      '1111111111',
    ];
    for (const number of numbers) vote.see(number);
    assert.notEqual(vote.verdict(), undefined);
    const shown = show();
    assert.ok(shown !== undefined && !Buffer.from(shown).includes('kept'));
    assert.equal(watch.searched, 4);
  });

  test('NULL is not counted as a value that was searched', () => {
    const watch = { vote: columnVote(['*']), searched: 0, found: () => undefined };
    const masker = rowMasker([scan], [{ type: text, format: 0, name: 'c', watch }], parts);
    for (const each of ['one', null, 'two', null]) {
      const row = dataRow([each]);
      masker.see?.({ bytes: row, start: 0, end: row.length });
    }
    assert.equal(watch.searched, 2);
  });
});
