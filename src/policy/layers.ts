import type { Duties, Place } from '../core/decision.ts';
import type { Problems } from './problem.ts';
import { apiVersion, choice, type Fields, fields, text, texts, whole, wrong } from './shape.ts';
import { type OpaUse, readOpaUse } from './opa/use.ts';
import { type Located, readYaml } from './yaml.ts';

/** `ceiling`: each must allow. `grant`: one must allow. `restrict`: may only deny and add duties. */
export type Role = 'ceiling' | 'grant' | 'restrict';

export interface Layer {
  readonly name: string;
  readonly role: Role;
  readonly at: Place;
  readonly use: readonly Use[];
  /** A policy of OPA in place of modules. */
  readonly opa?: OpaUse;
}

/** One module in one layer. */
export interface Use {
  readonly module: string;
  /** What its rules are called by; the module's name where the use says nothing else. */
  readonly as: string;
  readonly at: Place;
  readonly with?: Located;
  readonly digest?: { readonly value: string; readonly at: Place };
}

/** Who may see columns with a tag as they are: said for `check`, which finds everybody else who can. It grants nothing. */
export interface ClearTag {
  readonly tag: string;
  readonly groups: readonly string[];
}

/** `policy.yaml`. */
export interface Composition {
  readonly layers: readonly Layer[];
  /** What is recorded of every session at least. Rules can only ask for more. */
  readonly record: Duties['record'];
  readonly clear: readonly ClearTag[];
  readonly thresholds: Readonly<Partial<Record<Threshold, number>>>;
}

const thresholds = ['ruleCoverage', 'conditionCoverage', 'mutationScore'] as const;
export type Threshold = (typeof thresholds)[number];

export function readComposition(file: string, source: string, problems: Problems): Composition | undefined {
  const root = readYaml(file, source, problems);
  if (root === undefined) return undefined;
  const found = fields(
    root,
    'policy.yaml',
    { required: ['apiVersion', 'layers'], optional: ['thresholds', 'record', 'clear'] },
    problems,
  );
  if (found === undefined) return undefined;
  apiVersion(found, root.at, problems);
  const list = found.get('layers')?.value;
  if (list === undefined) return undefined;
  if (list.kind !== 'list' || list.items.length === 0) {
    return wrong(list, 'layers is a list of at least one layer', problems);
  }
  const layers = list.items.map((item) => readLayer(item, problems)).filter((item) => item !== undefined);
  const names = new Set<string>();
  for (const { name, at } of layers) {
    if (names.has(name)) problems.add('SP-Y008', at, `There are two layers \`${name}\``);
    names.add(name);
  }
  const record = found.get('record')?.value;
  const atLeast =
    record === undefined ? 'full' : choice(record, 'record', ['meta', 'statements', 'full'], problems);
  const clear = found.get('clear')?.value;
  return {
    layers,
    record: atLeast ?? 'full',
    clear: clear === undefined ? [] : readClear(clear, problems),
    thresholds: readThresholds(found, problems),
  };
}

function readClear(node: Located, problems: Problems): readonly ClearTag[] {
  if (node.kind !== 'list') {
    wrong(node, 'clear is a list of { tag, groups }', problems);
    return [];
  }
  return node.items.flatMap((item) => {
    const found = fields(
      item,
      'an entry of clear',
      { required: ['tag', 'groups'], optional: ['why'] },
      problems,
    );
    const [tag, groups] = [found?.get('tag')?.value, found?.get('groups')?.value];
    if (tag === undefined || groups === undefined) return [];
    const pattern = text(tag, 'tag', problems);
    const named = texts(groups, 'groups', problems);
    if (pattern === undefined || named === undefined) return [];
    return [{ tag: pattern, groups: named.map(({ value }) => value) }];
  });
}

