import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram, runPsql } from '../e2e/harness/clients.ts';
import { startConfigured } from '../e2e/harness/gateway.ts';
import { freePorts, root, temporaryFolder } from '../e2e/harness/place.ts';
import { startPostgres } from '../e2e/harness/postgres.ts';

test(
  'a gateway moves its recordings to a store, plays them from there, and its ledger verifies',
  { timeout: 900_000 },
  async () => {
    using folder = temporaryFolder('store');
    await using server = await startPostgres({ version: 18 });
    // @ts-expect-error: it has no types
    const { default: S3rver } = (await import('s3rver')) as {
      default: new (options: object) => { run: () => Promise<AddressInfo>; close: () => Promise<void> };
    };
    const store = new S3rver({
      port: 0,
      address: '127.0.0.1',
      silent: true,
      directory: join(folder.path, 's3'),
      configureBuckets: [{ name: 'tapes' }],
    });
    const { port: s3 } = await store.run();
    writeFileSync(join(folder.path, 'key'), 'S3RVER');
    const [api, home] = [await freePorts(2), join(folder.path, 'home')];
    const gateway = await startConfigured({
      api,
      policy: {},
      text: `
listen: { api: 127.0.0.1:${api}, postgres: 127.0.0.1:${api + 1} }
policy: ${join(root, 'policy')}
identities: [{ subject: dba, kind: human, groups: [dba] }]
recordings:
  s3: { endpoint: 'http://127.0.0.1:${s3}', region: us-east-1, bucket: tapes, prefix: a/, accessKeyId: { file: ${folder.path}/key }, secretAccessKey: { file: ${folder.path}/key } }
resources:
  - { name: shop, kind: postgres, address: 127.0.0.1:${server.port}, database: postgres, credentials: { user: ${server.user}, password: ${server.password} } }
`,
      options: { home },
    });
    try {
      const token = await gateway.token('dba');
      const asked = await runPsql([], "SELECT 'kept elsewhere' AS it;", {
        PGHOST: '127.0.0.1',
        PGPORT: String(api + 1),
        PGDATABASE: 'shop',
        PGUSER: 'dba',
        PGPASSWORD: token,
      });
      assert.match(asked.stdout, /kept elsewhere/, asked.stderr);
      const tapes = join(home, 'data', 'recordings');
      const lying = (end: string): number =>
        existsSync(tapes)
          ? readdirSync(tapes, { recursive: true }).filter((name) => String(name).endsWith(end)).length
          : 0;
      while (lying('archived.json') === 0 || lying('.chunk') > 0) await sleep(100);
      const cli = (...args: string[]): ReturnType<typeof runProgram> =>
        runProgram(process.execPath, [join(root, 'src/cli/main.ts'), ...args], {
          env: { SALLYPORT_API: gateway.api, SALLYPORT_TOKEN: token },
        });
      const played = await cli('sessions', 'play', 'last');
      assert.match(played.stdout, /kept elsewhere/);
      const verified = await cli('audit', 'verify', '--data', join(home, 'data'));
      assert.equal(verified.code, 0, verified.stdout);
      assert.match(verified.stdout, /1 are in the store of recordings/);
    } finally {
      await gateway[Symbol.asyncDispose]();
      await store.close();
    }
  },
);
