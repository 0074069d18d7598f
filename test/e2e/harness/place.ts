import { randomInt } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** PostgreSQL refuses to run as root: then its programs run as this user, and its files belong to it. */
export const nobody: { readonly uid: number; readonly gid: number } | undefined =
  process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;

export const root: string = join(import.meta.dirname, '..', '..', '..');

/** A folder of its own for one test; gone when disposed of. `forServer`: one that the server's user may write to. */
export function temporaryFolder(
  name: string,
  options: { readonly forServer?: boolean } = {},
): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), `sallyport-${name}-`));
  if (options.forServer === true && nobody !== undefined) chownSync(path, nobody.uid, nobody.gid);
  // What a killed program had started may go on writing for a while.
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 20 }) };
}

// Linux gives connections ports from 32768 on, and so would port 0: until a program listens on one of those, any
// connection may take it. Below, only who listens does.
const [lowest, highest] = [12_000, 32_000] as const;
let next = randomInt(lowest, highest);

/** A port nobody listens on at this moment, given to nobody else in this process. */
export function freePort(): Promise<number> {
  return freePorts(1);
}

/** The first of `count` ports in a row that are all free. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (next + count > highest) next = lowest;
    const first = next;
    next += count;
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`No ${count} free ports in a row`);
}

export function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * The folder itself, or a copy where the server's user may not enter it (a clone under a home folder of root's):
 * the kernel then answers EACCES to its programs and libraries.
 */
export function enterable(folder: string, copies: string): string {
  if (nobody === undefined || everyoneMayEnter(folder)) return folder;
  const copy = join(copies, 'native');
  if (!existsSync(copy)) {
    cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
    chmodSync(copies, 0o755);
  }
  return copy;
}

function everyoneMayEnter(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
