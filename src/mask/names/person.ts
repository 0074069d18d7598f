import type { Span } from '../detector.ts';
import { labelledEnd, nobodys } from './labels.ts';
import { hashOf, isOnlyGiven } from './lexicon.ts';
import {
  greetings,
  labels,
  namingEnds,
  namings,
  notNames,
  ofAnything,
  otherLabels,
  particles,
  suffixes,
  surely,
  titles,
  weakTitles,
} from './phrases.ts';
import {
  isBlank,
  isCapital,
  isCommon,
  isGiven,
  isPlace,
  isSurname,
  wordAt,
  wordBefore,
  type Word,
} from './words.ts';

/** A name has no more words than this: what has more is a headline. */
const mostWords = 6;
const sureName = 0.85;
const likelyName = 0.75;
const tagReach = 14; // of a closing tag of markup with a colon
const cueReach = 24; // characters of the words before a name that are looked at

/**
 * The name of somebody that begins with `first`, among words. What stands alone, and so is not among words, is none: a
 * column's name says what it is. `before`: the word before it, wherever that stands.
 */
export function personAt(text: string, first: Word, before: Word | undefined): Span | undefined {
  if (first.form === 'plain' || georgian.test(first.lower)) {
    const end = labelledEnd(text, first.start);
    if (end !== undefined) return { start: first.start, end, score: likelyName };
  }
  if (first.form === 'small') return spoken(text, first, before);
  if (touches(text, first) && !isAssigned(text, first, before)) return undefined;
  if (first.form === 'plain') return uncased(text, first);
  return titled(text, first) ?? named(text, first, before);
}

/** Its letters count as small ones, though they have no capitals in use. */
const georgian = /^\p{sc=Georgian}/u;

/** `customer=Ann Lee`. */
function isAssigned(text: string, { start, end }: Word, before: Word | undefined): boolean {
  return (
    text[start - 1] === '=' && before?.end === start - 1 && labels.has(before.lower) && text[end] === ' '
  );
}

