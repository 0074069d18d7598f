export type Body = { [key: string]: unknown };

/** A text, or the text of a number; nothing of anything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
