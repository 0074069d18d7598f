import type { ColumnRef } from '../core/action.ts';
import type { Decision } from '../core/decision.ts';
import type { Question } from '../core/ports.ts';
import { atomsOf } from './atoms.ts';
import type { LoadedPolicy } from './load.ts';
import { asGranted } from './on-request.ts';
import { requests } from './requests.ts';
import type { Rule } from './rule.ts';
import { smaller } from './shrink.ts';
import { weaker } from './weaker.ts';

export type Change = 'newly allowed' | 'newly denied' | 'duty weakened' | 'duty strengthened';

/** Requests that two policies answer differently, in the same way and by the same rules. */
export interface Difference {
  readonly change: Change;
  /** How many of the requests that were compared. */
  readonly requests: number;
  /** For duties: `rows: 500 → none`. */
  readonly duties: readonly string[];
  /** One of them, with nothing about it that does not matter. */
  readonly witness: Question;
  readonly before: Decision;
  readonly now: Decision;
}

export interface Comparison {
  readonly compared: number;
  /** Rules that are not the same in both, by id. */
  readonly changed: readonly string[];
  readonly differences: readonly Difference[];
}

/** Asks both policies `count` requests made from what both speak of. A search: what it does not find may still be there. */
export function compare(before: LoadedPolicy, now: LoadedPolicy, count: number): Comparison {
  const atoms = atomsOf([before, now]);
  const changed = changedRules(before, now);
  const all = [...before.ruling.rules, ...now.ruling.rules];
  const ids = [...new Set(changed.map((rule) => rule.ref.id as string))].sort();
  const judge = judgeOf(before, now, { columns: atoms.columns, ids });
  const found = new Map<string, Difference>();
  let compared = 0;
  // Half of the requests are aimed at what changed: a layer or a tag can change what any rule means.
  const aims = changed.length === 0 ? [all] : [changed, all];
  for (const rules of aims) {
    const material = { atoms, kinds: now.ruling.kinds, rules };
    for (const question of requests(material, Math.ceil(count / aims.length))) {
      compared += 1;
      for (const { key, ...judged } of judge(question)) {
        const known = found.get(key);
        const simpler = known === undefined || isSimpler(question, known.witness);
        const told = simpler ? { ...judged, witness: question } : known;
        found.set(key, { ...told, requests: (known?.requests ?? 0) + 1 });
      }
    }
  }
  const differences = [...found].map(([key, difference]) => {
    const same = (question: Question): Judged | undefined => judge(question).find((each) => each.key === key);
    const witness = smaller(difference.witness, (question) => same(question) !== undefined);
    const { before: was, now: is } = same(witness) ?? difference;
    return { ...difference, before: was, now: is, witness };
  });
  return {
    compared,
    changed: ids,
    differences: differences.sort((a, b) => order.indexOf(a.change) - order.indexOf(b.change)),
  };
}

function isSimpler(a: Question, b: Question): boolean {
  return a.identity.actingFor === undefined && b.identity.actingFor !== undefined;
}

const order: readonly Change[] = ['newly allowed', 'duty weakened', 'newly denied', 'duty strengthened'];

type Judged = Pick<Difference, 'change' | 'duties' | 'before' | 'now'> & { readonly key: string };

function judgeOf(
  before: LoadedPolicy,
  now: LoadedPolicy,
  { columns, ids }: { readonly columns: readonly ColumnRef[]; readonly ids: readonly string[] },
): (question: Question) => readonly Judged[] {
  const duties = dutyChanges(before, now, columns);
  return (question) => {
    const [was, is] = [before, now].map((policy) => asIfGranted(policy, question)) as [Decision, Decision]; // one each
    const both = { before: was, now: is };
    if (was.kind === 'deny' && is.kind === 'deny') {
      // What could not be broken, and may be now, denies less.
      if ((was.soft === true) === (is.soft === true)) return [];
      const change = is.soft === true ? 'duty weakened' : 'duty strengthened';
      const line = `soft: ${was.soft === true} → ${is.soft === true}`;
      return [{ ...both, change, duties: [line], key: `${change} ${line} ${reason(is, ids)}` }];
    }
    if (was.kind !== 'deny' && is.kind !== 'deny') {
      return duties(question, was, is).map(({ change, line }) => ({
        ...both,
        change,
        duties: [line],
        key: `${change} ${line}`,
      }));
    }
    const change = is.kind === 'deny' ? 'newly denied' : 'newly allowed';
    return [{ ...both, change, duties: [], key: `${change} ${reason(was, ids)} ${reason(is, ids)}` }];
  };
}

