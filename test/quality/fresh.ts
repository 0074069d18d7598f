import { allFakers, type Faker } from '@faker-js/faker';
import { stdnum } from 'stdnum';
import { partOf, type Labelled, type Part } from './corpora.ts';
import { birthFrames, frames, machineFrames, phoneFrames } from './fresh-frames.ts';
import { freshKinds, type FreshKind } from './fresh-kinds.ts';
import { phoneOf } from './fresh-phones.ts';
import { secrets } from './fresh-secrets.ts';
import { verhoeff } from '../../src/mask/checks.ts';
import { seeded, type Below } from './made.ts';

// Texts that no other source of this folder has: values by other makers (@faker-js/faker, the numbering plans, stdnum) in
// sentences, forms, logs and documents of 40 languages. What is put together on one side of the split (the sentence, the
// word for the value, the way to write it) is never used on the other.

export interface Fresh extends Labelled {
  /** Types that are as good as the label's. */
  readonly also: readonly string[];
}

/** What of a list one side of the split has; a list of one is everybody's. */
function sideOf<T extends string>(list: readonly T[], part: Part): readonly T[] {
  if (list.length < 2) return list;
  const own = list.filter((each) => partOf(each) === part);
  return own.length > 0 ? own : list.filter((_, at) => (at % 2 === 0) === (part === 'dev'));
}

export function fresh(part: Part, each: number): readonly Fresh[] {
  const below = seeded(part === 'dev' ? 1_013 : 2_027);
  const makers = makersOf(part, below);
  return [
    ...freshKinds.flatMap((kind) => numbersOf(kind, { part, each, below })),
    ...phonesOf({ part, each: each * 40, below }),
    ...alone({ part, each: each * 3, below }, makers),
    ...birthsOf({ part, each: each * 6, below }),
  ];
}

interface Wanted {
  readonly part: Part;
  readonly each: number;
  readonly below: Below;
}

function pick<T>(list: readonly T[], below: Below): T {
  const one = list[below(list.length)];
  if (one === undefined) throw new RangeError('Nothing to pick from');
  return one;
}

function numbersOf(kind: FreshKind, { part, each, below }: Wanted): readonly Fresh[] {
  const languages = Object.keys(kind.words);
  return Array.from({ length: each }, (_, round): Fresh => {
    const value = valueOf(kind, below);
    const column = pick(sideOf(kind.columns, part), below);
    if (round % 5 === 4) return text('{}', { type: kind.type, also: kind.also, values: [value], column });
    if (round % 5 === 3) {
      const frame = pick(sideOf(machineFrames, part), below).replaceAll('{c}', column);
      return text(frame, { type: kind.type, also: kind.also, values: [value] });
    }
    const language = pick(languages, below);
    const word = pick(sideOf(kind.words[language] ?? [], part), below);
    const frame = pick(sideOf(frames[language] ?? [], part), below).replaceAll('{w}', word);
    return text(frame, { type: kind.type, also: kind.also, values: [value] });
  });
}

function phonesOf({ part, each, below }: Wanted): readonly Fresh[] {
  const own = sideOf(phoneFrames, part);
  return Array.from({ length: each }, (_, round): Fresh => {
    const values = [phoneOf(part, below), phoneOf(part, below)];
    if (round % 8 === 7) {
      const column = pick(
        sideOf(
          [
            'phone',
            'mobile',
            'tel',
            'fax_number',
            'contact_phone',
            'phoneNumber',
            'cell',
            'telefono',
            'telefon',
            'gsm',
            'customer_msisdn',
          ],
          part,
        ),
        below,
      );
      return text('{}', { type: 'PHONE_NUMBER', also: [], values, column });
    }
    return text(pick(own, below), { type: 'PHONE_NUMBER', also: [], values });
  });
}

type Maker = readonly [type: string, make: () => string];

