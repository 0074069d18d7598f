import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../e2e/harness/clients.ts';
import { type GatewayOptions, startUp } from '../e2e/harness/gateway.ts';
import { freePort, nobody, temporaryFolder } from '../e2e/harness/place.ts';
import { end, startPostgres, type PostgresServer } from '../e2e/harness/postgres.ts';

/** How a client signs in. */
export interface Login {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: boolean;
}

export interface Contender extends AsyncDisposable {
  readonly name: string;
  readonly login: Login;
  /** The same for somebody whose answers no rule masks. */
  readonly unmasked: Login;
  /** The process in the middle; none for the direct connection. */
  readonly pid?: number;
  /** A gateway's API and a token for it. */
  readonly api?: { readonly url: string; readonly token: string };
}

/** The server behind all of them, with its files of TLS. */
export interface Behind extends AsyncDisposable {
  readonly server: PostgresServer;
  readonly files: { readonly cert: string; readonly key: string; readonly ca: string };
}

export const role = 'gateway';
const password = 'bench-only';

export async function startServer(connections: number): Promise<Behind> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(temporaryFolder('bench', { forServer: true }));
  chmodSync(folder.path, 0o755);
  const server = starting.use(
    await startPostgres({
      version: 18,
      tls: true,
      initSql: 'CREATE DATABASE shop',
      settings: {
        max_connections: String(connections),
        shared_buffers: '512MB',
        autovacuum: 'off',
        max_wal_size: '4GB',
        wal_level: 'minimal',
        max_wal_senders: '0',
        jit: 'off',
      },
    }),
  );
  const { tls } = server;
  if (tls === undefined) throw new Error('The server has no certificate');
  const files = {
    cert: join(folder.path, 'server.crt'),
    key: join(folder.path, 'server.key'),
    ca: join(folder.path, 'ca.crt'),
  };
  writeFileSync(files.cert, tls.server.cert);
  writeFileSync(files.key, tls.server.key, { mode: 0o644 }); // PgBouncer runs as another user; the key is of this run
  writeFileSync(files.ca, tls.ca.cert);
  const rest = starting.move();
  return { server, files, [Symbol.asyncDispose]: () => rest.disposeAsync() };
}

/** All contenders, in the order of the tables; `against` is another checkout of this repository. */
export async function startContenders(
  behind: Behind,
  options: { readonly tls: boolean; readonly against?: string },
): Promise<AsyncDisposable & { readonly all: readonly Contender[] }> {
  const starting = new AsyncDisposableStack();
  try {
    const all = [
      direct(behind, options.tls),
      starting.use(await pgbouncer(behind, options.tls)),
      starting.use(await splice(behind, options.tls)),
      starting.use(await sallyport('sallyport', behind, { tls: options.tls, start: startUp })),
    ];
    if (options.against !== undefined) {
      const harness = (await import(join(options.against, 'test/e2e/harness/gateway.ts'))) as {
        readonly startUp: typeof startUp;
      };
      all.push(starting.use(await sallyport('other', behind, { tls: options.tls, start: harness.startUp })));
    }
    return { all, [Symbol.asyncDispose]: () => starting.disposeAsync() };
  } catch (error) {
    await starting.disposeAsync();
    throw error;
  }
}

function direct({ server }: Behind, tls: boolean): Contender {
  const login = { port: server.port, user: role, password, database: 'shop', tls };
  return { name: 'direct', login, unmasked: login, [Symbol.asyncDispose]: () => Promise.resolve() };
}

// Debian's; not on the path of users other than root.
const pgbouncerProgram = '/usr/sbin/pgbouncer';

async function pgbouncer({ server, files }: Behind, tls: boolean): Promise<Contender> {
  const folder = temporaryFolder('pgbouncer', { forServer: true });
  chmodSync(folder.path, 0o755);
  const port = await freePort();
  const ini = join(folder.path, 'pgbouncer.ini');
  writeFileSync(
    ini,
    `[databases]
shop = host=127.0.0.1 port=${server.port} dbname=shop user=${role} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = session
max_client_conn = 5000
default_pool_size = 2000
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
${
  tls
    ? `client_tls_sslmode = require
client_tls_cert_file = ${files.cert}
client_tls_key_file = ${files.key}
server_tls_sslmode = verify-ca
server_tls_ca_file = ${files.ca}
`
    : ''
}`,
  );
  const child = spawn(pgbouncerProgram, [ini], { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], ...nobody });
  return inMiddle('pgbouncer', child, {
    folder,
    login: { port, user: role, password, database: 'shop', tls },
  });
}

