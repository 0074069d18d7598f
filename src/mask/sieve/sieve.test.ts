import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import makeWabt from 'wabt';
import { otherDigits, texts } from './fake.ts';
import { mayContainNoted, rowSieve } from '../gate.ts';
import { scan } from '../scan.ts';
import { longestShape, proofs } from '../shapes.ts';
import { packedCode } from './code.ts';
import { mostRowBytes, mostSiftedColumns, newSieve, type Sieve, wants } from './sieve.ts';

type Value = string | Uint8Array | null;

/** Values, each behind its Int32 length, with bytes around them that are none of theirs. */
function row(values: readonly Value[]): {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
} {
  const parts = values.flatMap((value) => {
    const head = Buffer.alloc(4);
    if (value === null) {
      head.writeInt32BE(-1);
      return [head];
    }
    const bytes = Buffer.from(value as Uint8Array);
    head.writeInt32BE(bytes.length);
    return [head, bytes];
  });
  const inside = Buffer.concat(parts);
  return {
    bytes: Buffer.concat([Buffer.from('7@='), inside, Buffer.from('=@7')]),
    start: 3,
    end: 3 + inside.length,
  };
}

interface Noted {
  readonly column: number;
  readonly at: number;
  readonly length: number;
  readonly why: number;
}

function sifted(sieve: Sieve, values: readonly Value[], todo: number = wants.gate): readonly Noted[] {
  const { bytes, start, end } = row(values);
  sieve.columns.fill(todo);
  return notesOf(sieve, sieve.sift(bytes, start, end, values.length));
}

function notesOf({ notes }: Sieve, count: number): readonly Noted[] {
  assert.ok(count >= 0);
  return Array.from({ length: count }, (_, index) => {
    const [column = -1, at = -1, length = -1, why = -1] = notes.subarray(4 * index, 4 * index + 4);
    return { column, at, length, why };
  });
}

function made(): Sieve {
  const sieve = newSieve();
  assert.ok(sieve !== undefined);
  return sieve;
}

function isNoted(sieve: Sieve, value: string): boolean {
  return sifted(sieve, [value]).length > 0;
}

