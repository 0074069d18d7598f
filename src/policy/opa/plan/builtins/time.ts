import { type Builtins, int, text, value } from '../builtin.ts';
import { Wrong } from '../meter.ts';
import { integer, type Num, wholeOf } from '../number.ts';
import { isList, isNumber, type Value } from '../value.ts';
import { type Clock, readTime, rfc3339Nano, weekdays, written } from './layout.ts';

const least = -(1n << 63n);
const most = (1n << 63n) - 1n;

function within(nanos: bigint): Num {
  if (nanos < least || nanos > most) throw new Wrong('time outside of valid range');
  return integer(nanos);
}

interface Moment {
  readonly nanos: bigint;
  readonly zone: string;
  readonly layout?: string;
}

/** `ns`, `[ns, zone]` or `[ns, zone, layout]`. */
function moment(args: readonly Value[], at: number): Moment {
  const given = value(args, at);
  const parts = isList(given) ? given : [given];
  const [ns, zone = 'UTC', layout] = parts;
  const nanos = isNumber(ns) ? wholeOf(ns) : undefined;
  if (nanos === undefined || typeof zone !== 'string') throw new Wrong('operand must be a time');
  if (nanos < least || nanos > most) throw new Wrong('timestamp too big');
  if (layout !== undefined && typeof layout !== 'string') throw new Wrong('operand must be a time');
  return {
    nanos,
    zone: zone === '' || zone === 'Local' ? 'UTC' : zone,
    ...(layout === undefined ? {} : { layout }),
  };
}

function floorDiv(value: bigint, by: bigint): bigint {
  const cut = value / by;
  return value % by < 0n ? cut - 1n : cut;
}

/** Seconds east of UTC at a moment, and what the zone is called then. */
function offsetOf(zone: string, ms: number): { readonly offset: number; readonly name: string } {
  if (zone === 'UTC') return { offset: 0, name: 'UTC' };
  let parts: Map<string, string>;
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      timeZoneName: 'short',
    });
    parts = new Map(format.formatToParts(ms).map(({ type, value: said }) => [type, said]));
  } catch {
    throw new Wrong('unknown time zone');
  }
  const part = (name: string): number => Number(parts.get(name));
  const here = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return { offset: (here - Math.floor(ms / 1000) * 1000) / 1000, name: parts.get('timeZoneName') ?? zone };
}

function clockOf({ nanos, zone }: Moment): Clock {
  const ms = Number(floorDiv(nanos, 1_000_000n));
  const { offset, name } = offsetOf(zone, ms);
  const date = new Date(ms + offset * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    nanos: Number(nanos - floorDiv(nanos, 1_000_000_000n) * 1_000_000_000n),
    offset,
    weekday: date.getUTCDay(),
    zone: name,
  };
}

function addDate(from: Moment, [years, months, days]: readonly [number, number, number]): bigint {
  const clock = clockOf(from);
  const date = new Date(0);
  date.setUTCFullYear(clock.year + years, clock.month - 1 + months, clock.day + days);
  date.setUTCHours(clock.hour, clock.minute, clock.second);
  if (Number.isNaN(date.getTime())) throw new Wrong('time outside of valid range');
  // The zone may be another time away from UTC then.
  const guess = date.getTime() - clock.offset * 1000;
  const { offset } = offsetOf(from.zone, guess);
  return BigInt(date.getTime() - offset * 1000) * 1_000_000n + BigInt(clock.nanos);
}

/** Years, months, days, hours, minutes and seconds between two moments, on the clock of the second. */
function between(one: Moment, other: Moment): readonly number[] {
  const [early, late] = one.nanos > other.nanos ? [other, one] : [one, other];
  const [a, b] = [clockOf({ ...early, zone: other.zone }), clockOf({ ...late, zone: other.zone })];
  const made = [
    b.year - a.year,
    b.month - a.month,
    b.day - a.day,
    b.hour - a.hour,
    b.minute - a.minute,
    b.second - a.second,
  ];
  const daysInMonth = new Date(Date.UTC(a.year, a.month, 0)).getUTCDate();
  const sizes = [Infinity, 12, daysInMonth, 24, 60, 60];
  for (let at = made.length - 1; at > 0; at--) {
    const here = made[at] ?? 0;
    if (here >= 0) continue;
    made[at] = here + (sizes[at] ?? 0);
    made[at - 1] = (made[at - 1] ?? 0) - 1;
  }
  return made;
}

const unitsNs: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Go's `time.ParseDuration`: `1h15m30.918s`. */
function durationNs(said: string): bigint {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(said) ?? [];
  if (rest === '0') return 0n;
  if (rest.length > 128 || !/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest))
    throw new Wrong('invalid duration');
  let sum = 0n;
  for (const [, whole = '', part = '', unit = ''] of rest.matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const by = unitsNs[unit] ?? 0n;
    sum += BigInt(whole || '0') * by + (BigInt(part || '0') * by) / 10n ** BigInt(part.length);
  }
  if (sum > most) throw new Wrong('invalid duration');
  return sign === '-' ? -sum : sum;
}

/** Moments, in nanoseconds since 1970. Now is when the question was asked. */
export const time: Builtins = {
  'time.now_ns': (_args, { at }) => integer(BigInt(Math.floor(at)) * 1_000_000n),
  'time.parse_ns': (args) => within(readTime(text(args, 0), text(args, 1))),
  'time.parse_rfc3339_ns': (args) => within(readTime(rfc3339Nano, text(args, 0))),
  'time.parse_duration_ns': (args) => integer(durationNs(text(args, 0))),
  'time.format': (args) => {
    const from = moment(args, 0);
    return written(clockOf(from), from.layout ?? rfc3339Nano);
  },
  'time.date': (args) => {
    const { year, month, day } = clockOf(moment(args, 0));
    return [year, month, day];
  },
  'time.clock': (args) => {
    const { hour, minute, second } = clockOf(moment(args, 0));
    return [hour, minute, second];
  },
  'time.weekday': (args) => weekdays[clockOf(moment(args, 0)).weekday],
  'time.add_date': (args) => within(addDate(moment(args, 0), [int(args, 1), int(args, 2), int(args, 3)])),
  'time.diff': (args) => between(moment(args, 0), moment(args, 1)),
};