async function splice({ server, files }: Behind, tls: boolean): Promise<Contender> {
  const args = [join(import.meta.dirname, 'splice.ts'), String(server.port)];
  if (tls) args.push(files.cert, files.key, files.ca);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (bytes: Buffer) => resolve(Number(bytes.toString())));
    child.once('exit', () => reject(new Error('The splice ended at its start')));
  });
  return inMiddle('splice', child, { login: { port, user: role, password, database: 'shop', tls } });
}

async function inMiddle(
  name: string,
  child: ChildProcess,
  of: { readonly login: Login; readonly folder?: Disposable },
): Promise<Contender> {
  let log = '';
  child.stderr?.on('data', (bytes: Buffer) => (log = (log + bytes.toString()).slice(-10_000)));
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  for (let waited = 0; !(await answers(of.login.port)); waited += 50) {
    if (child.exitCode !== null || waited > 10_000) throw new Error(`${name} does not answer: ${log}`);
    await sleep(50);
  }
  return {
    name,
    login: of.login,
    unmasked: of.login,
    ...(child.pid === undefined ? {} : { pid: child.pid }),
    [Symbol.asyncDispose]: async () => {
      process.removeListener('exit', kill);
      await end(child, 'SIGTERM');
      of.folder?.[Symbol.dispose]();
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** `sallyport up --config` with the policy next to this file: masks, finds, ledger and full recording. */
async function sallyport(
  name: string,
  { server, files }: Behind,
  how: { readonly tls: boolean; readonly start: typeof startUp; readonly options?: GatewayOptions },
): Promise<Contender> {
  const upstream = how.tls
    ? `    tls: verify-full\n    serverName: localhost\n    ca: { file: ${files.ca} }\n`
    : '    tls: disable\n';
  const listener = how.tls ? `tls: { cert: ${files.cert}, key: ${files.key} }\n` : '';
  const gateway = await how.start(
    {
      port: server.port,
      user: role,
      password,
      database: 'shop',
      policy: join(import.meta.dirname, 'policy'),
      more: `${upstream}${listener}limits: { connectionsPerIdentity: 5000 }\n`,
    },
    how.options,
  );
  const as = async (user: 'analyst' | 'dba'): Promise<Login> => ({
    port: gateway.port,
    user,
    password: await gateway.token(user),
    database: 'shop',
    tls: how.tls,
  });
  const login = await as('analyst');
  return {
    name,
    login,
    unmasked: await as('dba'),
    pid: gateway.pid,
    api: { url: gateway.api, token: login.password },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

/** How libpq's programs sign in there. */
export function environment({
  port,
  user,
  password,
  database,
  tls,
}: Login): Readonly<Record<string, string>> {
  return {
    PGHOST: '127.0.0.1',
    PGPORT: String(port),
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
    PGSSLMODE: tls ? 'require' : 'disable',
    PGCONNECT_TIMEOUT: '30',
  };
}

/** The counters of a gateway whose names contain `name`, summed over their labels. */
export async function counted(contender: Contender, name: string): Promise<number> {
  if (contender.api === undefined) return 0;
  const answer = await fetch(`${contender.api.url}/metrics`, {
    headers: { authorization: `Bearer ${contender.api.token}` },
  });
  const lines = (await answer.text()).split('\n').filter((line) => line.startsWith(`sallyport_${name}`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Loads pgbench's tables, and `people` and `things` with this many rows. */
export async function loadTables({ server }: Behind, scale: number, rows: number): Promise<void> {
  const superuser = {
    port: server.port,
    user: server.user,
    password: server.password,
    database: 'shop',
    tls: false,
  };
  const env = environment(superuser);
  const init = await runProgram('pgbench', ['-i', '-q', '-I', 'dtgp', '-s', String(scale)], { env });
  if (init.code !== 0) throw new Error(`pgbench -i failed: ${init.stderr}`);
  const client = await server.connect({ database: 'shop', ssl: false });
  await client.query(`CREATE ROLE ${role} LOGIN IN ROLE pg_read_all_data PASSWORD '${password}'`);
  await client.query(
    readFileSync(join(import.meta.dirname, 'tables.sql'), 'utf8').replaceAll(':rows', String(rows)),
  );
  await client.end();
}
