import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '@bufbuild/cel';
import { costOf } from './cost.ts';
import { maxSteps } from './evaluate.ts';
import { filesOf, loaded, refused } from './fake.ts';

const costs: readonly (readonly [string, number])[] = [
  ['a == 1 && b.startsWith("x")', 0],
  ['[1, 2, 3].exists(x, x == a)', 3],
  ['a.exists(x, x == 1)', 64],
  ['a.exists(x, x == 1) || b.all(x, x == 1)', 128],
  ['a.exists(x, b.exists(y, x == y))', 64 * 65],
  ['a.exists(x, [1, 2].exists(y, x == y))', 64 * 3],
  ['[1, 2].map(x, x + 1).exists(y, y == a)', 4],
  ['a.filter(x, x > 1).exists(y, y == 2)', 128],
  ['a.exists(x, b.exists(y, c.exists(z, x == y && y == z)))', 64 * (1 + 64 * 65)],
];
for (const [source, cost] of costs) {
  test(`costOf(${source}) is ${cost}`, () => assert.equal(costOf(parse(source).expr), cost));
}

const rule = (when: string): ReadonlyMap<string, string> =>
  filesOf(`- id: r
  effect: deny
  match: { resource: { kind: postgres } }
  when: ${when}`);

test('a condition whose worst case is beyond the steps is refused with its place and advice', () => {
  const nested =
    'action.objects.exists(a, action.objects.exists(b, action.objects.exists(c, a.name == b.name && b.name == c.name)))';
  const [problem] = refused(rule(nested));
  assert.equal(problem?.code, 'SP-T106');
  assert.equal(problem.file, 'modules/m.policy.yaml');
  assert.ok(problem.line > 1 && problem.col > 1);
  assert.ok(problem.message.includes(`${maxSteps} are allowed`), problem.message);
  assert.ok(problem.fix?.includes('Nest fewer macros'));
});

test('two macros inside one another are taken', () => {
  loaded(rule('action.objects.exists(a, action.objects.exists(b, a.name != b.name))'));
});
