import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { EventReader, eventText, type ServerEvent } from './events.ts';

function read(parts: readonly string[]): readonly ServerEvent[] {
  const reader = new EventReader();
  const events = parts.flatMap((part) => reader.push(part));
  const last = reader.end();
  return last === undefined ? events : [...events, last];
}

test('events, comments and joined data lines', () => {
  assert.deepEqual(
    read(['\ufeff: hi\r\n\r\nevent: a\ndata: 1\ndata:2\nid: 7\n\n', 'data\n\n\n\ndata: last']),
    [
      { comments: [' hi'] },
      { event: 'a', data: '1\n2', id: '7', comments: [] },
      { data: '', comments: [] },
      { data: 'last', comments: [] },
    ],
  );
});

test('the same events however the stream is cut', () => {
  const line = fc.constantFrom('data: a', 'data:b', ': c', 'event: e', 'data', 'id: 1', '');
  const end = fc.constantFrom('\n', '\r\n', '\r');
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), end, fc.array(fc.nat(60)), (lines, newline, cuts) => {
      const text = lines.join(newline);
      const places = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].toSorted((a, b) => a - b);
      const parts = [...places, text.length].map((to, index) => text.slice(places[index - 1] ?? 0, to));
      assert.deepEqual(read(parts), read([text]));
    }),
  );
});

test('what is written is read again', () => {
  const event = { event: 'delta', data: '{"a":1}\n{}', id: '3', comments: ['ping'] };
  assert.deepEqual(read([eventText(event)]), [event]);
});

test('an event without an end costs what its bytes cost, in however many pieces it comes', () => {
  const reader = new EventReader();
  const piece = 'x\ndata: '.repeat(512);
  // Looked at from its beginning for each piece, this takes minutes.
  for (let at = 0; at < 4_096; at++) assert.deepEqual(reader.push(piece), []);
  assert.equal(reader.held, piece.length * 4_096);
  assert.equal(reader.push('\n').length + reader.push('\n').length, 1);
});
