import { limitsIn, memoryHere } from '../server/memory-limits.ts';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Fault } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { realWorld } from '../base/time.ts';
import type { Subject } from '../core/identity.ts';
import type { Resource, ResourceName } from '../core/session.ts';
import { defaultReviewSettings, type ReviewSettings } from '../gate/review-settings.ts';
import { directory, type DirectoryRecord } from '../identity/directory.ts';
import { issueToken } from '../identity/tokens.ts';
import { protocols } from '../protocols/index.ts';
import type { Config } from '../server/config.ts';
import { endStalePostgres, startPostgres, type Contents } from '../server/embedded-postgres.ts';
import { environment, packageFolder } from '../server/environment.ts';
import type { Gateway } from '../server/gateway.ts';
import { passingKeys, tokenTerms, type TokenKeys } from '../server/keys.ts';
import { lockHome } from '../server/lock.ts';
import { untilStopped } from '../server/process.ts';
import { sampleFiles, sampleTables } from '../server/sample-data.ts';
import { serveSampleModel } from '../server/sample-model.ts';
import { serveSampleTools } from '../server/sample-tools.ts';
import { serveSampleWeb } from '../server/sample-web.ts';
import { wire, type Running } from '../server/wire.ts';
import { CouldNotRun, print, say, type Command } from './command.ts';

const defaultBase = 8_420;
/** What listens where, counted from the port base. */
const ports = {
  api: 0,
  postgres: 12,
  server: 13,
  http: 14,
  llm: 15,
  mcp: 16,
  web: 17,
  model: 18,
  tools: 19,
} as const;
const lastPort = 39;

const help = `Usage: sallyport demo [--port-base N] [--ready-file FILE]

Runs a real PostgreSQL with sample data, the gateway in front of it with the sample policy, and five identities
(analyst, dba, support, lead, agent) whose tokens last as long as the demo. Everything listens on 127.0.0.1 only.

  --port-base N      ${defaultBase} when absent:
                       N       API                                     ${defaultBase}
                       N+12    PostgreSQL through the gateway          ${defaultBase + ports.postgres}
                       N+13    the demo's own PostgreSQL server        ${defaultBase + ports.server}
                       N+14    web services through the gateway        ${defaultBase + ports.http}
                       N+15    models through the gateway              ${defaultBase + ports.llm}
                       N+16    MCP servers through the gateway         ${defaultBase + ports.mcp}
                       N+17    the demo's own web service              ${defaultBase + ports.web}
                       N+18    the demo's own model, by a script       ${defaultBase + ports.model}
                       N+19    the demo's own MCP server               ${defaultBase + ports.tools}
                       the others up to N+39 are kept for later protocols
  --ready-file FILE  is written when, and only when, everything answers, and removed at the end: JSON with the address of
                     the API, the folders of policy and data, the identities' tokens, and how to reach each resource

State lies in SALLYPORT_HOME/demo and is used again by the next start. Ctrl-C stops everything.
`;

export const demo: Command = { help, run };

const identities: readonly DirectoryRecord[] = [
  { subject: 'analyst' as Subject, kind: 'human', groups: ['analysts'], attributes: {} },
  { subject: 'dba' as Subject, kind: 'human', groups: ['dba'], attributes: {} },
  { subject: 'support' as Subject, kind: 'human', groups: ['support'], attributes: {} },
  { subject: 'lead' as Subject, kind: 'human', groups: ['leads'], attributes: {} },
  { subject: 'agent' as Subject, kind: 'agent', groups: [], actingFor: 'analyst' as Subject, attributes: {} },
];

const host = '127.0.0.1';
const database = 'shop';
const lastsMs = 3_650 * 86_400_000; // its key ends sooner: with the demo

async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'port-base': { type: 'string', default: String(defaultBase) },
      'ready-file': { type: 'string' },
    },
  });
  const base = Number(values['port-base']);
  if (!Number.isInteger(base) || base < 1_024 || base + lastPort > 65_535) {
    throw new CouldNotRun(`--port-base: Expected a number from 1024 to ${65_535 - lastPort}`);
  }
  const readyFile = values['ready-file'] === undefined ? undefined : resolve(values['ready-file']);
  if (readyFile !== undefined) rmSync(readyFile, { force: true });
  return start({ base, readyFile, home: join(environment().home, 'demo') });
}

