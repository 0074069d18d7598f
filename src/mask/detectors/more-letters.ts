/* More numbers with letters in them: passports, licences, plates, companies, staff and patients. Shapes are loose, so nearly all want context. */
import { isDay, pair, weighted } from '../checks.ts';
import type { PatternDetector } from '../detector.ts';
import { lettersOf, type LettersRow } from './letters-row.ts';

// Five digits with letters around: a number that somebody keeps a register of.
const registered = '(?=[A-Z0-9./-]{0,20}\\d{4})[A-Z]{1,5}[-./]?[A-Z]?\\d{4,12}(?:[-./][A-Z0-9]{1,6})?';
// What some register somewhere gives a person, as people write it down: in groups that no day and no
// sum has.
const ofAnyRegister = [
  '\\d{7,18}(?:[-./]?[A-Z]{1,2}|[-./]\\d{1,2})?',
  '\\d{6}[-./ ]\\d{3,9}(?:[-./ ]\\d{1,4})?',
  '\\d{4}-\\d{7}-\\d',
  '\\d{3}[- ]\\d{3}[- ]\\d{3}(?:[- ]?\\d{1,3})?',
  // No day: `12.05.2024`, `2024-05-12`.
  '(?!\\d{1,2}([-. ])\\d{1,2}\\1(?:19|20)\\d\\d)(?!(?:19|20)\\d\\d([-. ])\\d\\d?\\2\\d)\\d{1,4}(?:\\.\\d{2,4}){2,4}(?:-[0-9K])?',
  '\\d{2,4}(?: \\d{2,4}){3,5}',
  '\\d{3}-\\d{2,3}-\\d{2}-\\d{2,3}',
  '\\d{2}-\\d{3}-\\d{3}|\\d{2}-\\d{7}',
  '\\d{4} \\d{6}',
  '[A-Z]-\\d{7,9}(?:-\\d)?',
  '(?!(?:the|and|new|now|was|has|for|not|are) )[A-Z]{3,4} \\d{6}(?: [A-Z0-9]{3})?',
  '\\d{8} \\d ?[A-Z]{2}\\d|\\d{9}[A-Z]{2}\\d',
  '(?!(?:as|at|id|is|no|nr|of|on|to) )[A-Z]{2} ?\\d{2,12}(?: \\d{2,9}){0,4}(?: ?[A-Z])?',
  '[A-Z]{1,6}\\d{5,14}[A-Z]{0,6}\\d{0,4}[A-Z]{0,2}',
  registered,
].join('|');

// Latin, Greek, Cyrillic, Thai, kana, Han, and Hangul whole and in its parts.
const plateLetter =
  '[A-Z\\u1100-\\u11ff\\u4e00-\\u9fff\\u0391-\\u04ff\\u0e01-\\u0e2e\\u3041-\\u30ff\\uac00-\\ud7a3]';

