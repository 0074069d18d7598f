import { nearest } from '../base/check.ts';
import { instant } from '../base/time.ts';
import type { Access, Attribute, ColumnUse, Target } from '../core/action.ts';
import type { Place } from '../core/decision.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { Resource, ResourceName, SessionId } from '../core/session.ts';
import { type Expectation, readExpectation } from './expectation.ts';
import type { AttributeType, Kinds } from './kinds.ts';
import type { Problems } from './problem.ts';
import { apiVersion, choice, type Fields, fields, mapping, text, texts, unknownKey, wrong } from './shape.ts';
import { accesses, type IdentityAttributes, identityKinds } from './words.ts';
import { type Located, readYaml } from './yaml.ts';

/** One case of a `tests/*.test.yaml`: a question, or several that must all be answered alike. */
export interface Case {
  readonly name: string;
  readonly at: Place;
  readonly questions: readonly { readonly label: string; readonly question: Question }[];
  readonly expect: Expectation;
  /** The identities of its file, whether it asks as them or not. */
  readonly fixtures: readonly Identity[];
  /** Rules on request that who asks has been granted. */
  readonly granted?: readonly { readonly rule: string; readonly at: Place }[];
}

interface Fixtures {
  readonly identities: ReadonlyMap<string, Identity>;
  readonly resources: ReadonlyMap<string, Resource>;
  readonly kinds: Kinds;
}

/** What a test may speak of: the kinds of resources, and the facts of identities that schema.yaml declares. */
export interface Vocabulary {
  readonly kinds: Kinds;
  readonly identity: IdentityAttributes;
}

export const casePath: RegExp = /^tests\/[^/]+\.test\.yaml$/;

/** Reads the cases of one file. Those without a problem are given, the problems of the others collected. */
// oxlint-disable-next-line max-params
export function readCases(
  file: string,
  source: string,
  words: Vocabulary,
  problems: Problems,
): readonly Case[] {
  const root = readYaml(file, source, problems);
  if (root === undefined) return [];
  const found = fields(
    root,
    'a test file',
    { required: ['apiVersion', 'cases'], optional: ['fixtures'] },
    problems,
  );
  const list = found?.get('cases')?.value;
  if (found === undefined || list === undefined) return [];
  apiVersion(found, root.at, problems);
  if (list.kind !== 'list' || list.items.length === 0) {
    wrong(list, 'cases is a list of at least one case', problems);
    return [];
  }
  const fixtures = readFixtures(found.get('fixtures')?.value, words, problems);
  return list.items.map((item) => readCase(item, fixtures, problems)).filter((item) => item !== undefined);
}

function readFixtures(
  node: Located | undefined,
  { kinds, identity: facts }: Vocabulary,
  problems: Problems,
): Fixtures {
  const identities = new Map<string, Identity>();
  const resources = new Map<string, Resource>();
  const found =
    node === undefined
      ? undefined
      : fields(node, 'fixtures', { optional: ['identities', 'resources'] }, problems);
  for (const { key, value } of entriesOf(found, 'identities', problems)) {
    const identity = readIdentity({ subject: key, node: value }, identities, facts, problems);
    if (identity !== undefined) identities.set(key, identity);
  }
  for (const { key, value } of entriesOf(found, 'resources', problems)) {
    if (elsewhere(value, problems)) continue;
    const of = fields(value, `resource ${key}`, { required: ['kind'], optional: ['tags'] }, problems);
    const kind = of?.get('kind')?.value;
    const named = kind === undefined ? undefined : choice(kind, 'kind', [...kinds.keys()], problems);
    if (named === undefined) continue;
    const tags = of?.get('tags')?.value;
    const items = tags === undefined ? [] : (texts(tags, 'tags', problems) ?? []);
    resources.set(key, {
      name: key as ResourceName,
      kind: named,
      tags: items.map((item) => item.value),
      settings: undefined,
    });
  }
  return { identities, resources, kinds };
}

/** Keys that an author may expect of a resource, and how the same is said here. */
const saidOtherwise: Readonly<Record<string, (value: string) => string>> = {
  env: (value) => `The environment is a tag: tags: [env/${value}]`,
  name: () => 'The name of a resource is the key above',
};

function elsewhere(node: Located, problems: Problems): boolean {
  let found = false;
  for (const { key, keyAt, value } of node.kind === 'map' ? node.entries : []) {
    const said = Object.hasOwn(saidOtherwise, key) ? saidOtherwise[key] : undefined;
    if (said === undefined) continue;
    found = true;
    const text = value.kind === 'scalar' && typeof value.value === 'string' ? value.value : '…';
    problems.add('SP-Y002', keyAt, `Unknown key \`${key}\` in a resource`, {
      fix: said(text),
      length: key.length,
    });
  }
  return found;
}

function entriesOf(found: Fields | undefined, key: string, problems: Problems) {
  const node = found?.get(key)?.value;
  return node === undefined ? [] : (mapping(node, key, problems)?.entries ?? []);
}

