// Walks the text formats that hold other values (array_out, record_out, hstore_out, JSON) and rebuilds only what was
// shown otherwise; all else keeps its characters. A value that breaks its format throws Malformed.
import { Malformed, type Shown } from './binary.ts';

/** array_out: optional bounds, braces, elements quoted where they must be; NULL unquoted. */
export function textArray(
  value: string,
  delimiter: string,
  show: (element: string) => Shown<string>,
): Shown<string> {
  let at = 0;
  if (value.startsWith('[')) {
    at = value.indexOf('=') + 1;
    if (at === 0 || !/^[[\]:\d+-]+=$/.test(value.slice(0, at))) throw new Malformed('Array bounds');
  }
  let out = value.slice(0, at);
  let depth = 0;
  let changed = false;
  let closed = false;
  while (at < value.length) {
    const char = value[at] ?? '';
    if (closed) throw new Malformed('Array');
    if (char === '{' || char === '}' || char === delimiter) {
      depth += char === '{' ? 1 : char === '}' ? -1 : 0;
      if (depth < 0 || depth > 6) throw new Malformed('Array depth');
      closed = depth === 0;
      out += char;
      at++;
      continue;
    }
    if (depth === 0) throw new Malformed('Array');
    const { text, end, quoted } = element(value, at, delimiter);
    const shown = !quoted && /^null$/i.test(text) ? undefined : show(text);
    changed ||= shown !== undefined;
    if (shown === undefined) out += value.slice(at, end);
    else out += shown === null ? 'NULL' : `"${shown.replace(/["\\]/g, '\\$&')}"`;
    at = end;
  }
  if (!closed) throw new Malformed('Array');
  return changed ? out : undefined;
}

interface Part {
  readonly text: string;
  readonly end: number;
  readonly quoted: boolean;
}

function element(value: string, from: number, delimiter: string): Part {
  if (value[from] !== '"') {
    let end = from;
    while (end < value.length && !'{}"'.includes(value[end] ?? '') && value[end] !== delimiter) {
      end += value[end] === '\\' ? 2 : 1;
    }
    if (end === from || end > value.length) throw new Malformed('Array element');
    return { text: value.slice(from, end).replace(/\\(.)/gs, '$1'), end, quoted: false };
  }
  return quoted(value, from);
}

/** A double-quoted part in which a backslash takes the next character as it is. */
function quoted(value: string, from: number): Part {
  let end = from + 1;
  while (end < value.length && value[end] !== '"') end += value[end] === '\\' ? 2 : 1;
  if (end >= value.length) throw new Malformed('Quote');
  return { text: value.slice(from + 1, end).replace(/\\(.)/gs, '$1'), end: end + 1, quoted: true };
}

/** record_out: parentheses, fields with commas between; empty is NULL; quotes inside quotes are doubled. */
export function textRecord(
  value: string,
  show: (field: string, index: number) => Shown<string>,
): Shown<string> {
  if (!value.startsWith('(') || !value.endsWith(')')) throw new Malformed('Record');
  if (value === '()') return undefined;
  let out = '(';
  let at = 1;
  let changed = false;
  for (let index = 0; ; index++) {
    const from = at;
    let text = '';
    let inside = false;
    for (; at < value.length; at++) {
      const char = value[at] ?? '';
      if (char === '\\') text += value[++at] ?? '';
      else if (char === '"' && inside && value[at + 1] === '"') text += value[++at] ?? '';
      else if (char === '"') inside = !inside;
      else if (!inside && (char === ',' || char === ')')) break;
      else text += char;
    }
    if (at >= value.length) throw new Malformed('Record');
    const shown = at === from ? undefined : show(text, index);
    changed ||= shown !== undefined;
    if (shown === undefined) out += value.slice(from, at);
    else if (shown !== null) out += `"${shown.replace(/["\\]/g, '$&$&')}"`;
    out += value[at] ?? '';
    if (value[at++] === ')') break;
  }
  if (at !== value.length) throw new Malformed('Record');
  return changed ? out : undefined;
}

