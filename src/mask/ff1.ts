import { createCipheriv } from 'node:crypto';

// NIST SP 800-38G (and its revision 1, which asks for a domain of a million), FF1 over digits.
const rounds = 10;
export const leastDigits = 6;
const most = 56; // so that both halves stay below 2^128

/**
 * Encrypts decimal digits to as many digits. `key` is an AES key of 16, 24 or 32 bytes.
 * @throws {RangeError} for fewer than 6 or more than 56 digits, or anything but digits.
 */
export function ff1(key: Uint8Array, tweak: Uint8Array, digits: string): string {
  return run(key, { tweak, digits, forth: true });
}

/** Undoes `ff1` with the same key and tweak. */
export function ff1Back(key: Uint8Array, tweak: Uint8Array, digits: string): string {
  return run(key, { tweak, digits, forth: false });
}

function run(
  key: Uint8Array,
  { tweak, digits, forth }: { readonly tweak: Uint8Array; readonly digits: string; readonly forth: boolean },
): string {
  const n = digits.length;
  if (n < leastDigits || n > most || !/^\d+$/.test(digits)) throw new RangeError('FF1 takes 6 to 56 digits');
  const u = Math.floor(n / 2);
  const v = n - u;
  const b = Math.ceil(Math.ceil(v * Math.log2(10)) / 8);
  const d = 4 * Math.ceil(b / 4) + 4;
  const p = Buffer.from([1, 2, 1, 0, 0, 10, 10, u & 255, 0, 0, 0, 0, 0, 0, 0, 0]);
  p.writeUInt32BE(n, 8);
  p.writeUInt32BE(tweak.length, 12);
  const modulus = [10n ** BigInt(u), 10n ** BigInt(v)] as const;
  let [left, right] = [digits.slice(0, u), digits.slice(u)];
  for (let round = 0; round < rounds; round++) {
    const i = forth ? round : rounds - 1 - round;
    const fed = forth ? right : left;
    const q = Buffer.alloc(tweak.length + ((((-tweak.length - b - 1) % 16) + 16) % 16) + 1 + b);
    q.set(tweak, 0);
    q[q.length - b - 1] = i;
    q.write(
      BigInt(fed)
        .toString(16)
        .padStart(b * 2, '0'),
      q.length - b,
      'hex',
    );
    const y = number(key, Buffer.concat([p, q]), d);
    const m = i % 2 === 0 ? u : v;
    const mod = i % 2 === 0 ? modulus[0] : modulus[1];
    const other = BigInt(forth ? left : right);
    const made = (((forth ? other + y : other - y) % mod) + mod) % mod;
    const text = made.toString().padStart(m, '0');
    [left, right] = forth ? [right, text] : [text, left];
  }
  return left + right;
}

/** The first `d` bytes of the stream that the CBC-MAC of `data` begins, as a number. */
function number(key: Uint8Array, data: Uint8Array, d: number): bigint {
  const bits = key.length * 8;
  const cbc = createCipheriv(`aes-${bits}-cbc`, key, Buffer.alloc(16)).setAutoPadding(false);
  const r = cbc.update(data).subarray(-16);
  const blocks = [r];
  for (let j = 1; j * 16 < d; j++) {
    const block = Buffer.from(r);
    block.writeUInt32BE((block.readUInt32BE(12) ^ j) >>> 0, 12);
    blocks.push(createCipheriv(`aes-${bits}-ecb`, key, null).setAutoPadding(false).update(block));
  }
  return BigInt(`0x${Buffer.concat(blocks).subarray(0, d).toString('hex')}`);
}
