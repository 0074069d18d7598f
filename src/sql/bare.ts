/**
 * A statement without its values: literals, quoted names and comments stand as `?`. Where quoting could be read in more
 * than one way (backslashes, dollar quotes, nested comments), everything from there on is left out; `whole` says whether
 * nothing was.
 */
export function withoutValues(text: string): { readonly text: string; readonly whole: boolean } {
  const doubtful = /\\|\$[\p{L}\p{N}_]*\$|\/\*(?:(?!\*\/)[^])*\/\*/u.exec(text);
  const sure = doubtful === null ? text : text.slice(0, firstQuote(text, doubtful.index));
  const bare = sure.replace(parts, (part) => (part.startsWith('--') || part.startsWith('/*') ? ' ' : '?'));
  return { text: bare, whole: doubtful === null };
}

const parts =
  /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`[^`]*(?:`|$)|--[^\n]*|\/\*[^]*?(?:\*\/|$)|(?<![\p{L}\p{N}_$])\d[\p{L}\p{N}_.]*/gu;

/** What is doubtful can stand inside quotes or a comment that began before it. */
function firstQuote(text: string, doubtful: number): number {
  const quote = text.search(/['"`]|--|\/\*/);
  return quote < 0 ? doubtful : Math.min(quote, doubtful);
}
