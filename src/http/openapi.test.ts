import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ApiDocument, readOpenApi } from './openapi.ts';

const schemas = {
  Person: {
    type: 'object',
    properties: {
      id: { type: 'integer' },
      mail: { type: 'string', format: 'email' },
      secret: { format: 'password' },
      ssn: { type: 'string', 'x-sallyport-tag': 'pii/ssn' },
      home: { $ref: '#/components/schemas/Address' },
      friends: { type: 'array', items: { $ref: '#/components/schemas/Person' } },
      'a.b': { 'x-sallyport-tag': ['pii/dotted', 'x'] },
      notes: { additionalProperties: { properties: { text: { 'x-sallyport-tag': 'pii/note' } } } },
      $ref: { 'x-sallyport-tag': 'pii/name-of-a-property' },
    },
  },
  Address: { 'x-sallyport-tag': 'pii/address', properties: { zip: {} } },
  Both: {
    allOf: [
      { $ref: '#/components/schemas/Person' },
      { oneOf: [{ properties: { vat: { 'x-sallyport-tag': 'tax/id' } } }] },
    ],
  },
};
const answers = (schema: object): object => ({
  responses: { 200: { content: { 'application/json': { schema } } } },
});
const plain = {
  openapi: '3.1.0',
  info: { title: 'x', version: '1' },
  paths: {
    '/people': {
      get: {
        operationId: 'listPeople',
        ...answers({ type: 'array', items: { $ref: '#/components/schemas/Both' } }),
      },
    },
    '/people/{id}': {
      get: { operationId: 'getPerson', responses: { default: { $ref: '#/components/responses/Person' } } },
      delete: { operationId: 'removePerson' },
    },
    '/people/me': { get: { operationId: 'getMe', ...answers({ $ref: '#/components/schemas/Person' }) } },
    '/search': { post: { operationId: 'search', 'x-sallyport-access': 'read' } },
  },
  components: {
    schemas,
    responses: {
      Person: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Person' } } } },
    },
  },
};

function read(document: object): ApiDocument {
  const found = readOpenApi(document);
  assert.ok(found.ok, JSON.stringify(found));
  return found.value;
}

describe('readOpenApi() names operations', () => {
  const api = read(plain);
  for (const [method, path, wanted] of [
    ['GET', '/people', 'listPeople'],
    ['HEAD', '/people', 'listPeople'],
    ['GET', '/people/7', 'getPerson'],
    ['GET', '/people/me', 'getMe'],
    ['DELETE', '/people/7', 'removePerson'],
    ['POST', '/search', 'search'],
    ['POST', '/people', undefined],
    ['OPTIONS', '/people', undefined],
    ['GET', '/people/7/notes', undefined],
    ['GET', '/people/', ''], // tags hold, and nothing else
  ] as const)
    test(`${method} ${path}`, () => assert.equal(api.operationOf(method, path)?.id, wanted));

  test('a path that only a forgiving service reads so has the tags, and nothing that is allowed', () => {
    const { id, access, exact, tagsOf } = api.operationOf('POST', '/Search;v=1/') ?? assert.fail();
    assert.deepEqual([id, access, exact], ['', undefined, false]);
    assert.deepEqual(tagsOf('x'), []);
    assert.deepEqual(api.operationOf('GET', '/PEOPLE/7.json')?.tagsOf('ssn'), ['pii/ssn']);
  });

  test('and what they do, where the method does not say it', () => {
    assert.equal(api.operationOf('POST', '/search')?.access, 'read');
    assert.equal(api.operationOf('GET', '/people')?.access, undefined);
  });
});

describe('readOpenApi() tags what is answered', () => {
  const api = read(plain);
  for (const [path, at, wanted] of [
    ['/people/1', 'mail', ['pii/email']],
    ['/people/1', 'secret', ['secret/password']],
    ['/people/1', 'ssn', ['pii/ssn']],
    ['/people/1', 'home', ['pii/address']],
    ['/people/1', 'home.zip', []],
    ['/people/1', 'id', []],
    ['/people/1', 'nothing', []],
    ['/people/1', 'friends[].friends[].friends[].ssn', ['pii/ssn']],
    ['/people/1', 'a.b', ['pii/dotted', 'x']],
    ['/people/1', 'notes.monday.text', ['pii/note']],
    ['/people/1', '$ref', ['pii/name-of-a-property']],
    ['/people/1', 'toString', []],
    ['/people', '[].ssn', ['pii/ssn']],
    ['/people', '[].vat', ['tax/id']],
    ['/people', '[].friends[].mail', ['pii/email']],
    ['/people', 'ssn', []],
    ['/search', 'ssn', []],
  ] as const)
    test(`${path} ${at}`, () => {
      const method = path === '/search' ? 'POST' : 'GET';
      assert.deepEqual(api.operationOf(method, path)?.tagsOf(at), wanted);
    });

  test('a schema of nothing but itself ends', () => {
    const loop = { allOf: [{ $ref: '#/components/schemas/Loop' }] };
    const looping = read({
      ...plain,
      paths: { '/x': { get: answers(loop) } },
      components: { schemas: { Loop: loop } },
    });
    assert.deepEqual(looping.operationOf('GET', '/x')?.tagsOf('a[].b.c'), []);
  });
});

describe('readOpenApi() refuses, and says where', () => {
  const paths = (given: object): object => ({ openapi: '3.0.3', paths: given });
  for (const [what, document, wanted] of [
    ['no version', { paths: {} }, '/openapi'],
    ['Swagger 2', { openapi: '2.0', paths: {} }, '/openapi'],
    ['a version to come', { openapi: '3.2.0', paths: {} }, '/openapi'],
    ['a list', [], '/'],
    ['paths that are none', { openapi: '3.0.0', paths: [] }, '/paths'],
    ['half a segment', paths({ '/a/{b}.json': {} }), '/paths/~1a~1{b}.json'],
    ['no slash', paths({ a: {} }), '/paths/a'],
    ['two paths of one form', paths({ '/a/{b}': {}, '/a/{c}': {} }), '/paths/~1a~1{c}'],
    [
      'one name for two operations',
      paths({ '/a': { get: { operationId: 'x' }, put: { operationId: 'x' } } }),
      '/paths/~1a/put/operationId',
    ],
    ['a name that is none', paths({ '/a': { get: { operationId: 'x y' } } }), '/paths/~1a/get/operationId'],
    [
      'a reference to elsewhere',
      paths({ '/a': { get: { x: { $ref: 'other.yaml#/a' } } } }),
      '/paths/~1a/get/x/$ref',
    ],
    ['a reference to nothing', paths({ '/a': { $ref: '#/components/pathItems/a' } }), '/paths/~1a/$ref'],
    ['a reference to itself', paths({ '/a': { $ref: '#/paths/~1a' } }), '/paths/~1a/$ref'],
    [
      'a tag that is none',
      paths({ '/a': { get: { x: { 'x-sallyport-tag': 'PII Email' } } } }),
      '/paths/~1a/get/x/x-sallyport-tag',
    ],
    [
      'an access that is none',
      paths({ '/a': { get: { 'x-sallyport-access': 'peek' } } }),
      '/paths/~1a/get/x-sallyport-access',
    ],
  ] as const)
    test(what, () => {
      const found = readOpenApi(document);
      assert.ok(!found.ok);
      assert.equal(found.error[0]?.path, wanted);
    });

  test('what is too deep', () => {
    let deep: object = {};
    for (let level = 0; level < 500; level++) deep = { x: deep };
    assert.equal(readOpenApi({ ...plain, deep }).ok, false);
  });
});
