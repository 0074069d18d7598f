import { instant } from '../base/time.ts';
import type { Access, Action, Attribute, ColumnUse, Target } from '../core/action.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { Resource, ResourceName, SessionId } from '../core/session.ts';
import { type Atoms, example, valuesOf } from './atoms.ts';
import type { Kind, Kinds } from './kinds.ts';
import { type MatchKey, whoAndWhere } from './match.ts';
import type { Rule } from './rule.ts';
import { accesses, identityKinds } from './words.ts';

/** The moment of a request where time tells nothing: that of a test case without one. */
export const plainMoment: number = Date.parse('2026-01-01T12:00:00Z');

interface Material {
  readonly atoms: Atoms;
  readonly kinds: Kinds;
  /** Rules that requests are aimed at, in turn. */
  readonly rules: readonly Rule[];
}

/**
 * Requests aimed at rules: each fits the `match` of one of them, except that often one thing about it is another. All
 * else is drawn from the atoms, by a fixed sequence: the same material gives the same requests.
 */
export function* requests({ atoms, kinds, rules }: Material, count: number): Generator<Question> {
  const pick = picker();
  for (let made = 0; made < count; made++) {
    const rule = rules[made % rules.length];
    if (rule === undefined) return;
    const asked = question({ atoms, pick, rule, astray: pick(aspects) ?? 'nothing' }, kinds);
    if (asked !== undefined) yield asked;
  }
}

type Pick = <T>(items: readonly T[]) => T | undefined;

interface Aim {
  readonly atoms: Atoms;
  readonly pick: Pick;
  readonly rule: Rule;
  readonly astray: MatchKey | 'nothing';
}

const aspects: readonly Aim['astray'][] = [
  'nothing',
  'nothing',
  'nothing',
  'action',
  'access',
  ...whoAndWhere,
];

/** Draws by a fixed sequence (mulberry32). */
function picker(): Pick {
  let state = 0x5a11;
  return (items) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return items[((mixed ^ (mixed >>> 14)) >>> 0) % Math.max(1, items.length)];
  };
}

/** What the rule demands of this key; undefined where it demands nothing, or the request is to miss it. */
function demanded({ rule, astray }: Aim, key: MatchKey): readonly string[] | undefined {
  return astray === key ? undefined : rule.match.items.get(key);
}

function question(aim: Aim, kinds: Kinds): Question | undefined {
  const { pick, rule, astray, atoms } = aim;
  const name = pick(astray === 'resource.kind' ? [...kinds.keys()] : rule.match.kinds);
  const kind = name === undefined ? undefined : kinds.get(name);
  if (name === undefined || kind === undefined) return undefined;
  const verbs = Object.keys(kind.verbs);
  const fitting = astray === 'action' ? [] : verbs.filter((verb) => rule.match.verb(verb));
  const verb = pick(fitting.length === 0 ? verbs : fitting);
  if (verb === undefined) return undefined;
  const at = instant(moment(atoms, pick));
  return {
    identity: identity(aim),
    resource: resource(aim, name),
    action: action(aim, verb, kind),
    session: { id: 'test' as SessionId, startedAt: at },
    at,
  };
}

function moment({ expiries, timed }: Atoms, pick: Pick): number {
  const ends = expiries.flatMap((end) => [end - 1, end]);
  if (!timed) return pick([plainMoment, ...ends]) ?? plainMoment;
  const halfHour = pick(week) ?? 0;
  return pick([plainMoment + halfHour * 1_800_000, ...ends]) ?? plainMoment;
}

const week: readonly number[] = Array.from({ length: 336 }, (_, at) => at); // in half hours

