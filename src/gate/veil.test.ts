import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foundIn, veiledMessage } from './veil.ts';

const tagged = (path: string): boolean => path === 'email' || path === 'customer.secret';

const cases: readonly (readonly [string, string, string | undefined])[] = [
  ['nothing to hide', '{"model":"m","n":2,"on":true}', '{"model":"m","n":2,"on":true}'],
  ['a tagged path', '{"name":"x","email":"k"}', '{"name":"x","email":"***"}'],
  [
    'a tag on an object',
    '{"customer":{"secret":{"a":1,"b":"c"}}}',
    '{"customer":{"secret":{"a":null,"b":"***"}}}',
  ],
  ['what is found', '{"note":"mail kim@example.com"}', '{"note":"***"}'],
  ['a number that is a card', '{"n":4111111111111111}', '{"n":null}'],
  ['a key that is found', '{"kim@example.com":1}', '{"***":null}'],
  ['JSON in a text', '{"a":"{\\"email\\":\\"k\\"}"}', '{"a":"***"}'],
  ['a coded text', '{"a":"a2ltQGV4YW1wbGUuY29tLCA0MTEx"}', '{"a":"***"}'],
  ['a request', 'DELETE /customers/17', 'DELETE /customers/17'],
  ['a query', 'GET /customers?email=kim%40example.com', 'GET /customers?***'],
  ['a path', 'DELETE /customers/kim%40example.com/x', 'DELETE /customers/***/x'],
  ['a body', 'POST /a\n\n{"email":"k","b":1}', 'POST /a\n\n{"email":"***","b":1}'],
  ['a call', 'find({"email":"k"})', 'find({"email":"***"})'],
  ['a form', 'POST /a\n\nemail=k', undefined],
  ['what is no JSON', '{"a":', undefined],
  ['a key that is given twice', '{"a":1,"a":2}', undefined],
  ['a statement', "DELETE FROM t WHERE a = 'x'", undefined],
];

for (const [name, text, shown] of cases) {
  test(`veiledMessage() of ${name}`, () => assert.equal(veiledMessage(text, tagged), shown));
}

test('foundIn() names what is in any of the texts', () => {
  assert.deepEqual(foundIn(['DELETE FROM t WHERE a = 1', "a = '4111111111111111'"]), ['CREDIT_CARD']);
  assert.deepEqual(foundIn(["DELETE FROM orders WHERE status = 'cancelled'"]), []);
});
