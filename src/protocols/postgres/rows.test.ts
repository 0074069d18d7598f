import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { FindMask } from '../../core/decision.ts';
import { columnVote, findMasker, maskKey, mostRowBytes } from '../../mask/index.ts';
import type { ColumnPlan, FieldShape } from './cells.ts';
import { Written } from './outgoing.ts';
import { type RowMasker, rowMasker } from './rows.ts';

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

interface Columns {
  readonly masker: RowMasker;
  readonly watches: readonly { searched: number }[];
  cleared: number;
}

/** Three columns that are searched, two of them with a vote. */
function columns(votes: boolean): Columns {
  const watches = [0, 1].map(() => ({ vote: columnVote(['*']), searched: 0, found: () => undefined }));
  const fields = [0, 1, 2].map((at): FieldShape => {
    const watch = votes ? watches[at] : undefined;
    return { type: text, format: 0, name: 'c', ...(watch === undefined ? {} : { watch }) };
  });
  return { masker: rowMasker([scan, scan, scan], fields, parts), watches, cleared: 0 };
}

const nowhere = { writer: (): Written => new Written() };

/** The rows of `bytes[0, end)` that are whole, as they are shown: each by itself, or those that are cleared at once. */
function shownOf(
  columns: Columns,
  bytes: Buffer,
  end: number,
  atOnce: boolean,
): readonly (string | null)[][] {
  const { masker } = columns;
  const held: Buffer[] = [];
  const shown: (string | null)[][] = [];
  const show = (row: Buffer): void => {
    shown.push([...valuesOf(masker.row(row, 0, row.length) ?? row)]);
  };
  const release = (): void => {
    masker.settle?.();
    for (const row of held.splice(0)) show(row);
  };
  for (let at = 0; at + 5 <= end;) {
    const next = at + 1 + bytes.readInt32BE(at + 1);
    if (next > end) break;
    if (masker.see?.({ bytes, start: at, end: next }) === true) held.push(bytes.subarray(at, next));
    else {
      release();
      shown.push([...valuesOf(masker.row(bytes, at, next) ?? bytes.subarray(at, next))]);
    }
    at = next;
    if (!atOnce || held.length > 0) continue;
    const to = masker.clear(bytes, at, end);
    columns.cleared += masker.cleared;
    let rows = 0;
    for (; at < to; rows++) {
      const behind = at + 1 + bytes.readInt32BE(at + 1);
      shown.push([...valuesOf(bytes.subarray(at, behind))]);
      at = behind;
    }
    assert.equal(rows, masker.cleared);
    assert.equal(at, to);
  }
  release();
  return shown;
}

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
    const row = dataRow(['kept 9434765918']); // wrong by one: shown where nothing names it
    const words = dataRow(['kept words, room 12']);
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
    assert.ok(shown !== undefined && !/\d/.test(Buffer.from(shown.subarray(11)).toString()));
    assert.ok(Buffer.from(shown).includes('kept'));
    assert.equal(watch.searched, 4);
    assert.equal(masker.row(words, 0, words.length), undefined);
    const mistyped = masker.row(dataRow(['943476591O']), 0, dataRow(['943476591O']).length);
    assert.ok(mistyped !== undefined && !Buffer.from(mistyped).includes('9434'));
  });

  test('rows that are cleared at once are those that stay as they are, and count as each of them does', () => {
    const seen = { cleared: 0, shown: 0 };
    fc.assert(
      fc.property(
        fc.array(rows, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        fc.nat(),
        (chunks, votes, cut) => {
          const [by, at] = [columns(votes), columns(votes)];
          for (const chunk of [...chunks, ...chunks, ...chunks]) {
            const bytes = Buffer.concat(chunk.map((values) => dataRow(values)));
            const end = bytes.length - (cut % 9); // the last may not be whole
            const each = shownOf(by, bytes, end, false);
            assert.deepEqual(shownOf(at, bytes, end, true), each);
            seen.cleared += at.cleared;
            seen.shown += by.masker.masked;
          }
          assert.equal(at.masker.masked, by.masker.masked);
          assert.equal(at.masker.withheld, by.masker.withheld);
          assert.deepEqual(
            at.watches.map(({ searched }) => searched),
            by.watches.map(({ searched }) => searched),
          );
        },
      ),
      { numRuns: 300 },
    );
    assert.ok(seen.cleared > 500 && seen.shown > 500, JSON.stringify(seen));
  });

  test('what is no row of these columns, or not whole, is not cleared', () => {
    const { masker } = columns(false);
    const row = dataRow(['a', 'b', 'c']);
    const clear = (bytes: Uint8Array, end: number = bytes.length): number => masker.clear(bytes, 0, end);
    for (let time = 0; time < 3; time++) masker.write({ bytes: row, start: 0, end: row.length }, nowhere);
    assert.equal(clear(Buffer.concat([row, row, row])), 3 * row.length);
    assert.equal(masker.cleared, 3);
    for (let end = 0; end < row.length; end++) assert.equal(clear(row, end), 0, `${end}`);
    assert.equal(masker.cleared, 0);
    assert.equal(clear(Buffer.concat([row, row.subarray(0, 9)])), row.length);
    const changed = (at: number, byte: number): Buffer => {
      const other = Buffer.concat([row, row]);
      other[row.length + at] = byte;
      return other;
    };
    for (const [at, byte] of [
      [0, 0x43],
      [1, 0xff],
      [4, 5],
      [4, row.length - 2],
      [4, row.length],
      [6, 2],
      [6, 4],
      [5, 1],
      [10, 2],
      [7, 0x80],
    ] as const)
      assert.equal(clear(changed(at, byte)), row.length, `${at} ${byte}`);
  });

  test('while a vote is open no row is cleared', () => {
    const { masker, watches } = columns(true);
    const row = dataRow(['a', 'b', 'c']);
    for (let time = 0; time < 3; time++) masker.write({ bytes: row, start: 0, end: row.length }, nowhere);
    assert.equal(masker.clear(row, 0, row.length), row.length);
    const number = dataRow(['9434765919', 'b', 'c']);
    assert.equal(masker.see?.({ bytes: number, start: 0, end: number.length }), true);
    assert.equal(masker.clear(row, 0, row.length), 0);
    masker.settle?.();
    const searched = watches.map((watch) => watch.searched);
    assert.equal(masker.clear(row, 0, row.length), row.length);
    assert.deepEqual(
      watches.map((watch) => watch.searched),
      searched.map((count) => count + 1),
    );
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
