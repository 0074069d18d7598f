/**
 * PostgreSQL, protocol 3.0 and 3.2, servers 13 to 18 (PostgreSQL 18 docs, chapters 54 and 55).
 *
 * Understood: TLS (SSLRequest and direct), simple and extended query, pipelines, portals, prepared statements and cursors
 * (one name space for wire and SQL), COPY in and out, notices, notifications, cancel.
 * Refused: replication, FunctionCall, GSSENC, startup options that change parsing, encodings other than UTF8,
 * standard_conforming_strings off, unknown messages, statements that are not understood.
 * Masked: rows in text and binary, COPY, errors, notices, notifications. Docs: docs/protocols/postgres.md.
 */
import { maskKey } from '../../mask/index.ts';
import type { Action } from '../../core/action.ts';
import type { ColumnSeen, House, Protocol, Room } from '../../core/protocol.ts';
import type { Resource } from '../../core/session.ts';
import type { Scope } from '../../sql/analysis.ts';
import type { Parsed } from '../../sql/parse.ts';
import { attributes, verbs } from '../../sql/verbs.ts';
import { Cancels } from './cancel.ts';
import { connectUpstream } from './connect.ts';
import { type Database, openDatabase, viewParser } from './database.ts';
import * as encode from './encode.ts';
import { runErrand } from './errand.ts';
import type { OwnConnection } from './keeper.ts';
import { simpleQuery } from './query.ts';
import { databaseTags } from './plan.ts';
import { postgresReplay } from './replay.ts';
import { say } from './say.ts';
import { serve } from './session.ts';
import { type PostgresSettings, settings } from './settings.ts';

export const postgres: Protocol = {
  name: 'postgres',
  port: 5432,
  verbs,
  attributes,
  settings,
  start,
  reads: true,
  replay: postgresReplay,
};

const parserModule = new URL(`../../sql/parse-worker${import.meta.url.slice(-3)}`, import.meta.url);

function start(house: House): Room {
  const worker = house.worker(parserModule);
  const stop = new AbortController();
  const parse = async (text: string): Promise<Parsed> =>
    (await worker.call('parse', { text, limits: house.limits }, house.limits.parseMs)) as Parsed; // our own module's answer
  const databases = new Map<string, Database>();
  const database = (resource: string, name: string, given: PostgresSettings): Database => {
    const key = `${resource}/${name}`;
    const known = databases.get(key);
    if (known !== undefined) return known;
    const connect = (): Promise<OwnConnection> => connectOwn(house, given, name, stop.signal);
    const opened = openDatabase({ house, resource, connect, parse });
    databases.set(key, opened);
    return opened;
  };
  const session = {
    house,
    cancels: new Cancels(house.world),
    maskKey: maskKey(Buffer.from(house.maskKey.reveal('mask key'), 'hex')),
    database,
    parseView: viewParser(parse),
  };
  const databaseOf = (resource: Resource): Database => {
    const given = settingsOf(resource);
    return database(resource.name, given.database, given);
  };
  return {
    serve: (seat) => serve(session, seat),
    probe: (resource, signal) => probe(house, resource, databaseOf(resource), signal),
    actions: (resource, text) => actionsOf(databaseOf(resource), text),
    seen: async () => (await Promise.all([...databases].map(seenIn))).flat(),
    errand: runErrand,
    say,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all([...databases.values()].map((each) => each[Symbol.asyncDispose]()));
      await worker[Symbol.asyncDispose]();
    },
  };
}

/** What detectors found in one database, but for columns that it gives a tag itself. */
async function seenIn([key, { keeper, watches }]: readonly [string, Database]): Promise<
  readonly ColumnSeen[]
> {
  const seen = watches.seen(key.split('/')[0] ?? '');
  if (seen.length === 0) return seen;
  const catalogue = await keeper.current();
  return seen.filter((column) => databaseTags(catalogue, column).length === 0);
}

function settingsOf(resource: Resource): PostgresSettings {
  return resource.settings as PostgresSettings; // checked by settings.ts when the configuration was read
}

/** A connection of the gateway's own. */
async function connectOwn(
  house: House,
  given: PostgresSettings,
  database: string,
  signal: AbortSignal,
): Promise<OwnConnection> {
  const parameters = new Map([['application_name', 'sallyport']]);
  const { dial, limits, world } = house;
  const link = await connectUpstream({ settings: given, database, parameters, dial, limits, world, signal });
  return {
    query: (sql) => simpleQuery(link, sql),
    close: () => {
      void link.wire.write(encode.terminate)?.catch(() => undefined);
      link.wire.end();
    },
  };
}

/** Asks the server who it is, and readies what the first session would wait for: the catalogue and the parser. */
async function probe(
  house: House,
  resource: Resource,
  { keeper, understanding }: Database,
  signal: AbortSignal,
): Promise<string> {
  const connection = await connectOwn(house, settingsOf(resource), settingsOf(resource).database, signal);
  const [row] = await connection.query('SHOW server_version');
  connection.close();
  await understanding.read('SELECT 1', await keeper.current(), newSession);
  return `PostgreSQL ${row?.[0] ?? '(version unknown)'}`;
}

const newSession: Scope = { searchPath: ['pg_catalog', 'public'] };

/** What a text would ask of the gate, with the search path of a new session. Nothing is executed. */
async function actionsOf({ keeper, understanding }: Database, text: string): Promise<readonly Action[]> {
  const catalogue = await keeper.current();
  const reading = await understanding.read(text, catalogue, newSession);
  return reading.kind === 'understood'
    ? reading.analysis.statements.map(({ action }) => action)
    : [reading.action];
}
