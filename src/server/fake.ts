import { instant, type Instant, type World } from '../base/time.ts';
import type { Requestable } from '../core/access.ts';
import type { Decision, RuleRef } from '../core/decision.ts';
import { noDuties } from '../core/decision.ts';
import type { Entry } from '../core/entry.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Metrics } from '../core/metrics.ts';
import type { ReviewDigest, ReviewId } from '../core/review.ts';
import type { SessionId } from '../core/session.ts';
import type { StoredReview } from '../reviews/index.ts';
import type { Ledger, Policy, Question } from '../core/ports.ts';
import { Fault } from '../base/errors.ts';

// Stand-ins for this room's tests.

/** Time that moves only when told to. */
export function heldWorld(
  start: number = Date.UTC(2026, 0, 1),
): World & { readonly pass: (ms: number) => void } {
  let now = start;
  let timers: { readonly at: number; readonly call: () => void }[] = [];
  let chance = 0;
  return {
    now: (): Instant => instant(now),
    random: (bytes) => Uint8Array.from({ length: bytes }, () => (chance = (chance * 73 + 41) % 251)),
    after: (ms, call) => {
      const timer = { at: now + ms, call };
      timers.push(timer);
      return {
        [Symbol.dispose]: () => {
          timers = timers.filter((each) => each !== timer);
        },
      };
    },
    pass: (ms) => {
      const until = now + ms;
      for (;;) {
        const due = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers = timers.filter((each) => each !== due);
        now = due.at;
        due.call();
      }
      now = until;
    },
  };
}

/** A ledger in memory that can be made to fail. */
export function memoryLedger(): Ledger & { readonly entries: Entry[]; fails: boolean } {
  const ledger = {
    entries: [] as Entry[],
    fails: false,
    append: (entry: Entry): Promise<void> => {
      if (ledger.fails) return Promise.reject(new Fault('ledger', 'The disk is full'));
      ledger.entries.push(entry);
      return Promise.resolve();
    },
  };
  return ledger;
}

/** Metrics that remember what was counted: `name{label}`. */
export function memoryMetrics(): Metrics & { readonly counted: Map<string, number> } {
  const counted = new Map<string, number>();
  return {
    counted,
    count: (name, labels = {}, by = 1) => {
      const key = `${name}{${Object.values(labels).join()}}`;
      counted.set(key, (counted.get(key) ?? 0) + by);
    },
    gauge: (name, value, labels = {}) => {
      counted.set(`${name}{${Object.values(labels).join()}}`, value);
    },
    observe: () => undefined,
  };
}

/** A policy that allows what `allows` says. */
export function fakePolicy(allows: (question: Question) => boolean): Policy {
  return {
    id: { digest: 'abc' },
    tagsOf: (_resource, { column }) => (column === 'email' ? ['pii/email'] : []),
    reach: () => ({ verbs: ['sql.select'], onRequest: [onRequest] }),
    decide: (question): Decision => {
      const kind = allows(question) ? 'allow' : 'deny';
      return {
        kind,
        ...(kind === 'deny' ? { code: 'NO_ALLOW_RULE' as const } : {}),
        because: [],
        why: kind === 'allow' ? 'Allowed' : 'No rule allows it',
        fix: [],
        duties: noDuties,
        policy: { digest: 'abc' },
        wouldBe: [],
        cacheable: true,
      };
    },
  };
}

export function person(subject: string, over: Partial<Identity> = {}): Identity {
  return {
    kind: 'human',
    subject: subject as Subject,
    groups: [],
    attributes: {},
    proof: { kind: 'token', tokenId: `of-${subject}`, expiresAt: instant(Date.UTC(2026, 0, 2)) },
    ...over,
  };
}

/** What the fake policy lets everybody ask for. */
const onRequest: Requestable = {
  rule: {
    id: 'm/writes' as RuleRef['id'],
    effect: 'allow',
    at: { file: 'm.yaml', line: 1, col: 1 },
    why: 'For a while',
  },
  ruleDigest: 'abc',
  verbs: ['sql.update'],
  access: ['write'],
  approve: [{ groups: ['analysts'], count: 1, withinMs: 3_600_000 }],
  longestMs: 7_200_000,
};

/** A statement of bob's that waits for one of analysts. */
export const heldReview: StoredReview = {
  id: `rev_${'a'.repeat(26)}` as ReviewId,
  digest: 'd'.repeat(64) as ReviewDigest,
  binding: 'b',
  fingerprint: 'f',
  state: 'waiting',
  kind: 'live',
  decision: 's1.1' as StoredReview['decision'],
  session: 's1' as SessionId,
  askedAt: instant(Date.UTC(2026, 0, 1)),
  expiresAt: instant(Date.UTC(2026, 0, 1, 1)),
  identity: { subject: 'bob', kind: 'human', groups: [] },
  resource: { name: 'shop', kind: 'postgres', tags: [] },
  verb: 'sql.delete',
  access: 'write',
  targets: [],
  columns: [],
  text: 'DELETE FROM orders',
  settings: {},
  risk: { score: 1, level: 'low', reasons: [] },
  rules: [],
  why: 'Another person looks first',
  needs: [{ groups: ['analysts'], count: 1, withinMs: 3_600_000 }],
  votes: [],
  policy: 'abc',
};

/** One of ana's own. */
export const ownReview: StoredReview = {
  ...heldReview,
  id: `rev_${'b'.repeat(26)}` as ReviewId,
  identity: { subject: 'ana', kind: 'human', groups: [] },
};

/** Access that bob asks for, and some of ana's own. */
export const heldAccess: StoredReview = {
  ...heldReview,
  id: `rev_${'c'.repeat(26)}` as ReviewId,
  kind: 'access',
  verb: 'access.request',
  scope: { rule: 'm/writes', ruleDigest: 'abc', verbs: ['sql.update'], forMs: 3_600_000 },
};
export const ownAccess: StoredReview = {
  ...heldAccess,
  id: `rev_${'d'.repeat(26)}` as ReviewId,
  identity: ownReview.identity,
};
