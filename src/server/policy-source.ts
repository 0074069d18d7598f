import { type FSWatcher, watch } from 'node:fs';
import { Fault, messageOf } from '../base/errors.ts';
import type { Result } from '../base/result.ts';
import { instant, type Instant, timestamp, type World } from '../base/time.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Ledger, Log } from '../core/ports.ts';
import type { Kinds } from '../policy/kinds.ts';
import { type EnvironmentParams, type LoadedPolicy, loadPolicy } from '../policy/load.ts';
import { type PolicyProblem, problemLine } from '../policy/problem.ts';
import type { OpenedBundle } from './policy-bundle.ts';
import { directoryReader, type PolicyReader, type PolicyState } from './policy-readers.ts';
import type { PolicyTrial } from './policy-trial.ts';

export { commitOf, type PolicyFiles, readPolicyFiles } from './policy-files.ts';

export interface PolicySourceParts {
  /** Where it comes from; a plain directory in short. */
  readonly from: PolicyReader | string;
  readonly kinds: Kinds;
  readonly world: World;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Called with a policy that was read whole; it comes into force when this has resolved, and not at all if it rejects. */
  readonly onLoad?: (policy: LoadedPolicy) => void | Promise<void>;
  /** Called once for each newer state of the source that cannot be loaded; the last good policy stays in force. */
  readonly onRefuse?: (problems: readonly PolicyProblem[]) => void | Promise<void>;
  /** After this long without a good policy in the source the last good one is too old, and nothing is allowed. Absent: never. */
  readonly maxAgeMs?: number;
  /** What this environment gives to the params of modules. */
  readonly params?: EnvironmentParams;
  /** Reads a newer state elsewhere first; absent: it is read here at once. */
  readonly trial?: PolicyTrial;
}

export interface PolicySource extends AsyncDisposable {
  /** The policy in force; undefined when the last good one is too old. */
  readonly current: () => LoadedPolicy | undefined;
  readonly status: () => PolicySourceStatus;
  /** Looks at the source now. Never rejects. */
  readonly look: () => Promise<void>;
  /** Takes a bundle, where the source is one that takes them, and looks: what was wrong, or the bundle. */
  readonly push: (text: string) => Promise<Result<OpenedBundle, readonly string[]>>;
}

export interface PolicySourceStatus {
  readonly loaded: boolean;
  readonly digest: string;
  readonly commit?: string;
  readonly loadedAt: string; // RFC 3339
  readonly problems: readonly string[]; // of a newer state that was refused
  readonly source: { readonly kind: PolicyReader['kind']; readonly about: string };
  readonly version?: number; // of a signed bundle
  readonly maxAgeSeconds?: number;
  /** When the source last held what is in force. */
  readonly confirmedAt: string;
  readonly lastError?: { readonly at: string; readonly problems: readonly string[] };
  /** What the source holds against what is enforced. */
  readonly drift: {
    readonly drifting: boolean;
    readonly holds?: { readonly commit?: string; readonly version?: number };
    readonly since?: string;
    readonly ageSeconds: number; // how long they have differed
  };
}

const settleMs = 100;

/**
 * Reads the policy of a directory and follows it: a good new state comes into force at once and whole, a bad one leaves
 * the last good one, loudly.
 *
 * @throws {Fault} `policy` when there is no good policy to begin with; the message has one line for each problem.
 */
