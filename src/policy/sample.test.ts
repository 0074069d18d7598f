import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loaded, samplePolicy } from './fake.ts';
import { instant } from '../base/time.ts';
import { findings } from './findings.ts';
import { mutate } from './mutants.ts';
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

test('the tests of the sample policy notice nine of ten faults put into it, and nothing is doubtful about it', () => {
  const files = samplePolicy();
  const policy = loaded(files);
  const { killed, all, survivors } = mutate(policy, runTrial(policy, files).cases);
  assert.ok(all > 60, 'made no mutants');
  assert.ok(killed / all >= 0.9, survivors.map(({ rule, change }) => `${rule.ref.id} ${change}`).join('\n'));
  assert.deepEqual(findings(policy, instant(0)).map(problemLine), []);
});
