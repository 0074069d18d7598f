import type { DigitsDetector, Window } from '../detector.ts';
import { isInternational, isNational, isWrittenIn, isWrittenWithCode } from './plans.ts';

/** Where a number written without its country code may be from. */
const regions: readonly string[] =
  'US GB DE FR IT ES NL IN AU BR IL CH SE PH TR PL JP KR CN MX ZA DK NO FI BE AT PT NZ HU CZ'.split(' ');
/** The same for a number in the midst of words, grouped as people write it there. */
const more: readonly string[] = [
  ...regions,
  ...'IE CA RU UA GR RO AR CL CO SG HK MY ID TH VN SK SI HR BG LT LV EE IS LU CY MT EG MA TN NG KE SA AE PK BD LK PE UY EC VE TW'.split(
    ' ',
  ),
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
    'my number$',
    'your number$',
    'his number$',
    'her number$',
    'their number$',
    'our number$',
    'new number',
    'number to',
    'text me',
    'contact me',
    'dialed',
    'dialled',
    'office$',
    'work$',
    'home$',
    'direct$',
    'direct line',
    'landline',
    'voicemail',
    'switchboard',
    'callback',
    'call back',
    'get through',
    'ph$',
    'gsm',
    'pager',
    'festnetz',
    'dial in',
    'dialing',
    'dialling',
    'phone line',
    'busy',
    'picks up',
    'pick up',
    'wrong number',
    'text$',
    'texted$',
    'message to$',
    'messages to$',
    'through to$',
    'up at$',
    'me at$',
    'me on$',
    'him at$',
    'him on$',
    'her at$',
    'her on$',
    'us at$',
    'us on$',
    'you at$',
    'you on$',
    'them at$',
    'them on$',
    'someone at$',
    'someone on$',
    'emergency contact',
    'kontakt$',
    'contacto$',
    'contatto$',
    'contato$',
    'erreichen',
    'erreichbar',
    'anrufen',
    'rufen',
    'appeler',
    'appelez',
    'joindre',
    'llamar',
    'llame',
    'llámame',
    'chiamare',
    'chiama',
    'ligue',
    'ligar',
    'bellen',
    'ringen',
    'zadzwoń',
    'тел',
    'звоните',
    'телефон',
    '電話',
    '电话',
    '전화',
    'هاتف',
    'फ़ोन',
  ],
  lead: true,
  alone: (shape) => shape.includes('-'),
  amongWords: (shape) => /^(?:9|1[0-7])$/.test(shape),
  trail:
    /[ \t,;]{0,2}(?:x|extn?\.?|extension|int\.|interno|poste|durchwahl|dw|ramal|anexo|toestel|wewn\.?|linka|klapka|mellék|dahili|anknytning|lokal|доб\.?|#)[ \t.:=#]{0,2}\d{1,6}(?![\w])/iy,
  examples: {
    yes: [
      '8 (912) 346-57-52',
      '044/668 18 00',
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
  most: 0.85,
};

/** Behind the number, after a blank, in brackets or after a dash; `Fax:` is the label of the next one. */
const labelled =
  /^(?:[ \t]{1,2}\(?|-)(?:office|work|home|mobile|cell|fax|tel|phone|landline|pager|mobil|handy|festnetz|büro|bureau|domicile|portable|móvil|celular|oficina|ufficio|cellulare|mobiel|kantoor|моб|раб|дом)(?![\p{L}]|\.?[ \t]?[:=])/iu;

/** The letter before a number below a letter: `T: …`, `| M …`; somewhere before it stands a word. */
const signed =
  /\p{L}{2,}[^]*(?:[\n|•·;,(][ \t]*|[ \t]{2})(?:[TFMPCHWOD]|Ph|Tf|Fx)(?:[ \t]?[.:][ \t]?|[ \t])$/u;

/** What would be an address of a machine without its label. */
const dotted = /^\d+(?:\.\d+){3}$/;

/** Six digits: not `1249.50`, which is an amount. */
const short = /^(?:\(\d+\) ?)?\d+(?:[ -]\d+)*$|^\d\d\.\d\d\.\d\d$/;

/** Nothing between it and the number. */
const told =
  /(?:phone|tel|telephone|telefon|telefono|teléfono|téléphone|telefone|telefoon|fax|mobile|mobil|gsm|cell|whatsapp|puhelin|тел|телефон|電話|电话|電話番号|携帯電話|전화|전화번호|هاتف|טלפון|โทรศัพท์|फ़ोन|टेलीफोन)(?:[ _]?(?:number|nummer|no|nr|num))?[\s.:=#"'|>*-]{0,6}$/iu;

/** Of EDI: what numbers goods, before an article's number (X12) or behind it (EDIFACT). */
const articled = /(?<![A-Z])(?:UP|UK|UI|EN|VN|BP|SK|IN|PO|CN|VP|MG|BM|ON)\*$/;
const article = /^:(?:EN|UP|SRV|IB|BP|SA|IN)(?![A-Za-z])/;

function judge(window: Window): number {
  const { raw, shape, digits, before, after } = window;
  if (article.test(after) || (before.endsWith('*') && articled.test(window.left))) return 0;
  if (/^[-./]?\d/.test(after) || /\d[-./]?$/.test(before)) return 0;
  // Over two lines stand two numbers of a list, or one where words say so.
  if (/[\r\n]/.test(raw)) return -1;
  const first = raw[0];
  // Postal codes of the United States and of Brazil.
  if (/^\d{5}-\d{3,4}$/.test(raw) && !labelled.test(after)) return 0;
  if (digits.length < 7 || digits.length > 15) {
    // What is this short or long is a telephone's only with a label behind it, in context, or by its international prefix.
    if (digits.length > 15 && !digits.startsWith('00')) return 0;
    // Those of a small place, right behind what says so.
    if (shape === '6' && (window.named || told.test(window.left))) return -1;
    // `1249.50` is an amount.
    if (!shape.includes('-') || (digits.length < 7 && !short.test(raw))) return 0;
    if (!labelled.test(after)) return -1;
  }
  // `322 327 102 office`: a list of somebody's numbers.
  // `Chrome/126.8.10.13 Mobile Safari` names no telephone.
  if (dotted.test(raw) && before.endsWith('/')) return 0;
  if (labelled.test(after) && (shape.includes('-') || (digits.length >= 9 && digits.length <= 14)))
    return /^\d\d?\d?[./-]\d\d?[./-]\d{4}$/.test(raw) ? -1 : dotted.test(raw) ? 0.99 : 0.6;
  if (first === '+' || raw.startsWith('(+')) return international(window);
  if (/[\p{L}\d][-_/]$/u.test(before)) return shape.includes('-') || digits.length >= 10 ? -1 : 0;
  if (raw.startsWith('00') && !digits.startsWith('000') && digits.length >= 10 && shape.includes('-')) {
    return american.has(shape) || confirmed(window, `+${digits.slice(2)}`) ? 0.7 : -1;
  }
  if (first === '(') return digits.length <= 13 && /^\(\d{1,5}\)/.test(raw) ? 0.7 : -1;
  if (signed.test(window.left) && digits.length >= 8 && !dotted.test(raw)) return 0.6;
  if (!shape.includes('-')) {
    if (isAmongWords(window) && isBare(window)) return 0.45;
    return digits.length >= 7 ? -1 : 0;
  }
  // Days; no year begins with a zero.
  if (/^(?:4-2-2|2-2-4|1-2-4|2-1-4|1-1-4)$/.test(shape) && !(shape === '4-2-2' && first === '0'))
    return shape === '2-2-4' && !/(?:1[89]|20)\d\d$/.test(raw) ? -1 : 0;
  if (american.has(shape) && !raw.includes('/')) return 0.75;
  if (shape === '1-3-3-2-2' && first === '8') return 0.75;
  if (digits.startsWith('0') && digits[1] !== '0' && digits.length >= 8 && digits.length <= 12) {
    // `01234.5678` is a fraction, `0.3.2215` a version, `05.165 30.030` two measures.
    if (groupsOf(shape) > 6 || /[/]/.test(raw.slice(7)) || /^\d+\.\d+$|^0[./]|^\d{5}-\d{5}$/.test(raw))
      return -1;
    if (/^-[Xx]/.test(after)) return -1;
    if (!isEven(raw) || shape.endsWith('-1') || numbered.test(window.left)) return -1;
    return national(window) ? 0.6 : -1;
  }
  // `61 23 45 67`, `612 34 56 78`: without any leading sign the groups must be no thousands and the number somebody's.
  const even =
    window.whole && digits.length >= 8 && digits.length <= 11 && /^\d+(?:([ -])\d+)(?:\1\d+)+$/.test(raw);
  // Three groups with dashes are an order's or a part's number far more often than somebody's.
  const grouped = groupsOf(shape) >= (raw.includes('-') ? 4 : 3);
  // A group of one digit at its end is a check digit: `1-4295-8541-2`.
  if (even && grouped && !/^\d+(?:-3)+$|^3-2-4$|-1$/.test(shape)) {
    if (national(window, true)) return 0.5;
  }
  return isAmongWords(window) && (isCalledNumber(window) || isWritten(window)) ? 0.45 : -1;
}

const words = /\p{L}{2,}[^\p{L}]+(?:\p{L}[^\p{L}]+)*\p{L}{2,}/u;
// What is behind a value is read no further than a stream holds back: one word, or what parts numbers.
const wordsBehind = /^[,;:]? \p{L}{2,}/u;
/** What is numbered without being anybody's. */
const things =
  /(?:order|invoice|inv|ticket|ref|reference|sku|item|article|part|lot|batch|serial|model|version|isbn|issn|user|account|acct|customer|session|request|job|process|pid|epoch|timestamp|time|ts|id|hash|code|tracking|parcel|shipment|case|page|line|room|row|seq|build|release|amount|total|sum|price|eur|usd|gbp|chf|pln|czk|sek|nok|dkk|population|between|from|to|than|about|over|by)s?(?:[ :#.-]|no\.?|nr\.?|id|number|is|was|of)*$|[$€£¥%]\s?$/iu;
/** The same, of what has numbers in groups. */
const numbered =
  /(?:order|invoice|ticket|ref|reference|sku|item|article|part|contract|lot|batch|serial|version|isbn|issn|tracking|parcel)s?(?:[ :#.-]|no\.?|nr\.?|id|number|is|was)*$/iu;
const units =
  /^\s?(?:[$€£¥%°]|(?:eur|usd|gbp|chf|pln|czk|sek|nok|dkk|kr|zł|kč|people|pieces|items|units|rows|bytes|km|kg|mm|cm)(?![\p{L}]))/iu;

function isAmongWords({ left, after, whole }: Window): boolean {
  if (things.test(left) || units.test(after)) return false;
  // Another number beside it makes them a list of amounts, or groups of something longer.
  if (!whole && (/\d[^\n\p{L}]{0,3}$/u.test(left) || /^[ \t./()+-]{0,3}\d/.test(after))) return false;
  return words.test(left) || (left.trim() === '' && wordsBehind.test(after));
}

/** A number without groups: with the 0 or 00 that is dialled first, on a line of its own, or with a label behind it. */
function isBare(window: Window): boolean {
  const { digits, left, after } = window;
  if (digits.startsWith('000') || !words.test(left)) return false;
  if (digits.startsWith('00')) return digits.length >= 12 && confirmed(window, digits.slice(2));
  if (digits.startsWith('0')) return digits.length >= 10 && digits.length <= 12;
  if (digits.length !== 10) return false;
  if (/[\p{L}\d]\s*\n[ \t]*$/u.test(left) && /^[ \t]*(?:\r?\n|$)/.test(after)) return true;
  return !window.confirm() || isNational(digits, ['US'], true);
}

/** Between all groups but the first two stands the same sign. */
function isEven(raw: string): boolean {
  const signs = raw.split(/\d+/).slice(2, -1);
  return signs.every((sign) => sign === signs[0]);
}

const beside = /\p{L}{2,}[)'’"]?[\s:;,.(–—-]{0,4}$/u;

function isWritten(window: Window): boolean {
  const { raw, digits, shape, left } = window;
  // Behind a sign of markup, a path or a number it is what a machine wrote.
  const line = left.slice(left.lastIndexOf('\n') + 1);
  if (raw.includes('+') || (line.trim() !== '' && !beside.test(line))) return false;
  // One kind of separator between all groups, or what a plan itself has between them.
  if (digits.length < 8 || !shape.includes('-') || /[/]/.test(raw) || /[-.]{2}| {2}/.test(raw)) return false;
  // Two years, and amounts with points for thousands.
  if (/^(?:19|20)\d\d.(?:19|20)\d\d$/.test(raw) || /^\d{1,3}(?:\.\d{3})+$|^\d+\.\d+$/.test(raw)) return false;
  if (!window.confirm()) return true;
  return isWrittenIn(digits, shape, more) || (digits.length >= 10 && isWrittenWithCode(digits, shape));
}

const numbers =
  /(?:^|[^\p{L}])(?:my|his|her|their|our|your|a|the|this|that|new|old|other|another|direct|personal|private|current) (?:number|nummer|numéro|número|numero)[^\p{L}\d\n]+(?:\p{L}{1,9}[^\p{L}\d\n]+){0,3}$/iu;

/** `The number is 785 8949`: nobody says so of an order's. */
function isCalledNumber({ raw, digits, shape, left }: Window): boolean {
  if (digits.length < 7 || digits.length > 12 || !/^[\d]+(?:[ -]\d+)+$/.test(raw)) return false;
  // Thousands, and a date.
  if (/^\d{1,3}(?: \d{3})+$/.test(raw) || /^(?:4-2-2|2-2-4)$/.test(shape)) return false;
  return numbers.test(left);
}

function groupsOf(shape: string): number {
  let groups = 1;
  for (let at = 0; at < shape.length; at++) if (shape.charCodeAt(at) === 0x2d) groups++;
  return groups;
}

function international(window: Window): number {
  const { raw, digits, shape } = window;
  const grouped = shape.includes('-');
  if (confirmed(window, raw, grouped)) return grouped ? 0.85 : 0.75;
  // Nobody's numbering plan, or one that is not known yet: as long as one, and grouped as no amount is.
  const amount = digits.length < 11 && /^\+\d{1,3}(?:[ .]\d{3})+$/.test(raw);
  if (grouped) return digits.length >= 9 && !amount ? 0.5 : -1;
  return digits.length >= 10 && (!window.confirm() || isInternational(digits, false)) ? 0.5 : -1;
}

function confirmed(window: Window, text: string, possible = false): boolean {
  if (!window.confirm()) return true;
  return isInternational(text.replaceAll(/\D/g, ''), !possible);
}

function national(window: Window, sure = false): boolean {
  if (!window.confirm()) return true;
  return isNational(window.digits, regions, sure);
}
