import { execFile } from 'node:child_process';
import { createHash, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { isObject } from '../base/check.ts';
import { err, ok, type Result } from '../base/result.ts';
import { realWorld, timestamp } from '../base/time.ts';
import type { Kinds } from '../policy/kinds.ts';
import { percent, review } from '../policy/review.ts';
import { reaches, verdicts } from '../scan/finding.ts';
import { keyId, open, privateKeyFrom, publicKeyFrom, seal } from '../server/dsse.ts';
import { needed, readText } from './bundle.ts';
import { CouldNotRun, print, safe, say, type Command } from './command.ts';
import { detectorsHelp, kindsOfFile } from './own-kinds.ts';
import { levelOf, readPolicy, scanRepository } from './scan.ts';
import { openKeyless, publicGood, requireIdentity, signKeyless } from './sigstore.ts';

const help = `Usage: sallyport attest [DIR] (--key FILE | --keyless) --out FILE [--subject FILE]… [--source REV]
                            [--scan PATH]… [--as NAME] [--on NAME] [--level LEVEL] [--backtest FILE.json]
                            [--detectors FILE]
                            [--fulcio-url URL] [--rekor-url URL] [--tsa-url URL]
       sallyport attest verify FILE --key FILE [--subject FILE]… [--source REV] [--policy DIR] [--passed]
                            [--detectors FILE]
       sallyport attest verify FILE --certificate-identity NAME --certificate-oidc-issuer URL [--trusted-root FILE] …

Says which policy (digest and commit) judged which source revision, with which results, as an in-toto statement (v1) in a
signed DSSE envelope.
--key FILE   signs with Ed25519 (sallyport bundle key makes a key)
--keyless    signs with Sigstore, as whoever the identity token of the environment names: SIGSTORE_ID_TOKEN, or that of a
             job of GitHub Actions with \`permissions: id-token: write\`. That name and the statement's digest are
             written to a public log
--fulcio-url, --rekor-url, --tsa-url  other services than the public-good instance, and one that stamps the time
DIR          the policy; default: policy. Its checks and tests are run
--subject    a build artifact that the statement is about; its SHA-256 is written down
--source     the revision of the repository here; default: HEAD
--scan PATH  scans it too, as sallyport scan does, with --as, --on and --level
--backtest   the answer of sallyport backtest --json
${detectorsHelp}
Exit code: 0 all passed, 1 something did not (it is written down all the same), 2 could not run.

verify fails when any byte of FILE was changed, when --key, or exactly this identity named by exactly this issuer, did not
sign it, when a --subject, --source or --policy is not the
one it speaks of, and with --passed when a result is not good.
--trusted-root FILE is trusted_root.json of Sigstore, to verify offline; without it that of the public-good instance is
fetched (TUF). Exit code: 0 verified, 1 not, 2 could not run.
`;

export const attest: Command = { help, run };

const payloadType = 'application/vnd.in-toto+json';
const statementType = 'https://in-toto.io/Statement/v1';
const predicateType = 'https://sallyport.dev/attestation/policy-review/v1';

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      key: { type: 'string' },
      out: { type: 'string' },
      subject: { type: 'string', multiple: true, default: [] },
      source: { type: 'string' },
      scan: { type: 'string', multiple: true, default: [] },
      as: { type: 'string' },
      on: { type: 'string' },
      level: { type: 'string', default: 'held' },
      backtest: { type: 'string' },
      detectors: { type: 'string' },
      policy: { type: 'string' },
      passed: { type: 'boolean', default: false },
      keyless: { type: 'boolean', default: false },
      'fulcio-url': { type: 'string', default: publicGood.fulcioUrl },
      'rekor-url': { type: 'string', default: publicGood.rekorUrl },
      'tsa-url': { type: 'string' },
      'certificate-identity': { type: 'string' },
      'certificate-oidc-issuer': { type: 'string' },
      'trusted-root': { type: 'string' },
    },
  });
  if (positionals[0] === 'verify') {
    if (positionals.length > 2) throw new CouldNotRun('Expected one statement; see --help');
    const opened = opener(values);
    return verify(readText(needed(positionals[1], 'FILE')), opened, values);
  }
  if (positionals.length > 1) throw new CouldNotRun('Expected one policy; see --help');
  return make(
    { ...values, directory: positionals[0] ?? 'policy', out: needed(values.out, '--out') },
    sealer(values),
  );
}

