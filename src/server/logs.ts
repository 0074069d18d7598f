import { timestamp, type World } from '../base/time.ts';
import type { Log } from '../core/ports.ts';
import type { LogLevel } from './config.ts';

export interface LogParts {
  readonly world: World;
  readonly level: LogLevel;
  /** `human` for a terminal; JSON lines otherwise. */
  readonly format: 'json' | 'human';
  readonly write: (line: string) => void;
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A log of one line an event. What must not be in it (values of rows, headers, literals) the callers leave out. */
export function logger(parts: LogParts): Log {
  const least = levels.indexOf(parts.level);
  const line = parts.format === 'json' ? jsonLine : humanLine;
  return (level, event, facts = {}) => {
    if (levels.indexOf(level) < least) return;
    parts.write(`${line({ at: timestamp(parts.world.now()), level, event, facts })}\n`);
  };
}

interface Line {
  readonly at: string;
  readonly level: LogLevel;
  readonly event: string;
  readonly facts: Readonly<Record<string, string | number | boolean | undefined>>;
}

function jsonLine({ at, level, event, facts }: Line): string {
  // The facts first: none of them can pose as the line's own time, level or event.
  return JSON.stringify({ ...facts, at, level, event });
}

function humanLine({ at, level, event, facts }: Line): string {
  const rest = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${shown(value)}`);
  return `${at.slice(11, 23)} ${level.padEnd(5)} ${event}${rest.join('')}`;
}

/** SECURITY: quoted wherever a peer could have put a space, a line end or an escape sequence of the terminal. */
function shown(value: string | number | boolean | undefined): string {
  return typeof value === 'string' && !/^[\w.:/@[\]-]+$/.test(value)
    ? JSON.stringify(value).replaceAll(
        /[\u007f-\u009f\u2028\u2029\u202a-\u202e]/g,
        (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
      )
    : String(value);
}
