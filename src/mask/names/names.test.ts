import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maskKey } from '../key.ts';
import { normalise } from '../normalise.ts';
import { findMasker } from '../operators.ts';
import { scan } from '../scan.ts';
import { textStream } from '../stream.ts';
import { addressAt, lastAddress } from './address.ts';
import { namesByWords } from './find.ts';
import { wordAt } from './words.ts';
import { mayName, namesIn } from './index.ts';

/** The people that are found in a text, and then the places. */
function found(text: string): readonly (readonly string[])[] {
  const { people, places } = namesIn(text);
  return [people, places].map((spans) => spans.map(({ start, end }) => text.slice(start, end)));
}

const people: readonly (readonly [text: string, ...names: readonly string[]])[] = [
  ['The parcel was signed by Megan Fowler yesterday', 'Megan Fowler'],
  ['Anna called twice about it', 'Anna'],
  ['please ask Jean-Luc van der Meer for it', 'Jean-Luc van der Meer'],
  ["it was O'Neil, Patrick who wrote", "O'Neil, Patrick"],
  ['We met Mr. Ford and Frau Dr. Schumacher there', 'Mr. Ford', 'Frau Dr. Schumacher'],
  ['Hello, my name is Xylo Quend and I need help', 'Xylo Quend'],
  ['hi, my name is ann lee and i need help', 'ann lee'],
  ['ich heiße Jürgen Müller-Lüdenscheidt', 'Jürgen Müller-Lüdenscheidt'],
  ["je m'appelle Zélie Dupont", 'Zélie Dupont'],
  ['me llamo José García López', 'José García López'],
  ['Dear Katherine, thank you', 'Katherine'],
  ['Patient: Jie Xu, born in May', 'Jie Xu'],
  ['the report of J. R. Smith is here', 'J. R. Smith'],
  ['written by John F. Kennedy Jr. in a letter', 'John F. Kennedy Jr.'],
  ['Will Smith called again', 'Will Smith'],
  ["that is Julia's idea", 'Julia'],
  ['a letter from petra fischer came', 'petra fischer'],
  ['позвонила Анна Иванова вчера', 'Анна Иванова'],
  ['我叫王小明', '王小明'],
  ['田中さんから電話', '田中'],
  ['김철수씨 전화', '김철수'],
];

for (const [text, ...names] of people)
  test(`people of ${JSON.stringify(text)}`, () => assert.deepEqual(found(text)[0], names));

const places: readonly (readonly [text: string, ...names: readonly string[]])[] = [
  ['send it to 12 Main Street, Springfield, IL 62704, please', '12 Main Street, Springfield, IL 62704'],
  ['bis Kölner Ring 12 und', 'Kölner Ring 12'],
  ['til Kongens gate 5 og', 'Kongens gate 5'],
  ['at 1600 Pennsylvania Ave NW today', '1600 Pennsylvania Ave'],
  ['sie wohnt Hauptstraße 12, 80331 München, im Hof', 'Hauptstraße 12, 80331 München'],
  ['Kurt-Schumacher-Str. 5a ist zu', 'Kurt-Schumacher-Str. 5a'],
  ['Berliner Straße 12 liegt dort', 'Berliner Straße 12'],
  ['au 12 rue de la Paix, 75002 Paris demain', '12 rue de la Paix, 75002 Paris'],
  ['en Calle Mayor 5, 28013 Madrid desde ayer', 'Calle Mayor 5, 28013 Madrid'],
  ['in Via Roma 12, 00184 Roma oggi', 'Via Roma 12, 00184 Roma'],
  ['op Keizersgracht 174, 1016 DW Amsterdam', 'Keizersgracht 174, 1016 DW Amsterdam'],
  ['na Rua Augusta 1500 amanhã', 'Rua Augusta 1500'],
  ['przy ul. Długa 5, 00-238 Warszawa', 'ul. Długa 5, 00-238 Warszawa'],
  ['10 Downing Street, London SW1A 2AA it is', '10 Downing Street, London SW1A 2AA'],
  ['write to P.O. Box 1234, Springfield, IL 62704 then', 'P.O. Box 1234, Springfield, IL 62704'],
  ['an Postfach 12 34 in Ulm', 'Postfach 12 34'],
  ['5 Elm Court, Apt 7, Dover, OH 44622 is hers', '5 Elm Court, Apt 7, Dover, OH 44622'],
  ['he lives in Buenos Aires now', 'Buenos Aires'],
  ['sie kommt aus Berlin und', 'Berlin'],
  ['Delivered to Springfield, IL 62704 on Monday', 'Springfield, IL 62704'],
];

