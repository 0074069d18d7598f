import type { Attribute, ColumnRef } from '../core/action.ts';
import type { AttributeType } from './kinds.ts';
import type { LoadedPolicy } from './load.ts';
import type { MatchKey } from './match.ts';

/** What policies speak of: the material that requests are made from. Patterns stand as a text that they fit. */
export interface Atoms {
  readonly items: (key: MatchKey) => readonly string[];
  /** Literals of conditions and params. */
  readonly texts: readonly string[];
  readonly numbers: readonly number[];
  readonly columns: readonly ColumnRef[];
  /** Declared facts of identities. */
  readonly facts: ReadonlyMap<string, AttributeType>;
  /** Moments at which an exemption ends. */
  readonly expiries: readonly number[];
  readonly timed: boolean;
}

/** The atoms of all these policies together. */
export function atomsOf(policies: readonly LoadedPolicy[]): Atoms {
  const rules = policies.flatMap(({ ruling }) => ruling.rules);
  const items = new Map<MatchKey, Set<string>>();
  const texts = new Set<string>();
  const numbers = new Set<number>();
  for (const rule of rules) {
    for (const [key, values] of rule.match.items) {
      const known = items.get(key) ?? new Set();
      items.set(key, known);
      for (const value of values) known.add(example(value));
    }
    for (const found of literals(rule.when?.source ?? '')) texts.add(found);
    for (const [digits] of (rule.when?.source ?? '').matchAll(/\b\d+(?:\.\d+)?\b/g)) {
      for (const near of [-1, 0, 1]) numbers.add(Number(digits) + near);
    }
    for (const value of rule.values.values()) {
      for (const each of Array.isArray(value) ? value : [value]) {
        if (typeof each === 'string') texts.add(each);
        else if (typeof each === 'number') numbers.add(each).add(each + 1);
      }
    }
  }
  const lines = policies.flatMap(({ schema }) => schema.tags);
  const names = items.get('resource.name') ?? new Set<string>();
  items.set('resource.name', names);
  for (const { resource } of lines) names.add(example(resource));
  const subjects = items.get('identity.subject') ?? new Set<string>();
  items.set('identity.subject', subjects);
  for (const { identities, resources } of policies.flatMap(({ ruling }) => ruling.exemptions)) {
    for (const each of identities) subjects.add(example(each));
    for (const each of resources) names.add(example(each));
  }
  return {
    items: (key) => [...(items.get(key) ?? [])],
    texts: [...texts],
    numbers: [...numbers],
    columns: [...new Set(lines.map(({ column }) => example(column)))].map(columnOf),
    facts: new Map(policies.flatMap(({ schema }) => [...schema.identity])),
    expiries: policies.flatMap(({ ruling }) => ruling.exemptions.map(({ expires }) => expires as number)),
    timed: rules.some((rule) => rule.when?.fleeting === true || rule.duties?.window !== undefined),
  };
}

/** A text that a pattern fits. */
export function example(pattern: string): string {
  return pattern.replaceAll('*', 'x');
}

function columnOf(name: string): ColumnRef {
  const dot = name.lastIndexOf('.');
  return dot > 0
    ? { object: name.slice(0, dot), column: name.slice(dot + 1) }
    : { object: 'public.x', column: name };
}

/** The texts in quotes. Only material for a search: what an escape would say does not matter. */
function literals(source: string): readonly string[] {
  return [...source.matchAll(/"([^"\\]*)"|'([^'\\]*)'/g)].map(([, double, single]) => double ?? single ?? '');
}

/** Values an attribute of this type may tell apart. */
export function valuesOf(type: AttributeType, atoms: Atoms): readonly Attribute[] {
  switch (type) {
    case 'boolean':
      return [false, true];
    case 'number':
      return [0, ...atoms.numbers];
    case 'string':
      return ['', ...atoms.texts];
    case 'strings':
    default:
      return [[], ...atoms.texts.map((text) => [text])];
  }
}
