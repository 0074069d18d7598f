import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectors, scan, scanner } from '../../src/mask/index.ts';
import { businessCell, made, seeded, type Below } from '../quality/made.ts';
import { reference } from './reference.ts';

// SALLYPORT_PARITY=1000000 for the long run, SALLYPORT_PARITY_SEED=2 for other cells.
const cells = Number(process.env['SALLYPORT_PARITY'] ?? 3_000);
const seed = Number(process.env['SALLYPORT_PARITY_SEED'] ?? 20_261_121);

const known: readonly string[] = detectors.flatMap(({ examples }) => [
  ...examples.yes,
  ...examples.no,
  ...(examples.named ?? []),
]);
const labelled = made('dev', 6).map(({ text }) => text);
const words = detectors.flatMap(({ context }) => context);

/** A cell: a clean one, a known value, numbers in any grouping, or several of these with words between them. */
function cell(below: Below): string {
  const one = <T>(list: readonly T[], other: T): T => list[below(list.length)] ?? other;
  const digits = (count: number): string => Array.from({ length: count }, () => below(10)).join('');
  const number = (): string => {
    let text = one(['', '', '', '+', '(', '00'], '');
    for (let group = 0; group < 1 + below(5); group++) {
      if (group > 0) text += one([' ', '-', '.', '/', ' - ', ') ', ', '], ' ');
      text += digits(1 + below(below(4) === 0 ? 14 : 5));
    }
    return text;
  };
  switch (below(6)) {
    case 0:
      return businessCell(below);
    case 1:
      return one(known, '');
    case 2:
      return number();
    case 3:
      return `${one(words, '')}${one([' ', ': ', '=', ' is ', ' number '], ' ')}${below(2) === 0 ? number() : one(known, '')}`;
    case 4:
      return one(labelled, '');
    default:
      return `${one(known, '')}${one([' ', ', ', '\n', '', '-', ' x'], ' ')}${number()}${one(['', ' office', ' and more', 'x12'], '')}`;
  }
}

test(`the engine finds what plain patterns find, with the same types and places, in ${cells} cells`, () => {
  const below = seeded(seed);
  const thorough = scanner();
  let hits = 0;
  for (let at = 0; at < cells; at++) {
    const text = cell(below);
    const expected = reference(text);
    if (expected.length > 0) hits++;
    assert.deepEqual(thorough(text), expected, JSON.stringify(text));
    if (at % 8 !== 0) continue;
    const column = `${['', 'customer_', 'my '][below(3)] ?? ''}${words[below(words.length)] ?? ''}`;
    assert.deepEqual(scan(text, { column }), reference(text, column), JSON.stringify([text, column]));
  }
  assert.ok(hits > cells / 4, `only ${hits} cells with findings: the test would pass on nothing`);
});

test('behind the gate, nothing is found elsewhere or otherwise', () => {
  const below = seeded(seed + 7);
  for (let at = 0; at < cells / 4; at++) {
    const text = businessCell(below);
    assert.deepEqual(scan(text), reference(text), JSON.stringify(text));
  }
});