/** Seals a body of the type of in-toto: the text of the file. */
type Seal = (body: Uint8Array) => Promise<string>;
/** The body of a file that nobody has changed; otherwise why not. */
type Open = (text: string) => Promise<Result<Uint8Array, string>>;

interface SealWith {
  readonly key?: string | undefined;
  readonly keyless: boolean;
  readonly 'fulcio-url': string;
  readonly 'rekor-url': string;
  readonly 'tsa-url'?: string | undefined;
}

function sealer({ key: path, keyless, ...services }: SealWith): Seal {
  const { env } = process;
  if (path !== undefined && keyless) throw new CouldNotRun('Expected --key or --keyless, not both');
  if (path !== undefined) {
    const key = privateKeyFrom(readText(path));
    return (body) => Promise.resolve(`${JSON.stringify(seal(payloadType, body, key))}\n`);
  }
  // A public log forgets nothing: nobody comes into it by leaving a flag out.
  if (!keyless) throw new CouldNotRun('--key FILE or --keyless is needed; see --help');
  const urls = [services['fulcio-url'], services['rekor-url'], services['tsa-url']];
  if (
    urls.some((url) => url !== undefined && !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
  )
    throw new CouldNotRun('--fulcio-url, --rekor-url and --tsa-url are addresses');
  const [fulcioUrl = '', rekorUrl = '', tsaUrl] = urls;
  requireIdentity(env);
  return (body) => signKeyless({ payloadType, body, env }, { fulcioUrl, rekorUrl, tsaUrl });
}

interface OpenWith {
  readonly key?: string | undefined;
  readonly 'certificate-identity'?: string | undefined;
  readonly 'certificate-oidc-issuer'?: string | undefined;
  readonly 'trusted-root'?: string | undefined;
}

function opener(given: OpenWith): Open {
  const [identity, issuer] = [given['certificate-identity'], given['certificate-oidc-issuer']];
  const trustedRoot = given['trusted-root'];
  const keyless = identity !== undefined || issuer !== undefined || trustedRoot !== undefined;
  if (!keyless) {
    const key = publicKeyFrom(
      readText(needed(given.key, '--key, or --certificate-identity and --certificate-oidc-issuer,')),
    );
    return (text) => Promise.resolve(openWithKey(text, key));
  }
  if (given.key !== undefined) throw new CouldNotRun('Expected --key or --certificate-identity, not both');
  const signer = {
    identity: needed(identity, '--certificate-identity'),
    issuer: needed(issuer, '--certificate-oidc-issuer'),
  };
  return (text) => openKeyless(text, payloadType, { signer, trustedRoot });
}

interface Wanted {
  readonly directory: string;
  readonly out: string;
  readonly subject: readonly string[];
  readonly source?: string | undefined;
  readonly scan: readonly string[];
  readonly as?: string | undefined;
  readonly on?: string | undefined;
  readonly level: string;
  readonly backtest?: string | undefined;
  readonly detectors?: string | undefined; // the file of somebody's own
}

async function make(wanted: Wanted, sealed: Seal): Promise<number> {
  const { policy, files, kinds } = await readPolicy(wanted.directory, await kindsOfFile(wanted.detectors));
  const commit = await commitOf(wanted.source ?? 'HEAD');
  if (commit === undefined && wanted.source !== undefined) {
    throw new CouldNotRun(`Git has no revision ${wanted.source} here`);
  }
  const subject = [
    ...wanted.subject.map((path) => ({ name: basename(path), digest: { sha256: digestOf(path) } })),
    ...(commit === undefined ? [] : [{ name: 'source', digest: { gitCommit: commit } }]),
  ];
  if (subject.length === 0) throw new CouldNotRun('There is no Git revision here: give --subject FILE');
  const results = {
    ...checked(files, kinds),
    ...(wanted.scan.length === 0 ? {} : { scan: await scanned(wanted) }),
    ...(wanted.backtest === undefined ? {} : { backtest: backtested(wanted.backtest) }),
  };
  const passed = Object.values(results).every((each) => each.passed);
  const statement = {
    _type: statementType,
    subject,
    predicateType,
    predicate: {
      policy: policy.id,
      ...(commit === undefined ? {} : { source: { gitCommit: commit, changed: await isChanged() } }),
      madeAt: timestamp(realWorld.now()),
      passed,
      results,
    },
  };
  writeFileSync(wanted.out, await sealed(Buffer.from(JSON.stringify(statement))));
  print(safe(`${wanted.out}: ${lineOf(statement.predicate)}`));
  return passed ? 0 : 1;
}

interface Outcome {
  readonly passed: boolean;
  readonly [detail: string]: unknown;
}

function checked(
  files: ReadonlyMap<string, string>,
  kinds: Kinds,
): { readonly checks: Outcome; readonly tests: Outcome } {
  const { problems, trial, mutation } = review(files, kinds, realWorld.now());
  const failed = trial?.results.filter(({ failures }) => failures.length > 0).length ?? 0;
  const checks = { passed: problems.length === 0, findings: problems.map(({ code }) => code) };
  const tests = {
    passed: trial !== undefined && failed === 0,
    cases: trial?.results.length ?? 0,
    failed,
    ...(trial === undefined ? {} : { ruleCoverage: percent(trial.coverage.rules) }),
    ...(mutation === undefined ? {} : { faults: mutation.all, faultsNoticed: mutation.killed }),
  };
  return { checks, tests };
}

async function scanned(wanted: Wanted): Promise<Outcome> {
  const level = levelOf(wanted.level);
  const { findings, counts } = await scanRepository({
    policy: wanted.directory,
    paths: wanted.scan,
    as: wanted.as,
    on: wanted.on,
    detectors: wanted.detectors,
  });
  const by = verdicts.map((verdict) => [verdict, findings.filter((each) => each.verdict === verdict).length]);
  return {
    passed: !findings.some(({ verdict }) => reaches(verdict, level)),
    level,
    paths: wanted.scan,
    ...counts,
    verdicts: Object.fromEntries(by) as Readonly<Record<string, number>>,
    rules: [...new Set(findings.map(({ rule }) => rule))].sort(),
  };
}

/** What a back-test answered is taken in whole: its own word on whether it passed counts. */
function backtested(path: string): Outcome {
  let report: unknown;
  try {
    report = JSON.parse(readText(path));
  } catch {
    throw new CouldNotRun(`${path} is not JSON`);
  }
  if (!isObject(report)) throw new CouldNotRun(`${path} is no answer of sallyport backtest --json`);
  return { passed: report['passed'] === true || report['ok'] === true, sha256: digestOf(path), report };
}

function digestOf(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    throw new CouldNotRun(`${path} cannot be read`);
  }
}

