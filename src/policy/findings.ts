import { nearest } from '../base/check.ts';
import type { Instant } from '../base/time.ts';
import { tagMatches } from '../core/duties.ts';
import { glob } from './glob.ts';
import type { LoadedPolicy } from './load.ts';
import type { MatchKey } from './match.ts';
import { type PolicyProblem, Problems } from './problem.ts';
import type { Rule } from './rule.ts';

const longestExemptionMs = 90 * 86_400_000;

/** What is doubtful about a policy that loads: rules that cannot work, tags nobody masks, exemptions out of date. */
export function findings(policy: LoadedPolicy, now: Instant): readonly PolicyProblem[] {
  const problems = new Problems();
  const rules = policy.ruling.rules.filter((rule) => rule.enforce !== 'off');
  for (const rule of rules) {
    carries(rule, problems);
    if (rule.ref.effect === 'allow') tooBroad(rule, problems);
  }
  overridden(rules, problems);
  redundant(rules, problems);
  unmasked(policy, rules, problems);
  exemptions(policy, now, problems);
  grants(policy, problems);
  return problems.list;
}

function carries(rule: Rule, problems: Problems): void {
  const { id, at, why, fix, owner } = rule.ref;
  const missing = Object.entries({ owner, why, fix })
    .filter(([, value]) => value === undefined)
    .map(([key]) => `\`${key}\``);
  if (missing.length === 0) return;
  problems.add('SP-M101', at, `The rule ${id} has no ${missing.join(' and no ')}`, {
    fix: 'Who is refused reads `why` and `fix`; who must change the rule reads `owner`',
  });
}

const who: readonly MatchKey[] = [
  'identity.kind',
  'identity.groups',
  'identity.subject',
  'identity.actingFor',
];

function tooBroad(rule: Rule, problems: Problems): void {
  const named = who.some((key) => rule.match.items.has(key));
  const asks = [...(rule.when?.reads ?? [])].some((path) => path.startsWith('identity.'));
  if (named || asks) return;
  problems.add('SP-S210', rule.ref.at, `The rule ${rule.ref.id} allows without asking who it is`, {
    fix: 'Name groups, or write `identity: { kind: [human, workload, agent] }` when everyone who signed in is meant',
  });
}

/** Whether every request that `inner` matches is matched by `outer`. Says no where it cannot tell. */
function within(inner: Rule, outer: Rule): boolean {
  if (outer.when !== undefined && outer.when.source !== inner.when?.source) return false;
  // The same words can mean other params.
  if (outer.when?.reads.has('params') === true && outer.params !== inner.params) return false;
  for (const [key, items] of outer.match.items) {
    const own = inner.match.items.get(key);
    if (own === undefined) return false;
    if (!own.every((item) => items.some((pattern) => covers(key, pattern, item)))) return false;
  }
  return true;
}

const patterned: ReadonlySet<MatchKey> = new Set([
  'action',
  'resource.name',
  'identity.subject',
  'identity.actingFor',
]);

/** Of two patterns the outer covers the inner where it matches the inner's own text; `*` in it stands for a text too. */
function covers(key: MatchKey, outer: string, inner: string): boolean {
  if (key === 'resource.tags') return outer === inner || (!inner.includes('*') && tagMatches(outer, inner));
  return patterned.has(key) ? glob(outer)(inner) : outer === inner;
}

function overridden(rules: readonly Rule[], problems: Problems): void {
  const denies = byCondition(rules.filter((rule) => isHard(rule) && rule.ref.effect === 'deny'));
  for (const allow of rules.filter((rule) => rule.ref.effect === 'allow')) {
    const deny = denies(allow).find((each) => within(allow, each));
    if (deny === undefined) continue;
    const place = `${deny.ref.at.file}:${deny.ref.at.line}:${deny.ref.at.col}`;
    problems.add(
      'SP-S202',
      allow.ref.at,
      `${allow.ref.id} can never allow: ${deny.ref.id} (${place}) always denies`,
      {
        fix: 'Delete one of the two, or narrow the deny',
      },
    );
  }
}

function redundant(rules: readonly Rule[], problems: Problems): void {
  const hard = byCondition(rules.filter(isHard));
  for (const rule of rules.filter(isHard)) {
    if (rule.ref.effect === 'require') continue;
    const other = hard(rule).find(
      (each) =>
        each !== rule &&
        each.layer === rule.layer &&
        each.ref.effect === rule.ref.effect &&
        within(rule, each) &&
        // Of two equal ones only the later is redundant.
        (!within(each, rule) || each.ref.id < rule.ref.id),
    );
    if (other === undefined) continue;
    problems.add(
      'SP-S203',
      rule.ref.at,
      `${rule.ref.id} adds nothing: ${other.ref.id} matches whatever it matches`,
      {
        fix: 'Delete it, or narrow the other one',
      },
    );
  }
}

/** Of these rules those that may hold another one: without a condition, or with the same. */
function byCondition(rules: readonly Rule[]): (inner: Rule) => readonly Rule[] {
  const always = rules.filter(({ when }) => when === undefined);
  const same = Map.groupBy(rules, ({ when }) => when?.source);
  return ({ when }) => (when === undefined ? always : [...always, ...(same.get(when.source) ?? [])]);
}

function isHard(rule: Rule): boolean {
  return rule.enforce === 'enforce';
}

function unmasked(policy: LoadedPolicy, rules: readonly Rule[], problems: Problems): void {
  const patterns = rules.filter(isHard).flatMap((rule) => (rule.duties?.masks ?? []).map((mask) => mask.tag));
  for (const line of policy.schema.tags) {
    for (const tag of line.tags) {
      if (patterns.some((pattern) => tagMatches(pattern, tag))) continue;
      const near = nearest(tag, patterns);
      problems.add(
        'SP-S204',
        line.at,
        `No rule masks \`${tag}\`, so ${line.column} is shown to everyone who may read it`,
        {
          fix:
            near === undefined ? `Add { tag: ${tag}, with: redact } to a require rule` : `${tag} → ${near}`,
        },
      );
    }
  }
}

function exemptions(policy: LoadedPolicy, now: Instant, problems: Problems): void {
  for (const { id, at, expires, owner } of policy.ruling.exemptions) {
    const day = new Date(expires).toISOString().slice(0, 10);
    if (expires <= now) {
      problems.add('SP-E301', at, `The exemption ${id} has expired (${day}); its rule is enforced again`, {
        fix: `Delete it, or ask ${owner} for a new one`,
      });
    } else if (expires - now > longestExemptionMs) {
      problems.add('SP-E302', at, `The exemption ${id} lasts until ${day}, which is more than 90 days`, {
        fix: 'Shorten it; a lasting exception is a rule',
      });
    }
  }
}

function grants(policy: LoadedPolicy, problems: Problems): void {
  if (policy.composition.layers.some((layer) => layer.role === 'grant')) return;
  problems.add(
    'SP-S211',
    { file: 'policy.yaml', line: 1, col: 1 },
    'No layer has the role grant: everything is denied',
    {
      fix: 'Add a layer with `role: grant`',
    },
  );
}
