import {
  array,
  boolean,
  type Check,
  either,
  literal,
  map,
  object,
  optional,
  type Problem,
  string,
} from '../../base/check.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Access } from '../../core/action.ts';
import type { ApiDocument } from '../../http/openapi.ts';
import { type Route, router } from '../../http/target.ts';
import { type Upstream, upstreamAnd } from '../../http/upstream.ts';
import type { CookieRule } from './cookies.ts';
import { openApiCheck } from './documented.ts';
import { type Protos, protosCheck } from './protos.ts';

/** A web service behind the gateway. */
export interface HttpSettings {
  readonly upstream: Upstream;
  readonly routes: readonly HttpRoute[];
  /** What the service says of itself. */
  readonly api?: ApiDocument;
  /** Media types that go to the client although nothing can look into them while masks apply. */
  readonly uninspected: readonly string[];
  /** The header field in which the resource learns who asks; none is sent where this is absent. */
  readonly identityHeader?: string;
  /** What its services of gRPC take and give. */
  readonly protos?: Protos;
  readonly cookies: CookieRule;
  /** Forms of the service say in a field which method they mean. */
  readonly methodFields: boolean;
}

export interface HttpRoute extends Route {
  /** What a request to it does, where the method does not say it. */
  readonly access?: Access;
  readonly graphql: boolean;
  /** Binary messages pass, although nobody can look into them. */
  readonly binary?: boolean;
}

const template = string({
  pattern: /^\/(?:(?:[\w.~-]+|\{\w+(?:\.\.\.)?\})(?:\/(?=.)|$))*$/,
  what: 'a path such as /customers/{id} or /files/{rest...}',
});

const route = object({
  path: template,
  methods: optional(
    array(literal('GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'), { min: 1 }),
  ),
  access: optional(literal('read', 'write', 'define', 'administer', 'execute')),
  graphql: optional(boolean),
  binary: optional(boolean),
});

const own = object({
  protos: optional(protosCheck),
  openapi: optional(openApiCheck),
  routes: optional(array(either(template, route))),
  uninspected: optional(
    array(string({ pattern: /^[a-z0-9.+-]+\/(?:\*|[a-z0-9.+-]+)$/, what: 'a media type such as image/*' })),
  ),
  cookies: optional(literal('sealed', 'pass', 'none')),
  methodFields: optional(boolean),
  identityHeader: optional(
    string({ pattern: /^[a-z0-9-]{1,100}$/, what: 'the name of a header in lower case' }),
  ),
});

type Own = typeof own extends Check<infer T> ? T : never;

export const settings: Check<HttpSettings> = map(upstreamAnd(own, 'service'), toSettings);

function toSettings(
  given: Own & { readonly upstream: Upstream },
  path: string,
): Result<HttpSettings, readonly Problem[]> {
  const routes = (given.routes ?? []).map((each): HttpRoute => {
    if (typeof each === 'string') return { template: each, methods: [], graphql: false };
    const { access, methods = [], graphql = false, binary = false } = each;
    return { template: each.path, methods, graphql, binary, ...(access === undefined ? {} : { access }) };
  });
  const twice = routes.findIndex((one, index) =>
    routes.some((other, at) => at < index && other.template === one.template && overlap(one, other)),
  );
  if (twice >= 0)
    return err([{ path: `${path}.routes[${twice}]`, message: 'Another route has this path and method' }]);
  const { identityHeader, uninspected = [], upstream, openapi, protos, cookies = 'sealed' } = given;
  const { methodFields = false } = given;
  return ok({
    upstream,
    routes,
    uninspected,
    cookies,
    methodFields,
    ...(openapi === undefined ? {} : { api: openapi }),
    ...(identityHeader === undefined ? {} : { identityHeader }),
    ...(protos === undefined ? {} : { protos }),
  });
}

function overlap(a: Route, b: Route): boolean {
  return (
    a.methods.length === 0 || b.methods.length === 0 || a.methods.some((method) => b.methods.includes(method))
  );
}

/** The route of a request. What a route allows is not said of a path that only a forgiving service reads as its own. */
export function routesOf(
  routes: readonly HttpRoute[],
): (method: string, path: string) => HttpRoute | undefined {
  const fitting = router(routes);
  return (method, path) => {
    const {
      routes: [own],
      exact,
    } = fitting(method, path);
    if (own === undefined || exact) return own;
    const { access: _access, binary: _binary, ...named } = own;
    return named;
  };
}
