// Rows of ten columns, as the tables of a shop hold them. Clean: nothing in them is anybody's; dense: name, mail address
// and telephone in each, a card in three of ten; mixed: one row in ten is dense.
//
// The first three tables have a thousand rows that come again and again, so that what was shown once is remembered. Of the
// others, which have many more, no name, address, number or note comes twice in one go: nothing but looking helps there.

export const rowColumns = 10;

/** `row` gives the cells of one row, `count` how many different rows there are. */
export interface Rows {
  readonly name: string;
  readonly row: (at: number) => readonly string[];
  readonly count: number;
}

const clean = (at: number): readonly string[] => [
  String(100_000 + at),
  `ORD-${20_000_000 + at}`,
  `SKU-${1_000 + (at % 9_000)}-A`,
  ['shipped', 'open', 'paid', 'returned'][at % 4] ?? '',
  `2026-0${1 + (at % 9)}-1${at % 10} 10:11:12.${100_000 + (at % 900_000)}+00`,
  `2026-0${1 + (at % 9)}-2${at % 10} 08:00:00+00`,
  ['Berlin', 'Lyon', 'Porto', 'Gdansk'][at % 4] ?? '',
  `${10 + (at % 90)}.${10 + (at % 90)}`,
  '2 boxes, leave at the door',
  'EUR',
];

const dense = (at: number): readonly string[] => [
  String(100_000 + at),
  ['Ann Lee', 'Jo Berg', 'Max Holm'][at % 3] ?? '',
  `person${at % 10_000}@example.com`,
  `+1 415 555 0${100 + (at % 900)}`,
  at % 10 < 3 ? '4111 1111 1111 1111' : 'invoice',
  ...clean(at).slice(5),
];

const first = 'Ann Jo Max Eva Tom Lea Ian Kim Ulla Sven Peter Maria Olga Hans'.split(' ');
const last = 'Lee Berg Holm Novak Smith Weber Rossi Silva Kowalski Dubois'.split(' ');
const words =
  'boxes leave at the door please ring back package returned broken left side customer says colour blue green order late wants refund wait until Monday evening size large small paper printed label missing ask driver stairs second floor gate open closed garden behind house'.split(
    ' ',
  );

/** A number below `most` that each `at` and each `use` has another of. */
function any(at: number, use: number, most: number): number {
  let hash = Math.imul(at + 1, 0x9e3779b1) ^ Math.imul(use + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) % most;
}

function of(list: readonly string[], at: number, use: number): string {
  return list[any(at, use, list.length)] ?? '';
}

function card(at: number): string {
  const body = `4${String(any(at, 20, 1e9)).padStart(9, '0')}${String(any(at, 21, 1e5)).padStart(5, '0')}`;
  let sum = 0;
  for (let place = 0; place < body.length; place++) {
    const digit = Number(body[body.length - 1 - place]) * (place % 2 === 0 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return `${body}${(10 - (sum % 10)) % 10}`.replace(/(....)(?=.)/g, '$1 ');
}

const cleanVaried = (at: number): readonly string[] => [
  String(100_000 + at),
  `ORD-${20_000_000 + any(at, 1, 9_000_000)}`,
  `SKU-${1_000 + any(at, 2, 9_000)}-${of(['A', 'B', 'C', 'D'], at, 3)}`,
  of(['shipped', 'open', 'paid', 'returned'], at, 4),
  `2026-0${1 + any(at, 5, 9)}-1${any(at, 6, 10)} 10:11:12.${100_000 + any(at, 7, 900_000)}+00`,
  `2026-0${1 + any(at, 8, 9)}-2${any(at, 9, 10)} 08:00:00+00`,
  of(['Berlin', 'Lyon', 'Porto', 'Gdansk', 'Oslo', 'Madrid', 'Vienna', 'Prague'], at, 10),
  `${10 + any(at, 11, 90)}.${10 + any(at, 12, 90)}`,
  `${1 + any(at, 13, 5)} ${[14, 15, 16, 17].map((use) => of(words, at, use)).join(' ')}`,
  'EUR',
];

const denseVaried = (at: number): readonly string[] => [
  String(100_000 + at),
  `${of(first, at, 30)} ${of(last, at, 31)}`,
  `${of(first, at, 30)}.${of(last, at, 31)}${at}@example.com`.toLowerCase(),
  `+1 ${200 + any(at, 32, 700)} 555 ${String(any(at, 33, 10_000)).padStart(4, '0')}`,
  at % 10 < 3 ? card(at) : 'invoice',
  ...cleanVaried(at).slice(5),
];

const mixed =
  (plain: Rows['row'], full: Rows['row']): Rows['row'] =>
  (at) =>
    at % 10 === 0 ? full(at) : plain(at);

const fewRows = 1_000;
const manyRows = 20_000;

export const tables: readonly Rows[] = [
  { name: 'clean rows', row: clean, count: fewRows },
  { name: 'mixed rows', row: mixed(clean, dense), count: fewRows },
  { name: 'dense rows', row: dense, count: fewRows },
  { name: 'clean rows, values new', row: cleanVaried, count: manyRows },
  { name: 'mixed rows, values new', row: mixed(cleanVaried, denseVaried), count: manyRows },
  { name: 'dense rows, values new', row: denseVaried, count: manyRows },
];
