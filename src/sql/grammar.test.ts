import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { handlers } from './access.ts';
import { grammar, internalTypes } from './grammar.ts';
import { nothingFound } from './reading.ts';
import { verbOf } from './statement.ts';
import { utilities } from './utility.ts';
import { verbs } from './verbs.ts';

/** The types that the parser's own package declares, with the fields that hold nodes. */
function declared(): ReadonlyMap<string, string> {
  // A dependency of the parser's package, found from there.
  const types = ['@pgsql', 'types', 'types.d.ts'].join('/');
  const require = createRequire(createRequire(import.meta.url).resolve('libpg-query'));
  const text = readFileSync(require.resolve(types), 'utf8');
  const interfaces = [...text.matchAll(/^export interface (\w+) \{\n([^]*?)^\}/gm)];
  const known = new Set(interfaces.map(([, name = '']) => name));
  return new Map(
    interfaces.map(([, name = '', body = '']) => {
      const fields = [...body.matchAll(/^\s+(\w+)\?: (\w+)(?:\[\])?;$/gm)].flatMap(
        ([, field = '', type = '']) => {
          if (type === 'Node') return field === 'xpr' ? [] : [field];
          return known.has(type) ? [`${field}:${type}`] : [];
        },
      );
      return [name, fields.join(' ')];
    }),
  );
}

test('every node type of the parser has a row', () => {
  const types = declared();
  assert.ok(types.size > 250);
  const missing = [...types.keys()].filter((each) => !(each in grammar) && !internalTypes.has(each));
  assert.deepEqual(missing, []);
  assert.deepEqual(
    Object.keys(grammar).filter((each) => internalTypes.has(each) || !types.has(each)),
    [],
  );
});

test('every field that holds nodes is known, with its type', () => {
  for (const [type, fields] of declared()) if (type in grammar) assert.equal(grammar[type], fields, type);
});

// RETURN stands in the body of a function only, which is never read; REPLICA IDENTITY in ALTER TABLE.
const parts = ['ReturnStmt', 'ReplicaIdentityStmt'];
const statements = Object.keys(grammar).filter((each) => each.endsWith('Stmt') && !parts.includes(each));

test('every statement has a meaning and a verb of its own', () => {
  assert.ok(statements.length > 100);
  for (const type of statements) {
    assert.ok(type in handlers || type in utilities, `${type} has no meaning`);
    if (['PrepareStmt', 'DeclareCursorStmt'].includes(type)) continue;
    const verb = verbOf({ [type]: {} }, nothingFound());
    assert.ok(verb in verbs, `${type}: ${verb}`);
    assert.notEqual(verb, 'sql.unknown', type);
  }
});

test('no meaning stands for a type that does not exist', () => {
  for (const type of [...Object.keys(handlers), ...Object.keys(utilities)]) assert.ok(type in grammar, type);
});
