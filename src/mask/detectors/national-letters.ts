/* Table of national numbers with letters in them, each with its own pattern and check. */
import { isDay, mod11and10, mod11and2, pair, weighted } from '../checks.ts';
import type { PatternDetector } from '../detector.ts';
import { lettersOf, type LettersRow } from './letters-row.ts';

const nif = 'TRWAGMYFPDXBNJZSQVHLCKE';

const rows: readonly LettersRow[] = [
  {
    name: 'UK_NINO',
    pattern: '(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\\d\\d ?\\d\\d ?\\d\\d ?[A-D]',
    score: 0.75,
    context: ['nino', 'national insurance', 'ni number'],
    examples: { yes: ['AB123456C', 'AA 12 34 56 B'], no: ['BG123456C', 'AB123456E', 'XAB123456C'] },
  },
  {
    name: 'ES_NIF',
    pattern: '\\d{7,8}-?[A-HJ-NP-TV-Z]',
    score: 0.5,
    check: (c) => c.length === 9 && nif[Number(c.slice(0, 8)) % 23] === c[8],
    context: ['nif', 'dni', 'documento nacional'],
    examples: { yes: ['54362315K', '54362315-K'], no: ['54362315Z'] },
  },
  {
    name: 'ES_NIE',
    pattern: '[XYZ]-?\\d{7}-?[A-HJ-NP-TV-Z]',
    score: 0.6,
    check: (c) => nif[Number(`${'XYZ'.indexOf(c[0] ?? '')}${c.slice(1, 8)}`) % 23] === c[8],
    context: ['nie', 'extranjero'],
    examples: { yes: ['X2482300W'], no: ['X2482300A'] },
  },
  {
    name: 'IT_FISCAL_CODE',
    pattern: '[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]',
    score: 0.95,
    check: fiscal,
    context: ['codice fiscale', 'fiscal code'],
    examples: { yes: ['RCCMNL83S18D969H'], no: ['RCCMNL83S18D969A'] },
  },
  {
    name: 'FI_PERSONAL_IDENTITY_CODE',
    keeps: true,
    pattern: '[0-3]\\d[01]\\d{3}[-+A-FU-Y]\\d{3}[0-9A-FHJ-NPR-Y]',
    score: 0.9,
    check: (c) =>
      isDay(pair(c, 2), pair(c, 0)) &&
      '0123456789ABCDEFHJKLMNPRSTUVWXY'[Number(c.slice(0, 6) + c.slice(7, 10)) % 31] === c[10],
    context: ['hetu', 'henkilötunnus', 'personbeteckning'],
    examples: { yes: ['131052-308T'], no: ['131052-308U', '311352-308T'] },
  },
  {
    name: 'SG_NRIC_FIN',
    pattern: '[STFGM]\\d{7}[A-Z]',
    score: 0.6,
    check: singapore,
    context: ['nric', 'fin', 'singapore id'],
    examples: { yes: ['S1234567D'], no: ['S1234567A'] },
  },
  {
    name: 'IN_PAN',
    pattern: '[A-Z]{5}\\d{4}[A-Z]',
    // Small letters are those of a hash.
    capitals: true,
    score: 0.5,
    check: (c) => 'ABCFGHJLPT'.includes(c[3] ?? ''),
    context: ['pan', 'permanent account'],
    examples: { yes: ['ABCPE1234F'], no: ['ABCDE1234F', 'ABCPE12345'] },
  },
  {
    name: 'IN_PAN',
    pattern: '[A-Z]{5}\\d{4}[A-Z]',
    score: 0.1,
    context: ['pan', 'permanent account'],
    examples: { yes: [], no: ['eaecd2137c'], named: ['abcpe1234f'] },
  },
  {
    name: 'IN_GSTIN',
    pattern: '(?:0[1-9]|[12]\\d|3[0-7]|97|99)[A-Z]{5}\\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]',
    score: 0.8,
    context: ['gstin', 'gst'],
    examples: { yes: ['27AAPFU0939F1ZV'], no: ['27AAPFU0939F1AV'] },
  },
  {
    name: 'US_MBI',
    pattern:
      '[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\\d-?[AC-HJKMNP-RT-Y]{2}\\d{2}',
    score: 0.7,
    context: ['mbi', 'medicare', 'beneficiary'],
    examples: { yes: ['1EG4-TE5-MK73', '1EG4TE5MK73'], no: ['1EG4-TE5-MK7S'] },
  },
  {
    name: 'MEDICAL_LICENSE',
    pattern: '[ABCDEFGHJKLMPRSTUX][A-Z9]\\d{7}',
    score: 0.2,
    check: (c) =>
      (weighted(c.slice(2), [1, 0, 1, 0, 1]) + 2 * weighted(c.slice(2), [0, 1, 0, 1, 0, 1])) % 10 ===
      Number(c[8]),
    context: ['dea', 'medical license', 'prescriber'],
    examples: { yes: [], no: ['AB1234563'], named: ['AB1234563'] },
  },
  {
    name: 'CN_RESIDENT_ID',
    pattern: '[1-9]\\d{5}(?:19|20)\\d{9}[0-9Xx]',
    score: 0.9,
    check: (c) => isDay(pair(c, 10), pair(c, 12)) && mod11and2(c),
    context: ['resident id', '身份证', '身份证号'],
    examples: { yes: ['11010519491231002X'], no: ['110105194912310021', '11010519491331002X'] },
  },
  {
    name: 'TW_ID',
    pattern: '[A-Z][1289]\\d{8}',
    score: 0.3,
    check: (c) => {
      const code = 'ABCDEFGHJKLMNPQRSTUVXYWZIO'.indexOf(c[0] ?? '') + 10;
      return (
        (Math.floor(code / 10) + (code % 10) * 9 + weighted(c.slice(1), [8, 7, 6, 5, 4, 3, 2, 1, 1])) % 10 ===
        0
      );
    },
    context: ['身分證', 'taiwan id', '統一編號'],
    examples: { yes: [], no: ['A123456780'], named: ['A123456789'] },
  },
  {
    name: 'HK_ID',
    pattern: '[A-Z]{1,2}\\d{6}\\([0-9A]\\)',
    score: 0.8,
    check: (c) => {
      const text = c.replace(/[()]/g, '').padStart(9, ' ');
      let sum = 0;
      for (let at = 0; at < 8; at++) {
        const char = text[at] ?? ' ';
        sum += (char === ' ' ? 36 : Number.parseInt(char, 36)) * (9 - at);
      }
      const check = (11 - (sum % 11)) % 11;
      return (check === 10 ? 'A' : String(check)) === text[8];
    },
    context: ['hkid', 'hong kong id'],
    examples: { yes: ['A123456(3)'], no: ['A123456(4)'] },
  },
  {
    name: 'CL_RUT',
    keeps: true,
    pattern: '\\d{1,2}\\.\\d{3}\\.\\d{3}-[0-9Kk]',
    score: 0.7,
    check: rut,
    context: ['rut'],
    examples: { yes: ['76.086.428-5'], no: ['76.086.428-6'] },
  },
  {
    name: 'CL_RUT',
    keeps: true,
    pattern: '\\d{7,8}-?[0-9Kk]',
    score: 0.3,
    check: rut,
    context: ['rut', 'run', 'rol único'],
    examples: { yes: [], no: ['76086428-5'], named: ['76086428-5'] },
  },
  {
    name: 'MX_CURP',
    pattern:
      '[A-Z][AEIOUX][A-Z]{2}\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[0-9A-Z]\\d',
    score: 0.95,
    context: ['curp'],
    examples: { yes: ['BOXW310820HNERXN09'], no: ['BOXW311320HNERXN09'] },
  },
  {
    name: 'MX_RFC',
    pattern: '[A-ZÑ&]{3,4}\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])[A-Z0-9]{2}[0-9A]',
    capitals: true,
    score: 0.5,
    context: ['rfc'],
    examples: { yes: ['GODE561231GR8'], no: ['GODE561331GR8'] },
  },
  {
    name: 'MX_RFC',
    pattern: '[A-ZÑ&]{3,4}\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])[A-Z0-9]{2}[0-9A]',
    score: 0.1,
    context: ['rfc'],
    examples: { yes: [], no: ['aeb801020c2a'], named: ['gode561231gr8'] },
  },
  {
    name: 'IE_PPS',
    pattern: '\\d{7}[A-W][A-W]?',
    score: 0.3,
    check: (c) => {
      const second = c[8] === undefined || c[8] === 'W' ? 0 : c.charCodeAt(8) - 64;
      return 'WABCDEFGHIJKLMNOPQRSTUV'[(weighted(c, [8, 7, 6, 5, 4, 3, 2]) + 9 * second) % 23] === c[7];
    },
    context: ['pps', 'ppsn', 'personal public service'],
    examples: { yes: [], no: ['6433435E'], named: ['6433435F'] },
  },
  {
    name: 'DE_SOCIAL_SECURITY',
    pattern: '\\d{2}[ -]?\\d{6}[ -]?[A-Z][ -]?\\d{3}',
    score: 0.3,
    check: (c) => isDay(pair(c, 4), pair(c, 2) % 50 || 1),
    context: ['rentenversicherung', 'sozialversicherung', 'versicherungsnummer', 'rvnr'],
    examples: { yes: [], no: [], named: ['15070649C103'] },
  },
  {
    name: 'DE_VAT_ID',
    pattern: 'DE[ .-]?\\d{3}[ .-]?\\d{3}[ .-]?\\d{3}',
    score: 0.5,
    check: (c) => mod11and10(c.replace(/\D/g, '')),
    context: ['ust', 'ustid', 'umsatzsteuer', 'vat', 'vat id'],
    examples: { yes: ['DE136695976'], no: ['DE136695977'], named: ['DE136695977'] },
  },
  {
    name: 'KR_PASSPORT',
    pattern: '[MSROD](?:\\d{8}|\\d{3}[A-Z]\\d{4})',
    score: 0.1,
    context: ['여권', '여권번호', 'korean passport'],
    examples: { yes: [], no: ['M12345678'], named: ['M12345678'] },
  },
  {
    name: 'US_PASSPORT',
    pattern: '(?:[A-Z]\\d{8}|\\d{9}|[A-Z]\\d[A-Z]\\d{6})',
    score: 0.1,
    context: ['passport', 'passport number'],
    examples: { yes: [], no: ['912803456'], named: ['912803456'] },
  },
  {
    name: 'US_DRIVER_LICENSE',
    // Of all states and provinces: letters and digits, or groups that are no day.
    pattern: [
      '[A-Z]{1,3}\\d{5,14}(?:[A-Z]|-\\d{2,6})?|\\d{7,12}|(?:DL-)?[A-Z]\\d{3,5}-\\d{2,4}(?:-\\d{2,5}){0,2}',
      '(?!\\d{1,2}([- ])\\d{1,2}\\1(?:19|20)\\d\\d)(?!(?:19|20)\\d\\d([- ])\\d\\d?\\2\\d)[A-Z]?\\d{2,4}(?:[- ]\\d{2,6}){2,4}',
      '(?!(?:as|at|id|is|no|nr|of|on|to) )[A-Z]{1,2}[- ]\\d{3}(?:[- ]?\\d{3}){2,4}',
      '[A-Z]\\d{3,4}[- ]\\d{4,6}[- ]\\d{2,6}',
      '\\d{2,3}[A-Z]{2,3}\\d{4,5}|WDL[A-Z0-9]{9}',
    ].join('|'),
    score: 0.1,
    context: [
      'driver license',
      'driving license',
      'license number',
      'license$',
      'licence$',
      'dl number',
      'dl',
      'permit',
    ],
    examples: { yes: [], no: ['U62928788'], named: ['U62928788', '425700624'] },
  },
  {
    name: 'VIN',
    pattern: '[A-HJ-NPR-Z0-9]{17}',
    score: 0.3,
    check: vehicle,
    context: ['vin', 'vehicle', 'chassis'],
    examples: { yes: [], no: ['1M8GDM9AXKP042788'], named: ['1M8GDM9AXKP042788'] },
  },
];

