import type { FindDetector, PatternDetector, Span } from '../detector.ts';

export const jwt: PatternDetector = {
  kind: 'pattern',
  name: 'JWT',
  context: ['jwt', 'bearer', 'token', 'authorization'],
  pattern: /(?<![\w-])eyJ[\w-]{10,4096}\.[\w-]{4,65536}(?:\.[\w-]{0,4096}){0,3}(?![\w-])/g,
  score: 0.95,
  check: (value) => {
    try {
      const header: unknown = JSON.parse(
        atob((value.split('.')[0] ?? '').replaceAll('-', '+').replaceAll('_', '/')),
      );
      return typeof header === 'object' && header !== null && 'alg' in header;
    } catch {
      return false;
    }
  },
  examples: {
    yes: [
      'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
    ],
    no: ['eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9', 'eyJxxxxxxxxxxxxxxxx.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc'],
  },
};

const begin = /-----BEGIN[ A-Z0-9_-]{0,64}PRIVATE KEY(?: BLOCK)?-----/g;

export const privateKey: FindDetector = {
  kind: 'find',
  name: 'PRIVATE_KEY',
  gate: /-----BEGIN/,
  marks: '-',
  context: ['private key'],
  examples: {
    yes: [
      '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----',
      '-----BEGIN RSA PRIVATE KEY-----\nMIIEvQ',
      '-----BEGIN OPENSSH PRIVATE KEY-----',
    ],
    no: ['-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----', '-----BEGIN PUBLIC KEY-----'],
  },
  find: function* (text: string): Iterable<Span> {
    begin.lastIndex = 0;
    for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
      // A block that is cut off is a key up to the end of the text.
      const foot = text.indexOf('-----END', match.index + match[0].length);
      const close = foot < 0 ? -1 : text.indexOf('-----', foot + 8);
      const end = close < 0 ? text.length : close + 5;
      yield { start: match.index, end, score: 1 };
      begin.lastIndex = end;
    }
  },
};

export const awsKey: PatternDetector = {
  kind: 'pattern',
  name: 'AWS_ACCESS_KEY',
  context: ['aws', 'access key', 'secret key'],
  pattern: /(?<![A-Za-z0-9])(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])/g,
  score: 0.95,
  examples: {
    yes: ['AKIAIOSFODNN7EXAMPLE'],
    no: ['AKIAIOSFODNN7EXAMPL', 'AKIAIOSFODNN1EXAMPLE', 'XAKIAIOSFODNN7EXAMPLE'],
  },
};

