import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  fulcioHandler,
  initializeCA,
  initializeCTLog,
  initializeTLog,
  initializeTSA,
  rekorHandler,
  tsaHandler,
} from '@sigstore/mock';
import { attest } from './attest.ts';
import { CouldNotRun } from './command.ts';
import { openKeyless } from './sigstore.ts';
import { putAttested } from './testdata/attested-folder.ts';

// Fulcio, Rekor and an authority that stamps the time, on this machine.

const folder = mkdtempSync(join(tmpdir(), 'sallyport-keyless-'));
const start = process.cwd();
const issuer = 'https://issuer.test';
const identity = 'https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main';
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = `${part({ alg: 'none' })}.${part({ iss: issuer, sub: identity, aud: 'sigstore', email_verified: true })}.x`;
const seen: string[] = [];
const pair = (): {
  readonly publicKey: import('node:crypto').KeyObject;
  readonly privateKey: import('node:crypto').KeyObject;
} => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
let server: Server;
let url = '';

/** What Rekor writes for an entry of DSSE: hashes and signatures, where the mock keeps what was proposed. */
function canonical(entry: object): object {
  const { spec } = entry as {
    readonly spec: {
      readonly proposedContent: { readonly envelope: string; readonly verifiers: readonly string[] };
    };
  };
  const { envelope, verifiers } = spec.proposedContent;
  const { payload, signatures } = JSON.parse(envelope) as {
    readonly payload: string;
    readonly signatures: readonly { readonly sig: string }[];
  };
  const hash = (of: string | Buffer): object => ({
    algorithm: 'sha256',
    value: createHash('sha256').update(of).digest('hex'),
  });
  return {
    ...entry,
    spec: {
      envelopeHash: hash(envelope),
      payloadHash: hash(Buffer.from(payload, 'base64')),
      signatures: signatures.map(({ sig }) => ({ signature: sig, verifier: verifiers[0] })),
    },
  };
}

async function trust(): Promise<object> {
  // The library cannot read what the mock writes of a moment whose milliseconds end in 0: its time is held still.
  const clock = new Date(Math.floor(Date.now() / 1_000) * 1_000);
  const ctlog = await initializeCTLog(pair());
  const [ca, log, tsa] = await Promise.all([
    initializeCA(pair(), ctlog, clock),
    initializeTLog('https://rekor.test', pair()),
    initializeTSA(pair(), new Date(clock.getTime() + 1_123)),
  ]);
  for (const handler of [
    fulcioHandler(ca, { subjectClaim: 'sub' }),
    rekorHandler({ ...log, log: (entry) => log.log(canonical(entry)) }),
    tsaHandler(tsa),
  ])
    handlers.set(handler.path, handler.fn);
  const validFor = { start: '2020-01-01T00:00:00.000Z' };
  const raw = (bytes: ArrayBufferView<ArrayBuffer> | Buffer): { readonly rawBytes: string } => ({
    rawBytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
  });
  const logOf = (publicKey: Buffer): object => ({
    baseUrl: 'https://rekor.test',
    hashAlgorithm: 'SHA2_256',
    publicKey: { ...raw(publicKey), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
    logId: { keyId: createHash('sha256').update(publicKey).digest('base64') },
  });
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [logOf(log.publicKey)],
    ctlogs: [logOf(ctlog.publicKey)],
    certificateAuthorities: [
      { subject: {}, uri: '', certChain: { certificates: [raw(ca.rootCertificate)] }, validFor },
    ],
    timestampAuthorities: [
      {
        subject: {},
        uri: '',
        certChain: { certificates: [raw(tsa.intCertificate), raw(tsa.rootCertificate)] },
        validFor,
      },
    ],
  };
}

const handlers = new Map<string, ReturnType<typeof fulcioHandler>['fn']>();

