import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { maskKey } from '../../mask/index.ts';
import { type CookieRule, type Jar, jarOf } from './cookies.ts';

const key = maskKey(Buffer.alloc(32, 1));

interface Whose {
  readonly subject?: string;
  readonly resource?: string;
  readonly rule?: CookieRule;
  readonly own?: typeof key;
}

function jar({ subject = 'ann', resource = 'web', rule = 'sealed', own = key }: Whose = {}): Jar {
  const session = { identity: { subject }, resource: { name: resource } };
  return jarOf(rule, own, { stay: { session } } as unknown as Exchange); // all that is read of it
}

/** The `name=value` that a client sends back. */
function sealed(cookie: string, from: Jar = jar()): string {
  const given = from.given(cookie);
  assert.equal(given?.sealed, true);
  const [pair = '', ...attributes] = given.cookie.split(';');
  assert.deepEqual(attributes, cookie.split(';').slice(1));
  return pair;
}

test('a cookie that no script may read comes back as it was set, and nothing of it can be read on the way', () => {
  const value = fc.stringMatching(/^[!#-+\--:<-[\]-~]{1,200}$/).filter((text) => !text.startsWith('"'));
  fc.assert(
    fc.property(
      value,
      fc.constantFrom('; HttpOnly', ';httponly', '; Path=/; HTTPONLY ; Secure'),
      (text, rest) => {
        const pair = sealed(`sid=${text}${rest}`);
        if (text.length > 8) assert.ok(!pair.includes(text));
        assert.equal(jar().taken(`a=1; ${pair}; b=2`), `a=1; sid=${text}; b=2`);
        assert.equal(jar().taken(pair.replace('=', '="') + '"'), `sid=${text}`, 'clients may quote it');
      },
    ),
  );
});

test('it is nothing in the hands of another, for another resource, under another name or key, or cut or changed', () => {
  const pair = sealed('sid=secret-of-ann; HttpOnly');
  const value = pair.slice('sid='.length);
  const kept = 'a=1';
  const other = maskKey(Buffer.alloc(32, 2));
  for (const from of [jar({ subject: 'bob' }), jar({ resource: 'web2' }), jar({ own: other })])
    assert.equal(from.taken(`${pair}; ${kept}`), kept);
  assert.equal(jar().taken(`uid=${value}; ${kept}`), kept);
  for (let length = 'sallyport1.'.length; length < value.length; length++)
    assert.equal(jar().taken(`sid=${value.slice(0, length)}; ${kept}`), kept);
  const bytes = Buffer.from(value.slice('sallyport1.'.length), 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(jar().taken(`sid=sallyport1.${changed.toString('base64url')}; ${kept}`), kept);
  }
});

test('the same cookie is sealed otherwise each time', () => {
  assert.notEqual(sealed('sid=secret; HttpOnly'), sealed('sid=secret; HttpOnly'));
});

test('names and values that could be put together in another way are other cookies', () => {
  const one = sealed('a=secret; HttpOnly', jar({ subject: 'x"],"y' }));
  assert.equal(jar({ subject: 'x', resource: 'web"],"y' }).taken(one), '');
});

test('what scripts may read goes as it is, as does one that is removed; a rule may pass all or none', () => {
  for (const cookie of ['theme=dark; Path=/', 'sid=; HttpOnly; Max-Age=0', 'note=httponly'])
    assert.deepEqual(jar().given(cookie), { cookie, sealed: false });
  const cookie = 'sid=secret; HttpOnly';
  assert.deepEqual(jar({ rule: 'pass' }).given(cookie), { cookie, sealed: false });
  assert.equal(jar({ rule: 'none' }).given(cookie), undefined);
  assert.equal(jar({ rule: 'none' }).taken('a=1'), '');
});

test('one that browsers would not keep any more when it is sealed is not set', () => {
  assert.equal(jar().given(`sid=${'x'.repeat(3_000)}; HttpOnly`), undefined);
  assert.equal(jar().given(`sid=${'x'.repeat(2_900)}; HttpOnly`)?.sealed, true);
});
