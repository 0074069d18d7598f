import { isIP } from 'node:net';
import { keyed, lettersOf, type MaskKey } from './key.ts';

// A pseudonym looks like the value and is nobody's: the same one for the same value under one key. Addresses of mail, web
// and machines come from what is reserved for examples (RFC 2606, RFC 5737, RFC 3849); numbers begin with a 9, where no
// card and no American social security number does; people get names from a list.

const given =
  'Alba Anton Ari Bela Cleo Dana Edda Elias Ezra Fenna Gala Hugo Ida Ilan Iris Jona Juna Kai Lena Levi Lina Luca Maja Mara Marek Mina Nadia Nila Noa Olga Oskar Petra Quinn Rafi Remy Rita Sami Sena Silas Tara Teo Tilda Uma Vera Viggo Yael Yuna Zora'.split(
    ' ',
  );
const family =
  'Abel Adler Bauer Berg Blom Castell Conti Dahl Dorn Eklund Falk Ferro Fink Garde Groh Hale Holm Iversen Jansen Kern Kohl Lang Lenz Lind Maier Mohr Moss Noll Novak Olsen Orth Pohl Quist Rahn Rossi Roth Sand Seidel Stern Thal Tobin Ulm Vega Voss Wald Weiss Wolf Zander Zeller Zorn'.split(
    ' ',
  );

const address = /^[^\s@]{1,320}@[^\s@]{3,255}$/u;
const ownAddress = /^user-([a-p]{10})([a-p]{6})@example\.com$/;
const link = /^[a-z][a-z0-9+.-]{1,24}:\/\//i;
const ownLink = /^https:\/\/example\.com\/([a-p]{10})([a-p]{6})$/;
const words = /^\p{Lu}[\p{L}\p{M}'’-]*\.?(?: \p{L}[\p{L}\p{M}'’-]*\.?){0,3}$/u;
const date = /^(\d{4})-\d\d-\d\d(?=$|[ T])/;

/** The pseudonym: never the value itself, but for one of ours. `entity` is the detector's name, where one found the value. */
export function fakeOf(value: string, key: MaskKey, entity?: string): string {
  for (const use of ['fake', 'fake 2', 'fake 3']) {
    const made = pseudonym(value, keyed(key, use, value), { key, entity });
    if (made !== value || ownAddress.test(made) || ownLink.test(made)) return made;
  }
  return '***';
}

function pseudonym(
  value: string,
  bytes: Buffer,
  { key, entity }: { readonly key: MaskKey; readonly entity: string | undefined },
): string {
  if (address.test(value))
    return marked(value, key, { own: ownAddress, before: 'user-', after: '@example.com' });
  if (link.test(value) || entity === 'URL')
    return marked(value, key, { own: ownLink, before: 'https://example.com/', after: '' });
  const machine = isIP(value);
  if (machine === 4) return `192.0.2.${1 + ((bytes[0] ?? 0) % 254)}`;
  if (machine === 6) return `2001:db8::${bytes.subarray(0, 2).toString('hex')}`;
  const year = date.exec(value)?.[1];
  if (year !== undefined) {
    const day = new Date(Date.UTC(2001, 0, 1 + (bytes.readUInt16BE(0) % 365))).toISOString().slice(4, 10);
    return `${year}${day}${shaped(value.slice(10), bytes)}`;
  }
  if (entity === 'PERSON' || (entity === undefined && words.test(value))) {
    const first = given[bytes.readUInt16BE(0) % given.length] ?? '';
    const last = family[bytes.readUInt16BE(2) % family.length] ?? '';
    return value.includes(' ') ? `${first} ${last}` : first;
  }
  return shaped(value, bytes);
}

/** Made so that only the key can tell its own: a pseudonym of a pseudonym is itself. */
function marked(
  value: string,
  key: MaskKey,
  { own, before, after }: { readonly own: RegExp; readonly before: string; readonly after: string },
): string {
  const check = (body: string): string => lettersOf(keyed(key, 'fake-check', body).subarray(0, 3));
  const match = own.exec(value);
  if (match !== null && check(match[1] ?? '') === match[2]) return value;
  const body = lettersOf(keyed(key, 'fake', value).subarray(0, 5));
  return `${before}${body}${check(body)}${after}`;
}

/**
 * Letters for letters, digits for digits; the first digit is a 9. ASCII punctuation and blanks stay, marks are left out, and
 * for each other sign (emoji, symbols, what nobody sees) stands a star.
 */
function shaped(value: string, seed: Uint8Array): string {
  let at = 0;
  let first = true;
  return value.normalize('NFC').replaceAll(/[^\s!-/:-@[-`{-~]/gu, (char) => {
    if (!/[\p{L}\p{N}]/u.test(char)) return /\p{M}|\u200d/u.test(char) ? '' : '*';
    const byte = ((seed[at % 32] ?? 0) + Math.floor(at / 32) * 7) & 255;
    at++;
    if (/\p{N}/u.test(char)) {
      const digit = first ? 9 : byte % 10;
      first = false;
      return String(digit);
    }
    const letter = String.fromCharCode(97 + (byte % 26));
    return char === char.toLowerCase() ? letter : letter.toUpperCase();
  });
}
