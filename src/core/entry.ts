import type { Instant } from '../base/time.ts';
import type { Access, Attribute, ColumnUse, Target } from './action.ts';
import type { DecisionId, Denial, Outcome, RuleId } from './decision.ts';
import type { SessionId } from './session.ts';

/** Who did it, as entries name them: the identity and its delegation chain. */
export interface Actor {
  readonly subject: string;
  readonly kind: 'human' | 'workload' | 'agent';
  readonly groups: readonly string[];
  readonly actingFor?: Actor;
}

/**
 * One line of the ledger. Personal data and statement texts stand under `sealed`: the ledger encrypts that part with
 * the session's key and hashes the ciphertext, so that a key can be destroyed and the proofs still hold.
 */
export type Entry =
  | {
      readonly kind: 'gateway.started';
      readonly at: Instant;
      readonly version: string;
      readonly policy?: string;
    }
  | { readonly kind: 'gateway.stopped'; readonly at: Instant; readonly why: string }
  | {
      readonly kind: 'policy.loaded';
      readonly at: Instant;
      readonly digest: string;
      readonly commit?: string;
    }
  | { readonly kind: 'policy.refused'; readonly at: Instant; readonly problems: readonly string[] }
  | {
      readonly kind: 'sign-in.refused';
      readonly at: Instant;
      readonly resource: string;
      readonly peer: string;
      readonly why: string;
      readonly subject?: string;
    }
  | {
      readonly kind: 'session.opened';
      readonly at: Instant;
      readonly session: SessionId;
      readonly identity: Actor;
      readonly resource: { readonly name: string; readonly kind: string; readonly tags: readonly string[] };
      readonly peer: string;
      readonly run?: string;
      readonly client?: string; // what the client calls itself
    }
  | DecisionEntry
  | {
      /** How statements ended; several at a time, since nobody waits for it. */
      readonly kind: 'outcomes';
      readonly at: Instant;
      readonly session: SessionId;
      readonly outcomes: readonly { readonly id: DecisionId; readonly outcome: Outcome }[];
    }
  | {
      readonly kind: 'recording.chunk';
      readonly at: Instant;
      readonly session: SessionId;
      readonly chunk: number; // from 0
      readonly digest: string; // SHA-256 of the stored (sealed) chunk, hex
      readonly bytes: number; // of the stored chunk
      readonly frames: number;
    }
  | {
      readonly kind: 'session.closed';
      readonly at: Instant;
      readonly session: SessionId;
      readonly why: string; // 'client left', a WireCode, a FaultCode
      readonly decisions: number;
      readonly chunks: number;
    }
  | {
      /** Somebody read the record, or asked the gateway's own API for something that rules judge. */
      readonly kind: 'record.read';
      readonly at: Instant;
      readonly identity: Actor;
      readonly verb: string;
      readonly of?: SessionId;
      readonly allowed: boolean;
    };

export interface DecisionEntry {
  readonly kind: 'decision';
  readonly at: Instant;
  readonly id: DecisionId;
  readonly session: SessionId;
  readonly identity: Actor;
  readonly resource: string;
  readonly decision: 'allow' | 'deny' | 'review';
  readonly verb: string;
  readonly access: Access;
  readonly targets: readonly Target[];
  readonly columns: readonly ColumnUse[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly rules: readonly RuleId[];
  readonly wouldBe: readonly RuleId[];
  readonly duties: readonly string[]; // 'mask', 'limit', 'record', 'approve'
  readonly policy: string; // digest
  readonly commit?: string;
  readonly denial?: Denial;
  /** Encrypted with the session's key before it is hashed. `values` is a digest of bound values and formats. */
  readonly sealed: { readonly text: string; readonly values?: string };
}
