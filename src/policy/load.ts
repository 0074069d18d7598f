import { createHash } from 'node:crypto';
import { nearest } from '../base/check.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { ColumnRef } from '../core/action.ts';
import type { PolicyId } from '../core/decision.ts';
import type { Policy } from '../core/ports.ts';
import type { Resource } from '../core/session.ts';
import { compiler } from './condition.ts';
import { decider } from './decide.ts';
import { sharing } from './sharing.ts';
import { said } from './explain.ts';
import { type Exemption, readExemptions } from './exemptions.ts';
import type { Kinds } from './kinds.ts';
import { type Composition, type Layer, readComposition, readLock, type Use } from './layers.ts';
import { type Module, modulePath, readModule } from './module.ts';
import { bundlePath } from './opa/bundle.ts';
import { consulting, opaLayers } from './opa/layer.ts';
import { bundlePins } from './opa/pins.ts';
import { paramType, readWith } from './params.ts';
import { reach } from './on-request.ts';
import { type PolicyProblem, Problems } from './problem.ts';
import { readRule, type Rule, type RuleContext } from './rule.ts';
import type { Ruling } from './ruling.ts';
import { emptySchema, readSchema, type Schema, tagger } from './schema.ts';
import { objectOf, type Type } from './types.ts';
import { wordMaker, wordsFor } from './words.ts';
import type { Located } from './yaml.ts';

/** A policy that has been read whole and checked. */
export interface LoadedPolicy extends Policy {
  /** Rules, layers and exemptions as the engine sees them: for explaining, testing and analysis. */
  readonly ruling: Ruling;
  readonly schema: Schema;
  readonly composition: Composition;
  readonly modules: ReadonlyMap<string, Module>;
}

type ParamScalar = string | number | boolean;

/** What one environment gives to the params of modules: name of the use -> param -> value. Not part of the digest. */
export type EnvironmentParams = Readonly<
  Record<string, Readonly<Record<string, ParamScalar | readonly string[]>>>
>;

/** The files of a policy and of its tests, by path relative to its directory; `policyText` gives their text. Everything else there is left alone. */
export function isPolicyFile(path: string): boolean {
  return path === 'policy.lock' || /\.ya?ml$/.test(path) || bundlePath.test(path);
}

/**
 * Reads a policy from its files (paths relative to its directory, with `/`) for these resource kinds. All or nothing:
 * with any problem there is no policy, and the caller keeps the one it has. Tests and controls do not take part.
 */