// oxlint-disable-next-line max-params
function readIdentity(
  { subject, node }: { readonly subject: string; readonly node: Located },
  known: ReadonlyMap<string, Identity>,
  facts: IdentityAttributes,
  problems: Problems,
): Identity | undefined {
  const map = mapping(node, `identity ${subject}`, problems);
  if (map === undefined) return undefined;
  let kind: Identity['kind'] = 'human';
  let groups: readonly string[] = [];
  let actingFor: Identity | undefined;
  const attributes: Record<string, string | number | boolean> = {};
  for (const { key, keyAt, value } of map.entries) {
    const type = facts.get(key);
    if (key === 'kind') {
      kind = (choice(value, 'kind', identityKinds, problems) as Identity['kind'] | undefined) ?? kind;
    } else if (key === 'groups') {
      const empty = value.kind === 'list' && value.items.length === 0;
      groups = empty ? [] : (texts(value, 'groups', problems) ?? []).map((item) => item.value);
    } else if (key === 'actingFor') actingFor = lookUp(value, 'identity', known, problems);
    else if (type === undefined) unknownFact(key, keyAt, [...facts.keys()], problems);
    else if (value.kind === 'scalar' && value.value !== null && typeof value.value === type) {
      attributes[key] = value.value;
    } else wrong(value, `${key} is a ${type}, as schema.yaml says`, problems);
  }
  return {
    kind,
    subject: subject as Subject,
    groups,
    attributes,
    proof: { kind: 'token', tokenId: 'test', expiresAt: instant(8.64e15) },
    ...(actingFor === undefined ? {} : { actingFor }),
  };
}

/** A fact that no rule can read tests nothing: nearly always it is another one, misspelt. */
function unknownFact(key: string, at: Place, facts: readonly string[], problems: Problems): void {
  const known = ['kind', 'groups', 'actingFor', ...facts];
  if (nearest(key, known) !== undefined) unknownKey(key, at, { what: 'an identity', known }, problems);
  else {
    problems.add('SP-Y002', at, `Unknown key \`${key}\` in an identity`, {
      fix: `Known here: ${known.join(', ')}; a fact of its own is declared in schema.yaml: identity: { ${key}: string }`,
      length: key.length,
    });
  }
}

function readCase(node: Located, fixtures: Fixtures, problems: Problems): Case | undefined {
  const before = problems.list.length;
  const found = fields(
    node,
    'a case',
    { required: ['name', 'as', 'do', 'expect'], optional: ['at', 'granted', 'saw'] },
    problems,
  );
  const [name, as, act, expected] = ['name', 'as', 'do', 'expect'].map((key) => found?.get(key)?.value);
  if (name === undefined || as === undefined || act === undefined || expected === undefined) return undefined;
  const called = text(name, 'name', problems);
  const whos = identitiesOf(as, problems).map((item) =>
    lookUp(item, 'identity', fixtures.identities, problems),
  );
  const asked = readAct(act, fixtures, problems);
  const at = found?.get('at')?.value;
  const when = at === undefined ? '2026-01-01T12:00:00Z' : text(at, 'at', problems);
  const ms = Date.parse(when ?? '');
  if (at !== undefined && when !== undefined && Number.isNaN(ms)) {
    wrong(at, 'at is a moment such as `2026-11-21T10:00:00Z`', problems);
  }
  const seen = found?.get('saw')?.value;
  const saw = seen === undefined ? [] : (texts(seen, 'saw', problems) ?? []).map(({ value }) => value);
  const given = found?.get('granted')?.value;
  const granted = given === undefined ? undefined : texts(given, 'granted', problems);
  const expect = readExpectation(expected, problems);
  if (problems.list.length > before || called === undefined || asked === undefined || expect === undefined) {
    return undefined;
  }
  const questions = whos
    .filter((who) => who !== undefined)
    .flatMap((who) =>
      asked.verbs.map((verb) => ({
        label: `${who.subject} ${verb}`,
        question: {
          identity: who,
          resource: asked.resource,
          action: { ...asked.action, verb },
          session: { id: 'test' as SessionId, startedAt: instant(ms), ...(saw.length === 0 ? {} : { saw }) },
          at: instant(ms),
        },
      })),
    );
  return {
    name: called,
    at: node.at,
    questions,
    expect,
    fixtures: [...fixtures.identities.values()],
    ...(granted === undefined
      ? {}
      : { granted: granted.map(({ value, at: place }) => ({ rule: value, at: place })) }),
  };
}

function identitiesOf(as: Located, problems: Problems): readonly Located[] {
  if (as.kind !== 'map') return texts(as, 'as', problems) ?? [];
  problems.add('SP-Y004', as.at, 'As names identities of the fixtures', {
    fix: 'Write the other identity under fixtures: identities: with all that it has, and name it here',
  });
  return [];
}

interface Asked {
  readonly verbs: readonly string[];
  readonly resource: Resource;
  readonly action: Omit<Question['action'], 'verb'>;
}

