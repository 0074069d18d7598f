import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { FindMask, MaskOperator, Permit } from '../../core/decision.ts';
import { findMasker, isContext, maskKey, showText } from '../../mask/index.ts';
import { calledIn, withZeros } from './called.ts';
import { documentMask, type DocumentMask } from './masks.ts';

const key = maskKey(Buffer.alloc(32, 1));
const redact: MaskOperator = { kind: 'redact' };
const everything: FindMask[] = [{ entity: '*', operator: redact }];
const running = new AbortController().signal;

/** `name` and everything in `secret` have a tag. */
function operatorOf(column: string): MaskOperator | undefined {
  return /(?:^|\.)name(?:\[\])*$|(?:^|\.)secret$/.test(column) ? redact : undefined;
}

function maskOf(finds: readonly FindMask[] = everything): DocumentMask {
  const permit: Pick<Permit, 'operatorOf'> & { readonly duties: Pick<Permit['duties'], 'masks' | 'finds'> } =
    {
      duties: { masks: [[{ tag: 'pii/*', operator: redact }]], finds },
      operatorOf: ({ column }) => operatorOf(column),
    };
  return documentMask(permit as Permit, 'answer', key);
}

/** What is to be seen, said plainly: each value by itself, by every detector, without gate, memory or slices. */
function expected(value: unknown, path: string, name: string): unknown {
  if (Array.isArray(value)) return value.map((each) => expected(each, `${path}[]`, name));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        found(key, ''),
        expected(each, path === '' ? key : `${path}.${key}`, calledIn(key, name)),
      ]),
    );
  }
  if (value === null || value === '') return value;
  const tagged = path.split('.').some((_, at, parts) => {
    const head = parts.slice(0, at + 1).join('.');
    return operatorOf(head) !== undefined || operatorOf(head.replace(/(?:\[\])+$/, '')) !== undefined;
  });
  if (typeof value === 'string') {
    if (tagged) return showText(redact, value, key);
    if (/^\s*[{[]/.test(value) && !path.includes('\0')) {
      const inner = parsed(value);
      // By the paths of the outer document, which are marked so that nothing goes deeper.
      if (inner !== undefined) return JSON.stringify(expected(inner, path, name));
    }
    // JSON behind something else.
    const [, before = '', json = ''] = /^((?:plainly )+)(\{"name".+)$/s.exec(value) ?? [];
    const behind = parsed(json);
    return behind === undefined ? found(value, name) : before + JSON.stringify(expected(behind, path, name));
  }
  if (tagged) return typeof value === 'number' ? stars(value) : null;
  return typeof value === 'number' && found(String(value), name) !== String(value) ? stars(value) : value;
}

function found(text: string, name: string): string {
  const find = findMasker(everything, name === '' ? { key } : { key, column: name });
  const named = name !== '' && isContext({ entities: ['*'], column: name });
  // Under a name that speaks of numbers those that lost their zeros are known too.
  const readings = named ? [text, ...withZeros(text)] : [text];
  return readings.map((each) => find(each)).find(({ masked }) => masked > 0)?.text ?? text;
}

function stars(value: number): number {
  const digits = String(value).replace(/\D/g, '').length;
  return digits <= 1 ? 0 : Number(`1${'0'.repeat(digits - 1)}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const texts = fc.oneof(
  fc.constantFrom(
    'ann.lee@example.com',
    '4111 1111 1111 1111',
    'Call Ann, +1 415 555 0132, by Friday',
    'SSN 078-05-1120',
    'password: hunter2hunter',
    'DE89370400440532013000',
    '{"name":"Ann","mail":"ann@example.com","n":[1]}',
    '{broken ann@example.com',
    'Springfield',
    'Ångström "quoted" \\ \n\t',
    '\ud83d\ude00 ann@example.com',
  ),
  fc.string({ unit: 'grapheme' }),
);
const leaves = fc.oneof(
  texts,
  fc.integer(),
  fc.constantFrom(4_111_111_111_111_111, 12.5, -3),
  fc.boolean(),
  fc.constant(null),
  // Long enough to be looked at in pieces.
  fc
    .tuple(texts, fc.integer({ min: 1_500, max: 3_000 }))
    .map(([text, count]) => `${'plainly '.repeat(count)}${text}`),
);
const names = fc.oneof(
  fc.constantFrom('name', 'mail', 'secret', 'id', 'ssn', 'phone', 'notes', 'ann@example.com'),
  fc.stringMatching(/^[a-z]{1,6}$/),
);
const { documents } = fc.letrec((tie) => ({
  documents: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    leaves,
    fc.array(tie('documents'), { maxLength: 4 }),
    fc.dictionary(names, tie('documents'), { maxKeys: 5 }),
  ),
}));

test('every value is shown as its path and every detector demand, at once and in slices, the first time and again', async () => {
  await fc.assert(
    fc.asyncProperty(documents, fc.constantFrom(undefined, 2), async (document, indent) => {
      const whole = { all: [document, document] };
      const text = JSON.stringify(whole, undefined, indent);
      const wanted = expected(whole, '', '');
      const mask = maskOf();
      const atOnce = mask.json(text);
      assert.ok(atOnce.ok);
      assert.deepEqual(JSON.parse(atOnce.value), wanted);
      for (let time = 0; time < 2; time++) {
        const sliced = await mask.bytes(Buffer.from(text), running);
        assert.ok(sliced.ok);
        const shown = sliced.value === undefined ? text : Buffer.concat(sliced.value).toString();
        assert.equal(shown, atOnce.value);
      }
    }),
    { numRuns: 80 },
  );
});

test('a large document lets others have their turn, and ends when its client leaves', async () => {
  const records = Array.from({ length: 20_000 }, (_, id) => ({ id, mail: `person.${id}@example.com` }));
  const bytes = Buffer.from(JSON.stringify(records));
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const shown = await maskOf().bytes(bytes, running);
  clearInterval(timer);
  assert.ok(shown.ok && shown.value !== undefined);
  assert.ok(!Buffer.concat(shown.value).includes('example.com'));
  assert.ok(turns > 3, `${turns} turns`);

  const leaving = new AbortController();
  const work = maskOf().bytes(bytes, leaving.signal);
  setImmediate(() => leaving.abort(new Error('The client left')));
  await assert.rejects(work, /The client left/);
});

test('a text that is a document of its own in a large one is shown by its own paths', async () => {
  const inner = JSON.stringify(Array.from({ length: 3_000 }, (_, id) => ({ name: `Ann ${id}`, id })));
  const shown = await maskOf().bytes(Buffer.from(JSON.stringify({ inner, more: `${inner} ` })), running);
  assert.ok(shown.ok && shown.value !== undefined);
  const { inner: seen } = JSON.parse(Buffer.concat(shown.value).toString()) as { readonly inner: string };
  assert.deepEqual(JSON.parse(seen), JSON.parse(inner.replaceAll(/Ann \d+/g, '***')));
});

for (const [what, bytes] of Object.entries({
  'is cut': Buffer.from('[{"a":"b"}'),
  'is not UTF-8': Buffer.from([0x22, 0xff, 0x22]),
  'ends inside of a character': Buffer.from([0x22, 0xe2, 0x82]),
  'continues nothing, at length': Buffer.alloc(3_000_000, 0x80),
  'has a path that is too long': Buffer.from(
    '{"k":'.replace('k', 'k'.repeat(5_000)).repeat(6) + '1' + '}'.repeat(6),
  ),
})) {
  test(`what ${what} is not shown`, async () => {
    assert.equal((await maskOf().bytes(bytes, running)).ok, false);
  });
}

test('what nothing is changed of stays the same bytes, with the mark before it', async () => {
  const shown = await maskOf().bytes(Buffer.from('\ufeff{ "a" : 1.50, "a": "b" }'), running);
  assert.deepEqual(shown, { ok: true, value: undefined });
});

/** What is shown of one document, at once. */
function shownOf(document: unknown, mask: DocumentMask = maskOf()): string {
  const shown = mask.json(typeof document === 'string' ? document : JSON.stringify(document));
  assert.ok(shown.ok);
  return shown.value;
}

for (const written of [
  '4.111111111111111e15',
  '4.111111111111111E+15',
  '4111111111111111.0',
  '4111111111111111e0',
  '-41111111111111110e-1',
  '0.0004111111111111111e19',
]) {
  test(`a number is what it is worth, however it is written: ${written}`, () => {
    const shown: unknown = JSON.parse(shownOf(`{"n":${written}}`));
    assert.doesNotMatch(JSON.stringify(shown), /411111/);
  });
}

test('a number that is named is looked at as its digits too; one that is clean keeps its bytes', () => {
  assert.doesNotMatch(shownOf('{"ssn":1.23456789E8,"phone":4155550132.0}'), /123456|41555/);
  const clean = '{"a":1.50e3,"b":-0,"c":12.0,"d":1e400,"e":0.5e-7,"ssn":0.0}';
  assert.equal(shownOf(clean), clean);
});

const nested: readonly (readonly [string, unknown])[] = [
  ['an object', { name: 'Springfield' }],
  ['a list', [{ name: 'Springfield' }]],
  ['a document in it', { inner: JSON.stringify([{ name: 'Springfield' }]) }],
  ['a document in one in it', { a: JSON.stringify({ b: JSON.stringify({ name: 'Springfield' }) }) }],
  ['a text that is one', JSON.stringify({ name: 'Springfield' })],
  ['a text that is a text that is one', JSON.stringify(JSON.stringify({ name: 'Springfield' }))],
];
for (const [what, inner] of nested) {
  test(`a text that is ${what} is shown by its paths, whatever else is looked for`, () => {
    const document = { more: JSON.stringify(inner), last: 1 };
    assert.doesNotMatch(shownOf(document), /Springfield/);
    assert.doesNotMatch(shownOf(document, maskOf([])), /Springfield/);
  });
}

test('documents in documents without an end are not shown', () => {
  let document = JSON.stringify({ name: 'Springfield' });
  for (let depth = 0; depth < 10; depth++) document = JSON.stringify({ x: document });
  assert.doesNotMatch(shownOf(document), /Springfield/);
});

test('what a list in a text is called is what its values are called', () => {
  assert.doesNotMatch(shownOf({ ssn: '[123456789]', phone: ['["4155550132"]'] }), /123456|41555/);
});

test('escapes in a text that is JSON hide nothing', () => {
  const coded = (text: string): string =>
    JSON.stringify(text).replaceAll(/[a-z0-9]/g, (each) => `\\u00${each.charCodeAt(0).toString(16)}`);
  for (const text of ['4111111111111111', 'ann.lee@example.com']) {
    let document = text;
    for (let depth = 0; depth < 4; depth++) {
      document = coded(document);
      let seen: unknown = JSON.parse(shownOf(document));
      while (typeof seen === 'string' && seen.startsWith('"')) seen = JSON.parse(seen);
      assert.match(String(seen), /^\[[A-Z_]+\]$/, `${text} ${depth}`);
    }
  }
  const mask = maskOf();
  const named = mask.json('["123456789"]', 'ssn');
  assert.deepEqual(named, { ok: true, value: '["[US_SSN]"]' });
  assert.deepEqual(mask.json('["123456789"]'), { ok: true, value: '["123456789"]' });
});

test('a list in a text has the path of a list', () => {
  const asked: string[] = [];
  const permit = {
    duties: { masks: [[{ tag: 'pii/*', operator: redact }]], finds: [] },
    operatorOf: ({ column }: { readonly column: string }) => {
      asked.push(column);
      return undefined;
    },
  };
  shownOf({ a: JSON.stringify([{ b: 1 }]) }, documentMask(permit as unknown as Permit, 'answer', key));
  assert.ok(asked.includes('a[].b'), asked.join(' '));
});

const b64 = (text: string): string => Buffer.from(text).toString('base64');
const mail = 'ann.lee@example.com';

for (const [what, given, wanted] of [
  ['twice percent', 'to ann%2540example.com', 'to [EMAIL_ADDRESS]'],
  ['four times percent', 'ann%25252540example.com', '[EMAIL_ADDRESS]'],
  ['references in percent', 'ann%26%2364%3Bexample.com', '[EMAIL_ADDRESS]'],
  ['percent of what is no UTF-8', '%FF ann%FF%20ann%40example.com', undefined],
  ['more layers than anybody writes', `ann%${'25'.repeat(12)}40example.com`, '***'],
  ['Base64', `see ${b64(mail)} there`, 'see [EMAIL_ADDRESS] there'],
  ['URL-safe Base64 in a path', `/u/${Buffer.from(mail).toString('base64url')}/x`, undefined],
  ['hexadecimal', `id 0x${Buffer.from(mail).toString('hex')}.`, 'id 0x[EMAIL_ADDRESS].'],
  ['Base64 in Base64', b64(`to ${b64(mail)}, please`), undefined],
  ['Base64 in percent', encodeURIComponent(b64(`<${mail}>`)), undefined],
  ['percent in Base64', b64('to ann%40example.com'), undefined],
  ['JSON in Base64', b64('{"ssn":78051120}'), undefined],
  ['a number of a spreadsheet', 'paid with 4.111111111111111E+15 today', 'paid with [CREDIT_CARD] today'],
] as const) {
  test(`seen through: ${what}`, () => {
    const shown = maskOf().text(given);
    if (wanted !== undefined) assert.equal(shown, wanted);
    assert.notEqual(shown, given);
    assert.doesNotMatch(shown, /example/);
    const json = maskOf().json(JSON.stringify({ a: given, [given]: 1 }));
    assert.ok(json.ok);
    assert.equal((JSON.parse(json.value) as { readonly a: string }).a, shown);
    assert.ok(!json.value.includes(given));
    assert.equal(maskOf().text(shown), shown);
  });
}

for (const [what, given, wanted] of [
  ['a number that lost its zero', { ssn: 78051120 }, { ssn: 10000000 }],
  ['a text that did: some register has it', { ssn: '78051120' }, { ssn: '[NATIONAL_ID]' }],
  ['no name, no finding', { size: 78051120, n: '78051120' }, undefined],
  ['a wrapper', { ssn: { value: '078051120' } }, { ssn: { value: '[US_SSN]' } }],
  [
    'wrappers and lists',
    { ssn: [{ _: { $: '078051120' } }, { raw: 78051120 }] },
    { ssn: [{ _: { $: '[US_SSN]' } }, { raw: 10000000 }] },
  ],
  ['what says something is no wrapper', { ssn: { count: '078051121' } }, undefined],
  ['a number', { passport: { number: 'X12345678' } }, { passport: { number: '[US_PASSPORT]' } }],
  ['a number as a text', { n: '4.111111111111111E15' }, { n: '[CREDIT_CARD]' }],
  ['a coded value under its name', { ssn: '%30%3780%35%31120' }, { ssn: '[US_SSN]' }],
  ['a packed value under its name', { ssn: b64('78051120 ') }, { ssn: '[NATIONAL_ID]' }],
] as const) {
  test(`under its name: ${what}`, () => {
    const shown = maskOf().json(JSON.stringify(given));
    assert.ok(shown.ok);
    assert.deepEqual(JSON.parse(shown.value), wanted ?? given);
  });
}

test('tags reach into packed documents, also where nothing is looked for', () => {
  const shown = maskOf([]).json(
    JSON.stringify({ a: b64('{"x":{"name":"Zoë Quin"}}'), b: b64('{"x":{"nam":"Zoë"}}') }),
  );
  assert.ok(shown.ok);
  assert.deepEqual(JSON.parse(shown.value), { a: '***', b: b64('{"x":{"nam":"Zoë"}}') });
});

test('noise: a number stays a number near it, and nothing else is shown', () => {
  const noise: MaskOperator = { kind: 'noise', percent: 10 };
  const permit = {
    duties: { masks: [[{ tag: 'pay', operator: noise }]], finds: [] },
    operatorOf: ({ column }: { readonly column: string }) =>
      /(?:^|\.)pay$/.test(column) ? noise : undefined,
  };
  const mask = documentMask(permit as unknown as Permit, 'answer', key);
  const shown = mask.json(
    '{"pay":1000.50,"id":7,"all":[{"pay":-20},{"pay":"1000"},{"pay":null},{"pay":1e3}]}',
  );
  assert.ok(shown.ok);
  assert.match(
    shown.value,
    /^\{"pay":\d+\.\d\d,"id":7,"all":\[\{"pay":-\d+\},\{"pay":"\*\*\*"\},\{"pay":null\},\{"pay":\d\}\]\}$/,
  );
  const { pay } = JSON.parse(shown.value) as { readonly pay: number };
  assert.ok(pay !== 1000.5 && pay >= 900.45 && pay <= 1100.55, String(pay));
});

test('what is packed is found wherever in it, however long it is', () => {
  const filler = 'nothing to see in here, really. '.repeat(2_000);
  for (const before of ['', 'data:text/plain;base64,', 'see: ']) {
    const clean = maskOf().json(JSON.stringify({ a: before + b64(filler) }));
    assert.ok(clean.ok && clean.value.length > 80_000);
    const shown = maskOf().json(JSON.stringify({ a: before + b64(`${filler}to ${mail} ${filler}`) }));
    assert.ok(shown.ok);
    assert.deepEqual(JSON.parse(shown.value), { a: `${before}[EMAIL_ADDRESS]` });
  }
});

test('JSON behind something else in a string goes on from its path, with tags and with what is found', () => {
  const given = JSON.stringify({
    log: 'got {"name":"Zoe"} of ann.lee@example.com',
    lines: ['[INFO] [{"name":"Zoe","n":1}]', 'plain "quoted" {text}', '42["said",{"name":"Zoe"}]'],
    deep: JSON.stringify({ log: 'x {"name":"Zoe"}' }),
  });
  const wanted = JSON.stringify({
    log: 'got {"name":"***"} of [EMAIL_ADDRESS]',
    lines: ['[INFO] [{"name":"***","n":1}]', 'plain "quoted" {text}', '42["said",{"name":"***"}]'],
    deep: JSON.stringify({ log: 'x {"name":"***"}' }),
  });
  assert.deepEqual(maskOf().json(given), { ok: true, value: wanted });
  const many = JSON.stringify({ log: `x ${'{"a":'.repeat(3_000)}{"name":"Zoe"}` });
  const shown = maskOf([]).json(many);
  assert.match(shown.ok ? shown.value : '', /^\{"log":"x .*\*\*\*"\}$/);
  assert.ok(shown.ok && !shown.value.includes('Zoe'));
});