export function loadPolicy(
  files: ReadonlyMap<string, string>,
  kinds: Kinds,
  extra: { readonly commit?: string; readonly params?: EnvironmentParams } = {},
): Result<LoadedPolicy, readonly PolicyProblem[]> {
  const problems = new Problems();
  const sources = new Map(
    [...files].filter(([path]) => isPolicyFile(path) && !/^(?:tests|controls)\//.test(path)),
  );
  strangers(sources, problems);
  const main = sources.get('policy.yaml');
  if (main === undefined) {
    problems.add('SP-Y003', { file: 'policy.yaml', line: 1, col: 1 }, 'There is no policy.yaml here');
  }
  const composition = main === undefined ? undefined : readComposition('policy.yaml', main, problems);
  const schemaText = sources.get('schema.yaml');
  const schema = schemaText === undefined ? emptySchema : readSchema('schema.yaml', schemaText, problems);
  const modules = readModules(sources, problems);
  const rules =
    composition === undefined || schema === undefined
      ? []
      : readRules({ composition, modules, kinds, schema, given: extra.params ?? {} }, problems);
  if (composition !== undefined) {
    // With a fault in policy.yaml a layer may be missing, and then every module of it.
    if (!problems.list.some(({ file }) => file === 'policy.yaml')) unused(composition, modules, problems);
    strangeParams(extra.params ?? {}, composition, problems);
    pins(composition, sources, problems);
    bundlePins(composition, sources, problems);
  }
  const foreign = composition === undefined ? [] : opaLayers(composition.layers, sources, kinds, problems);
  const exemptionText = sources.get('exemptions.yaml');
  const exemptions =
    exemptionText === undefined ? [] : readExemptions('exemptions.yaml', exemptionText, problems);
  if (composition !== undefined && problems.list.length === 0) {
    checkExemptions(exemptions, rules, composition.layers, problems);
  }
  if (problems.list.length > 0 || composition === undefined || schema === undefined) {
    return err(inOrder(problems.list));
  }

  const id: PolicyId = {
    digest: digestOf(sources),
    ...(extra.commit === undefined ? {} : { commit: extra.commit }),
  };
  const tags = tagger(schema);
  const ruling: Ruling = {
    id,
    kinds,
    layers: composition.layers,
    rules,
    exemptions,
    recordAtLeast: composition.record,
    opa: foreign,
    words: wordMaker({ kinds, identity: schema.identity, tagsOf: tags }),
  };
  const consult = consulting(foreign);
  return ok({
    id,
    decide: decider(ruling),
    sharing: sharing(ruling),
    ...(consult === undefined ? {} : { consult }),
    explain: (question) => said(ruling, question),
    reach: (identity, resource) => reach(ruling, identity, resource),
    tagsOf: (resource: Resource, column: ColumnRef) => tags(resource.name, column.object, column.column),
    ruling,
    schema,
    composition,
    modules,
  });
}

/** A rule in a file that is not read would protect nothing, silently. */
function strangers(sources: ReadonlyMap<string, string>, problems: Problems): void {
  const known = ['policy.yaml', 'schema.yaml', 'exemptions.yaml', 'policy.lock'];
  for (const path of sources.keys()) {
    if (known.includes(path) || modulePath.test(path) || bundlePath.test(path)) continue;
    const near = nearest(path, known);
    problems.add('SP-Y007', { file: path, line: 1, col: 1 }, 'This file is not read', {
      fix:
        near === undefined
          ? 'Modules are `modules/<name>.policy.yaml`, tests `tests/<name>.test.yaml`'
          : `${path} → ${near}`,
    });
  }
}

function readModules(sources: ReadonlyMap<string, string>, problems: Problems): ReadonlyMap<string, Module> {
  const modules = new Map<string, Module>();
  for (const [path, source] of sources) {
    if (!modulePath.test(path)) continue;
    const module = readModule(path, source, problems);
    if (module !== undefined) modules.set(module.name, module);
  }
  return modules;
}

interface RuleParts {
  readonly composition: Composition;
  readonly modules: ReadonlyMap<string, Module>;
  readonly kinds: Kinds;
  readonly schema: Schema;
  readonly given: EnvironmentParams;
}

function readRules(parts: RuleParts, problems: Problems): readonly Rule[] {
  const compile = compiler();
  const vocabularies = new Map<string, ReadonlyMap<string, Type>>();
  const words: RuleContext['words'] = (names, params) => {
    const types = [...params].map(([name, { type }]) => [name, type] as const);
    const key = JSON.stringify([names, types]);
    const known = vocabularies.get(key);
    if (known !== undefined) return known;
    const made = new Map(wordsFor(names, parts.kinds, parts.schema.identity));
    const members = types.map(([name, type]) => [name, { type: paramType(type) }]);
    if (types.length > 0) made.set('params', objectOf('params', Object.fromEntries(members)));
    vocabularies.set(key, made);
    return made;
  };
  const rules: Rule[] = [];
  const ids = new Map<string, Rule>();
  for (const layer of parts.composition.layers) {
    for (const use of layer.use) {
      const module = moduleOf(use, parts.modules, problems);
      if (module === undefined) continue;
      const context: RuleContext = {
        prefix: use.as,
        layer: layer.name,
        ...(module.owner === undefined ? {} : { owner: module.owner }),
        params: module.params,
        values: readWith(module.params, withGiven(use, parts.given), use.at, problems),
        kinds: parts.kinds,
        words,
        compile,
      };
      for (const raw of module.rules) {
        const rule = readRule(raw, context, problems);
        if (rule === undefined) continue;
        const { id, at, effect } = rule.ref;
        const first = ids.get(id)?.ref.at;
        if (first !== undefined) {
          const there = `${first.file}:${first.line}:${first.col}`;
          const twice = there === `${at.file}:${at.line}:${at.col}`;
          problems.add('SP-Y008', at, `There are two rules \`${id}\`: the other is at ${there}`, {
            fix: twice
              ? 'Give the second use of the module another name: `as: …`'
              : 'Give one of them another id',
          });
        }
        ids.set(id, rule);
        if (layer.role === 'restrict' && effect === 'allow') {
          problems.add('SP-L104', at, `The layer \`${layer.name}\` restricts: it cannot allow`, {
            fix: 'Move the rule to a module of a grant or ceiling layer',
          });
        }
        if (layer.role === 'ceiling' && rule.onRequest !== undefined) {
          problems.add(
            'SP-L104',
            at,
            `The layer \`${layer.name}\` is a ceiling: what is asked for is granted`,
            {
              fix: 'Move the rule to a module of a grant layer',
            },
          );
        }
        rules.push(rule);
      }
    }
  }
  return rules;
}

/** What an environment says of a module's params goes before what the policy says: the same policy, the same digest. */
function withGiven(use: Use, given: EnvironmentParams): Use['with'] {
  const own = given[use.as];
  if (own === undefined) return use.with;
  const at = use.at;
  const scalar = (value: ParamScalar): Located => ({ kind: 'scalar', value, at });
  const entries = Object.entries(own).map(([key, value]) => ({
    key,
    keyAt: at,
    value:
      typeof value === 'object' ? { kind: 'list' as const, items: value.map(scalar), at } : scalar(value),
  }));
  const kept = use.with?.kind === 'map' ? use.with.entries.filter(({ key }) => !Object.hasOwn(own, key)) : [];
  return { kind: 'map', entries: [...kept, ...entries], at };
}

function strangeParams(given: EnvironmentParams, { layers }: Composition, problems: Problems): void {
  const uses = layers.flatMap(({ use }) => use.map(({ as }) => as));
  for (const name of Object.keys(given).filter((each) => !uses.includes(each))) {
    const at = { file: 'policy.yaml', line: 1, col: 1 };
    problems.add(
      'SP-L105',
      at,
      `The configuration gives params to \`${name}\`, and no layer uses a module by that name`,
    );
  }
}

function moduleOf(use: Use, modules: ReadonlyMap<string, Module>, problems: Problems): Module | undefined {
  const module = modules.get(use.module);
  if (module !== undefined) return module;
  const near = nearest(use.module, [...modules.keys()]);
  // A module whose file has a problem is missing here too; its own problem says enough.
  if (problems.list.some((each) => each.file === `modules/${use.module}.policy.yaml`)) return undefined;
  problems.add(
    'SP-L101',
    use.at,
    `There is no modules/${use.module}.policy.yaml${near === undefined ? '' : ` (did you mean \`${near}\`?)`}`,
    { length: use.module.length },
  );
  return undefined;
}

function unused(composition: Composition, modules: ReadonlyMap<string, Module>, problems: Problems): void {
  const used = new Set(composition.layers.flatMap((layer) => layer.use.map((use) => use.module)));
  for (const module of modules.values()) {
    if (used.has(module.name)) continue;
    problems.add(
      'SP-L102',
      module.at,
      `No layer uses the module \`${module.name}\`: its rules would decide nothing`,
      {
        fix: 'Use it under a layer in policy.yaml, or delete the file',
      },
    );
  }
}

