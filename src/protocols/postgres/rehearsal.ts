import type { Wire } from '../../base/stream.ts';
import type { Rehearsal, RehearsalAnswer, RehearsalClient, RehearsalLogin } from '../../core/rehearsal.ts';
import * as queries from './catalogue-queries.ts';
import type { Row } from './catalogue-rows.ts';
import { decodeDataRow, decodeErrorFields } from './decode.ts';
import * as encode from './encode.ts';
import { type FakeAnswer, fakePostgres } from './fake.ts';
import { backendBounds, Frames } from './frames.ts';
import { backend, type Field, startupCode } from './messages.ts';

// A database with two tables and a client that knows SQL by heart: for protocols/conformance.ts and this room's tests.

const customers = 20_001;
const audit = 20_002;
const value = '421-33-9087';

/** What the gateway's own connection is told of the catalogue. */
const catalogue: ReadonlyMap<string, readonly Row[]> = new Map<string, readonly Row[]>([
  [queries.version, [['1']]],
  [queries.snapshot, [['1:1:']]],
  [queries.facts, [['shop', 'gateway', '180000']]],
  [queries.schemas, [['pg_catalog'], ['public']]],
  [
    queries.relations,
    [
      [String(customers), 'public', 'customers', 'r', 'f', 'f'],
      [String(audit), 'public', 'audit', 'r', 'f', 'f'],
    ],
  ],
  [
    queries.columns,
    [
      [String(customers), '1', 'id', '23', '0', '', null],
      [String(customers), '2', 'ssn', '25', '0', '', null],
      [String(audit), '1', 'note', '25', '0', '', null],
    ],
  ],
  [
    queries.types,
    [
      ['16', 'pg_catalog', 'bool', 'b', '0', '0', '0', '0', '0'],
      ['23', 'pg_catalog', 'int4', 'b', '0', '0', '0', '0', '0'],
      ['25', 'pg_catalog', 'text', 'b', '0', '0', '0', '0', '0'],
    ],
  ],
]);

function column(name: string, at: number, typeOid: number): Field {
  return { ...encode.textField(name), tableOid: customers, column: at, typeOid };
}

const read = 'SELECT id FROM customers';
const sensitive = 'SELECT ssn FROM public.customers';
const write = `INSERT INTO audit (note) VALUES ('x')`;

const answers: ReadonlyMap<string, readonly FakeAnswer[]> = new Map<string, readonly FakeAnswer[]>([
  [read, [{ kind: 'rows', fields: [column('id', 1, 23)], rows: [['1'], ['2']] }]],
  [sensitive, [{ kind: 'rows', fields: [column('ssn', 2, 25)], rows: [[value], [value]] }]],
  [write, [{ kind: 'done', tag: 'INSERT 0 1' }]],
]);

function answer(text: string): readonly FakeAnswer[] {
  const known = answers.get(text);
  if (known !== undefined) return known;
  if (text.includes('current_schemas')) {
    const path = text.includes('array_to_json')
      ? [['["pg_catalog","public"]']]
      : [['pg_catalog'], ['public']];
    return [{ kind: 'rows', fields: [encode.textField('path')], rows: path }];
  }
  if (text.startsWith('sallyport refused'))
    return [{ kind: 'error', sqlstate: '42601', message: 'syntax error' }];
  const rows = catalogue.get(text);
  if (rows === undefined && !/^\s*(?:SELECT|WITH)\b/.test(text)) return [{ kind: 'done', tag: 'DONE' }];
  const width = rows?.[0]?.length ?? 1;
  const fields = Array.from({ length: width }, (_, at) => encode.textField(`c${at}`));
  return [{ kind: 'rows', fields, rows: rows ?? [] }];
}

