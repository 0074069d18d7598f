import { detectors } from './detectors/index.ts';
import type { DigitsDetector } from './detector.ts';
import { isDigit, isStamp, isWord } from './stamps.ts';

// A check digit that one number in ten has by chance says nothing of one value and everything of a column: six values in
// a row that all pass are no accident. Each number adds to the odds of each type (a cumulative sum that never falls below
// `unsure`), so that a column is known however it began; what the odds decide holds for all numbers of the column, those
// too that fail the check: a typo is still a leak. Words beside them are searched as if the column bore the type's name. A
// value that comes again is no new evidence, and what is no number is none.

/** What a column of values without context holds, judged value by value. Keeps no value, only sums and hashes. */
export interface ColumnVote {
  /** Counts one value. */
  readonly see: (value: string) => void;
  /** The same for the UTF-8 of one: `bytes[start, end)`. */
  readonly seeBytes: (bytes: Uint8Array, start: number, end: number) => void;
  /** The type, or `open`: a value passed, more are needed, and none may be shown. `undefined`: nothing that only a vote can find. */
  readonly verdict: () => string | undefined;
  /** No more values come for now: what is likely is taken for it, until the next number says otherwise. */
  readonly settle: () => void;
}

/** One in a hundred thousand: a type whose check one number in ten passes needs six in a row. */
const sure = Math.log(1e5);
/** Of a column that has been looked at for long: chance had more tries. Eleven in a row. */
const surer = Math.log(1e9);
const unsure = Math.log(1 / 20);
/** What is enough when no more values come. */
const likely = Math.log(100);
/** Numbers after which a column counts as looked at for long. */
const young = 64;
/** How often a value of the type fails: mistyped, or cut. */
const typos = 0.02;
/** A check that more pass by chance proves nothing however often it does. */
const weakest = 0.25;
const samples = 300;
const tailSamples = 80;
const mostSeeds = 4;
const tailDigits = 4;
/** Of a column looked at for long so many numbers are looked at out of so many, unless they begin to pass. */
const [looks, outOf] = [8, 512];
const leastDigits = 7;
const mostDigits = 19;
const mostCharacters = 40;
const number = /^\d+(?:[ ./-]\d+){0,6}$/;
const remembered = 32; // values that are no new evidence

interface Candidate {
  readonly type: string;
  readonly lengths: ReadonlySet<number>;
  /** Numbers that are right, for working out what chance can do. */
  readonly seeds: readonly string[];
  /** Whether the check is right: what a column of its own name would show. */
  readonly passes: (written: Written) => boolean;
}

/** A number as it is written: `943 476-5919`. */
interface Written {
  readonly raw: string;
  readonly digits: string;
  readonly shape: string;
}

let known: readonly Candidate[] | undefined;

/** Types of numbers that are found bare only where something names them. */
function candidates(): readonly Candidate[] {
  return (known ??= detectors.flatMap((detector) => {
    if (detector.kind !== 'digits' || detector.context.length === 0 || detector.name === 'PHONE_NUMBER')
      return [];
    const lengths = detector.lengths.filter((length) => length >= leastDigits && length <= mostDigits);
    if (lengths.length === 0) return [];
    const { yes, named = [] } = detector.examples;
    const seeds = [...yes, ...named].map((each) => each.replace(/\D/g, ''));
    const passes = (each: Written): boolean => isRight(detector, each);
    return [{ type: detector.name, lengths: new Set(lengths), seeds, passes }];
  }));
}

function isRight(detector: DigitsDetector, { raw, digits, shape }: Written): boolean {
  const around = { whole: true, before: '', after: '', left: '', named: true, confirm: () => true };
  return detector.judge({ digits, shape, raw, ...around }) > 0;
}

/** What numbers of one length say for a type and against it. */
interface Strength {
  readonly pass: number;
  readonly fail: number;
  /** Places that the check does not look at: numbers that differ there only are one piece of evidence. */
  readonly free: readonly number[];
}

