import { namesIn } from './find.ts';
import { particles } from './phrases.ts';
import { beforeName, behindName, betweenNameAndNumber, units } from './streets.ts';
import {
  capitalsBefore,
  isCapital,
  isCommon,
  isGiven,
  isSurname,
  longestRun,
  wordBefore,
  type Word,
} from './words.ts';

// Where a text that comes in pieces may be cut: behind a word that no name and no address goes over, and whose right side
// tells nothing of what stands before it.

const boxWords: ReadonlySet<string> = new Set(['office', 'correos', 'postal', 'postale']);
const headlineReach = 200;
/** Behind a label several words are a name in scripts without capitals. */
const labelReach = 160;
const behindLabel = /[:=|>\t][^\n:=|]*$/;

/** How much of the text before a place `isClear` looks at. */
export const clearReach = 400;
/** From the last known part of an address to where nothing more can be shown to belong to it. */
const addressReach = 200;

/** Whether nothing that is found goes over the end of `left`, behind which a blank (of a `newLine`) and something else stand. */
export function isClear(left: string, newLine: boolean): boolean {
  if (left.endsWith('-----BEGIN')) return true; // the fence of a key: no name goes over it
  const last = /[\p{L}\p{M}](?=[^\p{L}\p{M}]*$)/u.exec(left.slice(-60));
  if (last === null) return false;
  const end = Math.max(0, left.length - 60) + last.index + 1;
  const word = wordBefore(left, end);
  if (word === undefined) return false;
  if (isCapital(word)) return inHeadline(left, word) || (newLine && isAddressOver(left));
  // Words without capitals may be the name of a street or town behind a number, or behind `rue`.
  if (word.form === 'plain' && behindLabel.test(left.slice(-labelReach))) return false;
  if (word.form === 'plain' && mayBeInAddress(left.slice(-addressReach))) return false;
  const { lower } = word;
  if (particles.has(lower) || boxWords.has(lower) || units.has(lower)) return false;
  if (beforeName.has(lower) || behindName.has(lower) || betweenNameAndNumber.has(lower)) return false;
  return !(isGiven(word) || isSurname(word)) || (isCommon(word) && word.form === 'small');
}

function mayBeInAddress(left: string): boolean {
  return /\d/.test(left) || left.split(/[^\p{L}\p{M}]+/u).some((word) => beforeName.has(word.toLowerCase()));
}

/** A name ends with its line, an address may go on in the next. */
function isAddressOver(left: string): boolean {
  return (
    !/US/.test(left.slice(-40)) && namesIn(left).places.every(({ end }) => end < left.length - addressReach)
  );
}

/** So many words with capitals stand before it that it is one of a headline, whatever comes. */
function inHeadline(left: string, last: Word): boolean {
  const from = Math.max(0, last.end - headlineReach);
  if (/\d/.test(left.slice(from)) || /[^\p{L}\p{M}]/u.test(left.slice(last.end))) return false;
  return capitalsBefore(left, last.start, headlineReach) >= longestRun;
}
