import { type CelInput, celEnv, celMap, parse, plan } from '@bufbuild/cel';
import { never } from '../base/result.ts';
import type { Attribute, ColumnUse, Target } from '../core/action.ts';
import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { AttributeType, Kind, Kinds } from './kinds.ts';
import {
  bool,
  double,
  type Field,
  type ObjectType,
  objectOf,
  oneOf,
  string,
  strings,
  timestamp,
  type Type,
} from './types.ts';

export const accesses: readonly string[] = ['read', 'write', 'define', 'administer', 'execute', 'unknown'];
export const identityKinds: readonly string[] = ['human', 'workload', 'agent'];

/** What an identity's further facts are, as schema.yaml declares them. */
export type IdentityAttributes = ReadonlyMap<string, AttributeType>;

/** The words of a rule that may meet these kinds: an attribute is known where all of them have it with one type. */
export function wordsFor(
  names: readonly string[],
  kinds: Kinds,
  attributes: IdentityAttributes,
): ReadonlyMap<string, Type> {
  const met = names.map((name) => kinds.get(name)).filter((kind) => kind !== undefined);
  return new Map<string, Type>([
    ['identity', identityType(attributes)],
    [
      'resource',
      objectOf('resource', {
        name: { type: string },
        kind: { type: oneOf([...kinds.keys()]) },
        tags: { type: strings },
      }),
    ],
    ['action', actionType(met)],
    [
      'session',
      objectOf('session', {
        id: { type: string, fleeting: true },
        startedAt: { type: timestamp, fleeting: true },
        run: { type: string, optional: true, fleeting: true },
        saw: { type: strings, fleeting: true },
      }),
    ],
    ['now', timestamp],
  ]);
}

function identityType(attributes: IdentityAttributes): ObjectType {
  const own: Record<string, Field> = {
    subject: { type: string },
    kind: { type: oneOf(identityKinds) },
    groups: { type: strings },
  };
  for (const [name, type] of attributes) own[name] = { type: typeOf(type), optional: true };
  // One level of the chain is named; rules are judged for every identity of it in any case.
  return objectOf('identity', {
    ...own,
    actingFor: { type: objectOf('identity.actingFor', own), optional: true },
  });
}

function actionType(kinds: readonly Kind[]): ObjectType {
  const members: Record<string, Field> = {};
  const [first, ...others] = kinds;
  for (const [name, type] of Object.entries(first?.attributes ?? {})) {
    if (others.every((kind) => kind.attributes[name] === type)) members[name] = { type: typeOf(type) };
  }
  const object = objectOf('object', {
    kind: { type: string },
    name: { type: string },
    access: { type: oneOf(accesses) },
  });
  const column = objectOf('column', {
    object: { type: string },
    column: { type: string },
    use: { type: oneOf(['output', 'filter', 'write']) },
    tags: { type: strings },
  });
  return objectOf('action', {
    ...members,
    verb: { type: oneOf([...new Set(kinds.flatMap((kind) => Object.keys(kind.verbs)))]) },
    access: { type: oneOf(accesses) },
    opaque: { type: bool },
    objects: { type: { kind: 'list', of: object } },
    columns: { type: { kind: 'list', of: column } },
  });
}

function typeOf(type: AttributeType): Type {
  switch (type) {
    case 'boolean':
      return bool;
    case 'number':
      return double;
    case 'strings':
      return strings;
    case 'string':
      return string;
    default:
      return never(type);
  }
}

/** What a policy knows of the facts it is asked about. */
export interface Declared {
  readonly kinds: Kinds;
  readonly identity: IdentityAttributes;
  readonly tagsOf: (resource: string, object: string, column: string) => readonly string[];
}

/** The words of one question. `params` are those of the rule that is asked: the engine sets them before each condition. */
export interface Words {
  params: CelInput | undefined;
}

/** Makes the words of a question, seen as asked by `identity` (one of the delegation chain). */
export type MakeWords = (question: Question, identity: Identity) => Words;

/** What every word is made from. `$` is in no word of CEL, so no condition can reach these. */
interface Asked {
  readonly $question: Question;
  readonly $asker: Identity;
}

/** Attribute -> its value; undefined: absent. */
type Table<From> = Readonly<Record<string, (from: From) => CelInput | undefined>>;

/**
 * A word as a map, read only where a condition names an attribute: `has()` and lists. Everything else about it is left
 * out on purpose: the type checker lets nobody count, compare or go through a word.
 */
class View<From> extends Map<string, CelInput> {
  readonly #from: From;
  readonly #table: Table<From>;

  constructor(from: From, table: Table<From>) {
    super();
    this.#from = from;
    this.#table = table;
  }

