import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pieces } from './damage.ts';
import { type Failure, failureOf, run } from './run.ts';
import { type Case, type Target, targets } from './targets.ts';

// A few seconds with fixed seeds; `npm run fuzz -- --minutes 10` looks further.

const cases: Readonly<Record<string, number>> = {
  'client-decoder': 1_500,
  'server-decoder': 1_500,
  startup: 1_000,
  session: 500,
  server: 500,
};

for (const target of targets) {
  test(`fuzz: ${target.name}: ${target.about}`, async () => {
    const most = cases[target.name] ?? 500;
    const { failure, iterations } = await run(target, { seed: 20_261_121, goesOn: (at) => at < most });
    assert.equal(failure === undefined ? '' : `${failure.why}\n${JSON.stringify(failure.shrunk)}`, '');
    assert.equal(iterations, most);
  });

  test(`fuzz: ${target.name}: whole talks at every split`, async () => {
    for (let talk = 1; talk <= 3; talk++) {
      const length = target.bytes({ talk, damage: [], cuts: [] }).length;
      const step = target.name === 'session' || target.name === 'server' ? 7 : 1;
      for (let cut = 1; cut < length; cut += step) {
        assert.equal(await failureOf(target, { talk, damage: [], cuts: [cut] }), undefined);
      }
    }
  });
}

/** What longer runs found; append-only. */
const found = JSON.parse(
  readFileSync(join(import.meta.dirname, 'testdata', 'found.json'), 'utf8'),
) as readonly {
  readonly what: string;
  readonly target: string;
  readonly case: Case;
}[];

for (const each of found) {
  test(`fuzz found: ${each.what}`, async () => {
    const target = targets.find(({ name }) => name === each.target);
    assert.ok(target !== undefined);
    assert.equal(await failureOf(target, each.case), undefined);
  });
}

test('the fuzz finds a reader that trusts a length, shrinks the case, and finds it again', async () => {
  const [decoder] = targets;
  assert.ok(decoder !== undefined);
  const careless: Target = {
    ...decoder,
    play: (given) => {
      const bytes = Buffer.from(decoder.bytes(given));
      for (let at = 0; at + 5 <= bytes.length; at += 1 + Math.max(4, bytes.readUInt32BE(at + 1))) {
        if (bytes.readUInt32BE(at + 1) > 0x4000_0000) throw new RangeError('Out of memory');
      }
    },
  };
  const [first, again] = [await fail(careless), await fail(careless)];
  assert.match(first.why, /^RangeError: Out of memory/);
  assert.ok((first.shrunk.hex ?? '').length < 400);
  assert.deepEqual(again.shrunk, first.shrunk);
  assert.match((await failureOf(careless, first.shrunk)) ?? '', /^RangeError/);
});

test('the fuzz finds growth', async () => {
  const [decoder] = targets;
  assert.ok(decoder !== undefined);
  const kept: Buffer[] = [];
  const hoarder = { ...decoder, play: () => void kept.push(Buffer.alloc(200_000, 1)) };
  assert.match((await fail(hoarder)).why, /^Memory has grown/);
});

async function fail(target: Target): Promise<Failure> {
  const { failure } = await run(target, { seed: 5, goesOn: (at) => at < 2_000 });
  return failure ?? assert.fail('It found nothing');
}

test('pieces() gives every byte once', () => {
  const whole = Buffer.from('abcdefgh');
  for (const cuts of [[], [0], [3, 3, 5], [8, 100, 1]]) {
    assert.equal(Buffer.concat(pieces(whole, cuts)).toString(), 'abcdefgh');
  }
});
