import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MaskOperator } from '../core/decision.ts';
import { maskKey } from './key.ts';
import { maskFindings, showText } from './operators.ts';
import { untoken } from './token.ts';

const key = maskKey(new Uint8Array(32).fill(1));
const other = maskKey(new Uint8Array(32).fill(2));
const partial: MaskOperator = { kind: 'partial', keepFirst: 1, keepLast: 4 };

const shown: readonly (readonly [MaskOperator, string, string])[] = [
  [{ kind: 'redact' }, 'Ann Lee', '***'],
  [{ kind: 'null' }, 'Ann Lee', '***'],
  [{ kind: 'redact' }, '', ''],
  [partial, 'ann.lee@example.com', 'a***@example.com'],
  [partial, 'a@example.com', '***@example.com'],
  [{ kind: 'partial', keepFirst: 0, keepLast: 0 }, 'ann@example.com', '***@example.com'],
  [{ kind: 'partial', keepFirst: 0, keepLast: 4 }, '219-09-9998', '***-**-9998'],
  [{ kind: 'partial', keepFirst: 0, keepLast: 4 }, '4111 1111 1111 1234', '**** **** **** 1234'],
  [{ kind: 'partial', keepFirst: 6, keepLast: 9 }, '4111111111111234', '************1234'],
  [partial, 'secret', '******'],
  [partial, '7654321', '*******'],
  [partial, 'Annabell Lee', '******** Lee'],
  [{ kind: 'generalise' }, '1984-07-21', '1984-01-01'],
  [{ kind: 'generalise' }, '10.20.30.40', '10.20.30.0/24'],
  [{ kind: 'generalise' }, '-12345.67', '-10000'],
  [{ kind: 'generalise' }, 'Ann Lee', '***'],
  [{ kind: 'generalise' }, '21.07.1984', '01.01.1984'],
  [{ kind: 'generalise' }, '2001:db8:12:34::1', '2001:db8:12::/48'],
  [{ kind: 'generalise' }, 'SW1A 1AA', 'SW1A ***'],
  [{ kind: 'redact', keepWidth: true }, 'Ann Lee', '*******'],
  [{ kind: 'redact', keepWidth: true }, '日本', '**'],
];

test('showText() shows each operator its way', () => {
  for (const [operator, value, expected] of shown) {
    assert.equal(showText(operator, value, key), expected, `${operator.kind} ${value}`);
  }
  assert.equal(
    showText({ kind: 'redact' }, 'ann@example.com', key, { entity: 'EMAIL_ADDRESS' }),
    '[EMAIL_ADDRESS]',
  );
});

test('a hash joins under one key, says nothing under another, and holds no digits', () => {
  const hash: MaskOperator = { kind: 'hash' };
  assert.match(showText(hash, '219-09-9998', key), /^h_[a-p]{40}$/);
  assert.equal(showText(hash, '219-09-9998', key), showText(hash, '219-09-9998', key));
  assert.notEqual(showText(hash, '219-09-9998', key), showText(hash, '219-09-9997', key));
  assert.notEqual(showText(hash, '219-09-9998', key), showText(hash, '219-09-9998', other));
  // What only looks like a hash is hashed.
  const forged = `h_${'a'.repeat(40)}`;
  assert.notEqual(showText(hash, forged, key), forged);
});

const operators = fc.oneof(
  fc.constantFrom<MaskOperator>(
    { kind: 'redact' },
    { kind: 'hash' },
    { kind: 'generalise' },
    { kind: 'null' },
  ),
  fc.record({ kind: fc.constant('partial' as const), keepFirst: fc.nat(9), keepLast: fc.nat(9) }),
);
const values = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.emailAddress(),
  fc.ipV4(),
  fc.integer().map(String),
  fc.stringMatching(/^[0-9 ().+-]{6,24}$/),
);

test('showText() on what it showed changes nothing', () => {
  fc.assert(
    fc.property(operators, values, (operator, value) => {
      const once = showText(operator, value, key);
      assert.equal(showText(operator, once, key), once);
    }),
    { numRuns: 3_000 },
  );
});

