import { type Builtins, int, items, list, set, setOf, value } from '../builtin.ts';
import { compare, isList, RegoObject, RegoSet, same, type Value } from '../value.ts';

/** Arrays and sets. */
export const collections: Builtins = {
  'array.concat': (args, { meter }) => {
    const [left, right] = [list(args, 0), list(args, 1)];
    meter.spend(left.length + right.length);
    return [...left, ...right];
  },
  'array.flatten': (args, { meter }) => {
    const made = list(args, 0).flatMap((each) => (isList(each) ? [...each] : [each]));
    meter.spend(made.length);
    return made;
  },
  'array.reverse': (args, { meter }) => {
    meter.spend(list(args, 0).length);
    return [...list(args, 0)].reverse();
  },
  'array.slice': (args, { meter }) => {
    const from = list(args, 0);
    const start = Math.min(Math.max(int(args, 1), 0), from.length);
    const made = from.slice(start, Math.max(start, Math.min(int(args, 2), from.length)));
    meter.spend(made.length);
    return made;
  },
  sort: (args, context) => {
    const all = items(args, 0, context);
    context.meter.spend(all.length);
    return [...all].sort((a, b) => compare(a, b, context.meter));
  },
  and: (args, { meter }) => {
    const other = set(args, 1);
    return setOf(
      set(args, 0)
        .items(meter)
        .filter((each) => other.has(each, meter)),
      meter,
    );
  },
  or: (args, { meter }) => {
    const [left, right] = [set(args, 0), set(args, 1)];
    meter.spend(left.size + right.size);
    return setOf([...left.items(meter), ...right.items(meter)], meter);
  },
  set_diff: (args, { meter }) => {
    const other = set(args, 1);
    return setOf(
      set(args, 0)
        .items(meter)
        .filter((each) => !other.has(each, meter)),
      meter,
    );
  },
  union: (args, { meter }) => {
    const made = new RegoSet();
    for (const each of set(args, 0).items(meter))
      for (const item of set([each], 0).items(meter)) {
        meter.spend(1);
        made.add(item, meter);
      }
    return made;
  },
  intersection: (args, { meter }) => {
    const [first, ...rest] = set(args, 0).items(meter);
    if (first === undefined) return new RegoSet();
    const others = rest.map((each) => set([each], 0));
    return setOf(
      set([first], 0)
        .items(meter)
        .filter((item) => {
          meter.spend(others.length);
          return others.every((other) => other.has(item, meter));
        }),
      meter,
    );
  },
  any: (args, context) => items(args, 0, context).includes(true),
  all: (args, context) => items(args, 0, context).every((each) => each === true),
  'internal.member_2': (args, { meter }) => {
    const [item, among] = [value(args, 0), value(args, 1)];
    if (among instanceof RegoSet) return among.has(item, meter);
    const found = (each: Value): boolean => {
      meter.spend(1);
      return same(each, item, meter);
    };
    if (isList(among)) return among.some(found);
    return among instanceof RegoObject && among.entries(meter).some((each) => found(each.value));
  },
  'internal.member_3': (args, { meter }) => {
    const [key, item, among] = [value(args, 0), value(args, 1), value(args, 2)];
    if (isList(among)) {
      const found = typeof key === 'number' ? among[key] : undefined;
      return found !== undefined && same(found, item, meter);
    }
    if (among instanceof RegoSet) return same(key, item, meter) && among.has(item, meter);
    const found = among instanceof RegoObject ? among.get(key, meter) : undefined;
    return found !== undefined && same(found, item, meter);
  },
};
