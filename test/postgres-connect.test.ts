import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import pg from 'pg';
import { Fault } from '../src/base/errors.ts';
import { Secret } from '../src/base/secret.ts';
import type { Wire } from '../src/base/stream.ts';
import { realWorld } from '../src/base/time.ts';
import { defaultLimits } from '../src/core/limits.ts';
import { dialTcp, listenTcp, type Listener } from '../src/carriers/tcp.ts';
import {
  cancelUpstream,
  connectUpstream,
  type ConnectParts,
  type UpstreamLink,
} from '../src/protocols/postgres/connect.ts';
import * as encode from '../src/protocols/postgres/encode.ts';
import { simpleQuery } from '../src/protocols/postgres/query.ts';
import type { PostgresSettings } from '../src/protocols/postgres/settings.ts';
import { receiveStartup } from '../src/protocols/postgres/startup.ts';
import { makeCertificates } from './e2e/harness/certificates.ts';
import { temporaryFolder } from './e2e/harness/place.ts';
import { type Major, missingPostgres, type PostgresServer, startPostgres } from './e2e/harness/postgres.ts';

const never = new AbortController().signal;
const run = promisify(execFile);

function partsFor(server: PostgresServer, more: Partial<PostgresSettings> = {}): ConnectParts {
  return {
    settings: {
      address: `127.0.0.1:${server.port}`,
      database: 'postgres',
      user: 'postgres',
      password: new Secret(server.password),
      tls: 'disable',
      serverName: 'localhost',
      ...(server.tls === undefined ? {} : { ca: server.tls.ca.cert }),
      ...more,
    },
    parameters: new Map(),
    dial: (address, signal) => dialTcp(address, signal, 60_000),
    limits: defaultLimits,
    world: realWorld,
    signal: never,
  };
}

async function who(link: UpstreamLink): Promise<readonly (string | null)[]> {
  const [row] = await simpleQuery(
    link,
    `SELECT current_user, ssl, current_setting('application_name') FROM pg_stat_ssl WHERE pid = pg_backend_pid()`,
  );
  link.wire.destroy();
  return row ?? [];
}

