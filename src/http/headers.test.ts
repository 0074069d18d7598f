import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cookieBehind,
  cookiesOf,
  type Fields,
  mayBeNamed,
  refusedHeaders,
  towardsClient,
  towardsResource,
  withoutToken,
} from './headers.ts';

test('credentials, hop-by-hop fields and the words of gateways do not go on', () => {
  const fields: Fields = [
    ['host', 'x'],
    ['authorization', 'Bearer t'],
    ['x-api-key', 't'],
    ['x_api_key', 't'],
    ['connection', 'close, x-private'],
    ['x-private', '1'],
    ['transfer-encoding', 'chunked'],
    ['x-forwarded-for', '1.2.3.4'],
    ['x_forwarded_for', '1.2.3.4'],
    ['x-remote-user', 'root'],
    ['x-original-url', '/admin'],
    ['sallyport-run', 'r1'],
    ['cookie', 'a=1; sallyport_session=t; b=2'],
    ['content-type', 'application/json'],
    ['range', 'bytes=0-1'],
  ];
  assert.deepEqual(towardsResource(fields), [
    ['content-type', 'application/json'],
    ['cookie', 'a=1; b=2'],
  ]);
});

test('nobody can pose as a gateway, or have dropped what was judged', () => {
  for (const name of [
    'forwarded',
    'x-envoy-external-address',
    'x-ssl-client-cert',
    'client-cert',
    'x-amzn-oidc-identity',
    'cf-access-jwt-assertion',
    'x_remote_user',
    'proxy-authorization',
    'te',
    'upgrade',
    'x-original-forwarded-for',
    'x.forwarded.for',
    'x~real~ip',
    'remote-groups',
    'client-ip',
    'proxy',
    'oidc_claim_sub',
    'x-middleware-subrequest',
    'impersonate-user',
    'x.api!key',
  ])
    assert.deepEqual([...towardsResource([[name, '1']]), mayBeNamed(name)], [false], name);
  for (const name of ['accept', 'content-type', 'x-request-id', 'if-match', 'x-amz-date', 'x-users-page'])
    assert.deepEqual([...towardsResource([[name, '1']]), mayBeNamed(name)], [[name, '1'], true], name);
  for (const name of [
    'cookie',
    'x-http-method-override',
    'host',
    'content-length',
    'sallyport-reason',
    'x-api-key',
  ])
    assert.equal(mayBeNamed(name), false, name);
  for (const value of ['content-type', 'close, Content_Encoding', 'sallyport-reason', 'Host'])
    assert.ok(refusedHeaders([['connection', value]]) !== undefined, value);
  for (const value of ['close', 'keep-alive, x-hop', 'upgrade, http2-settings'])
    assert.equal(refusedHeaders([['connection', value]]), undefined, value);
});

test('a resource says nothing of the host that is the gateway', () => {
  const names = [
    'alt-svc',
    'clear-site-data',
    'nel',
    'report-to',
    'service-worker-allowed',
    'te',
    'keep-alive',
  ];
  const said: Fields = names.map((name) => [name, '1']);
  assert.deepEqual(towardsClient(said, { changed: false }), []);
});

test('what a mask changes takes its length, coding and validators along', () => {
  const fields: Fields = [
    ['content-type', 'application/json'],
    ['content-length', '5'],
    ['content-encoding', 'gzip'],
    ['etag', '"a"'],
    ['set-cookie', 'a=1'],
    ['set-cookie', 'sallyport_session=stolen'],
    ['connection', 'x-hop'],
    ['x-hop', '1'],
  ];
  assert.deepEqual(towardsClient(fields, { changed: true }), [
    ['content-type', 'application/json'],
    ['set-cookie', 'a=1'],
  ]);
  assert.equal(towardsClient(fields, { changed: false }).length, 5);
});

test("the gateway's own cookie does not go on, however it is written, and cookies are one field", () => {
  const cookies: Fields = [
    ['cookie', 'sallyport_session =t; a=1'],
    ['cookie', 'sallyport_session'],
    ['cookie', 'b=2;sallyport_session=t'],
  ];
  assert.deepEqual(towardsResource(cookies), [['cookie', 'a=1; b=2']]);
  assert.deepEqual(cookiesOf(cookies, 'sallyport_session'), ['t', 't']);
});

test("a resource cannot set the gateway's cookie", () => {
  for (const value of [
    'sallyport_session=x',
    ' sallyport_session =x; Path=/',
    'SALLYPORT_SESSION=x',
    '=sallyport_session=x',
    'sallyport_session',
    '',
  ]) {
    assert.deepEqual(towardsClient([['set-cookie', value]], { changed: false }), [], value);
  }
});

for (const [cookie, prefix, base, set] of [
  ['a=1', '/web', '', 'a=1; Path=/web'],
  ['a=1; Path=/', '/web', '/v2', 'a=1; Path=/web'],
  ['a=1; path=/v2/x; Secure', '/web', '/v2', 'a=1; Path=/web/x; Secure'],
  ['a=b=c; Domain=internal; HttpOnly', '/web', '', 'a=b=c; Path=/web; HttpOnly'],
  ['a=1; Path=/x', '', '', 'a=1; Path=/x'],
  ['a=1', '', '', 'a=1; Path=/'],
] as const) {
  test(`a cookie belongs to its resource: ${cookie} behind ${prefix}`, () => {
    assert.equal(cookieBehind(cookie, prefix, base), set);
  });
}

test('two content types, codings or lengths are refused', () => {
  for (const name of ['content-type', 'content-encoding', 'content-length']) {
    assert.ok(refusedHeaders([[name, 'a'], [name.replace('-', '_'), 'b']]) !== undefined, name); // prettier-ignore
  }
});

test('a header that overrides the method is refused', () => {
  for (const name of [
    'x-http-method-override',
    'x-method-override',
    'x-http-method',
    'x_http_method_override',
  ]) {
    assert.ok(refusedHeaders([[name, 'DELETE']]) !== undefined, name);
  }
  assert.equal(refusedHeaders([['x-method', 'y']]), undefined);
});

test('a token of the gateway goes nowhere, under whatever name a client sends it besides', () => {
  const kept: Fields = [
    ['authorization', 'Bearer t0ken'],
    ['accept', '*/*'],
  ];
  assert.equal(withoutToken(kept, 't0ken'), kept);
  for (const more of [
    ['x-token', 't0ken'],
    ['private-token', 'Bearer t0ken'],
    ['cookie', 'key=t0ken'],
  ] as const) {
    assert.deepEqual(towardsResource(withoutToken([...kept, more], 't0ken')), [['accept', '*/*']], more[0]);
  }
  const cookies: Fields = [['cookie', 'a=1; key=t0ken; b=2']];
  assert.deepEqual(towardsResource(withoutToken(cookies, 't0ken')), [['cookie', 'a=1; b=2']]);
});
