import { createHash } from 'node:crypto';
import { isObject } from '../../base/check.ts';
import { messageOf as whyOf } from '../../base/errors.ts';
import type { DecisionId } from '../../core/decision.ts';
import type { House } from '../../core/protocol.ts';
import { difference } from './difference.ts';
import type { Json } from './message.ts';
import { isName } from './meaning.ts';
import type { Fitted, Schemas } from './schemas.ts';
import type { McpSettings } from './settings.ts';

interface Pin {
  readonly digest: string;
  readonly definition: Json;
}

/** A definition that is not the pinned one. */
export interface Changed {
  readonly name: string;
  readonly digest: string;
  readonly was?: string;
  readonly definition: Json;
  readonly before?: Json;
}

export type Fit =
  | { readonly kind: 'fits' }
  /** No server has a tool of this name. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly why: string; readonly fix: string };

const mostTools = 5_000;
const longestDefinition = 262_144;
/** What a server says of itself to the model, as one more definition: no tool has this name. */
export const instructionsName = '(instructions)';

/**
 * The definitions of a resource's tools, by the names clients see: what a model was told of a tool is what is called.
 * A definition is pinned when it is first seen, or by its digest in the configuration; another one of that name is not used
 * until a person has let it. What is pinned is known again after a restart.
 */
export class Pins {
  readonly #settings: McpSettings;
  readonly #house: Pick<House, 'log' | 'kept' | 'pinned'>;
  readonly #resource: string;
  readonly #schemas: Pick<Schemas, 'fit'>;
  readonly #pins: Map<string, Pin> = new Map();
  readonly #broken: Map<string, Changed> = new Map();
  /** Tools whose server goes on with their calls by itself, where it is asked to; as it said last. */
  readonly #asTask: Set<string> = new Set();
  /** Changes that a person said no to, or is asked about now. */
  readonly #refused: Set<string> = new Set();
  readonly #asked: Set<string> = new Set();
  #fresh: Changed[] = [];

  // oxlint-disable-next-line max-params
  constructor(
    resource: string,
    settings: McpSettings,
    house: Pick<House, 'log' | 'kept' | 'pinned'>,
    schemas: Pick<Schemas, 'fit'>,
  ) {
    this.#schemas = schemas;
    this.#resource = resource;
    this.#settings = settings;
    this.#house = house;
    this.#load();
  }

