import {
  type Builtin,
  type Builtins,
  characters,
  int,
  items,
  num,
  set,
  setOf,
  text,
  value,
  whole,
} from '../builtin.ts';
import { Halt, type Meter, Wrong } from '../meter.ts';
import {
  compareNumbers,
  floor,
  integer,
  nearest,
  negated,
  type Num,
  numberOf,
  plus,
  quotient,
  remainder,
  times,
  truncated,
} from '../number.ts';
import { compare, isList, isNumber, RegoObject, RegoSet, type Value } from '../value.ts';

function folded(start: Num, step: (sum: Num, each: Num) => Num): Builtin {
  return (args, context) => {
    const all = items(args, 0, context);
    context.meter.spend(all.length);
    let sum = start;
    for (const each of all) {
      if (!isNumber(each)) throw new Wrong('operand 1 must be a collection of numbers');
      sum = step(sum, each);
    }
    return sum;
  };
}

function extreme(better: (order: number) => boolean): Builtin {
  return (args, context) => {
    let found: Value | undefined;
    for (const each of items(args, 0, context))
      if (found === undefined || better(compare(each, found, context.meter))) found = each;
    return found;
  };
}

function range(from: bigint, to: bigint, step: bigint, meter: Meter): Value {
  const size = (to > from ? to - from : from - to) / step + 1n;
  meter.spend(Number(size));
  const made: Num[] = [];
  for (let at = 0n; at < size; at++) made.push(integer(to >= from ? from + at * step : from - at * step));
  return made;
}

const mostShift = 20_000n;

function shift(by: (value: bigint, bits: bigint) => bigint): Builtin {
  return (args) => {
    const bits = whole(args, 1);
    if (bits < 0n) throw new Wrong('operand 2 must be an unsigned integer number but got a negative integer');
    if (bits > mostShift) throw new Halt('A number is too large');
    return integer(by(whole(args, 0), bits));
  };
}

const bases = [2, 8, 10, 16];

/** Numbers: what is reckoned is as exact as in OPA. */
export const numbers: Builtins = {
  plus: (args) => plus(num(args, 0), num(args, 1)),
  minus: (args, { meter }) => {
    const [left, right] = [value(args, 0), value(args, 1)];
    if (!(left instanceof RegoSet)) {
      if (right instanceof RegoSet) throw new Wrong('operand 1 must be set');
      return plus(num(args, 0), negated(num(args, 1)));
    }
    const other = set(args, 1);
    return setOf(
      left.items(meter).filter((each) => !other.has(each, meter)),
      meter,
    );
  },
  mul: (args) => times(num(args, 0), num(args, 1)),
  div: (args) => quotient(num(args, 0), num(args, 1)),
  rem: (args) => remainder(num(args, 0), num(args, 1)),
  abs: (args) => (compareNumbers(num(args, 0), 0) < 0 ? negated(num(args, 0)) : num(args, 0)),
  round: (args) => nearest(num(args, 0)),
  floor: (args) => floor(num(args, 0)),
  ceil: (args) => negated(floor(negated(num(args, 0)))),
  count: (args) => {
    const given = value(args, 0);
    if (typeof given === 'string') return characters(given).length;
    if (isList(given)) return given.length;
    if (given instanceof RegoObject || given instanceof RegoSet) return given.size;
    throw new Wrong('operand 1 must be one of {array, object, set, string}');
  },
  sum: folded(0, plus),
  product: folded(1, times),
  max: extreme((order) => order > 0),
  min: extreme((order) => order < 0),
  'numbers.range': (args, { meter }) => range(whole(args, 0), whole(args, 1), 1n, meter),
  'numbers.range_step': (args, { meter }) => {
    const step = whole(args, 2);
    if (step <= 0n) throw new Wrong('step must be a positive number above zero');
    return range(whole(args, 0), whole(args, 1), step, meter);
  },
  'bits.and': (args) => integer(whole(args, 0) & whole(args, 1)),
  'bits.or': (args) => integer(whole(args, 0) | whole(args, 1)),
  'bits.xor': (args) => integer(whole(args, 0) ^ whole(args, 1)),
  'bits.negate': (args) => integer(~whole(args, 0)),
  'bits.lsh': shift((of, bits) => of << bits),
  'bits.rsh': shift((of, bits) => of >> bits),
  to_number: (args) => {
    const given = value(args, 0);
    if (given === null) return 0;
    if (typeof given === 'boolean') return given ? 1 : 0;
    if (isNumber(given)) return given;
    const said = text(args, 0);
    if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(said)) throw new Wrong('invalid syntax');
    return numberOf(said);
  },
  format_int: (args) => {
    const base = int(args, 1);
    if (!bases.includes(base)) throw new Wrong('operand 2 must be one of {2, 8, 10, 16}');
    return truncated(num(args, 0)).toString(base);
  },
};
