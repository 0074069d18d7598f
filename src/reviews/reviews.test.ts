import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import { canonical, fingerprintOf } from './digest.ts';
import { riskOf } from './risk.ts';
import { visible } from './visible.ts';

const shown: readonly (readonly [string, string, string])[] = [
  ['plain text', "DELETE FROM t WHERE a = 'é'\n\tAND b", "DELETE FROM t WHERE a = 'é'\n\tAND b"],
  ['a change of direction', 'a\u202eb', 'a\\u{202e}b'],
  ['a carriage return', 'a\rb', 'a\\u{d}b'],
  ['zero width', 'a\u200bb\ufeff', 'a\\u{200b}b\\u{feff}'],
  ['tags of Unicode', 'a\u{e0041}', 'a\\u{e0041}'],
  ['a terminal escape', '\u001b[2Jx', '\\u{1b}[2Jx'],
  ['what looks like an escape of ours', 'a\\u{202e}b', 'a\\u{5c}u{202e}b'],
  ['a space of another kind, and a filler', 'a\u00a0b\u3164', 'a\\u{a0}b\\u{3164}'],
  ['a variation selector', 'a\ufe0f', 'a\\u{fe0f}'],
];

for (const [name, from, to] of shown) {
  test(`visible() shows ${name}`, () => assert.equal(visible(from), to));
}

test('visible() leaves no way to push the end out of sight', () => {
  const text = visible(`SELECT 1;${'\n'.repeat(5_000)}DROP TABLE x`);
  assert.ok(text.length < 100);
  assert.match(text, /4999 empty lines/);
  assert.match(text, /DROP TABLE x$/);
  assert.match(visible(`a${' '.repeat(5_000)}b`), /a … 5000 blanks … b/);
});

test('canonical() does not depend on the order of keys', () => {
  assert.equal(
    canonical({ b: [1, { d: 1, c: undefined }], a: 'x' }),
    canonical({ a: 'x', b: [1, { d: 1 }] }),
  );
  assert.notEqual(canonical({ a: ['1', '2'] }), canonical({ a: ['1,2'] }));
});

const action: Action = {
  verb: 'sql.delete',
  access: 'write',
  targets: [],
  columns: [],
  attributes: { condition: 'none' },
  text: 'x',
  notes: [],
};

test('fingerprintOf() is the same whatever the constants', () => {
  const of = (text: string): string =>
    fingerprintOf({
      resource: { name: 'shop' } as Parameters<typeof fingerprintOf>[0]['resource'],
      action,
      text,
    });
  assert.equal(of("DELETE FROM t WHERE a = 'x''y' AND b=12"), of("DELETE  FROM t WHERE a = 'z' AND b=7.5"));
  assert.notEqual(of('DELETE FROM t'), of('DELETE FROM u'));
});

test('riskOf() is deterministic, and every fact only raises it', () => {
  const base = {
    action,
    identity: { subject: 'a', kind: 'human', groups: [] } as const,
    resourceTags: [],
    dataTags: [],
    history: { asked: 3, approved: 3, refused: 0 },
    at: instant(Date.UTC(2026, 0, 7, 12)),
  };
  const low = riskOf(base);
  assert.deepEqual(low, riskOf(base));
  assert.equal(
    low.score,
    low.reasons.reduce((sum, { points }) => sum + points, 0),
  );
  for (const more of [
    { identity: { ...base.identity, kind: 'agent' as const } },
    { resourceTags: ['env/prod'] },
    { dataTags: ['pii/ssn'] },
    { estimatedRows: 200_000 },
    { history: { asked: 0, approved: 0, refused: 0 } },
    { at: instant(Date.UTC(2026, 0, 10, 3)) },
  ]) {
    assert.ok(riskOf({ ...base, ...more }).score > low.score);
  }
});
