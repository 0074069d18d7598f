import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../base/secret.ts';
import { KeyScan, keysOf, starred, withoutKey } from './key-scan.ts';

const bearer = { header: 'authorization', value: new Secret('Bearer sk-a/b+c"1234567') };
const pair = Buffer.from('gate:hunter2-secret').toString('base64');
const basic = { header: 'authorization', value: new Secret(`Basic ${pair}`) };

const bodies: readonly (readonly [text: string, credential: typeof bearer, hidden: readonly string[]])[] = [
  ['you sent Bearer sk-a/b+c"1234567.', bearer, ['1234567']],
  ['{"key":"sk-a\\/b+c\\"1234567"}', { ...bearer, value: new Secret('sk-a/b+c1234567') }, []],
  [JSON.stringify({ key: 'sk-a/b+c"1234567' }), bearer, ['1234567']],
  ['{"key":"sk-a\\/b+c1234567"}', { ...bearer, value: new Secret('sk-a/b+c1234567') }, ['1234567']],
  [`k=${encodeURIComponent('sk-a/b+c"1234567')}&b`, bearer, ['1234567']],
  [`Basic ${pair} is gate:hunter2-secret, hunter2-secret`, basic, [pair, 'hunter2']],
  ['sk-a/b+c"sk-a/b+c"1234567sk-a/b+c"1234567', bearer, ['1234567']],
  ['sk-a/b+', bearer, []],
  ['nothing of it', bearer, []],
];

test('a credential is stars of its length, however the bytes are cut', () => {
  for (const [text, credential, hidden] of bodies) {
    const keys = keysOf(credential);
    const whole = Buffer.from(starred(Buffer.from(text), keys)).toString();
    assert.equal(whole.length, text.length);
    for (const each of hidden) assert.ok(!whole.includes(each) && text.includes(each), whole);
    if (hidden.length === 0) assert.equal(whole, text);
    for (let at = 0; at <= text.length; at++) {
      const scan = new KeyScan(keys);
      const pieces = [text.slice(0, at), text.slice(at)].map((piece) => Buffer.from(piece));
      const shown = pieces.map((piece) => Buffer.from(scan.push(piece)));
      assert.equal(Buffer.concat([...shown, scan.end()]).toString(), whole, `${text} at ${at}`);
      assert.equal(Buffer.concat(pieces).toString(), text, 'what was given stays as it is');
    }
    const scan = new KeyScan(keys);
    const single = Array.from(text, (char) => Buffer.from(scan.push(Buffer.from(char))));
    assert.equal(Buffer.concat([...single, scan.end()]).toString(), whole, 'byte by byte');
  }
});

test('no more is held back than a credential may begin with', () => {
  const scan = new KeyScan(keysOf(bearer));
  assert.equal(Buffer.from(scan.push(Buffer.from('data: hello\n\n'))).toString(), 'data: hello\n\n');
  assert.equal(Buffer.from(scan.push(Buffer.from('a sk-a'))).toString(), 'a ');
  assert.equal(Buffer.from(scan.push(Buffer.from('x'))).toString(), 'sk-ax');
});

const odd = { header: 'authorization', value: new Secret('Bearer abc+de/fgh=') };
for (const [what, text] of [
  ['.NET', 'abc\\u002Bde/fgh='],
  ['Gson', 'abc+de/fgh\\u003d'],
  ['all in JSON', 'abc\\u002bde\\u002ffgh\\u003d'],
  ['PHP', 'abc+de\\/fgh='],
  ['lower percents', 'abc%2bde%2ffgh%3d'],
  ['percents but for slashes', 'abc%2Bde/fgh%3D'],
  ['one percent', 'abc%2Bde/fgh='],
  ['Mustache', 'abc+de&#x2F;fgh&#x3D;'],
  ['Handlebars', 'abc+de/fgh&#x3D;'],
  ['Go templates', 'abc&#43;de/fgh='],
] as const)
  test(`a credential is found as programs write it: ${what}`, () => {
    const shown = Buffer.from(starred(Buffer.from(`x ${text} y`), keysOf(odd))).toString();
    assert.equal(shown, `x ${'*'.repeat(text.length)} y`);
    assert.equal(withoutKey(`x ${text} y`, odd), 'x *** y');
  });

const short = { header: 'x-key', value: new Secret('abc') };
const word = { header: 'authorization', value: new Secret('Bearer abc') };
const pin = {
  header: 'authorization',
  value: new Secret(`Basic ${Buffer.from('gate:1234').toString('base64')}`),
};
for (const [text, credential, wanted] of [
  ['an abc of abcdef', short, 'an abc of abcdef'],
  ['{"a":"abc","b":"abcd"}', short, '{"a":"***","b":"abcd"}'],
  ['"{\\"a\\":\\"abc\\"}"', short, '"{\\"a\\":\\"***\\"}"'],
  ["['abc']<b>abc</b>", short, "['***']<b>***</b>"],
  ['X-Key: abc\nx-key=abc', short, 'X-Key: ***\nx-key=***'],
  ['you said Bearer abc, bearer abc', word, 'you said Bearer ***, bearer ***'],
  ['{"password":"1234","year":1234}', pin, '{"password":"****","year":1234}'],
] as const)
  test(`what is short stands in texts by chance, and is found where it stands by itself: ${text}`, () => {
    for (let at = 0; at <= text.length; at++) {
      const scan = new KeyScan(keysOf(credential));
      const shown = [text.slice(0, at), text.slice(at)].map((piece) =>
        Buffer.from(scan.push(Buffer.from(piece))),
      );
      assert.equal(Buffer.concat([...shown, scan.end()]).toString(), wanted, `at ${at}`);
    }
    assert.equal(withoutKey(text, credential), wanted.replaceAll('****', '***'));
  });

test('a field that is nothing but a credential is hidden, however short that is', () => {
  assert.equal(withoutKey('abc', short), '***');
  assert.equal(withoutKey('Bearer abc', word), 'Bearer ***');
  assert.equal(withoutKey('abcd', short), 'abcd');
  assert.equal(withoutKey('it is sk-a/b+c"1234567', bearer), 'it is ***');
});

test('signs of patterns in the name of a field put no credential back', () => {
  const odd = { header: 'x-$&', value: new Secret('abc') };
  assert.equal(withoutKey('got x-$&: abc', odd), 'got x-$&: ***');
});
