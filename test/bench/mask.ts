import type { FindMask } from '../../src/core/decision.ts';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { detectors, maskKey } from '../../src/mask/index.ts';
import { plainPatterns } from '../mask/reference.ts';
import type { ColumnPlan } from '../../src/protocols/postgres/cells.ts';
import { rowMasker } from '../../src/protocols/postgres/rows.ts';
import { Outgoing } from '../../src/protocols/postgres/outgoing.ts';
import { Watches } from '../../src/protocols/postgres/watch.ts';
import { int16, int32, say } from '../e2e/harness/raw.ts';
import { rowColumns, type Rows, tables } from './mask-rows.ts';
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

const columns = rowColumns;
const rows = 1_000;
/** What a socket gives at once. */
const chunkBytes = 65_536;

/** What masking costs: whole rows against plain patterns and Presidio, and one kind of cell after the other. */
export const mask: Bench = (options) => {
  const rounds = options.rounds ?? (options.quick ? 3 : 15);
  const milliseconds = (options.seconds ?? (options.quick ? 0.1 : 0.3)) * 1_000;
  const runs = new Runs();
  const wanted = kinds.filter(({ name }) => name.includes(options.only));
  const asked = tables.filter(({ name }) => name.includes(options.only));
  const readied = [
    ...wanted.map((kind) => ({
      name: kind.name,
      contender: 'rowMasker',
      turn: turnOf(kind.plan, one(kind), rows),
    })),
    ...asked.flatMap(({ name, row, count }) => [
      { name, contender: 'rowMasker', turn: turnOf(scan, row, count) },
      { name, contender: 'patterns', turn: plainTurn(row) },
    ]),
  ];
  for (const { turn } of readied) turn(milliseconds); // compiled before it counts
  for (let round = 0; round < rounds; round++) {
    for (const { name, contender, turn } of inTurn(readied, round))
      runs.add({ case: name, contender, round, figures: { nanoseconds: turn(milliseconds) } });
    progress(`${round + 1}/${rounds}`);
  }
  const known = presidio(asked, runs);
  const lines = asked.map(({ name }) => {
    const figure = (contender: string): string =>
      shown(runs.figure('nanoseconds', { case: name, contender }));
    const times = runs.compared(
      'nanoseconds',
      { case: name, contender: 'patterns', base: 'rowMasker' },
      (plain, ours) => plain / ours,
    );
    return [
      name,
      figure('rowMasker'),
      figure('patterns'),
      shown(times),
      known ? figure('presidio') : 'not installed',
    ];
  });
  const cells = wanted.map(({ name }) => [
    name,
    shown(runs.figure('nanoseconds', { case: name, contender: 'rowMasker' })),
  ]);
  return Promise.resolve({
    settings: { quick: options.quick, rounds, detectors: detectors.length },
    runs: runs.all,
    facts: {},
    tables: [
      table(
        [
          'rows of ten columns, ns of CPU a cell',
          'Sallyport',
          'plain patterns',
          'patterns ÷ Sallyport',
          'Presidio',
        ],
        lines,
      ),
      table(['cells of about 40 bytes', 'ns of CPU a cell'], cells),
    ].join('\n\n'),
  });
};

function one({ cell }: Kind): (row: number) => readonly string[] {
  return (row) => Array.from({ length: columns }, (_, column) => cell(row * columns + column));
}

/** Every detector's pattern over every cell, one after the other: only whether it is there. */
function plainTurn(row: (at: number) => readonly string[]): (milliseconds: number) => number {
  const cells = Array.from({ length: 100 }, (_, at) => row(at)).flat();
  let found = 0;
  return (milliseconds) => {
    return perCell(milliseconds, () => {
      for (const cell of cells) {
        for (const pattern of plainPatterns) {
          pattern.lastIndex = 0;
          if (pattern.test(cell)) found++;
        }
      }
      if (found < 0) throw new Error('Never: it keeps the work from being left out');
      return cells.length;
    });
  };
}