const strengths = new Map<string, Strength | undefined>();

/** Undefined where so many pass by chance that a pass says nothing. Worked out once, on the same numbers each time. */
function strengthOf(candidate: Candidate, length: number): Strength | undefined {
  const key = `${candidate.type} ${length}`;
  if (strengths.has(key)) return strengths.get(key);
  const random = generator(length);
  const passes = (digits: string): boolean =>
    candidate.passes({ raw: digits, digits, shape: String(length) });
  const made = (count: number): string => Array.from({ length: count }, random).join('');
  const seeds = candidate.seeds.filter((seed) => seed.length === length && passes(seed)).slice(0, mostSeeds);
  let passed = 0;
  for (let sample = 0; sample < samples; sample++) {
    const value = made(length);
    if (!passes(value)) continue;
    passed++;
    if (seeds.length < mostSeeds) seeds.push(value);
  }
  // Ids count up: their head stays, be it a date or a range that fits, and their tail tells what chance does.
  let tails = 0;
  for (const seed of seeds)
    for (let sample = 0; sample < tailSamples; sample++)
      if (passes(seed.slice(0, -tailDigits) + made(tailDigits))) tails++;
  const chance = Math.max(
    (passed + 1) / (samples + 2),
    seeds.length === 0 ? 0 : tails / (tailSamples * seeds.length),
  );
  const strength =
    chance > weakest
      ? undefined
      : {
          pass: Math.log((1 - typos) / chance),
          fail: Math.log(typos / (1 - chance)),
          free: freePlaces(seeds, passes),
        };
  strengths.set(key, strength);
  return strength;
}

function freePlaces(seeds: readonly string[], passes: (digits: string) => boolean): readonly number[] {
  const [first = ''] = seeds;
  return Array.from(first, (_, place) => place).filter((place) => {
    const others = seeds.flatMap((seed) =>
      [1, 3, 4, 7, 9].map(
        (more) => seed.slice(0, place) + ((Number(seed[place]) + more) % 10) + seed.slice(place + 1),
      ),
    );
    return others.filter(passes).length > others.length / 2;
  });
}

function generator(seed: number): () => string {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return String(Math.floor((state / 2 ** 32) * 10));
  };
}

/** `entities`: only these types; absent or with `*`: all. */
export function columnVote(entities?: readonly string[]): ColumnVote {
  const wanted = entities === undefined || entities.includes('*') ? undefined : new Set(entities);
  const asked = new Map<number, readonly Asked[]>();
  const hopes = new Map<Candidate, Hope>();
  const recent = new Set<number>(); // hashes of numbers that were looked at, and come again
  let seen = 0;
  let passed = 0; // numbers that were not looked at
  let found: string | undefined;
  let open = false;
  let doubt: string | undefined;
  return { see, seeBytes, verdict: () => found ?? (open ? 'open' : doubt), settle };

  function seeBytes(bytes: Uint8Array, start: number, end: number): void {
    if (found !== undefined || end - start < leastDigits || end - start > mostCharacters) return;
    // Most values are no number, and one of their first characters shows it.
    let hash = 0x811c9dc5;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte > 0x39 || (byte < 0x2d && byte !== 0x20)) return;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (recent.has(hash)) return;
    if (seen > young && !open && doubt === undefined && passed++ % outOf >= looks) return;
    if (recent.size >= young) recent.clear();
    recent.add(hash);
    let text = '';
    for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] ?? 0);
    see(text);
  }

  function see(value: string): void {
    if (found !== undefined || value.length > mostCharacters) return;
    const raw = value.trim();
    if (raw.length < leastDigits || !number.test(raw)) return;
    const groups = raw.split(/[ ./-]/);
    const digits = groups.join('');
    const { length } = digits;
    if (length < leastDigits || length > mostDigits) return;
    const here = hopesOf(length);
    const written = { raw, digits, shape: groups.map((each) => each.length).join('-') };
    let news = false;
    for (const each of here) news = count(each, written) || news;
    if (!news) return;
    seen++;
    for (const hope of hopes.values())
      if (!hope.candidate.lengths.has(length)) hope.odds = Math.max(unsure, hope.odds + Math.log(typos));
    const best = leading();
    doubt = undefined;
    open = best !== undefined && best.odds > 0;
    if (best !== undefined && best.odds >= (seen > young ? surer : sure)) found = best.candidate.type;
  }

  function hopesOf(length: number): readonly Asked[] {
    let here = asked.get(length);
    if (here === undefined) {
      here = candidates().flatMap((candidate) => {
        if (!candidate.lengths.has(length) || (wanted !== undefined && !wanted.has(candidate.type)))
          return [];
        const strength = strengthOf(candidate, length);
        if (strength === undefined) return [];
        const hope = hopes.get(candidate) ?? { candidate, odds: 0, before: new Set() };
        hopes.set(candidate, hope);
        return [{ hope, strength }];
      });
      asked.set(length, here);
    }
    return here;
  }

  function leading(): Hope | undefined {
    let best: Hope | undefined;
    for (const hope of hopes.values()) if (best === undefined || hope.odds > best.odds) best = hope;
    return best;
  }

  function settle(): void {
    if (!open) return;
    const best = leading();
    open = false;
    doubt = best !== undefined && best.odds >= likely ? best.candidate.type : undefined;
  }
}

