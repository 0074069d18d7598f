#!/usr/bin/env node
import { mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { nearest } from '../base/check.ts';
import { messageOf } from '../base/errors.ts';
import { packageFolder, version } from '../server/environment.ts';
import { explanation, type Command } from './command.ts';

/** All commands: one file each. */
const commands: Readonly<Record<string, { readonly about: string; readonly load: () => Promise<Command> }>> =
  {
    demo: {
      about: 'a real PostgreSQL with sample data, a web service, a model, the gateway and five identities',
      load: async () => (await import('./demo.ts')).demo,
    },
    up: { about: 'the gateway', load: async () => (await import('./up.ts')).up },
    token: { about: 'issues a token, or revokes one', load: async () => (await import('./token.ts')).token },
    'mcp-login': {
      about: 'lets the gateway in to an MCP server that wants OAuth with a person',
      load: async () => (await import('./mcp-login.ts')).mcpLogin,
    },
    sessions: {
      about: 'lists sessions, shows what was done in one',
      load: async () => (await import('./sessions.ts')).sessions,
    },
    reviews: {
      about: 'lists and answers what waits for a person',
      load: async () => (await import('./reviews.ts')).reviews,
    },
    access: {
      about: 'what you may reach, and may ask for, for a time',
      load: async () => (await import('./access.ts')).access,
    },
    explain: {
      about: 'says what the policy decides on a statement, and why',
      load: async () => (await import('./explain.ts')).explain,
    },
    audit: {
      about: 'verifies a ledger offline; proofs, anchors, keys, exports',
      load: async () => plain((await import('./audit.ts')).audit),
    },
    report: {
      about: 'says, control by control, which rules and entries speak for a framework, and what is missing',
      load: async () => (await import('./report.ts')).report,
    },
    backup: {
      about: 'copies the state of a gateway while it runs',
      load: async () => (await import('./backup.ts')).backup,
    },
    restore: {
      about: 'puts a backup back, verified',
      load: async () => (await import('./backup.ts')).restore,
    },
    check: {
      about: 'checks a policy: types, analysis, tests',
      load: async () => plain((await import('./check.ts')).check),
    },
    test: {
      about: 'runs the tests of a policy: wrong answers, what they reach, which faults they notice',
      load: async () => plain((await import('./test.ts')).test),
    },
    diff: {
      about: 'says what a change of a policy means: newly allowed, newly denied, duties weakened',
      load: async () => plain((await import('./diff.ts')).diff),
    },
    backtest: {
      about: 'judges recorded decisions with another policy',
      load: async () => plain((await import('./backtest.ts')).backtest),
    },
    mask: {
      about: 'masks texts with the detectors that the gateway uses',
      load: async () => plain((await import('./mask.ts')).mask),
    },
    reveal: {
      about: 'says what tokens in masked answers stand for, where a rule allows it',
      load: async () => (await import('./reveal.ts')).reveal,
    },
    scan: {
      about: 'judges migrations, manifests and plans of a repository before they ship',
      load: async () => (await import('./scan.ts')).scan,
    },
    observe: {
      about:
        'runs a command through a gateway that enforces nothing, and says what the policy would have done',
      load: async () => (await import('./observe.ts')).observe,
    },
    bundle: {
      about: 'signs a policy as one file, verifies one, brings one to a gateway',
      load: async () => (await import('./bundle.ts')).bundle,
    },
    init: {
      about: 'begins a policy for a database: proposes tags, writes rules in shadow with tests',
      load: async () => (await import('./init.ts')).init,
    },
    lsp: {
      about: 'the language server, for editors',
      load: async () => (await import('./lsp.ts')).lsp,
    },
    attest: {
      about: 'says and signs which policy judged which source with which results, verifies such a statement',
      load: async () => (await import('./attest.ts')).attest,
    },
    verify: {
      about: 'the same as attest verify',
      load: async () => {
        const { attest } = await import('./attest.ts');
        return { ...attest, run: (args) => attest.run(['verify', ...args]) };
      },
    },
    tags: {
      about: 'proposes tags for columns that have none, from what detectors found in answers',
      load: async () => (await import('./tags.ts')).tags,
    },
    policy: {
      about: 'says which policy is in force',
      load: async () => (await import('./policy.ts')).policy,
    },
  };

/** Scripts of package.json that run a command. */
const scripts: ReadonlySet<string> = new Set(['sallyport', 'start', 'demo']);

/** What runs long, and loads once. */
const serving: ReadonlySet<string> = new Set(['up', 'demo']);

/** A command that prints through functions it is given. */
function plain(
  run: (
    args: readonly string[],
    io: { readonly out: (text: string) => void; readonly err: (text: string) => void },
  ) => Promise<number>,
): Command {
  const io = {
    out: (text: string): void => void process.stdout.write(text),
    err: (text: string): void => void process.stderr.write(text),
  };
  return { run: (args) => run(args, io) };
}

// Whoever reads our output may stop reading (`| head`): that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
whereTheUserIs();
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(usage());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-V' || name === 'version') {
    process.stdout.write(`sallyport ${version}\n`);
    return 0;
  }
  if (!Object.hasOwn(commands, name)) {
    const near = nearest(name, Object.keys(commands));
    const hint = near === undefined ? 'see sallyport --help' : `did you mean "${near}"?`;
    process.stderr.write(`sallyport: Unknown command "${name}"; ${hint}\n`);
    return 2;
  }
  if (!serving.has(name)) keepCompiled();
  try {
    const command = await commands[name]?.load();
    if (command === undefined) return 2;
    if (command.help !== undefined && asksForHelp(rest)) {
      process.stdout.write(command.help);
      return 0;
    }
    return await command.run(rest);
  } catch (thrown) {
    process.stderr.write(`sallyport ${name}: ${explanation(thrown) ?? stackOf(thrown)}\n`);
    return 2;
  }
}

/** What stands behind `--` is another program's: `observe -- psql -h 127.0.0.1`. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const ours = end < 0 ? args : args.slice(0, end);
  return ours.includes('--help') || ours.includes('-h');
}

/**
 * `npm run sallyport` from elsewhere (`npm --prefix CLONE run -s sallyport -- check policy`) puts us into the package's folder;
 * relative paths are relative to where the user is. Once: what we start ourselves is in no folder of npm's.
 */
function whereTheUserIs(): void {
  const { npm_lifecycle_event: script = '', INIT_CWD: from } = process.env;
  if (from === undefined || !scripts.has(script)) return;
  delete process.env['INIT_CWD'];
  if (process.cwd() === packageFolder) process.chdir(from);
}

/**
 * Keeps what Node makes of the program's files, since loading them is most of what a quick command takes.
 * SECURITY: what lies there is run; so it is in a folder of this user alone, and never in a shared one.
 */
function keepCompiled(): void {
  const given = process.env['XDG_CACHE_HOME'] ?? '';
  const folder = join(isAbsolute(given) ? given : join(homedir(), '.cache'), 'sallyport');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    enableCompileCache(join(folder, 'compiled'));
  } catch {
    // No home, or none that can be written: then it takes the longer.
  }
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
}

function usage(): string {
  const lines = Object.entries(commands).map(([name, { about }]) => `  ${name.padEnd(10)} ${about}\n`);
  return `Usage: sallyport COMMAND [ARGS]\n\n${lines.join('')}\nsallyport COMMAND --help says more. Exit codes: 0 yes, 1 no, 2 could not run.\n`;
}
