import { Lru } from '../base/lru.ts';
import type { Place } from '../core/decision.ts';
import { glob } from './glob.ts';
import type { AttributeType } from './kinds.ts';
import type { Problems } from './problem.ts';
import { apiVersion, choice, fields, mapping, texts, wrong } from './shape.ts';
import type { IdentityAttributes } from './words.ts';
import { readYaml } from './yaml.ts';

/** `schema.yaml`: what the rules may know of identities, and which columns hold what. */
export interface Schema {
  readonly identity: IdentityAttributes;
  readonly tags: readonly TagLine[];
}

/** One line under `tags`: resource and column may be patterns with `*` for any text. */
export interface TagLine {
  readonly resource: string;
  readonly column: string; // 'public.customers.email'
  readonly tags: readonly string[];
  readonly at: Place;
}

export const emptySchema: Schema = { identity: new Map(), tags: [] };

const attributeTypes: readonly AttributeType[] = ['string', 'number', 'boolean'];
const ownWords: readonly string[] = ['subject', 'kind', 'groups', 'actingFor'];

export function readSchema(file: string, source: string, problems: Problems): Schema | undefined {
  const root = readYaml(file, source, problems);
  if (root === undefined) return undefined;
  const found = fields(
    root,
    'schema.yaml',
    { required: ['apiVersion'], optional: ['identity', 'tags'] },
    problems,
  );
  if (found === undefined) return undefined;
  apiVersion(found, root.at, problems);

  const identity = new Map<string, AttributeType>();
  const declared = found.get('identity')?.value;
  for (const { key, keyAt, value } of declared === undefined
    ? []
    : (mapping(declared, 'identity', problems)?.entries ?? [])) {
    const type = choice(value, `identity.${key}`, attributeTypes, problems);
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(key) || ownWords.includes(key)) {
      problems.add('SP-Y004', keyAt, `\`${key}\` cannot be the name of an identity's attribute`);
    } else if (type !== undefined) identity.set(key, type);
  }

  const tags: TagLine[] = [];
  const tagged = found.get('tags')?.value;
  for (const resource of tagged === undefined ? [] : (mapping(tagged, 'tags', problems)?.entries ?? [])) {
    for (const { key, keyAt, value } of mapping(resource.value, `tags.${resource.key}`, problems)?.entries ??
      []) {
      if (!key.includes('.') && !key.includes('*')) {
        problems.add('SP-Y004', keyAt, 'A column is named in full: `schema.table.column`');
        continue;
      }
      const items = texts(value, 'tags of a column', problems) ?? [];
      for (const item of items) {
        if (!/^[a-z0-9-]+(\/[a-z0-9-]+)*$/.test(item.value)) {
          wrong(
            item,
            'A tag looks like `pii/email`: lower-case letters, digits, dashes and slashes',
            problems,
          );
        }
      }
      tags.push({ resource: resource.key, column: key, tags: items.map((item) => item.value), at: keyAt });
    }
  }
  return { identity, tags };
}

const remembered = 65_536;

/** The tags of a column: of all lines whose patterns fit, sorted. */
export function tagger(
  schema: Schema,
): (resource: string, object: string, column: string) => readonly string[] {
  const lines = schema.tags.map((line) => ({
    resource: glob(line.resource),
    column: glob(line.column),
    mayBeOf: (object: string) => mayBeOf(line.column, object),
    inside: insideOf(line.column),
    tags: line.tags,
  }));
  const known = new Lru<string, readonly string[]>(remembered);
  return (resource, object, column) => {
    const name = `${object}.${column}`;
    const key = `${resource}\0${name}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const found = new Set<string>();
    for (const line of lines) {
      // `profile$` asks for what is tagged anywhere in the document, `profile$.a.$` anywhere below `a`.
      const fits =
        column === '*'
          ? line.mayBeOf(object)
          : line.column(name) || (column.endsWith('$') && line.inside(name));
      if (fits && line.resource(resource)) for (const tag of line.tags) found.add(tag);
    }
    const tags = found.size === 0 ? none : [...found].sort();
    known.set(key, tags);
    return tags;
  };
}

/**
 * Whether a line can be about a column of this object. `*` as a column is "some column, it cannot be told which": it has
 * the tags of all of them.
 */
function mayBeOf(pattern: string, object: string): boolean {
  if (object === '*') return true;
  const literal = pattern.split('*', 1)[0] ?? '';
  const of = `${object}.`;
  return literal === pattern ? pattern.startsWith(of) : literal.startsWith(of) || of.startsWith(literal);
}

const none: readonly string[] = [];

/** Whether a line of a path (`public.customers.profile$.address.street`) is about something inside `…profile$` or `…profile$.address.$`. */
function insideOf(pattern: string): (name: string) => boolean {
  const at = pattern.indexOf('$.');
  if (at < 0) return () => false;
  const holder = glob(pattern.slice(0, at + 1));
  const steps = pattern.slice(at + 2).split('.');
  return (name) => {
    const end = name.indexOf('$') + 1;
    if (!holder(name.slice(0, end))) return false;
    const asked = name
      .slice(end)
      .split('.')
      .filter((step) => step !== '' && step !== '$');
    const open = steps.findIndex((step) => step.includes('*')); // `*` stands for any text, dots too
    const known = open < 0 ? asked : asked.slice(0, open);
    return known.every((step, index) => steps[index] === step) && (open >= 0 || asked.length < steps.length);
  };
}