// Families of tokens that say by a literal prefix whose they are. After the rules of gitleaks (MIT), shortened.
const families: readonly string[] = [
  'gh[pousr]_[0-9A-Za-z]{36,255}',
  'github_pat_\\w{60,255}',
  'gl(?:pat|rt|dt|ft|soat|imt|ptt|cbt|agent|oas|ffct)-[\\w.-]{20,300}',
  'xox[abeoprs](?:\\.xox[bp])?-[0-9A-Za-z-]{10,250}',
  'xapp-\\d-[0-9A-Za-z-]{20,200}',
  '(?:sk|rk|pk)_(?:test|live|prod)_[0-9A-Za-z]{10,250}',
  'whsec_[0-9A-Za-z+/=]{24,100}',
  'sk-(?:ant-|proj-|svcacct-|admin-|or-v1-)?[\\w-]{20,250}',
  'AIza[\\w-]{35}',
  'GOCSPX-[\\w-]{28}',
  'ya29\\.[\\w-]{20,500}',
  'npm_[0-9A-Za-z]{36}',
  'pypi-AgEIcHlwaS5vcmc[\\w-]{50,1000}',
  'rubygems_[a-f0-9]{48}',
  'dop_v1_[a-f0-9]{64}|do[or]_v1_[a-f0-9]{64}',
  'dckr_(?:pat|oat)_[\\w-]{20,64}',
  'hf_[A-Za-z]{34}',
  'api_org_[A-Za-z]{34}',
  'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}',
  'SG\\.[\\w-]{16,32}\\.[\\w-]{16,64}',
  'SK[0-9a-fA-F]{32}',
  'key-[0-9a-f]{32}',
  'xkeysib-[a-f0-9]{64}-[0-9A-Za-z]{16}',
  'sntry[su]_[0-9A-Za-z+/=_]{30,500}',
  'sq0(?:atp|csp|idp)-[\\w-]{22,60}|EAAA[\\w-]{60}',
  'EAA[MC][0-9A-Za-z]{100,400}',
  'hv[sbr]\\.[\\w-]{24,300}',
  'dp\\.(?:pt|st|ct|sa|scim|audit)\\.[0-9A-Za-z.]{40,64}',
  'dapi[a-f0-9]{32}(?:-\\d)?',
  'dt0c01\\.[0-9A-Za-z]{24}\\.[0-9A-Za-z]{64}',
  'fig[dou]r?_[\\w-]{40}|ATATT3[\\w=-]{180,200}|ATBB[0-9A-Za-z]{32}|ATCTT3[\\w=-]{180,200}',
  'NRAK-[A-Z0-9]{27}|NRII-[\\w-]{32}|NRJS-[a-f0-9]{19}',
  'bkua_[a-f0-9]{40}|CCIPAT_[0-9A-Za-z]{22}_[a-f0-9]{40}|CFPAT-[\\w-]{43}|ion_[0-9A-Za-z]{42}',
  'pat-(?:na|eu)\\d-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  'nfp_[0-9A-Za-z]{36}|nfc_[0-9A-Za-z]{36}|phc_[0-9A-Za-z]{43}|phx_[0-9A-Za-z]{43}|re_[0-9A-Za-z]{8}_[0-9A-Za-z]{24}',
  'vercel_blob_rw_[0-9A-Za-z_]{30,64}|tskey-(?:auth|api|client|webhook|scim)-[0-9A-Za-z]{5,20}-[0-9A-Za-z]{20,40}',
  'glc_[0-9A-Za-z+/]{32,400}={0,3}|glsa_[0-9A-Za-z]{32}_[A-Fa-f0-9]{8}',
  'lin_(?:api|oauth)_[0-9A-Za-z]{32,64}',
  'ntn_[0-9A-Za-z]{40,64}|secret_[0-9A-Za-z]{43}',
  'PMAK-[a-f0-9]{24}-[a-f0-9]{34}',
  'pscale_(?:tkn|oauth|pw)_[\\w.=-]{32,64}',
  'pul-[a-f0-9]{40}',
  'pnu_[0-9A-Za-z]{36}|rdme_[a-z0-9]{70}',
  'shippo_(?:live|test)_[a-fA-F0-9]{40}',
  'EZ[AT]K[0-9A-Za-z]{54}',
  'FLW(?:SEC|PUB)K(?:_TEST)?-[0-9A-Za-z]{12,64}(?:-X)?',
  'duffel_(?:test|live)_[\\w=-]{43}',
  'AGE-SECRET-KEY-1[0-9A-Z]{58}',
  'A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}',
  'ops_eyJ[0-9A-Za-z+/]{200,2000}={0,3}',
  'LTAI[0-9A-Za-z]{20}',
  'AKCp[0-9A-Za-z]{69}|cmVmd[0-9A-Za-z]{59}',
  'v1\\.0-[a-f0-9]{24}-[a-f0-9]{146}',
  'CLOJARS_[0-9a-z]{60}',
  'HRKU-AA[\\w-]{58}',
  'API-[A-Z0-9]{26}',
  'pplx-[0-9A-Za-z]{48}|gsk_[0-9A-Za-z]{52}|xai-[0-9A-Za-z]{80}|r8_[0-9A-Za-z]{37}|nvapi-[\\w-]{64}',
  'sha256~[\\w-]{43}',
  'ABSK[0-9A-Za-z+/]{109,269}={0,2}',
  'sgp_(?:[a-fA-F0-9]{16}_|local_)?[a-fA-F0-9]{40}',
  'tfp_[\\w-]{40,64}|[0-9a-zA-Z]{14}\\.atlasv1\\.[\\w=-]{60,70}',
  'fo1_[\\w-]{43}|fm[12][ar]?_[0-9A-Za-z+/]{100,400}={0,3}',
  'pat[0-9A-Za-z]{14}\\.[a-f0-9]{64}',
  'sbp_[a-f0-9]{40}|sb_secret_[\\w-]{22,64}',
  'tk-us-[\\w-]{48}|ico-[0-9A-Za-z]{32}|p8e-[0-9a-z]{32}',
  'sm_[aps]at_[0-9A-Za-z]{16}',
  '(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\\.[a-z0-9]{4,6}\\.acc[_-][a-z0-9-]{10,32}\\.[\\w+/=-]{30,120}',
  'bedrock-api-key-[0-9A-Za-z+/]{20,400}={0,2}',
  'fio-u-[\\w=-]{64}',
  'GR1348941[\\w-]{20}',
  'eyJrIjoi[0-9A-Za-z]{70,400}={0,2}',
  '[ps]at\\.[\\w-]{22}\\.[0-9A-Za-z]{24}\\.[0-9A-Za-z]{20}',
  's-s4t2(?:ud|af)-[a-f0-9]{64}',
  '[0-9A-Za-z]{6}_[0-9A-Za-z]{29}_mmk',
  '4b1d[0-9A-Za-z]{38}',
  '[0-9]{8,10}:AA[\\w-]{33}',
];

