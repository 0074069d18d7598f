import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentMask } from '../../carriers/http/masks.ts';
import type { Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { shownAs } from './talk.ts';

const redact = { kind: 'redact' } as const;
const permit = {
  duties: { masks: [[{ tag: 'pii/*', operator: redact }]], finds: [{ entity: '*', operator: redact }] },
  operatorOf: ({ column }: { readonly column: string }) =>
    /(?:^|\.)nick$/.test(column) ? redact : undefined,
} as unknown as Permit; // all that masks look at

const json = '{"nick":"Zoë","n":1.0}';
const hidden = '{"nick":"***","n":1.0}';

for (const [what, text, wanted] of [
  ['JSON', json, hidden],
  ['SignalR', `${json}\u001e{"type":6}\u001e`, `${hidden}\u001e{"type":6}\u001e`],
  ['lines', `${json}\r\n${json}`, `${hidden}\r\n${hidden}`],
  ['Socket.IO', `42["said",${json}]`, `42["said",${hidden}]`],
  ['Socket.IO with a space and a number', `42/chat,17["said",${json}]`, `42/chat,17["said",${hidden}]`],
  ['Engine.IO', `0${json}`, `0${hidden}`],
  ['a text', 'to bo@example.com {', 'to [EMAIL_ADDRESS] {'],
  ['what only begins as JSON', '[bo@example.com', '[[EMAIL_ADDRESS]'],
] as const) {
  test(`a message is shown as what it is: ${what}`, () => {
    const mask = documentMask(permit, '/live', maskKey(Buffer.alloc(32, 1)));
    assert.equal(Buffer.from(shownAs(Buffer.from(text), mask)).toString(), wanted);
  });
}
