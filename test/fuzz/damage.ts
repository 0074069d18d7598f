import type { Chance } from './random.ts';

/** One fault, at one message of a conversation. Plain data, so that a failing case can be shrunk and kept. */
export interface Damage {
  readonly at: number; // the message's place, from 0
  readonly how: How;
  readonly a: number;
  readonly b: number;
}

export type How =
  | 'flip'
  | 'byte'
  | 'length'
  | 'type'
  | 'cut'
  | 'drop'
  | 'double'
  | 'flood'
  | 'swap'
  | 'garbage'
  | 'stretch';

const hows: readonly [How, ...How[]] = [
  'flip',
  'flip',
  'byte',
  'byte',
  'length',
  'length',
  'type',
  'cut',
  'drop',
  'double',
  'flood',
  'swap',
  'garbage',
  'stretch',
];

/** Faults that leave each message what it is and where it is: values stay in the columns they came from. */
export const inPlace: readonly How[] = ['cut', 'stretch'];

export function someDamage(chance: Chance, messages: number, most: number): readonly Damage[] {
  return Array.from({ length: chance.below(most + 1) }, () => ({
    at: chance.below(messages),
    how: chance.one(hows),
    a: chance.below(0x1_0000_0000),
    b: chance.below(0x1_0000_0000),
  }));
}

/** Lengths that break who trusts them; the rest are near the true one. */
const lengths: readonly number[] = [
  0, 1, 3, 4, 5, 6, 0x7f, 0xffff, 0x10_0000, 0x3fff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff,
];
const types = Buffer.from('QPBDECSHXdcfpFRZT123nsIKNAGWVvt\0\xff\x16', 'latin1');
const bytes: readonly number[] = [0, 1, 0x7f, 0x80, 0xfe, 0xff, 0x27, 0x5c, 0x3b];

/** Applies faults to the messages of one direction as they come by, in order. */
export class Damager {
  readonly #damage: readonly Damage[];
  /** Where the length stands: behind the type byte, or at once in the first packets of a connection. */
  readonly #lengthAt: number;
  #index = 0;
  #held: Uint8Array | undefined;

  constructor(damage: readonly Damage[], lengthAt: number = 1) {
    this.#damage = damage;
    this.#lengthAt = lengthAt;
  }

  push(message: Uint8Array): readonly Uint8Array[] {
    let out: Uint8Array[] = [message];
    const here = this.#index;
    this.#index += 1;
    let held: Uint8Array | undefined;
    for (const each of this.#damage) {
      if (each.at !== here) continue;
      if (each.how === 'swap') held = out.shift();
      else out = [...this.#spoilt(each, out[0]), ...out.slice(1)];
    }
    if (this.#held !== undefined) out.push(this.#held);
    this.#held = held;
    return out;
  }

  /** What a swap has kept back at the end. */
  end(): readonly Uint8Array[] {
    return this.#held === undefined ? [] : [this.#held];
  }

  #spoilt({ how, a, b }: Damage, message: Uint8Array | undefined): readonly Uint8Array[] {
    if (message === undefined) return [];
    const copy = Buffer.from(message);
    const at = a % Math.max(1, copy.length);
    switch (how) {
      case 'flip':
        copy[at] = (copy[at] ?? 0) ^ (1 << (b % 8));
        return [copy];
      case 'byte':
        copy[at] = bytes[b % bytes.length] ?? 0;
        return [copy];
      case 'length': {
        if (copy.length < this.#lengthAt + 4) return [copy];
        const near = copy.length - this.#lengthAt + ((a % 9) - 4);
        const length = b % 3 === 0 ? near : (lengths[b % lengths.length] ?? 0);
        copy.writeUInt32BE(Math.max(0, length) >>> 0, this.#lengthAt);
        return [copy];
      }
      case 'type':
        copy[0] = types[b % types.length] ?? 0;
        return [copy];
      case 'cut':
        return [copy.subarray(0, at)];
      case 'drop':
        return [];
      case 'double':
        return [copy, copy];
      case 'flood':
        return Array.from({ length: 2 + (b % 200) }, () => copy);
      case 'garbage':
        return [Buffer.from(Array.from({ length: 1 + (b % 40) }, (_, n) => (a >>> (n % 24)) & 0xff)), copy];
      case 'stretch': {
        const more = Buffer.alloc(1 + (b % 64), a & 0xff);
        return [Buffer.concat([copy.subarray(0, at), more, copy.subarray(at)])];
      }
      default:
        return [copy];
    }
  }
}

/** All messages of one direction with their faults, as one piece. */
export function damaged(messages: readonly Uint8Array[], damage: readonly Damage[]): Buffer {
  const damager = new Damager(damage);
  return Buffer.concat([...messages.flatMap((message) => damager.push(message)), ...damager.end()]);
}

/** The pieces of `whole` between the cuts, which are taken modulo its length. */
export function pieces(whole: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b);
  const out: Uint8Array[] = [];
  let from = 0;
  for (const to of [...places, whole.length]) {
    if (to > from) out.push(whole.subarray(from, to));
    from = Math.max(from, to);
  }
  return out;
}
