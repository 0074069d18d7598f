import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../base/errors.ts';
import type { Entry } from '../core/entry.ts';
import {
  type KeptHead,
  parseVerifierKey,
  type Report,
  type Stored,
  verifyLedger,
  type VerifyOptions,
} from '../ledger/index.ts';
import { closed, copyLive, decided, ended, freshFolder, open, opened, sessionId, talk } from './fake.ts';
import { diskFolder } from './folder.ts';
import { openLedger } from './ledger.ts';
import { type Files, realFiles } from './files.ts';
import { readFrame, scanWal, segmentBytes, segmentHead, segmentName } from './wal.ts';
import { ledgerParts } from './fake.ts';

function verify(folder: string, options: VerifyOptions = {}): Promise<Report> {
  return verifyLedger(diskFolder(`${folder}/ledger`), options);
}

async function all(entries: AsyncIterable<Stored>): Promise<Stored[]> {
  const found: Stored[] = [];
  for await (const each of entries) found.push(each);
  return found;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function keptAs(text: string): readonly KeptHead[] {
  return [{ text, where: '--checkpoint', elsewhere: true }];
}

const isFault = (thrown: unknown): boolean => thrown instanceof Fault && thrown.code === 'ledger';

test('an empty ledger has a signed head and verifies', async () => {
  using folder = freshFolder();
  const ledger = await open(folder.path);
  await ledger.close();
  const report = await verify(folder.path);
  assert.deepEqual([report.verified, report.size, report.anchoredTo], [true, 0, null]);
});

test('entries come back as they were appended, in order, live and after a restart', async () => {
  using folder = freshFolder();
  const entries: Entry[] = [
    { kind: 'gateway.started', at: opened('s').at, version: '1', policy: 'abc' },
    opened('s1'),
    decided('s1', 1, 'SELECT 1 /* ünï \u0000 \ud800 "quoted" */'),
    {
      kind: 'sign-in.refused',
      at: opened('s').at,
      resource: 'shop',
      peer: '192.0.2.1:7',
      why: 'No',
      subject: 'eve',
    },
    ended('s1', 1, 1),
    closed('s1', 1),
  ];
  const ledger = await open(folder.path);
  await Promise.all(entries.map(ledger.append));
  assert.equal(ledger.size, entries.length);
  const live = await all(ledger.read(0, 100));
  assert.deepEqual(
    live.map(({ entry }) => entry),
    entries,
  );
  assert.deepEqual(
    live.map(({ seal }) => seal),
    ['none', 'opened', 'opened', 'opened', 'none', 'none'],
  );
  await ledger.close();
  const again = await open(folder.path);
  assert.equal(again.size, entries.length);
  assert.deepEqual(
    (await all(again.read(2, 4))).map(({ entry }) => entry),
    entries.slice(2, 4),
  );
  await again.append(opened('s2'));
  await again.close();
  const report = await verify(folder.path);
  assert.ok(report.verified, JSON.stringify(report.problems));
  assert.equal(report.size, entries.length + 1);
  assert.deepEqual(report.sessions, {
    opened: 2,
    closed: 1,
    abandoned: 0,
    unclosed: ['s2'],
    unclosedCount: 1,
    withoutOutcome: 0,
  });
});

test('a ledger of several bundles and levels verifies, pinned and against an earlier head', async () => {
  using folder = freshFolder();
  const ledger = await open(folder.path);
  await talk(ledger, 's1', 300);
  await all(ledger.read(0, 1));
  await talk(ledger, 's2', 700);
  await ledger.close();
  const early = readFileSync(`${folder.path}/ledger/checkpoint`, 'utf8');
  const again = await open(folder.path);
  await talk(again, 's3', 1_500);
  await again.close();
  const key = parseVerifierKey(readFileSync(`${folder.path}/ledger/key.pub`, 'utf8'));
  assert.ok(key.ok);
  const report = await verify(folder.path, { pinned: key.value, kept: keptAs(early) });
  assert.ok(report.verified, JSON.stringify(report));
  assert.deepEqual(
    [
      report.size,
      report.anchoredTo,
      report.unanchored,
      report.signer?.trust,
      report.unsigned,
      report.unproven,
    ],
    [2_509, 1_006, 1_503, 'pinned', 0, []],
  );
  const stranger = freshFolder();
  const other = await open(stranger.path);
  await talk(other, 's1', 1_003);
  await other.close();
  const foreign = parseVerifierKey(readFileSync(`${stranger.path}/ledger/key.pub`, 'utf8'));
  assert.ok(foreign.ok);
  assert.equal((await verify(folder.path, { pinned: foreign.value })).verified, false, 'another key');
  const theirs = readFileSync(`${stranger.path}/ledger/checkpoint`, 'utf8');
  assert.equal(
    (await verify(folder.path, { kept: keptAs(theirs) })).verified,
    false,
    'a head of another ledger',
  );
  const late = readFileSync(`${folder.path}/ledger/checkpoint`, 'utf8');
  cpSync(`${folder.path}/ledger`, `${stranger.path}/old`, { recursive: true });
  stranger[Symbol.dispose]();
  assert.equal(
    (await verify(folder.path, { kept: keptAs(late.replace('2509', '2508')) })).verified,
    false,
    'a changed head',
  );
});

test('a rolled-back copy and a forked ledger fall to a kept head', async () => {
  using folder = freshFolder();
  using fork = freshFolder();
  const ledger = await open(folder.path);
  await talk(ledger, 's1', 50);
  await ledger.close();
  cpSync(folder.path, fork.path, { recursive: true });
  for (const [at, name] of [
    [folder, 'mine'],
    [fork, 'theirs'],
  ] as const) {
    const more = await open(at.path);
    await talk(more, name, 20);
    await more.close();
  }
  const kept = readFileSync(`${folder.path}/ledger/checkpoint`, 'utf8');
  assert.equal((await verify(folder.path, { kept: keptAs(kept) })).verified, true);
  const forked = await verify(fork.path, { kept: keptAs(kept) });
  assert.equal(forked.verified, false);
  assert.match(forked.problems.map(({ what }) => what).join(), /forked/);
  assert.equal((await verify(fork.path)).verified, true, 'only the kept head tells');
});

test('every change to every file of a ledger is noticed', async () => {
  using folder = freshFolder();
  const ledger = await open(folder.path);
  await talk(ledger, 's1', 255);
  await all(ledger.read(0, 1));
  await talk(ledger, 's2', 20);
  await ledger.close();
  const root = `${folder.path}/ledger`;
  const files = filesBelow(root);
  assert.ok(files.length >= 7 && (await verify(folder.path)).verified);
  const bad = async (what: string): Promise<void> => {
    const report = await verify(folder.path);
    assert.ok(!report.verified, what);
    assert.ok(report.problemCount > 0, what);
  };
  for (const file of files) {
    const bytes = readFileSync(file);
    for (let at = 0; at < bytes.length; at += bytes.length > 400 ? Math.ceil(bytes.length / 17) : 5) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(file, flipped);
      await bad(`flip of byte ${at} of ${file}`);
    }
    for (const [what, changed] of [
      ['cut', bytes.subarray(0, -1)],
      ['half', bytes.subarray(0, bytes.length / 2)],
      ['empty', Buffer.alloc(0)],
      ['longer', Buffer.concat([bytes, Buffer.of(0)])],
      ['twice', Buffer.concat([bytes, bytes])],
    ] as const) {
      writeFileSync(file, changed);
      await bad(`${what} ${file}`);
    }
    rmSync(file);
    await bad(`removal of ${file}`);
    writeFileSync(file, bytes);
    for (const name of [
      `${file}.bak`,
      file.replace(/\d{3}(?=$|\.p)/, '900'),
      file.replace(/\d{3}(?=$|\.p)/, '003'),
    ]) {
      if (existsSync(name)) continue;
      mkdirSync(join(name, '..'), { recursive: true });
      writeFileSync(name, bytes);
      await bad(`copy of ${file} as ${name}`);
      rmSync(name);
    }
  }
  for (const [a, b] of files.flatMap((a, at) => files.slice(at + 1).map((b) => [a, b] as const))) {
    const [left, right] = [readFileSync(a), readFileSync(b)];
    writeFileSync(a, right);
    writeFileSync(b, left);
    await bad(`swap of ${a} and ${b}`);
    writeFileSync(a, left);
    writeFileSync(b, right);
  }
  assert.ok((await verify(folder.path)).verified, 'all was put back');
});