async function client(wire: Wire, as: RehearsalLogin): Promise<RehearsalClient> {
  const frames = new Frames(backendBounds(1_000_000));
  const until = async (end: number): Promise<RehearsalAnswer & { readonly ended: boolean }> => {
    const parts: Uint8Array[] = [];
    let [values, error]: [number, string | undefined] = [0, undefined];
    for (;;) {
      while (frames.next()) {
        parts.push(Buffer.from(frames.bytes.subarray(frames.start, frames.end)));
        if (frames.type === backend.DataRow) values += decodeDataRow(frames).length;
        if (frames.type === backend.ErrorResponse) error = decodeErrorFields(frames).get('M') ?? '';
        if (frames.type !== end && !(end === backend.Authentication && error !== undefined)) continue;
        const bytes = encode.join(parts.length === 0 ? [Buffer.alloc(0)] : parts);
        return {
          ok: error === undefined,
          bytes,
          values,
          ended: false,
          ...(error === undefined ? {} : { error }),
        };
      }
      const chunk = await wire.read();
      if (chunk === undefined) throw new Error(error ?? 'The connection was closed');
      frames.push(chunk);
    }
  };
  const parameters = [
    ['user', as.user],
    ['database', as.resource],
  ] as const;
  await wire.write(encode.startupMessage(startupCode.protocol30, parameters));
  // The resource itself trusts everybody: its first answer is AuthenticationOk, and the rest of the welcome follows.
  const first = await until(backend.Authentication);
  if (Buffer.from(first.bytes).readUInt32BE(5) === 3) await wire.write(encode.passwordMessage(as.token));
  await until(backend.ReadyForQuery);
  return {
    ask: async (text) => {
      await wire.write(encode.query(text));
      return until(backend.ReadyForQuery);
    },
    say: (bytes) => void wire.write(bytes)?.catch(() => undefined),
    leave: () => {
      void wire.write(encode.terminate)?.catch(() => undefined);
      wire.end();
    },
  };
}

/** A message of this type that says it is so long. */
function head(type: string, length: number, body: number = 0): Uint8Array {
  const bytes = Buffer.alloc(5 + body, 0x41);
  bytes.write(type, 0, 'latin1');
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

export const rehearsal: Rehearsal = {
  settings: { address: '127.0.0.1:5432', credentials: { user: 'gateway' }, tls: 'disable' },
  resource: (wire) => void fakePostgres(wire, { answer }),
  client,
  column: { object: 'public.customers', column: 'ssn' },
  value,
  requests: {
    read: { text: read, mark: read },
    sensitive: { text: sensitive, mark: sensitive },
    write: { text: write, mark: write },
    unreadable: [
      { text: 'SELEC id FROM customers', mark: 'SELEC id' },
      { text: 'SELECT gone FROM nowhere', mark: 'nowhere' },
      { text: `SELECT 'open`, mark: `'open` },
      { text: 'SELECT nobody(id) FROM customers', mark: 'nobody' },
    ],
  },
  verbs: {
    'sql.select': read,
    'sql.insert': write,
    'sql.update': `UPDATE audit SET note = 'y'`,
    'sql.delete': 'DELETE FROM audit',
    'sql.merge': 'MERGE INTO audit AS a USING customers AS c ON a.note = c.ssn WHEN MATCHED THEN DELETE',
    'sql.truncate': 'TRUNCATE audit',
    'sql.copy': 'COPY audit TO STDOUT',
    'sql.create': 'CREATE TABLE made (id int)',
    'sql.alter': 'ALTER TABLE audit ADD COLUMN more int',
    'sql.drop': 'DROP TABLE audit',
    'sql.grant': 'GRANT SELECT ON audit TO PUBLIC',
    'sql.comment': `COMMENT ON TABLE audit IS 'x'`,
    'sql.set': `SET application_name = 'x'`,
    'sql.show': 'SHOW search_path',
    'sql.transaction': 'BEGIN',
    'sql.explain': 'EXPLAIN SELECT id FROM customers',
    'sql.call': 'CALL purge()',
    'sql.do': 'DO $$ BEGIN END $$',
    'sql.lock': 'LOCK audit',
    'sql.listen': 'LISTEN c',
    'sql.notify': `NOTIFY c, 'x'`,
    'sql.maintain': 'VACUUM audit',
    'sql.session': 'DISCARD PLANS',
    'sql.admin': 'CREATE ROLE somebody',
    'sql.unknown': 'SELEC 1',
  },
  broken: [
    { what: 'a first packet of 4 GiB', when: 'first', bytes: Buffer.from('ffffffff00030000', 'hex') },
    { what: 'a first packet of HTTP', when: 'first', bytes: Buffer.from('GET / HTTP/1.1\r\n\r\n') },
    { what: 'half a first packet', when: 'first', bytes: Buffer.from('0000002400', 'hex'), silence: true },
    { what: 'a message of 4 GiB', when: 'signed-in', bytes: head('Q', 0xffff_ffff) },
    { what: 'a message of an unknown type', when: 'signed-in', bytes: head('%', 8, 4) },
    { what: 'a length that is none', when: 'signed-in', bytes: head('Q', 2) },
    { what: 'half a message', when: 'signed-in', bytes: head('Q', 1_000, 10), silence: true },
    {
      what: 'a flood of bytes behind a length that is too long',
      when: 'signed-in',
      bytes: head('Q', 0x0fff_ffff, 2_000_000),
    },
  ],
};
