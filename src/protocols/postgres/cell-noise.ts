import type { MaskOperator } from '../../core/decision.ts';
import { type MaskKey, noisyDecimal, noisyFloat, noisyMoment } from '../../mask/index.ts';

// What `noise` shows of PostgreSQL's numbers, money, dates and timestamps; text and binary of one value agree. `undefined`:
// the operator has nothing for this kind of value, or the value is none that can move (NaN, infinity, BC).

export type Noise = Extract<MaskOperator, { readonly kind: 'noise' }>;

// oxlint-disable-next-line max-params
export function numberNoise(
  { percent }: Noise,
  value: string,
  key: MaskKey,
  most?: bigint,
): string | undefined {
  if (percent === undefined) return undefined;
  return noisyDecimal(value, { key, percent, ...(most === undefined ? {} : { most }) });
}

/** As many digits as every value of the type holds (float4: 6, float8: 15). */
export function floatNoise(
  { percent }: Noise,
  value: number,
  { key, bytes }: { readonly key: MaskKey; readonly bytes: 4 | 8 },
): number | undefined {
  if (percent === undefined) return undefined;
  const near = noisyFloat(value, { key, percent, digits: bytes === 4 ? 6 : 15 });
  return near !== undefined && bytes === 4 && Math.abs(near) > largestFloat4 ? undefined : near;
}

const largestFloat4 = 3.4e38;

/**
 * Money's text is the server's locale's: only its digits are exchanged, which are the number of its smallest coins (cash_out
 * writes them all), so that currency, separators and sign stay.
 */
export const moneyNoise: {
  readonly text: (operator: MaskOperator, value: string, key: MaskKey) => string | undefined;
  readonly binary: (operator: MaskOperator, value: Uint8Array, key: MaskKey) => Uint8Array | undefined;
} = {
  text: (operator, value, key) => {
    if (operator.kind !== 'noise' || value.length > 64) return undefined;
    const digits = value.replaceAll(/\D/g, '');
    const near = coins(operator, digits, key)?.padStart(digits.length, '0');
    if (near === undefined || near.length !== digits.length) return undefined;
    let at = 0;
    return value.replaceAll(/\d/g, () => near[at++] ?? '0');
  },
  binary: (operator, value, key) => {
    if (operator.kind !== 'noise' || value.length !== 8) return undefined;
    const amount = viewOf(value).getBigInt64(0);
    const near = coins(operator, (amount < 0n ? -amount : amount).toString(), key);
    if (near === undefined) return undefined;
    return eight(amount < 0n ? -BigInt(near) : BigInt(near));
  },
};

function coins(operator: Noise, digits: string, key: MaskKey): string | undefined {
  if (!/^\d{1,19}$/.test(digits)) return undefined;
  return numberNoise(operator, BigInt(digits).toString(), key, largest8);
}

const largest8 = (1n << 63n) - 1n;
const epoch2000 = Date.UTC(2000, 0, 1);
const dayMs = 86_400_000;
const perDay = 86_400_000_000n; // microseconds

// Years 1 to 9999: what both formats of every client write alike.
const [firstDay, lastDay] = [
  BigInt((new Date(0).setUTCFullYear(1, 0, 1) - epoch2000) / dayMs),
  BigInt((Date.UTC(9999, 11, 31) - epoch2000) / dayMs),
];

interface MomentNoise {
  readonly text: (operator: Noise, value: string, key: MaskKey) => string | undefined;
  readonly binary: (operator: Noise, value: Uint8Array, key: MaskKey) => Uint8Array | undefined;
}

function dayNear({ days }: Noise, day: bigint, key: MaskKey): bigint | undefined {
  if (days === undefined || day < firstDay || day > lastDay) return undefined;
  return noisyMoment(day, { key, days, perDay: 1n, low: firstDay, high: lastDay });
}

function momentNear({ days }: Noise, moment: bigint, key: MaskKey): bigint | undefined {
  // A day is left at both ends for the zones in which it may be written.
  const [low, high] = [(firstDay + 1n) * perDay, lastDay * perDay];
  if (days === undefined || moment < low || moment > high) return undefined;
  return noisyMoment(moment, { key, days, perDay, low, high });
}

/** Only what DateStyle ISO writes is read. */
export const momentNoise: { readonly date: MomentNoise; readonly timestamp: MomentNoise } = {
  date: {
    text: (operator, value, key) => {
      const ms = /^\d{4}-\d\d-\d\d$/.test(value) ? msOf(value) : undefined;
      if (ms === undefined) return undefined;
      const near = dayNear(operator, BigInt((ms - epoch2000) / dayMs), key);
      return near === undefined ? undefined : dateText(epoch2000 + Number(near) * dayMs);
    },
    binary: (operator, value, key) => {
      if (value.length !== 4) return undefined;
      const near = dayNear(operator, BigInt(viewOf(value).getInt32(0)), key);
      if (near === undefined) return undefined;
      const out = new DataView(new ArrayBuffer(4));
      out.setInt32(0, Number(near));
      return new Uint8Array(out.buffer);
    },
  },
  timestamp: {
    text: timestampText,
    binary: (operator, value, key) => {
      if (value.length !== 8) return undefined;
      const near = momentNear(operator, viewOf(value).getBigInt64(0), key);
      return near === undefined ? undefined : eight(near);
    },
  },
};

const written =
  /^(\d{4}-\d\d-\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?$/;

/** `2024-01-31 10:11:12.5+02`: another moment, written in the same zone. */
function timestampText(operator: Noise, value: string, key: MaskKey): string | undefined {
  const match = written.exec(value);
  const ms = match === null ? undefined : msOf(match[1] ?? '');
  if (match === null || ms === undefined) return undefined;
  const [, , hours = '', minutes = '', seconds = '', fraction = '', sign = '', ...offset] = match;
  const zone = (sign === '-' ? -1n : 1n) * secondsOf(offset) * 1_000_000n;
  const local =
    BigInt(ms - epoch2000) * 1_000n +
    secondsOf([hours, minutes, seconds]) * 1_000_000n +
    BigInt(fraction.padEnd(6, '0'));
  const near = momentNear(operator, local - zone, key);
  return near === undefined
    ? undefined
    : `${momentText(near + zone)}${sign}${offset.filter(isGiven).join(':')}`;
}

function isGiven(part: string | undefined): part is string {
  return part !== undefined;
}

function secondsOf([hours = '0', minutes = '0', seconds = '0']: readonly (string | undefined)[]): bigint {
  return BigInt(Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds));
}

/** Midnight of a day as ISO writes it; `undefined` where there is no such day. */
function msOf(day: string): number | undefined {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Microseconds since 2000 as PostgreSQL writes them. */
function momentText(moment: bigint): string {
  const day = moment / perDay - (moment % perDay < 0n ? 1n : 0n);
  const rest = moment - day * perDay;
  const two = (count: bigint): string => count.toString().padStart(2, '0');
  const fraction = (rest % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '');
  const all = rest / 1_000_000n;
  const time = `${two(all / 3_600n)}:${two((all / 60n) % 60n)}:${two(all % 60n)}`;
  return `${dateText(epoch2000 + Number(day) * dayMs)} ${time}${fraction === '' ? '' : `.${fraction}`}`;
}

function dateText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function eight(value: bigint): Uint8Array {
  const out = new DataView(new ArrayBuffer(8));
  out.setBigInt64(0, value);
  return new Uint8Array(out.buffer);
}
