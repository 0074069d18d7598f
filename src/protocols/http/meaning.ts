import { isObject } from '../../base/check.ts';
import type { Access, Action } from '../../core/action.ts';
import { worstAccess } from '../../core/action.ts';
import { type Content, contentOf, typeFits } from '../../http/content.ts';
import { type Fields, first } from '../../http/headers.ts';
import type { Operation } from '../../http/openapi.ts';
import { type Target, withoutParameters } from '../../http/target.ts';
import { type Aliases, graphqlOf } from './graphql.ts';
import { meaningOfParts } from './parts.ts';
import { formNames, lookingLikeJson, pathsOf, pathsOfMessage, sniffed, worded } from './said.ts';
import type { HttpRoute } from './settings.ts';

/** The attributes of a request of which nothing is known. */
export const nothingKnown: Action['attributes'] = {
  method: '',
  route: '',
  operationId: '',
  documented: false,
  host: '',
  query: [],
  contentType: '',
  inspected: true,
  fields: [],
  files: [],
  parts: [],
  bytes: -1,
  operation: '',
  selects: [],
  from: '',
  binary: false,
  service: '',
  rpc: '',
};

/**
 * SECURITY: what is said where nothing could look into a body. What would have to be read of it is absent, so that rules that ask for it
 * cannot be evaluated: they deny, or do not allow.
 */
export function unseen(attributes: Action['attributes']): Action['attributes'] {
  const { fields: _fields, files: _files, parts: _parts, ...others } = attributes;
  return { ...others, inspected: false };
}

