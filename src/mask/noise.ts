import { keyed, type MaskKey } from './key.ts';

// Noise moves a value by a part of itself, or by days. The amount is keyed by the value: asked again, it is the same, so
// nothing averages it away; over many values it does, which is what it is for. Whoever has one value knows it about.

/** How far, and under which key. `most`: the largest amount that the type holds. */
interface Near {
  readonly key: MaskKey;
  readonly percent: number;
  readonly most?: bigint;
}

/**
 * A decimal number near this one, with its sign, its scale and never more digits: `1234.50` may become `1297.13`. It is never
 * the same, moves by at least one in its last place, and stays within `percent` of what it was but for that. `undefined` for
 * what is no plain decimal of at most 1,000 digits on each side.
 */
export function noisyDecimal(value: string, { key, percent, most }: Near): string | undefined {
  const match = /^(-?)(\d{1,1000})(?:\.(\d{1,1000}))?$/.exec(value);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = ''] = match;
  const amount = BigInt(whole + fraction);
  // Equal values move alike, however they are written: 1.5 and 1.50.
  const canonical = `${sign}${whole.replace(/^0+(?=\d)/, '')}.${fraction.replace(/0+$/, '')}`;
  const longest = 10n ** BigInt(amount.toString().length) - 1n;
  const moved = move(amount, {
    by: (amount * BigInt(percent)) / 100n,
    chance: keyed(key, `noise ${percent}`, canonical),
    low: 0n,
    high: most !== undefined && most < longest ? most : longest,
  });
  const digits = moved.toString().padStart(fraction.length + 1, '0');
  const point = digits.length - fraction.length;
  return `${moved === 0n ? '' : sign}${digits.slice(0, point)}${fraction === '' ? '' : `.${digits.slice(point)}`}`;
}

/** The same of a floating-point number, with so many significant digits. Zero stays zero. */
export function noisyFloat(
  value: number,
  { key, percent, digits }: { readonly key: MaskKey; readonly percent: number; readonly digits: number },
): number | undefined {
  if (!Number.isFinite(value)) return undefined;
  const chance = keyed(key, `noise ${percent}`, String(value));
  const part = ((1 + chance.readUInt32BE(1)) / 2 ** 32) * (percent / 100);
  const up = Number((value * (1 + part)).toPrecision(digits));
  const down = Number((value * (1 - part)).toPrecision(digits));
  return isUp(chance) && Number.isFinite(up) ? up : down;
}

/** A moment at most `days` from this one and never the same, counted in units of which a day has `perDay`. */
export function noisyMoment(
  moment: bigint,
  about: {
    readonly key: MaskKey;
    readonly days: number;
    readonly perDay: bigint;
    readonly low: bigint;
    readonly high: bigint;
  },
): bigint {
  const { key, days, perDay, low, high } = about;
  const chance = keyed(key, `noise days ${days}`, `${perDay} ${moment}`);
  return move(moment, { by: BigInt(days) * perDay, chance, low, high });
}

/** Up or down by 1 to `by`, the other way where that would leave the bounds, and to the bound that is left where both would. */
function move(
  from: bigint,
  at: { readonly by: bigint; readonly chance: Buffer; readonly low: bigint; readonly high: bigint },
): bigint {
  const { chance, low, high } = at;
  const by = at.by < 1n ? 1n : at.by;
  const random = BigInt(`0x${chance.subarray(1).toString('hex')}`);
  const step = 1n + ((random * by) >> 248n);
  const [up, down] = [from + step, from - step];
  if (isUp(chance)) return up <= high ? up : down >= low ? down : low;
  return down >= low ? down : up <= high ? up : high;
}

function isUp(chance: Buffer): boolean {
  return ((chance[0] ?? 0) & 1) === 1;
}
