import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { isPolicyFile, type LoadedPolicy, loadPolicy } from '../policy/load.ts';
import { policyText } from '../policy/opa/bundle.ts';
import type { Kinds } from '../policy/kinds.ts';
import type { PolicyProblem } from '../policy/problem.ts';
import { unsignedFiles } from '../server/policy-bundle.ts';
import { withShipped } from '../server/policy-files.ts';
import { readPolicyFiles } from '../server/policy-source.ts';
import { CouldNotRun, safe } from './command.ts';
import { policyKinds } from './kinds.ts';

/** The files of a policy, from a directory or from Git. */
export interface Source {
  readonly files: ReadonlyMap<string, string>;
  readonly problems: readonly PolicyProblem[];
}

/**
 * A policy from a directory, or from a Git revision: `REF:path` (the path is from the top of the repository), or `REF`
 * alone for its `policy/`, or for its top where policy.yaml stands there; or from a file that is a bundle. What lies there goes
 * before a revision of its name.
 *
 * @param kinds - what is known of resource kinds, and what evaluates policies of OPA
 * @throws {CouldNotRun} when there is none, or it does not load; the message has one line for each problem.
 */
export async function readPolicy(spec: string, kinds: Kinds = policyKinds): Promise<LoadedPolicy> {
  const { files, problems } = await readSource(spec);
  const loaded = problems.length > 0 ? { ok: false as const, error: problems } : loadPolicy(files, kinds);
  if (loaded.ok) return loaded.value;
  const lines = loaded.error.map(
    ({ file, line, col, code, message }) => `  ${file}:${line}:${col}  ${code}  ${message}`,
  );
  throw new CouldNotRun(safe(`The policy in ${spec} does not load:\n${lines.join('\n')}`));
}

async function readSource(spec: string): Promise<Source> {
  const about = await stat(spec).catch(() => undefined);
  if (about?.isDirectory() === true) return readPolicyFiles(spec);
  if (about?.isFile() === true) return { files: await filesInBundle(spec), problems: [] };
  const [, ref, path] = /^([^:-][^:]*)(?::(.*))?$/.exec(spec) ?? [];
  if (ref === undefined) {
    throw new CouldNotRun(`${spec} is no directory, and no Git revision such as main or HEAD:policy`);
  }
  return fromGit(ref, path?.replace(/\/+$/, ''));
}

/** Of a bundle to be read, not to be trusted. */
async function filesInBundle(path: string): Promise<Source['files']> {
  const { size } = await stat(path);
  const read = size > mostBytes ? undefined : unsignedFiles(await readFile(path, 'utf8'));
  if (read === undefined) throw new CouldNotRun(`${path} is no bundle (sallyport bundle build makes one)`);
  return read;
}

const run = promisify(execFile);
const mostBytes = 67_108_864;

async function fromGit(ref: string, given: string | undefined): Promise<Source> {
  // SECURITY: a repository's own configuration can name programs to run; this one is not let.
  const bare = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];
  const where = given === undefined ? ref : `${ref}:${given}`;
  const git = async (...args: readonly string[]): Promise<string> => {
    try {
      return (await run('git', [...bare, ...args], { timeout: 30_000, maxBuffer: mostBytes })).stdout;
    } catch {
      const or = given === undefined ? `${where} is no directory either` : 'the path is from its top';
      throw new CouldNotRun(`Git has no ${where} here; ${or}`);
    }
  };
  const blob = async (object: string): Promise<Buffer> =>
    (
      await run('git', [...bare, 'cat-file', 'blob', object], {
        timeout: 30_000,
        maxBuffer: mostBytes,
        encoding: 'buffer',
      })
    ).stdout;
  const resolved = (object: string): Promise<string> =>
    git('rev-parse', '--verify', '--end-of-options', object);
  if (given === undefined) await resolved(`${ref}^{commit}`);
  const path =
    given ?? ((await resolved(`${ref}:policy/policy.yaml`).catch(() => '')) === '' ? '' : 'policy');
  const tree = (await resolved(`${ref}:${path}`)).trim();
  const names = (await git('ls-tree', '-r', '-z', '--name-only', '--full-tree', tree)).split('\0');
  const files = new Map<string, string>();
  for (const name of names.filter(isPolicyFile)) {
    if (name.split('/').some((part) => part.startsWith('.') || part === 'node_modules')) continue;
    files.set(name, policyText(name, await blob(`${tree}:${name}`)));
  }
  if (!files.has('policy.yaml')) throw new CouldNotRun(`There is no policy in ${ref}:${path}`);
  return { files: await withShipped(files), problems: [] };
}
