import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

/** Who owns a file of the policy in `directory`, as the CODEOWNERS of its repository says; undefined where there is none. */
export async function codeOwners(
  directory: string,
): Promise<((file: string) => readonly string[]) | undefined> {
  for (let root = resolve(directory); ; root = dirname(root)) {
    for (const place of ['CODEOWNERS', '.github/CODEOWNERS', '.gitlab/CODEOWNERS', 'docs/CODEOWNERS']) {
      const text = await readFile(join(root, place), 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      const lines = linesOf(text);
      const below = relative(root, resolve(directory)).replaceAll('\\', '/');
      // The last line that fits counts.
      return (file) =>
        lines.findLast(({ fits }) => fits(below === '' ? file : `${below}/${file}`))?.owners ?? [];
    }
    if (
      root === dirname(root) ||
      (await readFile(join(root, '.git', 'HEAD')).catch(() => undefined)) !== undefined
    )
      return undefined;
  }
}

interface Line {
  readonly fits: (path: string) => boolean;
  readonly owners: readonly string[];
}

function linesOf(text: string): readonly Line[] {
  return text
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('['))
    .map((line) => {
      const [pattern = '', ...owners] = line.split(/\s+/);
      return { fits: fitting(pattern), owners };
    });
}

/** A pattern as gitignore has it: a slash inside ties it to the root, `*` stays in a folder, `**` does not. */
function fitting(pattern: string): (path: string) => boolean {
  const rooted = pattern.replace(/\/$/, '').includes('/');
  const body = pattern.replace(/^\//, '').replace(/\/$/, '');
  const source = body
    .split(/(\*\*\/?|\*|\?)/)
    .map((piece) =>
      piece.startsWith('**')
        ? '.*'
        : piece === '*'
          ? '[^/]*'
          : piece === '?'
            ? '[^/]'
            : piece.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&'),
    )
    .join('');
  const whole = new RegExp(`^${rooted ? '' : '(?:.*/)?'}${source}(?:/.*)?$`);
  return (path) => whole.test(path);
}
