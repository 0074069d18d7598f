import { type Instant, instant } from '../base/time.ts';
import type { Place, RuleId } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Resource } from '../core/session.ts';
import { anyGlob } from './glob.ts';
import type { Problems } from './problem.ts';
import { apiVersion, type Fields, fields, text, texts, wrong } from './shape.ts';
import { type Located, readYaml } from './yaml.ts';

/** Takes one deny or require rule away for a while, for some. It never adds an allow. */
export interface Exemption {
  readonly id: string;
  readonly at: Place;
  readonly rule: RuleId;
  readonly ruleAt: Place;
  /** From this moment on the rule holds again. */
  readonly expires: Instant;
  readonly owner: string;
  readonly ticket: string;
  readonly reason: string;
  readonly covers: (identity: Identity, resource: Resource) => boolean;
  /** Its scope as it is written; `*` where it says nothing. */
  readonly identities: readonly string[];
  readonly resources: readonly string[];
}

export function readExemptions(file: string, source: string, problems: Problems): readonly Exemption[] {
  const root = readYaml(file, source, problems);
  if (root === undefined) return [];
  const found = fields(root, 'exemptions.yaml', { required: ['apiVersion', 'exemptions'] }, problems);
  const list = found?.get('exemptions')?.value;
  if (found === undefined || list === undefined) return [];
  apiVersion(found, root.at, problems);
  if (list.kind !== 'list') {
    wrong(list, 'exemptions is a list', problems);
    return [];
  }
  const all = list.items.map((item) => readExemption(item, problems)).filter((item) => item !== undefined);
  const ids = new Set<string>();
  for (const { id, at } of all) {
    if (ids.has(id)) problems.add('SP-Y008', at, `There are two exemptions \`${id}\``);
    ids.add(id);
  }
  return all;
}

const required = ['id', 'rule', 'scope', 'expires', 'owner', 'ticket', 'reason'];

function readExemption(node: Located, problems: Problems): Exemption | undefined {
  const found = fields(node, 'an exemption', { required }, problems);
  if (found === undefined) return undefined;
  const word = (key: string): string | undefined => {
    const field = found.get(key)?.value;
    return field === undefined ? undefined : text(field, key, problems);
  };
  const [id, rule, owner, ticket, reason] = ['id', 'rule', 'owner', 'ticket', 'reason'].map(word);
  const expires = readDate(found, problems);
  const scope = readScope(found, problems);
  if (
    id === undefined ||
    rule === undefined ||
    owner === undefined ||
    ticket === undefined ||
    reason === undefined ||
    expires === undefined ||
    scope === undefined
  ) {
    return undefined;
  }
  const ruleAt = found.get('rule')?.value.at ?? node.at;
  const at = found.get('id')?.keyAt ?? node.at;
  return { id, at, rule: rule as RuleId, ruleAt, expires, owner, ticket, reason, ...scope };
}

/** `2026-12-15` is the first moment of that day in UTC: the day itself is no longer exempt. */
function readDate(found: Fields, problems: Problems): Instant | undefined {
  const node = found.get('expires')?.value;
  if (node === undefined) return undefined;
  const value = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : '';
  const ms = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?$/.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(ms)) return instant(ms);
  return wrong(
    node,
    'expires is a day such as `2026-12-15`, or a moment such as `2026-12-15T12:00:00Z`',
    problems,
  );
}

function readScope(
  found: Fields,
  problems: Problems,
): Pick<Exemption, 'covers' | 'identities' | 'resources'> | undefined {
  const node = found.get('scope')?.value;
  const scope =
    node === undefined ? undefined : fields(node, 'scope', { optional: ['identity', 'resource'] }, problems);
  if (node === undefined || scope === undefined) return undefined;
  if (scope.size === 0) return wrong(node, 'A scope names an identity, a resource or both', problems);
  const patterns = (key: string): readonly string[] | undefined => {
    const field = scope.get(key)?.value;
    return field === undefined ? ['*'] : texts(field, key, problems)?.map((item) => item.value);
  };
  const [identities, resources] = [patterns('identity'), patterns('resource')];
  if (identities === undefined || resources === undefined) return undefined;
  const [identity, resource] = [anyGlob(identities), anyGlob(resources)];
  return {
    identities,
    resources,
    covers: (who, what) => identity(who.subject) && resource(what.name),
  };
}
