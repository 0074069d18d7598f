// The demo's shop: deterministic, and nobody's. Every value looks real and is not:
// names are combined by chance, mails end in example.com/.net/.org (RFC 2606), phones are 555-01xx (reserved for
// fiction), SSNs have area numbers 734 to 749 (never assigned before 2011, and to newborns only since), cards begin with
// prefixes that payment networks publish for tests, and have a right check digit.

export interface SampleFiles {
  readonly 'customers.csv': string;
  readonly 'orders.csv': string;
  readonly 'payments.csv': string;
}

export const sampleCounts: { readonly customers: number; readonly orders: number } = {
  customers: 2_000,
  orders: 20_000,
};

/** CSV files for COPY. The same on every machine. */
export function sampleFiles(): SampleFiles {
  const chance = dice(20_240_229);
  const orders = Array.from({ length: sampleCounts.orders }, (_, index) => order(index + 1, chance));
  return {
    'customers.csv': csv(
      Array.from({ length: sampleCounts.customers }, (_, index) => customer(index + 1, chance)),
    ),
    'orders.csv': csv(
      orders.map(({ id, customerId, status, cents, at }) => [id, customerId, status, money(cents), iso(at)]),
    ),
    'payments.csv': csv(paymentsOf(orders, chance)),
  };
}

export interface SampleCustomer {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly phone: string;
  readonly ssn: string;
  readonly card: string;
  readonly notes: string | null;
  readonly city: string;
}

/** The same customers, as the demo's web service and model know them. */
export function sampleCustomers(): readonly SampleCustomer[] {
  const chance = dice(20_240_229);
  for (let index = 0; index < sampleCounts.orders; index++) order(index + 1, chance); // they come first in the files
  return Array.from({ length: sampleCounts.customers }, (_, index) => {
    const [, name, email, phone, ssn, card, notes, city] = customer(index + 1, chance).map((cell) =>
      String(cell ?? ''),
    );
    return {
      id: index + 1,
      name: name ?? '',
      email: email ?? '',
      phone: phone ?? '',
      ssn: ssn ?? '',
      card: card ?? '',
      notes: notes === '' || notes === undefined ? null : notes,
      city: city ?? '',
    };
  });
}

type Cell = string | number | undefined;

/** 0 <= chance(n) < n, whole. Mulberry32: small, and the same everywhere. */
type Dice = (sides: number) => number;

