import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FindMask } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { maskText, showFields, withoutValues } from './notices.ts';

const key = maskKey(new Uint8Array(32).fill(5));
const finds: readonly FindMask[] = [{ entity: '*', operator: { kind: 'redact' } }];
const names = new Set(['people', 'public', 'ssn', 'email', 'integer', 'people_email_key']);

const objects = new Set(['people', 'public', 'ssn', 'email', 'people_email_key']);

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
    { tagged: true, unknown: false, names, objects, finds: [] },
    { tagged: false, unknown: true, names, objects, finds },
  ]) {
    const shown = showFields(fields, about, key);
    assert.deepEqual([...shown.keys()], ['S', 'V', 'C', 'M', 'D', 'H', 't', 'F']);
    assert.equal(shown.get('C'), '22P02');
    assert.ok(![...shown.values()].some((value) => /ann/i.test(value)));
  }
});

test('showFields() on any other statement shows sentences, with detectors over them', () => {
  const shown = showFields(fields, { tagged: false, unknown: false, names, objects, finds }, key);
  assert.equal(shown.get('M'), 'invalid input syntax for type integer: "[PERSON]"');
  assert.equal(shown.get('D'), 'Key (email)=([EMAIL_ADDRESS]) exists');
  assert.equal(shown.get('W'), 'SQL function "f" statement 1: [EMAIL_ADDRESS]');
  assert.equal(shown.has('Z'), false);
});

test('what a function says is not shown where a masked column is in play', () => {
  const about = { tagged: true, unknown: false, names, objects, finds: [] };
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

const tagged = { tagged: true, unknown: false, names, objects, finds: [] };

function said(message: string, more: Readonly<Record<string, string>> = {}): ReadonlyMap<string, string> {
  return showFields(new Map(Object.entries({ C: '22023', F: 'x.c', M: message, ...more })), tagged, key);
}

test('while a statement runs, only sentences that hold no value are shown', () => {
  const shown: readonly (readonly [string, string])[] = [
    ['division by zero', 'division by zero'],
    ['invalid input syntax for type integer: "219-09-9999"', 'invalid input syntax for type integer: "***"'],
    [
      'invalid input syntax for type timestamp with time zone: "x"',
      'invalid input syntax for type timestamp with time zone: "***"',
    ],
    [
      'duplicate key value violates unique constraint "people_email_key"',
      'duplicate key value violates unique constraint "people_email_key"',
    ],
    ['value too long for type character varying(10)', 'value too long for type character varying(***)'],
    ['permission denied for table people', 'permission denied for table people'],
  ];
  for (const [sentence, expected] of shown) assert.equal(said(sentence).get('M'), expected);
  // Each of these was said by a real server about a masked value.
  const hidden = [
    'index 749 out of valid range, 0..0',
    'setseed parameter 749 is out of allowed range [-1,1]',
    'date field value out of range: 749-99-10',
    'invalid byte sequence for encoding "UTF8": 0xf0 0x72 0x75 0x74',
    'improper qualified name (too many dotted names): hejkjjkbadh.a.b.c',
    'cross-database references are not implemented: hejk.a.b',
    'requested character too large for encoding: 749',
    'hejk out of range',
    'permission denied for table hejk',
    'value for domain hejk violates check constraint "people_email_key"',
  ];
  for (const sentence of hidden) {
    const { M: message = '' } = Object.fromEntries(said(sentence));
    assert.match(message, /^\*\*\* \(SQLSTATE 22023/, sentence);
    assert.doesNotMatch(message, /749|hejk|0x/);
  }
});

test('while a statement runs, details are shown by their form and hints are not', () => {
  assert.equal(
    said('duplicate key value violates unique constraint "people_email_key"', {
      D: 'Key (email)=(ann@x) already exists.',
    }).get('D'),
    'Key (email)=(***) already exists.',
  );
  for (const detail of [
    'line 1: Opening and ending tag mismatch: ruth.castillo1 line 1 and x\n<ruth.castillo1></x>\n    ^',
    "line 1: Start tag expected, '<' not found\n749-99-1037\n^",
    'Value ann is wrong',
  ])
    assert.equal(said('invalid XML document', { D: detail, H: detail }).has('D'), false);
  assert.equal(said('invalid XML document', { H: 'Try ann' }).has('H'), false);
});

test('a word of the statement may be shown of its text, and not of what is found while it runs', () => {
  const words = { ...tagged, names: new Set(['ann', ...names]) };
  const fields = [
    ['C', '22P02'],
    ['F', 'x.c'],
    ['M', 'invalid input syntax for type integer: "ann"'],
  ] as const;
  assert.equal(
    showFields(new Map(fields), words, key).get('M'),
    'invalid input syntax for type integer: "***"',
  );
  const parsing = new Map<string, string>([...fields, ['P', '8']]);
  assert.equal(showFields(parsing, words, key).get('M'), 'invalid input syntax for type integer: "ann"');
  // An internal query's position is none of the statement's.
  for (const code of ['p', 'q'])
    assert.equal(
      showFields(new Map([...parsing, [code, '1']]), words, key).get('M'),
      'invalid input syntax for type integer: "***"',
    );
});

test('what the server says of the session itself stays readable, without numbers', () => {
  const about = (sqlstate: string, message: string): string | undefined =>
    showFields(
      new Map([
        ['C', sqlstate],
        ['F', 'x.c'],
        ['M', message],
      ]),
      tagged,
      key,
    ).get('M');
  assert.equal(
    about('57014', 'canceling statement due to user request'),
    'canceling statement due to user request',
  );
  assert.equal(about('34000', 'cursor "c" does not exist'), 'cursor "***" does not exist');
  assert.equal(about('XX000', 'cache lookup failed for type 749'), 'cache lookup failed for type ***');
});

test('what a function names as table or column is shown only where it is one', () => {
  const raised = [
    ['C', '22023'],
    ['F', 'pl_exec.c'],
    ['M', 'x'],
    ['t', '749-99-1037'],
    ['c', 'email'],
    ['n', 'hejk'],
  ] as const;
  const shown = showFields(new Map(raised), tagged, key);
  assert.deepEqual(
    [...shown],
    [
      ['C', '22023'],
      ['F', 'pl_exec.c'],
      ['M', '***'],
      ['c', 'email'],
    ],
  );
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
