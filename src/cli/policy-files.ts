import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { detectors } from '../mask/index.ts';
import { kindsOf } from '../policy/kinds.ts';
import { isPolicyFile, type LoadedPolicy, loadPolicy } from '../policy/load.ts';
import type { PolicyProblem } from '../policy/problem.ts';
import { protocols } from '../protocols/index.ts';
import { withShipped } from '../server/policy-files.ts';
import { readPolicyFiles } from '../server/policy-source.ts';
import { CouldNotRun, safe } from './command.ts';

/** The files of a policy, from a directory or from Git. */
export interface Source {
  readonly files: ReadonlyMap<string, string>;
  readonly problems: readonly PolicyProblem[];
}

/**
 * A policy from a directory, or from a Git revision as `REF:path` (the path is from the top of the repository).
 *
 * @throws {CouldNotRun} when there is none, or it does not load; the message has one line for each problem.
 */
export async function readPolicy(spec: string): Promise<LoadedPolicy> {
  const { files, problems } = await readSource(spec);
  const loaded =
    problems.length > 0 ? { ok: false as const, error: problems } : loadPolicy(files, kindsOf(protocols, detectors));
  if (loaded.ok) return loaded.value;
  const lines = loaded.error.map(
    ({ file, line, col, code, message }) => `  ${file}:${line}:${col}  ${code}  ${message}`,
  );
  throw new CouldNotRun(safe(`The policy in ${spec} does not load:\n${lines.join('\n')}`));
}

async function readSource(spec: string): Promise<Source> {
  if ((await stat(spec).catch(() => undefined))?.isDirectory() === true) return readPolicyFiles(spec);
  const [, ref, path] = /^([^:-][^:]*):(.*)$/.exec(spec) ?? [];
  if (ref === undefined || path === undefined) {
    throw new CouldNotRun(`${spec} is no directory, and no Git revision such as HEAD:policy`);
  }
  return fromGit(ref, path.replace(/\/+$/, ''));
}

const run = promisify(execFile);
const mostBytes = 67_108_864;

async function fromGit(ref: string, path: string): Promise<Source> {
  // SECURITY: a repository's own configuration can name programs to run; this one is not let.
  const bare = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];
  const git = async (...args: readonly string[]): Promise<string> => {
    try {
      return (await run('git', [...bare, ...args], { timeout: 30_000, maxBuffer: mostBytes })).stdout;
    } catch {
      throw new CouldNotRun(`Git has no ${ref}:${path} here`);
    }
  };
  const tree = (await git('rev-parse', '--verify', '--end-of-options', `${ref}:${path}`)).trim();
  const names = (await git('ls-tree', '-r', '-z', '--name-only', '--full-tree', tree)).split('\0');
  const files = new Map<string, string>();
  for (const name of names.filter(isPolicyFile)) {
    if (name.split('/').some((part) => part.startsWith('.') || part === 'node_modules')) continue;
    files.set(name, await git('cat-file', 'blob', `${tree}:${name}`));
  }
  if (files.size === 0) throw new CouldNotRun(`There is no policy in ${ref}:${path}`);
  return { files: await withShipped(files), problems: [] };
}
