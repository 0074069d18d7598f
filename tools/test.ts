// Everything that must hold, in one command: `npm test`; with --quick, the part that needs no server: `npm run check`.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

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

let status = 0;
for (const [name, files, side] of rounds) {
  if (files.length === 0) continue;
  process.stdout.write(`\n${name}: ${files.length} files\n`);
  const args = ['--test', '--test-timeout=1800000', `--test-concurrency=${side}`, ...files.toSorted()];
  const run = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  status = Math.max(status, run.status ?? 2);
}
process.exit(status);