  /** Whether a definition may be used, as a server gives it now. */
  take(definition: Json): boolean {
    const { name } = definition;
    if (typeof name !== 'string' || (!isName(name) && name !== instructionsName)) return false;
    const { pins, tools } = this.#settings;
    // `execution` speaks of tasks, which every tool can be here; 2026-07-28 has no such field, and a tool has one pin in both eras.
    const { execution, ...said } = definition;
    const text = canonical(said);
    if (text.length > longestDefinition) return false;
    const digest = createHash('sha256').update(text).digest('hex');
    const support = isObject(execution) ? execution['taskSupport'] : undefined;
    if (support === 'optional' || support === 'required') this.#asTask.add(name);
    else this.#asTask.delete(name);
    const known = this.#pins.get(name);
    const configured = tools.get(name)?.digest;
    const wanted = configured ?? (pins === 'first' || pins === 'known' ? known?.digest : undefined);
    const isNew = wanted === undefined && pins === 'known' && this.#pins.size > 0 && known === undefined;
    if (wanted === undefined ? pins === 'pinned' || isNew : wanted !== digest && pins !== 'off') {
      this.#hold({ name, digest, definition: said, configured, known });
      return false;
    }
    this.#broken.delete(name);
    if (known?.digest === digest) return true;
    if (known === undefined && this.#pins.size >= mostTools) return false;
    this.#pins.set(name, { digest, definition: said });
    if (pins !== 'off') this.#fresh.push({ name, digest, definition: said });
    return true;
  }

  // Configured digests are changed in the configuration, by whoever may: nobody is asked about them here.
  #hold({
    name,
    digest,
    definition,
    configured,
    known,
  }: {
    readonly name: string;
    readonly digest: string;
    readonly definition: Json;
    readonly configured: string | undefined;
    readonly known: Pin | undefined;
  }): void {
    if (this.#broken.get(name)?.digest === digest) return;
    const was = configured ?? known?.digest;
    const changed: Changed = {
      name,
      digest,
      definition,
      ...(was === undefined ? {} : { was }),
      ...(known === undefined ? {} : { before: known.definition }),
    };
    this.#broken.set(name, changed);
    const pinned = was === undefined ? {} : { pinned: was };
    this.#house.log('warn', 'mcp.pin', { resource: this.#resource, tool: name, digest, ...pinned });
    this.#write('changed', [changed]);
  }

  /** Keeps what was pinned since the last call. To be called when a list is through. Throws a Fault where it cannot be kept. */
  save(): void {
    if (this.#fresh.length === 0) return;
    this.#keep();
    const fresh = this.#fresh;
    this.#fresh = [];
    this.#write('pinned', fresh);
  }

  /** The changes that nobody has been asked about; from here on they are being asked about. */
  unasked(): readonly Changed[] {
    const { pins, tools } = this.#settings;
    if (pins !== 'first' && pins !== 'known') return [];
    const found = [...this.#broken.values()].filter(
      ({ name, digest }) =>
        tools.get(name)?.digest === undefined && !this.#refused.has(digest) && !this.#asked.has(digest),
    );
    for (const { digest } of found) this.#asked.add(digest);
    return found;
  }

  /** What a person, or the lack of one, has made of changes. */
  answered(changes: readonly Changed[], how: 'approved' | 'refused' | 'open', decision?: DecisionId): void {
    for (const { name, digest, definition } of changes) {
      if (how === 'open') this.#asked.delete(digest);
      if (how === 'refused') this.#refused.add(digest);
      if (how !== 'approved') continue;
      if (this.#broken.get(name)?.digest === digest) this.#broken.delete(name);
      this.#pins.set(name, { digest, definition });
    }
    if (how === 'open') return;
    this.#keep();
    this.#write(how, changes, decision);
  }

  /** Whether a tool of this name has been seen as it was pinned. */
  knows(name: string): boolean {
    return this.#pins.has(name) || this.#broken.has(name);
  }

  /** Whether this call is one of a pinned tool, with arguments that its schema allows. */
  async fit(name: string, given: unknown): Promise<Fit> {
    const changed = this.#broken.get(name);
    if (changed !== undefined) {
      const asked = this.#asked.has(changed.digest) && !this.#refused.has(changed.digest);
      return {
        kind: 'refused',
        why: 'The definition of this tool is not the pinned one',
        fix: asked
          ? 'A person has to read what has changed; do something else meanwhile'
          : 'Somebody must read the new definition and put its digest under `tools` in the configuration',
      };
    }
    const pin = this.#pins.get(name);
    if (pin === undefined) return { kind: 'unknown' };
    // SECURITY: a definition without a schema says nothing of what may be given.
    const fitted = await this.#schemas.fit(this.#resource, pin.definition['inputSchema'], given);
    return fitted === 'fits' ? { kind: 'fits' } : { kind: 'refused', ...misfits[fitted] };
  }

  /** Whether its server takes a call of it as a task (2025-11-25). */
  takesTask(name: string): boolean {
    return this.#asTask.has(name);
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

  /** SECURITY: what cannot be read is no reason to trust a server anew: it throws, and the resource is not served. */
  #load(): void {
    const text = this.#settings.pins === 'off' ? undefined : this.#house.kept?.get(this.#resource);
    if (text === undefined) return;
    const { pins, refused } = JSON.parse(text) as Kept; // written by #keep
    for (const { name, digest, definition } of pins) this.#pins.set(name, { digest, definition });
    for (const digest of refused) this.#refused.add(digest);
  }

  #keep(): void {
    const pins = [...this.#pins].map(([name, { digest, definition }]) => ({ name, digest, definition }));
    const refused = [...this.#refused].slice(-mostTools);
    this.#house.kept?.set(this.#resource, JSON.stringify({ pins, refused } satisfies Kept));
  }

  #write(
    state: 'pinned' | 'changed' | 'approved' | 'refused',
    changes: readonly Changed[],
    decision?: DecisionId,
  ): void {
    for (let at = 0; at < changes.length; at += 50) {
      const tools = changes
        .slice(at, at + 50)
        .map(({ name, digest, was }) => ({ name, digest, ...(was === undefined ? {} : { was }) }));
      const entry = {
        resource: this.#resource,
        state,
        tools,
        ...(decision === undefined ? {} : { decision }),
      };
      this.#house.pinned?.(entry).catch((thrown: unknown) => {
        this.#house.log('error', 'mcp.pin-unwritten', { resource: this.#resource, why: whyOf(thrown) });
      });
    }
  }
}

const misfits: Readonly<Record<Exclude<Fitted, 'fits'>, { readonly why: string; readonly fix: string }>> = {
  unfit: {
    why: 'The arguments are not what the schema of the tool allows',
    fix: 'Give the arguments that tools/list describes, and no others',
  },
  unusable: { why: 'The schema of this tool cannot be used', fix: 'Mend the tool' },
  late: {
    why: 'It takes too long to say whether the arguments are what the schema of the tool allows',
    fix: 'Give shorter arguments, or mend the patterns and references in the schema of the tool',
  },
};

interface Kept {
  readonly pins: readonly { readonly name: string; readonly digest: string; readonly definition: Json }[];
  readonly refused: readonly string[];
}

/** The changes as a person reads them: each tool, and each part of it that is not what it was. */
export function shownChanges(changes: readonly Changed[]): string {
  return changes
    .map(({ name, digest, before, definition }) => {
      const lines = difference(before ?? {}, definition);
      return [
        `${before === undefined ? 'New tool' : 'Changed tool'} ${name} (sha256 ${digest})`,
        ...lines,
      ].join('\n');
    })
    .join('\n\n');
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
