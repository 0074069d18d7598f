import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentMask } from '../../carriers/http/masks.ts';
import type { Permit } from '../../core/decision.ts';
import type { Fields } from '../../http/headers.ts';
import { maskKey } from '../../mask/index.ts';
import { type Behind, towardsAsker } from './head.ts';

const permit = {
  duties: { masks: [], finds: [{ entity: '*', operator: { kind: 'redact' } }] },
  operatorOf: () => undefined,
} as unknown as Permit; // all that masks look at

function shown(fields: Fields): Fields {
  const behind: Pick<Behind, 'prefix' | 'mask'> & { readonly upstream: { readonly base: string } } = {
    upstream: { base: '' },
    prefix: '/web',
    mask: documentMask(permit, '/people', maskKey(Buffer.alloc(32, 1))),
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
    ['etag', `W/"4111111111111111"`],
    ['content-security-policy', "default-src 'self' https://cdn.example.com"],
    ['strict-transport-security', 'max-age=31536000; includeSubDomains'],
    ['content-length', '4111111111111111'],
  ];
  assert.deepEqual(shown(fields), fields);
});
