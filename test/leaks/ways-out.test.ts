// What was tried by hand against the masks, kept for ever: PostgreSQL believes other things of a statement than we do.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { needs } from '../e2e/harness/needs.ts';
import { cellsOf, errorOf, type Message } from '../e2e/harness/raw.ts';
import { secrets } from './database.ts';
import { openPlace, type Place } from './place.ts';
import { bytesOf } from './run.ts';
import { searcher } from './secrets.ts';
import { asked, take } from './talk.ts';

interface Way {
  readonly name: string;
  readonly steps: readonly string[];
}

suite('ways out', { timeout: 1_800_000 }, () => {
  test('no way out that was tried shows a piece of a secret', async (t) => {
    if (!needs(t, 'psql')) return;
    await using place = await openPlace(18);
    const look = searcher(secrets);
    for (const way of waysIn('ways-out.sql')) {
      const messages = await gone(place, way);
      assert.deepEqual(look(bytesOf({ messages })), [], way.name);
      // A secret that is spelled letter by letter.
      const rows = messages.flatMap((each) => (each.type === 'D' ? cellsOf(each) : [])).join('');
      for (const { column, text } of secrets) {
        assert.ok(text.length < 8 || !rows.includes(text.slice(0, 6)), `${way.name}: ${column}`);
      }
    }
  });

  test('what only looks like a way out is neither refused nor hidden', async (t) => {
    if (!needs(t, 'psql')) return;
    await using place = await openPlace(18);
    for (const way of waysIn('harmless.sql')) {
      for (const each of await gone(place, way)) {
        if (each.type === 'E') assert.fail(`${way.name}: ${errorOf(each).message}`);
        if (each.type !== 'D') continue;
        assert.ok(
          !cellsOf(each).some((cell) => cell === null || cell.includes('***')),
          `${way.name}: hidden`,
        );
      }
    }
  });
});

function waysIn(file: string): readonly Way[] {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8');
  return text
    .split(/^## /m)
    .slice(1)
    .map((each) => {
      const end = each.indexOf('\n');
      const steps = each.slice(end).split(/^--$/m);
      return { name: each.slice(0, end).trim(), steps: steps.map((step) => step.trim()) };
    });
}

/** All that came of it. A step that fails must not hide what the others bring. */
async function gone(place: Place, { name, steps }: Way): Promise<readonly Message[]> {
  const client = await place.through('dba', 'shop');
  const asTheyAre = name.endsWith('[perm]');
  const all: Message[] = [];
  if (!asTheyAre) await take(client, asked('BEGIN'));
  for (const [at, step] of steps.entries()) {
    if (!asTheyAre) await take(client, asked(`SAVEPOINT s${at}`));
    const came = await take(client, asked(step));
    all.push(...came);
    if (!asTheyAre && came.at(-1)?.body.toString() === 'E')
      await take(client, asked(`ROLLBACK TO SAVEPOINT s${at}`));
  }
  if (!client.ended) await take(client, asked('ROLLBACK'));
  client.end();
  return all;
}
