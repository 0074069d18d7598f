import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Secret } from '../base/secret.ts';
import { realWorld } from '../base/time.ts';
import { dialTcp } from '../carriers/tcp.ts';
import { defaultLimits } from '../core/limits.ts';
import { scan } from '../mask/index.ts';
import { problemLine } from '../policy/problem.ts';
import { review } from '../policy/review.ts';
import { connectUpstream, type UpstreamLink } from '../protocols/postgres/connect.ts';
import * as encode from '../protocols/postgres/encode.ts';
import { simpleQuery } from '../protocols/postgres/query.ts';
import { type PostgresSettings, settings } from '../protocols/postgres/settings.ts';
import { propose, type SeenColumn, starterFiles } from '../server/starter.ts';
import { CouldNotRun, print, safe, type Command } from './command.ts';
import { policyKinds } from './kinds.ts';

const help = `Usage: sallyport init --url postgres://USER@HOST:PORT/DATABASE [DIR] [--resource NAME] [--owner TEAM] [--no-samples]

Begins a policy for a database: reads which tables and columns there are, proposes tags by their names and comments and by what
detectors find in up to 200 rows of each table, and writes a policy with tests into DIR (default: policy), which must not
have files yet. What is personal or secret is masked at once; rules that deny or hold are in shadow, and change nothing
until you say so. Samples are looked at in this process and are written nowhere.

--url        where the database is; the password comes from PGPASSWORD, or stands in the URL. TLS as ?sslmode= says
             (disable, require, verify-ca, verify-full; default: disable for loopback, verify-full otherwise)
--resource   what it is called in rules and in sallyport.yaml; default: the database's name
--owner      who answers for the rules; default: team:platform
Exit code: 0 written, and sallyport check finds nothing; 1 written with findings; 2 could not run.
`;

export const init: Command = { help, run };

const rowsLooked = 200;

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      resource: { type: 'string' },
      owner: { type: 'string', default: 'team:platform' },
      'no-samples': { type: 'boolean', default: false },
    },
  });
  const [directory = 'policy', ...others] = positionals;
  if (values.url === undefined || others.length > 0) {
    throw new CouldNotRun('Expected --url and at most one folder; see --help');
  }
  if (!/^[\w:@./-]+$/.test(values.owner)) throw new CouldNotRun('--owner: Expected a name such as team:data');
  const { given, database } = settingsOf(values.url);
  const resource = values.resource ?? database;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(resource)) {
    throw new CouldNotRun('--resource: Expected a name of letters, digits, dots and dashes');
  }
  if (resource === 'sallyport')
    throw new CouldNotRun('--resource: "sallyport" names the gateway itself in rules; say another name');
  isEmpty(directory);
  const columns = await look(given, !values['no-samples']);
  const { tags, loose } = propose(columns, (text, column) => scan(text, { column }));
  const files = starterFiles({ resource, tags, loose, owner: values.owner });
  for (const [path, text] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text, { flag: 'wx' });
  }
  const { problems } = review(files, policyKinds, realWorld.now());
  const tables = new Set(columns.map(({ table }) => table)).size;
  print(
    safe(
      [
        `${tables} tables, ${columns.length} columns; ${tags.length} tags proposed:`,
        ...tags.map(({ table, column, tag, why }) => `  ${table}.${column}  ${tag}  (${why})`),
        ...loose.map(
          ({ table, column, types }) => `  ${table}.${column}  free text with ${types.join(', ')}`,
        ),
        '',
        `Written: ${[...files.keys()].map((path) => join(directory, path)).join(', ')}`,
        ...problems.map((each) => `  ${problemLine(each)}`),
        '',
        'Next:',
        `  1. Look at ${join(directory, 'schema.yaml')}: is each tag right, is a column missing?`,
        `  2. sallyport check ${directory}     after each change; sallyport test ${directory} runs its tests`,
        `  3. Put { name: ${resource}, kind: postgres, … } and policy: ${isAbsolute(directory) ? directory : `./${directory}`} into sallyport.yaml; sallyport up`,
        '  4. After a few days, sallyport sessions list and sallyport explain show what the rules in shadow would have done;',
        '     delete enforce: shadow where that is right',
        `  5. sallyport scan db/migrations --policy ${directory} in CI`,
      ].join('\n'),
    ),
  );
  return problems.length === 0 ? 0 : 1;
}

