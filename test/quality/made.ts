import { stdnum } from 'stdnum';
import type { Labelled } from './corpora.ts';
import { partOf, type Part } from './corpora.ts';

/** A generator of numbers below `most`, the same ones for the same seed. */
export type Below = (most: number) => number;

export function seeded(seed: number): Below {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
}

interface Kind {
  readonly type: string;
  /** What people call it, in a text and as a column. */
  readonly words: readonly string[];
  readonly columns: readonly string[];
  /** `#` a digit, `@` a letter, `y m d` the pairs of a date. */
  readonly shapes: readonly string[];
  readonly valid?: readonly [country: string, name: string];
}

const kinds: readonly Kind[] = [
  kind('US_SSN', 'SSN|social security number', 'ssn|customer_ssn', '219-09-####|457-55-####'),
  kind('CA_SIN', 'SIN|social insurance number', 'sin', '4## ### ###|4######## ~ CA.sin'),
  kind('UK_NINO', 'NINO|national insurance number', 'nino|ni_number', 'AB ## ## ## C|JG######A ~ GB.nino'),
  kind('DE_TAX_ID', 'Steuer-ID|Steueridentifikationsnummer', 'steuer_id|steuerId', '########### ~ DE.idnr'),
  kind('FR_NIR', 'NIR|numéro de sécurité sociale', 'nir', '1ym########## ~ FR.nir'),
  kind('IT_FISCAL_CODE', 'codice fiscale', 'codice_fiscale', 'RCCMNL83S18D969H|MRTMTT91D08F205J'),
  kind('ES_NIF', 'DNI|NIF', 'dni|nif', '########@ ~ ES.dni'),
  kind('ES_NIE', 'NIE', 'nie', 'X#######@|Y#######@ ~ ES.nie'),
  kind('PT_NIF', 'contribuinte', 'contribuinte', '2######## ~ PT.nif'),
  kind('NL_BSN', 'BSN|burgerservicenummer', 'bsn', '######### ~ NL.bsn'),
  kind('BE_NATIONAL_NUMBER', 'rijksregisternummer', 'rijksregisternummer', 'ymd##### ~ BE.nn'),
  kind('PL_PESEL', 'PESEL|numer PESEL', 'pesel', 'ymd##### ~ PL.pesel'),
  kind('CZ_BIRTH_NUMBER', 'rodné číslo', 'rodne_cislo', 'ymd####|ymd/#### ~ CZ.rc'),
  kind('RO_CNP', 'CNP', 'cnp', '1ymd40#### ~ RO.cnp'),
  kind('BG_EGN', 'EGN', 'egn', 'ymd#### ~ BG.egn'),
  kind('HR_OIB', 'OIB', 'oib', '########### ~ HR.oib'),
  kind('SE_PERSONNUMMER', 'personnummer', 'personnummer', 'ymd-#### ~ SE.personnummer'),
  kind('NO_FODSELSNUMMER', 'fødselsnummer', 'fodselsnummer', 'dmy##### ~ NO.fodselsnummer'),
  kind('DK_CPR', 'CPR|CPR-nummer', 'cpr', 'dmy-####|dmy#### ~ DK.cpr'),
  kind('FI_PERSONAL_IDENTITY_CODE', 'henkilötunnus|HETU', 'hetu', 'dmy-###@ ~ FI.hetu'),
  kind('EE_ISIKUKOOD', 'isikukood', 'isikukood', '3ymd#### ~ EE.ik'),
  kind('CH_AHV', 'AHV-Nummer|AHV', 'ahv', '756.####.####.##|756########## ~ CH.ssn'),
  kind('AT_SVNR', 'SVNR|Sozialversicherungsnummer', 'svnr', '####dmy ~ AT.vnr'),
  kind('GR_AMKA', 'AMKA', 'amka', 'dmy##### ~ GR.amka'),
  kind('TR_NATIONAL_ID', 'TC Kimlik No|TCKN', 'tckn', '########### ~ TR.tckimlik'),
  kind('RU_SNILS', 'СНИЛС|SNILS', 'snils', '112-233-445 95|087-654-303 00'),
  kind('UA_RNTRC', 'РНОКПП', 'rntrc', '########## ~ UA.rntrc'),
  kind('IL_ID', 'teudat zehut', 'teudat_zehut', '######### ~ IL.idnr'),
  kind('ZA_ID_NUMBER', 'South African ID', 'za_id', 'ymd####08# ~ ZA.idnr'),
  kind('IN_AADHAAR', 'Aadhaar|Aadhaar number', 'aadhaar', '#### #### ####|############ ~ IN.aadhaar'),
  kind('IN_PAN', 'PAN|permanent account number', 'pan', 'ABCPE####F|AAAPL####C'),
  kind('CN_RESIDENT_ID', '身份证号', 'resident_id', '11010519ymd#### ~ CN.ric'),
  kind('TW_ID', '身分證', 'taiwan_id', '@1######## ~ TW.natid'),
  kind('HK_ID', 'HKID', 'hkid', '@######(#) ~ HK.hkid'),
  kind('KR_RRN', '주민등록번호', 'rrn', 'ymd-1###### ~ KR.rrn'),
  kind('TH_TNIN', 'เลขประจำตัวประชาชน|Thai ID', 'thai_id', '1############ ~ TH.idnr'),
  kind('MY_NRIC', 'MyKad|NRIC', 'mykad', 'ymd-01-#### ~ MY.nric'),
  kind('PK_CNIC', 'CNIC', 'cnic', '34201-#######-# ~ PK.cnic'),
  kind('AU_TFN', 'TFN|tax file number', 'tfn', '### ### ###|######### ~ AU.tfn'),
  kind('AU_MEDICARE', 'Medicare number', 'medicare', '2123 45670 1|2123456701'),
  kind('NZ_IRD', 'IRD number', 'ird', '###-###-### ~ NZ.ird'),
  kind('BR_CPF', 'CPF', 'cpf', '###.###.###-##|########### ~ BR.cpf'),
  kind('AR_CUIT', 'CUIT|CUIL', 'cuit', '20-########-# ~ AR.cuit'),
  kind('CL_RUT', 'RUT', 'rut', '########-# ~ CL.rut'),
  kind('MX_CURP', 'CURP', 'curp', 'BOXWymdHNERXN0# ~ MX.curp'),
  kind('EC_CEDULA', 'cédula', 'ec_cedula', '1######### ~ EC.ci'),
  kind('UK_NHS', 'NHS number', 'nhs_number', '943 476 5919|401 023 2137'),
  kind('US_NPI', 'NPI', 'npi', '1245319599'),
  kind('IMEI', 'IMEI', 'imei', '490154203237518'),
  kind('VIN', 'VIN|chassis number', 'vin', '1M8GDM9AXKP042788|11111111111111111'),
  kind(
    'CRYPTO',
    'wallet|bitcoin address',
    'wallet',
    '16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ|0x52908400098527886E0F7030069857D2E4169EE7',
  ),
  kind('MAC_ADDRESS', 'MAC|device', 'mac', '00:1A:##:3C:4D:5E|00-1a-##-3c-4d-5e'),
  kind('IP_ADDRESS', 'from|client', 'ip', '10.2#.6.1##|2001:db8::8a2e:#70:7334'),
  kind('EMAIL_ADDRESS', 'mail|contact', 'email', 'ann.lee##@example.com|j_m+x#@mail.example.co.uk'),
  kind(
    'PHONE_NUMBER',
    'phone|mobile',
    'phone',
    '+1 415 555 01##|(415) 555-01##|+44 20 7946 09##|+49 30 901820##|+33 1 42 68 53 ##|+91 98765 432##|+81 3-1234-56##',
  ),
  kind(
    'CREDIT_CARD',
    'card|card number',
    'card_number',
    '4111 1111 1111 1111|5555555555554444|378282246310005|6011-0009-9013-9424',
  ),
  kind(
    'IBAN_CODE',
    'IBAN|bank account',
    'iban',
    'DE89370400440532013000|GB29 NWBK 6016 1331 9268 19|FR1420041010050500013M02606|NL91ABNA0417164300',
  ),
  kind('URL', 'see|visit', 'url', 'https://www.example.com/a?b=#|http://intranet.example.org/x/##'),
];