export const nationalLetters: readonly PatternDetector[] = lettersOf(rows);

/** DM 23/12/1976: odd and even places have their own values; the last letter is their sum modulo 26. */
function fiscal(code: string): boolean {
  const odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
  let sum = 0;
  for (let at = 0; at < 15; at++) {
    const value = Number.parseInt(code[at] ?? '', 36);
    const place = value < 10 ? value : value - 10;
    sum += at % 2 === 0 ? (odd[place] ?? 0) : place;
  }
  return String.fromCharCode(65 + (sum % 26)) === code[15];
}

function singapore(code: string): boolean {
  const first = code[0] ?? '';
  const offset = first === 'T' || first === 'G' ? 4 : first === 'M' ? 3 : 0;
  const rest = (weighted(code.slice(1), [2, 7, 6, 5, 4, 3, 2]) + offset) % 11;
  const table = 'ST'.includes(first) ? 'JZIHGFEDCBA' : first === 'M' ? 'XWUTRQPNJLK' : 'XWUTRQPNMLK';
  return table[rest] === code[8];
}

/** ISO 3779, check digit in the ninth place (North America). */
function vehicle(code: string): boolean {
  const values = '0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ';
  const weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
  let sum = 0;
  for (const [at, weight] of weights.entries()) sum += (values.indexOf(code[at] ?? '') % 10) * weight;
  const rest = sum % 11;
  return (rest === 10 ? 'X' : String(rest)) === code[8];
}

function rut(code: string): boolean {
  const digits = code.slice(0, -1).replace(/\D/g, '').padStart(8, '0');
  const rest = 11 - (weighted(digits, [3, 2, 7, 6, 5, 4, 3, 2]) % 11);
  return (rest === 11 ? '0' : rest === 10 ? 'K' : String(rest)) === code.at(-1)?.toUpperCase();
}
