import type { Place } from '../core/decision.ts';
import type { LoadedPolicy } from './load.ts';
import { Problems, type PolicyProblem } from './problem.ts';
import type { Rule } from './rule.ts';
import { apiVersion, choice, type Fields, fields, text, texts, wrong } from './shape.ts';
import type { Trial } from './trial.ts';
import { type Located, readYaml } from './yaml.ts';

export const frameworks = ['soc2', 'fedramp', 'iso27001', 'pci'] as const;
export type Framework = (typeof frameworks)[number];

/** What `controls/<name>.yaml` says: which rules, tests and entries speak for each control of a framework. */
export interface ControlSet {
  readonly file: string;
  readonly framework: Framework;
  /** Name and edition of the framework. */
  readonly title: string;
  readonly controls: readonly Control[];
}

export interface Control {
  readonly id: string;
  readonly at: Place;
  readonly name: string;
  /** What these rules contribute to it, and what they do not. */
  readonly how: string;
  readonly rules: readonly Named[];
  /** Test files, or names of cases. */
  readonly tests: readonly Named[];
  readonly evidence: readonly Evidence[];
}

interface Named {
  readonly name: string;
  readonly at: Place;
}

/** A query on entries. */
export interface Evidence {
  readonly what: string;
  /** An entry fits when each part that is there has one of these values. */
  readonly where: EvidenceQuery;
  /** `some`: it is missing where no entry fits. `any`: none is an answer as well. */
  readonly expect: 'some' | 'any';
}

export const evidenceParts = [
  'kind',
  'effect',
  'verb',
  'access',
  'resource',
  'rule',
  'duty',
  'risk',
] as const;
export type EvidenceQuery = { readonly [K in (typeof evidenceParts)[number]]?: readonly string[] };

export const controlPath: RegExp = /^controls\/[a-z0-9][a-z0-9-]*\.ya?ml$/;

/** Reads `controls/*.yaml` among a policy's files. */
export function readControls(files: ReadonlyMap<string, string>, problems: Problems): readonly ControlSet[] {
  const sets: ControlSet[] = [];
  for (const [path, source] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!path.startsWith('controls/')) continue;
    if (!controlPath.test(path)) {
      problems.add('SP-Y007', { file: path, line: 1, col: 1 }, 'This file is not read', {
        fix: 'Controls are `controls/<name>.yaml`',
      });
      continue;
    }
    const set = readSet(path, source, problems);
    if (set !== undefined) sets.push(set);
  }
  return sets;
}

function readSet(file: string, source: string, problems: Problems): ControlSet | undefined {
  const root = readYaml(file, source, problems);
  const keys = { required: ['apiVersion', 'framework', 'title', 'controls'] };
  const found = root === undefined ? undefined : fields(root, 'a file of controls', keys, problems);
  if (root === undefined || found === undefined) return undefined;
  apiVersion(found, root.at, problems);
  const framework = read(found, 'framework', (node) => choice(node, 'framework', frameworks, problems));
  const title = read(found, 'title', (node) => text(node, 'title', problems));
  const list = found.get('controls')?.value;
  if (list?.kind !== 'list') {
    if (list !== undefined) wrong(list, 'Controls is a list', problems);
    return undefined;
  }
  const controls = list.items.map((item) => readControl(item, problems)).filter((each) => each !== undefined);
  const ids = new Set<string>();
  for (const { id, at } of controls) {
    if (ids.has(id)) problems.add('SP-Y008', at, `There are two controls \`${id}\``);
    ids.add(id);
  }
  return framework === undefined || title === undefined ? undefined : { file, framework, title, controls };
}

function read<T>(found: Fields, key: string, of: (node: Located) => T | undefined): T | undefined {
  const field = found.get(key);
  return field === undefined ? undefined : of(field.value);
}

