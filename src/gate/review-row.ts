import { instant } from '../base/time.ts';
import type { Decision, DecisionId } from '../core/decision.ts';
import type { Waiting } from '../core/protocol.ts';
import type { Review, ReviewId } from '../core/review.ts';
import type { Session } from '../core/session.ts';
import { fingerprintOf, reviewDigest, riskOf, type StoredReview } from '../reviews/index.ts';
import { actorOf } from './actor.ts';
import { type Asking, classNow } from './asking.ts';
import type { Desk } from './desk.ts';
import { foundIn, veiledMessage } from './veil.ts';

/** A request as the store keeps it while people look at it. */
export function rowOf(
  asking: Asking,
  waiting: Waiting,
  made: {
    readonly id: ReviewId;
    readonly decision: DecisionId;
    readonly binding: string;
    readonly estimate: Review['estimate'];
    readonly ticket: boolean;
    readonly beyond?: string;
    readonly quiet?: true;
  },
): StoredReview {
  const { desk, session, request, decision } = asking;
  const { world, store, policy } = desk.parts;
  const { action } = request;
  const { resource } = session;
  const text = request.text ?? action.text;
  const at = world.now();
  const fingerprint = fingerprintOf({ resource, action, text });
  const identity = actorOf(session.identity);
  const tags = action.columns.flatMap((column) => policy()?.tagsOf(resource, column) ?? []);
  const { reason, ticket } = waiting.stated ?? {};
  const ofClass = classNow(asking, waiting, action, decision);
  return {
    id: made.id,
    digest: reviewDigest(made.id, made.binding),
    binding: made.binding,
    fingerprint,
    state: 'waiting',
    kind: made.ticket ? 'ticket' : 'live',
    decision: made.decision,
    session: session.id,
    askedAt: at,
    expiresAt: instant(at + expiryMs(decision)),
    identity,
    resource: { name: resource.name, kind: resource.kind, tags: resource.tags },
    verb: action.verb,
    access: action.access,
    targets: action.targets,
    columns: action.columns,
    text,
    ...(waiting.errand === undefined || request.stated?.breakGlass === true
      ? {}
      : { errand: waiting.errand }),
    tokenId: session.identity.proof.tokenId,
    ...(waiting.within === undefined ? {} : { within: waiting.within }),
    ...(waiting.values === undefined ? {} : { values: waiting.values }),
    settings: waiting.settings,
    ...(waiting.veiled === undefined ? {} : { veiled: waiting.veiled }),
    ...(ofClass === undefined ? {} : { class: ofClass }),
    ...hidesOf(asking, waiting, text),
    ...(action.opaque === true ? { opaque: true as const } : {}),
    ...(made.beyond === undefined ? {} : { beyond: made.beyond }),
    ...(made.quiet === undefined ? {} : { quiet: made.quiet }),
    ...(made.estimate === undefined ? {} : { estimate: made.estimate }),
    risk: riskOf({
      action,
      identity,
      resourceTags: resource.tags,
      dataTags: tags,
      ...(made.estimate === undefined ? {} : { estimatedRows: made.estimate.rows }),
      history: store.history(fingerprint),
      at,
    }),
    rules: decision.because.filter(({ demands }) => demands?.includes('approve') === true),
    why: decision.why,
    needs: decision.duties.approve,
    votes: [],
    policy: policyText(decision),
    ...(reason === undefined && ticket === undefined
      ? {}
      : {
          stated: {
            ...(reason === undefined ? {} : { reason }),
            ...(ticket === undefined ? {} : { ticket }),
          },
        }),
  };
}

/** What of it those may not see who may not see everything. */
function hidesOf(
  { desk, session, request: { action } }: Asking,
  { veiled, within, values = [], settings }: Waiting,
  text: string,
): Pick<StoredReview, 'message' | 'found'> {
  const found = foundIn([
    text,
    ...(within === undefined ? [] : [within]),
    ...values,
    ...Object.values(settings),
  ]);
  // Only a statement has columns; of all else the paths of its body do.
  const isMessage = veiled === undefined && action.columns.length === 0;
  const policy = desk.parts.policy();
  const { route, tool } = action.attributes;
  const names = [...new Set([route, tool, ...action.targets.map(({ name }) => name), 'answer'])].filter(
    (name) => typeof name === 'string',
  );
  const tagged = (column: string): boolean =>
    policy === undefined ||
    names.some((object) => policy.tagsOf(session.resource, { object, column }).length > 0);
  return {
    ...(found.length === 0 ? {} : { found }),
    ...(isMessage ? { message: veiledMessage(text, tagged) ?? null } : {}),
  };
}

/** What the ledger says of it. */
export function askedEntry(
  { id: session, identity }: Session,
  row: StoredReview,
): Parameters<Desk['write']>[0] {
  const { id, decision, digest, kind, resource, verb, risk, needs, expiresAt, policy, askedAt, stated } = row;
  return {
    kind: 'review.asked',
    at: askedAt,
    session,
    review: id,
    decision,
    digest,
    how: kind,
    identity: actorOf(identity),
    resource: resource.name,
    verb,
    risk,
    needs,
    expiresAt,
    policy,
    ...(stated === undefined ? {} : { stated }),
  };
}

/** How long after it was asked an answer can count. */
export function expiryMs({ duties }: Decision): number {
  return Math.min(...duties.approve.map(({ withinMs }) => withinMs));
}

function policyText({ policy }: Decision): string {
  return policy.commit === undefined ? policy.digest : `${policy.digest}@${policy.commit}`;
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

export function newReviewId(chance: Uint8Array): ReviewId {
  return `rev_${[...chance].map((byte) => alphabet[byte % 32] ?? '0').join('')}` as ReviewId; // the one place where it is made
}
