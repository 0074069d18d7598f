/**
 * Reviews without I/O: what an approval is bound to, who may give it, how risky a request is, how it is shown.
 *
 * INVARIANT: nothing here lets anything pass. It says whether what is known is enough; the gate acts on it.
 */
export { bindingOf, fingerprintOf, reviewDigest } from './digest.ts';
export { asked, couldApprove, isEnough, type Person, unfit } from './eligible.ts';
export { type Figures, figuresOf, rubberStampMs } from './figures.ts';
export { accessBinding, type GrantStore, type Scope } from './grants.ts';
export { riskOf } from './risk.ts';
export type { ReviewQuery, ReviewStore, Step, StoredReview } from './stored.ts';
export { visible } from './visible.ts';
