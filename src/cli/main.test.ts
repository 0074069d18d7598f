import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'policy'));
const config = join(folder, 'sallyport.yaml');
writeFileSync(
  config,
  `listen: { postgres: 127.0.0.1:0 }
policy: ./policy
resources:
  - { name: orders, kind: postgres, address: 127.0.0.1:1, credentials: { user: u, password: p } }
identities:
  - { subject: ana, kind: human }
`,
);

test('npm run sallyport reads paths from where the user is, not from where npm puts it', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'token', 'ana'], {
    cwd: join(import.meta.dirname, '..', '..'),
    env: {
      PATH: process.env['PATH'],
      SALLYPORT_HOME: join(folder, 'home-npm'),
      npm_lifecycle_event: 'sallyport',
      INIT_CWD: folder,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0);
  assert.match(out, /^eyJ/);
});

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function sallyport(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    env: { PATH: process.env['PATH'], SALLYPORT_HOME: join(folder, 'home'), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

const { version } = createRequire(import.meta.url)('../../package.json') as { readonly version: string };
const ofPackage = new RegExp(`^sallyport ${version.replaceAll('.', '\\.')}\n$`);

const usage: readonly (readonly [string, readonly string[], number, RegExp, RegExp])[] = [
  ['nothing', [], 2, /Usage: sallyport COMMAND/, /^$/],
  ['--help', ['--help'], 0, /Usage: sallyport COMMAND/, /^$/],
  [
    'a command that is nearly known',
    ['sesions'],
    2,
    /^$/,
    /Unknown command "sesions"; did you mean "sessions"\?/,
  ],
  ['--version', ['--version'], 0, ofPackage, /^$/],
  ['the help of another program', ['observe', '--', 'x', '-h'], 2, /^$/, /There is no such file/],
  ['a command that is not', ['xyz'], 2, /^$/, /see sallyport --help/],
  ['an option that is not', ['sessions', 'list', '--jsn'], 2, /^$/, /Unknown option '--jsn'.*; see --help/],
  ['no verb', ['sessions'], 2, /^$/, /Expected `sessions list`/],
  ['no statement', ['explain', '--on', 'shop'], 2, /^$/, /Expected --on RESOURCE and one statement/],
  ['no token', ['sessions', 'list'], 2, /^$/, /Set SALLYPORT_TOKEN/],
  [
    'no configuration',
    ['up', '--config', 'none.yaml'],
    2,
    /^$/,
    /none\.yaml: There is no such file; --config FILE names another/,
  ],
  ['an unknown subject', ['token', 'zed', '--config', config], 1, /^$/, /no identity "zed".*it has: ana/],
  [
    'a token for too long',
    ['token', 'ana', '--ttl', '9d', '--config', config],
    2,
    /^$/,
    /Expected 1m to 24h/,
  ],
  ['a wrong port base', ['demo', '--port-base', '80'], 2, /^$/, /Expected a number from 1024/],
  ...[
    'demo',
    'up',
    'token',
    'sessions',
    'explain',
    'policy',
    'audit',
    'mask',
    'test',
    'diff',
    'backtest',
  ].map((name) => [`${name} --help`, [name, '--help'], 0, new RegExp(`sallyport ${name}`), /^$/] as const),
];

for (const [name, args, code, out, err] of usage) {
  test(`sallyport answers ${name} with exit code ${code}`, async () => {
    const ran = await sallyport(args);
    assert.equal(ran.code, code, ran.err);
    assert.match(ran.out, out);
    assert.match(ran.err, err);
  });
}

test('sallyport token prints the token alone', async () => {
  const ran = await sallyport(['token', 'ana', '--ttl', '5m', '--config', config]);
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  assert.match(ran.err, /^token \S+ for ana until /);
});

suite('commands that ask the API', () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    const [status, body]: readonly [number, string] =
      request.url?.startsWith('/api/v1/sessions?') === true
        ? [
            200,
            '[{"id":"s1","identity":{"subject":"ana"},"startedAt":"2026-01-01T00:00:00Z","state":"open","resource":"shop","decisions":0,"denied":0}]',
          ]
        : [403, '{"detail":"Not yours","denial":{"rule":"m/r","at":"m:1:1","fix":["Ask a lead"]}}'];
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  let api = '';
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  test('an answer is 0, and --json is an array with the id first', async () => {
    const ran = await sallyport(['sessions', 'list', '--json', '--limit', '5'], {
      SALLYPORT_API: `${api}/`,
      SALLYPORT_TOKEN: 't',
    });
    assert.equal(ran.code, 0, ran.err);
    const listed = JSON.parse(ran.out) as readonly object[];
    assert.equal(Object.keys(listed[0] ?? {})[0], 'id');
    assert.equal(asked.at(-1), 'GET /api/v1/sessions?limit=5 Bearer t');
  });

  test('a refusal is 1, and says rule and fix', async () => {
    const ran = await sallyport(['sessions', 'show', 's2'], { SALLYPORT_API: api, SALLYPORT_TOKEN: 't' });
    assert.deepEqual([ran.code, ran.out], [1, '']);
    assert.match(ran.err, /Not yours\n {2}rule m\/r \(m:1:1\)\n {2}fix {2}Ask a lead/);
  });

  test('no gateway is 2', async () => {
    const ran = await sallyport(['policy', 'status'], {
      SALLYPORT_API: 'http://127.0.0.1:1',
      SALLYPORT_TOKEN: 'canary',
    });
    assert.equal(ran.code, 2);
    assert.match(ran.err, /Cannot reach the gateway at http:\/\/127\.0\.0\.1:1/);
    assert.equal(ran.err.includes('canary'), false);
  });
});
