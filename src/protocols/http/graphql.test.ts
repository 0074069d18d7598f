import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { MaskOperator, Permit } from '../../core/decision.ts';
import { readTarget } from '../../http/target.ts';
import { aliasedBy, graphqlOf, type Operations } from './graphql.ts';
import { meaningOf } from './meaning.ts';

function post(body: object, query: string = ''): Operations {
  return graphqlOf({ method: 'POST', query, content: 'json', text: JSON.stringify(body) });
}

const redact: MaskOperator = { kind: 'redact' };
const permit = {
  duties: { masks: [[{ tag: 'pii/*', operator: redact }]] },
  operatorOf: ({ column }: { readonly column: string }) =>
    /(?:^|\.)nick$/.test(column) || column === 'data.people[].mail' ? redact : undefined,
} as unknown as Permit; // all that is looked at

for (const [what, query, column, hidden] of [
  ['an alias', '{ x: nick }', 'data.x', true],
  ['the name itself', '{ x: nick }', 'data.nick', true],
  ['another field of its name', '{ x: id nick }', 'data.x', false],
  ['an alias in a list in an alias', '{ p: people { m: mail } }', 'data.p[].m', true],
  ['a path that is another', '{ p: people { m: mail } }', 'data.p.m', false],
  ['fragments', 'query { p: people { ...F } } fragment F on P { ... on Q { m: mail } }', 'data.p[].m', true],
  ['a fragment in itself', 'query { ...F } fragment F on P { m: nick f { ...F } }', 'data.m', true],
  ['a batch', '{ x: nick }', '[].data.x', true],
  ['a subscription', 'subscription { x: nick }', 'payload.data.x', true],
  ['what is no data', '{ x: nick }', 'errors[].x', false],
  ['of two operations either', 'query A { x: id } query B { x: nick }', 'data.x', true],
] as const) {
  test(`aliases: ${what}`, () => {
    const read = post({ query });
    assert.ok(read.kind === 'operations');
    const { operatorOf } = aliasedBy(permit, [read.aliases]);
    assert.equal(operatorOf({ object: '/graphql', column }), hidden ? redact : undefined);
  });
}

const query = '{ a }';
const hash = createHash('sha256').update(query).digest('hex');
for (const [what, body, url, refused] of [
  ['a hash alone', { extensions: { persistedQuery: { version: 1, sha256Hash: hash } } }, '', true],
  [
    'a hash and its text',
    { query, extensions: { persistedQuery: { version: 1, sha256Hash: hash } } },
    '',
    false,
  ],
  [
    'a hash and another text',
    { query: '{ b }', extensions: { persistedQuery: { sha256Hash: hash } } },
    '',
    true,
  ],
  ['other extensions', { query, extensions: { tracing: true } }, '', false],
  ['the name of a stored one', { query, documentId: 'x' }, '', true],
  ['another name of one', { query, doc_id: 'x' }, '', true],
  ['a text in the URL', { query }, 'query={b}', true],
  ['an operation in the URL', { query }, 'operationName=B', true],
  ['something else in the URL', { query }, 'v=2', false],
] as const) {
  test(`stored operations: ${what}`, () => {
    assert.equal(post(body, url).kind, refused ? 'refused' : 'operations');
  });
}

test('GET says one operation, and by its text', () => {
  const get = (parameters: Readonly<Record<string, string>>): string =>
    graphqlOf({
      method: 'GET',
      query: new URLSearchParams(parameters).toString(),
      content: 'opaque',
      text: '',
    }).kind;
  const stored = JSON.stringify({ persistedQuery: { sha256Hash: hash } });
  assert.equal(get({ query }), 'operations');
  assert.equal(get({ query, extensions: stored }), 'operations');
  assert.equal(get({ query: '{ b }', extensions: stored }), 'refused');
  assert.equal(get({ extensions: stored }), 'refused');
  assert.equal(get({ query, extensions: 'x' }), 'refused');
  assert.equal(get({ query, id: 'x' }), 'refused');
});

test('parts that come later are known as such, and fragments that multiply are refused', () => {
  const later = post({ query: '{ a ... @defer { b } c @stream(initialCount: 0) }' });
  assert.ok(later.kind === 'operations' && later.aliases.incremental);
  const many = Array.from(
    { length: 30 },
    (_, at) => `fragment F${at} on P { a: f { ...F${at + 1} } b: f { ...F${at + 1} } }`,
  );
  assert.equal(post({ query: `{ ...F0 } ${many.join(' ')} fragment F30 on P { c }` }).kind, 'refused');
});

for (const path of ['/graphql/', '/GraphQL', '/api/graphql/'])
  test(`it is GraphQL however its path is written: ${path}`, () => {
    const target = readTarget(path);
    assert.ok(target.ok);
    const meant = meaningOf({
      method: 'POST',
      host: '',
      target: target.value,
      fields: [['content-type', 'application/json']],
      route: undefined,
      body: Buffer.from(JSON.stringify({ query: 'mutation { drop }' })),
      length: undefined,
    });
    assert.deepEqual(meant.kind === 'understood' && meant.action.attributes['selects'], ['drop']);
  });

test('GET with a body too is two requests', () => {
  const text = '{"query":"mutation { drop }"}';
  const given = { method: 'GET', query: 'query={a}', content: 'json', text } as const;
  assert.equal(graphqlOf(given).kind, 'refused');
});
