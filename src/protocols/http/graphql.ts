import { type DocumentNode, Kind, type OperationDefinitionNode, parse, type SelectionSetNode } from 'graphql';
import { createHash } from 'node:crypto';
import type { Access } from '../../core/action.ts';
import type { Permit } from '../../core/decision.ts';
import { stronger } from '../../core/duties.ts';
import { isObject } from '../../base/check.ts';
import type { Content } from '../../http/content.ts';

export type Operations =
  | {
      readonly kind: 'operations';
      readonly operation: string;
      readonly access: Access;
      readonly selects: readonly string[];
      readonly notes: readonly string[];
      readonly aliases: Aliases;
    }
  | { readonly kind: 'refused'; readonly why: string };

/** What the answer calls its fields, and what they are in the schema. */
export interface Aliases {
  /** Paths as the answer has them (`data` and what is in it, without `[]`), each with the others of the schema that it may be. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** Parts of it come later, and say themselves where they belong (`@defer`, `@stream`). */
  readonly incremental: boolean;
}

const mostTokens = 20_000;
const mostFields = 10_000;

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
    if (text !== '') return refused('Parts of the request stand in the URL and in the body');
    const parameters = new URLSearchParams(query);
    const given = parameters.getAll('query');
    if (given.length !== 1)
      return refused('Exactly one `query` must be given: stored operations are not understood');
    const extensions = parameters.getAll('extensions');
    const stored = [...parameters.keys()].some((name) => storedBy.has(name.toLowerCase()));
    if (stored || extensions.length > 1 || !fitsHash(parsed(extensions[0]), given[0] ?? ''))
      return refused('A stored operation is named beside the `query`');
    if (parameters.getAll('operationName').length > 1) return refused('More than one operation is named');
    return read([{ source: given[0] ?? '', name: parameters.get('operationName') ?? undefined }]);
  }
  if (method === 'OPTIONS')
    return { kind: 'operations', operation: '', access: 'read', selects: [], notes: [], aliases: none };
  // Some services take what the URL says before what the body does.
  for (const name of new URLSearchParams(query).keys()) {
    if (ofRequests.has(name) || storedBy.has(name.toLowerCase()))
      return refused(`\`${name}\` stands in the URL and may stand in the body too`);
  }
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
    const stored = Object.keys(one).some((key) => storedBy.has(key.toLowerCase()));
    if (stored || !fitsHash(one['extensions'], one['query']))
      return refused('A stored operation is named beside the `query`');
    const name = one['operationName'];
    asked.push({ source: one['query'], name: typeof name === 'string' && name !== '' ? name : undefined });
  }
  return read(asked);
}

const ofRequests: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions']);
/** By what operations are called that a service has stored: one that knows them may run these, whatever the `query` says. */
const storedBy: ReadonlySet<string> = new Set([
  'id',
  'documentid',
  'doc_id',
  'docid',
  'queryid',
  'query_id',
  'hash',
  'queryhash',
  'persistedqueryid',
]);
const none: Aliases = { fields: new Map(), incremental: false };

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Whether what the request says of a stored operation is this one ("automatic persisted queries"). */
function fitsHash(extensions: unknown, source: string): boolean {
  if (extensions === undefined || extensions === null) return true;
  if (!isObject(extensions)) return false;
  const stored = extensions['persistedQuery'];
  if (stored === undefined || stored === null) return true;
  const hash = isObject(stored) ? stored['sha256Hash'] : undefined;
  return hash === createHash('sha256').update(source).digest('hex');
}

function read(asked: readonly { readonly source: string; readonly name: string | undefined }[]): Operations {
  const kinds = new Set<string>();
  const selects = new Set<string>();
  const named = new Named();
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
      named.take(operation.selectionSet, document);
    }
  }
  if (named.tooMany) return refused('The GraphQL document has too many fields');
  const kind = kinds.has('mutation') ? 'mutation' : kinds.has('subscription') ? 'subscription' : 'query';
  return {
    kind: 'operations',
    operation: kind,
    access: kind === 'mutation' ? 'write' : 'read',
    selects: [...selects].toSorted(),
    notes: kinds.size > 1 ? ['Operations of several kinds in one request'] : [],
    aliases: named,
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

class Named implements Aliases {
  readonly fields: Map<string, readonly string[]> = new Map();
  incremental = false;
  tooMany = false;
  #left = mostFields;

  take(set: SelectionSetNode, document: DocumentNode): void {
    this.#walk(set, { document, answered: 'data', field: 'data', within: [] });
  }

  #walk(
    set: SelectionSetNode,
    at: {
      readonly document: DocumentNode;
      readonly answered: string;
      readonly field: string;
      /** Fragments that this stands in: none stands in itself. */
      readonly within: readonly string[];
    },
  ): void {
    for (const selection of set.selections) {
      if (--this.#left < 0 || at.within.length > 100) {
        this.tooMany = true;
        return;
      }
      if (
        selection.directives?.some(({ name }) => name.value === 'defer' || name.value === 'stream') === true
      )
        this.incremental = true;
      if (selection.kind === Kind.FIELD) {
        const field = `${at.field}.${selection.name.value}`;
        const answered = `${at.answered}.${selection.alias?.value ?? selection.name.value}`;
        const known = this.fields.get(answered) ?? [];
        if (answered !== field && !known.includes(field)) this.fields.set(answered, [...known, field]);
        if (selection.selectionSet !== undefined)
          this.#walk(selection.selectionSet, { ...at, answered, field });
      } else if (selection.kind === Kind.INLINE_FRAGMENT) this.#walk(selection.selectionSet, at);
      else {
        const { value } = selection.name;
        const fragment = at.document.definitions.find(
          (node) => node.kind === Kind.FRAGMENT_DEFINITION && node.name.value === value,
        );
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION && !at.within.includes(value))
          this.#walk(fragment.selectionSet, { ...at, within: [...at.within, value] });
      }
    }
  }
}

/** The permit, with tags of fields also where the answer calls them otherwise. */
export function aliasedBy(permit: Permit, all: readonly Aliases[]): Permit {
  if (all.length === 0 || permit.duties.masks.length === 0) return permit;
  return {
    ...permit,
    operatorOf: (ref) => {
      let operator = permit.operatorOf(ref);
      const at = /^(?:\[\]\.|payload\.)?(?=data(?:\.|$|\[))/.exec(ref.column)?.[0].length;
      if (at === undefined) return operator;
      const steps = ref.column.slice(at).split('.');
      const answered = steps.map((step) => step.replace(/(?:\[\])+$/, '')).join('.');
      for (const { fields } of all) {
        for (const field of fields.get(answered) ?? []) {
          const lists = field
            .split('.')
            .map((name, step) => name + (/(?:\[\])+$/.exec(steps[step] ?? '')?.[0] ?? ''));
          const column = ref.column.slice(0, at) + lists.join('.');
          if (column !== ref.column) operator = stronger(operator, permit.operatorOf({ ...ref, column }));
        }
      }
      return operator;
    },
  };
}

function refused(why: string): Operations {
  return { kind: 'refused', why };
}
