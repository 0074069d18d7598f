import type { FindMask } from '../../core/decision.ts';
import { maskFindings, type MaskKey } from '../../mask/index.ts';

/** What the statement behind an error or notice touches. */
export interface NoticeAbout {
  /** A column it uses is under a mask. */
  readonly tagged: boolean;
  /** It is not known what it touches. */
  readonly unknown: boolean;
  /** Names of objects and columns, which may be shown. */
  readonly names: ReadonlySet<string>;
  readonly finds: readonly FindMask[];
}

// PostgreSQL docs, 55.8 (Error and Notice Message Fields). Codes and names of objects; F, L, R are places in its source.
const facts = new Set(['S', 'V', 'C', 'P', 'p', 's', 't', 'c', 'd', 'n', 'F', 'L', 'R']);
const sentences = new Set(['M', 'D', 'H']);

/**
 * The fields of an ErrorResponse or NoticeResponse that the client may see. Severity, code and position stay. Where a
 * masked column is in play, or nobody knows, values in sentences become `***`, and the context (W) and internal query (q),
 * which can quote anything, are left out. A field whose code is not known is left out too. Detectors see every text.
 */
export function showFields(
  fields: ReadonlyMap<string, string>,
  about: NoticeAbout,
  key: MaskKey,
): Map<string, string> {
  const guarded = about.tagged || about.unknown;
  const shown = new Map<string, string>();
  for (const [code, value] of fields) {
    if (facts.has(code)) shown.set(code, value);
    else if (sentences.has(code))
      shown.set(code, maskText(guarded ? withoutValues(value, about.names) : value, about.finds, key));
    else if (!guarded && (code === 'W' || code === 'q')) shown.set(code, maskText(value, about.finds, key));
  }
  return shown;
}

/** A text on its way to the client that is no row: a notification's payload, a parameter's value. */
export function maskText(text: string, finds: readonly FindMask[], key: MaskKey): string {
  return finds.length === 0 ? text : maskFindings(text, finds, { key }).text;
}

/**
 * A sentence of the server without the values it quotes: `"…"`, `'…'`, `«…»` and `„…“` of a locale, the values of
 * `Key (a, b)=(1, 2)`, a failing row, and numbers and words behind a colon. What is quoted and is one of `names` stays.
 */
export function withoutValues(sentence: string, names: ReadonlySet<string>): string {
  const failing = /\((?:[^()]|\([^()]*\))*\)/g;
  // `Failing row contains (1, ann@example.com, …).` and whatever else lists a row: from the first bracket to the last.
  const row = /^(.{0,60}\bcontains )\(.*\)(\.?)$/s.exec(sentence);
  if (row !== null) return `${row[1] ?? ''}(***)${row[2] ?? ''}`;
  const key = /^(.*?\()([^)=]*)(\)=)\(.*\)(.*)$/s.exec(sentence);
  const text = key === null ? sentence : keyed(key, names);
  return quotes(text, names).replace(failing, (part) =>
    part === '(***)' ||
    part
      .slice(1, -1)
      .split(', ')
      .every((name) => isName(name, names))
      ? part
      : '(***)',
  );
}

function keyed(parts: RegExpExecArray, names: ReadonlySet<string>): string {
  const [, head = '', columns = '', middle = '', tail = ''] = parts;
  const known = columns.split(', ').every((name) => isName(name, names));
  return `${head}${known ? columns : '***'}${middle}(***)${tail}`;
}

const pairs: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '«': '»',
  '„': '“',
  '“': '”',
  '»': '«',
  '`': "'",
};

/**
 * Everything between the first quote and the last goes, except names. A value can hold quotes itself, so pairs are not
 * trusted: between two names that may stay, what stands there unquoted stays only if it has no quote in it.
 */
function quotes(sentence: string, names: ReadonlySet<string>): string {
  let out = '';
  let at = 0;
  while (at < sentence.length) {
    const open = sentence[at] ?? '';
    const close = pairs[open];
    if (close === undefined || (open === "'" && /\w$/.test(out) && /^\w/.test(sentence.slice(at + 1)))) {
      out += open;
      at++;
      continue;
    }
    const end = sentence.indexOf(close, at + 1);
    const inside = sentence.slice(at + 1, end < 0 ? undefined : end);
    if (end >= 0 && isName(inside, names)) {
      out += sentence.slice(at, end + 1);
      at = end + 1;
      continue;
    }
    // Up to the last closing quote: the value may hold quotes of its own.
    const last = sentence.lastIndexOf(close);
    const stop = last > at ? last : sentence.length;
    out += `${open}***${last > at ? close : ''}`;
    at = stop + 1;
  }
  return out;
}

function isName(text: string, names: ReadonlySet<string>): boolean {
  return (
    names.has(text) ||
    names.has(text.replaceAll('"', '')) ||
    (text !== '' && text.split('.').every((part) => names.has(part)))
  );
}
