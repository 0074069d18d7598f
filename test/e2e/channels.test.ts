import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Client } from 'pg';
import { slackFake, slackHeaders, until } from '../../src/channels/fake.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { type PostgresServer, startPostgres } from './harness/postgres.ts';

const signingSecret = 'a signing secret';

// A statement on a live connection waits, is approved by a click in Slack, and runs; what happened reaches a sink.
suite('channels and sinks, end to end', () => {
  let server: PostgresServer;
  let slack: Awaited<ReturnType<typeof slackFake>>;
  let gateway: Configured;
  let port = 0;
  const folder = temporaryFolder('sink');

  before(async () => {
    server = await startPostgres({ version: 18 });
    const first = await server.connect();
    await first.query(`CREATE ROLE gateway LOGIN PASSWORD 'behind'`);
    await first.query('CREATE DATABASE shop');
    const owner = await server.connect({ database: 'shop' });
    await owner.query(`
      CREATE TABLE orders (id int PRIMARY KEY, status text);
      INSERT INTO orders SELECT n, CASE WHEN n % 4 = 0 THEN 'cancelled' ELSE 'open' END FROM generate_series(1, 40) n;
      GRANT ALL ON orders TO gateway; ANALYZE`);
    slack = await slackFake();
    slack.members.set('U0LEAD', { team: 'T0HOME' });
    slack.members.set('U0DBA', { team: 'T0HOME' });
    writeFileSync(join(folder.path, 'bot'), 'xoxb-bot');
    writeFileSync(join(folder.path, 'signing'), signingSecret);
    const api = await freePorts(2);
    port = api + 1;
    gateway = await startConfigured({
      api,
      policy: {},
      text: `
listen: { api: 127.0.0.1:${api}, postgres: 127.0.0.1:${port} }
policy: ${join(root, 'policy')}
reviews: { freshSignIn: any }
channels:
  slack:
    app: A0APP
    workspaces: [T0HOME]
    channel: C0ROOM
    botToken: { file: ${join(folder.path, 'bot')} }
    signingSecret: { file: ${join(folder.path, 'signing')} }
    apiUrl: ${slack.http.url}/api/
sinks:
  - { name: batches, kind: file, folder: ${folder.path}/out, batch: { every: 100ms } }
identities:
  - { subject: dba, kind: human, groups: [dba], accounts: { slack: [T0HOME/U0DBA] } }
  - { subject: lead, kind: human, groups: [leads], accounts: { slack: [T0HOME/U0LEAD] } }
resources:
  - name: shop
    kind: postgres
    address: 127.0.0.1:${server.port}
    database: shop
    credentials: { user: gateway, password: behind }
`,
    });
  });

  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await slack?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** A click on the card that stands in Slack now. */
  async function click(user: string, secret: string = signingSecret): Promise<number> {
    const [ts, { blocks }] = [...slack.messages].at(-1) ?? ['', { blocks: '' }];
    const value = /approve\.rev_[A-Za-z0-9]+\.[0-9a-f]{64}/.exec(blocks)?.[0];
    assert.ok(value !== undefined, `no button: ${blocks}`);
    const payload = {
      type: 'block_actions',
      user: { id: user, team_id: 'T0HOME' },
      api_app_id: 'A0APP',
      team: { id: 'T0HOME' },
      container: { type: 'message', message_ts: ts, channel_id: 'C0ROOM' },
      message: { ts },
      actions: [{ action_id: 'approve', value, action_ts: String(Date.now() / 1_000) }],
    };
    const body = `payload=${encodeURIComponent(JSON.stringify(payload))}`;
    const answer = await fetch(`${gateway.api}/channels/slack`, {
      method: 'POST',
      body,
      headers: slackHeaders(secret, body, Date.now()),
    });
    return answer.status;
  }

  async function left(): Promise<number> {
    const owner = await server.connect({ database: 'shop' });
    const { rows } = await owner.query<{ n: number }>('SELECT count(*)::int AS n FROM orders');
    return rows[0]?.n ?? -1;
  }

  test(
    'a statement waits until the right person presses the button, and says so on the card and in the sink',
    { timeout: 900_000 },
    async () => {
      const client = new Client({
        host: '127.0.0.1',
        port,
        user: 'dba',
        password: await gateway.token('dba'),
        database: 'shop',
      });
      await client.connect();
      const done = client.query(`DELETE FROM orders WHERE status = 'cancelled'`);
      await Promise.race([
        until(() => slack.messages.size === 1),
        done.then(() => assert.fail('it did not wait')),
      ]);

      assert.equal(await click('U0LEAD', 'guessed'), 401);
      assert.equal(await click('U0DBA'), 200); // their own request
      await until(() => slack.whispers.some((said) => said.includes('nobody answers their own request')));
      assert.equal(await left(), 40);

      assert.equal(await click('U0LEAD'), 200);
      assert.equal((await done).rowCount, 10);
      assert.equal(await left(), 30);
      await until(() => [...slack.messages.values()].at(-1)?.blocks.includes('lead: approve') === true);
      await until(() => [...slack.messages.values()].at(-1)?.blocks.includes('Approved, done') === true);
      await client.end();

      const lines = (): string[] =>
        readdirSync(join(folder.path, 'out'))
          .filter((file) => file.endsWith('.jsonl'))
          .toSorted()
          .flatMap((file) =>
            readFileSync(join(folder.path, 'out', file), 'utf8')
              .trimEnd()
              .split('\n'),
          );
      await until(() => lines().some((line) => line.includes('session.closed')));
      const events = lines().map(
        (line) => JSON.parse(line) as { metadata: { sequence: number; event_code: string } },
      );
      assert.deepEqual(
        events.map(({ metadata }) => metadata.sequence),
        events.map((_, at) => at),
      ); // all, once, in order
      for (const kind of [
        'session.opened',
        'review.asked',
        'review.answered',
        'review.used',
        'decision',
        'review.ended',
      ]) {
        assert.ok(
          events.some(({ metadata }) => metadata.event_code === kind),
          kind,
        );
      }
      assert.doesNotMatch(lines().join(''), /DELETE FROM|cancelled/);
    },
  );
});
