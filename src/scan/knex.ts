import { placer, type SqlText } from './sql.ts';
import type { Piece } from './finding.ts';

/** What can be read of a migration in JavaScript or TypeScript: the texts of raw(), and the places that stay dark. */
export interface ReadCode {
  readonly up: readonly SqlText[];
  readonly down: readonly SqlText[];
  readonly unread: readonly { readonly piece: Piece; readonly why: string; readonly down: boolean }[];
}

interface Token {
  readonly kind: 'word' | 'text' | 'dynamic' | 'sign';
  readonly value: string;
  readonly at: number; // offset in the file; of a text that of its first character inside the quotes
}

/**
 * Reads `exports.up = (knex) => knex.raw('…')` and its like without running it. Only `raw` and `schema.raw` with one
 * literal are understood; wherever else the parameter of up() or down() is used, what happens cannot be told.
 */
export function readCode(file: string, source: string): ReadCode {
  const placeAt = placer({ file, text: source, line: 1, col: 1 });
  const tokens = tokensOf(source);
  if (tokens === undefined) {
    const piece = placeAt(0);
    return { up: [], down: [], unread: [{ piece, why: 'It cannot be read as JavaScript', down: false }] };
  }
  const read = { up: [] as SqlText[], down: [] as SqlText[], unread: [] as ReadCode['unread'][number][] };
  const bodies = bodiesOf(tokens);
  if (!bodies.some((each) => each.name === 'up')) {
    read.unread.push({
      piece: placeAt(0),
      why: 'It has no function up() that can be read',
      down: false,
    });
  }
  const brought = new Set([...broughtIn(tokens), ...elsewhere]);
  for (const { name, parameter, body } of bodies) {
    const down = name === 'down';
    for (let at = 0; at < body.length; at++) {
      const token = body[at];
      if (token?.kind === 'dynamic' && token.value.includes(parameter)) {
        read.unread.push({ piece: placeAt(token.at), why: dark, down });
      }
      if (token?.kind !== 'word') continue;
      if (token.value !== parameter) {
        const own = brought.has(token.value) && body[at - 1]?.value !== '.' && body[at + 1]?.value !== ':';
        if (own) read.unread.push({ piece: placeAt(token.at), why: foreign, down });
        continue;
      }
      const chain = rawChain(body, at + 1);
      if (chain === undefined || body[at - 1]?.value === '.') {
        read.unread.push({ piece: placeAt(token.at), why: dark, down });
        continue;
      }
      for (const { value, at: start } of chain.texts) {
        const { line, col } = placeAt(start);
        read[name].push({ file, text: value, line, col });
      }
      at = chain.end - 1;
    }
  }
  return read;
}

const dark =
  'Only raw() with one literal text is understood; what else a migration builds can be told only by running it';

const foreign = 'What code from elsewhere does here can be told only by running it';

/** SECURITY: ways to the database, or to the parameter, without its name. */
const elsewhere = ['arguments', 'eval', 'Function', 'require', 'import', 'globalThis', 'process'];

/** The names that a file brings in: `import a, { b as c } from …`, `const { d } = require(…)`. Types do nothing. */
function broughtIn(tokens: readonly Token[]): readonly string[] {
  const names: string[] = [];
  for (const [at, { kind, value }] of tokens.entries()) {
    if (kind !== 'word') continue;
    if (value === 'import' && tokens[at + 1]?.value !== 'type' && tokens[at + 1]?.value !== '(') {
      const end = tokens.findIndex((each, index) => index > at && each.kind === 'text');
      names.push(...wordsOf(tokens.slice(at + 1, end < 0 ? at + 1 : end)));
    } else if (value === 'require') {
      const start = tokens.findLastIndex(
        (each, index) => index < at && ['const', 'let', 'var', ';'].includes(each.value),
      );
      names.push(...wordsOf(tokens.slice(start + 1, at)));
    }
  }
  return names;
}

function wordsOf(tokens: readonly Token[]): readonly string[] {
  return tokens.flatMap(({ kind, value }) =>
    kind === 'word' && !['from', 'as', 'type', 'default', 'await'].includes(value) ? [value] : [],
  );
}

interface Body {
  readonly name: 'up' | 'down';
  readonly parameter: string;
  readonly body: readonly Token[];
}

/** `exports.up = async function (knex) {…}`, `exports.up = knex => …`, `export async function up(knex) {…}`, `export const up = …`. */
function bodiesOf(tokens: readonly Token[]): readonly Body[] {
  const starts: { readonly name: 'up' | 'down'; readonly at: number }[] = [];
  for (const [at, { kind, value }] of tokens.entries()) {
    if (kind !== 'word' || (value !== 'up' && value !== 'down')) continue;
    const [before, after] = [tokens[at - 1]?.value, tokens[at + 1]?.value];
    const assigned = after === '=' && (before === '.' || before === 'const' || before === 'let');
    const declared = before === 'function' && after === '(';
    const member = after === '(' && (before === 'async' || before === '{' || before === ',');
    if (assigned || declared || member) starts.push({ name: value, at });
  }
  return starts.flatMap(({ name, at }, index): readonly Body[] => {
    const end = starts[index + 1]?.at ?? tokens.length;
    const inside = tokens.slice(at + 1, end);
    const first = inside.findIndex(
      ({ kind, value }) => kind === 'word' && !['async', 'function', name].includes(value),
    );
    const parameter = inside[first];
    // Everything from the parameter to the next function counts as its body: more than it is, never less.
    return parameter === undefined
      ? []
      : [{ name, parameter: parameter.value, body: afterSignature(inside.slice(first + 1)) }];
  });
}

