import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hono } from 'hono';
import { isObject, unknown } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import { err, ok } from '../../base/result.ts';
import { instant } from '../../base/time.ts';
import type { Scene } from '../../record/index.ts';
import type { DecisionId } from '../../core/decision.ts';
import type { Question } from '../../core/ports.ts';
import type { Protocol } from '../../core/protocol.ts';
import type { ResourceName, SessionId } from '../../core/session.ts';
import { Secret } from '../../base/secret.ts';
import type { ReviewId } from '../../core/review.ts';
import { fakePolicy, heldWorld, memoryLedger, memoryMetrics, person } from '../fake.ts';
import { openReviews } from '../../stores/reviews.ts';
import { Desk } from '../../gate/desk.ts';
import { defaultReviewSettings } from '../../gate/review-settings.ts';
import { Access } from '../../gate/access.ts';
import { openGrants } from '../../stores/grants.ts';
import { heldAccess, heldReview, ownAccess, ownReview } from '../fake.ts';
import { SignInFailures } from '../live.ts';
import { app } from './app.ts';
import { documentPath, openapi } from './openapi.ts';
import type { DecisionRecord, SessionSummary } from './records.ts';
import { Tickets } from '../tickets.ts';
import { routes, type ApiParts } from './routes.ts';
import { schemas } from './schemas.ts';

const shop = { name: 'shop' as ResourceName, kind: 'postgres', tags: ['env/test'], settings: {} };

const ranId = 'rev_00000000000000000000000ran' as ReviewId;
const ranResult = { columns: ['a'], rows: [['1'], [null]], tag: 'SELECT 2', cut: 0 };

function decision(id: string, subject: string): DecisionRecord {
  return {
    id,
    session: id.split('.')[0] ?? '',
    at: '2026-01-01T00:00:00.000Z',
    identity: { subject, kind: 'human', groups: ['analysts'] },
    resource: 'shop',
    decision: 'deny',
    verb: 'sql.delete',
    access: 'write',
    targets: [{ kind: 'table', name: 'public.orders', access: 'write' }],
    columns: [{ object: 'public.orders', column: 'id', use: 'filter' }],
    rules: [{ id: 'shop/no-writes', at: 'modules/shop.policy.yaml:3:5' }],
    wouldBe: [],
    duties: [],
    policy: 'abc',
    denial: { class: 'RULE', why: 'No', fix: [], retryable: false, decisionId: id },
    text: 'delete from orders where id = 1',
    outcome: { kind: 'unsent' },
  };
}

function session(id: string, subject: string): SessionSummary {
  return {
    id,
    identity: { subject, kind: 'human', groups: ['analysts'] },
    resource: 'shop',
    kind: 'postgres',
    startedAt: '2026-01-01T00:00:00.000Z',
    state: 'open',
    peer: '127.0.0.1:5',
    decisions: 1,
    allowed: 0,
    denied: 1,
    reviewed: 0,
  };
}

const kept = [session('s2', 'bob'), session('s1', 'ana')];

const postgres: Protocol = {
  name: 'postgres',
  port: 5432,
  verbs: { 'sql.select': 'reads' },
  attributes: {},
  settings: unknown,
  start: () => {
    throw new Error('Not in this test');
  },
};

type Allows = (question: Question) => boolean;
const everything: Allows = () => true;
const ownOnly: Allows = ({ action }) => action.attributes['own'] !== false;

