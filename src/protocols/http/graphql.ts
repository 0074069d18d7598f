import { type DocumentNode, Kind, type OperationDefinitionNode, parse, type SelectionSetNode } from 'graphql';
import type { Access } from '../../core/action.ts';
import { isObject } from '../../base/check.ts';
import type { Content } from '../../http/content.ts';

export type Operations =
  | {
      readonly kind: 'operations';
      readonly operation: string;
      readonly access: Access;
      readonly selects: readonly string[];
      readonly notes: readonly string[];
    }
  | { readonly kind: 'refused'; readonly why: string };

const mostTokens = 20_000;

/**
 * What a GraphQL request does (GraphQL over HTTP; GraphQL 2021, 2 and 6): the root fields of every operation it may run,
 * through fragments. A mutation is a write by whatever method it comes; a stored operation of which only the name or hash is
 * sent is not understood.
 */
export function graphqlOf(request: {
  readonly method: string;
  readonly query: string;
  readonly content: Content;
  readonly text: string;
}): Operations {
  const { method, query, content, text } = request;
  if (method === 'GET' || method === 'HEAD') {
    const parameters = new URLSearchParams(query);
    const given = parameters.getAll('query');
    if (given.length !== 1)
      return refused('Exactly one `query` must be given: stored operations are not understood');
    return read([{ source: given[0] ?? '', name: parameters.get('operationName') ?? undefined }]);
  }
  if (method === 'OPTIONS')
    return { kind: 'operations', operation: '', access: 'read', selects: [], notes: [] };
  if (new URLSearchParams(query).has('query'))
    return refused('A `query` stands in the URL and may stand in the body too');
  if (content !== 'json') return refused('A GraphQL request is sent as JSON');
  const body = JSON.parse(text === '' ? 'null' : text) as unknown; // read as JSON before
  const each = Array.isArray(body) ? (body as readonly unknown[]) : [body];
  if (each.length === 0 || each.length > 100)
    return refused('Expected one GraphQL request, or a list of at most 100');
  const asked: { source: string; name: string | undefined }[] = [];
  for (const one of each) {
    if (!isObject(one) || typeof one['query'] !== 'string') {
      return refused('A `query` is missing: stored operations are not understood');
    }
    const name = one['operationName'];
    asked.push({ source: one['query'], name: typeof name === 'string' && name !== '' ? name : undefined });
  }
  return read(asked);
}

function read(asked: readonly { readonly source: string; readonly name: string | undefined }[]): Operations {
  const kinds = new Set<string>();
  const selects = new Set<string>();
  for (const { source, name } of asked) {
    let document: DocumentNode;
    try {
      document = parse(source, { maxTokens: mostTokens, noLocation: true });
    } catch {
      return refused('The GraphQL document cannot be read');
    }
    const all = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
    const operations = name === undefined ? all : all.filter((node) => node.name?.value === name);
    if (operations.length === 0) return refused('The GraphQL document has no operation of that name');
    for (const operation of operations) {
      kinds.add(operation.operation);
      for (const field of rootFields(operation, document)) selects.add(field);
    }
  }
  const kind = kinds.has('mutation') ? 'mutation' : kinds.has('subscription') ? 'subscription' : 'query';
  return {
    kind: 'operations',
    operation: kind,
    access: kind === 'mutation' ? 'write' : 'read',
    selects: [...selects].toSorted(),
    notes: kinds.size > 1 ? ['Operations of several kinds in one request'] : [],
  };
}

/** Names as the schema has them, not their aliases. */
function rootFields({ selectionSet }: OperationDefinitionNode, document: DocumentNode): ReadonlySet<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  const walk = (set: SelectionSetNode): void => {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) found.add(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet);
      else if (!seen.has(selection.name.value)) {
        seen.add(selection.name.value);
        const fragment = document.definitions.find(
          (node) => node.kind === Kind.FRAGMENT_DEFINITION && node.name.value === selection.name.value,
        );
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION) walk(fragment.selectionSet);
      }
    }
  };
  walk(selectionSet);
  return found;
}

function refused(why: string): Operations {
  return { kind: 'refused', why };
}
