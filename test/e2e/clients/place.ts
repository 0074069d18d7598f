import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { sampleFiles, sampleTables } from '../../../src/server/sample-data.ts';
import { runPsql } from '../harness/clients.ts';
import { type IdentityName, startDemo, startUp } from '../harness/gateway.ts';
import { temporaryFolder } from '../harness/place.ts';
import { type Major, startPostgres } from '../harness/postgres.ts';

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** A gateway in front of a real server that holds the demo's shop and the tables of kinds.sql. */
export interface Place extends AsyncDisposable {
  readonly version: Major;
  readonly home: string; // SALLYPORT_HOME
  readonly pid: number; // of the gateway
  readonly direct: Login; // the server behind it, as its superuser
  /** Through the gateway. What comes back is kept for `received`, so this is without TLS. */
  readonly gate: (as: IdentityName) => Login;
  readonly received: () => Buffer; // since the last `forget`
  readonly forget: () => void;
  /** What nobody may see, and what an analyst may not see: values of fifty customers. */
  readonly canaries: { readonly dba: readonly string[]; readonly analyst: readonly string[] };
  readonly log: () => string;
}

/** PostgreSQL 18 as the demo brings it, 15 behind `up --config` with a policy of the test's own. */
export async function openPlace(version: Major): Promise<Place> {
  await using opening = new AsyncDisposableStack();
  const { direct, gates, running } = await (version === 18 ? behindDemo(opening) : behindUp(opening));
  const tap = opening.use(await returnTap(gates[0]?.login.port ?? 0));
  await prepare(direct);
  const canaries = await canariesOf(direct);
  const rest = opening.move();
  return {
    version,
    home: running.home,
    pid: running.pid,
    log: running.log,
    direct,
    gate: (as) => {
      const login = gates.find((gate) => gate.as === as)?.login;
      if (login === undefined) throw new Error(`No token for ${as}`);
      return { ...login, port: tap.port };
    },
    received: tap.received,
    forget: tap.forget,
    canaries,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

interface Opened {
  readonly direct: Login;
  readonly gates: readonly { readonly as: IdentityName; readonly login: Login }[];
  readonly running: { readonly home: string; readonly pid: number; readonly log: () => string };
}

const asked: readonly IdentityName[] = ['dba', 'analyst'];

async function behindDemo(opening: AsyncDisposableStack): Promise<Opened> {
  const demo = opening.use(await startDemo());
  const { shop } = demo.ready.resources;
  return {
    direct: shop.upstream,
    gates: asked.map((as) => ({
      as,
      login: { ...plain(shop), user: as, password: demo.ready.identities[as].token },
    })),
    running: demo,
  };
}

async function behindUp(opening: AsyncDisposableStack): Promise<Opened> {
  const server = opening.use(await startPostgres({ version: 15, auth: 'scram-sha-256' }));
  const direct = { ...plain(server), user: server.user, password: server.password, database: 'shop' };
  await psql({ ...direct, database: 'postgres' }, owner);
  await loadShop(direct);
  const up = opening.use(
    await startUp({
      port: server.port,
      user: 'gateway',
      password: 'lesser',
      database: 'shop',
      policy: join(import.meta.dirname, 'policy'),
    }),
  );
  const gates = await Promise.all(
    asked.map(async (as) => ({
      as,
      login: { host: '127.0.0.1', port: up.port, user: as, password: await up.token(as), database: 'shop' },
    })),
  );
  return { direct, gates, running: up };
}

function plain(from: { readonly host: string; readonly port: number; readonly database: string }): {
  readonly host: string;
  readonly port: number;
  readonly database: string;
} {
  return { host: from.host, port: from.port, database: from.database };
}

const owner = `
  CREATE ROLE shop_owner NOLOGIN;
  CREATE ROLE gateway LOGIN IN ROLE shop_owner PASSWORD 'lesser';
  CREATE DATABASE shop OWNER shop_owner;`;

/** The demo's tables and rows, copied in by psql: the server may not read this folder. */
async function loadShop(direct: Login): Promise<void> {
  using folder = temporaryFolder('shop');
  for (const [name, csv] of Object.entries(sampleFiles())) writeFileSync(join(folder.path, name), csv);
  const script = [
    'ALTER SCHEMA public OWNER TO shop_owner;',
    'SET ROLE shop_owner;',
    ...sampleTables.map((sql) =>
      sql.startsWith('COPY') ? `\\${sql.replace('%FILES%', folder.path)}` : `${sql.replaceAll('\n', ' ')};`,
    ),
    'ANALYZE;',
  ].join('\n');
  await psql(direct, script);
}

async function prepare(direct: Login): Promise<void> {
  await psql(direct, `SET ROLE shop_owner;\n${readFileSync(join(import.meta.dirname, 'kinds.sql'), 'utf8')}`);
}

async function psql(login: Login, script: string): Promise<void> {
  const { code, stderr } = await runPsql(['-v', 'ON_ERROR_STOP=1'], script, environment(login));
  if (code !== 0) throw new Error(`The shop could not be made: ${stderr}`);
}

async function canariesOf(direct: Login): Promise<Place['canaries']> {
  const client = new Client(direct);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, string>>(
      'SELECT ssn, card, phone, email FROM customers ORDER BY id LIMIT 50',
    );
    const column = (name: string): string[] =>
      rows.map((row) => row[name] ?? '').filter((each) => each !== '');
    const dba = [...column('ssn'), ...column('card')];
    if (dba.length !== 100) throw new Error('The customers have no values to look for');
    return { dba, analyst: [...dba, ...column('phone'), ...column('email')] };
  } finally {
    await client.end();
  }
}

/** libpq's variables for a login. */
export function environment(login: Login): Readonly<Record<string, string>> {
  return {
    PGHOST: login.host,
    PGPORT: String(login.port),
    PGUSER: login.user,
    PGPASSWORD: login.password,
    PGDATABASE: login.database,
    PGSSLMODE: 'disable',
    PGCONNECT_TIMEOUT: '100',
    PGTZ: 'UTC',
  };
}

/** A pass-through in front of the gateway that keeps what the clients get. */
async function returnTap(
  port: number,
): Promise<AsyncDisposable & Pick<Place, 'received' | 'forget'> & { readonly port: number }> {
  let kept: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const gateway = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    gateway.on('data', (bytes: Buffer) => kept.push(bytes));
    client.pipe(gateway);
    gateway.pipe(client);
    for (const socket of [client, gateway]) {
      sockets.add(socket);
      socket.on('error', () => {
        client.destroy();
        gateway.destroy();
      });
      socket.on('close', () => sockets.delete(socket));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given');
  return {
    port: address.port,
    received: () => Buffer.concat(kept),
    forget: () => {
      kept = [];
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
