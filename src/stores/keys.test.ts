import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant, realWorld } from '../base/time.ts';
import { freshFolder, open, opened } from './fake.ts';

test('keys of sessions that begin around midnight, while the clock goes back over it, each have their own place', async () => {
  using folder = freshFolder();
  const midnight = Date.UTC(2026, 11, 31);
  const moments = [1, -1, 2, -2, 3].map((ms) => instant(midnight + ms));
  let now = instant(midnight);
  const world = { ...realWorld, now: () => now };
  const ledger = await open(folder.path, { world });
  const written = moments.map((moment, at) => {
    now = moment;
    return ledger.append(opened(`s${at}`, 'p', world)); // none is on disk when the next is made
  });
  await Promise.all(written);
  await ledger.close();
  const again = await open(folder.path);
  const seals: unknown[] = [];
  for await (const { seal } of again.read(0, again.size)) seals.push(seal);
  await again.close();
  assert.deepEqual(
    seals,
    moments.map(() => 'opened'),
  );
});
