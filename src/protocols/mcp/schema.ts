import { AjvJsonSchemaValidator } from '@modelcontextprotocol/server/validators/ajv';
import { isObject } from '../../base/check.ts';
import { Lru } from '../../base/lru.ts';
import type { Json } from './message.ts';

// What a tool's schema says of arguments. To be worked out where nobody else waits: a schema of some kilobytes can take minutes.

/** `unusable`: the schema is of another dialect, has a reference to elsewhere, or is none. */
export type Fitting = 'fits' | 'unfit' | 'unusable';

export interface Given {
  /** The schema as JSON: the same text is read once. */
  readonly schema: string;
  readonly given: unknown;
}

type Check = (given: unknown) => boolean;

const checksKept = 500;
const checks: Lru<string, Check | 'unusable'> = new Lru(checksKept);

/** Whether arguments are what a schema allows; what it does not name is not allowed, unless it says that it is. */
export function fitting({ schema, given }: Given): Fitting {
  let check = checks.get(schema);
  if (check === undefined) {
    check = checkOf(JSON.parse(schema)) ?? 'unusable';
    checks.set(schema, check);
  }
  return check === 'unusable' ? check : check(given) ? 'fits' : 'unfit';
}

const open = [
  'additionalProperties',
  'unevaluatedProperties',
  'patternProperties',
  '$ref',
  'allOf',
  'anyOf',
  'oneOf',
  'if',
];

function checkOf(schema: unknown): Check | undefined {
  if (!isObject(schema)) return undefined;
  const closed = open.some((key) => Object.hasOwn(schema, key))
    ? schema
    : { ...schema, additionalProperties: false };
  try {
    // SECURITY: one for each schema: in one for all, a schema is what was first given under its `$id`, by whatever server.
    const validate = new AjvJsonSchemaValidator().getValidator({ type: 'object', ...closed });
    return (given) =>
      validate(given).valid || (isObject(given) && validate(withoutNulls(given, closed)).valid);
  } catch {
    return undefined;
  }
}

/** A declared argument that need not be there and is null counts as not given (2026-07-28, SEP-2243). */
export function withoutNulls(given: Json, { properties, required }: Json): Json {
  if (!isObject(properties)) return given;
  const needed = Array.isArray(required) ? (required as readonly unknown[]) : [];
  const left = Object.entries(given).filter(
    ([key, value]) => value !== null || needed.includes(key) || !Object.hasOwn(properties, key),
  );
  return Object.fromEntries(left);
}