  override get(key: string): CelInput | undefined {
    return Object.hasOwn(this.#table, key) ? this.#table[key]?.(this.#from) : undefined;
  }
}

function view<From>(from: From, table: Table<From>): CelInput {
  return celMap(new View(from, table));
}

/** Makes words for all kinds of a policy, once. */
export function wordMaker(declared: Declared): MakeWords {
  const makers = new Map(
    [...declared.kinds].map(([name, kind]) => [name, makerFor(kind, declared)] as const),
  );
  const unknown = makerFor({ verbs: {}, attributes: {} }, declared);
  return (question, identity) => (makers.get(question.resource.kind) ?? unknown)(question, identity);
}

function makerFor(kind: Kind, declared: Declared): MakeWords {
  class Facts implements Asked, Words {
    readonly $question: Question;
    readonly $asker: Identity;
    params: CelInput | undefined = undefined;

    constructor(question: Question, asker: Identity) {
      this.$question = question;
      this.$asker = asker;
    }
  }
  // The evaluator asks for a path by its dotted name first (`action.byKey`): then most facts are one property away.
  Object.setPrototypeOf(Facts.prototype, null);
  for (const [word, table] of Object.entries(tables(kind, declared))) {
    getter(Facts.prototype, word, (asked) => view(asked, table));
    for (const [name, read] of Object.entries(table)) getter(Facts.prototype, `${word}.${name}`, read);
  }
  getter(Facts.prototype, 'now', ({ $question }) => instantOf($question.at));
  for (const [name, read] of Object.entries(behind(declared))) getter(Facts.prototype, name, read);
  return (question, identity) => new Facts(question, identity);
}

/** The lists behind two words as they are, for conditions that are asked without CEL's evaluator. No word of CEL begins with `$`. */
function behind(declared: Declared): Readonly<Record<`$${string}`, (asked: Asked) => unknown>> {
  return {
    $objects: ({ $question }) => $question.action.targets,
    $columns: ({ $question }) => $question.action.columns,
    $tagsOf:
      ({ $question }) =>
      ({ object, column }: ColumnUse) =>
        declared.tagsOf($question.resource.name, object, column),
  };
}

function getter(on: object, name: string, read: (asked: Asked) => unknown): void {
  Object.defineProperty(on, name, {
    get(this: Asked) {
      return read(this);
    },
  });
}

function tables(kind: Kind, declared: Declared): Readonly<Record<string, Table<Asked>>> {
  const owner = identityTable(declared.identity);
  const identity = identityTable(declared.identity);
  return {
    identity: {
      ...Object.fromEntries(
        Object.entries(identity).map(([name, read]) => [name, (asked: Asked) => read(asked.$asker)]),
      ),
      actingFor: ({ $asker }) => ($asker.actingFor === undefined ? undefined : view($asker.actingFor, owner)),
    },
    resource: {
      name: ({ $question }) => $question.resource.name,
      kind: ({ $question }) => $question.resource.kind,
      tags: ({ $question }) => [...$question.resource.tags],
    },
    action: actionTable(kind, declared),
    session: {
      id: ({ $question }) => $question.session.id,
      startedAt: ({ $question }) => instantOf($question.session.startedAt),
      run: ({ $question }) => $question.session.run,
      saw: ({ $question }) => [...($question.session.saw ?? [])],
    },
  };
}

const asTimestamp = plan(celEnv(), parse('timestamp(text)').expr);

function instantOf(at: number): CelInput {
  return asTimestamp({ text: new Date(at).toISOString() }) as CelInput;
}

function identityTable(attributes: IdentityAttributes): Table<Identity> {
  const free = [...attributes].map(([name, type]) => [
    name,
    (identity: Identity) =>
      fact(Object.hasOwn(identity.attributes, name) ? identity.attributes[name] : undefined, type),
  ]);
  return {
    ...(Object.fromEntries(free) as Table<Identity>),
    subject: (identity) => identity.subject,
    kind: (identity) => identity.kind,
    groups: (identity) => [...identity.groups],
  };
}

function actionTable(kind: Kind, declared: Declared): Table<Asked> {
  const own = Object.entries(kind.attributes).map(([name, type]) => [
    name,
    ({ $question: { action } }: Asked) =>
      fact(Object.hasOwn(action.attributes, name) ? action.attributes[name] : undefined, type),
  ]);
  return {
    ...(Object.fromEntries(own) as Table<Asked>),
    verb: ({ $question }) => $question.action.verb,
    access: ({ $question }) => $question.action.access,
    opaque: ({ $question }) => $question.action.opaque === true,
    objects: ({ $question }) => $question.action.targets.map((target) => view(target, objectTable)),
    columns: ({ $question }) => {
      const resource = $question.resource.name;
      const tagged: Table<ColumnUse> = {
        ...columnTable,
        tags: ({ object, column }) => [...declared.tagsOf(resource, object, column)],
      };
      return $question.action.columns.map((column) => view(column, tagged));
    },
  };
}

const objectTable: Table<Target> = {
  kind: (target) => target.kind,
  name: (target) => target.name,
  access: (target) => target.access,
};

const columnTable: Table<ColumnUse> = {
  object: (column) => column.object,
  column: (column) => column.column,
  use: (column) => column.use,
};

/**
 * A fact of the declared type, or undefined when it is absent.
 *
 * SECURITY: a fact of another type throws, which fails the whole condition whatever stands around it. Read as absent or
 * compared as it is, `"false"` would slip past `identity.mfa == false`.
 */
function fact(value: Attribute | undefined, type: AttributeType): CelInput | undefined {
  if (value === undefined) return undefined;
  if (type === 'strings') {
    if (Array.isArray(value)) return [...(value as readonly string[])];
  } else if (typeof value === type && typeof value !== 'object') return value;
  throw new TypeError(`A fact is not of its declared type ${type}`);
}
