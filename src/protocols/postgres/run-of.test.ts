import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noDuties, type Permit } from '../../core/decision.ts';
import { runOf, type RunParts } from './run-of.ts';
import type { Wanted } from './wanted.ts';

test('no statement names another run than that of its session: SET, SET LOCAL, set_config', () => {
  const permit = { id: 'd.1', duties: noDuties } as unknown as Permit; // the real gate is not needed here
  const said = (settings: readonly string[] | undefined): string => {
    const action = { verb: 'sql.set', access: 'read', attributes: { settings } };
    const statement = { effect: { kind: 'none' }, action };
    const wanted = { statement, action, moves: [], outputs: { kind: 'none' } } as unknown as Wanted;
    const run = runOf(wanted, permit, { pathTouched: false } as unknown as RunParts);
    return 'sqlstate' in run ? `${run.sqlstate} ${run.denial?.class}` : 'runs';
  };
  assert.equal(said(['sallyport.run']), '0A000 UNSUPPORTED');
  assert.equal(said(['work_mem', 'sallyport.run']), '0A000 UNSUPPORTED');
  assert.equal(said(['sallyport.reason']), 'runs');
  assert.equal(said(undefined), 'runs');
});
