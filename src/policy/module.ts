import type { Place } from '../core/decision.ts';
import { type Param, readParams } from './params.ts';
import type { Problems } from './problem.ts';
import { apiVersion, fields, text, wrong } from './shape.ts';
import { type Located, readYaml } from './yaml.ts';

/** A `modules/*.policy.yaml` as written: its rules are read once for each use, with that use's params. */
export interface Module {
  readonly name: string;
  readonly file: string;
  readonly at: Place;
  readonly owner?: string;
  readonly params: ReadonlyMap<string, Param>;
  readonly rules: readonly Located[];
}

export const modulePath: RegExp = /^modules\/([a-z0-9][a-z0-9-]*)\.policy\.yaml$/;

export function readModule(file: string, source: string, problems: Problems): Module | undefined {
  const root = readYaml(file, source, problems);
  if (root === undefined) return undefined;
  const found = fields(
    root,
    'a module',
    { required: ['apiVersion', 'module', 'rules'], optional: ['owner', 'params', 'about'] },
    problems,
  );
  if (found === undefined) return undefined;
  apiVersion(found, root.at, problems);
  const named = found.get('module')?.value;
  const name = named === undefined ? undefined : text(named, 'module', problems);
  const expected = modulePath.exec(file)?.[1];
  if (named !== undefined && name !== undefined && name !== expected) {
    wrong(named, `The file says the module is \`${expected ?? '?'}\`; the two must agree`, problems);
  }
  const rules = found.get('rules')?.value;
  if (rules !== undefined && (rules.kind !== 'list' || rules.items.length === 0)) {
    wrong(rules, 'rules is a list of at least one rule', problems);
  }
  const owner = found.get('owner')?.value;
  const ownedBy = owner === undefined ? undefined : text(owner, 'owner', problems);
  const params = found.get('params')?.value;
  if (name === undefined || rules?.kind !== 'list') return undefined;
  return {
    name,
    file,
    at: root.at,
    ...(ownedBy === undefined ? {} : { owner: ownedBy }),
    params: params === undefined ? new Map() : readParams(params, problems),
    rules: rules.items,
  };
}
