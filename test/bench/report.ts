import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, freemem, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { root } from '../e2e/harness/place.ts';

/** One measurement: what was done, by whom, in which round, and what came out. */
export interface Run {
  readonly case: string;
  readonly contender: string;
  readonly round: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** What a bench gives back: all its runs, and tables in Markdown for people. */
export interface Report {
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  readonly runs: readonly Run[];
  readonly facts: Readonly<Record<string, number | string>>;
  readonly tables: string;
}

export interface BenchOptions {
  readonly quick: boolean;
  /** Only cases whose name contains this. */
  readonly only: string;
  readonly rounds?: number;
  readonly seconds?: number;
  /** Another checkout, whose gateway takes part as `other`. */
  readonly against?: string;
}

export type Bench = (options: BenchOptions) => Promise<Report>;

/** Says on standard error how far it has come. */
export function progress(line: string): void {
  process.stderr.write(`${(performance.now() / 1_000).toFixed(0).padStart(5)} s  ${line}\n`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The value that `share` of all are not above; `sorted` ascending. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Runs of a bench, asked for medians and for ratios inside the same round. */
export class Runs {
  readonly all: Run[] = [];

  add(run: Run): void {
    this.all.push(run);
  }

  figure(name: string, of: { readonly case: string; readonly contender: string }): number {
    return median(this.#rounds(name, of).map(({ value }) => value));
  }

  /** The median over the rounds of `contender` compared with `base`: drift of the machine falls out. */
  compared(
    name: string,
    of: { readonly case: string; readonly contender: string; readonly base: string },
    how: (value: number, base: number) => number,
  ): number {
    return this.between(name, of, { case: of.case, contender: of.base }, how);
  }

  /** The same for any two cases. */
  // oxlint-disable-next-line max-params
  between(
    name: string,
    of: { readonly case: string; readonly contender: string },
    base: { readonly case: string; readonly contender: string },
    how: (value: number, base: number) => number,
  ): number {
    const bases = new Map(this.#rounds(name, base).map(({ round, value }) => [round, value]));
    const pairs = this.#rounds(name, of).flatMap(({ round, value }) => {
      const other = bases.get(round);
      return other === undefined ? [] : [how(value, other)];
    });
    return median(pairs);
  }

  #rounds(
    name: string,
    of: { readonly case: string; readonly contender: string },
  ): readonly { readonly round: number; readonly value: number }[] {
    return this.all
      .filter((run) => run.case === of.case && run.contender === of.contender)
      .flatMap(({ round, figures }) => {
        const value = figures[name];
        return value === undefined ? [] : [{ round, value }];
      });
  }
}

/** Gives each round's order: A B C … then C B A, so that no contender always goes first. */
export function inTurn<T>(contenders: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? contenders : contenders.toReversed();
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** `1,234`, `12.3`, `0.123`; a dash where nothing was measured. */
export function shown(value: number, unit = ''): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return `${value.toLocaleString('en-US', { maximumFractionDigits: digits })}${unit}`;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly freeGb: number;
  readonly linux: string;
  readonly node: string;
  readonly load: number;
}

export function machine(): Machine {
  const gb = (bytes: number): number => Math.round(bytes / 1e8) / 10;
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: gb(totalmem()),
    freeGb: gb(freemem()),
    linux: release(),
    node: process.version,
    load: loadavg()[0] ?? 0,
  };
}

/** Puts a bench's tables between its markers in docs/performance.md. */
export function writeTables(name: string, tables: string): void {
  const path = join(root, 'docs', 'performance.md');
  const text = readFileSync(path, 'utf8');
  const [open, close] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no markers ${open} … ${close}`);
  writeFileSync(path, `${text.slice(0, from + open.length)}\n\n${tables}\n\n${text.slice(to)}`);
}
