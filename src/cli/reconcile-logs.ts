import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** A statement in a server's log. What the log does not say is absent. */
export interface Logged {
  readonly at?: number; // ms; absent where the log names a zone by letters that several zones share (IST, CST)
  readonly user?: string;
  readonly database?: string;
  readonly application?: string;
  readonly text: string;
}

export const logFormats = ['csvlog', 'jsonlog', 'stderr'] as const;
export type LogFormat = (typeof logFormats)[number];

const prefixDefault = '%m [%p] ';
const statement = /^(?:duration: [\d.]+ ms\s+)?(?:statement|execute (?:fetch from )?[^:]{1,200}):\s*([^]*)$/;

/** The statements that a server wrote down (log_statement = all, or log_min_duration_statement = 0). */
export async function* loggedIn(
  file: string,
  how: { readonly format: LogFormat; readonly prefix?: string },
): AsyncGenerator<Logged> {
  const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
  if (how.format === 'jsonlog') {
    for await (const line of lines) {
      const found = fromJson(line);
      if (found !== undefined) yield found;
    }
    return;
  }
  const records =
    how.format === 'csvlog' ? csvRecords(lines) : stderrRecords(lines, how.prefix ?? prefixDefault);
  for await (const found of records) yield found;
}

/** By its name, and by its first line where that says nothing. */
export function formatOf(file: string, first: string): LogFormat {
  if (file.endsWith('.csv')) return 'csvlog';
  if (file.endsWith('.json') || first.startsWith('{')) return 'jsonlog';
  return /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [\w+:-]+,/.test(first) ? 'csvlog' : 'stderr';
}

function found(
  message: string,
  about: { readonly [K in keyof Omit<Logged, 'text'>]: Logged[K] | undefined },
): Logged | undefined {
  const text = statement.exec(message)?.[1];
  if (text === undefined) return undefined;
  const { at, user, database, application } = about;
  return {
    text,
    ...(at === undefined || Number.isNaN(at) ? {} : { at }),
    ...(user === undefined || user === '' ? {} : { user }),
    ...(database === undefined || database === '' ? {} : { database }),
    ...(application === undefined || application === '' ? {} : { application }),
  };
}

function fromJson(line: string): Logged | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch {
    return undefined; // cut off by a rotation
  }
  if (typeof raw !== 'object' || raw === null) return undefined;
  const own = raw as Readonly<Record<string, unknown>>;
  const word = (name: string): string | undefined => (typeof own[name] === 'string' ? own[name] : undefined);
  return found(word('message') ?? '', {
    at: timeOf(word('timestamp') ?? ''),
    user: word('user'),
    database: word('dbname'),
    application: word('application_name'),
  });
}

// PostgreSQL documentation, 20.8.4: the columns of csvlog.
async function* csvRecords(lines: AsyncIterable<string>): AsyncGenerator<Logged> {
  let open = '';
  for await (const line of lines) {
    open = open === '' ? line : `${open}\n${line}`;
    if ((open.split('"').length - 1) % 2 === 1) continue; // a quoted field goes on
    const cells = [...open.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
      ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
    );
    open = '';
    const one = found(cells[13] ?? '', {
      at: timeOf(cells[0] ?? ''),
      user: cells[1],
      database: cells[2],
      application: cells[22],
    });
    if (one !== undefined) yield one;
  }
}

const escapes: Readonly<Record<string, string>> = {
  m: '(?<m>\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3} \\S+)',
  t: '(?<t>\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d \\S+)',
  n: '(?<n>\\d{10}\\.\\d{3})',
  u: '(?<u>[^\\s,@]*)',
  d: '(?<d>[^\\s,@]*)',
  a: '(?<a>.*?)',
  q: '',
  '%': '%',
};

/** A line that does not begin as `log_line_prefix` says goes on with the one before. */
async function* stderrRecords(lines: AsyncIterable<string>, prefix: string): AsyncGenerator<Logged> {
  const [before = '', after] = prefix.split(/%q/);
  const read = (part: string): string =>
    part.replaceAll(/%-?\d*(.)|[.*+?^${}()|[\]\\]/g, (all, letter: string | undefined) =>
      letter === undefined ? `\\${all}` : (escapes[letter] ?? '.*?'),
    );
  const head = new RegExp(`^${read(before)}${after === undefined ? '' : `(?:${read(after)})?`}LOG:  ([^]*)$`);
  const other = new RegExp(`^${read(before).replaceAll(/\?<\w>/g, '?:')}`);
  let open: { about: Readonly<Record<string, string | undefined>>; message: string } | undefined;
  const closed = (): Logged | undefined =>
    open === undefined
      ? undefined
      : found(open.message, {
          at:
            open.about['n'] === undefined
              ? timeOf(open.about['m'] ?? open.about['t'] ?? '')
              : Number(open.about['n']) * 1_000,
          user: open.about['u'],
          database: open.about['d'],
          application: open.about['a'],
        });
  for await (const line of lines) {
    const match = head.exec(line);
    if (match === null && !other.test(line)) {
      if (open !== undefined) open.message += `\n${line}`;
      continue;
    }
    const one = closed();
    if (one !== undefined) yield one;
    open = match === null ? undefined : { about: match.groups ?? {}, message: match.at(-1) ?? '' };
  }
  const last = closed();
  if (last !== undefined) yield last;
}

/** `2026-11-21 10:00:00.123 UTC`; a zone that is only a name of letters is taken for UTC unless it is known. */
function timeOf(text: string): number | undefined {
  const [, day, time, zone = 'UTC'] = /^(\S+) (\S+)(?: (\S+))?$/.exec(text) ?? [];
  if (!/^(?:UTC|GMT|[+-]\d\d(?::?\d\d)?)$/.test(zone)) return undefined;
  const offset = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : /^[+-]/.test(zone) ? zone : 'Z';
  const at = Date.parse(`${day}T${time}${offset}`);
  return Number.isNaN(at) ? undefined : at;
}