interface Options {
  readonly base: number;
  readonly readyFile: string | undefined;
  readonly home: string;
}

async function start({ base, readyFile, home }: Options): Promise<number> {
  const since = performance.now();
  const progress = (line: string): void =>
    say(`${((performance.now() - since) / 1_000).toFixed(1).padStart(5)} s  ${line}`);
  mkdirSync(home, { recursive: true, mode: 0o755 });
  using _lock = lockHome(home);
  const stale = await endStalePostgres(join(home, 'postgres'));
  if (stale !== undefined) progress(`stopped the PostgreSQL of an earlier run (pid ${stale})`);
  await portsFree(base);

  const secrets = demoSecrets(home);
  progress('starting PostgreSQL');
  const server = await startPostgres({
    folder: join(home, 'postgres'),
    port: base + ports.server,
    contents: contents(secrets),
    say: progress,
  });
  progress(`PostgreSQL is up${server.reused ? ', with the data of the last start' : ''}`);
  let running: Running | undefined;
  const services = new AsyncDisposableStack();
  const stopAll = async (why: string): Promise<void> => {
    if (readyFile !== undefined) rmSync(readyFile, { force: true });
    await running?.stop(why);
    await services.disposeAsync();
    await server.stop();
  };
  try {
    services.use(await serveSampleWeb(base + ports.web));
    services.use(await serveSampleModel(base + ports.model));
    services.use(await serveSampleTools(base + ports.tools));
    const keys = passingKeys();
    const config = demoConfig(base, secrets);
    running = await wire({ config, home, protocols, keys });
    const { gateway, log, metrics, certificate, data } = running;
    progress('the gateway is up');
    await untilAnswers(gateway);
    const tokens = await tokensOf(config, keys);
    const ready = { base, api: gateway.api, policy: config.policy, data, tokens, secrets };
    if (readyFile !== undefined) writeReady(readyFile, ready);
    progress('ready');
    print(welcome({ ...ready, ca: certificate.ca ?? '' }));
    const code = await untilStopped({
      log,
      metrics,
      stop: stopAll,
      abandon: () => server.abandon(),
      lost: server.ended.then(() => "the demo's PostgreSQL ended"),
    });
    progress('stopped');
    return code;
  } catch (thrown) {
    await stopAll('could not start').catch(() => server.abandon());
    throw thrown;
  }
}