const heldCustodian: NonNullable<ApiParts['custodian']> = {
  rotate: () => Promise.resolve({ from: 'old', to: 'new', index: 7 }),
  holds: () =>
    Promise.resolve([{ id: 'h1', at: instant(1_767_225_600_000), by: 'ana', scope: { identity: 'bob' } }]),
  addHold: () => Promise.resolve('h2'),
  removeHold: (_by, hold) => Promise.resolve(hold === 'h1'),
  erase: () => Promise.resolve({ erased: ['s1' as SessionId], held: [], open: [] }),
  erased: () => Promise.resolve(undefined),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function house(
  allows: Allows = everything,
  over: Partial<ApiParts> = {},
): {
  readonly api: Hono;
  readonly parts: ApiParts;
  readonly ledger: ReturnType<typeof memoryLedger>;
  readonly logged: string[];
  readonly get: (path: string, token?: string) => Promise<Reply>;
  readonly post: (path: string, body: unknown, type?: string) => Promise<Reply>;
} {
  const [world, ledger, metrics, logged] = [heldWorld(), memoryLedger(), memoryMetrics(), [] as string[]];
  const policy = fakePolicy(allows);
  const store = openReviews(':memory:', new Secret('00'.repeat(32)));
  store.add(heldReview);
  store.add(ownReview);
  store.add(heldAccess);
  store.add(ownAccess);
  store.add({ ...ownReview, id: ranId, kind: 'ticket' });
  store.step(ranId, { from: ['waiting'], to: 'done', at: world.now() });
  const until = instant(world.now() + 60_000);
  store.grant({ id: ranId, class: 'reviews of a class', forMs: 60_000, count: 5, used: 1, until });
  store.keepResult(ranId, Buffer.from(JSON.stringify(ranResult)), world.now());
  const desk = new Desk({
    store,
    ledger,
    world,
    metrics,
    log: () => undefined,
    policy: () => policy,
    people: {
      find: (subject) => person(subject, { groups: ['analysts'] }),
      human: (subject) => subject,
      all: () => [person('cora', { groups: ['analysts'] })],
    },
    settings: defaultReviewSettings,
    channels: () => [],
  });
  const access = new Access({
    store: openGrants(':memory:'),
    desk,
    world,
    log: () => undefined,
    policy: () => policy,
    resources: [shop],
    end: () => undefined,
    newSession: () => 's9' as SessionId,
  });
  const parts: ApiParts = {
    desk,
    access,
    tickets: new Tickets({
      desk,
      world,
      log: () => undefined,
      room: () => undefined,
      find: () => undefined,
      revoked: () => false,
      attend: () => Promise.resolve(),
    }),
    custodian: heldCustodian,
    reveal: () =>
      Promise.resolve({
        kind: 'revealed',
        decision: 's9.1' as DecisionId,
        values: [
          { kind: 'value', value: 'ann@example.com', type: 'EMAIL_ADDRESS', form: 'text' },
          { kind: 'value', value: '***', type: 'OTHER', form: 'digits', masked: true },
          { kind: 'none' },
        ],
      }),
    endSession: (id) => id === 's2',
    endRun: (run) => Promise.resolve(run === 'r1' ? ['s2'] : []),
    findEntries: () => Promise.resolve([{ entry: 7, at: 1_767_225_600_000, kind: 'decision' }]),
    policy: () => policy,
    ledger,
    world,
    resources: [shop],
    find: (subject) => (['ana', 'bob'].includes(subject) ? person(subject) : undefined),
    actions: (_resource, text) =>
      Promise.resolve([
        {
          verb: 'sql.select',
          access: 'read',
          targets: [],
          columns: [{ object: 'public.customers', column: 'email', use: 'output' }],
          attributes: {},
          text,
          notes: [],
        },
      ]),
    statementBytes: 1_000,
    version: '0.1.0',
    records: {
      sessions: ({ identity, limit }) =>
        Promise.resolve(
          kept.filter((each) => identity === undefined || each.identity.subject === identity).slice(0, limit),
        ),
      session: (id) => {
        const found = kept.find((each) => each.id === id);
        return Promise.resolve(
          found === undefined
            ? undefined
            : { ...found, statements: [decision(`${id}.1`, found.identity.subject)] },
        );
      },
      decision: (id) =>
        Promise.resolve({ 's1.1': decision('s1.1', 'ana'), 's2.1': decision('s2.1', 'bob') }[id]),
    },
    protocols: [postgres],
    listener: () => '127.0.0.1:8432',
    policyStatus: () => ({ loaded: true, digest: 'abc', problems: [] }),
    readiness: () => ({ policy: 'ok', ledger: 'ok' }),
    metrics: { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('up 1\n') },
    ...over,
  };
  const api = app({
    routes: routes(parts),
    identify: (token) => {
      const subject = token.reveal('test');
      return Promise.resolve(
        ['ana', 'bob'].includes(subject)
          ? ok(person(subject, { groups: ['analysts'] }))
          : err({ fault: 'foreign', why: 'Not ours' } as const),
      );
    },
    failures: new SignInFailures(3, world),
    metrics,
    log: (level, event, facts) => logged.push(JSON.stringify({ level, event, ...facts })),
    bodyBytes: 2_000,
    peer: () => '127.0.0.1:1',
    secure: false,
  });
  const send = async (path: string, init: RequestInit): Promise<Reply> => {
    const answer = await api.request(path, init);
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body:
        answer.headers.get('content-type')?.includes('json') === true ? (JSON.parse(text) as unknown) : text,
    };
  };
  const authorization = 'Bearer ana';
  return {
    api,
    parts,
    ledger,
    logged,
    get: (path, token = 'ana') => send(path, { headers: { authorization: `Bearer ${token}` } }),
    post: (path, body, type = 'application/json') =>
      send(path, {
        method: 'POST',
        headers: { authorization, 'content-type': type },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
}

/** Whether a value has the shape its schema says, exactly: what is wrong, by path. */
function mismatch(schema: unknown, value: unknown, path: string = ''): readonly string[] {
  if (!isObject(schema)) return [`${path}: no schema`];
  if (typeof schema['$ref'] === 'string') {
    const name = schema['$ref'].replace('#/components/schemas/', '') as keyof typeof schemas;
    return mismatch(schemas[name], value, path);
  }
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(value)) return [`${path}: not in the enum`];
  if (Array.isArray(schema['type'])) {
    return schema['type'].includes(value === null ? 'null' : typeof value) ? [] : [`${path}: another type`];
  }
  switch (schema['type']) {
    case 'array':
      return Array.isArray(value)
        ? value.flatMap((each: unknown, index) => mismatch(schema['items'], each, `${path}[${index}]`))
        : [`${path}: no array`];
    case 'object': {
      if (!isObject(value)) return [`${path}: no object`];
      const properties = isObject(schema['properties']) ? schema['properties'] : undefined;
      if (properties === undefined) return [];
      const missing = (schema['required'] as readonly string[]).filter((name) => !(name in value));
      return [
        ...missing.map((name) => `${path}.${name}: missing`),
        ...Object.entries(value).flatMap(([name, inner]) =>
          name in properties
            ? mismatch(properties[name], inner, `${path}.${name}`)
            : [`${path}.${name}: unknown`],
        ),
      ];
    }
    case 'integer':
      return Number.isInteger(value) ? [] : [`${path}: no integer`];
    default:
      return typeof value === schema['type'] ? [] : [`${path}: no ${String(schema['type'])}`];
  }
}

const answers: readonly (readonly [string, string, unknown?])[] = [
  ['/healthz', '/healthz'],
  ['/readyz', '/readyz'],
  ['/openapi.json', '/openapi.json'],
  ['/api/v1/me', '/api/v1/me'],
  ['/api/v1/resources', '/api/v1/resources'],
  ['/api/v1/sessions', '/api/v1/sessions?limit=10'],
  ['/api/v1/entries', '/api/v1/entries?limit=10'],
  ['/api/v1/sessions/:id', '/api/v1/sessions/s2'],
  ['/api/v1/sessions/:id', '/api/v1/sessions/last'],
  ['/api/v1/sessions/:id/kill', '/api/v1/sessions/s2/kill', {}],
  ['/api/v1/runs/kill', '/api/v1/runs/kill', { run: 'r1' }],
  ['/api/v1/decisions/:id', '/api/v1/decisions/s1.1'],
  ['/api/v1/explain', '/api/v1/explain', { on: 'shop', statement: 'select 1', as: 'bob' }],
  ['/api/v1/policy/status', '/api/v1/policy/status'],
  ['/api/v1/tags/proposed', '/api/v1/tags/proposed'],
  ['/api/v1/reviews', '/api/v1/reviews?state=waiting'],
  ['/api/v1/reviews/figures', '/api/v1/reviews/figures?days=30'],
  ['/api/v1/reviews/grants', '/api/v1/reviews/grants'],
  ['/api/v1/reviews/:id/revoke', `/api/v1/reviews/${ranId}/revoke`, {}],
  ['/api/v1/reviews/:id/result', `/api/v1/reviews/${ranId}/result`],
  ['/api/v1/reviews/:id', `/api/v1/reviews/${heldReview.id}`],
  ['/api/v1/reviews/:id/approve', `/api/v1/reviews/${heldReview.id}/approve`, {}],
  ['/api/v1/reviews/:id/refuse', `/api/v1/reviews/${heldReview.id}/refuse`, { reason: 'no' }],
  ['/api/v1/reviews/:id/withdraw', `/api/v1/reviews/${ownReview.id}/withdraw`, {}],
  ['/api/v1/holds', '/api/v1/holds'],
  ['/api/v1/holds', '/api/v1/holds', { identity: 'ana', reason: 'a case' }],
  ['/api/v1/holds/:id/remove', '/api/v1/holds/h1/remove', { reason: 'over' }],
  ['/api/v1/mask/reveal', '/api/v1/mask/reveal', { tokens: ['t_ab', '123456', 'x'] }],
  ['/api/v1/erasures', '/api/v1/erasures', { session: 's1', dryRun: true }],
  ['/api/v1/ledger/rotate-key', '/api/v1/ledger/rotate-key', {}],
  ['/api/v1/access', '/api/v1/access'],
  ['/api/v1/access/requests', '/api/v1/access/requests?state=waiting'],
  ['/api/v1/access/requests', '/api/v1/access/requests', { resource: 'shop', for: '2h', reason: 'a case' }],
  ['/api/v1/access/requests/:id', `/api/v1/access/requests/${heldAccess.id}`],
  ['/api/v1/access/requests/:id/approve', `/api/v1/access/requests/${heldAccess.id}/approve`, {}],
  ['/api/v1/access/requests/:id/deny', `/api/v1/access/requests/${heldAccess.id}/deny`, { reason: 'no' }],
  ['/api/v1/access/requests/:id/revoke', `/api/v1/access/requests/${ownAccess.id}/revoke`, {}],
];

for (const [path, url, body] of answers) {
  test(`${path} answers in the shape of its schema (${url})`, async () => {
    const { get, post, parts } = house();
    const answer = body === undefined ? await get(url) : await post(url, body);
    assert.equal(answer.status, 200, answer.text);
    const method = body === undefined ? 'get' : 'post';
    const route = routes(parts).find((each) => each.path === path && each.method === method);
    assert.deepEqual(mismatch(route?.gives.schema, answer.body), []);
  });
}

test('a session is ended by who may: not by others, and not when it is over', async () => {
  assert.equal((await house(ownOnly).post('/api/v1/sessions/s2/kill', {})).status, 403);
  assert.equal((await house(ownOnly).post('/api/v1/sessions/nothing/kill', {})).status, 403);
  assert.equal((await house().post('/api/v1/sessions/s1/kill', {})).status, 409);
  assert.equal((await house().post('/api/v1/sessions/nothing/kill', {})).status, 404);
});

test('holds and erasures are for whom the policy lets, and never for everything at once', async () => {
  const nobody: Allows = ({ action }) => !action.verb.startsWith('record.');
  for (const [path, body] of [
    ['/api/v1/holds', { identity: 'ana', reason: 'a case' }],
    ['/api/v1/holds/h1/remove', { reason: 'over' }],
    ['/api/v1/erasures', { session: 's1' }],
    ['/api/v1/ledger/rotate-key', {}],
  ] as const)
    assert.equal((await house(nobody).post(path, body)).status, 403, path);
  const { post } = house();
  for (const body of [
    {},
    { expired: false },
    { expired: true, session: 's1' },
    { session: '' },
    { all: true },
  ])
    assert.equal((await post('/api/v1/erasures', body)).status, 400, JSON.stringify(body));
  assert.equal((await post('/api/v1/holds', { reason: 'everything' })).status, 400);
  assert.equal((await post('/api/v1/holds', { session: 's1' })).status, 400, 'a hold has a reason');
  assert.equal((await post('/api/v1/holds/none/remove', { reason: 'over' })).status, 404);
});

test('a recording is shown to whom the policy lets, its entry first, and others learn nothing', async () => {
  const shown: ApiParts['scenes'] = () => Promise.resolve(oneNote());
  const { get, ledger } = house(everything, { scenes: shown });
  const answer = await get('/api/v1/sessions/s1/recording');
  assert.deepEqual([answer.status, answer.text], [200, '{"at":0,"kind":"note","text":"seen"}\n']);
  assert.ok(
    ledger.entries.some(
      (entry) => entry.kind === 'record.read' && entry.verb === 'recording.read' && entry.of === 's1',
    ),
  );
  assert.match((await get('/api/v1/sessions/s1/recording?format=html')).text, /^<!doctype html>/);
  assert.match((await get('/api/v1/sessions/s1/recording?format=asciicast')).text, /^\{"version":3,/);
  assert.ok(
    ledger.entries.some((entry) => entry.kind === 'record.read' && entry.verb === 'recording.export'),
  );
  assert.equal((await get('/api/v1/sessions/s1/recording?format=exe')).status, 400);
  const others = house(ownOnly, { scenes: shown });
  for (const path of ['s2/recording', 's2/watch', 'nothing/recording', 'nothing/watch'])
    assert.equal((await others.get(`/api/v1/sessions/${path}`)).status, 404, path);
  const full = house(everything, {
    scenes: shown,
    ledger: { append: () => Promise.reject(new Fault('ledger', 'full')) },
  });
  assert.equal((await full.get('/api/v1/sessions/s1/recording')).status, 503);
});

test('what cannot be asked for is refused with why', async (t) => {
  const wanted = { resource: 'shop', reason: 'a case' };
  const cases: readonly (readonly [string, number, object])[] = [
    ['a resource that is not there', 404, { ...wanted, resource: 'SHOP' }],
    ['a pattern of resources', 404, { ...wanted, resource: '*' }],
    ['no reason', 400, { resource: 'shop' }],
    ['a reason of nothing', 409, { ...wanted, reason: ' \u00a0 ' }],
    ['another rule', 404, { ...wanted, rule: 'm/all' }],
    ['verbs that the rule does not give', 409, { ...wanted, verbs: ['sql.update', 'sql.drop'] }],
    ['verbs in other letters', 409, { ...wanted, verbs: ['SQL.UPDATE'] }],
    ['no verbs', 400, { ...wanted, verbs: [] }],
    ['longer than the rule gives', 409, { ...wanted, for: '3h' }],
    ['no time at all', 409, { ...wanted, for: '0s' }],
    ...['-1', '1e9', 'NaN', '-1h', '1h ', '99999999999h', 'Infinity'].map(
      (span) => [`for ${span}`, 400, { ...wanted, for: span }] as const,
    ),
    ['a number', 400, { ...wanted, for: 3600 }],
    ['more keys', 400, { ...wanted, until: '2030-01-01' }],
  ];
  for (const [name, status, body] of cases) {
    await t.test(name, async () => {
      const { post, ledger } = house();
      const answer = await post('/api/v1/access/requests', body);
      assert.equal(answer.status, status, answer.text);
      assert.ok(!ledger.entries.some(({ kind }) => kind === 'review.asked'));
    });
  }
});

test('a review that is no request for access is none', async () => {
  const { get, post } = house();
  assert.equal((await get(`/api/v1/access/requests/${heldReview.id}`)).status, 404);
  for (const verb of ['approve', 'deny', 'revoke']) {
    assert.equal((await post(`/api/v1/access/requests/${heldReview.id}/${verb}`, {})).status, 404, verb);
  }
});

test('a result is for its requester alone, and of a review without one the answer says why', async () => {
  const { get } = house();
  assert.equal((await get(`/api/v1/reviews/${heldReview.id}/result`)).status, 404);
  const waits = await get(`/api/v1/reviews/${ownReview.id}/result`);
  assert.equal(waits.status, 409);
  assert.match(waits.text, /not-yet/);
});

test('/openapi.json has every route, and every schema it refers to', () => {
  const all = routes(house().parts);
  const document = openapi(all, '0.1.0') as { readonly paths: Record<string, Record<string, object>> };
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  assert.deepEqual(
    documented.toSorted(),
    all.map(({ method, path }) => `${method} ${documentPath(path)}`).toSorted(),
  );
  const referred = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(
    ([, name]) => name,
  );
  assert.deepEqual(new Set(referred), new Set(Object.keys(schemas)));
  const ids = [...JSON.stringify(document).matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, all.length);
  assert.deepEqual(
    all
      .filter(
        (each) =>
          !['/metrics', '/api/v1/policy/bundles'].includes(each.path) &&
          !answers.some(([path]) => path === each.path),
      )
      .map(({ path }) => path),
    [],
    'every route is asked above',
  );
});

test('the app serves the routes of its document and no others', () => {
  const { api, parts } = house();
  const served = new Set(api.routes.filter(({ path }) => path !== '/*').map(({ path }) => path));
  assert.deepEqual(served, new Set(routes(parts).map(({ path }) => path)));
});

test('every route that is not open asks for a token', async () => {
  const { parts, api } = house();
  for (const { path, method, open } of routes(parts)) {
    const answer = await api.request(path.replace(':id', 's1'), { method: method.toUpperCase() });
    assert.equal(answer.status, open === true ? 200 : 401, path);
    if (open !== true) assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  }
});

test('a wrong token is refused, and after too many of them the address', async () => {
  const { get } = house();
  for (let tried = 0; tried < 3; tried++) assert.equal((await get('/api/v1/me', 'zed')).status, 401);
  assert.equal((await get('/api/v1/me', 'ana')).status, 429);
  assert.equal((await get('/healthz')).status, 200);
});

test('reading the record is judged, and written down, allowed or not', async () => {
  const denied = house(() => false);
  const refused = await denied.get('/api/v1/sessions/s1');
  assert.equal(refused.status, 403);
  assert.deepEqual(mismatch(schemas.Problem, refused.body), []);
  assert.deepEqual(
    denied.ledger.entries.map(
      (entry) => entry.kind === 'record.read' && [entry.verb, entry.of, entry.allowed],
    ),
    [['record.read', 's1', false]],
  );
  const allowed = house();
  await allowed.get('/api/v1/decisions/s2.1');
  assert.deepEqual(
    allowed.ledger.entries.map((entry) => entry.kind === 'record.read' && [entry.of, entry.allowed]),
    [['s2', true]],
  );
});

test('who sees only their own sees no others, and cannot tell them from none', async () => {
  const { get, ledger } = house(ownOnly);
  const listed = (await get('/api/v1/sessions')).body as readonly SessionSummary[];
  assert.deepEqual(
    listed.map(({ id }) => id),
    ['s1'],
  );
  assert.deepEqual((await get('/api/v1/sessions?identity=bob')).body, []);
  assert.equal((await get('/api/v1/sessions/s1')).status, 200);
  const [others, none] = [await get('/api/v1/sessions/s2'), await get('/api/v1/sessions/zzz')];
  assert.deepEqual([others.status, others.text], [404, none.text]);
  assert.equal((await get('/api/v1/decisions/s2.1')).status, 404);
  assert.equal(ledger.entries.length, 6);
});

test('explain asks for another identity only where the policy lets it', async () => {
  const { post } = house(ownOnly);
  const ask = { on: 'shop', statement: 'select 1' };
  assert.equal((await post('/api/v1/explain', ask)).status, 200);
  assert.equal((await post('/api/v1/explain', { ...ask, as: 'ana' })).status, 200);
  assert.equal((await post('/api/v1/explain', { ...ask, as: 'bob' })).status, 403);
});

test('nothing of the record is shown when the ledger cannot be written', async () => {
  const { get, post, ledger } = house();
  ledger.fails = true;
  for (const path of [
    '/api/v1/sessions',
    '/api/v1/sessions/s1',
    '/api/v1/decisions/s1.1',
    '/api/v1/policy/status',
    '/api/v1/tags/proposed',
  ]) {
    assert.equal((await get(path)).status, 503, path);
  }
  assert.equal((await post('/api/v1/explain', { on: 'shop', statement: 'x' })).status, 503);
});

test('without a policy nothing is shown', async () => {
  const { get } = house(everything, { policy: () => undefined });
  assert.equal((await get('/api/v1/sessions')).status, 403);
  assert.deepEqual((await get('/api/v1/resources')).body, []);
});

test('what the API cannot read it refuses', async (t) => {
  const question = { on: 'shop', statement: 'select 1' };
  const cases: readonly (readonly [string, number, (at: ReturnType<typeof house>) => Promise<Reply>])[] = [
    ['a body that is no JSON', 400, ({ post }) => post('/api/v1/explain', '{')],
    ['a body of another type', 415, ({ post }) => post('/api/v1/explain', question, 'text/plain')],
    ['a body that is too large', 413, ({ post }) => post('/api/v1/explain', { on: 'x'.repeat(3_000) })],
    [
      'a question with a key it does not know',
      400,
      ({ post }) => post('/api/v1/explain', { ...question, als: 'x' }),
    ],
    [
      'a statement that is too long',
      400,
      ({ post }) => post('/api/v1/explain', { ...question, statement: 'x'.repeat(1_001) }),
    ],
    ['a resource that is not there', 404, ({ post }) => post('/api/v1/explain', { ...question, on: 'x' })],
    ['an identity that is not there', 404, ({ post }) => post('/api/v1/explain', { ...question, as: 'zed' })],
    ['a limit of nothing', 400, ({ get }) => get('/api/v1/sessions?limit=0')],
    ['a limit that is no number', 400, ({ get }) => get('/api/v1/sessions?limit=1e3')],
    ['a path that is not there', 404, ({ get }) => get('/api/v1/nothing')],
    ['a method that is not there', 405, ({ post }) => post('/api/v1/me', {})],
  ];
  for (const [name, status, send] of cases) {
    await t.test(name, async () => {
      const answer = await send(house());
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get('content-type'), 'application/problem+json');
      assert.deepEqual(mismatch(schemas.Problem, answer.body), []);
    });
  }
});

test('every answer has the headers that keep browsers out, and none that let them in', async () => {
  const { get } = house();
  for (const path of ['/healthz', '/api/v1/me', '/nothing']) {
    const { headers } = await get(path);
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('access-control-allow-origin'), null);
  }
});

test('/readyz says which part is not ready', async () => {
  const answer = await house(everything, { readiness: () => ({ policy: 'ok', ledger: 'failed' }) }).get(
    '/readyz',
  );
  assert.equal(answer.status, 503);
  assert.deepEqual(answer.body, { ready: false, parts: { policy: 'ok', ledger: 'failed' } });
});

test('a bug of ours is a 500 that quotes nothing, in the answer or in the log', async () => {
  const broken = house(everything, {
    records: {
      sessions: () => Promise.reject(new TypeError('canary-value')),
      session: () => Promise.resolve(undefined),
      decision: () => Promise.resolve(undefined),
    },
  });
  const answer = await broken.get('/api/v1/sessions');
  assert.equal(answer.status, 500);
  assert.equal(`${answer.text}${broken.logged.join()}`.includes('canary-value'), false);
  assert.equal(broken.logged.length, 1);
});

test('a statement that cannot be analysed is said so', async () => {
  const { post } = house(everything, { actions: () => Promise.reject(new Fault('parser', 'Too slow')) });
  assert.equal((await post('/api/v1/explain', { on: 'shop', statement: 'x' })).status, 503);
});

async function* oneNote(): AsyncGenerator<Scene> {
  yield await Promise.resolve({ at: 0, kind: 'note', text: 'seen' });
}
