import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { sampleFiles } from './sample-data.ts';

const files = sampleFiles();

function rowsOf(text: string): readonly (readonly string[])[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((m) => m[1] ?? m[2] ?? ''));
}

const customers = rowsOf(files['customers.csv']);
const orders = rowsOf(files['orders.csv']);
const payments = rowsOf(files['payments.csv']);

function column(rows: readonly (readonly string[])[], index: number): readonly string[] {
  return rows.map((row) => row[index] ?? '');
}

function luhn(digits: string): boolean {
  const sum = Array.from(digits)
    .toReversed()
    .map((digit, index) => Number(digit) * (index % 2 === 1 ? 2 : 1))
    .reduce((total, value) => total + (value > 9 ? value - 9 : value), 0);
  return sum % 10 === 0;
}

test('sampleFiles() is the same every time', () => {
  const digest = (all: object): string => createHash('sha256').update(JSON.stringify(all)).digest('hex');
  assert.equal(digest(sampleFiles()), digest(files));
});

test('sampleFiles() has the counts of the contract', () => {
  assert.equal(customers.length, 2_000);
  assert.equal(orders.length, 20_000);
  assert.ok(payments.length > 10_000);
  assert.ok(customers.every((row) => row.length === 9));
});

test('sample customers have unique values of reserved ranges only', () => {
  for (const [index, pattern] of [
    [2, /^[a-z.]+\d+@example\.(com|net|org)$/],
    [3, /^(\(\d{3}\) |\+1 \d{3}-|\d{3}-)555-01\d\d$/],
    [4, /^7(3[4-9]|4\d)-(0[1-9]|[1-9]\d)-[1-9]\d{3}$/],
    [5, /^(411111|424242|400005|555555|520082|601111)\d{10}$/],
  ] as const) {
    const strange = column(customers, index).filter((value) => !pattern.test(value));
    assert.deepEqual(strange, []);
  }
  for (const index of [0, 2, 4, 5]) assert.equal(new Set(column(customers, index)).size, 2_000);
  assert.ok(column(customers, 5).every(luhn));
});

test('sample notes hold mails, phones, cards and SSNs in free text', () => {
  const notes = column(customers, 6);
  for (const pattern of [/@example\./, /555-01/, /card \d{4}[ -]?\d{4}/, /SSN 7/]) {
    assert.ok(notes.filter((note) => pattern.test(note)).length > 50);
  }
  assert.ok(notes.filter((note) => note === '').length > 100);
});

test('sample orders belong to customers, payments to orders, and some are cancelled', () => {
  const statuses = new Set(column(orders, 2));
  assert.deepEqual([...statuses].sort(), ['cancelled', 'delivered', 'new', 'paid', 'shipped']);
  assert.ok(column(orders, 1).every((id) => Number(id) >= 1 && Number(id) <= 2_000));
  assert.ok(column(payments, 1).every((id) => Number(id) >= 1 && Number(id) <= 20_000));
});
