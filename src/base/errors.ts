/** What a peer can do wrong on the wire. Stable: the codes stand in entries and metrics. */
export type WireCode =
  | 'bad-message'
  | 'bad-length'
  | 'too-large'
  | 'unknown-message'
  | 'unexpected-message'
  | 'bad-encoding'
  | 'unsupported'
  | 'deadline'
  | 'closed';

/** The peer broke the rules of its protocol. Ends the session; thrown inside a protocol's room, caught once by its caller. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: WireCode;

  constructor(code: WireCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What can fail on our side or on the resource's. */
export type FaultCode =
  | 'unreachable'
  | 'upstream-auth'
  | 'upstream-closed'
  | 'upstream-late'
  | 'ledger'
  | 'recorder'
  | 'parser'
  | 'policy'
  | 'mask'
  | 'catalogue'
  | 'config'
  | 'stopping'
  | 'full'
  | 'bug';

/** We or the resource failed. Ends the session closed, never open. Messages hold no value of a row or statement. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The message of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
