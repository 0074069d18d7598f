import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { instant, realWorld } from '../base/time.ts';
import { ownCertificate } from './certificates.ts';
import { heldWorld } from './fake.ts';
import { passingKeys, revokedTokens, revokeToken, tokenKeys } from './keys.ts';
import { lockHome } from './lock.ts';
import { logger } from './logs.ts';
import { metricsPage } from './metrics.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function home(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-parts-'));
  folders.push(folder);
  return folder;
}

test('ownCertificate() covers its hosts and localhost, is signed by the CA, and is kept', async () => {
  const at = home();
  const made = await ownCertificate(at, ['10.0.0.7', 'gate.example.com'], realWorld);
  const cert = new X509Certificate(made.cert);
  for (const host of ['localhost', 'gate.example.com']) assert.ok(cert.checkHost(host), host);
  for (const ip of ['127.0.0.1', '::1', '10.0.0.7']) assert.ok(cert.checkIP(ip), ip);
  assert.equal(cert.checkHost('elsewhere.example.com'), undefined);
  const ca = new X509Certificate(readFileSync(made.ca ?? ''));
  assert.ok(cert.verify(ca.publicKey) && ca.ca && !cert.ca);
  const days = (cert.validToDate.getTime() - cert.validFromDate.getTime()) / 86_400_000;
  assert.equal(Math.round(days), 825);
  for (const file of ['ca.key', 'server.key']) assert.equal(statSync(join(at, 'tls', file)).mode & 0o77, 0);

  const again = await ownCertificate(at, ['10.0.0.7'], realWorld);
  assert.equal(again.cert, made.cert);
  const wider = await ownCertificate(at, ['10.0.0.8'], realWorld);
  assert.notEqual(wider.cert, made.cert);
  assert.equal(readFileSync(wider.ca ?? '', 'utf8').trim(), ca.toString().trim());
  const later = { ...realWorld, now: () => instant(realWorld.now() + 800 * 86_400_000) };
  assert.notEqual((await ownCertificate(at, ['10.0.0.8'], later)).cert, wider.cert);
});

test('tokenKeys() makes a key once, for its owner only', () => {
  const at = home();
  const first = tokenKeys(at).key.export({ type: 'pkcs8', format: 'pem' });
  assert.equal(tokenKeys(at).key.export({ type: 'pkcs8', format: 'pem' }), first);
  assert.equal(statSync(join(at, 'keys', 'token.pem')).mode & 0o77, 0);
  assert.notEqual(passingKeys().key.export({ type: 'pkcs8', format: 'pem' }), first);
});

test('tokenKeys() refuses a key that is none', () => {
  const at = home();
  tokenKeys(at);
  writeFileSync(join(at, 'keys', 'token.pem'), 'nothing');
  assert.throws(() => tokenKeys(at), /Cannot read the key/);
});

test('revokedTokens() follows its file', () => {
  const at = home();
  tokenKeys(at);
  const revoked = revokedTokens(at);
  assert.equal(revoked('a'), false);
  revokeToken(at, 'a');
  revokeToken(at, 'b');
  assert.deepEqual([revoked('a'), revoked('b'), revoked('c')], [true, true, false]);
});

test('lockHome() lets one process in, and again when it has left or was killed', () => {
  const at = home();
  const lock = lockHome(at);
  assert.throws(() => lockHome(at), /Another gateway \(pid \d+\) uses/);
  lock[Symbol.dispose]();
  lockHome(at)[Symbol.dispose]();
  writeFileSync(join(at, 'lock'), '999999 5\n');
  lockHome(at)[Symbol.dispose]();
  writeFileSync(join(at, 'lock'), `${process.pid} 5\n`); // a process id given anew
  lockHome(at)[Symbol.dispose]();
  chmodSync(at, 0o700);
});

test('logger() writes one line an event, JSON or human, from its level on', () => {
  const lines: string[] = [];
  const parts = { world: heldWorld(), level: 'info', write: (line: string) => lines.push(line) } as const;
  logger({ ...parts, format: 'json' })('debug', 'unseen');
  logger({ ...parts, format: 'json' })('warn', 'sign-in.refused', {
    peer: '1.2.3.4:5',
    event: 'forged',
    n: 1,
  });
  logger({ ...parts, format: 'human' })('info', 'session.opened', {
    who: 'a\nb \u001b[31m\u202e',
    ok: true,
    no: undefined,
  });
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    at: '2026-01-01T00:00:00.000Z',
    level: 'warn',
    event: 'sign-in.refused',
    peer: '1.2.3.4:5',
    n: 1,
  });
  assert.equal(lines[1], '00:00:00.000 info  session.opened who="a\\nb \\u001b[31m\\u202e" ok=true\n');
});

test('metricsPage() shows what was counted, by the names of the table', async () => {
  const page = metricsPage();
  page.count('decisions_total', { resource: 'shop', decision: 'allow' }, 2);
  page.observe('decide_seconds', 0.0002);
  page.before(() => page.gauge('ledger_size', 7));
  const text = await page.text();
  assert.match(text, /sallyport_decisions_total\{resource="shop",decision="allow"\} 2/);
  assert.match(text, /sallyport_decide_seconds_bucket\{le="0.00025"\} 1/);
  assert.match(text, /sallyport_ledger_size 7/);
  assert.match(text, /process_resident_memory_bytes/);
});
