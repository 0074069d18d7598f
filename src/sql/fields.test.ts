import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { analyse } from './analyse.ts';
import type { Catalogue } from './catalogue.ts';
import { publicPath, shop } from './fake.ts';
import { parse } from './parse.ts';

let db: Catalogue;
before(async () => {
  db = await shop();
});

function accessOf(text: string): string | undefined {
  const parsed = parse(text, { statementBytes: 10_000, statementDepth: 100, statementsPerQuery: 10 });
  assert.ok(parsed.ok, text);
  return analyse(parsed.statements, db, publicPath).statements[0]?.action.access;
}

test('a dot behind a value calls a function of that name, whatever type the value has', () => {
  for (const [text, access] of [
    [`SELECT ('/etc/passwd'::text).pg_read_file`, 'administer'],
    [`SELECT (4242).lo_unlink`, 'write'],
    [`SELECT (SELECT 4242).lo_unlink`, 'write'],
    [`SELECT (ARRAY[4242])[1].lo_unlink`, 'write'],
    [`SELECT ('SELECT 1'::text).ts_stat`, 'execute'],
    [`SELECT ((c).id).lo_unlink FROM customers AS c`, 'write'],
    [`SELECT (c.name).upper FROM customers AS c`, 'read'],
    [`SELECT (c).name FROM customers AS c`, 'read'],
  ] as const) {
    assert.equal(accessOf(text), access, text);
  }
});
