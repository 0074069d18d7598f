import type { Instant } from '../base/time.ts';
import type { Problems } from './problem.ts';
import { fields, text, texts, wrong } from './shape.ts';
import type { Located } from './yaml.ts';

/** When something may happen: hours of days on the clocks of one place. */
export interface Window {
  readonly source: string; // `mon, tue 09:00-17:00 Europe/Berlin`
  /** False outside, and for a moment that is none. */
  readonly open: (at: Instant) => boolean;
}

const week = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const wholeDay = 24 * 60;

/** Reads `window: { days: mon-fri, hours: 09:00-17:00, zone: Europe/Berlin }`. */
export function readWindow(node: Located, problems: Problems): Window | undefined {
  const found = fields(node, 'window', { required: ['zone'], optional: ['days', 'hours'] }, problems);
  const [zoneNode, daysNode, hoursNode] = ['zone', 'days', 'hours'].map((key) => found?.get(key)?.value);
  if (zoneNode === undefined) return undefined;
  if (daysNode === undefined && hoursNode === undefined) {
    return wrong(node, 'A window has `days`, `hours` or both', problems);
  }
  const zone = text(zoneNode, 'zone', problems);
  const clock = zone === undefined ? undefined : clockOf(zone);
  if (zone !== undefined && clock === undefined) {
    wrong(zoneNode, 'zone is a time zone such as `Europe/Berlin` or `UTC`', problems);
  }
  const days = daysNode === undefined ? new Set(week.keys()) : readDays(daysNode, problems);
  const hours = hoursNode === undefined ? { from: 0, to: wholeDay } : readHours(hoursNode, problems);
  if (zone === undefined || clock === undefined || days === undefined || hours === undefined)
    return undefined;
  const named = [...days].map((day) => week[day] ?? '').join(', ');
  return {
    source: `${named} ${clockTime(hours.from)}-${clockTime(hours.to)} ${zone}`,
    open: (at) => {
      const here = clock(at);
      return here !== undefined && covers(days, hours, here);
    },
  };
}

interface Hours {
  readonly from: number; // minutes since midnight
  readonly to: number; // exclusive; before `from` where it passes midnight
}

interface Here {
  readonly day: number; // 0: Monday
  readonly minute: number;
}

/** What passes midnight belongs to the day it began on. */
function covers(days: ReadonlySet<number>, { from, to }: Hours, { day, minute }: Here): boolean {
  if (from < to) return days.has(day) && minute >= from && minute < to;
  return (days.has(day) && minute >= from) || (days.has((day + 6) % 7) && minute < to);
}

/** A clock on a wall in this zone, summer time included; undefined where there is no such zone. */
function clockOf(zone: string): ((at: Instant) => Here | undefined) | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  } catch {
    return undefined;
  }
  return (at) => {
    if (!Number.isFinite(at) || Math.abs(at) > 8.64e15) return undefined;
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const day = week.findIndex((name) => name === parts.get('weekday')?.toLowerCase());
    const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
    return day < 0 || !Number.isInteger(minute) ? undefined : { day, minute };
  };
}

/** `mon-fri`, `[sat, sun]`, `fri-mon`. */
function readDays(node: Located, problems: Problems): ReadonlySet<number> | undefined {
  const days = new Set<number>();
  const items = texts(node, 'days', problems);
  for (const item of items ?? []) {
    const [first = '', last = first, ...more] = item.value.split('-').map((name) => name.trim());
    const [from, to] = [first, last].map((name) => week.findIndex((day) => day === name));
    if (from === undefined || to === undefined || from < 0 || to < 0 || more.length > 0) {
      return wrong(item, `Days are ${week.join(', ')}, or a span such as \`mon-fri\``, problems);
    }
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === to) break;
    }
  }
  return items === undefined ? undefined : new Set([...days].sort((a, b) => a - b));
}

function readHours(node: Located, problems: Problems): Hours | undefined {
  const value = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : '';
  const [, ...parts] = /^(\d{2}):(\d{2})\s*-\s*(\d{2}):(\d{2})$/.exec(value) ?? [];
  const [fromHour = 99, fromMinute = 99, toHour = 99, toMinute = 99] = parts.map(Number);
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  if (fromMinute < 60 && toMinute < 60 && from < wholeDay && to <= wholeDay && from !== to)
    return { from, to };
  return wrong(node, 'hours are a span such as `09:00-17:00`; `22:00-06:00` passes midnight', problems);
}

function clockTime(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
