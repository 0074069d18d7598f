import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createPlain } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Secret } from '../src/base/secret.ts';
import { type Instant, instant, realWorld, type World } from '../src/base/time.ts';
import type { Opinion } from '../src/core/ports.ts';
import type { RemoteWanted } from '../src/policy/opa/engine.ts';
import { bundleDigest } from '../src/policy/opa/pins.ts';
import { ownCertificate } from '../src/server/certificates.ts';
import { opaEngines } from '../src/opa/index.ts';
import type { OpaOrigin } from '../src/opa/reach.ts';

const testdata = join(import.meta.dirname, '..', 'src', 'policy', 'opa', 'testdata');
const file = (name: string): Buffer => readFileSync(join(testdata, `${name}.tar.gz`));

const home = mkdtempSync(join(tmpdir(), 'sallyport-opa-'));
after(() => rmSync(home, { recursive: true, force: true }));

interface Served extends AsyncDisposable {
  readonly origin: string;
  readonly ca: string;
  readonly asked: string[];
  body: Buffer | 'down' | 'silent' | 'moved';
}

/** An address with a bundle, over TLS; knows ETags. */
async function served(body: Buffer): Promise<Served> {
  const { key, cert, ca = '' } = await ownCertificate(home, [], realWorld);
  const made = { body, asked: [] as string[] };
  const server = createServer({ key: key.reveal('a test serves with it'), cert }, (request, response) => {
    const { authorization = '-', 'if-none-match': seen = '-' } = request.headers;
    const { body: now } = served;
    served.asked.push(`${request.url} ${authorization} ${seen}`);
    if (now === 'silent') return;
    if (now === 'down') return void response.writeHead(503).end();
    if (now === 'moved') return void response.writeHead(302, { location: '/elsewhere' }).end();
    const etag = `"${bundleDigest(now.toString('base64')).slice(7, 15)}"`;
    if (seen === etag) return void response.writeHead(304, { etag }).end();
    response.writeHead(200, { etag }).end(now);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const served: Served = Object.assign(made, {
    origin: `https://localhost:${port}`,
    ca: readFileSync(ca, 'utf8'),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return served;
}

/** A clock that only goes on when it is told to; waiting is real, and so much longer that no slow machine makes it too short. */
function heldWorld(longer: number): World & { readonly pass: (ms: number) => void } {
  let now = 1_000_000;
  return {
    ...realWorld,
    now: (): Instant => instant(now),
    after: (ms, call) => realWorld.after(ms * longer, call),
    pass: (ms) => (now += ms),
  };
}

interface Asking {
  readonly asks: (more?: Partial<RemoteWanted>) => Promise<Opinion>;
  readonly world: ReturnType<typeof heldWorld>;
  readonly logged: string[];
}

function asking(at: Served, origin: Partial<OpaOrigin> = {}, longer: number = 50): Asking {
  const world = heldWorld(longer);
  const logged: string[] = [];
  const { remote } = opaEngines(world, {
    origins: [{ origin: at.origin, ca: at.ca, ...origin }],
    log: (level, event, facts) => void logged.push(`${level} ${event} ${String(facts?.['why'])}`),
  });
  assert.ok(remote);
  const wanted: RemoteWanted = {
    url: new URL('/gate.tar.gz', at.origin),
    entrypoint: 'gate/allow',
    deadlineMs: 5_000,
    strict: false,
    pollMs: 60_000,
    maxAgeMs: 600_000,
  };
  return { world, logged, asks: (more) => remote({ ...wanted, ...more })(input, world.now()) };
}

const input = '{"identity":{"groups":["analysts"]},"action":{"access":"read"}}';
const yes: Opinion = { kind: 'said', json: 'true' };
const why = (opinion: Opinion): string => (opinion.kind === 'failed' ? opinion.why : opinion.json);

test('a bundle is fetched once, looked for again after its time by its ETag, and taken when it is another one', async () => {
  await using at = await served(file('gate-plan'));
  const { asks, world } = asking(at, { token: new Secret('t0ken') });
  assert.deepEqual(await Promise.all([asks(), asks(), asks()]), [yes, yes, yes]);
  assert.deepEqual(at.asked, ['/gate.tar.gz Bearer t0ken -']);
  world.pass(59_999);
  assert.deepEqual(await asks(), yes);
  assert.equal(at.asked.length, 1);
  world.pass(1);
  assert.deepEqual(await asks(), yes);
  assert.match(at.asked[1] ?? '', /^\/gate\.tar\.gz Bearer t0ken "[0-9a-f]{8}"$/);
  at.body = file('gate-wasm');
  world.pass(60_000);
  assert.deepEqual(await asks(), yes);
  // The other one has this entrypoint; how it ends is a matter of the machine.
  assert.match(
    why(await asks({ entrypoint: 'gate/slow', deadlineMs: 2 })),
    /^The policy (?:took longer than 2 ms|failed)$/,
  );
});

test('the last good bundle stays in force until its age, whatever comes, and is in force again when it is back', async () => {
  await using at = await served(file('gate-plan'));
  const { asks, world, logged } = asking(at);
  assert.deepEqual(await asks(), yes);
  const bad: readonly Served['body'][] = [
    'down',
    'moved',
    file('lookup-plan'),
    Buffer.from('no bundle'),
    Buffer.alloc(17_000_000),
  ];
  for (const body of bad) {
    at.body = body;
    world.pass(60_000);
    assert.deepEqual(await asks(), yes);
  }
  assert.equal(logged.length, bad.length, logged.join('\n'));
  assert.match(logged.join('\n'), /status 503[^]*status 302[^]*not supported[^]*not gzip[^]*more than/);
  world.pass(600_000);
  assert.match(why(await asks()), /older than 600000 ms/);
  at.body = file('gate-plan');
  world.pass(60_000);
  assert.deepEqual(await asks(), yes);
});

test('a bundle that is not what is pinned is not taken, and another one later neither', async () => {
  await using at = await served(file('gate-plan'));
  const { asks, world, logged } = asking(at);
  const digest = bundleDigest(file('gate-plan').toString('base64'));
  assert.match(
    why(await asks({ digest: digest.replace(/.$/, (last) => (last === '0' ? '1' : '0')) })),
    /no bundle/,
  );
  assert.deepEqual(await asks({ digest }), yes);
  at.body = file('gate-wasm');
  world.pass(60_000);
  assert.deepEqual(await asks({ digest }), yes);
  assert.ok(
    logged.every((line) => line.includes('not the bundle that is pinned')),
    logged.join('\n'),
  );
});

test('without a bundle there is no answer; a token is shown to its own origin only; a stranger is not believed', async () => {
  await using at = await served(file('gate-plan'));
  at.body = 'down';
  assert.match(why(await asking(at).asks()), /no bundle/);
  at.body = file('gate-plan');
  const { asks } = asking(at, { origin: 'https://elsewhere.test', token: new Secret('t0ken') });
  assert.match(why(await asks()), /no bundle/); // its certificate is nobody's
  assert.ok(
    at.asked.every((line) => line.includes(' - ')),
    at.asked.join('\n'),
  );
  assert.equal(at.asked.length, 1);
});

test('an address that falls silent holds nobody up for long', async () => {
  await using at = await served(file('gate-plan'));
  const { asks, world } = asking(at, {}, 1);
  assert.deepEqual(await asks(), yes);
  at.body = 'silent';
  world.pass(60_000);
  assert.deepEqual(await asks(), yes);
});

test('an OPA server is shown the token of its origin', async () => {
  const seen: (string | undefined)[] = [];
  const server = createPlain((request, response) => {
    seen.push(request.headers.authorization);
    request.resume().on('end', () => response.end('{"result":true}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const url = new URL(`http://127.0.0.1:${port}/behind/`);
  const engines = opaEngines(realWorld, { origins: [{ origin: url.origin, token: new Secret('t0ken') }] });
  assert.deepEqual(await engines.server({ url, entrypoint: 'a/b', deadlineMs: 100_000 })('{}'), yes);
  assert.deepEqual(seen, ['Bearer t0ken']);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
