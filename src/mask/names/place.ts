import type { Span } from '../detector.ts';
import { flagsOf, place } from './lexicon.ts';
import { homes } from './phrases.ts';
import { isCapital, wordAt, type Word } from './words.ts';

// A town or country by itself is found only where the words before it say that somebody lives there or comes from there.

const likely = 0.75;

/** What `homes` end in. */
export const homeEnds: ReadonlySet<string> = new Set(
  'in at near the to from of aus nach à en au aux a em no na te'.split(' '),
);

/** The town or country that begins with `word`, where somebody lives or comes from. */
export function homeAt(text: string, word: Word, before: Word | undefined): Span | undefined {
  if (before === undefined || before.end !== word.start - 1 || !homeEnds.has(before.lower)) return undefined;
  if (!isCapital(word) || text[before.end] !== ' ') return undefined;
  const end = placeFrom(text, word);
  if (end === 0 || !homes.test(text.slice(Math.max(0, word.start - 32), word.start))) return undefined;
  return { start: word.start, end: countryBehind(text, end), score: likely };
}

/** The end of the longest place of the lists that begins here; 0: none. */
function placeFrom(text: string, first: Word): number {
  let best = (first.flags & place) !== 0 ? first.end : 0;
  let lower = first.lower;
  let end = first.end;
  for (let more = 0; more < 3 && text[end] === ' '; more++) {
    const next = wordAt(text, end + 1);
    if (next === undefined) break;
    lower += ` ${next.lower}`;
    end = next.end;
    if ((flagsOf(lower) & place) !== 0) best = end;
  }
  return best;
}

function countryBehind(text: string, end: number): number {
  if (text[end] !== ',' || text[end + 1] !== ' ') return end;
  const next = wordAt(text, end + 2);
  if (next === undefined || !isCapital(next)) return end;
  const further = placeFrom(text, next);
  return further > 0 ? further : end;
}
