import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FindMask } from '../../core/decision.ts';
import { maskFindings, maskKey, mayContain, scan } from '../index.ts';

const key = maskKey(new Uint8Array(32));
const redact: readonly FindMask[] = [{ entity: 'PASSWORD', operator: { kind: 'redact' } }];

// What is assigned to words for secrets that name other things too. No value here is anybody's.
const value = 'a3rz600n45a1c596y7me60tv';
const id = '65405a0b-b331-4d7f-b833-4bba82b2bcf0';

const secret: readonly string[] = [
  `DISCORD_BOT_TOKEN=${value}`,
  `"deployKey": "${value}"`,
  `airtable_key = '${value}'`,
  `  cloudflare-secret: ${value}`,
  `token=${value}`,
  `HEROKU_TOKEN=${id}`,
  `Set-Cookie: _app_session=${value}; Path=/`,
];
const harmless: readonly string[] = [
  `cache_key=${value}`,
  `userCacheKey: ${value}`,
  `nextPageToken=${value}`,
  `monkey: ${value}`,
  `key: ${value}`,
  `session=${id}`,
  'deploy_key: uploads/2026-01-31/report-v2',
  'idempotency-key: order-2026-000123-retry-2',
  'signing_token: release-1.24.3-alpha2',
];

test('what is assigned to a token, key or secret of somebody is found where it is made of chance', () => {
  for (const text of secret) {
    const found = scan(text);
    assert.deepEqual(
      found.map(({ start, end }) => text.slice(start, end)),
      [text.includes(id) ? id : value],
      text,
    );
    const bytes = Buffer.from(text);
    assert.ok(mayContain(bytes, 0, bytes.length), `the gate passes ${text}`);
  }
});

test('keys that open nothing, and what people make up, are none', () => {
  for (const text of harmless) assert.deepEqual(scan(text), [], text);
});

test('a password is hidden to its end, whatever signs it has, in quotes and without', () => {
  const shown = (text: string): string => maskFindings(text, redact, { key }).text;
  for (const [text, wanted] of [
    ['password="abc,def&ghi (x)"', 'password="[PASSWORD]"'],
    ["pwd: 'it\\'s mine'", "pwd: '[PASSWORD]'"],
    ['{\\"password\\":\\"hunter,22\\",\\"x\\":1}', '{\\"password\\":\\"[PASSWORD]\\",\\"x\\":1}'],
    ['DB_PASSWORD=p@ss(w0rd)!x', 'DB_PASSWORD=[PASSWORD]'],
    ['pwd=Tr0ub4dor&3; db=main', 'pwd=[PASSWORD]; db=main'],
    ['passwd=Zx9[]kk rest', 'passwd=[PASSWORD] rest'],
    ['password=$ecret99', 'password=[PASSWORD]'],
    ['password=none-of-it9', 'password=[PASSWORD]'],
    ['login?password=abc&user=x', 'login?password=[PASSWORD]&user=x'],
    ['f(password=abc, user=x)', 'f(password=[PASSWORD], user=x)'],
    ['password=abc,user=x', 'password=[PASSWORD],user=x'],
    ['pass="open\nnext"', 'pass="[PASSWORD]\nnext"'],
  ] as const)
    assert.equal(shown(text), wanted);
  for (const text of [
    'password=${DB_PW}',
    'password = $1',
    'password=$DB_PW',
    'password=%s',
    'password: "" , x',
    'password=null',
    'secret=\\[EMAIL_ADDRESS], next',
  ])
    assert.equal(shown(text), text);
});
