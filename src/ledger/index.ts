/**
 * The ledger's own knowledge, without I/O: entries as bytes, the Merkle tree over them, tiles, signed heads, proofs, and
 * the verifier. `stores/ledger.ts` writes what this describes; `sallyport audit verify` reads it with nothing else.
 *
 * It promises: what a head commits to cannot be changed, removed or reordered without the verifier noticing; personal
 * parts are hashed as ciphertext, so destroying a session's key leaves every proof intact.
 * It does not promise: that something was logged at all (reconciliation), nor that two readers were shown the same head
 * (witnesses, anchors). See docs/ledger.md.
 */
export * from './cosign.ts';
export * from './envelope.ts';
export * from './merkle.ts';
export * from './note.ts';
export * from './proof.ts';
export * from './rotation.ts';
export * from './seal.ts';
export * from './tiles.ts';
export * from './tree.ts';
export * from './verify.ts';
export type { AnchorReport, KeptHead } from './heads.ts';
export type { ClockReport, Gap, SessionsReport } from './continuity.ts';
