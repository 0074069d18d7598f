// Checksums of numbers, each over a text of digits (letters where it says so). None allocates more than it must: they run per value.

/** ISO/IEC 7812-1, annex B. */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let at = digits.length - 1, double = false; at >= 0; at--, double = !double) {
    const value = digits.charCodeAt(at) - 48;
    sum += double ? (value > 4 ? value * 2 - 9 : value * 2) : value;
  }
  return sum % 10 === 0;
}

/** Sum of digit times weight, over as many digits as there are weights. */
export function weighted(digits: string, weights: readonly number[]): number {
  let sum = 0;
  for (const [at, weight] of weights.entries()) sum += (digits.charCodeAt(at) - 48) * weight;
  return sum;
}

/** ISO 7064 mod 97-10 over digits and letters (A = 10 … Z = 35), as it stands; valid when it gives 1. */
export function mod97(text: string): number {
  let rest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) rest = (rest * 10 + code - 48) % 97;
    else rest = (rest * 100 + (code | 32) - 87) % 97;
  }
  return rest;
}

/** ISO 7064 mod 11-10: German tax id, and others. */
export function mod11and10(digits: string): boolean {
  let product = 10;
  for (let at = 0; at < digits.length - 1; at++) {
    let sum = (digits.charCodeAt(at) - 48 + product) % 10;
    if (sum === 0) sum = 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10 === Number(digits.at(-1));
}

/** ISO 7064 mod 11-2, with X for ten: Chinese resident id. */
export function mod11and2(text: string): boolean {
  let rest = 0;
  for (const char of text.slice(0, -1)) rest = ((rest + Number(char)) * 2) % 11;
  const check = (12 - rest) % 11;
  return (check === 10 ? 'X' : String(check)) === text.at(-1)?.toUpperCase();
}

const dihedral = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
];
const permutations = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
];

/** Verhoeff, over the dihedral group of order ten: Aadhaar. */
export function verhoeff(digits: string): boolean {
  let check = 0;
  for (let at = 0; at < digits.length; at++) {
    const value = Number(digits[digits.length - 1 - at]);
    check = Number(dihedral[check]?.[Number(permutations[at % 8]?.[value])]);
  }
  return check === 0;
}

/** Whether this day can be: month 1 to 12, day within the month (29 February always). */
export function isDay(month: number, day: number): boolean {
  const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return longest !== undefined && day >= 1 && day <= longest;
}

/** `digits[at, at + 2)` as a number. */
export function pair(digits: string, at: number): number {
  return (digits.charCodeAt(at) - 48) * 10 + digits.charCodeAt(at + 1) - 48;
}

/** All digits the same: a filler, not a number anybody has. */
export function uniform(digits: string): boolean {
  for (let at = 1; at < digits.length; at++) if (digits.charCodeAt(at) !== digits.charCodeAt(0)) return false;
  return true;
}
