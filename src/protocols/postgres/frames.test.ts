import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { WireError } from '../../base/errors.ts';
import * as encode from './encode.ts';
import { backendBounds, type Bounds, Frames, frontendBounds } from './frames.ts';
import { frontend } from './messages.ts';

const bounds = frontendBounds(1_048_576);

function message(type: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + body.length);
  bytes[0] = type;
  bytes.writeUInt32BE(4 + body.length, 1);
  bytes.set(body, 5);
  return bytes;
}

/** What the frames of these chunks are, each chunk's memory being overwritten after it was walked. */
function walk(chunks: readonly Uint8Array[], by: Bounds = bounds): string[] {
  const frames = new Frames(by);
  const seen: string[] = [];
  for (const chunk of chunks) {
    const memory = Buffer.from(chunk);
    frames.push(memory);
    while (frames.next()) {
      const raw = frames.bytes.subarray(frames.start, frames.end);
      assert.equal(raw[0], frames.type);
      seen.push(Buffer.from(raw).toString('hex'));
    }
    memory.fill(0xff);
    frames.settle();
  }
  if (frames.unfinished > 0) seen.push(`unfinished ${frames.unfinished}`);
  return seen;
}

const talk = [
  encode.parse('s', 'SELECT $1'),
  encode.bind({ portal: '', statement: 's', values: [Buffer.alloc(40_000, 7)] }),
  encode.sync,
  encode.query('SELECT 1'),
  encode.copyData(Buffer.alloc(300_000, 1)),
  encode.copyDone,
  encode.terminate,
];
const whole = Buffer.concat(talk);
const expected = talk.map((each) => Buffer.from(each).toString('hex'));

test('Frames gives the same messages wherever the bytes are cut', () => {
  const small = Buffer.concat([
    encode.query('SELECT 1'),
    encode.sync,
    encode.parse('a', 'b', [1]),
    encode.sync,
  ]);
  const want = walk([small]);
  assert.equal(want.length, 4);
  for (let a = 0; a <= small.length; a++) {
    assert.deepEqual(walk([small.subarray(0, a), small.subarray(a)]), want);
    for (let b = a; b <= small.length; b += 3) {
      assert.deepEqual(walk([small.subarray(0, a), small.subarray(a, b), small.subarray(b)]), want);
    }
  }
  const bytes = Array.from(small, (_, at) => small.subarray(at, at + 1));
  assert.deepEqual(walk(bytes), want);
});

test('Frames gives the same messages in pieces of any size', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1 }), (sizes) => {
      const chunks: Buffer[] = [];
      for (let at = 0, index = 0; at < whole.length; index++) {
        const size = sizes[index % sizes.length] ?? 1;
        chunks.push(whole.subarray(at, at + size));
        at += size;
        if (chunks.length > 2_000) return;
      }
      assert.deepEqual(walk(chunks), expected);
    }),
    { numRuns: 100 },
  );
});

test('Frames leaves neighbours in one piece, also behind a message that came in two', () => {
  const frames = new Frames(bounds);
  const two = Buffer.concat([encode.query('SELECT 1'), encode.sync, encode.sync]);
  frames.push(two.subarray(0, 5));
  assert.equal(frames.next(), false);
  frames.push(two.subarray(5));
  const starts: number[] = [];
  const { bytes } = frames;
  while (frames.next()) starts.push(frames.start);
  assert.equal(frames.bytes, bytes);
  assert.deepEqual(Buffer.from(bytes.subarray(starts[0], frames.end)), two);
});

test('Frames keeps what was not taken, and gives it as rest', () => {
  const frames = new Frames(bounds);
  const two = Buffer.concat([encode.sync, encode.query('SELECT 1')]);
  frames.push(two);
  assert.ok(frames.next());
  assert.deepEqual(Buffer.from(frames.rest()), two.subarray(5));
  assert.throws(() => frames.push(encode.sync), { code: 'bug' });
  assert.ok(frames.next());
  assert.equal(frames.type, frontend.Query);
});

test('Frames refuses lengths and types that cannot be, from the header alone', () => {
  const header = (type: string, length: number): Buffer => {
    const bytes = Buffer.alloc(5, type);
    bytes.writeUInt32BE(length, 1);
    return bytes;
  };
  for (const [bytes, code] of [
    [header('Q', 0), 'bad-length'],
    [header('Q', 1), 'bad-length'],
    [header('Q', 3), 'bad-length'],
    [header('Q', 4), 'bad-length'],
    [header('Q', 0x7fff_ffff), 'too-large'],
    [header('Q', 0xffff_ffff), 'too-large'],
    [header('Q', 0x8000_0000), 'too-large'],
    [header('Q', 1_048_577), 'too-large'],
    [header('S', 5), 'bad-length'],
    [header('p', 70_000), 'bad-length'],
    [header('!', 4), 'unknown-message'],
    [Buffer.from('!'), 'unknown-message'],
    [Buffer.from([0]), 'unknown-message'],
  ] as const) {
    assert.throws(
      () => walk([bytes]),
      (error) => error instanceof WireError && error.code === code,
      `${bytes.toString('hex')} ${code}`,
    );
  }
  assert.deepEqual(walk([header('Q', 1_048_576)]), ['unfinished 5']);
});

test('Frames holds what has arrived, not what was announced', () => {
  const frames = new Frames(frontendBounds(0x3fff_ffff));
  const held = (): number => process.memoryUsage().arrayBuffers;
  const before = held();
  for (let index = 0; index < 50; index++) {
    const one = new Frames(frontendBounds(0x3fff_ffff));
    const announced = Buffer.from([frontend.CopyData, 0x3f, 0xff, 0xff, 0xff, 1]);
    one.push(announced);
    assert.equal(one.next(), false);
  }
  frames.push(message(frontend.Query, Buffer.from('x\0')));
  assert.ok(held() - before < 20_000_000);
});

test('random bytes end in frames or in a WireError', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }),
      fc.boolean(),
      (chunks, client) => {
        try {
          walk(chunks, client ? bounds : backendBounds(65_536));
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

test('messages that are taken at once are those that are there', () => {
  const [one, two] = [encode.query('SELECT 1'), encode.query('SELECT 22')];
  const frames = new Frames(bounds);
  frames.push(Buffer.concat([one, two, one, two.subarray(0, 7)]));
  assert.ok(frames.next());
  frames.skip(frames.end + two.length);
  assert.ok(frames.next());
  assert.equal(frames.start, one.length + two.length);
  assert.throws(() => frames.skip(frames.start), /not there/);
  assert.throws(() => frames.skip(frames.limit + 1), /not there/);
  assert.equal(frames.next(), false);
  frames.push(two.subarray(7));
  assert.ok(frames.next());
  assert.deepEqual(Buffer.from(frames.bytes.subarray(frames.start, frames.end)), Buffer.from(two));
});
