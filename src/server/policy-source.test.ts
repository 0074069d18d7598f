import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../base/errors.ts';
import { type Instant, realWorld, type World } from '../base/time.ts';
import type { Log } from '../core/ports.ts';
import type { Metrics } from '../core/metrics.ts';
import { kindsOf } from '../policy/kinds.ts';
import type { PolicyProblem } from '../policy/problem.ts';
import type { PolicyReader, PolicyState } from './policy-readers.ts';
import { commitOf, type PolicySource, type PolicySourceParts, watchPolicy } from './policy-source.ts';

const main = 'apiVersion: sallyport/v1\nlayers: [{ name: a, role: grant, use: [{ module: m }] }]\n';
const module = (effect: string): string =>
  `apiVersion: sallyport/v1\nmodule: m\nrules: [{ id: a, effect: ${effect}, match: {} }]\n`;

const silent: Metrics = { count: () => {}, gauge: () => {}, observe: () => {} };

async function directoryWith(effect: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'sallyport-policy-'));
  await mkdir(join(path, 'modules'));
  await writeFile(join(path, 'policy.yaml'), main);
  await writeFile(join(path, 'modules/m.policy.yaml'), module(effect));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function watching(directory: string, more: Partial<PolicySourceParts> = {}): Promise<PolicySource> {
  return watchPolicy({
    from: directory,
    kinds: kindsOf([]),
    world: realWorld,
    log: () => {},
    metrics: silent,
    ...more,
  });
}

function effectIn(source: PolicySource): string | undefined {
  return source.current()?.ruling.rules[0]?.ref.effect;
}

