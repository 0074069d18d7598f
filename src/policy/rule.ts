import { type CelInput, celMap } from '@bufbuild/cel';
import type { Place, RuleId, RuleRef } from '../core/decision.ts';
import { dutyNames } from '../core/duties.ts';
import type { Compile, Condition } from './condition.ts';
import { type OnRequest, readOnRequest, ruleDigest } from './on-request.ts';
import { isPattern, readDuties, type RuleDuties } from './duties.ts';
import { joinDuties } from './join.ts';
import type { Kinds } from './kinds.ts';
import { type Match, readMatch } from './match.ts';
import { type Param, type ParamValue, substitute } from './params.ts';
import type { Problems } from './problem.ts';
import { choice, type Fields, fields, flag, text, texts, wrong } from './shape.ts';
import type { Type } from './types.ts';
import type { Located } from './yaml.ts';

export const enforcements = ['enforce', 'soft', 'warn', 'shadow', 'off'] as const;
export type Enforcement = (typeof enforcements)[number];

/** One rule at one use of its module, ready to be asked. */
export interface Rule {
  readonly ref: RuleRef;
  readonly layer: string;
  readonly enforce: Enforcement;
  readonly match: Match;
  readonly when?: Condition;
  readonly duties?: RuleDuties;
  /** Who may break a soft deny, and for which tickets. */
  readonly breakGlass?: BreakGlass;
  /** In force only for who was granted it. */
  readonly onRequest?: OnRequest;
  /** An exemption may take it away even from a ceiling. */
  readonly exemptible: boolean;
  /** What `params` means in its condition. */
  readonly params: CelInput | undefined;
  readonly values: RuleContext['values'];
  /** Tells apart what one name demands at different times: of a layer of OPA. */
  readonly variant?: string;
}

export interface BreakGlass {
  readonly groups: readonly string[];
  /** A pattern that the id of the ticket must match as a whole. */
  readonly ticket?: string;
}

/** What the rules of one use of a module share. */
export interface RuleContext {
  readonly prefix: string; // the module's name, or what the use calls it
  readonly layer: string;
  readonly owner?: string;
  readonly params: ReadonlyMap<string, Param>;
  readonly values: ReadonlyMap<string, ParamValue>;
  readonly kinds: Kinds;
  /** The words of a rule that may meet these kinds, with these params; the same map for the same. */
  readonly words: (kinds: readonly string[], params: RuleContext['params']) => ReadonlyMap<string, Type>;
  readonly compile: Compile;
}

const known = {
  required: ['id', 'effect', 'match'],
  optional: ['when', 'then', 'why', 'fix', 'enforce', 'owner', 'exemptible', 'breakGlass', 'onRequest'],
};

/** Reads one rule; `undefined` when anything is wrong with it. */
export function readRule(raw: Located, context: RuleContext, problems: Problems): Rule | undefined {
  const before = problems.list.length;
  const found = fields(substitute(raw, context.values, problems), 'a rule', known, problems);
  if (found === undefined) return undefined;
  const id = readId(found, problems);
  const effect = given(found, 'effect', (node) =>
    choice(node, 'effect', ['allow', 'deny', 'require'], problems),
  );
  const enforce =
    given(found, 'enforce', (node) => choice(node, 'enforce', enforcements, problems)) ?? 'enforce';
  const match = given(found, 'match', (node) => readMatch(node, context.kinds, problems));
  const why = given(found, 'why', (node) => text(node, 'why', problems));
  const fix = given(found, 'fix', (node) => text(node, 'fix', problems));
  const owner = given(found, 'owner', (node) => text(node, 'owner', problems)) ?? context.owner;
  const exemptible = given(found, 'exemptible', (node) => flag(node, 'exemptible', problems)) ?? false;
  const then = found.get('then');
  const plain = then === undefined ? undefined : readDuties(then.value, context.kinds.entities, problems);
  if (effect === 'require' && then === undefined) {
    problems.add('SP-Y003', raw.at, 'A require rule says under `then` what it requires');
  }
  if (effect !== undefined && effect !== 'require' && then !== undefined) {
    problems.add('SP-Y004', then.keyAt, `An ${effect} rule has no duties: write a require rule beside it`);
  }
  const breakGlass = readBreakGlass(found, enforce, raw.at, problems);
  if (enforce === 'soft' && effect !== 'deny' && effect !== undefined) {
    problems.add('SP-Y004', raw.at, 'Only a deny rule can be `enforce: soft`');
  }
  const asked = found.get('onRequest');
  const terms = asked === undefined ? undefined : readOnRequest(asked.value, problems);
  if (asked !== undefined && effect !== 'allow' && effect !== undefined) {
    problems.add('SP-Y004', asked.keyAt, 'Only an allow rule can be `onRequest`');
  }
  const when = match === undefined ? undefined : readWhen(found, match, context, problems);
  if (id === undefined || effect === undefined || match === undefined) return undefined;
  if (then !== undefined && plain !== undefined)
    enforceable(plain, match, { at: then.keyAt, kinds: context.kinds }, problems);
  if (problems.list.length > before) return undefined;
  const named = `${context.prefix}/${id.value}` as RuleId;
  const duties = plain === undefined ? undefined : countedBy(plain, named);
  const ref: RuleRef = {
    id: named,
    effect,
    at: id.at,
    ...(why === undefined ? {} : { why: why.trim() }),
    ...(fix === undefined ? {} : { fix: fix.trim() }),
    ...(owner === undefined ? {} : { owner }),
    ...(duties === undefined ? {} : { demands: demandsOf(duties) }),
  };
  const own = { layer: context.layer, values: context.values, ...(when === undefined ? {} : { when }) };
  return {
    ref,
    layer: context.layer,
    enforce,
    match,
    exemptible,
    params: paramsWord(context),
    values: context.values,
    ...(when === undefined ? {} : { when }),
    ...(duties === undefined ? {} : { duties }),
    ...(breakGlass === undefined ? {} : { breakGlass }),
    ...(terms === undefined ? {} : { onRequest: { ...terms, digest: ruleDigest(named, match, own, terms) } }),
  };
}

