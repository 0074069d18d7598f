import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayContain } from '../gate.ts';
import { scan } from '../scan.ts';
import { detectors } from './index.ts';

for (const detector of detectors) {
  test(`${detector.name} catches and leaves alone`, () => {
    for (const text of detector.examples.yes) {
      const [found, ...rest] = scan(text);
      assert.deepEqual(
        { type: found?.type, start: found?.start, end: found?.end, rest },
        { type: detector.name, start: 0, end: text.length, rest: [] },
        text,
      );
      const bytes = new TextEncoder().encode(`; ${text}`);
      assert.ok(mayContain(bytes, 2, bytes.length), `gate: ${text}`);
    }
    for (const text of detector.examples.named ?? []) {
      const found = scan(text, { column: detector.context[0] ?? '' });
      assert.deepEqual(
        found.map(({ type, start, end }) => [type, start, end]),
        [[detector.name, 0, text.length]],
        text,
      );
      assert.ok(!scan(text).some(({ type }) => type === detector.name), `${text} without context`);
    }
    for (const text of detector.examples.no) {
      assert.deepEqual(
        scan(text).filter((each) => each.type === detector.name),
        [],
        text,
      );
    }
  });
}
