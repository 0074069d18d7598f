import { rewriteJson } from '../../http/json.ts';
import { jsonIn } from '../../http/json-in.ts';

// The names of what a body says, as rules see them.

const mostPaths = 10_000;

/**
 * The paths of all values, each once; undefined where a text is not JSON, names a key twice, which readers take differently, or
 * has more paths than are looked at.
 */
export function pathsOf(texts: readonly string[]): readonly string[] | undefined {
  return gathered(texts, true);
}

function gathered(texts: readonly string[], uniqueKeys: boolean): readonly string[] | undefined {
  const paths = new Set<string>();
  for (const text of texts) {
    const read = rewriteJson(
      text,
      ({ kind, path }) => {
        if (kind !== 'key' && paths.size <= mostPaths) paths.add(path.split('.').map(worded).join('.'));
        return undefined;
      },
      uniqueKeys ? { uniqueKeys } : {},
    );
    if (!read.ok || paths.size > mostPaths) return undefined;
  }
  return [...paths];
}

/**
 * The paths of JSON behind something else (`42["said",{…}]` of Socket.IO, a frame of STOMP), of all that it may be; undefined where there
 * are more beginnings of it, or more paths, than are looked at.
 */
function pathsIn(text: string): readonly string[] | undefined {
  const parts: string[] = [];
  for (const { start, end, known } of jsonIn(text)) {
    if (!known) return undefined;
    parts.push(text.slice(start, end));
  }
  return gathered(parts, false);
}

/**
 * The paths of a message on a WebSocket: one value, one after another, each with an end of its own (SignalR: U+001E, others a line
 * end), or JSON behind something else. Undefined where it begins as JSON and is none, or names a key twice.
 */
export function pathsOfMessage(text: string): readonly string[] | undefined {
  if (!/^\s*[[{]/.test(text)) return pathsIn(text);
  // oxlint-disable-next-line no-control-regex
  return pathsOf([text]) ?? pathsOf(text.split(/[\n\u001e]/).filter((piece) => piece.trim() !== ''));
}

/** The names of a form's fields (application/x-www-form-urlencoded); undefined where there are too many. */
export function formNames(text: string): readonly string[] | undefined {
  // Some readers part fields at `;` too.
  const read = text.includes(';') ? [text, text.replaceAll(';', '&')] : [text];
  const names = new Set(read.flatMap((each) => [...new URLSearchParams(each).keys()]).flatMap(namesOf));
  return names.size > mostPaths ? undefined : [...names];
}

/**
 * Many services read JSON whatever its Content-Type says: what begins like it is read like it. Undefined where that fails, since
 * some of them stop at the end of the first value.
 */
export function sniffed(text: string): readonly string[] | undefined {
  if (!/^[\ufeff\s]*[[{]/.test(text)) return pathsIn(text);
  return pathsOf([text.replace(/^\ufeff/, '')]) ?? (beginsAsJson.test(text) ? undefined : []);
}

const beginsAsJson = /^[\ufeff\s]*(?:\{\s*["}]|\[\s*["{[\]])/;
export const lookingLikeJson =
  'The body begins as JSON and is none, names a key twice, or has more of it than can be looked into';

/**
 * The names by which services know a field of a form: some trim them, and take `role[]` and `role[x]` for a list or mapping
 * called `role`.
 */
export function namesOf(name: string): readonly string[] {
  const plain = name.trim();
  const at = plain.indexOf('[');
  return at <= 0 ? [worded(plain)] : [worded(plain), worded(plain.slice(0, at))];
}

/** Names stand unsealed in the ledger: what is no name (a key that is an address) does not. */
export function worded(name: string): string {
  return /^[A-Za-z_$][\w$-]{0,63}(?:\[\])*$/.test(name) ? name : '{}';
}
