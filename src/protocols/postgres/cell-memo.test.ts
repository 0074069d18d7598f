import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remembering } from './cell-memo.ts';
import type { CellShown } from './cells.ts';

test('a value that came before is shown as it was then, and told again; any other is searched', () => {
  const told: string[] = [];
  let searched = 0;
  const cell = remembering(
    (bytes, start, end): CellShown => {
      searched++;
      const text = Buffer.from(bytes.subarray(start, end)).toString();
      return text.startsWith('x') ? Buffer.from(`[${text}]`) : text === 'null' ? null : undefined;
    },
    { last: () => (searched % 2 === 0 ? [] : ['X']), tell: (types) => void told.push(...types) },
  );
  const ask = (text: string): string | null | undefined => {
    const bytes = Buffer.from(`<${text}>`);
    const shown = cell(bytes, 1, bytes.length - 1);
    return shown instanceof Uint8Array ? Buffer.from(shown).toString() : (shown ?? shown);
  };
  for (const [text, shown] of [
    ['x1', '[x1]'],
    ['null', null],
    ['', undefined],
    ['clean', undefined],
  ] as const) {
    const before = searched;
    assert.deepEqual([ask(text), ask(text)], [shown, shown], text);
    assert.equal(searched, before + 1, text);
  }
  assert.deepEqual(told, ['X', 'X']);
  // Longer ones are searched each time, and many do not push one another into wrong answers.
  const long = `x${'y'.repeat(64)}`;
  assert.deepEqual([ask(long), ask(long)], [`[${long}]`, `[${long}]`]);
  for (let lap = 0; lap < 2; lap++)
    for (let at = 0; at < 5_000; at++) assert.equal(ask(`x${at}`), `[x${at}]`);
});

test('what was remembered does not change with the memory it came in', () => {
  const cell = remembering((bytes, start, end) => Buffer.from(bytes.subarray(start, end)), {
    last: () => [],
    tell: () => undefined,
  });
  const bytes = Buffer.from('first');
  cell(bytes, 0, 5);
  bytes.write('other');
  assert.equal(String(cell(bytes, 0, 5)), 'other');
  assert.equal(String(cell(Buffer.from('first'), 0, 5)), 'first');
});
