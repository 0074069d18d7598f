// npm run quality: how well the detectors find what is labelled, on data that they were never tuned on, with Presidio's
// pattern recognisers beside them on the same texts and by the same scorer; --part dev for what they were tuned on; --ner FILE
// for what a model of names adds, and that alone.
import { parseArgs } from 'node:util';
import { cases, type Part } from './corpora.ts';
import { nerCosts, nerLines } from './ner.ts';
import { type Figures, figuresOf } from './score.ts';
import { businessHits, cleanHits, conformance, scoreOf, type Corpus } from './run.ts';

// What is written by a rule is summed up; names, places and titles have no shape to be found by, and of dates only those
// that somebody was born on are promised: weekdays and times of mails are labelled too.
const apart = new Set([
  'DATE_TIME',
  'PERSON',
  'LOCATION',
  'ADDRESS',
  'ORGANIZATION',
  'TITLE',
  'PREFIX',
  'USERNAME',
]);

const { values } = parseArgs({
  options: {
    part: { type: 'string', default: 'test' },
    json: { type: 'boolean', default: false },
    ner: { type: 'string' },
  },
});
const part: Part = values.part === 'dev' ? 'dev' : 'test';
const percent = (value: number): string => `${(value * 100).toFixed(2)} %`;
const short = (value: number): string => value.toFixed(3);
const out = (text: string): void => void process.stdout.write(`${text}\n`);

if (values.ner !== undefined) {
  await withModel(values.ner);
  process.exit();
}

const report: Record<string, unknown> = { part };
for (const corpus of ['presidio-research', 'pii-anon', 'made', 'fresh', 'wild'] satisfies readonly Corpus[]) {
  const { ours, presidio, texts } = scoreOf(corpus, part);
  const rows = [...ours.types]
    .map(([type, tally]) => ({ type, tally, theirs: presidio?.types.get(type) }))
    .filter(({ tally }) => tally.gold > 0 || tally.wrong > 0)
    .toSorted((a, b) => a.type.localeCompare(b.type));
  out(`\n## ${corpus}, ${part} part: ${texts} texts\n`);
  out('| entity | labels | precision | recall | F1 | leak rate | Presidio P / R / F1 |');
  out('|---|---|---|---|---|---|---|');
  const sum = { gold: 0, right: 0, wrong: 0, leaks: 0 };
  for (const { type, tally, theirs } of rows) {
    out(line(type, figuresOf(tally), theirs === undefined ? undefined : figuresOf(theirs)));
    if (apart.has(type)) continue;
    sum.gold += tally.gold;
    sum.right += tally.right;
    sum.wrong += tally.wrong;
    sum.leaks += tally.leaks;
  }
  out(line('all but names, places and dates', figuresOf(sum), undefined));
  out(`\nMasked outside of any label: ${percent(ours.over / ours.chars)} of all characters.`);
  report[corpus] = {
    ...Object.fromEntries(rows.map(({ type, tally }) => [type, figuresOf(tally)])),
    all: figuresOf(sum),
  };
}

const { right, all } = conformance(cases(part));
out(
  `\n## Cases of Presidio's recognisers, ${part} part\n\n${right} of ${all} as Presidio says (alone, or in a column named after the entity).`,
);
const business = businessHits(200_000);
out(
  `\n## Clean business cells\n\n${percent(business.hits / business.cells)} of ${business.cells} falsely masked.`,
);
const clean = cleanHits(part, 300);
out(
  `\n## What nobody is named by: orders, goods, parcels, sums, logs, code, ${part} part\n\n${percent(clean.hits / clean.texts)} of ${clean.texts} falsely masked.`,
);
out(
  '\nPresidio: 2.2.363, pattern recognisers, no language model, threshold 0.4, from file; it has no line where it was not run.' +
    '\nNames and places have no shape: they are found among words by lists, and surely by tags, lineage and column names; an address is scored as one.',
);
if (values.json) out(JSON.stringify({ ...report, cases: { right, all }, business, clean }, undefined, 1));

function line(type: string, ours: Figures, theirs: Figures | undefined): string {
  const them =
    theirs === undefined ? '' : `${short(theirs.precision)} / ${short(theirs.recall)} / ${short(theirs.f1)}`;
  return `| ${type} | ${ours.gold} | ${short(ours.precision)} | ${short(ours.recall)} | ${short(ours.f1)} | ${percent(ours.leakRate)} | ${them} |`;
}

async function withModel(file: string): Promise<void> {
  const figures = ({ precision, recall, f1, leakRate }: Figures): string =>
    `${short(precision)} | ${short(recall)} | ${short(f1)} | ${percent(leakRate)}`;
  out(`\n## Names, ${part} part: detectors alone, and with the model\n`);
  out(
    '| | labels | P | R | F1 | leak | P with | R with | F1 with | leak with | masked outside of labels, alone / with |',
  );
  out('|---|---|---|---|---|---|---|---|---|---|---|');
  for (const { corpus, type, alone, with: both, over } of await nerLines(file, part))
    out(
      `| ${type}, ${corpus} | ${alone.gold} | ${figures(alone)} | ${figures(both)} | ${percent(over.alone)} / ${percent(over.with)} |`,
    );
  const { costs, megabytes } = await nerCosts(file);
  out('\n| characters | median ms | 95 % ms |\n|---|---|---|');
  for (const { characters, medianMs, ninetyFifthMs } of costs)
    out(`| ${characters} | ${medianMs.toFixed(1)} | ${ninetyFifthMs.toFixed(1)} |`);
  out(`\nMemory that the model added to the process: ${megabytes.toFixed(0)} MB.`);
}
