/**
 * PostgreSQL's parse tree as libpg_query prints it in JSON: every node is an object with one key, its type's name, and
 * its fields below: `{ SelectStmt: { targetList: [...] } }`. Read by shape, never by a list of expected places: a node
 * in a slot nobody thought of must still be seen.
 */
export type Node = { readonly [type: string]: Fields };
export type Fields = { readonly [field: string]: unknown };

/** One statement of a text. */
export interface RawStatement {
  readonly node: Node;
  /** Its own part of the text, without the semicolon and white space around it. */
  readonly text: string;
}

export function isNode(value: unknown): value is Node {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  const only = keys[0];
  // Node types are spelt in capitals, fields are not: `A_Const`, `SelectStmt` against `targetList`.
  return keys.length === 1 && only !== undefined && /^[A-Z]/.test(only);
}

/** The node's type and fields. */
export function open(node: Node): readonly [string, Fields] {
  for (const type in node) {
    const fields = node[type];
    if (fields !== undefined) return [type, fields];
  }
  return ['', {}];
}

/** The fields of a node of this type; undefined for any other. */
export function as(value: unknown, type: string): Fields | undefined {
  if (!isNode(value)) return undefined;
  return value[type];
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The text of a `String` node (a name's part, an option's value). */
export function stringOf(value: unknown): string | undefined {
  return text(as(value, 'String')?.['sval']);
}
