import type { Action } from '../../core/action.ts';
import type { Stated, Waiting } from '../../core/protocol.ts';
import { duration } from '../../base/time.ts';
import type { Recorder } from '../../core/ports.ts';
import type { Ahead } from './ahead.ts';
import * as encode from './encode.ts';
import { errandOf } from './errand.ts';
import type { Estimate } from './estimate.ts';
import type { Flow } from './flow.ts';
import { withoutValues } from '../../sql/bare.ts';
import { templateOf } from '../../sql/template.ts';

export interface HoldParts {
  readonly flow: Flow;
  readonly recorder: Recorder;
  readonly ahead: Ahead;
  readonly write: (bytes: Uint8Array) => Promise<void> | undefined;
  /** Asks the session's own server process, while nothing else is under way. */
  readonly own: (sql: string) => Promise<readonly (readonly (string | null)[])[]>;
  readonly searchPath: () => readonly string[];
  /** The name of the database it is connected to. */
  readonly database: string;
  readonly estimate: (
    action: Action,
    text: string,
    searchPath: readonly string[],
  ) => Promise<Estimate | undefined>;
}

/** What is held: one statement, with what is bound to it. */
export interface Held {
  readonly action: Action;
  readonly text: string;
  readonly within?: string;
  readonly values?: readonly string[];
  /** It came as a Query of its own: nothing but its text is needed to send it again. */
  readonly alone: boolean;
  /** Reads it again, with names as they are now. */
  readonly again: () => Promise<Action | undefined>;
}

const about = [
  "pg_catalog.current_setting('search_path')",
  'CURRENT_USER',
  'SESSION_USER',
  "pg_catalog.current_setting('sallyport.wait', true)",
  "pg_catalog.current_setting('sallyport.reason', true)",
  "pg_catalog.current_setting('sallyport.ticket', true)",
].join(', ');

/**
 * One session's waits for people: at most one at a time, since requests are decided in order. While it lasts the client is
 * told and watched, and nothing of the statement has reached the server.
 */
export class Holds {
  readonly #parts: HoldParts;
  #now: AbortController | undefined;

  constructor(parts: HoldParts) {
    this.#parts = parts;
  }

  get waits(): boolean {
    return this.#now !== undefined;
  }

