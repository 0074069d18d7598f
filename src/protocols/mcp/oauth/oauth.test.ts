import assert from 'node:assert/strict';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { importJWK, jwtVerify } from 'jose';
import { Secret } from '../../../base/secret.ts';
import { realWorld } from '../../../base/time.ts';
import { settings } from '../settings.ts';
import { assertionOf } from './assertion.ts';
import { Broker } from './broker.ts';
import { oauthFetch } from './fetch.ts';
import { proofs } from './proofs.ts';
import { vault, vaultName } from './sealed.ts';

const url = 'https://mcp.example/mcp';
const issuer = 'https://login.example';

test('settings: what is right, and what is refused', () => {
  const read = (more: object, at: string = url): unknown => {
    const checked = settings({ url: at, ...more }, '');
    if (!checked.ok) return checked.error[0]?.message;
    const server = checked.value.servers.get('');
    return server?.kind === 'http' ? server.oauth?.grant : undefined;
  };
  const whole = { issuer, clientId: 'gate', clientSecret: 's' };
  assert.equal(read({ oauth: whole }), 'client_credentials');
  assert.equal(
    read({ oauth: { issuer, clientId: 'gate', grant: 'authorization_code' } }),
    'authorization_code',
  );
  assert.match(String(read({ oauth: { issuer, clientId: 'gate' } })), /needs `clientId` and `clientSecret`/);
  const byCode = { issuer, grant: 'authorization_code' };
  assert.equal(read({ oauth: byCode }), 'authorization_code', 'it registers itself');
  assert.equal(read({ oauth: { ...byCode, per: 'identity' } }), 'authorization_code');
  assert.equal(read({ oauth: { issuer, clientId: 'gate', clientKey: 'pem' } }), 'client_credentials');
  assert.match(String(read({ oauth: { ...whole, clientKey: 'pem' } })), /not both/);
  assert.match(String(read({ oauth: { ...whole, per: 'identity' } })), /authorization_code/);
  assert.match(String(read({ oauth: { ...byCode, stepUp: ['x'] } })), /agrees/);
  assert.match(String(read({ oauth: { ...byCode, clientSecret: 's' } })), /whose secret/);
  assert.match(String(read({ oauth: { ...whole, algorithm: 'ES256' } })), /that of a `clientKey`/);
  const federated = { issuer, clientId: 'gate', grant: 'jwt_bearer', assertionFile: '/var/run/token' };
  assert.equal(read({ oauth: { ...federated, dpop: true } }), 'jwt_bearer');
  assert.match(String(read({ oauth: { ...federated, clientId: undefined } })), /needs a `clientId`/);
  assert.match(String(read({ oauth: { ...federated, assertionFile: undefined } })), /`assertionFile` is/);
  assert.match(String(read({ oauth: { ...federated, assertionFile: 'token' } })), /whole path/);
  assert.match(String(read({ oauth: { ...whole, assertionFile: '/var/run/token' } })), /nothing else does/);
  assert.match(String(read({ oauth: { ...federated, per: 'identity' } })), /authorization_code/);
  const two = settings({ servers: { a: { url, oauth: { ...byCode, per: 'identity' } } } }, '');
  assert.match(two.ok ? '' : String(two.error[0]?.message), /one server/);
  assert.match(String(read({ oauth: whole, credentials: { bearer: 'x' } })), /not both/);
  assert.match(String(read({ oauth: whole }, 'http://mcp.example')), /https only/);
  assert.match(String(read({ oauth: { ...whole, issuer: 'http://login.example' } })), /an issuer/);
  assert.match(String(read({ oauth: { ...whole, issuer: 'http://localhost.evil.example' } })), /an issuer/);
  assert.match(String(read({ oauth: { clientId: 'gate', clientSecret: 's' } })), /Missing/);
});

test('more scopes are asked for where they may be, and by a person else', () => {
  const make = (more: object): { readonly broker: Broker; readonly kept: () => string } => {
    let text: string | undefined;
    const checked = settings({ url, oauth: { issuer, ...more } }, '');
    const server = checked.ok ? checked.value.servers.get('') : undefined;
    assert.ok(server?.kind === 'http' && server.oauth !== undefined);
    const broker = new Broker({
      settings: server.oauth,
      upstream: server.upstream,
      world: realWorld,
      fetch: () => Promise.reject(new Error('Nothing is fetched')),
      vault: { get: () => text, set: (given) => void (text = given) },
    });
    return { broker, kept: () => text ?? '' };
  };
  const wants = (scope: string): string => `Bearer error="insufficient_scope", scope="${scope}"`;
  const machine = { clientId: 'gate', clientSecret: new Secret('s'), scope: 'read' };
  assert.equal(make(machine).broker.more(wants('read write')), false, 'a server widens nothing by itself');
  assert.equal(make({ ...machine, stepUp: ['write'] }).broker.more(wants('read write')), true);
  assert.equal(make({ ...machine, stepUp: ['write'] }).broker.more(wants('admin')), false);
  for (const other of ['Bearer error="invalid_token"', 'Bearer error="insufficient_scope"', ''])
    assert.equal(make({ ...machine, stepUp: ['write'] }).broker.more(other), false);
  const person = make({ grant: 'authorization_code' });
  assert.equal(person.broker.more(wants('read write')), false, 'nobody is there to agree');
  assert.match(person.kept(), /"wants":"read write"/);
});

