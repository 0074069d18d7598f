import { instant, type Instant } from '../base/time.ts';
import type { Reach, Requestable } from '../core/access.ts';
import type { Access, Action } from '../core/action.ts';
import { worstAccess } from '../core/action.ts';
import type { DecisionId, PolicyId } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Resource, SessionId } from '../core/session.ts';
import { anyGlob, glob } from '../policy/glob.ts';
import { shortTime } from '../policy/limits.ts';
import {
  fingerprintOf,
  type ReviewStore,
  reviewDigest,
  riskOf,
  type Scope,
  type StoredReview,
} from '../reviews/index.ts';
import { actorOf } from './actor.ts';
import { newReviewId } from './review-row.ts';

/** What somebody asks for, as they said it. */
export interface Wanted {
  /** Verbs or patterns of them; absent: all that the rule gives. */
  readonly verbs?: readonly string[];
  /** Which rule, where several could give it. */
  readonly rule?: string;
  readonly forMs?: number;
  readonly reason: string;
  readonly ticket?: string;
}

/** Why nothing was asked for. */
export interface Unasked {
  readonly code:
    | 'no-policy'
    | 'nothing' // to be asked for, by who asks
    | 'several'
    | 'verbs'
    | 'duration'
    | 'reason'
    | 'ticket'
    | 'nobody'
    | 'too-many';
  readonly why: string;
}

type Chosen =
  | { readonly kind: 'chosen'; readonly requestable: Requestable; readonly scope: Scope }
  | ({ readonly kind: 'not' } & Unasked);

const shortestMs = 1_000;
const usualMs = 3_600_000;
const shortestReason = 3;

/** The one rule that gives what is wanted, and exactly what of it. */
export function choose(
  reach: Reach | undefined,
  wanted: Wanted,
  fitsTicket: (pattern: string, ticket: string) => boolean,
): Chosen {
  const offered = (reach?.onRequest ?? []).filter(
    ({ rule }) => wanted.rule === undefined || rule.id === wanted.rule,
  );
  if (offered.length === 0) return not('nothing', 'There is nothing here that you may ask for');
  const fitting = offered.filter(
    ({ verbs }) => wanted.verbs?.every((each) => verbs.some(glob(each))) !== false,
  );
  const [requestable, ...others] = fitting;
  if (requestable === undefined || wanted.verbs?.length === 0) {
    const all = offered.map(({ rule, verbs }) => `${rule.id}: ${verbs.join(', ')}`);
    return not('verbs', `No one rule gives all of these; what may be asked for: ${all.join('; ')}`);
  }
  if (others.length > 0) {
    const rules = fitting.map(({ rule }) => rule.id);
    return not('several', `Several rules give this, each on its own request; name one: ${rules.join(', ')}`);
  }
  const { longestMs, ticket, verbs } = requestable;
  const forMs = wanted.forMs ?? Math.min(usualMs, longestMs);
  if (!Number.isSafeInteger(forMs) || forMs < shortestMs || forMs > longestMs) {
    return not('duration', `It can be had for ${shortTime(shortestMs)} to ${shortTime(longestMs)}`);
  }
  if (wanted.reason.trim().length < shortestReason) return not('reason', 'Say why: a reason is needed');
  if (ticket !== undefined && !fitsTicket(ticket, wanted.ticket?.trim() ?? '')) {
    return not('ticket', `A ticket must be named for this, of the form ${ticket}`);
  }
  const test = wanted.verbs === undefined ? (): boolean => true : anyGlob(wanted.verbs);
  return {
    kind: 'chosen',
    requestable,
    scope: {
      rule: requestable.rule.id,
      ruleDigest: requestable.ruleDigest,
      verbs: verbs.filter(test).toSorted(),
      forMs,
    },
  };
}

function not(code: Unasked['code'], why: string): Chosen {
  return { kind: 'not', code, why };
}

interface Asking {
  readonly identity: Identity;
  readonly resource: Resource;
  readonly requestable: Requestable;
  readonly scope: Scope;
  readonly wanted: Wanted;
  readonly binding: string;
  readonly session: SessionId;
  readonly at: Instant;
  readonly chance: Uint8Array;
  readonly policy: PolicyId;
  readonly history: ReviewStore['history'];
}

/** The review of a request for access. */
export function rowOf(asking: Asking): StoredReview {
  const { identity, resource, requestable, scope, wanted, binding, session, at, policy } = asking;
  const { rule, approve } = requestable;
  const id = newReviewId(asking.chance);
  const access = worstAccess((requestable.access ?? ['administer']) as readonly Access[]); // the policy's own words
  const text = [
    `Access to ${resource.name} for ${shortTime(scope.forMs)}`,
    `May do: ${scope.verbs.join(', ')}${requestable.access === undefined ? '' : ` (${requestable.access.join(', ')})`}`,
    `As ${rule.id} says (${rule.at.file}:${rule.at.line}:${rule.at.col})`,
  ].join('\n');
  const action: Action = {
    verb: 'access.request',
    access,
    targets: [{ kind: 'resource', name: resource.name, access }],
    columns: [],
    attributes: { forMs: scope.forMs },
    text,
    notes: [],
  };
  const fingerprint = fingerprintOf({ resource, action, text });
  const actor = actorOf(identity);
  const { ticket } = wanted;
  return {
    id,
    digest: reviewDigest(id, binding),
    binding,
    fingerprint,
    state: 'waiting',
    kind: 'access',
    decision: `${session}.0` as DecisionId, // no decision waits for it
    session,
    askedAt: at,
    expiresAt: instant(at + Math.min(...approve.map(({ withinMs }) => withinMs))),
    identity: actor,
    resource: { name: resource.name, kind: resource.kind, tags: resource.tags },
    verb: action.verb,
    access,
    targets: action.targets,
    columns: [],
    text,
    tokenId: identity.proof.tokenId,
    settings: {},
    risk: riskOf({
      action,
      identity: actor,
      resourceTags: resource.tags,
      dataTags: [],
      history: asking.history(fingerprint),
      at,
    }),
    rules: [rule],
    why: rule.why ?? `Rule ${rule.id} gives this on request`,
    needs: approve,
    votes: [],
    policy: policy.commit === undefined ? policy.digest : `${policy.digest}@${policy.commit}`,
    stated: { reason: wanted.reason, ...(ticket === undefined ? {} : { ticket }) },
    scope,
  };
}
