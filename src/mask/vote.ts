import { detectors } from './detectors/index.ts';
import { scanner, type Scanner } from './scan.ts';

// A check digit that one number in ten has by chance says nothing of one value and everything of a column: six values in
// a row that all pass are no accident. Each value adds to the odds of each type; what the odds decide holds for the
// whole column, those values too that fail the check: a typo is still a leak.

/** What a column of values without context holds, judged value by value. */
export interface ColumnVote {
  /** Counts one value. Empty ones say nothing. */
  readonly see: (value: string) => void;
  /** The type, or `open`: more values are needed, and none may be shown. `undefined`: nothing that only a vote can find. */
  readonly verdict: () => string | undefined;
  /** No more values come: what is likely by now is taken for it. Decides. */
  readonly settle: () => void;
}

/** One in a hundred thousand: a type whose check one number in ten passes needs six in a row. */
const sure = Math.log(1e5);
const unsure = Math.log(1 / 20);
/** What is enough when no more values come. */
const likely = Math.log(100);
const mostSeen = 64;
/** How often a value of the type fails: mistyped, or cut. */
const typos = 0.02;
/** A check that more pass by chance proves nothing however often it does. */
const weakest = 0.25;
const samples = 400;
const digitsOnly = /^\d{7,19}$/;

interface Candidate {
  readonly type: string;
  readonly lengths: ReadonlySet<number>;
  /** Whether the check is right: what a column of its own name would show. */
  readonly passes: (value: string) => boolean;
}

let known: readonly Candidate[] | undefined;

/** Types of numbers that are found bare only where something names them. */
function candidates(): readonly Candidate[] {
  return (known ??= detectors.flatMap((detector) => {
    const column = detector.context[0];
    if (detector.kind !== 'digits' || column === undefined || detector.name === 'PHONE_NUMBER') return [];
    const lengths = detector.lengths.filter((length) => length >= 7 && length <= 19);
    if (lengths.length === 0) return [];
    const find: Scanner = scanner({ detectors: [detector], column });
    const passes = (value: string): boolean => {
      const [first] = find(value);
      return first !== undefined && first.start === 0 && first.end === value.length && first.score >= 0.85;
    };
    return [{ type: detector.name, lengths: new Set(lengths), passes }];
  }));
}

const chances = new Map<string, number>();

/** How many of all numbers of this length pass by chance: measured once, on the same numbers each time. */
function chanceOf({ type, passes }: Candidate, length: number): number {
  const key = `${type} ${length}`;
  const before = chances.get(key);
  if (before !== undefined) return before;
  let state = length;
  let passed = 0;
  for (let sample = 0; sample < samples; sample++) {
    let value = '';
    while (value.length < length) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      value += String(Math.floor((state / 2 ** 32) * 10));
    }
    if (passes(value)) passed++;
  }
  const chance = (passed + 1) / (samples + 2);
  chances.set(key, chance);
  return chance;
}

/** `entities`: only these types; absent or with `*`: all. */
export function columnVote(entities?: readonly string[]): ColumnVote {
  const wanted = entities === undefined || entities.includes('*') ? undefined : new Set(entities);
  const odds = new Map<Candidate, number>();
  let seen = 0;
  let decided: { readonly type: string | undefined } | undefined;
  return { see, verdict: () => (decided === undefined ? 'open' : decided.type), settle };

  function see(value: string): void {
    const text = value.trim();
    if (decided !== undefined || text === '') return;
    seen++;
    if (seen === 1) {
      if (digitsOnly.test(text)) {
        for (const candidate of candidates()) {
          if (!candidate.lengths.has(text.length)) continue;
          if (wanted === undefined || wanted.has(candidate.type)) odds.set(candidate, 0);
        }
      }
    }
    for (const [candidate, before] of odds) {
      const now = before + weightOf(candidate, text);
      if (now <= unsure) odds.delete(candidate);
      else odds.set(candidate, now);
    }
    const [best, most] = leading();
    if (odds.size === 0) decided = { type: undefined };
    else if (most >= sure) decided = { type: best };
    else if (seen >= mostSeen) settle();
  }

  function leading(): readonly [string | undefined, number] {
    let best: string | undefined;
    let most = -Infinity;
    for (const [{ type }, each] of odds) {
      if (each > most) [best, most] = [type, each];
    }
    return [best, most];
  }

  function settle(): void {
    if (decided !== undefined) return;
    const [best, most] = leading();
    decided = { type: most >= likely ? best : undefined };
  }
}

function weightOf(candidate: Candidate, text: string): number {
  if (!digitsOnly.test(text) || !candidate.lengths.has(text.length)) return Math.log(typos);
  const chance = chanceOf(candidate, text.length);
  if (chance > weakest) return -Infinity;
  return candidate.passes(text) ? Math.log((1 - typos) / chance) : Math.log(typos / (1 - chance));
}

/** The score of a value that its column's vote found: surer than the least, less sure than its own name. */
export const votedScore = 0.6;
