import type { Route, Schema } from './route.ts';
import { ref, schemas } from './schemas.ts';

/** The OpenAPI 3.1 document of these routes. */
export function openapi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = documentPath(route.path);
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sallyport',
      version,
      description:
        'The API of one gateway. What is read of the record is judged by policy and written to the ledger.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The token that is also the database password',
        },
      },
    },
  };
}

function operation(route: Route): object {
  const { summary, query = {}, body, gives, errors, open } = route;
  const parameters = [
    ...[...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...Object.entries(query).map(([name, { about, schema }]) => ({
      name,
      in: 'query',
      description: about,
      schema,
    })),
  ];
  return {
    operationId: operationId(route),
    summary,
    security: open === true ? [] : [{ token: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: content('application/json', body) } }),
    responses: {
      200: { description: gives.about, content: content(gives.type ?? 'application/json', gives.schema) },
      ...Object.fromEntries(
        Object.entries(errors).map(([status, about]) => [
          status,
          {
            description: about,
            // Readiness answers in its own shape, ready or not: probes read it.
            content: route.path === '/readyz' ? content('application/json', gives.schema) : problemContent,
          },
        ]),
      ),
    },
  };
}

const problemContent = content('application/problem+json', ref('Problem'));

function content(type: string, schema: Schema): object {
  return { [type]: { schema } };
}

/** `/api/v1/sessions/{id}` of `/api/v1/sessions/:id`. */
export function documentPath(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

function operationId({ method, path }: Route): string {
  const words = path
    .replace('/api/v1', '')
    .split(/[^A-Za-z]+/)
    .filter((word) => word !== '');
  return [method, ...words]
    .map((word, index) => (index === 0 ? word : word[0]?.toUpperCase() + word.slice(1)))
    .join('');
}
