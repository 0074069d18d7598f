// What a real server says of generated queries, and what stands in their cells, against the lineage we tell.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import type { Client, FieldDef } from 'pg';
import type { ColumnRef } from '../src/core/action.ts';
import { readCatalogue } from '../src/protocols/postgres/catalogue.ts';
import type { OutputColumn, Outputs } from '../src/sql/analysis.ts';
import { catalogue, type Catalogue } from '../src/sql/catalogue.ts';
import { columnUses, lineageOf } from '../src/sql/lineage.ts';
import { relationName } from '../src/sql/names.ts';
import { needs } from './e2e/harness/needs.ts';
import { startPostgres } from './e2e/harness/postgres.ts';
import { parseOne, textQuery } from './e2e/harness/query.ts';
import { queries } from './lineage/grammar.ts';
import { finder, type Finder } from './lineage/markers.ts';
import { planted, schema } from './lineage/schema.ts';

const count = Number(process.env['LINEAGE_QUERIES'] ?? 250);
const seed = Number(process.env['LINEAGE_SEED'] ?? 7);
const scope = { searchPath: ['pg_catalog', 'public'] };

const copies = [
  'COPY people TO STDOUT',
  'COPY people (ssn, id, name) TO STDOUT',
  'COPY (SELECT * FROM vv) TO STDOUT',
  'COPY (SELECT upper(ssn), p FROM people p) TO STDOUT',
  'COPY mother TO STDOUT',
  `COPY (UPDATE orders SET note = note RETURNING *) TO STDOUT`,
];

interface Seen {
  readonly fields: readonly FieldDef[];
  readonly rows: readonly (readonly (string | null)[])[];
}

for (const version of [18, 15] as const) {
  suite(`lineage and PostgreSQL ${version}`, () => {
    test('every cell with a planted value names the column it was planted in', async (t) => {
      await using server = await startPostgres({ version });
      const client = await server.connect();
      await client.query(schema);
      const { statements, markers } = planted();
      for (const statement of statements) await client.query(statement);
      await client.query(`SET statement_timeout = '2s'`);
      const own = catalogue(await readCatalogue(textQuery(await server.connect()), parseOne));
      const find = finder(markers);
      const next = queries(seed, version);
      const byHand = handWritten();
      const tally = { answered: 0, refused: 0, cells: 0, marked: 0, columns: 0, unknown: 0, unlisted: 0 };
      for (let index = 0; index < count + byHand.length; index++) {
        const sql = byHand[index] ?? next();
        const seen = await run(client, sql);
        if (seen === undefined) {
          tally.refused += 1;
          continue;
        }
        tally.answered += 1;
        const node = await parseOne(sql);
        assert.ok(node, sql);
        const outputs = lineageOf(node, own, scope);
        try {
          check(outputs, seen, { own, find, tally });
          const used = new Set(
            columnUses(node, own, scope)
              .filter((each) => each.use === 'output')
              .map(key),
          );
          for (const ref of outputs.kind === 'columns' ? outputs.columns.flatMap(sources) : []) {
            assert.ok(used.has(key(ref)), `the uses lack ${key(ref)}`);
          }
        } catch (error) {
          throw new Error(`${error instanceof Error ? error.message : String(error)}\n${sql}`, {
            cause: error,
          });
        }
      }
      if (needs(t, 'psql')) {
        for (const sql of copies) {
          const node = await parseOne(sql);
          assert.ok(node, sql);
          const outputs = lineageOf(node, own, scope);
          const seen = await copied(server.port, sql);
          assert.equal(outputs.kind === 'columns' ? outputs.columns.length : 0, seen.rows[0]?.length, sql);
          check(outputs, seen, { own, find, tally });
        }
      }
      t.diagnostic(JSON.stringify(tally));
      assert.ok(
        tally.answered > count / 2 && tally.marked > count,
        'too few queries were answered to prove anything',
      );
      assert.ok(
        tally.unknown < tally.columns / 10 && tally.unlisted < count / 20,
        'too much is unknown to be of use',
      );
    });
  });
}

