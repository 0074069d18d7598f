import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { detectors } from './detectors/index.ts';
import { mayContain } from './gate.ts';
import { scan } from './scan.ts';

const values = detectors.flatMap(({ examples }) => [
  ...examples.yes,
  ...examples.no,
  ...(examples.named ?? []),
]);
const word = fc.oneof(
  fc.stringMatching(/^[A-Za-z]{0,20}$/),
  fc.constantFrom(...values),
  fc.constantFrom(...detectors.flatMap(({ context }) => context)),
  fc.constantFrom('C I', 'c i ', 'D', 'c', 'i', 'h p', 'AA1234567', 'CA12345AA', 'D O B', '1/2/1980'),
  fc.constantFrom(
    'Bogotá',
    'ÿ',
    '٣',
    '１２',
    '\u200b',
    '\u00a0',
    '–',
    'www.',
    '::',
    '-----',
    'hf_',
    '"',
    '{"a":',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.stringMatching(/^[0-9]{1,9}$/),
  fc.stringMatching(/^[0-9.:@=/_%+()-]{0,9}$/),
);
const text = fc.tuple(
  fc.array(word, { maxLength: 8 }),
  fc.constantFrom(' ', ', ', '', "'", '\n', '-', '=', ': '),
);

test('every word for a secret that is assigned to shows itself, as short as it may be', () => {
  for (const word of [
    'pw',
    'Pw',
    'db_pw',
    'pass',
    'pwd',
    'password',
    'api key',
    'credentials',
    'authorization',
  ]) {
    for (const sign of ['=', ': ', ' = ', '":"']) {
      const bytes = Buffer.from(`${word}${sign}hunter2`);
      assert.ok(scan(bytes.toString()).length > 0 && mayContain(bytes, 0, bytes.length), bytes.toString());
    }
  }
});

test('letters that name something together are seen, one alone is not', () => {
  for (const value of ['AB12345CD', 'CA12345AA', 'AA1234567']) {
    for (const said of ['C I', 'c i', 'C.I.', 'D O B', 'h p', 'x C I']) {
      const bytes = Buffer.from(`${said} ${value}`);
      const found = scan(bytes.toString()).length > 0;
      assert.ok(!found || mayContain(bytes, 0, bytes.length), bytes.toString());
    }
  }
  const named = Buffer.from('C I AA1234567');
  assert.ok(mayContain(named, 0, named.length));
  const part = Buffer.from('SKU-4445-D');
  assert.ok(!mayContain(part, 0, part.length));
});

test('where the gate says no, nothing is found; what lies around a cell is not read', () => {
  const seen = { clean: 0, found: 0 };
  fc.assert(
    fc.property(text, ([words, between]) => {
      const written = words.join(between);
      const around = Buffer.concat([Buffer.from('7@='), Buffer.from(written), Buffer.from('=@7')]);
      const may = mayContain(around, 3, around.length - 3);
      assert.equal(may, mayContain(Buffer.from(written), 0, Buffer.byteLength(written)));
      const found = scan(written);
      if (!may) assert.deepEqual(found, [], JSON.stringify(written));
      if (found.length > 0) seen.found++;
      if (!may) seen.clean++;
    }),
    { numRuns: 10_000 },
  );
  assert.ok(seen.clean > 500 && seen.found > 500, JSON.stringify(seen));
});
