import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const path = join(import.meta.dirname, '..', '..', 'docs', 'tutorial.md');
const main = join(import.meta.dirname, 'main.ts');

/** A file to write or go on with, or commands (after `$ `) with what they print. */
const block = /(?:<!-- (file|append): (\S+) -->\n```yaml\n([^]*?)```|```console\n([^]*?)```)\n/g;

async function printed(command: string, folder: string): Promise<string> {
  const script = `sallyport() { '${process.execPath}' '${main}' "$@"; }\n${command}\n`;
  return new Promise((resolve) => {
    execFile('sh', ['-c', script], { cwd: folder }, (_, stdout, stderr) => {
      resolve(stderr + stdout);
    });
  });
}

test('docs/tutorial.md: what its commands print is what stands there', async () => {
  const page = await readFile(path, 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-tutorial-'));
  try {
    let written = '';
    let from = 0;
    let commands = 0;
    for (const found of page.matchAll(block)) {
      const [whole, how, file, text, session] = found;
      written += page.slice(from, found.index);
      from = found.index + whole.length;
      if (session === undefined) {
        const to = join(folder, file ?? '');
        await mkdir(dirname(to), { recursive: true });
        await (how === 'append' ? appendFile : writeFile)(to, text ?? '');
        written += whole;
        continue;
      }
      written += '```console\n';
      for (const line of session.split('\n').filter((each) => each.startsWith('$ '))) {
        commands += 1;
        written += `${line}\n${await printed(line.slice(2), folder)}`;
      }
      written += '```\n';
    }
    written += page.slice(from);
    assert.ok(commands > 5, 'found no commands');
    // SALLYPORT_WRITE_DOCS=1 writes what they print now.
    if (process.env['SALLYPORT_WRITE_DOCS'] === '1') await writeFile(path, written);
    else assert.equal(written, page);
    assert.match(written, /2 rules {3}tests 4 passed, 0 failed .* 0 findings\n```\n\n## 5/, 'it ends well');
  } finally {
    await rm(folder, { recursive: true });
  }
});