/** Presidio's pattern recognisers over the same cells, where SALLYPORT_PRESIDIO names a Python that has it. */
function presidio(asked: readonly Rows[], runs: Runs): boolean {
  const python = process.env['SALLYPORT_PRESIDIO'];
  if (python === undefined) return false;
  for (const { name, row } of asked) {
    const cells = Array.from({ length: 30 }, (_, at) => row(at)).flat();
    const run = spawnSync(python, [join(import.meta.dirname, 'presidio.py')], {
      input: JSON.stringify(cells),
      encoding: 'utf8',
    });
    const nanoseconds = Number(run.stdout.trim().split('\n').at(-1));
    if (run.status !== 0 || !(nanoseconds > 0)) throw new Error(`Presidio: ${run.stderr.slice(-500)}`);
    runs.add({ case: name, contender: 'presidio', round: 0, figures: { nanoseconds } });
  }
  return true;
}

/** Does some cells' work again and again for so long; gives nanoseconds of this process's CPU for each cell. */
function perCell(milliseconds: number, work: () => number): number {
  const until = performance.now() + milliseconds;
  const before = process.cpuUsage();
  let done = 0;
  do done += work();
  while (performance.now() < until);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / done;
}

/** Masks rows, in chunks as they come from a socket, again and again. */
function turnOf(
  plan: ColumnPlan,
  row: (at: number) => readonly string[],
  count: number,
): (milliseconds: number) => number {
  // As the gateway does it: every column has its vote and is counted.
  const plans = Array.from({ length: columns }, () => plan);
  const watches = new Watches().of(
    {
      kind: 'columns',
      columns: plans.map((_, at) => {
        const column = { object: 'public.t', column: `c${at}` };
        return { name: `c${at}`, lineage: { kind: 'column', column, through: [] } };
      }),
    },
    plans,
  );
  const masker = rowMasker(
    plans,
    watches.map((watch) => {
      const field = { type: text, format: 0 as const };
      return watch === undefined ? field : { ...field, watch };
    }),
    { key: maskKey(new Uint8Array(32).fill(7)), typeOf: () => undefined },
  );
  const chunks = chunksOf(
    Array.from({ length: count }, (_, at) =>
      say(
        'D',
        int16(columns),
        ...row(at).map((cell) => {
          const bytes = Buffer.from(cell);
          return Buffer.concat([int32(bytes.length), bytes]);
        }),
      ),
    ),
  );
  const out = new Outgoing();
  let next = 0;
  return (milliseconds) =>
    perCell(milliseconds, () => {
      const { bytes, ends } = chunks[next++ % chunks.length] ?? { bytes: new Uint8Array(0), ends: [] };
      out.begin(bytes);
      let start = 0;
      for (let index = 0; index < ends.length; index++) {
        const end = ends[index] ?? 0;
        const whole = { bytes, start, end };
        masker.see?.(whole);
        if (!masker.write(whole, out)) out.pass(start, end);
        // As in the gateway: those behind it that stay as they are pass at once.
        start = masker.clear(bytes, end, bytes.length);
        if (start === end) continue;
        out.pass(end, start);
        index += masker.cleared;
      }
      out.take();
      return ends.length * columns;
    });
}

interface Chunk {
  readonly bytes: Uint8Array;
  /** Where each message ends. */
  readonly ends: readonly number[];
}

function chunksOf(messages: readonly Buffer[]): readonly Chunk[] {
  const chunks: Chunk[] = [];
  let parts: Buffer[] = [];
  let ends: number[] = [];
  let size = 0;
  const close = (): void => {
    if (parts.length > 0) chunks.push({ bytes: Buffer.concat(parts), ends });
    parts = [];
    ends = [];
    size = 0;
  };
  for (const message of messages) {
    if (size + message.length > chunkBytes) close();
    parts.push(message);
    size += message.length;
    ends.push(size);
  }
  close();
  return chunks;
}
