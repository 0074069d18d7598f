import { type Finding, scan, scanner } from '../../src/mask/index.ts';
import { type Case, type Labelled, type Part, texts } from './corpora.ts';
import { clean } from './clean.ts';
import { fresh } from './fresh.ts';
import { businessCell, made, seeded } from './made.ts';
import { addText, emptyScore, type Score } from './score.ts';
import { wild } from './wild.ts';

export type Corpus = 'presidio-research' | 'pii-anon' | 'made' | 'fresh' | 'wild';

const madeOfEach = 60;
const freshOfEach = 30;
const wildOfEach = 40;

/** As `sallyport mask` looks. */
function find(text: string, column?: string): readonly Finding[] {
  return scanner(column === undefined ? {} : { column })(text);
}

export function scoreOf(
  corpus: Corpus,
  part: Part,
): { readonly ours: Score; readonly presidio?: Score; readonly texts: number } {
  const all: readonly (Labelled & { readonly also?: readonly string[] })[] =
    corpus === 'fresh'
      ? fresh(part, freshOfEach)
      : corpus === 'wild'
        ? wild(part, wildOfEach)
        : corpus === 'made'
          ? made(part, madeOfEach)
          : texts(corpus, part);
  const ours = emptyScore();
  const presidio = emptyScore();
  let known = false;
  for (const each of all) {
    const label = each.gold[0]?.type ?? '';
    const found = find(each.text, each.column).map((finding) =>
      each.also?.includes(finding.type) === true ? { ...finding, type: label } : finding,
    );
    addText(ours, each.text, { gold: each.gold, found });
    if (each.presidio === undefined) continue;
    known = true;
    addText(presidio, each.text, { gold: each.gold, found: each.presidio });
  }
  return { ours, texts: all.length, ...(known ? { presidio } : {}) };
}

/** How many of Presidio's own cases come out as it says. A case that names a shape alone may ask for its own column. */
export function conformance(all: readonly Case[]): { readonly right: number; readonly all: number } {
  let right = 0;
  for (const { entity, text, found, at } of all) {
    const agrees = (column?: string): boolean => {
      const ours = find(text, column).filter(({ type }) => type === entity);
      return (
        ours.length === found &&
        at.every(([start, end], n) => ours[n]?.start === start && ours[n]?.end === end)
      );
    };
    if (agrees() || (found > 0 && agrees(entity.toLowerCase()))) right++;
  }
  return { right, all: all.length };
}

export function businessHits(cells: number): { readonly hits: number; readonly cells: number } {
  const below = seeded(5);
  let hits = 0;
  for (let at = 0; at < cells; at++) {
    const cell = businessCell(below);
    if (find(cell).length > 0 || scan(cell).length > 0) hits++;
  }
  return { hits, cells };
}

/** Names and places are found by lists, whoever bears them: scored apart. */
const unstructured = new Set(['PERSON', 'LOCATION', 'ORGANIZATION']);

/** How many of what a business has in tables, logs and sentences is masked as something structured. */
export function cleanHits(part: Part, each: number): { readonly hits: number; readonly texts: number } {
  const all = clean(part, each);
  const hits = all.filter(({ text, column }) =>
    find(text, column).some(({ type }) => !unstructured.has(type)),
  );
  return { hits: hits.length, texts: all.length };
}
