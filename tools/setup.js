// Installs what the lock file says, once, with any Node: every command goes through here first.
// Plain JavaScript on purpose: it runs before the pinned Node exists.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
  mkdirSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.sallyport-stamp');

const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.platform} ${process.arch}`)
  .digest('hex');

if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== wanted) install();
pinNode();

function install() {
  process.stderr.write('sallyport: installing packages (once) …\n');
  const started = Date.now();
  const npm = spawnSync(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    [
      'ci',
      '--include=dev',
      '--include=optional',
      '--ignore-scripts=false',
      '--engine-strict=false',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ],
    { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' },
  );
  if (npm.status !== 0) {
    process.stderr.write(
      `sallyport: npm ci failed (exit ${npm.status ?? npm.error?.message}): see the lines above\n`,
    );
    process.exit(2);
  }
  writeFileSync(stampFile, wanted);
  process.stderr.write(`sallyport: packages are there (${((Date.now() - started) / 1000).toFixed(0)} s)\n`);
}

/** Puts a Node of at least 24.12 at node_modules/.bin/node: the pinned one, or the system's where it is new enough. */
function pinNode() {
  const link = join(modules, '.bin', 'node');
  if (existsSync(link)) return;
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 24 || (major === 24 && minor < 12)) {
    process.stderr.write(
      `sallyport: no pinned Node for ${process.platform}-${process.arch}; install Node 24.12 or newer and run the command again\n`,
    );
    process.exit(2);
  }
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(realpathSync(process.execPath), link);
}
