import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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

export interface Gateway extends AsyncDisposable {
  readonly ready: Ready;
  readonly home: string; // SALLYPORT_HOME
  readonly pid: number;
  /** What it printed so far, both streams. */
  readonly log: () => string;
  /** Sends a signal and waits for the end; gives the exit code, or the signal that ended it. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | string>;
}

export interface GatewayOptions {
  /** `demo` brings its own PostgreSQL; `up` takes a configuration, which needs no ready file to say where it listens. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** An earlier gateway's home, to start again with its state. The caller removes it. */
  readonly home?: string;
  readonly portBase?: number;
  readonly withinMs?: number;
}

/** Runs `sallyport demo` as a process of its own, with a home of its own; ready when it gives itself back. */
export async function startDemo(options: GatewayOptions = {}): Promise<Gateway> {
  const portBase = options.portBase ?? (await freePorts(40));
  return start(options, (readyFile) => [
    'demo',
    '--port-base',
    String(portBase),
    '--ready-file',
    readyFile,
    ...(options.args ?? []),
  ]);
}

/** Runs `sallyport up --config` with this configuration. */
export async function startUp(configuration: string, options: GatewayOptions = {}): Promise<Gateway> {
  return start(options, (readyFile, folder) => {
    const file = join(folder, 'sallyport.yaml');
    writeFileSync(file, configuration);
    return ['up', '--config', file, '--ready-file', readyFile, ...(options.args ?? [])];
  });
}

async function start(
  options: GatewayOptions,
  argsFor: (readyFile: string, folder: string) => readonly string[],
): Promise<Gateway> {
  const folder = temporaryFolder('gateway');
  const home = options.home ?? join(folder.path, 'home');
  const readyFile = join(folder.path, 'ready.json');
  const args = ['src/cli/main.ts', ...argsFor(readyFile, folder.path)];
  const child = spawn(process.execPath, args, {
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
    await end(child, signal, 30_000);
    return child.exitCode ?? child.signalCode ?? 'unknown';
  };
  const withinMs = options.withinMs ?? 90_000;
  for (let waited = 0; !existsSync(readyFile); waited += 50) {
    if (child.exitCode !== null || waited > withinMs) {
      await stop();
      folder[Symbol.dispose]();
      throw new Error(`The gateway is not ready:\n${log}`);
    }
    await sleep(50);
  }
  const ready = JSON.parse(readFileSync(readyFile, 'utf8')) as Ready;
  return {
    ready,
    home,
    pid: child.pid ?? -1,
    log: () => log,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      folder[Symbol.dispose]();
    },
  };
}
