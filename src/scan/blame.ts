import { execFile } from 'node:child_process';
import { basename, dirname } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../base/errors.ts';
import type { Blame, Finding } from './finding.ts';

const run = promisify(execFile);

// SECURITY: a repository's own configuration can name programs to run; these are not let.
const bare = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];

const linesAtOnce = 500;

/** The same findings, each with the commit that brought its line, as far as the history goes. */
export async function blamed(
  findings: readonly Finding[],
  { shallow }: { readonly shallow: boolean },
): Promise<readonly Finding[]> {
  const lines = Map.groupBy(findings, ({ file }) => file);
  const known = new Map<string, ReadonlyMap<number, Blame>>();
  for (const [file, found] of lines) {
    known.set(
      file,
      await blame(
        { path: file, shallow },
        found.map(({ line }) => line),
      ),
    );
  }
  return findings.map((each) => {
    const commit = known.get(each.file)?.get(each.line);
    return commit === undefined ? each : { ...each, commit };
  });
}

interface Where {
  readonly path: string;
  readonly shallow: boolean;
}

async function blame(where: Where, lines: readonly number[]): Promise<ReadonlyMap<number, Blame>> {
  const found = new Map<number, Blame>();
  const wanted = [...new Set(lines)].sort((a, b) => a - b);
  for (let at = 0; at < wanted.length; at += linesAtOnce) {
    await blameLines(where, wanted.slice(at, at + linesAtOnce), found);
  }
  return found;
}

/** No Git, no repository, or a file that it does not know: then nothing is found. */
async function blameLines(
  { path, shallow }: Where,
  lines: readonly number[],
  found: Map<number, Blame>,
): Promise<void> {
  const ranges = lines.flatMap((line) => ['-L', `${line},${line}`]);
  try {
    const { stdout } = await run(
      'git',
      [...bare, 'blame', '--line-porcelain', ...ranges, '--', basename(path)],
      { cwd: dirname(path), timeout: 20_000, maxBuffer: 67_108_864, env: { ...process.env, LC_ALL: 'C' } },
    );
    read(stdout, shallow, found);
  } catch (thrown) {
    // Another scanner may name a line that the file does not have: the others have a commit all the same.
    if (lines.length < 2 || !messageOf(thrown).includes(' has only ')) return;
    const half = lines.length >> 1;
    await blameLines({ path, shallow }, lines.slice(0, half), found);
    await blameLines({ path, shallow }, lines.slice(half), found);
  }
}

/** Whether the history is cut off, as CI fetches it: then the oldest commit that is there stands for all before it. */
export async function isShallow(): Promise<boolean> {
  try {
    const { stdout } = await run('git', [...bare, 'rev-parse', '--is-shallow-repository'], {
      timeout: 20_000,
    });
    return stdout.trim() === 'true';
  } catch {
    return false;
  }
}

/** `git blame --line-porcelain`: a head line, fields, and the line itself after a tab. */
function read(output: string, shallow: boolean, found: Map<number, Blame>): void {
  let id = '';
  let line = 0;
  let fields = new Map<string, string>();
  for (const each of output.split('\n')) {
    const head = /^([0-9a-f]{40,64}) \d+ (\d+)/.exec(each);
    if (head !== null) {
      id = head[1] ?? '';
      line = Number(head[2]);
      fields = new Map();
    } else if (each.startsWith('\t')) {
      // All zeros: not committed yet. A boundary is where a shallow clone ends: who wrote the line is beyond it.
      if (!/^0+$/.test(id) && !(shallow && fields.has('boundary'))) {
        found.set(line, { id, author: fields.get('author') ?? '', summary: fields.get('summary') ?? '' });
      }
    } else {
      const space = each.indexOf(' ');
      fields.set(space < 0 ? each : each.slice(0, space), space < 0 ? '' : each.slice(space + 1));
    }
  }
}
