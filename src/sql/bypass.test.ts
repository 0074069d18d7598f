import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { type Access, worstAccess } from '../core/action.ts';
import { analyse } from './analyse.ts';
import type { Catalogue } from './catalogue.ts';
import { publicPath, shop } from './fake.ts';
import { parse } from './parse.ts';

// The corpus is append-only: who got past the analysis once is a row here.
const folder = new URL('testdata/bypass/', import.meta.url);
const limits = { statementBytes: 1_048_576, statementDepth: 500, statementsPerQuery: 1_000 };
const accesses: readonly string[] = ['read', 'write', 'define', 'administer', 'execute', 'unknown'];

let db: Catalogue;
before(async () => {
  db = await shop();
});

interface Trick {
  readonly least: Access;
  readonly why: string;
  readonly text: string;
}

/** A statement may stand on several lines and hold any character: it ends where the next comment line begins. */
function tricks(file: string): readonly Trick[] {
  const [, ...parts] = readFileSync(new URL(file, folder), 'utf8').split(/^-- expect: /m);
  return parts.map((part) => {
    const [, least = '', why = '', text = ''] = /^(\w+); (.*)\n([^]*)\n$/.exec(part) ?? [];
    assert.ok(accesses.includes(least), `${file}: ${part.slice(0, 60)}`);
    return { least: least as Access, why, text };
  });
}

const files = readdirSync(folder).filter((each) => each.endsWith('.sql'));

test('the corpus is there', () => {
  assert.ok(files.length >= 12);
  assert.ok(files.flatMap(tricks).length >= 240);
});

for (const file of files) {
  test(`no trick of ${file} is taken for less than it is`, () => {
    for (const { least, why, text } of tricks(file)) {
      const parsed = parse(text, limits);
      assert.ok(parsed.ok, `${text}: ${parsed.ok ? '' : parsed.message}`);
      const { statements } = analyse(parsed.statements, db, publicPath);
      const access = worstAccess(statements.map((each) => each.action.access));
      assert.equal(
        worstAccess([access, least]),
        access,
        `${why}: ${text} is ${access}, expected ${least} or worse`,
      );
    }
  });
}
