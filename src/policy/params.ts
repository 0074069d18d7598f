import { never } from '../base/result.ts';
import { duration as durationOf } from '../base/time.ts';
import { nearest } from '../base/check.ts';
import type { Place } from '../core/decision.ts';
import type { Problems } from './problem.ts';
import { choice, fields, mapping, unknownKey, wrong } from './shape.ts';
import { bool, int, string, strings, type Type } from './types.ts';
import type { Located } from './yaml.ts';

const paramTypes = ['string', 'group', 'groups', 'strings', 'int', 'bool', 'duration'] as const;
export type ParamType = (typeof paramTypes)[number];

export interface Param {
  readonly type: ParamType;
  readonly at: Place;
  readonly default?: ParamValue;
}

export type ParamValue = string | number | boolean | readonly string[];

/** Reads `params:` of a module: `approvers: {type: group, default: dba}`. */
export function readParams(node: Located, problems: Problems): ReadonlyMap<string, Param> {
  const params = new Map<string, Param>();
  for (const { key, keyAt, value } of mapping(node, 'params', problems)?.entries ?? []) {
    if (!/^[a-z][A-Za-z0-9]*$/.test(key)) {
      problems.add('SP-Y004', keyAt, 'The name of a param is a word in camelCase');
      continue;
    }
    const found = fields(value, `param ${key}`, { required: ['type'], optional: ['default'] }, problems);
    const typeNode = found?.get('type')?.value;
    const type = typeNode === undefined ? undefined : choice(typeNode, 'type', paramTypes, problems);
    if (type === undefined) continue;
    const given = found?.get('default')?.value;
    const standard = given === undefined ? undefined : readValue(given, type, `default of ${key}`, problems);
    params.set(key, { type, at: keyAt, ...(standard === undefined ? {} : { default: standard }) });
  }
  return params;
}

/** The values of a module's params at one use: `with:` over the defaults. */
export function readWith(
  params: ReadonlyMap<string, Param>,
  given: Located | undefined,
  use: Place,
  problems: Problems,
): ReadonlyMap<string, ParamValue> {
  const values = new Map<string, ParamValue>();
  const entries = given === undefined ? [] : (mapping(given, 'with', problems)?.entries ?? []);
  for (const { key, keyAt, value } of entries) {
    const param = params.get(key);
    if (param === undefined) unknownKey(key, keyAt, { what: 'with', known: [...params.keys()] }, problems);
    else {
      const read = readValue(value, param.type, key, problems);
      if (read !== undefined) values.set(key, read);
    }
  }
  for (const [name, param] of params) {
    if (values.has(name)) continue;
    if (param.default !== undefined) values.set(name, param.default);
    else problems.add('SP-L105', use, `The module needs \`${name}\` (${param.type}) under \`with\``);
  }
  return values;
}

function readValue(node: Located, type: ParamType, what: string, problems: Problems): ParamValue | undefined {
  const value = node.kind === 'scalar' ? node.value : undefined;
  switch (type) {
    case 'string':
    case 'group':
      if (typeof value === 'string' && value !== '') return value;
      break;
    case 'int':
      if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
      break;
    case 'bool':
      if (typeof value === 'boolean') return value;
      break;
    case 'duration':
      if (typeof value === 'string' && durationOf(value) !== undefined) return value;
      break;
    case 'groups':
    case 'strings': {
      if (node.kind !== 'list' || node.items.length === 0) break;
      const items = node.items.map((item) => (item.kind === 'scalar' ? item.value : undefined));
      const found = items.filter((item) => typeof item === 'string' && item !== '');
      if (found.length === items.length) return found as readonly string[];
      break;
    }
    default:
      return never(type);
  }
  problems.add('SP-L105', node.at, `${what} is of type ${type}`);
  return undefined;
}

/** The type that `params.name` has in a condition. */
export function paramType(type: ParamType): Type {
  switch (type) {
    case 'int':
      return int;
    case 'bool':
      return bool;
    case 'groups':
    case 'strings':
      return strings;
    case 'string':
    case 'group':
    case 'duration':
      return string;
    default:
      return never(type);
  }
}

const whole = /^\{\{\s*params\.([A-Za-z0-9]+)\s*\}\}$/;
const inside = /\{\{\s*params\.([A-Za-z0-9]+)\s*\}\}/g;

/**
 * Puts the values in place of `{{params.name}}`. A text that is nothing else becomes the value itself, of its type;
 * conditions use the word `params` instead, so a value never becomes code.
 */
export function substitute(
  node: Located,
  values: ReadonlyMap<string, ParamValue>,
  problems: Problems,
): Located {
  switch (node.kind) {
    case 'map':
      return {
        kind: 'map',
        at: node.at,
        entries: node.entries.map((entry) =>
          entry.key === 'when' ? entry : { ...entry, value: substitute(entry.value, values, problems) },
        ),
      };
    case 'list':
      return {
        ...node,
        items: node.items.flatMap((item) => spread(substitute(item, values, problems), item)),
      };
    case 'scalar': {
      if (typeof node.value !== 'string' || !node.value.includes('{{')) return node;
      const only = whole.exec(node.value)?.[1];
      if (only !== undefined) return located(node, lookUp(only, values, node.at, problems));
      const text = node.value.replaceAll(inside, (_, name: string) => {
        const value = lookUp(name, values, node.at, problems);
        return Array.isArray(value) ? value.join(', ') : String(value);
      });
      if (text.includes('{{')) {
        wrong(node, 'Only `{{params.name}}` may stand in double braces', problems);
      }
      return { kind: 'scalar', at: node.at, value: text };
    }
    default:
      return never(node);
  }
}

function located(node: Located, value: ParamValue): Located {
  if (typeof value !== 'object') return { kind: 'scalar', at: node.at, value };
  return {
    kind: 'list',
    at: node.at,
    items: value.map((item) => ({ kind: 'scalar', at: node.at, value: item })),
  };
}

/** A list in the place of one item of a list becomes its items. */
function spread(now: Located, before: Located): readonly Located[] {
  return now.kind === 'list' && before.kind === 'scalar' ? now.items : [now];
}

function lookUp(
  name: string,
  values: ReadonlyMap<string, ParamValue>,
  at: Place,
  problems: Problems,
): ParamValue {
  const value = values.get(name);
  if (value !== undefined) return value;
  const near = nearest(name, [...values.keys()]);
  problems.add(
    'SP-L105',
    at,
    `The module has no param \`${name}\`${near === undefined ? '' : ` (did you mean \`${near}\`?)`}`,
  );
  return '?';
}
