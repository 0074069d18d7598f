import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import { filesOf, kinds } from './fake.ts';
import { findingPage, findingPages } from './finding-pages.ts';
import type { Kinds } from './kinds.ts';
import { type ProblemCode, problemCodes } from './problem.ts';
import { review } from './review.ts';

const codes = Object.keys(problemCodes) as ProblemCode[];
const folder = join(import.meta.dirname, '..', '..', 'docs', 'findings');
const now = instant(Date.UTC(2026, 0, 1));
const all: Kinds = Object.assign(new Map(kinds), { entities: ['EMAIL_ADDRESS', 'US_SSN'] });

for (const code of codes) {
  const { example, about } = findingPages[code];
  if (about === 'shown') continue;
  test(`the example of ${code} has this finding, with a place`, () => {
    const { 'modules/m.policy.yaml': rules = '', ...more } =
      typeof example === 'string' ? { 'modules/m.policy.yaml': example } : example;
    const files = new Map([...filesOf(rules), ...Object.entries(more)]);
    const found = review(files, all, now).problems;
    const own = found.find((problem) => problem.code === code);
    assert.ok(own, found.map((each) => `${each.code} ${each.message}`).join('\n'));
    assert.ok(own.line >= 1 && own.col >= 1 && files.has(own.file), JSON.stringify(own));
  });
}

test('SP-S221: who approves owns the file', () => {
  const { example } = findingPages['SP-S221'];
  assert.ok(typeof example === 'string');
  const said = (owner: string): boolean =>
    review(filesOf(example), all, now, { ownersOf: () => [owner] }).problems.some(
      ({ code }) => code === 'SP-S221',
    );
  assert.deepEqual([said('@acme/dba'), said('@acme/security')], [true, false]);
});

test('docs/findings has one page for each code, as the engine says it', () => {
  // SALLYPORT_WRITE_DOCS=1 writes them anew.
  if (process.env['SALLYPORT_WRITE_DOCS'] === '1') {
    mkdirSync(folder, { recursive: true });
    for (const code of codes) writeFileSync(join(folder, `${code}.md`), findingPage(code));
  }
  assert.deepEqual(readdirSync(folder).sort(), codes.map((code) => `${code}.md`).sort());
  for (const code of codes)
    assert.equal(readFileSync(join(folder, `${code}.md`), 'utf8'), findingPage(code), code);
});
