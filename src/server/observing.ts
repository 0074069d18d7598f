import { createHash } from 'node:crypto';
import { type Decision, noDuties, type PolicyId, type RuleRef } from '../core/decision.ts';
import { operatorForTags } from '../core/duties.ts';
import type { LoadedPolicy } from '../policy/load.ts';
import type { Policy, Question } from '../core/ports.ts';

/** What a rule would have done to the statements of one run. */
export interface Observation {
  readonly rule?: RuleRef; // absent: no rule, see `code`
  readonly code: string; // the rule's id, or a class of denial
  readonly does: 'refused' | 'held' | 'warned' | 'masked';
  readonly run: string;
  readonly why: string;
  readonly fix: readonly string[];
  /** `sql.delete on public.orders`, without values. */
  readonly on: ReadonlySet<string>;
  /** Different statements, by their digest. */
  readonly statements: ReadonlySet<string>;
}

/** Watches a policy that is not enforced. */
export interface Observer {
  readonly watch: (policy: LoadedPolicy) => Policy;
  readonly seen: () => readonly Observation[];
  readonly asked: () => number; // different statements in all
  /** The policy that was asked last. */
  readonly policy: () => PolicyId | undefined;
}

/**
 * A policy that is asked about everything and refuses, holds and masks nothing: what it would have done is noted.
 * SECURITY: it enforces nothing. Only `observe` uses it, never `up`; the gateway's own API stays judged as it is.
 */
export function observer(): Observer {
  const found = new Map<
    string,
    Observation & { readonly on: Set<string>; readonly statements: Set<string> }
  >();
  const all = new Set<string>();
  const watched = new WeakMap<LoadedPolicy, Policy>();
  let last: PolicyId | undefined;

  const note = (question: Question, rule: RuleRef | undefined, said: Said): void => {
    const { names, ...rest } = said;
    const run = question.session.run ?? '';
    const key = `${rest.does} ${rest.code} ${run}`;
    const each = found.get(key) ?? {
      ...rest,
      run,
      ...(rule === undefined ? {} : { rule }),
      on: new Set<string>(),
      statements: new Set<string>(),
    };
    found.set(key, each);
    for (const name of names) if (each.on.size < mostNames) each.on.add(`${question.action.verb} on ${name}`);
    each.statements.add(digestOf(question));
  };

  const see = (policy: LoadedPolicy, question: Question, decision: Decision): void => {
    all.add(digestOf(question));
    last = policy.id;
    const { action } = question;
    const worst = action.targets.filter(({ access }) => access !== 'read');
    const names = (worst.length > 0 ? worst : action.targets).map(({ name }) => name);
    if (decision.kind !== 'allow') {
      const rule = decision.because[0];
      const code = rule?.id ?? decision.code ?? 'NO_ALLOW_RULE';
      const { why, fix } = decision;
      const does = decision.kind === 'deny' ? 'refused' : 'held';
      note(question, rule, { does, code, why, fix, names });
    }
    for (const rule of decision.wouldBe.filter(({ effect }) => effect !== 'allow')) {
      note(question, rule, { does: 'warned', ...saidOf(rule), names });
    }
    if (decision.kind === 'deny') return;
    const masked = action.columns
      .filter(({ use }) => use === 'output')
      .map(({ object, column }) => ({
        object,
        column,
        tags: policy.tagsOf(question.resource, { object, column }),
      }))
      .filter(({ tags }) => operatorForTags(decision.duties.masks, tags) !== undefined);
    for (const rule of decision.because) {
      const masks = policy.ruling.rules.find(({ ref }) => ref.id === rule.id)?.duties?.masks ?? [];
      const own = masked.filter(({ tags }) => operatorForTags([masks], tags) !== undefined);
      const names = own.map(({ object, column }) => `${object}.${column}`);
      if (names.length > 0) note(question, rule, { does: 'masked', ...saidOf(rule), names });
    }
  };

  const watch = (policy: LoadedPolicy): Policy => {
    const known = watched.get(policy);
    if (known !== undefined) return known;
    const made: Policy = {
      id: policy.id,
      tagsOf: policy.tagsOf,
      ...(policy.consult === undefined ? {} : { consult: policy.consult }),
      decide: (question) => {
        const decision = policy.decide(question);
        if (question.resource.kind === 'sallyport') return decision;
        see(policy, question, decision);
        return {
          kind: 'allow',
          because: [],
          why: 'Only observed: nothing is enforced here',
          fix: [],
          duties: noDuties,
          policy: policy.id,
          wouldBe: decision.because,
          cacheable: false, // each run is seen by itself
        };
      },
    };
    watched.set(policy, made);
    return made;
  };

  return { watch, seen: () => [...found.values()], asked: () => all.size, policy: () => last };
}

type Said = Pick<Observation, 'does' | 'code' | 'why' | 'fix'> & { readonly names: readonly string[] };

function saidOf(rule: RuleRef): Pick<Observation, 'code' | 'why' | 'fix'> {
  return { code: rule.id, why: rule.why ?? '', fix: rule.fix === undefined ? [] : [rule.fix] };
}

const mostNames = 20;

function digestOf({ action }: Question): string {
  return createHash('sha256').update(action.text).digest('base64');
}
