import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { detectorsCheck, findMasker, mayContain, maskKey, scan, textStream, useDetectors } from './index.ts';
import { longestSearched } from './own.ts';

const staff = {
  name: 'STAFF_NUMBER',
  pattern: '\\bQRX-\\d{5}\\b',
  gate: 'QRX-',
  examples: { yes: ['QRX-12345'], no: ['QRX-1234', 'AQRX-12345'] },
  source: 'human resources',
};
const member = {
  name: 'CLUB_CARD',
  pattern: '\\b\\d{3}x\\d{3}\\b',
  context: ['club card'],
  onlyInContext: true,
  examples: { yes: ['123x456'] },
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function use(...raw: readonly unknown[]): void {
  const checked = detectorsCheck(raw, 'detectors');
  assert.ok(checked.ok, JSON.stringify(checked));
  useDetectors(checked.value);
}

afterEach(() => useDetectors([]));

test('a detector of somebody’s own is found by every search, through the gate, with the least cost its literal gives', () => {
  assert.deepEqual(scan('It is QRX-12345.'), []);
  use(staff);
  assert.deepEqual(scan('It is QRX-12345.'), [{ type: 'STAFF_NUMBER', start: 6, end: 15, score: 0.85 }]);
  assert.equal(mayContain(bytes('QRX-12345'), 0, 9), true);
  assert.equal(mayContain(bytes('plain words'), 0, 11), false);
  const mask = findMasker([{ entity: '*', operator: { kind: 'redact' } }], {
    key: maskKey(new Uint8Array(32)),
  });
  assert.equal(mask('QRX-12345 and ann@example.com').text, '[STAFF_NUMBER] and [EMAIL_ADDRESS]');
  useDetectors([]);
  assert.deepEqual(scan('It is QRX-12345.'), []);
});

test('without a literal everything is searched; context counts as for the program’s own', () => {
  use(member);
  assert.equal(mayContain(bytes('plain words'), 0, 11), true);
  assert.deepEqual(scan('see 123x456'), []);
  assert.equal(scan('club card 123x456')[0]?.type, 'CLUB_CARD');
  assert.equal(scan('123x456', { column: 'club_card' })[0]?.type, 'CLUB_CARD');
});

test('what exceeds the budget is a finding as a whole', () => {
  use(staff);
  const text = `QRX- ${'x '.repeat(longestSearched / 2)}`;
  assert.deepEqual(scan(text), [{ type: 'STAFF_NUMBER', start: 0, end: text.length, score: 1 }]);
});

test('a value with words and blanks in it is found in a stream, however it is cut', () => {
  const pattern = 'ACME customer [a-z]+ \\d{4}';
  use({ name: 'ACME_NAME', pattern, examples: { yes: ['ACME customer number 1234'] } });
  const finds = [{ entity: '*', operator: { kind: 'redact' } }] as const;
  const key = maskKey(new Uint8Array(32));
  const words = 'others wrote before and after this, with nothing to find. ';
  for (const before of [0, 1, 4, 5, 9]) {
    const text = `${words.repeat(before)}ACME customer number 1234 ${words.repeat(12)}ACME customer other 4321`;
    const whole = findMasker(finds, { key })(text).text;
    assert.doesNotMatch(whole, /1234|4321/);
    const stream = textStream({ finds, key });
    let most = 0;
    let out = '';
    for (const char of text) {
      out += stream.push(char);
      most = Math.max(most, stream.held);
    }
    assert.equal(out + stream.end(), whole);
    assert.ok(most < 1_000, `${most}`);
  }
});

test('patterns take linear time', () => {
  use({ name: 'EVIL', pattern: '(a+)+b', examples: { yes: ['aab'] } });
  assert.deepEqual(scan('a'.repeat(5_000)), []);
});

const refused: readonly (readonly [
  name: string,
  change: Readonly<Record<string, unknown>>,
  problem: RegExp,
])[] = [
  [
    'an example that is not found',
    { examples: { yes: ['QRX-1'] } },
    /examples\.yes\[0\]: The detector does not find/,
  ],
  [
    'a counter-example that is found',
    { examples: { yes: ['QRX-12345'], no: ['QRX-54321'] } },
    /examples\.no\[0\]/,
  ],
  ['no example', { examples: { yes: [] } }, /examples\.yes/],
  ['a pattern that is none', { pattern: '(' }, /pattern: Not a pattern of RE2/],
  ['what RE2 does not have', { pattern: '(?=a)QRX' }, /pattern: Not a pattern of RE2/],
  ['a pattern that fits nothing at all', { pattern: 'a*' }, /fits the empty text/],
  ['the name of one of the program’s', { name: 'EMAIL_ADDRESS' }, /has this name/],
  ['a name in small letters', { name: 'staff' }, /name: Expected/],
  ['a validator that nobody knows', { validator: 'crc' }, /validator/],
  ['a wrong literal', { gate: 'STAFF' }, /\.gate/],
  ['only in context, without any', { onlyInContext: true }, /context/],
  ['a field that nobody knows', { patern: 'x' }, /patern/],
];

for (const [name, change, problem] of refused) {
  test(`refused: ${name}`, () => {
    const checked = detectorsCheck([{ ...staff, ...change }], 'detectors');
    assert.ok(!checked.ok);
    const said = checked.error.map(({ path, message }) => `${path}: ${message}`).join('\n');
    assert.match(said, problem);
    assert.doesNotMatch(said, /QRX-54321/);
  });
}

test('refused: the same name twice', () => {
  assert.equal(detectorsCheck([staff, staff], 'detectors').ok, false);
});
