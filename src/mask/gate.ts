import {
  aloneAt,
  exoticAt,
  isEscapedAt,
  isFence,
  isGap,
  isSpelledAt,
  isWww,
  mayAssign,
} from './gate-marks.ts';
import { mayName } from './names/index.ts';
import { detectorsInUse, onDetectors } from './registry.ts';
import { scan } from './scan.ts';
import { newSieve, type Sieve } from './sieve/sieve.ts';
import { openDigits, type Teacher, wordTeacher } from './sieve/words.ts';
import { datetimeAt, isDigit, isStamp, isWord, uuidAt } from './stamps.ts';
import { isDateShape, longestShape, type Proof, proofs, shapes, type Shapes } from './shapes.ts';
import {
  byLength,
  hashLetter,
  isOpener,
  isHump,
  isInitial,
  isKnown,
  mostDigits,
  tablesOf,
  type Letters,
} from './tables.ts';

// What a text must show for anything to be found in it. One pass over bytes, no allocation.

// What a byte can begin. 0: none of these, and the end of a word.
const letter = 1;
const digit = 2;
const high = 3;
const at = 4;
const colon = 5;
const equals = 6;
const dot = 7;
const joint = 8; // between the groups of a number, or inside of a token
const dash = 9;

const classes = new Uint8Array(256);
classes.fill(high, 0x80);
classes.fill(digit, 0x30, 0x3a);
classes.fill(letter, 0x41, 0x5b);
classes.fill(letter, 0x61, 0x7b);
classes[0x40] = at;
classes[0x3a] = colon;
classes[0x3d] = equals;
classes[0x2e] = dot;
for (const char of '/_+~%&') classes[char.charCodeAt(0)] = joint;
classes[0x2d] = dash;

/** What bytes are in plain words. 0: more than that. */
const words = new Uint8Array(256);
const wordLetter = 1;
const wordEnd = 2;
words.fill(wordLetter, 0x41, 0x5b);
words.fill(wordLetter, 0x61, 0x7b);
for (const char of ' \t\r\n,;!?\'"') words[char.charCodeAt(0)] = wordEnd;
const wordDigit = 3;
words.fill(wordDigit, 0x30, 0x3a);
const wordAccent = 4; // an accented letter of Latin 1, and what continues it
words.fill(wordAccent, 0xc3, 0xc4);
words.fill(wordAccent, 0x80, 0xc0);

/** Nothing made of letters alone is found in words shorter than this. */
const longWord = 16;

// INVARIANT: what is found where nothing names it has so many digits, or so many characters without a blank; what is found
// where something does has so many digits, or fits a pattern of letters.
const fewDigits = 4;
const fewLetters = 12;

interface Gate {
  /** Patterns that are found alone, and all of them: what a word names is found too. */
  readonly letters: Letters;
  readonly named: Letters;
  readonly words: Uint8Array;
  /** So many words of one letter name something together (`C I`): one does not, unless somebody's own detector says so. */
  readonly initials: number;
  /** How many digits in one group may be somebody's; the bit of each number. */
  readonly bare: number;
  /** The same where words stand around it. */
  readonly among: number;
  /** The fewest digits in one group that may be. */
  readonly fewest: number;
  /** The fewest digits in several groups that may be. */
  readonly least: number;
  /** What values of patterns of somebody's own have in them; `undefined`: one of them says nothing. */
  readonly literals: readonly Buffer[] | undefined;
  /** The same with zeros for their digits. */
  readonly shapedLiterals: readonly Buffer[] | undefined;
  /** Shapes of texts that show nothing. */
  readonly shapes: Shapes;
  /** Knows them for rows: `undefined` where the machine cannot. */
  readonly sieve: Sieve | undefined;
  /** Teaches it the words of texts that show nothing. */
  readonly teach: Teacher | undefined;
}

let built: Gate | undefined;
onDetectors(() => {
  built = undefined;
});

