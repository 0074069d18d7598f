import { instant } from '../base/time.ts';
import type { Action, ColumnRef } from '../core/action.ts';
import type { Decision, DenyCode, Duties } from '../core/decision.ts';
import { dutyNames } from '../core/duties.ts';
import type { Actor, DecisionEntry } from '../core/entry.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Opinions, Question } from '../core/ports.ts';
import type { ResourceName } from '../core/session.ts';
import type { LoadedPolicy } from './load.ts';
import { asGranted } from './on-request.ts';
import { chainOf, matches } from './ruling.ts';
import type { Rule } from './rule.ts';
import { weaker } from './weaker.ts';

/** A decision as it was recorded, with what the beginning of its session says. */
export interface Recorded {
  readonly entry: Omit<DecisionEntry, 'sealed' | 'kind'>;
  readonly resource: { readonly kind: string; readonly tags: readonly string[] } | undefined;
  readonly startedAt: number | undefined;
  readonly run?: string | undefined;
  /** Further facts of identities, by subject; undefined where the session did not say. */
  readonly facts?: Readonly<Record<string, Identity['attributes']>> | undefined;
  /** The duties in full, of this entry or of one with the same rules under the same policy. */
  readonly demands?: Duties | undefined;
  /** The entry was too long for the ledger, and lost a part. */
  readonly cut: boolean;
}

export type Fate = 'same' | 'allow→deny' | 'deny→ALLOW' | 'duty lost' | 'duty gained' | 'not replayable';

/** What a candidate makes of one recorded decision. */
export interface Replay {
  readonly fate: Fate;
  /** The rule that the difference hangs on; for what is not replayable, why it is not. */
  readonly by: string;
  /** Duties lost or gained. */
  readonly duties: readonly string[];
}

/** What the gate makes of conditions on columns with a tag. */
export interface Conditions {
  readonly asked: (decision: Decision, action: Action, tagsOf: TagsOf) => Decision;
  /** Counts those of one session; gives the denial of the one that is too many. */
  readonly counter: () => (decision: Decision, action: Action, tagsOf: TagsOf) => Decision | undefined;
}

type TagsOf = (column: ColumnRef) => readonly string[];

/**
 * Judges recorded decisions, in their order, with a candidate. What a rule reads and the record does not hold is never
 * guessed.
 */
export function replayer(
  policy: LoadedPolicy,
  conditions: Conditions,
): (recorded: Recorded, opinions?: Opinions) => Replay {
  const unlogged = unloggedReads(policy);
  const counters = new Map<string, ReturnType<Conditions['counter']>>();
  const counterOf = (session: string): ReturnType<Conditions['counter']> => {
    const known = counters.get(session) ?? conditions.counter();
    counters.set(session, known);
    return known;
  };
  return (recorded, opinions) => {
    const { entry } = recorded;
    const question = questionOf(recorded);
    if (typeof question === 'string') return lacking(question);
    if (entry.decision === 'deny' && entry.denial !== undefined && !byPolicy.has(entry.denial.class)) {
      return lacking(`no policy decided it (${entry.denial.class})`);
    }
    const missing = missingRead(policy, unlogged, recorded, question) ?? missingForOpa(policy, recorded);
    if (missing !== undefined) return lacking(missing);
    const asked = grantedAs(policy, recorded, question);
    const decision = policy.decide(opinions === undefined ? asked : { ...asked, opinions });
    const untraced = lineage(decision, entry.opaque);
    if (untraced === 'unknown') {
      if (entry.denial?.class === 'LINEAGE') return same;
      return lacking('the record does not say whether the origin of all values was known');
    }
    const now: Decision = untraced === 'deny' ? { ...decision, kind: 'deny', code: 'LINEAGE' } : decision;
    if (now.kind === 'deny' || (now.duties.predicates ?? []).length === 0) {
      return compared(recorded, now, { policy, question });
    }
    const tagsOf: TagsOf = (column) => policy.tagsOf(question.resource, column);
    const seen = conditions.asked(now, question.action, tagsOf);
    // Entries of older versions do not say how a column was asked for.
    if (
      seen.kind !== now.kind &&
      entry.columns.some(({ use, how }) => use === 'filter' && how === undefined)
    ) {
      return lacking('the record does not say how hidden columns were asked for in conditions');
    }
    const over = seen.kind === 'deny' ? undefined : counterOf(entry.session)(seen, question.action, tagsOf);
    return compared(recorded, over ?? seen, { policy, question });
  };
}

