import { flagsOf, surname } from './lexicon.ts';
import { labels, ofAnything } from './phrases.ts';

// Names behind a label in scripts without capitals, where only the label and the form tell that it is one.

const parted = (text: string): ReadonlySet<string> => new Set(text.split('|').map((each) => each.trim()));

/** What stands before somebody's name, and before nobody else's. */
const uncased: ReadonlySet<string> = parted(
  `नाम|पूरा नाम|रोगी|मरीज|मरीज़|ग्राहक|कर्मचारी|रोगी का नाम|मरीज का नाम|मरीज़ का नाम|ग्राहक का नाम|कर्मचारी का नाम|पिता का नाम|माता का नाम|पति का नाम|
   खाताधारक|लाभार्थी|आवेदक|बिरामी|नाव|पूर्ण नाव|रुग्ण|नाउँ|নাম|পুরো নাম|রোগী|রোগীর নাম|গ্রাহক|গ্রাহকের নাম|কর্মচারী|আবেদনকারী|পিতার নাম|
   பெயர்|முழு பெயர்|நோயாளி|நோயாளி பெயர்|வாடிக்கையாளர்|வாடிக்கையாளர் பெயர்|ஊழியர்|పేరు|పూర్తి పేరు|రోగి|రోగి పేరు|కస్టమర్|వినియోగదారు|ఉద్యోగి|
   ಹೆಸರು|ರೋಗಿ|ಗ್ರಾಹಕ|പേര്|രോഗി|നാമം|નામ|દર્દી|ગ્રાહક|ਨਾਮ|ਮਰੀਜ਼|ਗਾਹਕ|නම|රෝගියා|
   الاسم|الاسم الكامل|اسم|المريض|المريضة|اسم المريض|العميل|اسم العميل|الزبون|الموظف|اسم الموظف|المستفيد|صاحب الحساب|مقدم الطلب|اسم الأب|الطالب|الطبيب|المرسل|المستلم|
   نام|نام و نام خانوادگی|نام خانوادگی|نام کامل|بیمار|نام بیمار|مشتری|نام مشتری|کارمند|دارنده حساب|مریض|مریض کا نام|گاہک|پورا نام|
   שם|שם מלא|שם פרטי|שם משפחה|שם המטופל|מטופל|מטופלת|לקוח|לקוחה|שם הלקוח|עובד|עובדת|שם העובד|איש קשר|מוטב|בעל החשבון|
   ชื่อ|ชื่อ-นามสกุล|ชื่อ นามสกุล|ชื่อและนามสกุล|ผู้ป่วย|ชื่อผู้ป่วย|ลูกค้า|ชื่อลูกค้า|พนักงาน|ผู้ติดต่อ|ឈ្មោះ|ຊື່|အမည်|
   სახელი|გვარი|სახელი და გვარი|სახელი გვარი|პაციენტი|კლიენტი|თანამშრომელი|ስም|ታካሚ|ደንበኛ`,
);

/** The same, which may stand behind other signs: `お客様氏名`. */
const eastern =
  /(?:姓名|名字|患者|病人|客户|客戶|顾客|联系人|聯絡人|聯繫人|员工|員工|收件人|寄件人|申请人|申請人|持卡人|被保险人|户名|氏名|名前|患者名|お客様|お客様名|顧客|顧客名|担当者|担当者名|担当|契約者|受取人|差出人|従業員|社員名|이름|성명|성함|환자|환자명|고객|고객명|담당자|직원|수신인|수령인|예금주|신청인|보호자)$/u;
/** Of these nothing else is said. */
const easternSure = /(?:姓名|氏名|患者名|성명|성함|환자명|고객명|예금주)$/u;

