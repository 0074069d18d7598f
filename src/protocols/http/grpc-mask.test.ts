import assert from 'node:assert/strict';
import { realWorld } from '../../base/time.ts';
import { heldBy } from '../../core/held.ts';
import { defaultLimits } from '../../core/limits.ts';
import { test } from 'node:test';
import { noDuties, type MaskOperator, type Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { MessageMask } from './grpc-mask.ts';

const redact: MaskOperator = { kind: 'redact' };
const permit = {
  duties: { ...noDuties, finds: [{ entity: '*', operator: redact }] },
  operatorOf: () => undefined,
} as unknown as Permit; // all that masks look at

function mask(): MessageMask {
  return new MessageMask({
    permit,
    object: '/shop.v1.Orders/Get',
    key: maskKey(Buffer.alloc(32, 1)),
    codec: 'proto',
    shape: undefined,
    protos: undefined,
    held: heldBy(defaultLimits, realWorld).open('test'),
    most: 1_000,
    bytesPass: false,
  });
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const clean = base64('a');
const mail = base64('ann.lee@example.com');

test('binary metadata is read as every reader does, all of its values', () => {
  for (const value of ['', clean, 'YQ', `${clean},${base64('bc')}`, `${clean}, ${base64('b')}`])
    assert.equal(mask().binary('x-note-bin', value), value);
  for (const value of [
    mail,
    `${clean},${mail}`,
    `${clean}${mail}`,
    `${clean}, ${mail}`,
    `a b ${mail}`,
    '/w==',
  ])
    assert.equal(mask().binary('x-note-bin', value), undefined, value);
  assert.equal(mask().binary('ssn-bin', base64('123456789')), undefined);
});

test('details of an error that are not Base64, or more than one, are left out', () => {
  const status = Buffer.from([0x08, 5, 0x12, 1, 0x61]).toString('base64');
  assert.equal(mask().details(status), status.replace(/=+$/, ''));
  for (const value of [`${status},${mail}`, `${status}${mail}`]) {
    const shower = mask();
    assert.equal(shower.details(value), undefined);
    assert.equal(shower.withheld, 1);
  }
});
