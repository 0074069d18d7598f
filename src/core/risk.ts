/** Deterministic: the same facts give the same score. It can only raise severity. */
export interface Risk {
  readonly score: number; // 0 to 100
  readonly level: 'low' | 'medium' | 'high' | 'critical';
  readonly reasons: readonly { readonly feature: string; readonly points: number; readonly why: string }[];
}
