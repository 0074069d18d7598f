import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentMask } from '../../carriers/http/masks.ts';
import type { Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { meaningOfMessage } from './meaning.ts';
import { shownMessage } from './shown-message.ts';

const redact = { kind: 'redact' } as const;
const permit = {
  duties: { masks: [[{ tag: 'pii/*', operator: redact }]], finds: [{ entity: '*', operator: redact }] },
  operatorOf: ({ column }: { readonly column: string }) =>
    /(?:^|\.)nick$/.test(column) ? redact : undefined,
} as unknown as Permit; // all that masks look at

const target = { path: '/live', query: '', names: [] };
const json = '{"nick":"Zoë","n":1.0}';
const hidden = '{"nick":"***","n":1.0}';

for (const [what, text, wanted] of [
  ['JSON', json, hidden],
  ['SignalR', `${json}\u001e{"type":6}\u001e`, `${hidden}\u001e{"type":6}\u001e`],
  ['lines', `${json}\r\n${json}`, `${hidden}\r\n${hidden}`],
  ['Socket.IO', `42["said",${json}]`, `42["said",${hidden}]`],
  ['Socket.IO with a space and a number', `42/chat,17["said",${json}]`, `42/chat,17["said",${hidden}]`],
  ['Engine.IO', `0${json}`, `0${hidden}`],
  ['STOMP', `MESSAGE\ndestination:/q\n\n${json}\0`, `MESSAGE\ndestination:/q\n\n${hidden}\0`],
  ['SockJS', `a[${JSON.stringify(json)}]`, `a[${JSON.stringify(hidden)}]`],
  ['a word before it', `said bo@example.com ${json} and`, `said [EMAIL_ADDRESS] ${hidden} and`],
  ['a text', 'to bo@example.com {', 'to [EMAIL_ADDRESS] {'],
  ['what only begins as JSON', '[bo@example.com', '[[EMAIL_ADDRESS]'],
] as const) {
  test(`a message is shown as what it is: ${what}`, () => {
    const mask = documentMask(permit, '/live', maskKey(Buffer.alloc(32, 1)));
    assert.equal(Buffer.from(shownMessage(Buffer.from(text), mask, true) ?? []).toString(), wanted);
  });
}

for (const text of [
  '{"nick":"Zoë",}',
  '42["said",{"nick":"Zoë",}]',
  '["nick" "Zoë"]',
  '{"nick":"Zoë"}x',
  `x ${'{"a":'.repeat(3_000)}{"nick":"Zoë"}`,
])
  test(`what begins as JSON and is none, or has too many beginnings, is not shown while tags are masked: ${text.slice(0, 40)}`, () => {
    const mask = documentMask(permit, '/live', maskKey(Buffer.alloc(32, 1)));
    assert.equal(shownMessage(Buffer.from(text), mask, true), undefined);
    assert.ok(shownMessage(Buffer.from(text), mask, false));
  });

for (const [text, fields] of [
  ['{"drop":1}', ['drop']],
  ['{"drop":1}{"type":6}', ['drop', 'type']],
  ['42["drop",{"drop":1}]', ['{}', '{}.drop']],
  ['42/chat,17[{"drop":{"all":true}}]', ['{}.drop.all']],
  ['SEND\ndestination:/q\n\n{"drop":1}\0', ['drop']],
  ['say {"drop":1} and {"drop":2,"drop":{"all":3}}', ['drop', 'drop.all']],
  ['hello', []],
] as const)
  test(`rules see the fields of a message, wherever its JSON begins: ${text}`, () => {
    for (const from of ['client', 'resource'] as const) {
      const bytes = Buffer.from(text);
      const meant = meaningOfMessage({ from, host: 'h', target, route: undefined, bytes, binary: false });
      assert.equal(meant.kind, 'understood');
      if (meant.kind === 'understood') assert.deepEqual(meant.action.attributes['fields'], fields);
    }
  });

test('what begins as JSON and is none: a client may not say it, and of a resource nobody knows its fields', () => {
  for (const text of ['{"drop":1,}', '{"a":1,"a":2}', '{"a":1} x', '{"a":1}\n{"a":1,"a":1}']) {
    const said = { host: 'h', target, route: undefined, bytes: Buffer.from(text), binary: false };
    assert.equal(meaningOfMessage({ ...said, from: 'client' }).kind, 'refused', text);
    const heard = meaningOfMessage({ ...said, from: 'resource' });
    assert.ok(heard.kind === 'understood' && !('fields' in heard.action.attributes), text);
  }
});

test('on a route of GraphQL a client says nothing but messages of it', () => {
  for (const text of ['x', '', '42{"type":"subscribe"}', '"subscribe"', '[]', '{"type":"other"}']) {
    const bytes = Buffer.from(text);
    const path = { path: '/graphql', query: '', names: [] };
    const said = { from: 'client', host: 'h', target: path, route: undefined, bytes, binary: false } as const;
    assert.equal(meaningOfMessage(said).kind, 'refused', text);
  }
});
