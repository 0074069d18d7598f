import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stdnum } from 'stdnum';
import { scan } from '../scan.ts';

// What another implementation calls valid must be found by its check alone, in a column of the register's own name; and
// with one digit changed it is found all the same, as a value whose check is wrong.
const strict = 0.85;

interface Register {
  readonly entity: string;
  readonly country: string;
  readonly name: string;
  /** `#` a digit, `@` a letter, `y m d` the pairs of a date, anything else itself. */
  readonly shape: string;
}

function register(entity: string, country: string, name: string, shape: string): Register {
  return { entity, country, name, shape };
}

const registers: readonly Register[] = [
  register('AR_CUIT', 'AR', 'cuit', '20#########'),
  register('AT_SVNR', 'AT', 'vnr', '####dmy'),
  register('AU_ABN', 'AU', 'abn', '###########'),
  register('AU_ACN', 'AU', 'acn', '#########'),
  register('AU_TFN', 'AU', 'tfn', '#########'),
  register('BE_NATIONAL_NUMBER', 'BE', 'nn', 'ymd#####'),
  register('BG_EGN', 'BG', 'egn', 'ymd####'),
  register('BR_CNPJ', 'BR', 'cnpj', '##############'),
  register('BR_CPF', 'BR', 'cpf', '###########'),
  register('CA_SIN', 'CA', 'sin', '4########'),
  register('CH_AHV', 'CH', 'ssn', '756##########'),
  register('CL_RUT', 'CL', 'rut', '########-#'),
  register('CN_RESIDENT_ID', 'CN', 'ric', '11010519ymd####'),
  register('CO_NIT', 'CO', 'nit', '##########'),
  register('CZ_BIRTH_NUMBER', 'CZ', 'rc', 'ymd####'),
  register('DE_SOCIAL_SECURITY', 'DE', 'svnr', '##dmy@###'),
  register('DE_VAT_ID', 'DE', 'vat', 'DE#########'),
  register('DK_CPR', 'DK', 'cpr', 'dmy####'),
  register('DO_CEDULA', 'DO', 'cedula', '###########'),
  register('EC_CEDULA', 'EC', 'ci', '1#########'),
  register('EE_ISIKUKOOD', 'EE', 'ik', '3ymd####'),
  register('ES_CIF', 'ES', 'cif', 'A########'),
  register('ES_NIE', 'ES', 'nie', 'X#######@'),
  register('ES_NIF', 'ES', 'dni', '########@'),
  register('FI_PERSONAL_IDENTITY_CODE', 'FI', 'hetu', 'dmy-###@'),
  register('FR_NIR', 'FR', 'nir', '1ym##########'),
  register('FR_SIREN', 'FR', 'siren', '#########'),
  register('FR_SIRET', 'FR', 'siret', '##############'),
  register('FR_TAX_ID', 'FR', 'nif', '0############'),
  register('GR_AMKA', 'GR', 'amka', 'dmy#####'),
  register('GR_TIN', 'GR', 'vat', '#########'),
  register('HK_ID', 'HK', 'hkid', '@######(#)'),
  register('HR_OIB', 'HR', 'oib', '###########'),
  register('IE_PPS', 'IE', 'pps', '#######@'),
  register('IL_ID', 'IL', 'idnr', '#########'),
  register('IN_AADHAAR', 'IN', 'aadhaar', '############'),
  register('IS_KENNITALA', 'IS', 'kennitala', 'dmy####'),
  register('IT_VAT_CODE', 'IT', 'iva', '###########'),
  register('KR_BRN', 'KR', 'brn', '##########'),
  register('KR_RRN', 'KR', 'rrn', 'ymd1######'),
  register('LT_ASMENS_KODAS', 'LT', 'asmens', '3ymd####'),
  register('MX_CLABE', 'MX', 'clabe', '002###############'),
  register('MX_CURP', 'MX', 'curp', 'BOXWymdHNERXN0#'),
  register('MX_RFC', 'MX', 'rfc', 'GODEymdGR#'),
  register('MY_NRIC', 'MY', 'nric', 'ymd01####'),
  register('NL_BSN', 'NL', 'bsn', '#########'),
  register('NO_FODSELSNUMMER', 'NO', 'fodselsnummer', 'dmy#####'),
  register('NZ_IRD', 'NZ', 'ird', '#########'),
  register('PK_CNIC', 'PK', 'cnic', '#############'),
  register('PL_NIP', 'PL', 'nip', '##########'),
  register('PL_PESEL', 'PL', 'pesel', 'ymd#####'),
  register('PT_NIF', 'PT', 'nif', '#########'),
  register('RO_CNP', 'RO', 'cnp', '1ymd40####'),
  register('RS_JMBG', 'RS', 'jmbg', 'dm9##71####'),
  register('RU_INN', 'RU', 'inn', '############'),
  register('SE_ORGANISATIONSNUMMER', 'SE', 'orgnr', '556#######'),
  register('SE_PERSONNUMMER', 'SE', 'personnummer', 'ymd-####'),
  register('SG_UEN', 'SG', 'uen', '########@'),
  register('SI_EMSO', 'SI', 'emso', 'dm9##50####'),
  register('TH_TNIN', 'TH', 'idnr', '1############'),
  register('TR_NATIONAL_ID', 'TR', 'tckimlik', '###########'),
  register('TW_ID', 'TW', 'natid', '@1########'),
  register('UA_RNTRC', 'UA', 'rntrc', '##########'),
  register('UK_NINO', 'GB', 'nino', '@@######A'),
  register('UK_UTR', 'GB', 'utr', '##########'),
  register('US_EIN', 'US', 'ein', '##-#######'),
  register('US_SSN', 'US', 'ssn', '###-##-####'),
  register('UY_CI', 'UY', 'cedula', '########'),
  register('VE_RIF', 'VE', 'rif', 'V#########'),
  register('ZA_ID_NUMBER', 'ZA', 'idnr', 'ymd####08#'),
];

const names = new Map([
  ['LT_ASMENS_KODAS', 'EE_ISIKUKOOD'],
  ['SI_EMSO', 'RS_JMBG'],
]);

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function filled(shape: string, below: (most: number) => number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return shape.replaceAll(/[#@ymd]/g, (sign) => {
    if (sign === '#') return String(below(10));
    if (sign === '@') return String.fromCharCode(65 + below(26));
    if (sign === 'y') return two(50 + below(45));
    return two(1 + below(sign === 'm' ? 12 : 28));
  });
}

for (const { entity, country, name, shape } of registers) {
  test(`${entity} finds what ${country}.${name} calls valid, and what is mistyped`, () => {
    const validator = stdnum[country]?.[name];
    assert.ok(validator !== undefined, 'no such validator');
    const below = random(entity.length * 7_919 + name.length);
    const type = names.get(entity) ?? entity;
    const column = type.toLowerCase();
    let valid = 0;
    for (let round = 0; round < 60_000 && valid < 12; round++) {
      const value = filled(shape, below);
      if (!validator.validate(value).isValid) continue;
      valid++;
      const found = scan(value, { column });
      assert.deepEqual(
        found.map((each) => [each.type, each.start, each.end, each.score >= strict]),
        [[type, 0, value.length, true]],
        value,
      );
      const at = value.search(/\d(?=\D*$)/);
      const typo = value.slice(0, at) + String((Number(value[at]) + 1) % 10) + value.slice(at + 1);
      assert.equal(scan(typo, { column })[0]?.end, value.length, `mistyped ${typo}`);
    }
    assert.ok(valid >= 3, `only ${valid} valid values were made`);
  });
}
