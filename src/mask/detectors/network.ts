import type { FindDetector, PatternDetector, Span } from '../detector.ts';

const four =
  /(?<![\w.-])(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?:\/(?:3[0-2]|[12]?\d)(?!\d))?(?![\w]|\.\d|-\w)/g;
/** Its signs are dashes in what clouds and networks call their machines: `ip-10-1-2-3.ec2.internal`. */
const hosted =
  /(?<![\w.])(?:ip|ec2|host|static|dynamic|dyn|dsl|adsl|cpe|pool|client|broadband|cable|mail|vps|nat|ppp|pppoe)-((?:25[0-5]|2[0-4]\d|1?\d?\d)(?:-(?:25[0-5]|2[0-4]\d|1?\d?\d)){3})(?=\.[a-z])/gi;
const six = /(?<![\w:.])[0-9a-fA-F:]{2,39}(?:\.\d{1,3}){0,3}(?:%[\w.-]{1,16})?(?:\/\d{1,3})?(?![\w:])/g;
const versioned =
  /(?:\bv|version|release|ver\.?|build|firmware|kernel|chrome|firefox|safari|edg|opera|opr|@)[\s:=/]{0,3}$/i;

export const ip: FindDetector = {
  kind: 'find',
  name: 'IP_ADDRESS',
  gate: /\d\.\d{1,3}\.\d|:[0-9a-f]{0,4}:|-\d{1,3}-\d{1,3}-\d{1,3}\.[a-z]/i,
  marks: '.:',
  context: ['ip', 'ipv4', 'ipv6', 'ip address', 'host', 'peer', 'remote', 'addr'],
  examples: {
    yes: [
      '10.218.6.131',
      '192.168.0.1',
      '8.8.8.8',
      '2001:db8::8a2e:370:7334',
      'd80:e4b5:79da:6cf6:71f3:51f7:9161:c319',
      'fe80::1',
      '::ffff:10.0.0.1',
      '10.1.2.0/24',
    ],
    no: [
      'shelf-12-3-4-5',
      'v1-10-20-30-40.txt.',
      '1.2.3.4',
      '256.1.1.1',
      '1.2.3.4.5',
      '10:11:12',
      'std::string',
      'v10.2.30.4',
      'face::text',
      '12.345.67.8',
    ],
  },
  find: function* (text: string): Iterable<Span> {
    four.lastIndex = 0;
    for (let match = four.exec(text); match !== null; match = four.exec(text)) {
      const before = text.slice(Math.max(0, match.index - 12), match.index);
      // With the length of its prefix it is no version.
      if (versioned.test(before) && !match[0].includes('/')) continue;
      // Four single digits are a version far more often than an address, unless they are the well-known resolvers.
      const weak = /^\d\.\d\.\d\.\d$/.test(match[0]) && !/^(\d)(?:\.\1){3}$/.test(match[0]);
      yield { start: match.index, end: match.index + match[0].length, score: weak ? 0.1 : 0.8 };
    }
    hosted.lastIndex = 0;
    for (let match = hosted.exec(text); match !== null; match = hosted.exec(text)) {
      const end = match.index + match[0].length;
      yield { start: end - (match[1]?.length ?? 0), end, score: 0.6 };
    }
    if (!text.includes(':')) return;
    six.lastIndex = 0;
    for (let match = six.exec(text); match !== null; match = six.exec(text)) {
      if (isSix(match[0])) yield { start: match.index, end: match.index + match[0].length, score: 0.8 };
    }
  },
};

const mapped = /^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

/** RFC 4291, 2.2: eight groups, or fewer with one `::`; the last two may be an IPv4 address. */
function isSix(raw: string): boolean {
  const text = raw.replace(/[%/].*$/, '');
  if (!/\d|[a-f]/i.test(text) || !text.includes(':')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = text.split(':').filter((group) => group !== '');
  let count = 0;
  for (const [at, group] of groups.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(group)) count++;
    else if (at === groups.length - 1 && mapped.test(group)) count += 2;
    else return false;
  }
  if (halves.length === 1) return count === 8 && !text.startsWith(':') && !text.endsWith(':');
  return count < 8 && /^(?!:[^:]).*(?<![^:]:)$/.test(text);
}

