import { placeAt, type SqlText } from './sql.ts';
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
  const whole: SqlText = { file, text: source, line: 1, col: 1 };
  const tokens = tokensOf(source);
  if (tokens === undefined) {
    const piece = placeAt(whole, 0);
    return { up: [], down: [], unread: [{ piece, why: 'It cannot be read as JavaScript', down: false }] };
  }
  const read = { up: [] as SqlText[], down: [] as SqlText[], unread: [] as ReadCode['unread'][number][] };
  const bodies = bodiesOf(tokens);
  if (!bodies.some((each) => each.name === 'up')) {
    read.unread.push({
      piece: placeAt(whole, 0),
      why: 'It has no function up() that can be read',
      down: false,
    });
  }
  for (const { name, parameter, body } of bodies) {
    const down = name === 'down';
    for (let at = 0; at < body.length; at++) {
      const token = body[at];
      if (token?.kind === 'dynamic' && token.value.includes(parameter)) {
        read.unread.push({ piece: placeAt(whole, token.at), why: dark, down });
      }
      if (token?.kind !== 'word' || token.value !== parameter) continue;
      const chain = rawChain(body, at + 1);
      if (chain === undefined || body[at - 1]?.value === '.') {
        read.unread.push({ piece: placeAt(whole, token.at), why: dark, down });
        continue;
      }
      for (const { value, at: start } of chain.texts) {
        const { line, col } = placeAt(whole, start);
        read[name].push({ file, text: value, line, col });
      }
      at = chain.end - 1;
    }
  }
  return read;
}

const dark =
  'Only raw() with one literal text is understood; what else a migration builds can be told only by running it';

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
  const pattern =
    /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|([A-Za-z_$][\w$]*)|'((?:[^'\\\n]|\\[\s\S])*)'|"((?:[^"\\\n]|\\[\s\S])*)"|`((?:[^`\\]|\\[\s\S])*)`|(=>|[^\s'"`])|(['"`])/gu;
  for (const match of source.matchAll(pattern)) {
    const [whole, word, single, double, template, sign, open] = match;
    const at = match.index;
    if (open !== undefined) return undefined;
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
