import { Fault } from '../base/errors.ts';
import { never } from '../base/result.ts';
import type { Wire } from '../base/stream.ts';
import type { Action } from '../core/action.ts';
import type {
  Decision,
  DecisionId,
  Denial,
  Duties,
  Outcome,
  Permit,
  Refusal,
  Verdict,
} from '../core/decision.ts';
import { denial, denialOf } from '../core/denial.ts';
import type { DecisionEntry } from '../core/entry.ts';
import type { Ledger, Policy } from '../core/ports.ts';
import type { Ask, Gate, Upstream } from '../core/protocol.ts';
import type { ReviewId } from '../core/review.ts';
import type { Session } from '../core/session.ts';
import { actorOf } from './actor.ts';
import type { Breaker } from './breaker.ts';
import { entryOf, type Writable } from './decision-entry.ts';
import { Demands, type DemandParts } from './demands.ts';
import type { Desk } from './desk.ts';
import { glassCard, glassEntry } from './glass.ts';
import { counted } from './incident.ts';
import { Judge, type Judged, type JudgeParts } from './judge.ts';
import type { Notify } from './notice.ts';
import { Outcomes } from './outcomes.ts';
import { elsewise, endOf, notWritten, pausedFor, reviewUnavailable } from './refusing.ts';
import { review } from './review.ts';
import { alert } from './telling.ts';

export interface GateParts extends DemandParts, JudgeParts {
  readonly ledger: Ledger;
  /** Tells these that a rule wants to be told of a decision. */
  readonly notify?: Notify;
  /** Counts what is denied again and again; absent: nobody does. */
  readonly breaker?: Breaker;
  /** Where requests wait for people; absent: what needs a review is denied. */
  readonly desk?: Desk;
}

export interface SessionGate extends Gate {
  /** Writes the outcomes that wait. Rejects with a Fault `ledger`. */
  readonly close: () => Promise<void>;
  readonly decisions: number;
}

/** The chamber between the two doors, for one session. */
export function gate(parts: GateParts, session: Session): SessionGate {
  return new Chamber(parts, session);
}

class Chamber implements SessionGate {
  readonly #parts: GateParts;
  readonly #session: Session;
  readonly #judge: Judge;
  /** SECURITY: the only permits an upstream takes; a permit leaves it when its action is done. */
  readonly #live: Set<Permit> = new Set();
  /** Permits that an approval was used up for. */
  readonly #reviewed: Map<Permit, ReviewId> = new Map();
  /** Duties that an entry of this session has said in full: records with the same rules under the same policy have the same. */
  readonly #told: WeakSet<Duties> = new WeakSet();
  readonly #outcomes: Outcomes;
  readonly #demands: Demands;
  /** What an action under way has to leave when it ends. */
  readonly #leaves: WeakMap<Permit, () => void> = new WeakMap();
  decisions = 0;

  readonly ask: (ask: Ask) => Verdict | Promise<Verdict>;
  readonly prepare: (action: Action, text?: string) => Verdict | Promise<Verdict>;
  readonly foresee: (action: Action) => Decision['kind'];
  readonly again: (permit: Permit) => Verdict | Promise<Verdict>;
  readonly done: (permit: Permit, outcome: Outcome) => void;
  readonly guard: (wire: Wire) => Upstream;
  readonly guardCalls: Gate['guardCalls'];
  readonly close: () => Promise<void>;

