import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Secret } from '../base/secret.ts';
import { instant, realWorld, type World } from '../base/time.ts';
import { kindsOf } from '../policy/kinds.ts';
import { open, seal } from './dsse.ts';
import { makeBundle } from './policy-bundle.ts';
import { directoryReader, gitReader, type PolicyReader, pushReader } from './policy-readers.ts';
import { type PolicySource, type PolicySourceParts, watchPolicy } from './policy-source.ts';
import { policyHook } from './policy-wire.ts';

const main = 'apiVersion: sallyport/v1\nlayers: [{ name: a, role: grant, use: [{ module: m }] }]\n';
const module = (effect: string): string =>
  `apiVersion: sallyport/v1\nmodule: m\nrules: [{ id: a, effect: ${effect}, match: {} }]\n`;
const files = (effect: string): Readonly<Record<string, string>> => ({
  'policy.yaml': main,
  'modules/m.policy.yaml': module(effect),
});

const pair = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');

function bundle(version: number, effect: string, key: KeyObject = pair.privateKey): string {
  return JSON.stringify(makeBundle({ version, madeAt: '2026-01-01T00:00:00Z', files: files(effect) }, key));
}

function folder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-bundles-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function following(from: PolicyReader, more: Partial<PolicySourceParts> = {}): Promise<PolicySource> {
  const metrics = { count: () => {}, gauge: () => {}, observe: () => {} };
  return watchPolicy({ from, kinds: kindsOf([]), world: realWorld, log: () => {}, metrics, ...more });
}

function effectOf(source: PolicySource): string | undefined {
  return source.current()?.ruling.rules[0]?.ref.effect;
}

test('an envelope opens for the key that signed it, and not with any byte changed', () => {
  const sealed = JSON.stringify(seal('t', Buffer.from('body'), pair.privateKey));
  const opened = open(JSON.parse(sealed), 't', [pair.publicKey]);
  assert.equal(opened.ok && Buffer.from(opened.value).toString(), 'body');
  assert.equal(open(JSON.parse(sealed), 't', [stranger.publicKey]).ok, false);
  assert.equal(open(JSON.parse(sealed), 'other', [pair.publicKey]).ok, false);
  assert.equal(open(JSON.parse(sealed), 't', []).ok, false);
  const { payload } = JSON.parse(sealed) as { readonly payload: string };
  const { sig } = (JSON.parse(sealed) as { readonly signatures: readonly { readonly sig: string }[] })
    .signatures[0] ?? { sig: '' };
  for (const part of [payload, sig]) {
    for (let at = 0; at < part.length; at++) {
      const other = part[at] === 'A' ? 'B' : 'A';
      const changed = sealed.replace(part, part.slice(0, at) + other + part.slice(at + 1));
      assert.equal(open(JSON.parse(changed), 't', [pair.publicKey]).ok, false, `at ${at} of ${part}`);
    }
  }
});

test('with keys only a signed bundle is a policy, and never an older one, after a restart neither', async () => {
  using home = folder();
  const signing = { keys: [pair.publicKey], floorFile: join(home.path, 'state', 'version') };
  const place = join(home.path, 'policy');
  mkdirSync(join(place, 'modules'), { recursive: true });
  for (const [path, text] of Object.entries(files('allow'))) writeFileSync(join(place, path), text);
  const reader = directoryReader(place, signing);
  await assert.rejects(
    following(reader),
    /SP-L110 There is no policy.bundle.json/,
    'plain files do not count',
  );

  const put = (text: string): void => {
    writeFileSync(join(place, 'new'), text);
    renameSync(join(place, 'new'), join(place, 'policy.bundle.json'));
  };
  put(bundle(5, 'allow', stranger.privateKey));
  await assert.rejects(following(reader), /No key that is trusted here has signed it/);
  put(bundle(5, 'allow'));
  {
    await using source = await following(reader);
    assert.equal(source.status().version, 5);
    for (const [text, why] of [
      [bundle(6, 'deny', stranger.privateKey), /No key that is trusted/],
      [
        JSON.stringify({ ...(JSON.parse(bundle(6, 'deny')) as object), signatures: [] }),
        /No key that is trusted/,
      ],
      [bundle(4, 'deny'), /version 4, and version 5 has been in force/],
      [bundle(5, 'deny'), /version 5, and version 5 has been in force/],
      [bundle(6, 'alow'), /SP-Y004/],
      ['{', /not JSON/],
    ] as const) {
      put(text);
      await source.look();
      assert.match(source.status().problems.join('\n'), why);
      assert.equal(effectOf(source), 'allow', 'the last good one stays');
      assert.equal(source.status().drift.drifting, true);
    }
    put(bundle(6, 'deny'));
    await source.look();
    assert.equal(effectOf(source), 'deny');
    assert.equal(source.status().version, 6);
    assert.deepEqual(source.status().problems, []);
    assert.equal(source.status().drift.drifting, false);
    assert.match(source.status().lastError?.problems.join() ?? '', /not JSON/);
  }
  put(bundle(5, 'allow'));
  await assert.rejects(following(reader), /version 5, and version 6 has been in force/);
});

test('a source that holds nothing good is used until the last good one is too old, then nothing is allowed', async () => {
  using home = folder();
  const signing = { keys: [pair.publicKey], floorFile: join(home.path, 'version') };
  let now = 1_000_000;
  const world: World = {
    ...realWorld,
    now: () => instant(now),
    after: (_, call) => realWorld.after(1, call),
  };
  writeFileSync(join(home.path, 'policy.bundle.json'), bundle(1, 'allow'));
  const reader = { ...directoryReader(home.path, signing), everyMs: 1_000_000_000 };
  await using source = await following(reader, { world, maxAgeMs: 60_000 });
  writeFileSync(join(home.path, 'policy.bundle.json'), 'x');
  await source.look();
  now += 59_000;
  assert.equal(effectOf(source), 'allow');
  assert.equal(source.status().drift.ageSeconds, 59);
  now += 2_000;
  assert.equal(source.current(), undefined);
  assert.equal(source.status().loaded, false);
});