function readControl(node: Located, problems: Problems): Control | undefined {
  const keys = { required: ['id', 'name', 'how', 'rules'], optional: ['tests', 'evidence'] };
  const found = fields(node, 'a control', keys, problems);
  if (found === undefined) return undefined;
  const word = (key: string): string | undefined => read(found, key, (field) => text(field, key, problems));
  const named = (key: string): readonly Named[] | undefined =>
    read(found, key, (field) =>
      field.kind === 'list' && field.items.length === 0
        ? []
        : texts(field, key, problems)?.map(({ value, at }) => ({ name: value, at })),
    );
  const [id, name, how, rules] = [word('id'), word('name'), word('how'), named('rules')];
  const evidence = read(found, 'evidence', (field) =>
    field.kind === 'list'
      ? field.items.map((item) => readEvidence(item, problems)).filter((each) => each !== undefined)
      : wrong(field, 'Evidence is a list', problems),
  );
  if (id === undefined || name === undefined || how === undefined || rules === undefined) return undefined;
  return { id, at: node.at, name, how, rules, tests: named('tests') ?? [], evidence: evidence ?? [] };
}

function readEvidence(node: Located, problems: Problems): Evidence | undefined {
  const found = fields(node, 'evidence', { required: ['what', 'where'], optional: ['expect'] }, problems);
  const what =
    found === undefined ? undefined : read(found, 'what', (field) => text(field, 'what', problems));
  const parts = found?.get('where')?.value;
  const where =
    parts === undefined ? undefined : fields(parts, 'where', { optional: evidenceParts }, problems);
  if (found === undefined || what === undefined || where === undefined) return undefined;
  const query: Partial<Record<(typeof evidenceParts)[number], readonly string[]>> = {};
  for (const part of evidenceParts) {
    const values = read(where, part, (field) => texts(field, part, problems))?.map(({ value }) => value);
    if (values !== undefined) query[part] = values;
  }
  const expect = read(found, 'expect', (field) => choice(field, 'expect', ['some', 'any'], problems));
  return { what, where: query, expect: expect ?? 'some' };
}

/** What stands in the way of a control: nothing where at least one rule holds it up, and all that it names are live and tested. */
export interface ControlState {
  readonly live: readonly string[];
  readonly problems: readonly PolicyProblem[];
}

export function controlState(
  control: Control,
  policy: Pick<LoadedPolicy, 'ruling'>,
  trial: Pick<Trial, 'results' | 'coverage'>,
): ControlState {
  const problems = new Problems();
  const untested = new Set(trial.coverage.rules.missing);
  const live: string[] = [];
  if (control.rules.length === 0)
    problems.add('SP-C401', control.at, `The control ${control.id} names no rule`, {
      fix: 'Name the rules that hold it up, or delete the control: without a rule it is only a claim',
    });
  for (const { name, at } of control.rules) {
    const rule = policy.ruling.rules.find(({ ref }) => ref.id === name);
    const why = notLive(rule);
    if (why !== undefined)
      problems.add('SP-C401', at, `The control ${control.id} rests on \`${name}\`, ${why}`, {
        length: name.length,
        fix: 'Name a rule of this policy that is enforced',
      });
    else if (untested.has(name))
      problems.add(
        'SP-C402',
        at,
        `The control ${control.id} rests on \`${name}\`, which decides in no test`,
        {
          length: name.length,
          fix: 'Add a case to tests/ whose `expect.by` names it',
        },
      );
    else live.push(name);
  }
  for (const { name, at } of control.tests) {
    const cases = trial.results.filter((each) => each.name === name || each.at.file === name);
    const failing = cases.find(({ failures }) => failures.length > 0);
    if (cases.length > 0 && failing === undefined) continue;
    const what = failing === undefined ? 'does not exist' : `fails: ${failing.name}`;
    problems.add('SP-C403', at, `The test \`${name}\` of the control ${control.id} ${what}`, {
      length: name.length,
      fix: 'Name a file `tests/<name>.test.yaml` or a case, and let it pass',
    });
  }
  return { live, problems: problems.list };
}

function notLive(rule: Rule | undefined): string | undefined {
  if (rule === undefined) return 'which is no rule of this policy';
  return rule.enforce === 'enforce' || rule.enforce === 'soft'
    ? undefined
    : `which is \`enforce: ${rule.enforce}\` and holds nothing up`;
}

/** Every finding about controls. */
export function controlFindings(
  files: ReadonlyMap<string, string>,
  policy: Pick<LoadedPolicy, 'ruling'>,
  trial: Pick<Trial, 'results' | 'coverage'>,
): readonly PolicyProblem[] {
  const problems = new Problems();
  const sets = readControls(files, problems);
  const found = sets.flatMap(({ controls }) =>
    controls.flatMap((control) => controlState(control, policy, trial).problems),
  );
  return [...problems.list, ...found];
}
