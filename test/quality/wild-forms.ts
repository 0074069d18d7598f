/* Table: forms of values. For test/quality/wild.ts. */
import type { Below } from './made.ts';

/** A value; where `\u0001` stands twice in it only what is between is the value. */
type Make = (below: Below) => string;

export const pick = <T>(list: readonly T[], below: Below): T => {
  const one = list[below(list.length)];
  if (one === undefined) throw new RangeError('Nothing to pick from');
  return one;
};
const of = (signs: string, length: number, below: Below): string =>
  Array.from({ length }, () => signs[below(signs.length)] ?? '').join('');
const digits = (length: number, below: Below): string => of('0123456789', length, below);
const hex = (length: number, below: Below): string => of('0123456789abcdef', length, below);
const mixed = (length: number, below: Below): string =>
  of('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', length, below);
const word = (below: Below): string =>
  pick(['anna', 'jose', 'tarik', 'mei', 'olu', 'ines', 'pavel', 'noor', 'kofi', 'sanna'], below);
const host = (below: Below): string =>
  `${pick(['mail', 'corp', 'intra', 'post', 'team'], below)}.${pick(['brandt-bau', 'nordwind', 'casa-luz', 'yamato', 'zelena'], below)}.${pick(['de', 'com', 'es', 'co.jp', 'cz', 'org', 'info', 'museum'], below)}`;

