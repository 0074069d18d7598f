import { tagMatches } from '../core/duties.ts';
import { glob } from './glob.ts';
import type { MatchKey } from './match.ts';
import type { Problems } from './problem.ts';
import type { Rule } from './rule.ts';

/** Allow rules that deny rules always stop: one of them, or several between them. */
export function overridden(rules: readonly Rule[], problems: Problems): void {
  const denies = rules.filter((rule) => isHard(rule) && rule.ref.effect === 'deny');
  const stopping = { near: byCondition(denies), pairs: pairsOf(denies) };
  for (const allow of rules.filter((rule) => rule.ref.effect === 'allow')) {
    const by = stoppers(allow, stopping);
    if (by === undefined) continue;
    const places = by.map(({ ref: { id, at } }) => `${id} (${at.file}:${at.line}:${at.col})`);
    problems.add(
      'SP-S202',
      allow.ref.at,
      `${allow.ref.id} can never allow: ${places.join(' and ')} always ${by.length > 1 ? 'deny' : 'denies'}`,
      {
        fix:
          by.length > 1
            ? 'Delete it, or narrow one of the denies'
            : 'Delete one of the two, or narrow the deny',
      },
    );
  }
}

interface Stopping {
  /** The denies that may hold a rule. */
  readonly near: (rule: Rule) => readonly Rule[];
  /** Two denies of which one denies where a condition holds, and the other where it does not. */
  readonly pairs: readonly (readonly [Rule, Rule])[];
}

/** The denies that stop every request that the rule allows; undefined where none is known to do so. */
function stoppers(allow: Rule, stopping: Stopping): readonly Rule[] | undefined {
  const whole = stopper(allow, stopping);
  if (whole !== undefined) return whole;
  const stopped = new Set<Rule>();
  const pieces = piecesOf(allow);
  if (pieces.length < 2) return undefined;
  for (const piece of pieces) {
    const by = stopper(piece, stopping);
    if (by === undefined) return undefined;
    for (const each of by) stopped.add(each);
  }
  return [...stopped];
}

function stopper(allow: Rule, { near, pairs }: Stopping): readonly Rule[] | undefined {
  const one = near(allow).find((each) => within(allow, each));
  if (one !== undefined) return [one];
  // Whatever the condition says, one of the two denies: only what they match is to hold all of the rule.
  return pairs.find((pair) => pair.every((each) => within(allow, without(each))));
}

function without(rule: Rule): Rule {
  const { when: _, ...always } = rule;
  return always;
}

function pairsOf(denies: readonly Rule[]): Stopping['pairs'] {
  const single = denies.filter(({ when, params }) => when?.parts.length === 1 && params === undefined);
  const bySource = Map.groupBy(single, ({ when }) => plainly(when?.parts[0]?.source ?? ''));
  return [...bySource].flatMap(([source, rules]) =>
    [`!${source}`, `!(${source})`]
      .filter((negative) => opposite(negative, source))
      .flatMap((negative) => bySource.get(negative) ?? [])
      .flatMap((no) => rules.map((yes) => [yes, no] as const)),
  );
}

const split: readonly MatchKey[] = ['resource.kind', 'action', 'access'];
const mostPieces = 64;

/** The same rule in pieces, each about one kind, one verb and one access of those that it names. */
function piecesOf(rule: Rule): readonly Rule[] {
  let pieces: readonly Rule[] = [rule];
  for (const key of split) {
    const items = rule.match.items.get(key) ?? [];
    if (items.length < 2 || items.length * pieces.length > mostPieces) continue;
    pieces = pieces.flatMap((piece) =>
      items.map((item) => ({
        ...piece,
        match: { ...piece.match, items: new Map([...piece.match.items, [key, [item]]]) },
      })),
    );
  }
  return pieces;
}

/** Whether one text is the other one with a `!` before it, as far as texts tell. */
export function opposite(a: string, b: string): boolean {
  return negates(a, b) || negates(b, a);
}

function negates(negative: string, positive: string): boolean {
  const [no, yes] = [negative, positive].map(plainly) as [string, string]; // one each
  if (no === `!(${yes})`) return true;
  // Without brackets `!` takes only the first word with it.
  return no === `!${yes}` && /^[\w.]+(?:\([^()]*\))?$/.test(yes);
}

function plainly(source: string): string {
  return source.replaceAll(/\s+/g, ' ').replaceAll("'", '"').trim();
}

/** Whether every request that `inner` matches is matched by `outer`. Says no where it cannot tell. */
export function within(inner: Rule, outer: Rule): boolean {
  const asked = new Set(inner.when?.parts.map(({ source }) => source));
  if (outer.when?.parts.some(({ source }) => !asked.has(source)) === true) return false;
  // The same words can mean other params.
  if (outer.when?.reads.has('params') === true && outer.params !== inner.params) return false;
  for (const [key, items] of outer.match.items) {
    const own = inner.match.items.get(key);
    if (own === undefined) return false;
    if (!own.every((item) => items.some((pattern) => covers(key, pattern, item)))) return false;
  }
  return true;
}

const patterned: ReadonlySet<MatchKey> = new Set([
  'action',
  'resource.name',
  'identity.subject',
  'identity.actingFor',
]);

/** Of two patterns the outer covers the inner where it matches the inner's own text; `*` in it stands for a text too. */
function covers(key: MatchKey, outer: string, inner: string): boolean {
  if (key === 'resource.tags') return outer === inner || (!inner.includes('*') && tagMatches(outer, inner));
  return patterned.has(key) ? glob(outer)(inner) : outer === inner;
}

/** Of these rules those that may hold another one: every part of their condition is one of its parts. */
export function byCondition(rules: readonly Rule[]): (inner: Rule) => readonly Rule[] {
  const always = rules.filter(({ when }) => when === undefined);
  const first = Map.groupBy(rules, ({ when }) => when?.parts[0]?.source);
  return ({ when }) => [...always, ...(when?.parts ?? []).flatMap(({ source }) => first.get(source) ?? [])];
}

export function isHard(rule: Rule): boolean {
  return rule.enforce === 'enforce';
}
