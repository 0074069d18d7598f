import { type Builtins, objectFrom, text } from '../builtin.ts';
import { Wrong } from '../meter.ts';
import { integer } from '../number.ts';
import type { Value } from '../value.ts';

interface Version {
  readonly core: readonly bigint[];
  readonly before: readonly string[];
}

/** semver.org 2.0.0. */
function versionOf(said: string): Version | undefined {
  const found = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/.exec(said);
  if (found === null || said.length > 256) return undefined;
  const [, major = '', minor = '', patch = '', before] = found;
  return { core: [major, minor, patch].map(BigInt), before: before === undefined ? [] : before.split('.') };
}

function order<T>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareVersions(a: Version, b: Version): number {
  for (const [at, part] of a.core.entries()) {
    const difference = order(part, b.core[at] ?? 0n);
    if (difference !== 0) return difference;
  }
  if (a.before.length === 0 || b.before.length === 0) return order(b.before.length, a.before.length);
  for (const [at, part] of a.before.entries()) {
    const other = b.before[at];
    if (other === undefined) return 1;
    const [x, y] = [/^\d+$/.test(part), /^\d+$/.test(other)];
    const difference =
      x && y ? order(BigInt(part), BigInt(other)) : x !== y ? (x ? -1 : 1) : order(part, other);
    if (difference !== 0) return difference;
  }
  return order(a.before.length, b.before.length);
}

const domains: Readonly<Record<number, string>> = { 0: 'Person', 1: 'Group', 2: 'Org' };
const toUnixNs = 122_192_928_000_000_000n; // from 1582-10-15 to 1970-01-01, in 100 ns

/** RFC 4122: what an UUID says of itself. */
function uuidOf(said: string): readonly (readonly [string, Value])[] | undefined {
  const bare = said.replace(/^urn:uuid:/i, '').replace(/^\{(.*)\}$/, '$1');
  const hex = bare.replace(/^(\w{8})-(\w{4})-(\w{4})-(\w{4})-(\w{12})$/, '$1$2$3$4$5').toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  const [version, high] = [bytes.readUInt8(6) >> 4, bytes.readUInt8(8)];
  const variant =
    (high & 0xc0) === 0x80
      ? 'RFC4122'
      : (high & 0xe0) === 0xc0
        ? 'Microsoft'
        : (high & 0xe0) === 0xe0
          ? 'Future'
          : 'Reserved';
  const made: (readonly [string, Value])[] = [
    ['version', version],
    ['variant', variant],
  ];
  if (version !== 1 && version !== 2) return made;
  const low = version === 2 ? 0n : BigInt(bytes.readUInt32BE(0));
  const stamp = version === 2 ? BigInt(bytes.readUInt32BE(0)) : low;
  const ticks =
    (BigInt(bytes.readUInt16BE(6) & 0x0fff) << 48n) | (BigInt(bytes.readUInt16BE(4)) << 32n) | stamp;
  const first = bytes.readUInt8(10);
  const node = [...bytes.subarray(10)].map((each) => each.toString(16).padStart(2, '0')).join('-');
  made.push(
    ['time', integer((ticks - toUnixNs) * 100n)],
    ['nodeid', node],
    ['clocksequence', bytes.readUInt16BE(8) & 0x3fff],
    [
      'macvariables',
      `${(first & 2) === 2 ? 'local' : 'global'}:${(first & 1) === 1 ? 'multicast' : 'unicast'}`,
    ],
  );
  if (version === 2)
    made.push(
      ['id', bytes.readUInt32BE(0)],
      ['domain', domains[bytes.readUInt8(9)] ?? `Domain${bytes.readUInt8(9)}`],
    );
  return made;
}

/** Versions and UUIDs. */
export const versions: Builtins = {
  'semver.is_valid': (args) => typeof args[0] === 'string' && versionOf(args[0]) !== undefined,
  'semver.compare': (args) => {
    const [a, b] = [versionOf(text(args, 0)), versionOf(text(args, 1))];
    if (a === undefined || b === undefined) throw new Wrong('it is not a valid SemVer');
    return compareVersions(a, b);
  },
  'uuid.parse': (args, { meter }) => {
    const found = uuidOf(text(args, 0));
    return found === undefined ? undefined : objectFrom(found, meter);
  },
};