/** Says which port is taken, what it is for and what to do, before anything is started. */
async function portsFree(base: number): Promise<void> {
  const uses = [
    [ports.api, 'the API'],
    [ports.postgres, 'PostgreSQL through the gateway'],
    [ports.server, "the demo's own PostgreSQL"],
    [ports.http, 'web services through the gateway'],
    [ports.llm, 'models through the gateway'],
    [ports.mcp, 'MCP servers through the gateway'],
    [ports.web, "the demo's own web service"],
    [ports.model, "the demo's own model"],
    [ports.tools, "the demo's own MCP server"],
  ] as const;
  const taken: string[] = [];
  for (const [offset, use] of uses) {
    if (!(await isFree(base + offset))) taken.push(`Port ${base + offset} (${use}) is in use`);
  }
  if (taken.length === 0) return;
  throw new CouldNotRun(
    `${taken.join('; ')}: stop what listens there, or choose other ports with --port-base N (N to N+${lastPort})`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

interface Secrets {
  readonly upstream: Secret;
  readonly gateway: Secret;
  readonly version: string;
}

/** Passwords of the demo's server, made once and kept with its data. */
function demoSecrets(home: string): Secrets {
  const file = join(home, 'passwords');
  if (!existsSync(file)) {
    const made = [randomBytes(18).toString('base64url'), randomBytes(18).toString('base64url')];
    writeFileSync(file, `${made.join('\n')}\n`, { mode: 0o600 });
  }
  const text = readFileSync(file, 'utf8');
  const [upstream, gateway] = text.split('\n');
  if (upstream === undefined || gateway === undefined || gateway === '') {
    throw new CouldNotRun(`${file} is damaged: remove it`);
  }
  const version = createHash('sha256').update(`${text}${sampleTables.join()}2`).digest('hex');
  return { upstream: new Secret(upstream), gateway: new Secret(gateway), version };
}

const superuser = 'upstream';
const lesser = 'sallyport';

/**
 * The gateway's role is no superuser and owns nothing itself; it is a member of the shop's owner, so that it can do what
 * the policy may allow to a dba: write, and define in the schema public.
 */
function contents({ upstream, gateway, version }: Secrets): Contents {
  const password = gateway.reveal('the role is made with it'); // base64url: no quote in it
  return {
    version,
    superuser: { name: superuser, password: upstream },
    files: () => ({ ...sampleFiles() }),
    statements: [
      {
        database: 'postgres',
        sql: [
          'CREATE ROLE shop_owner NOLOGIN',
          `CREATE ROLE ${lesser} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION IN ROLE shop_owner PASSWORD '${password}'`,
          `CREATE DATABASE ${database} OWNER shop_owner`,
          'REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC',
        ],
      },
      {
        database,
        sql: [
          // Its own schema, which is the superuser's: what others asked is nobody's to read through the gateway.
          'CREATE SCHEMA statistics',
          'CREATE EXTENSION pg_stat_statements SCHEMA statistics',
          'ALTER SCHEMA public OWNER TO shop_owner',
          'SET ROLE shop_owner',
          ...tablesAsOwner(),
          'ANALYZE',
        ],
      },
    ],
  };
}

/** COPY from a file is the superuser's; everything else the owner's. */
function tablesAsOwner(): readonly string[] {
  return sampleTables.flatMap((sql) =>
    sql.startsWith('COPY') ? ['RESET ROLE', sql, 'SET ROLE shop_owner'] : [sql],
  );
}

function demoConfig(base: number, { gateway }: Secrets): Config {
  const made = directory(identities);
  if (!made.ok) throw new Fault('bug', 'The identities of the demo do not make a directory');
  return {
    name: 'sallyport-demo',
    listen: {
      api: { host, port: base + ports.api },
      protocols: {
        postgres: { host, port: base + ports.postgres },
        http: { host, port: base + ports.http },
        llm: { host, port: base + ports.llm },
        mcp: { host, port: base + ports.mcp },
      },
    },
    policy: join(packageFolder, 'policy'),
    resources: demoResources(base, gateway),
    directory: made.value,
    limits: limitsIn({ signInFailuresPerMinute: 600 }, memoryHere()),
    reviews: demoReviews(),
    log: { level: 'info' },
    accounts: new Map(),
    sinks: [],
    plainFrom: 'loopback',
  };
}

/** Demo tokens last as long as the demo: nobody can sign in afresh. */
function demoReviews(): ReviewSettings {
  const { signInWithinMs: _, ...rest } = defaultReviewSettings;
  return rest;
}

function demoResources(base: number, password: Secret): readonly Resource[] {
  return [
    resource('shop', 'postgres', {
      address: `${host}:${base + ports.server}`,
      database,
      credentials: { user: lesser, password },
      tls: 'disable',
    }),
    resource('web', 'http', { url: `http://${host}:${base + ports.web}` }),
    resource('model', 'llm', { url: `http://${host}:${base + ports.model}` }),
    resource('tools', 'mcp', {
      url: `http://${host}:${base + ports.tools}/mcp`,
      tools: { get_customer: { access: 'read' }, delete_customer: { access: 'write' } },
    }),
    resource('gateway', 'mcp', { builtin: true }),
  ];
}

function resource(name: string, kind: string, given: object): Resource {
  const settings = protocols.find((each) => each.name === kind)?.settings(given, name);
  if (settings?.ok !== true) {
    const why = settings?.error.map(({ path, message }) => `${path}: ${message}`).join('; ');
    throw new Fault('bug', `The demo's resource has wrong settings: ${why}`);
  }
  return { name: name as ResourceName, kind, tags: ['env/demo'], settings: settings.value };
}

/** @throws {Fault} `unreachable` when the resource does not answer through the gateway's own connection */
async function untilAnswers(gateway: Gateway): Promise<void> {
  for (const [name, about] of Object.entries(await gateway.probe())) {
    if (about.startsWith('does not answer'))
      throw new Fault('unreachable', `The resource "${name}" ${about}`);
  }
  const answer = await fetch(`${gateway.api}/readyz`);
  if (!answer.ok) throw new Fault('config', `The gateway is not ready: ${await answer.text()}`);
}

type Tokens = Readonly<Record<string, Secret>>;

async function tokensOf(config: Config, { key }: TokenKeys): Promise<Tokens> {
  const issued = identities.map(async ({ subject }) => {
    const made = await issueToken({ terms: tokenTerms(config), world: realWorld, key }, subject, lastsMs);
    return [subject, made.token] as const;
  });
  return Object.fromEntries(await Promise.all(issued));
}

interface Ready {
  readonly base: number;
  readonly api: string;
  readonly policy: string;
  readonly data: string;
  readonly tokens: Tokens;
  readonly secrets: Secrets;
}

function writeReady(file: string, ready: Ready): void {
  const { base, api, policy, data, tokens, secrets } = ready;
  const reason = 'the ready file hands it to scripts';
  const document = {
    api,
    policy,
    data,
    identities: Object.fromEntries(
      identities.map(({ subject, groups, actingFor }) => [
        subject,
        { token: tokens[subject]?.reveal(reason), groups, ...(actingFor === undefined ? {} : { actingFor }) },
      ]),
    ),
    resources: {
      shop: {
        kind: 'postgres',
        host,
        port: base + ports.postgres,
        database,
        upstream: {
          host,
          port: base + ports.server,
          user: superuser,
          password: secrets.upstream.reveal(reason),
          database,
        },
      },
      web: { kind: 'http', url: `http://${host}:${base + ports.http}/web` },
      model: { kind: 'llm', url: `http://${host}:${base + ports.llm}/model` },
      tools: { kind: 'mcp', url: `http://${host}:${base + ports.mcp}/tools` },
      gateway: { kind: 'mcp', url: `http://${host}:${base + ports.mcp}/gateway` },
    },
  };
  writeFileSync(`${file}.new`, `${JSON.stringify(document, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file); // whoever waits for it never sees half of it
}

function welcome({ base, api, policy, data, tokens, ca }: Ready & { readonly ca: string }): string {
  const tokenOf = (subject: string): string => tokens[subject]?.reveal('the lines to copy hold it') ?? '';
  const token = tokenOf('analyst');
  const isClone = existsSync(join(packageFolder, 'tools', 'setup.js'));
  const sallyport = isClone ? 'npm run -s sallyport --' : 'sallyport';
  const psql = `PGPASSWORD=${token} psql "host=${host} port=${base + ports.postgres} user=analyst dbname=shop"`;
  return `
Sallyport runs. Copy these lines into another terminal${isClone ? ' in this folder' : ''}:

1. An analyst reads, masked:
${psql} -c "SELECT id, name, email, phone, ssn, card, city FROM customers LIMIT 5"

2. An analyst may not write, and is told why, where and what to do:
${psql} -c "DELETE FROM orders WHERE status = 'cancelled'"

3. The record of both:
SALLYPORT_API=${api} SALLYPORT_TOKEN=${token} ${sallyport} sessions show last --count 2

4. A dba deletes rows that are not named by their key: it waits, and another person must look first (Ctrl-C withdraws it):
PGPASSWORD=${tokenOf('dba')} psql "host=${host} port=${base + ports.postgres} user=dba dbname=shop" -c "DELETE FROM orders WHERE status = 'cancelled'"

5. Meanwhile, in another terminal, a lead looks at it and lets it run once (ID as the listing shows it):
export SALLYPORT_API=${api} SALLYPORT_TOKEN=${tokenOf('lead')}
${sallyport} reviews list --state waiting
${sallyport} reviews show ID
${sallyport} reviews approve ID

6. A web service, a model and an MCP server answer through the same door:
curl -sw '\\n' -H "Authorization: Bearer ${token}" http://${host}:${base + ports.http}/web/customers/7
curl -sw '\\n' -H "Authorization: Bearer ${token}" http://${host}:${base + ports.llm}/model/v1/chat/completions \\
  -d '{"model":"demo-1","messages":[{"role":"user","content":"Who is customer 7?"}]}'
curl -sw '\\n' -H "Authorization: Bearer ${token}" -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\
  http://${host}:${base + ports.mcp}/tools -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_customer","arguments":{"id":7}}}'

7. An agent with nothing but MCP reaches all of it through the gateway's own tools:
claude mcp add --transport http sallyport http://${host}:${base + ports.mcp}/gateway --header "Authorization: Bearer ${tokenOf('agent')}"

The policy lies in ${policy}: change it, and the next statement is judged by it.
Ledger and recordings lie in ${data}; the CA for TLS is ${ca}.
Ctrl-C stops everything.
`;
}