function mod97(text: string): number {
  let rest = 0;
  for (const char of text) {
    const value = parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}

/** Countries with the form of their account numbers behind the check digits: `n` digits, `a` letters. */
const accounts: readonly (readonly [country: string, form: string])[] = [
  ['DE', 'n18'],
  ['GB', 'a4n14'],
  ['NL', 'a4n10'],
  ['ES', 'n20'],
  ['IT', 'a1n22'],
  ['PL', 'n24'],
  ['BE', 'n12'],
  ['IE', 'a4n14'],
  ['CH', 'n17'],
  ['LT', 'n16'],
  ['BR', 'n23a1n1'],
  ['SA', 'n20'],
];

function iban(below: Below): string {
  const [country, form] = pick(accounts, below);
  const body = form.replaceAll(/([na])(\d+)/g, (_, kind: string, count: string) =>
    kind === 'n' ? digits(Number(count), below) : of('ABCDEFGHIJKLMNOPQRSTUVWXYZ', Number(count), below),
  );
  return `${country}${String(98 - mod97(`${body}${country}00`)).padStart(2, '0')}${body}`;
}
const fours = (text: string, sign: string): string => text.replaceAll(/(.{4})(?=.)/g, `$1${sign}`);

function card(below: Below): string {
  const start = pick(['4', '51', '55', '2221', '6011'], below);
  const body = start + digits(15 - start.length, below);
  let sum = 0;
  for (const [at, char] of Array.from(body).entries()) {
    const digit = Number(char) * (at % 2 === 0 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return body + String((10 - (sum % 10)) % 10);
}

/** Somebody's national number: area and rest, of plans where any such number is possible. */
function phone(below: Below): {
  readonly code: string;
  readonly trunk: string;
  readonly groups: readonly string[];
} {
  return pick(
    [
      {
        code: '1',
        trunk: '',
        groups: [
          pick(['212', '415', '646', '305'], below),
          `${2 + below(8)}${digits(2, below)}`,
          digits(4, below),
        ],
      },
      {
        code: '49',
        trunk: '0',
        groups: [
          pick(['30', '89', '171', '151'], below),
          `${2 + below(7)}${digits(3, below)}`,
          digits(4, below),
        ],
      },
      { code: '44', trunk: '0', groups: ['20', `${7 + below(2)}${digits(3, below)}`, digits(4, below)] },
      {
        code: '33',
        trunk: '0',
        groups: [
          pick(['1', '6'], below),
          `4${digits(1, below)}`,
          digits(2, below),
          digits(2, below),
          digits(2, below),
        ],
      },
      {
        code: '34',
        trunk: '',
        groups: [pick(['612', '655', '913'], below), digits(3, below), digits(3, below)],
      },
      {
        code: '48',
        trunk: '',
        groups: [pick(['512', '601', '228'], below), digits(3, below), digits(3, below)],
      },
      {
        code: '81',
        trunk: '0',
        groups: [pick(['3', '90'], below), `${3 + below(5)}${digits(3, below)}`, digits(4, below)],
      },
      {
        code: '55',
        trunk: '',
        groups: [pick(['11', '21'], below), `9${digits(4, below)}`, digits(4, below)],
      },
    ],
    below,
  );
}
const called =
  (sign: string, write: (number: ReturnType<typeof phone>, sign: string) => string): Make =>
  (below) =>
    write(phone(below), sign);
const whole = ({ code, groups }: ReturnType<typeof phone>, sign: string): string =>
  `+${code}${sign}${groups.join(sign)}`;
const home = ({ trunk, groups }: ReturnType<typeof phone>, sign: string): string =>
  `${trunk}${groups.join(sign)}`;

const six = (below: Below): readonly string[] => [
  '2001',
  'db8',
  ...Array.from({ length: 6 }, () => (1 + below(65_534)).toString(16)),
];

interface Form {
  readonly type: string;
  readonly name: string;
  readonly make: Make;
  /** It says by itself what it is; without: only in places that say so (`{w}` stands for the word). */
  readonly words: readonly string[];
  readonly alone: boolean;
  /** Types that are as good. */
  readonly also?: readonly string[];
}

// oxlint-disable-next-line max-params -- a row of the table below
const form = (type: string, name: string, make: Make, words = '', also: readonly string[] = []): Form => ({
  type,
  name,
  make,
  words: words === '' ? [type.toLowerCase()] : words.split('|'),
  alone: words === '',
  also,
});
const phoneWords = 'phone|tel|mobile|callback number|contact_phone|Telefon|téléphone|teléfono';

/** No file has the beginning of a token in one piece. */
const put = (head: string, rest: string): string => head + rest;

export const forms: readonly Form[] = [
  form('EMAIL_ADDRESS', 'tag', (b) => `${word(b)}+${pick(['shop', 'news', 'x1'], b)}@${host(b)}`),
  form('EMAIL_ADDRESS', 'capitals', (b) => `${word(b)}.${word(b)}@${host(b)}`.toUpperCase()),
  form(
    'EMAIL_ADDRESS',
    'international',
    (b) =>
      `${pick(['søren', 'jürgen', '田中', 'иван', 'zoë'], b)}@${pick(['bücher.example', 'почта.рф', 'post.dk', '例え.jp'], b)}`,
  ),
  form(
    'EMAIL_ADDRESS',
    'puny',
    (b) => `${word(b)}@xn--${of('abcdefghijkl', 5, b)}-${of('abc123', 3, b)}.com`,
  ),
  form('EMAIL_ADDRESS', 'signs', (b) => `${word(b)}_${digits(2, b)}.o'${word(b)}-x@${host(b)}`),
  form('EMAIL_ADDRESS', 'quoted', (b) => `"${word(b)} ${word(b)}"@${host(b)}`),
  form('EMAIL_ADDRESS', 'literal', (b) => `${word(b)}@[192.0.2.${1 + b(250)}]`),
  form('EMAIL_ADDRESS', 'escaped', (b) => `${word(b)}.${word(b)}%40${host(b)}`),
  form('EMAIL_ADDRESS', 'spelled', (b) => `${word(b)} [at] ${pick(['nordwind', 'yamato'], b)} [dot] com`),
  form('EMAIL_ADDRESS', 'long', (b) => `${word(b)}.${mixed(40, b)}@${host(b)}`),
  form('PHONE_NUMBER', 'sign and blanks', called(' ', whole)),
  form('PHONE_NUMBER', 'sign and dots', called('.', whole)),
  form('PHONE_NUMBER', 'sign and no-break blanks', called('\u00a0', whole)),
  form('PHONE_NUMBER', 'sign and narrow blanks', called('\u202f', whole)),
  form('PHONE_NUMBER', 'sign and dashes of print', called('\u2011', whole)),
  form('PHONE_NUMBER', 'sign and long dashes', called('–', whole)),
  form(
    'PHONE_NUMBER',
    'sign, brackets',
    called(' ', ({ code, groups: [area = '', ...rest] }, s) => `+${code} (${area}) ${rest.join(s)}`),
  ),
  form(
    'PHONE_NUMBER',
    'sign, trunk in brackets',
    called(' ', ({ code, groups }, s) => `+${code} (0)${groups.join(s)}`),
  ),
  form(
    'PHONE_NUMBER',
    'ext',
    called(' ', (n, s) => `${whole(n, s)} ext. 42`),
  ),
  form(
    'PHONE_NUMBER',
    'rfc ext',
    called('-', (n, s) => `${whole(n, s)};ext=1042`),
  ),
  form(
    'PHONE_NUMBER',
    'hash ext',
    called(' ', (n, s) => `${whole(n, s)} #204`),
  ),
  form(
    'PHONE_NUMBER',
    'poste',
    called(' ', (n, s) => `${whole(n, s)} poste 17`),
  ),
  form(
    'PHONE_NUMBER',
    'ramal',
    called(' ', (n, s) => `${whole(n, s)} ramal 310`),
  ),
  form(
    'PHONE_NUMBER',
    'DW',
    called(' ', (n, s) => `${whole(n, s)} DW 12`),
  ),
  form(
    'PHONE_NUMBER',
    'dialled',
    called(' ', ({ code, groups }, s) => `00${code}${s}${groups.join(s)}`),
  ),
  form(
    'PHONE_NUMBER',
    'dialled from America',
    called('-', ({ code, groups }, s) => `011-${code}-${groups.join(s)}`),
    phoneWords,
  ),
  form('PHONE_NUMBER', 'home', called(' ', home), phoneWords),
  form('PHONE_NUMBER', 'home dashes', called('-', home), phoneWords),
  form('PHONE_NUMBER', 'home dots', called('.', home), phoneWords),
  form(
    'PHONE_NUMBER',
    'home slash',
    called(' ', ({ trunk, groups: [area = '', ...rest] }) => `${trunk}${area}/${rest.join('')}`),
    phoneWords,
  ),
  form('PHONE_NUMBER', 'home one word', called('', home), phoneWords),
  form(
    'PHONE_NUMBER',
    'full width',
    called('-', (n, s) => home(n, s).replaceAll(/\d/g, (d) => String.fromCharCode(0xff10 + Number(d)))),
    phoneWords,
  ),
  form(
    'PHONE_NUMBER',
    'Arabic digits',
    called(' ', (n, s) => home(n, s).replaceAll(/\d/g, (d) => String.fromCharCode(0x660 + Number(d)))),
    phoneWords,
  ),
  form(
    'PHONE_NUMBER',
    'e164 without sign',
    called('', ({ code, groups }) => `${code}${groups.join('')}`),
    'msisdn|phone|mobile|whatsapp|tel',
  ),
  form(
    'PHONE_NUMBER',
    'uri',
    called('-', (n, s) => `tel:\u0001${whole(n, s)}\u0001`),
  ),
  form('IBAN_CODE', 'compact', iban),
  form('IBAN_CODE', 'fours', (b) => fours(iban(b), ' ')),
  form('IBAN_CODE', 'fours no-break', (b) => fours(iban(b), '\u00a0')),
  form('IBAN_CODE', 'fours thin', (b) => fours(iban(b), '\u2009')),
  form('IBAN_CODE', 'fours two blanks', (b) => fours(iban(b), '  ')),
  form('IBAN_CODE', 'dots', (b) => fours(iban(b), '.')),
  form('IBAN_CODE', 'small', (b) => fours(iban(b), ' ').toLowerCase()),
  form('IBAN_CODE', 'tabs', (b) => fours(iban(b), '\t')),
  form('IBAN_CODE', 'head apart', (b) => iban(b).replace(/^(..)(..)/, '$1 $2 ')),
  form('CREDIT_CARD', 'fours', (b) => fours(card(b), ' ')),
  form('CREDIT_CARD', 'fours no-break', (b) => fours(card(b), '\u00a0')),
  form('CREDIT_CARD', 'compact', card),
  form('CREDIT_CARD', 'dots', (b) => fours(card(b), '.')),
  form('CREDIT_CARD', 'dashes of print', (b) => fours(card(b), '\u2011')),
  form('CREDIT_CARD', 'underscores', (b) => fours(card(b), '_'), 'card number|cc|card'),
  form('CREDIT_CARD', 'two blanks', (b) => fours(card(b), '  ')),
  form('IP_ADDRESS', 'six', (b) => six(b).join(':')),
  form('IP_ADDRESS', 'six capitals', (b) => six(b).join(':').toUpperCase()),
  form('IP_ADDRESS', 'six short', (b) => `${six(b).slice(0, 3).join(':')}::${hex(4, b)}`),
  form('IP_ADDRESS', 'six zone', (b) => `fe80::${hex(4, b)}:${hex(4, b)}%eth0`),
  form('IP_ADDRESS', 'six net', (b) => `${six(b).slice(0, 4).join(':')}::/64`),
  form('IP_ADDRESS', 'six port', (b) => `[\u0001${six(b).join(':')}\u0001]:8443`),
  form('IP_ADDRESS', 'mapped', (b) => `::ffff:203.0.113.${1 + b(250)}`),
  form('IP_ADDRESS', 'port', (b) => `\u0001203.0.${100 + b(99)}.${1 + b(250)}\u0001:51${digits(3, b)}`),
  form('IP_ADDRESS', 'net', (b) => `10.${b(250)}.${b(250)}.0/24`),
  form('IP_ADDRESS', 'reversed', (b) => `\u0001${1 + b(250)}.${10 + b(240)}.168.192\u0001.in-addr.arpa`),
  form('MAC_ADDRESS', 'colons', (b) => Array.from({ length: 6 }, () => hex(2, b)).join(':')),
  form('MAC_ADDRESS', 'dashes capitals', (b) =>
    Array.from({ length: 6 }, () => hex(2, b))
      .join('-')
      .toUpperCase(),
  ),
  form('MAC_ADDRESS', 'dots', (b) => `0a${hex(2, b)}.${hex(4, b)}.${hex(4, b)}`),
  form('MAC_ADDRESS', 'bare', (b) => `0a${hex(10, b)}`, 'mac|mac_address|MAC address|bssid'),
  form(
    'MAC_ADDRESS',
    'blanks',
    (b) => `0a ${Array.from({ length: 5 }, () => hex(2, b)).join(' ')}`,
    'mac|MAC address',
  ),
  form('MAC_ADDRESS', 'eui64', (b) => Array.from({ length: 8 }, () => hex(2, b)).join(':'), '', [
    'IP_ADDRESS',
  ]),
  form('URL', 'user and password', (b) => `https://${word(b)}:${mixed(10, b)}@${host(b)}/x`),
  form('URL', 'password only', (b) => `redis://:${mixed(12, b)}@${host(b)}:6379/0`),
  form(
    'URL',
    'token as user',
    (b) => `https://${put('gh', `p_${mixed(36, b)}`)}@github.com/acme/app.git`,
    '',
    ['API_KEY'],
  ),
  form(
    'PASSWORD',
    'jdbc',
    (b) => `jdbc:postgresql://${host(b)}:5432/app?user=${word(b)}&password=\u0001${mixed(12, b)}\u0001`,
    '',
    ['URL'],
  ),
  form('URL', 'driver', (b) => `postgresql+psycopg2://${word(b)}:${mixed(9, b)}@${host(b)}/main`),
  form(
    'URL',
    'several hosts',
    (b) => `mongodb://${word(b)}:${mixed(9, b)}@a.${host(b)}:27017,b.${host(b)}:27017/admin`,
  ),
  form('URL', 'escaped password', (b) => `amqps://${word(b)}:p%40${mixed(6, b)}%2F@${host(b)}:5671/vhost`),
  form('URL', 'ftp', (b) => `ftp://${word(b)}:${mixed(9, b)}@${host(b)}/pub`),
  form('PASSWORD', 'libpq', (b) => mixed(11, b), 'host=db user=app password|pwd|PGPASSWORD'),
  form(
    'PASSWORD',
    'env',
    (b) => `${mixed(14, b)}!`,
    'DB_PASSWORD|SMTP_PASS|ADMIN_PWD|MYSQL_ROOT_PASSWORD|client_secret',
  ),
  form(
    'PASSWORD',
    'any token',
    (b) => mixed(32, b),
    'DISCORD_BOT_TOKEN|airtable_key|deployKey|CLOUDFLARE_API_TOKEN|session_secret|STRIPE_SIGNING_SECRET',
  ),
  form('API_KEY', 'github', (b) => put('gh', `o_${mixed(36, b)}`)),
  form('API_KEY', 'gitlab', (b) => put('gl', `pat-${mixed(20, b)}`)),
  form('API_KEY', 'slack', (b) => put('xox', `b-${digits(12, b)}-${digits(13, b)}-${mixed(24, b)}`)),
  form('API_KEY', 'stripe', (b) => put('sk_', `live_${mixed(99, b)}`)),
  form('API_KEY', 'openai', (b) => put('sk-', `proj-${mixed(74, b)}T3BlbkFJ${mixed(74, b)}`)),
  form('API_KEY', 'anthropic', (b) => put('sk-', `ant-api03-${mixed(93, b)}AA`)),
  form('API_KEY', 'telegram', (b) => `${digits(9, b)}:AA${mixed(33, b)}`, 'TELEGRAM_BOT_TOKEN|bot token', [
    'PASSWORD',
  ]),
  form('API_KEY', 'sendgrid', (b) => put('SG', `.${mixed(22, b)}.${mixed(43, b)}`)),
  form('API_KEY', 'vault', (b) => put('hvs', `.${mixed(90, b)}`)),
  form('API_KEY', 'azure', (b) => `${mixed(3, b)}8Q~${mixed(34, b)}`, 'client_secret|AZURE_CLIENT_SECRET', [
    'PASSWORD',
  ]),
  form('API_KEY', 'azure storage', (b) => `${mixed(86, b)}==`, 'AccountKey|storage_account_key', [
    'PASSWORD',
  ]),
  form('API_KEY', 'huggingface', (b) => put('hf', `_${of('ABCDEFGHabcdefgh', 34, b)}`)),
  form('API_KEY', 'mailchimp', (b) => `${hex(32, b)}-us${1 + b(20)}`, 'MAILCHIMP_API_KEY|mailchimp_key', [
    'PASSWORD',
  ]),
  form(
    'API_KEY',
    'teams hook',
    (b) =>
      `https://acme.webhook.office.com/webhookb2/${hex(8, b)}-${hex(4, b)}-4${hex(3, b)}-8${hex(3, b)}-${hex(12, b)}/IncomingWebhook/${hex(32, b)}/${hex(12, b)}`,
    '',
    ['URL'],
  ),
  form(
    'API_KEY',
    'discord hook',
    (b) => `https://discord.com/api/webhooks/${digits(18, b)}/${mixed(68, b)}`,
    '',
    ['URL'],
  ),
  form('AWS_ACCESS_KEY', 'id', (b) => put('AK', `IA${of('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16, b)}`)),
  form(
    'API_KEY',
    'aws secret',
    (b) => mixed(40, b),
    'aws_secret_access_key|AWS_SECRET_ACCESS_KEY|secretAccessKey',
    ['PASSWORD', 'AWS_ACCESS_KEY'],
  ),
];
