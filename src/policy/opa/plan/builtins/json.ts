import { type Builtins, items, list, object, text, value } from '../builtin.ts';
import { type Meter, Wrong } from '../meter.ts';
import { numberKey } from '../number.ts';
import { isList, isNumber, type List, RegoObject, RegoSet, same, toJson, type Value } from '../value.ts';

/** `/a/b~1c`, or an array of keys. */
function pathOf(given: Value): List {
  if (isList(given)) return given;
  const said = text([given], 0);
  return said === ''
    ? []
    : said
        .replace(/^\/+/, '')
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Paths as a tree: objects down to null, where a path ends. */
function treeOf(paths: List, meter: Meter): RegoObject {
  const root = new RegoObject();
  for (const path of paths) {
    const keys = pathOf(path);
    const last = keys.at(-1);
    if (last === undefined) continue;
    let node: Value | undefined = root;
    for (const key of keys.slice(0, -1)) {
      meter.spend(1);
      if (!(node instanceof RegoObject)) break;
      const next: Value | undefined = node.get(key, meter);
      if (next === undefined) {
        const made = new RegoObject();
        node.set(key, made, meter);
        node = made;
      } else node = next;
    }
    if (node instanceof RegoObject) node.set(last, null, meter);
  }
  return root;
}

/** Items of an array stand in the tree by their number as a text. */
function under(tree: RegoObject, key: Value, meter: Meter): Value | undefined {
  const named = typeof key === 'number' ? tree.get(String(key), meter) : undefined;
  return named === undefined ? tree.get(key, meter) : named;
}

function only(of: Value, tree: Value, meter: Meter): Value {
  meter.spend(1);
  if (!(tree instanceof RegoObject)) return of;
  if (isList(of))
    return of.flatMap((each, at) => {
      const below = under(tree, at, meter);
      return below === undefined ? [] : [only(each, below, meter)];
    });
  if (of instanceof RegoSet) {
    const made = new RegoSet();
    for (const each of of.items(meter)) {
      const below = tree.get(each, meter);
      if (below !== undefined) made.add(only(each, below, meter), meter);
    }
    return made;
  }
  if (!(of instanceof RegoObject)) return of;
  const made = new RegoObject();
  for (const { key, value: each } of of.entries(meter)) {
    const below = tree.get(key, meter);
    if (below !== undefined) made.set(key, only(each, below, meter), meter);
  }
  return made;
}

/** Undefined where all of it goes. */
function without(of: Value, tree: Value | undefined, meter: Meter): Value | undefined {
  meter.spend(1);
  if (tree === undefined) return of;
  if (!(tree instanceof RegoObject)) return undefined;
  if (isList(of))
    return of.flatMap((each, at) => {
      const kept = without(each, under(tree, at, meter), meter);
      return kept === undefined ? [] : [kept];
    });
  if (of instanceof RegoSet) {
    const made = new RegoSet();
    for (const each of of.items(meter)) {
      const kept = without(each, tree.get(each, meter), meter);
      if (kept !== undefined) made.add(kept, meter);
    }
    return made;
  }
  if (!(of instanceof RegoObject)) return of;
  const made = new RegoObject();
  for (const { key, value: each } of of.entries(meter)) {
    const kept = without(each, tree.get(key, meter), meter);
    if (kept !== undefined) made.set(key, kept, meter);
  }
  return made;
}

type Change = (at: { readonly into: Value; readonly key: Value }) => Value | undefined;

/** The document with something changed at the end of a path; undefined where there is no such place. */
function changed(of: Value, path: List, change: Change, meter: Meter): Value | undefined {
  const [key, ...rest] = path;
  meter.spend(1);
  if (key === undefined) return undefined;
  if (rest.length === 0) return change({ into: of, key });
  const inner = child(of, key, meter);
  const made = inner === undefined ? undefined : changed(inner, rest, change, meter);
  return made === undefined ? undefined : put(of, key, made, meter);
}

function indexOf(of: List, key: Value): number | undefined {
  const at = isNumber(key)
    ? numberKey(key)
    : typeof key === 'string' && /^(?:0|[1-9]\d{0,8})$/.test(key)
      ? Number(key)
      : undefined;
  return typeof at === 'number' && Number.isInteger(at) && at >= 0 && at <= of.length ? at : undefined;
}

function child(of: Value, key: Value, meter: Meter): Value | undefined {
  if (of instanceof RegoObject) return of.get(key, meter);
  if (of instanceof RegoSet) return of.has(key, meter) ? key : undefined;
  const at = isList(of) ? indexOf(of, key) : undefined;
  return isList(of) && at !== undefined ? of[at] : undefined;
}

/** In place of what is there. */
function put(of: Value, key: Value, item: Value, meter: Meter): Value | undefined {
  if (of instanceof RegoObject) {
    meter.spend(of.size);
    const made = of.copy();
    made.set(key, item, meter);
    return made;
  }
  if (of instanceof RegoSet) {
    const made = new RegoSet();
    for (const each of of.items(meter)) made.add(same(each, key, meter) ? item : each, meter);
    return made;
  }
  const at = isList(of) ? indexOf(of, key) : undefined;
  if (!isList(of) || at === undefined || at >= of.length) return undefined;
  meter.spend(of.length);
  return of.with(at, item);
}

function added(of: Value, key: Value, item: Value, meter: Meter): Value | undefined {
  if (of instanceof RegoObject) return put(of, key, item, meter);
  if (of instanceof RegoSet) {
    if (!same(key, item, meter)) return undefined;
    const made = new RegoSet();
    for (const each of of.items(meter)) made.add(each, meter);
    made.add(item, meter);
    return made;
  }
  const at = isList(of) ? (key === '-' ? of.length : indexOf(of, key)) : undefined;
  if (!isList(of) || at === undefined) return undefined;
  meter.spend(of.length);
  return of.toSpliced(at, 0, item);
}

function removed(of: Value, key: Value, meter: Meter): Value | undefined {
  if (child(of, key, meter) === undefined) return undefined;
  if (isList(of)) return of.toSpliced(indexOf(of, key) ?? of.length, 1);
  if (of instanceof RegoObject) {
    const made = new RegoObject();
    for (const each of of.entries(meter))
      if (!same(each.key, key, meter)) made.set(each.key, each.value, meter);
    return made;
  }
  const made = new RegoSet();
  if (of instanceof RegoSet)
    for (const each of of.items(meter)) if (!same(each, key, meter)) made.add(each, meter);
  return made;
}

function at(of: Value, path: List, meter: Meter): Value | undefined {
  let found: Value | undefined = of;
  for (const key of path) found = found === undefined ? undefined : child(found, key, meter);
  return found;
}

/** RFC 6902, one operation; undefined where it cannot be done. */
function patched(of: Value, step: RegoObject, meter: Meter): Value | undefined {
  const given = step.named('path');
  const op = text([step.named('op') ?? null], 0);
  if (given === undefined) throw new Wrong('missing `path` attribute');
  const path = pathOf(given);
  const needed = (name: string): Value => {
    const found = step.named(name);
    if (found === undefined) throw new Wrong(`missing \`${name}\` attribute`);
    return found;
  };
  const add = (into: Value, item: Value): Value | undefined =>
    path.length === 0
      ? item
      : changed(into, path, ({ into: here, key }) => added(here, key, item, meter), meter);
  const remove = (into: Value, from: List): Value | undefined =>
    changed(into, from, ({ into: here, key }) => removed(here, key, meter), meter);
  switch (op) {
    case 'add':
      return add(of, needed('value'));
    case 'remove':
      return remove(of, path);
    case 'replace': {
      const item = needed('value');
      if (path.length === 0) return item;
      return changed(
        of,
        path,
        ({ into, key }) => {
          if (child(into, key, meter) === undefined) return undefined;
          return into instanceof RegoSet && !same(key, item, meter) ? undefined : put(into, key, item, meter);
        },
        meter,
      );
    }
    case 'move': {
      const from = pathOf(needed('from'));
      const item = at(of, from, meter);
      const rest = item === undefined ? undefined : from.length === 0 ? of : remove(of, from);
      return item === undefined || rest === undefined ? undefined : add(rest, item);
    }
    case 'copy': {
      const item = at(of, pathOf(needed('from')), meter);
      return item === undefined ? undefined : add(of, item);
    }
    case 'test': {
      const found = at(of, path, meter);
      return found !== undefined && same(found, needed('value'), meter) ? of : undefined;
    }
    default:
      throw new Wrong('unrecognized op');
  }
}

interface Look {
  readonly prefix: string;
  readonly indent: string;
}

function pretty(of: Value, look: Look, meter: Meter, depth = 0): string {
  meter.spend(2 + depth);
  const line = (deep: number): string => `\n${look.prefix}${look.indent.repeat(deep)}`;
  if (of instanceof RegoObject && of.size > 0) {
    const inner = of.entries(meter).map((each) => {
      const key = typeof each.key === 'string' ? each.key : toJson(each.key, meter);
      return `${line(depth + 1)}${JSON.stringify(key)}: ${pretty(each.value, look, meter, depth + 1)}`;
    });
    return `{${inner.join()}${line(depth)}}`;
  }
  const all = of instanceof RegoSet ? of.items(meter) : isList(of) ? of : [];
  if (all.length === 0) return toJson(of, meter);
  return `[${all.map((each) => line(depth + 1) + pretty(each, look, meter, depth + 1)).join()}${line(depth)}]`;
}

const longestIndent = 64;

/** Documents by paths, and as texts. */
export const json: Builtins = {
  'json.filter': (args, context) =>
    only(object(args, 0), treeOf(items(args, 1, context), context.meter), context.meter),
  'json.remove': (args, context) =>
    without(object(args, 0), treeOf(items(args, 1, context), context.meter), context.meter),
  'json.patch': (args, { meter }) => {
    let made: Value = value(args, 0);
    for (const step of list(args, 1)) {
      const next: Value | undefined = patched(made, object([step], 0), meter);
      if (next === undefined) return undefined;
      made = next;
    }
    return made;
  },
  'json.marshal_with_options': (args, { meter }) => {
    const options = object(args, 1);
    const known = ['pretty', 'indent', 'prefix'];
    if (!options.entries(meter).every(({ key }) => typeof key === 'string' && known.includes(key)))
      throw new Wrong('object contained unknown key');
    const [indent, prefix] = [options.named('indent') ?? '\t', options.named('prefix') ?? ''];
    const wanted = options.named('pretty') ?? options.size > 0;
    if (typeof indent !== 'string' || typeof prefix !== 'string' || typeof wanted !== 'boolean')
      throw new Wrong('options of another type');
    if (indent.length + prefix.length > longestIndent) throw new Wrong('indent and prefix are too long');
    return wanted
      ? prefix + pretty(value(args, 0), { indent, prefix }, meter)
      : toJson(value(args, 0), meter);
  },
};
