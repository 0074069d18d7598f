import { instant } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import type { Decision, DenyCode } from '../core/decision.ts';
import type { Actor, DecisionEntry } from '../core/entry.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { ResourceName } from '../core/session.ts';
import type { LoadedPolicy } from './load.ts';
import { chainOf, matches } from './ruling.ts';
import type { Rule } from './rule.ts';

/** A decision as it was recorded, with what the beginning of its session says. */
export interface Recorded {
  readonly entry: Omit<DecisionEntry, 'sealed' | 'kind'>;
  readonly resource: { readonly kind: string; readonly tags: readonly string[] } | undefined;
  readonly startedAt: number | undefined;
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

/** Judges recorded decisions with a candidate. What a rule reads and the record does not hold is never guessed. */
export function replayer(policy: LoadedPolicy): (recorded: Recorded) => Replay {
  const unlogged = unloggedReads(policy);
  return (recorded) => {
    const { entry } = recorded;
    const question = questionOf(recorded);
    if (typeof question === 'string') return lacking(question);
    if (entry.decision === 'deny' && entry.denial !== undefined && !byPolicy.has(entry.denial.class)) {
      return lacking(`no policy decided it (${entry.denial.class})`);
    }
    const missing = missingRead(policy, unlogged, question);
    if (missing !== undefined) return lacking(missing);
    const decision = policy.decide(question);
    const { masks, finds, unknownLineage } = decision.duties;
    const lineage =
      decision.kind !== 'deny' && unknownLineage === 'deny' && (masks.length > 0 || finds.length > 0);
    if (lineage && entry.denial?.class === 'LINEAGE') return { fate: 'same', by: '', duties: [] };
    if (lineage) return lacking('the record does not say whether the origin of all values was known');
    return compared(entry, decision);
  };
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

function compared(entry: Recorded['entry'], decision: Decision): Replay {
  const headline = decision.because[0]?.id ?? decision.code ?? '';
  const [was, is] = [entry.decision, decision.kind];
  if (was === 'deny' && is === 'deny') return { fate: 'same', by: '', duties: [] };
  if (is === 'deny') return { fate: 'allow→deny', by: headline, duties: [] };
  // A review is less than a deny, so it counts as one that was allowed.
  if (was === 'deny') return { fate: 'deny→ALLOW', by: entry.rules[0] ?? headline, duties: [] };
  const now = dutiesOf(decision);
  const lost = lostDuties(entry.duties, now);
  const rules = decision.because.map((rule) => rule.id);
  if (lost.length > 0) {
    return { fate: 'duty lost', by: entry.rules.find((id) => !rules.includes(id)) ?? headline, duties: lost };
  }
  const gained = lostDuties(now, entry.duties);
  if (gained.length === 0) return { fate: 'same', by: '', duties: [] };
  return {
    fate: 'duty gained',
    by: rules.find((id) => !entry.rules.includes(id)) ?? headline,
    duties: gained,
  };
}

const records: readonly string[] = ['record:meta', 'record:statements', 'record:full'];

/** Duties by the names that entries have for them. */
function dutiesOf({ duties }: Decision): readonly string[] {
  return [
    ...(duties.masks.length > 0 || duties.finds.length > 0 ? ['mask'] : []),
    ...(duties.rowLimit !== undefined || duties.byteLimit !== undefined ? ['limit'] : []),
    ...(duties.approve.length > 0 ? ['approve'] : []),
    ...(duties.notify.length > 0 ? ['notify'] : []),
    `record:${duties.record}`,
  ];
}

function lostDuties(before: readonly string[], now: readonly string[]): readonly string[] {
  const level = Math.max(...now.map((name) => records.indexOf(name)));
  return before.filter((name) => {
    const at = records.indexOf(name);
    return at >= 0 ? level < at : !now.includes(name);
  });
}

/** The question that was asked, or why it cannot be put together again. */
function questionOf({ entry, resource, startedAt, cut }: Recorded): Question | string {
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
  };
  return {
    identity: identityOf(entry.identity),
    resource: {
      name: entry.resource as ResourceName,
      kind: resource.kind,
      tags: resource.tags,
      settings: undefined,
    },
    action,
    session: { id: entry.session, startedAt: instant(startedAt) },
    at: entry.at,
  };
}

function identityOf({ subject, kind, groups, actingFor }: Actor): Identity {
  return {
    kind,
    subject: subject as Subject,
    groups,
    attributes: {},
    proof: { kind: 'token', tokenId: '', expiresAt: instant(0) },
    ...(actingFor === undefined ? {} : { actingFor: identityOf(actingFor) }),
  };
}

/** Rules with what they read that no entry holds: further facts of identities, the run, whether an origin is unknown. */
function unloggedReads({ ruling, schema }: LoadedPolicy): readonly (readonly [Rule, string])[] {
  const facts = [...schema.identity.keys()].flatMap((name) => [
    `identity.${name}`,
    `identity.actingFor.${name}`,
  ]);
  const paths = [...facts, 'action.opaque', 'session.run'];
  return ruling.rules
    .filter((rule) => rule.enforce !== 'off')
    .flatMap((rule) =>
      paths.filter((path) => rule.when?.reads.has(path)).map((path) => [rule, path] as const),
    );
}

/** The first thing that a rule which concerns the question reads, and the record does not hold. */
function missingRead(
  { ruling }: LoadedPolicy,
  unlogged: readonly (readonly [Rule, string])[],
  question: Question,
): string | undefined {
  const { attributes } = question.action;
  const declared = Object.keys(ruling.kinds.get(question.resource.kind)?.attributes ?? {});
  const absent = declared.filter((name) => !Object.hasOwn(attributes, name)).map((name) => `action.${name}`);
  if (unlogged.length === 0 && absent.length === 0) return undefined;
  const concerns = (rule: Rule): boolean =>
    (chainOf(question.identity) ?? []).some((identity) => matches(rule, question, identity));
  const later = ruling.rules.flatMap((rule) =>
    absent.filter((path) => rule.when?.reads.has(path)).map((path) => [rule, path] as const),
  );
  const found = [...unlogged, ...later].find(([rule]) => concerns(rule));
  return found === undefined
    ? undefined
    : `${found[0].ref.id} reads ${found[1]}, which the record does not hold`;
}
