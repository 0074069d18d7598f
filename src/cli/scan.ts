import { readFile, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { instant, realWorld } from '../base/time.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Resource, ResourceName } from '../core/session.ts';
import { casePath, readCases } from '../policy/cases.ts';
import { type LoadedPolicy, loadPolicy } from '../policy/load.ts';
import type { Kinds } from '../policy/kinds.ts';
import { Problems, problemLine } from '../policy/problem.ts';
import { reaches, type Verdict, verdicts } from '../scan/finding.ts';
import { scan as scanPaths, scanned, type Scanned, type ScanReport } from '../scan/scan.ts';
import { commitOf, readPolicyFiles } from '../server/policy-source.ts';
import { CouldNotRun, safe, type Command } from './command.ts';
import { policyKinds } from './kinds.ts';
import { detectorsHelp, kindsOfFile } from './own-kinds.ts';
import { formats, isFormat } from './scan-formats.ts';

const help = `Usage: sallyport scan PATH… [--policy DIR] [--as NAME] [--groups A,B] [--on NAME] [--tags A,B]
                           [--schema FILE.sql] [--down] [--only ${scanned.join(',')}]
                           [--level ${verdicts.filter((each) => each !== 'masked').join('|')}] [--detectors FILE]
                           [--format text|json|sarif|junit|github]

Judges what a repository would do once it ships, by the rules that decide at run time: SQL migrations (plain SQL, Flyway,
Prisma, Drizzle, Knex where the text of raw() is literal, golang-migrate), Kubernetes manifests, plans of Terraform
(terraform show -json) and Pulumi (pulumi preview --json, pulumi stack export), and SARIF of other scanners.

--policy DIR   the policy; default: policy
--as NAME      who is supposed to run it: an identity of the fixtures in the policy's tests. Without it, and without
               --groups: a person in every group that the policy names, so that what is found is refused or held for all
--groups A,B   the groups of NAME, where the fixtures do not know it
--on NAME      the database that migrations are for: a resource of the fixtures, or any name; default: the first of
               kind postgres in the fixtures
--tags A,B     tags of the resource, such as env/prod
--schema FILE  SQL that makes what is there before the first migration (pg_dump --schema-only)
--down         judges the way back too
${detectorsHelp}
--level LEVEL  findings that make it fail: this level and graver ones; default: held
Exit code: 0 nothing found at that level, 1 findings, 2 could not run.
`;

export const scan: Command = { help, run };

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      policy: { type: 'string', default: 'policy' },
      as: { type: 'string' },
      groups: { type: 'string' },
      on: { type: 'string' },
      tags: { type: 'string' },
      schema: { type: 'string' },
      down: { type: 'boolean', default: false },
      only: { type: 'string' },
      level: { type: 'string', default: 'held' },
      detectors: { type: 'string' },
      format: { type: 'string', default: 'text' },
    },
  });
  if (positionals.length === 0) throw new CouldNotRun('Expected at least one file or folder; see --help');
  const { format } = values;
  if (!isFormat(format)) throw new CouldNotRun(`No format ${format}; see --help`);
  const level = levelOf(values.level);
  for (const path of positionals) {
    if ((await stat(path).catch(() => undefined)) === undefined) throw new CouldNotRun(`There is no ${path}`);
  }
  const report = await scanRepository({
    ...values,
    paths: positionals,
    schema: values.schema === undefined ? undefined : await readText(values.schema),
  });
  process.stdout.write(formats[format]({ report, level }));
  return report.findings.some(({ verdict }) => reaches(verdict, level)) ? 1 : 0;
}

export interface Asked {
  readonly policy: string; // directory
  readonly paths: readonly string[];
  readonly as?: string | undefined;
  readonly groups?: string | undefined;
  readonly on?: string | undefined;
  readonly tags?: string | undefined;
  readonly only?: string | undefined;
  readonly down?: boolean;
  readonly schema?: string | undefined; // SQL
  readonly detectors?: string | undefined; // the file of somebody's own
}

/** @throws {CouldNotRun} when the policy does not load or names are not known. */
export async function scanRepository(asked: Asked): Promise<ScanReport> {
  const read = await readPolicy(asked.policy, await kindsOfFile(asked.detectors));
  const { policy } = read;
  const tags = words(asked.tags);
  return scanPaths({
    policy,
    identity: identityOf(read, asked.as, words(asked.groups)),
    at: realWorld.now(),
    database: databaseOf(read, asked.on, tags),
    tags,
    paths: asked.paths,
    only: onlyOf(asked.only),
    down: asked.down === true,
    ...(asked.schema === undefined ? {} : { schema: asked.schema }),
  });
}

