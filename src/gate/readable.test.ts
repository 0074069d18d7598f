import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision, FindMask } from '../core/decision.ts';
import { noDuties } from '../core/decision.ts';
import { noPolicy, readable } from './refusing.ts';

const redact = { kind: 'redact' } as const;

function allowed(...finds: readonly FindMask[]): Decision {
  const place = { file: 'p.yaml', line: 1, col: 1 };
  const because = [
    { id: 'plain', module: 'm', at: place, why: 'x', fix: 'y' },
    { id: 'masks', module: 'm', at: place, why: 'x', fix: 'y', demands: ['mask'] },
  ] as unknown as Decision['because']; // no more of a rule is looked at
  return { ...noPolicy, kind: 'allow', because, duties: { ...noDuties, finds } };
}

test('what a model must read is denied where none can, and names the rule first', () => {
  const must = allowed(
    { entity: '*', operator: redact },
    { entity: 'PERSON', operator: redact, model: 'required' },
  );
  const denied = readable(must, false);
  assert.deepEqual([denied.kind, denied.code, denied.because[0]?.id], ['deny', 'LINEAGE', 'masks']);
  assert.match(denied.fix.join(), /`ner`/);
  assert.equal(readable(must, true), must);
});

test('what a model may read, or need not, stays as it was', () => {
  for (const decision of [
    allowed({ entity: '*', operator: redact, model: 'where-possible' }),
    allowed({ entity: '*', operator: redact }),
    { ...allowed({ entity: '*', operator: redact, model: 'required' }), kind: 'deny' as const },
  ])
    assert.equal(readable(decision, false), decision);
});
