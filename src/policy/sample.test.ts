import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loaded, samplePolicy } from './fake.ts';
import { problemLine } from './problem.ts';
import { runTrial } from './trial.ts';

test('the sample policy passes its own tests, and they reach every rule and both sides of every condition', () => {
  const files = samplePolicy();
  const trial = runTrial(loaded(files), files);
  assert.deepEqual(trial.problems.map(problemLine), []);
  const failures = trial.results.flatMap(({ name, failures: lines }) =>
    lines.map((line) => `${name}: ${line}`),
  );
  assert.deepEqual(failures, []);
  assert.ok(trial.cases.length > 30, 'found no cases');
  assert.deepEqual(trial.coverage.rules.missing, []);
  assert.deepEqual(trial.coverage.conditions.missing, []);
});
