import { execFile } from 'node:child_process';
import { mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Fault } from '../base/errors.ts';
import { type Instant, instant, type World } from '../base/time.ts';
import { isPolicyFile } from '../policy/load.ts';
import { bundlePath, policyText } from '../policy/opa/bundle.ts';

/** A policy in a Git repository. */
export interface GitPlace {
  readonly url: string;
  readonly ref: string; // a branch or tag
  readonly path: string; // of the policy in it; `` for its top
  readonly everyMs: number;
  /** Where the gateway keeps its copy. */
  readonly folder: string;
  readonly world: World;
}

export interface GitFiles {
  readonly files: ReadonlyMap<string, string>;
  readonly commit: string;
  readonly confirmedAt?: Instant;
  readonly complaint?: string;
}

const run = promisify(execFile);
const kept = 'refs/sallyport/held';
const mostBytes = 67_108_864;
const mostFiles = 5_000;
const fetchMs = 60_000;

// SECURITY: a repository's configuration and what it is fetched from can name programs to run; none is let.
const bare = [
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'protocol.ext.allow=never',
  '-c',
  'gc.auto=0',
];

/** Follows a ref. Where the repository cannot be reached, what was fetched last is given, with the time of that. */
export function gitPolicy(place: GitPlace): {
  readonly about: string;
  readonly read: (only?: string) => Promise<GitFiles>;
} {
  const { url, ref, path, folder, world } = place;
  const clean = path.replaceAll(/^\/+|\/+$/g, '');
  const repository = join(folder, 'git');
  const stamp = join(folder, 'fetched');

  const git = async (...args: readonly string[]): Promise<string> => {
    const options = {
      timeout: fetchMs,
      maxBuffer: mostBytes,
      env: { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' },
    };
    return (await run('git', [...bare, '--git-dir', repository, ...args], options)).stdout;
  };

  /** The text that stands for it: a bundle of OPA is no text. */
  const blob = async (name: string, object: string): Promise<string> => {
    if (!bundlePath.test(name)) return git('cat-file', 'blob', object);
    const args = [...bare, '--git-dir', repository, 'cat-file', 'blob', object];
    const { stdout } = await run('git', args, { timeout: fetchMs, maxBuffer: mostBytes, encoding: 'buffer' });
    return policyText(name, stdout);
  };

  const fetchNow = async (): Promise<string | undefined> => {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await git('init', '--quiet', '--bare');
      await git(
        'fetch',
        '--quiet',
        '--depth=1',
        '--no-tags',
        '--force',
        '--end-of-options',
        url,
        `${ref}:${kept}`,
      );
      const now = new Date(world.now());
      await writeFile(stamp, '');
      await utimes(stamp, now, now);
      return undefined;
    } catch {
      // What Git says can hold the URL with its credentials.
      return `Git cannot fetch ${ref} from ${withoutCredentials(url)}`;
    }
  };

  return {
    about: `${withoutCredentials(url)} ${ref}:${clean}`,
    read: async (only) => {
      const complaint = await fetchNow();
      const confirmedAt = complaint === undefined ? undefined : await lastFetch(stamp);
      let commit: string;
      try {
        commit = (await git('rev-parse', '--verify', `${kept}^{commit}`)).trim();
      } catch {
        throw new Fault('policy', complaint ?? `Git has no ${ref}`);
      }
      return {
        files: await filesAt({ git, blob }, commit, clean, only),
        commit,
        ...(complaint === undefined ? {} : { complaint }),
        ...(confirmedAt === undefined ? {} : { confirmedAt }),
      };
    },
  };
}

async function lastFetch(stamp: string): Promise<Instant> {
  const about = await stat(stamp).catch(() => undefined);
  return instant(about?.mtimeMs ?? 0);
}

async function filesAt(
  {
    git,
    blob,
  }: {
    readonly git: (...args: readonly string[]) => Promise<string>;
    readonly blob: (name: string, object: string) => Promise<string>;
  },
  commit: string,
  path: string,
  only: string | undefined,
): Promise<ReadonlyMap<string, string>> {
  let listing: string;
  try {
    listing = await git('ls-tree', '-r', '-z', '--full-tree', `${commit}:${path}`);
  } catch {
    throw new Fault('policy', `The commit ${commit} has no folder ${path}`);
  }
  const files = new Map<string, string>();
  for (const line of listing.split('\0')) {
    // <mode> SP <type> SP <object> TAB <path>; links and submodules are left out.
    const [, object, name] = /^100\d{3} blob ([0-9a-f]+)\t(.+)$/s.exec(line) ?? [];
    if (object === undefined || name === undefined) continue;
    if (name.split('/').some((part) => part.startsWith('.') || part === 'node_modules')) continue;
    if (only === undefined ? !isPolicyFile(name) : name !== only) continue;
    if (files.size >= mostFiles) throw new Fault('policy', `More than ${mostFiles} files in the policy`);
    files.set(name, await blob(name, object));
  }
  return files;
}

export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1');
}