test('entries that were never appended show as gaps', async () => {
  using folder = freshFolder();
  const ledger = await open(folder.path);
  await Promise.all([
    ledger.append(opened('s1')),
    ledger.append(decided('s1', 1, 'a')),
    ledger.append(decided('s1', 3, 'c')),
    ledger.append(closed('s1', 4, 2)),
    ledger.append(decided('s9', 1, 'a')),
  ]);
  await ledger.close();
  const report = await verify(folder.path);
  assert.equal(report.verified, false);
  assert.deepEqual(
    report.gaps.map(({ index, session }) => [index, session]),
    [
      [2, 's1'],
      [3, 's1'],
      [3, 's1'],
      [4, 's9'],
    ],
  );
});

test('an oversized text is cut in the entry and says so', async () => {
  using folder = freshFolder();
  const ledger = await open(folder.path);
  const text = `SELECT '${'x€\u{1F600}'.repeat(30_000)}'`;
  const targets = Array.from({ length: 2_000 }, (_, at) => ({
    kind: 'table',
    name: `public.t${at}`,
    access: 'read' as const,
  }));
  await Promise.all([
    ledger.append(opened('s1')),
    ledger.append(decided('s1', 1, text, { targets })),
    ledger.append(closed('s1', 1)),
  ]);
  const [, stored] = await all(ledger.read(0, 3));
  assert.equal(stored?.cut?.bytes, Buffer.byteLength(text));
  assert.ok(stored?.entry.kind === 'decision' && text.startsWith(stored.entry.sealed.text));
  assert.ok(stored.entry.sealed.text.length > 5_000);
  await ledger.close();
  const report = await verify(folder.path);
  assert.ok(report.verified, JSON.stringify(report.problems));
});