/** Asks what lies outside of the candidate about a recorded decision; undefined where there is nothing to ask. */
export function consulter(policy: LoadedPolicy): (recorded: Recorded) => Promise<Opinions> | undefined {
  return (recorded) => {
    const question = questionOf(recorded);
    return typeof question === 'string' ? undefined : policy.consult?.(grantedAs(policy, recorded, question));
  };
}

/** A policy of OPA is given the whole document: what it reads of it is not known. */
function missingForOpa({ ruling }: LoadedPolicy, { facts, entry, resource }: Recorded): string | undefined {
  for (const { name, judges, notReplayable } of ruling.opa ?? []) {
    if (resource === undefined || !judges(resource.kind)) continue;
    if (notReplayable !== undefined) return `the layer ${name} ${notReplayable}`;
    const lacks =
      facts === undefined
        ? 'facts of identities'
        : entry.opaque === undefined
          ? 'whether all was understood'
          : undefined;
    if (lacks !== undefined) return `the layer ${name} may read ${lacks}, which the record does not hold`;
  }
  return undefined;
}

/** What was done by a grant is judged as by the same grant: of the candidate's rules on request those that the record names. */
function grantedAs({ ruling }: LoadedPolicy, { entry }: Recorded, question: Question): Question {
  if ((entry.grants ?? []).length === 0) return question;
  return asGranted(
    question,
    ruling.rules.filter(({ ref }) => entry.rules.includes(ref.id)),
  );
}

const same: Replay = { fate: 'same', by: '', duties: [] };

/** Whether an answer whose origin is unknown would be refused. */
function lineage({ kind, duties }: Decision, opaque: boolean | undefined): 'pass' | 'deny' | 'unknown' {
  const masks = duties.masks.length > 0 || duties.finds.length > 0;
  if (kind === 'deny' || duties.unknownLineage !== 'deny' || !masks) return 'pass';
  if (opaque === undefined) return 'unknown';
  return opaque ? 'deny' : 'pass';
}

const byPolicy: ReadonlySet<DenyCode> = new Set<DenyCode>([
  'RULE',
  'NO_ALLOW_RULE',
  'POLICY_ERROR',
  'NOT_UNDERSTOOD',
  'LINEAGE',
]);

function lacking(why: string): Replay {
  return { fate: 'not replayable', by: why, duties: [] };
}

interface Judging {
  readonly policy: LoadedPolicy;
  readonly question: Question;
}

function compared({ entry, demands }: Recorded, decision: Decision, { policy, question }: Judging): Replay {
  const headline = decision.because[0]?.id ?? decision.code ?? '';
  const [was, is] = [entry.decision, decision.kind];
  if (was === 'deny' && is === 'deny') return same;
  if (is === 'deny') return { fate: 'allow→deny', by: headline, duties: [] };
  // A review is less than a deny, so it counts as one that was allowed.
  if (was === 'deny') return { fate: 'deny→ALLOW', by: entry.rules[0] ?? headline, duties: [] };
  const now = dutyNames(decision);
  const full = demands === undefined ? undefined : strengths(demands, decision, { policy, question });
  const lost = full?.lost ?? lostDuties(entry.duties, now);
  const rules = decision.because.map((rule) => rule.id);
  if (lost.length > 0) {
    return { fate: 'duty lost', by: entry.rules.find((id) => !rules.includes(id)) ?? headline, duties: lost };
  }
  const gained = full?.gained ?? lostDuties(now, entry.duties);
  if (gained.length === 0) return same;
  return {
    fate: 'duty gained',
    by: rules.find((id) => !entry.rules.includes(id)) ?? headline,
    duties: gained,
  };
}

