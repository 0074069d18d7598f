import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MaskOperator } from '../core/decision.ts';
import { maskKey } from './key.ts';
import { showText } from './operators.ts';
import { revealTokens } from './reveal.ts';
import { untoken } from './token.ts';

// What each operator promises, for every text: what people of all scripts write, and what nobody does.

const key = maskKey(new Uint8Array(32).fill(1));
const other = maskKey(new Uint8Array(32).fill(2));

const odd = [
  '',
  'a',
  ' ',
  '\t\n',
  '🙂',
  '👨‍👩‍👧‍👦',
  '👨‍👩‍👧‍👦👨‍👩‍👧‍👦',
  '🇩🇪🇫🇷🇮🇹🇪🇸',
  'e\u0301',
  'Zoe\u0308 A\u030Angstro\u0308m',
  `a${'\u0301'.repeat(40)}bcdefgh`,
  '\u0301'.repeat(20),
  'ab\u200B\u200B\u200B\u200B\u200B\u200B\u200B',
  '\u202Eabcdefgh',
  'a                 b',
  'שלום עולם ארוך',
  'السلام عليكم ورحمة',
  'नमस्ते दुनिया',
  '日本語の名前です',
  '４１１１１１１１１１１１１１１１',
  '---',
  '!!!!!!!!',
  'Y',
  '7',
  '000000',
  '++++++++',
  '*'.repeat(9),
  'x'.repeat(5_000),
  '🙂'.repeat(700),
];
const written = fc.oneof(
  fc.constantFrom(...odd),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom(
      'a',
      'b',
      '1',
      ' ',
      '-',
      '\u0301',
      '\u200B',
      '\u202E',
      '🙂',
      '👧',
      '\u200D',
      'ש',
      '日',
    ),
    maxLength: 30,
  }),
  fc.emailAddress(),
  fc.stringMatching(/^[0-9 ().+-]{6,24}$/),
  fc.integer().map(String),
);
const partials = fc.record({
  kind: fc.constant('partial' as const),
  keepFirst: fc.nat(20),
  keepLast: fc.nat(20),
});
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

function graphemes(text: string): readonly string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** What a person can tell apart. */
function visible(text: string): number {
  const seen = text.replaceAll(/[\p{Default_Ignorable_Code_Point}\p{C}]/gu, '').trim();
  return graphemes(seen.replaceAll(/\s+/gu, ' ')).length;
}

const separators = /^[\p{Nd}*\s\-./()+]+$/u;

test('partial: at most half, at most four, at most what was asked for, nothing of fewer than eight, as wide as before', () => {
  fc.assert(
    fc.property(partials, written, (operator, value) => {
      fc.pre(!value.includes('*') && !value.includes('@'));
      const [was, is] = [Array.from(value), Array.from(showText(operator, value, key))];
      assert.equal(is.length, was.length);
      const grouped = separators.test(value);
      const stays = was.filter((char, at) => char === is[at] && (!grouped || /\p{Nd}/u.test(char)));
      const count = grouped ? was.filter((char) => /\p{Nd}/u.test(char)).length : was.length;
      assert.ok(stays.length <= Math.min(4, count / 2), value);
      const seen = grouped ? count : visible(value);
      const seenStays = graphemes(stays.join('')).length;
      assert.ok(seenStays <= (seen < 8 ? 0 : Math.min(4, seen / 2)), JSON.stringify([value, stays]));
      assert.ok(seenStays <= operator.keepFirst + operator.keepLast);
    }),
    { numRuns: 5_000 },
  );
});

test('partial of an e-mail address: at most the first character of the name, and its domain', () => {
  fc.assert(
    fc.property(partials, fc.emailAddress(), (operator, value) => {
      const [name = '', domain = ''] = value.split('@');
      const shown = showText(operator, value, key);
      const first =
        graphemes(name).length < 2 || operator.keepFirst + operator.keepLast === 0 ? '' : (name[0] ?? '');
      assert.equal(shown, `${first === '*' ? '' : first}***@${domain}`);
    }),
  );
});