test('what is sealed stands in no file, and stays provable after its key is destroyed', async () => {
  using folder = freshFolder();
  const canaries = [
    'CANARY-TEXT-4711',
    'CANARY-PEER-4712',
    'cafe4713'.repeat(8),
    'CANARY-CLIENT',
    'CANARY-RUN',
    'CANARY-EVE',
  ];
  const [text = '', peer = '', values = '', client = '', run = '', subject = ''] = canaries;
  const ledger = await open(folder.path);
  await Promise.all([
    ledger.append({ ...opened('s1', peer), client, run } as Entry),
    ledger.append(decided('s1', 1, text, { sealed: { text, values } })),
    ledger.append({
      kind: 'sign-in.refused',
      at: opened('s').at,
      resource: 'shop',
      peer,
      why: 'No',
      subject,
    }),
    ledger.append(closed('s1', 1)),
  ]);
  const look = (): void => {
    const files = filesBelow(folder.path);
    assert.ok(files.length > 6);
    for (const file of files)
      for (const canary of canaries) assert.ok(!readFileSync(file).includes(canary), `${canary} in ${file}`);
  };
  look();
  const seen = JSON.stringify((await all(ledger.read(0, 4))).map(({ entry }) => entry));
  for (const canary of canaries) assert.ok(seen.includes(canary), `${canary} can be read with the keys`);
  await ledger.close();
  look();
  const again = await open(folder.path);
  assert.equal(again.erase(sessionId('s1')), 1);
  const after = await all(again.read(0, 4));
  assert.deepEqual(
    after.map(({ seal }) => seal),
    ['shut', 'shut', 'opened', 'none'],
  );
  await again.close();
  assert.ok((await verify(folder.path)).verified);
});

test('two gateways cannot have one folder', async () => {
  using folder = freshFolder();
  const ledger = await open(folder.path);
  await assert.rejects(open(folder.path), isFault);
  await ledger.close();
  await (await open(folder.path)).close();
});

test('a ledger that does not fit its keys, its head or its log is not continued', async () => {
  using folder = freshFolder();
  const ledger = await open(folder.path);
  await talk(ledger, 's1', 300);
  await ledger.close();
  using spare = freshFolder();
  cpSync(folder.path, spare.path, { recursive: true });
  const restore = (): void => {
    rmSync(folder.path, { recursive: true });
    cpSync(spare.path, folder.path, { recursive: true });
  };
  const change: Readonly<Record<string, (path: string) => void>> = {
    'the private key is gone': (path) => rmSync(`${path}/keys/ledger.key`),
    'the public key is gone': (path) => rmSync(`${path}/ledger/key.pub`),
    'the master key is gone': (path) => rmSync(`${path}/keys/master.key`),
    'the head is damaged': (path) => writeFileSync(`${path}/ledger/checkpoint`, 'x'),
    'the head is another size': (path) =>
      writeFileSync(
        `${path}/ledger/checkpoint`,
        readFileSync(`${path}/ledger/checkpoint`, 'utf8').replace('\n303\n', '\n302\n'),
      ),
    'a tile is gone': (path) => rmSync(`${path}/ledger/tile/1`, { recursive: true }),
    'the first segment is gone and a later one is there': (path) => {
      const wal = filesBelow(`${path}/wal`).find((name) => name.endsWith('.wal')) ?? assert.fail();
      const bytes = readFileSync(wal);
      bytes.writeBigUInt64LE(400n, 8);
      rmSync(wal);
      writeFileSync(`${path}/wal/0000000000000400.wal`, bytes);
    },
  };
  for (const [what, how] of Object.entries(change)) {
    how(folder.path);
    await assert.rejects(open(folder.path), isFault, what);
    restore();
  }
  const good = await open(folder.path);
  assert.equal(good.size, 303);
  await good.close();
});

