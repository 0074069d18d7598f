import { hash } from 'node:crypto';
import { Lru } from '../base/lru.ts';
import type { IndexRow } from './index-rows.ts';
import type { EntryQuery } from './index-store.ts';

/**
 * What an entry is found by, as terms of one inverted index: `w<word>` for words of its statement, `f<digest>` for each
 * of its facts. So every question is one intersection, read from its end.
 */
export function termsOf(row: IndexRow): readonly string[] {
  const terms: string[] = [];
  for (const name of single) {
    const value = row[name];
    if (value !== undefined) terms.push(fact(name, value));
  }
  for (const object of row.objects) terms.push(fact('object', object));
  for (const rule of row.rules) terms.push(fact('rule', rule));
  if (row.text !== undefined) for (const word of wordsIn(row.text)) terms.push(word);
  return terms;
}

const single = [
  'kind',
  'session',
  'subject',
  'agent',
  'resource',
  'run',
  'verb',
  'access',
  'decision',
  'review',
  'risk',
] as const;

const asked = {
  identity: 'subject',
  agent: 'agent',
  run: 'run',
  resource: 'resource',
  session: 'session',
  kind: 'kind',
  verb: 'verb',
  access: 'access',
  effect: 'decision',
  review: 'review',
  risk: 'risk',
  object: 'object',
  rule: 'rule',
} as const;

/** The terms that an entry must have to fit; `undefined` where none can. */
export function termsAsked(query: EntryQuery): readonly string[] | undefined {
  const terms: string[] = [];
  for (const [part, name] of Object.entries(asked)) {
    const value = query[part as keyof typeof asked];
    if (value !== undefined) terms.push(fact(name, value));
  }
  if (query.text === undefined) return terms;
  const words = wordsIn(query.text);
  return words.size === 0 ? undefined : [...terms, ...words];
}

const longestWord = 64;

/** SECURITY: letters and digits only: what is asked is words, never the query language of an index. */
function wordsIn(text: string): ReadonlySet<string> {
  const plain = /[^\p{ASCII}]/u.test(text) ? text.normalize('NFKD').replaceAll(/\p{M}/gu, '') : text;
  const words = new Set<string>();
  for (const [word] of plain.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu))
    words.add(`w${word.slice(0, longestWord)}`);
  return words;
}

const known: Lru<string, string> = new Lru(100_000);

function fact(name: string, value: string): string {
  const key = `${name}\0${value}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = `f${hash('sha256', key, 'hex').slice(0, 18)}`;
  known.set(key, made);
  return made;
}
