import { Halt, Wrong } from './meter.ts';

// Numbers of Rego are texts of JSON: whole ones of any size, and decimals. They are compared exactly, and reckoned with as
// OPA does it: in floating point with a mantissa of 64 bits (Go's big.Float), rounded to the nearest, ties to even.

/** A number that is no safe integer of JavaScript, or is written in another way than those are. */
export class Decimal {
  readonly text: string;
  #exact: Exact | undefined;

  constructor(text: string) {
    this.text = text;
  }

  get exact(): Exact {
    return (this.#exact ??= exactOf(this.text));
  }
}

/** Safe integers are numbers of JavaScript, all else is a Decimal. */
export type Num = number | Decimal;

/** `digits` * 10^`exponent`, without trailing zeros in the digits. */
interface Exact {
  readonly digits: bigint;
  readonly exponent: number;
}

// A few characters can write a number with very many digits.
const longestText = 1_000;
const mostExponent = 1_000;

function exactOf(text: string): Exact {
  const parts = text.length > longestText ? null : /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (parts === null) throw new Halt('A number is too long');
  const [, sign = '', whole = '', fraction = '', power = '0'] = parts;
  let digits = BigInt(whole + fraction);
  let exponent = Number(power) - fraction.length;
  if (digits === 0n) return { digits, exponent: 0 };
  if (Math.abs(exponent) > mostExponent) throw new Halt('A number is too large or too small');
  const said = digits.toString();
  let zeros = 0;
  while (said.charAt(said.length - 1 - zeros) === '0') zeros += 1;
  digits /= 10n ** BigInt(zeros);
  exponent += zeros;
  return { digits: sign === '-' ? -digits : digits, exponent };
}

/** A number as JSON writes it. @throws {Halt} when it has too many digits. */
export function numberOf(text: string): Num {
  if (/^-?(?:0|[1-9]\d{0,14})$/.test(text) && text !== '-0') return Number(text);
  const made = new Decimal(text);
  // SECURITY: what cannot be reckoned with is not let in.
  void made.exact;
  return made;
}

export function integer(value: bigint): Num {
  if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER))
    return Number(value);
  const text = value.toString();
  if (text.length > longestText) throw new Halt('A number is too long');
  return new Decimal(text);
}

export function textOf(value: Num): string {
  return typeof value === 'number' ? String(value) : value.text;
}

/** Equal numbers have equal keys, and safe integers are their own. */
export function numberKey(value: Num): number | string {
  if (typeof value === 'number') return value;
  const { digits, exponent } = value.exact;
  if (exponent >= 0 && exponent < 17) {
    const whole = integer(digits * 10n ** BigInt(exponent));
    if (typeof whole === 'number') return whole;
  }
  return `${digits}e${exponent}`;
}

function exact(value: Num): Exact {
  return typeof value === 'number' ? { digits: BigInt(value), exponent: 0 } : value.exact;
}

export function compareNumbers(left: Num, right: Num): -1 | 0 | 1 {
  if (typeof left === 'number' && typeof right === 'number') return left < right ? -1 : left > right ? 1 : 0;
  const [a, b] = [exact(left), exact(right)];
  const least = Math.min(a.exponent, b.exponent);
  const x = a.digits * 10n ** BigInt(a.exponent - least);
  const y = b.digits * 10n ** BigInt(b.exponent - least);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The whole number, where it is one. */
export function wholeOf(value: Num): bigint | undefined {
  const { digits, exponent } = exact(value);
  return exponent < 0 ? undefined : digits * 10n ** BigInt(exponent);
}

/** As a number of JavaScript, rounded. */
export function doubleOf(value: Num): number {
  return typeof value === 'number' ? value : Number(value.text);
}

/** sign * `mantissa` * 2^`exponent`; the mantissa has exactly 64 bits, or is 0. */
interface Float {
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
}

const bits = 64;
const zero: Float = { negative: false, mantissa: 0n, exponent: 0 };

function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex.charAt(0), 16)) + 28;
}

