import { mkdir, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '../base/errors.ts';
import { realWorld } from '../base/time.ts';
import type { Around } from '../policy/findings.ts';
import { jsonSchemas, schemaFiles } from '../policy/json-schema.ts';
import { loadPolicy, sha256 } from '../policy/load.ts';
import { bundlePath } from '../policy/opa/bundle.ts';
import { bundleDigest } from '../policy/opa/pins.ts';
import { review, type Review } from '../policy/review.ts';
import { type PolicyFiles, readPolicyFiles } from '../server/policy-source.ts';
import { codeOwners } from './codeowners.ts';
import { mend } from './check-fix.ts';
import { type Format, formats } from './check-formats.ts';
import { explanation, safe } from './command.ts';
import type { DetectorsFile } from './detectors-file.ts';
import { kindsWith, policyKinds } from './kinds.ts';
import type { Io } from './test.ts';

const help = `Usage: sallyport check [DIR] [--detectors FILE] [--format text|json|sarif|junit|github] [--lock] [--fix] [--watch]
       sallyport check [DIR] --schema

Checks the policy in DIR (default: policy): shape, types, analysis, and its tests.
--detectors names the file with detectors of your own: a list, or the gateway's configuration. They are checked too, and
rules may name what they find.
--lock writes policy.lock anew, which pins every module as it is now, before the check.
--fix writes the word that was meant where another one nearly is it, and says so; look at the change before you keep it.
--watch checks again whenever a file changes, until Ctrl-C.
--schema writes JSON Schemas of all policy files into DIR/schema, with which editors complete and check while you type,
and prints the settings for them.
Exit code: 0 nothing found, 1 findings, 2 could not run.
`;

/** The command `sallyport check`. Gives its exit code: 0 nothing found, 1 findings, 2 could not run. */
export async function check(args: readonly string[], io: Io, signal?: AbortSignal): Promise<number> {
  try {
    return await run(args, io, signal);
  } catch (thrown) {
    io.err(`${explanation(thrown) ?? messageOf(thrown)}\n`);
    return 2;
  }
}

async function run(args: readonly string[], io: Io, signal?: AbortSignal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      format: { type: 'string', default: 'text' },
      detectors: { type: 'string' },
      lock: { type: 'boolean', default: false },
      schema: { type: 'boolean', default: false },
      fix: { type: 'boolean', default: false },
      watch: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    io.out(help);
    return 0;
  }
  const [directory = 'policy', ...others] = positionals;
  if (!isFormat(values.format) || others.length > 0) {
    io.err(
      others.length > 0 ? `Expected one directory; see --help\n` : `No format ${values.format}; see --help\n`,
    );
    return 2;
  }
  if (values.schema) {
    io.out(await writeSchemas(directory));
    return 0;
  }
  const asked = {
    directory,
    format: values.format,
    lock: values.lock,
    fix: values.fix,
    ...(values.detectors === undefined ? {} : { detectors: values.detectors }),
  };
  return values.watch ? watching(asked, io, signal) : (await once(asked, io)).code;
}

interface Asked {
  readonly directory: string;
  readonly format: Format;
  readonly lock: boolean;
  readonly fix: boolean;
  /** The file with detectors of somebody's own. */
  readonly detectors?: string;
}

async function once(
  { directory, format, lock, fix, detectors }: Asked,
  io: Io,
): Promise<{ code: number; digest: string }> {
  let found = await readPolicyFiles(directory);
  if (lock) {
    await writeFile(join(directory, 'policy.lock'), lockOf(found.files));
    found = await readPolicyFiles(directory);
  }
  const ownersOf = await codeOwners(directory);
  const around = ownersOf === undefined ? {} : { ownersOf };
  const own = detectors === undefined ? undefined : await detectorsIn(detectors);
  let said = reviewed(found, around, own);
  // A word that is mended can show the next one that is not known.
  for (let round = 0; round < (fix ? maxRounds : 0); round++) {
    const { files, fixed } = mend(found.files, said.problems, own !== undefined);
    if (fixed.length === 0) break;
    for (const [path, text] of files) await writeFile(join(directory, path), text);
    for (const { problem, from, to } of fixed) {
      io.err(
        safe(`fixed ${join(directory, problem.file)}:${problem.line}:${problem.col}  ${from} → ${to}\n`),
      );
    }
    found = await readPolicyFiles(directory);
    said = reviewed(found, around, own);
  }
  const files = own === undefined ? found.files : new Map([...found.files, [own.file, own.text]]);
  const beside = own === undefined ? {} : { beside: own.file };
  io.out(formats[format]({ directory, files, review: said, ...beside }));
  return { code: said.problems.length === 0 ? 0 : 1, digest: found.digest };
}