/** A part of an address, a path, a shown value or code. */
function touches(text: string, { start, end }: Word): boolean {
  return (
    /[\d_@/\\*$#&=.[-]/.test(text[start - 1] ?? '') ||
    /[\d_@/\\*$#=(-]/.test(text[end] ?? '') ||
    isDotted(text, end)
  );
}

function isDotted(text: string, end: number): boolean {
  return text[end] === '.' && /[\p{L}\p{N}_]/u.test(text[end + 1] ?? '');
}

/** `Dr. Ryan Ricci`, `Frau Müller`. */
function titled(text: string, first: Word): Span | undefined {
  const strong = titles.has(first.lower);
  if (!strong && !weakTitles.has(first.lower)) return undefined;
  let next = behindTitle(text, first);
  for (let more = 0; more < 3; more++)
    if (next !== undefined && (titles.has(next.lower) || weakTitles.has(next.lower)))
      next = behindTitle(text, next);
  if (next === undefined || !isCapital(next) || touches(text, next) || notNames.has(next.lower))
    return undefined;
  if (!strong && (next.flags & 3) === 0) return undefined;
  return { start: first.start, end: runFrom(text, next).end, score: sureName };
}

function behindTitle(text: string, { end }: Word): Word | undefined {
  let at = text[end] === '.' ? end + 1 : end;
  if (text[at] === '/' || !isBlank(text.charCodeAt(at))) return undefined;
  while (at < end + 3 && isBlank(text.charCodeAt(at))) at++;
  return wordAt(text, at);
}

interface Run {
  readonly words: readonly Word[];
  readonly end: number;
}

/** The words with capitals that go on from `first`, initials and particles between them. */
function runFrom(text: string, first: Word): Run {
  const words = [first];
  let end = first.end;
  while (words.length < mostWords) {
    let at = end;
    if (text[at] === '.' && end - (words.at(-1)?.start ?? 0) === 1) at++; // an initial
    const dotted = at;
    if (!isBlank(text.charCodeAt(at))) break;
    at++;
    let next = wordAt(text, at);
    let between = 0;
    while (next !== undefined && next.form === 'small' && particles.has(next.lower) && between < 3) {
      between++;
      next = text[next.end] === ' ' ? wordAt(text, next.end + 1) : undefined;
    }
    if (next === undefined || !isCapital(next) || touches(text, next)) break;
    if (notNames.has(next.lower) || titles.has(next.lower) || suffixes.has(next.lower)) {
      end = Math.max(end, dotted > end && words.length > 1 ? dotted : end);
      break;
    }
    words.push(next);
    end = next.end;
  }
  const last = words.at(-1);
  if (words.length > 1 && last !== undefined && last.end - last.start === 1 && text[end] === '.') end++;
  const tail = /^,? (?:Jr|Sr|II|III|IV)(?![\p{L}])\.?/u.exec(text.slice(end, end + 6));
  if (
    tail !== null &&
    words.length > 1 &&
    suffixes.has((tail[0].match(/[A-Za-z]+/)?.[0] ?? '').toLowerCase())
  )
    end += tail[0].length;
  return { words, end };
}

/** A run that begins with a given name, or stands where a name must stand. */
function named(text: string, first: Word, before: Word | undefined): Span | undefined {
  const cue = cueBefore(text, first.start, before);
  if (cue === 'other') return undefined;
  if (cue === 'sure' && !notNames.has(first.lower)) {
    const run = runFrom(text, first);
    if ((first.flags & 3) !== 0 || run.words.length > 1)
      return { start: first.start, end: run.end, score: sureName };
  }
  if (notNames.has(first.lower) && !(isGiven(first) && cue !== undefined)) return undefined;
  const initial = initialled(text, first);
  if (initial !== undefined) return initial;
  const turned = turnedAround(text, first);
  if (turned !== undefined) return turned;
  if (!isGiven(first)) {
    // `Patient: Jie Xu`: where a name must stand, two or three words are one.
    if (cue === undefined) return foreign(text, first, before);
    const run = runFrom(text, first);
    const closed = run.end === text.length || /^[\n,;()"<]| [-–—|(<]/.test(text.slice(run.end, run.end + 2));
    if (cue === 'likely') return undefined;
    const told =
      cue === 'label' &&
      !ofAnything.has(before?.lower ?? '') &&
      run.words.length >= 2 &&
      run.words.length <= 3 &&
      closed;
    const surnamed = run.words.some((word) => isSurname(word) && !isCommon(word) && !isPlace(word));
    if (!told && !surnamed) return undefined;
    return { start: first.start, end: run.end, score: likelyName };
  }
  const run = runFrom(text, first);
  if (run.words.length >= mostWords) return undefined;
  const [, second] = run.words;
  if (second !== undefined) {
    const rest = run.words.slice(1);
    const known = rest.some((word) => isSurname(word) || isGiven(word));
    if (!known && isAcronym(second, first)) return undefined;
    const odd = isCommon(first) || isPlace(first);
    const right = odd
      ? rest.some((word) => isSurname(word) && !isPlaceOnly(word))
      : known || !isPlaceOnly(second);
    if (right && (cue !== undefined || isAmongWords(text, first.start, run.end)))
      return { start: first.start, end: run.end, score: known ? sureName : likelyName };
    return undefined;
  }
  if (cue !== undefined && cue !== 'label' && cue !== 'beside')
    return { start: first.start, end: first.end, score: sureName };
  if (isCommon(first) || first.end - first.start < 3) return undefined;
  if (isPlace(first) && (before === undefined || beforePlaces.has(before.lower))) return undefined;
  if (first.form === 'capitals' || (before?.end === first.start - 1 && isCapital(before))) return undefined;
  if (cue === 'label' || cue === 'beside' || besideSmall(text, first.start, first.end))
    return { start: first.start, end: first.end, score: likelyName };
  return undefined;
}

/** `Cyrus SASL`, `Geronimo API`: what programs and standards are called. */
function isAcronym(word: Word, before: Word): boolean {
  return word.form === 'capitals' && before.form !== 'capitals' && word.end - word.start <= 5;
}

const beforePlaces: ReadonlySet<string> = new Set(
  'in at to from near of the and or via around across through outside leaving visiting aus nach bei à au en a de do da em di w z do na'.split(
    ' ',
  ),
);

function isPlaceOnly(word: Word): boolean {
  return isPlace(word) && (word.flags & 3) === 0;
}

/** `J. Smith`, `J. R. Smith`. */
function initialled(text: string, first: Word): Span | undefined {
  if (first.end - first.start !== 1 || text[first.end] !== '.') return undefined;
  let at = first.end + 1;
  for (let more = 0; more < 3; more++) {
    if (text[at] === ' ') at++;
    const next = wordAt(text, at);
    if (next === undefined || !isCapital(next)) return undefined;
    if (next.end - next.start === 1 && text[next.end] === '.') {
      at = next.end + 1;
      continue;
    }
    if (!isSurname(next) || notNames.has(next.lower)) return undefined;
    const run = runFrom(text, next);
    return isAmongWords(text, first.start, run.end)
      ? { start: first.start, end: run.end, score: likelyName }
      : undefined;
  }
  return undefined;
}

/** `Smith, John`. */
function turnedAround(text: string, first: Word): Span | undefined {
  if (!isSurname(first) || text[first.end] !== ',' || text[first.end + 1] !== ' ') return undefined;
  const second = wordAt(text, first.end + 2);
  if (second === undefined || !isCapital(second) || !isGiven(second) || isCommon(second)) return undefined;
  if (isGiven(first) && !isCommon(first)) return undefined; // a list of given names
  const run = runFrom(text, second);
  const left = isAmongWords(text, first.start, run.end);
  return left && run.words.length <= 2 ? { start: first.start, end: run.end, score: likelyName } : undefined;
}

const spokenOf: ReadonlySet<string> = new Set(
  'says said asked replied wrote told called by with from to contacted met emailed phoned names states lists marks me and for'.split(
    ' ',
  ),
);

/** `says Yudina`, `names Jiyoon Yoon as`: where a sentence speaks of people, a surname of the lists that is nothing else. */
function foreign(text: string, first: Word, before: Word | undefined): Span | undefined {
  if (before === undefined || before.end !== first.start - 1 || !spokenOf.has(before.lower)) return undefined;
  const { words, end } = runFrom(text, first);
  const last = words.at(-1);
  if (last === undefined || words.length > 3 || !isSurname(last) || isCommon(last) || isPlace(last))
    return undefined;
  if (words.length === 1 && !/^(?:says|said|asked|replied|wrote|told)$/.test(before.lower)) return undefined;
  return { start: first.start, end, score: likelyName };
}

/** In small letters: two names of the lists, or one behind `my name is`. */
function spoken(text: string, first: Word, before: Word | undefined): Span | undefined {
  if (!isGiven(first) || touches(text, first)) return undefined;
  const second = text[first.end] === ' ' ? wordAt(text, first.end + 1) : undefined;
  const whole =
    second !== undefined && second.form === 'small' && isSurname(second) && !notNames.has(second.lower);
  if (cueBefore(text, first.start, before) === 'sure')
    return { start: first.start, end: whole ? second.end : first.end, score: likelyName };
  // `nicholas muir wrote`: both are names and nothing else.
  const only =
    whole &&
    isKnownGiven(first.lower) &&
    !isCommon(first) &&
    !isCommon(second) &&
    !isPlace(first) &&
    !isPlace(second);
  return only && isAmongWords(text, first.start, second.end)
    ? { start: first.start, end: second.end, score: likelyName }
    : undefined;
}

/** It is on the list itself, which the table alone says of one word in 2,000 that is not; of its parts nobody knows. */
function isKnownGiven(lower: string): boolean {
  return /['-]/.test(lower) || isOnlyGiven(hashOf(lower));
}

/** `beside`: a label without its colon, which may be a part of what somebody or something is called. */
type Cue = 'sure' | 'likely' | 'greeting' | 'label' | 'beside' | 'other';

/** What stands before a name tells that it is one. */
function cueBefore(text: string, start: number, before: Word | undefined): Cue | undefined {
  const tag = /(?:<\/\w{1,8}>:|:<\/\w{1,8}>) ?$/.exec(text.slice(Math.max(0, start - tagReach), start));
  if (tag !== null) {
    const label = wordBefore(text, start - tag[0].length);
    return label !== undefined && labels.has(label.lower) ? 'label' : undefined;
  }
  if (before === undefined) return undefined;
  const gap = text.slice(before.end, start);
  if (gap === ' ' || gap === '  ') {
    if (namingEnds.has(before.lower)) {
      const left = text.slice(Math.max(0, start - cueReach), start);
      if (surely.test(left)) return 'sure';
      if (namings.test(left)) return 'likely';
    }
    if (greetings.has(before.lower)) return 'greeting';
    return isCapital(before) && labels.has(before.lower) ? 'beside' : undefined;
  }
  if (/^["']?:[ \t]{1,3}["']?$|^["']: ?["']$/.test(gap))
    return otherLabels.has(before.lower) ? 'other' : labels.has(before.lower) ? 'label' : undefined;
  // Tables, markup and exports: there the name itself must be one.
  if (labels.has(before.lower) && /^["']?[ ]?[:=][ \t]{0,3}["']?$|^["' ]?(?:\||\t|;)[ \t]{0,3}$/.test(gap))
    // Nothing but signs between: then the name has several words.
    return /[ \t]/.test(gap) || /^\S{1,40} /.test(text.slice(start, start + 42))
      ? /^ ?: /.test(gap)
        ? 'label'
        : 'beside'
      : undefined;
  return /^, \n?$|^,?\n{1,2}$/.test(gap) && greetings.has(before.lower) ? 'greeting' : undefined;
}

function wordJustBefore(text: string, start: number): Word | undefined {
  return isBlank(text.charCodeAt(start - 1)) ? wordBefore(text, start - 1) : undefined;
}

/** A word in small letters; one letter alone is a sign. */
function isSentence(word: Word | undefined): boolean {
  return word?.form === 'small' && word.end - word.start > 1;
}

/** A word in small letters right before or behind, as in a sentence. */
function besideSmall(text: string, start: number, end: number): boolean {
  const before = wordJustBefore(text, start);
  if (isSentence(before)) return true;
  let at = end;
  if (text[at] === "'" || text[at] === '’') at += 2;
  if (text[at] === ',') at++;
  if (!isBlank(text.charCodeAt(at))) return false;
  return isSentence(wordAt(text, at + 1));
}

/** Words of a sentence, a label, or lines above or below. */
function isAmongWords(text: string, start: number, end: number): boolean {
  let left = start - 1;
  while (left >= 0 && start - left < 4 && /[\s"'([{<>,;:*?!.]/.test(text[left] ?? '')) {
    if (text[left] === '\n')
      return end === text.length || /[\n,.;:!?)]/.test(text[end] ?? '') || besideSmall(text, start, end);
    left--;
  }
  const before = wordBefore(text, left + 1);
  if (before !== undefined && (isSentence(before) || text[before.end] === ':')) return true;
  let right = end;
  // `Ann Lee <ann@example.com>`
  if (text[right] === '\n' || (text[right] === ' ' && text[right + 1] === '<')) return true;
  if ((text[right] === "'" || text[right] === '’') && /s/i.test(text[right + 1] ?? '')) right += 2;
  // Not over a quote or the end of a sentence: what comes in pieces is cut there.
  while (right < text.length && right - end < 5 && /[ \t,:()-]/.test(text[right] ?? '')) right++;
  return right > end && isSentence(wordAt(text, right));
}

const honorifics = /^(?:先生|女士|小姐|太太|さん|さま|様|氏|씨|님)/;
const han = /^[\p{sc=Han}\p{sc=Hangul}]+/u;
const introduced = /(?:我叫|我是|姓名[:：]?|名字[:：]?|氏名[:：]?|名前は|이름은|이름[:：]?|제 이름은) ?$/;

/** Scripts without capitals: two words of the lists, or a surname before a form of address. */
function uncased(text: string, first: Word): Span | undefined {
  if (han.test(first.lower)) return eastern(text, first);
  if (!isGiven(first) || text[first.end] !== ' ') return undefined;
  const second = wordAt(text, first.end + 1);
  if (second === undefined || second.form !== 'plain' || !isSurname(second)) return undefined;
  const beside =
    wordJustBefore(text, first.start) ??
    (text[second.end] === ' ' ? wordAt(text, second.end + 1) : undefined);
  return beside === undefined ? undefined : { start: first.start, end: second.end, score: likelyName };
}

function eastern(text: string, { start, end }: Word): Span | undefined {
  const written = text.slice(start, end);
  const told = /^(?:我叫|我是|姓名|名字|氏名|名前は|이름은)/.exec(written)?.[0] ?? '';
  const from = start + told.length;
  const signs = han.exec(text.slice(from, end))?.[0].length ?? 0;
  for (let at = from + 2; at <= from + signs && at <= from + 4; at++)
    if (honorifics.test(text.slice(at, at + 3))) return { start: from, end: at, score: likelyName };
  const left = told === '' && introduced.test(text.slice(Math.max(0, start - 6), start));
  if (nobodys.test(text.slice(from, end))) return undefined;
  return (told !== '' || left) && from + signs === end && signs >= 2 && signs <= 4
    ? { start: from, end, score: likelyName }
    : undefined;
}