/** Rounds to 64 bits; `more`: something below the last bit is not 0. */
function rounded(negative: boolean, value: bigint, exponent: number, more = false): Float {
  if (value === 0n) return zero;
  const over = bitLength(value) - bits;
  if (over <= 0) return { negative, mantissa: value << BigInt(-over), exponent: exponent + over };
  const cut = BigInt(over);
  let mantissa = value >> cut;
  const rest = value - (mantissa << cut);
  const half = 1n << (cut - 1n);
  if (rest > half || (rest === half && (more || (mantissa & 1n) === 1n))) mantissa += 1n;
  const carried = mantissa >> BigInt(bits) === 1n;
  return {
    negative,
    mantissa: carried ? mantissa >> 1n : mantissa,
    exponent: exponent + over + (carried ? 1 : 0),
  };
}

function divided(negative: boolean, over: bigint, under: bigint): Float {
  const shift = Math.max(0, bitLength(under) - bitLength(over) + bits + 2);
  const wide = over << BigInt(shift);
  const quotient = wide / under;
  return rounded(negative, quotient, -shift, quotient * under !== wide);
}

function floatOf(value: Num): Float {
  const { digits, exponent } = exact(value);
  const negative = digits < 0n;
  const size = negative ? -digits : digits;
  if (size === 0n) return zero;
  return exponent >= 0
    ? rounded(negative, size * 10n ** BigInt(exponent), 0)
    : divided(negative, size, 10n ** BigInt(-exponent));
}

function added(a: Float, b: Float): Float {
  if (a.mantissa === 0n) return b;
  if (b.mantissa === 0n) return a;
  const [high, low] = a.exponent >= b.exponent ? [a, b] : [b, a];
  // Beyond that the smaller one can only tip a tie: one bit stands for it.
  const apart = Math.min(high.exponent - low.exponent, 2 * bits + 4);
  const base = high.exponent - apart;
  const left = (high.negative ? -high.mantissa : high.mantissa) << BigInt(apart);
  const small = high.exponent - low.exponent === apart ? low.mantissa : 1n;
  const sum = left + (low.negative ? -small : small);
  return rounded(sum < 0n, sum < 0n ? -sum : sum, base);
}

/** The shortest decimal that is nearest to no other such float: its digits, and where the point is (0.d1d2… * 10^point). */
function shortest({ mantissa, exponent }: Float): { readonly digits: string; readonly point: number } {
  // In units of a quarter of the last bit, so that the borders of the interval are whole numbers.
  const lowest = mantissa === 1n << BigInt(bits - 1);
  let [value, above, below] = [mantissa * 4n, 2n, lowest ? 1n : 2n];
  let scale = 1n;
  const shift = exponent - 2;
  if (shift >= 0)
    [value, above, below] = [value << BigInt(shift), above << BigInt(shift), below << BigInt(shift)];
  else scale <<= BigInt(-shift);
  const even = (mantissa & 1n) === 0n;
  const tooHigh = (over: bigint): boolean => (even ? over >= scale : over > scale);
  let point = Math.ceil((bitLength(mantissa) + exponent - 1) * Math.LOG10E * Math.LN2 - 1e-10);
  if (point >= 0) scale *= 10n ** BigInt(point);
  else {
    const up = 10n ** BigInt(-point);
    [value, above, below] = [value * up, above * up, below * up];
  }
  while (tooHigh(value + above)) {
    scale *= 10n;
    point += 1;
  }
  let digits = '';
  for (;;) {
    [value, above, below] = [value * 10n, above * 10n, below * 10n];
    const digit = value / scale;
    value -= digit * scale;
    const low = even ? value <= below : value < below;
    const high = tooHigh(value + above);
    if (!low && !high) {
      digits += digit.toString();
      continue;
    }
    const up = low && high ? value * 2n > scale : high;
    digits += (up ? digit + 1n : digit).toString();
    return { digits, point };
  }
}

