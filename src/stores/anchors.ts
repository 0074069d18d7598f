/**
 * Places outside the ledger where its heads are kept, so that a cut tail, a fork or an old copy put back shows. Each
 * place keeps one head for each size and never another for the same size: what lies there already is compared, and a
 * difference is a fork.
 */
import { execFile } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { Fault, messageOf } from '../base/errors.ts';
import type { World } from '../base/time.ts';
import { type KeptHead, parseCheckpoint } from '../ledger/index.ts';
import { lockedObject, type S3Settings } from './anchor-s3.ts';

export type AnchorSettings =
  | { readonly kind: 'file'; readonly path: string } // a directory
  | { readonly kind: 'git'; readonly repository: string; readonly push?: string } // push: a remote
  | ({ readonly kind: 's3' } & S3Settings);

/** A signed head, ready to be kept. */
export interface Anchorable {
  readonly note: string; // with the cosignatures it has
  readonly origin: string;
  readonly size: string;
}

export function anchorable(note: string): Anchorable {
  const read = parseCheckpoint(note);
  if (!read.ok) throw new Fault('ledger', `Cannot anchor: ${read.error}`);
  const { origin, size } = read.value.head;
  return { note, origin, size: String(size) };
}

/** Keeps the head there; gives where it lies. Rejects with a Fault `ledger` where it could not, or another of the same size lies there. */
export async function anchorTo(settings: AnchorSettings, head: Anchorable, world: World): Promise<string> {
  const { where, put } = placeOf(settings, head, world);
  let there: string | undefined;
  try {
    there = await put();
  } catch (thrown) {
    throw new Fault('ledger', `Cannot keep the head at ${where}: ${messageOf(thrown)}`, { cause: thrown });
  }
  if (there !== undefined && textOf(there) !== textOf(head.note))
    throw new Fault(
      'ledger',
      `Another head of ${head.size} entries is kept at ${where}: this ledger was forked`,
    );
  return where;
}

interface Place {
  readonly where: string;
  /** Puts the head there; gives what lay there already. */
  readonly put: () => Promise<string | undefined>;
}

function placeOf(settings: AnchorSettings, head: Anchorable, world: World): Place {
  const name = nameOf(head);
  switch (settings.kind) {
    case 'file': {
      const path = `${settings.path}/${name}.note`;
      return { where: path, put: () => intoFile(settings.path, path, head.note) };
    }
    case 'git':
      return {
        where: `${settings.repository} ${tagPrefix}${name}`,
        put: () => intoGit(settings, name, head),
      };
    case 's3':
      return lockedObject(settings, { name: `${name}.note`, body: head.note }, world);
    default:
      return settings satisfies never;
  }
}

function nameOf({ origin, size }: Anchorable): string {
  return `${origin.replaceAll(/[^A-Za-z0-9._-]/g, '_').replace(/^[.-]/, '_')}-${size.padStart(16, '0')}`;
}

/** What the signatures are over: cosignatures may be more the next time. */
function textOf(note: string): string {
  return note.slice(0, note.lastIndexOf('\n\n'));
}

async function intoFile(folder: string, path: string, note: string): Promise<string | undefined> {
  await mkdir(folder, { recursive: true });
  let file;
  try {
    file = await open(path, 'wx', 0o444);
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')
      return readFile(path, 'utf8');
    throw thrown;
  }
  try {
    await file.writeFile(note);
    await file.sync();
  } finally {
    await file.close();
  }
  return undefined;
}

const tagPrefix = 'sallyport-ledger/';
const gitMs = 60_000;

/** An annotated tag of a blob that is the head: it needs no commit, and every clone carries it. */
async function intoGit(
  { repository, push }: { readonly repository: string; readonly push?: string },
  name: string,
  { note, origin, size }: Anchorable,
): Promise<string | undefined> {
  const tag = `${tagPrefix}${name}`;
  const known = await git(repository, ['cat-file', 'blob', `refs/tags/${tag}`]).catch(() => undefined);
  if (known === undefined) {
    const blob = (await git(repository, ['hash-object', '-w', '--stdin'], note)).trim();
    const as = ['-c', 'user.name=Sallyport', '-c', 'user.email=ledger@sallyport.invalid'];
    await git(repository, [...as, 'tag', '-a', '-m', `${origin}: ${size} entries`, '--', tag, blob]);
  }
  if (push !== undefined) await git(repository, ['push', '--', push, `refs/tags/${tag}`]);
  return known;
}

function git(repository: string, args: readonly string[], input: string = ''): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(
    'git',
    ['-C', repository, ...args],
    { timeout: gitMs, env: gitEnvironment() },
    (error, out, said) => {
      if (error === null) resolve(out);
      else reject(new Error(said.trim().split('\n').at(-1) ?? 'git failed'));
    },
  );
  child.stdin?.on('error', () => undefined); // it ended before it read: the exit says why
  child.stdin?.end(input);
  return promise;
}

function gitEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}

/** The heads that tags of a repository keep. @throws where it is no repository */
export function taggedHeads(repository: string): readonly KeptHead[] {
  const run = (...args: string[]): string =>
    execFileSync('git', ['-C', repository, ...args], {
      encoding: 'utf8',
      env: gitEnvironment(),
      timeout: gitMs,
      maxBuffer: 2 ** 26,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const refs = run('for-each-ref', '--format=%(refname)', `refs/tags/${tagPrefix}`)
    .split('\n')
    .filter(Boolean);
  return refs.map((ref) => ({
    text: run('cat-file', 'blob', ref),
    where: `${repository} ${ref.slice('refs/tags/'.length)}`,
    elsewhere: true,
  }));
}