  constructor(parts: GateParts, session: Session) {
    this.#parts = parts;
    this.#session = session;
    this.#judge = new Judge(parts, session, actorOf(session.identity));
    this.#outcomes = new Outcomes(parts, session);
    this.#demands = new Demands(parts, session);
    this.#demands.busy = () => this.#live.size > 0;
    this.ask = (request) => this.#judge.consulted(request.action, () => this.#ask(request));
    this.prepare = (action, text) => this.#judge.consulted(action, () => this.#prepare(action, text));
    this.foresee = (action) => this.#judge.foresee(action);
    this.again = (permit) => this.#judge.consulted(permit.action, () => this.#again(permit));
    this.done = (permit, outcome) => this.#done(permit, outcome);
    this.guard = (wire) => this.#guard(wire);
    this.guardCalls = (call) => (permit, request) => {
      if (!this.#live.has(permit)) throw new Fault('bug', 'A request was sent without a live permit');
      return call(request);
    };
    this.close = () => {
      this.#demands.close();
      this.#parts.access?.left(this.#session);
      return this.#outcomes.write();
    };
  }

  /**
   * The five lines that security rests on:
   * - Decide, review, write down, and only then let pass.
   * - Writes: no byte of the statement leaves before its entry is on disk. Reads: the statement may go ahead, but no byte
   *   of the answer reaches the client before the entry is on disk (`Permit.written`).
   * - Any error on the way (parse, policy, mask, review, ledger, recorder) is a refusal or a closed session, never a pass.
   * - What was not changed is forwarded as the same bytes.
   * - A refusal waits its turn among pipelined answers; the session lives on wherever the protocol allows it.
   */
  #ask(given: Ask): Verdict | Promise<Verdict> {
    const { ticket } = this.#session;
    const request = ticket === undefined ? given : this.#withStated(given, ticket);
    const judged = this.#judge.judgeFor(request.action, request); // decide
    const { decision } = judged;
    const paused = this.#paused(decision);
    if (paused !== undefined) return this.#bar(judged.policy, request, paused);
    if (decision.grants !== undefined) this.#parts.access?.used(decision.grants, this.#session);
    if (ticket !== undefined && decision.kind === 'allow')
      return this.#bar(judged.policy, request, elsewise(decision));
    const entered = decision.kind === 'deny' ? undefined : this.#demands.enter(decision, request.stated);
    if (entered?.kind === 'barred') return this.#bar(judged.policy, request, entered.decision);
    const probed = this.#judge.probed(judged, request.action);
    if (probed !== undefined) {
      entered?.leave?.();
      return this.#bar(judged.policy, request, probed);
    }
    const leave = entered?.leave;
    if (decision.kind === 'review') return this.#review(judged, request, leave); // review
    const id = this.#nextId();
    switch (decision.kind) {
      case 'allow': {
        const written = this.#write(judged, id, request); // write down
        return request.action.access === 'read'
          ? this.#permit(judged, id, request.action, { written, leave })
          : written.then(
              () => this.#lapsed(judged, id, leave) ?? this.#permit(judged, id, request.action, { leave }),
              (thrown: unknown) => {
                leave?.();
                return notWritten(id, thrown);
              },
            );
      }
      case 'deny':
        return this.#refuse(judged, id, request, denialOf(decision, id));
      default:
        return never(decision.kind);
    }
  }

  /** What it was allowed by has ended while it was written down: nothing of it is sent, and an outcome says so. */
  #lapsed({ decision }: Judged, id: DecisionId, leave?: () => void): Refusal | undefined {
    const { grants } = decision;
    if (grants === undefined || this.#parts.access?.holds(grants) === true) return undefined;
    leave?.();
    this.#outcomes.add(id, { kind: 'unsent' });
    const why = 'The access that allowed this has just ended';
    return { kind: 'refusal', denial: denial('NO_ALLOW_RULE', id, why, 'Ask for access again') };
  }

