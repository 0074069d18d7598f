import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { Fault } from '../base/errors.ts';
import { instant, realWorld, type World } from '../base/time.ts';
import type { Subject } from '../core/identity.ts';
import type { FrameKind } from '../core/ports.ts';
import type { ResourceName, Session } from '../core/session.ts';
import { verifyLedger } from '../ledger/index.ts';
import { closed, freshFolder, open, opened, sessionId } from './fake.ts';
import { diskFolder } from './folder.ts';
import type { OpenLedger } from './ledger.ts';
import { type Recordings, recordings, type Replayed } from './recordings.ts';
import { sessionRecords } from './sessions.ts';

function session(name: string): Session {
  return {
    id: sessionId(name),
    identity: {
      kind: 'human',
      subject: 'analyst' as Subject,
      groups: ['analysts'],
      attributes: {},
      proof: { kind: 'token', tokenId: 't', expiresAt: realWorld.now() },
    },
    resource: { name: 'shop' as ResourceName, kind: 'postgres', tags: [], settings: undefined },
    startedAt: realWorld.now(),
    peer: '192.0.2.7:5000',
  };
}

interface Studio extends AsyncDisposable {
  readonly path: string;
  readonly ledger: OpenLedger;
  readonly recordings: Recordings;
  readonly replay: (of: Session) => Promise<Replayed[]>;
}

async function studio(
  path: string,
  store?: (path: string, bytes: Uint8Array) => Promise<void>,
  world: World = realWorld,
): Promise<Studio> {
  const ledger = await open(path);
  const log = (): void => undefined;
  const made = recordings({
    directory: path,
    ledger,
    world,
    log,
    ...(store === undefined ? {} : { store }),
  });
  const records = await sessionRecords(ledger, log);
  return {
    path,
    ledger,
    recordings: made,
    replay: async (of) => {
      const found: Replayed[] = [];
      const recording = await records.recording(of.id);
      assert.ok(recording);
      for await (const each of made.read({ ...recording, startedAt: of.startedAt })) found.push(each);
      return found;
    },
    [Symbol.asyncDispose]: () => ledger.close(),
  };
}

function framesOf(replayed: readonly Replayed[]): [string, Buffer][] {
  return replayed.map((each) =>
    each.kind === 'frame'
      ? [each.frame.kind, Buffer.from(each.frame.bytes)]
      : ['missing', Buffer.from(each.why)],
  );
}

/** Waits until this many frames can be replayed. */
async function shown(room: Studio, of: Session, frames: number): Promise<void> {
  while (framesOf(await room.replay(of)).filter(([kind]) => kind !== 'missing').length < frames)
    await new Promise((resolve) => setTimeout(resolve, 10));
}

function chunksOf(path: string): string[] {
  return readdirSync(`${path}/recordings`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

test('frames of every size come back as they were given, and the ledger has each chunk', async () => {
  using folder = freshFolder();
  await using room = await studio(folder.path);
  const kinds: readonly FrameKind[] = ['statement', 'decision', 'answer', 'ask', 'note'];
  const frames = fc.array(
    fc.tuple(
      fc.constantFrom(...kinds),
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ minLength: 90_000, maxLength: 120_000, size: 'max' }),
      ),
    ),
    { maxLength: 12 },
  );
  let sessions = 0;
  await fc.assert(
    fc.asyncProperty(frames, async (given) => {
      sessions += 1;
      const own = session(`s${sessions}`);
      await room.ledger.append(opened(own.id));
      const recorder = room.recordings.recorder(own);
      for (const [kind, bytes] of given) await recorder.frame(kind, bytes);
      const chunks = await recorder.close();
      assert.equal(chunks > 0, given.length > 0);
      const [header, ...rest] = framesOf(await room.replay(own));
      assert.equal(header?.[0], given.length > 0 ? 'header' : undefined);
      assert.deepEqual(
        rest,
        given.map(([kind, bytes]) => [kind, Buffer.from(bytes)]),
      );
      await room.ledger.append(closed(own.id, 0, chunks));
    }),
    { numRuns: 12 },
  );
  await room.ledger.close();
  assert.ok((await verifyLedger(diskFolder(`${folder.path}/ledger`))).verified);
});

test('a frame longer than a chunk and a flood of frames are bounded, whole and ask the caller to wait', async () => {
  using folder = freshFolder();
  await using room = await studio(folder.path);
  const own = session('s1');
  await room.ledger.append(opened(own.id));
  const recorder = room.recordings.recorder(own);
  const long = Buffer.alloc(5_000_000, 'answer');
  let waited = 0;
  for (let at = 0; at < 8; at++) {
    const wait = recorder.frame('answer', long);
    if (wait !== undefined) waited += 1;
    await wait;
  }
  assert.ok(waited > 0);
  await recorder.close();
  const bytes = Buffer.concat(
    framesOf(await room.replay(own))
      .slice(1)
      .map(([, each]) => each),
  );
  assert.equal(bytes.length, 40_000_000);
  assert.ok(bytes.subarray(0, 5_000_000).equals(long));
});

