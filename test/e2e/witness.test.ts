import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runProgram } from './harness/clients.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { until } from './harness/wait.ts';

// Two gateways that cosign each other's heads, as two processes with their own homes: what one notices of the other.

const main = join(root, 'src', 'cli', 'main.ts');

interface Side {
  readonly name: string;
  readonly home: string;
  readonly port: number;
}

/** Keys are made at the first start, so the two learn of each other at the second. */
interface Known {
  readonly cosigns: string;
  readonly witness?: { readonly url: string; readonly key: string };
}

function start({ name, home, port }: Side, of?: Known): Promise<Configured> {
  const witness =
    of?.witness === undefined ? '' : `, witnesses: [{ url: ${of.witness.url}, key: ${of.witness.key} }]`;
  return startConfigured({
    text: `
name: ${name}
listen: { api: 127.0.0.1:${port}, postgres: 127.0.0.1:${port + 2} }
policy: ${join(root, 'policy')}
identities: [{ subject: lead, kind: human, groups: [leads] }]
resources: [{ name: shop, kind: postgres, address: 127.0.0.1:1, database: shop, credentials: { user: x, password: x } }]
${of === undefined ? '' : `ledger: { every: 1s, cosigns: ["${of.cosigns}"]${witness} }`}
`,
    policy: {},
    api: port,
    options: { home },
  });
}

const keyOf = ({ home }: Side): string => readFileSync(join(home, 'data/ledger/key.pub'), 'utf8').trim();

interface Verified {
  readonly code: number | null;
  readonly anchoredTo: number | null;
  readonly size: number;
}

async function verify({ home }: Side, witness: string, key?: string): Promise<Verified> {
  const pinned = key === undefined ? [] : ['--key', key];
  const args = [main, 'audit', 'verify', '--data', join(home, 'data'), '--witness', witness, '--json'];
  const { stdout, code } = await runProgram(process.execPath, [...args, ...pinned]);
  return { ...(JSON.parse(stdout) as { anchoredTo: number | null; size: number }), code };
}

function newestReceipt({ home }: Side): number {
  const folder = join(home, 'data/anchors');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.note')) : [];
  return Math.max(0, ...names.map((name) => Number(name.slice(0, 16))));
}

/** Entries under the newest head of a home. */
function headSize(home: string): number {
  return Number(readFileSync(join(home, 'data/ledger/checkpoint'), 'utf8').split('\n')[1]);
}

/** The key by which a gateway cosigns, as its log says it. */
function witnessKey(of: Configured): string {
  const key = /"key":"([^"]+\/witness\+[^"]+)"/.exec(of.log())?.[1];
  assert.ok(key !== undefined, of.log());
  return key;
}

async function gauge(of: Configured, name: string): Promise<number> {
  const text = await (await fetch(`${of.api}/metrics`)).text();
  return Number(new RegExp(`^sallyport_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

const folder = temporaryFolder('witness');
const keys = new Map<Side, string>();
let a: Side;
let b: Side;
let ofB: Configured;

const known = (other: Side): Known => ({
  cosigns: firstKeys.get(other) ?? '',
  witness: { url: `http://127.0.0.1:${other.port}/witness`, key: keys.get(other) ?? '' },
});
const firstKeys = new Map<Side, string>();

before(async () => {
  const port = await freePorts(4);
  a = { name: 'gateway-a', home: join(folder.path, 'a'), port };
  b = { name: 'gateway-b', home: join(folder.path, 'b'), port: port + 1 };
  for (const side of [a, b]) {
    await (await start(side))[Symbol.asyncDispose]();
    firstKeys.set(side, keyOf(side));
  }
  for (const [side, other] of [
    [a, b],
    [b, a],
  ] as const) {
    await using running = await start(side, { cosigns: keyOf(other) });
    keys.set(side, witnessKey(running));
  }
});

after(async () => {
  await ofB?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

test('one that starts while its witness is down says how far behind it is, and catches up', async () => {
  ofB = await start(b, known(a));
  await until(
    () => /Cannot reach the witness gateway-a\/witness/.test(ofB.log()),
    () => ofB.log(),
  );
  await until(
    async () => (await gauge(ofB, 'ledger_unanchored')) > 0,
    () => 'no lag is told',
  );
  assert.equal(newestReceipt(b), 0);
  await using ofA = await start(a, known(b));
  await until(
    async () => newestReceipt(a) > 0 && newestReceipt(b) > 0 && (await gauge(ofB, 'ledger_unanchored')) === 0,
    () => ofA.log() + ofB.log(),
  );
});

test('the cosignature of the other counts as an anchor, and only with its own key', async () => {
  const verified = await verify(a, keys.get(b) ?? '', firstKeys.get(a));
  assert.equal(verified.code, 0);
  assert.ok((verified.anchoredTo ?? 0) > 0);
  assert.equal((await verify(a, keys.get(a) ?? '')).anchoredTo, null);
});

test('a key that was let to follow while the gateway runs is followed by its witness', async () => {
  await using ofA = await start(a, known(b));
  const token = await ofA.token('lead');
  const env = { SALLYPORT_API: ofA.api, SALLYPORT_TOKEN: token };
  const { stdout, stderr, code } = await runProgram(
    process.execPath,
    [main, 'audit', 'rotate-key', '--json'],
    { env },
  );
  assert.equal(code, 0, stderr);
  const rotated = JSON.parse(stdout) as { from: string; to: string; index: number };
  assert.deepEqual([rotated.from, rotated.to], [firstKeys.get(a), keyOf(a)]);
  const refused = await runProgram(process.execPath, [
    main,
    'audit',
    'rotate-key',
    '--data',
    join(a.home, 'data'),
  ]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /A gateway runs on this data folder: leave out --data/);
  await until(
    () => newestReceipt(a) > rotated.index,
    () => ofA.log(),
  );
  const verified = await verify(a, keys.get(b) ?? '', rotated.from);
  assert.equal(verified.code, 0);
  assert.ok((verified.anchoredTo ?? 0) > rotated.index);
});

test('an old copy put back, a fork and a replaced key are refused by the other', async () => {
  const old = join(folder.path, 'old');
  cpSync(a.home, old, { recursive: true });
  {
    await using ofA = await start(a, known(b));
    const size = headSize(old);
    await until(
      () => newestReceipt(a) > size,
      () => ofA.log(),
    );
  }
  const seen = newestReceipt(a);
  const putBack = (): void => {
    rmSync(a.home, { recursive: true });
    cpSync(old, a.home, { recursive: true });
  };
  const refusedAs = async (why: RegExp): Promise<void> => {
    await using back = await start(a, known(b));
    await until(
      () => why.test(back.log()),
      () => back.log(),
    );
    assert.ok(newestReceipt(a) <= seen, 'nobody cosigns it');
  };
  putBack();
  await refusedAs(/rolled back, or its tail was cut off|this one was forked/);

  // A fork that has grown beyond what the witness saw.
  putBack();
  const forkedAt = newestReceipt(a);
  for (let at = 0; at < 4; at++) await (await start(a))[Symbol.asyncDispose]();
  await refusedAs(/this one was forked/);
  assert.ok(newestReceipt(a) <= forkedAt);

  // Another key in the place of the one that signs, with all that belongs to it.
  rmSync(join(a.home, 'data'), { recursive: true });
  await (await start(a))[Symbol.asyncDispose]();
  await refusedAs(/does not know the key that signs this ledger/);
  writeFileSync(join(a.home, 'data/keys/changes'), 'x\n');
  await refusedAs(/does not know the key that signs this ledger/);
});
