import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Fault, messageOf } from '../base/errors.ts';
import { type Instant, timestamp, type World } from '../base/time.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Ledger, Log } from '../core/ports.ts';
import type { Kinds } from '../policy/kinds.ts';
import { isPolicyFile, type LoadedPolicy, loadPolicy } from '../policy/load.ts';
import { type PolicyProblem, problemLine } from '../policy/problem.ts';

export interface PolicySourceParts {
  readonly directory: string;
  readonly kinds: Kinds;
  readonly world: World;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Called with a policy that was read whole; it comes into force when this has resolved, and not at all if it rejects. */
  readonly onLoad?: (policy: LoadedPolicy) => void | Promise<void>;
  /** Called once for each newer state of the directory that cannot be loaded; the last good policy stays in force. */
  readonly onRefuse?: (problems: readonly PolicyProblem[]) => void | Promise<void>;
  /** After this long without a good policy in the directory the last good one is too old, and nothing is allowed. Absent: never. */
  readonly maxAgeMs?: number;
}

export interface PolicySource extends AsyncDisposable {
  /** The policy in force; undefined when the last good one is too old. */
  readonly current: () => LoadedPolicy | undefined;
  readonly status: () => PolicySourceStatus;
  /** Looks at the directory now. Never rejects. */
  readonly look: () => Promise<void>;
}

export interface PolicySourceStatus {
  readonly loaded: boolean;
  readonly digest: string;
  readonly commit?: string;
  readonly loadedAt: string; // RFC 3339
  readonly problems: readonly string[]; // of a newer state that was refused
}

const pollMs = 2_000;
const settleMs = 100;

/**
 * Reads the policy of a directory and follows it: a good new state comes into force at once and whole, a bad one leaves
 * the last good one, loudly.
 *
 * @throws {Fault} `policy` when there is no good policy to begin with; the message has one line for each problem.
 */
export async function watchPolicy(parts: PolicySourceParts): Promise<PolicySource> {
  const { directory } = parts;
  const found = await readPolicyFiles(directory);
  const loaded = await load(parts, found);
  if (!loaded.ok) {
    parts.metrics.count('policy_loads_total', { result: 'refused' });
    throw new Fault(
      'policy',
      [`Cannot load the policy in ${directory}:`, ...loaded.error.map(problemLine)].join('\n  '),
    );
  }
  const source = new Source(parts, loaded.value, found.digest);
  await source.begin();
  return source;
}

/** Has every load and every refusal written to the ledger; a policy comes into force when its entry is on disk. */
export function policyNotes(
  ledger: Ledger,
  world: World,
): Required<Pick<PolicySourceParts, 'onLoad' | 'onRefuse'>> {
  return {
    onLoad: ({ id: { digest, commit } }) =>
      ledger.append({
        kind: 'policy.loaded',
        at: world.now(),
        digest,
        ...(commit === undefined ? {} : { commit }),
      }),
    onRefuse: (problems) =>
      ledger.append({ kind: 'policy.refused', at: world.now(), problems: problems.map(problemLine) }),
  };
}

