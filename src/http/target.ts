import { err, ok, type Result } from '../base/result.ts';

/** A request's target in the one form that is both judged and sent. */
export interface Target {
  /** Decoded where that is the same path (RFC 3986, 6.2.2): `/customers/42`; still percent-encoded elsewhere. Starts with `/`. */
  readonly path: string;
  /** Without `?`; as the client gave it, checked. Empty where there is none. */
  readonly query: string;
  /** Names of the query's parameters, decoded, in order; a name given twice stands twice. What stands behind a `;` counts too. */
  readonly names: readonly string[];
}

const longest = 16_384;

/**
 * Reads the origin-form of a request target (RFC 9112, 3.2.1). Whatever two programs could read as two different paths is
 * refused rather than mended: dot segments, empty segments, encoded slashes, backslashes, NUL and control characters,
 * double encoding, segments with `;` parameters that hide dots.
 */
export function readTarget(raw: string): Result<Target, string> {
  if (raw.length > longest) return err(`The target is longer than ${longest} characters`);
  if (!raw.startsWith('/'))
    return err('The target is not a path: absolute and authority forms are not served');
  if (!/^[\x21-\x7e]*$/.test(raw)) return err('The target has a character that must be percent-encoded');
  if (raw.includes('#')) return err('The target has a fragment');
  const at = raw.indexOf('?');
  const path = canonicalPath(at < 0 ? raw : raw.slice(0, at));
  if (!path.ok) return path;
  const query = at < 0 ? '' : raw.slice(at + 1);
  const names = queryNames(query);
  if (!names.ok) return names;
  return ok({ path: path.value, query, names: names.value });
}

/** Segments of plain characters that do not begin with a dot: nothing in such a path can be spelled otherwise. */
const plainPath = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/;

function canonicalPath(raw: string): Result<string, string> {
  if (plainPath.test(raw)) return ok(raw);
  if (/[\\"<>^`{|}]/.test(raw)) return err('The path has a character that must be percent-encoded');
  const problem = badEncoding(raw);
  if (problem !== undefined) return err(problem);
  const path = raw.replace(/%([0-9A-Fa-f]{2})/g, (whole, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9._~-]/.test(char) ? char : whole.toUpperCase();
  });
  const segments = path.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    if (segment === '' && index < segments.length - 1) return err('The path has an empty segment (`//`)');
    const [name = ''] = segment.split(/;|%3B/);
    if (/^\.{1,2}$/.test(name)) return err('The path has a dot segment (`.` or `..`)');
  }
  return ok(path);
}

/** Bytes that one program takes for structure and another for text. */
function badEncoding(raw: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) return 'A `%` is not followed by two hexadecimal digits';
  if (/%2f|%5c/i.test(raw)) return 'The path has an encoded slash';
  if (/%(?:[01][0-9a-f]|7f)/i.test(raw)) return 'The path has an encoded control character';
  if (/%25/.test(raw)) return 'The path is encoded twice';
  try {
    decodeURIComponent(raw);
    return undefined;
  } catch {
    return 'The path is not UTF-8';
  }
}

function queryNames(query: string): Result<readonly string[], string> {
  if (query === '') return ok([]);
  if (/%(?![0-9A-Fa-f]{2})/.test(query)) return err('A `%` is not followed by two hexadecimal digits');
  if (/%00/.test(query)) return err('The query has an encoded NUL');
  const names: string[] = [];
  // Some readers part them at `;` too: what is one name to some and several to others is all of them.
  const parts = query.split('&');
  const parted = query.includes(';') ? query.split(/[&;]/).filter((part) => !parts.includes(part)) : [];
  for (const part of [...parts, ...parted]) {
    const name = part.split('=', 1)[0] ?? '';
    try {
      names.push(decodeURIComponent(name.replaceAll('+', ' ')));
    } catch {
      return err('The query is not UTF-8');
    }
  }
  return ok(names);
}

/** A route's template, as people write it: `/customers/{id}/orders`. A last segment `{rest...}` takes any number of segments. */
export interface Route {
  readonly template: string;
  readonly methods: readonly string[]; // none: all
}

export interface Fitting<R> {
  /** The one that counts first: of several, nobody knows which the service takes. */
  readonly routes: readonly R[];
  /** They fit as they are written, and not only as a forgiving service reads the path. */
  readonly exact: boolean;
}

/**
 * The templates that fit. Those with more literal segments come first, whatever order they are given in. Where none fits as it is written,
 * those that fit as forgiving services read paths do: what is forbidden or hidden there must be so; what is allowed there is not said of this path.
 */
export function router<R extends Route>(routes: readonly R[]): (method: string, path: string) => Fitting<R> {
  const ordered = routes
    .map((route) => ({
      route,
      segments: route.template.slice(1).split('/'),
      loose: looseSegments(route.template, false),
    }))
    .toSorted((a, b) => weight(b.segments) - weight(a.segments));
  return (method, path) => {
    const asked = ordered.filter(
      ({ route: { methods } }) => methods.length === 0 || methods.includes(method),
    );
    const given = path.slice(1).split('/');
    const exact = asked.filter(({ segments }) => fits(segments, given)).map(({ route }) => route);
    if (exact.length > 0) return { routes: exact, exact: true };
    const read = looseSegments(path, true);
    return { routes: asked.filter(({ loose }) => fits(loose, read)).map(({ route }) => route), exact: false };
  };
}

/** The segments of a path to a service that knows no case, drops parameters (`;v=1`), a slash at the end, and what names a form (`.json`). */
function looseSegments(path: string, isGiven: boolean): readonly string[] {
  const segments = path
    .replace(/(?<=.)\/$/, '')
    .slice(1)
    .split('/')
    .map((segment) => (segment.startsWith('{') ? segment : withoutParameters(segment).toLowerCase()));
  const last = segments.at(-1);
  if (isGiven && last !== undefined)
    segments[segments.length - 1] = last.replace(/\.(?:json|xml|html?|csv|ya?ml|txt)$/, '');
  return segments;
}

/** Parameters of one segment (RFC 3986, 3.3): many services leave them out. */
export function withoutParameters(segment: string): string {
  return segment.split(/;|%3B/i, 1)[0] ?? '';
}

function weight(segments: readonly string[]): number {
  return segments.reduce(
    (sum, segment) => sum * 3 + (segment.startsWith('{') ? (isRest(segment) ? 0 : 1) : 2),
    0,
  );
}

function isRest(segment: string): boolean {
  return segment.endsWith('...}');
}

function fits(segments: readonly string[], given: readonly string[]): boolean {
  for (const [index, segment] of segments.entries()) {
    if (isRest(segment)) return true;
    const value = given[index];
    if (value === undefined) return false;
    if (segment.startsWith('{') ? value === '' : value !== segment) return false;
  }
  return given.length === segments.length;
}
