import type { Brand } from '../base/brand.ts';
import type { Instant } from '../base/time.ts';

/** Names one identity for ever: what a native client gives as its user name. */
export type Subject = Brand<string, 'Subject'>;

/** Who is at the other end, and how they proved it. */
export interface Identity {
  readonly kind: 'human' | 'workload' | 'agent';
  readonly subject: Subject;
  readonly groups: readonly string[];
  /** The delegation chain: whom this identity acts for. Its rights are the intersection of both. */
  readonly actingFor?: Identity;
  /** Further facts for rules (`mfa: true`). */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly proof: {
    readonly kind: 'token';
    readonly tokenId: string;
    readonly expiresAt: Instant;
    /** When the person last proved who they are, where that is known. */
    readonly signedInAt?: Instant;
  };
}
