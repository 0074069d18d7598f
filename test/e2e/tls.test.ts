import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { makeCertificates } from './harness/certificates.ts';
import { runPsql } from './harness/clients.ts';
import { type Guarded, startUp } from './harness/gateway.ts';
import { needs } from './harness/needs.ts';
import { temporaryFolder } from './harness/place.ts';
import { startPostgres } from './harness/postgres.ts';
import { cellsOf, errorOf, int32, RawClient, startup, wire } from './harness/raw.ts';

const sslRequest = Buffer.concat([int32(8), int32(80_877_103)]);
const gssRequest = Buffer.concat([int32(8), int32(80_877_104)]);

suite('TLS towards clients', { timeout: 900_000 }, () => {
  const all = new AsyncDisposableStack();
  let gateway: Guarded;
  let strict: Guarded;
  let token = '';
  let strictToken = '';
  const hello = Buffer.from(startup({ user: 'analyst', database: 'shop' }));

  before(async () => {
    const server = all.use(await startPostgres({ version: 18 }));
    const { port, user, password, database } = server;
    const behind = { port, user, password, database };
    gateway = all.use(await startUp(behind));
    strict = all.use(await startUp({ ...behind, more: 'plainFrom: nowhere' }));
    token = await gateway.token('analyst');
    strictToken = await strict.token('analyst');
  });
  after(() => all.disposeAsync());

  const ca = (): string => join(gateway.home, 'tls', 'ca.pem');
  const psql = (mode: string, more: Readonly<Record<string, string>> = {}): ReturnType<typeof runPsql> =>
    runPsql([], "SELECT 'hello';\n", {
      PGHOST: 'localhost',
      PGPORT: String(gateway.port),
      PGUSER: 'analyst',
      PGPASSWORD: token,
      PGDATABASE: 'shop',
      PGSSLMODE: mode,
      PGCONNECT_TIMEOUT: '100',
      ...more,
    });

  test('psql verifies chain and name with the CA that the gateway made', async (t) => {
    if (!needs(t, 'psql')) return;
    const verified = await psql('verify-full', { PGSSLROOTCERT: ca() });
    assert.deepEqual([verified.stdout, verified.code], ['hello\n', 0], verified.stderr);
    for (const mode of ['require', 'prefer', 'disable']) {
      const { stdout, stderr } = await psql(mode);
      assert.equal(stdout, 'hello\n', `${mode}: ${stderr}`);
    }
    const told = await runPsql([], '\\conninfo\n', {
      PGHOST: 'localhost',
      PGPORT: String(gateway.port),
      PGUSER: 'analyst',
      PGPASSWORD: token,
      PGDATABASE: 'shop',
    });
    assert.match(told.stdout, /SSL connection \(protocol: TLSv1\.3/, 'psql takes TLS where it is offered');
  });

  test('psql refuses another CA and a name that the certificate does not have', async (t) => {
    if (!needs(t, 'psql')) return;
    using folder = temporaryFolder('ca');
    const other = join(folder.path, 'other.pem');
    writeFileSync(other, (await makeCertificates()).ca.cert);
    const foreign = await psql('verify-full', { PGSSLROOTCERT: other });
    assert.match(foreign.stderr, /certificate verify failed/);
    const name = await psql('verify-full', {
      PGSSLROOTCERT: ca(),
      PGHOST: 'orders.internal',
      PGHOSTADDR: '127.0.0.1',
    });
    assert.match(name.stderr, /does not match host name/);
  });

  test('TLS at once, with the ALPN protocol "postgresql" and not without', async () => {
    const options = {
      ca: readFileSync(ca(), 'utf8'),
      servername: 'localhost',
      minVersion: 'TLSv1.2',
    } as const;
    const secured = await tlsTo(gateway.port, { ...options, ALPNProtocols: ['postgresql'] });
    assert.equal(secured.alpn, 'postgresql');
    await using client = secured.client;
    client.send(hello);
    assert.equal((await client.signIn(token)).at(-1)?.type, 'Z');
    const [, row] = await client.ask(wire.query("SELECT 'direct'"));
    assert.ok(row !== undefined);
    assert.deepEqual(cellsOf(row), ['direct']);

    for (const without of [{}, { ALPNProtocols: ['h2', 'http/1.1'] }]) {
      const refused = await tlsTo(gateway.port, { ...options, ...without }).catch(() => undefined);
      if (refused === undefined) continue; // the handshake itself failed
      refused.client.send(hello);
      const messages = await refused.client.signIn(token);
      assert.ok(!messages.some(({ type }) => type === 'R' || type === 'Z'), 'signed in without ALPN');
      refused.client.destroy();
    }
  });

  test('a plain connection may sign in from loopback, and nowhere where that is set', async () => {
    const options = { user: 'analyst', database: 'shop' };
    await using client = await RawClient.connect({ ...options, port: gateway.port, password: token });
    assert.equal((await client.ask(wire.query('SELECT 1'))).at(-1)?.type, 'Z');

    await using refused = await RawClient.open(strict.port);
    refused.send(hello);
    const [message] = await refused.signIn(strictToken);
    assert.ok(message?.type === 'E', 'asked for a password over a plain connection');
    assert.match(errorOf(message).code, /^(?:28|08)/);

    const secured = await tlsTo(strict.port, {
      ca: readFileSync(join(strict.home, 'tls', 'ca.pem'), 'utf8'),
      servername: 'localhost',
      ALPNProtocols: ['postgresql'],
    });
    secured.client.send(hello);
    assert.equal((await secured.client.signIn(strictToken)).at(-1)?.type, 'Z');
    secured.client.destroy();
  });

  test('what comes in plain behind SSLRequest is never taken for encrypted', async () => {
    for (const injected of [hello, Buffer.from('x'), Buffer.alloc(5, 0x16)]) {
      const bytes = await exchange(gateway.port, Buffer.concat([sslRequest, injected]));
      assert.notEqual(bytes.subarray(0, 1).toString(), 'S', 'the handshake goes on');
      // An error in plain is allowed, an authentication request or more is not.
      assert.ok(bytes.length === 0 || bytes.subarray(0, 1).toString() === 'E', bytes.toString('latin1'));
    }
    // The same bytes without the injection are answered with S.
    const plain = await exchange(gateway.port, sslRequest, 1);
    assert.equal(plain.toString(), 'S');
  });

  test('GSS encryption is declined once, and TLS may be asked for after it', async () => {
    const answered = await exchange(gateway.port, gssRequest, 1);
    assert.equal(answered.toString(), 'N');
    const twice = await exchange(gateway.port, Buffer.concat([gssRequest, gssRequest]));
    assert.equal(twice.subarray(0, 2).toString(), 'NE');
  });
});

async function tlsTo(
  port: number,
  options: ConnectionOptions,
): Promise<{ readonly client: RawClient; readonly alpn: string | false | null }> {
  const socket = connectTls({ ...options, host: '127.0.0.1', port });
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  assert.ok(socket.authorized);
  return { client: new RawClient(socket), alpn: socket.alpnProtocol };
}

/** Sends bytes and gives what comes back, until the end of the connection or so many bytes. */
function exchange(port: number, bytes: Uint8Array, enough = Infinity): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connectPlain({ host: '127.0.0.1', port });
    let got = Buffer.alloc(0);
    const done = (): void => {
      socket.destroy();
      resolve(got);
    };
    socket.setTimeout(100_000, () => reject(new Error('The connection was left open')));
    socket.on('data', (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
      if (got.length >= enough) done();
    });
    socket.on('end', done).on('close', done).on('error', done);
    socket.write(bytes);
  });
}