export const apiKey: PatternDetector = {
  kind: 'pattern',
  name: 'API_KEY',
  context: ['api key', 'apikey', 'token', 'secret'],
  pattern: new RegExp(`(?<![A-Za-z0-9])(?:${families.join('|')})(?![A-Za-z0-9])`, 'g'),
  score: 0.95,
  examples: {
    yes: [
      `ghp_${'a1B2'.repeat(9)}`,
      ['xoxb', '1234567890', '1234567890', 'abcDEF'].join('-'),
      ['sk', 'live', '4eC39HqLyjWDarjtT1zdp7dc'].join('_'),
      `AIza${'Sy0abcDEF'.repeat(4).slice(0, 35)}`,
      `glpat-${'aB3dE5'.repeat(4).slice(0, 20)}`,
      `npm_${'a1B2'.repeat(9)}`,
    ],
    no: ['sk_live_short', 'ghp_short', 'sku-blue-widget-large', 'api_order_1234567890'],
  },
};

export const slackHook: PatternDetector = {
  kind: 'pattern',
  name: 'API_KEY',
  context: [],
  pattern:
    /(?<![A-Za-z0-9])(?:https?:\/\/)?hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9+/]{20,80}/g,
  score: 0.95,
  examples: {
    yes: ['https://hooks.slack.com/services/T0000/B0000/abcdefghijklmnopqrst'],
    no: ['https://slack.com/services/x'],
  },
};

/** What a password is called elsewhere. INVARIANT: `gate-marks.ts` knows the last three letters of each. */
export const passwordsElsewhere: readonly string[] = (
  'passwort|kennwort|mot de passe|mdp|contraseña|contrasena|senha|wachtwoord|hasło|haslo|heslo|lozinka|zaporka|geslo|parola|parolă|' +
  'şifre|sifre|parolasi|jelszó|jelszo|salasana|lösenord|losenord|adgangskode|passord|lykilorð|parool|slaptažodis|пароль|лозинка|парола|' +
  'κωδικός πρόσβασης|密码|密碼|口令|パスワード|暗証番号|비밀번호|비번|암호|كلمة المرور|كلمة السر|رمز عبور|گذرواژه|סיסמה|סיסמא|' +
  'mật khẩu|mat khau|kata sandi|kata laluan|รหัสผ่าน|पासवर्ड|পাসওয়ার্ড|கடவுச்சொல்|పాస్‌వర్డ్|პაროლი|գաղտնաբառ'
).split('|');

const elsewhere = passwordsElsewhere.join('|');
const secretWord = new RegExp(
  `(?:password|passwd|passphrase|passcode|pass|pwd|pw|secret|${elsewhere}|(?:api|access|account|private|secret|signing|encryption|shared[_ -]?access)[_ -]?key|(?:access|auth|api|refresh|session|bearer|id|csrf|security)[_ -]?token|client[_ -]?secret|credentials?|authorization)[\\\\"'\`\\]]{0,4}[ \\t]{0,4}$`,
  'i',
);
const surelySecret = new RegExp(
  `(?:password|passwd|passphrase|passcode|pwd|${elsewhere})[\\\\"'\`\\]]{0,4}[ \\t]{0,4}$`,
  'i',
);
const assigning = /[:=]>?[ \t]{0,4}(?:(?:bearer|basic|token|digest|apikey)[ \t]{1,4})?/iy;
/** In quotes, which may be escaped themselves: `\"` inside of a text of JSON. What stands between them has no end of a line. */
const opening = /\\{0,3}["'`]/y;
/**
 * Bare: up to a blank, a quote or a tag. A sign that ends a clause or a list ends it where nothing of it comes behind, or
 * the next name: `password=a,b&c(d)` is one value, `f(password=a, b)` and `password=a&user=b` are not.
 */
const bare =
  /[^\s;&"'`,<>(){}[\]](?:[^\s;&"'`,<>(){}[\]]|(?<=\w)['`](?=\w)|(?:[(){}[\]]|[&,](?![\w.-]{0,40}[ \t]{0,4}[=:]))+(?=[^\s;&"'`,<>(){}[\].:])){2,511}/y;