function isEmpty(directory: string): void {
  let names: readonly string[];
  try {
    names = readdirSync(directory);
  } catch {
    return; // not there yet
  }
  if (names.length > 0) throw new CouldNotRun(`${directory} has files already; name another folder`);
}

function settingsOf(url: string): { readonly given: PostgresSettings; readonly database: string } {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new CouldNotRun('--url: Expected postgres://USER@HOST:PORT/DATABASE');
  }
  if (!/^postgres(?:ql)?:$/.test(parsed.protocol) || parsed.hostname === '') {
    throw new CouldNotRun('--url: Expected postgres://USER@HOST:PORT/DATABASE');
  }
  const user = decodeURIComponent(parsed.username);
  const database = decodeURIComponent(parsed.pathname.slice(1)) || user;
  const password = decodeURIComponent(parsed.password) || process.env['PGPASSWORD'];
  const isLocal = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(parsed.hostname);
  const read = settings(
    {
      address: `${parsed.hostname}:${parsed.port === '' ? '5432' : parsed.port}`,
      database,
      credentials: {
        user,
        ...(password === undefined || password === '' ? {} : { password: new Secret(password) }),
      },
      tls: parsed.searchParams.get('sslmode') ?? (isLocal ? 'disable' : 'verify-full'),
    },
    'url',
  );
  if (!read.ok)
    throw new CouldNotRun(read.error.map(({ path, message }) => `${path}: ${message}`).join('; '));
  return { given: read.value, database };
}

const columnsQuery = `SELECT n.nspname, c.relname, c.relkind::text, a.attname, pg_catalog.format_type(a.atttypid, NULL),
  pg_catalog.has_table_privilege(c.oid, 'SELECT')::text, pg_catalog.col_description(c.oid, a.attnum)
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
  ORDER BY 1, 2, a.attnum`;

/** Reads structure and samples in one transaction that cannot change anything. */
async function look(given: PostgresSettings, samples: boolean): Promise<readonly SeenColumn[]> {
  const link = await connectUpstream({
    settings: given,
    database: given.database,
    parameters: new Map([['application_name', 'sallyport init']]),
    dial: (address, signal) => dialTcp(address, signal, defaultLimits.connectSeconds * 1_000),
    limits: defaultLimits,
    world: realWorld,
    signal: AbortSignal.timeout(120_000),
  });
  try {
    await simpleQuery(link, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await simpleQuery(link, "SET LOCAL statement_timeout = '10s'");
    const rows = await simpleQuery(link, columnsQuery);
    const tables = Map.groupBy(rows, ([schema, table]) => `${schema ?? ''}\0${table ?? ''}`);
    const seen: SeenColumn[] = [];
    for (const columns of tables.values()) seen.push(...(await lookAt(link, columns, samples)));
    return seen;
  } finally {
    void link.wire.write(encode.terminate)?.catch(() => undefined);
    link.wire.end();
  }
}

type Row = readonly (string | null)[];

async function lookAt(
  link: UpstreamLink,
  columns: readonly Row[],
  samples: boolean,
): Promise<readonly SeenColumn[]> {
  const [schema = '', table = '', kind, , , readable] = columns[0] ?? [];
  const names = columns.map(([, , , name]) => name ?? '');
  // Reading a view or a foreign table runs what somebody else has written.
  const looked = samples && readable === 'true' && (kind === 'r' || kind === 'p' || kind === 'm');
  const list = names.map((name) => `${quoted(name)}::pg_catalog.text`).join(', ');
  let values: readonly Row[] = [];
  if (looked) {
    await simpleQuery(link, 'SAVEPOINT s');
    try {
      values = await simpleQuery(
        link,
        `SELECT ${list} FROM ${kind === 'p' ? '' : 'ONLY '}${quoted(schema ?? '')}.${quoted(table ?? '')} LIMIT ${rowsLooked}`,
      );
    } catch {
      await simpleQuery(link, 'ROLLBACK TO SAVEPOINT s'); // row security, a time that ran out: the names must do
    }
  }
  return columns.map(([, , , name, type, , comment], at) => ({
    table: `${named(schema ?? '')}.${named(table ?? '')}`,
    column: named(name ?? ''),
    type: type ?? '',
    ...(comment === null || comment === undefined ? {} : { comment }),
    samples: values.flatMap((row) => {
      const value = row[at];
      return value === null || value === undefined ? [] : [value.slice(0, 2_000)];
    }),
  }));
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** As policies name it: quoted only where it needs it. */
function named(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoted(name);
}