  /** Ends the wait under way; false where there is none. */
  withdraw(why: string): boolean {
    if (this.#now === undefined) return false;
    this.#now.abort(new Error(why));
    return true;
  }

  async begin(held: Held): Promise<Waiting> {
    const { ahead } = this.#parts;
    const stop = new AbortController();
    this.#now = stop;
    const watch = ahead.watch(() => stop.abort(new Error('The client disconnected')));
    try {
      const { facts, settings } = await this.#session();
      const { flow } = this.#parts;
      // Requests without their Sync are one transaction too: what they have locked stays locked while this waits.
      const locks = flow.status !== 'I' || !flow.quiet;
      const { text, action } = held;
      return {
        tell: (lines) => this.#tell(lines),
        signal: stop.signal,
        ...(locks
          ? { limit: { why: 'a transaction is open, and others wait for the locks that it may hold' } }
          : {}),
        ...facts,
        ...(held.within === undefined ? {} : { within: held.within }),
        ...(held.values === undefined ? {} : { values: held.values }),
        ...shapeOf(held),
        veiled: {
          text: veiledText(text),
          ...(held.within === undefined ? {} : { within: veiledText(held.within) }),
        },
        settings,
        ...(locks ? {} : errandOf(held, this.#parts.database, settings)),
        estimate: () => this.#parts.estimate(action, text, this.#parts.searchPath()),
        again: async () => {
          const now = await held.again();
          return now === undefined ? undefined : { action: now, settings: (await this.#session()).settings };
        },
        [Symbol.dispose]: () => {
          watch[Symbol.dispose]();
          if (this.#now === stop) this.#now = undefined;
        },
      };
    } catch (thrown) {
      watch[Symbol.dispose]();
      this.#now = undefined;
      throw thrown;
    }
  }

  /** What the session itself says of names, roles, and why it asks. */
  async #session(): Promise<{
    readonly settings: Readonly<Record<string, string>>;
    readonly facts: { readonly patienceMs?: number; readonly stated?: Stated };
  }> {
    const { flow, own, searchPath } = this.#parts;
    const schemas = searchPath().join(', ');
    // In the middle of a pipeline, or of a failed transaction, the server cannot be asked; it is the same session still.
    if (!flow.quiet || flow.status === 'E') return { settings: { schemas }, facts: {} };
    const [row = []] = await own(`SELECT ${about}`);
    const changed = (await own(changedSettings)).map(([name, value]) => [name ?? '', value ?? ''] as const);
    const [path, user, sessionUser, wait, reason, ticket] = row.map((cell) => cell ?? '');
    const patienceMs = wait === undefined || wait === '' ? undefined : duration(wait);
    const stated = {
      ...(reason === undefined || reason === '' ? {} : { reason }),
      ...(ticket === undefined || ticket === '' ? {} : { ticket }),
    };
    return {
      settings: {
        ...Object.fromEntries(changed.filter(([name]) => !meansNothing.test(name))),
        database: this.#parts.database,
        schemas,
        search_path: path ?? '',
        role: user ?? '',
        session_authorization: sessionUser ?? '',
      },
      facts: {
        ...(patienceMs === undefined ? {} : { patienceMs }),
        ...(Object.keys(stated).length === 0 ? {} : { stated }),
      },
    };
  }

  /** The first line is the message, the rest its DETAIL. A client that is gone is noticed elsewhere. */
  #tell(lines: string): void {
    const [message = '', ...rest] = lines.split('\n');
    const { recorder, write } = this.#parts;
    try {
      void recorder.frame('note', Buffer.from(lines));
      const notice = encode.noticeResponse({
        severity: 'NOTICE',
        sqlstate: '00000',
        message,
        ...(rest.length === 0 ? {} : { detail: rest.join('\n') }),
      });
      write(notice)?.catch(() => undefined);
    } catch {
      this.withdraw('The client could not be told, or the recorder failed');
    }
  }
}

/**
 * SECURITY: only what chooses rows by `column = constant` may differ inside a class. What is assigned, inserted, compared by
 * size or bound is part of it, and so is every constant of a text that is read as nothing but itself. Beside an expression a
 * constant decides more than which rows: `id * 0 = 1` is no row and `id * 0 = 0` all of them, and no plan tells them apart.
 */
export function shapeOf({ action, text, within, values }: Held): { readonly shape?: string } {
  const { verb, columns } = action;
  if (!/^sql\.(?:delete|select)$/.test(verb) || within !== undefined || values !== undefined) return {};
  if (columns.some(({ use, how }) => use === 'filter' && how !== 'equality')) return {};
  // Any operator that only ends in `=` asks something else.
  const shape = /[<>]|[!~@#%^&|*?+/`-]\s*=/.test(text) ? undefined : templateOf(text);
  return shape === undefined || !choosesRows(shape) ? {} : { shape };
}

// oxlint-disable-next-line no-control-regex -- the mark that templateOf leaves
const constants = /\u0001/g;
const chosen =
  // oxlint-disable-next-line no-control-regex
  /(?:\b(?:where|and|or)\s|\b(?:where|and|or)\s*\()\s*(?!(?:current_|session_user|system_user|user\b|localtime))[a-z_][a-z0-9_.]*\s*=\s*\u0001[sn](?=\s*(?:$|;|\)|\b(?:and|or|order|group|limit|returning)\b))/gi;

/** Whether each constant that the shape leaves out stands alone beside a name. */
function choosesRows(shape: string): boolean {
  // In `a BETWEEN x AND b = 's'`, and behind CASE or NOT, the constant is compared with something else than the name.
  if (/\b(?:between|case|not|is)\b/i.test(shape)) return false;
  return (shape.match(constants)?.length ?? 0) === (shape.match(chosen)?.length ?? 0);
}

function veiledText(text: string): string {
  const { text: bare, whole } = withoutValues(text);
  return whole ? bare : `${bare} ... (the rest is not shown: its quoting could be read in two ways)`;
}

// SECURITY: the operator is named with its schema, or the session's own search path could put another in its place.
const changedSettings = `SELECT name, setting FROM pg_catalog.pg_settings
  WHERE source OPERATOR(pg_catalog.=) 'session' OR source OPERATOR(pg_catalog.=) 'client'`;
// That strings are read as the standard says is the same for all sessions: with any other value they end.
const meansNothing =
  /^(?:application_name|client_encoding|client_min_messages|search_path|standard_conforming_strings|sallyport\..*)$/;

/** Bound values as a person would read them. */
export function shownValues(
  values: readonly (Uint8Array | null)[],
  formats: readonly number[],
): readonly string[] {
  return values.map((value, at) => {
    if (value === null) return 'NULL';
    const format = formats.length === 1 ? formats[0] : formats[at];
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
    if (format !== 1) return bytes.toString('utf8');
    const whole = wholeOf(bytes);
    return `\\x${bytes.toString('hex')} (binary${whole === undefined ? '' : `; as a whole number ${whole}`})`;
  });
}

/** The sizes of PostgreSQL's whole numbers; the bytes may mean something else, so both are shown. */
function wholeOf(bytes: Buffer): bigint | number | undefined {
  if (bytes.length === 2) return bytes.readInt16BE();
  if (bytes.length === 4) return bytes.readInt32BE();
  return bytes.length === 8 ? bytes.readBigInt64BE() : undefined;
}
