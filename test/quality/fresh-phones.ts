import { allFakers } from '@faker-js/faker';
import {
  type CountryCode,
  getCountries,
  getExampleNumber,
  parsePhoneNumberFromString,
  type PhoneNumber,
} from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';
import { partOf, type Part } from './corpora.ts';
import type { Below } from './made.ts';

type Write = (number: PhoneNumber, below: Below) => string;

const digitsOf = (text: string): string => text.replaceAll(/\D/g, '');
const signed = (text: string, sign: string): string => text.replaceAll(/[ ]+/g, sign);

/** How people write numbers. Each stands on one side of the split. */
const writes: Readonly<Record<string, Write>> = {
  national: (n) => n.formatNational(),
  international: (n) => n.formatInternational(),
  e164: (n) => n.number,
  rfc3966: (n) => n.getURI().replace('tel:', ''),
  dots: (n) => signed(n.formatInternational(), '.'),
  dashes: (n) => signed(n.formatInternational(), '-'),
  'national dots': (n) => n.formatNational().replaceAll(/[ -]+/g, '.').replaceAll(/[()]/g, ''),
  'national dashes': (n) => n.formatNational().replaceAll(/[ ]+/g, '-').replaceAll(/[()]/g, ''),
  'zeros first': (n) => n.formatInternational().replace('+', '00'),
  'zeros, no blanks': (n) => `00${digitsOf(n.number)}`,
  'code in brackets': (n) => n.formatInternational().replace(/^\+(\d+)/, '(+$1)'),
  'trunk in brackets': (n) => {
    const national = n.formatNational();
    return national.startsWith('0')
      ? `+${n.countryCallingCode} (0)${national.slice(1)}`
      : n.formatInternational();
  },
  'national, one word': (n) => digitsOf(n.formatNational()),
  'code, blank, one word': (n) => `+${n.countryCallingCode} ${n.nationalNumber}`,
  extension: (n, below) => `${n.formatNational()} ext. ${100 + below(900)}`,
  'short extension': (n, below) => `${n.formatInternational()} x${100 + below(9_000)}`,
  'long extension': (n, below) => `${n.formatInternational()} extension ${100 + below(900)}`,
  'blanks of two': (n) => n.formatInternational().replaceAll(' ', '  '),
  'no-break': (n) => n.formatInternational().replaceAll(' ', '\u00a0'),
  slash: (n) => n.formatNational().replace(' ', '/'),
};

const countries: readonly CountryCode[] = getCountries().filter(
  (each) => getExampleNumber(each, examples) !== undefined,
);
const often: readonly CountryCode[] = [
  'US',
  'CA',
  'GB',
  'DE',
  'FR',
  'IT',
  'ES',
  'NL',
  'BE',
  'CH',
  'AT',
  'SE',
  'NO',
  'DK',
  'FI',
  'PL',
  'CZ',
  'PT',
  'IE',
  'AU',
  'NZ',
  'IN',
  'BR',
  'MX',
  'AR',
  'JP',
  'KR',
  'CN',
  'TR',
  'RU',
  'UA',
  'IL',
  'ZA',
  'SG',
  'HK',
  'GR',
  'RO',
  'HU',
];

export function phoneOf(part: Part, below: Below): string {
  if (below(3) === 0) return fakerPhone(part, below);
  const own = Object.keys(writes).filter((name) => partOf(`phone ${name}`) === part);
  const write = writes[own[below(own.length)] ?? ''];
  const from = below(4) === 0 ? countries : often;
  const number = numberOf(from[below(from.length)] ?? 'US', below);
  return write === undefined ? number.formatInternational() : write(number, below);
}

function numberOf(country: CountryCode, below: Below): PhoneNumber {
  const example = getExampleNumber(country, examples);
  if (example === undefined) throw new Error(`No example of ${country}`);
  const length = example.nationalNumber.length;
  for (let round = 0; round < 200; round++) {
    const keep = 1 + below(3);
    const digits =
      example.nationalNumber.slice(0, keep) + Array.from({ length: length - keep }, () => below(10)).join('');
    const number = parsePhoneNumberFromString(digits, country);
    if (number?.isValid() === true && number.country === country) return number;
  }
  return example;
}

function fakerPhone(part: Part, below: Below): string {
  const names = Object.keys(allFakers).filter((name) => name !== 'base' && partOf(`locale ${name}`) === part);
  const faker =
    Object.entries(allFakers).find(([name]) => name === names[below(names.length)])?.[1] ?? allFakers.en;
  faker.seed(below(1_000_000));
  const style = (['human', 'national', 'international'] as const)[below(3)] ?? 'human';
  return faker.phone.number({ style });
}
