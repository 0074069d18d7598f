import { parse } from '@bufbuild/cel';
import type { Expr } from './typecheck.ts';

type Parsed = ReturnType<typeof parse>;

/**
 * A parser of conditions that remembers their shapes: a hundred rules that differ in the names between their quotes are
 * parsed once. Parsing is most of what loading takes.
 *
 * @throws what CEL's parser throws.
 */
export function shapeParser(): (source: string) => Parsed {
  const shapes = new Map<string, Parsed>();
  return (source) => {
    const { shape, texts } = shapeOf(source);
    const known = shapes.get(shape) ?? parse(shape);
    shapes.set(shape, known);
    const { positions = {} } = known.sourceInfo ?? {};
    // Whoever plans an expression changes it, so each gets its own.
    return { ...known, expr: filled(known.expr, (id) => texts.get(positions[id.toString()] ?? -1)) };
  };
}

/** The source with an `x` for each character between quotes, and what stood there by the offset of its opening quote. */
function shapeOf(source: string): { readonly shape: string; readonly texts: ReadonlyMap<number, string> } {
  const texts = new Map<number, string>();
  // Comments, escapes, raw and long texts, bytes: none of it is worth understanding here.
  // oxlint-disable-next-line no-control-regex
  if (/\/\/|\\|"""|'''|[rRbB]["']|[^\u0000-\u007f]|'/.test(source)) return { shape: source, texts };
  const shape = source.replaceAll(/"([^"\n\r]*)"/g, (all, text: string, at: number) => {
    texts.set(at, text);
    return `"${'x'.repeat(all.length - 2)}"`;
  });
  return { shape, texts };
}

/** A copy, with the texts put back. */
function filled(expr: Expr, textOf: (id: bigint) => string | undefined): Expr {
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
    const made: Record<string, unknown> = {};
    for (const [key, each] of Object.entries(value)) made[key] = copy(each);
    const { id, exprKind } = made as Partial<Expr>;
    if (typeof id === 'bigint' && exprKind?.case === 'constExpr') {
      const { constantKind } = exprKind.value;
      const text = constantKind.case === 'stringValue' ? textOf(id) : undefined;
      if (text !== undefined) constantKind.value = text;
    }
    return made;
  };
  return copy(expr) as Expr; // as it was
}
