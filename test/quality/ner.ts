// npm run quality -- --ner FILE: what a model of token classification adds to the detectors, on the same texts and by the same
// scorer, and what it costs. FILE is what `sallyport mask --ner` takes; no model is among the tests.
import { nerReader } from '../../src/cli/mask-ner.ts';
import { scanner, useDetectors } from '../../src/mask/index.ts';
import { type Part, texts } from './corpora.ts';
import { addText, emptyScore, type Figures, figuresOf, type Score } from './score.ts';

type Corpus = 'presidio-research' | 'pii-anon';

export interface NerLine {
  readonly corpus: Corpus;
  readonly type: 'PERSON' | 'LOCATION';
  readonly alone: Figures;
  readonly with: Figures;
  /** Of all characters those that are masked and bear no label. */
  readonly over: { readonly alone: number; readonly with: number };
}

const nothing = { gold: 0, right: 0, wrong: 0, leaks: 0 };

/** Names and places, as detectors alone find them and together with the model. */
export async function nerLines(file: string, part: Part): Promise<readonly NerLine[]> {
  await using reader = await nerReader(file);
  const lines: NerLine[] = [];
  for (const corpus of ['presidio-research', 'pii-anon'] as const) {
    const alone = emptyScore();
    const both = emptyScore();
    const all = texts(corpus, part);
    useDetectors([]);
    for (const { text, gold } of all) addText(alone, text, { gold, found: scanner({})(text) });
    useDetectors(reader.detectors);
    for (const { text, gold } of all) {
      await reader.read(text);
      addText(both, text, { gold, found: scanner({})(text) });
    }
    useDetectors([]);
    const figures = (score: Score, type: string): Figures => figuresOf(score.types.get(type) ?? nothing);
    for (const type of ['PERSON', 'LOCATION'] as const)
      lines.push({
        corpus,
        type,
        alone: figures(alone, type),
        with: figures(both, type),
        over: { alone: alone.over / alone.chars, with: both.over / both.chars },
      });
  }
  return lines;
}

export interface NerCost {
  readonly characters: number;
  readonly medianMs: number;
  readonly ninetyFifthMs: number;
}

/** What one text of about so many characters takes, made of the texts of a corpus. */
export async function nerCosts(file: string): Promise<{
  readonly costs: readonly NerCost[];
  readonly megabytes: number;
}> {
  const before = process.memoryUsage.rss();
  await using reader = await nerReader(file);
  const source = texts('presidio-research', 'dev').map(({ text }) => text);
  const costs: NerCost[] = [];
  let next = 0;
  for (const characters of [100, 1_000, 8_000]) {
    const took: number[] = [];
    for (let round = 0; round < (characters > 2_000 ? 12 : 60); round++) {
      let text = '';
      while (text.length < characters) text += `${source[next++ % source.length] ?? ''} `;
      const from = performance.now();
      await reader.read(text.slice(0, characters));
      if (round > 1) took.push(performance.now() - from);
    }
    took.sort((a, b) => a - b);
    const at = (share: number): number => took[Math.floor(took.length * share)] ?? 0;
    costs.push({ characters, medianMs: at(0.5), ninetyFifthMs: at(0.95) });
  }
  return { costs, megabytes: (process.memoryUsage.rss() - before) / 1_048_576 };
}
