import type { PatternDetector } from '../detector.ts';
import { signs } from '../gate.ts';

const months =
  'jan(?:uary|uar|vier|eiro)?|feb(?:ruary|ruar)?|f[ée]v(?:rier|ereiro)?|mar(?:ch|s|zo|ço)?|märz|apr(?:il)?|avr(?:il)?|abr(?:il)?|ma[iy]|mayo|maio|june?|juni|juin|junio|junho|july?|juli|juillet|julio|julho|aug(?:ust)?|août|ago(?:sto)?|sep(?:t|tember|tembre|tiembre|tembro)?|okt(?:ober)?|oct(?:ober|obre|ubre)?|out(?:ubro)?|nov(?:ember|embre|iembre|embro)?|de[cz](?:ember|embro)?|d[ée]cembre|dic(?:iembre)?';

/** Dates are everywhere: only where words say that somebody was born on it. */
export const dateOfBirth: PatternDetector = {
  kind: 'pattern',
  name: 'DATE_TIME',
  gate: signs.digits | signs.date,
  context: [
    'dob',
    'date of birth',
    'birth date',
    'birthday',
    'born',
    'd o b',
    'geboren',
    'geb',
    'geburtsdatum',
    'geboortedatum',
    'date de naissance',
    'né le',
    'née le',
    'naissance',
    'fecha de nacimiento',
    'nacimiento',
    'nacido',
    'nacida',
    'data de nascimento',
    'nascimento',
    'data di nascita',
    'nascita',
    'nato il',
    'nata il',
    'födelsedatum',
    'fødselsdato',
    'syntymäaika',
    'data urodzenia',
    'urodzony',
    'urodzona',
    'doğum tarihi',
    'дата рождения',
    '生年月日',
    '出生日期',
    '생년월일',
    'जन्म तिथि',
    'تاريخ الميلاد',
  ],
  pattern: new RegExp(
    `(?<![\\w.-])(?:\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}|\\d{1,2}([-/.])\\d{1,2}\\1(?:\\d{4}|\\d{2})|\\d{1,2}(?:st|nd|rd|th|\\.)?[ -](?:of |de |di )?(?:${months})\\.?,?(?: de | del )?[ -]?\\d{4}|(?:${months})\\.? \\d{1,2}(?:st|nd|rd|th)?,? \\d{4}|\\d{4}年\\d{1,2}月\\d{1,2}日|(?:19|20)\\d{6})(?![\\p{L}\\d])`,
    'giu',
  ),
  score: 0.05,
  examples: {
    yes: [],
    no: ['21.07.1984', '1984-07-21'],
    named: ['21.07.1984', '7/21/1984', '1984-07-21', 'July 21, 1984', '21 juillet 1984', '19840721'],
  },
};
