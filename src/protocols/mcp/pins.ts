import { createHash } from 'node:crypto';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/server/validators/ajv';
import { isObject } from '../../base/check.ts';
import type { Log } from '../../core/ports.ts';
import type { Json } from './message.ts';
import { isName } from './meaning.ts';
import type { McpSettings } from './settings.ts';

interface Pin {
  readonly digest: string;
  readonly definition: Json;
  readonly check: ((given: unknown) => boolean) | undefined; // undefined: its schema cannot be used
}

export type Fit =
  | { readonly kind: 'fits' }
  /** No server has a tool of this name. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly why: string; readonly fix: string };

const mostTools = 5_000;
const longestDefinition = 262_144;

/**
 * The definitions of a resource's tools, by the names clients see: what a model was told of a tool is what is called.
 * A definition is pinned when it is first seen, or by its digest in the configuration; another one of that name is not used.
 */
export class Pins {
  readonly #settings: McpSettings;
  readonly #log: Log;
  readonly #resource: string;
  readonly #pins: Map<string, Pin> = new Map();
  readonly #broken: Set<string> = new Set();
  readonly #validator: AjvJsonSchemaValidator = new AjvJsonSchemaValidator();

  constructor(resource: string, settings: McpSettings, log: Log) {
    this.#resource = resource;
    this.#settings = settings;
    this.#log = log;
  }

  /** Whether a definition may be used, as a server gives it now. */
  take(definition: Json): boolean {
    const { name } = definition;
    if (typeof name !== 'string' || !isName(name)) return false;
    const { pins, tools } = this.#settings;
    // `execution` speaks of tasks, which are refused; 2026-07-28 has no such field, and a tool has one pin in both eras.
    const { execution: _, ...said } = definition;
    const text = canonical(said);
    if (text.length > longestDefinition) return false;
    const digest = createHash('sha256').update(text).digest('hex');
    const known = this.#pins.get(name);
    const wanted = tools.get(name)?.digest ?? (pins === 'first' ? known?.digest : undefined);
    if (wanted === undefined ? pins === 'pinned' : wanted !== digest && pins !== 'off') {
      if (!this.#broken.has(name)) {
        this.#log('warn', 'mcp.pin', {
          resource: this.#resource,
          tool: name,
          digest,
          ...(wanted === undefined ? {} : { pinned: wanted }),
        });
      }
      this.#broken.add(name);
      return false;
    }
    this.#broken.delete(name);
    if (known?.digest === digest) return true;
    if (known === undefined && this.#pins.size >= mostTools) return false;
    this.#pins.set(name, { digest, definition, check: this.#checkOf(definition['inputSchema']) });
    return true;
  }

  /** Whether a tool of this name has been seen as it was pinned. */
  knows(name: string): boolean {
    return this.#pins.has(name) || this.#broken.has(name);
  }

  /** Whether this call is one of a pinned tool, with arguments that its schema allows. */
  fit(name: string, given: unknown): Fit {
    if (this.#broken.has(name)) {
      return {
        kind: 'refused',
        why: 'The definition of this tool is not the pinned one',
        fix: 'Somebody must read the new definition and put its digest under `tools` in the configuration',
      };
    }
    const pin = this.#pins.get(name);
    if (pin === undefined) return { kind: 'unknown' };
    if (pin.check === undefined)
      return { kind: 'refused', why: 'The schema of this tool cannot be used', fix: 'Mend the tool' };
    return pin.check(given)
      ? { kind: 'fits' }
      : {
          kind: 'refused',
          why: 'The arguments are not what the schema of the tool allows',
          fix: 'Give the arguments that tools/list describes, and no others',
        };
  }

  /** Whether the tool promises a shape of its structured content. */
  promises(name: unknown): boolean {
    return typeof name === 'string' && this.#pins.get(name)?.definition['outputSchema'] !== undefined;
  }

  /** The headers that must repeat arguments (`x-mcp-header`), by lower-case name: the path of the argument. */
  mirrors(name: string): ReadonlyMap<string, string> {
    const schema = this.#pins.get(name)?.definition['inputSchema'];
    const found = new Map<string, string>();
    const properties = isObject(schema) && isObject(schema['properties']) ? schema['properties'] : {};
    for (const [key, each] of Object.entries(properties)) {
      const header = isObject(each) ? each['x-mcp-header'] : undefined;
      if (typeof header === 'string') found.set(`mcp-param-${header.toLowerCase()}`, key);
    }
    return found;
  }

  #checkOf(schema: unknown): Pin['check'] {
    if (!isObject(schema)) return undefined;
    // What the schema does not name is not allowed, unless it says that it is.
    const open = [
      'additionalProperties',
      'unevaluatedProperties',
      'patternProperties',
      '$ref',
      'allOf',
      'anyOf',
      'oneOf',
      'if',
    ];
    const closed = open.some((key) => Object.hasOwn(schema, key))
      ? schema
      : { ...schema, additionalProperties: false };
    try {
      const validate = this.#validator.getValidator({ type: 'object', ...closed });
      return (given) => validate(given).valid;
    } catch {
      return undefined; // another dialect, a reference to elsewhere
    }
  }
}

/** JSON with sorted keys: equal definitions have equal digests, however they are laid out. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value ?? null);
  return `{${Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
    .join(',')}}`;
}
