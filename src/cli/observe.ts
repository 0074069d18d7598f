import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { realWorld } from '../base/time.ts';
import type { Identity } from '../core/identity.ts';
import { issueToken } from '../identity/tokens.ts';
import { protocols } from '../protocols/index.ts';
import { type Finding, reaches, type Verdict, verdicts } from '../scan/finding.ts';
import type { ScanReport } from '../scan/scan.ts';
import type { Config } from '../server/config.ts';
import type { Gateway } from '../server/gateway.ts';
import { passingKeys, tokenTerms } from '../server/keys.ts';
import { type Observer, observer } from '../server/observing.ts';
import { wire } from '../server/wire.ts';
import { CouldNotRun, say, type Command } from './command.ts';
import { formats, isFormat } from './scan-formats.ts';
import { levelOf } from './scan.ts';
import { configOf } from './up.ts';

const help = `Usage: sallyport observe [--config sallyport.yaml] [--as SUBJECT] [--on RESOURCE] [--tls]
                         [--fail-on denied|held|warned|masked|none] [--format text|json|sarif|junit|github] -- COMMAND [ARG]…

Runs COMMAND (the tests of an application, in staging) with a gateway that asks the policy about everything and enforces
nothing, then reports by rule and by run (application_name) what would have been refused, held, warned of or masked.
COMMAND finds the gateway by PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE and DATABASE_URL, and every
other database of the configuration by DATABASE_URL_NAME; what it prints goes to standard error. The gateway listens
on free ports of 127.0.0.1, keeps nothing, and lets everything pass that the database lets pass: it does not start for
a resource that is tagged env/prod.

--as SUBJECT   an identity of the configuration; default: its first
--on RESOURCE  a resource of the configuration of kind postgres; default: the first
--tls          COMMAND is told to use TLS and to check the gateway's certificate (PGSSLMODE, PGSSLROOTCERT, NODE_EXTRA_CA_CERTS)
--fail-on WHAT what makes it fail, and graver ones; default: held. --level says the same with the words of \`scan\`
Exit code: 0 nothing at that level, 1 findings, or COMMAND failed or was ended by a signal; 2 could not run.
`;

export const observe: Command = { help, run };

