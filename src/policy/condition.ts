import type { parse } from '@bufbuild/cel';
import { messageOf } from '../base/errors.ts';
import type { Place } from '../core/decision.ts';
import { shapeParser } from './cel-shape.ts';
import { tooCostly } from './cost.ts';
import { evaluator } from './evaluate.ts';
import { type Fact, factOf } from './facts.ts';
import type { ProblemCode, Problems } from './problem.ts';
import { quick, type QuickWords } from './quick.ts';
import { readsOf } from './reads.ts';
import { type Expr, typecheck, type TypeProblem } from './typecheck.ts';
import type { Type } from './types.ts';
import type { Words } from './words.ts';
import type { LocatedScalar } from './yaml.ts';

/** `error`: a field was missing, a type was wrong, a number overflowed, the step budget ran out. */
export type Answer = 'yes' | 'no' | 'error';

/** A `when:`, checked and planned. */
export interface Condition {
  readonly source: string;
  readonly at: Place;
  /** The parts joined by `&&` at the top, each by itself: an explanation names the one that failed. */
  readonly parts: readonly Part[];
  /** It reads the clock or a fact of this one session. */
  readonly fleeting: boolean;
  readonly reads: ReadonlySet<string>;
}

export interface Part {
  readonly source: string;
  readonly at: Place;
  readonly ask: (words: Words) => Answer;
  /** The attributes it reads. */
  readonly reads: readonly string[];
  /** What it says of one attribute, where it is as simple as that: for analysis. */
  readonly fact?: Fact;
}

const maxChars = 4_096;
const maxParentheses = 40;

export type Compile = (
  node: LocatedScalar & { readonly value: string },
  words: ReadonlyMap<string, Type>,
  problems: Problems,
) => Condition | undefined;

/** A compiler of conditions, with one evaluator behind them all. What it makes is not re-entrant, and needs not be: evaluation is synchronous. */
export function compiler(): Compile {
  const { planned } = evaluator();
  const parsedOf = shapeParser();
  const askOf = (expr: Expr): Part['ask'] => {
    const value = planned(expr);
    return (words) => {
      try {
        const said = value(words as unknown as Parameters<typeof value>[0]);
        return said === true ? 'yes' : said === false ? 'no' : 'error';
      } catch {
        return 'error';
      }
    };
  };

  type Placed = Omit<Part, 'at'> & { readonly offset: number };
  const partOf = (
    { text, offset }: { readonly text: string; readonly offset: number },
    expr: Expr,
    words: ReadonlyMap<string, Type>,
  ): Placed => {
    const fact = factOf(expr); // before the meter changes the tree
    const reads = readsOf(expr);
    const plain = quick(expr, words);
    const ask = plain === undefined ? askOf(expr) : quickly(plain);
    return { source: text, offset, ask, reads, ...(fact === undefined ? {} : { fact }) };
  };

  const understand = (source: string, words: ReadonlyMap<string, Type>): Understood => {
    const parsed = read(source, parsedOf);
    if ('problems' in parsed) return { problems: parsed.problems };
    const typed = typecheck(parsed, words);
    if (typed.problems.length > 0) return typed;
    const exprs = flat(parsed.expr);
    const costs = exprs.flatMap((expr) => {
      const found = tooCostly(expr);
      const offset = parsed.sourceInfo?.positions[expr.id.toString()] ?? 0;
      return found === undefined ? [] : [{ code: 'SP-T106' as const, offset, length: 1, ...found }];
    });
    if (costs.length > 0) return { ...typed, problems: costs };
    const texts = conjuncts(source);
    // The texts only name the parts: where they do not pair off with the tree, the tree is asked as one.
    const parts =
      texts.length === exprs.length
        ? texts.map((text, at) => partOf(text, exprs[at] ?? parsed.expr, words))
        : [partOf({ text: source.trim(), offset: 0 }, parsed.expr, words)];
    return { ...typed, parts };
  };

  // The same text with the same words means the same: modules that are used often are read once.
  const known = new WeakMap<ReadonlyMap<string, Type>, Map<string, Understood>>();
  const once = (source: string, words: ReadonlyMap<string, Type>): Understood => {
    const sources = known.get(words) ?? new Map<string, Understood>();
    known.set(words, sources);
    const before = sources.get(source);
    if (before !== undefined) return before;
    const made = understand(source, words);
    sources.set(source, made);
    return made;
  };

  return (node, words, problems) => {
    const source = node.value;
    const { placeOf } = node;
    if (placeOf === undefined) {
      problems.add('SP-T100', node.at, 'A condition over several lines is written after `|`', {
        fix: 'Write `when: |` and the condition on the lines below',
      });
      return undefined;
    }
    const { problems: found, parts, fleeting = false, reads = new Set<string>() } = once(source, words);
    for (const { code, offset, message, length, fix } of found) {
      problems.add(code, placeOf(offset), message, {
        ...(length === undefined ? {} : { length }),
        ...(fix === undefined ? {} : { fix }),
      });
    }
    if (parts === undefined) return undefined;
    return {
      source: source.trim(),
      at: node.at,
      parts: parts.map(({ offset, ...part }) => ({ ...part, at: placeOf(offset) })),
      fleeting,
      reads,
    };
  };
}

