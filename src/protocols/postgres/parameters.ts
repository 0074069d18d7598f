import { err, ok, type Result } from '../../base/result.ts';

/** Why a startup packet is refused, and what to do about it. */
export interface ParameterRefusal {
  readonly sqlstate: string;
  readonly message: string;
  readonly hint: string;
}

/**
 * Settings a client may give in its first packet: none of them changes how a statement is read or who runs it. By their
 * lower-case names, since the server ignores case; the value is the spelling that is passed on.
 */
const allowed: Readonly<Record<string, string>> = {
  application_name: 'application_name',
  client_min_messages: 'client_min_messages',
  datestyle: 'DateStyle',
  extra_float_digits: 'extra_float_digits',
  idle_in_transaction_session_timeout: 'idle_in_transaction_session_timeout',
  idle_session_timeout: 'idle_session_timeout',
  intervalstyle: 'IntervalStyle',
  lock_timeout: 'lock_timeout',
  search_path: 'search_path',
  // What the client says of itself to the gateway; the server keeps them and does nothing with them.
  'sallyport.reason': 'sallyport.reason',
  'sallyport.run': 'sallyport.run',
  'sallyport.ticket': 'sallyport.ticket',
  'sallyport.wait': 'sallyport.wait',
  statement_timeout: 'statement_timeout',
  timezone: 'TimeZone',
  transaction_timeout: 'transaction_timeout',
};

// As the server compares names of encodings: letters and digits only, without case (source, common/encnames.c).
const encodings: ReadonlySet<string> = new Set(['utf8', 'unicode', 'sqlascii']);

/**
 * The settings of a first packet that are passed on to the server, from its parameters (without user, database and
 * protocol options) and from `options`, whose values count less as they do for the server.
 */
export function allowedParameters(
  given: ReadonlyMap<string, string>,
): Result<ReadonlyMap<string, string>, ParameterRefusal> {
  const passed = new Map<string, string>();
  const options = splitOptions(given.get('options') ?? '');
  if (options === undefined) return err(foreignOption);
  for (const [name, value] of [...options, ...given]) {
    if (name === 'user' || name === 'database' || name === 'options' || name.startsWith('_pq_.')) continue;
    const lower = name.toLowerCase();
    if (lower === 'replication') return err(replication);
    if (lower === 'client_encoding') {
      if (!encodings.has(value.toLowerCase().replaceAll(/[^a-z0-9]/g, ''))) return err(foreignEncoding);
      continue; // the gateway speaks UTF8 to the server, whatever of these the client calls it
    }
    const spelling = Object.hasOwn(allowed, lower) ? allowed[lower] : undefined;
    if (spelling === undefined) return err(foreignSetting(name));
    passed.set(spelling, value);
  }
  return ok(passed);
}

/**
 * `-c name=value`, `-cname=value` and `--name=value`, split at white space, where a backslash takes the next character
 * as it is (source, utils/init/postinit.c: pg_split_opts); `undefined` when it holds anything else.
 */
export function splitOptions(text: string): readonly (readonly [string, string])[] | undefined {
  const words = wordsOf(text);
  const settings: (readonly [string, string])[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const setting = word === '-c' ? words[++at] : /^(?:-c|--)(.+)$/su.exec(word)?.[1];
    const equals = setting?.indexOf('=') ?? -1;
    if (setting === undefined || equals < 1) return undefined;
    settings.push([setting.slice(0, equals).replaceAll('-', '_'), setting.slice(equals + 1)]);
  }
  return settings;
}

function wordsOf(text: string): readonly string[] {
  const words = text.match(/(?:\\[^]|[^\\ \t\n\v\f\r]|\\$)+/gu) ?? [];
  return words.map((word) => word.replaceAll(/\\([^]|$)/gu, '$1'));
}

const replication: ParameterRefusal = {
  sqlstate: '42501',
  message: 'Replication connections do not pass this gateway',
  hint: 'Leave the parameter "replication" out; replicate over a connection of its own to the server',
};

const foreignOption: ParameterRefusal = {
  sqlstate: '42501',
  message: 'The startup parameter "options" holds more than settings',
  hint: 'Write it as "-c name=value" only, or leave it out (PGOPTIONS)',
};

const foreignEncoding: ParameterRefusal = {
  sqlstate: '22023',
  message: 'This client encoding does not pass this gateway: statements are read as UTF-8',
  hint: 'Set client_encoding to UTF8 (PGCLIENTENCODING=UTF8)',
};

function foreignSetting(name: string): ParameterRefusal {
  const shown = /^[A-Za-z_][A-Za-z0-9_.]{0,62}$/.test(name) ? `"${name}"` : 'of this name';
  return {
    sqlstate: '42501',
    message: `The startup parameter ${shown} does not pass this gateway`,
    hint: `Leave it out, or set it with SET where a rule allows that. Allowed: ${Object.values(allowed).join(', ')}`,
  };
}
