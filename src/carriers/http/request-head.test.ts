import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fields } from '../../http/headers.ts';
import type { HttpClientParts } from './client.ts';
import { headOf } from './request-head.ts';

const parts = { address: 'shop:80' } as HttpClientParts;
const { signal } = new AbortController();
const head = (path: string, fields: Fields): string => headOf(parts, { method: 'GET', path, fields, signal });

test('headOf() says what it was given, and where the resource is', () => {
  assert.equal(
    head('/x?y=1', [['a', 'b']]),
    'GET /x?y=1 HTTP/1.1\r\nhost: shop:80\r\na: b\r\nconnection: keep-alive\r\n\r\n',
  );
});

for (const [what, path, fields] of [
  ['a field in a value', '/x', [['a', 'b\r\nx-user: root']]],
  ['a field in a name', '/x', [['a: b\r\nc', 'd']]],
  ['a field in a path', '/x HTTP/1.1\r\na: b\r\nc:', []],
  ['a request in a value', '/x', [['a', 'b\r\n\r\nGET /y HTTP/1.1\r\nhost: z']]],
  ['a bare line feed', '/x', [['a', 'b\nc: d']]],
  ['a bare carriage return', '/x', [['a', 'b\rc: d']]],
  ['NUL', '/x', [['a', 'b\0']]],
  ['a letter that is no byte', '/x', [['a', '\u010d\u010a']]],
  ['a length of its own', '/x', [['content-length', '5']]],
  ['a path that is none', 'x', []],
] as const) {
  test(`headOf() refuses ${what}`, () => assert.throws(() => head(path, fields), { code: 'bug' }));
}
