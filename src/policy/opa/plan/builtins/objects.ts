import { type Builtins, type Context, list, object, setOf, value } from '../builtin.ts';
import { type Meter, Wrong } from '../meter.ts';
import { dot, isList, type List, RegoObject, RegoSet, same, type Value } from '../value.ts';

/** Keys given as an array, a set, or the keys of an object. */
function keysOf(given: Value, { meter }: Context): List {
  if (given instanceof RegoObject) return given.entries(meter).map(({ key }) => key);
  if (given instanceof RegoSet) return given.items(meter);
  if (isList(given)) return given;
  throw new Wrong('operand 2 must be one of {array, object, set}');
}

/** The right one wins, but where both are objects. */
function union(left: RegoObject, right: RegoObject, meter: Meter): RegoObject {
  meter.spend(left.size + right.size);
  const made = left.copy();
  for (const { key, value: put } of right.unordered()) {
    const before = made.get(key, meter);
    made.set(
      key,
      before instanceof RegoObject && put instanceof RegoObject ? union(before, put, meter) : put,
      meter,
    );
  }
  return made;
}

/** Whether `part` is found within `whole`. */
function within(whole: Value, part: Value, meter: Meter): boolean {
  meter.spend(1);
  if (whole instanceof RegoObject && part instanceof RegoObject)
    return part.entries(meter).every(({ key, value: wanted }) => {
      const found = whole.get(key, meter);
      if (found === undefined) return false;
      return comparable(found, wanted) ? within(found, wanted, meter) : same(found, wanted, meter);
    });
  if (whole instanceof RegoSet && part instanceof RegoSet)
    return part.items(meter).every((each) => whole.has(each, meter));
  if (isList(whole) && part instanceof RegoSet)
    return part.items(meter).every((each) => whole.some((other) => same(each, other, meter)));
  if (!isList(whole) || !isList(part))
    throw new Wrong('both arguments object.subset must be of the same type or array and set');
  for (let from = 0; from + part.length <= whole.length; from++) {
    meter.spend(1);
    const fits = part.every((each, at) => {
      const found = whole[from + at];
      return found !== undefined && same(found, each, meter);
    });
    if (fits) return true;
  }
  return false;
}

function comparable(a: Value, b: Value): boolean {
  return (
    (a instanceof RegoObject && b instanceof RegoObject) ||
    (a instanceof RegoSet && b instanceof RegoSet) ||
    (isList(a) && isList(b))
  );
}

/** Objects by their keys. */
export const objects: Builtins = {
  'object.get': (args, { meter }) => {
    const [from, key, otherwise] = [object(args, 0), value(args, 1), value(args, 2)];
    if (!isList(key)) return from.get(key, meter) ?? otherwise;
    let found: Value | undefined = from;
    for (const each of key) {
      found = dot(found, each, meter);
      if (found === undefined) return otherwise;
    }
    return found;
  },
  'object.keys': (args, { meter }) =>
    setOf(
      object(args, 0)
        .entries(meter)
        .map(({ key }) => key),
      meter,
    ),
  'object.filter': (args, context) => {
    const made = new RegoObject();
    const from = object(args, 0);
    for (const key of keysOf(value(args, 1), context)) {
      context.meter.spend(1);
      const found = from.get(key, context.meter);
      if (found !== undefined) made.set(key, found, context.meter);
    }
    return made;
  },
  'object.remove': (args, context) => {
    const { meter } = context;
    const gone = setOf(keysOf(value(args, 1), context), meter);
    const made = new RegoObject();
    for (const { key, value: kept } of object(args, 0).entries(meter)) {
      meter.spend(1);
      if (!gone.has(key, meter)) made.set(key, kept, meter);
    }
    return made;
  },
  'object.union': (args, { meter }) => union(object(args, 0), object(args, 1), meter),
  'object.union_n': (args, { meter }) => {
    let made = new RegoObject();
    for (const each of list(args, 0)) made = union(made, object([each], 0), meter);
    return made;
  },
  'object.subset': (args, { meter }) => within(value(args, 0), value(args, 1), meter),
};