suite('sieve', () => {
  test('the code is what its text says', async () => {
    const wabt = await makeWabt();
    const text = readFileSync(join(import.meta.dirname, 'sieve.wat'), 'utf8');
    const parsed = wabt.parseWat('sieve.wat', text);
    const code = Buffer.from(parsed.toBinary({}).buffer).toString('base64');
    if (process.env['SALLYPORT_WRITE_CODE'] === '1') {
      const head =
        '/** What sieve.wat says, as code in Base64: made by sieve.test.ts. */\nexport const packedCode: string =';
      writeFileSync(join(import.meta.dirname, 'code.ts'), `${head}\n  '${code}';\n`);
    } else assert.equal(packedCode, code, 'SALLYPORT_WRITE_CODE=1 writes it');
  });

  test('what is noted, and why', () => {
    const sieve = made();
    sieve.learn(Buffer.from('ORD-1'), proofs.clean);
    const { gate, all, vote, nulls } = wants;
    const cases: readonly (readonly [value: string | null, todo: number, why: number])[] = [
      ['ORD-2', 0, 0],
      ['ORD-2', gate, 0],
      ['ORD-2', all, all],
      ['ORD-2', gate | all, all],
      ['ORD-a', gate, gate],
      ['ORD-a', gate | all, all],
      ['ORD-22', gate, gate],
      ['', gate, 0],
      ['', all, all],
      ['1234567', vote, vote],
      ['1234567', gate | vote, gate | vote],
      ['123456', vote, 0],
      [' 123456', vote, vote],
      ['a123456', vote, 0],
      ['2026-01-31 10:11:12', vote, 0],
      ['1234 5678 9012 3456', vote, vote],
      [null, gate | all | vote, 0],
      [null, gate | nulls, nulls],
    ];
    const walked = row(cases.map(([value]) => value));
    for (const [column, [, todo]] of cases.entries()) sieve.columns[column] = todo;
    const notes = notesOf(sieve, sieve.sift(walked.bytes, walked.start, walked.end, cases.length));
    for (const [column, [value, todo, why]] of cases.entries()) {
      const note = notes.find((each) => each.column === column);
      assert.equal(note?.why ?? 0, why, JSON.stringify([value, todo]));
      if (note === undefined || value === null) continue;
      const from = walked.start + note.at;
      assert.equal(walked.bytes.toString('utf8', from, from + note.length), value);
    }
  });

  test('lengths that are wrong are told', () => {
    const sieve = made();
    sieve.columns.fill(wants.gate);
    const { bytes, start, end } = row(['one', null, 'three']);
    assert.ok(sieve.sift(bytes, start, end, 3) >= 0);
    for (const [from, to, count] of [
      [start, end, 2],
      [start, end, 4],
      [start, end - 1, 3],
      [start, end + 1, 3],
      [start + 1, end, 3],
      [start, start, 1],
      [start, start + 3, 1],
    ] as const)
      assert.equal(sieve.sift(bytes, from, to, count), -1, `${from} ${to} ${count}`);
    for (const length of [-2, -(2 ** 31), 2 ** 31 - 1, 4, 65_536]) {
      const wrong = Buffer.alloc(7);
      wrong.writeInt32BE(length);
      assert.equal(sieve.sift(wrong, 0, 7, 1), -1, `${length}`);
    }
    assert.equal(sieve.sift(bytes, start, start, 0), 0);
  });

  test('a row as large as rows may be, and as many columns', () => {
    const sieve = made();
    sieve.columns.fill(wants.gate);
    const large = row(['x'.repeat(mostRowBytes - 4)]);
    assert.deepEqual(notesOf(sieve, sieve.sift(large.bytes, large.start, large.end, 1)), [
      { column: 0, at: 4, length: mostRowBytes - 4, why: wants.gate },
    ]);
    const many = Array.from({ length: mostSiftedColumns }, (_, at) => `v${at}`);
    sieve.columns.fill(wants.all);
    const wide = row(many);
    const notes = notesOf(sieve, sieve.sift(wide.bytes, wide.start, wide.end, many.length));
    assert.equal(notes.length, many.length);
    assert.deepEqual(notes.at(-1)?.column, many.length - 1);
  });

  test('what was taught passes with other digits, and nothing else does', () => {
    const piece = fc.oneof(
      fc.stringMatching(/^[0-9]{1,20}$/),
      fc.stringMatching(/^[ -~]{1,20}$/),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
    );
    const text = fc
      .array(piece, { minLength: 1, maxLength: 4 })
      .map((pieces) => pieces.join(''))
      .filter((each) => Buffer.byteLength(each) <= longestShape);
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(255), (written, place, other) => {
        const sieve = made();
        sieve.learn(Buffer.from(written), proofs.clean);
        assert.ok(!isNoted(sieve, written));
        assert.ok(!isNoted(sieve, written.replaceAll(/[0-9]/g, '7')));
        const bytes = Buffer.from(written);
        const at = place % bytes.length;
        const before = bytes[at] ?? 0;
        bytes[at] = other;
        const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
        const isSame = before === other || (isDigit(before) && isDigit(other));
        assert.equal(sifted(sieve, [bytes]).length > 0, !isSame);
        assert.ok(sifted(sieve, [Buffer.concat([bytes, Buffer.of(0)])]).length > 0);
        if (bytes.length > 1) assert.ok(sifted(sieve, [bytes.subarray(1)]).length > 0);
      }),
      { numRuns: 60 },
    );
  });

  test('a date passes within the bounds of a date, as shapes.ts has them', () => {
    const sieve = made();
    for (const shape of ['2026-01-31', '2026-01-31 10:11', '2026-01-31 10:11:12.123456+00'])
      sieve.learn(Buffer.from(shape), proofs.dated);
    const cases: readonly (readonly [string, boolean])[] = [
      ['1999-12-00', true],
      ['0999-12-01', false],
      ['3026-01-01', false],
      ['2026-13-01', false],
      ['2026-01-32', false],
      ['2026-12-31 24:59', true],
      ['2026-12-31 25:00', false],
      ['2026-12-31 10:60', false],
      ['2026-01-31 24:59:60.999999+15', true],
      ['2026-01-31 25:00:00.000000+00', false],
      ['2026-01-31 10:60:00.000000+00', false],
      ['2026-01-31 10:11:61.000000+00', false],
      ['2026-01-31 10:11:12.123456+16', false],
    ];
    for (const [value, passes] of cases) assert.equal(isNoted(sieve, value), !passes, value);
  });

  test('shapes that share their places push one another out, and none passes for another', () => {
    const sieve = made();
    const taught = Array.from(
      { length: 20_000 },
      (_, at) => `word ${at.toString(36).replaceAll(/\d/g, '#')} ${'ab'.repeat(at % 20)}`,
    );
    for (const each of taught) sieve.learn(Buffer.from(each), proofs.clean);
    const left = new Set(taught.filter((each) => !isNoted(sieve, each)));
    assert.ok(left.size > 1_000, `${left.size}`);
    for (const each of taught) assert.ok(isNoted(sieve, `${each}!`));
  });

  test('by row: what passes holds nothing, whatever its digits are; the gate teaches', () => {
    const text = texts(
      'Person',
      'Ann',
      'Bogotá',
      'London',
      'Smith',
      'lives in',
      'ORD-',
      'label',
      'my name is',
      'é',
      '９',
    );
    const seen = { passed: 0, found: 0, taught: 0 };
    const shows = (written: string): boolean => {
      const sieve = rowSieve();
      assert.ok(sieve !== undefined);
      const { bytes, start } = row([written]);
      sieve.columns[0] = wants.gate;
      const [note] = notesOf(sieve, sieve.sift(bytes, start, bytes.length - 3, 1));
      if (note === undefined) return false;
      const from = start + note.at;
      return mayContainNoted(bytes, from, from + note.length);
    };
    fc.assert(
      fc.property(text, fc.array(fc.nat(9), { minLength: 1, maxLength: 24 }), (written, seed) => {
        const first = shows(written);
        shows(written);
        if (first && !shows(written)) seen.taught++;
        for (const each of [written, otherDigits(written, seed)]) {
          const found = scan(each);
          if (!shows(each)) {
            assert.deepEqual(found, [], JSON.stringify([written, each]));
            seen.passed++;
          }
          if (found.length > 0) seen.found++;
        }
      }),
      { numRuns: 3_000 },
    );
    assert.ok(seen.passed > 500 && seen.found > 200 && seen.taught > 10, JSON.stringify(seen));
  });
});