test('bundles that are pushed: signed, newer and whole, or nothing changes', async () => {
  using home = folder();
  const signing = { keys: [pair.publicKey], floorFile: join(home.path, 'version') };
  writeFileSync(join(home.path, 'initial'), bundle(1, 'allow'));
  const reader = pushReader(home.path, signing, join(home.path, 'initial'));
  {
    await using source = await following(reader);
    for (const [text, why] of [
      [bundle(2, 'deny', stranger.privateKey), /No key/],
      [bundle(1, 'deny'), /has been in force/],
      [bundle(2, 'alow'), /SP-Y004/],
    ] as const) {
      const pushed = await source.push(text);
      assert.match(pushed.ok ? '' : pushed.error.join('\n'), why);
      assert.equal(effectOf(source), 'allow');
      assert.deepEqual(source.status().problems, [], 'what was refused at the door is not held');
    }
    assert.equal((await source.push(bundle(2, 'deny'))).ok, true);
    assert.equal(effectOf(source), 'deny');
  }
  await using again = await following(reader);
  assert.equal(effectOf(again), 'deny', 'what was pushed outlives a restart');
});

test('a Git repository is followed, and what was fetched last serves while it cannot be reached', async () => {
  using home = folder();
  const origin = join(home.path, 'origin');
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: origin }).toString();
  mkdirSync(join(origin, 'rules', 'modules'), { recursive: true });
  git('init', '-q', '-b', 'main');
  const commit = (effect: string): string => {
    for (const [path, text] of Object.entries(files(effect)))
      writeFileSync(join(origin, 'rules', path), text);
    git('add', '.');
    git('commit', '-q', '--allow-empty', '-m', effect);
    return git('rev-parse', 'HEAD').trim();
  };
  const first = commit('allow');
  const place = {
    url: origin,
    ref: 'main',
    path: 'rules',
    everyMs: 1_000_000_000,
    folder: join(home.path, 'home'),
    world: realWorld,
  };
  {
    await using source = await following(gitReader(place));
    assert.equal(source.status().commit, first);
    const second = commit('deny');
    await source.look();
    assert.equal(effectOf(source), 'deny');
    assert.equal(source.current()?.id.commit, second);

    commit('alow');
    await source.look();
    assert.equal(effectOf(source), 'deny');
    assert.equal(source.status().drift.drifting, true);
    assert.notEqual(source.status().drift.holds?.commit, second);
    commit('deny');
    await source.look();
    assert.equal(source.status().drift.drifting, false);

    renameSync(origin, `${origin}.away`);
    await source.look();
    assert.match(source.status().problems.join(), /Git cannot fetch main/);
    assert.equal(effectOf(source), 'deny');
  }
  {
    await using source = await following(gitReader(place));
    assert.equal(effectOf(source), 'deny', 'the copy serves');
    assert.match(source.status().problems.join(), /Git cannot fetch/);
  }
  await assert.rejects(
    following(gitReader({ ...place, folder: join(home.path, 'other') })),
    /Git cannot fetch/,
  );
});

test('the hook looks when the forge has signed, and only then', async () => {
  let looked = 0;
  const hook = policyHook(new Secret('s3cret'), () => {
    looked += 1;
    return Promise.resolve();
  });
  const body = Buffer.from('{}');
  const right = `sha256=${createHmac('sha256', 's3cret').update(body).digest('hex')}`;
  const post = async (headers: Readonly<Record<string, string>>): Promise<number> =>
    (await hook({ header: (name) => headers[name], body })).status;
  assert.equal(await post({}), 401);
  assert.equal(
    await post({ 'x-hub-signature-256': right.replace(/.$/, (c) => (c === '0' ? '1' : '0')) }),
    401,
  );
  assert.equal(await post({ 'x-gitlab-token': 's3cre' }), 401);
  assert.equal(await post({ 'x-hub-signature-256': 'x', 'x-gitlab-token': 's3cret' }), 401);
  assert.equal(looked, 0);
  assert.equal(await post({ 'x-hub-signature-256': right }), 202);
  assert.equal(await post({ 'x-gitlab-token': 's3cret' }), 202);
  assert.equal(looked, 2);
});

test('environments differ by params only, under one digest; params for nothing are refused', async () => {
  using home = folder();
  mkdirSync(join(home.path, 'modules'));
  writeFileSync(
    join(home.path, 'policy.yaml'),
    main.replace('module: m', 'module: m, with: { groups: [a] }'),
  );
  writeFileSync(
    join(home.path, 'modules', 'm.policy.yaml'),
    "apiVersion: sallyport/v1\nmodule: m\nparams: { groups: { type: groups } }\nrules: [{ id: a, effect: allow, match: { identity: { groups: '{{params.groups}}' } } }]\n",
  );
  const groups = (source: PolicySource): unknown =>
    source.current()?.ruling.rules[0]?.match.items.get('identity.groups');
  await using staging = await following(directoryReader(home.path));
  await using production = await following(directoryReader(home.path), {
    params: { m: { groups: ['b', 'c'] } },
  });
  assert.deepEqual(groups(staging), ['a']);
  assert.deepEqual(groups(production), ['b', 'c']);
  assert.equal(production.status().digest, staging.status().digest);
  for (const params of [{ n: { groups: ['b'] } }, { m: { group: ['b'] } }, { m: { groups: 7 } }]) {
    await assert.rejects(following(directoryReader(home.path), { params }), /Cannot load the policy/);
  }
});
