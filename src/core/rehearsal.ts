import type { Wire } from '../base/stream.ts';
import type { ColumnRef } from './action.ts';

/**
 * What a protocol brings so that protocols/conformance.ts can hold it to what every protocol promises: a resource and a
 * client that know a few requests.
 */
export interface Rehearsal {
  /** Its resource's entry of the configuration, for `Protocol.settings`. */
  readonly settings: unknown;
  /** Serves one connection as the resource does. Must bear that the other side goes away. */
  readonly resource: (wire: Wire) => void;
  /** Signs in, through the gateway or straight to the resource. Rejects with the answer when it is refused. */
  readonly client: (wire: Wire, as: RehearsalLogin) => Promise<RehearsalClient>;
  /**
   * What of a request goes on as the same bytes, where that is not all of it: HTTP has a body and a head of the
   * gateway's own.
   */
  readonly kept?: (request: Uint8Array) => readonly Uint8Array[];
  /** As a person writes them; a request's bytes hold its `mark`, and no other request's do. */
  readonly requests: {
    readonly read: RehearsalRequest;
    /** Its answer has the value of `column` twice, and nothing else of it is sensitive. */
    readonly sensitive: RehearsalRequest;
    readonly write: RehearsalRequest;
    /** What nobody can read. */
    readonly unreadable: readonly RehearsalRequest[];
  };
  readonly column: ColumnRef;
  readonly value: string;
  /** A text for each verb of the protocol that some text can produce. */
  readonly verbs: Readonly<Record<string, string>>;
  /** What no client may send, before the sign-in and after it. `silence`: half a message, and then nothing. */
  readonly broken: readonly {
    readonly what: string;
    readonly when: 'first' | 'signed-in';
    readonly bytes: Uint8Array;
    readonly silence?: true;
  }[];
}

export interface RehearsalRequest {
  readonly text: string;
  readonly mark: string;
}

export interface RehearsalLogin {
  readonly user: string;
  readonly token: string;
  readonly resource: string;
}

export interface RehearsalClient {
  /** Sends a request and reads its whole answer with a decoder of its own. Rejects when it cannot be read. */
  readonly ask: (text: string) => Promise<RehearsalAnswer>;
  /** Sends these bytes and reads nothing. */
  readonly say: (bytes: Uint8Array) => void;
  readonly leave: () => void;
}

export interface RehearsalAnswer {
  readonly ok: boolean;
  /** Why not, for a person. */
  readonly error?: string;
  /** All bytes of it. */
  readonly bytes: Uint8Array;
  /** How many values it has. */
  readonly values: number;
}
