import assert from 'node:assert/strict';
import { test } from 'node:test';
import { safeJson } from './escape.ts';
import { decision, item, terms } from './fake.ts';
import { maskedText } from './text.ts';

const cases: readonly (readonly [text: string, shown: string])[] = [
  ["SELECT * FROM t WHERE a = 'secret' AND b = 42", 'SELECT * FROM t WHERE a = ? AND b = ?'],
  ["SELECT 'it''s', \"quoted name\" -- it's secret\n, 1", 'SELECT ?, ?  \n, ?'],
  ["SELECT /* 'secret */ a FROM t2 WHERE b = 'x", 'SELECT   a FROM t2 WHERE b = ?'],
  ["SELECT a, E'x\\'secret' FROM t", 'SELECT a, E[withheld]'],
  ['SELECT $tag$secret$tag$', 'SELECT [withheld]'],
  ["SELECT 'a', $$secret$$", 'SELECT [withheld]'],
  ['SELECT a /* b /* secret */ secret */', 'SELECT a [withheld]'],
  ['SELECT 1e10, .5, 0xFF', 'SELECT ?, .?, ?'],
];

for (const [text, shown] of cases) {
  test(`maskedText() shows ${shown}`, () => {
    assert.equal(maskedText('sql.select', text, terms.maskKey), shown);
  });
}

test('maskedText() withholds what is no SQL', () => {
  assert.equal(maskedText('ssh.exec', 'mysql -psecret', terms.maskKey), '[withheld]');
});

test('itemOf() sends a text only when told to, and masked', () => {
  const stored = { index: 2, entry: decision(2), seal: 'opened' } as const;
  assert.equal(item(stored).event['text'], undefined);
  assert.equal(item(stored, { personal: true }).event['sealed'], undefined);
  assert.equal(item(stored, { texts: 'masked' }).event['text'], 'DELETE FROM orders WHERE id = ?');
});

test('safeJson() parses to the same and acts on nothing', () => {
  const value = { a: 'x\u007F\u0085\u2028\u202E\u200B\u{E0041}\n\u001B[2J', b: 'é漢😀' };
  assert.deepEqual(JSON.parse(safeJson(value)), value);
  assert.doesNotMatch(safeJson(value), /\p{C}|[\u2028\u2029]/u);
  assert.match(safeJson(value), /é漢😀/);
});
