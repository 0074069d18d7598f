import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { enforcements } from '../policy/rule.ts';
import { dutyKeys } from '../policy/duties.ts';
import { languagePage } from '../policy/language.ts';
import { policyKinds } from './kinds.ts';

const path = join(import.meta.dirname, '..', '..', 'docs', 'language.md');

test('docs/language.md is what the engine says now', () => {
  const page = languagePage(policyKinds);
  // SALLYPORT_WRITE_DOCS=1 writes it anew.
  if (process.env['SALLYPORT_WRITE_DOCS'] === '1') writeFileSync(path, page);
  assert.equal(readFileSync(path, 'utf8'), page);
});

test('it names every duty, enforcement, verb, attribute and entity', () => {
  const page = languagePage(policyKinds);
  const names = [
    ...dutyKeys.map((key) => `then.${key}\``),
    ...enforcements,
    ...[...policyKinds.values()].flatMap(({ verbs, attributes }) => [
      ...Object.keys(verbs),
      ...Object.keys(attributes).map((name) => `\`${name}\``),
    ]),
    ...(policyKinds.entities ?? []),
  ];
  assert.ok(names.length > 100);
  assert.deepEqual(
    names.filter((name) => !page.includes(name)),
    [],
  );
});
