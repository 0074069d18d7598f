import { Wrong } from '../meter.ts';

// Layouts of Go's time package: the moment `Mon Jan 2 15:04:05 MST 2006` written as times are to be.

/** A moment on somebody's clock. */
export interface Clock {
  readonly year: number;
  readonly month: number; // 1 to 12
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanos: number;
  readonly offset: number; // seconds east of UTC
  readonly weekday: number; // 0: Sunday
  readonly zone: string; // `UTC`, `CET`
}

export const months: readonly string[] = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
export const weekdays: readonly string[] = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
];

export const rfc3339Nano = '2006-01-02T15:04:05.999999999Z07:00';

const named: Readonly<Record<string, string>> = {
  ANSIC: 'Mon Jan _2 15:04:05 2006',
  UnixDate: 'Mon Jan _2 15:04:05 MST 2006',
  RubyDate: 'Mon Jan 02 15:04:05 -0700 2006',
  RFC822: '02 Jan 06 15:04 MST',
  RFC822Z: '02 Jan 06 15:04 -0700',
  RFC850: 'Monday, 02-Jan-06 15:04:05 MST',
  RFC1123: 'Mon, 02 Jan 2006 15:04:05 MST',
  RFC1123Z: 'Mon, 02 Jan 2006 15:04:05 -0700',
  RFC3339: '2006-01-02T15:04:05Z07:00',
  RFC3339Nano: rfc3339Nano,
};

const token =
  /January|Jan|Monday|Mon|MST|2006|__2|_2|002|01|02|03|04|05|06|15|PM|pm|[-Z]07:00:00|[-Z]070000|[-Z]07:00|[-Z]0700|[-Z]07|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5/g;

const longestLayout = 64;

function layoutOf(said: string): string {
  if (said.length > longestLayout) throw new Wrong('the layout is too long');
  return Object.hasOwn(named, said) ? (named[said] ?? said) : said;
}

function two(value: number, fill = '0'): string {
  return String(value).padStart(2, fill);
}

function zoned(form: string, { offset }: Clock): string {
  if (form.startsWith('Z') && offset === 0) return 'Z';
  const size = Math.abs(offset);
  const parts = [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60].map((each) => two(each));
  const count = form.replace(/\D/g, '').length / 2;
  return (offset < 0 ? '-' : '+') + parts.slice(0, count).join(form.includes(':') ? ':' : '');
}

const writers: Readonly<Record<string, (clock: Clock) => string>> = {
  January: ({ month }) => months[month - 1] ?? '',
  Jan: ({ month }) => (months[month - 1] ?? '').slice(0, 3),
  Monday: ({ weekday }) => weekdays[weekday] ?? '',
  Mon: ({ weekday }) => (weekdays[weekday] ?? '').slice(0, 3),
  MST: ({ zone }) => zone,
  '2006': ({ year }) => String(year).padStart(4, '0'),
  '06': ({ year }) => two(year % 100),
  '01': ({ month }) => two(month),
  '1': ({ month }) => String(month),
  '02': ({ day }) => two(day),
  _2: ({ day }) => two(day, ' '),
  '2': ({ day }) => String(day),
  '002': (clock) => String(dayOfYear(clock)).padStart(3, '0'),
  __2: (clock) => String(dayOfYear(clock)).padStart(3),
  '15': ({ hour }) => two(hour),
  '03': ({ hour }) => two(hour % 12 || 12),
  '3': ({ hour }) => String(hour % 12 || 12),
  '04': ({ minute }) => two(minute),
  '4': ({ minute }) => String(minute),
  '05': ({ second }) => two(second),
  '5': ({ second }) => String(second),
  PM: ({ hour }) => (hour < 12 ? 'AM' : 'PM'),
  pm: ({ hour }) => (hour < 12 ? 'am' : 'pm'),
};

function dayOfYear({ year, month, day }: Clock): number {
  return (Date.UTC(year, month - 1, day) - Date.UTC(year, 0, 1)) / 86_400_000 + 1;
}

export function written(clock: Clock, layout: string): string {
  return layoutOf(layout).replace(token, (form) => {
    const writer = writers[form];
    if (writer !== undefined) return writer(clock);
    if (/^[-Z]/.test(form)) return zoned(form, clock);
    const digits = String(clock.nanos)
      .padStart(9, '0')
      .slice(0, form.length - 1);
    if (form.charAt(1) === '0') return form.charAt(0) + digits.padEnd(form.length - 1, '0');
    const kept = digits.replace(/0+$/, '');
    return kept === '' ? '' : form.charAt(0) + kept;
  });
}

