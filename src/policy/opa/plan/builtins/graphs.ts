import { type Builtin, type Builtins, object, value } from '../builtin.ts';
import { type Meter, Wrong } from '../meter.ts';
import { isList, type List, RegoObject, RegoSet, type Value } from '../value.ts';

function nodesOf(given: Value | undefined, meter: Meter): List {
  if (given instanceof RegoSet) return given.items(meter);
  return isList(given) ? given : [];
}

function startsOf(given: Value, meter: Meter): List {
  if (!isList(given) && !(given instanceof RegoSet)) throw new Wrong('operand 2 must be one of {array, set}');
  return nodesOf(given, meter);
}

const reachable: Builtin = (args, { meter }) => {
  const graph = object(args, 0);
  const found = new RegoSet();
  const left = [...startsOf(value(args, 1), meter)];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    meter.spend(1);
    const next = graph.get(at, meter);
    if (next === undefined || found.has(at, meter)) continue;
    found.add(at, meter);
    const nodes = nodesOf(next, meter);
    meter.spend(nodes.length);
    left.push(...nodes);
  }
  return found;
};

/** A node that was passed before ends a path, on whichever path that was. */
const reachablePaths: Builtin = (args, { meter }) => {
  const graph = object(args, 0);
  const found = new RegoSet();
  const follow = (path: List, node: Value, reached: RegoSet): void => {
    meter.spend(path.length + 1);
    const next = graph.get(node, meter);
    const here = next === undefined ? path : [...path, node];
    const nodes = nodesOf(next, meter);
    if (nodes.length === 0) found.add(here, meter);
    for (const each of nodes)
      if (reached.has(each, meter)) found.add(here, meter);
      else {
        if (graph.get(each, meter) !== undefined) reached.add(node, meter);
        follow(here, each, reached);
      }
  };
  for (const start of startsOf(value(args, 1), meter))
    if (graph.get(start, meter) !== undefined) follow([], start, new RegoSet());
  return found;
};

/** Every value within a value with the path to it, the value itself first. */
const walk: Builtin = (args, { meter }) => {
  const made: Value[] = [];
  const visit = (path: List, at: Value): void => {
    meter.spend(path.length + 2);
    made.push([path, at]);
    if (isList(at)) for (const [index, each] of at.entries()) visit([...path, index], each);
    else if (at instanceof RegoSet) for (const each of at.items(meter)) visit([...path, each], each);
    else if (at instanceof RegoObject)
      for (const each of at.entries(meter)) visit([...path, each.key], each.value);
  };
  visit([], value(args, 0));
  return made;
};

/** Graphs, and values as trees. */
export const graphs: Builtins = {
  'graph.reachable': reachable,
  'graph.reachable_paths': reachablePaths,
  walk,
};