test('partial never keeps more than half, nor more than four, nor anything of fewer than eight', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc.nat(40),
      fc.nat(40),
      (value, keepFirst, keepLast) => {
        fc.pre(!value.includes('*') && !value.includes('@'));
        const made = Array.from(showText({ kind: 'partial', keepFirst, keepLast }, value, key));
        const chars = Array.from(value);
        const grouped = /^[\p{Nd}\s\-./()+]*$/u.test(value);
        const kept = made.filter(
          (char, at) => char === chars[at] && (!grouped || /\p{Nd}/u.test(char)),
        ).length;
        assert.equal(made.length, chars.length);
        assert.ok(kept <= (chars.length < 8 ? 0 : Math.min(4, chars.length / 2)));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('maskFindings() shows what a rule names and leaves the rest', () => {
  const text = 'ann@example.com paid with 4111 1111 1111 1111';
  assert.deepEqual(
    maskFindings(
      text,
      [{ entity: 'CREDIT_CARD', operator: { kind: 'partial', keepFirst: 0, keepLast: 4 } }],
      { key },
    ),
    {
      text: 'ann@example.com paid with **** **** **** 1111',
      masked: 1,
      types: ['CREDIT_CARD'],
    },
  );
  assert.deepEqual(maskFindings(text, [{ entity: '*', operator: { kind: 'redact' } }], { key }), {
    text: '[EMAIL_ADDRESS] paid with [CREDIT_CARD]',
    masked: 2,
    types: ['EMAIL_ADDRESS', 'CREDIT_CARD'],
  });
  assert.deepEqual(maskFindings(text, [], { key }), { text, masked: 0, types: [] });
});

const token: MaskOperator = { kind: 'token' };
const fake: MaskOperator = { kind: 'fake' };

test('a token is undone with its key and no other; a number keeps its digits and separators', () => {
  for (const value of ['Ann Lee', 'ann@example.com', '4111 1111 1111 1111', '219-09-9998', '日本', '12345']) {
    const made = showText(token, value, key);
    assert.notEqual(made, value);
    assert.equal(untoken(made, key), value);
    assert.notEqual(untoken(made, other), value);
    assert.equal(made, showText(token, value, key), 'equal values join');
  }
  assert.match(showText(token, '4111 1111 1111 1111', key), /^\d{4} \d{4} \d{4} \d{4}$/);
  assert.match(showText(token, 'Ann Lee', key), /^t_[a-p]+$/);
  // Inside another text a number would be found again: there every token is sealed, and stays what it is.
  const shown = maskFindings('pay 4111 1111 1111 1111', [{ entity: '*', operator: token }], { key });
  assert.match(shown.text, /^pay t_[a-p]+$/);
  assert.equal(untoken(shown.text.slice(4), key), '4111 1111 1111 1111');
  assert.equal(untoken('t_abc', key), undefined);
});

test('a sealed token is sealed once', () => {
  fc.assert(
    fc.property(values, (value) => {
      fc.pre(!/\d{6}/.test(value.replaceAll(/\D/g, '')));
      const once = showText(token, value, key);
      assert.equal(showText(token, once, key), once);
    }),
    { numRuns: 500 },
  );
});

test('a pseudonym is the same for the same value, of its form, and nobody real', () => {
  const forms: readonly (readonly [string, RegExp])[] = [
    ['ann.lee@corp.test', /^user-[a-p]{16}@example\.com$/],
    ['4111 1111 1111 1111', /^9\d{3} \d{4} \d{4} \d{4}$/],
    ['219-09-9998', /^9\d\d-\d\d-\d{4}$/],
    ['Ann Lee', /^[A-Z][a-z]+ [A-Z][a-z]+$/],
    ['Ann', /^[A-Z][a-z]+$/],
    ['10.20.30.40', /^192\.0\.2\.\d+$/],
    ['fe80::1', /^2001:db8::[0-9a-f]{4}$/],
    ['https://intra.corp.test/x', /^https:\/\/example\.com\/[a-p]{16}$/],
    ['1984-07-21', /^1984-\d\d-\d\d$/],
    ['AB-12', /^[A-Z]{2}-9\d$/],
  ];
  for (const [value, form] of forms) {
    const made = showText(fake, value, key);
    assert.match(made, form, value);
    assert.notEqual(made, value);
    assert.equal(made, showText(fake, value, key));
    assert.notEqual(made, showText(fake, value, other), value);
  }
  const finds = [{ entity: '*', operator: fake }];
  const shown = maskFindings('ann@corp.test paid with 4111 1111 1111 1111', finds, { key }).text;
  assert.match(shown, /^user-[a-p]{16}@example\.com paid with 9\d{3} \d{4} \d{4} \d{4}$/);
});