/** `shapes` can name the validator that its values must pass: `### ~ FR.nir`. */
function kind(type: string, words: string, columns: string, shapesAndValidator: string): Kind {
  const [shapes = '', valid] = shapesAndValidator.split(' ~ ');
  const [country, name] = valid?.split('.') ?? [];
  const list = (text: string): readonly string[] => text.split('|');
  const base = { type, words: list(words), columns: list(columns), shapes: list(shapes) };
  return country === undefined || name === undefined ? base : { ...base, valid: [country, name] };
}

// `{}` the value, `{w}` its word, `{c}` its column. Each stands on one side of the split.
const templates: readonly string[] = [
  '{w}: {}',
  'The {w} is {} and it has not changed since 2019.',
  'Her {w} {} was checked by two people.',
  'level=info msg="lookup done" {c}={} took=12ms status=200',
  '2026-03-04T10:11:12.345Z INFO worker-3 {c}: {} accepted in 0.35 s',
  '{"id":17,"{c}":"{}","active":true,"total":1249.50}',
  'Please confirm {w} {} before Friday (order ORD-20391).',
  '{w} = {}; plan = basic; seats = 25',
  'We could not verify the {w} ({}) that you gave us in room 12.',
  '<customer><{c}>{}</{c}><tier>gold</tier></customer>',
  '17,gold,"{c}: {}",2026-01-05',
  '[warn] retry 3/5 for {c} {} after timeout 3000',
];

