import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { realWorld, timestamp } from '../base/time.ts';
import type { Kinds } from '../policy/kinds.ts';
import { loadPolicy } from '../policy/load.ts';
import { problemLine } from '../policy/problem.ts';
import type { PolicyStatus } from '../server/api/routes.ts';
import { keyId, privateKeyFrom, publicKeyFrom } from '../server/dsse.ts';
import { makeBundle, openBundle } from '../server/policy-bundle.ts';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, say, type Command } from './command.ts';
import { detectorsHelp, kindsOfFile } from './own-kinds.ts';
import { readPolicy } from './scan.ts';

const help = `Usage: sallyport bundle key --out FILE
       sallyport bundle build [DIR] --key FILE --out FILE [--version N] [--detectors FILE]
       sallyport bundle verify FILE --key FILE [--after N] [--detectors FILE]
       sallyport bundle push FILE

A bundle is a policy as one signed file. A gateway with \`keys\` under \`policy\` takes nothing else, and none with a
smaller version than one that was in force.

key      makes an Ed25519 key: FILE for who signs, FILE.pub for gateways (openssl genpkey -algorithm ed25519 does too)
build    signs the policy in DIR (default: policy), which must load. The version is the time in seconds unless given
verify   checks signature, version and that the policy loads; --key is the public key, or the private one
push     brings it to the gateway at SALLYPORT_API, as SALLYPORT_TOKEN; its rules say who may (verb policy.push)
${detectorsHelp}
Exit code: 0 done, 1 refused, 2 could not run.
`;

export const bundle: Command = { help, run };

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      key: { type: 'string' },
      out: { type: 'string' },
      version: { type: 'string' },
      after: { type: 'string' },
      detectors: { type: 'string' },
    },
  });
  const [does, path, ...others] = positionals;
  if (others.length > 0) throw new CouldNotRun('Too many arguments; see --help');
  switch (does) {
    case 'key':
      return makeKey(needed(values.out, '--out'));
    case 'build':
      return build({
        directory: path ?? 'policy',
        key: privateKeyFrom(readText(needed(values.key, '--key'))),
        out: needed(values.out, '--out'),
        kinds: await kindsOfFile(values.detectors),
        version: values.version === undefined ? Math.floor(realWorld.now() / 1_000) : whole(values.version),
      });
    case 'verify':
      return verify(needed(path, 'FILE'), publicKeyFrom(readText(needed(values.key, '--key'))), {
        after: values.after === undefined ? 0 : whole(values.after),
        kinds: await kindsOfFile(values.detectors),
      });
    case 'push':
      return push(needed(path, 'FILE'));
    default:
      throw new CouldNotRun('Expected key, build, verify or push; see --help');
  }
}

export function needed(value: string | undefined, what: string): string {
  if (value === undefined) throw new CouldNotRun(`${what} is missing; see --help`);
  return value;
}

function whole(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new CouldNotRun('A version is a whole number');
  return number;
}

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new CouldNotRun(`${path} cannot be read`);
  }
}

function makeKey(out: string): number {
  if (existsSync(out) || existsSync(`${out}.pub`)) throw new CouldNotRun(`${out} exists already`);
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  writeFileSync(out, pem, { mode: 0o600, flag: 'wx' });
  const key = publicKeyFrom(createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' }).toString());
  writeFileSync(`${out}.pub`, key.export({ type: 'spki', format: 'pem' }).toString(), { flag: 'wx' });
  print(`${out} signs; gateways trust ${out}.pub (${keyId(key).slice(0, 16)})`);
  return 0;
}

interface Wanted {
  readonly directory: string;
  readonly key: KeyObject;
  readonly out: string;
  readonly version: number;
  readonly kinds: Kinds;
}

async function build({ directory, key, out, version, kinds }: Wanted): Promise<number> {
  if (version === 0) throw new CouldNotRun('A version is at least 1');
  const { policy, files } = await readPolicy(directory, kinds);
  const { digest, commit } = policy.id;
  const envelope = makeBundle(
    {
      version,
      madeAt: timestamp(realWorld.now()),
      files: Object.fromEntries(files),
      ...(commit === undefined ? {} : { commit }),
    },
    key,
  );
  writeFileSync(out, `${JSON.stringify(envelope)}\n`);
  print(
    `${out}: version ${version}, policy ${digest}${commit === undefined ? ' (of no commit)' : ` at ${commit}`}`,
  );
  return 0;
}

function verify(
  path: string,
  key: KeyObject,
  { after, kinds }: { readonly after: number; readonly kinds: Kinds },
): number {
  const opened = openBundle(readText(path), [key]);
  if (!opened.ok) return no(opened.error);
  const { version, commit, madeAt, files } = opened.value;
  if (version < after) return no(`It is version ${version}, older than ${after}`);
  const loaded = loadPolicy(new Map(Object.entries(files)), kinds);
  if (!loaded.ok) return no(`It does not load:\n  ${loaded.error.map(problemLine).join('\n  ')}`);
  print(
    `Signed by ${keyId(key).slice(0, 16)}: version ${version} of ${madeAt}, policy ${loaded.value.id.digest}${commit === undefined ? '' : ` at ${commit}`}`,
  );
  return 0;
}

function no(why: string): number {
  say(safe(`Not verified: ${why}`));
  return 1;
}

async function push(path: string): Promise<number> {
  let body: unknown;
  try {
    body = JSON.parse(readText(path));
  } catch {
    throw new CouldNotRun(`${path} is no bundle`);
  }
  const asked = await ask('/api/v1/policy/bundles', body);
  if (!asked.ok) {
    say(asked.refusal);
    return 1;
  }
  const status = asked.answer as PolicyStatus; // the API's own schema
  print(safe(`In force: ${status.digest ?? '?'}, version ${status.version ?? '?'}`));
  return 0;
}