/** Four digits behind it are somebody's; other numbers of pins are those of wires. */
const pinWord = /(?<![\p{L}\p{N}_])pin[\\"'`\]]{0,4}[ \t]{0,4}$/iu;
/**
 * Words for secrets that are words for other things as well, with the word before them: what is assigned to them counts
 * where it looks like nothing that people make up.
 */
const keyWord =
  /(?:(?<head>[a-z0-9]{1,24})(?<sign>[_. -]{0,2}))?(?<word>token|key|secret|creds|session)[\\"'`\]]{0,4}[ \t]{0,4}$/i;
/** Keys and tokens that open nothing. */
const harmless =
  /^(?:alternate|asset|blob|bucket|business|cache|candidate|column|composite|config|continuation|cursor|data|dedup|dedupe|delta|device|entity|etag|event|field|file|foreign|group|hash|i18n|idempotency|idempotent|image|index|item|join|json|kafka|kv|locale|lock|lookup|map|merge|message|metric|natural|next|object|order|page|partition|path|prev|previous|primary|product|pub|public|query|range|record|redis|registry|resume|routing|row|s3|scroll|shard|sort|state|step|storage|stream|surrogate|sync|table|task|translation|trigger|tuple|unique|value)$/i;

/** The word, in small letters, where it stands for something that opens. */
function keyWordOf(left: string): string | undefined {
  const { head = '', sign = '', word = '' } = keyWord.exec(left)?.groups ?? {};
  const name = word.toLowerCase();
  if (name === '') return undefined;
  if (head === '') return name === 'key' ? undefined : name;
  // `deployKey`, but not `monkey`.
  if (sign === '' && !(/^[A-Z][a-z]/.test(word) && /[a-z0-9]$/.test(head))) return undefined;
  // Of `userCacheKey` the last hump counts.
  const hump = /[A-Z][a-z0-9]+$/.exec(head)?.[0];
  return harmless.test(hump ?? head) ? undefined : name;
}

/** A word for nothing but secrets. */
const sure = '';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** No words, dates, versions or numbers with signs between them, which are keys of tables and files. */
function isRandom(value: string, word: string): boolean {
  if (uuid.test(value)) return word === 'token' || word === 'secret';
  if (value.length < 16 || !/^[A-Za-z0-9_+/=~.-]+$/.test(value)) return false;
  const parts = value.split(/[^A-Za-z0-9]+/);
  if (parts.every((part) => /^(?:\d*|[A-Za-z]+\d{0,3}|\d{1,4}[A-Za-z]+)$/.test(part))) return false;
  const bare = parts.join('');
  const switches = bare.match(/\d(?=[A-Za-z])|[A-Za-z](?=\d)/g)?.length ?? 0;
  return switches >= 4 && new Set(bare).size >= 8;
}

/** What stands for a value that is elsewhere, or for none. */
const noValue =
  /^(?:\*+$|\*{3}|\$\{|\$\(|%[a-z]$|%\w*%$|%\{|%\(|(?:null|none|nil|true|false|undefined|required|optional|string|redacted)$|process\.env|os\.environ|https?:)/i;
/** What masks show in place of a value, its bracket outside of it or in: masking what is masked changes nothing. */
const shownMark = /\[[A-Z][A-Z\d_]{2,39}\]?/g;
const variable = /^\$(?:[A-Z\d_]+|[A-Za-z_]+)$/;

/** Where the value begins that is assigned at the sign `at`, and what it is quoted with; '' where with nothing. */
function openingAt(text: string, at: number): Quoted {
  assigning.lastIndex = at;
  const from = at + (assigning.exec(text)?.[0].length ?? 1);
  opening.lastIndex = from;
  const quote = opening.exec(text)?.[0] ?? '';
  return { start: from + quote.length, quote };
}

/** What is assigned to a word for a secret, or for other things as well; `end`: of what is in quotes, where they close. */
interface Assigned extends Quoted {
  readonly sign: number;
  readonly word: string;
  readonly end: number | undefined;
}

/** In order. What is assigned inside of closed quotes is a part of what they hold. */
function* assignedIn(text: string, from: number): Iterable<Assigned> {
  for (let sign = nextSign(text, from); sign >= 0; sign = nextSign(text, sign + 1)) {
    const word = wordBefore(text, sign);
    if (word === undefined) continue;
    const { start, quote } = openingAt(text, sign);
    const end = quote === '' ? undefined : closingOf(text, start, quote);
    yield { sign, word, start, quote, end };
    if (end !== undefined) sign = end;
  }
}

/** Where a value ends that is not in quotes, or whose quotes are not closed. */
function bareEnd(text: string, start: number): number {
  bare.lastIndex = start;
  return start + (bare.exec(text)?.[0].length ?? 0);
}

const shortest = 3;
/** A secret in quotes is no longer than this, in characters. */
const longestQuoted = 512;

/** Where what began at `start`, behind `quote`, ends: in the same line and near; `undefined`: nowhere. */
export function closingOf(text: string, start: number, quote: string): number | undefined {
  const most = Math.min(text.length, start + longestQuoted);
  for (let at = start; at < most; at++) {
    const char = text[at];
    if (char === '\n' || char === '\r') return undefined;
    if (text.startsWith(quote, at)) return at;
    // What is escaped ends nothing; a quote that is escaped itself is ended by one like it.
    if (char === '\\')
      at += quote.length > 1 && text[at + 1] === '\\' ? quote.length : quote.length === 1 ? 1 : 0;
  }
  return undefined;
}

/** A secret in quotes, of which the end may be still to come. */
interface Quoted {
  readonly start: number;
  readonly quote: string;
}

/** The secret in quotes that goes over the place `at`, or may once more than `text` is there. */
export function secretOver(text: string, at: number): Quoted | undefined {
  for (const { sign, start, quote, end } of assignedIn(text, at - longestQuoted - before)) {
    if (sign >= at) return undefined;
    if (quote === '' || start >= at) continue;
    if ((end ?? (mayGoOn(text, start) ? text.length + 1 : 0)) > at) return { start, quote };
  }
  return undefined;
}

/** What stands between the sign and its value. */
const before = 24;

function mayGoOn(text: string, start: number): boolean {
  return text.length - start < longestQuoted && !/[\r\n]/.test(text.slice(start));
}

/** Characters left of a sign that are looked at. */
const reach = 48;

function wordBefore(text: string, at: number): string | undefined {
  if (!endsLikeSecret(text, at)) return undefined;
  const left = text.slice(Math.max(0, at - reach), at);
  return secretWord.test(left) ? sure : pinWord.test(left) ? 'pin' : keyWordOf(left);
}

/** `password=…`, `api_key: "…"`, `Authorization: Bearer …`: what is assigned to a word for a secret. */
export const assigned: FindDetector = {
  kind: 'find',
  name: 'PASSWORD',
  gate: /[:=]/,
  marks: ':=',
  context: [
    'password',
    'passwd',
    'pwd',
    'passphrase',
    'secret',
    'api key',
    'apikey',
    'access key',
    'private key',
    'client secret',
    'auth token',
    'access token',
    'refresh token',
    'session token',
  ],
  wholeInColumn: true,
  examples: {
    yes: [],
    no: [
      'password',
      'pwd=',
      'password=***',
      'a=b',
      'secret: none',
      'Password: must be long',
      'note: call',
      'cache_key=3f9a2c71b80d4e56a1',
      'monkey: 3f9a2c71b80d4e56a1',
      'deploy_key: uploads/2026-01-31/report-v2',
      'GPIO pin: 17',
      'Passwort: muss lang sein',
      'credentials = netrc.netrc()',
    ],
  },
  find: function* (text: string): Iterable<Span> {
    for (const { sign, word, start, quote, end: close } of assignedIn(text, 0)) {
      const end = close ?? bareEnd(text, start);
      const value = text.slice(start, end);
      if (value.replaceAll(shownMark, '').length < shortest || noValue.test(value) || variable.test(value))
        continue;
      if (word === 'pin' ? !/^\d{4}$/.test(value) : word !== sure && !isRandom(value, word)) continue;
      // `auth = netrc.netrc()` is code.
      if (quote === '' && /^[A-Za-z_][\w.]*$/.test(value) && text[end] === '(') continue;
      // `Password: must be …` tells of one; `password: hunter` is one.
      const prose = text[sign] === ':' && quote === '' && /^[\p{L}.'’-]+$/u.test(value);
      const isLast = (): boolean => /^[ \t]*(?:$|[\r\n,;])/.test(text.slice(end, end + 64));
      if (prose && !(surelySecret.test(text.slice(Math.max(0, sign - reach), sign)) && isLast())) continue;
      yield { start, end, score: 0.75 };
    }
  },
};

/** Whether the last two letters before a sign are those of one of the words: most keys have others. */
function endsLikeSecret(text: string, sign: number): boolean {
  let at = sign;
  while (at > 0 && sign - at < 4 && (text[at - 1] === ' ' || text[at - 1] === '\t')) at--;
  for (let more = 0; more < 4 && at > 0 && '"\'`]\\'.includes(text[at - 1] ?? ''); more++) at--;
  return lastTwo.has(text.slice(at - 2, at).toLowerCase());
}
const lastTwo: ReadonlySet<string> = new Set(
  [
    ...passwordsElsewhere,
    ...'password passwd passphrase passcode pass pwd pw secret key token credential credentials authorization creds session pin'.split(
      ' ',
    ),
  ].map((word) => word.slice(-2)),
);

// INVARIANT: the gate opens on the first word of each (`isOpener`).
const head =
  /(?:identified {1,2}(?:with \S{1,40} )?(?:by|as) {1,2}(?:password )?'|password {1,2}'|(?:password|passwd|passphrase) {1,3}['"]?\S|sshpass -p ?['"]?\S|(?:passwort|kennwort) (?:ist|lautet|war) ['"]?\S)/i;
/** Of the value, behind what `head` finds. */
const saidQuoted =
  /(?:identified {1,2}(?:with \S{1,40} )?(?:by|as) {1,2}(?:password )?|password {1,2})'([^'"<>\s]{3,128})(?=')/iy;
const saidOption = /(?:(?:password|passwd|passphrase) {1,3}|sshpass -p ?)['"]?([^\s'"<>-][^\s'"<>]{2,127})/iy;
const saidToBe =
  /(?:password|passwort|kennwort|passphrase) (?:(?:is|ist|lautet|was|to|now) ){1,2}['"]?(?=[^\s'"<>]{0,40}[0-9!#$%&*+@^])(?=[^\s'"<>]{0,40}[A-Za-z])([^\s'"<>,;]{5,64}[^\s'"<>,;.!?)])/iy;

function saidAt(text: string, at: number): Span | undefined {
  const option =
    /--?(?:[a-z]{1,12}-){0,2}$/i.test(text.slice(Math.max(0, at - 40), at)) ||
    /^ssh/i.test(text.slice(at, at + 3));
  for (const pattern of [saidQuoted, option ? saidOption : undefined, saidToBe]) {
    if (pattern === undefined) continue;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    const value = match?.[1];
    if (match === null || value === undefined || noValue.test(value)) continue;
    const end = at + match[0].length;
    return { start: end - value.length, end, score: 0.75 };
  }
  return undefined;
}

/** Given to a command or a database without a sign: `IDENTIFIED BY '…'`, `--password …`, `password is …`. */
export const passwordSaid: FindDetector = {
  kind: 'find',
  name: 'PASSWORD',
  context: [],
  examples: {
    yes: [],
    no: [
      'password is required',
      'The password was changed',
      'identified by the team',
      '--password-file /etc/x',
      'password to the portal',
      'password is 8 characters',
    ],
  },
  find: function* (text) {
    for (const { index } of text.matchAll(
      /(?<![A-Za-z0-9\u0080-\uffff])(?:identified|passw|passphrase|kennwort|sshpass)/gi,
    )) {
      const span = saidAt(text, index);
      if (span !== undefined) yield span;
    }
  },
  head,
  at: saidAt,
};

function nextSign(text: string, from: number): number {
  const equals = text.indexOf('=', from);
  const colon = text.indexOf(':', from);
  return equals < 0 ? colon : colon < 0 ? equals : Math.min(equals, colon);
}