/** Closes nothing: what a power cut would leave, of a ledger that had committed but not yet published. */
async function unpublished(
  path: string,
  session: string = 's1',
): Promise<{ readonly wal: string; readonly bytes: Buffer; readonly size: number }> {
  const world = { ...ledgerParts(path).world, after: () => ({ [Symbol.dispose]: () => undefined }) };
  const ledger = await openLedger(ledgerParts(path, { world }));
  await ledger.append(opened(session));
  for (let at = 1; at <= 5; at++) await ledger.append(decided(session, at, `SELECT ${at}`));
  const { size } = ledger;
  const wal = filesBelow(`${path}/wal`).find((name) => name.endsWith('.wal')) ?? assert.fail();
  const bytes = readFileSync(wal).subarray(0, 8_000); // the rest is zeros
  const kept = `${path}.kept`;
  cpSync(path, kept, { recursive: true, filter: (name) => !name.includes('/wal/lock') });
  await ledger.close();
  rmSync(path, { recursive: true });
  renameSync(kept, path);
  return { wal, bytes, size };
}

/** A disk with one segment that holds these bytes. */
function holding(bytes: Buffer): Files {
  return { ...realFiles, list: () => [segmentName(0)], read: () => bytes };
}

test('a log torn at any byte of its last frame loses that entry at most', async () => {
  using folder = freshFolder();
  const { wal, bytes } = await unpublished(folder.path);
  const ends: number[] = [segmentHead];
  for (let at = segmentHead; ;) {
    const frame = readFrame(bytes, at);
    if (frame === undefined) break;
    at = frame.end;
    ends.push(at);
  }
  assert.equal(ends.length, 7);
  const [from = 0, to = 0] = ends.slice(-2);
  for (let at = from; at < to; at++) {
    for (const fill of ['zero', 'other'] as const) {
      const torn = Buffer.from(bytes);
      torn.fill(fill === 'zero' ? 0 : 0xa5, at, to);
      if (torn.equals(bytes)) continue;
      const state = scanWal(holding(torn), 'wal');
      assert.ok(state.kind === 'found', `${fill} from ${at}`);
      assert.deepEqual([state.end.next, state.end.offset], [5, from]);
    }
    const cut = scanWal(holding(bytes.subarray(0, at)), 'wal');
    assert.ok(cut.kind === 'found' && cut.end.next === 5);
  }
  for (let at = segmentHead; at < from; at += 7) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    assert.equal(scanWal(holding(damaged), 'wal').kind, 'damaged', `byte ${at}`);
  }
  const torn = Buffer.from(bytes);
  torn.fill(0, from + 30, to);
  writeFileSync(wal, torn);
  const ledger = await open(folder.path);
  assert.equal(ledger.size, 5);
  await ledger.append(decided('s1', 5, 'again'));
  await ledger.close();
  const report = await verify(folder.path);
  assert.ok(report.verified, JSON.stringify(report));
  assert.equal(report.size, 6);
});

test('a segment that was made ready and never written is let go', async () => {
  using folder = freshFolder();
  for (let round = 1; round <= 3; round++) {
    const { size } = await unpublished(`${folder.path}/data`, `s${round}`);
    writeFileSync(`${folder.path}/data/wal/${segmentName(size)}`, Buffer.alloc(segmentBytes));
  }
  const ledger = await open(`${folder.path}/data`);
  assert.equal(ledger.size, 18);
  await ledger.close();
  assert.ok((await verify(`${folder.path}/data`)).verified);
});

test('a log lost behind published entries is not continued', async () => {
  using folder = freshFolder();
  const ledger = await open(folder.path);
  await talk(ledger, 's1', 3);
  await all(ledger.read(0, 5));
  using copy = freshFolder();
  cpSync(folder.path, copy.path, { recursive: true, filter: (name) => !name.includes('/wal/') });
  await ledger.close();
  await assert.rejects(open(copy.path), /write-ahead log/);
});

