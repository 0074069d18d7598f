import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remembering } from './cell-memo.ts';
import type { CellShown } from './cells.ts';

test('a value that came before is shown as it was then, and told again; any other is searched', () => {
  const told: string[] = [];
  let searched = 0;
  let asked = 0;
  const { show: cell, recall } = remembering(
    (bytes, start, end): CellShown => {
      searched++;
      const text = Buffer.from(bytes.subarray(start, end)).toString();
      return text.startsWith('x') ? Buffer.from(`[${text}]`) : text === 'null' ? null : undefined;
    },
    { last: () => (searched % 2 === 0 ? [] : ['X']), tell: (types) => void told.push(...types) },
    (bytes, start) => {
      asked++;
      return bytes[start] !== 0x2d;
    },
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
  assert.equal(asked, 0);
  const recalled = (text: string): CellShown => recall(Buffer.from(text), 0, text.length);
  // What is remembered is shown whether the gate sees it or not; what the gate lets pass is not searched.
  assert.equal(String(recalled('x1')), '[x1]');
  assert.equal(asked, 0);
  const before = searched;
  assert.deepEqual([recalled('-'), recalled(`-${'x'.repeat(80)}`)], [undefined, undefined]);
  assert.deepEqual([asked, searched], [2, before]);
  assert.equal(String(recalled('x77')), '[x77]');
  // Longer ones are searched each time, and many do not push one another into wrong answers.
  const long = `x${'y'.repeat(64)}`;
  assert.deepEqual([ask(long), ask(long)], [`[${long}]`, `[${long}]`]);
  for (let lap = 0; lap < 2; lap++)
    for (let at = 0; at < 5_000; at++) assert.equal(ask(`x${at}`), `[x${at}]`);
});

test('what was remembered does not change with the memory it came in', () => {
  const { show: cell } = remembering(
    (bytes, start, end) => Buffer.from(bytes.subarray(start, end)),
    { last: () => [], tell: () => undefined },
    () => true,
  );
  const bytes = Buffer.from('first');
  cell(bytes, 0, 5);
  bytes.write('other');
  assert.equal(String(cell(bytes, 0, 5)), 'other');
  assert.equal(String(cell(Buffer.from('first'), 0, 5)), 'first');
});