function alone({ part, each, below }: Wanted, makers: readonly Maker[]): readonly Fresh[] {
  const own = sideOf(
    [
      '{}',
      'see {} for details',
      'found {} in the log',
      'please use {} from now on',
      '{"v":"{}"}',
      'value={} ok',
      'Wir haben {} notiert.',
      'veuillez noter {} dans le dossier',
      'id,v\n17,{}',
      'it was {}, I think',
      'The old one ({}) is gone.',
      '2026-02-03T10:11:12Z INFO x: {}',
      '- {}',
      'a {} b',
      '{} is the one',
      '他说是 {} 吧',
    ],
    part,
  );
  return makers.flatMap(([type, make]) =>
    Array.from({ length: each }, () =>
      text(pick(own, below), { type, also: type === 'URL' ? ['API_KEY'] : [], values: [make(), make()] }),
    ),
  );
}

function birthsOf({ part, each, below }: Wanted): readonly Fresh[] {
  const own = sideOf(birthFrames, part);
  return Array.from({ length: each }, () => {
    const day = 1 + below(28);
    const month = 1 + below(12);
    const year = 1940 + below(70);
    const two = (value: number): string => String(value).padStart(2, '0');
    const name = (language: string, form: 'long' | 'short'): string =>
      new Intl.DateTimeFormat(language, { month: form }).format(new Date(Date.UTC(2020, month - 1, 15)));
    const forms = [
      `${year}-${two(month)}-${two(day)}`,
      `${two(day)}/${two(month)}/${year}`,
      `${month}/${day}/${year}`,
      `${two(day)}.${two(month)}.${year}`,
      `${two(month)}/${two(day)}/${String(year).slice(2)}`,
      `${name('en', 'long')} ${day}, ${year}`,
      `${day} ${name('en', 'short')} ${year}`,
      `${day}. ${name('de', 'long')} ${year}`,
      `${day} ${name('fr', 'long')} ${year}`,
      `${day} de ${name('es', 'long')} de ${year}`,
      `${day} ${name('it', 'long')} ${year}`,
      `${day} de ${name('pt', 'long')} de ${year}`,
      `${day} ${name('nl', 'long')} ${year}`,
      `${day} ${name('sv', 'long')} ${year}`,
      `${two(day)}-${two(month)}-${year}`,
      `${year}/${two(month)}/${two(day)}`,
      `${year}年${month}月${day}日`,
      `${year}${two(month)}${two(day)}`,
      `${day}-${name('en', 'short')}-${year}`,
      `${day}${day === 1 ? 'st' : 'th'} of ${name('en', 'long')} ${year}`,
    ];
    return text(pick(own, below), {
      type: 'DATE_TIME',
      also: [],
      values: [pick(forms, below)],
    });
  });
}

function text(
  frame: string,
  {
    type,
    also,
    values,
    column,
  }: {
    readonly type: string;
    readonly also: readonly string[];
    readonly values: readonly string[];
    readonly column?: string;
  },
): Fresh {
  const gold: { type: string; start: number; end: number }[] = [];
  let out = '';
  let rest = frame;
  for (let at = rest.indexOf('{}'); at >= 0; at = rest.indexOf('{}')) {
    out += rest.slice(0, at);
    const value = values[gold.length % values.length] ?? '';
    gold.push({ type, start: out.length, end: out.length + value.length });
    out += value;
    rest = rest.slice(at + 2);
  }
  return { text: out + rest, gold, also, group: frame, ...(column === undefined ? {} : { column }) };
}

function fillShape(shape: string, below: Below): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return shape.replaceAll(/[#@ymd]/g, (sign) => {
    if (sign === '#') return String(below(10));
    if (sign === '@') return String.fromCharCode(65 + below(26));
    if (sign === 'y') return two(45 + below(50));
    return two(1 + below(sign === 'm' ? 12 : 28));
  });
}

function nhs(value: string): boolean {
  const digits = Array.from(value.replaceAll(/\D/g, ''), Number);
  const sum = digits.slice(0, 9).reduce((total, digit, at) => total + digit * (10 - at), 0);
  return (11 - (sum % 11)) % 11 === digits[9];
}

