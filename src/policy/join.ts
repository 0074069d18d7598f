import type { ApproveDuty, ClassTerms, Duties, PredicateDuty, RateDuty } from '../core/decision.ts';
import { intersection } from './columns.ts';
import { records, type RuleDuties } from './duties.ts';

/**
 * What all these rules demand together: strongest mask, smallest limit, every approval, the columns that all allow. Each
 * part is a join of a semilattice, so order and repetition change nothing; the lists are sorted so that equal duties
 * look equal.
 */
export function joinDuties(all: readonly RuleDuties[], recordAtLeast: Duties['record']): Duties {
  const joined = {
    masks: distinct(all.map((each) => distinct(each.masks)).filter((group) => group.length > 0)),
    finds: distinct(all.flatMap((each) => each.finds)),
    unknownLineage: all.some((each) => each.unknownLineage === 'deny') ? 'deny' : 'withhold',
    record: strongestRecord([recordAtLeast, ...all.map((each) => each.record)]),
    retainMs: most(all.map((each) => each.retainMs)),
    approve: joinApprovals(all.flatMap((each) => each.approve)),
    notify: sorted(all.flatMap((each) => each.notify)),
    rowLimit: least(all.map((each) => each.rowLimit)),
    byteLimit: least(all.map((each) => each.byteLimit)),
    predicates: some(joinPredicates(all.flatMap((each) => each.predicates ?? []))),
    onlyColumns: intersection(
      all.flatMap((each) => (each.onlyColumns === undefined ? [] : [each.onlyColumns])),
    ),
    rates: some(joinRates(all.flatMap((each) => each.rates ?? []))),
    concurrency: least(all.map((each) => each.concurrency)),
    sessionMs: least(all.map((each) => each.sessionMs)),
    idleMs: least(all.map((each) => each.idleMs)),
    readOnly: any(all, 'readOnly'),
    justify: any(all, 'justify'),
    tickets: some(sorted(all.flatMap((each) => each.tickets ?? []))),
  };
  // Absent keys stay absent: what nobody demands is no demand.
  return Object.fromEntries(
    Object.entries(joined).filter(([, value]) => value !== undefined),
  ) as unknown as Duties;
}

function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items;
}

function any(all: readonly RuleDuties[], key: 'readOnly' | 'justify'): true | undefined {
  return all.some((each) => each[key] === true) ? true : undefined;
}

/** What has to be kept longer by one rule is not let go by another. */
function most(values: readonly (number | undefined)[]): number | undefined {
  const given = values.filter((value) => value !== undefined);
  return given.length === 0 ? undefined : Math.max(...given);
}

function strongestRecord(wanted: readonly (Duties['record'] | undefined)[]): Duties['record'] {
  let at = 0;
  for (const each of wanted) if (each !== undefined) at = Math.max(at, records.indexOf(each));
  return records[at] ?? 'full';
}

/** The same groups: the larger count within the shorter time. Different groups: both. */
function joinApprovals(all: readonly ApproveDuty[]): readonly ApproveDuty[] {
  const byGroups = Map.groupBy(all, ({ groups }) => JSON.stringify(groups));
  const joined = [...byGroups.values()].map((same): ApproveDuty => {
    const holdMs = least(same.map((each) => each.holdMs));
    const escalate = joinEscalations(same.map((each) => each.escalate));
    const terms = joinClasses(same.map((each) => each.class));
    return {
      groups: same[0]?.groups ?? [],
      count: Math.max(...same.map(({ count }) => count)),
      withinMs: Math.min(...same.map(({ withinMs }) => withinMs)),
      ...(same.some(({ reason }) => reason === true) ? { reason: true as const } : {}),
      ...(holdMs === undefined ? {} : { holdMs }),
      ...(escalate === undefined ? {} : { escalate }),
      ...(terms === undefined ? {} : { class: terms }),
    };
  });
  return distinct(joined);
}

/** Who else may answer, and when: only groups that all of them name, and the latest time. */
function joinEscalations(all: readonly ApproveDuty['escalate'][]): ApproveDuty['escalate'] {
  const [first, ...others] = all;
  if (first === undefined) return undefined;
  let groups = first.groups;
  let { afterMs } = first;
  for (const each of others) {
    groups = groups.filter((group) => each?.groups.includes(group) === true);
    afterMs = Math.max(afterMs, each?.afterMs ?? 0);
  }
  return groups.length === 0 ? undefined : { afterMs, groups };
}

/** A class may be granted only where all of them let it be, and no further than each does. */
function joinClasses(all: readonly (ClassTerms | undefined)[]): ClassTerms | undefined {
  const terms = all.filter((each) => each !== undefined);
  if (terms.length < all.length) return undefined;
  return {
    forMs: Math.min(...terms.map(({ forMs }) => forMs)),
    count: Math.min(...terms.map(({ count }) => count)),
  };
}

/** The same tag: the narrower of both, denied if one denies, the fewer probes. */
function joinPredicates(all: readonly PredicateDuty[]): readonly PredicateDuty[] {
  const byTag = Map.groupBy(all, ({ tag }) => tag);
  const joined = [...byTag].map(([tag, same]): PredicateDuty => {
    const probes = least(same.map((each) => each.probes));
    return {
      tag,
      allow: same.some(({ allow }) => allow === 'none') ? 'none' : 'equality',
      otherwise: same.some(({ otherwise }) => otherwise === 'deny') ? 'deny' : 'approve',
      ...(probes === undefined ? {} : { probes }),
    };
  });
  return distinct(joined);
}

/** One bucket a rule and span: the smaller count. */
function joinRates(all: readonly RateDuty[]): readonly RateDuty[] {
  const byBucket = Map.groupBy(all, ({ of, perMs }) => JSON.stringify([of, perMs]));
  const joined = [...byBucket.values()].map((same): RateDuty => {
    const { of, perMs } = same[0] ?? { of: undefined, perMs: 0 };
    return { ...(of === undefined ? {} : { of }), count: Math.min(...same.map(({ count }) => count)), perMs };
  });
  return distinct(joined);
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const given = values.filter((value) => value !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}

function distinct<T>(items: readonly T[]): readonly T[] {
  if (items.length < 2) return items;
  return [...new Map(items.map((item) => [JSON.stringify(item), item]))]
    .sort(([a], [b]) => compare(a, b))
    .map(([, item]) => item);
}

function sorted(items: readonly string[]): readonly string[] {
  return [...new Set(items)].sort(compare);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
