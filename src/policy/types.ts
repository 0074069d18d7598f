/** The types of conditions: CEL's, with mappings whose keys are known (`object`) and texts whose values are. */
export type Type =
  | { readonly kind: Simple }
  | { readonly kind: 'string'; readonly values?: readonly string[] }
  | { readonly kind: 'list'; readonly of: Type }
  | { readonly kind: 'map'; readonly of: Type }
  | ObjectType;

export type Simple =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration'
  | 'type'
  | 'dyn';

export interface ObjectType {
  readonly kind: 'object';
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
}

export interface Field {
  readonly type: Type;
  /** It may be absent: to be guarded by `has()`. */
  readonly optional?: true;
  /** Changes without the statement, the identity or the policy changing: decisions that read it are not cached. */
  readonly fleeting?: true;
}

export const bool: Type = { kind: 'bool' };
export const int: Type = { kind: 'int' };
export const double: Type = { kind: 'double' };
export const string: Type = { kind: 'string' };
export const timestamp: Type = { kind: 'timestamp' };
export const duration: Type = { kind: 'duration' };
export const dyn: Type = { kind: 'dyn' };
export const strings: Type = { kind: 'list', of: string };

export function oneOf(values: readonly string[]): Type {
  return { kind: 'string', values };
}

export function objectOf(name: string, members: Readonly<Record<string, Field>>): ObjectType {
  return { kind: 'object', name, fields: new Map(Object.entries(members)) };
}

export function show(type: Type): string {
  if (type.kind === 'list') return `list(${show(type.of)})`;
  if (type.kind === 'map') return `map(string, ${show(type.of)})`;
  return type.kind === 'object' ? type.name : type.kind;
}

export function isNumber(type: Type): boolean {
  return type.kind === 'int' || type.kind === 'uint' || type.kind === 'double';
}

/** Whether a value of one type can ever equal one of the other. Numbers compare across their types, as CEL has it. */
export function comparable(a: Type, b: Type): boolean {
  if (a.kind === 'dyn' || b.kind === 'dyn') return true;
  if (isNumber(a) && isNumber(b)) return true;
  if (a.kind === 'list' && b.kind === 'list') return comparable(a.of, b.of);
  if (a.kind === 'map' && b.kind === 'map') return comparable(a.of, b.of);
  // Words are read by attribute; as a whole they are never compared.
  return a.kind === b.kind && a.kind !== 'object';
}

/** The one type of two branches, or undefined where they do not agree. */
export function join(a: Type, b: Type): Type | undefined {
  if (a.kind === 'dyn') return b;
  if (b.kind === 'dyn') return a;
  if (a.kind === 'string' && b.kind === 'string') return string;
  if (a.kind === 'list' && b.kind === 'list') {
    const of = join(a.of, b.of);
    return of === undefined ? undefined : { kind: 'list', of };
  }
  if (a.kind === 'map' && b.kind === 'map') {
    const of = join(a.of, b.of);
    return of === undefined ? undefined : { kind: 'map', of };
  }
  if (a.kind === 'object' && b.kind === 'object') return a.name === b.name ? a : undefined;
  return a.kind === b.kind ? a : undefined;
}