/** hstore_out: `"key"=>"value", "key"=>NULL`. A key's own turn has `undefined` for its key. */
export function textHstore(
  value: string,
  show: (text: string, key: string | undefined) => Shown<string>,
): Shown<string> {
  let out = '';
  let at = 0;
  let changed = false;
  const put = (part: Part, shown: Shown<string>): void => {
    changed ||= shown !== undefined;
    if (shown === undefined) out += value.slice(at, part.end);
    else out += shown === null ? 'NULL' : `"${shown.replace(/["\\]/g, '\\$&')}"`;
    at = part.end;
  };
  while (at < value.length) {
    if (value[at] !== '"') throw new Malformed('Pairs');
    const key = quoted(value, at);
    put(key, show(key.text, undefined) ?? undefined);
    if (!value.startsWith('=>', at)) throw new Malformed('Pairs');
    out += '=>';
    at += 2;
    if (value.startsWith('NULL', at)) {
      out += 'NULL';
      at += 4;
    } else {
      if (value[at] !== '"') throw new Malformed('Pairs');
      const part = quoted(value, at);
      put(part, show(part.text, key.text));
    }
    if (at === value.length) break;
    if (!value.startsWith(', ', at)) throw new Malformed('Pairs');
    out += ', ';
    at += 2;
  }
  return changed ? out : undefined;
}

/** What JSON is made of, for a caller that shows strings, keys and numbers. `key`: the nearest key above the value. */
export interface JsonShow {
  readonly key: (value: string) => string | undefined;
  readonly string: (value: string, key: string | undefined) => string | undefined;
  readonly number: (value: string, key: string | undefined) => string | undefined;
}

const scalar = /(?:-?\d[\d.eE+-]*|true|false|null)/y;
const blank = /[ \t\r\n]*/y;

/** JSON with its shape, white space, duplicate keys and big numbers as they were (RFC 8259). No recursion: depth costs nothing. */
export function textJson(value: string, show: JsonShow): Shown<string> {
  const levels: { readonly object: boolean; key: string | undefined; readonly used: Map<string, number> }[] =
    [];
  let out = '';
  let kept = 0; // up to here `value` has been written to `out`
  let at = 0;
  let wantsKey = false;
  let roots = 0;
  const put = (from: number, to: number, text: string): void => {
    out += value.slice(kept, from) + text;
    kept = to;
  };
  while (at < value.length) {
    blank.lastIndex = at;
    blank.exec(value);
    at = blank.lastIndex;
    const char = value[at];
    const level = levels.at(-1);
    if (char === undefined) break;
    if (char === '"') {
      const end = jsonStringEnd(value, at);
      const text = jsonString(value.slice(at, end));
      if (level?.object === true && wantsKey) {
        level.key = text;
        const shown = show.key(text);
        if (shown !== undefined) put(at, end, JSON.stringify(unused(level.used, shown)));
      } else {
        const shown = show.string(text, nearestKey(levels));
        if (shown !== undefined) put(at, end, JSON.stringify(shown));
        if (level === undefined) roots++;
      }
      wantsKey = false;
      at = end;
    } else if (char === '{' || char === '[') {
      if (level === undefined) roots++;
      levels.push({ object: char === '{', key: undefined, used: new Map() });
      wantsKey = char === '{';
      at++;
    } else if (char === '}' || char === ']') {
      if (level === undefined || level.object !== (char === '}')) throw new Malformed('JSON');
      levels.pop();
      wantsKey = false;
      at++;
    } else if (char === ',' || char === ':') {
      if (level === undefined || (char === ':' && !level.object)) throw new Malformed('JSON');
      wantsKey = char === ',' && level.object;
      at++;
    } else {
      scalar.lastIndex = at;
      const text = scalar.exec(value)?.[0];
      if (text === undefined || wantsKey) throw new Malformed('JSON');
      if (level === undefined) roots++;
      const number = /^[-\d]/.test(text);
      const shown = number ? show.number(text, nearestKey(levels)) : undefined;
      if (shown !== undefined) put(at, at + text.length, shown);
      at += text.length;
    }
    if (roots > 1) throw new Malformed('JSON');
  }
  if (levels.length > 0 || roots !== 1) throw new Malformed('JSON');
  return kept === 0 ? undefined : out + value.slice(kept);
}

function nearestKey(levels: readonly { readonly key: string | undefined }[]): string | undefined {
  // An element of an array is named by the array's key; two levels up is near enough for `cards: [{…}]` not to count.
  return levels.at(-1)?.key ?? levels.at(-2)?.key;
}

/** Two keys that are shown alike stay two keys. */
function unused(used: Map<string, number>, shown: string): string {
  const count = (used.get(shown) ?? 0) + 1;
  used.set(shown, count);
  return count === 1 ? shown : `${shown} ${count}`;
}

function jsonStringEnd(value: string, from: number): number {
  let end = from + 1;
  while (end < value.length && value[end] !== '"') end += value[end] === '\\' ? 2 : 1;
  if (end >= value.length) throw new Malformed('JSON');
  return end + 1;
}

function jsonString(literal: string): string {
  try {
    const read: unknown = JSON.parse(literal);
    if (typeof read === 'string') return read;
  } catch {
    // Falls through: it is not a string of JSON.
  }
  throw new Malformed('JSON');
}