for (const [text, ...names] of places)
  test(`places of ${JSON.stringify(text)}`, () => assert.deepEqual(found(text)[1], names));

const streetsWithoutCapitals = ['rue 田中さんから電話 an Postfach 12 34 in Ulm ', 'Via 我叫王小明 Suite 5'];

const alone: readonly string[] = [
  'Ann Lee',
  'Berlin',
  'May is warm and June is too',
  'Will it rain? Mark the box',
  'Rose Garden Hotel',
  'Shipped from Berlin warehouse',
  'The Jordan river and the Chelsea match',
  'Order 12 of 2026-01-05, 3 boxes',
  '3 boxes left on the street',
  'Room 101, Floor 7',
  'Main Street is closed',
  'Please ring 20 minutes before',
  'We gate 24 features',
  'WHEN x THEN y ELSE NULL END FROM t',
  'run SELECT DISTINCT name here',
  'the Cyrus SASL library',
  'Please ship by Friday to the warehouse',
  'Returned: screen is broken, customer wants a refund',
  'Meeting in Room Berlin at 10:15',
  'deploy the ruby service to production with jenkins',
  'Europe/London',
  'ann_lee',
  'https://example.com/Ann/Lee is the place',
  'Cannot read properties of undefined (reading Foo)',
  'SELECT name FROM customers WHERE city = 1',
  'Visual Studio Code is open',
  'Customer Mobility Orchestrator',
  'Company: Sterling Cooper',
  'Last Monday, the second of April, was busy',
];

for (const text of alone)
  test(`nobody in ${JSON.stringify(text)}`, () => assert.deepEqual(found(text), [[], []]));

test('a cell that is a name and nothing else counts where its column speaks of people', () => {
  for (const column of ['contact', 'assigned_to', 'customerName', 'author'])
    assert.deepEqual(scan('Ann Lee', { column })[0]?.type, 'PERSON', column);
  assert.deepEqual(scan('Ann Lee', { column: 'name' }), []);
  assert.deepEqual(scan('Steel hammer', { column: 'contact' }), []);
  assert.deepEqual(scan('San Jose', { column: 'contact' }), []);
  assert.deepEqual(scan('Ann Lee', { column: 'product_code' }), []);
});

const key = maskKey(new Uint8Array(32).fill(5));
const finds = [{ entity: '*', operator: { kind: 'redact' } }] as const;
const pieces = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(...[...people, ...places].flatMap(([text]) => text.split(/(?<=[ ,.:])/))),
  },
  { weight: 2, arbitrary: fc.constantFrom(...[...people, ...places].map(([text]) => `${text} `), ...alone) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ' ',
      '\n',
      'Springfield,\n',
      'Fowler\n',
      ', ',
      '. ',
      ': ',
      '"',
      "'s ",
      'from ',
      'in ',
      'lives in ',
      'the customer ',
      'about ',
      'street ',
      'Suite 5',
      'IL 62704',
      'ANN ',
      'HEADLINE ',
      'Mr. ',
      'van ',
      'élodie ',
      'Élodie ',
      'ann ',
      'lee ',
      '12 ',
      'rue ',
      'an\u00adna ',
      'Ａnn ',
      "O'",
      '-',
      'ann@example.com ',
      '4111 1111 1111 1111 ',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 5 }) },
);
const texts = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''));