before(async () => {
  putAttested(folder);
  writeFileSync(join(folder, 'root.json'), JSON.stringify(await trust()));
  const git = (...args: readonly string[]): unknown =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder });
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'x');
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`);
      if (request.url?.startsWith('/token') === true)
        return void response.end(JSON.stringify({ value: token }));
      const handler = handlers.get(request.url ?? '');
      if (handler === undefined) return void response.writeHead(404).end();
      void handler(Buffer.concat(chunks).toString()).then(
        ({ statusCode, response: body, contentType = 'text/plain' }) =>
          response
            .writeHead(statusCode, { 'content-type': contentType })
            .end(
              typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
            ),
        () => response.writeHead(500).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
  process.chdir(folder);
});
after(async () => {
  process.chdir(start);
  rmSync(folder, { recursive: true, force: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const names = [
  'SIGSTORE_ID_TOKEN',
  'ACTIONS_ID_TOKEN_REQUEST_URL',
  'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
] as const;

/** Runs it with these variables of the environment, and no others of these names. */
async function signed(
  env: Partial<Record<(typeof names)[number], string>>,
  ...args: readonly string[]
): Promise<number> {
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) {
    delete process.env[name];
    if (env[name] !== undefined) process.env[name] = env[name];
  }
  try {
    return await attest.run(['--fulcio-url', url, '--rekor-url', url, '--subject', 'app.tgz', ...args]);
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
}

const who = ['--certificate-identity', identity, '--certificate-oidc-issuer', issuer];
const signer = { identity, issuer };
const payloadType = 'application/vnd.in-toto+json';
const good = (file: string): readonly string[] => ['verify', file, ...who, '--trusted-root', 'root.json'];

/** Every byte, but of long texts of base64 some from within, since one is as another there. */
function places(text: string): readonly number[] {
  const dull = [...text.matchAll(/[A-Za-z0-9+/]{200,}/g)].map(
    (run) => [run.index, run.index + run[0].length] as const,
  );
  return Array.from(text).flatMap((_, at) => {
    const within = dull.some(([from, to]) => at >= from + 40 && at < to - 40);
    return within && at % 61 !== 0 ? [] : [at];
  });
}

test('attest signs without a key, and verify knows who signed, and fails on any byte changed', async () => {
  assert.equal(await signed({ SIGSTORE_ID_TOKEN: token }, '--keyless', '--out', 'a.json'), 0);
  const text = readFileSync('a.json', 'utf8');
  const bundle = JSON.parse(text) as {
    readonly mediaType: string;
    readonly dsseEnvelope: { readonly payload: string };
  };
  assert.equal(bundle.mediaType, 'application/vnd.dev.sigstore.bundle.v0.3+json');
  assert.match(
    Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString(),
    /"https:\/\/in-toto\.io\/Statement\/v1"/,
  );
  assert.equal(text.includes(token), false);
  assert.equal(
    await attest.run([
      ...good('a.json'),
      '--subject',
      'app.tgz',
      '--source',
      'HEAD',
      '--policy',
      'policy',
      '--passed',
    ]),
    0,
  );
  writeFileSync('other.tgz', 'other');
  assert.equal(await attest.run([...good('a.json'), '--subject', 'other.tgz']), 1);
  const passed: string[] = [];
  for (const at of places(text)) {
    const old = text[at] ?? '';
    // Another digit, another letter: what stays of the same kind is the hardest to see.
    const other = /[0-8]/.test(old) ? String(Number(old) + 1) : old === 'x' ? 'y' : 'x';
    writeFileSync('b.json', text.slice(0, at) + other + text.slice(at + 1));
    const opened = await openKeyless(readFileSync('b.json', 'utf8'), payloadType, {
      signer,
      trustedRoot: 'root.json',
    });
    if (opened.ok) passed.push(text.slice(Math.max(0, at - 60), at + 10));
  }
  assert.deepEqual(passed, []);
  for (const changed of [
    `${text} `,
    text.trimEnd(),
    ` ${text}`,
    text.replace('{', '{ '),
    text.replace('{', '{"a":1,'),
  ]) {
    writeFileSync('b.json', changed);
    assert.equal(await attest.run(good('b.json')), 1);
  }
});

test('another identity, another issuer, a part of one, a pattern, and another root are refused', async () => {
  assert.equal(
    await signed({ SIGSTORE_ID_TOKEN: token }, '--keyless', '--out', 'c.json', '--tsa-url', url),
    0,
  );
  assert.equal(await attest.run(good('c.json')), 0);
  const asked = (as: string, by: string, root = 'root.json'): Promise<number> =>
    attest.run([
      'verify',
      'c.json',
      '--certificate-identity',
      as,
      '--certificate-oidc-issuer',
      by,
      '--trusted-root',
      root,
    ]);
  assert.equal(await asked(identity, issuer), 0);
  for (const as of ['', '.*', 'https://github.com/acme', `${identity}x`, identity.toUpperCase(), '^https'])
    assert.notEqual(await asked(as, issuer).catch(() => 2), 0, as);
  for (const by of ['.*', 'https://issuer', `${issuer}/`]) assert.equal(await asked(identity, by), 1, by);
  writeFileSync('stranger.json', JSON.stringify(await trust()));
  assert.equal(await asked(identity, issuer, 'stranger.json'), 1);
  writeFileSync('empty.json', '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}');
  assert.equal(await asked(identity, issuer, 'empty.json'), 1);
});

test('a job of GitHub Actions gets its token for Sigstore', async () => {
  seen.length = 0;
  const env = {
    ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'b3arer',
  };
  assert.equal(await signed(env, '--keyless', '--out', 'd.json'), 0);
  assert.equal(seen[0], 'GET /token?api-version=2.0&audience=sigstore Bearer b3arer');
});

test('what cannot be signed or verified says why, and shows no token', async () => {
  const why = async (run: Promise<number>): Promise<string> => {
    try {
      return `it ran: ${await run}`;
    } catch (thrown) {
      assert.ok(thrown instanceof CouldNotRun, String(thrown));
      assert.equal(thrown.message.includes(token), false);
      return thrown.message;
    }
  };
  assert.match(
    await why(signed({}, '--keyless', '--out', 'e.json')),
    /no identity token here.*id-token: write.*--key/,
  );
  assert.match(
    await why(signed({ SIGSTORE_ID_TOKEN: token }, '--out', 'e.json')),
    /--key FILE or --keyless is needed/,
  );
  assert.match(
    await why(signed({ SIGSTORE_ID_TOKEN: 'no token' }, '--keyless', '--out', 'e.json')),
    /Sigstore does not sign this/,
  );
  assert.match(
    await why(
      signed({ SIGSTORE_ID_TOKEN: token }, '--keyless', '--out', 'e.json', '--rekor-url', `${url}/nothing`),
    ),
    /does not sign this: TLOG_CREATE_ENTRY_ERROR/,
  );
  assert.match(
    await why(signed({ SIGSTORE_ID_TOKEN: token }, '--keyless', '--out', 'e.json', '--tsa-url', 'here')),
    /are addresses/,
  );
  const file = 'd.json';
  assert.match(await why(attest.run(['verify', file])), /--key, or --certificate-identity and/);
  assert.match(
    await why(attest.run(['verify', file, '--certificate-identity', identity])),
    /--certificate-oidc-issuer/,
  );
  assert.match(await why(attest.run(['verify', file, ...who, '--key', 'k'])), /not both/);
  assert.match(
    await why(attest.run(['verify', file, ...who, '--trusted-root', 'app.tgz'])),
    /no trusted root/,
  );
  assert.match(await why(attest.run(['verify', file, ...who, '--trusted-root', 'none'])), /cannot be read/);
});
