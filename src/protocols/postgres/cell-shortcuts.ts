import type { MaskOperator } from '../../core/decision.ts';

/**
 * How an operator shows a text, told from its bytes; `undefined`: as it was; `slow`: only `showText` can tell. The same as
 * `showText` gives (cell-shortcuts.test.ts): a column that is masked whole has a million of them.
 */
export type Shortcut = (bytes: Uint8Array, start: number, end: number) => Uint8Array | undefined | 'slow';

export function shortcut(operator: MaskOperator): Shortcut | undefined {
  switch (operator.kind) {
    case 'redact':
      return operator.keepWidth === true ? undefined : redact;
    case 'partial':
      return partialMail(operator.keepFirst + operator.keepLast === 0);
    default:
      return undefined;
  }
}

const star = 0x2a;
const at = 0x40;
const stars = Uint8Array.of(star, star, star);
const localMax = 320;
const labelMax = 63;
const labelsMax = 11;

function redact(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  if (end === start || isStars(bytes, start, end)) return undefined;
  return stars;
}

function isStars(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 3 && bytes[start] === star && bytes[start + 1] === star && bytes[start + 2] === star;
}

/** E-mail addresses in ASCII: the first letter and the domain. */
function partialMail(keepsNothing: boolean): Shortcut {
  return (bytes, start, end) => {
    const sign = localEnd(bytes, start, end);
    if (sign === 0 || !isDomain(bytes, sign + 1, end)) return 'slow';
    const first = bytes[start] ?? star;
    const kept = sign - start < 2 || first === star || keepsNothing ? 0 : 1;
    if (isStars(bytes, start + kept, sign)) return undefined;
    const shown = new Uint8Array(kept + 3 + end - sign);
    shown[0] = first;
    for (let index = 0; index < 3; index++) shown[kept + index] = star;
    for (let from = sign, to = kept + 3; from < end; from++, to++) shown[to] = bytes[from] ?? 0;
    return shown;
  };
}

/** Where the sign `@` stands behind visible ASCII; 0 where it does not. */
function localEnd(bytes: Uint8Array, start: number, end: number): number {
  const most = Math.min(end, start + localMax + 1);
  for (let here = start; here < most; here++) {
    const byte = bytes[here] ?? 0;
    if (byte === at) return here === start ? 0 : here;
    if (byte < 0x21 || byte > 0x7e) return 0;
  }
  return 0;
}

/** Two labels at least, the last of two characters and more, beginning with a letter. */
function isDomain(bytes: Uint8Array, start: number, end: number): boolean {
  let labels = 1;
  let label = start; // where it begins
  for (let here = start; here < end; here++) {
    const byte = bytes[here] ?? 0;
    if (byte === 0x2e) {
      if (here === label || here - label > labelMax || ++labels > labelsMax) return false;
      label = here + 1;
    } else if (!isLetter(byte) && (byte < 0x30 || byte > 0x39) && byte !== 0x2d) {
      return false;
    }
  }
  return labels > 1 && end - label >= 2 && end - label <= labelMax && isLetter(bytes[label] ?? 0);
}

function isLetter(byte: number): boolean {
  const low = byte | 0x20;
  return low >= 0x61 && low <= 0x7a;
}
