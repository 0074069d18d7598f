import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server as OldServer } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClientOptions,
  type ClientReadableStream,
  Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, temporaryFolder } from './harness/place.ts';
import { until } from './harness/wait.ts';

const proto = `
syntax = "proto3";
package shop.v1;
import "google/protobuf/any.proto";
service Customers {
  rpc Get(Ask) returns (Customer) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Change(Customer) returns (Customer);
  rpc List(Ask) returns (stream Customer) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Import(stream Customer) returns (Counted);
  rpc Talk(stream Ask) returns (stream Customer);
  rpc Secret(Ask) returns (Customer);
  rpc Slow(Ask) returns (Customer) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Fail(Ask) returns (Customer) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Newer(Ask) returns (Customer) { option idempotency_level = NO_SIDE_EFFECTS; }
}
message Ask { int64 id = 1; string note = 2; }
message Address { string street = 1; string zip = 2; }
message Customer {
  int64 id = 1;
  string name = 2;
  repeated string emails = 3;
  Address address = 4;
  map<string, string> labels = 5;
  bytes photo = 6;
  google.protobuf.Any extra = 7;
  int64 card = 8;
  string city = 9;
}
message Counted { int32 count = 1; }
`;
/** What the service really speaks: it is ahead of the schema that the gateway was given. */
const newer = proto.replace('string city = 9;', 'string city = 9; string hidden = 20;');

interface Customer {
  readonly id: string;
  readonly name: string;
  readonly emails: readonly string[];
  readonly address: { readonly street: string; readonly zip: string } | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly photo: Buffer;
  readonly card: string;
  readonly city: string;
  readonly hidden?: string;
}

const ann = {
  id: '7',
  name: 'Ann Lee',
  emails: ['ann.lee@example.com', 'plain'],
  address: { street: '1 Main St', zip: '94110' },
  labels: { colour: 'red', contact: 'ann.lee@example.com' },
  photo: Buffer.from('mail ann.lee@example.com'),
  card: '4111111111111111',
  city: 'Bern',
};

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: base, role: restrict, use: [{ module: masks }] }
  - { name: web, role: grant, use: [{ module: web }] }
record: full
`,
  'modules/web.policy.yaml': `