/** `policy.lock` pins every module; a `digest` at a use pins that one. */
function pins(composition: Composition, sources: ReadonlyMap<string, string>, problems: Problems): void {
  const lockText = sources.get('policy.lock');
  const lock = lockText === undefined ? undefined : readLock('policy.lock', lockText, problems);
  for (const use of composition.layers.flatMap((layer) => layer.use)) {
    const source = sources.get(`modules/${use.module}.policy.yaml`);
    if (source === undefined) continue;
    const digest = `sha256:${sha256(source)}`;
    if (use.digest !== undefined && use.digest.value !== digest) {
      problems.add(
        'SP-L103',
        use.digest.at,
        `The module \`${use.module}\` is ${digest}, not what is pinned here`,
      );
    }
    if (lock === undefined) continue;
    const pinned = lock.get(use.module);
    if (pinned === undefined) {
      problems.add('SP-L103', use.at, `policy.lock does not name the module \`${use.module}\``, {
        fix: 'sallyport check --lock writes it anew',
      });
    } else if (pinned.digest !== digest) {
      problems.add(
        'SP-L103',
        pinned.at,
        `The module \`${use.module}\` is ${digest}, not what is pinned here`,
        {
          fix: 'Review the change of the module; sallyport check --lock then writes the file anew',
        },
      );
    }
  }
}

function checkExemptions(
  exemptions: readonly Exemption[],
  rules: readonly Rule[],
  layers: readonly Layer[],
  problems: Problems,
): void {
  const known = new Map(rules.map((rule) => [rule.ref.id as string, rule]));
  for (const { id, rule: ruleId, ruleAt } of exemptions) {
    const rule = known.get(ruleId);
    if (rule === undefined) {
      const near = nearest(ruleId, [...known.keys()]);
      const hint = near === undefined ? '' : ` (did you mean \`${near}\`?)`;
      problems.add('SP-E300', ruleAt, `The exemption ${id} names no rule: \`${ruleId}\`${hint}`);
    } else if (rule.ref.effect === 'allow') {
      problems.add(
        'SP-E300',
        ruleAt,
        `The exemption ${id} names an allow rule: it can only take a deny or a duty away`,
      );
    } else if (!rule.exemptible && layers.find((each) => each.name === rule.layer)?.role === 'ceiling') {
      problems.add(
        'SP-E300',
        ruleAt,
        `The rule \`${ruleId}\` is of a ceiling and does not say \`exemptible: true\``,
      );
    }
  }
}

/** SHA-256 over all files that decide, by path. */
function digestOf(sources: ReadonlyMap<string, string>): string {
  const lines = [...sources].map(([path, text]) => `${sha256(text)}  ${path}\n`).sort();
  return sha256(lines.join(''));
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function inOrder(list: readonly PolicyProblem[]): readonly PolicyProblem[] {
  const unique = new Map(list.map((each) => [`${each.file}:${each.line}:${each.col}:${each.message}`, each]));
  return [...unique.values()].sort(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.col - b.col,
  );
}
