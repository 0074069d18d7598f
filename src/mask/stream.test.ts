import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FindMask } from '../core/decision.ts';
import { maskKey } from './key.ts';
import { findMasker } from './operators.ts';
import { partsAt } from './parted.ts';
import { byteStream, textStream } from './stream.ts';

const key = maskKey(new Uint8Array(32).fill(3));
const redact: readonly FindMask[] = [{ entity: '*', operator: { kind: 'redact' } }];
const operators: readonly FindMask['operator'][] = [
  { kind: 'redact' },
  { kind: 'hash' },
  { kind: 'partial', keepFirst: 0, keepLast: 4 },
  { kind: 'token' },
];

function masked(text: string, finds: readonly FindMask[] = redact): string {
  return findMasker(finds, { key })(text).text;
}

function streamed(pieces: readonly string[], finds: readonly FindMask[] = redact): string {
  const stream = textStream({ finds, key });
  return pieces.map((piece) => stream.push(piece)).join('') + stream.end();
}

const documents: readonly string[] = [
  'Pay 4111 1111 1111 1111 or mail ann@example.com, call +44 20 7946 0958.',
  'His card: 4111\n1111 1111-1111, born on July 21, 1984 in Ulm; SSN: 457555462 (typed twice).',
  'key -----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY----- and -----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE----- ok',
  'IBAN DE89 3704 0044 0532 0130 00 wird belastet, Kennzeichen B-AB 1234, PLZ 80331 München',
  'password = hunter2secret and postgres://app:s3cret@db.internal:5432/orders were logged',
  '322 327 102 office\n+1 415 555 0132 x123 fax  \n\n12 34 56 and a b c 12',
  '{"ssn":"219-09-9998","note":"４１１１ １１１１ １１１１ １１１１","token":"ghp_a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2a1B2"}',
  `log: password = "correct horse, battery; staple 9" and pwd='it\\'s (a) b&c' then {\\"secret\\":\\"x y\\"} or pw=a,b(c)d) next`,
  'passwd: "never closed on this line\nnext line with 4111 1111 1111 1111 "ok" and pass="also open, and over',
  'phone: +1 (434) 432-3542. NSS: 434-74-6734. Adresse: 4034 Chestnut Avenue',
  '我的身份证号是11010519491231002X，电话 +86 138 0013 8000。',
  'write to "maria lopez"@example.com or "lee, ann"@example.org, "not an address" here',
  'write to joris petersen [at] example (dot) org, or maria at example dot com please (at noon)',
  '{"a":"maria lopez","b":"\\"maria lopez\\"@example.com","c":"some longer words in quotes that go on for more than hundred characters, and more, and more","d":"x"}',
  'रोगी: राम प्रकाश शर्मा\nالمريض: محمد أحمد علي\n姓名：王小明，患者 : 山田 太郎',
  "Customer | Maria Petersen | password is hunter2x now, IDENTIFIED BY 'hunter2'",
];

test('stream(x) = whole(x), for every split in two and piece by piece', () => {
  for (const text of documents) {
    for (const operator of operators) {
      const finds = [{ entity: '*', operator }];
      const whole = masked(text, finds);
      assert.notEqual(whole, text, 'nothing to find: the test would pass on nothing');
      assert.equal(streamed(Array.from(text), finds), whole);
      for (let at = 0; at <= text.length; at++) {
        assert.equal(
          streamed([text.slice(0, at), text.slice(at)], finds),
          whole,
          `${operator.kind} at ${at}`,
        );
      }
    }
  }
});

