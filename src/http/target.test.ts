import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTarget, router } from './target.ts';

for (const [raw, path] of [
  ['/', '/'],
  ['/a/b/', '/a/b/'],
  ['/%7euser/%41', '/~user/A'],
  ['/caf%c3%a9', '/caf%C3%A9'],
  ['/a;v=1/b', '/a;v=1/b'],
  ['/a?x=%2e%2e/..//', '/a'],
] as const) {
  test(`${raw} is ${path}`, () => {
    const read = readTarget(raw);
    assert.ok(read.ok);
    assert.equal(read.value.path, path);
  });
}

for (const raw of [
  '',
  'a',
  '*',
  'http://other/a',
  '//a',
  '/a//b',
  '/a/../b',
  '/a/./b',
  '/a/..',
  '/%2e%2e/b',
  '/%2E./b',
  '/a/..;/b',
  '/a/..;x=1/b',
  '/a/.%3b/b',
  '/a%2fb',
  '/a%5Cb',
  '/a\\b',
  '/a%00',
  '/a%0d%0a',
  '/a%7f',
  '/%252e%252e/',
  '/a%',
  '/a%4',
  '/%ff',
  '/a b',
  '/a#b',
  '/ä',
  '/a?x=%zz',
  '/a?x=%00',
  `/${'a'.repeat(20_000)}`,
]) {
  test(`refused: ${raw.slice(0, 40)}`, () => {
    assert.equal(readTarget(raw).ok, false);
  });
}

test('names of the query, decoded, as often as they stand', () => {
  const read = readTarget('/a?x=1&%78=2&y+z&=3');
  assert.ok(read.ok);
  assert.deepEqual(read.value.names, ['x', 'x', 'y z', '']);
});

test('the template with more literal segments wins, whatever the order', () => {
  const routes = ['/{rest...}', '/customers/{id}', '/customers/me', '/customers/{id}/orders'].map(
    (template) => ({
      template,
      methods: template === '/customers/me' ? ['GET'] : [],
    }),
  );
  const fitting = router(routes);
  const find = (method: string, path: string): (typeof routes)[number] | undefined =>
    fitting(method, path).routes[0];
  const named = (method: string, path: string): string | undefined => find(method, path)?.template;
  assert.equal(named('GET', '/customers/me'), '/customers/me');
  assert.equal(named('POST', '/customers/me'), '/customers/{id}');
  assert.equal(named('GET', '/customers/42/orders'), '/customers/{id}/orders');
  assert.equal(named('GET', '/customers/'), '/{rest...}');
  assert.deepEqual(router([])('GET', '/').routes, []);
});

test('names behind a semicolon are names', () => {
  const read = readTarget('/a?x=1;r%6fle=2&y;z');
  assert.ok(read.ok);
  assert.deepEqual(read.value.names, ['x', 'y;z', 'x', 'role', 'y', 'z']);
});

for (const [path, template] of [
  ['/customers/42/', '/customers/{id}'],
  ['/Customers/42', '/customers/{id}'],
  ['/customers;v=1/42;x', '/customers/{id}'],
  ['/customers%3Bv=1/42', '/customers/{id}'],
  ['/customers.json', '/customers'],
  ['/CUSTOMERS/ME', '/customers/me'],
  ['/customers/42/x', undefined],
  ['/customersx', undefined],
  ['/', undefined],
] as const) {
  test(`read as forgiving services do: ${path}`, () => {
    const templates = ['/customers', '/customers/{id}', '/customers/me'];
    const routeOf = router(templates.map((each) => ({ template: each, methods: [] })));
    const { routes, exact } = routeOf('GET', path);
    assert.equal(routes[0]?.template, template);
    assert.equal(exact, false);
  });
}
