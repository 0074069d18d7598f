import type { FindMask } from '../../src/core/decision.ts';
import { maskKey } from '../../src/mask/index.ts';
import { type ColumnPlan, rowMasker } from '../../src/protocols/postgres/cells.ts';
import { Outgoing } from '../../src/protocols/postgres/outgoing.ts';
import { int16, int32, say } from '../e2e/harness/raw.ts';
import { type Bench, inTurn, progress, Runs, shown, table } from './report.ts';

const finds: readonly FindMask[] = [{ entity: '*', operator: { kind: 'redact' } }];
const scan: ColumnPlan = { kind: 'scan', finds };
const text = 25; // oid

interface Kind {
  readonly name: string;
  readonly plan: ColumnPlan;
  readonly cell: (at: number) => string;
}

const words = 'Called twice, will call again next week';
const email = (at: number): string => `Write to person${at}@example.com about it`;

const kinds: readonly Kind[] = [
  { name: 'passed by', plan: { kind: 'pass' }, cell: () => words },
  { name: 'searched, clean', plan: scan, cell: () => words },
  {
    name: 'searched, digits and no finding',
    plan: scan,
    cell: (at) => `Order ${at % 97} of 2026-01-05, 3 boxes`,
  },
  { name: 'searched, one of twenty found', plan: scan, cell: (at) => (at % 20 === 0 ? email(at) : words) },
  { name: 'searched, every one found', plan: scan, cell: email },
  { name: 'redact', plan: { kind: 'mask', operator: { kind: 'redact' } }, cell: email },
  {
    name: 'partial',
    plan: { kind: 'mask', operator: { kind: 'partial', keepFirst: 1, keepLast: 4 } },
    cell: (at) => `person${at}@example.com`,
  },
  {
    name: 'hash',
    plan: { kind: 'mask', operator: { kind: 'hash' } },
    cell: (at) => `person${at}@example.com`,
  },
];

const columns = 10;
const rows = 1_000;

/** What one cell of a row of ten texts costs, by what is done to it. */
export const mask: Bench = (options) => {
  const rounds = options.rounds ?? (options.quick ? 3 : 15);
  const milliseconds = (options.seconds ?? (options.quick ? 0.1 : 0.3)) * 1_000;
  const runs = new Runs();
  const wanted = kinds.filter(({ name }) => name.includes(options.only));
  const readied = wanted.map((kind) => ({ kind, turn: turnOf(kind) }));
  for (const { turn } of readied) turn(milliseconds); // compiled before it counts
  for (let round = 0; round < rounds; round++) {
    for (const { kind, turn } of inTurn(readied, round))
      runs.add({
        case: kind.name,
        contender: 'rowMasker',
        round,
        figures: { nanoseconds: turn(milliseconds) },
      });
    progress(`${round + 1}/${rounds}`);
  }
  const lines = wanted.map(({ name }) => [
    name,
    shown(runs.figure('nanoseconds', { case: name, contender: 'rowMasker' })),
  ]);
  return Promise.resolve({
    settings: { quick: options.quick, rounds },
    runs: runs.all,
    facts: {},
    tables: table(['cells of about 40 bytes', 'ns a cell'], lines),
  });
};

/** Masks the same rows again and again for some time; gives nanoseconds of a cell. */
function turnOf({ plan, cell }: Kind): (milliseconds: number) => number {
  const masker = rowMasker(
    Array.from({ length: columns }, () => plan),
    Array.from({ length: columns }, () => ({ type: text, format: 0 as const })),
    { key: maskKey(new Uint8Array(32).fill(7)), typeOf: () => undefined },
  );
  const messages = Array.from({ length: rows }, (_, row) =>
    say(
      'D',
      int16(columns),
      ...Array.from({ length: columns }, (_, column) => {
        const bytes = Buffer.from(cell(row * columns + column));
        return Buffer.concat([int32(bytes.length), bytes]);
      }),
    ),
  );
  const out = new Outgoing();
  return (milliseconds) => {
    const started = performance.now();
    let done = 0;
    while (performance.now() - started < milliseconds) {
      for (const message of messages) {
        out.begin(message);
        masker.write({ bytes: message, start: 0, end: message.length }, out);
        out.take();
      }
      done += rows * columns;
    }
    return ((performance.now() - started) * 1e6) / done;
  };
}
