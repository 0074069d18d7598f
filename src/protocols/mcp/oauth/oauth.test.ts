import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../../base/secret.ts';
import { realWorld } from '../../../base/time.ts';
import { settings } from '../settings.ts';
import { oauthFetch } from './fetch.ts';
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
  assert.match(String(read({ oauth: { issuer, clientId: 'gate' } })), /needs `clientSecret`/);
  assert.match(String(read({ oauth: whole, credentials: { bearer: 'x' } })), /not both/);
  assert.match(String(read({ oauth: whole }, 'http://mcp.example')), /https only/);
  assert.match(String(read({ oauth: { ...whole, issuer: 'http://login.example' } })), /an issuer/);
  assert.match(String(read({ oauth: { ...whole, issuer: 'http://localhost.evil.example' } })), /an issuer/);
  assert.match(String(read({ oauth: { clientId: 'gate', clientSecret: 's' } })), /Missing/);
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
