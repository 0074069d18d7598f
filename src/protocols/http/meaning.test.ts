import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTarget } from '../../http/target.ts';
import { meaningOf } from './meaning.ts';

function kindOf(url: string, type: string, text: string, methodFields: boolean = false): string {
  const target = readTarget(url);
  assert.ok(target.ok);
  const fields = type === '' ? [] : [['content-type', type] as const];
  const body = Buffer.from(text);
  const asked = { method: 'POST', host: 'h', target: target.value, fields, route: undefined, body };
  return meaningOf({ ...asked, length: body.length, methodFields }).kind;
}

const form = 'application/x-www-form-urlencoded';
const multipart = 'multipart/form-data; boundary=b';
const part = '--b\r\nContent-Disposition: form-data; name="_method"\r\n\r\nDELETE\r\n--b--\r\n';

for (const [what, url, type, text] of [
  ['a form', '/a', form, 'x=1&_method=delete'],
  ['a form in other letters', '/a', form, '%5FMethod=delete'],
  ['a form behind a semicolon', '/a', form, 'x=1;_method=delete'],
  ['a list of a form', '/a', form, '_method[]=delete'],
  ['the query', '/a?_method=DELETE', form, 'x=1'],
  ['the query of a request without a body', '/a?_HttpMethod=PATCH', '', ''],
  ['a header in the query', '/a?X-HTTP-Method-Override=PUT', '', ''],
  ['multipart', '/a', multipart, part],
  ['JSON', '/a', 'application/json', '{"_method":"DELETE"}'],
] as const)
  test(`a field that overrides the method is refused, but where the service is known for it: ${what}`, () => {
    assert.equal(kindOf(url, type, text), 'refused');
    assert.equal(kindOf(url, type, text, true), 'understood');
  });

test('what only is called alike is a field', () => {
  assert.equal(kindOf('/a?method=x&payment_method=y', form, 'http_method=1'), 'understood');
  assert.equal(kindOf('/a', 'application/json', '{"a":{"_method":1}}'), 'understood');
});
