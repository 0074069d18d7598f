import { spawn } from 'node:child_process';
import type { IdentityName, Ready } from './gateway.ts';

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** Runs a program to its end, within ten minutes unless told otherwise; `input` becomes its standard input. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: {
    readonly input?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly withinMs?: number;
  } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.withinMs ?? 600_000,
      killSignal: 'SIGKILL',
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    child.on('error', reject);
    child.stdin.on('error', () => {}); // it may end without reading
    child.on('close', (code) =>
      resolve({
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
        code: code ?? -1,
      }),
    );
    child.stdin.end(options.input ?? '');
  });
}

/** psql without the user's own start file; `sql` is its input. Rows come unaligned, without headers. */
export function runPsql(
  args: readonly string[],
  sql: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return runProgram('psql', ['-X', '-q', '-A', '-t', '-v', 'VERBOSITY=verbose', ...args], {
    input: sql,
    env,
  });
}

/** How this identity connects to the demo's shop, as libpq's variables. */
export function libpq(ready: Ready, as: IdentityName): Readonly<Record<string, string>> {
  const { host, port, database } = ready.resources.shop;
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: database,
    PGUSER: as,
    PGPASSWORD: ready.identities[as].token,
    PGCONNECT_TIMEOUT: '100',
  };
}

/** The same to the server behind it, as its superuser. */
export function direct(ready: Ready): Readonly<Record<string, string>> {
  const { host, port, user, password, database } = ready.resources.shop.upstream;
  return { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, PGDATABASE: database };
}

/** The same two for node-postgres and postgres.js. */
export function nodeConfig(
  ready: Ready,
  as: IdentityName | 'upstream',
): {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
} {
  const { host, port, database, upstream } = ready.resources.shop;
  if (as === 'upstream') return upstream;
  return { host, port, database, user: as, password: ready.identities[as].token };
}
