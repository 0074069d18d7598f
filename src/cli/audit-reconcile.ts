import { createReadStream, realpathSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { messageOf } from '../base/errors.ts';
import { protocols } from '../protocols/index.ts';
import * as catalogue from '../protocols/postgres/catalogue-queries.ts';
import type { PostgresSettings } from '../protocols/postgres/settings.ts';
import { readConfig } from '../server/config.ts';
import type { AuditIo } from './audit-folder.ts';
import { safe, unusable } from './command.ts';
import { dataFolder } from './data-folder.ts';
import { formatOf, loggedIn, logFormats, type LogFormat } from './reconcile-logs.ts';
import { recordedIn } from './reconcile-record.ts';
import { reduced } from './reconcile-texts.ts';

/** Calls of one statement by one role that the gateway did not write down. */
export interface Past {
  readonly source: string; // pg_stat_statements, or the log's files
  readonly role: string;
  readonly database: string;
  readonly applications: readonly string[];
  readonly statement: string; // without values
  readonly counted: number;
  readonly recorded: number;
  readonly past: number;
  readonly first?: string;
  readonly last?: string;
}

export interface Reconciled {
  readonly resource: string;
  readonly from: string;
  readonly to: string;
  readonly gatewayRole: string;
  readonly recorded: number;
  readonly counted: number;
  /** Of these, the gateway's own: its catalogue and its errands. */
  readonly own: number;
  readonly past: readonly Past[];
  /** Why nothing can be concluded from silence; empty where it can. */
  readonly inconclusive: readonly string[];
  readonly notes: readonly string[];
}

interface Counted {
  readonly source: string;
  readonly role: string | undefined;
  readonly database: string;
  readonly text: string;
  calls: number;
  first?: number;
  last?: number;
  readonly applications: Set<string>;
  readonly files?: Set<string>; // of a log
}

const application = 'sallyport reconcile';

/** `sallyport audit reconcile`. Gives 1 where calls went past the gateway, or where that cannot be told. */
export async function reconcile(args: readonly string[], io: AuditIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      resource: { type: 'string' },
      data: { type: 'string' },
      config: { type: 'string' },
      url: { type: 'string' },
      role: { type: 'string' },
      log: { type: 'string', multiple: true },
      'log-format': { type: 'string' },
      'log-prefix': { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const { resource } = values;
  if (resource === undefined) throw new Error('Say which resource: --resource NAME');
  const format = logFormats.find((each) => each === values['log-format']);
  if (values['log-format'] !== undefined && format === undefined)
    throw new Error(`--log-format is ${logFormats.join(', ')}`);
  const logs = values.log ?? [];
  const configured = values.config === undefined ? undefined : configuredOf(values.config, resource);
  const data = dataFolder(values.data);
  const inconclusive: string[] = [];
  const notes: string[] = [];
  const counted: Counted[] = [];
  const gatewayRole = values.role ?? configured?.user;
  if (gatewayRole === undefined)
    throw new Error('Say as which role the gateway signs in: --config FILE, or --role NAME');
  let from = 0;
  if (values.url !== undefined || configured !== undefined) {
    const client = clientOf(values.url, configured);
    await client.connect().catch((thrown: unknown) => {
      throw new Error(`The server of ${resource} cannot be asked: ${messageOf(thrown)}`);
    });
    try {
      from = await statistics(client, counted, inconclusive);
    } finally {
      await client.end();
    }
  } else if (logs.length === 0) {
    throw new Error(
      'Say what to compare with: --config FILE or --url postgres://…, and --log FILE where there are logs',
    );
  }
  const now = Date.now();
  const { texts, total, unreadable, begins, uncovered } = await recordedIn(data, resource, from);
  if (uncovered > 0)
    inconclusive.push(
      `${uncovered} entries are written and under no signed head: run this again when the gateway has signed one`,
    );
  if (unreadable > 0)
    inconclusive.push(
      `${unreadable} statements of the record were erased or cut: theirs cannot be told from others`,
    );
  if (begins !== undefined && from > 0 && begins > from)
    notes.push('The record begins later than the statistics: what was before it counts as past the gateway');
  const past = [...compared(counted, texts, gatewayRole)];
  const inLogs = await countedInLogs(logs, { format, prefix: values['log-prefix'] });
  past.push(...compared(inLogs, texts, gatewayRole));
  const own = counted
    .filter(({ role, text }) => role === gatewayRole && isOwn(text, texts))
    .reduce((sum, { calls }) => sum + calls, 0);
  const report: Reconciled = {
    resource,
    from: new Date(from).toISOString(),
    to: new Date(now).toISOString(),
    gatewayRole,
    recorded: total,
    counted: counted.reduce((sum, { calls }) => sum + calls, 0),
    own,
    past: past.sort((a, b) => b.past - a.past),
    inconclusive,
    notes,
  };
  io.out(values.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : told(report));
  return report.past.length > 0 || inconclusive.length > 0 ? 1 : 0;
}

function configuredOf(file: string, name: string): PostgresSettings {
  const config = readConfig(file, { protocols });
  if (!config.ok) throw unusable(config.error);
  const resource = config.value.resources.find((each) => each.name === name);
  if (resource === undefined) throw new Error(`${file} has no resource ${name}`);
  if (resource.kind !== 'postgres')
    throw new Error('Only resources of the kind postgres count what they are asked');
  return resource.settings as PostgresSettings; // what the room's own check gave
}

/** SECURITY: a password comes from PGPASSWORD or the configuration, not from the command line, which others can read. */
function clientOf(url: string | undefined, configured: PostgresSettings | undefined): Client {
  const base = { application_name: application, connectionTimeoutMillis: 10_000, query_timeout: 60_000 };
  if (url !== undefined) {
    if (!URL.canParse(url) || new URL(url).password !== '')
      throw new Error('--url is postgres://user@host:port/database; its password comes from PGPASSWORD');
    return new Client({ ...base, connectionString: url });
  }
  if (configured === undefined) throw new Error('Nothing says how to reach the server');
  const at = configured.address.lastIndexOf(':');
  return new Client({
    ...base,
    host: configured.address.slice(0, at).replaceAll(/^\[|\]$/g, ''),
    port: Number(configured.address.slice(at + 1)),
    database: configured.database,
    user: configured.user,
    ...(configured.password === undefined
      ? {}
      : { password: configured.password.reveal('asking a server what it counted') }),
    ssl:
      configured.tls === 'disable'
        ? false
        : {
            rejectUnauthorized: configured.tls !== 'require',
            servername: configured.serverName,
            ...(configured.ca === undefined ? {} : { ca: configured.ca }),
          },
  });
}

const asked = {
  extension:
    "SELECT pg_catalog.quote_ident(n.nspname) AS schema FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'",
  info: (schema: string) =>
    `SELECT dealloc, extract(epoch FROM stats_reset) * 1000 AS reset FROM ${schema}.pg_stat_statements_info`,
  rights:
    "SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS all",
  calls: (schema: string) =>
    `SELECT r.rolname AS role, d.datname AS database, s.query AS text, s.calls AS calls FROM ${schema}.pg_stat_statements s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.userid LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid WHERE d.datname = current_database()`,
  auditor: 'SELECT current_user AS role',
  connected:
    "SELECT usename AS role, application_name AS application FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND application_name <> ''",
};

/** Takes what the server counted in this database; gives since when. */
async function statistics(client: Client, counted: Counted[], inconclusive: string[]): Promise<number> {
  const [extension] = (await client.query<{ schema: string }>(asked.extension)).rows;
  if (extension === undefined) {
    inconclusive.push(
      'The extension pg_stat_statements is not there, so the server counts nothing: give its log with --log',
    );
    return 0;
  }
  const { schema } = extension;
  const [info] = (await client.query<{ dealloc: string; reset: string }>(asked.info(schema))).rows;
  if (Number(info?.dealloc) > 0)
    inconclusive.push(
      `The server forgot statements ${info?.dealloc} times (pg_stat_statements.max): its counts are too low`,
    );
  const [rights] = (await client.query<{ all: boolean }>(asked.rights)).rows;
  if (rights?.all !== true)
    inconclusive.push('This role may not see the statements of others: grant it pg_read_all_stats');
  const connected = (await client.query<{ role: string; application: string }>(asked.connected)).rows;
  const { rows } = await client.query<{
    role: string | null;
    database: string;
    text: string | null;
    calls: string;
  }>(asked.calls(schema));
  const [auditor] = (await client.query<{ role: string }>(asked.auditor)).rows;
  const questions = new Set(
    [
      asked.extension,
      asked.rights,
      asked.connected,
      asked.auditor,
      asked.info(schema),
      asked.calls(schema),
    ].map(reduced),
  );
  for (const { role, database, text, calls } of rows) {
    const shown = reduced(text ?? '');
    if (role === auditor?.role && questions.has(shown)) continue; // what this command asked, now or before
    counted.push({
      source: 'pg_stat_statements',
      role: role ?? undefined,
      database,
      text: shown,
      calls: Number(calls),
      applications: new Set(connected.filter((each) => each.role === role).map((each) => each.application)),
    });
  }
  return Number(info?.reset ?? 0);
}

const ownTexts: ReadonlySet<string> = new Set(
  [
    ...Object.values(catalogue).filter((each) => typeof each === 'string'),
    catalogue.viewOf(0),
    asked.extension,
    asked.rights,
    asked.connected,
    ...['public', 'x'].flatMap((schema) => [asked.info(schema), asked.calls(schema)]),
    'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
    "SET LOCAL search_path = ''",
    "SET LOCAL lock_timeout = '2s'",
    'BEGIN READ ONLY',
    'ROLLBACK',
    'COMMIT',
    'SELECT pg_catalog.unnest(pg_catalog.current_schemas(true))',
    'SAVEPOINT view',
    'RELEASE view',
    'ROLLBACK TO view',
    'SHOW server_version',
    'SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true))',
    'SELECT name, statement FROM pg_catalog.pg_prepared_statements',
    'SELECT name, statement FROM pg_catalog.pg_cursors',
  ].map(reduced),
);

/** What the gateway's own connection and its errands ask. An estimate is one of a statement that was recorded. */
function isOwn(text: string, texts: ReadonlyMap<string, number>): boolean {
  if (ownTexts.has(text)) return true;
  const estimate = /^explain\(format json\)(.*)$/.exec(text)?.[1];
  return estimate !== undefined && texts.has(estimate.trim());
}

function* compared(
  counted: readonly Counted[],
  texts: ReadonlyMap<string, number>,
  gatewayRole: string,
): Generator<Past> {
  const groups = Map.groupBy(counted, ({ source, role, database, text }) =>
    JSON.stringify([source, role, database, text]),
  );
  for (const rows of groups.values()) {
    const [one] = rows;
    if (one === undefined) continue;
    const calls = rows.reduce((sum, row) => sum + row.calls, 0);
    const unknownRole = one.role === undefined && one.source !== 'pg_stat_statements';
    const isGateways = one.role === gatewayRole || unknownRole;
    if (isGateways && isOwn(one.text, texts)) continue;
    if (!isGateways && isReconciling(one)) continue;
    const recorded = isGateways ? (texts.get(one.text) ?? 0) : 0;
    if (calls <= recorded) continue;
    const [first, last] = [
      Math.min(...rows.map((row) => row.first ?? Infinity)),
      Math.max(...rows.map((row) => row.last ?? -Infinity)),
    ];
    yield {
      source: [...(one.files ?? [one.source])].join(', '),
      role: one.role ?? 'unknown',
      database: one.database,
      applications: [...new Set(rows.flatMap((row) => [...row.applications]))].sort(),
      statement: one.text,
      counted: calls,
      recorded,
      past: calls - recorded,
      ...(Number.isFinite(first)
        ? { first: new Date(first).toISOString(), last: new Date(last).toISOString() }
        : {}),
    };
  }
}

const reconcilingTexts: ReadonlySet<string> = new Set(
  [asked.extension, asked.rights, asked.connected, asked.info('public'), asked.calls('public')].map(reduced),
);

/** What this command itself asks, as whichever role. */
function isReconciling({ text }: Counted): boolean {
  return reconcilingTexts.has(text);
}

/**
 * What the logs say, each statement once for each format: a log that was rotated is one log in several files, and only its
 * sum can be compared with the record.
 */
async function countedInLogs(
  files: readonly string[],
  how: { readonly format: LogFormat | undefined; readonly prefix: string | undefined },
): Promise<readonly Counted[]> {
  const counted = new Map<string, Counted>();
  const logs = new Map<LogFormat, string[]>();
  for (const file of new Set(files.map((each) => realpathSync(each)))) {
    const format = how.format ?? formatOf(file, await firstOf(file));
    logs.set(format, [...(logs.get(format) ?? []), file]);
    const options = how.prefix === undefined ? { format } : { format, prefix: how.prefix };
    for await (const logged of loggedIn(file, options)) {
      const { at, user, database = '', application: name } = logged;
      const text = reduced(logged.text);
      const key = JSON.stringify([format, user, database, text]);
      const row: Counted = counted.get(key) ?? {
        source: format,
        role: user,
        database,
        text,
        calls: 0,
        applications: new Set<string>(),
        files: new Set<string>(),
      };
      row.calls += 1;
      if (at !== undefined) {
        row.first = Math.min(row.first ?? at, at);
        row.last = Math.max(row.last ?? at, at);
      }
      row.files?.add(file);
      if (name !== undefined) row.applications.add(name);
      counted.set(key, row);
    }
  }
  const all = [...counted.values()];
  for (const [format, without] of logs)
    if (!all.some(({ source }) => source === format))
      throw new Error(
        `${without.join(', ')} has no statements: the server writes them with log_statement = all; see --log-format and --log-prefix`,
      );
  return all;
}

async function firstOf(file: string): Promise<string> {
  const [first = ''] = await createReadStream(file, { encoding: 'utf8', end: 1_000 }).toArray();
  return String(first);
}

function told(report: Reconciled): string {
  const { past, inconclusive } = report;
  const calls = past.reduce((sum, each) => sum + each.past, 0);
  const lines = [
    past.length === 0
      ? inconclusive.length === 0
        ? 'Nothing went past the gateway.'
        : 'Nothing was found past the gateway, but that cannot be relied on.'
      : `${calls} calls went past the gateway.`,
    '',
    `resource   ${report.resource}, where the gateway signs in as ${report.gatewayRole}`,
    `since      ${report.from}`,
    `recorded   ${report.recorded} statements that were let through`,
    `counted    ${report.counted} calls, of them ${report.own} the gateway's own`,
    ...inconclusive.map((why) => `but        ${why}`),
    ...report.notes.map((note) => `note       ${note}`),
    ...past.flatMap((each) => [
      '',
      `${each.past} calls by ${each.role} in ${each.database}${each.applications.length === 0 ? '' : ` (${each.applications.join(', ')})`}, by ${each.source}: ${each.counted} counted, ${each.recorded} recorded`,
      ...(each.first === undefined ? [] : [`  ${each.first} to ${each.last}`]),
      `  ${each.statement.slice(0, 300)}`,
    ]),
  ];
  return safe(`${lines.join('\n')}\n`);
}