/** What who asks may have is compared as if they had it: a rule that may now be asked for is a rule that now allows. */
function asIfGranted({ decide, ruling }: LoadedPolicy, question: Question): Decision {
  const rules = ruling.rules.filter(({ onRequest }) => onRequest !== undefined);
  return decide(rules.length === 0 ? question : asGranted(question, rules));
}

interface DutyChange {
  readonly change: Change;
  readonly line: string;
}

/** Duties of equal rules are one object, so what became of them is worked out once. */
function dutyChanges(
  before: LoadedPolicy,
  now: LoadedPolicy,
  columns: readonly ColumnRef[],
): (question: Question, was: Decision, is: Decision) => readonly DutyChange[] {
  const known = new WeakMap<object, WeakMap<object, Map<string, readonly DutyChange[]>>>();
  return ({ resource }, was, is) => {
    const from = known.get(was.duties) ?? new WeakMap<object, Map<string, readonly DutyChange[]>>();
    known.set(was.duties, from);
    const to = from.get(is.duties) ?? new Map<string, readonly DutyChange[]>();
    from.set(is.duties, to);
    const done = to.get(resource.name);
    if (done !== undefined) return done;
    const a = { duties: was.duties, tagsOf: (column: ColumnRef) => before.tagsOf(resource, column) };
    const b = { duties: is.duties, tagsOf: (column: ColumnRef) => now.tagsOf(resource, column) };
    const made = [
      ...weaker(a, b, columns).map((line) => ({ change: 'duty weakened' as const, line })),
      ...weaker(b, a, columns).map((line) => ({ change: 'duty strengthened' as const, line: turned(line) })),
    ];
    to.set(resource.name, made);
    return made;
  };
}

/** What a decision hangs on: a rule that changed if there is one, else its first rule, or that there was none. */
function reason({ because, code }: Decision, changed: readonly string[]): string {
  return (because.find(({ id }) => changed.includes(id)) ?? because[0])?.id ?? code ?? '';
}

function turned(line: string): string {
  return line.replace(/: (.*) → (.*)$/, ': $2 → $1');
}

/** The rules of both policies that are not the same in the other one. */
function changedRules(before: LoadedPolicy, now: LoadedPolicy): readonly Rule[] {
  const prints = (policy: LoadedPolicy): ReadonlyMap<string, string> =>
    new Map(policy.ruling.rules.map((rule) => [rule.ref.id, print(policy, rule)]));
  const [a, b] = [prints(before), prints(now)];
  const differs = (rule: Rule): boolean => a.get(rule.ref.id) !== b.get(rule.ref.id);
  return [...before.ruling.rules.filter(differs), ...now.ruling.rules.filter(differs)];
}

/** Everything about a rule that can change a decision. */
function print(
  policy: LoadedPolicy,
  { ref, layer, enforce, match, when, duties, exemptible, values, breakGlass, onRequest }: Rule,
): string {
  const role = policy.ruling.layers.find(({ name }) => name === layer)?.role;
  const asks = when?.reads.has('params') === true ? [...values] : [];
  return JSON.stringify([
    ref.effect,
    role === 'ceiling' ? [role, layer] : role,
    enforce,
    [...match.items].map(([key, items]) => `${key}: ${[...items].sort().join('\n')}`).sort(),
    when?.source,
    duties,
    breakGlass,
    onRequest,
    exemptible,
    asks,
    policy.ruling.exemptions
      .filter(({ rule }) => rule === ref.id)
      .map(({ identities, resources, expires }) => JSON.stringify([identities, resources, expires]))
      .sort(),
  ]);
}
