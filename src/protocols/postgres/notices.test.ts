import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FindMask } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { maskText, showFields, withoutValues } from './notices.ts';

const key = maskKey(new Uint8Array(32).fill(5));
const finds: readonly FindMask[] = [{ entity: '*', operator: { kind: 'redact' } }];
const names = new Set(['people', 'public', 'ssn', 'email', 'integer', 'people_email_key']);

const sentences: readonly (readonly [string, string])[] = [
  ['invalid input syntax for type integer: "219-09-9999"', 'invalid input syntax for type integer: "***"'],
  ['column "ssn" of relation "people" does not exist', 'column "ssn" of relation "people" does not exist'],
  ['Key (email)=(ann@x) already exists.', 'Key (email)=(***) already exists.'],
  ['Key (lower(email))=(a) b) already exists.', 'Key (***)=(***) already exists.'],
  [
    'Key (email, ssn)=(ann, 1) is not present in table "people".',
    'Key (email, ssn)=(***) is not present in table "people".',
  ],
  ['Failing row contains (1, Ann "A" Lee, (x), null).', 'Failing row contains (***).'],
  [
    'duplicate key value violates unique constraint "people_email_key"',
    'duplicate key value violates unique constraint "people_email_key"',
  ],
  ['invalid input value for enum mood: "say "hi" to ann"', 'invalid input value for enum mood: "***"'],
  ['«Ann» ist keine Zahl', '«***» ist keine Zahl'],
  ['Ann: value 123456 out of range', 'Ann: value *** out of range'],
  ['value too long for type character varying(10)', 'value too long for type character varying(***)'],
  ["can't do that", "can't do that"],
  ['unterminated "Ann', 'unterminated "***'],
  ['relation "public.people" is busy', 'relation "public.people" is busy'],
];

test('withoutValues() keeps names and drops what is quoted', () => {
  for (const [sentence, expected] of sentences) assert.equal(withoutValues(sentence, names), expected);
});

const fields = new Map([
  ['S', 'ERROR'],
  ['V', 'ERROR'],
  ['C', '22P02'],
  ['M', 'invalid input syntax for type integer: "Ann Lee"'],
  ['D', 'Key (email)=(ann@example.com) exists'],
  ['H', 'Try "Ann"'],
  ['W', 'SQL function "f" statement 1: ann@example.com'],
  ['q', "select 'Ann'"],
  ['t', 'people'],
  ['F', 'numutils.c'],
  ['Z', 'who knows'],
]);

test('showFields() on a tagged statement leaves codes and names', () => {
  for (const about of [
    { tagged: true, unknown: false, names, finds: [] },
    { tagged: false, unknown: true, names, finds },
  ]) {
    const shown = showFields(fields, about, key);
    assert.deepEqual([...shown.keys()], ['S', 'V', 'C', 'M', 'D', 'H', 't', 'F']);
    assert.equal(shown.get('C'), '22P02');
    assert.ok(![...shown.values()].some((value) => /ann/i.test(value)));
  }
});

test('showFields() on any other statement shows sentences, with detectors over them', () => {
  const shown = showFields(fields, { tagged: false, unknown: false, names, finds }, key);
  assert.equal(shown.get('M'), fields.get('M'));
  assert.equal(shown.get('D'), 'Key (email)=([EMAIL_ADDRESS]) exists');
  assert.equal(shown.get('W'), 'SQL function "f" statement 1: [EMAIL_ADDRESS]');
  assert.equal(shown.has('Z'), false);
});

test('what a function says is not shown where a masked column is in play', () => {
  const about = { tagged: true, unknown: false, names, finds: [] };
  const raised: readonly (readonly [string, string])[][] = [
    [
      ['C', '22P02'],
      ['M', 'it is 219 09 9998'],
      ['F', 'pl_exec.c'],
      ['R', 'exec_stmt_raise'],
    ],
    [
      ['C', '00000'],
      ['M', 'it is 219 09 9998'],
      ['F', 'other.c'],
      ['W', 'PL/Lua function f'],
    ],
    [
      ['C', '00000'],
      ['M', 'it is 219 09 9998'],
    ],
  ];
  for (const each of raised) assert.equal(showFields(new Map(each), about, key).get('M'), '***');
  const own = new Map([
    ['M', 'invalid input syntax for type json'],
    ['F', 'jsonfuncs.c'],
    ['W', 'JSON data, line 1: Ann'],
  ]);
  assert.deepEqual(showFields(own, about, key).get('M'), 'invalid input syntax for type json');
});

test('maskText() runs detectors, where there are any', () => {
  assert.equal(maskText('mail ann@example.com', finds, key), 'mail [EMAIL_ADDRESS]');
  assert.equal(maskText('mail ann@example.com', [], key), 'mail ann@example.com');
});

test('a quoted value never shows, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), (noise) => {
      const value = `${noise}SECRET${noise}`;
      for (const sentence of [
        `invalid input syntax for type integer: "${value}"`,
        `Key (email)=(${value}) already exists.`,
        `Failing row contains (1, ${value}, 2).`,
      ]) {
        assert.ok(!withoutValues(sentence, names).includes('SECRET'), sentence);
      }
    }),
    { numRuns: 2_000 },
  );
});