async function run(args: readonly string[]): Promise<number> {
  const split = args.indexOf('--');
  const command = split < 0 ? [] : args.slice(split + 1);
  const { values } = parseArgs({
    args: split < 0 ? [...args] : args.slice(0, split),
    options: {
      config: { type: 'string', default: 'sallyport.yaml' },
      as: { type: 'string' },
      on: { type: 'string' },
      level: { type: 'string' },
      'fail-on': { type: 'string' },
      tls: { type: 'boolean', default: false },
      format: { type: 'string', default: 'text' },
    },
  });
  const { format } = values;
  const [program, ...given] = command;
  if (program === undefined) throw new CouldNotRun('Expected -- COMMAND; see --help');
  if (!isFormat(format)) throw new CouldNotRun(`No format ${format}; see --help`);
  const level = failOn(values['fail-on'], values.level);
  const config = observed(configOf(values.config, protocols));
  const resource = config.resources.find(
    ({ name, kind }) => kind === 'postgres' && (values.on ?? name) === name,
  );
  if (resource === undefined) throw new CouldNotRun('--on: There is no such resource of kind postgres');
  const subject = values.as ?? config.directory.subjects[0];
  const known = subject === undefined ? undefined : config.directory.find(subject);
  if (known === undefined) throw new CouldNotRun('--as: There is no such identity in the configuration');

  const home = mkdtempSync(join(tmpdir(), 'sallyport-observe-'));
  const watching = observer();
  const keys = passingKeys();
  try {
    const running = await wire({ config, home, protocols, keys, watch: watching.watch });
    say('sallyport observe: nothing is enforced by this gateway');
    let ended: Ended;
    try {
      const { token } = await issueToken(
        { terms: tokenTerms(config), world: realWorld, key: keys.key },
        known.subject,
        dayMs,
      );
      const password = token.reveal('the command signs in with it');
      ended = await runs(
        program,
        given,
        environmentOf(running.gateway, {
          user: known.subject,
          password,
          database: resource.name,
          others: config.resources.filter(({ kind }) => kind === 'postgres').map(({ name }) => name),
          ...(values.tls ? { authority: join(home, 'tls', 'ca.pem') } : {}),
        }),
      );
    } finally {
      await running.stop('the command ended');
    }
    const report = reportOf(config, watching);
    process.stdout.write(formats[format]({ report, level: level ?? 'refused' }));
    if (ended !== 0) {
      say(
        typeof ended === 'number' ? `The command ended with ${ended}` : `The command was ended by ${ended}`,
      );
    }
    const counts = level !== undefined && report.findings.some(({ verdict }) => reaches(verdict, level));
    return ended !== 0 || counts ? 1 : 0;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Undefined: nothing that is found makes it fail. */
function failOn(words: string | undefined, level: string | undefined): Verdict | undefined {
  if (words === undefined) return levelOf(level ?? 'held');
  if (level !== undefined) throw new CouldNotRun('Expected --fail-on or --level, not both');
  if (words === 'none') return undefined;
  return levelOf(words === 'denied' ? 'refused' : words, '--fail-on');
}

const dayMs = 86_400_000;
const host = '127.0.0.1';

/** The same configuration, on free ports of this machine only, telling nobody. */
function observed(config: Config): Config {
  if (config.resources.some(({ tags }) => tags.includes('env/prod'))) {
    throw new CouldNotRun(
      'A resource is tagged env/prod, and this gateway enforces nothing: observe in staging',
    );
  }
  const { channels: _, ...rest } = config;
  const free = Object.keys(config.listen.protocols).map((kind) => [kind, { host, port: 0 }]);
  return {
    ...rest,
    listen: {
      api: { host, port: 0 },
      protocols: Object.fromEntries(free) as Config['listen']['protocols'],
    },
    plainFrom: 'loopback',
    log: { ...config.log, level: 'warn' },
  };
}

interface Login {
  readonly user: Identity['subject'];
  readonly password: string;
  readonly database: string; // to the gateway: the name of a resource
  readonly others: readonly string[];
  /** The file of who vouches for the gateway's certificate; absent: no TLS, on this machine only. */
  readonly authority?: string;
}

function environmentOf({ api, listeners }: Gateway, login: Login): NodeJS.ProcessEnv {
  const { user, password, database, others, authority } = login;
  const port = String(listeners['postgres']?.port ?? '');
  const who = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  const how =
    authority === undefined
      ? 'sslmode=disable'
      : `sslmode=verify-full&sslrootcert=${encodeURIComponent(authority)}`;
  const urlOf = (name: string): string =>
    `postgres://${who}@${host}:${port}/${encodeURIComponent(name)}?${how}`;
  return {
    ...process.env,
    SALLYPORT_API: api,
    SALLYPORT_TOKEN: password,
    PGHOST: host,
    PGPORT: port,
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
    DATABASE_URL: urlOf(database),
    // `DATABASE_URL_ORDERS_DB` of the resource orders-db.
    ...Object.fromEntries(
      others.map((name) => [`DATABASE_URL_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`, urlOf(name)]),
    ),
    ...(authority === undefined
      ? { PGSSLMODE: 'disable' }
      : { PGSSLMODE: 'verify-full', PGSSLROOTCERT: authority, NODE_EXTRA_CA_CERTS: authority }),
  };
}

/** How a command ended: its exit code, or the signal. */
type Ended = number | NodeJS.Signals;

function runs(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['inherit', 2, 2] });
    const stop = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
    child.once('error', () => reject(new CouldNotRun(`${program} cannot be started`)));
    child.once('exit', (code, signal) => {
      process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop);
      resolve(code ?? signal ?? 1);
    });
  });
}

/** A finding stands where its rule stands: that is what somebody would change. */
function reportOf(config: Config, { seen, asked, policy }: Observer): ScanReport {
  const findings = seen().map((each): Finding => {
    const { rule, does, run, why, fix, on, code } = each;
    const count = each.statements.size;
    const word = { refused: 'refuse', held: 'hold', warned: 'warn of', masked: 'mask' }[does];
    const of = run === '' ? '' : ` of the run "${run}"`;
    return {
      file: `${config.policy}/${rule?.at.file ?? 'policy.yaml'}`,
      line: rule?.at.line ?? 1,
      col: rule?.at.col ?? 1,
      rule: code,
      verdict: does,
      message: `The gateway would ${word} ${count} ${count === 1 ? 'statement' : 'different statements'}${of}: ${[...on].join(', ')}`,
      why: why === '' ? `Rule ${code} says so` : why,
      ...(fix.length === 0 ? {} : { fix: fix.join('; ') }),
      ...(rule?.owner === undefined ? {} : { owner: rule.owner }),
      tool: 'sallyport',
    };
  });
  const rank = ({ verdict }: Finding): number => verdicts.indexOf(verdict);
  findings.sort((a, b) => rank(a) - rank(b) || (a.rule < b.rule ? -1 : 1));
  const sources = new Map<string, string>();
  for (const { file } of findings) {
    try {
      sources.set(file, readFileSync(file, 'utf8'));
    } catch {
      // a policy that comes from elsewhere has no file here
    }
  }
  return {
    findings,
    sources,
    counts: { files: 0, statements: asked(), resources: 0, results: 0 },
    assumed: [],
    notes: [],
    policy: policy() ?? { digest: 'never asked' },
  };
}
