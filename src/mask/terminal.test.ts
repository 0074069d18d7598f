import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { terminalStream } from './terminal.ts';

const finds = [{ entity: '*', operator: { kind: 'redact' } }] as const;

function whole(...pieces: readonly string[]): string {
  const stream = terminalStream({ finds });
  return pieces.map((piece) => stream.push(piece)).join('') + stream.end();
}

const cases: readonly (readonly [name: string, input: string, output: string])[] = [
  ['plain words pass', 'total 12\r\nfile.txt\r\n', 'total 12\r\nfile.txt\r\n'],
  ['a card is starred as wide as it is', 'pay 4111 1111 1111 1111 now\n', 'pay **** **** **** **** now\n'],
  [
    'colours inside a number stay',
    '4111 \u001b[31m1111\u001b[0m 1111 1111\n',
    '**** \u001b[31m****\u001b[0m **** ****\n',
  ],
  ['backspaces', '4111 11x\b11 1111 1111\n', '**** **** **** ****\n'],
  [
    'a carriage return: what is written over never goes out',
    '4111 1111 1111 1111\rfine               \n',
    'fine               \n',
  ],
  ['moves to the left', '0111 1111 1111 1111\u001b[19D4\n', '**** **** **** ****\n'],
  ['moves to a column', 'xxxx 1111 1111 1111\u001b[1G4111\n', '**** **** **** ****\n'],
  ['erased to the end of the line', 'ok 4111 1111 1111 1111\r\u001b[Kdone\n', 'done\n'],
  [
    'pieces painted at places of the screen',
    '\u001b[5;1H4111\u001b[5;6H1111\u001b[5;11H1111\u001b[5;16H1111\n',
    '\u001b[5;1H****\u001b[5;6H****\u001b[5;11H****\u001b[5;16H****\n',
  ],
  [
    'an address in two pieces',
    '\u001b[2;1Hann@exam\u001b[2;9Hple.com\n',
    '\u001b[2;1H********\u001b[2;9H*******\n',
  ],
  [
    'a key over several lines',
    '-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----\nok\n',
    '********** *** ******* ********\n*******\n******** *** ******* ********\nok\n',
  ],
  ['the link of a text', '\u001b]8;;https://x.example/?t=ann@example.com\u0007here\n', 'here\n'],
  ['a title passes', '\u001b]0;shell\u0007$ ls\n', '\u001b]0;shell\u0007$ ls\n'],
  ['a sequence that is never ended', 'ok\n\u001b]0;4111 1111 1111 1111', 'ok\n'],
  ['digits of another script, wide', '４１１１ 1111 1111 1111\n', '******** **** **** ****\n'],
];

for (const [name, input, output] of cases) {
  test(name, () => {
    assert.equal(whole(input), output);
    assert.equal(whole(...input.split('')), output, 'unit by unit');
  });
}

const piece = fc.constantFrom(
  '4111',
  ' 1111',
  '1',
  ' ',
  'ann@example.com',
  'words',
  '\b',
  '\r',
  '\n',
  '\r\n',
  '\u001b[31m',
  '\u001b[0m',
  '\u001b[3D',
  '\u001b[2C',
  '\u001b[1G',
  '\u001b[K',
  '\u001b[2;3H',
  '\u001b]0;x\u0007',
  '\u001b[2P',
  '😀',
  '-----BEGIN PRIVATE KEY-----',
  '\u001b[',
  '\u009b',
  '219-09-9998',
);

test('whatever the pieces, the same comes out', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 25 }),
      fc.array(fc.nat(200), { maxLength: 6 }),
      (parts, cuts) => {
        const text = parts.join('');
        const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].toSorted((a, b) => a - b);
        const pieces = [0, ...at].map((start, n) => text.slice(start, at[n] ?? text.length));
        assert.equal(whole(...pieces), whole(text));
        assert.equal(whole(...text.split('')), whole(text));
      },
    ),
    { numRuns: 300 },
  );
});

test('who waits is shown what is held, but no beginning of a value', () => {
  const stream = terminalStream({ finds });
  assert.equal(stream.push('Password for ann: '), '');
  assert.equal(stream.flush(), 'Password for ann: ');
  stream.push('\ncard 4111 1111 1');
  assert.doesNotMatch(stream.flush(), /4111/);
});

test('a line without end is bounded', () => {
  const stream = terminalStream({ finds, most: 1_000 });
  assert.equal(stream.push('1'.repeat(5_000)), '');
  assert.equal(stream.push('\nok\n'), '***\nok\n');
});