export async function watchPolicy(parts: PolicySourceParts): Promise<PolicySource> {
  const reader = typeof parts.from === 'string' ? directoryReader(parts.from) : parts.from;
  const found = await reader.read();
  const loaded = load(parts, found);
  if (!loaded.ok) {
    parts.metrics.count('policy_loads_total', { result: 'refused' });
    throw new Fault(
      'policy',
      [`Cannot load the policy of ${reader.about}:`, ...loaded.error.map(problemLine)].join('\n  '),
    );
  }
  reader.accepted?.(found);
  const source = new Source(parts, reader, { policy: loaded.value, found });
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

interface Start {
  readonly policy: LoadedPolicy;
  readonly found: PolicyState;
}

class Source implements PolicySource {
  readonly #parts: PolicySourceParts;
  readonly #reader: PolicyReader;
  #policy: LoadedPolicy;
  /** Of the source's state that was judged last, good or bad. */
  #seen: string;
  /** Of the state that the policy in force was read from. */
  #inForce: string;
  #loadedAt: Instant;
  /** When the source was last seen to hold the policy in force. */
  #confirmedAt: Instant;
  #problems: readonly string[] = [];
  /** Of the state that was refused last. */
  #wrong: readonly string[] = [];
  #version: number | undefined;
  #holds: PolicyState;
  #driftSince: Instant | undefined;
  #lastError: { readonly at: Instant; readonly problems: readonly string[] } | undefined;
  #watcher: FSWatcher | undefined;
  #timer: Disposable | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(parts: PolicySourceParts, reader: PolicyReader, { policy, found }: Start) {
    this.#parts = parts;
    this.#reader = reader;
    this.#policy = policy;
    this.#seen = found.digest;
    this.#inForce = found.digest;
    this.#version = found.version;
    this.#holds = found;
    this.#loadedAt = parts.world.now();
    this.#confirmedAt = found.confirmedAt ?? this.#loadedAt;
    if (found.complaint !== undefined) this.#complain([found.complaint]);
  }

  async begin(): Promise<void> {
    await this.#parts.onLoad?.(this.#policy);
    this.#announce();
    try {
      const { watched } = this.#reader;
      if (watched !== undefined) this.#follow(watched);
    } catch {
      // A file system that cannot be watched is polled.
    }
    this.#later();
  }

  #follow(directory: string): void {
    this.#watcher = watch(directory, { recursive: true, persistent: false }, () => {
      void this.look();
    });
    this.#watcher.on('error', () => this.#watcher?.close()); // polling goes on
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
      source: { kind: this.#reader.kind, about: this.#reader.about },
      ...(this.#version === undefined ? {} : { version: this.#version }),
      ...(this.#parts.maxAgeMs === undefined ? {} : { maxAgeSeconds: this.#parts.maxAgeMs / 1_000 }),
      confirmedAt: timestamp(this.#confirmedAt),
      ...(this.#lastError === undefined
        ? {}
        : { lastError: { at: timestamp(this.#lastError.at), problems: this.#lastError.problems } }),
      drift: this.#drift(),
    };
  };

  readonly push = async (text: string): Promise<Result<OpenedBundle, readonly string[]>> => {
    const { push } = this.#reader;
    if (push === undefined) {
      return { ok: false, error: [`The policy of this gateway comes from ${this.#reader.about}`] };
    }
    const before = this.#problems;
    const taken = await push(text, async (files) => {
      const loaded = await this.#load({ files, problems: [], digest: '' });
      return loaded.ok ? [] : loaded.error.map(problemLine);
    });
    if (!taken.ok) return { ok: false, error: taken.error };
    await this.look();
    const now = this.#inForce === taken.value.digest;
    return now ? taken : { ok: false, error: this.#problems.length > 0 ? this.#problems : before };
  };

  #drift(): PolicySourceStatus['drift'] {
    const { commit, version } = this.#holds;
    const since = this.#driftSince;
    return {
      drifting: since !== undefined,
      holds: {
        ...(commit === undefined ? {} : { commit }),
        ...(version === undefined ? {} : { version }),
      },
      ...(since === undefined ? {} : { since: timestamp(since) }),
      ageSeconds: since === undefined ? 0 : (this.#parts.world.now() - since) / 1_000,
    };
  }

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
    this.#timer = this.#parts.world.after(this.#reader.everyMs, () => {
      void this.look().finally(() => this.#later());
    });
  }

  async #lookUntilStill(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#lookOnce();
      } catch (thrown) {
        this.#complain([`The policy cannot be brought into force: ${messageOf(thrown)}`]);
      }
      this.#parts.metrics.gauge('policy_drift_seconds', this.#drift().ageSeconds);
      const age = (this.#parts.world.now() - this.#confirmedAt) / 1_000;
      this.#parts.metrics.gauge('policy_age_seconds', age);
    }
  }

  async #lookOnce(): Promise<void> {
    const found = await this.#reader.read();
    this.#holds = found;
    if (found.digest === this.#inForce) {
      this.#seen = found.digest;
      this.#driftSince = undefined;
      this.#confirm(found);
      return;
    }
    this.#driftSince ??= this.#parts.world.now();
    if (found.digest === this.#seen) {
      // What was refused stays refused; whether the source can be reached is another matter.
      const away = found.complaint === undefined ? [] : [found.complaint];
      this.#complain([...away, ...this.#wrong]);
      return;
    }
    // SECURITY: half a file can be a whole policy with fewer rules, so a state must have stood still before it is judged.
    await new Promise<void>((resolve) => this.#parts.world.after(settleMs, resolve));
    const again = await this.#reader.read();
    if (again.digest !== found.digest) {
      this.#again = true;
      return;
    }
    const loaded = await this.#load(found);
    if (!loaded.ok) {
      this.#seen = found.digest;
      this.#wrong = loaded.error.map(problemLine);
      this.#complain(this.#wrong);
      await this.#parts.onRefuse?.(loaded.error);
      return;
    }
    await this.#parts.onLoad?.(loaded.value);
    this.#reader.accepted?.(found);
    this.#seen = found.digest;
    this.#inForce = found.digest;
    this.#policy = loaded.value;
    this.#version = found.version;
    this.#driftSince = undefined;
    this.#loadedAt = this.#parts.world.now();
    this.#confirmedAt = found.confirmedAt ?? this.#loadedAt;
    this.#problems = [];
    this.#announce();
  }

  async #load(found: PolicyState): Promise<ReturnType<typeof loadPolicy>> {
    const problems = found.problems.length > 0 ? [] : await this.#parts.trial?.(found.files);
    return load(
      this.#parts,
      problems === undefined ? found : { ...found, problems: [...found.problems, ...problems] },
    );
  }

  /** The source holds what is in force, as far as it can be reached. */
  #confirm({ confirmedAt, complaint }: PolicyState): void {
    const at = confirmedAt ?? this.#parts.world.now();
    this.#confirmedAt = instant(Math.max(this.#confirmedAt, at));
    if (complaint !== undefined) {
      this.#complain([complaint]);
      return;
    }
    if (this.#problems.length > 0)
      this.#parts.log('info', 'policy.restored', { digest: this.#policy.id.digest });
    this.#problems = [];
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
    this.#lastError = { at: this.#parts.world.now(), problems };
    this.#parts.metrics.count('policy_loads_total', { result: 'refused' });
    this.#parts.log('error', 'policy.refused', {
      inForce: this.#policy.id.digest,
      problems: problems.length,
      first: problems[0],
    });
  }
}

function load(
  { kinds, params }: Pick<PolicySourceParts, 'kinds' | 'params'>,
  { files, problems, commit }: PolicyState,
): ReturnType<typeof loadPolicy> {
  if (problems.length > 0) return { ok: false, error: problems };
  return loadPolicy(files, kinds, {
    ...(commit === undefined ? {} : { commit }),
    ...(params === undefined ? {} : { params }),
  });
}