function readAct(node: Located, fixtures: Fixtures, problems: Problems): Asked | undefined {
  const known = {
    required: ['action', 'on'],
    optional: ['access', 'objects', 'columns', 'attributes', 'opaque'],
  };
  const found = fields(node, '`do`', known, problems);
  const [action, on] = [found?.get('action')?.value, found?.get('on')?.value];
  if (found === undefined || action === undefined || on === undefined) return undefined;
  const verbs = texts(action, 'action', problems) ?? [];
  const resource = lookUp(on, 'resource', fixtures.resources, problems);
  if (resource === undefined) return undefined;
  const kind = fixtures.kinds.get(resource.kind);
  for (const verb of verbs) {
    if (kind !== undefined && !Object.hasOwn(kind.verbs, verb.value)) {
      const near = nearest(verb.value, Object.keys(kind.verbs));
      const hint = near === undefined ? '' : ` (did you mean \`${near}\`?)`;
      wrong(verb, `${resource.kind} has no verb \`${verb.value}\`${hint}`, problems);
    }
  }
  const accessNode = found.get('access')?.value;
  const access = accessNode === undefined ? 'read' : choice(accessNode, 'access', accesses, problems);
  const opaque = found.get('opaque')?.value;
  return {
    verbs: verbs.map((verb) => verb.value),
    resource,
    action: {
      access: (access ?? 'unknown') as Access,
      targets: listOf(found, 'objects').map((item) => readObject(item, access as Access, problems)),
      columns: listOf(found, 'columns').map((item) => readColumn(item, problems)),
      attributes: readAttributes(found.get('attributes')?.value, kind?.attributes ?? {}, problems),
      text: '',
      notes: [],
      ...(opaque?.kind === 'scalar' && opaque.value === true ? { opaque: true } : {}),
    },
  };
}

function listOf(found: Fields, key: string): readonly Located[] {
  const node = found.get(key)?.value;
  if (node === undefined) return [];
  return node.kind === 'list' ? node.items : [node];
}

/** `public.orders`, or with its kind and access where they are not a table's and the statement's. */
function readObject(node: Located, access: Access, problems: Problems): Target {
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    return { kind: 'table', name: node.value, access };
  }
  const found = fields(node, 'an object', { required: ['name'], optional: ['kind', 'access'] }, problems);
  const word = (key: string, otherwise: string): string => {
    const field = found?.get(key)?.value;
    return field === undefined ? otherwise : (text(field, key, problems) ?? otherwise);
  };
  return { kind: word('kind', 'table'), name: word('name', '*'), access: word('access', access) as Access };
}

/** `public.customers.email`, or with how it is used where it is not put out. */
function readColumn(node: Located, problems: Problems): ColumnUse {
  const found =
    node.kind === 'map'
      ? fields(node, 'a column', { required: ['name'], optional: ['use'] }, problems)
      : undefined;
  const named = found?.get('name')?.value ?? node;
  const name = text(named, 'column', problems) ?? '';
  const dot = name.lastIndexOf('.');
  if (dot <= 0) wrong(named, 'A column is named in full: `schema.table.column`', problems);
  const use = found?.get('use')?.value;
  const how = use === undefined ? 'output' : choice(use, 'use', ['output', 'filter', 'write'], problems);
  return { object: name.slice(0, dot), column: name.slice(dot + 1), use: how ?? 'output' };
}

/** Attributes that a case does not give are what a protocol says of a plain request: false, 0, empty. */
function readAttributes(
  node: Located | undefined,
  known: Readonly<Record<string, AttributeType>>,
  problems: Problems,
): Readonly<Record<string, Attribute>> {
  const plain = { boolean: false, number: 0, string: '', strings: [] } as const;
  const attributes: Record<string, Attribute> = {};
  for (const [name, type] of Object.entries(known)) attributes[name] = plain[type];
  const given =
    node === undefined ? undefined : fields(node, 'attributes', { optional: Object.keys(known) }, problems);
  for (const [name, { value }] of given ?? []) {
    const type = known[name];
    if (type === 'strings') {
      const empty = value.kind === 'list' && value.items.length === 0;
      attributes[name] = empty ? [] : (texts(value, name, problems) ?? []).map((item) => item.value);
    } else if (value.kind === 'scalar' && value.value !== null && typeof value.value === type) {
      attributes[name] = value.value;
    } else wrong(value, `${name} is a ${type ?? '?'}`, problems);
  }
  return attributes;
}

function lookUp<T>(
  node: Located,
  what: string,
  known: ReadonlyMap<string, T>,
  problems: Problems,
): T | undefined {
  const name = text(node, what, problems);
  if (name === undefined) return undefined;
  const found = known.get(name);
  if (found !== undefined) return found;
  const near = nearest(name, [...known.keys()]);
  const hint = near === undefined ? '' : ` (did you mean \`${near}\`?)`;
  return wrong(node, `There is no ${what} \`${name}\` in the fixtures${hint}`, problems);
}
