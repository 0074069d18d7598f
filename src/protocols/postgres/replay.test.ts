import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Shown } from '../../core/replay.ts';
import * as encode from './encode.ts';
import type { Field } from './messages.ts';
import { postgresReplay } from './replay.ts';

function field(name: string, typeOid: number, format: 0 | 1): Field {
  return { name, tableOid: 0, column: 0, typeOid, typeSize: -1, typeModifier: -1, format };
}

const int4 = Buffer.from([0, 0, 1, 2]);
const talk = encode.join([
  encode.rowDescription([field('id', 23, 1), field('name', 25, 0), field('raw', 17, 1), field('ok', 16, 1)]),
  encode.dataRow([int4, 'Ann', Buffer.from([1, 255]), Buffer.of(1)]),
  encode.dataRow([int4, '\u202e\u0007', null, Buffer.of(0)]),
  encode.commandComplete('SELECT 2'),
  encode.errorResponse({ severity: 'ERROR', sqlstate: '42501', message: 'No', detail: 'd', hint: 'h' }),
]);
const wanted: readonly Shown[] = [
  { kind: 'columns', names: ['id', 'name', 'raw', 'ok'] },
  {
    kind: 'rows',
    rows: [
      ['258', 'Ann', '\\x01ff', 't'],
      ['258', '\u202e\u0007', null, 'f'],
    ],
  },
  { kind: 'tag', text: 'SELECT 2' },
  { kind: 'error', code: '42501', message: 'No', detail: 'd', hint: 'h' },
];

/** Rows that were cut apart, together again. */
function joined(shown: readonly Shown[]): readonly Shown[] {
  const all: Shown[] = [];
  for (const each of shown) {
    const last = all.at(-1);
    if (each.kind === 'rows' && last?.kind === 'rows')
      all[all.length - 1] = { kind: 'rows', rows: [...last.rows, ...each.rows] };
    else all.push(each);
  }
  return all;
}

test('recorded answers are tables again, wherever they were cut', () => {
  for (let cut = 0; cut <= talk.length; cut++) {
    const reader = postgresReplay();
    const shown = [
      ...reader.answer(talk.subarray(0, cut), undefined),
      ...reader.answer(talk.subarray(cut), undefined),
    ];
    assert.deepEqual(joined(shown), wanted, `cut at ${cut}`);
  }
});

test('rows whose description was not recorded are shown all the same', () => {
  const shown = postgresReplay().answer(encode.dataRow([int4, 'text']), undefined);
  assert.deepEqual(shown, [{ kind: 'rows', rows: [['\\x00000102', 'text']] }]);
});

test('whatever stands in a recording, reading it never throws', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (pieces) => {
      const reader = postgresReplay();
      for (const piece of pieces) {
        reader.answer(piece, undefined);
        reader.ask(piece, undefined);
      }
    }),
  );
});
