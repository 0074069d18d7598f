import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MaskOperator } from '../../core/decision.ts';
import { maskKey, showText } from '../../mask/index.ts';
import { shortcut } from './cell-shortcuts.ts';

const key = maskKey(new Uint8Array(32).fill(5));
const operators: readonly MaskOperator[] = [
  { kind: 'redact' },
  { kind: 'redact', keepWidth: true },
  { kind: 'partial', keepFirst: 1, keepLast: 4 },
  { kind: 'partial', keepFirst: 0, keepLast: 0 },
  { kind: 'generalise' },
  { kind: 'hash' },
  { kind: 'null' },
];

const label = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9-]{0,8}$/),
  fc.constantFrom('x'.repeat(62), 'x'.repeat(63), 'x'.repeat(64), 'é', '9x', 'a_b'),
);
const mail = fc
  .tuple(
    fc.oneof(
      fc.stringMatching(/^[!-?A-~]{0,6}$/),
      fc.constantFrom('', '*', '***', 'a***', 'x'.repeat(320), 'x'.repeat(321), 'a b', 'ä', 'a@b'),
    ),
    fc.array(label, { maxLength: 13 }),
  )
  .map(([local, labels]) => `${local}@${labels.join('.')}`);
const value = fc.oneof(
  mail,
  fc.constantFrom('', '*', '**', '***', '****', '@'),
  fc.string({ unit: 'binary' }),
);

test('a shortcut shows what showText shows, or leaves it to it', () => {
  let quick = 0;
  fc.assert(
    fc.property(value, fc.constantFrom(...operators), (text, operator) => {
      const take = shortcut(operator);
      const around = Buffer.from(`xx${text}yy`);
      const shown = take?.(around, 2, around.length - 2) ?? undefined;
      if (take === undefined || shown === 'slow' || !text.isWellFormed()) return;
      const expected = showText(operator, text, key);
      assert.equal(shown === undefined ? text : Buffer.from(shown).toString(), expected);
      assert.equal(shown === undefined, expected === text);
      quick += 1;
    }),
    { numRuns: 10_000 },
  );
  assert.ok(quick > 500, `only ${quick} were quick`);
});
