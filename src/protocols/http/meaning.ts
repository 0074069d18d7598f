import type { Access, Action } from '../../core/action.ts';
import { worstAccess } from '../../core/action.ts';
import { type Content, contentOf } from '../../http/content.ts';
import { type Fields, first } from '../../http/headers.ts';
import { rewriteJson } from '../../http/json.ts';
import type { Target } from '../../http/target.ts';
import { graphqlOf } from './graphql.ts';
import type { HttpRoute } from './settings.ts';

/** The attributes of a request of which nothing is known. */
const nothingKnown: Action['attributes'] = {
  method: '',
  route: '',
  host: '',
  query: [],
  contentType: '',
  fields: [],
  bytes: -1,
  operation: '',
  selects: [],
};

export interface Asked {
  readonly method: string;
  readonly host: string;
  readonly target: Target;
  readonly fields: Fields;
  readonly route: HttpRoute | undefined;
  /** The body where it was read; undefined where it is sent on as a stream. */
  readonly body: Uint8Array | undefined;
  readonly length: number | undefined;
}

const byMethod: Readonly<Record<string, Access>> = {
  GET: 'read',
  HEAD: 'read',
  OPTIONS: 'read',
  QUERY: 'read',
  POST: 'write',
  PUT: 'write',
  PATCH: 'write',
  DELETE: 'write',
};

export type Meant =
  | { readonly kind: 'understood'; readonly action: Action }
  | { readonly kind: 'refused'; readonly why: string };

/** What a request does. What cannot be read is refused: nobody could judge it. */
export function meaningOf(asked: Asked): Meant {
  const { method, target, fields, route, body } = asked;
  const declared = first(fields, 'content-type');
  const content: Content = contentOf(declared);
  const text = body === undefined || body.length === 0 ? '' : Buffer.from(body).toString('utf8');
  const name = route?.template ?? templateOf(target.path);
  let paths: readonly string[] = [];
  if (text !== '' && (content === 'json' || content === 'lines')) {
    const read =
      content === 'json' ? pathsOf([text]) : pathsOf(text.split('\n').filter((line) => line.trim() !== ''));
    if (read === undefined)
      return { kind: 'refused', why: 'The body is not the JSON that its Content-Type says' };
    paths = read;
  } else if (text !== '' && content === 'form') {
    paths = [...new Set(new URLSearchParams(text).keys())].slice(0, mostPaths).map(worded);
  } else if (text !== '' && /^\s*[[{]/.test(text)) {
    // Many services read JSON whatever its Content-Type says.
    paths = pathsOf([text]) ?? [];
  }
  const graphql = route?.graphql === true || /(?:^|\/)graphql$/.test(target.path);
  const operations = graphql ? graphqlOf({ method, query: target.query, content, text }) : undefined;
  if (operations?.kind === 'refused') return operations;
  const access = operations?.access ?? route?.access ?? byMethod[method] ?? 'unknown';
  const query = target.query === '' ? '' : `?${target.query}`;
  return {
    kind: 'understood',
    action: {
      verb: operations === undefined ? 'http.request' : 'http.graphql',
      access:
        operations === undefined
          ? access
          : worstAccess([access, ...(route?.access === undefined ? [] : [route.access])]),
      targets: [{ kind: 'path', name, access }],
      columns: [],
      attributes: {
        method,
        route: name,
        host: asked.host,
        query: target.names.map(worded),
        contentType: declared?.split(';', 1)[0]?.trim().toLowerCase() ?? '',
        fields: paths,
        bytes: body?.length ?? asked.length ?? -1,
        operation: operations?.operation ?? '',
        selects: operations?.selects ?? [],
      },
      text: `${method} ${target.path}${query}${text === '' ? '' : `\n\n${text}`}`,
      notes: operations?.notes ?? [],
    },
  };
}

/** What nobody could read: the worst there is, and refused whatever the policy says of it. */
export function unreadable(method: string, path: string, why: string): Action {
  const name = templateOf(path);
  return {
    verb: 'http.request',
    access: 'unknown',
    targets: [{ kind: 'path', name, access: 'unknown' }],
    columns: [],
    attributes: { ...nothingKnown, method, route: name },
    text: `${method} ${path}`,
    notes: [why],
  };
}

const mostPaths = 1_000;

/** The paths of all values, each once; undefined where a text is not JSON or names a key twice, which readers take differently. */
function pathsOf(texts: readonly string[]): readonly string[] | undefined {
  const paths = new Set<string>();
  for (const text of texts) {
    const read = rewriteJson(
      text,
      ({ kind, path }) => {
        if (kind !== 'key' && paths.size < mostPaths) paths.add(path.split('.').map(worded).join('.'));
        return undefined;
      },
      { uniqueKeys: true },
    );
    if (!read.ok) return undefined;
  }
  return [...paths];
}

/** Names stand unsealed in the ledger: what is no name (a key that is an address) does not. */
function worded(name: string): string {
  return /^[A-Za-z_$][\w$-]{0,63}(?:\[\])*$/.test(name) ? name : '{}';
}

/** A template for a path that no declared route fits: segments that are not plain words count as values. */
export function templateOf(path: string): string {
  return path
    .split('/')
    .map((segment) =>
      segment === '' ||
      /^(?:[a-z][a-z_-]{0,39}|[A-Z][A-Za-z]{0,39}|v\d{1,3}|[a-z_-]{1,30}\.[a-z]{1,5})$/.test(segment)
        ? segment
        : '{}',
    )
    .join('/');
}