/** Waits until the source says so by itself; the test's own time limit is the deadline. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('watchPolicy() follows its directory: whole states come into force, broken ones do not', async () => {
  await using directory = await directoryWith('allow');
  const refusals: (readonly PolicyProblem[])[] = [];
  const loads: string[] = [];
  const events: string[] = [];
  const log: Log = (level, event) => events.push(`${level} ${event}`);
  await using source = await watching(directory.path, {
    log,
    onLoad: (policy) => void loads.push(policy.id.digest),
    onRefuse: (problems) => void refusals.push(problems),
  });
  const file = join(directory.path, 'modules/m.policy.yaml');
  assert.equal(effectIn(source), 'allow');
  const first = source.status().digest;

  await writeFile(file, module('alow'));
  await until(() => source.status().problems.length > 0);
  assert.equal(effectIn(source), 'allow', 'the last good one stays');
  assert.equal(source.status().digest, first);
  assert.match(source.status().problems[0] ?? '', /m\.policy\.yaml:3:26 SP-Y004/);
  assert.equal(refusals.length, 1);
  assert.ok(events.includes('error policy.refused'));

  // As editors write: a new file is moved over the old one.
  await writeFile(`${file}.new`, module('deny'));
  await rename(`${file}.new`, file);
  await until(() => effectIn(source) === 'deny');
  assert.deepEqual(source.status().problems, []);
  assert.notEqual(source.status().digest, first);
  assert.equal(loads.length, 2);

  await writeFile(file, module('dny'));
  await until(() => source.status().problems.length > 0);
  await writeFile(file, module('deny'));
  await until(() => source.status().problems.length === 0);
  assert.equal(loads.length, 2, 'what is in force already is not loaded again');
});

test('watchPolicy() says all problems when there is nothing good to begin with', async () => {
  await using directory = await directoryWith('alow');
  await assert.rejects(watching(directory.path), (thrown) => {
    assert.ok(thrown instanceof Fault);
    assert.equal(thrown.code, 'policy');
    assert.match(thrown.message, /modules\/m\.policy\.yaml:3:26 SP-Y004/);
    return true;
  });
});

test('watchPolicy() refuses bytes that are not UTF-8', async () => {
  await using directory = await directoryWith('allow');
  await writeFile(join(directory.path, 'schema.yaml'), Uint8Array.of(0x61, 0xff));
  await assert.rejects(watching(directory.path), /schema\.yaml:1:2 SP-Y010/);
});

test('a policy that was not written down does not come into force', async () => {
  await using directory = await directoryWith('allow');
  let writable = true;
  await using source = await watching(directory.path, {
    onLoad: () => (writable ? undefined : Promise.reject(new Fault('ledger', 'The ledger is gone'))),
  });
  writable = false;
  await writeFile(join(directory.path, 'modules/m.policy.yaml'), module('deny'));
  await until(() => source.status().problems.length > 0);
  assert.equal(effectIn(source), 'allow');
  writable = true;
  await source.look();
  assert.equal(effectIn(source), 'deny');
});

test('current() is undefined when the last good policy is too old', async () => {
  await using directory = await directoryWith('allow');
  let ahead = 0;
  const world: World = { ...realWorld, now: () => (realWorld.now() + ahead) as Instant };
  await using source = await watching(directory.path, { world, maxAgeMs: 60_000 });
  ahead = 120_000;
  await source.look();
  assert.equal(effectIn(source), 'allow', 'a directory that still holds it confirms it');
  await writeFile(join(directory.path, 'modules/m.policy.yaml'), module('alow'));
  await until(() => source.status().problems.length > 0);
  ahead = 240_000;
  await source.look();
  assert.equal(source.current(), undefined);
  assert.equal(source.status().loaded, false);
  await writeFile(join(directory.path, 'modules/m.policy.yaml'), module('allow'));
  await until(() => source.current() !== undefined);
});

test('commitOf() gives the commit of a directory without changes', async () => {
  await using directory = await directoryWith('allow');
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', directory.path, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      encoding: 'utf8',
    }).trim();
  assert.equal(await commitOf(directory.path), undefined);
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'one');
  assert.equal(await commitOf(directory.path), git('rev-parse', 'HEAD'));
  await writeFile(join(directory.path, '.gitignore'), 'extra.yaml\n');
  assert.equal(await commitOf(directory.path), undefined, 'a file that is not committed');
  git('add', '.');
  git('commit', '-q', '-m', 'two');
  await writeFile(join(directory.path, 'extra.yaml'), 'a: 1\n');
  assert.equal(await commitOf(directory.path), undefined, 'a file that Git ignores and the policy reads');
});

test('a state that its trial finds wrong, or cannot read, does not come into force', async () => {
  await using place = await directoryWith('allow');
  const tried: string[] = [];
  const refused: (readonly PolicyProblem[])[] = [];
  await using source = await watching(place.path, {
    trial: (files) => {
      tried.push(files.get('modules/m.policy.yaml') ?? '');
      return Promise.resolve([{ code: 'SP-Y006', message: 'No', file: 'policy.yaml', line: 1, col: 1 }]);
    },
    onRefuse: (problems) => void refused.push(problems),
  });
  assert.deepEqual(tried, [], 'nothing is served before the first is read');
  await writeFile(join(place.path, 'modules/m.policy.yaml'), module('deny'));
  await until(() => refused.length > 0);
  assert.deepEqual(tried, [module('deny')]);
  assert.equal(refused[0]?.[0]?.message, 'No');
  assert.equal(effectIn(source), 'allow');
  assert.equal(source.status().drift.drifting, true);
});

test('a source that is away is told, also while what it held last is refused', async () => {
  const state = (effect: string): PolicyState => ({
    files: new Map([
      ['policy.yaml', main],
      ['modules/m.policy.yaml', module(effect)],
    ]),
    problems: [],
    digest: effect,
  });
  let held = state('allow');
  const from: PolicyReader = {
    kind: 'git',
    about: 'a repository',
    everyMs: 60_000,
    read: () => Promise.resolve(held),
  };
  await using source = await watching('', { from });
  held = state('alow');
  await source.look();
  const wrong = source.status().problems;
  assert.match(wrong[0] ?? '', /SP-Y004/);
  held = { ...held, complaint: 'Cannot be reached' };
  await source.look();
  assert.deepEqual(source.status().problems, ['Cannot be reached', ...wrong]);
  held = state('alow');
  await source.look();
  assert.deepEqual(source.status().problems, wrong);
  held = state('allow');
  await source.look();
  assert.deepEqual(source.status().problems, []);
  assert.equal(effectIn(source), 'allow');
});