export interface Asked {
  readonly method: string;
  readonly host: string;
  readonly target: Target;
  readonly fields: Fields;
  readonly route: HttpRoute | undefined;
  /** As the OpenAPI document of the service has it. */
  readonly operation?: Operation | undefined;
  /** The body where it was read; undefined where it is sent on as a stream. */
  readonly body: Uint8Array | undefined;
  readonly length: number | undefined;
  /** Media types that pass although nothing can look into them. */
  readonly uninspected?: readonly string[];
  /** A field may override the method: the service is known to take such fields, and rules ask for them. */
  readonly methodFields?: boolean;
  /** It opens a WebSocket: what is done there, its messages say. */
  readonly upgrade?: true;
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
  | {
      readonly kind: 'understood';
      readonly action: Action;
      /** Of GraphQL: what the answer will call its fields. */
      readonly aliases?: Aliases;
    }
  | { readonly kind: 'refused'; readonly why: string };

/** What a request does. What cannot be read is refused: nobody could judge it. */
export function meaningOf(asked: Asked): Meant {
  const { method, target, fields, route, body } = asked;
  const declared = first(fields, 'content-type');
  const content: Content = contentOf(declared);
  const passes = asked.uninspected?.some((pattern) => typeFits(pattern, declared)) === true;
  const multipart =
    content === 'multipart' && body !== undefined && body.length > 0
      ? meaningOfParts(declared ?? '', body, asked.uninspected ?? [])
      : undefined;
  if (multipart?.kind === 'refused') return multipart;
  const text =
    multipart?.text ?? (body === undefined || body.length === 0 ? '' : Buffer.from(body).toString('utf8'));
  const name = route?.template ?? asked.operation?.template ?? templateOf(target.path);
  let paths: readonly string[] = multipart?.fields ?? [];
  if (text !== '' && (content === 'json' || content === 'lines')) {
    const read =
      content === 'json' ? pathsOf([text]) : pathsOf(text.split('\n').filter((line) => line.trim() !== ''));
    if (read === undefined)
      return {
        kind: 'refused',
        why: 'The body is not the JSON that its Content-Type says, or has too many fields',
      };
    paths = read;
  } else if (text !== '' && content === 'form') {
    const names = formNames(text);
    if (names === undefined) return { kind: 'refused', why: 'The form has too many fields' };
    paths = names;
  } else if (text !== '' && multipart === undefined) {
    const read = sniffed(text);
    if (read === undefined) return { kind: 'refused', why: lookingLikeJson };
    paths = read;
  }
  // SECURITY: forms of Rails, Laravel, Symfony and others do what this field says, whatever the method is.
  if (asked.methodFields !== true && [...target.names, ...paths].some((name) => methodField.test(name)))
    return {
      kind: 'refused',
      why: 'A field overrides the method: send the method itself, or see `methodFields` of the resource',
    };
  const operations =
    asked.upgrade === undefined && isGraphql(route, target)
      ? graphqlOf({ method, query: target.query, content, text })
      : undefined;
  if (operations?.kind === 'refused') return operations;
  const access =
    operations?.access ?? route?.access ?? asked.operation?.access ?? byMethod[method] ?? 'unknown';
  const query = target.query === '' ? '' : `?${target.query}`;
  return {
    kind: 'understood',
    ...(operations === undefined ? {} : { aliases: operations.aliases }),
    action: {
      verb:
        asked.upgrade === true ? 'http.upgrade' : operations === undefined ? 'http.request' : 'http.graphql',
      access:
        operations === undefined
          ? access
          : worstAccess([access, ...(route?.access === undefined ? [] : [route.access])]),
      targets: [{ kind: 'path', name, access }],
      columns: [],
      attributes: (body !== undefined ? seen : passes ? passed : unseen)({
        ...nothingKnown,
        method,
        route: name,
        operationId: asked.operation?.id ?? '',
        documented: asked.operation?.exact === true,
        host: asked.host,
        query: target.names.map(worded),
        contentType: declared?.split(';', 1)[0]?.trim().toLowerCase() ?? '',
        fields: paths,
        files: multipart?.files ?? [],
        parts: multipart?.types ?? [],
        inspected: multipart?.whole ?? true,
        bytes: body?.length ?? asked.length ?? -1,
        operation: operations?.operation ?? '',
        selects: operations?.selects ?? [],
      }),
      text: `${method} ${target.path}${query}${text === '' ? '' : `\n\n${text}`}`,
      notes: operations?.notes ?? [],
    },
  };
}

const methodField = /^\s*(?:_method|_httpmethod|x-http-method(?:-override)?|x-method-override)(?:\[.*)?\s*$/i;

export interface SaidOnSocket {
  readonly from: 'client' | 'resource';
  readonly host: string;
  readonly target: Target;
  readonly route: HttpRoute | undefined;
  readonly bytes: Uint8Array;
  readonly binary: boolean;
}

/**
 * What a message on a WebSocket does: a client's is a write where the route does not say otherwise, a resource's is read.
 * What a client begins as JSON does must be JSON: a reader that forgives more would see what no rule saw.
 */
export function meaningOfMessage(said: SaidOnSocket): Meant {
  const { from, target, route, bytes, binary } = said;
  if (binary && route?.binary !== true)
    return {
      kind: 'refused',
      why: 'A binary message cannot be looked into, and its route does not let it pass',
    };
  const text = binary ? '' : Buffer.from(bytes).toString('utf8');
  const read = pathsOfMessage(text);
  if (read === undefined && from === 'client')
    return { kind: 'refused', why: 'The message begins as JSON and is none, or names a key twice' };
  const asks = from === 'client' && !binary && isGraphql(route, target) ? subscribed(text) : undefined;
  if (asks?.kind === 'refused') return asks;
  const name = route?.template ?? templateOf(target.path);
  const access = from === 'resource' ? 'read' : (asks?.access ?? route?.access ?? 'write');
  return {
    kind: 'understood',
    ...(asks === undefined ? {} : { aliases: asks.aliases }),
    action: {
      verb: asks === undefined ? 'http.message' : 'http.graphql',
      access,
      targets: [{ kind: 'path', name, access }],
      columns: [],
      // What a resource begins as JSON and is none may hold whatever a rule asks for.
      attributes: (binary ? passed : read === undefined ? unseen : seen)({
        ...nothingKnown,
        route: name,
        host: said.host,
        query: target.names.map(worded),
        fields: read ?? [],
        bytes: bytes.length,
        operation: asks?.operation ?? '',
        selects: asks?.selects ?? [],
        from,
        binary,
      }),
      // SECURITY: what a resource said is recorded as the client saw it, never as it came.
      text: `${from === 'client' ? 'SEND' : 'RECEIVE'} ${target.path}${from === 'client' && text !== '' ? `\n\n${text}` : ''}`,
      notes: asks?.notes ?? [],
    },
  };
}

/** The configuration says that it may pass so. */
function passed(attributes: Action['attributes']): Action['attributes'] {
  return { ...attributes, inspected: false };
}

function seen(attributes: Action['attributes']): Action['attributes'] {
  return attributes;
}

function isGraphql(route: HttpRoute | undefined, target: Target): boolean {
  return route?.graphql === true || /(?:^|\/)graphql\/?$/i.test(target.path);
}

/** What the two sub-protocols of GraphQL over WebSocket ask to run (`subscribe`, `start`); undefined of their upkeep. */
function subscribed(text: string): ReturnType<typeof graphqlOf> | undefined {
  if (pathsOf([text]) === undefined)
    return { kind: 'refused', why: 'This is no message of GraphQL over WebSocket' };
  const message = JSON.parse(text) as unknown;
  const type = isObject(message) ? message['type'] : undefined;
  if (typeof type === 'string' && upkeep.has(type)) return undefined;
  if (!isObject(message) || (type !== 'subscribe' && type !== 'start'))
    return { kind: 'refused', why: 'This is no message of GraphQL over WebSocket' };
  const payload = JSON.stringify(message['payload'] ?? null);
  return graphqlOf({ method: 'POST', query: '', content: 'json', text: payload });
}

const upkeep: ReadonlySet<string> = new Set([
  'connection_init',
  'connection_terminate',
  'complete',
  'stop',
  'ping',
  'pong',
]);

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

/** A template for a path that no declared route fits: segments that are not plain words count as values. */
export function templateOf(path: string): string {
  return path
    .split('/')
    .map(withoutParameters)
    .map((segment) =>
      segment === '' ||
      /^(?:[a-z][a-z_-]{0,39}|[A-Z][A-Za-z]{0,39}|v\d{1,3}|[a-z_-]{1,30}\.[a-z]{1,5})$/.test(segment)
        ? segment
        : '{}',
    )
    .join('/');
}