const exec = promisify(execFile);
// SECURITY: a repository's own configuration can name programs to run; this one is not let.
const bare = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];

async function commitOf(revision: string): Promise<string | undefined> {
  try {
    const { stdout } = await exec('git', [
      ...bare,
      'rev-parse',
      '--verify',
      '--end-of-options',
      `${revision}^{commit}`,
    ]);
    return stdout.trim();
  } catch {
    return undefined;
  }
}

async function isChanged(): Promise<boolean> {
  const { stdout } = await exec('git', [...bare, 'status', '--porcelain', '--untracked-files=no']);
  return stdout.trim() !== '';
}

interface Expected {
  readonly subject: readonly string[];
  readonly source?: string | undefined;
  readonly policy?: string | undefined;
  readonly detectors?: string | undefined;
  readonly passed: boolean;
}

async function verify(text: string, open: Open, expected: Expected): Promise<number> {
  const body = await open(text);
  const read = body.ok ? statementOf(body.value) : body;
  const wrong = read.ok ? await mismatches(read.value, expected) : [read.error];
  if (wrong.length > 0 || !read.ok) {
    say(safe(`Not verified: ${wrong.join('; ')}`));
    return 1;
  }
  print(safe(`Verified: ${lineOf(read.value['predicate'])}`));
  return 0;
}