test('mayName() is never false where a name or an address is found', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = new TextEncoder().encode(text);
      const read = normalise(new TextDecoder().decode(bytes)).text;
      const { people, places } = namesByWords(read);
      if (people.length + places.length > 0) assert.ok(mayName(bytes, 0, bytes.length));
      assert.deepEqual(namesIn(read), { people, places });
    }),
    { numRuns: 5_000 },
  );
});

test('No address begins with a word behind the place that lastAddress() gives', () => {
  const none = (text: string): void => {
    for (let at = lastAddress(text) + 1; at < text.length; at++) {
      const word = wordAt(text, at);
      if (word !== undefined) assert.equal(addressAt(text, at, word), undefined, text.slice(at));
    }
  };
  const ships = ['USS Hornet\nFPO AP', 'the USNS Comfort\n'];
  for (const text of [...places.map(([each]) => each), ...streetsWithoutCapitals, ...ships]) none(text);
  assert.equal(lastAddress('Hauptstraße 12, München'), 13);
  assert.equal(lastAddress('Hauptstraße'), -1);
  fc.assert(fc.property(texts, none), { numRuns: 1_000 });
});

test('stream(x) = whole(x) with names and addresses in it, for every split', () => {
  const mask = findMasker(finds, { key });
  for (const text of [...[...people, ...places].map(([each]) => each), ...streetsWithoutCapitals]) {
    const long = `Somebody wrote before it. ${text}; and later there was ${text}`;
    const whole = mask(long).text;
    for (let at = 0; at <= long.length; at++) {
      const stream = textStream({ finds, key });
      assert.equal(
        stream.push(long.slice(0, at)) + stream.push(long.slice(at)) + stream.end(),
        whole,
        `at ${at}`,
      );
    }
  }
  fc.assert(
    fc.property(texts, fc.array(fc.nat(9), { minLength: 1, maxLength: 40 }), (text, sizes) => {
      const stream = textStream({ finds, key });
      let out = '';
      for (let at = 0, n = 0; at < text.length; n++) {
        const size = (sizes[n % sizes.length] ?? 0) + 1;
        out += stream.push(text.slice(at, at + size));
        at += size;
      }
      assert.equal(out + stream.end(), mask(text).text);
    }),
    { numRuns: 1_000 },
  );
});

test('masking names again changes nothing', () => {
  fc.assert(
    fc.property(texts, fc.constantFrom('redact', 'hash', 'token', 'generalise'), (text, kind) => {
      const mask = findMasker([{ entity: '*', operator: { kind } }], { key });
      const once = mask(text).text;
      assert.equal(mask(once).text, once);
    }),
    { numRuns: 1_000 },
  );
});

test('of a text in sentences little is held back, and of one in capitals not much more', () => {
  for (const [text, most] of [
    [
      'Yesterday Anna Fowler wrote from 12 Main Street, Springfield about the order that she had placed. ',
      140,
    ],
    ['THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG WHILE ANN LEE WAITS ', 300],
    ['The Quick Brown Fox Jumps Over The Lazy Dog ', 300],
    ['Ann Fowler, Berlin, ORDERED\n', 60],
  ] as const) {
    const stream = textStream({ finds, key });
    let held = 0;
    for (const char of text.repeat(20)) {
      stream.push(char);
      held = Math.max(held, stream.held);
    }
    assert.ok(held <= most, `${held}`);
  }
});

test('what is made to be slow takes linear time', () => {
  for (const text of [
    'Ann ',
    '12 Main ',
    'rue de ',
    'Mr. ',
    "O'",
    'A. ',
    '12, ',
    'Straße ',
    'van ',
    'Main Street 5, Ulm, ',
    'ann lee ',
  ])
    assert.ok(namesIn(text.repeat(5_000)).people.length >= 0);
});
