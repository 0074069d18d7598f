import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { array, type Check, number, object, optional, string, unknown } from '../../src/base/check.ts';
import type { Mark } from './score.ts';

export interface Labelled {
  readonly text: string;
  readonly column?: string;
  readonly gold: readonly Mark[];
  /** What Presidio found, where that is on file. */
  readonly presidio?: readonly Mark[];
  /** The template that it was made from. */
  readonly group: string;
}

export interface Case {
  readonly entity: string;
  readonly text: string;
  readonly found: number;
  readonly at: readonly (readonly [number, number])[];
}

/** `dev`: detectors were tuned on it; `test`: nobody looked at what goes wrong there. */
export type Part = 'dev' | 'test';

const row = object({
  group: string(),
  text: string({ max: 1e6 }),
  spans: array(unknown),
  presidio: optional(array(unknown)),
});
const caseRow = object({
  entity: string(),
  text: string({ max: 1e6 }),
  found: number(),
  at: optional(array(unknown)),
});

/** Labels of the sources under the names that detectors use. */
const renamed: Readonly<Record<string, string>> = { DOMAIN_NAME: 'URL', ADDRESS: 'LOCATION' };

export function partOf(group: string): Part {
  return (createHash('sha256').update(group).digest()[0] ?? 0) < 153 ? 'dev' : 'test';
}

export function texts(file: 'presidio-research' | 'pii-anon', part: Part): readonly Labelled[] {
  return read(file, row)
    .filter(({ group }) => partOf(group) === part)
    .map(({ group, text, spans, presidio }) => {
      const units = unitsOf(text);
      return {
        group,
        text,
        gold: whole(marksOf(spans, units), text),
        ...(presidio === undefined ? {} : { presidio: marksOf(presidio, units) }),
      };
    });
}

export function cases(part: Part): readonly Case[] {
  return read('presidio-cases', caseRow)
    .filter(({ text }) => partOf(text) === part)
    .map(({ at = [], ...rest }) => {
      const units = unitsOf(rest.text);
      return {
        ...rest,
        at: at.map((each): readonly [number, number] => {
          const [start, end] = Array.isArray(each) ? each : [];
          return [units[Number(start)] ?? -1, units[Number(end)] ?? -1];
        }),
      };
    });
}

function read<T>(file: string, check: Check<T>): readonly T[] {
  const lines = readFileSync(join(import.meta.dirname, 'data', `${file}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line, at) => {
    const checked = check(JSON.parse(line), '');
    if (checked.ok) return checked.value;
    throw new Error(`${file}.jsonl:${at + 1}: ${checked.error.map(({ message }) => message).join('; ')}`);
  });
}

function marksOf(spans: readonly unknown[], units: readonly number[]): readonly Mark[] {
  return spans.map((span) => {
    const [type, start, end] = Array.isArray(span) ? span : [];
    const name = String(type);
    return { type: renamed[name] ?? name, start: units[Number(start)] ?? 0, end: units[Number(end)] ?? 0 };
  });
}

/** An address is labelled line by line, its town and country apart: what only blanks and commas part is one. */
function whole(marks: readonly Mark[], text: string): readonly Mark[] {
  const joined: Mark[] = [];
  for (const mark of marks.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    const near = last?.type === 'LOCATION' && mark.type === 'LOCATION' && mark.start - last.end < 8;
    if (near && !/[\p{L}\p{N}]/u.test(text.slice(last.end, mark.start)))
      joined[joined.length - 1] = { ...last, end: Math.max(last.end, mark.end) };
    else joined.push(mark);
  }
  return joined;
}

/** Where each code point begins in UTF-16 units; one more for the end. */
function unitsOf(text: string): readonly number[] {
  const units: number[] = [];
  let at = 0;
  for (const char of text) {
    units.push(at);
    at += char.length;
  }
  units.push(at);
  return units;
}
