import { isObject, type Problem } from '../base/check.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Route, router } from './target.ts';

/** One operation of a service, as its OpenAPI document describes it. */
export interface Operation extends Route {
  /** `operationId`; empty where it has none. */
  readonly id: string;
  /** What it does, where the method does not say it (`x-sallyport-access`). */
  readonly access?: OperationAccess;
  /** False where the path is only read as its own by a forgiving service: then it is not documented. */
  readonly exact: boolean;
  /** The tags of a value in its answers, by its path (`customers[].email`): of every answer that the document knows. */
  readonly tagsOf: (path: string) => readonly string[];
}

export type OperationAccess = 'read' | 'write' | 'define' | 'administer' | 'execute';

/** What a service says of itself. */
export interface ApiDocument {
  readonly operations: readonly Operation[];
  readonly operationOf: (method: string, path: string) => Operation | undefined;
}

type Node = Readonly<Record<string, unknown>>;

const mostNodes = 500_000;
const mostOperations = 5_000;
const deepest = 200;

/**
 * Reads an OpenAPI document (3.0 or 3.1) that has been parsed: paths, operations, and the schemas of JSON answers with
 * `x-sallyport-tag`, and with `format: email` or `password`. References lead into the same document only. Problems have the
 * JSON pointer of their place.
 */
export function readOpenApi(document: unknown): Result<ApiDocument, readonly Problem[]> {
  if (!isObject(document)) return err([{ path: '/', message: 'Expected an OpenAPI document' }]);
  const version = document['openapi'];
  if (typeof version !== 'string' || !/^3\.[01](?:\.\d+)?$/.test(version))
    return err([{ path: '/openapi', message: 'Expected OpenAPI 3.0 or 3.1' }]);
  const problems: Problem[] = [];
  checkReferences(document, problems);
  if (problems.length > 0) return err(problems.slice(0, 20));
  const paths = document['paths'] ?? {};
  if (!isObject(paths)) return err([{ path: '/paths', message: 'Expected a mapping' }]);
  const operations: Operation[] = [];
  const ids = new Set<string>();
  const shapes = new Map<string, string>();
  for (const [template, raw] of Object.entries(paths)) {
    if (template.startsWith('x-')) continue;
    const at = `/paths/${escaped(template)}`;
    const problem = (message: string, more: string = ''): void =>
      void problems.push({ path: `${at}${more}`, message });
    if (!templateForm.test(template)) {
      problem('Expected a path such as /customers/{id}: a parameter is a whole segment');
      continue;
    }
    const shape = template.replaceAll(/\{[^}]*\}/g, '{}');
    if (shapes.has(shape)) problem('Another path has this form');
    shapes.set(shape, template);
    const item = follow(document, raw);
    if (!isObject(item)) {
      problem('Expected a mapping');
      continue;
    }
    for (const [method, given] of Object.entries(item)) {
      if (!methods.has(method)) continue;
      const operation = isObject(given) ? given : {};
      const { operationId = '', 'x-sallyport-access': access } = operation;
      if (typeof operationId !== 'string' || !/^[\w.:/-]{0,200}$/.test(operationId)) {
        problem('Expected an operationId of letters, digits and _.:/-', `/${method}/operationId`);
        continue;
      }
      if (operationId !== '' && ids.has(operationId))
        problem('Another operation has this operationId', `/${method}/operationId`);
      ids.add(operationId);
      if (access !== undefined && !isAccess(access))
        problem('Expected read, write, define, administer or execute', `/${method}/x-sallyport-access`);
      operations.push({
        id: operationId,
        template,
        exact: true,
        methods: method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()],
        tagsOf: taggerOf(document, operation),
        ...(isAccess(access) ? { access } : {}),
      });
    }
  }
  if (operations.length > mostOperations)
    problems.push({ path: '/paths', message: `More than ${mostOperations} operations` });
  if (problems.length > 0) return err(problems.slice(0, 20));
  const fitting = router(operations);
  return ok({
    operations,
    operationOf: (method, path) => {
      const { routes, exact } = fitting(method, path);
      const [own] = routes;
      if (own === undefined || (exact && routes.length === 1)) return own;
      const { access, ...named } = own;
      return {
        ...named,
        ...(exact && access !== undefined ? { access } : {}),
        id: exact ? own.id : '',
        exact,
        // Which of them the service takes, nobody knows: the tags of all count.
        tagsOf: (column) => [...new Set(routes.flatMap((each) => each.tagsOf(column)))],
      };
    },
  });
}

