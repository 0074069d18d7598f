import { err, ok, type Result } from './result.ts';

/** One thing wrong with data from outside: where (`resources[0].address`), and what. Never the value itself. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** Reads `unknown` into `T` once, at the border; inside, types are trusted. */
export type Check<T> = (raw: unknown, path: string) => Result<T, readonly Problem[]>;

function problem(path: string, message: string): { readonly ok: false; readonly error: readonly Problem[] } {
  return err([{ path: path === '' ? '(top)' : path, message }]);
}

export function string(
  rules: { readonly pattern?: RegExp; readonly what?: string; readonly max?: number } = {},
): Check<string> {
  const { pattern, what = 'a text', max = 65_536 } = rules;
  return (raw, path) => {
    if (typeof raw !== 'string') return problem(path, `Expected ${what}`);
    if (raw.length > max) return problem(path, `Longer than ${max} characters`);
    if (pattern !== undefined && !pattern.test(raw)) return problem(path, `Expected ${what}`);
    return ok(raw);
  };
}

export function number(
  rules: { readonly min?: number; readonly max?: number; readonly integer?: boolean } = {},
): Check<number> {
  const { min = -Infinity, max = Infinity, integer = false } = rules;
  return (raw, path) => {
    if (typeof raw !== 'number' || Number.isNaN(raw)) return problem(path, 'Expected a number');
    if (integer && !Number.isSafeInteger(raw)) return problem(path, 'Expected a whole number');
    if (raw < min || raw > max) return problem(path, `Expected a number from ${min} to ${max}`);
    return ok(raw);
  };
}

export const boolean: Check<boolean> = (raw, path) =>
  typeof raw === 'boolean' ? ok(raw) : problem(path, 'Expected true or false');

export function literal<const T extends string | number | boolean>(...values: readonly T[]): Check<T> {
  return (raw, path) => {
    const found = values.find((value) => value === raw);
    return found === undefined
      ? problem(path, `Expected ${values.map((v) => JSON.stringify(v)).join(' or ')}`)
      : ok(found);
  };
}

export function array<T>(
  item: Check<T>,
  rules: { readonly min?: number; readonly max?: number } = {},
): Check<readonly T[]> {
  const { min = 0, max = 100_000 } = rules;
  return (raw, path) => {
    if (!Array.isArray(raw)) return problem(path, 'Expected a list');
    if (raw.length < min || raw.length > max) return problem(path, `Expected ${min} to ${max} items`);
    const values: T[] = [];
    const problems: Problem[] = [];
    for (const [index, element] of (raw as readonly unknown[]).entries()) {
      const checked = item(element, `${path}[${index}]`);
      if (checked.ok) values.push(checked.value);
      else problems.push(...checked.error);
    }
    return problems.length > 0 ? err(problems) : ok(values);
  };
}

export function record<T>(item: Check<T>): Check<Readonly<Record<string, T>>> {
  return (raw, path) => {
    if (!isObject(raw)) return problem(path, 'Expected a mapping');
    const values: Record<string, T> = Object.create(null) as Record<string, T>;
    const problems: Problem[] = [];
    for (const [key, element] of Object.entries(raw)) {
      const checked = item(element, join(path, key));
      if (checked.ok) values[key] = checked.value;
      else problems.push(...checked.error);
    }
    return problems.length > 0 ? err(problems) : ok(values);
  };
}

export interface Optional<T> {
  readonly optional: Check<T>;
}

/** A key that may be absent. */
export function optional<T>(check: Check<T>): Optional<T> {
  return { optional: check };
}

type Shape = Readonly<Record<string, Check<unknown> | Optional<unknown>>>;
type Required<S extends Shape> = {
  readonly [K in keyof S as S[K] extends Optional<unknown> ? never : K]: S[K] extends Check<infer T>
    ? T
    : never;
};
type Optionals<S extends Shape> = {
  readonly [K in keyof S as S[K] extends Optional<unknown> ? K : never]?: S[K] extends Optional<infer T>
    ? T
    : never;
};

/** A mapping with exactly these keys; an unknown key is a problem, with the nearest known one. */
export function object<S extends Shape>(shape: S): Check<Required<S> & Optionals<S>> {
  const keys = Object.keys(shape);
  return (raw, path) => {
    if (!isObject(raw)) return problem(path, 'Expected a mapping');
    const values: Record<string, unknown> = {};
    const problems: Problem[] = [];
    for (const key of Object.keys(raw)) {
      if (keys.includes(key)) continue;
      const near = nearest(key, keys);
      const hint = near === undefined ? `known keys: ${keys.join(', ')}` : `did you mean "${near}"?`;
      problems.push({ path: join(path, key), message: `Unknown key; ${hint}` });
    }
    for (const key of keys) {
      const check = shape[key];
      if (check === undefined) continue;
      const given = Object.hasOwn(raw, key) ? raw[key] : undefined;
      if (given === undefined) {
        if (typeof check === 'function') problems.push({ path: join(path, key), message: 'Missing' });
        continue;
      }
      const checked = (typeof check === 'function' ? check : check.optional)(given, join(path, key));
      if (checked.ok) values[key] = checked.value;
      else problems.push(...checked.error);
    }
    return problems.length > 0 ? err(problems) : ok(values as Required<S> & Optionals<S>);
  };
}

/** The first check that accepts; the problems of the one that came furthest otherwise. */
export function either<A, B>(a: Check<A>, b: Check<B>): Check<A | B> {
  return (raw, path) => {
    const first = a(raw, path);
    if (first.ok) return first;
    const second = b(raw, path);
    if (second.ok) return second;
    return depth(second.error) > depth(first.error) ? second : first;
  };
}

export function map<A, B>(
  check: Check<A>,
  to: (value: A, path: string) => Result<B, readonly Problem[]>,
): Check<B> {
  return (raw, path) => {
    const checked = check(raw, path);
    return checked.ok ? to(checked.value, path) : checked;
  };
}

export const unknown: Check<unknown> = (raw) => ok(raw);

export function isObject(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

function depth(problems: readonly Problem[]): number {
  return Math.max(...problems.map((each) => each.path.length));
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** The candidate at most two edits away, for "did you mean". */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = 3;
  for (const candidate of candidates) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}

function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2 || a.length > 64) return 99;
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[b.length] ?? 99;
}