class Source implements PolicySource {
  readonly #parts: PolicySourceParts;
  #policy: LoadedPolicy;
  /** Of the directory's state that was judged last, good or bad. */
  #seen: string;
  /** Of the state that the policy in force was read from. */
  #inForce: string;
  #loadedAt: Instant;
  /** When the directory was last seen to hold the policy in force. */
  #confirmedAt: Instant;
  #problems: readonly string[] = [];
  #watcher: FSWatcher | undefined;
  #timer: Disposable | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(parts: PolicySourceParts, policy: LoadedPolicy, seen: string) {
    this.#parts = parts;
    this.#policy = policy;
    this.#seen = seen;
    this.#inForce = seen;
    this.#loadedAt = parts.world.now();
    this.#confirmedAt = this.#loadedAt;
  }

  async begin(): Promise<void> {
    await this.#parts.onLoad?.(this.#policy);
    this.#announce();
    try {
      this.#watcher = watch(this.#parts.directory, { recursive: true, persistent: false }, () => {
        void this.look();
      });
      this.#watcher.on('error', () => this.#watcher?.close()); // polling goes on
    } catch {
      // A file system that cannot be watched is polled.
    }
    this.#later();
  }

  readonly current = (): LoadedPolicy | undefined => (this.#tooOld() ? undefined : this.#policy);

  readonly status = (): PolicySourceStatus => {
    const { digest, commit } = this.#policy.id;
    return {
      loaded: !this.#tooOld(),
      digest,
      ...(commit === undefined ? {} : { commit }),
      loadedAt: timestamp(this.#loadedAt),
      problems: this.#problems,
    };
  };

  readonly look = (): Promise<void> => {
    this.#again = true;
    this.#looking ??= this.#lookUntilStill().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    this.#watcher?.close();
    await this.#looking;
  }

  #tooOld(): boolean {
    const { maxAgeMs, world } = this.#parts;
    return maxAgeMs !== undefined && world.now() - this.#confirmedAt > maxAgeMs;
  }

  #later(): void {
    if (this.#closed) return;
    this.#timer = this.#parts.world.after(pollMs, () => {
      void this.look().finally(() => this.#later());
    });
  }

  async #lookUntilStill(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#lookOnce();
      } catch (thrown) {
        this.#complain([`The state of the directory cannot be brought into force: ${messageOf(thrown)}`]);
      }
      const age = (this.#parts.world.now() - this.#confirmedAt) / 1_000;
      this.#parts.metrics.gauge('policy_age_seconds', age);
    }
  }

  async #lookOnce(): Promise<void> {
    const found = await readPolicyFiles(this.#parts.directory);
    if (found.digest === this.#inForce) {
      this.#seen = found.digest;
      this.#confirmedAt = this.#parts.world.now();
      if (this.#problems.length > 0)
        this.#parts.log('info', 'policy.restored', { digest: this.#policy.id.digest });
      this.#problems = [];
      return;
    }
    if (found.digest === this.#seen) return;
    // SECURITY: half a file can be a whole policy with fewer rules, so a state must have stood still before it is judged.
    await new Promise<void>((resolve) => this.#parts.world.after(settleMs, resolve));
    const again = await readPolicyFiles(this.#parts.directory);
    if (again.digest !== found.digest) {
      this.#again = true;
      return;
    }
    const loaded = await load(this.#parts, found);
    if (!loaded.ok) {
      this.#seen = found.digest;
      this.#complain(loaded.error.map(problemLine));
      await this.#parts.onRefuse?.(loaded.error);
      return;
    }
    await this.#parts.onLoad?.(loaded.value);
    this.#seen = found.digest;
    this.#inForce = found.digest;
    this.#policy = loaded.value;
    this.#loadedAt = this.#parts.world.now();
    this.#confirmedAt = this.#loadedAt;
    this.#problems = [];
    this.#announce();
  }

  #announce(): void {
    const { digest, commit } = this.#policy.id;
    this.#parts.metrics.count('policy_loads_total', { result: 'loaded' });
    this.#parts.metrics.gauge('policy_age_seconds', 0);
    this.#parts.log('info', 'policy.loaded', {
      digest,
      commit,
      rules: this.#policy.ruling.rules.length,
    });
  }

  #complain(problems: readonly string[]): void {
    if (this.#problems.join('\n') === problems.join('\n')) return;
    this.#problems = problems;
    this.#parts.metrics.count('policy_loads_total', { result: 'refused' });
    this.#parts.log('error', 'policy.refused', {
      inForce: this.#policy.id.digest,
      problems: problems.length,
      first: problems[0],
    });
  }
}

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
  for (const path of (await walk(directory, '', 0)).sort()) {
    const bytes = await readBounded(join(directory, path));
    hash.update(`${path}\0`);
    if (bytes === undefined) {
      hash.update('too large');
      problems.push(unreadable(path, 'SP-Y006', `The file is larger than ${maxBytes} bytes`));
      continue;
    }
    hash.update(`${bytes.length}\0`).update(bytes);
    try {
      files.set(path, new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      problems.push(unreadable(path, 'SP-Y010', 'The file is not UTF-8'));
    }
  }
  return { files, problems, digest: hash.digest('hex') };
}

function unreadable(file: string, code: 'SP-Y006' | 'SP-Y010', message: string): PolicyProblem {
  return { file, line: 1, col: 1, code, message };
}

async function readBounded(path: string): Promise<Uint8Array | undefined> {
  const { size } = await stat(path);
  return size > maxBytes ? undefined : readFile(path);
}

/** Links are followed: a mounted ConfigMap is made of them. */
async function walk(directory: string, below: string, depth: number): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(join(directory, below))) {
    if (name.startsWith('.') || name === 'node_modules') continue;
    const path = below === '' ? name : `${below}/${name}`;
    const about = await stat(join(directory, path)).catch(() => undefined); // gone since
    if (about?.isDirectory() === true && depth < maxDepth)
      found.push(...(await walk(directory, path, depth + 1)));
    else if (about?.isFile() === true && isPolicyFile(path)) found.push(path);
    if (found.length > maxFiles) throw new Fault('policy', `More than ${maxFiles} files in ${directory}`);
  }
  return found;
}

async function load(
  { directory, kinds }: Pick<PolicySourceParts, 'directory' | 'kinds'>,
  { files, problems }: PolicyFiles,
): Promise<ReturnType<typeof loadPolicy>> {
  if (problems.length > 0) return { ok: false, error: problems };
  const commit = await commitOf(directory);
  return loadPolicy(files, kinds, commit === undefined ? {} : { commit });
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
