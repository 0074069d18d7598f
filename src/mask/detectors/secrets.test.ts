import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayContain, scan } from '../index.ts';

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
