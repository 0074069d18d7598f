import { common, flagsOfHash, given, isOnlyGiven, mix, place, surname } from './lexicon.ts';
import { greetings, labels, titles, weakTitles } from './phrases.ts';
import { homeEnds } from './place.ts';
import { beforeName, behindName, betweenNameAndNumber, endings, states } from './streets.ts';

// Whether a text may hold a name or an address: one walk over its bytes, without a string. It knows the words that
// findings begin with or need beside them; INVARIANT: where it says no, `namesIn` finds nothing.

const anyCase = 1;
/** Only where a number stands in the text. */
const withNumber = 2;
/** Only with a capital, or before a colon or quote. */
const labelling = 4;
const capitalised = 8;
/** Only in capitals, and where a number stands in the text. */
const capitalsWithNumber = 16;
/** Only a little before a word with a capital, or a given name. */
const naming = 32;
/** Only a little before one of `homeEnd` that a word with a capital follows. */
const home = 64;
const homeEnd = 128;
/** Only where a number and a word with a capital stand in the text, or the other one of these two. */
const street = 256;
const beforeStreet = 512;

/** Bytes from the end of a word of `naming` to the name, and of `home` to the place. INVARIANT: not less than the walk looks back. */
const cueBytes = 100;
const never = -1 - cueBytes;

const told =
  'name names heiße heisse llamo nombre chiamo nome nom chamo heet naam nazywam imię heter hedder namn nimeni adım зовут appelle mam';
const homes = `am is are m live lives lived living reside resides resided residing born raised grew stay stays staying based settled moved moving move
   relocated relocating came comes come originally native hail hails back coming flew travels travelling traveling wohnt wohne wohnhaft lebt
   lebe geboren komme kommt stamme stammt zieht ziehe habite habitant vit vis né née réside vive vivo nacido nacida nació resido abita abito
   nato nata residente moro mora nasci nasceu woon woont woonachtig`;
const addresses = `box postfach postbus postboks apartado caixa casella boîte boite apo fpo dpo psc cmr address addr adresse anschrift dirección direccion
   indirizzo endereço endereco morada adres domicilio residence located domiciled deliver delivered ship shipped return usns uss uscgc usnv`;

/** What the words that findings need are, by the hash of their bytes. */
const slots = 1 << 13;
const cues = new Int32Array(slots);
const kinds = new Uint16Array(slots);

function add(words: Iterable<string>, kind: number): void {
  for (const word of words) {
    if (word === '') continue;
    const hash = hashOf(word) || 1;
    let slot = slotOf(hash);
    while (cues[slot] !== 0 && cues[slot] !== hash) slot = (slot + 1) & (slots - 1);
    cues[slot] = hash;
    kinds[slot] = (kinds[slot] ?? 0) | kind;
  }
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 13)) & (slots - 1);
}

add(told.split(/\s+/), naming);
add(homes.split(/\s+/), home);
add(
  [...homeEnds].filter((word) => /^[a-z]+$/.test(word)),
  homeEnd,
);
add([...behindName, ...betweenNameAndNumber], street);
add(beforeName, beforeStreet);
add(addresses.split(/\s+/), withNumber);
add('usns uss uscgc usnv'.split(' '), anyCase);
add(labels, labelling);
add([...titles, ...weakTitles, ...greetings], capitalised);
add(
  [...states].map((state) => state.toLowerCase()),
  capitalsWithNumber,
);
const tails = new Set(endings.filter((ending) => /^[a-z]+$/.test(ending)).map((ending) => tailOf(ending)));

function hashOf(word: string): number {
  let hash = 0;
  for (const byte of Buffer.from(word)) hash = mix(hash, byte);
  return hash;
}

/** The last three letters. */
function tailOf(word: string): number {
  let tail = 0;
  for (const byte of Buffer.from(word.slice(-3))) tail = ((tail << 8) | byte) & 0xffffff;
  return tail;
}

const other = 0;
const small = 1;
const capital = 2;
const high = 3;
const digit = 4;
const classes = new Uint8Array(256);
classes.fill(digit, 0x30, 0x3a);
classes.fill(capital, 0x41, 0x5b);
classes.fill(small, 0x61, 0x7b);
classes.fill(high, 0x80);