function gate(): Gate {
  if (built !== undefined) return built;
  const detectors = detectorsInUse();
  const { alone, all, words: known } = tablesOf(detectors);
  const digits = detectors.flatMap((detector, order) =>
    detector.kind === 'digits' ? [{ detector, order, here: false, words: 0 }] : [],
  );
  const able = byLength(digits, true);
  let bare = 0;
  let among = 0;
  let least = mostDigits;
  for (const [length, each] of able.entries()) {
    for (const { detector } of each?.shapes.get(length) ?? []) {
      if (detector.alone?.(String(length)) === false) among |= 1 << length;
      else bare |= 1 << length;
    }
    if (each !== undefined) least = Math.min(least, length);
  }
  const own = detectors.filter((each) => each.kind === 'find' && each.own === true);
  const literals = own.flatMap((each) =>
    each.kind === 'find' && each.literal !== undefined ? [Buffer.from(each.literal)] : [],
  );
  const needed = own.length === 0 ? none : literals.length < own.length ? undefined : literals;
  const sieve = newSieve();
  // INVARIANT: so few digits are nobody's, in however many groups.
  const isPlain = needed === none && Math.min(least, fewestOf(bare | among)) >= fewDigits;
  if (isPlain) sieve?.trustPlain(openDigits(all));
  built = {
    letters: alone,
    named: all,
    words: known,
    initials: detectors.some(({ context }) => context.some((each) => /^[a-z][$^]?$/i.test(each.trim())))
      ? 1
      : 2,
    bare,
    among,
    fewest: fewestOf(bare | among),
    least,
    literals: needed,
    shapedLiterals:
      needed === none
        ? none
        : needed?.map((literal) => Buffer.from(literal.map((byte) => (isDigit(byte) ? 0x30 : byte)))),
    shapes: shapes(),
    sieve,
    teach: isPlain && sieve !== undefined ? wordTeacher(sieve, { words: known, named: all }) : undefined,
  };
  return built;
}

function fewestOf(bits: number): number {
  return bits === 0 ? mostDigits + 1 : Math.min(leadMost, 31 - Math.clz32(bits & -bits));
}

/** What a sign leads can be somebody's from so many digits on (`aloneAt`). */
const leadMost = 7;

/**
 * Whether `scan` could find anything in UTF-8 `bytes[start, end)`. False is certain (the column's name aside); true only
 * means: look. Tens of nanoseconds for a usual cell.
 */
export function mayContain(bytes: Uint8Array, start: number, end: number): boolean {
  const { shapes: known } = built ?? gate();
  if (known.holds(bytes, start, end)) return false;
  if (looks(bytes, start, end, 'digits')) return true;
  known.offer(bytes.subarray(start, end), proved);
  return false;
}

/** Walks whole rows, and passes over what `mayContain` would say no to by its shape. */
export function rowSieve(): Sieve | undefined {
  return (built ?? gate()).sieve;
}

/** `mayContain` of a value that the sieve noted: what is shown about its shape is taught to the sieve. */
export function mayContainNoted(bytes: Uint8Array, start: number, end: number): boolean {
  const may = mayContain(bytes, start, end);
  const { sieve, shapes: known, teach } = built ?? gate();
  // The gate opens on many a text in which nobody's name or address is. If it has no digit, no other text has its shape:
  // then the search itself tells, once and for all, that there is nothing in it where it is the whole value.
  if (may && (end - start > longestShape || hasDigit(bytes, start, end))) return true;
  if (may) known.offer(bytes.subarray(start, end), searched);
  const proof = known.proof();
  if (proof !== proofs.unproved) sieve?.learn(bytes.subarray(start, end), proof);
  else if (!may) teach?.(bytes, start, end);
  return may && proof !== proofs.alone;
}

function searched(text: Uint8Array): Proof {
  const { buffer, byteOffset, length } = text;
  const written = Buffer.from(buffer, byteOffset, length).toString();
  // What is no UTF-8 is not what was searched.
  const isWhole = Buffer.from(written).equals(text);
  return isWhole && scan(written).length === 0 ? proofs.alone : proofs.unproved;
}

function hasDigit(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (isDigit(bytes[at])) return true;
  return false;
}

/** What a digit is taken for: itself, or any of the ten. */
type Digits = 'digits' | 'any digit';

/** Whether nothing can be found in any text of this shape: its zeros stand for any digits. */
function proved(shape: Uint8Array): Proof {
  const { literals } = built ?? gate();
  if (literals === none && isDateShape(shape)) return proofs.dated;
  return looks(shape, 0, shape.length, 'any digit') ? proofs.unproved : proofs.clean;
}

