import { messageOf } from '../base/errors.ts';
import { Lru } from '../base/lru.ts';
import type { World } from '../base/time.ts';
import type { Action, ColumnRef } from '../core/action.ts';
import type { Decision, Duties, MaskOperator, RuleRef } from '../core/decision.ts';
import { operatorForTags } from '../core/duties.ts';
import type { Actor } from '../core/entry.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Opinions, Policy, Question } from '../core/ports.ts';
import type { Ask } from '../core/protocol.ts';
import type { Session } from '../core/session.ts';
import type { Access } from './access.ts';
import { entryFacts, type EntryFacts } from './decision-entry.ts';
import { asked, Probes } from './predicates.ts';
import { noPolicy, policyError, readable, traceable } from './refusing.ts';
import { saysOf, type Taint } from './taint.ts';

export interface JudgeParts {
  /** The policy in force, or undefined when there is none or it is too old: then everything is denied. */
  readonly policy: () => Policy | undefined;
  readonly world: World;
  readonly metrics: Metrics;
  /** Remembers what clients have seen; absent: nobody does, and each session has seen nothing. */
  readonly taint?: Taint;
  /** Access for a time; absent: nobody has any. */
  readonly access?: Pick<Access, 'of' | 'holds' | 'used' | 'left'>;
  /** Whether answers of resources of this kind can be read by a model; absent: none can. */
  readonly reads?: (kind: string, finds: Duties['finds']) => boolean;
}

/** Characters of what decisions depend on, all of a session together: a statement can name thousands of columns. */
const sharedChars = 65_536;

/** A decision for one action under one policy, with what every permit from it shares. */
export interface Judged {
  readonly policy: Policy | undefined;
  readonly decision: Decision;
  readonly operatorOf: (column: ColumnRef) => MaskOperator | undefined;
  readonly entry: EntryFacts;
  /** The soft rules that it goes past. */
  readonly glass?: readonly RuleRef[];
}

/** Judges the actions of one session by the policy that is in force. */
export class Judge {
  readonly #parts: JudgeParts;
  readonly #session: Session;
  readonly #actor: Actor;
  /** INVARIANT: an entry is only used while its policy is the one in force. */
  readonly #judged: WeakMap<Action, Judged> = new WeakMap();
  /** What was said outside of actions that are judged in this very step. */
  readonly #opinions: WeakMap<Action, Opinions> = new WeakMap();
  /** Decisions that allow, by what they depend on of their actions. INVARIANT: all of them are of `#sharedUnder`. */
  readonly #shared: Lru<string, Decision> = new Lru(sharedChars, (alike) => alike.length);
  #sharedUnder: Policy | undefined;
  readonly #probes: Probes = new Probes();
  #sawNow: readonly string[] = [];
  #sawAt = -1;
  /** What was permitted by these has been noted as seen. */
  readonly #seen: WeakSet<Judged> = new WeakSet();

  constructor(parts: JudgeParts, session: Session, actor: Actor) {
    this.#parts = parts;
    this.#session = session;
    this.#actor = actor;
  }

