import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../base/errors.ts';
import { verifyLedger } from '../ledger/index.ts';
import { freshFolder, open, opened } from './fake.ts';
import { diskFolder } from './folder.ts';

// The real writer under a disk that fails: system calls through strace, a full and a read-only file system through tmpfs.

const isFault = (thrown: unknown): boolean => thrown instanceof Fault && thrown.code === 'ledger';
const hasStrace = spawnSync('strace', ['-V']).status === 0;
const noStrace = hasStrace ? false : 'strace is not installed';
const noMount =
  process.platform === 'linux' && process.getuid?.() === 0
    ? false
    : 'only root can mount a small file system';

interface Injection {
  readonly what: string;
  readonly call: string;
  /** Below the data folder: only calls on these are touched. */
  readonly paths: readonly string[];
  readonly inject: string;
}

const wal = ['wal/0000000000000000.wal'];
const temporary = Array.from({ length: 60 }, (_, at) => `tmp/${at + 1}`);

const injections: readonly Injection[] = [
  { what: 'EIO in the log', call: 'pwrite64', paths: wal, inject: 'error=EIO:when=9+' },
  { what: 'EIO in the log, once', call: 'pwrite64', paths: wal, inject: 'error=EIO:when=9' },
  { what: 'no space in the log', call: 'pwrite64', paths: wal, inject: 'error=ENOSPC:when=20+' },
  {
    what: 'a log that became read-only',
    call: 'pwrite64',
    paths: wal,
    inject: 'error=EROFS:when=5+',
  },
  {
    what: 'kill at a write of the log',
    call: 'pwrite64',
    paths: wal,
    inject: 'signal=KILL:when=30',
  },
  {
    what: 'EIO at every sync of what is published',
    call: 'fsync',
    paths: temporary,
    inject: 'error=EIO:when=4+',
  },
  {
    what: 'EIO at the fourth sync of each thread of what is published',
    call: 'fsync',
    paths: temporary,
    inject: 'error=EIO:when=4',
  },
  {
    what: 'no space for one file that is published',
    call: 'write,pwrite64',
    paths: temporary,
    inject: 'error=ENOSPC:when=5',
  },
];

for (const { what, call, paths, inject } of injections) {
  test(
    `${what}: nothing acknowledged is lost, and the next start recovers by itself`,
    { skip: noStrace, timeout: 900_000 },
    async () => {
      using place = freshFolder();
      const [data, acks] = [join(place.path, 'data'), join(place.path, 'acks')];
      const child = spawn(
        'strace',
        [
          '-f',
          '-qq',
          '-o',
          '/dev/null',
          '-e',
          `trace=${call}`,
          '-e',
          `inject=${call}:${inject}`,
          ...paths.flatMap((path) => ['-P', join(data, path)]),
          process.execPath,
          join(import.meta.dirname, 'testdata', 'writer.ts'),
          data,
          acks,
          'r',
        ],
        { stdio: 'ignore' },
      );
      const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      await exited;
      const promised = existsSync(acks) ? readFileSync(acks, 'utf8').split('\n').slice(0, -1) : [];
      const ledger = await open(data);
      const ids = new Set<string>();
      for await (const { entry } of ledger.read(0, ledger.size))
        if (entry.kind === 'decision') ids.add(entry.id);
      for (const id of promised) assert.ok(ids.has(id), `${id} was acknowledged and is gone`);
      await ledger.append(opened('after'));
      await ledger.close();
      const report = await verifyLedger(diskFolder(join(data, 'ledger')));
      assert.ok(report.verified, JSON.stringify(report.problems));
    },
  );
}

function small(path: string, megabytes: number): Disposable {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', path]);
  return { [Symbol.dispose]: () => void spawnSync('umount', ['-l', path]) };
}

test(
  'a full disk stops the ledger, refuses everything after, loses nothing, and is over with space',
  { skip: noMount, timeout: 900_000 },
  async () => {
    using place = freshFolder();
    const data = join(place.path, 'small');
    using _mounted = small(data, 24);
    writeFileSync(join(data, 'filler'), Buffer.alloc(10 * 1_048_576));
    let told = 0;
    const ledger = await open(data, { failed: () => (told += 1) });
    const text = 'x'.repeat(25_000);
    let acknowledged = 0;
    let refused = 0;
    for (let at = 0; at < 5_000 && refused === 0; at++)
      for (const { status } of await Promise.allSettled(
        [1, 2, 3].map((each) => ledger.append(opened(`s${at}.${each}`, text))),
      ))
        if (status === 'fulfilled') acknowledged += 1;
        else refused += 1;
    assert.ok(refused > 0 && acknowledged > 0 && told === 1);
    await assert.rejects(ledger.append(opened('late')), isFault);
    await assert.rejects(ledger.close(), isFault);
    // How much was published by then is chance, and so is what the rest takes: there is room for all of it.
    rmSync(join(data, 'filler'));
    execFileSync('mount', ['-o', 'remount,size=100m', data]);
    const again = await open(data);
    assert.ok(again.size >= acknowledged, `${again.size} of ${acknowledged}`);
    await again.append(opened('after'));
    await again.close();
    const report = await verifyLedger(diskFolder(join(data, 'ledger')));
    assert.ok(report.verified, JSON.stringify(report.problems));
  },
);

test('a read-only disk refuses the start with its reason, and takes no harm', { skip: noMount }, async () => {
  using place = freshFolder();
  const data = join(place.path, 'small');
  using _mounted = small(data, 24);
  const ledger = await open(data);
  await ledger.append(opened('s1'));
  await ledger.close();
  execFileSync('mount', ['-o', 'remount,ro', data]);
  await assert.rejects(
    open(data),
    (thrown) => isFault(thrown) && thrown instanceof Error && thrown.message.length > 20,
  );
  execFileSync('mount', ['-o', 'remount,rw', data]);
  const again = await open(data);
  assert.equal(again.size, 1);
  await again.close();
});