function dice(seed: number): Dice {
  let state = seed >>> 0;
  return (sides) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

function pick<T>(chance: Dice, from: readonly [T, ...T[]]): T {
  return from[chance(from.length)] ?? from[0];
}

const firstNames = [
  'Ada', 'Amir', 'Anna', 'Ben', 'Carla', 'Chidi', 'Chloe', 'Daniel', 'Dmitri', 'Elena', 'Emma', 'Fatima', 'Felix',
  'Grace', 'Hana', 'Hugo', 'Ines', 'Ivan', 'Jada', 'James', 'José', 'Julia', 'Kenji', 'Lars', 'Leila', 'Liam',
  'Łukasz', 'Mara', 'Marcus', 'Mei', 'Mina', 'Nadia', 'Noah', 'Olga', 'Omar', 'Paula', 'Priya', 'Quinn', 'Rosa',
  'Ruth', 'Samuel', 'Sofia', 'Tariq', 'Tess', 'Uma', 'Victor', 'Wanda', 'Yusuf', 'Zara', 'Zoë',
] as const; // prettier-ignore
const lastNames = [
  'Abbott', 'Ahmed', 'Alvarez', 'Baker', 'Bauer', 'Brown', 'Castillo', 'Chen', 'Clarke', 'Costa', 'Dubois', 'Eriksen',
  'Fischer', 'Fraser', 'García', 'Gupta', 'Haddad', 'Hansen', 'Ito', 'Jansen', 'Johnson', 'Kaya', 'Kim', 'Kowalski',
  'Larsen', 'Lopez', 'Martin', 'Mensah', 'Moreau', 'Müller', 'Nguyen', "O'Neill", 'Okafor', 'Patel', 'Petrov', 'Quist',
  'Reyes', 'Rossi', 'Sato', 'Schmidt', 'Silva', 'Singh', 'Tanaka', 'Thomas', 'Usman', 'Vargas', 'Weber', 'Wilson',
  'Yilmaz', 'Zhang',
] as const; // prettier-ignore
const cities = [
  'Amsterdam', 'Athens', 'Berlin', 'Bogotá', 'Boston', 'Cairo', 'Chicago', 'Dublin', 'Helsinki', 'Istanbul', 'Kyoto',
  'Lagos', 'Lisbon', 'London', 'Lyon', 'Madrid', 'Melbourne', 'Mumbai', 'Oslo', 'Porto', 'Quito', 'Seattle', 'Seoul',
  'Toronto', 'Warsaw', 'Zürich',
] as const; // prettier-ignore
const areaCodes = [
  '201',
  '202',
  '206',
  '212',
  '303',
  '312',
  '404',
  '415',
  '512',
  '617',
  '702',
  '808',
] as const;
const cardPrefixes = ['411111', '424242', '400005', '555555', '520082', '601111'] as const;

function customer(id: number, chance: Dice): readonly Cell[] {
  const [first, last] = [pick(chance, firstNames), pick(chance, lastNames)];
  const person = {
    email: email(first, last, id, chance),
    phone: phone(chance),
    ssn: ssn(id),
    card: card(chance),
  };
  const created = day2023 + chance(700) * dayMs + chance(86_400) * 1_000;
  return [
    id,
    `${first} ${last}`,
    person.email,
    person.phone,
    person.ssn,
    person.card,
    note(chance),
    pick(chance, cities),
    iso(created),
  ];
}

/** Free text; about a third of all holds something that must not be seen, of somebody else. */
function note(chance: Dice): string | undefined {
  const [first, last] = [pick(chance, firstNames), pick(chance, lastNames)];
  const mail = email(first, last, 5_000 + chance(5_000), chance);
  const number = grouped(card(chance), pick(chance, [' ', '-', '']));
  const social = ssn(5_000 + chance(5_000));
  const call = phone(chance);
  const texts: readonly [string | undefined, ...(string | undefined)[]] = [
    undefined,
    undefined,
    'Prefers delivery in the morning',
    'Leave parcels with the neighbour on the second floor',
    'Asked for an invoice by post',
    'Allergic to peanuts, see order 12',
    'Renews every spring',
    'Likes to be called by first name',
    `Write to ${mail} instead`,
    `Called from ${call} and asked for a call back`,
    `Paid with card ${number} on the phone`,
    `Identity checked, SSN ${social}`,
    `Please ring ${call} or write to ${mail} before delivery`,
  ];
  return pick(chance, texts);
}

function email(first: string, last: string, id: number, chance: Dice): string {
  const plain = `${first}.${last}`
    .replaceAll('Ł', 'L')
    .normalize('NFD')
    .replaceAll(/[^A-Za-z.]/g, '');
  return `${plain.toLowerCase()}${id}@example.${pick(chance, ['com', 'net', 'org'])}`;
}

function phone(chance: Dice): string {
  const [area, line] = [pick(chance, areaCodes), String(100 + chance(100)).padStart(4, '0')];
  return pick(chance, [`(${area}) 555-${line}`, `+1 ${area}-555-${line}`, `${area}-555-${line}`]);
}

function ssn(id: number): string {
  const scrambled = (id * 7_919) % (16 * 99); // one to one for 1,584 ids in a row: 7919 is prime to it
  const [area, group] = [734 + (scrambled % 16), 1 + Math.floor(scrambled / 16)];
  return `${area}-${String(group).padStart(2, '0')}-${1_000 + ((id * 37) % 9_000)}`;
}

function card(chance: Dice): string {
  const digits = `${pick(chance, cardPrefixes)}${String(chance(1_000_000_000)).padStart(9, '0')}`;
  return digits + luhnDigit(digits);
}

/** ISO/IEC 7812-1, annex B: the digit that makes the sum of all, every second one doubled, a multiple of ten. */
function luhnDigit(digits: string): string {
  let sum = 0;
  for (const [index, digit] of Array.from(digits).toReversed().entries()) {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return String((10 - (sum % 10)) % 10);
}

function grouped(digits: string, separator: string): string {
  return digits.match(/.{1,4}/g)?.join(separator) ?? digits;
}

interface Order {
  readonly id: number;
  readonly customerId: number;
  readonly status: 'new' | 'paid' | 'shipped' | 'delivered' | 'cancelled';
  readonly cents: number;
  readonly at: number;
}

function order(id: number, chance: Dice): Order {
  const status = pick(chance, [
    'new', 'paid', 'shipped', 'shipped', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'cancelled',
  ] as const); // prettier-ignore
  return {
    id,
    customerId: 1 + chance(sampleCounts.customers),
    status,
    cents: 499 + chance(50_000),
    at: day2025 + chance(480) * dayMs + chance(86_400) * 1_000,
  };
}

function paymentsOf(orders: readonly Order[], chance: Dice): readonly (readonly Cell[])[] {
  return orders
    .filter(({ status }) => status !== 'new' && (status !== 'cancelled' || chance(3) === 0))
    .map(({ id, cents, at }, index) => [
      index + 1,
      id,
      money(cents),
      pick(chance, ['card', 'card', 'card', 'transfer', 'voucher']),
      iso(at + (1 + chance(600)) * 60_000),
    ]);
}

const dayMs = 86_400_000;
const day2023 = Date.UTC(2023, 0, 1);
const day2025 = Date.UTC(2025, 0, 1);

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function money(cents: number): string {
  return (cents / 100).toFixed(2);
}

/** COPY's CSV: an empty cell without quotes is NULL. */
function csv(rows: readonly (readonly Cell[])[]): string {
  const cell = (value: Cell): string =>
    value === undefined ? '' : typeof value === 'number' ? String(value) : `"${value.replaceAll('"', '""')}"`;
  return rows.map((row) => `${row.map(cell).join(',')}\n`).join('');
}

/** Tables and what fills them. `%FILES%` is the folder of the CSV files. */
export const sampleTables: readonly string[] = [
  `CREATE TABLE customers (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    phone text,
    ssn text,
    card text,
    notes text,
    city text,
    created_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE orders (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers,
    status text NOT NULL DEFAULT 'new'
      CHECK (status IN ('new', 'paid', 'shipped', 'delivered', 'cancelled')),
    total numeric(10,2) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE payments (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    order_id integer NOT NULL REFERENCES orders ON DELETE CASCADE,
    amount numeric(10,2) NOT NULL,
    method text NOT NULL,
    paid_at timestamptz NOT NULL DEFAULT now())`,
  ...['customers', 'orders', 'payments'].map(
    (table) => `COPY ${table} FROM '%FILES%/${table}.csv' (FORMAT csv)`,
  ),
  'CREATE INDEX ON orders (customer_id)',
  'CREATE INDEX ON payments (order_id)',
  ...['customers', 'orders', 'payments'].map(
    (table) => `SELECT setval(pg_get_serial_sequence('${table}', 'id'), (SELECT max(id) FROM ${table}))`,
  ),
];
