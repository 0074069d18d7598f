import { type Builtin, type Builtins, list, object, set, value } from '../builtin.ts';
import { Wrong } from '../meter.ts';
import { compare, isList, isNumber, RegoObject, RegoSet, type Value } from '../value.ts';

function typeName(of: Value): string {
  if (of === null) return 'null';
  if (isNumber(of)) return 'number';
  if (isList(of)) return 'array';
  if (of instanceof RegoSet) return 'set';
  return of instanceof RegoObject ? 'object' : typeof of;
}

function is(name: string): Builtin {
  return (args) => typeName(value(args, 0)) === name;
}

function ordered(holds: (order: number) => boolean): Builtin {
  return (args, { meter }) => holds(compare(value(args, 0), value(args, 1), meter));
}

function cast(name: string): Builtin {
  return (args) => {
    const given = value(args, 0);
    if (typeName(given) !== name) throw new Wrong(`operand 1 must be ${name}`);
    return given;
  };
}

/** What values are, and how they compare. */
export const types: Builtins = {
  type_name: (args) => typeName(value(args, 0)),
  is_array: is('array'),
  is_boolean: is('boolean'),
  is_null: is('null'),
  is_number: is('number'),
  is_object: is('object'),
  is_set: is('set'),
  is_string: is('string'),
  equal: ordered((order) => order === 0),
  neq: ordered((order) => order !== 0),
  lt: ordered((order) => order < 0),
  lte: ordered((order) => order <= 0),
  gt: ordered((order) => order > 0),
  gte: ordered((order) => order >= 0),
  cast_array: (args, { meter }) => (isList(args[0]) ? list(args, 0) : [...set(args, 0).items(meter)]),
  cast_boolean: cast('boolean'),
  cast_null: cast('null'),
  cast_object: (args) => object(args, 0),
  cast_string: cast('string'),
  'internal.print': () => true,
  trace: () => true,
};
