import { particles } from './phrases.ts';
import { beforeName, behindName, betweenNameAndNumber, units } from './streets.ts';
import { isCapital, isCommon, isGiven, isSurname, wordBefore, type Word } from './words.ts';

// Where a text that comes in pieces may be cut: behind a word that no name and no address goes over, and whose right side
// tells nothing of what stands before it.

const boxWords: ReadonlySet<string> = new Set(['office', 'correos', 'postal', 'postale']);
/** More words with capitals in a row are a headline, in which nobody is looked for. */
export const longestRun = 8;
const headlineReach = 200;

/** How much of the text before a place `isClear` looks at. */
export const clearReach = 240;

/** Whether nothing that is found goes over the end of `left`, behind which a blank and something else stand. */
export function isClear(left: string): boolean {
  if (left.endsWith('-----BEGIN')) return true; // the fence of a key: no name goes over it
  const last = /[\p{L}\p{M}](?=[^\p{L}\p{M}]*$)/u.exec(left.slice(-60));
  if (last === null) return false;
  const end = Math.max(0, left.length - 60) + last.index + 1;
  const word = wordBefore(left, end);
  if (word === undefined) return false;
  if (isCapital(word)) return inHeadline(left, word);
  const { lower } = word;
  if (particles.has(lower) || boxWords.has(lower) || units.has(lower)) return false;
  if (beforeName.has(lower) || behindName.has(lower) || betweenNameAndNumber.has(lower)) return false;
  return !(isGiven(word) || isSurname(word)) || (isCommon(word) && word.form === 'small');
}

/** So many words with capitals stand before it that it is one of a headline, whatever comes. */
function inHeadline(left: string, last: Word): boolean {
  const from = Math.max(0, last.end - headlineReach);
  if (/\d/.test(left.slice(from)) || /[^\p{L}\p{M}]/u.test(left.slice(last.end))) return false;
  return capitalsBefore(left, last.start, headlineReach) >= longestRun;
}

/** How many words with capitals stand in a row before `start`, at most one more than make a headline. */
export function capitalsBefore(text: string, start: number, reach = 400): number {
  let count = 0;
  let at = start;
  while (count <= longestRun && text[at - 1] === ' ') {
    const word = wordBefore(text, at - 1);
    if (word === undefined || !isCapital(word) || start - word.start > reach) break;
    count++;
    at = word.start;
  }
  return count;
}