// oxlint-disable-next-line max-params
function looks(bytes: Uint8Array, start: number, end: number, as: Digits): boolean {
  const { words: known, initials, literals, shapedLiterals } = built ?? gate();
  if (literals !== none) {
    const needed = as === 'digits' ? literals : shapedLiterals;
    if (needed === undefined || holds(bytes.subarray(start, end), needed)) return true;
  }
  if (isDigit(bytes[start]) && isPlainNumber(bytes, start, end)) return false;
  // Most texts are words and a few digits: nothing but the length of a word, and a word that names something beside a
  // digit, can be a sign, and no other state is needed to see that.
  let hash = 0;
  let length = 0; // letters in this word
  let run = 0; // characters without a blank
  let single = 0; // words of one letter
  let initial = false; // one of them can name something
  let digits = 0;
  let named = false;
  let eight = false;
  for (let place = start; place < end; place++) {
    const byte = bytes[place] ?? 0;
    const kind = words[byte];
    if (kind === wordLetter) {
      if (byte < 0x60 && isHump(bytes, place, start)) named = true;
      hash = hashLetter(hash, byte);
      length++;
      if (++run >= fewLetters) return shows(bytes, start, end, as, true);
      continue;
    }
    if (length > 0) {
      if (length === 8 || length === 11) eight = true;
      if (length === 1) single++;
      if (isOpener(hash)) return true;
      if (!named && isKnown(known, hash)) {
        if (length > 1) named = true;
        else initial = true;
      }
      if (initial && single >= initials) named = true;
      hash = 0;
      length = 0;
    }
    if (kind === wordEnd) run = 0;
    else if (kind === wordAccent) {
      named = true;
      if (++run >= fewLetters) return shows(bytes, start, end, as, true);
    } else if (kind !== wordDigit) return shows(bytes, start, end, as, mayWalk(bytes, start, end));
    else if (++digits >= fewDigits || ++run >= fewLetters) return shows(bytes, start, end, as, true);
  }
  if (length > 0) {
    if (length === 8 || length === 11) eight = true;
    if (length === 1) single++;
    if (isKnown(known, hash)) {
      if (length > 1) named = true;
      else initial = true;
    }
    if (initial && single >= initials) named = true;
  }
  return (named && (digits > 0 || eight) && mayFit(bytes, start, end, as)) || mayName(bytes, start, end);
}

/** Whether a pattern of letters may fit anywhere, of those too that are found only where something names them. */
// oxlint-disable-next-line max-params
function mayFit(bytes: Uint8Array, start: number, end: number, as: Digits): boolean {
  const { named } = built ?? gate();
  for (let place = start; place < end; place++) {
    const before = place > start ? (bytes[place - 1] ?? 0) : 0;
    if (before < 0x80 && isWord(before)) continue;
    if (fitsAt(named, bytes, place, end, as)) return true;
  }
  return false;
}

// oxlint-disable-next-line max-params
function fitsAt({ automaton }: Letters, bytes: Uint8Array, at: number, end: number, as: Digits): boolean {
  return as === 'digits' ? automaton.any(bytes, at, end) : automaton.anyDigits(bytes, at, end);
}

const none: readonly Buffer[] = [];

/** Folded forms (`ＡＢ`) are read as ASCII later: bytes beyond it count as anything. */
function holds(cell: Uint8Array, literals: readonly Buffer[]): boolean {
  if (cell.some((byte) => byte >= 0x80)) return true;
  return literals.some((literal) => Buffer.from(cell.buffer, cell.byteOffset, cell.length).includes(literal));
}

/** A short number, a time or a UUID, and nothing else: most cells that are no words. */
function isPlainNumber(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start >= 10) return isStamp(bytes, start, end);
  if (end - start >= shortNumber) return false;
  for (let place = start; place < end; place++) {
    const byte = bytes[place];
    if (!isDigit(byte) && byte !== 0x2e && byte !== 0x2c && byte !== 0x2d) return false;
  }
  return true;
}

/** INVARIANT: less than anything that is found among digits alone has. */
const shortNumber = 7;

