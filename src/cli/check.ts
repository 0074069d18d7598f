import { mkdir, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../base/errors.ts';
import { realWorld } from '../base/time.ts';
import { kindsOf } from '../policy/kinds.ts';
import { jsonSchemas, schemaFiles } from '../policy/json-schema.ts';
import { loadPolicy, sha256 } from '../policy/load.ts';
import { review } from '../policy/review.ts';
import { protocols } from '../protocols/index.ts';
import { readPolicyFiles } from '../server/policy-source.ts';
import { type Format, formats } from './check-formats.ts';

const help = `Usage: sallyport check [DIR] [--format text|json|sarif|junit|github] [--lock]
       sallyport check [DIR] --schema

Checks the policy in DIR (default: policy): shape, types, analysis, and its tests.
--lock writes policy.lock anew, which pins every module as it is now, before the check.
--schema writes JSON Schemas of all policy files into DIR/schema, with which editors complete and check while you type,
and prints the settings for them.
Exit code: 0 nothing found, 1 findings, 2 could not run.
`;

/** The command `sallyport check`. Gives its exit code: 0 nothing found, 1 findings, 2 could not run. */
export async function check(
  args: readonly string[],
  io: { readonly out: (text: string) => void; readonly err: (text: string) => void },
): Promise<number> {
  try {
    return await run(args, io);
  } catch (thrown) {
    io.err(`${messageOf(thrown)}\n`);
    return 2;
  }
}

async function run(
  args: readonly string[],
  io: { readonly out: (text: string) => void; readonly err: (text: string) => void },
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      format: { type: 'string', default: 'text' },
      lock: { type: 'boolean', default: false },
      schema: { type: 'boolean', default: false },
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
  let found = await readPolicyFiles(directory);
  if (values.lock) {
    await writeFile(join(directory, 'policy.lock'), lockOf(found.files));
    found = await readPolicyFiles(directory);
  }
  const { files, problems } = found;
  const said = problems.length > 0 ? { problems } : review(files, kindsOf(protocols), realWorld.now());
  io.out(formats[values.format]({ directory, files, review: said }));
  return said.problems.length === 0 ? 0 : 1;
}

function isFormat(format: string): format is Format {
  return Object.hasOwn(formats, format);
}

function lockOf(files: ReadonlyMap<string, string>): string {
  const modules = [...files]
    .map(([path, text]) => [/^modules\/(.+)\.policy\.yaml$/.exec(path)?.[1], text] as const)
    .filter(([name]) => name !== undefined)
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
    .map(([name, text]) => `  ${name}: sha256:${sha256(text)}\n`);
  return `# Pins every module: a changed one is refused until this file says so too. Written by sallyport check --lock.\napiVersion: sallyport/v1\nmodules:\n${modules.join('')}`;
}

/** Writes the schemas into the policy's directory; gives the settings of an editor that reads YAML by them. */
async function writeSchemas(directory: string): Promise<string> {
  const { files } = await readPolicyFiles(directory);
  const kinds = kindsOf(protocols);
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