async function refused(parts: ConnectParts, code: string, message: RegExp): Promise<void> {
  await assert.rejects(connectUpstream(parts), (error) => {
    assert.ok(error instanceof Fault, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(!error.message.includes('sallyport-test'));
    return true;
  });
}

for (const version of [15, 18] as const satisfies readonly Major[]) {
  const missing = missingPostgres(version);
  describe(`PostgreSQL ${version}`, { skip: missing ?? false }, () => {
    let server: PostgresServer;
    before(async () => {
      server = await startPostgres({
        version,
        auth: 'md5', // the way in for roles with md5 and with SCRAM passwords
        tls: true,
        settings: { password_encryption: 'md5' },
        initSql: `CREATE ROLE old LOGIN PASSWORD 'sallyport-test'; SET password_encryption = 'scram-sha-256';
                  CREATE ROLE spaced LOGIN PASSWORD E'a\\u00a0\\u00aab';`,
      });
    });
    after(async () => server?.[Symbol.asyncDispose]());

    test('connects with SCRAM, in plain and bound to the certificate', async () => {
      const parts = partsFor(server);
      const parameters = new Map([['application_name', 'tester']]);
      assert.deepEqual(await who(await connectUpstream({ ...parts, parameters })), [
        'postgres',
        'f',
        'tester',
      ]);
      for (const tls of ['require', 'verify-ca', 'verify-full'] as const) {
        const link = await connectUpstream(partsFor(server, { tls }));
        assert.ok(link.wire.tls?.channelBinding !== undefined);
        assert.equal(link.wire.tls.alpn, version === 18 ? 'postgresql' : undefined);
        assert.equal(link.parameters.get('client_encoding'), 'UTF8');
        assert.deepEqual(await who(link), ['postgres', 't', '']);
      }
      assert.deepEqual(
        await who(await connectUpstream(partsFor(server, { user: 'spaced', password: new Secret('a ab') }))),
        ['spaced', 'f', ''],
      );
    });

    test('connects with md5', async () => {
      assert.deepEqual(await who(await connectUpstream(partsFor(server, { user: 'old' }))), ['old', 'f', '']);
    });

    test('tells what is wrong', async () => {
      const wrong = new Secret('wrong');
      await refused(partsFor(server, { password: wrong }), 'upstream-auth', /"postgres": .*\(28P01\)$/);
      await refused(partsFor(server, { user: 'old', password: wrong }), 'upstream-auth', /\(28P01\)$/);
      await refused(
        partsFor(server, { database: 'absent' }),
        'unreachable',
        /"absent" does not exist \(3D000\)$/,
      );
      await refused(
        partsFor(server, { tls: 'verify-full', serverName: 'elsewhere' }),
        'unreachable',
        /for another name/,
      );
      const { ca: _, ...strangers } = partsFor(server, { tls: 'verify-full' }).settings;
      await refused({ ...partsFor(server), settings: strangers }, 'unreachable', /not from a known CA/);
    });

    test('cancels what a connection is doing', async () => {
      const link = await connectUpstream(partsFor(server));
      const sleeping = assert.rejects(simpleQuery(link, 'SELECT pg_sleep(60)'), /57014/);
      const other = await connectUpstream(partsFor(server));
      for (let found = ''; found !== '1';) {
        const sql = `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'`;
        found = (await simpleQuery(other, sql))[0]?.[0] ?? '';
      }
      await cancelUpstream({ ...partsFor(server, { tls: 'verify-full' }), key: link.key });
      await sleeping;
      assert.deepEqual(await simpleQuery(link, 'SELECT 1'), [['1']]);
      link.wire.destroy();
      other.wire.destroy();
    });
  });
}

describe(
  'a server that wants certificates or clear passwords',
  { skip: missingPostgres(15) ?? false },
  () => {
    test('connects with a client certificate, and not without', async () => {
      await using server = await startPostgres({ version: 15, auth: 'cert', tls: true });
      const { password: _, ...base } = partsFor(server, { tls: 'verify-full' }).settings;
      const client = server.tls?.client ?? assert.fail();
      const settings = { ...base, cert: client.cert, key: new Secret(client.key) };
      assert.deepEqual(await who(await connectUpstream({ ...partsFor(server), settings })), [
        'postgres',
        't',
        '',
      ]);
      await refused({ ...partsFor(server), settings: base }, 'upstream-auth', /certificate.*\(28000\)$/);
    });

    test('gives its password in clear over TLS that was verified only', async () => {
      await using server = await startPostgres({ version: 15, auth: 'password', tls: true });
      const link = await connectUpstream(partsFor(server, { tls: 'verify-full' }));
      assert.deepEqual(await who(link), ['postgres', 't', '']);
      for (const tls of ['disable', 'require'] as const) {
        await refused(partsFor(server, { tls }), 'upstream-auth', /in clear/);
      }
    });

    test('refuses a server without TLS unless that is meant', async () => {
      await using server = await startPostgres({ version: 15 });
      await refused(partsFor(server, { tls: 'verify-full' }), 'unreachable', /offers no TLS/);
      await who(await connectUpstream(partsFor(server)));
    });
  },
);

describe('real clients sign in', { skip: missingPostgres(15) ?? false }, () => {
  let server: PostgresServer;
  let listener: Listener;
  let certificates: Awaited<ReturnType<typeof makeCertificates>>;
  const problems: unknown[] = [];
  const seen: string[] = [];

  /** The least gateway: takes a client in, connects, and passes bytes. */
  async function splice(client: Wire): Promise<void> {
    const started = await receiveStartup(client, {
      tls: { cert: certificates.server.cert, key: new Secret(certificates.server.key) },
      plainAllowed: false,
      world: realWorld,
      limits: defaultLimits,
      signal: never,
    });
    if (started.kind !== 'session') return;
    seen.push(
      `${started.user} ${started.token.reveal('test')} ${started.protocol} ${started.wire.tls?.alpn ?? '-'}`,
    );
    const link = await connectUpstream({ ...partsFor(server), parameters: started.parameters });
    await started.wire.write(
      encode.join([
        encode.authenticationOk,
        ...[...link.parameters].map(([name, value]) => encode.parameterStatus(name, value)),
        encode.backendKeyData(1, Buffer.alloc(started.secretBytes)),
        encode.readyForQuery('I'),
      ]),
    );
    await Promise.all([pump(started.wire, link.wire), pump(link.wire, started.wire)]);
  }

  async function pump(from: Wire, to: Wire): Promise<void> {
    for (let chunk = await from.read(); chunk !== undefined; chunk = await from.read()) await to.write(chunk);
    to.end();
  }

  before(async () => {
    certificates = await makeCertificates();
    server = await startPostgres({ version: 15 });
    listener = await listenTcp({
      host: '127.0.0.1',
      port: 0,
      onWire: (wire) => {
        splice(wire).catch((problem: unknown) => {
          problems.push(problem);
          wire.destroy();
        });
      },
    });
  });
  after(async () => {
    await listener?.close();
    await server?.[Symbol.asyncDispose]();
  });

  async function psql(conninfo: string, sql: string): Promise<string> {
    using folder = temporaryFolder('psql');
    const ca = join(folder.path, 'ca.pem');
    writeFileSync(ca, certificates.ca.cert);
    const target = `host=127.0.0.1 port=${listener.port} user=alice dbname=shop password=tok sslrootcert=${ca} ${conninfo}`;
    const done = await run('psql', ['-X', '-At', target, '-c', sql]).catch((error: unknown) => {
      assert.ok(error instanceof Error && 'stderr' in error);
      return { stdout: String(error.stderr) };
    });
    return done.stdout.trim();
  }

  test('psql, over TLS only', async () => {
    assert.equal(await psql('sslmode=verify-full', 'SELECT 40 + 2'), '42');
    assert.equal(await psql('sslmode=prefer options=-cstatement_timeout=7s', 'SHOW statement_timeout'), '7s');
    assert.match(await psql('sslmode=disable', 'SELECT 1'), /A token is only taken over TLS/);
    assert.match(await psql('sslmode=require replication=database', 'SELECT 1'), /Replication connections/);
    assert.match(await psql('sslmode=require client_encoding=latin1', 'SELECT 1'), /client_encoding to UTF8/);
    assert.equal(seen[0], 'alice tok 3.0 -');
  });

  test('node-postgres, with much data', async () => {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: listener.port,
      user: 'alice',
      database: 'shop',
      password: 'tok',
      ssl: { ca: certificates.ca.cert, servername: 'localhost' },
    });
    await client.connect();
    const { rows } = await client.query<{ sum: string }>(
      `SELECT sum(length(t)) FROM (SELECT repeat('x', 1000) AS t FROM generate_series(1, 20000)) AS q`,
    );
    assert.equal(rows[0]?.sum, '20000000');
    const many = await client.query<{ t: string }>(
      `SELECT repeat('x', 1000) AS t FROM generate_series(1, 20000)`,
    );
    assert.equal(many.rows.filter(({ t }) => t.length === 1_000).length, 20_000);
    const long = 'y'.repeat(2_000_000);
    const back = await client.query<{ n: number }>('SELECT length($1) AS n', [long]);
    assert.equal(back.rows[0]?.n, long.length);
    await client.end();
  });

  test('TLS at once, with ALPN', async () => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: listener.port,
      servername: 'localhost',
      ca: certificates.ca.cert,
      ALPNProtocols: ['postgresql'],
    });
    socket.write(encode.startupMessage(0x3_0002, [['user', 'bob']]));
    socket.write(encode.passwordMessage('direct'));
    const said = await new Promise<Buffer>((resolve, reject) => {
      let all = Buffer.alloc(0);
      socket.on('error', reject).on('data', (data: Buffer) => {
        all = Buffer.concat([all, data]);
        if (all.includes('Z\0\0\0\x05I')) resolve(all);
      });
    });
    assert.equal(said.subarray(0, 9).toString('hex'), '520000000800000003');
    assert.equal(seen.at(-1), 'bob direct 3.2 postgresql');
    socket.destroy();
  });

  test('nothing went wrong on the way but what was meant to', () => {
    assert.deepEqual(
      problems.filter((problem) => !(problem instanceof Error && /closed/i.test(problem.message))),
      [],
    );
  });
});
