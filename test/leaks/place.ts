import { join } from 'node:path';
import { Client } from 'pg';
import type { Login } from '../e2e/clients/place.ts';
import { rawClient } from '../e2e/clients/raw-comparison.ts';
import { type IdentityName, startUp } from '../e2e/harness/gateway.ts';
import type { RawClient } from '../e2e/harness/raw.ts';
import { type Major, startPostgres } from '../e2e/harness/postgres.ts';
import { statements } from './database.ts';

/** A server with secrets, and the gateway before it: `shop` has tags, `plain` is the same database without. */
export interface Place extends AsyncDisposable {
  readonly version: Major;
  readonly home: string;
  readonly direct: () => Promise<RawClient>;
  readonly through: (as: IdentityName, resource: 'shop' | 'plain') => Promise<RawClient>;
  /** The superuser's own connection. */
  readonly owner: Client;
  readonly log: () => string;
}

export async function openPlace(version: Major): Promise<Place> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(
    await startPostgres({
      version,
      auth: 'scram-sha-256',
      settings: { autovacuum: 'off', log_min_messages: 'fatal' },
    }),
  );
  const owner = await server.connect();
  for (const sql of statements) await owner.query(sql);
  const login: Login = {
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    database: 'postgres',
  };
  const up = opening.use(
    await startUp({
      ...login,
      policy: join(import.meta.dirname, 'policy'),
      more: `  - name: plain
    kind: postgres
    address: 127.0.0.1:${server.port}
    database: postgres
    credentials: { user: ${server.user}, password: ${server.password} }`,
    }),
  );
  const tokens = new Map<IdentityName, string>();
  const rest = opening.move();
  return {
    version,
    home: up.home,
    owner,
    log: up.log,
    direct: () => rawClient(login),
    through: async (as, resource) => {
      const token = tokens.get(as) ?? (await up.token(as));
      tokens.set(as, token);
      return rawClient({ host: '127.0.0.1', port: up.port, user: as, password: token, database: resource });
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}
