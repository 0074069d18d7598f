/* Table of national numbers that are digits: tax, social security, identity, health, companies, devices. One row a kind. */
import { isDay, luhn, mod11and10, pair, uniform, verhoeff, weighted } from '../checks.ts';
import type { DigitsDetector } from '../detector.ts';
import { digitsOf, weak, type DigitsRow } from './digits-row.ts';

const rows: readonly DigitsRow[] = [
  {
    name: 'US_ITIN',
    lengths: [9],
    shapes: { '3-2-4': 0.8 },
    bare: weak,
    check: (d) => /^9\d\d(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])/.test(d),
    context: ['itin', 'tax id', 'taxpayer', 'individual taxpayer', 'tin'],
    examples: { yes: ['911-70-1234'], no: ['911-45-1234', '811-70-1234'], named: ['911701234'] },
  },
  {
    name: 'US_NPI',
    lengths: [10],
    shapes: {},
    bare: weak,
    check: (d) => /^[12]/.test(d) && luhn(`80840${d}`),
    context: ['npi', 'national provider'],
    examples: { yes: [], no: ['1245319598'], named: ['1245319599'] },
  },
  {
    name: 'ABA_ROUTING_NUMBER',
    lengths: [9],
    shapes: { '4-4-1': weak },
    bare: weak,
    check: (d) =>
      /^(?:0\d|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)/.test(d) &&
      weighted(d, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0,
    context: ['routing', 'aba', 'rtn', 'routing number'],
    examples: { yes: [], no: [], named: ['021000021', '0711-0130-7'] },
  },
  {
    name: 'US_BANK_NUMBER',
    lengths: [8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
    shapes: {},
    bare: weak,
    check: (d) => !uniform(d),
    context: [
      'bank account',
      'account number',
      'account no',
      'acct number',
      'acct no',
      'bank acct',
      'source account',
      'destination account',
      'beneficiary account',
      'account$',
      'acct$',
      'cuenta$',
      'konto$',
      'compte$',
      'conta$',
    ],
    examples: { yes: [], no: [], named: ['945456787654'] },
  },
  {
    name: 'CA_SIN',
    lengths: [9],
    shapes: { '3-3-3': 0.3 },
    bare: weak,
    check: (d) => !d.startsWith('8') && luhn(d) && !uniform(d),
    context: ['sin', 'social insurance', 'social insurance number'],
    examples: { yes: [], no: ['130 692 545'], named: ['130 692 544', '130692544'] },
  },
  {
    name: 'UK_NHS',
    lengths: [10],
    shapes: { '3-3-4': 0.3 },
    bare: weak,
    check: (d) => (11 - (weighted(d, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === Number(d[9]),
    context: ['nhs', 'national health', 'health service'],
    examples: { yes: [], no: ['9434765918'], named: ['9434765919'] },
  },
  {
    name: 'AU_TFN',
    lengths: [9],
    shapes: { '3-3-3': 0.3 },
    bare: weak,
    check: (d) => weighted(d, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
    context: ['tfn', 'tax file', 'tax file number'],
    examples: { yes: [], no: ['876 543 211'], named: ['876 543 210'] },
  },
  {
    name: 'AU_ABN',
    lengths: [11],
    shapes: { '2-3-3-3': 0.6 },
    bare: weak,
    check: (d) => (weighted(d, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10) % 89 === 0,
    context: ['abn', 'business number', 'australian business'],
    examples: { yes: ['51 824 753 556'], no: ['51 824 753 557'], named: ['51824753556'] },
  },
  {
    name: 'AU_ACN',
    lengths: [9],
    shapes: { '3-3-3': 0.3 },
    bare: weak,
    check: (d) => (10 - (weighted(d, [8, 7, 6, 5, 4, 3, 2, 1]) % 10)) % 10 === Number(d[8]),
    context: ['acn', 'company number', 'australian company'],
    examples: { yes: [], no: [], named: ['004 085 616'] },
  },
  {
    name: 'AU_MEDICARE',
    lengths: [10, 11],
    shapes: { '4-5-1': 0.3, '4-5-1-1': 0.3 },
    bare: weak,
    check: (d) => /^[2-6]/.test(d) && weighted(d, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === Number(d[8]),
    context: ['medicare'],
    examples: { yes: [], no: [], named: ['2123 45670 1'] },
  },
  {
    name: 'IN_AADHAAR',
    lengths: [12],
    shapes: { '4-4-4': 0.3 },
    bare: weak,
    check: (d) => /^[2-9]/.test(d) && verhoeff(d) && !uniform(d),
    context: ['aadhaar', 'aadhar', 'uidai'],
    examples: { yes: [], no: [], named: ['312345678909', '3123 4567 8909'] },
  },
  {
    name: 'BR_CPF',
    lengths: [11],
    shapes: { '3-3-3-2': 0.9, '9-2': 0.8 },
    bare: weak,
    check: (d) => !uniform(d) && brazil(d, [10, 9, 8, 7, 6, 5, 4, 3, 2], [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]),
    context: ['cpf', 'cadastro'],
    examples: { yes: ['529.982.247-25'], no: ['529.982.247-26', '111.111.111-11'], named: ['52998224725'] },
  },
  {
    name: 'BR_CNPJ',
    lengths: [14],
    shapes: { '2-3-3-4-2': 0.9 },
    bare: weak,
    check: (d) =>
      !uniform(d) && brazil(d, [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]),
    context: ['cnpj'],
    examples: { yes: ['11.222.333/0001-81'], no: ['11.222.333/0001-82'], named: ['11222333000181'] },
  },
  {
    name: 'PL_PESEL',
    lengths: [11],
    shapes: {},
    bare: 0.3,
    check: (d) =>
      isDay(pair(d, 2) % 20, pair(d, 4)) &&
      (10 - (weighted(d, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === Number(d[10]),
    context: ['pesel'],
    examples: { yes: [], no: ['44051401358'], named: ['44051401359'] },
  },
  {
    name: 'DE_TAX_ID',
    lengths: [11],
    shapes: { '2-3-3-3': 0.6 },
    bare: 0.3,
    check: (d) => /^[1-9]/.test(d) && repeatsOnce(d.slice(0, 10)) && mod11and10(d),
    context: [
      'steuer id',
      'steuerid',
      'steuer',
      'idnr',
      'steueridentifikationsnummer',
      'identifikationsnummer',
      'tin',
    ],
    examples: { yes: ['86 095 742 719'], no: ['86 095 742 718'], named: ['86095742719'] },
  },
  {
    name: 'KR_RRN',
    lengths: [13],
    shapes: { '6-7': 0.8 },
    bare: weak,
    check: (d) => isDay(pair(d, 2), pair(d, 4)) && /^.{6}[1-4]/.test(d),
    context: ['rrn', 'resident registration', '주민등록번호', '주민번호'],
    examples: {
      yes: ['960121-1234567'],
      no: ['961321-1234567', '960121-9234567', '960121-5234567'],
      named: ['9601211234567'],
    },
  },
  {
    name: 'KR_BRN',
    lengths: [10],
    shapes: { '3-2-5': 0.6 },
    bare: weak,
    check: (d) => {
      const sum = weighted(d, [1, 3, 7, 1, 3, 7, 1, 3, 5]) + Math.floor((Number(d[8]) * 5) / 10);
      return (10 - (sum % 10)) % 10 === Number(d[9]);
    },
    context: ['brn', 'business registration', '사업자등록번호'],
    examples: { yes: ['220-81-62517'], no: ['220-81-62518'], named: ['2208162517'] },
  },
  {
    name: 'SE_PERSONNUMMER',
    lengths: [10, 12],
    shapes: { '6-4': 0.3, '8-4': 0.5 },
    bare: weak,
    check: (d) => dateAt(d.slice(-10), 0, 60) && luhn(d.slice(-10)),
    context: ['personnummer', 'personnr', 'pnr', 'samordningsnummer'],
    examples: { yes: ['19811228-9874'], no: ['19811228-9875'], named: ['811228-9874', '8112289874'] },
  },
  {
    name: 'NO_FODSELSNUMMER',
    lengths: [11],
    shapes: { '6-5': 0.8 },
    bare: 0.5,
    check: (d) =>
      dayFirst(d, 40) &&
      weighted(d, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11 === 0 &&
      weighted(d, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0,
    context: ['fodselsnummer', 'fødselsnummer', 'personnummer', 'fnr'],
    examples: { yes: ['151086 95088', '15108695088'], no: ['151086 95077'] },
  },
  {
    name: 'DK_CPR',
    lengths: [10],
    shapes: { '6-4': 0.3 },
    bare: weak,
    check: (d) => dayFirst(d, 0),
    context: ['cpr', 'cpr nummer', 'cprnr', 'danish personnummer'],
    examples: { yes: [], no: ['351062-5629'], named: ['211062-5629'] },
  },
  {
    name: 'NL_BSN',
    lengths: [9],
    shapes: { '4-2-3': 0.3, '3-3-3': 0.3 },
    bare: weak,
    check: (d) => !uniform(d) && (weighted(d, [9, 8, 7, 6, 5, 4, 3, 2]) - Number(d[8])) % 11 === 0,
    context: ['bsn', 'burgerservicenummer', 'sofinummer'],
    examples: { yes: [], no: [], named: ['111222333'] },
  },
  {
    name: 'BE_NATIONAL_NUMBER',
    lengths: [11],
    shapes: { '2-2-2-3-2': 0.9, '6-3-2': 0.8 },
    bare: 0.5,
    check: (d) => {
      if (!isDay(pair(d, 2) % 20, pair(d, 4))) return false;
      const check = pair(d, 9);
      return 97 - (Number(d.slice(0, 9)) % 97) === check || 97 - (Number(`2${d.slice(0, 9)}`) % 97) === check;
    },
    context: ['rijksregisternummer', 'registre national', 'national number', 'insz', 'niss'],
    examples: { yes: ['85.07.30-033.28', '85073003328'], no: ['85.07.30-033.29'] },
  },
  {
    name: 'FR_NIR',
    lengths: [15],
    shapes: { '1-2-2-2-3-3-2': 0.9, '13-2': 0.8 },
    bare: 0.6,
    check: (d) =>
      /^[12]\d\d(?:0[1-9]|1[0-2]|[23]\d|4[0-2]|[5-9]\d)/.test(d) &&
      (Number(d.slice(0, 13)) + pair(d, 13)) % 97 === 0,
    context: ['nir', 'insee', 'securite sociale', 'sécurité sociale', 'secu'],
    examples: { yes: ['2 95 10 99 126 111 93', '295109912611193'], no: ['295109912611194'] },
  },
  {
    name: 'CH_AHV',
    lengths: [13],
    shapes: { '3-4-4-2': 0.9 },
    bare: 0.5,
    check: (d) => d.startsWith('756') && weighted(d, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0,
    context: ['ahv', 'avs', 'ahv nummer', 'sozialversicherung'],
    examples: { yes: ['756.9217.0769.85', '7569217076985'], no: ['756.9217.0769.84', '757.9217.0769.85'] },
  },
  {
    name: 'AT_SVNR',
    lengths: [10],
    shapes: { '4-6': 0.3 },
    bare: weak,
    check: (d) =>
      isDay(Math.min(12, pair(d, 6)), pair(d, 4)) &&
      weighted(d, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === Number(d[3]),
    context: ['svnr', 'sozialversicherungsnummer', 'sv nummer', 'versicherungsnummer'],
    examples: { yes: [], no: [], named: ['1237 010180'] },
  },
  {
    name: 'CZ_BIRTH_NUMBER',
    // Nine digits before 1954, without a check.
    lengths: [9, 10],
    shapes: { '6-4': 0.3, '6-3': weak },
    bare: weak,
    check: (d) =>
      isDay((pair(d, 2) % 50) % 20, pair(d, 4)) &&
      (d.length === 9 || (Number(d.slice(0, 9)) % 11) % 10 === Number(d[9])),
    context: ['rodne cislo', 'rodné číslo', 'rodne', 'birth number'],
    examples: { yes: [], no: [], named: ['710319/2745'] },
  },
  {
    name: 'RO_CNP',
    lengths: [13],
    shapes: {},
    bare: 0.3,
    check: (d) => {
      const sum = weighted(d, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
      return /^[1-9]/.test(d) && isDay(pair(d, 3), pair(d, 5)) && (sum === 10 ? 1 : sum) === Number(d[12]);
    },
    context: ['cnp', 'cod numeric'],
    examples: { yes: [], no: [], named: ['1630615123457'] },
  },
  {
    name: 'BG_EGN',
    lengths: [10],
    shapes: {},
    bare: weak,
    check: (d) =>
      isDay(pair(d, 2) % 20, pair(d, 4)) &&
      (weighted(d, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11) % 10 === Number(d[9]),
    context: ['egn', 'егн'],
    examples: { yes: [], no: [], named: ['7523169263'] },
  },
  {
    name: 'PT_NIF',
    lengths: [9],
    shapes: { '3-3-3': 0.3 },
    bare: weak,
    check: (d) => {
      const rest = weighted(d, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
      return /^[1-9]/.test(d) && (rest < 2 ? 0 : 11 - rest) === Number(d[8]);
    },
    context: ['nif', 'contribuinte', 'nipc'],
    examples: { yes: [], no: [], named: ['501964843'] },
  },
  {
    name: 'TR_NATIONAL_ID',
    lengths: [11],
    shapes: {},
    bare: 0.3,
    check: (d) => {
      const odd = weighted(d, [1, 0, 1, 0, 1, 0, 1, 0, 1]);
      const even = weighted(d, [0, 1, 0, 1, 0, 1, 0, 1]);
      const sum = weighted(d, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
      return (
        /^[1-9]/.test(d) && (((odd * 7 - even) % 10) + 10) % 10 === Number(d[9]) && sum % 10 === Number(d[10])
      );
    },
    context: ['tckn', 'tc kimlik', 'kimlik', 'tc no', 'kimlik no'],
    examples: { yes: [], no: [], named: ['17291716060'] },
  },
  {
    name: 'ZA_ID_NUMBER',
    lengths: [13],
    shapes: { '6-4-3': 0.5, '6-4-2-1': 0.5 },
    bare: 0.3,
    check: (d) => isDay(pair(d, 2), pair(d, 4)) && /^.{10}[012]/.test(d) && luhn(d),
    context: ['za id', 'south african id', 'id number', 'identity number'],
    examples: { yes: [], no: [], named: ['7503305044089'] },
  },
  {
    name: 'TH_TNIN',
    lengths: [13],
    shapes: { '1-4-5-2-1': 0.9 },
    bare: 0.05,
    check: (d) =>
      /^[1-8]/.test(d) &&
      (11 - (weighted(d, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === Number(d[12]),
    context: ['thai id', 'tnin', 'เลขประจำตัวประชาชน', 'national id'],
    examples: { yes: ['1-2345-45678-78-1'], no: ['1-2345-45678-78-2'] },
  },
  {
    name: 'IL_ID',
    lengths: [8, 9],
    shapes: { '8-1': weak, '7-1': weak },
    bare: weak,
    check: (d) => luhn(d) && !uniform(d),
    context: ['teudat zehut', 'israeli id', 'תעודת זהות', 'מספר זהות'],
    examples: { yes: [], no: [], named: ['039337423'] },
  },
  {
    name: 'JP_MY_NUMBER',
    lengths: [12],
    shapes: { '4-4-4': 0.3 },
    bare: weak,
    check: (d) => {
      const rest = weighted(d, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
      return (rest <= 1 ? 0 : 11 - rest) === Number(d[11]);
    },
    context: ['my number', 'マイナンバー', '個人番号'],
    examples: { yes: [], no: [], named: ['123456789018'] },
  },
  {
    name: 'ID_NIK',
    lengths: [16],
    shapes: {},
    bare: weak,
    check: (d) => isDay(pair(d, 8), pair(d, 6) % 40),
    context: ['nik', 'nomor induk', 'ktp'],
    examples: { yes: [], no: [], named: ['3171011708450001'] },
  },
  {
    name: 'AR_CUIT',
    lengths: [11],
    shapes: { '2-8-1': 0.7 },
    bare: weak,
    check: (d) => {
      const rest = weighted(d, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
      return /^(?:2[03478]|3[034])/.test(d) && (11 - rest) % 11 === Number(d[10]);
    },
    context: ['cuit', 'cuil'],
    examples: { yes: ['20-05536168-2'], no: ['20-05536168-3'], named: ['20055361682'] },
  },
  {
    name: 'CO_NIT',
    lengths: [10],
    shapes: { '9-1': 0.3, '3-3-3-1': 0.3 },
    bare: weak,
    check: (d) => {
      const rest = weighted(d, [41, 37, 29, 23, 19, 17, 13, 7, 3]) % 11;
      return (rest < 2 ? rest : 11 - rest) === Number(d[9]);
    },
    context: ['nit', 'rut colombia'],
    examples: { yes: [], no: [], named: ['213.123.432-1'] },
  },
  {
    name: 'PH_TIN',
    lengths: [9, 12],
    shapes: { '3-3-3': 0.05, '3-3-3-3': 0.05 },
    bare: weak,
    check: (d) => !uniform(d),
    context: ['tin', 'bir', 'taxpayer identification'],
    examples: { yes: [], no: [], named: ['123-456-788-000'] },
  },
  {
    name: 'NG_NIN',
    lengths: [11],
    shapes: {},
    bare: weak,
    check: (d) => verhoeff(d),
    context: ['nin', 'nimc', 'national identification number'],
    examples: { yes: [], no: [], named: [] },
  },
  {
    name: 'IT_VAT_CODE',
    lengths: [11],
    shapes: {},
    bare: weak,
    check: (d) => luhn(d) && !uniform(d),
    context: ['partita iva', 'piva', 'vat'],
    examples: { yes: [], no: [], named: ['00743110157'] },
  },
  {
    // A company's is eleven digits.
    name: 'IT_FISCAL_CODE',
    lengths: [11],
    shapes: {},
    bare: weak,
    check: (d) => luhn(d) && !uniform(d),
    context: ['codice fiscale', 'cod fisc', 'fiscal code', 'cf'],
    examples: { yes: [], no: ['00743110157'], named: ['00743110157'] },
  },
  {
    name: 'IMEI',
    lengths: [15],
    shapes: { '2-6-6-1': 0.7 },
    bare: weak,
    check: (d) => luhn(d) && !uniform(d),
    context: ['imei', 'handset'],
    examples: { yes: ['49-015420-323751-8'], no: ['49-015420-323751-9'], named: ['490154203237518'] },
  },
  {
    name: 'ICCID',
    lengths: [19, 20],
    shapes: {},
    bare: 0.4,
    check: (d) => d.startsWith('89') && luhn(d),
    context: ['iccid', 'sim card'],
    examples: { yes: [], no: ['8944500102198304827'], named: [] },
  },
];

export const nationalDigits: readonly DigitsDetector[] = digitsOf(rows);

function brazil(digits: string, first: readonly number[], second: readonly number[]): boolean {
  const check = (weights: readonly number[]): number => {
    const rest = weighted(digits, weights) % 11;
    return rest < 2 ? 0 : 11 - rest;
  };
  return check(first) === Number(digits.at(-2)) && check(second) === Number(digits.at(-1));
}

/** Of the first ten digits of a German tax id one stands twice or thrice, the others once or not at all. */
function repeatsOnce(digits: string): boolean {
  const counts = new Map<string, number>();
  for (const digit of digits) counts.set(digit, (counts.get(digit) ?? 0) + 1);
  const more = [...counts.values()].filter((count) => count > 1);
  return more.length === 1 && (more[0] ?? 0) <= 3;
}

/** `yymmdd` at `at`; a day may be raised by `raised` (coordination numbers). */
function dateAt(digits: string, at: number, raised: number): boolean {
  const day = pair(digits, at + 4);
  return isDay(pair(digits, at + 2), day > raised && raised > 0 ? day - raised : day);
}

/** `ddmmyy` at the start; day or month may be raised by `raised`. */
function dayFirst(digits: string, raised: number): boolean {
  const day = pair(digits, 0);
  const month = pair(digits, 2);
  return isDay(
    month > raised && raised > 0 ? month - raised : month,
    day > raised && raised > 0 ? day - raised : day,
  );
}
