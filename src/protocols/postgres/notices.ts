import type { FindMask } from '../../core/decision.ts';
import { maskFindings, type MaskKey } from '../../mask/index.ts';

/** Words that are names, not values. */
export type Names = Pick<ReadonlySet<string>, 'has'>;

/** What the statement behind an error or notice touches. */
export interface NoticeAbout {
  /** A column it uses is under a mask. */
  readonly tagged: boolean;
  /** It is not known what it touches. */
  readonly unknown: boolean;
  /** Names of objects and columns, which may be shown. */
  readonly names: Names;
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
  const sentence = (value: string): string => {
    if (!guarded) return maskText(value, about.finds, key);
    return written(fields) ? '***' : maskText(withoutValues(value, about.names), about.finds, key);
  };
  for (const [code, value] of fields) {
    if (facts.has(code)) shown.set(code, value);
    else if (sentences.has(code)) shown.set(code, sentence(value));
    else if (!guarded && (code === 'W' || code === 'q')) shown.set(code, maskText(value, about.finds, key));
  }
  return shown;
}

const languages = /^(?:pl_exec|plperl|plpy_\w+|plpython|pltcl|plv8\w*|pllua\w*)\./;
const ownContext = /^(?:JSON data|COPY |portal |unnamed portal|extended query)/;

/**
 * SECURITY: whether a function may have written the sentence itself (`RAISE NOTICE 'it is %', ssn`): it can then say
 * anything unquoted. What a function says has its context with it, or comes from the source file of its language; the
 * code proves nothing, a function chooses it.
 */
function written(fields: ReadonlyMap<string, string>): boolean {
  const context = fields.get('W');
  return (
    languages.test(fields.get('F') ?? 'pl_exec.') || (context !== undefined && !ownContext.test(context))
  );
}

/** A text on its way to the client that is no row: a notification's payload, a parameter's value. */
export function maskText(text: string, finds: readonly FindMask[], key: MaskKey): string {
  return finds.length === 0 ? text : maskFindings(text, finds, { key }).text;
}

/**
 * A sentence of the server without the values in it: what stands in `"…"`, `'…'`, `«…»` or `„…“`, in brackets, the values
 * of `Key (a, b)=(1, 2)`, a failing row, and long numbers. What is quoted or bracketed and is one of `names` stays.
 */
export function withoutValues(sentence: string, names: Names): string {
  // `Failing row contains (1, ann@example.com, …).` and whatever else lists a row: from the first bracket to the last.
  const row = /^(.{0,60}\bcontains )\(.*\)(\.?)$/s.exec(sentence);
  if (row !== null) return `${row[1] ?? ''}(***)${row[2] ?? ''}`;
  // A value may hold brackets and quotes of its own, so it goes on to the last bracket.
  const key = /^([^(]*)\((.*?)\)=\(.*\)(.*)$/s.exec(sentence);
  if (key === null) return plain(sentence, names);
  const [, head = '', columns = '', tail = ''] = key;
  const known = columns.split(', ').every((name) => isName(name, names));
  return `${plain(head, names)}(${known ? columns : '***'})=(***)${plain(tail, names)}`;
}

function plain(sentence: string, names: Names): string {
  return brackets(quotes(sentence, names), names).replaceAll(/\d{5,}/g, '***');
}

/** From the first bracket to the last one, unless all that stands in it are names. */
function brackets(sentence: string, names: Names): string {
  const open = sentence.indexOf('(');
  const close = sentence.lastIndexOf(')');
  if (open < 0 || close < open) return sentence;
  const inside = sentence.slice(open + 1, close);
  if (inside.split(', ').every((name) => isName(name, names))) return sentence;
  return `${sentence.slice(0, open)}(***)${sentence.slice(close + 1)}`;
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
function quotes(sentence: string, names: Names): string {
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

function isName(text: string, names: Names): boolean {
  return (
    names.has(text) ||
    names.has(text.replaceAll('"', '')) ||
    (text !== '' && text.split('.').every((part) => names.has(part)))
  );
}
