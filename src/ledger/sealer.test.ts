import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { open, seal, type SealAs, sealingKey } from './seal.ts';
import { Sealer } from './sealer.ts';

const domain = fc.constantFrom<SealAs['domain']>('entry', 'chunk', 'key');
const counter = fc.oneof(
  { weight: 8, arbitrary: fc.constant(undefined) }, // the one behind the last
  { weight: 1, arbitrary: fc.nat(40) },
  { weight: 1, arbitrary: fc.integer({ min: 2 ** 32 - 6, max: 2 ** 32 + 6 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 10 }) },
);
const text = fc.record({
  plain: fc.oneof(
    { weight: 4, arbitrary: fc.uint8Array({ maxLength: 130 }) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 980, maxLength: 1_040 }) },
  ),
  bound: fc.string({ maxLength: 500, unit: 'binary' }),
  counter,
  domain,
});

test('Sealer seals as OpenSSL does, whatever the order of counters, lengths and domains', () => {
  const check = fc.property(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.array(text, { minLength: 5, maxLength: 40 }),
    (bytes, texts) => {
      const key = sealingKey(bytes);
      const sealer = new Sealer(key);
      const box = Buffer.alloc(2_048, 0xee);
      let last = 0;
      for (const { plain, bound, counter: at, domain: of } of texts) {
        last = at ?? last + 1;
        const as = { domain: of, counter: last, bound };
        const length = sealer.sealInto(box, plain, as);
        assert.deepEqual(box.subarray(0, length), seal(key, plain, as));
      }
    },
  );
  fc.assert(check, { numRuns: 150 });
});

test('a box of Sealer opens, and not at another place, nor with a bit changed', () => {
  const key = sealingKey(randomBytes(32));
  const sealer = new Sealer(key);
  const plain = Buffer.from('SELECT 1');
  for (let at = 1; at < 40; at++) {
    const as: SealAs = { domain: 'entry', counter: at, bound: `log\nsession\n${at}` };
    const box = Buffer.alloc(plain.length + 16);
    assert.equal(sealer.sealInto(box, plain, as), box.length);
    assert.deepEqual(open(key, box, as), plain);
    assert.equal(open(key, box, { ...as, counter: at + 1 }), undefined);
    assert.equal(open(key, box, { ...as, bound: `log\nsession\n${at + 1}` }), undefined);
    box[at % box.length] = (box[at % box.length] ?? 0) ^ 1;
    assert.equal(open(key, box, as), undefined);
  }
});

test('Sealer makes no two boxes with one piece of the key stream', () => {
  const key = sealingKey(Buffer.alloc(32, 7));
  const sealer = new Sealer(key);
  const seen = new Set<string>();
  for (let at = 0; at < 5_000; at++) {
    const box = Buffer.alloc(32 + 16);
    sealer.sealInto(box, Buffer.alloc(32), { domain: 'entry', counter: at, bound: '' });
    for (const part of [box.subarray(0, 16), box.subarray(16, 32)]) seen.add(part.toString('hex'));
  }
  assert.equal(seen.size, 10_000);
});