function numberFrom(float: Float): Num {
  if (float.mantissa === 0n) return 0;
  const { digits, point } = shortest(float);
  const sign = float.negative ? '-' : '';
  const isWhole =
    float.exponent >= 0 || (float.mantissa & ((1n << BigInt(Math.min(-float.exponent, bits))) - 1n)) === 0n;
  if (isWhole && float.exponent > -bits) {
    if (point > longestText) throw new Halt('A number is too large');
    return numberOf(sign + digits.padEnd(point, '0'));
  }
  if (point - 1 < -4 || point - 1 >= 6) {
    const power = Math.abs(point - 1)
      .toString()
      .padStart(2, '0');
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return numberOf(`${sign}${digits.charAt(0)}${rest}e${point - 1 < 0 ? '-' : '+'}${power}`);
  }
  if (point <= 0) return numberOf(`${sign}0.${'0'.repeat(-point)}${digits}`);
  return digits.length <= point
    ? numberOf(sign + digits.padEnd(point, '0'))
    : numberOf(`${sign}${digits.slice(0, point)}.${digits.slice(point)}`);
}

export function plus(left: Num, right: Num): Num {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return numberFrom(added(floatOf(left), floatOf(right)));
}

export function negated(value: Num): Num {
  if (typeof value === 'number') return value === 0 ? 0 : -value;
  return numberOf(value.text.startsWith('-') ? value.text.slice(1) : `-${value.text.replace(/^\+/, '')}`);
}

export function times(left: Num, right: Num): Num {
  if (typeof left === 'number' && typeof right === 'number') {
    const product = left * right;
    if (Number.isSafeInteger(product)) return product === 0 ? 0 : product;
  }
  const [a, b] = [floatOf(left), floatOf(right)];
  return numberFrom(rounded(a.negative !== b.negative, a.mantissa * b.mantissa, a.exponent + b.exponent));
}

/** @throws {Wrong} when `right` is 0. */
export function quotient(left: Num, right: Num): Num {
  if (typeof left === 'number' && typeof right === 'number' && right !== 0 && left % right === 0)
    return left === 0 ? 0 : left / right;
  const [a, b] = [floatOf(left), floatOf(right)];
  if (b.mantissa === 0n) throw new Wrong('divide by zero');
  const made = divided(a.negative !== b.negative, a.mantissa, b.mantissa);
  return numberFrom(
    made.mantissa === 0n ? zero : { ...made, exponent: made.exponent + a.exponent - b.exponent },
  );
}

/** @throws {Wrong} for numbers that are not whole, and when `right` is 0. */
export function remainder(left: Num, right: Num): Num {
  const [a, b] = [wholeOf(left), wholeOf(right)];
  if (a === undefined || b === undefined) throw new Wrong('modulo on floating-point number');
  if (b === 0n) throw new Wrong('modulo by zero');
  return integer(a % b);
}

/** value * `by` * 10^`power`, with every digit. */
export function scaled(value: Num, by: bigint, power: number): Num {
  const { digits, exponent } = exact(value);
  return numberOf(`${digits * by}e${exponent + power}`);
}

/** Towards 0. */
export function truncated(value: Num): bigint {
  const { digits, exponent } = exact(value);
  return exponent < 0 ? digits / 10n ** BigInt(-exponent) : digits * 10n ** BigInt(exponent);
}

export function floor(value: Num): Num {
  const cut = integer(truncated(value));
  return compareNumbers(value, cut) < 0 ? integer(truncated(value) - 1n) : cut;
}

/** Halves away from 0. */
export function nearest(value: Num): Num {
  const negative = compareNumbers(value, 0) < 0;
  const { digits, exponent } = exact(value);
  if (exponent >= 0) return integer(truncated(value));
  const unit = 10n ** BigInt(-exponent);
  const size = ((negative ? -digits : digits) * 2n + unit) / (unit * 2n);
  return integer(negative ? -size : size);
}
