import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { detectors } from './detectors/index.ts';
import { maskKey } from './key.ts';
import { findMasker } from './operators.ts';
import { scan } from './scan.ts';

// Short texts are asked once which detectors they name, long ones at each candidate: both must find the same.

const word = fc.oneof(
  fc.constantFrom(...detectors.flatMap(({ context }) => context)),
  fc.constantFrom(...detectors.flatMap(({ name }) => [`[${name}]`, name.toLowerCase().replaceAll('_', ' ')])),
  fc.constantFrom(
    ...detectors.flatMap(({ examples }) => [...examples.yes, ...examples.no, ...(examples.named ?? [])]),
  ),
  fc.constantFrom(
    'is',
    'number',
    'my',
    '[',
    ']',
    '[US_',
    'SSN]',
    'and other words of no meaning',
    'id,name,ssn\n1,2,',
  ),
  fc.stringMatching(/^[0-9]{3,12}$/),
);
const texts = fc
  .tuple(fc.array(word, { minLength: 1, maxLength: 8 }), fc.constantFrom(' ', ', ', ': ', '\n', ''))
  .map(([words, between]) => words.join(between));

test('whoever a part of a short text names, the text as a whole names', () => {
  let found = 0;
  fc.assert(
    fc.property(texts, (text) => {
      const short = scan(`${text}\n`);
      if (short.length > 0) found++;
      // What never ends (a private key without its foot) is as long as the text.
      const long = scan(`${text}\n${' '.repeat(1_100)}`).map((each) => ({
        ...each,
        end: Math.min(each.end, text.length + 1),
      }));
      assert.deepEqual(short, long);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(found > 500);
});

test('what the gate passes when it was masked has nothing left in it', () => {
  const key = maskKey(new Uint8Array(32).fill(3));
  let masked = 0;
  fc.assert(
    fc.property(texts, fc.constantFrom('redact', 'hash', 'token', 'generalise'), (text, kind) => {
      const finds = [{ entity: '*', operator: { kind } }] as const;
      const shown = findMasker(finds, { key })(text);
      masked += shown.masked;
      assert.equal(findMasker(finds, { key })(shown.text).text, shown.text);
    }),
    { numRuns: 2_000 },
  );
  assert.ok(masked > 500);
});
