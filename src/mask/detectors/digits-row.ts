import { leastScore, type DigitsDetector, type Window } from '../detector.ts';

/** One kind of number that is digits: a row of a table. */
export interface DigitsRow {
  readonly name: string;
  readonly lengths: readonly number[];
  /** Group shapes and the score of a value that passes in one; `bare`: without separators. Below 0.4: only in context. */
  readonly shapes: Readonly<Record<string, number>>;
  readonly bare: number;
  readonly check: (digits: string, window: Window) => boolean;
  readonly context: readonly string[];
  readonly examples: DigitsDetector['examples'];
}

// By chance: a checksum of one digit passes 9 to 10 %, of two digits 1 %, a date 4 %. Alone only what passes less than one in a thousand.
export const weak = 0.05;

export function digitsOf(rows: readonly DigitsRow[]): readonly DigitsDetector[] {
  return rows.map(({ shapes, bare, check, ...row }) => ({
    ...row,
    kind: 'digits',
    shapes: [...Object.keys(shapes), ...(bare > 0 ? row.lengths.map(String) : [])],
    most: Math.max(bare, ...Object.values(shapes)),
    alone: (shape) => (shape.includes('-') ? (shapes[shape] ?? 0) : bare) >= leastScore,
    judge: (window) => {
      const isBare = !window.shape.includes('-');
      const score = isBare ? bare : (shapes[window.shape] ?? 0);
      if (/\d[-./]?$/.test(window.before) || /^[-./]?\d/.test(window.after)) return 0;
      // `TAX-700001449`, `ORD-123456789`: the letters make it a number of another register.
      if (isBare && !window.named && /\p{L}[-_]$/u.test(window.before)) return 0;
      // Where the column has the number's own name, somebody's own way to group its digits is no disguise.
      if (score === 0) return window.named && window.whole ? -1 : 0;
      return check(window.digits, window) ? score : -1;
    },
  }));
}
