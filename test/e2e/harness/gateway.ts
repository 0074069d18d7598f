import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from './clients.ts';
import { freePorts, root, temporaryFolder } from './place.ts';
import { end } from './postgres.ts';

/** What `demo` writes to its ready file (DESIGN, 10). */
export interface Ready {
  readonly api: string;
  readonly policy: string;
  readonly data: string;
  readonly identities: Readonly<
    Record<IdentityName, { readonly token: string; readonly groups: readonly string[] }>
  >;
  readonly resources: { readonly shop: Shop };
}

export type IdentityName = 'analyst' | 'dba' | 'support' | 'lead' | 'agent';

export interface Shop {
  readonly kind: 'postgres';
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly upstream: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
}

/** The running program. */
export interface Running extends AsyncDisposable {
  readonly home: string; // SALLYPORT_HOME
  readonly pid: number;
  /** What it printed so far, both streams. */
  readonly log: () => string;
  /** Sends a signal and waits for the end; gives the exit code, or the signal that ended it. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | string>;
}

export interface Demo extends Running {
  readonly ready: Ready;
}

/** `sallyport up` in front of a server of the test's own. */
export interface Guarded extends Running {
  readonly api: string;
  readonly port: number; // of PostgreSQL through the gateway
  /** A token that `sallyport token` gave for this identity. */
  readonly token: (subject: IdentityName) => Promise<string>;
}

export interface GatewayOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** An earlier gateway's home, to start again with its state. The caller removes it. */
  readonly home?: string;
  readonly portBase?: number;
  readonly withinMs?: number;
}

/** Runs `sallyport demo`, which brings its own PostgreSQL, as a process of its own with a home of its own. */
export async function startDemo(options: GatewayOptions = {}): Promise<Demo> {
  const portBase = options.portBase ?? (await freePorts(40));
  const folder = temporaryFolder('demo');
  const readyFile = join(folder.path, 'ready.json');
  const args = ['demo', '--port-base', String(portBase), '--ready-file', readyFile];
  const running = run(folder, args, options);
  await running.until(() => Promise.resolve(existsSync(readyFile)));
  return { ...running, ready: JSON.parse(readFileSync(readyFile, 'utf8')) as Ready };
}

/** Where `startUp` sends the gateway. */
export interface Behind {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly policy?: string; // a folder; the sample policy unless given
  /** More lines of the configuration, such as `limits:`. */
  readonly more?: string;
}

/** Runs `sallyport up` with the sample policy and the demo's five identities; the resource is called shop. */
export async function startUp(behind: Behind, options: GatewayOptions = {}): Promise<Guarded> {
  const folder = temporaryFolder('up');
  const first = options.portBase ?? (await freePorts(2));
  const config = join(folder.path, 'sallyport.yaml');
  writeFileSync(config, patient(configuration(behind, first)));
  const running = run(folder, ['up', '--config', config], options);
  const api = `http://127.0.0.1:${first}`;
  await running.until(async () => {
    const answer = await fetch(`${api}/readyz`).catch(() => undefined);
    return answer?.ok === true;
  });
  const token = (subject: IdentityName): Promise<string> => tokenFor(running, subject, config);
  return { ...running, api, port: first + 1, token };
}

/** `sallyport up` with a configuration and a policy of the test's own. */
export interface Configured extends Running {
  readonly api: string;
  readonly token: (subject: string) => Promise<string>;
}

export async function startConfigured(parts: {
  /** The whole file; `policy: ./policy` finds `policy`. */
  readonly text: string;
  readonly policy: Readonly<Record<string, string>>;
  readonly api: number; // the port
  readonly options?: GatewayOptions;
}): Promise<Configured> {
  const folder = temporaryFolder('up');
  const config = join(folder.path, 'sallyport.yaml');
  writeFileSync(config, patient(parts.text));
  for (const [file, text] of Object.entries(parts.policy)) {
    const path = join(folder.path, 'policy', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const running = run(folder, ['up', '--config', config], parts.options ?? {});
  const api = `http://127.0.0.1:${parts.api}`;
  await running.until(async () => (await fetch(`${api}/readyz`).catch(() => undefined))?.ok === true);
  return { ...running, api, token: (subject) => tokenFor(running, subject, config) };
}

const main = join(root, 'src', 'cli', 'main.ts');

/** What a pause of a slow machine would break, where a test says nothing of limits itself. */
function patient(text: string): string {
  return /^limits:/m.test(text) ? text : `${text}\nlimits: { parseMs: 60000, connectSeconds: 100 }\n`;
}

async function tokenFor(running: Running, subject: string, config: string): Promise<string> {
  const args = [main, 'token', subject, '--ttl', '24h', '--config', config];
  const env = { SALLYPORT_HOME: running.home };
  const { stdout, stderr, code } = await runProgram(process.execPath, args, { env });
  if (code !== 0) throw new Error(`No token for ${subject}: ${stderr}`);
  return stdout.trim();
}

function configuration(behind: Behind, port: number): string {
  return `
listen: { api: 127.0.0.1:${port}, postgres: 127.0.0.1:${port + 1} }
policy: ${behind.policy ?? join(root, 'policy')}
identities:
  - { subject: analyst, kind: human, groups: [analysts] }
  - { subject: dba, kind: human, groups: [dba] }
  - { subject: support, kind: human, groups: [support] }
  - { subject: lead, kind: human, groups: [leads] }
  - { subject: agent, kind: agent, actingFor: analyst }
resources:
  - name: shop
    kind: postgres
    address: 127.0.0.1:${behind.port}
    database: ${behind.database}
    credentials: { user: ${behind.user}, password: ${behind.password} }
${behind.more ?? ''}
`;
}

interface Program extends Running {
  /** Waits until it is so; what it printed is the error when it ends or takes too long before. */
  readonly until: (ready: () => Promise<boolean>) => Promise<void>;
}

function run(
  folder: Disposable & { readonly path: string },
  args: readonly string[],
  options: GatewayOptions,
): Program {
  const home = options.home ?? join(folder.path, 'home');
  const child = spawn(process.execPath, [main, ...args, ...(options.args ?? [])], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', ...options.env, SALLYPORT_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-1_000_000)));
  }
  const kill = (): boolean => child.kill('SIGTERM');
  process.once('exit', kill);
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> => {
    process.removeListener('exit', kill);
    await end(child, signal, 100_000);
    return child.exitCode ?? child.signalCode ?? 'unknown';
  };
  const dispose = async (): Promise<void> => {
    await stop();
    folder[Symbol.dispose]();
  };
  return {
    home,
    pid: child.pid ?? -1,
    log: () => log,
    stop,
    until: async (ready) => {
      const withinMs = options.withinMs ?? 240_000;
      for (let waited = 0; !(await ready()); waited += 50) {
        if (child.exitCode !== null || waited > withinMs) {
          await dispose();
          throw new Error(`The gateway is not ready:\n${log}`);
        }
        await sleep(50);
      }
    },
    [Symbol.asyncDispose]: dispose,
  };
}