type Fields = Readonly<Record<string, unknown>>;

function openWithKey(text: string, key: KeyObject): Result<Uint8Array, string> {
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    return err('It is not JSON');
  }
  const body = open(envelope, payloadType, [key]);
  if (!body.ok) return body;
  // The envelope's own text is not signed: it must be the one text that these parts make.
  const sig =
    isObject(envelope) && Array.isArray(envelope['signatures'])
      ? (envelope['signatures'][0] as unknown)
      : undefined;
  const again = {
    payloadType,
    payload: Buffer.from(body.value).toString('base64'),
    signatures: [{ keyid: keyId(key), sig: isObject(sig) ? sig['sig'] : undefined }],
  };
  if (`${JSON.stringify(again)}\n` !== text) return err('The envelope was changed');
  return body;
}

function statementOf(body: Uint8Array): Result<Fields, string> {
  let statement: unknown;
  try {
    statement = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return err('It is no in-toto statement');
  }
  if (!isObject(statement) || statement['_type'] !== statementType) return err('It is no in-toto statement');
  if (statement['predicateType'] !== predicateType) return err('It states something else');
  return ok(statement);
}

async function mismatches(statement: Fields, expected: Expected): Promise<readonly string[]> {
  const predicate = isObject(statement['predicate']) ? statement['predicate'] : {};
  const subjects = Array.isArray(statement['subject']) ? (statement['subject'] as readonly unknown[]) : [];
  const digests = subjects.flatMap((each) =>
    isObject(each) && isObject(each['digest']) ? [each['digest']] : [],
  );
  const wrong: string[] = [];
  for (const path of expected.subject) {
    const digest = digestOf(path);
    if (!digests.some(({ sha256 }) => sha256 === digest)) wrong.push(`${path} is not what it speaks of`);
  }
  if (expected.source !== undefined) {
    const commit = await commitOf(expected.source);
    if (commit === undefined) throw new CouldNotRun(`Git has no revision ${expected.source} here`);
    if (!digests.some(({ gitCommit }) => gitCommit === commit)) {
      wrong.push(`${expected.source} is not the revision it speaks of`);
    }
  }
  if (expected.policy !== undefined) {
    const { policy } = await readPolicy(expected.policy, await kindsOfFile(expected.detectors));
    const stated = isObject(predicate['policy']) ? predicate['policy'] : {};
    if (stated['digest'] !== policy.id.digest) wrong.push(`${expected.policy} is not the policy that judged`);
  }
  if (expected.passed && predicate['passed'] !== true) wrong.push('a result is not good');
  return wrong;
}

function lineOf(predicate: unknown): string {
  if (!isObject(predicate)) return '';
  const policy = isObject(predicate['policy']) ? predicate['policy'] : {};
  const source = isObject(predicate['source']) ? predicate['source'] : undefined;
  const results = isObject(predicate['results']) ? predicate['results'] : {};
  const each = Object.entries(results).map(
    ([name, result]) => `${name} ${isObject(result) && result['passed'] === true ? 'passed' : 'FAILED'}`,
  );
  return [
    `policy ${text(policy['digest'])}${policy['commit'] === undefined ? '' : ` at ${text(policy['commit'])}`}`,
    ...(source === undefined ? [] : [`source ${text(source['gitCommit'])}`]),
    ...each,
  ].join(', ');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '?';
}