test('the log goes on through several segments and recycles them', async () => {
  using folder = freshFolder();
  const ledger = await open(folder.path);
  const text = 'x'.repeat(20_000);
  await ledger.append(opened('s1'));
  const count = Math.ceil((segmentBytes * 3.5) / 27_000);
  for (let at = 1; at <= count; at += 50) {
    const some = Array.from({ length: Math.min(50, count + 1 - at) }, (_, each) =>
      decided('s1', at + each, text),
    );
    await Promise.all(some.map(ledger.append));
    if (at % 200 === 1) await all(ledger.read(at, at + 1));
  }
  await ledger.append(closed('s1', count));
  await ledger.close();
  const again = await open(folder.path);
  await talk(again, 's2', 3);
  await again.close();
  const report = await verify(folder.path);
  assert.ok(report.verified, JSON.stringify(report.problems));
  assert.equal(report.size, count + 8);
  assert.ok(readdirSync(`${folder.path}/wal`).filter((name) => name.endsWith('.wal')).length <= 2);
});

test('a copy taken file by file under load verifies', async () => {
  using folder = freshFolder();
  const ledger = await open(folder.path);
  const load = { runs: true };
  const loading = (async () => {
    for (let session = 0; load.runs; session++) {
      await talk(ledger, `s${session}`, 40);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  })();
  using copy = freshFolder();
  for (let round = 0; round < 20; round++) {
    await new Promise((resolve) => setTimeout(resolve, 130));
    copyLive(`${folder.path}/ledger`, `${copy.path}/ledger`);
    const report = await verify(copy.path);
    assert.ok(report.verified, `round ${round}: ${JSON.stringify(report.problems)}`);
    rmSync(`${copy.path}/ledger`, { recursive: true });
  }
  load.runs = false;
  await loading;
  await ledger.close();
});

function linesOf(path: string): number {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
}

test('kill -9 under load loses no acknowledged entry', { timeout: 900_000 }, async () => {
  using folder = freshFolder();
  const acks = `${folder.path}.acks`;
  let acked = 0;
  for (let round = 0; round < 4; round++) {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'testdata', 'writer.ts'), folder.path, acks, `r${round}`],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const before = linesOf(acks);
    while (linesOf(acks) < before + 300) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, round * 131)); // a cycle of publishing falls into some rounds
    child.kill('SIGKILL');
    await exited;
    const ledger = await open(folder.path);
    const ids = new Set(
      (await all(ledger.read(0, ledger.size))).map(({ entry }) =>
        entry.kind === 'decision' ? entry.id : '',
      ),
    );
    const promised = existsSync(acks) ? readFileSync(acks, 'utf8').split('\n').slice(0, -1) : [];
    for (const id of promised) assert.ok(ids.has(id as never), `${id} was acknowledged and is gone`);
    acked = promised.length;
    await ledger.close();
    const report = await verify(folder.path);
    assert.ok(report.verified, JSON.stringify(report));
  }
  rmSync(acks, { force: true });
  assert.ok(acked > 100, `only ${acked} entries were acknowledged: the test would pass on nothing`);
});

for (const operation of ['write', 'create', 'rename', 'openDurable'] as const) {
  test(`a disk that fails at ${operation} stops the ledger for good, and loses nothing`, async () => {
    using folder = freshFolder();
    process.env['SALLYPORT_TEST_FAIL'] = `${operation}:12`;
    let told = 0;
    const commit = new URL('./testdata/faulty-commit-worker.ts', import.meta.url);
    const ledger = await open(folder.path, { threads: { commit }, failed: () => (told += 1) });
    delete process.env['SALLYPORT_TEST_FAIL'];
    const text = 'x'.repeat(25_000);
    let acknowledged = 0;
    let failed = 0;
    for (let at = 0; at < 3_000 && failed === 0; at++) {
      const some = [1, 2, 3, 4, 5, 6].map((each) => ledger.append(opened(`s${at}.${each}`, text)));
      for (const { status } of await Promise.allSettled(some))
        if (status === 'fulfilled') acknowledged += 1;
        else failed += 1;
    }
    assert.ok(failed > 0 && told === 1, `${acknowledged} acknowledged`);
    for (let at = 0; at < 3; at++) await assert.rejects(ledger.append(opened('late')), isFault);
    await assert.rejects(ledger.close(), isFault);
    const again = await open(folder.path);
    assert.ok(again.size >= acknowledged, `${again.size} of ${acknowledged}`);
    await again.append(opened('after'));
    await again.close();
    assert.ok((await verify(folder.path)).verified);
  });
}