test('what was recorded stands in no file in clear, and a changed, moved, cut or added chunk is not shown as good', async () => {
  using folder = freshFolder();
  await using room = await studio(folder.path);
  const [one, two] = [session('s1'), session('s2')];
  for (const own of [one, two]) {
    await room.ledger.append(opened(own.id));
    const recorder = room.recordings.recorder(own);
    for (let at = 0; at < 3; at++) {
      await recorder.frame('answer', Buffer.from(`CANARY-ROW ${own.id} ${at} ${'x'.repeat(280_000)}`));
      await shown(room, own, at + 2);
    }
    assert.equal(await recorder.close(), 3);
  }
  const files = chunksOf(folder.path);
  assert.equal(files.length, 6);
  for (const file of files) assert.ok(!readFileSync(file).includes('CANARY'), file);
  const whole = framesOf(await room.replay(one));
  assert.equal(whole.length, 4);
  const [first = '', second = ''] = files;
  const bytes = readFileSync(second);
  for (let at = 0; at < bytes.length; at += 9) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 4;
    writeFileSync(second, changed);
    assert.deepEqual(
      framesOf(await room.replay(one)).map(([kind]) => kind),
      ['header', 'answer', 'missing', 'answer'],
      `${at}`,
    );
  }
  for (const changed of [
    bytes.subarray(0, -1),
    Buffer.alloc(0),
    readFileSync(first),
    readFileSync(files[4] ?? ''),
  ]) {
    writeFileSync(second, changed);
    assert.equal(framesOf(await room.replay(one))[2]?.[0], 'missing');
  }
  rmSync(second);
  assert.equal(framesOf(await room.replay(one))[2]?.[0], 'missing');
  writeFileSync(second, bytes);
  renameSync(first, join(first, '..', '3.chunk'));
  assert.deepEqual(
    framesOf(await room.replay(one)).map(([kind]) => kind),
    ['missing', 'answer', 'answer', 'missing'],
  );
  renameSync(join(first, '..', '3.chunk'), first);
  assert.equal(room.ledger.erase(one.id), 1);
  assert.deepEqual(
    framesOf(await room.replay(one)).map(([kind]) => kind),
    ['missing', 'missing', 'missing'],
  );
  assert.equal(framesOf(await room.replay(two)).length, 4, 'another session keeps its key');
});

test('a session cut off in the middle replays up to its last chunk', async () => {
  using folder = freshFolder();
  const own = session('s1');
  {
    await using room = await studio(folder.path);
    await room.ledger.append(opened(own.id));
    const recorder = room.recordings.recorder(own);
    await recorder.frame('answer', Buffer.alloc(300_000, 'a'));
    await recorder.frame('answer', Buffer.from('never written'));
    await shown(room, own, 2);
  }
  appendFileSync(join(chunksOf(folder.path)[0] ?? '', '..', '1.chunk'), 'half a chu');
  await using room = await studio(folder.path);
  assert.deepEqual(
    framesOf(await room.replay(own)).map(([kind, bytes]) => [kind, kind === 'answer' ? bytes.length : 0]),
    [
      ['header', 0],
      ['answer', 300_000],
      ['missing', 0],
    ],
  );
});

test('a disk that fails stops the recording, wakes who waits, and every later frame', async () => {
  using folder = freshFolder();
  // Chunks are packed side by side: the third may be stored after those behind it.
  await using room = await studio(folder.path, async (path) => {
    if (!path.endsWith('/2.chunk')) return;
    await sleep(10);
    throw Object.assign(new Error('full'), { code: 'ENOSPC' });
  });
  const own = session('s1');
  await room.ledger.append(opened(own.id));
  const recorder = room.recordings.recorder(own);
  const isFault = (thrown: unknown): boolean => thrown instanceof Fault && thrown.code === 'recorder';
  await assert.rejects(async () => {
    for (let at = 0; at < 100; at++) await recorder.frame('answer', Buffer.alloc(1_000_000));
  }, isFault);
  assert.throws(() => recorder.frame('note', Buffer.of(1)), isFault);
  await assert.rejects(recorder.close(), isFault);
  const said: string[] = [];
  for await (const { entry } of room.ledger.read(0, room.ledger.size)) {
    if (entry.kind === 'recording.chunk') said.push(`chunk ${entry.chunk}`);
    if (entry.kind === 'recording.gap')
      said.push(`${entry.session} ${entry.chunk} ${entry.bytes > 0} ${entry.why}`);
  }
  assert.deepEqual(said, ['chunk 0', 'chunk 1', 's1 2 true ENOSPC'], 'the ledger says what is lost, once');
});