/** A rate counts the actions of its own rule. */
export function countedBy(duties: RuleDuties, of: string): RuleDuties {
  return duties.rates === undefined
    ? duties
    : { ...duties, rates: duties.rates.map((rate) => ({ ...rate, of })) };
}

/** SECURITY: only statements of SQL say which columns they read, so elsewhere these duties would be believed and do nothing. */
function enforceable(
  { onlyColumns, predicates }: RuleDuties,
  { kinds: met }: Match,
  { at, kinds }: { readonly at: Place; readonly kinds: Kinds },
  problems: Problems,
): void {
  const what = onlyColumns !== undefined ? 'columns' : predicates !== undefined ? 'predicates' : undefined;
  if (what === undefined) return;
  const blind = met.filter(
    (name) => !Object.keys(kinds.get(name)?.verbs ?? {}).some((verb) => verb.startsWith('sql.')),
  );
  if (blind.length === 0) return;
  problems.add(
    'SP-Y011',
    at,
    `\`${what}\` cannot be enforced for ${blind.join(', ')}: they do not say which columns a request reads`,
    {
      fix: 'Name the kinds in the match: `resource: { kind: postgres }`',
    },
  );
}

/** The names of what a rule demands, as denials find the rule that made a limit. */
export function demandsOf(duties: RuleDuties): readonly string[] {
  return [
    ...dutyNames({ kind: 'allow', duties: joinDuties([duties], 'meta') }).filter(
      (name) => !name.startsWith('record:'),
    ),
    ...(duties.predicates ?? []).map(({ tag }) => `predicates ${tag}`),
    ...(duties.unknownLineage === undefined ? [] : ['lineage']),
    ...(duties.window === undefined ? [] : ['window']),
  ];
}

function given<T>(found: Fields, key: string, read: (node: Located) => T | undefined): T | undefined {
  const node = found.get(key)?.value;
  return node === undefined ? undefined : read(node);
}

function readId(
  found: Fields,
  problems: Problems,
): { readonly value: string; readonly at: Place } | undefined {
  const field = found.get('id');
  if (field === undefined) return undefined;
  const value = text(field.value, 'id', problems);
  if (value === undefined) return undefined;
  if (/^[a-z0-9][a-z0-9-]{0,99}$/.test(value)) return { value, at: field.keyAt };
  return wrong(field.value, 'An id is made of lower-case letters, digits and dashes', problems);
}

function readWhen(
  found: Fields,
  match: Match,
  context: RuleContext,
  problems: Problems,
): Condition | undefined {
  const node = found.get('when')?.value;
  if (node === undefined) return undefined;
  const source = text(node, 'when', problems);
  if (source === undefined || node.kind !== 'scalar') return undefined;
  return context.compile({ ...node, value: source }, context.words(match.kinds, context.params), problems);
}

function readBreakGlass(
  found: Fields,
  enforce: Enforcement,
  at: Place,
  problems: Problems,
): BreakGlass | undefined {
  const node = found.get('breakGlass')?.value;
  if (node === undefined) {
    if (enforce === 'soft')
      problems.add('SP-Y003', at, 'A soft rule says under `breakGlass` who may break it');
    return undefined;
  }
  if (enforce !== 'soft') wrong(node, '`breakGlass` belongs to `enforce: soft`', problems);
  const inner = fields(node, 'breakGlass', { required: ['groups'], optional: ['ticket'] }, problems);
  if (inner === undefined) return undefined;
  const groups = given(inner, 'groups', (list) => texts(list, 'breakGlass.groups', problems));
  const pattern = inner.get('ticket')?.value;
  const ticket = pattern === undefined ? undefined : text(pattern, 'breakGlass.ticket', problems);
  if (pattern !== undefined && ticket !== undefined) isPattern({ ...pattern, value: ticket }, problems);
  if (groups === undefined) return undefined;
  return { groups: groups.map(({ value }) => value), ...(ticket === undefined ? {} : { ticket }) };
}

/** The word `params`: absent where the module has none. */
function paramsWord({ params, values }: RuleContext): CelInput | undefined {
  if (params.size === 0) return undefined;
  return celMap(
    new Map([...values].map(([name, value]): readonly [string, CelInput] => [name, inputOf(value)])),
  );
}

function inputOf(value: ParamValue): CelInput {
  if (typeof value === 'number') return BigInt(value);
  return typeof value === 'object' ? [...value] : value;
}