/** `walks`: patterns that begin with a word can fit (`mayWalk`). */
// oxlint-disable-next-line max-params
function shows(bytes: Uint8Array, start: number, end: number, as: Digits, walks: boolean): boolean {
  const { letters, words: known, initials, bare, among, least, fewest } = built ?? gate();
  let hash = 0;
  let length = 0; // letters in this word
  let token = 0; // characters without a blank
  let named = false;
  let digits = 0;
  let eight = false; // a word that could be a bank's code, which needs no digit
  let folded = false; // something that is read as a blank, a dash or nothing
  let long = false;
  let total = 0; // digits in this run of groups
  let groups = 0;
  let gap = 0; // separators since the last digit
  let dots = 0;
  let dashes = 0;
  let colons = 0;
  let lone = false; // a number that may be somebody's among words
  let spelled = 0; // words
  let single = 0; // words of one letter
  let initial = false; // one of them can name something
  for (let place = start; place < end; place++) {
    const byte = bytes[place] ?? 0;
    const kind = classes[byte] ?? 0;
    if (kind === letter || kind === digit) {
      if (length === 0 || kind === digit) {
        const before = place > start ? (bytes[place - 1] ?? 0) : 0;
        const first = before >= 0x80 || !isWord(before);
        if (first) {
          const skip = end - place < uuidLength ? 0 : uuidAt(bytes, place, start, end);
          if (skip > 0) {
            place += skip - 1;
            digits += fewDigits;
            total = 0;
            groups = 0;
            hash = 0;
            length = 0;
            token = 0;
            continue;
          }
          if (walks && fitsAt(letters, bytes, place, end, as)) return true;
        }
      }
    }
    if (kind === letter) {
      if (total > 0) {
        total = 0;
        groups = 0;
      }
      if (byte < 0x60 && isHump(bytes, place, start)) named = true;
      hash = hashLetter(hash, byte);
      length++;
      if (++token >= longWord) long = true;
      continue;
    }
    if (length > 0) {
      if (length === 8 || length === 11) eight = true;
      if (length > 1) spelled++;
      else single++;
      if (isOpener(hash)) return true;
      if (!named) {
        if (kind === dot && isInitial(bytes, place, start)) named = true;
        else if (isKnown(known, hash)) {
          if (length > 1) named = true;
          else initial = true;
        }
        if (initial && single >= initials) named = true;
      }
      if ((kind === colon || kind === equals) && mayAssign(bytes, place, start)) return true;
      hash = 0;
      length = 0;
    } else if (kind === equals || kind === colon) {
      if (mayAssign(bytes, place, start)) return true;
    }
    if (kind === digit) {
      if (total === 0) {
        const skip = end - place < dateLength ? 0 : datetimeAt(bytes, place, start, end);
        if (skip > 0) {
          place += skip - 1;
          digits += fewDigits;
          token = 0;
          continue;
        }
      }
      let to = place + 1;
      while (to < end && isDigit(bytes[to])) to++;
      const count = to - place;
      const before = place > start ? (bytes[place - 1] ?? 0) : 0;
      if (before === 0x2b && total > 0) {
        total = 0;
        groups = 0;
      }
      total += count;
      digits += count;
      groups++;
      gap = 0;
      const after = to < end ? (bytes[to] ?? 0) : 0;
      if (groups > 1) {
        if (total >= least) return true;
      } else if (count >= fewest) {
        if (aloneAt(before, after, count, bare)) return true;
        if (aloneAt(before, after, count, among)) lone = true;
      }
      token += count;
      if (token >= longWord) long = true;
      place = to - 1;
      continue;
    }
    if (kind === high) {
      // A blank or nothing between digits, letters of a word, a digit of another script.
      if (byte >= 0xc2) {
        if (exoticAt(bytes, place, end)) return true;
        if (byte !== 0xc3 && byte !== 0xc4 && byte !== 0xc5) folded = true;
      }
      named = true;
      total = 0;
      groups = 0;
      token++;
      if (token >= longWord) long = true;
      continue;
    }
    if (total > 0 && ++gap > 3) {
      total = 0;
      groups = 0;
    }
    switch (kind) {
      case at:
        return true;
      case colon:
        token++;
        total = 0;
        groups = 0;
        if (++colons >= 3 || (place > start && bytes[place - 1] === 0x3a)) return true;
        break;
      case dot:
        token++;
        if (place > start && isDigit(bytes[place - 1]) && ++dots >= 3) return true;
        if (token >= 3 && isWww(bytes, place, start)) return true;
        break;
      case dash:
        token++;
        if (isFence(bytes, place, start)) return true;
        // Four numbers with dashes: an address of a machine, in its name.
        if (place > start && isDigit(bytes[place - 1]) && ++dashes >= 3) return true;
        break;
      case joint:
        token++;
        if (byte === 0x2f) {
          if (place - 2 >= start && bytes[place - 1] === 0x2f && bytes[place - 2] === 0x3a) return true;
        } else if (byte === 0x26 && isSpelledAt(bytes, place, end)) return true;
        else if (byte === 0x25) {
          if (isEscapedAt(bytes, place, end, as === 'digits')) return true;
          total = 0;
          groups = 0;
        } else if (byte !== 0x2b) {
          total = 0;
          groups = 0;
        }
        break;
      default:
        if ((byte === 0x5b || byte === 0x28 || byte === 0x7b) && isSpelledAt(bytes, place, end)) return true;
        token = 0;
        colons = 0;
        dots = 0;
        dashes = 0;
        if (!isGap(byte)) {
          total = 0;
          groups = 0;
        }
    }
  }
  if (length === 8 || length === 11) eight = true;
  if (length === 1) single++;
  if (length > 0 && isKnown(known, hash)) {
    if (length > 1) named = true;
    else initial = true;
  }
  if (initial && single >= initials) named = true;
  if (length > 1) spelled++;
  if (lone && (spelled > 0 || named)) return true;
  if (folded && (digits > 0 || long)) return true;
  if (named && (digits >= fewDigits || ((digits > 0 || eight) && mayFit(bytes, start, end, as)))) return true;
  return mayName(bytes, start, end);
}

const uuidLength = 36;
const dateLength = 10;

/** Whether patterns that begin with a word can fit anywhere: see `fewDigits`. */
function mayWalk(bytes: Uint8Array, start: number, end: number): boolean {
  let digits = 0;
  let run = 0;
  for (let place = start; place < end; place++) {
    const byte = bytes[place] ?? 0;
    if (byte <= 0x20) run = 0;
    else if (++run >= fewLetters || (byte <= 0x39 && byte >= 0x30 && ++digits >= fewDigits)) return true;
  }
  return false;
}
