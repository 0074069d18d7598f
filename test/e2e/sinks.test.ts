import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Client } from 'pg';
import { Webhook } from 'standardwebhooks';
import { httpFake, until } from '../../src/sinks/fake.ts';
import { startConfigured } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { startPostgres } from './harness/postgres.ts';

const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

interface Line {
  readonly n: number;
  readonly uid: string;
}

// The gateway is killed while entries are on their way, twice, and its webhook is away in between.
suite('sinks, end to end', () => {
  test(
    'every entry reaches every sink, whatever is killed or away in between',
    { timeout: 900_000 },
    async () => {
      await using fake = await httpFake(() => ({}));
      using folder = temporaryFolder('sinks');
      writeFileSync(join(folder.path, 'secret'), secret);
      const [api, home] = [await freePorts(2), join(folder.path, 'home')];
      const start = (): ReturnType<typeof startConfigured> =>
        startConfigured({
          api,
          policy: {},
          text: `
listen: { api: 127.0.0.1:${api}, postgres: 127.0.0.1:${api + 1} }
policy: ${join(root, 'policy')}
sinks:
  - { name: batches, kind: file, format: entry, folder: ${folder.path}/out, batch: { entries: 7, every: 50ms } }
  - { name: hook, kind: webhook, format: entry, url: ${fake.url}/, secret: { file: ${folder.path}/secret }, batch: { entries: 7, every: 50ms } }
identities:
  - { subject: dba, kind: human, groups: [dba] }
resources:
  - { name: shop, kind: postgres, address: 127.0.0.1:1, database: shop, credentials: { user: u, password: p } }
`,
          options: { home },
        });
      const hooked = (): readonly Line[] =>
        fake.requests.flatMap(({ body, headers }) => {
          const read = new Webhook(secret).verify(body, headers as Record<string, string>) as {
            data: { entries: Line[] };
          };
          return read.data.entries;
        });
      const filed = (): readonly Line[] =>
        readdirSync(join(folder.path, 'out'))
          .filter((file) => file.endsWith('.jsonl'))
          .toSorted()
          .flatMap((file) =>
            readFileSync(join(folder.path, 'out', file), 'utf8')
              .trimEnd()
              .split('\n'),
          )
          .map((line) => JSON.parse(line) as Line);
      /** Each call is an entry: somebody read the record. */
      const work = async (
        calls: number,
        gateway: Awaited<ReturnType<typeof start>>,
        token: string,
      ): Promise<void> => {
        for (let call = 0; call < calls; call++) {
          const answer = await fetch(`${gateway.api}/api/v1/sessions`, {
            headers: { authorization: `Bearer ${token}` },
          });
          assert.ok(answer.status === 200 || answer.status === 403);
          await answer.text();
        }
      };

      const first = await start();
      const token = await first.token('dba');
      await work(40, first, token);
      await until(() => hooked().length > 10);
      await first.stop('SIGKILL');

      fake.failing = 503;
      const second = await start();
      await work(40, second, token);
      await second.stop('SIGKILL');

      fake.failing = undefined;
      await using third = await start();
      await work(5, third, token);
      const metrics = async (): Promise<string> => (await fetch(`${third.api}/metrics`)).text();
      let page = '';
      do {
        await new Promise((resolve) => setTimeout(resolve, 100));
        page = await metrics();
      } while (
        !/sallyport_sink_lag_entries\{sink="hook"\} 0\b/.test(page) ||
        !/sink_lag_entries\{sink="batches"\} 0\b/.test(page)
      );
      const most = Number(/sallyport_ledger_size (\d+)/.exec(page)?.[1] ?? 0);
      assert.ok(most >= 85, page);
      for (const lines of [hooked(), filed()]) {
        const numbers = [...new Set(lines.map(({ n }) => n))];
        assert.deepEqual(
          numbers,
          Array.from({ length: numbers.length }, (_, at) => at),
        ); // none is missing, first come in order
        assert.ok(numbers.length >= 85);
        assert.ok(lines.every(({ n, uid }) => uid.endsWith(`/${n}`)));
      }
    },
  );

  test(
    'while a sink that must not fall behind is full, nothing is allowed; then it is again',
    { timeout: 900_000 },
    async () => {
      await using fake = await httpFake(() => ({}));
      await using server = await startPostgres({ version: 18 });
      using folder = temporaryFolder('sinks');
      writeFileSync(join(folder.path, 'secret'), secret);
      const first = await server.connect();
      await first.query(`CREATE ROLE gateway LOGIN PASSWORD 'behind'`);
      await first.query('CREATE TABLE orders (id int); GRANT ALL ON orders TO gateway');
      const api = await freePorts(2);
      fake.failing = 503;
      await using gateway = await startConfigured({
        api,
        policy: {},
        text: `
listen: { api: 127.0.0.1:${api}, postgres: 127.0.0.1:${api + 1} }
policy: ${join(root, 'policy')}
sinks:
  - name: hook
    kind: webhook
    url: ${fake.url}/
    secret: { file: ${folder.path}/secret }
    batch: { every: 50ms }
    spool: { entries: 2, whenFull: deny }
identities:
  - { subject: dba, kind: human, groups: [dba] }
resources:
  - { name: shop, kind: postgres, address: 127.0.0.1:${server.port}, database: postgres, credentials: { user: gateway, password: behind } }
`,
      });
      const password = await gateway.token('dba');
      const client = new Client({
        host: '127.0.0.1',
        port: api + 1,
        user: 'dba',
        password,
        database: 'shop',
      });
      await client.connect(); // started, loaded, opened: three entries wait
      const ask = (): Promise<string> =>
        client.query('SELECT count(*) FROM orders').then(
          () => 'allowed',
          (error: Error) => error.message,
        );
      let said = '';
      do said = await ask();
      while (said === 'allowed'); // until the three are on disk
      assert.match(said, /a sink is too far behind/);
      fake.failing = undefined;
      do {
        await new Promise((resolve) => setTimeout(resolve, 50));
        said = await ask();
      } while (said !== 'allowed');
      await client.end();
    },
  );
});
