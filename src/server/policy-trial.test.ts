import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Metrics } from '../core/metrics.ts';
import { policyTrial } from './policy-trial.ts';

const metrics: Metrics = { count: () => {}, gauge: () => {}, observe: () => {} };

const files = (rule: string): ReadonlyMap<string, string> =>
  new Map([
    ['policy.yaml', 'apiVersion: sallyport/v1\nlayers: [{ name: a, role: grant, use: [{ module: m }] }]\n'],
    ['modules/m.policy.yaml', `apiVersion: sallyport/v1\nmodule: m\nrules:\n  - ${rule}\n`],
  ]);

test('a policy is read in a thread as the gateway reads it: kinds, detectors and all', async () => {
  const trial = policyTrial({ metrics, entities: ['MY_NUMBER'] });
  const allow = '{ id: a, effect: allow, match: { resource: { kind: postgres }, action: sql.select } }';
  assert.deepEqual(await trial(files(allow)), []);
  const mask = (find: string): string =>
    `{ id: a, effect: require, match: { resource: { kind: postgres } }, then: { mask: [{ find: ${find}, with: redact }] } }`;
  assert.deepEqual(await trial(files(mask('MY_NUMBER'))), []);
  assert.match((await trial(files(mask('MY_NUMBR'))))[0]?.message ?? '', /MY_NUMBR/);
  const wrong = await trial(files('{ id: a, effect: allow, match: { resource: { kind: postgre } } }'));
  assert.deepEqual(
    wrong.map(({ code, file, line }) => ({ code, file, line })),
    [{ code: 'SP-T107', file: 'modules/m.policy.yaml', line: 4 }],
  );
});
