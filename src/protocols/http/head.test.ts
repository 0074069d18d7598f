import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentMask } from '../../carriers/http/masks.ts';
import { Secret } from '../../base/secret.ts';
import type { Permit } from '../../core/decision.ts';
import type { Fields } from '../../http/headers.ts';
import { maskKey } from '../../mask/index.ts';
import { jarOf } from './cookies.ts';
import { type Behind, towardsAsker } from './head.ts';

const permit = {
  duties: { masks: [], finds: [{ entity: '*', operator: { kind: 'redact' } }] },
  operatorOf: () => undefined,
} as unknown as Permit; // all that masks look at

const key = maskKey(Buffer.alloc(32, 1));

function of(subject: string, resource: string = 'web'): Parameters<typeof jarOf>[2] {
  const session = { identity: { subject }, resource: { name: resource } };
  return { stay: { session } } as unknown as Parameters<typeof jarOf>[2]; // all that a jar looks at
}

function shown(fields: Fields): Fields {
  const behind: Pick<Behind, 'prefix' | 'mask' | 'jar'> & { readonly upstream: { readonly base: string } } = {
    upstream: { base: '' },
    prefix: '/web',
    jar: jarOf('sealed', key, of('ann')),
    mask: documentMask(permit, '/people', key),
  };
  return towardsAsker(fields, { changed: false }, behind as Behind).filter(
    ([name]) => name !== 'cache-control',
  );
}

const mail = 'ann.lee@example.com';

test('what is found is masked in every field, those of the protocol and names of cookies too', () => {
  const names =
    'server vary allow age date last-modified retry-after accept-ranges strict-transport-security x-note link';
  for (const name of [...names.split(' '), 'content-type', 'location', 'www-authenticate']) {
    for (const value of [mail, `a; name="${mail}"`, `x, ${mail}`, `a; boundary=${mail}`])
      assert.ok(!JSON.stringify(shown([[name, value]])).includes(mail), `${name}: ${value}`);
  }
  assert.deepEqual(shown([['set-cookie', `${mail}=1`]]), []);
});

test('words of the protocol stay as they are', () => {
  const fields: Fields = [
    ['date', 'Sat, 21 Nov 2026 15:00:00 GMT'],
    ['content-type', 'multipart/mixed; boundary="----=_Part_4155550132_1.123456789"; Charset=UTF-8'],
    ['content-type', 'application/vnd.shop.v2+json;q=1'],
    ['server', 'nginx/1.18.0 (Ubuntu)'],
    ['vary', 'Accept-Encoding, Origin'],
    ['content-security-policy', "default-src 'self' https://cdn.example.com"],
    ['strict-transport-security', 'max-age=31536000; includeSubDomains'],
    ['content-length', '4111111111111111'],
  ];
  assert.deepEqual(shown(fields), fields);
});

test('a cookie that no script may read is sealed for whom and where it was set', () => {
  const cookie = shown([['set-cookie', `sid=${mail}; Path=/; HttpOnly; Domain=x.y`]])[0]?.[1] ?? '';
  assert.match(cookie, /^sid=sallyport1\.[\w-]{40,}; Path=\/web; HttpOnly$/);
  const [pair = ''] = cookie.split(';');
  const taken = (subject: string, resource: string, field: string): string =>
    jarOf('sealed', key, of(subject, resource)).taken(field);
  assert.equal(taken('ann', 'web', `a=1; ${pair}; b`), `a=1; sid=${mail}; b`);
  assert.equal(taken('ann', 'web', pair.replace('=', '="') + '"'), `sid=${mail}`);
  for (const [subject, resource, field] of [
    ['bob', 'web', pair],
    ['ann', 'other', pair],
    ['ann', 'web', pair.replace('sid', 'other')],
    ['ann', 'web', `${pair}A`],
    ['ann', 'web', 'sid=sallyport1.'],
  ] as const)
    assert.equal(taken(subject, resource, `a=1; ${field}`), 'a=1');
  assert.equal(jarOf('none', key, of('ann')).taken('a=1'), '');
  assert.equal(jarOf('none', key, of('ann')).given('a=1; HttpOnly'), undefined);
  assert.equal(jarOf('pass', key, of('ann')).given('a=1; HttpOnly')?.cookie, 'a=1; HttpOnly');
  assert.equal(jarOf('sealed', key, of('ann')).given(`a=${'x'.repeat(4_000)}; HttpOnly`), undefined);
  assert.equal(jarOf('sealed', key, of('ann')).given('a=; HttpOnly')?.cookie, 'a=; HttpOnly');
});

test("policies keep their sources, and lose what is somebody's", () => {
  const value = `default-src 'self' https://cdn.example.com *.x.org:443; script-src 'nonce-4111111111111111' data:; report-uri ${mail}`;
  const [[, csp] = []] = shown([['content-security-policy', value]]);
  assert.equal(csp, value.replace(mail, '[EMAIL_ADDRESS]'));
  assert.deepEqual(
    shown([
      ['x-4111111111111111', 'a'],
      ['etag', `"${mail}"`],
      ['etag', '"1"'],
    ]),
    [['etag', '"1"']],
  );
});

test('a service that repeats what the gateway showed it repeats it to nobody', () => {
  const credential = { header: 'authorization', value: new Secret('Bearer shop-key-0123') };
  const behind = {
    upstream: { base: '', credential },
    prefix: '/web',
    jar: jarOf('sealed', key, of('ann')),
    mask: documentMask({ ...permit, duties: { masks: [], finds: [] } } as unknown as Permit, '/people', key),
  } as unknown as Behind;
  const fields: Fields = [
    ['x-seen', 'Bearer shop-key-0123'],
    ['location', 'https://else.example/?key=shop-key-0123'],
  ];
  const out = JSON.stringify(towardsAsker(fields, { changed: false }, behind));
  assert.ok(!out.includes('shop-key') && out.includes('Bearer ***'), out);
});

test("a number under a word of the protocol is somebody's where no such field has one", () => {
  for (const name of [
    'age',
    'retry-after',
    'strict-transport-security',
    'server',
    'vary',
    'date',
    'last-modified',
  ])
    for (const value of [
      '078-05-1120',
      '4111111111111111',
      'max-age=4111111111111111',
      'x 4111-1111-1111-1111',
    ])
      assert.notDeepEqual(shown([[name, value]]), [[name, value]], `${name}: ${value}`);
  const fields: Fields = [
    ['age', '86400'],
    ['retry-after', '120'],
    ['retry-after', 'Sat, 21 Nov 2026 15:00:00 GMT'],
    ['last-modified', 'Sat, 21 Nov 2026 15:00:00 GMT'],
    ['strict-transport-security', 'max-age=63072000; includeSubDomains; preload'],
  ];
  assert.deepEqual(shown(fields), fields);
});
