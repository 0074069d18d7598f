import { Fault } from '../base/errors.ts';

/** One sub-command. */
export interface Command {
  /** Printed for `--help`; absent: the command does that by itself. */
  readonly help?: string;
  /** Gives the exit code: 0 yes, 1 no, 2 could not run. Standard output gets the answer and nothing else. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

/** The command cannot do what it was asked; the message says what to do. Ends in exit code 2. */
export class CouldNotRun extends Error {
  override readonly name = 'CouldNotRun';
}

/** What went wrong, and what to do, for who called the command; undefined: a fault of the program's own, whose place helps. */
export function explanation(thrown: unknown): string | undefined {
  if (thrown instanceof CouldNotRun || thrown instanceof Fault) {
    const reason = reasonOf(thrown.cause);
    return reason === undefined || thrown.message.includes(reason)
      ? thrown.message
      : `${thrown.message}: ${reason}`;
  }
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  // parseArgs says which option is wrong, and then how to get around it.
  if (String(thrown.code).startsWith('ERR_PARSE_ARGS')) {
    return `${thrown.message.replace(/\. To specify a positional .*$/s, '').replace(/\.$/, '')}; see --help`;
  }
  const reason = reasonOf(thrown);
  if (reason === undefined || !('syscall' in thrown)) return undefined;
  const place = 'path' in thrown ? ` ${safe(String(thrown.path))}` : '';
  return `Cannot ${calls[String(thrown.syscall)] ?? String(thrown.syscall)}${place}: ${reason}`;
}

/** What the operating system says, in words. */
function reasonOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown ? reasons[String(thrown.code)] : undefined;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user has no right to; see who owns it, or name another place',
  EPERM: 'this user has no right to; see who owns it, or name another place',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: "this user's share of the disk is full",
  EEXIST: 'a file of this name is in the way',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  ENOENT: 'there is no such file or folder',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its symbolic links lead in a circle',
  EMFILE: 'too many files are open: raise the limit (ulimit -n)',
  EIO: 'the disk reports an error',
};

const calls: Readonly<Record<string, string>> = {
  mkdir: 'make the folder',
  scandir: 'read the folder',
  read: 'read',
  open: 'open',
  stat: 'look at',
  lstat: 'look at',
  unlink: 'remove',
  rename: 'rename',
  copyfile: 'copy',
  fsync: 'write to',
};

/** What to throw for a configuration with these problems, one a line. */
export function unusable(problems: readonly string[]): CouldNotRun {
  return new CouldNotRun(`The configuration cannot be used:\n  ${problems.join('\n  ')}`);
}

export function print(text: string): void {
  process.stdout.write(visible(text.endsWith('\n') ? text : `${text}\n`));
}

export function say(text: string): void {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
}

/**
 * JSON, safe on a terminal and the same JSON: `JSON.stringify` escapes ESC and BEL, but neither the controls above U+007E,
 * which terminals take for the same, nor those that change the direction of writing.
 */
export function visible(json: string): string {
  return json.replaceAll(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Text of others, safe on a terminal: no control character, no change of writing direction. Line ends and tabs stay. */
export function safe(text: string): string {
  return text.replaceAll(/[^\P{C}\n\t]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Columns side by side, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows
    .map(
      (row) =>
        `${row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join('  ')}\n`,
    )
    .join('');
}
