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
