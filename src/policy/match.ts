import { nearest } from '../base/check.ts';
import type { Place } from '../core/decision.ts';
import { tagMatches } from '../core/duties.ts';
import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import { anyGlob, glob } from './glob.ts';
import type { Kinds } from './kinds.ts';
import type { Problems } from './problem.ts';
import { type Fields, fields, texts } from './shape.ts';
import { accesses, identityKinds } from './words.ts';
import type { Located, LocatedScalar } from './yaml.ts';

/** What a rule is about. Inside one key any item will do; all keys must hold. */
export interface Match {
  readonly tests: readonly MatchTest[];
  /** Resource kinds it can meet; all known ones when it names none. */
  readonly kinds: readonly string[];
  readonly verb: (verb: string) => boolean;
  /** The literal items by key (`identity.groups` -> …), for analysis. */
  readonly items: ReadonlyMap<MatchKey, readonly string[]>;
}

export interface MatchTest {
  readonly key: MatchKey;
  readonly source: string; // `identity.groups: analysts, leads`
  readonly at: Place;
  /** How far off a request is that fails here: who asks and where weighs more than what is asked. */
  readonly weight: number;
  readonly passes: (question: Question, identity: Identity) => boolean;
}

/** The keys about who asks and where. The others are about what is asked. */
export const whoAndWhere = [
  'resource.kind',
  'resource.name',
  'resource.tags',
  'resource.env',
  'identity.kind',
  'identity.groups',
  'identity.subject',
  'identity.actingFor',
] as const;

export type MatchKey = (typeof whoAndWhere)[number] | 'action' | 'access';

type Item = LocatedScalar & { readonly value: string };

interface KeyRules {
  readonly weight: number;
  readonly among?: (kinds: Kinds) => readonly string[];
  readonly passes: (items: readonly string[]) => MatchTest['passes'];
}

const keyRules: Readonly<Record<MatchKey, KeyRules>> = {
  'resource.kind': {
    weight: 20,
    among: (kinds) => [...kinds.keys()],
    passes: (items) => (question) => items.includes(question.resource.kind),
  },
  'resource.name': {
    weight: 10,
    passes: (items) => {
      const test = anyGlob(items);
      return (question) => test(question.resource.name);
    },
  },
  'resource.tags': {
    weight: 10,
    passes: (items) => (question) =>
      question.resource.tags.some((tag) => items.some((item) => tagMatches(item, tag))),
  },
  'resource.env': {
    weight: 10,
    passes: (items) => {
      const tags = new Set(items.map((item) => `env/${item}`));
      return (question) => anyOf(question.resource.tags, tags);
    },
  },
  'identity.kind': {
    weight: 8,
    among: () => identityKinds,
    passes: (items) => (_, identity) => items.includes(identity.kind),
  },
  'identity.groups': {
    weight: 8,
    passes: (items) => {
      const groups = new Set(items);
      return (_, identity) => anyOf(identity.groups, groups);
    },
  },
  'identity.subject': {
    weight: 8,
    passes: (items) => {
      const test = anyGlob(items);
      return (_, identity) => test(identity.subject);
    },
  },
  'identity.actingFor': {
    weight: 8,
    passes: (items) => {
      const test = anyGlob(items);
      return (_, identity) => identity.actingFor !== undefined && test(identity.actingFor.subject);
    },
  },
  action: {
    weight: 2,
    passes: (items) => {
      const test = anyGlob(items);
      return (question) => test(question.action.verb);
    },
  },
  access: {
    weight: 2,
    among: () => accesses,
    passes: (items) => (question) => items.includes(question.action.access),
  },
};

function anyOf(items: readonly string[], wanted: ReadonlySet<string>): boolean {
  for (const item of items) if (wanted.has(item)) return true;
  return false;
}

/** Reads `match:`. The same places as the file has; `undefined` when anything is wrong. */
export function readMatch(node: Located, kinds: Kinds, problems: Problems): Match | undefined {
  const before = problems.list.length;
  const top = fields(node, 'match', { optional: ['resource', 'action', 'identity', 'access'] }, problems);
  if (top === undefined) return undefined;
  const resource = below(top, 'resource', ['kind', 'name', 'tags', 'env'], problems);
  const identity = below(top, 'identity', ['kind', 'groups', 'subject', 'actingFor'], problems);
  const given = new Map<MatchKey, Located>();
  for (const key of ['kind', 'name', 'tags', 'env'] as const) put(given, `resource.${key}`, resource, key);
  for (const key of ['kind', 'groups', 'subject', 'actingFor'] as const) {
    put(given, `identity.${key}`, identity, key);
  }
  put(given, 'action', top, 'action');
  put(given, 'access', top, 'access');

  const items = new Map<MatchKey, readonly Item[]>();
  for (const [key, value] of given) {
    const found = texts(value, key, problems);
    if (found === undefined) continue;
    items.set(key, found);
    const among = keyRules[key].among?.(kinds);
    if (among !== undefined) for (const item of found) mustBe(item, key, among, problems);
  }
  const met = items.get('resource.kind')?.map((item) => item.value) ?? [...kinds.keys()];
  for (const item of items.get('action') ?? []) checkVerb(item, met, kinds, problems);
  if (problems.list.length > before) return undefined;

  const plain = new Map([...items].map(([key, found]) => [key, found.map((item) => item.value)]));
  const tests = [...plain].map(([key, values]): MatchTest => {
    const at = given.get(key)?.at ?? node.at;
    const { weight, passes } = keyRules[key];
    return { key, source: `${key}: ${values.join(', ')}`, at, weight, passes: passes(values) };
  });
  return { tests, kinds: met, verb: anyGlob(plain.get('action') ?? ['*']), items: plain };
}

function below(
  top: Fields,
  key: string,
  optional: readonly string[],
  problems: Problems,
): Fields | undefined {
  const node = top.get(key)?.value;
  return node === undefined ? undefined : fields(node, `match.${key}`, { optional }, problems);
}

function put(given: Map<MatchKey, Located>, as: MatchKey, from: Fields | undefined, key: string): void {
  const node = from?.get(key)?.value;
  if (node !== undefined) given.set(as, node);
}

function mustBe(item: Item, key: string, among: readonly string[], problems: Problems): void {
  if (among.includes(item.value)) return;
  const near = nearest(item.value, among);
  problems.add(
    'SP-T107',
    item.at,
    `No ${key} \`${item.value}\`${near === undefined ? '' : ` (did you mean \`${near}\`?)`}`,
    {
      fix: near === undefined ? `Known: ${among.join(', ')}` : `${item.value} → ${near}`,
      length: item.value.length,
    },
  );
}

/** A verb, or a pattern of verbs, must meet at least one of the kinds: `sql.selct` would silently never match. */
function checkVerb(item: Item, met: readonly string[], kinds: Kinds, problems: Problems): void {
  const known = [...new Set(met.flatMap((name) => Object.keys(kinds.get(name)?.verbs ?? {})))];
  if (known.some(glob(item.value))) return;
  const near = nearest(item.value, known);
  problems.add(
    'SP-T107',
    item.at,
    `No verb \`${item.value}\` in ${met.join(', ')}${near === undefined ? '' : ` (did you mean \`${near}\`?)`}`,
    {
      fix: near === undefined ? `Known: ${known.join(', ')}` : `${item.value} → ${near}`,
      length: item.value.length,
    },
  );
}
