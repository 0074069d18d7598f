// Everything that must hold, in one command: `npm test`; with --quick, the part that needs no server: `npm run check`.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);
const quick = process.argv.includes('--quick');

const checks: readonly (readonly [string, string, readonly string[]])[] = [
  ['types', bin('tsc'), ['--noEmit']],
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

const unit = globSync(['src/**/*.test.ts', 'tools/**/*.test.ts'], { cwd: root });
const e2e = quick ? [] : globSync('test/**/*.test.ts', { cwd: root });
const tests = spawnSync(
  process.execPath,
  ['--test', '--test-timeout=600000', ...unit.sort(), ...e2e.sort()],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exit(tests.status ?? 2);
