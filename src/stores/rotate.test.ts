import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../base/errors.ts';
import { parseVerifierKey, type VerifierKey, verifyLedger } from '../ledger/index.ts';
import { analyst, decided, freshFolder, open, opened, sessionId } from './fake.ts';
import { diskFolder } from './folder.ts';

const noStrace = spawnSync('strace', ['-V']).status === 0 ? false : 'strace is not installed';

function keyIn(data: string): VerifierKey {
  const key = parseVerifierKey(readFileSync(join(data, 'ledger/key.pub'), 'utf8'));
  assert.ok(key.ok);
  return key.value;
}

/** Verifies with a key that was pinned before any change; gives how many changes there were. */
async function verified(data: string, pinned: VerifierKey): Promise<number> {
  let changes = 0;
  const see = ({ kind }: { readonly kind: string }): undefined => {
    if (kind === 'key.rotated') changes += 1;
    return undefined;
  };
  const report = await verifyLedger(diskFolder(join(data, 'ledger')), { pinned, see });
  assert.ok(report.verified, JSON.stringify([report.problems, report.gaps]));
  assert.equal(report.signer?.trust, 'pinned');
  assert.equal(report.signer?.keyId, keyIn(data).keyId);
  return changes;
}

test('a new key follows while entries are appended: none waits for it, none is lost, and a copy made meanwhile verifies', async () => {
  using place = freshFolder();
  const data = join(place.path, 'data');
  const ledger = await open(data);
  const pinned = keyIn(data);
  let appended = 8;
  await Promise.all(Array.from({ length: appended }, (_, at) => ledger.append(opened(`s${at}`))));
  const stop = new AbortController();
  const producers = Array.from({ length: 8 }, async (_, producer) => {
    for (let at = 1; !stop.signal.aborted; at++) {
      await ledger.append(decided(`s${producer}`, at, `SELECT ${at}`));
      appended += 1;
    }
  });
  const names = new Set([ledger.key.text]);
  for (let round = 0; round < 3; round++) {
    const from = ledger.key.text;
    const [one, two] = await Promise.all([ledger.rotate(analyst), ledger.rotate(analyst)]);
    assert.deepEqual(one, two, 'who asks at the same time is told of the same change');
    assert.equal(one.from, from);
    assert.equal(ledger.key.text, one.to);
    assert.ok(!('secret' in ledger.key));
    names.add(one.to);
    appended += 1;
    const copy = join(place.path, `copy${round}`);
    cpSync(join(data, 'ledger'), join(copy, 'ledger'), { recursive: true });
    assert.ok((await verified(copy, pinned)) >= round);
  }
  assert.equal(names.size, 4);
  stop.abort();
  await Promise.all(producers);
  assert.equal(ledger.size, appended);
  let seen = 0;
  let changes = 0;
  for await (const { entry, seal } of ledger.read(0, ledger.size)) {
    seen += 1;
    if (entry.kind === 'key.rotated') {
      changes += 1;
      assert.deepEqual(entry.by, analyst);
    } else assert.equal(seal, 'opened');
  }
  assert.deepEqual([seen, changes], [appended, 3]);
  await ledger.close();
  assert.equal(await verified(data, pinned), 3);
  const again = await open(data);
  assert.equal(again.size, appended);
  await again.close();
  await assert.rejects(again.rotate(), (thrown) => thrown instanceof Fault);
});

test('a stop waits for a change of the key that is under way', async () => {
  using place = freshFolder();
  const data = join(place.path, 'data');
  const ledger = await open(data);
  const pinned = keyIn(data);
  await ledger.append(opened('s1'));
  const rotated = ledger.rotate();
  await ledger.close();
  assert.equal(keyIn(data).text, (await rotated).to);
  assert.equal(await verified(data, pinned), 1);
});

const next = 'keys/ledger.key.next';
/** Where the change is cut off or let fail: call, path below the data folder, and which of these calls. */
const cuts: readonly (readonly [call: string, path: string, when: string])[] = [
  ['openat', next, '1'],
  ['write,pwrite64', next, '1'],
  ['fsync', next, '1'],
  ['openat', next, '2'], // read again, before the entry
  ['openat', 'tmp/key.pub', '1'],
  ['fsync', 'tmp/key.pub', '1'],
  ['rename', 'tmp/key.pub', '1'],
  ['openat', 'tmp/checkpoint', '1'],
  ['write,pwrite64', 'tmp/checkpoint', '1'],
  ['rename', 'tmp/checkpoint', '1'],
  ['rename', next, '1'],
  ['openat', 'keys', '2'], // the folder, to be synced
  ['openat', 'keys', '3'],
];

for (const [call, path, when] of cuts)
  for (const how of when === '1' && path !== 'tmp/checkpoint'
    ? ['signal=KILL', 'error=EIO']
    : ['signal=KILL'])
    test(
      `a change of the key with ${how} at ${call} ${when} of ${path}: the next start finishes it or takes it back`,
      { skip: noStrace, timeout: 900_000 },
      async () => {
        using place = freshFolder();
        const [data, acks] = [join(place.path, 'data'), join(place.path, 'acks')];
        const first = await open(data);
        const pinned = keyIn(data);
        await first.append(opened('before'));
        await first.close();
        const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:${how}:when=${when}`];
        const child = spawn(
          'strace',
          [
            '-f',
            '-qq',
            '-o',
            '/dev/null',
            ...inject,
            '-P',
            join(data, path),
            process.execPath,
            join(import.meta.dirname, 'testdata', 'writer.ts'),
            data,
            acks,
            'r',
            'rotate',
          ],
          { stdio: 'ignore' },
        );
        await new Promise<void>((resolve) => child.once('exit', () => resolve()));
        const promised = existsSync(acks) ? readFileSync(acks, 'utf8').split('\n').slice(0, -1) : [];
        const ledger = await open(data);
        assert.ok(!existsSync(join(data, next)));
        const ids = new Set<string>();
        let changes = 0;
        for await (const { entry } of ledger.read(0, ledger.size)) {
          if (entry.kind === 'decision') ids.add(entry.id);
          if (entry.kind === 'key.rotated') changes += 1;
        }
        for (const id of promised) assert.ok(ids.has(id), `${id} was acknowledged and is gone`);
        await ledger.append(opened(sessionId('after')));
        await ledger.rotate();
        await ledger.close();
        assert.equal(await verified(data, pinned), changes + 1);
      },
    );
