// node test/fuzz/record.ts: writes testdata/recorded.json anew, from psql and node-postgres against PostgreSQL 18.
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { runPsql } from '../e2e/harness/clients.ts';
import { startPostgres } from '../e2e/harness/postgres.ts';

const script = `CREATE TABLE t (id int PRIMARY KEY, body text, at timestamptz DEFAULT '2026-01-01');
INSERT INTO t SELECT g, 'row ' || g FROM generate_series(1, 3) AS g;
SELECT * FROM t;
BEGIN; SELECT 1 / 0; ROLLBACK;
DO $$ BEGIN RAISE NOTICE 'said'; END $$;
LISTEN c; NOTIFY c, 'payload';
COPY t TO STDOUT;
COPY t (id, body) FROM STDIN;
7\tseven
\\.
SELEC;
DECLARE c CURSOR WITH HOLD FOR TABLE t; FETCH 2 FROM c;
SELECT 1 \\; SELECT 2;
`;

await using server = await startPostgres({ version: 18 });
const talks: { readonly client: Buffer[]; readonly server: Buffer[] }[] = [];
const tap = createServer((client) => {
  const talk = { client: [] as Buffer[], server: [] as Buffer[] };
  talks.push(talk);
  const upstream = connect(server.port, '127.0.0.1');
  client.on('data', (bytes: Buffer) => talk.client.push(bytes)).pipe(upstream);
  upstream.on('data', (bytes: Buffer) => talk.server.push(bytes)).pipe(client);
});
await new Promise<void>((resolve) => tap.listen(0, '127.0.0.1', resolve));
const address = tap.address();
if (address === null || typeof address === 'string') throw new Error('No port');
const { port } = address;
const psql = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-d', 'postgres'];
await runPsql(psql, script, { PGSSLMODE: 'disable', PGGSSENCMODE: 'disable' });
const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
await client.connect();
await client.query('SELECT id, body, at FROM t WHERE id = $1', [2]);
await client.query({
  name: 'named',
  text: 'SELECT $1::jsonb AS j, $2::int[] AS a',
  values: ['{"a": 1}', '{1,2}'],
});
await client.query({ text: 'TABLE t', rowMode: 'array' });
await client.query({ text: 'SELECT $1::int', values: ['not a number'] }).catch(() => undefined);
await client.end();
tap.close();

const after = (bytes: Buffer, typed: boolean): string => {
  // The client's first packet has no type; everything else has.
  const from = typed ? 0 : bytes.readUInt32BE(0);
  return bytes.subarray(from).toString('hex');
};
writeFileSync(
  join(import.meta.dirname, 'testdata', 'recorded.json'),
  `${JSON.stringify(
    {
      client: talks.map((talk) => after(Buffer.concat(talk.client), false)),
      server: talks.map((talk) => after(Buffer.concat(talk.server), true)),
    },
    undefined,
    1,
  )}\n`,
);
