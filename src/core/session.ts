import type { Brand } from '../base/brand.ts';
import type { Instant } from '../base/time.ts';
import type { Identity } from './identity.ts';

export type SessionId = Brand<string, 'SessionId'>;
export type ResourceName = Brand<string, 'ResourceName'>;

/** Something behind the gateway: a database, a host, a cluster, an API, a model. */
export interface Resource {
  readonly name: ResourceName;
  /** The name of its protocol: `postgres`. */
  readonly kind: string;
  /** `env/prod`, `soc2`: what rules may say of it. */
  readonly tags: readonly string[];
  /** What `Protocol.settings` made of the configuration's entry; only that protocol reads it. */
  readonly settings: unknown;
}

/** One identity's connection to one resource, from sign-in to close. */
export interface Session {
  readonly id: SessionId;
  readonly identity: Identity;
  readonly resource: Resource;
  readonly startedAt: Instant;
  readonly peer: string; // the client's address
  /** One turn of an agent's loop or one job, as the client declares it. Recorded and searchable, never trusted. */
  readonly run?: string;
  /** It runs what this ticket keeps, once, without its client, and nothing else. */
  readonly ticket?: string;
}

/** Whose share of what there is for all a session takes: an agent's owner's, so that many agents of one person have one. */
export function shareOf({ identity }: Session): string {
  let owner = identity;
  while (owner.actingFor !== undefined) owner = owner.actingFor;
  return owner.subject;
}
