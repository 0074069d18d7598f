/* Table of PostgreSQL's own types: how a value of each is shown, in text and in binary (PostgreSQL 18, src/backend/utils/adt). */
import type { MaskOperator } from '../../core/decision.ts';
import { generaliseNumber, hashBytes, hashSixteen, type MaskKey } from '../../mask/index.ts';
import { momentNoise, moneyNoise, numberNoise, floatNoise } from './cell-noise.ts';

/** Shows one value. Text and binary of one value agree where the type has a typed answer. */
export interface ScalarType {
  /** A value of the type that says nothing, in both formats; absent: NULL is the only safe answer. */
  readonly constant?: { readonly text: string; readonly binary: Uint8Array };
  /** Typed answers of operators that have one; `undefined` falls back to the constant. */
  readonly text?: (operator: MaskOperator, value: string, key: MaskKey) => string | undefined;
  readonly binary?: (operator: MaskOperator, value: Uint8Array, key: MaskKey) => Uint8Array | undefined;
}

function constant(text: string, hex: string): ScalarType {
  return { constant: { text, binary: new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex')) } };
}

/** An integer of `bytes` bytes, big-endian. */
function integer(bytes: 2 | 4 | 8): ScalarType {
  const bits = BigInt(bytes * 8);
  const shown = (operator: MaskOperator, value: bigint, key: MaskKey): bigint | undefined => {
    if (operator.kind === 'hash') {
      return BigInt.asUintN(Number(bits) - 1, fromBytes(hashBytes(key, value.toString(), 8)));
    }
    if (operator.kind === 'noise') {
      const near = numberNoise(operator, value.toString(), key, (1n << (bits - 1n)) - 1n);
      return near === undefined ? undefined : BigInt(near);
    }
    return operator.kind === 'generalise' ? BigInt(generaliseNumber(value.toString())) : undefined;
  };
  return {
    constant: { text: '0', binary: new Uint8Array(bytes) },
    text: (operator, value, key) =>
      /^-?\d{1,19}$/.test(value) ? shown(operator, BigInt(value), key)?.toString() : undefined,
    binary: (operator, value, key) => {
      if (value.length !== bytes) return undefined;
      const made = shown(operator, BigInt.asIntN(Number(bits), fromBytes(value)), key);
      return made === undefined ? undefined : toBytes(BigInt.asUintN(Number(bits), made), bytes);
    },
  };
}

function float(bytes: 4 | 8): ScalarType {
  const shown = (operator: MaskOperator, value: number, key: MaskKey): number | undefined => {
    if (!Number.isFinite(value)) return undefined;
    // 24 and 48 bits: whole numbers that the type holds exactly.
    if (operator.kind === 'hash')
      return Number(fromBytes(hashBytes(key, String(value), bytes === 4 ? 3 : 6)));
    if (operator.kind === 'noise') return floatNoise(operator, value, { key, bytes });
    if (operator.kind !== 'generalise' || Math.abs(value) >= 1e15) return undefined;
    return Number(generaliseNumber(Math.trunc(value).toString()));
  };
  return {
    constant: { text: '0', binary: new Uint8Array(bytes) },
    text: (operator, value, key) => {
      const number = Number(value);
      return shown(operator, bytes === 4 ? Math.fround(number) : number, key)?.toString();
    },
    binary: (operator, value, key) => {
      if (value.length !== bytes) return undefined;
      const view = new DataView(value.buffer, value.byteOffset, bytes);
      const made = shown(operator, bytes === 4 ? view.getFloat32(0) : view.getFloat64(0), key);
      if (made === undefined) return undefined;
      const out = new DataView(new ArrayBuffer(bytes));
      if (bytes === 4) out.setFloat32(0, made);
      else out.setFloat64(0, made);
      return new Uint8Array(out.buffer);
    },
  };
}

// numeric_send: int16 ndigits, weight, sign, dscale, then base-10000 digits.
const numeric: ScalarType = {
  ...constant('0', '0000 0000 0000 0000'),
  text: numericText,
  binary: (operator, value, key) => {
    if (operator.kind !== 'hash' && operator.kind !== 'generalise' && operator.kind !== 'noise')
      return undefined;
    const text = numericOf(value);
    const made = text === undefined ? undefined : numericText(operator, text, key);
    return made === undefined ? undefined : numericBytes(made);
  },
};

function numericText(operator: MaskOperator, value: string, key: MaskKey): string | undefined {
  if (!/^-?\d{1,1000}(?:\.\d{1,1000})?$/.test(value)) return undefined;
  if (operator.kind === 'generalise') return generaliseNumber(value);
  if (operator.kind === 'noise') return numberNoise(operator, value, key);
  // Trailing zeros of the fraction are scale, not value: 1.50 and 1.5 must join.
  const canonical = value.includes('.') ? value.replace(/\.?0+$/, '') : value;
  return operator.kind === 'hash' ? fromBytes(hashBytes(key, canonical, 6)).toString() : undefined;
}

/** The text of numeric_send's bytes; `undefined` for NaN, infinities and what is too long or broken. */
export function numericOf(bytes: Uint8Array): string | undefined {
  if (bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [count, weight, sign, scale] = [
    view.getUint16(0),
    view.getInt16(2),
    view.getUint16(4),
    view.getUint16(6),
  ];
  if (bytes.length !== 8 + count * 2 || weight > 200 || weight < -200 || scale > 1000) return undefined;
  if (sign !== 0 && sign !== 0x4000) return undefined;
  let whole = '';
  let fraction = '';
  for (let exponent = Math.max(weight, 0); exponent >= 0; exponent--)
    whole += groupAt(view, { count, at: weight - exponent });
  for (let exponent = -1; fraction.length < scale; exponent--)
    fraction += groupAt(view, { count, at: weight - exponent });
  const head = whole.replace(/^0+(?=\d)/, '');
  return `${sign === 0 ? '' : '-'}${head}${scale === 0 ? '' : `.${fraction.slice(0, scale)}`}`;
}

function groupAt(view: DataView, group: { readonly count: number; readonly at: number }): string {
  const value = group.at >= 0 && group.at < group.count ? view.getUint16(8 + group.at * 2) : 0;
  return String(value).padStart(4, '0');
}

/** numeric_send's bytes for a decimal number. */
function numericBytes(text: string): Uint8Array {
  const negative = text.startsWith('-');
  const [whole = '', fraction = ''] = (negative ? text.slice(1) : text).split('.');
  const head = whole.replace(/^0+/, '');
  const padded = head.padStart(Math.ceil(head.length / 4) * 4, '0');
  const digits = padded + fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0');
  const count = digits.length / 4;
  const view = new DataView(new ArrayBuffer(8 + count * 2));
  view.setUint16(0, count);
  view.setInt16(2, head === '' && fraction === '' ? 0 : padded.length / 4 - 1);
  view.setUint16(4, negative ? 0x4000 : 0);
  view.setUint16(6, fraction.length);
  for (let at = 0; at < count; at++) view.setUint16(8 + at * 2, Number(digits.slice(at * 4, at * 4 + 4)));
  return new Uint8Array(view.buffer);
}

const dayMs = 86_400_000;
const epoch2000 = Date.UTC(2000, 0, 1);

/** 1 January of the year of a day count since 2000-01-01; `undefined` for infinities and years beyond JavaScript's. */
function yearStart(days: number): number | undefined {
  const year = new Date(epoch2000 + days * dayMs).getUTCFullYear();
  return Number.isNaN(year) || year < 1 || year > 9999
    ? undefined
    : (new Date(0).setUTCFullYear(year, 0, 1) - epoch2000) / dayMs;
}

function isoYear(value: string): string | undefined {
  const year = /^(\d{4})-\d\d-\d\d(?: [\d:.+-]+)?$/.exec(value)?.[1];
  return year === undefined ? undefined : `${year}-01-01`;
}

const date: ScalarType = {
  ...constant('1970-01-01', 'ffffd533'),
  text: (operator, value, key) => {
    if (operator.kind === 'noise') return momentNoise.date.text(operator, value, key);
    return operator.kind === 'generalise' ? isoYear(value) : undefined;
  },
  binary: (operator, value, key) => {
    if (operator.kind === 'noise') return momentNoise.date.binary(operator, value, key);
    if (operator.kind !== 'generalise' || value.length !== 4) return undefined;
    const start = yearStart(new DataView(value.buffer, value.byteOffset, 4).getInt32(0));
    if (start === undefined) return undefined;
    const out = new DataView(new ArrayBuffer(4));
    out.setInt32(0, start);
    return new Uint8Array(out.buffer);
  },
};

function timestamp(zone: '' | '+00'): ScalarType {
  return {
    ...constant(`1970-01-01 00:00:00${zone}`, 'fffca2fe c4c82000'),
    text: (operator, value, key) => {
      if (operator.kind === 'noise') return momentNoise.timestamp.text(operator, value, key);
      const day = operator.kind === 'generalise' ? isoYear(value) : undefined;
      return day === undefined ? undefined : `${day} 00:00:00${zone}`;
    },
    binary: (operator, value, key) => {
      if (operator.kind === 'noise') return momentNoise.timestamp.binary(operator, value, key);
      if (operator.kind !== 'generalise' || value.length !== 8) return undefined;
      const days = Number(BigInt.asIntN(64, fromBytes(value))) / 86_400_000_000;
      const start = yearStart(Math.floor(days));
      return start === undefined
        ? undefined
        : toBytes(BigInt.asUintN(64, BigInt(start) * 86_400_000_000n), 8);
    },
  };
}

const uuid: ScalarType = {
  ...constant('00000000-0000-0000-0000-000000000000', '00'.repeat(16)),
  text: (operator, value, key) => {
    if (operator.kind !== 'hash' || !/^[0-9a-f-]{36}$/.test(value)) return undefined;
    const made = uuidHash(Buffer.from(value.replaceAll('-', ''), 'hex'), key);
    const hex = Buffer.from(made).toString('hex');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  },
  binary: (operator, value, key) =>
    operator.kind === 'hash' && value.length === 16 ? uuidHash(value, key) : undefined,
};

/** RFC 9562, 5.8: version 8, whose bits mean what their maker says. */
function uuidHash(value: Uint8Array, key: MaskKey): Uint8Array {
  return hashSixteen(key, value, (body) => {
    body[6] = ((body[6] ?? 0) & 0x0f) | 0x80;
    body[8] = ((body[8] ?? 0) & 0x3f) | 0x80;
  });
}

const bytea: ScalarType = {
  ...constant('\\x', ''),
  text: (operator, value, key) =>
    operator.kind === 'hash'
      ? `\\x${Buffer.from(hashSixteen(key, byteaOf(value))).toString('hex')}`
      : undefined,
  binary: (operator, value, key) => (operator.kind === 'hash' ? hashSixteen(key, value) : undefined),
};

/** The bytes of bytea's text, `\x6162` or the older escapes (bytea_output). */
export function byteaOf(text: string): Uint8Array {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex');
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x5c) bytes.push(code & 0xff);
    else if (text[at + 1] === '\\') {
      bytes.push(0x5c);
      at++;
    } else {
      bytes.push(Number.parseInt(text.slice(at + 1, at + 4), 8) & 0xff);
      at += 3;
    }
  }
  return Uint8Array.from(bytes);
}

// network_send: family (2 or 3), bits, is_cidr, length of address, address.
function inet(cidr: boolean): ScalarType {
  return {
    ...(cidr ? constant('0.0.0.0/0', '02 00 01 04 00000000') : constant('0.0.0.0', '02 20 00 04 00000000')),
    text: (operator, value) => {
      if (operator.kind !== 'generalise') return undefined;
      if (value.includes(':')) return sixText(value);
      const four = /^(\d+\.\d+\.\d+)\.\d+/.exec(value)?.[1];
      return four === undefined ? undefined : `${four}.0/24`;
    },
    binary: (operator, value) => {
      if (operator.kind !== 'generalise') return undefined;
      const kept = value[0] === 2 && value.length === 8 ? 3 : value[0] === 3 && value.length === 20 ? 6 : 0;
      if (kept === 0) return undefined;
      const out = new Uint8Array(value.length);
      out.set(value.subarray(0, 4 + kept));
      out[1] = kept * 8;
      return out;
    },
  };
}

/** The first three groups of an IPv6 address, as the server prints a /48. */
function sixText(value: string): string {
  const head = (value.split('/')[0] ?? '').split('::')[0] ?? '';
  const groups = head.split(':').slice(0, 3);
  while (groups.at(-1) === '0' || groups.at(-1) === '') groups.pop();
  return `${groups.join(':')}::/48`;
}

// bit_send: int32 number of bits, then bytes. The length of bit(n) is the column's, not the value's.
const bits: ScalarType = {
  text: (_operator, value) => '0'.repeat(value.length),
  binary: (_operator, value) => {
    const out = new Uint8Array(value.length);
    out.set(value.subarray(0, Math.min(4, value.length)));
    return out;
  },
};

const zero8 = '00'.repeat(8);
const one8 = '3ff0000000000000';

/** By oid. Text-like types, JSON, arrays, composites and ranges stand elsewhere: they have structure. */
export const scalars: ReadonlyMap<number, ScalarType> = new Map<number, ScalarType>([
  [16, constant('f', '00')], // bool
  [17, bytea],
  [20, integer(8)],
  [21, integer(2)],
  [23, integer(4)],
  [700, float(4)],
  [701, float(8)],
  [790, { ...constant('0', zero8), ...moneyNoise }], // money: its text has the server's locale, every locale reads 0
  [1700, numeric],
  [26, constant('0', '00000000')], // oid
  [28, constant('0', '00000000')], // xid
  [29, constant('0', '00000000')], // cid
  [5069, constant('0', zero8)], // xid8
  [27, constant('(0,0)', '000000000000')], // tid
  [3220, constant('0/0', zero8)], // pg_lsn
  ...[24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191].map(
    (oid): [number, ScalarType] => [oid, constant('0', '00000000')], // regproc … regcollation
  ),
  [2950, uuid],
  [1082, date],
  [1083, constant('00:00:00', zero8)], // time
  [1266, constant('00:00:00+00', `${zero8}00000000`)], // timetz
  [1114, timestamp('')],
  [1184, timestamp('+00')],
  [1186, constant('00:00:00', zero8 + zero8)], // interval
  [869, inet(false)],
  [650, inet(true)],
  [829, constant('00:00:00:00:00:00', '000000000000')],
  [774, constant('00:00:00:00:00:00:00:00', zero8)],
  [1560, bits],
  [1562, bits],
  [600, constant('(0,0)', zero8.repeat(2))], // point
  [601, constant('[(0,0),(0,0)]', zero8.repeat(4))], // lseg
  [602, constant('((0,0))', `01 00000001 ${zero8.repeat(2)}`)], // path
  [603, constant('(0,0),(0,0)', zero8.repeat(4))], // box
  [604, constant('((0,0))', `00000001 ${zero8.repeat(2)}`)], // polygon
  [628, constant('{1,0,0}', one8 + zero8.repeat(2))], // line
  [718, constant('<(0,0),0>', zero8.repeat(3))], // circle
]);

/** Types whose values hold words: shown by a constant, searched as the text they print. */
export const worded: ReadonlyMap<number, ScalarType> = new Map<number, ScalarType>([
  [3614, constant('', '00000000')], // tsvector
  [3615, {}], // tsquery: the server does not read its own empty one in binary
  [4072, constant('$', '0124')], // jsonpath: version 1, text
  [1033, {}], // aclitem
  [194, {}], // pg_node_tree
  [2970, {}], // txid_snapshot
  [5038, {}], // pg_snapshot
]);

/** char, name, text, bpchar, varchar, unknown, cstring, refcursor. */
export const texts: ReadonlySet<number> = new Set([19, 25, 1042, 1043, 705, 2275, 1790]);

/** int4range, numrange, tsrange, tstzrange, daterange, int8range and their multiranges: never searched. */
export const numberRanges: ReadonlySet<number> = new Set([3904, 3906, 3908, 3910, 3912, 3926]);
export const numberMultiranges: ReadonlySet<number> = new Set([4451, 4532, 4533, 4534, 4535, 4536]);

/** The arrays of PostgreSQL's own types, for the case that the catalogue is silent: array oid to element oid. */
export const arrays: ReadonlyMap<number, number> = new Map([
  [1000, 16],
  [1001, 17],
  [1002, 18],
  [1003, 19],
  [1016, 20],
  [1005, 21],
  [1007, 23],
  [1008, 24],
  [1009, 25],
  [1028, 26],
  [1010, 27],
  [1011, 28],
  [1012, 29],
  [199, 114],
  [143, 142],
  [1017, 600],
  [1018, 601],
  [1019, 602],
  [1020, 603],
  [1027, 604],
  [629, 628],
  [719, 718],
  [1021, 700],
  [1022, 701],
  [791, 790],
  [1040, 829],
  [775, 774],
  [1041, 869],
  [651, 650],
  [1014, 1042],
  [1015, 1043],
  [1182, 1082],
  [1183, 1083],
  [1270, 1266],
  [1115, 1114],
  [1185, 1184],
  [1187, 1186],
  [1561, 1560],
  [1563, 1562],
  [1231, 1700],
  [2201, 1790],
  [2951, 2950],
  [3643, 3614],
  [3645, 3615],
  [3807, 3802],
  [4073, 4072],
  [3221, 3220],
  [2287, 2249],
  [3905, 3904],
  [3907, 3906],
  [3909, 3908],
  [3911, 3910],
  [3913, 3912],
  [3927, 3926],
  [6150, 4451],
  [6151, 4532],
  [6152, 4533],
  [6153, 4534],
  [6155, 4535],
  [6157, 4536],
  [1034, 1033],
  [1263, 2275],
  [271, 5069],
  [2210, 2205],
  [2211, 2206],
  [2207, 2202],
  [2208, 2203],
  [2209, 2204],
  [3735, 3734],
  [3770, 3769],
  [4090, 4089],
  [4097, 4096],
  [4192, 4191],
]);

function fromBytes(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

function toBytes(value: bigint, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let rest = value;
  for (let at = count - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}