function readLayer(node: Located, problems: Problems): Layer | undefined {
  const found = fields(node, 'a layer', { required: ['name', 'role'], optional: ['use', 'opa'] }, problems);
  const [name, role, use] = [found?.get('name'), found?.get('role'), found?.get('use')];
  if (name === undefined || role === undefined) return undefined;
  const called = text(name.value, 'name', problems);
  const as = choice(role.value, 'role', ['ceiling', 'grant', 'restrict'], problems);
  const foreign = found?.get('opa');
  if (foreign !== undefined && use !== undefined)
    return wrong(foreign.value, 'A layer has either `use` or `opa`', problems);
  if (foreign !== undefined) {
    const opa = readOpaUse(foreign.value, as, problems);
    return called === undefined || as === undefined || opa === undefined
      ? undefined
      : { name: called, role: as, at: name.keyAt, use: [], opa };
  }
  if (use === undefined) {
    problems.add('SP-Y003', node.at, 'A layer needs `use`, or `opa`');
    return undefined;
  }
  if (use.value.kind !== 'list' || use.value.items.length === 0) {
    return wrong(use.value, 'use is a list of at least one module', problems);
  }
  const uses = use.value.items.map((item) => readUse(item, problems)).filter((item) => item !== undefined);
  return called === undefined || as === undefined
    ? undefined
    : { name: called, role: as, at: name.keyAt, use: uses };
}

function readUse(node: Located, problems: Problems): Use | undefined {
  const found = fields(
    node,
    'a use of a module',
    { required: ['module'], optional: ['as', 'with', 'digest'] },
    problems,
  );
  const module = found?.get('module')?.value;
  if (found === undefined || module === undefined) return undefined;
  const name = text(module, 'module', problems);
  if (name === undefined) return undefined;
  const as = found.get('as')?.value;
  const alias = as === undefined ? name : text(as, 'as', problems);
  if (as !== undefined && alias !== undefined && !/^[a-z0-9][a-z0-9-]*$/.test(alias)) {
    wrong(as, '`as` is made of lower-case letters, digits and dashes', problems);
  }
  const digest = found.get('digest')?.value;
  const pinned = digest === undefined ? undefined : text(digest, 'digest', problems);
  const values = found.get('with')?.value;
  return {
    module: name,
    as: alias ?? name,
    at: module.at,
    ...(values === undefined ? {} : { with: values }),
    ...(digest === undefined || pinned === undefined ? {} : { digest: { value: pinned, at: digest.at } }),
  };
}

function readThresholds(found: Fields, problems: Problems): Composition['thresholds'] {
  const node = found.get('thresholds')?.value;
  const given =
    node === undefined ? undefined : fields(node, 'thresholds', { optional: thresholds }, problems);
  const read: Partial<Record<Threshold, number>> = {};
  for (const name of thresholds) {
    const value = given?.get(name)?.value;
    const percent = value === undefined ? undefined : whole(value, name, { min: 0, max: 100 }, problems);
    if (percent !== undefined) read[name] = percent;
  }
  return read;
}

/** `policy.lock`: module -> digest, or, of `bundles`, path -> digest. */
// oxlint-disable-next-line max-params
export function readLock(
  file: string,
  source: string,
  problems: Problems,
  of: 'modules' | 'bundles' = 'modules',
): ReadonlyMap<string, { readonly digest: string; readonly at: Place }> {
  const lock = new Map<string, { readonly digest: string; readonly at: Place }>();
  const root = readYaml(file, source, problems);
  const found =
    root === undefined
      ? undefined
      : fields(root, 'policy.lock', { required: ['apiVersion', 'modules'], optional: ['bundles'] }, problems);
  const modules = found?.get(of)?.value;
  if (root === undefined || found === undefined || modules === undefined) return lock;
  apiVersion(found, root.at, problems);
  if (modules.kind !== 'map') {
    wrong(modules, `${of} maps a name to its digest`, problems);
    return lock;
  }
  for (const { key, keyAt, value } of modules.entries) {
    const digest = text(value, 'digest', problems);
    if (digest !== undefined) lock.set(key, { digest, at: keyAt });
  }
  return lock;
}