/** Without the type of the parameter: `: Knex): Promise<void>`. */
function afterSignature(tokens: readonly Token[]): readonly Token[] {
  const at = tokens.findIndex(({ value }) => value === '{' || value === '=>');
  return at < 0 ? tokens : tokens.slice(at + 1);
}

interface Chain {
  readonly texts: readonly Token[];
  readonly end: number;
}

/** `.raw('…')`, `.schema.raw('…')`, and more of them in a row. Undefined: something else. */
function rawChain(tokens: readonly Token[], from: number): Chain | undefined {
  const texts: Token[] = [];
  let at = from;
  for (;;) {
    let next = at;
    if (tokens[next]?.value === '.' && tokens[next + 1]?.value === 'schema') next += 2;
    const [dot, name, bracket, text] = tokens.slice(next, next + 4);
    let close = next + 4;
    if (tokens[close]?.value === ',') close += 1;
    const raw =
      dot?.value === '.' && name?.value === 'raw' && bracket?.value === '(' && text?.kind === 'text';
    if (!raw || tokens[close]?.value !== ')') break;
    texts.push(text);
    at = close + 1;
  }
  // What comes after a dot would be a call on the builder that is not understood; then() only waits.
  if (tokens[at]?.value === '.' || tokens[at]?.value === '[') return undefined;
  return texts.length === 0 ? undefined : { texts, end: at };
}

/** Undefined where a text does not end as JavaScript says: then nothing about the file can be relied on. */
function tokensOf(source: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  for (let from = 0; from < source.length;) {
    const before = tokens.at(-1);
    const pattern = source[from] === '/' && !endsValue(before) ? beginning : anything;
    pattern.lastIndex = from;
    const match = pattern.exec(source);
    if (match === null || (source[from] === '/' && isEither(source, from, before))) return undefined;
    const whole = match[0];
    const { word, single, double, template, sign } = (match.groups ?? {}) as Readonly<
      Partial<Record<string, string>>
    >; // groups that did not take part are absent
    const at = from;
    from += whole.length;
    if (word !== undefined) tokens.push({ kind: 'word', value: word, at });
    else if (sign !== undefined) tokens.push({ kind: 'sign', value: sign, at });
    else if (template?.includes('${') === true) tokens.push({ kind: 'dynamic', value: whole, at });
    else {
      const text = single ?? double ?? template;
      if (text === undefined) continue;
      const value = unescaped(text);
      tokens.push(
        value === undefined ? { kind: 'dynamic', value: whole, at } : { kind: 'text', value, at: at + 1 },
      );
    }
  }
  return tokens;
}

/** Blanks and comments, words, three kinds of texts, signs; a quote that nothing closes is none of them. */
const anything =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<word>[A-Za-z_$][\w$]*)|'(?<single>(?:[^'\\\n]|\\[\s\S])*)'|"(?<double>(?:[^"\\\n]|\\[\s\S])*)"|`(?<template>(?:[^`\\]|\\[\s\S])*)`|(?<sign>=>|[^\s'"`])/uy;

/** A comment, or a pattern: what looks like a quote inside one is none. It is kept as a sign. */
const beginning =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<sign>\/(?:[^\\/[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+\/[a-z]*)/uy;

/** Whether a slash after this divides; else a pattern begins. */
function endsValue(before: Token | undefined): boolean {
  if (before === undefined) return false;
  if (before.kind === 'text' || before.kind === 'dynamic') return true;
  if (before.kind === 'word')
    return ![
      'return',
      'typeof',
      'case',
      'in',
      'of',
      'await',
      'void',
      'delete',
      'else',
      'do',
      'yield',
      'instanceof',
      'new',
    ].includes(before.value);
  return [')', ']', '}'].includes(before.value);
}

/** SECURITY: after `)` and `}` a slash is one or the other, and a quote inside a pattern would turn what is text and what is code around. */
function isEither(source: string, from: number, before: Token | undefined): boolean {
  if (before?.value !== ')' && before?.value !== '}') return false;
  beginning.lastIndex = from;
  const pattern = beginning.exec(source)?.groups?.['sign'];
  return pattern !== undefined && /['"`]/.test(pattern);
}

const simple: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\n': '',
  "'": "'",
  '"': '"',
  '`': '`',
  '\\': '\\',
  $: '$',
};

/** Undefined for escapes that are not read (`\x41`): the text is then not known. */
function unescaped(text: string): string | undefined {
  let known = true;
  const value = text.replaceAll(/\\([\s\S])/g, (_, char: string) => {
    const plain = simple[char];
    if (plain === undefined) known = false;
    return plain ?? '';
  });
  return known ? value : undefined;
}
