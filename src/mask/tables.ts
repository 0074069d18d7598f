import { automaton, walkable, type Automaton } from './automaton.ts';
import { contextFinder, type ContextFinder } from './context.ts';
import { leastScore, type Detector, type DigitsDetector } from './detector.ts';

// What can be worked out from a list of detectors, once, whatever is asked of them later.

export interface Used {
  readonly detector: Detector;
  /** Its place in the list. */
  readonly order: number;
  /** The column's name is its context, by so many words. */
  readonly here: boolean;
  readonly words: number;
}

export interface UsedDigits extends Used {
  readonly detector: DigitsDetector;
}

/** Patterns that begin with a word, in one automaton: by its numbers, where they stand in the list and how each is tried. */
export interface Letters {
  readonly automaton: Automaton;
  readonly orders: readonly number[];
  readonly sticky: readonly (RegExp | undefined)[];
}

interface Tables {
  readonly detectors: readonly Detector[];
  readonly contexts: ContextFinder;
  /** Words of which context has one: see `mayNameIn`. */
  readonly words: Uint8Array;
  readonly all: Letters;
  /** Those of them that may be reported where nothing names them. */
  readonly alone: Letters;
  /** Places of those that are neither digits nor in `all`. */
  readonly plain: ReadonlySet<number>;
}

const made = new WeakMap<readonly Detector[], Tables>();

export function tablesOf(detectors: readonly Detector[]): Tables {
  const known = made.get(detectors);
  if (known !== undefined) return known;
  const orders = [...detectors.keys()].filter((order) => headOf(detectors[order]) !== undefined);
  const contexts = contextFinder(detectors);
  const tables = {
    detectors,
    contexts,
    words: wordTable(contexts),
    all: lettersOf(detectors, orders),
    alone: lettersOf(
      detectors,
      orders.filter((order) => isAlone(detectors[order])),
    ),
    plain: new Set(
      [...detectors.keys()].filter((order) => {
        const detector = detectors[order];
        return (
          detector?.kind !== 'digits' &&
          (headOf(detector) === undefined ||
            (detector?.kind === 'pattern' && detector.wholeInColumn === true))
        );
      }),
    ),
  };
  made.set(detectors, tables);
  return tables;
}

/** What an automaton looks for to find its values. */
function headOf(detector: Detector | undefined): RegExp | undefined {
  if (detector?.kind === 'find') return detector.at === undefined ? undefined : detector.head;
  if (detector?.kind === 'pattern' && walkable(detector.pattern)) return detector.pattern;
  return undefined;
}

function isAlone(detector: Detector | undefined): boolean {
  return detector?.kind === 'find' || (detector?.kind === 'pattern' && detector.score >= leastScore);
}

function lettersOf(detectors: readonly Detector[], orders: readonly number[]): Letters {
  const heads = orders.map((order) => headOf(detectors[order]) ?? /(?!)/);
  const sticky = heads.map((head) => new RegExp(head.source, `${head.flags.replace('g', '')}y`));
  return { automaton: automaton(heads), orders, sticky };
}

// A bit for each of 2^20 values of a hash of words: what is not there is no context.
const wordBits = 20;
const wordMask = (1 << wordBits) - 1;

/** The hash of a word, letter by letter, either case. Beginning: 0. */
export function hashLetter(hash: number, byte: number): number {
  return (Math.imul(hash, 33) + (byte & 0x1f)) | 0;
}

/** Words that open the gate wherever they stand: the fewest, for each text with one is searched. */
export function isOpener(hash: number): boolean {
  return openerBits[hash & 1023] === 1 && openers.has(hash);
}

const openers: ReadonlySet<number> = new Set(
  [
    'dot',
    'password',
    'passwd',
    'passwort',
    'kennwort',
    'passphrase',
    'identified',
    'sshpass',
    'pid',
    'nm',
  ].map((word) => Array.from(word).reduce((hash, char) => hashLetter(hash, char.charCodeAt(0)), 0)),
);
const openerBits = new Uint8Array(1024);
for (const hash of openers) openerBits[hash & 1023] = 1;

export function isKnown(words: Uint8Array, hash: number): boolean {
  const bit = (hash ^ (hash >>> 11)) & wordMask;
  return ((words[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
}

function wordTable({ needed }: ContextFinder): Uint8Array {
  const words = new Uint8Array(1 << (wordBits - 3));
  for (const word of needed) {
    if (!/^[a-z]+$/.test(word)) continue;
    let hash = 0;
    for (let at = 0; at < word.length; at++) hash = hashLetter(hash, word.charCodeAt(at));
    const bit = (hash ^ (hash >>> 11)) & wordMask;
    words[bit >> 3] = (words[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return words;
}

/** Whether any word of `bytes` (see bytesOf) may be context: certain where it says no, and true wherever there is more than ASCII. */
export function mayNameIn(bytes: Uint8Array, words: Uint8Array): boolean {
  let hash = 0;
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x80) return true;
    const low = byte | 0x20;
    if (low >= 0x61 && low <= 0x7a) {
      if (byte < 0x60 && isHump(bytes, at, 0)) return true;
      hash = hashLetter(hash, byte);
      length++;
    } else if (length > 0) {
      if (isKnown(words, hash) || (byte === 0x2e && isInitial(bytes, at, 0))) return true;
      hash = 0;
      length = 0;
    }
  }
  return length > 0 && isKnown(words, hash);
}

/** `employeeSin`: a capital at `at` behind two small letters begins a word within the word. */
export function isHump(bytes: Uint8Array, at: number, start: number): boolean {
  return at - 2 >= start && isSmall(bytes[at - 1]) && isSmall(bytes[at - 2]);
}

function isSmall(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x61 && byte <= 0x7a;
}

/** `S.I.N.`: the full stop at `at` stands between letters of which the first is alone. */
export function isInitial(bytes: Uint8Array, at: number, start: number): boolean {
  const before = at - 2 < start ? 0 : (bytes[at - 2] ?? 0);
  return !isSmall(before | 0x20) && isSmall((bytes[at + 1] ?? 0) | 0x20);
}

export const mostDigits = 24;

/** Detectors of digits by how many they look for: those that take any shape, and all that take this one. */
export interface Able {
  readonly any: readonly UsedDigits[];
  /** By the lengths of the groups, as digits of a number to the base 25. */
  readonly shapes: ReadonlyMap<number, readonly UsedDigits[]>;
}

export type ByLength = readonly (Able | undefined)[];

/** `alone`: only who may be reported where nothing but the column names it. */
export function byLength(digits: readonly UsedDigits[], alone: boolean): ByLength {
  return Array.from({ length: mostDigits + 1 }, (_, length) => {
    const able = digits.filter(({ detector }) => detector.lengths.includes(length));
    const taking = (shape: string): readonly UsedDigits[] =>
      able.filter(
        ({ detector, here }) =>
          here ||
          ((detector.shapes === undefined || detector.shapes.includes(shape)) &&
            (!alone ||
              detector.alone === undefined ||
              detector.alone(shape) ||
              detector.amongWords?.(shape) === true)),
      );
    const shapes = new Set([String(length), ...able.flatMap(({ detector }) => detector.shapes ?? [])]);
    const made = {
      any: taking('0-0'),
      shapes: new Map([...shapes].map((shape) => [shapeNumber(shape), taking(shape)])),
    };
    return made.any.length === 0 && [...made.shapes.values()].every((each) => each.length === 0)
      ? undefined
      : made;
  });
}

function shapeNumber(shape: string): number {
  return shape.split('-').reduce((sum, group) => sum * (mostDigits + 1) + Number(group), 0);
}
