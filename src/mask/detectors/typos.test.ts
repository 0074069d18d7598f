import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scan } from '../scan.ts';
import { detectors } from './index.ts';

// A typo is still a leak: a value that differs from a right one in one digit is masked where its own name stands, in a
// column and in a sentence. For every detector that checks what it finds.

const proved = new Set(['CRYPTO', 'JWT', 'EMAIL_ADDRESS', 'URL', 'IP_ADDRESS']); // a name of one in a sentence says nothing of its form

for (const detector of detectors) {
  const [name = detector.name.toLowerCase().replaceAll('_', ' ')] = detector.context;
  const values = [...detector.examples.yes, ...(detector.examples.named ?? [])].filter((each) =>
    /\d{2}/.test(each),
  );
  const checks = detector.kind === 'digits' || (detector.kind === 'pattern' && detector.check !== undefined);
  if (!checks || values.length === 0 || proved.has(detector.name) || detector.name === 'MAC_ADDRESS')
    continue;
  test(`${detector.name} with one digit changed is masked in its own context`, () => {
    for (const value of values) {
      for (const typo of typosOf(value)) {
        assert.ok(covers(scan(typo, { column: detector.name }), 0, typo), `column: ${typo}`);
        const label = name.replace(/[$^]$/, '');
        for (const [before, after] of [
          [`${label}: `, ''],
          [`Her ${label} is `, ', she said.'],
          [`${label}\n`, '\n'],
        ]) {
          const text = `${before}${typo}${after}`;
          assert.ok(covers(scan(text), (before ?? '').length, typo), text);
        }
      }
    }
  });
}

/** The value with its last digit changed, and with one in its middle. */
function typosOf(value: string): readonly string[] {
  const places = [...value.matchAll(/\d/g)].map(({ index }) => index);
  return [places.at(-1) ?? 0, places[Math.floor(places.length / 2)] ?? 0].map(
    (at) => value.slice(0, at) + String((Number(value[at]) + 1) % 10) + value.slice(at + 1),
  );
}

function covers(
  found: readonly { readonly start: number; readonly end: number }[],
  from: number,
  value: string,
): boolean {
  return Array.from(value).every(
    (char, at) =>
      !/[\p{L}\p{N}]/u.test(char) || found.some(({ start, end }) => start <= from + at && end > from + at),
  );
}
