import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/max';
import type { DigitsDetector, Window } from '../detector.ts';

/** Where a number written without its country code may be from. */
const regions: readonly CountryCode[] = [
  'US',
  'GB',
  'DE',
  'FR',
  'IT',
  'ES',
  'NL',
  'IN',
  'AU',
  'BR',
  'IL',
  'CH',
  'SE',
  'PH',
  'TR',
  'PL',
  'JP',
  'KR',
  'CN',
  'MX',
  'ZA',
  'DK',
  'NO',
  'FI',
  'BE',
  'AT',
  'PT',
  'NZ',
  'HU',
  'CZ',
];

// How North American numbers are written, with and without the leading 1: shape alone is enough, an invented area code is no excuse.
const american = new Set(['3-3-4', '1-3-3-4', '3-1-3-3-4', '2-1-3-3-4', '3-3-3-4', '3-3-2-2']);

export const phone: DigitsDetector = {
  kind: 'digits',
  name: 'PHONE_NUMBER',
  lengths: [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
  context: [
    'phone',
    'telephone',
    'tel',
    'mobile',
    'cell',
    'cellphone',
    'fax',
    'call',
    'answering',
    'reach',
    'dial',
    'msisdn',
    'whatsapp',
    'sms',
    'contact number',
    'phone number',
    'mobil',
    'telefon',
    'handy',
    'teléfono',
    'telefono',
    'téléphone',
    'portable',
    'rufnummer',
    'telefonnummer',
    'mobilnummer',
    'telefone',
    'celular',
    'móvil',
    'cellulare',
    'telefoon',
    'mobiel',
    'tlf',
    'puhelin',
    'mob',
    'hotline',
    'helpline',
    'ring',
    'reached',
    'reaching',
    'calling',
    'called',
    'phoned',
    'texting',
    'contact us',
    'contact him',
    'contact her',
    'contact$',
    'my number',
    'your number',
    'his number',
    'her number',
    'their number',
    'our number',
    'new number',
    'number to',
    'text me',
    'contact me',
    'dialed',
    'телефон',
    '電話',
    '电话',
    '전화',
    'هاتف',
    'फ़ोन',
  ],
  lead: true,
  alone: (shape) => shape.includes('-'),
  trail:
    /[ \t,;]{0,2}(?:x|extn?\.?|extension|int\.|interno|poste|durchwahl|доб\.?|#)[ \t.:=#]{0,2}\d{1,6}(?![\w])/iy,
  examples: {
    yes: [
      '(415) 555-0132',
      '415-555-0132',
      '+44 20 7946 0958',
      '+4915112345678',
      '+1 415 555 0132 x123',
      '089 72 63 41',
      '001-748-088-2851x818',
    ],
    no: [
      '2024-01-31',
      '1234567890',
      '10.12.1980',
      '555-1234',
      'SKU-415-555-0132',
      '100-200',
      '1.2.3.4',
      '12.345.678',
      '20240131-0001',
      '0001-0002-0003',
      '12-3456-78',
      '45-6789-01',
    ],
  },
  judge,
};

const labelled = /^[ \t]{1,2}\(?(?:office|work|home|mobile|cell|fax|tel|phone)(?![\p{L}])/iu;

function judge(window: Window): number {
  const { raw, shape, digits, before, after } = window;
  if (/^[-./]?\d/.test(after) || /\d[-./]?$/.test(before)) return 0;
  // Over two lines stand two numbers of a list, or one where words say so.
  if (/[\r\n]/.test(raw)) return -1;
  const first = raw[0];
  if (digits.length < 7 || digits.length > 15) {
    // What is this short or long is a telephone's only with a label behind it, in context, or by its international prefix.
    if (digits.length > 15 && !digits.startsWith('00')) return 0;
    // `1249.50` is an amount.
    if (!shape.includes('-') || (digits.length < 7 && !/^\d+(?:[ -]\d+)+$/.test(raw))) return 0;
    if (!labelled.test(after)) return -1;
  }
  if (first === '+' || raw.startsWith('(+')) return international(window);
  if (/[\p{L}\d][-_/]$/u.test(before)) return shape.includes('-') || digits.length >= 10 ? -1 : 0;
  if (digits.startsWith('00') && !digits.startsWith('000') && digits.length >= 10 && shape.includes('-')) {
    return american.has(shape) || confirmed(window, `+${digits.slice(2)}`) ? 0.7 : -1;
  }
  // `322 327 102 office`: a list of somebody's numbers.
  if (labelled.test(after) && shape.includes('-')) return 0.6;
  if (first === '(') return digits.length <= 13 && /^\(\d{1,5}\)/.test(raw) ? 0.7 : -1;
  if (!shape.includes('-')) return digits.length >= 7 ? -1 : 0;
  if (/^(?:4-2-2|2-2-4|1-2-4|2-1-4|1-1-4)$/.test(shape)) return 0;
  if (american.has(shape)) return raw.includes('/') ? -1 : 0.75;
  if (digits.startsWith('0') && digits[1] !== '0' && digits.length >= 8 && digits.length <= 12) {
    // `01234.5678` is a fraction.
    if (groupsOf(shape) > 6 || /[/]/.test(raw.slice(7)) || /^\d+\.\d+$/.test(raw)) return -1;
    return national(window) ? 0.6 : -1;
  }
  // `61 23 45 67`, `612 34 56 78`: without any leading sign the groups must be no thousands and the number somebody's.
  const even =
    window.whole && digits.length >= 8 && digits.length <= 11 && /^\d+(?:([ -])\d+)(?:\1\d+)+$/.test(raw);
  // Three groups with dashes are an order's or a part's number far more often than somebody's.
  const grouped = groupsOf(shape) >= (raw.includes('-') ? 4 : 3);
  if (even && grouped && !/^\d+(?:-3)+$|^3-2-4$/.test(shape)) {
    return national(window, true) ? 0.5 : -1;
  }
  return -1;
}

function groupsOf(shape: string): number {
  return shape.split('-').length;
}

function international(window: Window): number {
  const { raw, digits, shape } = window;
  const grouped = shape.includes('-');
  if (confirmed(window, raw, grouped)) return grouped ? 0.85 : 0.75;
  // Nobody's numbering plan, or one that is not known yet: as long as one, and grouped as no amount is.
  const amount = /^\+\d{1,3}(?:[ .]\d{3})+$/.test(raw);
  return digits.length >= 9 && grouped && !amount ? 0.5 : -1;
}

function confirmed(window: Window, text: string, possible = false): boolean {
  if (!window.confirm()) return true;
  const number = parsePhoneNumberFromString(text);
  return number !== undefined && (possible ? number.isPossible() : number.isValid());
}

function national(window: Window, sure = false): boolean {
  if (!window.confirm()) return true;
  return regions.some((region) => {
    const number = parsePhoneNumberFromString(window.raw, region);
    return (sure ? number?.isValid() : number?.isPossible()) === true;
  });
}
