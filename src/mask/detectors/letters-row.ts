import type { PatternDetector } from '../detector.ts';

const before = '(?<![A-Za-z0-9])';
const after = '(?![A-Za-z0-9])';

/** One kind of number with letters in it: a row of a table. */
export interface LettersRow {
  readonly name: string;
  readonly pattern: string;
  readonly score: number;
  readonly vague?: true;
  /** Letters are capitals: a word of a sentence is none. */
  readonly capitals?: true;
  readonly check?: (compact: string) => boolean;
  /** Signs that `check` wants to see; absent: it gets neither blanks nor dashes. */
  readonly keeps?: true;
  readonly context: readonly string[];
  readonly examples: PatternDetector['examples'];
}

export function lettersOf(rows: readonly LettersRow[]): readonly PatternDetector[] {
  return rows.map(({ pattern, check, keeps, capitals, ...row }) => ({
    ...row,
    kind: 'pattern',
    pattern: new RegExp(`${before}(?:${pattern})${after}`, capitals === true ? 'g' : 'gi'),
    looseInContext: true,
    ...(check === undefined
      ? {}
      : {
          check: (value: string) =>
            check(keeps === true ? value.toUpperCase() : value.toUpperCase().replaceAll(/[ -]/g, '')),
        }),
  }));
}
