import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Installs what the lock file in a folder says, once: packages that are too large for everybody to have, and that only one
 * test needs.
 */
export function installPackages(folder: string, ...options: readonly string[]): void {
  const stamp = join(folder, 'node_modules/.stamp');
  const wanted = readFileSync(join(folder, 'package-lock.json'), 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...options], {
    cwd: folder,
    stdio: 'pipe',
  });
  writeFileSync(stamp, wanted);
}