test('a disk that cannot be written, whatever the reason, is a fault with its code', async () => {
  for (const code of ['EIO', 'EROFS', 'EACCES', 'ENOSPC']) {
    using folder = freshFolder();
    await using room = await studio(folder.path, () =>
      Promise.reject(Object.assign(new Error('no'), { code })),
    );
    const own = session('s1');
    await room.ledger.append(opened(own.id));
    const recorder = room.recordings.recorder(own);
    await recorder.frame('note', Buffer.from('lost'));
    await assert.rejects(recorder.close(), new RegExp(code));
  }
});

test('a clock that jumps back puts no frame before another', async () => {
  using folder = freshFolder();
  let now = realWorld.now() as number;
  await using room = await studio(folder.path, undefined, { ...realWorld, now: () => instant(now) });
  const own = session('s1');
  await room.ledger.append(opened(own.id));
  const recorder = room.recordings.recorder(own);
  for (const jump of [500, 1_000, -3_600_000, 10]) {
    now += jump;
    await recorder.frame('note', Buffer.from(String(jump)));
  }
  await recorder.close();
  const at = (await room.replay(own)).map((each) => (each.kind === 'frame' ? each.frame.at : -1));
  assert.equal(at.length, 5);
  assert.deepEqual(
    at,
    at.toSorted((a, b) => a - b),
  );
});

test('frames come back with the statement that each belongs to, however they are mixed', async () => {
  using folder = freshFolder();
  await using room = await studio(folder.path);
  const own = session('s1');
  await room.ledger.append(opened(own.id));
  const recorder = room.recordings.recorder(own);
  const wanted: [string, string][] = [];
  for (let at = 0; at < 400; at++) {
    const of = ['', 's1.1', 's1.2'][(at * 7) % 3] ?? '';
    wanted.push([of, String(at)]);
    await recorder.frame('answer', Buffer.from(String(at).padEnd(5_000)), of);
  }
  await recorder.close();
  const seen: [string, string][] = [];
  let [turn, chunk] = ['', -1];
  for (const each of await room.replay(own)) {
    assert.ok(each.kind === 'frame');
    if (each.chunk !== chunk) turn = '';
    chunk = each.chunk;
    const text = Buffer.from(each.frame.bytes).toString().trim();
    if (each.frame.kind === 'turn') turn = text;
    if (each.frame.kind === 'answer') seen.push([turn, text]);
  }
  assert.ok(chunk > 0, 'in more than one chunk');
  assert.deepEqual(seen, wanted);
});

test('who watches sees what was, what waits and what comes, each once; who stops holds nothing', async () => {
  using folder = freshFolder();
  await using room = await studio(folder.path);
  const own = session('s1');
  await room.ledger.append(opened(own.id));
  const recorder = room.recordings.recorder(own);
  const records = await sessionRecords(room.ledger, () => undefined);
  const of = await records.recording(own.id);
  assert.ok(of);
  await recorder.frame('note', Buffer.alloc(300_000, '1')); // a chunk of its own
  await recorder.frame('note', Buffer.from('2'));
  const stop = new AbortController();
  const followed = room.recordings.follow(of, stop.signal);
  assert.ok(followed);
  const seen: string[] = [];
  const watching = (async () => {
    for await (const each of followed)
      if (each.kind === 'frame' && each.frame.kind === 'note')
        seen.push(String.fromCharCode(each.frame.bytes[0] ?? 0));
  })();
  while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await recorder.frame('note', Buffer.from('3'));
  while (seen.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();
  await watching;
  await recorder.frame('note', Buffer.from('4'));
  await recorder.close();
  assert.deepEqual(seen, ['1', '2', '3']);
  assert.equal(room.recordings.follow(of, stop.signal), undefined, 'a session that is over is not followed');
});

// SALLYPORT_RECORD_BYTES=10737418240 for the ten gigabytes of the promise.
test('a long session is recorded whole in flat memory', async () => {
  using folder = freshFolder();
  const total = Number(process.env['SALLYPORT_RECORD_BYTES'] ?? '150000000');
  let stored = 0;
  await using room = await studio(folder.path, (_path, bytes) => {
    stored += bytes.length;
    return new Promise((resolve) => setImmediate(resolve));
  });
  const own = session('s1');
  await room.ledger.append(opened(own.id));
  const recorder = room.recordings.recorder(own);
  const row = Buffer.alloc(65_536, 'a row of an answer, ');
  let most = 0;
  for (let sent = 0; sent < total; sent += row.length) {
    row.writeUInt32BE(sent % 2 ** 32, 0);
    await recorder.frame('answer', row);
    if (sent % 2 ** 22 === 0)
      most = Math.max(most, process.memoryUsage().external + process.memoryUsage().arrayBuffers);
  }
  const chunks = await recorder.close();
  const frames = { count: 0 };
  for await (const { entry } of room.ledger.read(0, room.ledger.size))
    if (entry.kind === 'recording.chunk') frames.count += entry.frames;
  assert.equal(frames.count, Math.ceil(total / row.length) + 1, 'every frame and the header');
  assert.ok(chunks > 50 && stored > 0);
  assert.ok(most < 150_000_000, `${most} bytes were held`);
});
