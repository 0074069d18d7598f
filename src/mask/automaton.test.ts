import assert from 'node:assert/strict';
import { test } from 'node:test';
import { automaton } from './automaton.ts';
import { apart } from './normalise.ts';

test('automaton() takes all beyond ASCII for the same, whichever it is shown first', () => {
  const word = 0x80;
  for (const first of [word, apart, 0xc3]) {
    const { any } = automaton([/(?<![A-Za-z0-9])a[^ ]b/g, /(?<![A-Za-z0-9])x\u00e9z/g]);
    const fits = (before: string, byte: number, after: string): boolean => {
      const bytes = Uint8Array.from([...Buffer.from(before), byte, ...Buffer.from(after)]);
      return any(bytes, 0, bytes.length);
    };
    for (const byte of [first, word, apart, 0xc3, 0xff]) {
      assert.ok(fits('a', byte, 'b'), `[^ ]: ${byte} after ${first}`);
      assert.ok(fits('x', byte, 'z'), `é: ${byte} after ${first}`);
      assert.ok(!fits('a', byte, 'c') && !fits('x', byte, 'y'));
    }
  }
});