/** A value of a kind, valid where there is a validator of others for it; a shape that it does not take is not used. */
function valueOf(kind: FreshKind, below: Below): string {
  if (kind.valid === undefined) return fillShape(pick(kind.shapes, below), below);
  const [country, name] = kind.valid;
  const validator = stdnum[country]?.[name];
  const isValid = (value: string): boolean =>
    country === 'XX'
      ? name === 'nhs'
        ? nhs(value)
        : verhoeff(value)
      : validator?.validate(value).isValid === true;
  const from = below(kind.shapes.length);
  for (const at of kind.shapes.keys()) {
    const shape = kind.shapes[(from + at) % kind.shapes.length] ?? '';
    if (untaken.has(`${kind.type} ${shape}`)) continue;
    for (let round = 0; round < 20_000; round++) {
      const value = fillShape(shape, below);
      if (isValid(value)) return value;
    }
    untaken.add(`${kind.type} ${shape}`);
  }
  throw new Error(`No valid ${kind.type} could be made`);
}

const untaken: Set<string> = new Set();

/** Values that are found by themselves. */
function makersOf(part: Part, below: Below): readonly Maker[] {
  const locales = sideOf(Object.keys(allFakers), part);
  const fakers: readonly Faker[] = Object.entries(allFakers).flatMap(([name, faker]) =>
    locales.includes(name) && name !== 'base' && name !== 'dv' ? [faker] : [],
  );
  for (const [at, faker] of fakers.entries()) faker.seed(at + (part === 'dev' ? 1 : 5_000));
  const some = (): Faker => pick(fakers, below);
  const grouped = (digits: string): string => {
    const sign = pick([' ', '-', '.', '', '  '], below);
    const groups = digits.length === 15 ? [4, 6, 5] : digits.length === 14 ? [4, 6, 4] : [4, 4, 4, 4];
    let at = 0;
    return groups.map((size) => digits.slice(at, (at += size))).join(sign);
  };
  const cards = ['visa', 'mastercard', 'american_express', 'discover', 'jcb', 'diners_club'];
  const iban = (): string => {
    const compact = some().finance.iban();
    const spaced = compact.replaceAll(/(.{4})(?=.)/g, '$1 ');
    return pick(
      [
        compact,
        spaced,
        spaced.replaceAll(' ', '-'),
        compact.toLowerCase(),
        `${compact.slice(0, 2)} ${compact.slice(2)}`,
        spaced,
      ],
      below,
    );
  };
  return [
    [
      'CREDIT_CARD',
      () =>
        grouped(
          some()
            .finance.creditCardNumber({ issuer: pick(cards, below) })
            .replaceAll(/\D/g, '')
            .slice(0, 16),
        ),
    ],
    ['IBAN_CODE', iban],
    ['EMAIL_ADDRESS', () => some().internet.email()],
    ['EMAIL_ADDRESS', () => some().internet.exampleEmail({ allowSpecialCharacters: true })],
    ['IP_ADDRESS', () => some().internet.ipv4()],
    ['IP_ADDRESS', () => some().internet.ipv6()],
    ['MAC_ADDRESS', () => some().internet.mac(pick([':', '-'], below))],
    ['URL', () => some().internet.url()],
    [
      'URL',
      () =>
        `https://${some().internet.username()}:${below(99_999)}pw@${some().internet.domainName()}/p?q=${below(99)}`,
    ],
    [
      'URL',
      () =>
        `${pick(['postgres', 'mysql', 'mongodb+srv', 'redis', 'amqp'], below)}://app:${some().string.alphanumeric(12)}@db.${some().internet.domainName()}:5432/main`,
    ],
    ['CRYPTO', () => `0x${some().string.hexadecimal({ length: 40, prefix: '' })}`],
    ['JWT', () => some().internet.jwt()],
    ...secrets.map(([type, make]): Maker => [type, () => make(some(), below)]),
  ];
}