function identity(aim: Aim): Identity {
  const { atoms, pick } = aim;
  const subject = pick(demanded(aim, 'identity.subject') ?? ['someone', ...atoms.items('identity.subject')]);
  const kind = pick(demanded(aim, 'identity.kind') ?? identityKinds) as Identity['kind']; // checked at load
  const owners = demanded(aim, 'identity.actingFor');
  const owner = pick(owners ?? ['owner', ...atoms.items('identity.actingFor')]);
  const delegated = owners !== undefined || (kind !== 'human' && pick([true, false]) === true);
  const self = { ...person(aim, example(subject ?? 'someone')), kind };
  if (!delegated || owner === undefined || example(owner) === self.subject) return self;
  return { ...self, actingFor: person(aim, example(owner)) };
}

function person(aim: Aim, subject: string): Identity {
  const { atoms, pick } = aim;
  const groups = atoms.items('identity.groups');
  const group = pick(demanded(aim, 'identity.groups') ?? [undefined, ...groups]);
  const also = pick([false, false, true]) === true ? pick([...groups, ...atoms.texts]) : undefined;
  const attributes: Record<string, string | number | boolean> = {};
  for (const [name, type] of atoms.facts) {
    const value = pick([undefined, ...valuesOf(type, atoms)]);
    if (value !== undefined && typeof value !== 'object') attributes[name] = value;
  }
  return {
    kind: 'human',
    subject: subject as Subject,
    groups: [...new Set([group, also].filter((each) => each !== undefined))],
    attributes,
    proof: { kind: 'token', tokenId: 'test', expiresAt: instant(8.64e15) },
  };
}

function resource(aim: Aim, kind: string): Resource {
  const { atoms, pick } = aim;
  const names = demanded(aim, 'resource.name') ?? ['x', ...atoms.items('resource.name')];
  const tag = pick(demanded(aim, 'resource.tags') ?? [undefined, ...atoms.items('resource.tags')]);
  const env = pick(demanded(aim, 'resource.env') ?? [undefined, ...atoms.items('resource.env')]);
  return {
    name: example(pick(names) ?? 'x') as ResourceName,
    kind,
    tags: [...(tag === undefined ? [] : [example(tag)]), ...(env === undefined ? [] : [`env/${env}`])],
    settings: undefined,
  };
}

const understood = accesses.filter((access) => access !== 'unknown');

function action(aim: Aim, verb: string, kind: Kind): Action {
  const { atoms, pick } = aim;
  const access = pick(demanded(aim, 'access') ?? understood) as Access; // checked at load
  const attributes: Record<string, Attribute> = {};
  for (const [name, type] of Object.entries(kind.attributes)) {
    attributes[name] = pick(valuesOf(type, atoms)) ?? false;
  }
  const columns = pick(few) === 0 || atoms.columns.length === 0 ? [] : drawn(pick, () => column(aim));
  const objects = [
    ...columns.map(({ object }): Target => ({ kind: 'table', name: object, access })),
    ...(pick(few) === 0 ? [] : drawn(pick, () => target(aim, access))),
  ];
  return {
    verb,
    access,
    targets: objects,
    columns,
    attributes,
    text: '',
    notes: [],
    ...(pick([false, false, false, true]) === true ? { opaque: true as const } : {}),
  };
}

const few: readonly number[] = [0, 1, 2];

function drawn<T>(pick: Pick, one: () => T): readonly T[] {
  return pick([1, 1, 2]) === 1 ? [one()] : [one(), one()];
}

function column({ atoms, pick }: Aim): ColumnUse {
  const { object, column: name } = pick(atoms.columns) ?? { object: 'public.x', column: 'y' };
  return { object, column: name, use: pick(['output', 'output', 'filter', 'write'] as const) ?? 'output' };
}

/** A literal of a condition can be an object's name, the beginning of one, or its kind. */
function target({ atoms, pick }: Aim, access: Access): Target {
  const text = pick(['public.x', ...atoms.texts]) ?? 'public.x';
  switch (pick(few)) {
    case 0:
      return { kind: text, name: 'x', access };
    case 1:
      return { kind: 'table', name: `${text}x`, access };
    default:
      return { kind: 'table', name: text, access };
  }
}