  /** What the requester of a ticket said of its reasons holds for its run too. */
  #withStated(request: Ask, ticket: string): Ask {
    const stated = this.#parts.desk?.find(ticket)?.stated;
    return stated === undefined ? request : { ...request, stated };
  }

  /** The breaker has tripped for this run, and the configuration lets nothing of it through for a while. */
  #paused(decision: Decision): Decision | undefined {
    const { breaker, world } = this.#parts;
    const until = decision.kind === 'deny' ? undefined : breaker?.pausedUntil(this.#session, world.now());
    return until === undefined ? undefined : pausedFor(decision, until - world.now());
  }

  /** A duty that depends on more than the action is not met: a deny like any other, with an entry that says so. */
  #bar(policy: Policy | undefined, request: Ask, decision: Decision): Promise<Refusal> {
    const id = this.#nextId();
    const why = { ...denialOf(decision, id), retryable: decision.code === 'LIMIT' };
    return this.#refuse(this.#judge.judgedAs(policy, request.action, decision), id, request, why);
  }

  async #review(judged: Judged, request: Ask, leave?: () => void): Promise<Verdict> {
    const { desk } = this.#parts;
    if (desk === undefined) {
      leave?.();
      const id = this.#nextId();
      return this.#refuse(judged, id, request, reviewUnavailable(judged.decision, id));
    }
    // What was judged right before the approval was used up is what the permit carries, whatever changes behind it.
    const last: { again?: Judged } = {};
    const reviewed = await review({
      desk,
      session: this.#session,
      request,
      decision: judged.decision,
      judge: (action) =>
        this.#judge.consulted(action, () => {
          last.again = this.#judge.judgeFor(action, request);
          return last.again.decision;
        }),
      enter: (about) => {
        const id = this.#nextId();
        const { denial: why, review: of } = about(id);
        return { id, written: this.#write(judged, id, request, why, of) };
      },
    });
    if (reviewed.kind === 'used') {
      if (last.again === undefined) throw new Fault('bug', 'An approval was used without being judged again');
      const lapsed = this.#lapsed(last.again, reviewed.id, leave);
      if (lapsed !== undefined) {
        await desk.end(reviewed.review, ['running'], 'void', lapsed.denial.why).catch(ignore);
        return lapsed;
      }
      const permit = this.#permit(last.again, reviewed.id, reviewed.action, { leave });
      this.#reviewed.set(permit, reviewed.review);
      return permit;
    }
    leave?.();
    const { denial: why, written } = reviewed;
    return written.then(
      () => ({ kind: 'refusal', denial: why }),
      (thrown: unknown) => notWritten(why.decisionId as DecisionId, thrown),
    );
  }

  #prepare(action: Action, text?: string): Verdict | Promise<Verdict> {
    const judged = this.#judge.judge(action);
    if (judged.decision.grants !== undefined) this.#parts.access?.used(judged.decision.grants, this.#session);
    // Nothing runs yet: whether a soft deny is broken is seen when it does.
    if (judged.decision.kind !== 'deny' || judged.decision.soft === true) {
      return this.#permit(judged, '' as DecisionId, action);
    }
    const id = this.#nextId();
    const request = text === undefined ? { action } : { action, text };
    return this.#refuse(judged, id, request, denialOf(judged.decision, id));
  }

  /** SECURITY: it is no live permit: what it covers was sent under the first, or never is. */
  #again(permit: Permit): Verdict | Promise<Verdict> {
    const { action, duties } = permit;
    const judged = this.#judge.judge(action);
    const { decision, operatorOf } = judged;
    const isAsked = decision.kind === 'review' && duties.approve.length === 0;
    if (decision.kind !== 'deny' && !isAsked)
      return { ...permit, duties: decision.duties, because: decision.because, operatorOf };
    const id = this.#nextId();
    const why = isAsked ? reviewUnavailable(decision, id) : denialOf(decision, id);
    return this.#refuse(judged, id, { action }, why);
  }

  #done(permit: Permit, outcome: Outcome): void {
    if (!this.#live.delete(permit) || permit.id === '') return;
    this.#leaves.get(permit)?.();
    this.#demands.stir();
    const reviewed = this.#reviewed.get(permit);
    if (reviewed !== undefined) this.#endReview(permit, reviewed, outcome);
    this.#outcomes.add(permit.id, outcome);
  }

  /** A connection that broke while it ran leaves open whether it took effect; what was never sent took none. */
  #endReview(permit: Permit, id: ReviewId, outcome: Outcome): void {
    this.#reviewed.delete(permit);
    const [state, why] = endOf(outcome);
    this.#parts.desk?.end(id, ['running'], state, why, outcome).catch(ignore);
  }

  #guard(wire: Wire): Upstream {
    return {
      read: wire.read,
      send: (permits, bytes) => {
        if (permits.length === 0 || !permits.every((permit) => this.#live.has(permit))) {
          throw new Fault('bug', 'A statement was sent without a live permit');
        }
        for (const permit of permits) if (permit.id === '') this.#live.delete(permit); // a preparation's covers one step
        return wire.write(bytes);
      },
      say: wire.write,
      destroy: wire.destroy,
      closed: wire.closed,
    };
  }

  #nextId(): DecisionId {
    this.decisions += 1;
    return `${this.#session.id}.${this.decisions}` as DecisionId;
  }

  // oxlint-disable-next-line max-params
  #write(judged: Judged, id: DecisionId, request: Ask, why?: Denial, of?: ReviewId): Promise<void> {
    const entry = entryOf(judged.entry, this.#parts.world.now(), id, { request, why, review: of });
    const { decision } = judged;
    const saw = this.#judge.saw();
    if (saw.length > 0) entry.saw = saw;
    if (decision.kind !== 'deny' && !this.#told.has(decision.duties)) {
      this.#told.add(decision.duties);
      entry.demands = decision.duties;
    }
    const appended = this.#parts.ledger.append(entry);
    const broken =
      judged.glass === undefined || why !== undefined ? undefined : this.#break(judged, id, request);
    const written = broken === undefined ? appended : Promise.all([appended, broken]).then(ignore);
    if (decision.duties.notify.length > 0) this.#notify(decision, id, entry);
    written.catch(ignore); // whoever shows the answer awaits it; nobody may, when the answer never comes
    this.#outcomes.decided(judged.decision.kind);
    return written;
  }

  /** Glass is broken: an entry of its own, and everybody is told at once. */
  #break({ glass = [], decision }: Judged, id: DecisionId, request: Ask): Promise<void> {
    const { ledger, world, desk, metrics } = this.#parts;
    const broken = {
      id,
      at: world.now(),
      session: this.#session,
      request,
      rules: glass,
      policy: decision.policy.digest,
    };
    metrics.count('glass_broken_total', { resource: this.#session.resource.name });
    const written = ledger.append(glassEntry(broken));
    written.then(() => {
      if (desk !== undefined) alert(desk.parts, glassCard(broken));
    }, ignore);
    return written;
  }

  #notify({ duties, kind, because }: Decision, id: DecisionId, { verb }: DecisionEntry): void {
    this.#parts.notify?.(duties.notify, {
      decision: id,
      kind,
      rule: because[0]?.id ?? '',
      subject: this.#session.identity.subject,
      resource: this.#session.resource.name,
      verb,
    });
  }

  #refuse(judged: Judged, id: DecisionId, request: Ask, given: Denial): Promise<Refusal> {
    const { why, incident } = counted(this.#parts, this.#session, request, given);
    return Promise.all([this.#write(judged, id, request, why), incident]).then(
      () => ({ kind: 'refusal', denial: why }),
      (thrown: unknown) => notWritten(id, thrown),
    );
  }

  // oxlint-disable-next-line max-params
  #permit(judged: Judged, id: DecisionId, action: Action, more: Passing = alone): Permit {
    const permit = {
      kind: 'permit',
      id,
      action,
      duties: judged.decision.duties,
      because: judged.decision.because,
      operatorOf: judged.operatorOf,
    } as Writable<Permit>; // the one place where a permit is made
    if (more.written !== undefined) permit.written = more.written;
    if (more.leave !== undefined) this.#leaves.set(permit, more.leave);
    this.#live.add(permit);
    if (id !== '') this.#judge.see(judged, action);
    return permit;
  }
}

interface Passing {
  readonly written?: Promise<void>;
  readonly leave?: (() => void) | undefined;
}

const alone: Passing = {};

function ignore(): void {
  // The rejection has its effect elsewhere.
}
