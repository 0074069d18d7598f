import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WireError } from '../../base/errors.ts';
import { decodeBind, decodeClose, decodeExecute } from './decode.ts';
import type { Frame } from './frames.ts';
import { frontend } from './messages.ts';
import { skimBind, skimExecute, skimNamed } from './skim.ts';

/** What a reading comes to, for comparing two readers: its value, or the code of its error. */
function told<T>(read: () => T): T | string {
  try {
    return read();
  } catch (thrown) {
    assert.ok(thrown instanceof WireError, String(thrown));
    return thrown.code;
  }
}

const int16 = fc.oneof(
  fc.constantFrom([0, 0], [0, 1], [0, 2]),
  fc.tuple(fc.constantFrom(0, 1, 255), fc.constantFrom(0, 1, 2, 3, 255)),
);
const int32 = fc.oneof(
  fc.nat(12).map((length) => [0, 0, 0, length]),
  fc.constantFrom([255, 255, 255, 255], [255, 255, 255, 254], [128, 0, 0, 0], [0, 1, 0, 0]),
);
const name = fc.oneof(
  fc
    .constantFrom('', 'P0', 'é', 'a name that is longer than most', '\uFFFD')
    .map((text) => [...Buffer.from(`${text}\0`)]),
  fc.constantFrom([0x80, 0], [0xc3, 0x28, 0], [0x41]),
);
const values = fc.array(
  fc.uint8Array({ maxLength: 20 }).map((value) => [0, 0, 0, value.length, ...value]),
  { maxLength: 3 },
);
const rest = fc.oneof(fc.constant([]), fc.array(fc.nat(255), { maxLength: 4 }));

function formats(most: number): fc.Arbitrary<number[]> {
  return fc
    .array(fc.constantFrom(0, 1), { maxLength: most })
    .map((codes) => [0, codes.length, ...codes.flatMap((code) => [0, code])]);
}

// Whole messages, damaged ones, and parts of one in no order.
const bind = fc
  .tuple(name, name, formats(3), values, formats(3), rest)
  .map(([portal, statement, codes, given, results, behind]) => [
    ...portal,
    ...statement,
    ...codes,
    0,
    given.length,
    ...given.flat(),
    ...results,
    ...behind,
  ]);
const anything = fc.array(fc.oneof(name, int16, int32), { maxLength: 12 }).map((parts) => parts.flat());
const body = fc.oneof({ weight: 3, arbitrary: bind }, { weight: 2, arbitrary: anything });

/** A message among others: what stands around it must not matter. */
function frameOf(type: number, content: readonly number[]): Frame {
  const bytes = Uint8Array.from([7, 0, 1, type, 0, 0, 0, content.length + 4, ...content, 0, 0, 0, 1, 0]);
  return { type, bytes, start: 3, end: 8 + content.length };
}

test('Bind is skimmed as it is decoded', () => {
  let good = 0;
  fc.assert(
    fc.property(body, (content) => {
      const frame = frameOf(frontend.Bind, content);
      const skimmed = told(() => {
        const { behindNames, ...all } = skimBind(frame);
        return { ...all, behindNames: behindNames - frame.start - 5 };
      });
      const decoded = told(() => {
        const { portal, statement, values: given, resultFormats } = decodeBind(frame);
        const behindNames = Buffer.byteLength(portal) + Buffer.byteLength(statement) + 2;
        return { portal, statement, values: given.length, resultFormats, behindNames };
      });
      assert.deepEqual(skimmed, decoded);
      if (typeof skimmed !== 'string') good += 1;
    }),
    { numRuns: 5_000 },
  );
  assert.ok(good > 100, `only ${good} whole messages`);
});

test('Execute, Describe and Close are skimmed as they are decoded', () => {
  let good = 0;
  const execute = fc.tuple(name, int32, rest).map((parts) => parts.flat());
  const named = fc
    .tuple(fc.constantFrom([0x53], [0x50], [0x51], []), name, rest)
    .map((parts) => parts.flat());
  fc.assert(
    fc.property(execute, named, anything, (one, other, third) => {
      for (const content of [one, other, third]) {
        const executing = frameOf(frontend.Execute, content);
        const portal = told(() => ({ portal: skimExecute(executing) }));
        assert.deepEqual(
          portal,
          told(() => ({ portal: decodeExecute(executing).portal })),
        );
        const closing = frameOf(frontend.Close, content);
        const skimmed = told(() => skimNamed(closing));
        assert.deepEqual(
          skimmed,
          told(() => {
            const { of, name: called } = decodeClose(closing);
            return { of, name: called };
          }),
        );
        if (typeof portal !== 'string' || typeof skimmed !== 'string') good += 1;
      }
    }),
    { numRuns: 3_000 },
  );
  assert.ok(good > 500, `only ${good} whole messages`);
});
