/**
 * Reviews without I/O: what an approval is bound to, who may give it, how risky a request is, how it is shown.
 *
 * INVARIANT: nothing here lets anything pass. It says whether what is known is enough; the gate acts on it.
 */
export { bindingOf, classOf, fingerprintOf, reviewDigest } from './digest.ts';
export { asked, couldApprove, isEnough, type Person, unfit } from './eligible.ts';
export { type Figures, figuresOf, rubberStampMs } from './figures.ts';
export { accessBinding, type GrantStore, type Scope } from './grants.ts';
export { riskOf } from './risk.ts';
export type { ReviewQuery, ReviewStore, Step, StoredGrant, StoredReview } from './stored.ts';
export { beyond, classTerms, escalatedTo, grantedBy, needsEver, needsNow } from './terms.ts';
export { visible } from './visible.ts';
