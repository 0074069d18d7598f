import { nearest } from '../base/check.ts';
import type { Place } from '../core/decision.ts';
import type { Problems } from './problem.ts';
import type { Located, LocatedMap, LocatedScalar } from './yaml.ts';

/** The keys a mapping may have: `required` ones and others. */
export interface Keys {
  readonly required?: readonly string[];
  readonly optional?: readonly string[];
}

export type Fields = ReadonlyMap<string, { readonly value: Located; readonly keyAt: Place }>;

/** The entries of a mapping with exactly these keys. `undefined` when it is none or a key is wrong or missing. */
export function fields(node: Located, what: string, keys: Keys, problems: Problems): Fields | undefined {
  const map = mapping(node, what, problems);
  if (map === undefined) return undefined;
  const known = [...(keys.required ?? []), ...(keys.optional ?? [])];
  let good = true;
  for (const { key, keyAt } of map.entries) {
    if (known.includes(key)) continue;
    good = false;
    unknownKey(key, keyAt, { what, known }, problems);
  }
  const found: Fields = new Map(map.entries.map(({ key, keyAt, value }) => [key, { keyAt, value }]));
  for (const key of keys.required ?? []) {
    if (found.has(key)) continue;
    good = false;
    problems.add('SP-Y003', node.at, `${capital(what)} needs \`${key}\``);
  }
  return good ? found : undefined;
}

export function unknownKey(
  key: string,
  at: Place,
  { what, known }: { readonly what: string; readonly known: readonly string[] },
  problems: Problems,
): void {
  const near = nearest(key, known);
  problems.add(
    'SP-Y002',
    at,
    `Unknown key \`${key}\` in ${what}${near === undefined ? '' : ` (did you mean \`${near}\`?)`}`,
    {
      fix: near === undefined ? `Known here: ${known.join(', ')}` : `${key} → ${near}`,
      length: key.length,
    },
  );
}

export function mapping(node: Located, what: string, problems: Problems): LocatedMap | undefined {
  if (node.kind === 'map') return node;
  return wrong(node, `${capital(what)} is a mapping`, problems);
}

export function wrong(node: Located, message: string, problems: Problems): undefined {
  problems.add('SP-Y004', node.at, message, spanOf(node));
  return undefined;
}

export function text(node: Located, what: string, problems: Problems): string | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'string' && node.value.trim() !== '') return node.value;
  return wrong(node, `${capital(what)} is a text`, problems);
}

export function whole(
  node: Located,
  what: string,
  { min, max }: { readonly min: number; readonly max: number },
  problems: Problems,
): number | undefined {
  const value = node.kind === 'scalar' ? node.value : undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  return wrong(node, `${capital(what)} is a whole number from ${min} to ${max}`, problems);
}

export function flag(node: Located, what: string, problems: Problems): boolean | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
  return wrong(node, `${capital(what)} is true or false`, problems);
}

export function choice<const T extends string>(
  node: Located,
  what: string,
  options: readonly T[],
  problems: Problems,
): T | undefined {
  const value = node.kind === 'scalar' ? node.value : undefined;
  const found = options.find((option) => option === value);
  if (found !== undefined) return found;
  const near = typeof value === 'string' ? nearest(value, options) : undefined;
  return wrong(
    node,
    `${capital(what)} is ${options.join(', ')}${near === undefined ? '' : ` (did you mean \`${near}\`?)`}`,
    problems,
  );
}

/** A text, or a list of at least one text; each with its place. */
export function texts(
  node: Located,
  what: string,
  problems: Problems,
): readonly (LocatedScalar & { readonly value: string })[] | undefined {
  const items = node.kind === 'list' ? node.items : [node];
  if (items.length === 0) return wrong(node, `${capital(what)} has at least one item`, problems);
  const found: (LocatedScalar & { readonly value: string })[] = [];
  for (const item of items) {
    if (item.kind === 'scalar' && typeof item.value === 'string' && item.value.trim() !== '') {
      found.push({ ...item, value: item.value });
    } else {
      wrong(item, `${capital(what)} is a text or a list of texts`, problems);
    }
  }
  return found.length === items.length ? found : undefined;
}

/** Says that the file is `sallyport/v1`. */
export function apiVersion(map: Fields, at: Place, problems: Problems): void {
  const node = map.get('apiVersion')?.value;
  if (node?.kind === 'scalar' && node.value === 'sallyport/v1') return;
  problems.add('SP-Y009', node?.at ?? at, 'The file starts with `apiVersion: sallyport/v1`');
}

function spanOf(node: Located): { readonly length?: number } {
  return node.kind === 'scalar' && typeof node.value === 'string' && !node.value.includes('\n')
    ? { length: node.value.length }
    : {};
}

function capital(what: string): string {
  return what.charAt(0).toUpperCase() + what.slice(1);
}