/** Detectors take longer to load than a policy to check: only who has some of their own waits for them. */
async function detectorsIn(file: string): Promise<DetectorsFile> {
  const { readDetectorsFile } = await import('./detectors-file.ts');
  return readDetectorsFile(file);
}

const maxRounds = 10;

function reviewed({ files, problems }: PolicyFiles, around: Around, own?: DetectorsFile): Review {
  if (problems.length > 0) return { problems };
  if (own === undefined) return review(files, policyKinds, realWorld.now(), around);
  // Without its detectors the policy cannot be judged: what they find would be unknown words.
  if (own.problems.length > 0) return { problems: own.problems };
  return review(files, kindsWith(own.detectors), realWorld.now(), around);
}

/** Checks whenever the files are others than before, until `signal`. They are looked at, which works on any file system. */
async function watching(asked: Asked, io: Io, signal?: AbortSignal): Promise<number> {
  let last = await once(asked, io);
  let seen = last.digest;
  const stopped = (): boolean => signal?.aborted === true;
  while (!stopped()) {
    await sleep(pollMs);
    const now = await readPolicyFiles(asked.directory).catch(() => undefined); // half of a change
    if (now === undefined || now.digest === last.digest) continue;
    // An editor writes a file in several steps: what stood still for a moment is checked.
    if (now.digest === seen) {
      io.out('\n');
      last = await once(asked, io);
    }
    seen = now.digest;
  }
  return last.code;
}

const pollMs = 150;

function isFormat(format: string): format is Format {
  return Object.hasOwn(formats, format);
}

function lockOf(files: ReadonlyMap<string, string>): string {
  const modules = [...files]
    .map(([path, text]) => [/^modules\/(.+)\.policy\.yaml$/.exec(path)?.[1], text] as const)
    .filter(([name]) => name !== undefined)
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
    .map(([name, text]) => `  ${name}: sha256:${sha256(text)}\n`);
  const bundles = [...files]
    .filter(([path]) => bundlePath.test(path))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, text]) => `  ${path}: ${bundleDigest(text)}\n`);
  const more = bundles.length === 0 ? '' : `bundles:\n${bundles.join('')}`;
  return `# Pins every module: a changed one is refused until this file says so too. Written by sallyport check --lock.\napiVersion: sallyport/v1\nmodules:\n${modules.join('')}${more}`;
}

/** Writes the schemas into the policy's directory; gives the settings of an editor that reads YAML by them. */
async function writeSchemas(directory: string): Promise<string> {
  const { files } = await readPolicyFiles(directory);
  const kinds = policyKinds;
  const loaded = loadPolicy(files, kinds);
  // A policy that does not load is one that somebody is writing: the schemas then lack only its facts of identities.
  const schemas = jsonSchemas(kinds, loaded.ok ? loaded.value.schema.identity : new Map());
  const folder = join(directory, 'schema');
  await mkdir(folder, { recursive: true });
  for (const [name, schema] of Object.entries(schemas)) {
    await writeFile(join(folder, `${name}.json`), `${JSON.stringify(schema, undefined, 2)}\n`);
  }
  const settings = Object.entries(schemaFiles).map(([pattern, name]) => [
    `${isAbsolute(folder) ? '' : './'}${join(folder, `${name}.json`)}`,
    join(directory, pattern),
  ]);
  return `${JSON.stringify({ 'yaml.schemas': Object.fromEntries(settings) as object }, undefined, 2)}\n`;
}