const templateForm = /^\/(?:(?:[^/{}?#]+|\{[\w.-]+\})(?:\/(?=.)|$))*\/?$/;
const methods: ReadonlySet<string> = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch']);

function isAccess(given: unknown): given is OperationAccess {
  return typeof given === 'string' && /^(?:read|write|define|administer|execute)$/.test(given);
}

/** Every reference leads to something in the document, and every tag is one, so that nothing of it fails later. */
function checkReferences(document: Node, problems: Problem[]): void {
  let nodes = 0;
  const walk = (value: unknown, at: string, depth: number): void => {
    if (++nodes > mostNodes || depth > deepest) {
      if (nodes <= mostNodes || nodes === mostNodes + 1)
        problems.push({ path: at, message: 'The document is too large or too deep' });
      return;
    }
    if (Array.isArray(value)) {
      for (const [index, each] of (value as readonly unknown[]).entries())
        walk(each, `${at}/${index}`, depth + 1);
      return;
    }
    if (!isObject(value)) return;
    const named = /\/(?:properties|patternProperties|schemas)$/.test(at);
    for (const [key, each] of Object.entries(value)) {
      const here = `${at}/${escaped(key)}`;
      if (
        !named &&
        (key === 'example' || key === 'examples' || key === 'default' || key === 'enum' || key === 'const')
      )
        continue;
      if (!named && key === '$ref' && follow(document, value) === undefined)
        problems.push({ path: here, message: 'Expected a reference to something in this document (#/…)' });
      if (!named && key === tagKey && tagsIn(each) === undefined)
        problems.push({ path: here, message: 'Expected a tag such as pii/email, or a list of them' });
      walk(each, here, depth + 1);
    }
  };
  walk(document, '', 0);
}

const tagKey = 'x-sallyport-tag';

function tagsIn(given: unknown): readonly string[] | undefined {
  const tags = Array.isArray(given) ? (given as readonly unknown[]) : [given];
  const plain = tags.filter(
    (tag) => typeof tag === 'string' && /^[a-z0-9_-]{1,60}(?:\/[a-z0-9_-]{1,60}){0,4}$/.test(tag),
  );
  return plain.length === tags.length ? (plain as readonly string[]) : undefined;
}

/** What a node stands for: itself, or what its reference leads to (RFC 6901); undefined where that is nothing. */
function follow(document: Node, given: unknown): unknown {
  let node = given;
  for (let steps = 0; steps < 50; steps++) {
    const reference = isObject(node) ? node['$ref'] : undefined;
    if (reference === undefined) return node;
    if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined;
    node = pointed(document, reference.slice(1));
  }
  return undefined;
}

function pointed(document: Node, pointer: string): unknown {
  let node: unknown = document;
  if (pointer === '') return node;
  if (!pointer.startsWith('/')) return undefined;
  for (const step of pointer.slice(1).split('/')) {
    let key: string;
    try {
      key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    } catch {
      return undefined;
    }
    if (Array.isArray(node) && /^\d+$/.test(key)) node = (node as readonly unknown[])[Number(key)];
    else if (isObject(node) && Object.hasOwn(node, key)) node = node[key];
    else return undefined;
  }
  return node;
}

/** The schemas of all JSON answers of an operation, walked as far as a path leads: schemas may contain themselves. */
function taggerOf(document: Node, operation: Node): Operation['tagsOf'] {
  const roots: unknown[] = [];
  const responses = follow(document, operation['responses']);
  for (const raw of isObject(responses) ? Object.values(responses) : []) {
    const response = follow(document, raw);
    const content = isObject(response) ? response['content'] : undefined;
    for (const media of isObject(content) ? Object.values(content) : [])
      if (isObject(media)) roots.push(media['schema']);
  }
  if (roots.length === 0) return () => [];
  return (path) => {
    const steps =
      path === '$'
        ? []
        : path
            .replaceAll('[]', '.[]')
            .split('.')
            .filter((step) => step !== '');
    const found = new Set<string>();
    for (const node of reached(document, meant(document, roots), steps))
      for (const tag of saidOf(node)) found.add(tag);
    return [...found];
  };
}

function reached(document: Node, from: readonly Node[], steps: readonly string[]): readonly Node[] {
  const [step, ...rest] = steps;
  if (step === undefined || from.length === 0) return from;
  const next: Node[] = [];
  if (step === '[]') {
    const items = from.flatMap(({ items: each, prefixItems }) => [each, ...listOf(prefixItems)]);
    return reached(document, meant(document, items), rest);
  }
  // A name may have dots in it: what the document names so is meant too.
  for (let taken = 1; taken <= steps.length && taken <= 6; taken++) {
    const name = steps.slice(0, taken).join('.');
    const inside = from.flatMap((node) => members(node, name, taken === 1));
    if (inside.length > 0) next.push(...reached(document, meant(document, inside), steps.slice(taken)));
  }
  return next;
}

function members(node: Node, name: string, plain: boolean): readonly unknown[] {
  const { properties, patternProperties, additionalProperties, unevaluatedProperties } = node;
  const own = isObject(properties) && Object.hasOwn(properties, name) ? [properties[name]] : [];
  if (!plain) return own;
  // Which pattern fits is left to the service: each of them counts.
  const patterns = isObject(patternProperties) ? Object.values(patternProperties) : [];
  return own.length > 0 ? [...own, ...patterns] : [...patterns, additionalProperties, unevaluatedProperties];
}

/** The schemas themselves with all that they are put together from. */
function meant(document: Node, given: readonly unknown[]): readonly Node[] {
  const found = new Set<Node>();
  const add = (raw: unknown): void => {
    // OpenAPI 3.1: words beside a reference count too.
    for (const node of [raw, follow(document, raw)]) {
      if (!isObject(node) || found.has(node)) continue;
      found.add(node);
      for (const key of ['allOf', 'anyOf', 'oneOf']) listOf(node[key]).forEach(add);
      for (const key of ['then', 'else', 'if']) add(node[key]);
      const { dependentSchemas } = node;
      if (isObject(dependentSchemas)) Object.values(dependentSchemas).forEach(add);
    }
  };
  given.forEach(add);
  return [...found];
}

function saidOf(node: Node): readonly string[] {
  const { format } = node;
  const said = Object.hasOwn(node, tagKey) ? (tagsIn(node[tagKey]) ?? []) : [];
  const formal = typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined;
  return formal === undefined ? said : [...said, formal];
}

const formats: Readonly<Record<string, string>> = {
  email: 'pii/email',
  'idn-email': 'pii/email',
  password: 'secret/password',
};

function listOf(given: unknown): readonly unknown[] {
  return Array.isArray(given) ? (given as readonly unknown[]) : [];
}

function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
