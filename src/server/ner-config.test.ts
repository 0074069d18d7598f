import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foundAsNothing, nerModelCheck } from './ner-config.ts';

const check = nerModelCheck('/etc/sallyport');

test('folders are relative to the file, and all else has a default', () => {
  const read = check({ model: 'names', packages: '../runtime' }, 'ner');
  assert.ok(read.ok);
  const { labels, ...rest } = read.value;
  assert.equal(labels['PER'], 'PERSON');
  assert.deepEqual(rest, {
    model: '/etc/sallyport/names',
    packages: '/etc/runtime',
    threshold: 0.5,
    withinMs: 2_000,
    longest: 200_000,
    threads: 1,
  });
});

test('problems name their place', () => {
  for (const [raw, path] of [
    [{}, 'ner.model'],
    ['names', 'ner'],
    [[], 'ner'],
    [{ model: 'm', threads: 0 }, 'ner.threads'],
    [{ model: 'm', longest: 1.5 }, 'ner.longest'],
    [{ model: 'm', modell: 1 }, 'ner.modell'],
  ] as const) {
    const read = check(raw, 'ner');
    assert.ok(!read.ok);
    assert.equal(read.error[0]?.path, path);
  }
});

test('labels are found as types that rules can name, those of own detectors too', () => {
  const read = check({ model: 'm', labels: { PER: 'PERSON', EMP: 'STAFF_NUMBER' } }, 'ner');
  assert.ok(read.ok);
  assert.deepEqual(
    foundAsNothing(read.value, []).map(({ path }) => path),
    ['ner.labels.EMP'],
  );
  assert.deepEqual(foundAsNothing(read.value, [{ name: 'STAFF_NUMBER' }]), []);
});
