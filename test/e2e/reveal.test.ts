import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { isObject } from '../../src/base/check.ts';
import { runProgram, type Ran } from './harness/clients.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { type PostgresServer, startPostgres } from './harness/postgres.ts';
import { until } from './harness/wait.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: masks, role: restrict, use: [{ module: masks }] }
  - { name: main, role: grant, use: [{ module: m }] }
record: meta
`,
  'schema.yaml': `
apiVersion: sallyport/v1
tags:
  shop:
    public.customers.email: pii/email
    public.customers.card: pii/card
    public.customers.name: pii/name
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
owner: team:data
rules:
  - id: tokens
    effect: require
    match: { resource: { kind: postgres } }
    then: { mask: [{ tag: pii/*, with: token }, { find: EMAIL_ADDRESS, with: token }] }
  - id: never
    effect: require
    match: { resource: { kind: sallyport }, action: mask.reveal, identity: { groups: [masked] } }
    then: { mask: [{ find: EMAIL_ADDRESS, with: redact }] }
`,
  'modules/m.policy.yaml': `
apiVersion: sallyport/v1
module: m
owner: team:data
rules:
  - id: read
    effect: allow
    match: { resource: { kind: postgres } }
  - id: records
    effect: allow
    match: { resource: { kind: sallyport }, action: record.*, identity: { groups: [leads] } }
  - id: emails
    effect: allow
    match: { resource: { kind: sallyport }, action: mask.reveal, identity: { groups: [support, masked] } }
    when: 'action.count <= 2 && action.types.all(t, t == "EMAIL_ADDRESS")'
  - id: people
    effect: allow
    match: { resource: { kind: sallyport }, action: mask.reveal, identity: { groups: [fraud] } }
  - id: people-asked
    effect: require
    match: { resource: { kind: sallyport }, action: mask.reveal, identity: { groups: [fraud] } }
    then: { approve: { from: leads, hold: HOLD }, justify: true }
  - id: cards
    effect: allow
    match: { resource: { kind: sallyport }, action: mask.reveal, identity: { groups: [payments] } }
    when: '"pii/card" in action.columnTags'
  - id: cards-rate
    effect: require
    match: { resource: { kind: sallyport }, action: mask.reveal, identity: { groups: [payments] } }
    then: { limit: { rate: 3/1h } }
`,
};

// With real psql, the command and the API, on a gateway that is started again with another key.
suite('tokens and the way back', () => {
  let server: PostgresServer;
  let gateway: Configured;
  let first = 0;
  const home = temporaryFolder('reveal');
  const who = ['sue', 'fred', 'pat', 'max', 'ann', 'lead', 'bot'];
  const tokens: Record<string, string> = {};
  let mail = '';
  let name = '';
  let card = '';
  let note = '';

  const start = (): Promise<Configured> =>
    startConfigured({
      api: first,
      policy: { ...policy, 'modules/m.policy.yaml': policy['modules/m.policy.yaml'].replace('HOLD', '30s') },
      options: { home: home.path },
      text: `
listen: { api: 127.0.0.1:${first}, postgres: 127.0.0.1:${first + 1} }
policy: ./policy
reviews: { freshSignIn: any }
identities:
  - { subject: sue, kind: human, groups: [support] }
  - { subject: fred, kind: human, groups: [fraud] }
  - { subject: pat, kind: human, groups: [payments] }
  - { subject: max, kind: human, groups: [masked] }
  - { subject: ann, kind: human, groups: [] }
  - { subject: lead, kind: human, groups: [leads] }
  - { subject: bot, kind: agent, groups: [support], actingFor: ann }
resources:
  - { name: shop, kind: postgres, address: '127.0.0.1:${server.port}', database: shop, credentials: { user: gateway, password: behind } }
`,
    });

  before(async () => {
    server = await startPostgres({ version: 18 });
    const admin = await server.connect();
    await admin.query(`CREATE ROLE gateway LOGIN PASSWORD 'behind'`);
    await admin.query('CREATE DATABASE shop');
    const owner = await server.connect({ database: 'shop' });
    await owner.query(`CREATE TABLE customers (id int PRIMARY KEY, name text, email text, card text, notes text);
      INSERT INTO customers VALUES (1, 'Zoë Ångström', 'zoe@example.org', '4111 1111 1111 1111', 'mail zoe@example.org now');
      GRANT SELECT ON customers TO gateway`);
    first = await freePorts(2);
    gateway = await start();
    await Promise.all(
      who.map(async (subject) => {
        tokens[subject] = await gateway.token(subject);
      }),
    );
    const ran = await runProgram(
      'psql',
      ['-X', '-q', '-A', '-t', '-c', 'SELECT name, email, card, notes FROM customers'],
      {
        env: {
          PGHOST: '127.0.0.1',
          PGPORT: String(first + 1),
          PGUSER: 'ann',
          PGPASSWORD: tokens['ann'] ?? '',
          PGDATABASE: 'shop',
        },
      },
    );
    [name = '', mail = '', card = '', note = ''] = ran.stdout.trim().split('|');
    assert.match(`${name}|${mail}|${card}`, /^t_[a-p]+\|t_[a-p]+\|\d{4} \d{4} \d{4} \d{4}$/);
    assert.notEqual(card, '4111 1111 1111 1111');
  });

  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });

  const sallyport = (as: string, ...args: readonly string[]): Promise<Ran> =>
    runProgram(process.execPath, [join(root, 'src', 'cli', 'main.ts'), ...args], {
      env: { SALLYPORT_API: gateway.api, SALLYPORT_TOKEN: tokens[as] ?? '', SALLYPORT_HOME: home.path },
    });

  const post = async (
    as: string,
    body: unknown,
  ): Promise<{ readonly status: number; readonly said: Record<string, unknown> }> => {
    const answer = await fetch(`${gateway.api}/api/v1/mask/reveal`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens[as] ?? ''}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, said: (await answer.json()) as Record<string, unknown> };
  };

  test('who may reveal e-mail addresses gets them, and nothing else', async () => {
    const one = await sallyport('sue', 'reveal', mail);
    assert.deepEqual([one.code, one.stdout], [0, 'zoe@example.org\n'], one.stderr);
    const inNote = /t_[a-p]+/.exec(note)?.[0] ?? '';
    assert.equal(inNote, mail, 'equal values have equal tokens');
    for (const denied of [[name], [card], [mail, card], [mail, mail, mail], ['123456789']]) {
      const { status, said } = await post('sue', { tokens: denied });
      assert.deepEqual([status, said['values']], [403, undefined]);
      assert.match(String(said['detail']), /No rule allows/);
    }
  });

  test('a changed, a foreign and a made-up token are denied like any other value that is not an address', async () => {
    const changed = `${mail.slice(0, -1)}${mail.endsWith('a') ? 'b' : 'a'}`;
    const answers = await Promise.all(
      [changed, `t_${'ab'.repeat(20)}`, 't_', 'zoe', name].map((token) => post('sue', { tokens: [token] })),
    );
    const said = answers.map(({ status, said: { detail, denial } }) => [
      status,
      detail,
      isObject(denial) ? { ...denial, decisionId: '', attemptsLeft: 0 } : denial,
    ]);
    for (const each of said) assert.deepEqual(each, said[0]);
    assert.equal(said[0]?.[0], 403);
  });

  test('nobody else, no agent of somebody who may not, and nobody without a token of the gateway', async () => {
    for (const as of ['ann', 'bot', 'lead']) {
      const { status, said } = await post(as, { tokens: [mail] });
      assert.deepEqual([status, said['values']], [403, undefined], as);
    }
    const answer = await fetch(`${gateway.api}/api/v1/mask/reveal`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tokens: [mail] }),
    });
    assert.equal(answer.status, 401);
  });

  test('a rule that also demands a mask has it', async () => {
    const { said } = await post('max', { tokens: [mail] });
    assert.deepEqual(said['values'], [
      { value: '[EMAIL_ADDRESS]', type: 'EMAIL_ADDRESS', form: 'text', masked: true },
    ]);
  });

  test('a request that is held goes through once it is approved, for exactly these tokens and once', async () => {
    const unsaid = await post('fred', { tokens: [name] });
    assert.equal(unsaid.status, 403);
    assert.match(String(unsaid.said['detail']), /reason/);
    const asked = sallyport('fred', 'reveal', name, card, '--reason', 'case 7', '--json');
    const id = await waitingReview();
    const shown = JSON.stringify(await asLead(`/api/v1/reviews/${id}`));
    assert.match(shown, /Reveal 2 tokens \(CREDIT_CARD, OTHER\); digest [0-9a-f]{64}/);
    assert.match(shown, /case 7/);
    for (const hidden of [name, card, 'Ångström', '4111']) assert.ok(!shown.includes(hidden), hidden);
    await asLead(`/api/v1/reviews/${id}/approve`, {});
    const ran = await asked;
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(JSON.parse(ran.stdout), [
      { id: 1, value: 'Zoë Ångström', type: 'OTHER', form: 'text' },
      { id: 2, value: '4111 1111 1111 1111', type: 'CREDIT_CARD', form: 'digits' },
    ]);
  });

  test('nobody answers: a ticket, and the same command goes through once when somebody has', async () => {
    const held = await post('fred', { tokens: [name], reason: 'case 8' });
    assert.equal(held.status, 403);
    const denial = held.said['denial'];
    assert.ok(isObject(denial) && denial['class'] === 'REVIEW_PENDING', JSON.stringify(held.said));
    await asLead(`/api/v1/reviews/${String(denial['review'])}/approve`, {});
    const both = await Promise.all([0, 1].map(() => post('fred', { tokens: [name], reason: 'case 8' })));
    assert.deepEqual(new Set(both.map(({ status }) => status)), new Set([200, 403]));
  });

  test('where they come from can be asked for, and how often', async () => {
    const of = { resource: 'shop', column: 'public.customers.card' };
    assert.equal((await post('pat', { tokens: [card] })).status, 403);
    assert.equal((await post('pat', { tokens: [card], resource: 'none', column: 'a.b' })).status, 403);
    const ran = await sallyport('pat', 'reveal', card, '--resource', of.resource, '--column', of.column);
    assert.equal(ran.stdout, '4111 1111 1111 1111\n', ran.stderr);
    for (let time = 0; time < 2; time++)
      assert.equal((await post('pat', { tokens: [card], ...of })).status, 200);
    const fourth = await post('pat', { tokens: [card], ...of });
    assert.equal(fourth.status, 403);
    assert.match(String(fourth.said['detail']), /No more than 3/);
  });

  test('tokens come from a file and from standard input; a part that is none is said and ends with 1', async () => {
    const file = join(home.path, 'tokens');
    writeFileSync(file, `${mail}\r\n${mail}\n\n`);
    const ran = await sallyport('sue', 'reveal', '--input', file);
    assert.equal(ran.stdout, 'zoe@example.org\nzoe@example.org\n', ran.stderr);
    const pat = await post('pat', { tokens: ['x'], resource: 'shop', column: 'public.customers.card' });
    assert.equal(pat.status, 403); // the rate of the test before: nothing is known of the token
    for (const body of [
      {},
      { tokens: [] },
      { tokens: [7] },
      { tokens: [mail], column: 'a.b' },
      { tokens: [mail], key: 99 },
      { tokens: [mail], more: 1 },
    ])
      assert.equal((await post('sue', body)).status, 400);
  });

  test('the ledger says who, how many and of which types; neither token nor value stands in it or in the log', async () => {
    const { said } = await post('sue', { tokens: [mail], reason: 'ticket 9' });
    const id = String(said['decision']);
    const answer = await fetch(`${gateway.api}/api/v1/decisions/${id}`, {
      headers: { authorization: `Bearer ${tokens['lead'] ?? ''}` },
    });
    const entry = (await answer.json()) as Record<string, unknown>;
    const text = JSON.stringify(entry);
    assert.equal(entry['verb'], 'mask.reveal');
    assert.match(text, /"subject":"sue"/);
    assert.match(text, /Reveal 1 token \(EMAIL_ADDRESS\); digest [0-9a-f]{64}/);
    for (const hidden of [mail, 'zoe@example.org']) assert.ok(!text.includes(hidden));
    for (const hidden of [mail, name, card, 'zoe@', 'Ångström']) assert.ok(!gateway.log().includes(hidden));
  });

  test('after a change of the key old tokens still have their values, numbers where the key is named', async () => {
    await gateway.stop();
    const file = join(home.path, 'keys', 'mask.key');
    writeFileSync(file, `${'ab'.repeat(32)}\n${readFileSync(file, 'utf8')}`);
    gateway = await start();
    const valueOf = async (as: string, body: object): Promise<unknown> => {
      const { values } = (await post(as, body)).said as {
        readonly values: readonly { readonly value: string }[];
      };
      return values[0]?.value;
    };
    assert.equal(await valueOf('sue', { tokens: [mail] }), 'zoe@example.org');
    const of = { tokens: [card], resource: 'shop', column: 'public.customers.card' };
    assert.notEqual(await valueOf('pat', of), '4111 1111 1111 1111');
    assert.equal(await valueOf('pat', { ...of, key: 1 }), '4111 1111 1111 1111');
  });

  async function asLead(path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${gateway.api}${path}`, {
      headers: { authorization: `Bearer ${tokens['lead'] ?? ''}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return answer.json();
  }

  async function waitingReview(): Promise<string> {
    let id = '';
    await until(async () => {
      const all = await asLead('/api/v1/reviews?state=waiting');
      const [one] = Array.isArray(all) ? (all as unknown[]) : [];
      if (isObject(one)) id = String(one['id']);
      return id !== '';
    }, 'Nothing waits');
    return id;
  }
});
