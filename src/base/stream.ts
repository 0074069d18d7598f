/**
 * One connection's bytes, whatever carries them (plain socket, TLS, memory). The only way a protocol meets the network.
 *
 * INVARIANT: back-pressure is end to end. `read` asks the carrier for bytes only when called, and `write` resolves when
 * the carrier can take more: who awaits both holds no more than one chunk in each direction.
 */
export interface Wire {
  /**
   * The next bytes, at least one, or `undefined` once the peer has ended its side. The view is valid until the next
   * `read`: what must live longer is copied. Rejects with a WireError `closed` when the connection broke or was closed.
   */
  readonly read: () => Promise<Uint8Array | undefined>;
  /**
   * Sends bytes in order; the views may be reused once it has resolved. Resolves when the carrier can take more (not
   * when the peer has them); gives `undefined` when it can at once, so the hot path need not wait a tick.
   */
  readonly write: (bytes: Uint8Array) => Promise<void> | undefined;
  /** Flushes what was written and ends our side. */
  readonly end: () => void;
  /** Drops the connection now, both ways; pending reads and writes reject. Idempotent. */
  readonly destroy: (why?: Error) => void;
  /** Resolves when the connection is gone, for whatever reason. Never rejects. */
  readonly closed: Promise<void>;
  readonly peer: string; // "10.0.0.7:51234", for logs and entries
  /** Upgrades this connection to TLS; the old wire must not be used after. Absent where it is TLS already. */
  readonly secure?: (as: SecureAs) => Promise<Wire>;
  /** Facts of the TLS layer; absent on a plain wire. */
  readonly tls?: { readonly protocol: string; readonly alpn?: string; readonly channelBinding?: Uint8Array };
}

export type SecureAs =
  | {
      readonly kind: 'server';
      readonly cert: string; // PEM chain
      readonly key: string; // PEM
      readonly alpn?: readonly string[];
      /** Bytes of the handshake that were read already (direct TLS is found by its first byte). */
      readonly ahead?: Uint8Array;
    }
  | {
      readonly kind: 'client';
      readonly serverName: string;
      /** `verify-full` checks chain and name, `verify-ca` the chain, `require` neither. */
      readonly verify: 'verify-full' | 'verify-ca' | 'require';
      readonly ca?: string; // PEM; the system's store when absent
      readonly cert?: string; // PEM, client certificate
      readonly key?: string; // PEM
      readonly alpn?: readonly string[];
      /** Gives the handshake up and drops the connection. */
      readonly signal?: AbortSignal;
    };
