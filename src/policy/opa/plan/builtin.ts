import type { Instant } from '../../../base/time.ts';
import type { Meter } from './meter.ts';
import { Wrong } from './meter.ts';
import { type Num, wholeOf } from './number.ts';
import { isList, isNumber, type List, RegoObject, RegoSet, type Value } from './value.ts';

/** What builtins know besides their arguments. */
export interface Context {
  readonly meter: Meter;
  /** The moment of the question: all the time that a policy knows. */
  readonly at: Instant;
  /** Compiled patterns and the like, of this evaluation's policy. */
  readonly patterns: Map<string, unknown>;
}

/**
 * A function of OPA's. Undefined where it has no value; throws Wrong for arguments it cannot take. What it makes counts
 * against the meter before it is made.
 */
export type Builtin = (args: readonly Value[], context: Context) => Value | undefined;

export type Builtins = Readonly<Record<string, Builtin>>;

function wrong(at: number, what: string): never {
  throw new Wrong(`operand ${at + 1} must be ${what}`);
}

export function text(args: readonly Value[], at: number): string {
  const value = args[at];
  return typeof value === 'string' ? value : wrong(at, 'string');
}

export function num(args: readonly Value[], at: number): Num {
  const value = args[at];
  return isNumber(value) ? value : wrong(at, 'number');
}

/** A whole number that JavaScript counts with. */
export function int(args: readonly Value[], at: number): number {
  const value = args[at];
  const whole = isNumber(value) ? wholeOf(value) : undefined;
  const small = Number(whole);
  return whole !== undefined && Number.isSafeInteger(small) ? small : wrong(at, 'integer');
}

export function whole(args: readonly Value[], at: number): bigint {
  const value = args[at];
  return (isNumber(value) ? wholeOf(value) : undefined) ?? wrong(at, 'integer');
}

export function list(args: readonly Value[], at: number): List {
  const value = args[at];
  return isList(value) ? value : wrong(at, 'array');
}

export function object(args: readonly Value[], at: number): RegoObject {
  const value = args[at];
  return value instanceof RegoObject ? value : wrong(at, 'object');
}

export function set(args: readonly Value[], at: number): RegoSet {
  const value = args[at];
  return value instanceof RegoSet ? value : wrong(at, 'set');
}

/** An array, or a set in its order. */
export function items(args: readonly Value[], at: number, { meter }: Context): List {
  const value = args[at];
  if (isList(value)) return value;
  return value instanceof RegoSet ? value.items(meter) : wrong(at, 'one of {array, set}');
}

export function textsOf(values: List, at: number): readonly string[] {
  return values.every((each) => typeof each === 'string') ? values : wrong(at, 'array of strings');
}

/** A text, or those of an array or a set. */
export function textOrTexts(args: readonly Value[], at: number, context: Context): readonly string[] {
  const value = args[at];
  return typeof value === 'string' ? [value] : textsOf(items(args, at, context), at);
}

export function value(args: readonly Value[], at: number): Value {
  return args[at] ?? null;
}

export function setOf(values: Iterable<Value>, meter: Meter): RegoSet {
  const made = new RegoSet();
  for (const each of values) made.add(each, meter);
  return made;
}

export function objectFrom(entries: Iterable<readonly [Value, Value]>, meter: Meter): RegoObject {
  const made = new RegoObject();
  for (const [key, each] of entries) made.set(key, each, meter);
  return made;
}

/** A text character by character, as Rego counts: code points. */
export function characters(said: string): readonly string[] {
  return Array.from(said);
}