/** Whether `namesIn` could find anything in UTF-8 `bytes[start, end)`. */
export function mayName(bytes: Uint8Array, start: number, end: number): boolean {
  if (!hasSeveral(bytes, start, end)) return false;
  let numbers = false;
  let wanting = 0; // the kinds of words that count where a number stands
  let capitals = false;
  let named = never; // where the last word of `naming` ends
  let homed = never; // the same of `home`
  let ended = never; // the same of `homeEnd`
  for (let at = start; at < end;) {
    const first = classes[bytes[at] ?? 0];
    if (first !== small && first !== capital) {
      if (first === digit) numbers = true;
      else if (first === high) {
        if (isForeign(bytes, at, end)) return true;
        if (isAccented(bytes[at] ?? 0)) {
          const to = longEnd(bytes, at, end);
          if (isForeignWord(bytes, at, to) || isKnownWord(bytes, at, to)) return true;
          wanting |= withNumber;
          at = to;
          ended = at; // à
          continue;
        }
      }
      at++;
      continue;
    }
    const from = at;
    let hash = 0;
    let kind: number | undefined = first;
    while (kind === small || kind === capital) {
      hash = mix(hash, (bytes[at] ?? 0) | 0x20);
      kind = at + 1 < end ? classes[bytes[at + 1] ?? 0] : other;
      at++;
    }
    if (kind === high && (bytes[at] ?? 0) >= 0xc2 && isForeign(bytes, at, end)) return true;
    if (kind === high && isAccented(bytes[at] ?? 0)) {
      const to = longEnd(bytes, at, end);
      if (first === capital || isForeignWord(bytes, at, to) || isKnownWord(bytes, from, to)) return true;
      wanting |= withNumber;
      at = to;
      ended = at;
      continue;
    }
    const isTold = from - named <= cueBytes;
    if (first === small) {
      if (isOnlyGiven(hash) || (isTold && (flagsOfHash(hash) & given) !== 0)) return true;
    } else {
      if (isTold || isName(bytes, from, at, hash)) return true;
      if (from - ended <= mostGap && from - homed <= cueBytes) return true;
      capitals = true;
      if (at - from >= 6 && tails.has(tailAt(bytes, at))) wanting |= withNumber;
    }
    const cue = kindOf(hash);
    if (cue !== 0) {
      if ((cue & anyCase) !== 0) return true;
      wanting |= cue & (withNumber | street | beforeStreet);
      if ((cue & labelling) !== 0 && (first === capital || isMark(bytes[at] ?? 0))) return true;
      if (first === capital) {
        if ((cue & capitalised) !== 0) return true;
        if ((cue & capitalsWithNumber) !== 0 && classes[bytes[from + 1] ?? 0] === capital)
          wanting |= withNumber;
      }
      if ((cue & naming) !== 0) named = at;
      if ((cue & home) !== 0) homed = at;
      if ((cue & homeEnd) !== 0) ended = at;
    }
    // `o'neil`, `jean-luc`: the parts are looked at one by one, and the whole might be on a list.
    if ((bytes[at] === 0x2d || (at < end && isApostrophe(bytes, at))) && isJoined(bytes, from, at, end))
      return true;
  }
  return numbers && mayBeAddress(wanting, capitals);
}

/** What a word of ASCII letters is for `mayName` wherever it stands apart from others; `more`: what stands around it tells. */
export function wordInNames(
  bytes: Uint8Array,
  from: number,
  to: number,
): { readonly numbered: boolean; readonly home: boolean } | 'more' {
  let hash = 0;
  for (let at = from; at < to; at++) hash = mix(hash, (bytes[at] ?? 0) | 0x20);
  const cue = kindOf(hash);
  if ((cue & (anyCase | naming)) !== 0) return 'more';
  let numbered = (cue & (withNumber | street | beforeStreet | capitalsWithNumber)) !== 0;
  if (classes[bytes[from] ?? 0] === capital) {
    if ((cue & (labelling | capitalised)) !== 0) return 'more';
    const flags = flagsOfHash(hash);
    if ((flags & given) !== 0 || ((flags & surname) !== 0 && (flags & (common | place)) === 0)) return 'more';
    if (to - from >= 6 && tails.has(tailAt(bytes, to))) numbered = true;
  } else if (isOnlyGiven(hash)) return 'more';
  return { numbered, home: (cue & (home | homeEnd)) !== 0 };
}

/** A blank, of whatever kind, between two words. */
const mostGap = 4;

function mayBeAddress(wanting: number, capitals: boolean): boolean {
  if ((wanting & withNumber) !== 0) return true;
  const streets = wanting & (street | beforeStreet);
  return streets === (street | beforeStreet) || (capitals && streets !== 0);
}

/** Several words, or a script that needs no blank between them. */
function hasSeveral(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at] ?? 0;
    if (byte <= 0x20 || byte >= 0xe1) return true;
  }
  return end > start && (bytes[start] ?? 0) >= 0xe1;
}

function isMark(byte: number): boolean {
  return byte === 0x3a || byte === 0x22 || byte === 0x27;
}

