import { isObject } from '../../../base/check.ts';

/** The plan is no plan, or one that cannot be evaluated here: refused when it is loaded. */
export class Unusable extends Error {
  override readonly name = 'Unusable';
}

export type Fields = Readonly<Record<string, unknown>>;

const mostLocals = 65_536;

export function objectOf(raw: unknown, what: string): Fields {
  if (!isObject(raw)) throw new Unusable(`${what} is no object`);
  return raw;
}

/** A list; `null` and what is absent are an empty one, as Go writes it. */
export function listOf(raw: unknown, what: string): readonly unknown[] {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) throw new Unusable(`${what} is no list`);
  return raw;
}

export function textIn(raw: unknown, what: string): string {
  if (typeof raw !== 'string') throw new Unusable(`${what} is no text`);
  return raw;
}

export function indexIn(raw: unknown, what: string, below: number = mostLocals): number {
  if (typeof raw !== 'number' || !Number.isInteger(raw) || raw < 0 || raw >= below)
    throw new Unusable(`${what} is no number that can stand there`);
  return raw;
}