const label =
  /(?<![\p{L}\p{M}])([\p{L}\p{M}][\p{L}\p{M}'’_ -]{0,40}?)["'*_ ]{0,3}(?:<\/[\p{L}\p{M}_]{1,20}>)?(?:[:=|>;]|\t)[:=|]?(?:<\/[\p{L}\p{M}_]{1,20}>)?["'*> \t]{0,4}$/u;
const labelReach = 64;

function labelBefore(text: string, start: number): string | undefined {
  const left = text.slice(Math.max(0, start - labelReach), start);
  if (!/[:=|>;\t]["'*> \t]{0,4}$/.test(left)) return undefined;
  return label.exec(left)?.[1]?.replaceAll('_', ' ').trim();
}

const word = String.raw`[\p{Lo}\p{Lm}\p{M}\p{sc=Georgian}]{1,24}`;
const written = new RegExp(`${word}(?:[ .-]{1,2}${word}){1,4}`, 'uy');
const closed = /^(?:$|[\s]*[\n\r,;:()[\]|<>"'/}\t#=،؛、。，；]| {2,}| [-–—(|<])/u;
/** What is filled in where nobody is. */
const unknown =
  /^(?:غير|لا|ليس|بدون|هیچ|نامشخص|לא|אין|ללא|ไม่|अज्ञात|लागू|ज्ञात|उपलब्ध|কোনো|প্রযোজ্য|অজানা|தெரிய|தகவல்|తెలియ|არ|უცნობი)/u;
const spaceless = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/u;

/** The end of a name of several words of a script without capitals, right behind its label; `undefined`: there is none. */
export function labelledEnd(text: string, start: number): number | undefined {
  const phrase = labelBefore(text, start);
  if (phrase === undefined) return undefined;
  const last = phrase.slice(phrase.lastIndexOf(' ') + 1).toLowerCase();
  if (spaceless.test(text[start] ?? '')) {
    const isSure = easternSure.test(phrase) || (labels.has(last) && !ofAnything.has(last));
    return isSure || eastern.test(phrase) || labels.has(last) ? easternEnd(text, start, isSure) : undefined;
  }
  if (!uncased.has(phrase) && !labels.has(last)) return undefined;
  written.lastIndex = start;
  const end = start + (written.exec(text)?.[0].length ?? 0);
  return end > start && !unknown.test(text.slice(start, end)) && closed.test(text.slice(end, end + 4))
    ? end
    : undefined;
}

// The surnames of nearly all who bear a name of one sign and one or two more; those of two signs; Korea's.
const chinese = new Set(
  '王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林罗羅郑鄭梁谢謝宋唐许許邓鄧韩韓冯馮曹彭曾肖萧蕭田董潘袁蔡蒋蔣余于杜叶葉程魏苏蘇吕呂丁任卢盧姚沈钟鍾鐘姜崔谭譚陆陸范汪廖石金韦韋贾賈夏付傅方邹鄒熊白孟秦邱丘侯江尹薛阎閻段雷龙龍史陶贺賀毛郝顾顧龚龔邵覃武钱錢戴严嚴莫孔向常汤湯康易乔喬赖賴文施洪辛柯庄莊温溫牛樊葛邢安齐齊伍庞龐颜顏倪聂聶章鲁魯岳翟殷詹申欧歐耿关關兰蘭焦俞左柳甘祝包宁寧阮纪紀舒梅童凌毕畢单單季裴霍涂成苗谷曲盛冉翁蓝藍路游靳管柴蒙鲍鮑华華祁房滕屈饶饒解牟艾尤阳陽时時穆农農司卓古吉缪繆简簡车車项項连連芦蘆麦麥褚娄婁窦竇戚岑景党黨宫宮费費卜冷晏卫衛席柏宗瞿桂全佟应應臧闵閔苟邬鄔边邊卞姬和仇栾欒隋丛叢池郎',
);
const compound = /^(?:欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|东方|皇甫|尉迟|公孙|慕容|令狐|司徒|端木|南宫|张简)/u;
const korean = new Set(
  '김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민류진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용',
);
/** What is filled in where nobody is, and what ends in the name of a part of a business. */
export const nobodys: RegExp =
  /^(?:必填|必須|必须|未知|未定|未入力|未填|不明|不詳|无|無|同上|全部|所有|なし|ナシ|필수|필요|없음|미정|미상|전체|신규|익명|입력|확인|선택|공개|비공개)|(?:팀|센터|회사|부서|고객|본부|지점|部|課|係|店|会社|公司|中心|团队|小组|部门|センター|工業|製作所|銀行|银行|客户|会员|用户)$/u;
const signs =
  /[\p{sc=Han}々〆ヶ\p{sc=Hiragana}\p{sc=Katakana}ー]{1,6}(?: [\p{sc=Han}々\p{sc=Hiragana}\p{sc=Katakana}ー]{1,6})?|[\p{sc=Hangul}]{1,5}(?: [\p{sc=Hangul}]{1,3})?/uy;

function easternEnd(text: string, start: number, isSure: boolean): number | undefined {
  signs.lastIndex = start;
  const value = signs.exec(text)?.[0];
  if (value === undefined || nobodys.test(value)) return undefined;
  const end = start + value.length;
  if (!closed.test(text.slice(end, end + 4))) return undefined;
  const [first = '', second = ''] = value.split(' ');
  const length = first.length + second.length;
  if (/^\p{sc=Hangul}/u.test(value))
    return korean.has(value[0] ?? '') && (length === 3 || (length === 4 && second !== '')) ? end : undefined;
  if (second !== '') return first.length <= 4 && second.length <= 4 ? end : undefined;
  if (/^\p{sc=Han}{2,4}$/u.test(value)) {
    const isChinese = (isSure || chinese.has(value[0] ?? '')) && length <= 3;
    if (isChinese || (compound.test(value) && length >= 3)) return end;
  }
  return isJapanese(value) ? end : undefined;
}

/** A surname of the lists, and a few signs more. */
function isJapanese(value: string): boolean {
  for (let at = 1; at <= 3 && at < value.length; at++)
    if (value.length - at <= 3 && isListed(value.slice(0, at))) return true;
  return false;
}

function isListed(sign: string): boolean {
  return (flagsOf(sign) & surname) !== 0;
}
