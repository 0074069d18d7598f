import type { MaskKey } from '../mask/index.ts';
import { maskFindings } from '../mask/index.ts';

/**
 * A statement without its values, for sinks that are told to send texts. Literals, quoted names and comments of SQL stand
 * as `?`, and detectors look over what is left. Where quoting could be read in more than one way (backslashes, dollar
 * quotes, nested comments), everything from there on is left out. Texts of other families are left out whole.
 */
export function maskedText(verb: string, text: string, key: MaskKey): string {
  if (!verb.startsWith('sql.')) return '[withheld]';
  const doubtful = /\\|\$[\p{L}\p{N}_]*\$|\/\*(?:(?!\*\/)[^])*\/\*/u.exec(text);
  const sure = doubtful === null ? text : text.slice(0, firstQuote(text, doubtful.index));
  const bare = sure.replace(parts, (part) => (part.startsWith('--') || part.startsWith('/*') ? ' ' : '?'));
  const masked = maskFindings(bare, [{ entity: '*', operator: { kind: 'redact' } }], { key });
  return doubtful === null ? masked.text : `${masked.text}[withheld]`;
}

const parts =
  /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`[^`]*(?:`|$)|--[^\n]*|\/\*[^]*?(?:\*\/|$)|(?<![\p{L}_$])\d[\p{L}\p{N}_.]*/gu;

/** What is doubtful can stand inside quotes or a comment that began before it. */
function firstQuote(text: string, doubtful: number): number {
  const quote = text.search(/['"`]|--|\/\*/);
  return quote < 0 ? doubtful : Math.min(quote, doubtful);
}
