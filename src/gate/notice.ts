import type { Decision, DecisionId } from '../core/decision.ts';

/** Of a decision that a rule wants somebody to be told of. */
export interface Notice {
  readonly decision: DecisionId;
  readonly kind: Decision['kind'];
  readonly rule: string;
  readonly subject: string;
  readonly resource: string;
  readonly verb: string;
}

/** Must not throw. */
export type Notify = (who: readonly string[], about: Notice) => void;
