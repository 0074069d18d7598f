import { execFile } from 'node:child_process';
import { basename, dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Blame, Finding } from './finding.ts';

const run = promisify(execFile);

// SECURITY: a repository's own configuration can name programs to run; these are not let.
const bare = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];

const linesAtOnce = 500;

/** The same findings, each with the commit that brought its line. `pathOf` gives where a finding's file lies on disk. */
export async function blamed(
  findings: readonly Finding[],
  pathOf: (file: string) => string,
): Promise<readonly Finding[]> {
  const lines = Map.groupBy(findings, ({ file }) => file);
  const known = new Map<string, ReadonlyMap<number, Blame>>();
  for (const [file, found] of lines) {
    known.set(
      file,
      await blame(
        pathOf(file),
        found.map(({ line }) => line),
      ),
    );
  }
  return findings.map((each) => {
    const commit = known.get(each.file)?.get(each.line);
    return commit === undefined ? each : { ...each, commit };
  });
}

async function blame(path: string, lines: readonly number[]): Promise<ReadonlyMap<number, Blame>> {
  const found = new Map<number, Blame>();
  const wanted = [...new Set(lines)].sort((a, b) => a - b);
  for (let at = 0; at < wanted.length; at += linesAtOnce) {
    const ranges = wanted.slice(at, at + linesAtOnce).flatMap((line) => ['-L', `${line},${line}`]);
    try {
      const { stdout } = await run(
        'git',
        [...bare, 'blame', '--line-porcelain', ...ranges, '--', basename(path)],
        { cwd: dirname(path), timeout: 20_000, maxBuffer: 67_108_864 },
      );
      read(stdout, found);
    } catch {
      return found; // no Git, no repository, or a file that it does not know
    }
  }
  return found;
}

/** `git blame --line-porcelain`: a head line, fields, and the line itself after a tab. */
function read(output: string, found: Map<number, Blame>): void {
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
      // All zeros: not committed yet.
      if (!/^0+$/.test(id)) {
        found.set(line, { id, author: fields.get('author') ?? '', summary: fields.get('summary') ?? '' });
      }
    } else {
      const space = each.indexOf(' ');
      if (space > 0) fields.set(each.slice(0, space), each.slice(space + 1));
    }
  }
}
