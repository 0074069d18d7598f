/**
 * The text with the constants that cannot change its meaning left out, or undefined where that is not certain. Two texts
 * with one template differ only in whole numbers and plain strings that stand right behind a comparison, so what is read
 * of one (access, objects, columns, lineage) holds for the other.
 *
 * SECURITY: this is no lexer of SQL. Whatever could make a quote or a number something else than it seems (comments,
 * dollar quotes, backslashes, prefixed and continued strings, quoted names, several statements) gives no template, and
 * the text is read by PostgreSQL's own parser.
 */
export function templateOf(whole: string): string | undefined {
  const text = ends.test(whole) ? whole.slice(0, whole.lastIndexOf(';')) : whole;
  if (text.length > longest || !starts.test(text) || doubtful.test(text)) return undefined;
  let template = '';
  let copied = 0;
  let operator = ''; // the operator before this place, if there is nothing else than white space between
  for (let at = 0; at < text.length;) {
    const kind = kindOf(text.charCodeAt(at));
    const end = kind === 'quote' ? endOfString(text, at) : kind === 'word' ? endOfWord(text, at) : at + 1;
    if (end === undefined) return undefined;
    if (compares.has(operator) && isConstant(text, at, end)) {
      // The class stays in the template: a longer number is of another type.
      template += `${text.slice(copied, at)}\u0001${kind === 'quote' ? 's' : 'n'}`;
      copied = end;
    }
    const goesOn = kind === 'operator' && kindOf(text.charCodeAt(at - 1)) === 'operator';
    if (kind === 'operator') operator = goesOn ? operator + text.charAt(at) : text.charAt(at);
    else if (kind !== 'space') operator = '';
    at = end;
  }
  return copied === 0 ? undefined : template + text.slice(copied);
}

const longest = 4_096;
const ends = /;[ \t\n\r]*$/;
const starts = /^\s*(?:select|insert|update|delete)\s/i;
// Anything but printable ASCII and white space, and whatever starts a comment, a dollar quote, an escape, a quoted name,
// another statement or a named argument (`set_config(setting_name => 'x', …)`, whose value decides what is done); also
// inside a string, where it would be harmless. And pg_settings, where the name that is compared decides what a row holds.
const doubtful = /[^\t\n\r -~]|--|\/\*|[$\\";]|=\s*>|:=|pg_settings/i;

/** Whole operators. SECURITY: `->`, `->>`, `#>>`, `@>` and `=>` end like one, and there the constant says which part of a document is meant. */
const compares: ReadonlySet<string> = new Set(['=', '<', '>', '<=', '>=', '<>', '!=']);

type Kind = 'quote' | 'word' | 'operator' | 'space' | 'other';

function kindOf(code: number): Kind {
  if (code === 0x27) return 'quote';
  if (code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d) return 'space';
  if (operators.has(code)) return 'operator';
  const digit = code >= 0x30 && code <= 0x39;
  const letter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f;
  return digit || letter || code === 0x2e ? 'word' : 'other';
}

// The letters of which operators are made (PostgreSQL 18 docs, 4.1.3).
const operators: ReadonlySet<number> = new Set(Buffer.from('+-*/<>=~!@#%^&|`?'));

const looking = /\s*(?:::|\[|collate\b|at\s)/iy;
const continued = /\s*'/y;

/** Behind the string that opens here; undefined where it has a prefix, a quote inside, or goes on behind white space. */
function endOfString(text: string, open: number): number | undefined {
  if (open > 0 && /[A-Za-z0-9_&'.]/.test(text.charAt(open - 1))) return undefined;
  const close = text.indexOf("'", open + 1);
  if (close < 0) return undefined;
  continued.lastIndex = close + 1;
  if (continued.test(text)) return undefined;
  return close + 1;
}

/** Behind a run of letters, digits, `_` and `.`: a name, a keyword or a number. */
function endOfWord(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && kindOf(text.charCodeAt(end)) === 'word') end += 1;
  return end;
}

/** A plain string, or a whole number that fits an integer; with nothing behind it that could look at its value. */
function isConstant(text: string, start: number, end: number): boolean {
  const plain = text.startsWith("'", start) || /^[0-9]{1,9}$/.test(text.slice(start, end));
  looking.lastIndex = end;
  return plain && !looking.test(text);
}
