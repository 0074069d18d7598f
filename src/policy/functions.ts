import { bool, double, duration, dyn, int, string, timestamp, type Type } from './types.ts';

/** One way to call a function; `on` is the receiver of a method. */
export interface Overload {
  readonly on?: Type;
  readonly args: readonly Type[];
  readonly gives: Type;
}

const uint: Type = { kind: 'uint' };
const bytes: Type = { kind: 'bytes' };
const anyList: Type = { kind: 'list', of: dyn };
const anyMap: Type = { kind: 'map', of: dyn };

function same(types: readonly Type[], gives?: Type): readonly Overload[] {
  return types.map((type) => ({ args: [type, type], gives: gives ?? type }));
}

function takes(types: readonly Type[], gives: Type): readonly Overload[] {
  return types.map((type) => ({ args: [type], gives }));
}

/** Parts of a date: of a timestamp, with a time zone or without. */
function part(ofDuration: boolean): readonly Overload[] {
  return [
    { on: timestamp, args: [], gives: int },
    { on: timestamp, args: [string], gives: int },
    ...(ofDuration ? [{ on: duration, args: [], gives: int }] : []),
  ];
}

const ordered: readonly Overload[] = [
  ...same([bool, string, bytes, timestamp, duration], bool),
  ...[int, uint, double].flatMap((a) => [int, uint, double].map((b) => ({ args: [a, b], gives: bool }))),
];
const sizes: readonly Type[] = [string, bytes, anyList, anyMap];

/** Everything that a condition may call, operators by CEL's own names. Generic ones (`==`, `in`, `?:`, `[]`) are in typecheck.ts. */
export const functions: Readonly<Record<string, readonly Overload[]>> = {
  '_&&_': same([bool]),
  '_||_': same([bool]),
  '!_': takes([bool], bool),
  '@not_strictly_false': takes([bool], bool),
  '_<_': ordered,
  '_<=_': ordered,
  '_>_': ordered,
  '_>=_': ordered,
  '_+_': [
    ...same([int, uint, double, string, bytes, duration]),
    { args: [timestamp, duration], gives: timestamp },
    { args: [duration, timestamp], gives: timestamp },
  ],
  '_-_': [
    ...same([int, uint, double, duration]),
    { args: [timestamp, timestamp], gives: duration },
    { args: [timestamp, duration], gives: timestamp },
  ],
  '_*_': same([int, uint, double]),
  '_/_': same([int, uint, double]),
  '_%_': same([int, uint]),
  '-_': [
    { args: [int], gives: int },
    { args: [double], gives: double },
  ],
  size: [...takes(sizes, int), ...sizes.map((on) => ({ on, args: [], gives: int }))],
  startsWith: [{ on: string, args: [string], gives: bool }],
  endsWith: [{ on: string, args: [string], gives: bool }],
  contains: [{ on: string, args: [string], gives: bool }],
  matches: [{ on: string, args: [string], gives: bool }],
  int: takes([int, uint, double, string, timestamp], int),
  uint: takes([int, uint, double, string], uint),
  double: takes([int, uint, double, string], double),
  string: takes([int, uint, double, string, bool, bytes, timestamp, duration], string),
  bool: takes([bool, string], bool),
  timestamp: takes([string, timestamp], timestamp),
  duration: takes([string, duration], duration),
  getFullYear: part(false),
  getMonth: part(false),
  getDate: part(false),
  getDayOfMonth: part(false),
  getDayOfWeek: part(false),
  getDayOfYear: part(false),
  getHours: part(true),
  getMinutes: part(true),
  getSeconds: part(true),
  getMilliseconds: part(true),
};