const whole: readonly MaskOperator[] = [
  { kind: 'redact' },
  { kind: 'null' },
  { kind: 'noise', percent: 10, days: 9 },
];

test('redact, null and noise show nothing of a text; with its width, as many stars as code points', () => {
  fc.assert(
    fc.property(fc.constantFrom(...whole), written, (operator, value) => {
      assert.equal(showText(operator, value, key), value === '' ? '' : '***');
      const wide = showText({ kind: 'redact', keepWidth: true }, value, key);
      assert.equal(wide, '*'.repeat(Array.from(value).length));
    }),
    { numRuns: 1_000 },
  );
});

test('hash: equal values are equal under one key and under no other, different ones differ, and nothing of them shows', () => {
  const hash: MaskOperator = { kind: 'hash' };
  fc.assert(
    fc.property(written, written, (one, two) => {
      fc.pre(one !== '' && one.isWellFormed() && two.isWellFormed());
      const shown = showText(hash, one, key);
      assert.match(shown, /^h_[a-p]{40}$/);
      assert.equal(showText(hash, one, key), shown);
      assert.notEqual(showText(hash, one, other), shown);
      assert.equal(showText(hash, two, key) === shown, one === two);
    }),
    { numRuns: 1_000 },
  );
});

test('token: every text comes back from it, with its key alone; different ones differ', () => {
  const token: MaskOperator = { kind: 'token' };
  fc.assert(
    fc.property(written, written, (one, two) => {
      fc.pre(one !== '' && one.isWellFormed() && two !== one && two.isWellFormed());
      const shown = showText(token, one, key);
      assert.match(shown, /^t_[a-p]+$|^[+(]?\d[\d\s\-./()]*$/);
      assert.notEqual(showText(token, two, key), shown);
      assert.equal(untoken(shown, key), one);
      assert.notEqual(untoken(shown, other), one);
      const [back] = revealTokens([shown], { keys: [other, key], digitsKey: 1 });
      assert.equal(back?.kind === 'value' ? back.value : undefined, one);
      if (shown.startsWith('t_')) {
        assert.deepEqual(revealTokens([shown], { keys: [other] }), [{ kind: 'none' }]);
        const cut = shown.slice(0, -2);
        assert.deepEqual(revealTokens([cut], { keys: [key] }), [{ kind: 'none' }]);
      } else assert.equal(shown.replaceAll(/\d/g, '0'), one.replaceAll(/\d/g, '0'));
    }),
    { numRuns: 400 },
  );
});

test('fake: the same for the same value, never the value, and no letter, mark or sign of it stays', () => {
  const fake: MaskOperator = { kind: 'fake' };
  fc.assert(
    fc.property(written, (value) => {
      fc.pre(value !== '' && !/^\*+$/.test(value));
      const shown = showText(fake, value, key);
      assert.equal(showText(fake, value, key), shown);
      assert.notEqual(shown, value);
      for (const char of value) {
        if (/[^\p{ASCII}]/u.test(char) && !/\s/u.test(char))
          assert.ok(!shown.includes(char), JSON.stringify([value, shown]));
      }
    }),
    { numRuns: 3_000 },
  );
});

test('generalise: a year, a net, an area, a domain, one digit and noughts, or stars', () => {
  const forms =
    /^(?:\d{4}-01-01|01([./-])01\1\d{4}|-?\d0*|\d{1,3}(?:\.\d{1,3}){2}\.0\/24|[0-9a-f:]+::\/48|[A-Z\d]{2,4} \*\*\*|\*\*\*@[^\s@]+|\*\*\*)$/i;
  fc.assert(
    fc.property(
      fc.oneof(
        written,
        fc.ipV4(),
        fc.ipV6(),
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString().slice(0, 10)),
      ),
      (value) => {
        fc.pre(value !== '');
        assert.match(showText({ kind: 'generalise' }, value, key), forms);
      },
    ),
    { numRuns: 2_000 },
  );
});
