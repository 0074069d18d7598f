import type { PatternDetector } from '../detector.ts';

/** Months and their short forms in 34 languages, as they stand alone and in dates (Unicode CLDR). */
export const monthNames: readonly string[] = (
  'abr abril ago agost agosto agu agustus aout août apr aprel april aprile aprilie aprill apríl apríla ' +
  'aprīlis ara aralık aug august augusta augusti augusts augustus augusztus avg avgust avq avqust avr ' +
  'avril ağu ağustos balandis balandžio birželio birželis bře březen března cze czerwca czerwiec dec ' +
  'decembar december decembra decembre decembrie decembris dek dekabr des desember desembre dets ' +
  'detsember dez dezember dezembro dic dicembre diciembre dis disember dub duben dubna déc décembre eki ' +
  'ekim elo elokuu elokuuta ene enero eyl eylül feb febbraio febr febrer febrero februar februari ' +
  'februarie february február februára februāris febrúar fev fevereiro fevral fevrier févr février ' +
  'gegužė gegužės gen gener gennaio giu giugno gru grudnia grudzień gruodis gruodžio haz haziran heinä ' +
  'heinäkuu heinäkuuta helmi helmikuu helmikuuta huhti huhtikuu huhtikuuta ian ianuarie iul iulie iun ' +
  'iunie iyl iyn iyul iyun jaan jaanuar jan janeiro januar januari january január januára janv janvier ' +
  'janvāris janúar joulu joulukuu joulukuuta juil juillet juin jul julai julho juli julij julio juliol ' +
  'july jun june junho juni junij junio juny juuli juuni júl júla július júlí jún júna június júní jūl ' +
  'jūlijs jūn jūnijs kas kasım kesä kesäkuu kesäkuuta kol kolovoz kolovoza kovas kovo kvě květen května ' +
  'kwi kwiecień kwietnia lapkritis lapkričio led leden ledna liepa liepos lip lipanj lipca lipiec ' +
  'lipnja lis listopad listopada listopadu loka lokakuu lokakuuta lug luglio lut lutego luty maalis ' +
  'maaliskuu maaliskuuta maart mac mag maggio mai maig maijs maio maj maja mar marca march marco marec ' +
  'maret marras marraskuu marraskuuta mars mart martie marts marzec marzo març março may mayo mayıs maí ' +
  'mei mrt máj mája május márc március mär märts märz nis nisan noiembrie nov novembar november ' +
  'novembra novembre novembris novembro noviembre noy noyabr nóv nóvember oca ocak oct october octobre ' +
  'octombrie octubre ogo ogos okt oktobar oktober oktobris oktoober oktyabr október októbra ott ottobre ' +
  'out outubro ožu ožujak ožujka paź październik października pro prosinac prosinca prosince prosinec ' +
  'rugpjūtis rugpjūčio rugsėjis rugsėjo ruj rujan rujna sausio sausis sen sentyabr sep sept septembar ' +
  'september septembra septembre septembrie septembris septiembre set setembre setembro settembre sie ' +
  'sierpień sierpnia sij siječanj siječnja spalio spalis srp srpanj srpen srpna srpnja stu studeni ' +
  'studenoga sty styczeń stycznia svi svibanj svibnja syys syyskuu syyskuuta szept szeptember tammi ' +
  'tammikuu tammikuuta tem temmuz touko toukokuu toukokuuta tra travanj travnja vasario vasaris veebr ' +
  'veebruar velj veljača veljače wrz wrzesień września yan yanvar zář září ágú ágúst ápr április úno ' +
  'únor února červen července červenec června čvc čvn říj říjen října şub şubat απρ απριλίου αυγ ' +
  'αυγούστου δεκ δεκεμβρίου ιαν ιανουαρίου ιουλ ιουλίου ιουν ιουνίου μαΐ μαΐου μαρ μαρτίου νοε ' +
  'νοεμβρίου οκτ οκτωβρίου σεπ σεπτεμβρίου φεβ φεβρουαρίου авг август августа апр апрель апреля април ' +
  'бер березень березня вер вересень вересня груд грудень грудня дек декабрь декабря декември дец ' +
  'децембар жовт жовтень жовтня июль июля июнь июня квіт квітень квітня лип липень липня лист листопад ' +
  'листопада лют лютий лютого май мар март марта мая мај нов новембар ноември нояб ноябрь ноября окт ' +
  'октобар октомври октябрь октября сент сентябрь сентября сеп септембар септември серп серпень серпня ' +
  'січ січень січня трав травень травня феб фебруар февр февраль февраля февруари черв червень червня ' +
  'юли юни янв январь января януари јан јануар јул јун'
).split(' ');
const months = monthNames.toSorted((a, b) => b.length - a.length).join('|');

const joinedScripts = '[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Hangul}\\p{sc=Thai}]';

/** Dates are everywhere: only where words say that somebody was born on it. */
export const dateOfBirth: PatternDetector = {
  kind: 'pattern',
  name: 'DATE_TIME',
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
    'né e le',
    'naissance',
    'nascido',
    'nascida',
    'fecha nac',
    'fec nac',
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
    `(?<![\\w.-])(?:\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}|\\d{1,2}([-/.])\\d{1,2}\\1(?:\\d{4}|\\d{2})|\\d{1,2}(?:st|nd|rd|th|\\.)?(?:[ -]|º |er )(?:of |de |di |d['’])?(?:${months})\\.?,?(?: de | del |/)?[ -]?\\d{4}|(?:${months})\\.? \\d{1,2}(?:st|nd|rd|th)?,? \\d{4}|\\d{4} (?:${months})\\.? \\d{1,2}|\\d{4}\\. (?:${months}) \\d{1,2}\\.?|\\d{4}年 ?\\d{1,2}月 ?\\d{1,2}日|\\d{4}년 ?\\d{1,2}월 ?\\d{1,2}일|\\d{4}\\. \\d{1,2}\\. \\d{1,2}\\.?|(?:19|20)\\d{6})(?:(?![\\p{L}\\d])|(?=${joinedScripts}))`,
    'giu',
  ),
  leastDigits: 4,
  score: 0.05,
  examples: {
    yes: [],
    no: ['21.07.1984', '1984-07-21'],
    named: ['21.07.1984', '7/21/1984', '1984-07-21', 'July 21, 1984', '21 juillet 1984', '19840721'],
  },
};
