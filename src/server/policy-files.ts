import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Fault } from '../base/errors.ts';
import { isPolicyFile } from '../policy/load.ts';
import { policyText } from '../policy/opa/bundle.ts';
import type { PolicyProblem } from '../policy/problem.ts';

/** The files of a policy as they lie in its directory. */
export interface PolicyFiles {
  readonly files: ReadonlyMap<string, string>; // path relative to the directory, with `/`
  /** Files that cannot be read as text; with any the policy cannot be loaded. */
  readonly problems: readonly PolicyProblem[];
  readonly digest: string; // of paths and contents
}

const maxDepth = 3;
const maxFiles = 5_000;
const maxBytes = 4_194_304;

/** Reads all YAML of a directory, and `policy.lock`. Hidden files and folders are left out. Rejects when the directory cannot be read. */
export async function readPolicyFiles(directory: string): Promise<PolicyFiles> {
  const files = new Map<string, string>();
  const problems: PolicyProblem[] = [];
  const hash = createHash('sha256');
  const about = await stat(directory).catch(() => undefined);
  if (about?.isDirectory() !== true)
    throw new Fault('policy', `There is no directory ${directory} to read a policy from`);
  for (const path of (await walk(directory, '', 0)).sort()) {
    const bytes = await readBounded(join(directory, path));
    if (bytes === 'nothing') {
      // SECURITY: left out silently, a schema without its tags would unmask what they name.
      hash.update('nothing');
      problems.push(unreadable(path, 'SP-Y003', 'The file is a link to nothing'));
      continue;
    }
    hash.update(`${path}\0`);
    if (bytes === undefined) {
      hash.update('too large');
      problems.push(unreadable(path, 'SP-Y006', `The file is larger than ${maxBytes} bytes`));
      continue;
    }
    hash.update(`${bytes.length}\0`).update(bytes);
    try {
      files.set(path, policyText(path, bytes));
    } catch {
      problems.push(notText(path, bytes));
    }
  }
  return { files: await withShipped(files), problems, digest: hash.digest('hex') };
}

/** Where the modules lie that come with the program. */
const shippedFolder = resolve(import.meta.dirname, '..', '..', 'modules', 'modules');

/**
 * The same files, with those shipped modules that policy.yaml uses and that have no file of their own. They count as if
 * they lay there: for the digest, for policy.lock, in a bundle.
 */
export async function withShipped(files: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>> {
  const missing = [...(files.get('policy.yaml') ?? '').matchAll(/\bmodule:\s*['"]?([a-z0-9][a-z0-9-]*)/g)]
    .map(([, name = '']) => `modules/${name}.policy.yaml`)
    .filter((path) => !files.has(path));
  if (missing.length === 0) return files;
  // SECURITY: `example` allows, and is there for the tests of the others only.
  const shipped = new Set(
    (await readdir(shippedFolder).catch(() => [])).filter((name) => name !== 'example.policy.yaml'),
  );
  const all = new Map(files);
  for (const path of missing) {
    const name = path.slice('modules/'.length);
    if (shipped.has(name)) all.set(path, await readFile(join(shippedFolder, name), 'utf8'));
  }
  return all;
}

function unreadable(file: string, code: 'SP-Y003' | 'SP-Y006', message: string): PolicyProblem {
  return { file, line: 1, col: 1, code, message };
}

/** Where the first bytes stand that are no text. */
function notText(file: string, bytes: Uint8Array): PolicyProblem {
  const mark = `${bytes[0] ?? 0} ${bytes[1] ?? 0}`;
  const wide = mark === '255 254' || mark === '254 255';
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  const bad = Math.max(
    0,
    lines.findIndex((line) => !isUtf8(Buffer.from(line, 'latin1'))),
  );
  const line = lines[bad] ?? '';
  let col = 0;
  while (col < line.length && isUtf8(Buffer.from(line.slice(0, col + 1), 'latin1'), true)) col += 1;
  return {
    file,
    line: bad + 1,
    col: col + 1,
    code: 'SP-Y010',
    message: wide ? 'The file is UTF-16, not UTF-8' : 'The file is not UTF-8 from here on',
    fix: 'Save it as UTF-8',
  };
}

/** `begun`: a character may lack its end. */
function isUtf8(bytes: Uint8Array, begun: boolean = false): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: begun });
    return true;
  } catch {
    return false;
  }
}

async function readBounded(path: string): Promise<Uint8Array | undefined | 'nothing'> {
  const about = await stat(path).catch(() => undefined);
  if (about === undefined) return 'nothing';
  return about.size > maxBytes ? undefined : readFile(path);
}

/** Links are followed: a mounted ConfigMap is made of them. */
async function walk(directory: string, below: string, depth: number): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(join(directory, below))) {
    if (name.startsWith('.') || name === 'node_modules') continue;
    const path = below === '' ? name : `${below}/${name}`;
    const about = await stat(join(directory, path)).catch(() => undefined);
    if (about === undefined && isPolicyFile(path)) {
      const link = await lstat(join(directory, path)).catch(() => undefined); // gone since
      if (link?.isSymbolicLink() === true) found.push(path);
    }
    if (about?.isDirectory() === true && depth < maxDepth)
      found.push(...(await walk(directory, path, depth + 1)));
    else if (about?.isFile() === true && isPolicyFile(path)) found.push(path);
    if (found.length > maxFiles) throw new Fault('policy', `More than ${maxFiles} files in ${directory}`);
  }
  return found;
}

/** Changes whenever a commit, a checkout or `git add` changes what `commitOf` may say of unchanged files. */
export async function gitState(directory: string): Promise<string> {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const found = await Promise.all(
      ['HEAD', 'index', 'logs/HEAD'].map((name) => stat(join(at, '.git', name)).catch(() => undefined)),
    );
    if (found.some((each) => each !== undefined)) {
      return found.map((each) => `${each?.mtimeMs ?? 0}:${each?.size ?? 0}`).join(' ');
    }
    // A linked worktree keeps them elsewhere: nothing is known of it, so Git is asked each time.
    const link = await stat(join(at, '.git')).catch(() => undefined);
    if (link !== undefined) return String(performance.now());
    if (at === dirname(at)) return '';
  }
}

const run = promisify(execFile);

/** The Git commit that the directory's files are of; undefined when it is in no repository or was changed since. */
export async function commitOf(directory: string): Promise<string | undefined> {
  // SECURITY: a repository's own configuration can name programs to run; this one is not let.
  const bare = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];
  const args = [...bare, '-C', directory];
  const options = { timeout: 5_000 };
  try {
    const { stdout: changed } = await run(
      'git',
      [...args, 'status', '--porcelain', '--ignored', '--', '.'],
      options,
    );
    if (changed.trim() !== '') return undefined;
    const { stdout } = await run('git', [...args, 'rev-parse', '--verify', 'HEAD'], options);
    const commit = stdout.trim();
    return /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined;
  } catch {
    return undefined; // no Git, no repository, or one of another owner
  }
}
