import { createHash } from 'node:crypto';
import type { PatternDetector } from '../detector.ts';

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const charset = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

export const wallet: PatternDetector = {
  kind: 'pattern',
  name: 'CRYPTO',
  context: ['wallet', 'btc', 'bitcoin', 'eth', 'ethereum', 'crypto'],
  pattern:
    /(?<![A-Za-z0-9])(?:bc1[02-9ac-hj-np-z]{11,71}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|0x[0-9a-fA-F]{40})(?![A-Za-z0-9])/g,
  score: 0.9,
  check: (value) => value.startsWith('0x') || (value.startsWith('bc1') ? bech32(value) : base58(value)),
  examples: {
    yes: [
      '16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ',
      'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq',
      '0x52908400098527886E0F7030069857D2E4169EE7',
    ],
    no: ['16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyX', 'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mda', '0x52908400'],
  },
};

/** Base58Check: the last four of 25 bytes begin SHA-256(SHA-256(the rest)). */
function base58(text: string): boolean {
  let number = 0n;
  for (const char of text) number = number * 58n + BigInt(alphabet.indexOf(char));
  const hex = number.toString(16);
  if (hex.length > 50) return false;
  const bytes = Buffer.from(hex.padStart(50, '0'), 'hex');
  const once = createHash('sha256').update(bytes.subarray(0, 21)).digest();
  return createHash('sha256').update(once).digest().subarray(0, 4).equals(bytes.subarray(21));
}

/** BIP 173 and BIP 350. */
function bech32(text: string): boolean {
  let check = 1;
  for (const value of [3, 3, 0, 2, 3, ...Array.from(text.slice(3), (char) => charset.indexOf(char))]) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    for (const [at, generator] of generators.entries()) if (((top >>> at) & 1) === 1) check ^= generator;
  }
  return check === 1 || check === 0x2bc830a3;
}