const rows: readonly LettersRow[] = [
  {
    name: 'DE_FUEHRERSCHEIN',
    pattern: '[A-Z][A-Z0-9]{2}\\d{6}\\d[A-Z0-9]|[A-Z]{2}\\d{8}[A-Z0-9]',
    score: 0.1,
    context: ['führerschein', 'fuehrerschein', 'führerscheinnummer', 'fahrerlaubnis'],
    examples: { yes: [], no: ['BO12345678A'], named: ['BO12345678A'] },
  },
  {
    name: 'DE_HANDELSREGISTER',
    pattern: 'HR[AB][ -]?\\d{1,6}(?: ?[A-Z])?',
    score: 0.1,
    context: ['handelsregister', 'registernummer', 'amtsgericht', 'eingetragen'],
    examples: { yes: [], no: ['HRB 123456'], named: ['HRB 123456'] },
  },
  {
    name: 'DE_HEALTH_INSURANCE',
    pattern: '[A-Z]\\d{9}',
    score: 0.3,
    check: (c) => {
      const digits = String(c.charCodeAt(0) - 64).padStart(2, '0') + c.slice(1);
      let sum = 0;
      for (let at = 0; at < 10; at++) {
        const product = Number(digits[at]) * (at % 2 === 0 ? 1 : 2);
        sum += product > 9 ? product - 9 : product;
      }
      return sum % 10 === Number(digits[10]);
    },
    context: [
      'krankenversicherung',
      'krankenversichertennummer',
      'kvnr',
      'egk',
      'egk nummer',
      'versichertennummer',
    ],
    examples: { yes: [], no: ['A123456780'], named: ['A123456780'] },
  },
  {
    name: 'DE_KFZ',
    pattern: '[A-ZÄÖÜ]{1,3}[ -][A-Z]{1,2}[ -]?\\d{1,4}[EH]?',
    score: 0.1,
    context: ['kfz', 'kennzeichen', 'nummernschild', 'fahrzeug'],
    examples: { yes: [], no: ['B-AB 1234'], named: ['B-AB 1234'] },
  },
  {
    name: 'DE_PASSPORT',
    pattern: '[CFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8}\\d?',
    score: 0.1,
    check: (c) => c.length === 9 || icao(c),
    context: ['reisepass', 'reisepassnummer', 'passnummer', 'german passport'],
    examples: { yes: [], no: ['C01X00T41'], named: ['C01X00T41'] },
  },
  {
    name: 'DE_ID_CARD',
    pattern: '[LMNPRTVWXY][0-9CFGHJKLMNPRTVWXYZ]{8}\\d?|T\\d{8}',
    score: 0.1,
    check: (c) => c.length === 9 || icao(c),
    context: ['personalausweis', 'ausweis', 'ausweisnummer', 'personalausweisnummer'],
    examples: { yes: [], no: ['L01X00T471'], named: ['L01X00T471'] },
  },
  {
    name: 'ES_PASSPORT',
    pattern: '[A-Z]{2,3}\\d{6}[A-Z]?',
    score: 0.1,
    context: ['pasaporte', 'spanish passport', 'número de pasaporte'],
    examples: { yes: [], no: ['AAA123456'], named: ['AAA123456'] },
  },
  {
    name: 'ES_CIF',
    pattern: '[ABCDEFGHJNPQRSUVW]\\d{7}[0-9A-J]',
    score: 0.3,
    check: (c) => {
      let sum = 0;
      for (let at = 1; at < 8; at++) {
        const value = Number(c[at]) * (at % 2 === 1 ? 2 : 1);
        sum += value > 9 ? value - 9 : value;
      }
      const check = (10 - (sum % 10)) % 10;
      return c[8] === String(check) || c[8] === 'JABCDEFGHI'[check];
    },
    context: ['cif'],
    examples: { yes: [], no: ['A13585625'], named: ['A13585625'] },
  },
  {
    name: 'IN_PASSPORT',
    pattern: '[A-Z][1-9]\\d{5}[1-9]|[A-Z][1-9]\\d\\s?\\d{4}[1-9]',
    score: 0.1,
    context: ['indian passport', 'passport'],
    examples: { yes: [], no: ['A3456781'], named: ['A3456781'] },
  },
  {
    name: 'IN_VOTER',
    pattern: '[A-Z]{3}\\d{7}',
    score: 0.1,
    context: ['voter', 'epic', 'elector', 'voter id'],
    examples: { yes: [], no: ['KSD1287349'], named: ['KSD1287349'] },
  },
  {
    name: 'IN_VEHICLE_REGISTRATION',
    pattern: '[A-Z]{2}[ -]?\\d{1,2}[ -]?[A-Z]{1,3}[ -]?\\d{4}|\\d{2}BH\\d{4}[A-Z]{1,2}',
    score: 0.1,
    context: ['vehicle registration', 'rto', 'registration number', 'vehicle', 'number plate'],
    examples: { yes: [], no: ['KA53ME3456'], named: ['KA53ME3456'] },
  },
  {
    name: 'IT_DRIVER_LICENSE',
    pattern: 'U1[BCDFGHLJKMNPRSTUVWXYZ0-9]{7}[A-Z]|[A-Z]{2}\\d{7}[A-Z]',
    score: 0.1,
    context: ['patente', 'patente di guida', 'italian driver license'],
    examples: { yes: [], no: ['AA0123456B'], named: ['AA0123456B'] },
  },
  {
    name: 'IT_IDENTITY_CARD',
    pattern: '[A-Z]{2}\\d{7}|\\d{7}[A-Z]{2}|[A-Z]{2}\\d{5}[A-Z]{2}',
    score: 0.1,
    context: ["carta d'identità", 'carta di identità', 'carta identita', 'carta identità', 'cie'],
    examples: { yes: [], no: ['CA12345AA'], named: [] },
  },
  {
    name: 'IT_PASSPORT',
    pattern: '[A-Z]{2}\\d{7}',
    score: 0.1,
    context: ['passaporto', 'italian passport'],
    examples: { yes: [], no: ['AA1234567'], named: ['AA1234567'] },
  },
  {
    name: 'NG_VEHICLE_REGISTRATION',
    pattern: '[A-Z]{3}[ -]?\\d{3}[ -]?[A-Z]{2}',
    score: 0.1,
    context: ['plate', 'plate number', 'plates', 'vehicle', 'registration'],
    examples: { yes: [], no: ['ABJ-001AA'], named: ['ABJ-001AA'] },
  },
  {
    name: 'SG_UEN',
    pattern: '(?:[TSR]\\d{2}[A-Z]{2}\\d{4}[A-Z]|(?:19|20)\\d{7}[A-Z]|\\d{8}[A-Z])',
    score: 0.1,
    context: ['uen', 'unique entity number', 'business registration', 'acra'],
    examples: { yes: [], no: ['T16RF0037C'], named: ['T16RF0037C'] },
  },
  {
    name: 'TR_LICENSE_PLATE',
    pattern: '(?:0[1-9]|[1-7]\\d|8[01])[ -]?[A-Z]{1,3}[ -]?\\d{2,5}',
    score: 0.1,
    context: ['plaka', 'plakası', 'plakali', 'plakalı', 'license plate', 'araç'],
    examples: { yes: [], no: ['34 ABC 1234'], named: ['34 ABC 1234'] },
  },
  {
    name: 'UK_DRIVING_LICENCE',
    pattern: '[A-Z]{1,5}9{0,4}\\d(?:[05][1-9]|[16][0-2])(?:0[1-9]|[12]\\d|3[01])\\d[A-Z9]{2}[0-9A-Z]{3}',
    score: 0.5,
    context: ['driving licence', 'driving license', 'dvla', 'driver number'],
    examples: { yes: ['MORGA753116SM9IJ'], no: ['MORGA793116SM9IJ'] },
  },
  {
    name: 'UK_PASSPORT',
    pattern: '[A-Z]{2}\\d{7}|\\d{9}',
    score: 0.1,
    context: ['uk passport', 'british passport', 'passport', 'hmpo'],
    examples: { yes: [], no: ['AB1234567'], named: ['AB1234567'] },
  },
  {
    // Without the three signs at its end, or in groups.
    name: 'MX_RFC',
    pattern: '[A-ZÑ&]{3,4}[ -]?\\d{6}(?:[ -]?[A-Z0-9]{3})?',
    score: 0.1,
    check: (c) =>
      isDay(
        pair(c, c.length - (/^.{3,4}\\d{6}$/.test(c) ? 4 : 7)),
        pair(c, c.length - (/^.{3,4}\\d{6}$/.test(c) ? 2 : 5)),
      ),
    context: ['rfc', 'registro federal'],
    examples: { yes: [], no: ['GODE 561231 GR8'], named: ['GODE 561231 GR8', 'GODE561231'] },
  },
  {
    name: 'CA_HEALTH_CARD',
    // Quebec; Ontario with the version of the card.
    pattern: '[A-Z]{4}[ -]?\\d{4}[ -]?\\d{4}|\\d{4}[- ]?\\d{3}[- ]?\\d{3}[- ]?[A-Z]{1,2}',
    score: 0.1,
    context: [
      'health card',
      'ohip',
      'ramq',
      'health number',
      'health insurance card',
      'carte santé',
      'assurance maladie',
    ],
    examples: { yes: [], no: ['TREM 8301 1518'], named: ['TREM 8301 1518', '1234-567-897-AB'] },
  },
  {
    name: 'UK_POSTCODE',
    pattern: '(?:GIR ?0AA|[A-Z]{1,2}\\d[A-Z0-9]? ?\\d[ABD-HJLNP-UW-Z]{2})',
    score: 0.1,
    context: ['postcode', 'post code', 'postal code'],
    examples: { yes: [], no: ['SW1A 1AA'], named: ['SW1A 1AA', 'GIR0AA'] },
  },
  {
    name: 'CA_POSTAL_CODE',
    pattern: '[ABCEGHJ-NPRSTVXY]\\d[A-Z][ -]?\\d[A-Z]\\d',
    score: 0.1,
    context: ['postal code', 'code postal'],
    examples: { yes: [], no: ['K1A 0B1'], named: ['K1A 0B1'] },
  },
  {
    name: 'NL_POSTCODE',
    pattern: '[1-9]\\d{3} ?[A-Z]{2}',
    score: 0.1,
    context: ['postcode'],
    examples: { yes: [], no: ['1012 AB'], named: ['1012 AB'] },
  },
  {
    name: 'UK_VEHICLE_REGISTRATION',
    pattern: '[A-Z]{2}\\d{2}[ -]?[A-Z]{3}|[A-Z]\\d{1,3}[ -]?[A-Z]{3}|[A-Z]{3}[ -]?\\d{1,3}[A-Z]',
    score: 0.1,
    context: ['number plate', 'numberplate', 'vehicle', 'registration', 'reg', 'licence plate'],
    examples: { yes: [], no: ['AB51 ABC'], named: ['AB51 ABC'] },
  },
  {
    name: 'VE_RIF',
    pattern: '[VEJPG]-?\\d{8}-?\\d',
    score: 0.3,
    check: (c) => {
      const first = { V: 4, E: 8, J: 12, P: 16, G: 20 }[c[0] ?? ''] ?? 0;
      return '00987654321'[(first + weighted(c.slice(1), [3, 2, 7, 6, 5, 4, 3, 2])) % 11] === c[9];
    },
    context: ['rif'],
    examples: { yes: [], no: ['V-11470283-4'], named: ['V-11470283-4'] },
  },
  {
    name: 'PT_CC',
    pattern: '\\d{8} ?\\d ?[A-Z0-9]{2}\\d',
    score: 0.1,
    context: ['cartão de cidadão', 'cartao de cidadao', 'cartão cidadão'],
    examples: { yes: [], no: ['00000000 0 ZZ4'], named: ['00000000 0 ZZ4'] },
  },
  {
    name: 'VAT_NUMBER',
    pattern:
      '(?:ATU\\d{8}|BE[01]\\d{9}|BG\\d{9,10}|CY\\d{8}[A-Z]|CZ\\d{8,10}|DK\\d{8}|EE\\d{9}|EL\\d{9}|ES[A-Z0-9]\\d{7}[A-Z0-9]|FI\\d{8}|FR[A-Z0-9]{2}\\d{9}|GB\\d{9}|HR\\d{11}|HU\\d{8}|IE\\d[A-Z0-9]\\d{5}[A-Z]{1,2}|IT\\d{11}|LT\\d{9}(?:\\d{3})?|LU\\d{8}|LV\\d{11}|MT\\d{8}|NL\\d{9}B\\d{2}|PL\\d{10}|PT\\d{9}|RO\\d{2,10}|SE\\d{12}|SI\\d{8}|SK\\d{10})',
    score: 0.2,
    context: ['vat', 'vat number', 'vat id', 'tva', 'iva', 'btw', 'moms', 'umsatzsteuer'],
    examples: { yes: [], no: ['NL123456789B01'], named: ['NL123456789B01'] },
  },
  {
    name: 'CN_USCC',
    pattern: '[1-9A-HJ-NPQRTUWXY][1239]\\d{6}[0-9A-HJ-NPQRTUWXY]{10}',
    score: 0.1,
    context: ['uscc', '统一社会信用代码', 'credit code'],
    examples: { yes: [], no: ['91110000600037341L'], named: ['91110000600037341L'] },
  },
  {
    name: 'LK_NIC',
    pattern: '\\d{9}[VX]',
    score: 0.3,
    context: ['nic', 'national identity card'],
    examples: { yes: [], no: ['901234567V'], named: ['901234567V'] },
  },
  {
    name: 'SWIFT_CODE',
    capitals: true,
    // ISO 9362: a bank's letters, its country's, then a place and a branch.
    pattern:
      '[A-Z]{4}(?:A[DEFGILMORSTUWXZ]|B[ABDEFGHIJLMNORSTWYZ]|C[ACDFGHIKLMNORUVWXYZ]|D[EJKMOZ]|E[CEGRST]|F[IJKMOR]|G[ABDEFGHILMNPQRTUWY]|H[KNRTU]|I[DELMNOQRST]|J[EMOP]|K[EGHIMNPRWYZ]|L[ABCIKRSTUVY]|M[ACDEGHKLMNOPQRSTUVWXYZ]|N[ACEFGILOPRUZ]|OM|P[AEFGHKLMNRSTWY]|QA|R[EOSUW]|S[ABCDEGHIJKLMNORSTVXYZ]|T[CDGHJKLMNORTVWZ]|U[AGSYZ]|V[ACEGINU]|W[FS]|XK|Y[ET]|Z[AMW])[A-Z0-9]{2}(?:[A-Z0-9]{3})?',
    score: 0.1,
    context: ['swift', 'bic', 'swift code'],
    examples: { yes: [], no: ['DEUTDEFF500'], named: ['DEUTDEFF500'] },
  },
  {
    name: 'MEDICAL_RECORD_NUMBER',
    pattern: `${registered}|\\d{6,12}`,
    score: 0.1,
    context: [
      'mrn',
      'medical record',
      'medical record number',
      'patient id',
      'patient number',
      'health id',
      'chart number',
    ],
    examples: { yes: [], no: ['HSP-1003212'], named: ['HSP-1003212', '10032124'] },
  },
  {
    name: 'HEALTH_INSURANCE_NUMBER',
    pattern: `${registered}|\\d{8,12}`,
    score: 0.1,
    context: [
      'member id',
      'health insurance',
      'health insurance number',
      'insurance id',
      'policy holder id',
      'subscriber id',
    ],
    examples: { yes: [], no: ['XEH12345678'], named: ['XEH12345678'] },
  },
  {
    name: 'EMPLOYEE_ID',
    pattern: 'EMP(?:L|LOYEE)?-?\\d{4,10}',
    score: 0.45,
    context: [],
    examples: { yes: ['EMP-2674412'], no: ['EMP-1', 'TEMP-2674412'] },
  },
  {
    name: 'MEDICAL_RECORD_NUMBER',
    pattern: 'MRN[-:]?\\d{5,12}',
    score: 0.6,
    context: [],
    examples: { yes: ['MRN-1003212'], no: ['MRN-1'] },
  },
  {
    name: 'EMPLOYEE_ID',
    pattern: registered,
    score: 0.1,
    context: ['employee id', 'employee number', 'staff id', 'badge number', 'personalnummer'],
    examples: { yes: [], no: ['W-26744'], named: ['W-26744'] },
  },
  {
    name: 'EMPLOYEE_ID',
    vague: true,
    pattern: '[A-Z]{0,3}\\d{5,10}',
    score: 0.05,
    context: ['employee id', 'employee number', 'staff id', 'badge number', 'personalnummer'],
    examples: { yes: [], no: ['314159'], named: ['E173142', '314159'] },
  },
  {
    name: 'NATIONAL_ID',
    vague: true,
    pattern: ofAnyRegister,
    score: 0.05,
    context: [
      'national id',
      'national identity',
      'national identification',
      'identity number',
      'personal identity',
      'personal identification',
      'personal id',
      'social security',
      'social insurance',
      'ssn',
      'tax id',
      'tax identification',
      'taxpayer',
      'citizen id',
      'id card',
      'identity card',
      'id number',
      'id no',
      'id nr',
      'identity no',
      'identity card no',
      'my id number',
      'his id number',
      'her id number',
      'vat id',
      'vat number',
    ],
    examples: {
      yes: [],
      no: ['TAX-700001449', '541124-6571', 'GB269 9102 29 374'],
      named: [
        'TAX-700001449',
        '541124-6571',
        '0339-0757938-3',
        'GB269 9102 29 374',
        'ZZ 61 23 10 T',
        'IE5400917e',
        'FINB150519QDH',
        '785 025 511',
      ],
    },
  },
  {
    name: 'PASSPORT',
    vague: true,
    pattern: [
      '\\d{7,9}[A-Z]{0,2}',
      '[A-Z]{1,3}[ -]?\\d{5,9}[A-Z]?',
      '\\d{2}[ -]?[A-Z]{2}[ -]?\\d{5}',
      '\\d{2} \\d{7}|\\d{2} \\d{2} \\d{6}',
      // Consonants and digits, of Germany; two letters, then both, then a digit, of the Netherlands.
      '[CFGHJKLMNPRTVWXYZ](?:[CFGHJKLMNPRTVWXYZ]{0,2}\\d)[CFGHJKLMNPRTVWXYZ0-9]{5,7}',
      '[A-Z]{2,4}\\d[A-Z0-9]{3,5}\\d',
      '[A-Z]{1,2}\\d[A-Z]{0,3}\\d[A-Z]{0,3}\\d[A-Z0-9]{2,6}',
    ].join('|'),
    score: 0.05,
    context: ['passport', 'passport number', 'travel document'],
    examples: {
      yes: [],
      no: ['C01X00T47', '12AB34567'],
      named: ['C01X00T47', '12AB34567', 'L8898902C3', 'NX1B2C3D4', 'EN 123456', '87654321'],
    },
  },
  {
    name: 'LICENSE_PLATE',
    // Groups of both, letters first, digits first, digits alone. Each says where its digits are: what only looks ahead for them
    // would make a candidate of every word.
    pattern: [
      '[A-Z]{1,3}-(?:[A-Z]{1,2}-)?\\d{1,5}(?: \\d{1,3}|-[A-Z0-9]{1,4})?',
      '(?:[A-Z]{1,3}\\d{1,4}|\\d{1,4}[A-Z]{0,2})-[A-Z0-9]{1,5}(?:-[A-Z0-9]{1,5})?',
      '(?:[A-Z]{1,3}\\d{1,3}|\\d{1,4}[A-Z]{0,2}) [A-Z]{0,2}\\d{1,4}[A-Z]{0,3}',
      `[A-Z]\\d{2,4}${plateLetter}{1,2}(?: \\d{2,3})?`,
      `\\d{1,4}[ -]?${plateLetter}{1,3}[ -]?\\d{2,6}`,
      `\\d{2,4}[ -]?${plateLetter}{2,3}(?: \\d{2,3})?`,
      `${plateLetter}{1,4}(?:[ -][A-Z]{1,2})?[ -]?\\d{1,6}[ -]?[A-Z]{0,3}\\d{0,4}`,
      '\\d{1,4}[A-Z]{1,4}\\d{0,3}',
      '\\d{5,7}',
    ].join('|'),
    score: 0.05,
    context: [
      'license plate',
      'licence plate',
      'plate number',
      'number plate',
      'vehicle registration',
      'plate$',
    ],
    examples: {
      yes: [],
      no: ['ABC-1234', '366 OPI', '77-356-43'],
      named: [
        'ABC-1234',
        'HE-N-94',
        '366 OPI',
        '1-JEV-938',
        '2E 75014',
        '902보6730',
        '0758ОМ 198',
        '77-356-43',
        '668759',
      ],
    },
  },
];

export const moreLetters: readonly PatternDetector[] = lettersOf(rows);

/** ICAO 9303, part 3, 4.9: weights 7, 3, 1. */
function icao(code: string): boolean {
  let sum = 0;
  for (let at = 0; at < code.length - 1; at++)
    sum += Number.parseInt(code[at] ?? '0', 36) * ([7, 3, 1][at % 3] ?? 0);
  return sum % 10 === Number(code.at(-1));
}
