import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Client } from 'pg';
import { type Digest, digest, shop } from './bypass/database.ts';
import { allowed, type Denied, denied, leaks } from './bypass/statements.ts';
import { alive, assertClear, codeOf, type Stage, talks } from './bypass/wire.ts';
import { type Guarded, type IdentityName, startUp } from './harness/gateway.ts';
import { needs } from './harness/needs.ts';
import { type PostgresServer, startPostgres } from './harness/postgres.ts';
import { RawClient, wire } from './harness/raw.ts';
import { startTap, type Tap } from './harness/tap.ts';

const names: readonly IdentityName[] = ['analyst', 'dba', 'support', 'agent'];

for (const version of [18, 15] as const) {
  suite(`nothing gets past the gateway to PostgreSQL ${version}`, () => {
    let server: PostgresServer;
    let tap: Tap;
    let gateway: Guarded;
    let owner: Client;
    let stage: Stage;
    let untouched: Digest;
    let missing = false;

    before(async (t) => {
      if (version === 15 && 'skip' in t && !needs(t, 'postgres15')) missing = true;
      if (missing) return;
      server = await startPostgres({ version });
      const first = await server.connect();
      await first.query(`CREATE ROLE gateway LOGIN PASSWORD 'behind'`);
      await first.query('CREATE DATABASE shop');
      owner = await server.connect({ database: 'shop' });
      await owner.query(shop);
      tap = await startTap(server.port);
      gateway = await startUp({ port: tap.port, user: 'gateway', password: 'behind', database: 'shop' });
      const tokens = new Map<IdentityName, string>();
      for (const name of names) tokens.set(name, await gateway.token(name));
      const token = (as: IdentityName): string => tokens.get(as) ?? '';
      stage = {
        tap,
        port: gateway.port,
        token,
        connect: async (as, parameters = {}) => {
          const client = await RawClient.connect({
            port: gateway.port,
            user: as,
            database: 'shop',
            password: token(as),
            parameters,
          });
          // What needs a review is refused at once, with a ticket: nobody here would give one.
          await client.ask(wire.query(`SET sallyport.wait = '0s'`));
          return client;
        },
      };
      untouched = await digest(owner);
    });

    after(async () => {
      if (missing) return;
      await gateway?.[Symbol.asyncDispose]();
      await tap?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    for (const [group, statements] of Object.entries(denied)) {
      test(`denied: ${group}`, async (t) => {
        if (missing) return t.skip();
        for (const each of statements) await t.test(nameOf(each), () => refuses(stage, each));
        assert.deepEqual(await digest(owner), untouched);
        return undefined;
      });
    }

    test('a statement that is refused one way is refused the other ways too', async (t) => {
      if (missing) return t.skip();
      await using client = await stage.connect('analyst');
      for (const sql of ['DELETE FROM customers', 'SELECT app.innocent()', 'DROP TABLE orders']) {
        tap.clear();
        for (const parts of [
          [wire.parse('', sql), wire.sync],
          [wire.parse('named', sql), wire.describe('S', 'named'), wire.sync],
          [wire.query(`PREPARE named AS ${sql}`)],
          [wire.query(`EXPLAIN ANALYZE ${sql}`)],
          [wire.query(`BEGIN; ${sql}; COMMIT`)],
          [wire.query(`SELECT 1;${sql}`)],
        ]) {
          assert.notEqual(codeOf(await client.ask(...parts)), '', sql);
          await client.ask(wire.query('ROLLBACK'));
          await alive(client);
        }
        assert.ok(!tap.saw(sql), sql);
      }
      return undefined;
    });

    test('allowed: what only looks dangerous', async (t) => {
      if (missing) return t.skip();
      for (const each of allowed) {
        await t.test(nameOf(each), async () => {
          await using client = await stage.connect(each.as ?? 'analyst');
          assert.equal(codeOf(await client.ask(wire.query(each.sql))), '');
          if (/^BEGIN|;/.test(each.sql)) return;
          const extended = await client.ask(
            wire.parse('', each.sql),
            wire.bind('', ''),
            wire.execute(''),
            wire.sync,
          );
          assert.equal(codeOf(extended), '');
        });
      }
      return undefined;
    });

    test('an answer to an analyst holds no value that is masked', async (t) => {
      if (missing) return t.skip();
      for (const sql of leaks) {
        await t.test(sql, async () => {
          await using client = await stage.connect('analyst');
          assertClear(await client.ask(wire.query(sql)), sql);
          await client.ask(wire.query('ROLLBACK'));
          if (!sql.includes(';')) {
            const parts = [wire.parse('', sql), wire.bind('', ''), wire.execute(''), wire.sync];
            assertClear(await client.ask(...parts), sql);
          }
          await alive(client);
        });
      }
      return undefined;
    });

    for (const [name, talk] of Object.entries(talks)) {
      test(`on the wire: ${name}`, async (t) => {
        if (missing) return t.skip();
        tap.clear();
        await talk(stage);
        return undefined;
      });
    }

    test('nothing was changed by all of this but what was allowed', async (t) => {
      if (missing) return t.skip();
      await owner.query('DELETE FROM audit');
      assert.deepEqual(await digest(owner), untouched);
      return undefined;
    });
  });
}

function nameOf({ as = 'analyst', sql }: Denied): string {
  return `${as}: ${sql.replaceAll(/\s+/g, ' ')}`;
}

/** By simple query and by Parse: the same error, not a byte of it behind the gateway, and the session goes on. */
async function refuses(
  stage: Stage,
  { as = 'analyst', sql, code = /^42501$/, mayBeParsed }: Denied,
): Promise<void> {
  await using client = await stage.connect(as);
  stage.tap.clear();
  const simple = await client.ask(wire.query(sql));
  assert.match(codeOf(simple), code);
  assert.ok(!stage.tap.saw(sql), 'its bytes went to the server');
  await client.ask(wire.query('ROLLBACK'));
  await alive(client);
  const extended = await client.ask(wire.parse('', sql), wire.bind('', ''), wire.execute(''), wire.sync);
  assert.notEqual(codeOf(extended), '');
  if (mayBeParsed !== true) assert.ok(!stage.tap.saw(sql), 'its bytes went to the server by Parse');
  await alive(client);
}