  /**
   * Asks what lies outside of the policy, where it needs that, and then goes on. What was said holds for the one
   * judgement that follows in the same step, and under the policy that asked.
   */
  consulted<T>(action: Action, then: () => T | Promise<T>): T | Promise<T> {
    const policy = this.#parts.policy();
    if (policy?.consult === undefined || this.#knownUnder(policy, action) !== undefined) return then();
    const asked = policy.consult(this.#question(action));
    if (asked === undefined) return then();
    const goOn = (opinions: Opinions): T | Promise<T> => {
      if (this.#parts.policy() !== policy) return this.consulted(action, then);
      this.#opinions.set(action, opinions);
      try {
        return then();
      } finally {
        this.#opinions.delete(action);
      }
    };
    return asked.then(goOn, () => goOn(new Map()));
  }

  judge(action: Action): Judged {
    const policy = this.#parts.policy();
    const known = this.#knownUnder(policy, action);
    if (known !== undefined) return known;
    const decision =
      policy === undefined
        ? noPolicy
        : this.#guarded(policy, this.#able(this.#decided(policy, action), action), action);
    const judged = this.judgedAs(policy, action, decision);
    this.#judged.set(action, judged);
    return judged;
  }

  /** As judged, or past the soft rules that deny it for who asks to break them and may. */
  judgeFor(action: Action, { stated }: Ask): Judged {
    const judged = this.judge(action);
    const { soft, past } = judged.decision;
    if (stated?.breakGlass !== true || soft !== true || past === undefined) return judged;
    const { policy } = judged;
    const traced = this.#able(past, action);
    const broken = policy === undefined ? traced : this.#guarded(policy, traced, action);
    return { ...this.judgedAs(policy, action, broken), glass: judged.decision.because };
  }

  /** A deny where the answer could not be shown as it must be. */
  #able(decision: Decision, action: Action): Decision {
    const isRead = this.#parts.reads?.(this.#session.resource.kind, decision.duties.finds) === true;
    return readable(traceable(decision, action), isRead);
  }

  judgedAs(policy: Policy | undefined, action: Action, decision: Decision): Judged {
    return {
      policy,
      decision,
      operatorOf: operators(policy, decision, this.#session),
      entry: entryFacts(this.#session, this.#actor, action, decision),
    };
  }

  /** What it would be, as far as that can be told without asking outside. */
  foresee(action: Action): Decision['kind'] {
    const { policy, decision } = this.judge(action);
    const open = policy?.consult !== undefined && decision.code === 'POLICY_ERROR';
    return open ? 'review' : decision.kind;
  }

  /** A question about a hidden column more than one session may ask. */
  probed({ policy, decision }: Judged, action: Action): Decision | undefined {
    if (policy === undefined || decision.kind === 'deny') return undefined;
    return this.#probes.count(decision, action, (column) => policy.tagsOf(this.#session.resource, column));
  }

  /** What its client has seen until now. */
  saw(): readonly string[] {
    const { taint } = this.#parts;
    if (taint === undefined) return [];
    if (taint.version !== this.#sawAt) {
      this.#sawAt = taint.version;
      this.#sawNow = taint.saw(this.#session);
    }
    return this.#sawNow;
  }

  /** From here on its client counts as having seen what the answer may show: the answer itself comes later. */
  see(judged: Judged, action: Action): void {
    const { taint } = this.#parts;
    if (taint === undefined || this.#seen.has(judged)) return;
    this.#seen.add(judged);
    const { resource } = this.#session;
    const shown = new Set([...saysOf(resource.tags), ...(action.shows ?? [])]);
    for (const column of action.columns) {
      if (column.use !== 'output' || judged.operatorOf(column) !== undefined) continue;
      for (const tag of judged.policy?.tagsOf(resource, column) ?? []) shown.add(tag);
      for (const tag of column.tags ?? []) shown.add(tag);
    }
    taint.add(this.#session, [...shown]);
  }

  #knownUnder(policy: Policy | undefined, action: Action): Judged | undefined {
    const known = this.#judged.get(action);
    return known !== undefined && known.policy === policy && known.decision.cacheable ? known : undefined;
  }

  /** Conditions on hidden columns, as the duties allow them. */
  #guarded(policy: Policy, decision: Decision, action: Action): Decision {
    return asked(decision, action, (column) => policy.tagsOf(this.#session.resource, column));
  }

  #question(action: Action): Question {
    const { identity, resource, id, startedAt, run } = this.#session;
    const saw = this.saw();
    const grants = this.#parts.access?.of(identity) ?? [];
    return {
      identity,
      resource,
      action,
      session: {
        id,
        startedAt,
        ...(run === undefined ? {} : { run }),
        ...(saw.length === 0 ? {} : { saw }),
      },
      at: this.#parts.world.now(),
      ...(grants.length === 0 ? {} : { grants }),
    };
  }

  /** As the policy decides it, or has decided it for another action that differs in nothing that counts. */
  #decided(policy: Policy, action: Action): Decision {
    const alike = policy.sharing?.(this.#session.resource.kind, action);
    if (alike === undefined) return this.#decide(policy, action);
    if (this.#sharedUnder !== policy) {
      this.#shared.clear();
      this.#sharedUnder = policy;
    }
    const known = this.#shared.get(alike);
    if (known !== undefined) return known;
    const decision = this.#decide(policy, action);
    if (decision.kind === 'allow' && decision.cacheable) this.#shared.set(alike, decision);
    return decision;
  }

  #decide(policy: Policy, action: Action): Decision {
    const started = performance.now();
    try {
      const question = this.#question(action);
      // SECURITY: without opinions the policy would wait for them in here, and everybody with it.
      return policy.decide(
        policy.consult === undefined
          ? question
          : { ...question, opinions: this.#opinions.get(action) ?? new Map() },
      );
    } catch (thrown) {
      // A policy is total by contract; one that throws has decided nothing.
      return policyError(policy, messageOf(thrown));
    } finally {
      this.#parts.metrics.observe('decide_seconds', (performance.now() - started) / 1_000);
    }
  }
}

function operators(policy: Policy | undefined, decision: Decision, session: Session): Judged['operatorOf'] {
  const { masks } = decision.duties;
  if (policy === undefined || masks.length === 0) return none;
  return (column) => operatorForTags(masks, policy.tagsOf(session.resource, column));
}

function none(): undefined {
  return undefined;
}
