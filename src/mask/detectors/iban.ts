import { mod97 } from '../checks.ts';
import type { FindDetector, Span } from '../detector.ts';

// SWIFT IBAN registry: country and length; behind it countries that are not in it and give them out in the same form.
const lengths: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ' +
    'ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 ' +
    'LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 ' +
    'RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 ' +
    'AO25 BF28 BJ28 CF27 CG27 CI28 CM27 CV25 DZ26 GA27 GQ27 GW25 IR26 KM27 MA28 MG27 ML28 MZ25 NE28 SN28 TD27 TG28'
  )
    .split(' ')
    .map((each) => [each.slice(0, 2), Number(each.slice(2))]),
);

/** Countries whose account numbers have no letters behind the code. */
const digitsOnly = new Set(
  'AE AO AT BA BE BI CR CV CZ DE DK EE ES FI FO GL HR HU IL IR IS LT LY MA ME MR MZ NO PL PT RS SE SI SK TL TN VA XK'.split(
    ' ',
  ),
);

const head = /(?<![A-Za-z0-9])[A-Za-z]{2}[ -]?\d[ -]?\d/gi;

export const iban: FindDetector = {
  kind: 'find',
  name: 'IBAN_CODE',
  context: [
    'iban',
    'bank account',
    'bank',
    'konto',
    'account',
    'cuenta',
    'compte',
    'conto',
    'wire',
    'transfer',
    'beneficiary',
    'banking',
    'payment',
    'payout',
    'deposit',
    'remittance',
    'direct debit',
    'refund',
    'bankverbindung',
    'überweisung',
    'virement',
    'transferencia',
    'bonifico',
    'rekening',
    'rekeningnummer',
    'kontonummer',
    'swift',
    'bic',
  ],
  examples: {
    yes: [
      'DE89370400440532013000',
      'GB29 NWBK 6016 1331 9268 19',
      'gb29nwbk60161331926819',
      'NO9386011117947',
      'FR14-2004-1010-0505-0001-3M02-606',
    ],
    no: ['DE89370400440532013001', 'XX89370400440532013000', 'DE8937040044053201300', 'SKU12345678901234'],
  },
  find: function* (text: string): Iterable<Span> {
    head.lastIndex = 0;
    for (let match = head.exec(text); match !== null; match = head.exec(text)) {
      const span = ibanAt(text, match.index);
      if (span !== undefined) yield span;
    }
  },
  head,
  at: ibanAt,
};

function ibanAt(text: string, start: number): Span | undefined {
  const span = listedAt(text, start);
  if (span !== undefined) return span;
  // A country that is not in the list, or a digit too many: named as one it is somebody's all the same.
  alike.lastIndex = start;
  const value = alike.exec(text)?.[0];
  return value !== undefined && /\d{6}/.test(value.replaceAll(/[ -]/g, ''))
    ? { start, end: start + value.length, score: 0.4, loose: true }
    : undefined;
}

const alike = /[A-Z]{2}[ -]?\d[ -]?\d(?:[ -]?[A-Z0-9]){10,30}(?![A-Za-z0-9])/y;

function listedAt(text: string, start: number): Span | undefined {
  const country = text.slice(start, start + 2);
  const wanted = lengths[country.toUpperCase()];
  // `is 07017`: a word and a number.
  if (wanted === undefined || (country !== country.toUpperCase() && !/\d/.test(text[start + 2] ?? '')))
    return undefined;
  const plain = digitsOnly.has(country.toUpperCase());
  let compact = '';
  let group = '';
  let at = start;
  for (let gap = 0; at < text.length && compact.length < wanted; at++) {
    const char = text[at] ?? '';
    if (/[A-Za-z0-9]/.test(char)) {
      if (plain && compact.length >= 2 && !/\d/.test(char)) return undefined;
      if (gap > 0) group = '';
      compact += char;
      group += char;
      gap = 0;
      // A word of the sentence, and no group of an account number.
      if (group.length === 5 && /^[A-Za-z]{5}$/.test(group)) return undefined;
    } else if (/[ \-.\n\t]/.test(char) && ++gap <= 2) continue;
    else return undefined;
  }
  if (compact.length < wanted || /[A-Za-z0-9]/.test(text[at] ?? '')) return undefined;
  if (mod97(compact.slice(4) + compact.slice(0, 4)) === 1) return { start, end: at, score: 1 };
  return /\d{6}/.test(compact) ? { start, end: at, score: 0.4, loose: true } : undefined;
}
