/** A sensitive value in a text: half-open range of UTF-16 units, type by Presidio's name, score from 0.4 (weak) to 1. */
export interface Finding {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly score: number;
}

/** What is not reported below this: the same line that Presidio draws. */
export const leastScore = 0.4;
/** What a word of the detector's own context, left of the value or in the column's name, adds. */
export const contextBoost = 0.35;

interface Common {
  /** Its name is also that of a whole class: what names another type as well is taken for that. */
  readonly vague?: boolean;
  /** Presidio's entity name where it has one. */
  readonly name: string;
  /**
   * Lower-case words that name the value: matched whole, plural too, left of it or in the column's name. The detector's own
   * name is one too. `account$` counts only right before the value, `address^` only as the first word.
   */
  readonly context: readonly string[];
  /** Those of the context that name a whole class of things (`card`, `account$`): another's own word beside them is surer. */
  readonly general?: readonly string[];
  /** The text of every `yes` is found whole as this type, alone; nothing of this type is found in a `no`. */
  readonly examples: {
    readonly yes: readonly string[];
    readonly no: readonly string[];
    /** Found whole only in a column named by the first word of the context. */
    readonly named?: readonly string[];
  };
}

/** Found by pattern. The pattern has the flag `g`, is linear (bounded repeats, no nested ones) and covers the value only. */
export interface PatternDetector extends Common {
  readonly kind: 'pattern';
  readonly pattern: RegExp;
  /** So many ASCII digits every text with a value has. */
  readonly leastDigits?: number;
  readonly score: number;
  /** Says whether it is one. In the detector's own context a value that fails is reported all the same: a typo is still a leak. */
  readonly check?: (value: string) => boolean;
  /** Reports what fails the check when the context names it. Absent: the check always decides. */
  readonly looseInContext?: boolean;
  /** The whole value is a finding where the column's name says so, whatever it looks like. */
  readonly wholeInColumn?: boolean;
}

/** Found by own code that is linear in the text. Gives ranges with a score before context. */
export interface FindDetector extends Common {
  readonly kind: 'find';
  readonly find: (text: string, shared: Shared) => Iterable<Span>;
  /** What the text must show somewhere before `find` is asked; before that, one of these marks of ASCII (`@`, `:`, …). */
  readonly gate?: RegExp;
  readonly marks?: string;
  /** Not the program's: the gate knows no more of it than `literal`, ASCII that every value has. */
  readonly own?: boolean;
  /** Looks only at a value as a whole, which nothing but the name of its column can name. */
  readonly onlyInColumn?: boolean;
  /** Its values may have blanks, quotes or brackets of markup in them. */
  readonly spaced?: boolean;
  readonly literal?: string;
  /** What each value begins with, where that is the beginning of a word: then `at` is asked at such places, instead of `find`. */
  readonly head?: RegExp;
  readonly at?: (text: string, start: number) => Span | undefined;
  /** The whole value is a finding where the column's name says so, whatever it looks like. */
  readonly wholeInColumn?: boolean;
}

/** What several detectors find in one text is looked for once in each search. */
export interface Shared {
  readonly names: () => { readonly people: readonly Span[]; readonly places: readonly Span[] };
}

export interface Span {
  readonly start: number;
  readonly end: number;
  readonly score: number;
  /** Reported only where the context names it, with the least score. */
  readonly loose?: boolean;
}

/** Found among digit groups: `4111 1111 1111 1111` is a window of four groups with 16 digits. */
export interface DigitsDetector extends Common {
  readonly kind: 'digits';
  /** How many digits the value has. */
  readonly lengths: readonly number[];
  /** Only these shapes are judged (`9` is nine digits without separators); absent: every shape. */
  readonly shapes?: readonly string[];
  /** Whether it may be reported in this shape where nothing names it; absent: in every shape. A sign that leads it always may. */
  readonly alone?: (shape: string) => boolean;
  /** Where words stand on its left it may be reported in these shapes too: `judge` looks at what stands there. */
  readonly amongWords?: (shape: string) => boolean;
  /** Score before context; 0: the shape is wrong; -1: right shape, wrong check: reported only where the context names it. */
  readonly judge: (window: Window) => number;
  /** The most that `judge` gives in a text without any letter; absent: 1. */
  readonly most?: number;
  /** What may follow and belongs to the value (an extension). Sticky. */
  readonly trail?: RegExp;
  /** The signs before the first group (`+`, `(`) belong to the value. */
  readonly lead?: boolean;
}

export interface Window {
  readonly digits: string;
  /** Lengths of the groups: `3-2-4`. */
  readonly shape: string;
  /** As written, from the first digit to the last, with what leads it (`+`, `(`). */
  readonly raw: string;
  /** The window is its whole run of groups. */
  readonly whole: boolean;
  /** The one or two characters before it. */
  readonly before: string;
  /** The ten characters behind it. */
  readonly after: string;
  /** The text before it, as far as context reaches. */
  readonly left: string;
  /** The column's name says what it is. */
  readonly named: boolean;
  /** Takes one from the budget of expensive confirmations; at false a judge must say yes to what it would have confirmed. */
  readonly confirm: () => boolean;
}

export type Detector = PatternDetector | FindDetector | DigitsDetector;
