import { luhn, uniform } from '../checks.ts';
import type { DigitsDetector, PatternDetector, Window } from '../detector.ts';

// Ranges of issuers and their lengths: Visa, Mastercard, Amex, Diners, Discover, JCB, UnionPay, Maestro; Mir, Troy,
// Elo, Hipercard, Dankort, Verve.
const issuers =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|220[0-4]\d{12,15}|9792\d{12}|(?:636368|636297|504175|606282|5019\d\d|506(?:099|1\d\d))\d{10}(?:\d{3})?|6500\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-59]|[689]\d)\d{11}|6(?:011|4[4-9]\d|5\d\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15})$/;
const shapes = new Set([
  '4-4-4-4',
  '4-6-5',
  '4-6-4',
  '4-4-4-4-3',
  '4-4-4-1',
  '4-4-5',
  '4-4-4-3',
  '4-4-4-2',
  '6-10',
  '8-8',
  '4-12',
  '6-13',
]);

/** As they are printed on cards. */
const printed = new Set(['4-4-4-4', '4-6-5', '4-6-4']);

export const card: DigitsDetector = {
  kind: 'digits',
  name: 'CREDIT_CARD',
  lengths: [12, 13, 14, 15, 16, 17, 18, 19],
  context: [
    'card',
    'credit',
    'debit',
    'visa',
    'mastercard',
    'amex',
    'cc',
    'pan',
    'ccnum',
    'cardnumber',
    'jcb',
    'diners',
    'paid with$',
    'pay with$',
    'charged to$',
    'billed to$',
  ],
  examples: {
    yes: [
      '4111111111111111',
      '4111 1111 1111 1111',
      '4111-1111.1111 1111',
      '3782 822463 10005',
      '5555555555554444',
      '6011-0009-9013-9424',
    ],
    no: [
      '4111111111111112',
      '0.4111111111111111',
      '1234 5678 9012 3456',
      '0000000000000000',
      '1732190400000',
    ],
  },
  judge,
};

function judge(window: Window): number {
  const { digits, shape, whole } = window;
  if (uniform(digits)) return 0;
  const bare = !shape.includes('-');
  // A postal code and what stands on the next line are no card; one that is broken over two lines keeps its groups.
  if (/[\r\n]/.test(window.raw) && !printed.has(shape)) return 0;
  // Three, seven and seven are the groups of orders.
  if (!bare && (!whole || shape === '3-7-7' || /[()+/]/.test(window.raw)) && !shapes.has(shape)) return 0;
  if (!issuers.test(digits) || !luhn(digits)) return bare || shapes.has(shape) ? -1 : 0;
  if (bare) {
    // The decimals of a fraction; a 13-digit number is a time in milliseconds far more often than an old Visa.
    if (/\d\.$/.test(window.before)) return 0;
    return digits.length < 14 || digits.length > 16 ? 0.2 : 0.8;
  }
  return shapes.has(shape) ? 1 : 0.6;
}

/** Between underscores, as in the names of files and fields. */
export const cardJoined: PatternDetector = {
  kind: 'pattern',
  name: 'CREDIT_CARD',
  context: card.context,
  pattern: /(?<![\w])\d{4}_(?:\d{4}_\d{4}_\d{4}|\d{6}_\d{5})(?![\w])/g,
  score: 0.8,
  looseInContext: true,
  check: (value) => {
    const digits = value.replaceAll('_', '');
    return !uniform(digits) && issuers.test(digits) && luhn(digits);
  },
  examples: {
    yes: ['4111_1111_1111_1111', '3782_822463_10005'],
    no: ['4111_1111_1111_1112', '1234_5678_9012_3456', '4111_1111_1111_1111_1', 'x4111_1111_1111_1111'],
  },
};

/** What the stripe of a card holds: `%B4…^NAME^…`, `4…D2512…`. */
export const cardTrack: PatternDetector = {
  kind: 'pattern',
  name: 'CREDIT_CARD',
  context: card.context,
  looseInContext: true,
  pattern: /(?<![A-Za-z0-9])(?:B\d{12,19}\^[^^\r\n]{2,26}\^\d{4,40}|\d{12,19}D\d{4,40}(?![A-Za-z0-9]))/g,
  score: 0.9,
  check: (value) => {
    const digits = /\d+/.exec(value)?.[0] ?? '';
    return !uniform(digits) && issuers.test(digits) && luhn(digits);
  },
  examples: {
    yes: ['B4111111111111111^LEE/ANN^25121010000012300000', '4111111111111111D2512201'],
    no: ['B4111111111111112^LEE/ANN^2512101', '1234567890123456D2512201'],
  },
};

const endings = ['ending in', 'ending with', 'ending', 'ends in', 'ends with'];

/** The last four digits, where the text says that they are: enough to tell whose card it is among a few. */
export const cardFragment: PatternDetector = {
  kind: 'pattern',
  name: 'CREDIT_CARD_FRAGMENT',
  pattern: /(?<![A-Za-z0-9])\d{4}(?![A-Za-z0-9])/g,
  score: 0.05,
  context: ['card', 'card number', 'visa', 'mastercard', 'amex'].flatMap((word) =>
    endings.map((ending) => `${word} ${ending}$`),
  ),
  examples: { yes: [], no: ['1234', 'year ending in 2025'] },
};