/** How far one type has come in one column. */
interface Hope {
  readonly candidate: Candidate;
  odds: number;
  /** Hashes of what was counted. */
  readonly before: Set<number>;
}

interface Asked {
  readonly hope: Hope;
  readonly strength: Strength;
}

/** False where the number is no new evidence. */
function count({ hope, strength }: Asked, written: Written): boolean {
  const { candidate, before } = hope;
  const hash = hashWithout(written.digits, strength.free);
  if (before.has(hash)) return false;
  if (before.size >= remembered) for (const oldest of before) if (before.delete(oldest)) break;
  before.add(hash);
  hope.odds = Math.max(unsure, hope.odds + (candidate.passes(written) ? strength.pass : strength.fail));
  return true;
}

function hashWithout(digits: string, places: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < digits.length; at++)
    if (!places.includes(at)) hash = Math.imul(hash ^ digits.charCodeAt(at), 0x01000193);
  return hash;
}

/**
 * What a column's verdict says of one more value, UTF-8 `bytes[start, end)`. `whole`: it is a number, be it mistyped or cut,
 * and is of the column's type whatever its check says. `within`: a number of the type may stand among its words, and is
 * looked for as in a column that bears the type's name. `no`: without a digit, or a date, a time or a UUID.
 */
export function verdictOn(bytes: Uint8Array, start: number, end: number): 'whole' | 'within' | 'no' {
  if (isStamp(bytes, start, end)) return 'no';
  let digits = 0;
  let letters = 0;
  let others = 0;
  let isAscii = true;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    const kind = kinds[byte];
    if (kind === digit) digits++;
    else if (kind === letter) letters++;
    else if (kind !== separator) others++;
    if (byte >= 0x80) isAscii = false;
  }
  // Other scripts have digits too.
  if (digits === 0 && isAscii) return 'no';
  const isNumber =
    digits >= fewestDigits && letters <= mostTypos && others === 0 && end - start <= mostCharacters;
  return isNumber ? 'whole' : 'within';
}

const digit = 1;
const letter = 2;
const separator = 3;
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (isDigit(byte)) return digit;
  if (isWord(byte)) return letter;
  return ' ./-_,'.includes(String.fromCharCode(byte)) ? separator : 0;
});
/** A digit was left out, or letters were typed for two of them. */
const fewestDigits = leastDigits - 1;
const mostTypos = 2;

/** The score of a value that its column's vote found: surer than the least, less sure than its own name. */
export const votedScore = 0.6;
