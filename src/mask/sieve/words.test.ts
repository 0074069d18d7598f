import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { detectors } from '../detectors/index.ts';
import { mayContain, mayContainNoted, rowSieve } from '../gate.ts';
import { greetings, labels, titles, weakTitles } from '../names/phrases.ts';
import { homeEnds } from '../names/place.ts';
import { beforeName, behindName, betweenNameAndNumber, states } from '../names/streets.ts';
import { scan } from '../scan.ts';
import { tablesOf } from '../tables.ts';
import { examples } from './fake.ts';
import { newSieve, type Sieve, wants } from './sieve.ts';
import { openDigits, wordTeacher } from './words.ts';

const { all: named, words } = tablesOf(detectors);

/** A sieve that knows no shapes. */
function made(): { readonly sieve: Sieve; readonly teach: (text: string) => void } {
  const sieve = newSieve();
  assert.ok(sieve !== undefined);
  sieve.trustPlain(openDigits(named));
  const teach = wordTeacher(sieve, { words, named });
  return {
    sieve,
    teach: (text) => {
      const bytes = Buffer.from(text);
      teach(bytes, 0, bytes.length);
    },
  };
}

function passes(sieve: Sieve, value: string | Uint8Array): boolean {
  const bytes = Buffer.from(value as string);
  const cell = Buffer.concat([Buffer.alloc(4), bytes, Buffer.from('abc')]);
  cell.writeInt32BE(bytes.length);
  sieve.columns.fill(wants.gate);
  return sieve.sift(cell, 0, 4 + bytes.length, 1) === 0;
}

/** Words that mean something to somebody, and some that mean nothing. */
const vocabulary: readonly string[] = [
  ...new Set(
    [
      ...examples,
      ...detectors.flatMap(({ context }) => context),
      ...[
        titles,
        weakTitles,
        greetings,
        labels,
        homeEnds,
        beforeName,
        behindName,
        betweenNameAndNumber,
      ].flatMap((each) => [...each]),
      ...states,
      'name names called am is are lives living from near born moved stays box address ship shipped return usns deliver',
      'boxes leave door please ring package broken side says colour blue order late wants until tomorrow evening paper printed',
      'Ann Lee Maria Smith Peter Jones Olga maria smith will mark rose London Berlin Paris Lyon Texas www Www www',
    ].flatMap((each) => each.split(/[^A-Za-z]+/).filter((word) => word !== '')),
  ),
];

const word = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...vocabulary) },
  { weight: 2, arbitrary: fc.constantFrom(...vocabulary).map((each) => each.toLowerCase()) },
  { weight: 1, arbitrary: fc.constantFrom(...vocabulary).map((each) => each.toUpperCase()) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...vocabulary).map((each) => each.slice(0, 1).toUpperCase() + each.slice(1)),
  },
  { weight: 2, arbitrary: fc.stringMatching(/^[a-z]{1,12}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[A-Za-z]{1,12}$/) },
  { weight: 2, arbitrary: fc.stringMatching(/^[0-9]{1,3}$/) },
);
const between = fc.oneof(
  { weight: 8, arbitrary: fc.constant(' ') },
  { weight: 2, arbitrary: fc.constantFrom(', ', '; ', '! ', '? ', '  ', ',', '?', '!;') },
);
const text = fc
  .tuple(fc.array(fc.tuple(word, between), { minLength: 1, maxLength: 7 }), fc.boolean())
  .map(([pieces, ends]) =>
    pieces.map(([one, sign], at) => (at + 1 < pieces.length || ends ? one + sign : one)).join(''),
  );

suite('words of the sieve', () => {
  const runs = Number(process.env['SALLYPORT_WORDS'] ?? 4_000);

  test('a text of known words passes only where the gate says no, and nothing is found', () => {
    const { sieve, teach } = made();
    const seen = { passed: 0, noted: 0, found: 0 };
    fc.assert(
      fc.property(text, (written) => {
        teach(written);
        for (const each of written.match(/[A-Za-z]+/g) ?? []) teach(each);
        const bytes = Buffer.from(written);
        const may = mayContain(bytes, 0, bytes.length);
        if (may) seen.found++;
        if (!passes(sieve, written)) {
          seen.noted++;
          return;
        }
        seen.passed++;
        assert.equal(may, false, JSON.stringify(written));
        assert.deepEqual(scan(written), [], JSON.stringify(written));
      }),
      { numRuns: runs },
    );
    assert.ok(
      seen.passed > runs / 20 && seen.noted > runs / 20 && seen.found > runs / 50,
      JSON.stringify(seen),
    );
  });

  test('what is near a text of known words does not pass for one', () => {
    const { sieve, teach } = made();
    teach('boxes leave please, paper and printed');
    const plain = [
      'boxes',
      'boxes, please',
      'please leave 12 boxes',
      'paper 123',
      '12',
      '1 2 3',
      'boxes  !',
      'printed paper?',
    ];
    for (const each of plain) assert.ok(passes(sieve, each), each);
    const others = [
      'Boxes',
      'boxe',
      'boxess',
      'boxes1',
      '1boxes',
      'boxes-please',
      'boxes.please',
      'boxes.',
      'boxes@',
      "boxes'",
      ' boxes',
      'boxes\n',
      'boxes\0',
      'boxes é',
      'boxesé',
      '1234',
      '12 34',
      '12.3',
      'boxes please unknown',
      'please leave 12 34',
      '\0boxes',
    ];
    for (const each of others) assert.ok(!passes(sieve, each), JSON.stringify(each));
  });

  test('UUIDs pass, and nothing that looks like one', () => {
    const { sieve } = made();
    const uuid = '0d2ab6cf-11f0-4c2d-9e3a-7b1c2d3e4f5a';
    const hex = fc.stringMatching(/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/);
    fc.assert(
      fc.property(hex, (each) => {
        assert.ok(passes(sieve, each), each);
        const bytes = Buffer.from(each);
        assert.equal(mayContain(bytes, 0, bytes.length), false, each);
      }),
      { numRuns: 500 },
    );
    for (let at = 0; at < 36; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const bytes = Buffer.from(uuid);
        bytes[at] = byte;
        const isHex = /[0-9a-fA-F]/.test(String.fromCharCode(byte)) && byte < 0x80;
        const right = [8, 13, 18, 23].includes(at) ? byte === 0x2d : isHex;
        assert.equal(passes(sieve, bytes), right, `${at} ${byte}`);
      }
    }
    assert.ok(!passes(sieve, uuid.slice(1)));
    assert.ok(!passes(sieve, `${uuid}1`));
  });

  test('nothing passes by itself where nobody said so', () => {
    const sieve = newSieve();
    assert.ok(sieve !== undefined);
    for (const each of ['12', '0d2ab6cf-11f0-4c2d-9e3a-7b1c2d3e4f5a']) assert.ok(!passes(sieve, each));
  });

  test('the gate teaches: what is noted once passes in any order', () => {
    const sieve = rowSieve();
    assert.ok(sieve !== undefined);
    const first = Buffer.from('pallet stacked twice heavy');
    assert.equal(mayContainNoted(first, 0, first.length), false);
    assert.ok(passes(sieve, 'twice heavy pallet, 2 stacked'));
    assert.ok(!passes(sieve, 'twice heavy pallet, 2 stacked ann@example.com'));
  });
});