export function levelOf(given: string, option = '--level'): Verdict {
  const level = verdicts.find((each) => each === given);
  if (level === undefined) throw new CouldNotRun(`${option}: Expected ${verdicts.join(', ')}`);
  return level;
}

function words(given: string | undefined): readonly string[] {
  return (given ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

function onlyOf(given: string | undefined): ReadonlySet<Scanned> {
  if (given === undefined) return new Set(scanned);
  const wanted = words(given).map((each) => {
    const found = scanned.find((known) => known === each);
    if (found === undefined) throw new CouldNotRun(`--only: Expected ${scanned.join(', ')}`);
    return found;
  });
  return new Set(wanted);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    throw new CouldNotRun(`${path} cannot be read`);
  }
}

interface Read {
  readonly policy: LoadedPolicy;
  readonly files: ReadonlyMap<string, string>;
  readonly kinds: Kinds;
}

/** @throws {CouldNotRun} when there is none, or it does not load; the message has one line for each problem. */
export async function readPolicy(directory: string, kinds: Kinds = policyKinds): Promise<Read> {
  if ((await stat(directory).catch(() => undefined))?.isDirectory() !== true) {
    throw new CouldNotRun(`There is no folder ${directory}; --policy names the policy`);
  }
  const { files, problems } = await readPolicyFiles(directory);
  const commit = await commitOf(directory);
  const extra = commit === undefined ? {} : { commit };
  const loaded =
    problems.length > 0 ? { ok: false as const, error: problems } : loadPolicy(files, kinds, extra);
  if (loaded.ok) return { policy: loaded.value, files, kinds };
  const lines = loaded.error.map((each) => `  ${problemLine(each)}`);
  throw new CouldNotRun(safe(`The policy in ${directory} does not load:\n${lines.join('\n')}`));
}

/** What the tests of a policy say of identities and resources: the only place where a repository names them. */
function fixtures({ files, policy, kinds }: Read): {
  readonly identities: ReadonlyMap<string, Identity>;
  readonly resources: ReadonlyMap<string, Resource>;
} {
  const identities = new Map<string, Identity>();
  const resources = new Map<string, Resource>();
  const problems = new Problems(); // told by `check`
  const words = { kinds, identity: policy.schema.identity };
  for (const [path, text] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!casePath.test(path)) continue;
    for (const { questions } of readCases(path, text, words, problems)) {
      for (const { question } of questions) {
        if (!identities.has(question.identity.subject)) {
          identities.set(question.identity.subject, question.identity);
        }
        if (!resources.has(question.resource.name)) resources.set(question.resource.name, question.resource);
      }
    }
  }
  return { identities, resources };
}

function identityOf(read: Read, name: string | undefined, groups: readonly string[]): Identity {
  const known = name === undefined ? undefined : fixtures(read).identities.get(name);
  if (known !== undefined && groups.length === 0) return known;
  if (name !== undefined && groups.length === 0) {
    throw new CouldNotRun(
      `No identity "${name}" takes part in the tests of this policy; --groups says which groups it has`,
    );
  }
  const all = read.policy.ruling.rules.flatMap(({ match }) => match.items.get('identity.groups') ?? []);
  return {
    kind: 'human',
    subject: (name ?? 'scan') as Subject,
    groups: groups.length > 0 ? groups : [...new Set(all)],
    attributes: {},
    proof: { kind: 'token', tokenId: 'scan', expiresAt: instant(8.64e15) },
  };
}

function databaseOf(read: Read, name: string | undefined, tags: readonly string[]): Resource {
  const { resources } = fixtures(read);
  const found =
    name === undefined
      ? [...resources.values()].find(({ kind }) => kind === 'postgres')
      : resources.get(name);
  if (found !== undefined && found.kind !== 'postgres') {
    throw new CouldNotRun(`${found.name} is of kind ${found.kind}; migrations are read for postgres only`);
  }
  return {
    name: (name ?? found?.name ?? 'database') as ResourceName,
    kind: 'postgres',
    tags: tags.length > 0 ? tags : (found?.tags ?? []),
    settings: undefined,
  };
}
