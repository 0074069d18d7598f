/**
 * JSON on one line that is safe to show: what JSON leaves as it is, and a terminal, a browser or a reader of lines would
 * act on, stands as `\uXXXX`. It parses to the same value.
 */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(acting, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

// DEL and C1, soft hyphen, every format character, separators of lines and paragraphs.
const acting = /[\u007F-\u009F\u00AD]|\p{Cf}|[\u2028\u2029]/gu;

/** A text for one field of a line: nothing in it ends the line or moves the cursor. */
export function oneLine(text: string, most: number): string {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}