// oxlint-disable-next-line max-params
function isName(bytes: Uint8Array, from: number, at: number, hash: number): boolean {
  const flags = flagsOfHash(hash);
  if ((flags & given) !== 0) return true;
  if ((flags & surname) !== 0 && (flags & (common | place)) === 0) return true;
  return at - from === 1 && bytes[at] === 0x2e; // an initial
}

/** The last three letters before `at`. */
function tailAt(bytes: Uint8Array, at: number): number {
  return (
    ((((bytes[at - 3] ?? 0) | 0x20) << 16) |
      (((bytes[at - 2] ?? 0) | 0x20) << 8) |
      ((bytes[at - 1] ?? 0) | 0x20)) >>>
    0
  );
}

function isJoined(bytes: Uint8Array, from: number, at: number, end: number): boolean {
  if (!isLetterByte(bytes[bytes[at] === 0xe2 ? at + 3 : at + 1])) return false;
  if ((flagsOfBytes(bytes, from, joinedEnd(bytes, at, end)) & (given | surname)) !== 0) return true;
  return at - from === 1 && !isClitic(bytes, at + 1, end);
}

/** Begins an accented letter of Latin 1. */
function isAccented(byte: number): boolean {
  return byte === 0xc3;
}

/** The end of a word with letters beyond ASCII. */
function longEnd(bytes: Uint8Array, at: number, end: number): number {
  let to = at;
  for (;;) {
    const kind = to < end ? classes[bytes[to] ?? 0] : other;
    if (kind === small || kind === capital) to++;
    else if (kind === high && isAccented(bytes[to] ?? 0)) to += 2;
    else return Math.min(to, end);
  }
}

function isForeignWord(bytes: Uint8Array, at: number, to: number): boolean {
  for (let place = at; place < to; place++)
    if ((bytes[place] ?? 0) >= 0xc2 && isForeign(bytes, place, to)) return true;
  // What follows without a blank may be a part of it: a letter of another script.
  return (bytes[to] ?? 0) >= 0xc2 && isForeign(bytes, to, bytes.length);
}

function isKnownWord(bytes: Uint8Array, from: number, to: number): boolean {
  return kindOf(bytesHash(bytes, from, to)) !== 0 || (flagsOfBytes(bytes, from, to) & given) !== 0;
}

function bytesHash(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    hash = mix(hash, byte < 0x80 ? byte | 0x20 : byte);
  }
  return hash;
}

function kindOf(hash: number): number {
  for (let slot = slotOf(hash); ; slot = (slot + 1) & (slots - 1)) {
    const held = cues[slot];
    if (held === 0) return 0;
    if (held === hash) return kinds[slot] ?? 0;
  }
}

function isApostrophe(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at];
  return (
    byte === 0x27 ||
    (byte === 0xe2 && bytes[at + 1] === 0x80 && (bytes[at + 2] === 0x99 || bytes[at + 2] === 0x98))
  );
}

/** `i'm`, `o'clock`: none of these is a part of a name. */
function isClitic(bytes: Uint8Array, from: number, end: number): boolean {
  return end - from < 2 || !isLetterByte(bytes[from + 1]) || !isLetterByte(bytes[from + 2]);
}

function isLetterByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return byte >= 0x80 || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a);
}

function joinedEnd(bytes: Uint8Array, at: number, end: number): number {
  let to = at;
  while (to < end && to - at < 40 && (isLetterByte(bytes[to]) || bytes[to] === 0x2d || bytes[to] === 0x27))
    to++;
  return to;
}

/** The flags of a word with more than ASCII in it: rare, so by its text. */
function flagsOfBytes(bytes: Uint8Array, from: number, to: number): number {
  const word = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
    .toString()
    .replaceAll('’', "'")
    .toLowerCase();
  let hash = 0;
  for (let at = 0; at < word.length; at++) hash = mix(hash, word.charCodeAt(at));
  return flagsOfHash(hash);
}

/** Letters beyond those of Western Europe, capitals with accents, and what is read as something else: looked at in full. */
function isForeign(bytes: Uint8Array, at: number, end: number): boolean {
  const lead = bytes[at] ?? 0;
  const second = at + 1 < end ? (bytes[at + 1] ?? 0) : 0;
  if (lead < 0xc2) return false; // goes on
  if (lead === 0xc2) return second === 0xad || second === 0xaa || second === 0xba;
  if (lead === 0xc3) return second < 0x9f;
  if (lead === 0xc4 || lead === 0xc5) return true;
  if (lead === 0xe2) {
    const third = at + 2 < end ? (bytes[at + 2] ?? 0) : 0;
    // Dashes, quotes, bullets, ellipses and the euro are no letters, and are seen.
    return !((second === 0x80 && third >= 0x90 && third <= 0xa6) || (second === 0x82 && third === 0xac));
  }
  return lead !== 0xf0 || second !== 0x9f;
}