function handWritten(): readonly string[] {
  const file = readFileSync(new URL('lineage/statements.sql', import.meta.url), 'utf8');
  const lines = file.replace(/^--.*$/gm, '');
  return lines
    .split(/;\n/)
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

// What names a query is asked for its rows.
function rowsOf(sql: string): string | undefined {
  const [, what, name] = /^(DECLARE|PREPARE) (\w+)/.exec(sql) ?? [];
  if (name === undefined) return undefined;
  return what === 'DECLARE' ? `FETCH ALL FROM ${name}` : `EXECUTE ${name}`;
}

async function copied(port: number, sql: string): Promise<Seen> {
  const { stdout } = await promisify(execFile)('psql', [
    '-X',
    `--dbname=postgresql://postgres@127.0.0.1:${port}/postgres`,
    `--command=${sql}`,
  ]);
  const lines = stdout.split('\n').filter((each) => each !== '');
  return {
    fields: [],
    rows: lines.map((line) => line.split('\t').map((cell) => (cell === '\\N' ? null : cell))),
  };
}

async function run(client: Client, sql: string): Promise<Seen | undefined> {
  await client.query('BEGIN');
  const further = rowsOf(sql);
  try {
    if (further !== undefined) await client.query(sql);
    const { fields, rows } = await client.query<(string | null)[]>({
      text: further ?? sql,
      rowMode: 'array',
      types: { getTypeParser: () => (value: string) => value },
    });
    return { fields, rows };
  } catch {
    return undefined;
  } finally {
    await client.query('ROLLBACK');
  }
}

type Tally = Record<'cells' | 'marked' | 'columns' | 'unknown' | 'unlisted', number>;

interface Known {
  readonly own: Catalogue;
  readonly find: Finder;
  readonly tally: Tally;
}

function check(outputs: Outputs, seen: Seen, { own, find, tally }: Known): void {
  if (outputs.kind === 'unknown') {
    tally.unlisted += 1;
    return;
  }
  if (outputs.kind === 'none') return assert.equal(seen.fields.length, 0);
  // COPY describes nothing.
  const names = seen.fields.length === 0 ? [] : outputs.columns.map((each) => each.name);
  assert.deepEqual(
    names,
    seen.fields.map((each) => each.name),
  );
  outputs.columns.forEach((output, at) => {
    tally.columns += 1;
    if (output.lineage.kind === 'unknown') {
      tally.unknown += 1;
      return;
    }
    const named = new Set(sources(output).map(key));
    const field = seen.fields[at];
    if (field !== undefined) checkOrigin(field, own, named);
    for (const row of seen.rows) {
      const cell = row[at];
      if (cell === null || cell === undefined) continue;
      tally.cells += 1;
      const found = find.find(cell);
      if (found.length > 0) tally.marked += 1;
      for (const marker of found) {
        assert.ok(
          holders(marker).some((each) => namesRef(named, each)),
          `output ${at + 1} holds ${key(marker)}, its lineage is ${JSON.stringify(output.lineage)}`,
        );
      }
      if (output.lineage.kind === 'column' && found.length === 1) {
        assert.ok(isStored(cell, find), `output ${at + 1} is called a column's own value and was changed`);
      }
    }
  });
}

// Where the server knows the column an output is, so must we.
function checkOrigin(field: FieldDef, own: Catalogue, named: ReadonlySet<string>): void {
  if (field.tableID === 0 || field.columnID <= 0) return;
  const relation = own.relationByOid(field.tableID);
  const column = relation?.columns.find((each) => each.attnum === field.columnID);
  // Of its own things the server tells facts, not values.
  if (relation === undefined || column === undefined || relation.oid < 16_384) return;
  const ref = { object: relationName(relation), column: column.name };
  assert.ok(namesRef(named, ref), `the server says ${key(ref)}, we say ${[...named].join(', ')}`);
}

/** Columns in which the marker's value stands: what was guessed right is also the guess. */
function holders(marker: ColumnRef): readonly ColumnRef[] {
  return key(marker) === 'public.people ssn' ? [marker, { object: 'public.guess', column: 'ssn' }] : [marker];
}

/** Whether the column is named, or its whole relation is: what a function's text reads is known by relation. */
function namesRef(named: ReadonlySet<string>, ref: ColumnRef): boolean {
  return named.has(key(ref)) || named.has(key({ object: ref.object, column: '*' }));
}

function isStored(cell: string, find: Finder): boolean {
  return (
    find.whole(cell) ||
    find.whole(cell.replace(/^\{|\}$/g, '').split(',')[0] ?? '') ||
    !/^[a-z]{12}$/.test(cell)
  );
}

function sources(output: OutputColumn): readonly ColumnRef[] {
  const { lineage } = output;
  if (lineage.kind === 'column') return [lineage.column, ...lineage.through];
  return lineage.kind === 'derived' ? [...lineage.from, ...lineage.through] : [];
}

function key(ref: ColumnRef): string {
  return `${ref.object} ${ref.column}`;
}
