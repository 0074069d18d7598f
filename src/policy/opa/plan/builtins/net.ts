import { type Builtins, setOf, text, value } from '../builtin.ts';
import { type Meter, Wrong } from '../meter.ts';
import { isList, RegoObject, RegoSet, type Value } from '../value.ts';

interface Range {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly prefix: number;
}

function v4(said: string): bigint | undefined {
  const parts = said.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function v6(said: string): bigint | undefined {
  const halves = said.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1)?.at(-1);
  if (last?.includes('.') === true) {
    const low = v4(last);
    if (low === undefined) return undefined;
    groups.at(-1)?.splice(-1, 1, (low >> 16n).toString(16), (low & 0xffffn).toString(16));
  }
  const [left = [], right = []] = groups;
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function addressOf(said: string): Range | undefined {
  const four = v4(said);
  if (four !== undefined) return { bits: 32, first: four, prefix: 32 };
  const six = v6(said);
  return six === undefined ? undefined : { bits: 128, first: six, prefix: 128 };
}

function cidrOf(said: string): Range | undefined {
  const [address = '', prefix = '', more] = said.split('/');
  const found = addressOf(address);
  if (found === undefined || more !== undefined || !/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
  const length = Number(prefix);
  if (length > found.bits) return undefined;
  const free = BigInt(found.bits - length);
  return { bits: found.bits, first: (found.first >> free) << free, prefix: length };
}

function cidr(said: string): Range {
  const found = cidrOf(said);
  if (found === undefined) throw new Wrong('invalid CIDR address');
  return found;
}

function either(said: string): Range {
  return addressOf(said) ?? cidr(said);
}

function lastOf({ bits, first, prefix }: Range): bigint {
  return first + (1n << BigInt(bits - prefix)) - 1n;
}

function covers(a: Range, b: Range): boolean {
  return a.bits === b.bits && a.first <= b.first && lastOf(b) <= lastOf(a);
}

/** RFC 5952 for IPv6. */
function shown(bits: 32 | 128, address: bigint): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((by) => String((address >> by) & 0xffn)).join('.');
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((address >> BigInt(112 - at * 16)) & 0xffffn).toString(16),
  );
  if (groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff')
    return shown(32, address & 0xffffffffn);
  const zeros = [...groups.join(':').matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)]
    .map(([run]) => run)
    .sort((a, b) => b.length - a.length)[0];
  if (zeros === undefined) return groups.join(':');
  const all = groups.join(':');
  const from = all
    .split(':')
    .findIndex((_, at, list) => list.slice(at, at + zeros.split(':').length).join(':') === zeros);
  const count = zeros.split(':').length;
  return `${groups.slice(0, from).join(':')}::${groups.slice(from + count).join(':')}`;
}

/** An address alone stands for the network of its class, as in Go. */
function mergeable(said: string): Range {
  const four = v4(said);
  if (four === undefined) {
    if (v6(said) !== undefined) throw new Wrong('IPv6 invalid: needs prefix length');
    return cidr(said);
  }
  const top = Number(four >> 24n);
  const prefix = top < 128 ? 8 : top < 192 ? 16 : top < 224 ? 24 : undefined;
  if (prefix === undefined) throw new Wrong('IPv4 address without a class');
  return cidr(`${said}/${prefix}`);
}

function merged(all: readonly Range[], meter: Meter): readonly string[] {
  const made: string[] = [];
  for (const bits of [32, 128] as const) {
    const sorted = all.filter((each) => each.bits === bits).sort((a, b) => (a.first < b.first ? -1 : 1));
    const runs: { first: bigint; last: bigint }[] = [];
    for (const each of sorted) {
      const run = runs.at(-1);
      const last = lastOf(each);
      if (run === undefined || each.first > run.last + 1n) runs.push({ first: each.first, last });
      else if (last > run.last) run.last = last;
    }
    for (const run of runs)
      for (let at = run.first; at <= run.last;) {
        meter.spend(bits);
        let free = 0;
        while (
          free < bits &&
          (at >> BigInt(free)) % 2n === 0n &&
          at + (1n << BigInt(free + 1)) - 1n <= run.last
        )
          free += 1;
        made.push(`${shown(bits, at)}/${bits - free}`);
        at += 1n << BigInt(free);
      }
  }
  return made;
}

/** What a match is called by, and the address: of a text itself, an array, a set, or an object. */
function named(of: Value, meter: Meter): readonly (readonly [Value, string])[] {
  const address = (each: Value): string => text([isList(each) ? (each[0] ?? null) : each], 0);
  if (typeof of === 'string') return [[of, of]];
  if (isList(of)) return of.map((each, at) => [at, address(each)]);
  if (of instanceof RegoSet) return of.items(meter).map((each) => [each, address(each)]);
  if (of instanceof RegoObject) return of.entries(meter).map((each) => [each.key, address(each.value)]);
  throw new Wrong('operand must be one of {string, array, set, object}');
}

const contains = (outer: string, inner: string): boolean => covers(cidr(outer), either(inner));
const mostExpanded = 1n << 20n;

/** Networks. */
export const net: Builtins = {
  'net.cidr_contains': (args) => contains(text(args, 0), text(args, 1)),
  'net.cidr_overlap': (args) => contains(text(args, 0), text(args, 1)),
  'net.cidr_intersects': (args) => {
    const [a, b] = [cidr(text(args, 0)), cidr(text(args, 1))];
    return covers(a, b) || covers(b, a);
  },
  'net.cidr_is_valid': (args) => typeof args[0] === 'string' && cidrOf(args[0]) !== undefined,
  'net.cidr_contains_matches': (args, { meter }) => {
    const outer = named(value(args, 0), meter).map(([name, said]) => [name, cidr(said)] as const);
    const inner = named(value(args, 1), meter).map(([name, said]) => [name, either(said)] as const);
    meter.spend(outer.length * inner.length);
    return setOf(
      outer.flatMap(([a, range]) => inner.flatMap(([b, other]) => (covers(range, other) ? [[a, b]] : []))),
      meter,
    );
  },
  'net.cidr_expand': (args, { meter }) => {
    const range = cidr(text(args, 0));
    const size = lastOf(range) - range.first + 1n;
    meter.spend(size > mostExpanded ? Infinity : Number(size) * 2);
    return setOf(
      Array.from({ length: Number(size) }, (_, at) => shown(range.bits, range.first + BigInt(at))),
      meter,
    );
  },
  'net.cidr_merge': (args, { meter }) => {
    const given = value(args, 0);
    if (!isList(given) && !(given instanceof RegoSet))
      throw new Wrong('operand 1 must be one of {array, set}');
    const all = isList(given) ? given : given.items(meter);
    meter.spend(all.length * 40);
    return setOf(
      merged(
        all.map((each) => mergeable(text([each], 0))),
        meter,
      ),
      meter,
    );
  },
};