const fragment = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...documents.flatMap((text) => text.split(/(?<=[ ,;:"])/))) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'the',
      ' customer ',
      ' ',
      '\n',
      '  ',
      '-',
      '.',
      '(',
      '+',
      'card ',
      'password: "',
      "pwd='",
      'secret=\\"',
      '\\"',
      "'",
      '"',
      'ssn ',
      '@',
      '-----BEGIN ',
    ),
  },
  { weight: 1, arbitrary: fc.stringMatching(/^[0-9]{1,6}$/) },
);
const texts = fc.array(fragment, { maxLength: 14 }).map((parts) => parts.join(''));

test('stream(x) = whole(x), for made texts and made splits', () => {
  fc.assert(
    fc.property(texts, fc.array(fc.nat(7), { minLength: 1, maxLength: 60 }), (text, sizes) => {
      const pieces: string[] = [];
      for (let at = 0, n = 0; at < text.length; n++) {
        const size = (sizes[n % sizes.length] ?? 0) + 1;
        pieces.push(text.slice(at, at + size));
        at += size;
      }
      assert.equal(streamed(pieces), masked(text));
    }),
    { numRuns: 2_000 },
  );
});

const apart: readonly (readonly [parts: readonly string[], shown: readonly string[]])[] = [
  [
    ['Pay 4111 1111 ', '1111 1111 now'],
    ['Pay ***', ' now'],
  ],
  [
    ['card 4111111111111111', 'Thanks'],
    ['card ***', 'Thanks'],
  ],
  [
    ['Thanks', '4111 1111 1111 1111 is'],
    ['Thanks', '*** is'],
  ],
  [
    ['mail ann', '@exam', 'ple.com', ' now'],
    ['mail ***', '', '', ' now'],
  ],
  [
    ['', 'Hello ', 'World', ''],
    ['', 'Hello ', 'World', ''],
  ],
  [
    ['-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n', 'MIID\n-----END PRIVATE KEY----- ok'],
    ['***', ' ok'],
  ],
];

function inParts(
  parts: readonly string[],
  size: number,
  finds: readonly FindMask[] = redact,
): readonly string[] {
  const stream = textStream({ finds, key });
  let out = '';
  for (const [index, part] of parts.entries()) {
    if (index > 0) stream.mark();
    for (let at = 0; at < part.length; at += size) out += stream.push(part.slice(at, at + size));
  }
  out += stream.end();
  assert.equal(stream.marks.length, parts.length - 1);
  return partsAt(out, stream.marks);
}

test('parts that a reader may put together: what goes over a mark is shown before it', () => {
  for (const [parts, shown] of apart)
    for (const size of [1, 5, 100])
      assert.deepEqual(
        inParts(parts, size).map((each) => each.replaceAll(/\[[A-Z_]+\]/g, '***')),
        shown,
      );
});

test('parts cut anywhere: together nothing of them is left to be found, and neither in one of them', () => {
  for (const text of documents)
    for (let at = 0; at <= text.length; at += 3) {
      const parts = [text.slice(0, at), text.slice(at)];
      const shown = inParts(parts, 7);
      for (const each of [shown.join(''), ...shown]) assert.equal(masked(each), each, `${at}: ${each}`);
    }
});

// Each came out otherwise once: a value went on behind what was taken for its end, or depends on what stands behind it.
const found: readonly string[] = [
  'see https://x.example/a，b=1 ok',
  'www.test.example/，E',
  'sessiontoken:0。0',
  'privatekey=。/0',
  'another "quoted\u200b word"\u200b@x.co here',
  'another at dotted dot org',
  `pwd='@example.com"`,
  'another (at) dotted.org',
  '"another',
  '"a"another words"@x.co',
  'license plate=d 8',
  'ogged\ufeff@x.co',
  'password: hunter is here now',
  'password: hunter \u200b x',
  'password: hunter ',
  'vehicleregistration=traße 2',
  'licenseplate üller 5',
  'www.t.-----BEGIN -',
  'born on-January 5, 1990',
  'birthday Ｊanuary 5, 1990 ok',
];

for (const text of found) {
  test(`stream(x) = whole(x): ${JSON.stringify(text)}`, () => {
    for (let at = 0; at <= text.length; at++)
      assert.equal(streamed([text.slice(0, at), text.slice(at)]), masked(text), `at ${at}`);
    assert.equal(streamed(text.split('')), masked(text));
  });
}

test('a Chinese text without blanks is not held back', () => {
  const stream = textStream({ finds: redact, key });
  for (const char of '我们在二零年收到你的来信，会尽快回复。'.repeat(50)) stream.push(char);
  assert.ok(stream.held <= 40, `${stream.held}`);
});

test('bytes may be split inside a character', () => {
  for (const text of documents) {
    const bytes = new TextEncoder().encode(text);
    const stream = byteStream({ finds: redact, key });
    const out: Uint8Array[] = [];
    for (const byte of bytes) out.push(stream.push(Uint8Array.of(byte)));
    out.push(stream.end());
    assert.equal(Buffer.concat(out).toString(), masked(text));
  }
});

test('what is held back is short in sentences, and bounded in anything', () => {
  const stream = textStream({ finds: redact, key });
  let most = 0;
  for (const char of 'The customer called about an order that he placed on Monday with some notes. '.repeat(
    20,
  )) {
    stream.push(char);
    most = Math.max(most, stream.held);
  }
  assert.ok(most <= 40, `${most}`);
  const long = textStream({ finds: redact, key, most: 1_000 });
  let out = '';
  for (let at = 0; at < 5_000; at++) out += long.push('a1');
  assert.ok(long.held <= 1_002);
  out += long.push(' something else ') + long.end();
  assert.equal(out, '*** else ');
});

test('a key that is longer than may be held is never shown, whatever its lines hold', () => {
  const stream = textStream({ finds: redact, key, most: 400 });
  const body = 'MIIEvQIBADANBgsecret\n'.repeat(60);
  const out =
    Array.from(`see -----BEGIN RSA PRIVATE KEY-----\n${body}-----END RSA PRIVATE KEY----- after`, (char) =>
      stream.push(char),
    ).join('') + stream.end();
  assert.doesNotMatch(out, /MIIE|secret/);
  assert.match(out, /^see .*after$/s);
});

test('flush() shows a prompt, and nothing of a value that has begun', () => {
  const stream = textStream({ finds: redact, key });
  assert.equal(stream.push('login as root, Pass: ') + stream.flush(), 'login as root, Pass: ');
  assert.equal(stream.push('Card: 4111 1111 1') + stream.flush(), '***');
  assert.doesNotMatch(stream.push('111 1111 thanks ') + stream.end(), /1111/);
});