test('proofs: the key that was kept signs on, what is no such key is refused', async () => {
  const kept: object[] = [];
  const first = await proofs(undefined, (key) => void kept.push(key));
  const again = await proofs(JSON.parse(JSON.stringify(kept[0])) as object, () => assert.fail('it has one'));
  assert.equal(again.thumbprint, first.thumbprint);
  const proof = await again.buildProof({ htm: 'POST', htu: `${url}?x=1`, accessToken: 'token' });
  const key = await importJWK(first.publicJwk, 'ES256');
  const { payload, protectedHeader } = await jwtVerify(proof, key, { typ: 'dpop+jwt' });
  assert.deepEqual([payload['htm'], payload['htu']], ['POST', url]);
  assert.ok(protectedHeader.jwk !== undefined && !('d' in protectedHeader.jwk), 'the private key stays here');
  await assert.rejects(
    proofs({ kty: 'oct', k: 'AAAA' }, () => undefined),
    /not understood/,
  );
});

test('an assertion is a JWT that the file has now; nothing else is sent', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'assertion-'));
  const file = join(folder.path, 'token');
  await assert.rejects(assertionOf(file), /cannot be read/);
  for (const text of ['a.b.c\n', 'd.e.f']) {
    writeFileSync(file, text);
    assert.equal(await assertionOf(file), text.trim());
  }
  for (const text of ['', 'root:x:0:0', 'a.b', 'a.b.c d', `a.b.${'c'.repeat(20_000)}`]) {
    writeFileSync(file, text);
    await assert.rejects(assertionOf(file), /no signed JWT/);
  }
});

test('what is kept is sealed, under its own name and key', () => {
  const files = new Map<string, string>();
  const kept = {
    get: (name: string) => files.get(name),
    set: (name: string, text: string) => void files.set(name, text),
  };
  const open = (name: string, secret: string = 'a'.repeat(64)): ReturnType<typeof vault> =>
    vault(kept, new Secret(secret), realWorld, name);
  const name = vaultName('tools', '');
  assert.equal(open(name).get(), undefined);
  open(name).set('refresh-token');
  assert.equal(open(name).get(), 'refresh-token');
  const sealed = files.get(name) ?? '';
  assert.ok(!sealed.includes('refresh'));
  open(name).set('refresh-token');
  assert.notEqual(files.get(name), sealed, 'the same text is not the same when it is sealed again');
  assert.throws(() => open(name, 'b'.repeat(64)).get(), /cannot be opened/);
  files.set(vaultName('other', ''), sealed);
  assert.throws(() => open(vaultName('other', '')).get(), /cannot be opened/);
  files.set(name, '{"sealed":""}');
  assert.throws(() => open(name).get(), /cannot be opened/);
  files.set(name, 'x');
  assert.throws(() => open(name).get(), /cannot be opened/);
});

test('signing in leads to the issuer and the server, over TLS, and nowhere else', async () => {
  const dialled: string[] = [];
  const dial = (address: string): Promise<never> => {
    dialled.push(address);
    return Promise.reject(new Error('no network here'));
  };
  const checked = settings({ url }, '');
  assert.ok(checked.ok);
  const server = checked.value.servers.get('');
  assert.ok(server?.kind === 'http');
  const fetch = oauthFetch({ dial, world: realWorld }, server.upstream, issuer);
  for (const [bad, init] of [
    ['https://evil.example/.well-known/oauth-authorization-server', {}],
    ['http://169.254.169.254/latest', {}],
    ['http://login.example/token', { method: 'POST', body: 'x' }],
    ['http://mcp.example/mcp', { method: 'POST', body: 'x' }],
    ['http://localhost.evil.example/token', { method: 'POST', body: 'x' }],
  ] as const)
    await assert.rejects(fetch(bad, init), /not trusted/, bad);
  assert.deepEqual(dialled, []);
  await assert.rejects(fetch(`${issuer}/.well-known/oauth-authorization-server`));
  await assert.rejects(fetch('https://tokens.login.example/token', { method: 'POST', body: 'x' }));
  assert.deepEqual(dialled, ['login.example:443', 'tokens.login.example:443']);
});
