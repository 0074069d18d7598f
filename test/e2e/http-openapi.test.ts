import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';
import { startWeb, type Web } from './harness/web.ts';

const api = `
openapi: 3.1.0
info: { title: Shop, version: '1' }
paths:
  /customers/{id}:
    get:
      operationId: getCustomer
      responses:
        '200': { content: { application/json: { schema: { $ref: '#/components/schemas/Customer' } } } }
    delete: { operationId: removeCustomer }
  /search:
    post: { operationId: search, x-sallyport-access: read }
components:
  schemas:
    Customer:
      properties:
        nick: { type: string, x-sallyport-tag: pii/name }
        contact: { type: string, format: email }
        children: { type: array, items: { $ref: '#/components/schemas/Customer' } }
`;

const policy = {
  '../api.yaml': api,
  'modules/web.policy.yaml': `
apiVersion: sallyport/v1
module: web
about: Who may use the service.
owner: team:platform
rules:
  - id: reads
    effect: allow
    match: { resource: { kind: http }, access: read }
    when: action.documented
    why: What is documented may be read.
    fix: Add it to the document.
  - id: removes
    effect: allow
    match: { resource: { kind: http }, identity: { groups: [dba] } }
    when: action.operationId == "removeCustomer"
    why: The database team may.
    fix: Ask one of them.
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
about: What is hidden.
owner: team:platform
rules:
  - id: masks
    effect: require
    match: { resource: { kind: http }, identity: { groups: [analysts] } }
    then: { mask: [{ tag: pii/*, with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
};

describe('a service that is described by OpenAPI', () => {
  let web: Web;

  before(async () => {
    web = await startWeb({
      policy,
      settings: '    openapi: { file: api.yaml }\n',
      serve: (_request, response) => {
        response.setHeader('content-type', 'application/json');
        response.end(
          '{"id": 1.0, "nick": "Bo", "contact": "call me", "children": [{"nick": "Al", "children": [{"nick": "Jo"}]}]}',
        );
      },
    });
  });

  after(async () => {
    await web[Symbol.asyncDispose]();
  });

  test('its fields are masked as it says, however deep', async () => {
    assert.equal(
      (await web.ask('/web/customers/7')).text,
      '{"id": 1.0, "nick": "***", "contact": "***", "children": [{"nick": "***", "children": [{"nick": "***"}]}]}',
    );
    assert.match((await web.ask('/web/customers/7', { as: 'dba' })).text, /Bo.*call me.*Jo/);
  });

  for (const [as, method, path, wanted] of [
    ['analyst', 'POST', '/search', 200],
    ['analyst', 'DELETE', '/customers/7', 403],
    ['dba', 'DELETE', '/customers/7', 200],
    ['dba', 'POST', '/customers/7', 403],
    ['dba', 'GET', '/internal', 403],
    ['dba', 'GET', '/customers/7/x', 403],
  ] as const)
    test(`${method} ${path} as ${as}: ${wanted}`, async () => {
      assert.equal((await web.ask(`/web${path}`, { as, method })).status, wanted);
    });

  test('the record names the operation', async () => {
    const found = (await web.entries())
      .filter(({ kind }) => kind === 'decision')
      .map(({ attributes }) => attributes as Record<string, unknown>);
    assert.ok(
      found.some(
        (each) =>
          each['operationId'] === 'getCustomer' &&
          each['route'] === '/customers/{id}' &&
          each['documented'] === true,
      ),
    );
    assert.ok(found.some((each) => each['route'] === '/internal' && each['documented'] === false));
  });
});

test('a document that cannot be used keeps the gateway from starting, and it says where', async () => {
  for (const [text, wanted] of [
    [
      'openapi: 3.1.0\npaths: { /a: { get: { operationId: x }, put: { operationId: x } } }',
      /openapi: \/paths\/~1a\/put\/operationId: Another operation/,
    ],
    ['openapi: 3.1.0\npaths: {{', /Cannot be read as YAML or JSON at 2:/],
  ] as const) {
    const port = await freePorts(2);
    const starting = startConfigured({
      api: port,
      policy: { ...policy, '../api.yaml': text, 'policy.yaml': '' },
      text: `
listen: { api: 127.0.0.1:${port}, http: 127.0.0.1:${port + 1} }
policy: ./policy
identities: []
resources:
  - { name: web, kind: http, url: "http://127.0.0.1:1", openapi: { file: api.yaml } }
`,
    });
    await assert.rejects(starting, wanted);
  }
});