function quickly(plain: (words: QuickWords) => Answer): Part['ask'] {
  return (words) => {
    try {
      return plain(words as unknown as QuickWords);
    } catch {
      return 'error';
    }
  };
}

/** What a text means to rules with the same words; without `parts` it has problems. */
interface Understood {
  readonly problems: readonly (Omit<TypeProblem, 'length'> & { readonly length?: number })[];
  readonly parts?: readonly (Omit<Part, 'at'> & { readonly offset: number })[];
  readonly fleeting?: boolean;
  readonly reads?: ReadonlySet<string>;
}

function read(
  source: string,
  parsedOf: (source: string) => ReturnType<typeof parse>,
): ReturnType<typeof parse> | Pick<Understood, 'problems'> {
  const wrong = (code: ProblemCode, offset: number, message: string): Pick<Understood, 'problems'> => ({
    problems: [{ code, offset, message }],
  });
  if (source.length > maxChars) {
    return wrong('SP-T106', 0, `The condition is longer than ${maxChars} characters`);
  }
  // The parser backtracks on parentheses: deep nesting would take it very long.
  if (deepest(source) > maxParentheses) {
    return wrong('SP-T106', 0, `More than ${maxParentheses} brackets inside one another`);
  }
  try {
    return parsedOf(source);
  } catch (thrown) {
    const message = messageOf(thrown).replace(/^<input>:\d+:\d+: /, '');
    const offset = Math.min(offsetOf(thrown), Math.max(0, source.length - 1));
    return wrong('SP-T100', offset, `Not valid CEL: ${message}`);
  }
}

function offsetOf(thrown: unknown): number {
  const { location } = thrown as { readonly location?: { readonly start?: { readonly offset?: number } } };
  return location?.start?.offset ?? 0;
}

/** The operands of the `&&` at the top, from left to right. */
function flat(expr: Expr): readonly Expr[] {
  const { exprKind } = expr;
  if (exprKind.case !== 'callExpr' || exprKind.value.function !== '_&&_') return [expr];
  return exprKind.value.args.flatMap(flat);
}

/**
 * The parts of `a && b && c`. They are evaluated from left to right until one is false; an error is kept and reported
 * if none is: CEL's own rule for `&&`.
 */
function conjuncts(source: string): readonly { readonly text: string; readonly offset: number }[] {
  const cuts: number[] = [];
  let depth = 0;
  for (let at = 0; at < source.length; at++) {
    const here = source.charAt(at);
    if (here === '"' || here === "'") {
      const end = closing(source, at);
      if (end === undefined) return [{ text: source, offset: 0 }];
      at = end;
    } else if ('([{'.includes(here)) depth += 1;
    else if (')]}'.includes(here)) depth -= 1;
    else if (here === '/' && source.charAt(at + 1) === '/') return [{ text: source, offset: 0 }]; // a comment
    else if (depth === 0 && (here === '?' || (here === '|' && source.charAt(at + 1) === '|'))) {
      return [{ text: source, offset: 0 }];
    } else if (depth === 0 && here === '&' && source.charAt(at + 1) === '&') {
      cuts.push(at);
      at += 1;
    }
  }
  const parts: { text: string; offset: number }[] = [];
  let from = 0;
  for (const cut of [...cuts, source.length]) {
    const raw = source.slice(from, cut);
    parts.push({ text: raw.trim(), offset: from + raw.length - raw.trimStart().length });
    from = cut + 2;
  }
  return parts;
}

/** The end of the string literal that begins here; undefined for a form this does not read (raw and triple-quoted ones). */
function closing(source: string, start: number): number | undefined {
  const quote = source.charAt(start);
  if (source.startsWith(quote.repeat(3), start) || /[rRbB]/.test(source.charAt(start - 1))) return undefined;
  for (let at = start + 1; at < source.length; at++) {
    if (source.charAt(at) === '\\') at += 1;
    else if (source.charAt(at) === quote) return at;
  }
  return undefined;
}

function deepest(source: string): number {
  let depth = 0;
  let most = 0;
  for (const char of source) {
    if ('([{'.includes(char)) most = Math.max(most, ++depth);
    else if (')]}'.includes(char)) depth -= 1;
  }
  return most;
}
