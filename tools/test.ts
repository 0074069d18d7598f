// Everything that must hold, in one command: `npm test`; with --quick, the part that needs no server: `npm run check`.
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { have, packages } from '../test/e2e/harness/needs.ts';
import { readNotPassed } from './not-passed.ts';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);
const quick = process.argv.includes('--quick');

const checks: readonly (readonly [string, string, readonly string[]])[] = [
  ['types', bin('tsc'), ['--noEmit']],
  ['types of editors/vscode', bin('tsc'), ['--noEmit', '-p', 'editors/vscode']],
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings']],
  ['format', bin('oxfmt'), ['--check', '.']],
  ['dead code', bin('knip'), []],
];

for (const [name, command, args] of checks) {
  const started = performance.now();
  const run = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (run.status !== 0) {
    process.stdout.write(`✖ ${name} (${seconds} s)\n${run.stdout}${run.stderr}\n`);
    process.exit(1);
  }
  process.stdout.write(`✔ ${name} (${seconds} s)\n`);
}

// Tests beside the source share nothing and run side by side; those with servers and clients one file after the other.
const rounds: readonly (readonly [string, readonly string[], number])[] = [
  ['unit', globSync(['src/**/*.test.ts', 'tools/**/*.test.ts'], { cwd: root }), availableParallelism()],
  ['end to end', quick ? [] : globSync('test/**/*.test.ts', { cwd: root }), 1],
];

// A test that is left out says so; under CI=true none is, and what can be installed for it is there before the first.
const isCi = process.env['CI'] === 'true';
if (isCi || !quick)
  for (const name of ['strace', 'psql', 'postgres15'] as const)
    if (!have(name)) process.stdout.write(`${name} is missing: apt-get install ${packages[name].debian}\n`);

const folder = mkdtempSync(join(tmpdir(), 'sallyport-tests-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** More files than these do not fail by chance. */
const few = 3;
let status = 0;
let missing = false;
for (const [name, files, side] of rounds) {
  if (files.length === 0) continue;
  process.stdout.write(`\n${name}: ${files.length} files\n`);
  const first = run(files, side);
  if (first.status === 0) continue;
  if (!isCi || first.failed.length === 0 || first.failed.length > few) {
    status = first.status;
    continue;
  }
  // A landing is not lost to one race in thousands of tests; that there was one is not hidden either.
  process.stdout.write(`\nagain, alone: ${first.failed.join(', ')}\n`);
  const second = run(first.failed, 1);
  if (second.status !== 0) {
    status = second.status;
    continue;
  }
  process.stdout.write(
    `\n⚠ failed once and passed when run again, a race to be mended: ${first.failed.join(', ')}\n`,
  );
}
process.exit(missing ? Math.max(status, 1) : status);

interface Run {
  readonly status: number;
  readonly failed: readonly string[]; // files
}

function run(files: readonly string[], side: number): Run {
  const list = join(folder, 'not-passed');
  const args = [
    '--test',
    '--test-timeout=1800000',
    `--test-concurrency=${side}`,
    ...(isCi ? [`--import=${join(root, 'tools/seed.ts')}`] : []),
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(root, 'tools/not-passed.ts')}`,
    `--test-reporter-destination=${list}`,
    ...files.toSorted(),
  ];
  const ran = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  const told = readNotPassed(readFileSync(list, 'utf8'));
  const inRoot = (text: string): string => text.replaceAll(`${root}/`, '');
  tellLeftOut(told.flatMap((each) => (each.kind === 'left out' ? [inRoot(each.what)] : [])));
  return {
    status: ran.status ?? 2,
    failed: told.flatMap((each) => (each.kind === 'failed' ? [inRoot(each.file)] : [])),
  };
}

/** What only another user could run is told; nothing that can be installed would change it. */
function tellLeftOut(leftOut: readonly string[]): void {
  if (leftOut.length === 0) return;
  const fails = isCi && leftOut.some((line) => !line.includes(': only root '));
  process.stdout.write(`\n${fails ? '✖' : '⚠'} left out:\n${leftOut.join('\n')}\n`);
  if (fails) missing = true;
}
