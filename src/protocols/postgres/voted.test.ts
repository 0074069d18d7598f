import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnVote, maskKey } from '../../mask/index.ts';
import { rowMasker, type RowMasker } from './rows.ts';
import { copyMasker } from './copy.ts';
import * as encode from './encode.ts';
import { Outgoing } from './outgoing.ts';
import { HeldRows, mostHeld } from './voted.ts';
import type { Watch } from './watch.ts';

const right = [
  '4000791966',
  '4017422853',
  '4042765157',
  '4056228256',
  '4059396044',
  '4083154454',
  '4086322242',
];
const finds = [{ entity: '*', operator: { kind: 'redact' } }] as const;
const parts = { key: maskKey(new Uint8Array(32)), typeOf: () => undefined };
const watched = (): Watch => ({
  vote: columnVote(['UK_NHS']),
  searched: 0,
  found: () => undefined,
});

function maskerOf(): RowMasker {
  const field = { type: 25, format: 0, watch: watched() } as const;
  return rowMasker([{ kind: 'scan', finds }, { kind: 'pass' }], [field, { type: 23, format: 0 }], parts);
}

function rowOf(value: string | null): { type: number; bytes: Uint8Array; start: number; end: number } {
  const bytes = encode.dataRow([value === null ? null : Buffer.from(value), Buffer.from('7')]);
  return { type: 0x44, bytes, start: 0, end: bytes.length };
}

function shown(held: HeldRows, masker: RowMasker): string {
  const out = new Outgoing();
  out.begin(new Uint8Array(0));
  held.release(masker, out);
  return Buffer.from(out.take() ?? []).toString('latin1');
}

test('rows wait while a vote is open, in order and no longer than so many', () => {
  const masker = maskerOf();
  const held = new HeldRows();
  assert.equal(held.takes(rowOf('no number'), masker), false);
  assert.equal(held.takes(rowOf(null), masker), false);
  let taken = 0;
  // The same number over and over proves nothing, and is let go when enough have come.
  for (let at = 0; at < mostHeld + 10; at++) if (held.takes(rowOf(right[0] ?? ''), masker)) taken++;
  assert.equal(taken, mostHeld);
  assert.equal(shown(held, masker).split(right[0] ?? '').length - 1, mostHeld);
  assert.equal(held.some, false);
  assert.equal(held.takes(rowOf(right[0] ?? ''), masker), false);
});

test('what a vote found holds for the rows that waited for it', () => {
  const masker = maskerOf();
  const held = new HeldRows();
  const rest: string[] = [];
  for (const value of right) if (!held.takes(rowOf(value), masker)) rest.push(value);
  const text = shown(held, masker);
  assert.ok(rest.length < 4 && text.includes('[UK_NHS]'), rest.join());
  for (const value of right) assert.ok(!text.includes(value));
});

test('a row whose lengths are wrong is refused before it is kept', () => {
  const masker = maskerOf();
  const row = rowOf('9434765919');
  row.bytes[10] = 0xff;
  assert.throws(() => new HeldRows().takes(row, masker), /lengths/);
});

test('COPY: rows wait, and come at the end or when asked for', () => {
  const format = {
    format: 'text',
    delimiter: '\t',
    null: '\\N',
    header: false,
    quote: '"',
    escape: '"',
  } as const;
  const made = (): ReturnType<typeof copyMasker> =>
    copyMasker(format, [{ kind: 'scan', finds }], [25], { ...parts, rowBytes: 65_536, watches: [watched()] });
  const one = made();
  assert.equal(one.push(Buffer.from(`${right[0]}\n`)).length, 0);
  assert.equal(one.holds, true);
  assert.equal(Buffer.from(one.release()).toString(), `${right[0]}\n`);
  assert.equal(one.holds, false);
  assert.equal(one.end().length, 0);
  const all = made();
  let out = '';
  for (const value of right) {
    // Its memory is the carrier's again behind each push.
    const chunk = Buffer.from(`${value}\n`);
    out += Buffer.from(all.push(chunk)).toString();
    chunk.fill(0x2e);
  }
  out += Buffer.from(all.end()).toString();
  assert.equal(out, '[UK_NHS]\n'.repeat(right.length));
  assert.equal(all.masked, right.length);
});