/** What became weaker and stronger, for the columns of this request. Tags are the candidate's: older ones are not recorded. */
function strengths(
  before: Duties,
  { duties }: Decision,
  { policy, question }: Judging,
): { readonly lost: readonly string[]; readonly gained: readonly string[] } {
  if (JSON.stringify(before) === JSON.stringify(duties)) return { lost: [], gained: [] };
  const tagsOf = (column: ColumnRef): readonly string[] => policy.tagsOf(question.resource, column);
  const [was, is] = [
    { duties: before, tagsOf },
    { duties, tagsOf },
  ];
  const shown = question.action.columns.filter(({ use }) => use === 'output');
  return { lost: weaker(was, is, shown), gained: weaker(is, was, shown) };
}

const records: readonly string[] = ['record:meta', 'record:statements', 'record:full'];

function lostDuties(before: readonly string[], now: readonly string[]): readonly string[] {
  const level = Math.max(...now.map((name) => records.indexOf(name)));
  return before.filter((name) => {
    const at = records.indexOf(name);
    return at >= 0 ? level < at : !now.includes(name);
  });
}

/** The question that was asked, or why it cannot be put together again. */
function questionOf({ entry, resource, startedAt, cut, facts, run }: Recorded): Question | string {
  if (cut) return 'the entry was cut to fit the ledger';
  if (resource === undefined || startedAt === undefined)
    return 'the beginning of its session is not among the entries';
  const action: Action = {
    verb: entry.verb,
    access: entry.access,
    targets: entry.targets,
    columns: entry.columns,
    attributes: entry.attributes,
    text: '',
    notes: [],
    ...(entry.opaque === true ? { opaque: true as const } : {}),
  };
  return {
    identity: identityOf(entry.identity, facts ?? {}),
    resource: {
      name: entry.resource as ResourceName,
      kind: resource.kind,
      tags: resource.tags,
      settings: undefined,
    },
    action,
    session: {
      id: entry.session,
      startedAt: instant(startedAt),
      ...(run === undefined ? {} : { run }),
      ...(entry.saw === undefined ? {} : { saw: entry.saw }),
    },
    at: entry.at,
  };
}

function identityOf(
  { subject, kind, groups, actingFor }: Actor,
  facts: NonNullable<Recorded['facts']>,
): Identity {
  return {
    kind,
    subject: subject as Subject,
    groups,
    attributes: Object.hasOwn(facts, subject) ? (facts[subject] ?? {}) : {},
    proof: { kind: 'token', tokenId: '', expiresAt: instant(0) },
    ...(actingFor === undefined ? {} : { actingFor: identityOf(actingFor, facts) }),
  };
}

/** Rules with what they read that entries of older versions do not hold: facts of identities, whether an origin is unknown. */
function unloggedReads({ ruling, schema }: LoadedPolicy): readonly (readonly [Rule, string])[] {
  const facts = [...schema.identity.keys()].flatMap((name) => [
    `identity.${name}`,
    `identity.actingFor.${name}`,
  ]);
  const paths = [...facts, 'action.opaque'];
  return ruling.rules
    .filter((rule) => rule.enforce !== 'off')
    .flatMap((rule) =>
      paths.filter((path) => rule.when?.reads.has(path)).map((path) => [rule, path] as const),
    );
}

/** The first thing that a rule which concerns the question reads, and the record does not hold. */
// oxlint-disable-next-line max-params
function missingRead(
  { ruling }: LoadedPolicy,
  unlogged: readonly (readonly [Rule, string])[],
  { facts, entry }: Recorded,
  question: Question,
): string | undefined {
  const lacks = (path: string): boolean =>
    path === 'action.opaque' ? entry.opaque === undefined : facts === undefined;
  const unheld = unlogged.filter(([, path]) => lacks(path));
  const { attributes } = question.action;
  const declared = Object.keys(ruling.kinds.get(question.resource.kind)?.attributes ?? {});
  const absent = declared.filter((name) => !Object.hasOwn(attributes, name)).map((name) => `action.${name}`);
  if (unheld.length === 0 && absent.length === 0) return undefined;
  const concerns = (rule: Rule): boolean =>
    (chainOf(question.identity) ?? []).some((identity) => matches(rule, question, identity));
  const later = ruling.rules.flatMap((rule) =>
    absent.filter((path) => rule.when?.reads.has(path)).map((path) => [rule, path] as const),
  );
  const found = [...unheld, ...later].find(([rule]) => concerns(rule));
  return found === undefined
    ? undefined
    : `${found[0].ref.id} reads ${found[1]}, which the record does not hold`;
}
