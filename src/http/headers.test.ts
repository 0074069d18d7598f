import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fields, refusedHeaders, towardsClient, towardsResource } from './headers.ts';

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
    ['cookie', 'a=1; b=2'],
    ['content-type', 'application/json'],
  ]);
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
