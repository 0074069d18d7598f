import { createHash, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';
import { err, ok, type Result } from '../base/result.ts';
import { instant, type Instant } from '../base/time.ts';
import { openBundle, type OpenedBundle } from './policy-bundle.ts';
import { commitOf, gitState, type PolicyFiles, readPolicyFiles, withShipped } from './policy-files.ts';
import { gitPolicy, type GitPlace } from './policy-git.ts';

/** What a source holds now. */
export interface PolicyState extends PolicyFiles {
  readonly commit?: string;
  /** Of a signed bundle. */
  readonly version?: number;
  /** When the source itself was last reached, where that was not now. */
  readonly confirmedAt?: Instant;
  /** Why it could not be reached now. */
  readonly complaint?: string;
}

/** Where a policy comes from. */
export interface PolicyReader {
  readonly kind: 'directory' | 'git' | 'push';
  readonly about: string; // `directory /etc/policy`, `https://host/repo.git main:policy`; without credentials
  readonly everyMs: number;
  /** A directory whose changes are noticed before it is time to look. */
  readonly watched?: string;
  /** Rejects with a Fault when it cannot be told what the source holds. */
  readonly read: () => Promise<PolicyState>;
  /** Keeps in mind that this state came into force; nothing older may come after it. Throws when that cannot be written. */
  readonly accepted?: (state: PolicyState) => void;
  /** Only of a source that takes bundles: keeps one that is signed, not older, and has nothing wrong. */
  readonly push?: (
    text: string,
    wrong: (files: ReadonlyMap<string, string>) => Promise<readonly string[]>,
  ) => Promise<Result<OpenedBundle, readonly string[]>>;
}

const pollMs = 2_000;
export const bundleFile = 'policy.bundle.json';

/** Signing: with keys, only a bundle that one of them signed is a policy, and never one older than the last. */
export interface Signing {
  readonly keys: readonly KeyObject[];
  /** Where the number of the last bundle is kept. */
  readonly floorFile: string;
}

export function directoryReader(directory: string, signing?: Signing): PolicyReader {
  const common = {
    kind: 'directory' as const,
    about: `directory ${directory}`,
    everyMs: pollMs,
    watched: directory,
  };
  if (signing === undefined) {
    const asked = rememberedCommit(directory);
    return {
      ...common,
      read: async () => {
        const found = await readPolicyFiles(directory);
        const commit = found.problems.length > 0 ? undefined : await asked(found.digest);
        return { ...found, ...(commit === undefined ? {} : { commit }) };
      },
    };
  }
  return {
    ...common,
    read: async () => signedState(await textAt(join(directory, bundleFile)), signing),
    accepted: (state) => keepFloor(signing, state),
  };
}

/** Starting Git stops the whole program for a moment: it is asked again only when the files or its own have changed. */
function rememberedCommit(directory: string): (digest: string) => Promise<string | undefined> {
  let last: { readonly of: string; readonly commit: string | undefined } | undefined;
  return async (digest) => {
    const of = `${digest} ${await gitState(directory)}`;
    if (last?.of !== of) last = { of, commit: await commitOf(directory) };
    return last.commit;
  };
}

export function gitReader(place: GitPlace, signing?: Signing): PolicyReader {
  const git = gitPolicy(place);
  return {
    kind: 'git',
    about: git.about,
    everyMs: place.everyMs,
    read: async () => {
      const found = await git.read(signing === undefined ? undefined : bundleFile);
      const { commit, confirmedAt, complaint } = found;
      const state =
        signing === undefined
          ? { ...filesState(await withShipped(found.files)), commit }
          : signedState(found.files.get(bundleFile), signing, commit);
      return {
        ...state,
        ...(confirmedAt === undefined ? {} : { confirmedAt }),
        ...(complaint === undefined ? {} : { complaint }),
      };
    },
    ...(signing === undefined ? {} : { accepted: (state: PolicyState) => keepFloor(signing, state) }),
  };
}

/** Takes bundles that are pushed. `initial` is the one that it begins with. */
export function pushReader(folder: string, signing: Signing, initial?: string): PolicyReader {
  const file = join(folder, 'pushed.bundle.json');
  return {
    kind: 'push',
    about: 'bundles that are pushed',
    everyMs: pollMs,
    read: async () => {
      const pushedAt = await stat(file).then(
        ({ mtimeMs }) => instant(mtimeMs),
        () => undefined,
      );
      const path = pushedAt !== undefined || initial === undefined ? file : initial;
      const state = signedState(await textAt(path), signing);
      // Who pushes is the source: what was pushed is confirmed by pushing it again, not by lying here.
      return pushedAt === undefined ? state : { ...state, confirmedAt: pushedAt };
    },
    accepted: (state) => keepFloor(signing, state),
    push: async (text, wrong) => {
      const opened = openBundle(text, signing.keys);
      const checked = opened.ok ? notOlder(opened.value, signing) : opened;
      if (!checked.ok) return err([checked.error]);
      const problems = await wrong(new Map(Object.entries(checked.value.files)));
      if (problems.length > 0) return err(problems);
      // SECURITY: a newer one may have come into force while this one was read.
      const still = notOlder(checked.value, signing);
      if (!still.ok) return err([still.error]);
      write(file, text);
      return still;
    },
  };
}

async function textAt(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
    throw new Fault('policy', `The bundle cannot be read: ${messageOf(thrown)}`);
  }
}

function filesState(files: ReadonlyMap<string, string>): PolicyFiles {
  const hash = createHash('sha256');
  for (const path of [...files.keys()].sort()) hash.update(`${path}\0${files.get(path) ?? ''}\0`);
  return { files, problems: [], digest: hash.digest('hex') };
}

function signedState(text: string | undefined, signing: Signing, commit?: string): PolicyState {
  const opened = text === undefined ? err(`There is no ${bundleFile}`) : openBundle(text, signing.keys);
  const checked = opened.ok ? notOlder(opened.value, signing) : opened;
  if (!checked.ok) {
    const digest = createHash('sha256')
      .update(text ?? '')
      .digest('hex');
    const problem = { file: bundleFile, line: 1, col: 1, code: 'SP-L110' as const, message: checked.error };
    return { files: new Map(), problems: [problem], digest };
  }
  const { files, digest, version } = checked.value;
  const of = checked.value.commit ?? commit;
  return {
    files: new Map(Object.entries(files)),
    problems: [],
    digest,
    version,
    ...(of === undefined ? {} : { commit: of }),
  };
}

interface Floor {
  readonly version: number;
  readonly digest: string;
}

/** SECURITY: an old bundle is well signed too; whoever can put one back would undo what was fixed since. */
function notOlder(bundle: OpenedBundle, { floorFile }: Signing): Result<OpenedBundle, string> {
  const floor = readFloor(floorFile);
  if (floor === undefined || bundle.version > floor.version) return ok(bundle);
  if (bundle.version === floor.version && bundle.digest === floor.digest) return ok(bundle);
  return err(
    `The bundle is version ${bundle.version}, and version ${floor.version} has been in force: make a newer one`,
  );
}

function readFloor(file: string): Floor | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
    throw new Fault('policy', `${file} cannot be read`, { cause: thrown });
  }
  const [version = '', digest = ''] = text.trim().split(' ');
  if (!/^\d+$/.test(version) || digest === '') throw new Fault('policy', `${file} is damaged: remove it`);
  return { version: Number(version), digest };
}

function keepFloor({ floorFile }: Signing, { version, digest }: PolicyState): void {
  if (version !== undefined) write(floorFile, `${version} ${digest}\n`);
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}