const names = (all: readonly string[], length?: number): string =>
  all.map((each) => each.slice(0, length)).join('|');

const readers: Readonly<Record<string, string>> = {
  January: `(?<monthName>${names(months)})`,
  Jan: `(?<monthName>${names(months, 3)})`,
  Monday: `(?:${names(weekdays)})`,
  Mon: `(?:${names(weekdays, 3)})`,
  MST: '(?<zoneName>[A-Z]{3,5}|GMT[+-]\\d{1,2}|[+-]\\d{2})', // named, so that it stands there once
  '2006': '(?<year>\\d{4})',
  '06': '(?<shortYear>\\d{2})',
  '01': '(?<month>\\d{2})',
  '1': '(?<month>\\d{1,2})',
  '02': '(?<day>\\d{2})',
  _2: ' ?(?<day>\\d{1,2})',
  '2': '(?<day>\\d{1,2})',
  '15': '(?<hour>\\d{2})',
  '03': '(?<hour12>\\d{2})',
  '3': '(?<hour12>\\d{1,2})',
  '04': '(?<minute>\\d{2})',
  '4': '(?<minute>\\d{1,2})',
  '05': '(?<second>\\d{2})',
  '5': '(?<second>\\d{1,2})',
  PM: '(?<half>AM|PM)',
  pm: '(?<half>am|pm)',
};

const fraction = '(?:[.,](?<fraction>\\d+))?';

/** The pattern that a layout makes: each field once, and everything else as it stands. */
function patternFor(layout: string): RegExp {
  let [made, from] = ['^', 0];
  const literal = (said: string): string => said.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  for (const found of layout.matchAll(token)) {
    const [form] = found;
    made += literal(layout.slice(from, found.index));
    from = found.index + form.length;
    const seconds = form === '05' || form === '5';
    if (/^[.,]/.test(form))
      made += form.charAt(1) === '0' ? `[.,](?<fraction>\\d{${form.length - 1}})` : fraction;
    else if (/^[-Z]/.test(form)) {
      const parts = form.replace(/\D/g, '').length / 2;
      const inner = Array.from({ length: parts }, () => '\\d{2}').join(form.includes(':') ? ':' : '');
      made += form.startsWith('Z') ? `(?<zone>Z|[+-]${inner})` : `(?<zone>[+-]${inner})`;
    } else {
      const reader = readers[form];
      if (reader === undefined) throw new Wrong('a part of the layout is not supported');
      made += reader + (seconds && !/^[.,][09]/.test(layout.slice(from)) ? fraction : '');
    }
  }
  try {
    return new RegExp(`${made}${literal(layout.slice(from))}$`);
  } catch {
    throw new Wrong('the layout names a part twice');
  }
}

/** Nanoseconds since 1970 of a text. @throws {Wrong} where it is not of the layout, or no moment. */
export function readTime(layout: string, said: string): bigint {
  const found = said.length > longestLayout ? null : patternFor(layoutOf(layout)).exec(said);
  if (found === null) throw new Wrong('the time is not of this layout');
  const part = (name: string): string | undefined => found.groups?.[name];
  const number = (name: string, otherwise: number): number => Number(part(name) ?? otherwise);
  const short = part('shortYear');
  const year = short === undefined ? number('year', 0) : Number(short) + (Number(short) >= 69 ? 1900 : 2000);
  const name = part('monthName');
  const month =
    name === undefined ? number('month', 1) : months.findIndex((each) => each.startsWith(name)) + 1;
  const half = part('half')?.toLowerCase();
  const hour12 = part('hour12');
  const hour =
    hour12 === undefined
      ? number('hour', 0)
      : half === undefined
        ? Number(hour12)
        : (Number(hour12) % 12) + (half === 'pm' ? 12 : 0);
  const [day, minute, second] = [number('day', 1), number('minute', 0), number('second', 0)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const real =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!real) throw new Wrong('the time is out of range');
  const nanos = BigInt((part('fraction') ?? '0').slice(0, 9).padEnd(9, '0'));
  const [, sign = '+', hours = '0', minutes = '0', seconds = '0'] =
    /^([+-])(\d{2}):?(\d{2})?:?(\d{2})?$/.exec(part('zone') ?? '') ?? [];
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return BigInt(date.getTime() - (sign === '-' ? -offset : offset) * 1000) * 1_000_000n + nanos;
}
