import { hash } from 'node:crypto';
import type { Instant } from '../base/time.ts';
import type { Grant } from '../core/access.ts';
import type { Identity } from '../core/identity.ts';
import { canonical, whoOf } from './digest.ts';

/** What is asked for: access for a time. */
export interface Scope {
  readonly rule: string;
  readonly ruleDigest: string;
  /** Exactly these, no patterns. */
  readonly verbs: readonly string[];
  readonly forMs: number;
}

/**
 * Keeps grants. Every call is done when it returns, and survives a power cut: what was revoked must not come back.
 * Throws when it cannot be written: then nothing has happened.
 */
export interface GrantStore {
  readonly add: (grant: Grant) => void;
  /** False where it had ended, or never was. */
  readonly end: (id: string, at: Instant) => boolean;
  /** Until when it lasts, whether it has ended or not; undefined where it never was. */
  readonly until: (id: string) => Instant | undefined;
  readonly live: () => readonly Grant[];
  /** The latest moment it was told of: a clock that has been put back is behind it. */
  readonly seen: () => Instant;
  readonly see: (at: Instant) => void;
}

/** SHA-256, hex, of what is asked for and by whom: what an approval of access is bound to. */
export function accessBinding(
  who: Pick<Identity, 'subject' | 'kind' | 'groups' | 'attributes' | 'actingFor'>,
  resource: string,
  scope: Scope,
): string {
  const { rule, ruleDigest, verbs, forMs } = scope;
  const bound = {
    v: 1,
    access: { rule, ruleDigest, verbs: verbs.toSorted(), forMs },
    resource,
    identity: whoOf(who),
  };
  return hash('sha256', canonical(bound), 'hex');
}