export const mac: PatternDetector = {
  kind: 'pattern',
  name: 'MAC_ADDRESS',
  context: ['mac', 'mac address', 'hardware address', 'ethernet', 'bssid'],
  pattern:
    /(?<![\w:-])(?:[0-9a-fA-F]{2}([:-]))(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}(?![\w:-])|(?<![\w.])[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}(?![\w.])/g,
  score: 0.85,
  check: (value) => !/^(?:00|ff|[:.-])+$/i.test(value) && (!value.includes('.') || /[a-f]/i.test(value)),
  examples: {
    yes: ['00:1A:2B:3C:4D:5E', '00-1a-2b-3c-4d-5e', '001a.2b3c.4d5e'],
    no: ['00:00:00:00:00:00', '00:1A:2B:3C:4D', '00:1A-2B:3C-4D:5E', '12:30:45', '1234.5678.9012'],
  },
};

/** Without signs between its pairs, or with blanks, it is one only where something says so. */
export const macNamed: PatternDetector = {
  kind: 'pattern',
  name: 'MAC_ADDRESS',
  context: ['mac', 'mac address', 'hardware address', 'bssid'],
  pattern: /(?<![\w:-])[0-9a-fA-F]{2}(?: ?[0-9a-fA-F]{2}){5}(?![\w:-])/g,
  score: 0.1,
  check: (value) => /[a-f]/i.test(value) && /\d/.test(value) && !/^[f ]+$/i.test(value),
  examples: { yes: [], no: ['001a2b3c4d5e'], named: ['001a2b3c4d5e', '00 1A 2B 3C 4D 5E'] },
};

const link =
  /(?<![\w@.])(?:https?|ftps?|wss?):\/\/[^\s"'<>\\^`{|}]{1,2048}|(?<![\w@.-])www\.[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}(?::\d{2,5})?(?:[/?#][^\s"'<>\\^`{|}]{0,2048})?/giu;
const withCredentials =
  /(?<![\w])[a-z][a-z0-9+.-]{1,24}:\/\/[^\s"'<>/?#@]{0,256}:[^\s"'<>]{1,512}@[^\s"'<>]{1,2048}/giu;

/** A token instead of a name and a password: `https://ghp_…@github.com`. */
const withUser = /(?<![\w])[a-z][a-z0-9+.-]{1,24}:\/\/[^\s"'<>/?#@:]{1,256}@[^\s"'<>]{1,2048}/giu;

export const url: FindDetector = {
  kind: 'find',
  name: 'URL',
  gate: /:\/\/|www\./i,
  marks: '/.',
  context: ['url', 'link', 'website', 'web', 'site', 'dsn', 'connection'],
  examples: {
    yes: [
      'https://www.example.com/a?b=c',
      'http://TalkAnorexia.de/',
      'www.example.co.uk',
      'postgres://app:s3cret@db.internal:5432/orders',
      'https://user:pw@host/',
      'https://a1b2c3d4@git.example.com/app.git',
    ],
    no: ['www', 'http://', 'example.com', 'file://'],
  },
  find: function* (text: string): Iterable<Span> {
    withCredentials.lastIndex = 0;
    for (let match = withCredentials.exec(text); match !== null; match = withCredentials.exec(text)) {
      yield { start: match.index, end: match.index + trimmed(match[0]), score: 1 };
    }
    withUser.lastIndex = 0;
    for (let match = withUser.exec(text); match !== null; match = withUser.exec(text)) {
      yield { start: match.index, end: match.index + trimmed(match[0]), score: 0.96 };
    }
    link.lastIndex = 0;
    for (let match = link.exec(text); match !== null; match = link.exec(text)) {
      yield { start: match.index, end: match.index + trimmed(match[0]), score: 0.6 };
    }
  },
};

/** A closing bracket or full stop after an address belongs to the sentence. */
function trimmed(text: string): number {
  let end = text.length;
  while (end > 1 && '.,;:!?)]'.includes(text[end - 1] ?? '')) end--;
  return end;
}
