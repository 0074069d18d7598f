// A slice of the leak suite; `npm run leaks` runs all of it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { needs } from '../e2e/harness/needs.ts';
import { openPlace } from './place.ts';
import { searcher } from './secrets.ts';
import { compare, search } from './suite.ts';

const count = Number(process.env['LEAK_CASES'] ?? 120);
const seed = Number(process.env['LEAK_SEED'] ?? 5);

suite('leaks', { timeout: 900_000 }, () => {
  test('no case of the slice shows a piece of a secret, and nothing is changed where nothing is hidden', async (t) => {
    if (!needs(t, 'psql')) return;
    await using place = await openPlace(18);
    const { tally, leaks } = await search(place, { count, seed });
    t.diagnostic(JSON.stringify(tally));
    assert.deepEqual(leaks, []);
    assert.ok((tally['rows'] ?? 0) > count / 3, 'too few cases were answered to prove anything');
    const compared = await compare(place, { count: count / 2, seed });
    t.diagnostic(JSON.stringify(compared.tally));
    assert.deepEqual(compared.different, []);
    assert.ok(
      (compared.tally['refused'] ?? 0) < (compared.tally['compared'] ?? 0) / 6,
      'too much is refused',
    );
  });

  test('the oracle sees a secret in every disguise', () => {
    const secret = { column: 'c', text: '742-58-6193' };
    const mail = { column: 'm', text: 'wqzkfrtpgh@kept.example', kept: '@kept.example' };
    const number = { column: 'n', text: '631274958' };
    const look = searcher([secret, mail, number]);
    const long = Buffer.alloc(8);
    long.writeBigInt64BE(631_274_958n);
    const seen = [
      'x742-58-6193x',
      '42-58-6', // a piece
      '3916-85-247',
      '742586193',
      Buffer.from('742-58-6193').toString('hex'),
      Buffer.from('a742-58-6193').toString('base64'),
      Buffer.from('ab742-58-6193c').toString('base64'),
      'WQZKFRTPGH',
      encodeURIComponent('tpgh@kept.example'),
      'h6312749x',
    ];
    for (const text of seen) assert.notDeepEqual(look(Buffer.from(text)), [], text);
    assert.notDeepEqual(look(Buffer.concat([Buffer.from('x'), long])), []);
    for (const text of ['***@kept.example', '742-5', '58619', 'h_abcdef']) {
      assert.deepEqual(look(Buffer.from(text)), [], text);
    }
  });
});
