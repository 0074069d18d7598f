import type { FindMask } from '../../core/decision.ts';
import { maskFindings, type MaskKey } from '../../mask/index.ts';
import { isFixed } from './sentences.ts';

/** Words that are names, not values. */
export type Names = Pick<ReadonlySet<string>, 'has'>;

/** What the statement behind an error or notice touches. */
export interface NoticeAbout {
  /** A column it uses is under a mask. */
  readonly tagged: boolean;
  /** It is not known what it touches. */
  readonly unknown: boolean;
  /** Names of objects and columns, and the statement's own words, which may be shown of what is found in its text. */
  readonly names: Names;
  /** Names of objects and columns alone: what else is said while it runs may be a value that is among its words. */
  readonly objects: Names;
  readonly finds: readonly FindMask[];
}

// PostgreSQL docs, 55.8 (Error and Notice Message Fields). Codes and names of objects; F, L, R are places in its source.
const facts = new Set(['S', 'V', 'C', 'P', 'p', 's', 't', 'c', 'd', 'n', 'F', 'L', 'R']);
const objectFields = new Set(['s', 't', 'c', 'd', 'n']);
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
    if (facts.has(code)) {
      // A function may say what it likes in these too (`RAISE … USING TABLE = ssn`).
      if (!guarded || !objectFields.has(code) || !written(fields) || about.objects.has(value))
        shown.set(code, value);
    } else if (sentences.has(code)) {
      const sentence = guarded ? guardedSentence(code, value, { fields, about }) : value;
      if (sentence !== undefined) shown.set(code, maskText(sentence, about.finds, key));
    } else if (!guarded && (code === 'W' || code === 'q')) {
      shown.set(code, maskText(value, about.finds, key));
    }
  }
  return shown;
}

/**
 * SECURITY: while a statement runs, the server puts values into its sentences unquoted too (numbers, bytes, parts of XML,
 * names that were put together), so only known sentences are shown then. Before that, and where the code says that it is
 * about the session, it speaks of the statement's text alone.
 */
function guardedSentence(
  code: string,
  value: string,
  { fields, about }: { readonly fields: ReadonlyMap<string, string>; readonly about: NoticeAbout },
): string | undefined {
  if (written(fields)) return '***';
  const sqlstate = fields.get('C') ?? '';
  if (fields.has('P') && !fields.has('q') && !fields.has('p')) return withoutValues(value, about.names);
  const names = runtimeNames(fields, about.objects);
  const shown = numbers(withoutValues(value, names));
  if (ofTheSession.test(sqlstate)) return shown;
  const kind = code === 'M' ? 'message' : 'detail';
  if (code !== 'H' && isFixed(kind, shown, (word) => isName(word, names))) return shown;
  return code === 'M'
    ? `*** (SQLSTATE ${sqlstate}; what the server says could hold a masked value)`
    : undefined;
}

// PostgreSQL 18 docs, appendix A: connection, transaction state, statement and cursor names, rollback, resources, limits,
// operator intervention, the server's own faults.
const ofTheSession = /^(?:08|25|26|34|3B|40|53|54|57|58|F0|XX)/;

/** What may be named: objects, and those that the error itself names in fields of their own (54.8: s, t, c, d, n). */
function runtimeNames(fields: ReadonlyMap<string, string>, objects: Names): Names {
  const own = new Set([...objectFields].map((code) => fields.get(code)));
  return { has: (name) => own.has(name) || objects.has(name) };
}

/** Numbers go, but for those inside quotes: what stands there is a name by now. */
function numbers(sentence: string): string {
  return sentence
    .split(/("[^"]*")/)
    .map((part, at) => (at % 2 === 1 ? part : part.replaceAll(/0x[0-9a-f]+|\d+/gi, '***')))
    .join('');
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
