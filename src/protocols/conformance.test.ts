import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Rehearsal } from '../core/rehearsal.ts';
import { promises } from './conformance.ts';
import { protocols } from './index.ts';
import { rehearsal as http } from './http/rehearsal.ts';
import { rehearsal as llm } from './llm/rehearsal.ts';
import { rehearsal as mcp } from './mcp/rehearsal.ts';
import { rehearsal as postgres } from './postgres/rehearsal.ts';
import { broken, rehearsal as toyRehearsal, toy } from './toy.ts';

const rehearsals: Readonly<Record<string, Rehearsal>> = { postgres, http, llm, mcp };

for (const protocol of protocols) {
  suite(`${protocol.name} keeps what every protocol promises`, () => {
    const rehearsal = rehearsals[protocol.name];
    for (const { name, holds } of promises) {
      test(name, rehearsal === undefined ? { todo: 'it has no rehearsal yet' } : {}, async () => {
        if (rehearsal !== undefined) await holds(protocol, rehearsal);
      });
    }
  });
}

suite('the promises themselves', () => {
  for (const [at, { name, holds }] of promises.entries()) {
    test(`a small protocol keeps: ${name}`, () => holds(toy(), toyRehearsal));

    for (const fault of broken[at] ?? []) {
      test(`a fault is found (${fault}): ${name}`, async () => {
        await assert.rejects(holds(toy(fault), toyRehearsal));
      });
    }
  }

  test('each promise has a fault that it finds', () => {
    assert.equal(broken.length, promises.length);
    assert.ok(broken.every((faults) => faults.length > 0));
  });
});
