import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';

export type PackageName =
  | 'psql'
  | 'pg_dump'
  | 'postgres15'
  | 'pgbench'
  | 'pgbouncer'
  | 'psycopg2'
  | 'psycopg'
  | 'asyncpg'
  | 'pgjdbc'
  | 'java'
  | 'javac'
  | 'strace'
  | 'chromium';

interface Package {
  readonly debian: string;
  readonly why: string;
  readonly is: () => boolean;
}

/** What Debian gives to the tests: each with the reason and a way to see whether it is there. */
export const packages: Readonly<Record<PackageName, Package>> = {
  psql: { debian: 'postgresql-client-15', why: 'the client most people use', is: command('psql') },
  pg_dump: { debian: 'postgresql-client-15', why: 'a dump reads everything', is: command('pg_dump') },
  postgres15: {
    debian: 'postgresql-15',
    why: 'the older server that is supported, and pgbench',
    is: () => existsSync('/usr/lib/postgresql/15/bin/postgres'),
  },
  pgbench: { debian: 'postgresql-15', why: 'load in three query modes', is: command('pgbench') },
  pgbouncer: { debian: 'pgbouncer', why: 'what the speed is compared with', is: command('pgbouncer') },
  psycopg2: { debian: 'python3-psycopg2', why: 'libpq from Python', is: python('psycopg2') },
  psycopg: { debian: 'python3-psycopg', why: 'pipelines from Python', is: python('psycopg') },
  asyncpg: { debian: 'python3-asyncpg', why: 'binary formats from Python', is: python('asyncpg') },
  pgjdbc: {
    debian: 'libpostgresql-jdbc-java',
    why: 'the driver of Java',
    is: () => existsSync('/usr/share/java/postgresql.jar'),
  },
  java: { debian: 'default-jre-headless', why: 'runs pgjdbc', is: command('java') },
  javac: {
    debian: 'default-jdk-headless',
    why: 'compiles the program that uses pgjdbc',
    is: command('javac'),
  },
  chromium: { debian: 'chromium', why: 'the browser that people have', is: command('chromium') },
  strace: { debian: 'strace', why: 'shows the order of disk and network', is: command('strace') },
};

/**
 * Makes sure that these are there: installs what is missing where that can be done without asking (root on Debian).
 * Gives false where it cannot, and says so: the test is then left out. Under CI=true it fails instead.
 */
export function needs(t: TestContext, ...names: readonly PackageName[]): boolean {
  for (const name of names) {
    if (have(name)) continue;
    const reason = `${name} is missing: apt-get install ${packages[name].debian}`;
    if (process.env['CI'] === 'true') throw new Error(reason);
    t.skip(reason);
    return false;
  }
  return true;
}

/** Whether it is there; installs it where it is not and that can be done without asking. */
export function have(name: PackageName): boolean {
  const { debian, is } = packages[name];
  return is() || (install(debian) && is());
}

const aptGet = '/usr/bin/apt-get';
const tried = new Set<string>();

function install(debian: string): boolean {
  if (process.getuid?.() !== 0 || !existsSync(aptGet) || tried.has(debian)) return false;
  tried.add(debian);
  const apt = (...args: readonly string[]): boolean =>
    spawnSync(aptGet, ['-o', 'DPkg::Lock::Timeout=120', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'ignore'],
      timeout: 300_000,
    }).status === 0;
  // Another test's process may be at it: apt waits for its lock. Lists may be missing or old.
  const now = (): boolean => apt('install', '-y', '--no-install-recommends', debian);
  return now() || (apt('update') && now());
}

function command(name: string): () => boolean {
  return () => spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
}

// Debian's modules belong to Debian's Python, which need not be the first one on the path.
function python(module: string): () => boolean {
  return () => {
    try {
      execFileSync('/usr/bin/python3', ['-c', `import ${module}`], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };
}