apiVersion: sallyport/v1
module: web
about: Who may call what.
owner: team:platform
rules:
  - { id: read, effect: allow, match: { resource: { kind: http }, access: read }, why: Everybody may read., fix: Ask. }
  - id: write
    effect: allow
    match: { resource: { kind: http }, identity: { groups: [dba] } }
    when: 'action.rpc != "Secret"'
    why: The team may write.
    fix: Ask one of them.
  - id: own
    effect: allow
    match: { resource: { name: sallyport }, identity: { groups: [lead] } }
    why: A lead sees and ends sessions.
    fix: Ask.
  - id: no-notes
    effect: deny
    match: { resource: { kind: http } }
    when: 'action.service == "shop.v1.Customers" && action.inspected && "note" in action.fields'
    why: Notes are not asked for.
    fix: Leave the note out.
  - id: held
    effect: require
    match: { resource: { kind: http }, action: http.grpc }
    when: 'action.rpc == "Change"'
    then: { approve: { from: [lead], ttl: 1h } }
    why: Changes wait for a person.
    fix: Wait.
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
    then: { mask: [{ tag: pii/*, with: redact }, { find: '*', with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
  'schema.yaml': `
apiVersion: sallyport/v1
tags:
  shop: { '/shop.v1.Customers/Get.name': [pii/name], '*.address': [pii/address] }
  bare: { '/shop.v1.Customers/Get.name': [pii/name] }
`,
};

describe('a service of gRPC through the gateway', () => {
  const calls: { readonly method: string; readonly metadata: Metadata }[] = [];
  let server: Server;
  let old: OldServer;
  let gateway: Configured;
  let port = 0;
  let service: ServiceDefinition;
  const ended = { cancelled: 0 };
  const tokens = { analyst: '', dba: '', lead: '' };
  const folder = temporaryFolder('protos');

  before(async () => {
    const file = join(folder.path, 'shop.proto');
    const file2 = join(folder.path, 'newer.proto');
    writeFileSync(file, proto);
    writeFileSync(file2, newer);
    const options = { keepCase: true, longs: String, defaults: true };
    const loaded = loadPackageDefinition(loadSync(file2, options)) as unknown as {
      shop: { v1: { Customers: { service: ServiceDefinition } } };
    };
    service = loaded.shop.v1.Customers.service;
    server = new Server();
    const seen = (method: string, { metadata }: { readonly metadata: Metadata }): void =>
      void calls.push({ method, metadata });
    type Unary = (call: ServerUnaryCall<Customer, unknown>, done: sendUnaryData<unknown>) => void;
    const get: Unary = (call, done) => {
      seen('Get', call);
      const header = new Metadata();
      header.set('x-owner', 'ann.lee@example.com');
      call.sendMetadata(header);
      const trailer = new Metadata();
      trailer.set('x-after', 'ann.lee@example.com');
      done(null, ann, trailer);
    };
    server.addService(service, {
      Get: get,
      Secret: get,
      Change: ((call, done) => {
        seen('Change', call);
        done(null, call.request);
      }) satisfies Unary,
      Newer: ((call, done) => {
        seen('Newer', call);
        done(null, { ...ann, hidden: 'ann.lee@example.com' });
      }) satisfies Unary,
      Slow: ((call) => {
        seen('Slow', call);
        call.on('cancelled', () => ended.cancelled++);
      }) satisfies Unary,
      Fail: ((call, done) => {
        seen('Fail', call);
        done({ code: status.NOT_FOUND, details: 'no ann.lee@example.com here' });
      }) satisfies Unary,
      List: (call: ServerWritableStream<Customer, unknown>) => {
        seen('List', call);
        for (let id = 1; id <= 5; id++) call.write({ ...ann, id });
        call.end();
      },
      Import: (call: ServerReadableStream<Customer, unknown>, done: sendUnaryData<unknown>) => {
        seen('Import', call);
        let count = 0;
        call.on('data', () => count++);
        call.on('end', () => done(null, { count }));
      },
      Talk: (call: ServerDuplexStream<Customer, unknown>) => {
        seen('Talk', call);
        call.on('data', ({ id }: Customer) => call.write({ ...ann, id }));
        call.on('end', () => call.end());
      },
    });
    const upstream = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    old = createServer((_request, response) => void response.end('hello'));
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    const first = await freePorts(2);
    port = first + 1;
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, http: 127.0.0.1:${port} }
policy: ./policy
identities:
  - { subject: analyst, kind: human, groups: [analysts] }
  - { subject: dba, kind: human, groups: [dba] }
  - { subject: lead, kind: human, groups: [lead] }
resources:
  - name: shop
    kind: http
    url: http://127.0.0.1:${upstream}
    hosts: [shop.test]
    credentials: { bearer: upstream-secret }
    identityHeader: x-user
    protos: [{ file: ${file} }]
    timeouts: { connect: 1m }
  - name: bare
    kind: http
    url: http://127.0.0.1:${upstream}
    hosts: [bare.test]
    routes: [{ path: '/shop.v1.Customers/Get', access: read }]
  - name: old
    kind: http
    url: http://127.0.0.1:${(old.address() as AddressInfo).port}
    hosts: [old.test]
  - name: open
    kind: http
    url: http://127.0.0.1:${upstream}
    hosts: [open.test]
    uninspected: [application/grpc]
    routes: [{ path: '/shop.v1.Customers/{rpc}', access: read }]
`,
    });
    tokens.analyst = await gateway.token('analyst');
    tokens.dba = await gateway.token('dba');
    tokens.lead = await gateway.token('lead');
  });

  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.forceShutdown();
    old.closeAllConnections();
    old.close();
    folder[Symbol.dispose]();
  });

  const clientOf = (host: string, more: ClientOptions = {}): Client =>
    new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.default_authority': host,
      'grpc.enable_retries': 0,
      ...more,
    });

  interface Said {
    readonly host?: string;
    readonly token?: string;
    readonly deadlineMs?: number;
    readonly client?: Client;
  }

  interface Answered {
    readonly error: ServiceError | null;
    readonly value: Customer | undefined;
    readonly head: Metadata | undefined;
    readonly tail: Metadata | undefined;
  }

  const metadataOf = (token: string): Metadata => {
    const metadata = new Metadata();
    if (token !== '') metadata.set('authorization', `Bearer ${token}`);
    metadata.set('x-user', 'root');
    return metadata;
  };

  const method = (name: string): ServiceDefinition[string] => {
    const found = service[name];
    assert.ok(found);
    return found;
  };

  const call = (
    name: string,
    message: object,
    { host = 'shop.test', token, deadlineMs, client }: Said = {},
  ) =>
    new Promise<Answered>((resolve) => {
      const { path, requestSerialize, responseDeserialize } = method(name);
      const own = client ?? clientOf(host);
      let head: Metadata | undefined;
      let tail: Metadata | undefined;
      let got: { error: ServiceError | null; value: Customer | undefined } | undefined;
      const done = (): void => {
        if (got === undefined || tail === undefined) return;
        if (client === undefined) own.close();
        resolve({ ...got, head, tail });
      };
      const made = own.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize as (bytes: Buffer) => Customer,
        message,
        metadataOf(token ?? tokens.dba),
        deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs },
        (error, value) => {
          got = { error, value };
          done();
        },
      );
      made.on('metadata', (each) => (head = each));
      made.on('status', (each) => {
        tail = each.metadata;
        done();
      });
    });

  const listed = (stream: ClientReadableStream<Customer>): Promise<Customer[]> =>
    new Promise((resolve, reject) => {
      const all: Customer[] = [];
      stream.on('data', (each: Customer) => all.push(each));
      stream.on('error', reject);
      stream.on('end', () => resolve(all));
    });

  test('a unary call passes unchanged, with the credential of the gateway and no other', async () => {
    calls.length = 0;
    const { error, value, head, tail } = await call('Get', { id: 7 });
    assert.equal(error, null);
    assert.deepEqual({ ...value, extra: undefined }, { ...ann, extra: undefined, hidden: '' });
    assert.deepEqual(head?.get('x-owner'), ['ann.lee@example.com']);
    assert.deepEqual(tail?.get('x-after'), ['ann.lee@example.com']);
    assert.deepEqual(calls[0]?.metadata.get('authorization'), ['Bearer upstream-secret']);
    assert.deepEqual(calls[0]?.metadata.get('x-user'), ['dba']);
  });

  test('streams of the client, of the server, and both at once', async () => {
    const client = clientOf('shop.test');
    const metadata = metadataOf(tokens.dba);
    const [list, bring, talk] = [method('List'), method('Import'), method('Talk')];
    const of = list.responseDeserialize as (bytes: Buffer) => Customer;
    const got = await listed(
      client.makeServerStreamRequest(list.path, list.requestSerialize, of, { id: 1 }, metadata),
    );
    assert.deepEqual(
      got.map(({ id }) => id),
      ['1', '2', '3', '4', '5'],
    );
    const counted = await new Promise((resolve, reject) => {
      const up = client.makeClientStreamRequest(
        bring.path,
        bring.requestSerialize,
        bring.responseDeserialize,
        metadata,
        (error, value) => (error === null ? resolve(value) : reject(error)),
      );
      for (let id = 0; id < 1_000; id++) up.write({ ...ann, id });
      up.end();
    });
    assert.deepEqual(counted, { count: 1_000 });
    const both = client.makeBidiStreamRequest(talk.path, talk.requestSerialize, of, metadata);
    const answers: string[] = [];
    for (const id of ['11', '12', '13']) {
      const answer = new Promise<Customer>((resolve) => both.once('data', resolve));
      both.write({ id });
      answers.push((await answer).id); // one goes back before the next is sent
    }
    assert.deepEqual(answers, ['11', '12', '13']);
    const end = new Promise((resolve) => both.once('end', resolve));
    both.resume();
    both.end();
    await end;
    client.close();
  });

  test('each message of a stream is judged: the one that a rule forbids does not arrive, and ends the call', async () => {
    const client = clientOf('shop.test');
    const talk = method('Talk');
    const of = talk.responseDeserialize as (bytes: Buffer) => Customer;
    const both = client.makeBidiStreamRequest(talk.path, talk.requestSerialize, of, metadataOf(tokens.dba));
    const ended = new Promise<ServiceError>((resolve) => both.on('error', resolve as () => void));
    const answers: string[] = [];
    both.on('data', (each: Customer) => void answers.push(each.id));
    const first = new Promise((resolve) => both.once('data', resolve));
    both.write({ id: '21' });
    await first;
    both.write({ id: '22', note: 'x' });
    both.write({ id: '23' });
    const error = await ended;
    assert.equal(error.code, status.PERMISSION_DENIED);
    assert.match(error.details, /Notes are not asked for.*web\/no-notes/);
    const object = JSON.parse(String(error.metadata.get('sallyport-denial')[0])) as Record<string, unknown>;
    assert.equal(object['class'], 'RULE');
    assert.deepEqual(answers, ['21']);
    const { error: later } = await call('Get', { id: 7 });
    assert.equal(later, null);
    client.close();
  });

  test('a denied call is refused as gRPC refuses, with the reason, and does not arrive', async () => {
    calls.length = 0;
    const denied = await call('Secret', { id: 7 });
    assert.equal(denied.error?.code, status.PERMISSION_DENIED);
    assert.match(denied.error?.details ?? '', /No rule|Everybody may read|allow/i);
    const object = JSON.parse(String(denied.tail?.get('sallyport-denial')[0])) as Record<string, unknown>;
    assert.equal(object['class'], 'NO_ALLOW_RULE');
    const ruled = await call('Get', { id: 7, note: 'x' });
    assert.equal(ruled.error?.code, status.PERMISSION_DENIED);
    assert.match(
      ruled.error?.details ?? '',
      /Notes are not asked for.*web\/no-notes at modules\/web\.policy\.yaml:\d+/,
    );
    assert.match(ruled.error?.details ?? '', /Leave the note out/);
    assert.equal((await call('Get', { id: 7 }, { token: '' })).error?.code, status.UNAUTHENTICATED);
    assert.equal((await call('Get', { id: 7 }, { token: 'x' })).error?.code, status.UNAUTHENTICATED);
    assert.equal((await call('Get', { id: 7 }, { host: 'none.test' })).error?.code, status.NOT_FOUND);
    assert.deepEqual(calls, []);
  });

  test('a refusal is a head and nothing else, of status 200', async () => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/shop.v1.Customers/Secret',
      ':authority': 'shop.test',
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${tokens.dba}`,
    });
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
    const [headers, flags] = await new Promise<[Record<string, unknown>, number]>((resolve) =>
      stream.once('response', (head, flag) => resolve([head, flag])),
    );
    session.destroy();
    assert.equal(headers[':status'], 200);
    assert.equal(headers['grpc-status'], '7');
    assert.equal(headers['content-type'], 'application/grpc');
    assert.equal(flags & 1, 1, 'END_STREAM stands on the head');
  });

  test('fields are masked by tag and by what is found, wherever a text can be', async () => {
    const { error, value, head, tail } = await call('Get', { id: 7 }, { token: tokens.analyst });
    assert.equal(error, null);
    assert.equal(value?.id, '7');
    assert.equal(value.city, 'Bern');
    assert.equal(value.name, '***');
    assert.deepEqual([value.emails[1], value.labels['colour']], ['plain', 'red']);
    assert.deepEqual(value.address, { street: '***', zip: '***' });
    assert.equal(value.card, '0');
    assert.equal(value.photo.length, 0);
    const whole = JSON.stringify([value, head?.getMap(), tail?.getMap()]);
    assert.ok(!/ann\.lee|4111|Ann|Main/.test(whole), whole);
    const failed = await call('Fail', { id: 7 }, { token: tokens.analyst });
    assert.equal(failed.error?.code, status.NOT_FOUND);
    assert.match(failed.error?.details ?? '', /^no .* here$/);
    assert.ok(!failed.error?.details.includes('ann.lee'));
    const client = clientOf('shop.test');
    const list = method('List');
    const of = list.responseDeserialize as (bytes: Buffer) => Customer;
    const stream = client.makeServerStreamRequest(
      list.path,
      list.requestSerialize,
      of,
      { id: 1 },
      metadataOf(tokens.analyst),
    );
    const all = await listed(stream);
    client.close();
    assert.equal(all.length, 5);
    assert.ok(!JSON.stringify(all).includes('ann.lee'));
  });

  test('compressed messages are masked too', async () => {
    const client = clientOf('shop.test', { 'grpc.default_compression_algorithm': 2 });
    const { error, value } = await call('Get', { id: 7 }, { token: tokens.analyst, client });
    client.close();
    assert.equal(error, null);
    assert.equal(value?.name, '***');
    const denied = await call('Get', { id: 7, note: 'x'.repeat(3_000) });
    assert.match(denied.error?.details ?? '', /no-notes/, 'a compressed message is judged like others');
  });

  test('a field that the schema does not have is left out while masks apply', async () => {
    const seen = await call('Newer', { id: 7 });
    assert.equal(seen.value?.hidden, 'ann.lee@example.com');
    const masked = await call('Newer', { id: 7 }, { token: tokens.analyst });
    assert.equal(masked.error, null);
    assert.equal(masked.value?.hidden, '');
  });

  test('without a schema nothing passes while masks apply, unless the configuration says so', async () => {
    calls.length = 0;
    const refused = await call('Get', { id: 7 }, { host: 'bare.test', token: tokens.analyst });
    assert.equal(refused.error?.code, status.PERMISSION_DENIED);
    assert.match(refused.error?.details ?? '', /protos/);
    assert.deepEqual(calls, [], 'a call whose answer could not be shown was sent');
    assert.equal((await call('Get', { id: 7 }, { host: 'bare.test' })).value?.name, 'Ann Lee');
    const open = await call('Get', { id: 7 }, { host: 'open.test', token: tokens.analyst });
    assert.equal(open.value?.name, 'Ann Lee');
  });

  test('the deadline of the client ends a call, here and at the service', async () => {
    const { error } = await call('Slow', { id: 7 }, { deadlineMs: 5_000 });
    assert.equal(error?.code, status.DEADLINE_EXCEEDED);
    await until(() => ended.cancelled === 1, 'the service goes on');
    assert.deepEqual(calls.at(-1)?.metadata.get('te'), []);
  });

  const reviews = async (): Promise<readonly { readonly id: string; readonly state: string }[]> => {
    const answer = await fetch(`${gateway.api}/api/v1/reviews`, {
      headers: { authorization: `Bearer ${tokens.lead}` },
    });
    return (await answer.json()) as { id: string; state: string }[];
  };

  test('a held call ends with its deadline, or goes on when a person approves it', async () => {
    calls.length = 0;
    const late = await call('Change', { id: 7, name: 'Bo' }, { deadlineMs: 1_200 });
    assert.equal(late.error?.code, status.DEADLINE_EXCEEDED);
    assert.deepEqual(calls, []);
    const asked = async (): Promise<string | undefined> =>
      (await reviews()).find(({ state }) => state === 'waiting')?.id;
    await until(async () => (await asked()) === undefined, 'what nobody waits for is still asked');
    const waiting = call('Change', { id: 8, name: 'Bo' }, { deadlineMs: 600_000 });
    await until(async () => (await asked()) !== undefined, 'nobody is asked');
    const id = await asked();
    const approved = await fetch(`${gateway.api}/api/v1/reviews/${id}/approve`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.lead}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'seen' }),
    });
    assert.ok(approved.ok, await approved.text());
    const { error, value } = await waiting;
    assert.equal(error, null);
    assert.equal(value?.name, 'Bo');
    assert.equal(calls.length, 1);
  });

  test('a client that leaves ends its call at the service', async () => {
    ended.cancelled = 0;
    const client = clientOf('shop.test');
    const slow = method('Slow');
    const made = client.makeUnaryRequest(
      slow.path,
      slow.requestSerialize,
      slow.responseDeserialize,
      { id: 1 },
      metadataOf(tokens.dba),
      () => undefined,
    );
    while (calls.at(-1)?.method !== 'Slow') await sleep(20);
    made.cancel();
    await until(() => ended.cancelled === 1, 'the service goes on');
    client.close();
  });

  const raw = (
    body: Uint8Array,
    fields: Readonly<Record<string, string>> = {},
    path: string = '/shop.v1.Customers/Get',
  ): Promise<string> =>
    new Promise((resolve, reject) => {
      const session = connectHttp2(`http://127.0.0.1:${port}`);
      session.on('error', reject);
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        ':authority': 'shop.test',
        'content-type': 'application/grpc',
        te: 'trailers',
        authorization: `Bearer ${tokens.dba}`,
        ...fields,
      });
      let told = '';
      const look = (headers: Readonly<Record<string, unknown>>): void => {
        const code = headers['grpc-status'];
        if (code !== undefined)
          told = `${code as string} ${decodeURIComponent(String(headers['grpc-message']))}`;
      };
      stream.on('response', look);
      stream.on('trailers', look);
      stream.on('error', () => undefined);
      stream.on('close', () => {
        session.destroy();
        resolve(told);
      });
      stream.resume();
      stream.end(body);
    });

  test('what is no message of gRPC is refused before it is sent', async () => {
    const message = (bytes: readonly number[], flag = 0): Buffer =>
      Buffer.from([flag, 0, 0, 0, bytes.length, ...bytes]);
    const good = message([8, 7]);
    const get = '/shop.v1.Customers/Get';
    assert.match(await raw(good), /^0/);
    calls.length = 0;
    const cases: readonly (readonly [
      string,
      Uint8Array,
      Readonly<Record<string, string>>,
      string,
      RegExp,
    ])[] = [
      ['nothing', Buffer.alloc(0), {}, get, /^3/],
      ['half a head', Buffer.from([0, 0, 0]), {}, get, /^3/],
      ['half a message', Buffer.from([0, 0, 0, 0, 9, 8, 7]), {}, get, /^3/],
      ['4 GiB', Buffer.from([0, 255, 255, 255, 255, 8, 7]), {}, get, /^8/],
      ['another flag', message([8, 7], 2), {}, get, /^3/],
      ['compressed by nothing', message([8, 7], 1), {}, get, /^3/],
      ['compressed by what nobody knows', message([8, 7], 1), { 'grpc-encoding': 'constructor' }, get, /^3/],
      ['two messages', Buffer.concat([good, good]), {}, get, /^3/],
      ['a message of another type', message([10, 200, 1]), {}, get, /^3/],
      [
        'a number without end',
        message([8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        {},
        get,
        /^3/,
      ],
      ['a field twice', message([8, 7, 8, 9]), {}, get, /^3/],
      ['a text that is none', message([18, 1, 255]), {}, get, /^3/],
      ['a deadline that is none', good, { 'grpc-timeout': '1x' }, get, /^3/],
      ['a coded body', good, { 'content-encoding': 'gzip' }, get, /^3/],
      ['a path that is none', good, {}, '/shop.v1.Customers', /^3/],
      ['a query', good, {}, `${get}?a=1`, /^3/],
      ['another method of the same name', good, {}, '/shop.v1.Customers/get', /^12/],
      [
        'JSON with a key twice',
        Buffer.concat([Buffer.from([0, 0, 0, 0, 19]), Buffer.from('{"note":1,"note":2}')]),
        { 'content-type': 'application/grpc+json' },
        get,
        /^3/,
      ],
    ];
    for (const [what, body, fields, path, expected] of cases)
      assert.match(await raw(body, fields, path), expected, what);
    // The dba may call what nobody has a schema of; the service does not know it.
    assert.deepEqual(
      calls.map(({ method: name }) => name),
      [],
    );
  });

  test('a service that does not speak HTTP/2 is unavailable, and says so at once', async () => {
    const { error } = await call('Get', { id: 7 }, { host: 'old.test', deadlineMs: 600_000 });
    assert.equal(error?.code, status.UNAVAILABLE);
  });

  test('a call whose session a person ends is over, here and at the service', async () => {
    ended.cancelled = 0;
    calls.length = 0;
    const slow = call('Slow', { id: 1 });
    while (calls.length === 0) await sleep(20);
    const authorization = `Bearer ${tokens.lead}`;
    const list = await fetch(`${gateway.api}/api/v1/sessions?state=live&identity=dba&resource=shop`, {
      headers: { authorization },
    });
    for (const { id } of (await list.json()) as { id: string }[])
      await fetch(`${gateway.api}/api/v1/sessions/${id}/kill`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: '{}',
      });
    const { error } = await slow;
    assert.equal(error?.code, status.PERMISSION_DENIED);
    assert.match(error.details, /ended/);
    await until(() => ended.cancelled === 1, 'the service goes on');
  });

  test('over TLS, with the CA of the gateway', async () => {
    const ca = readFileSync(join(gateway.home, 'tls', 'ca.pem'));
    const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(ca), {
      'grpc.default_authority': 'shop.test',
      'grpc.ssl_target_name_override': 'localhost',
    });
    const { error, value } = await call('Get', { id: 7 }, { client });
    client.close();
    assert.equal(error, null);
    assert.equal(value?.name, 'Ann Lee');
  });

  test('a client that does not read stops the service, and no other call', async () => {
    const client = clientOf('shop.test');
    const slow = method('Talk');
    const both = client.makeBidiStreamRequest(
      slow.path,
      slow.requestSerialize,
      slow.responseDeserialize as (bytes: Buffer) => Customer,
      metadataOf(tokens.dba),
    );
    let failed: Error | undefined;
    both.on('error', (error) => (failed = error)).pause();
    for (let sent = 1; sent < 20_000 && both.write({ id: sent }); sent++)
      if (sent % 500 === 0) await sleep(5);
    assert.equal((await call('Get', { id: 7 }, { client })).error, null);
    assert.equal(failed, undefined, 'the call is over: nobody had to stop for it');
    both.cancel();
    client.close();
  });
});