/** Numbers of many countries in sentences, log lines, documents and cells, with their labels. */
export function made(part: Part, each: number): readonly Labelled[] {
  const below = seeded(part === 'dev' ? 11 : 23);
  const own = templates.filter((template) => partOf(template) === part);
  const texts: Labelled[] = [];
  for (const kind of kinds) {
    for (let round = 0; round < each; round++) {
      const value = valueOf(kind, below);
      const column = kind.columns[below(kind.columns.length)] ?? '';
      const word = kind.words[below(kind.words.length)] ?? '';
      if (round % 4 === 3) {
        const gold = [{ type: kind.type, start: 0, end: value.length }];
        texts.push({ text: value, column, gold, group: 'cell' });
        continue;
      }
      const template = own[below(own.length)] ?? '';
      const frame = template.replaceAll('{w}', word).replaceAll('{c}', column);
      const start = frame.indexOf('{}');
      const text = frame.slice(0, start) + value + frame.slice(start + 2);
      texts.push({ text, gold: [{ type: kind.type, start, end: start + value.length }], group: template });
    }
  }
  return texts;
}

function valueOf(kind: Kind, below: Below): string {
  const shape = kind.shapes[below(kind.shapes.length)] ?? '';
  if (kind.valid === undefined) return filled(shape, below);
  const validator = stdnum[kind.valid[0]]?.[kind.valid[1]];
  if (validator === undefined) throw new Error(`No validator for ${kind.type}`);
  for (let round = 0; round < 100_000; round++) {
    const value = filled(shape, below);
    if (validator.validate(value).isValid) return value;
  }
  throw new Error(`No valid ${kind.type} could be made`);
}

function filled(shape: string, below: Below): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const dated = /[ymd]{2,3}/.test(shape) && !shape.includes('@example');
  return shape.replaceAll(dated ? /[#@ymd]/g : /[#@](?!example|mail)/g, (sign) => {
    if (sign === '#') return String(below(10));
    if (sign === '@') return String.fromCharCode(65 + below(26));
    if (sign === 'y') return two(50 + below(45));
    return two(1 + below(sign === 'm' ? 12 : 28));
  });
}

/** One clean value of a business's tables: order ids, stock numbers, UUIDs, times, hashes, versions, amounts. */
export function businessCell(below: Below): string {
  const digits = (count: number): string => Array.from({ length: count }, () => below(10)).join('');
  const hex = (count: number): string => Array.from({ length: count }, () => below(16).toString(16)).join('');
  const two = (most: number): string => String(1 + below(most)).padStart(2, '0');
  const date = `20${10 + below(20)}-${two(12)}-${two(28)}`;
  const time = `${two(23)}:${two(59)}:${two(59)}`;
  const makers: readonly (() => string)[] = [
    () => `ORD-${digits(8)}`,
    () => `INV-20${10 + below(20)}-${digits(6)}`,
    () => `SKU-${digits(4)}-${'ABCXYZ'[below(6)] ?? ''}`,
    () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    () => hex(40),
    () => hex(64),
    () => hex(7),
    () => `${date} ${time}.${digits(6)}+00`,
    () => `${date}T${time}Z`,
    () => date,
    () => `1.${below(30)}.${below(99)}`,
    () => `v${below(9)}.${below(9)}.${below(9)}-rc.${below(9)}`,
    () => `17${digits(8)}`,
    () => `17${digits(11)}`,
    () => digits(18),
    () => digits(9),
    () => digits(10),
    () => digits(12),
    () => `${digits(3)}.${digits(2)}`,
    () => `-${digits(5)}.${digits(4)}`,
    () => `PO${digits(7)}`,
    () => `TRK${digits(12)}`,
    () => `${hex(2).toUpperCase()}-${digits(5)}/${digits(2)}`,
    () => `Shipped ${below(90)} of ${below(900)} boxes on ${date}`,
    () => `#${digits(6)} refunded, see ticket ${digits(5)}`,
    () => `${below(100)}% of 4x${digits(3)} mm, lot ${digits(6)}`,
    () => `user_${digits(6)}`,
    () => `eu-west-${below(3)}a/i-${hex(17)}`,
    () => `sha256:${hex(64)}`,
    () => `build-${digits(4)}.${digits(3)}`,
  ];
  return makers[below(makers.length)]?.() ?? '';
}
