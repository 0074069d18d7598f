import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatOf, type Logged, loggedIn } from './reconcile-logs.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-logs-'));
after(() => rmSync(folder, { recursive: true }));

async function read(name: string, text: string): Promise<readonly Logged[]> {
  const file = join(folder, name);
  writeFileSync(file, text);
  const all: Logged[] = [];
  for await (const each of loggedIn(file, { format: formatOf(file, text) })) all.push(each);
  return all;
}

const csv = (time: string, sql: string): string =>
  `${time},"app","shop",77,"127.0.0.1:1",5e,1,"SELECT",${time},1/2,0,LOG,00000,"statement: ${sql}",,,,,,,,,"nightly","client backend",,0\n`;

const times: readonly (readonly [zone: string, at: string | undefined])[] = [
  ['UTC', '2026-11-21T23:59:57.771Z'],
  ['GMT', '2026-11-21T23:59:57.771Z'],
  ['+04', '2026-11-21T19:59:57.771Z'],
  ['-03', '2026-11-22T02:59:57.771Z'],
  ['+0530', '2026-11-21T18:29:57.771Z'],
  ['IST', undefined], // of India, Israel or Ireland
  ['CST', undefined],
  ['CET', undefined],
];

for (const [zone, at] of times)
  test(`a statement in a log of the zone ${zone} has ${at === undefined ? 'no time that could be wrong' : 'its time'}`, async () => {
    const time = `2026-11-21 23:59:57.771 ${zone}`;
    const json = JSON.stringify({
      timestamp: time,
      user: 'app',
      dbname: 'shop',
      application_name: 'nightly',
      message: 'statement: SELECT 1',
    });
    for (const [name, text] of [
      ['a.csv', csv(time, 'SELECT 1')],
      ['b', csv(time, 'SELECT 1')],
      ['a.json', `${json}\n`],
    ] as const) {
      const expected = { text: 'SELECT 1', user: 'app', database: 'shop', application: 'nightly' };
      const [one, ...others] = await read(name, text);
      assert.deepEqual(one, { ...expected, ...(at === undefined ? {} : { at: Date.parse(at) }) }, name);
      assert.deepEqual(others, []);
    }
    const [plain] = await read('a.log', `${time} [77] LOG:  statement: SELECT 1\n\tFROM t\n`);
    assert.equal(plain?.text.replaceAll(/\s+/g, ' '), 'SELECT 1 FROM t');
    assert.equal(plain?.at, at === undefined ? undefined : Date.parse(at));
  });
