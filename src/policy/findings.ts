import type { Instant } from '../base/time.ts';
import type { ColumnRef } from '../core/action.ts';
import type { Place } from '../core/decision.ts';
import { nearest } from '../base/check.ts';
import { conflicts } from './conflicts.ts';
import { contradicts, type Fact } from './facts.ts';
import { joinDuties } from './join.ts';
import { byCondition, isHard, opposite, overridden, within } from './overridden.ts';
import type { LoadedPolicy } from './load.ts';
import type { MatchKey } from './match.ts';
import { type PolicyProblem, Problems } from './problem.ts';
import type { Rule } from './rule.ts';
import { unmasked } from './unmasked.ts';
import { weaker } from './weaker.ts';

const longestExemptionMs = 90 * 86_400_000;

/** What lies around a policy, where the caller knows it. */
export interface Around {
  /** Who owns the file at this path of the policy, as CODEOWNERS says: each of them alone may approve a change of it. */
  readonly ownersOf?: (file: string) => readonly string[];
  /** Groups that there are, besides those that rules are about: of the identities in tests. */
  readonly groups?: readonly string[];
}

/** What is doubtful about a policy that loads: rules that cannot work, tags that can be read in clear, exemptions out of date. */
export function findings(policy: LoadedPolicy, now: Instant, around: Around = {}): readonly PolicyProblem[] {
  const problems = new Problems();
  const rules = policy.ruling.rules.filter((rule) => rule.enforce !== 'off');
  for (const rule of rules) {
    carries(rule, problems);
    if (rule.ref.effect === 'allow' && rule.onRequest === undefined) tooBroad(policy, rule, problems);
    onRequest(policy, rule, around, problems);
    unreachable(rule, problems);
    changedAlone(rule, around, problems);
  }
  overridden(rules, problems);
  redundant(policy, rules, problems);
  conflicts(rules.filter(isHard), problems);
  unmasked(policy, problems);
  exemptions(policy, now, problems);
  grants(policy, problems);
  const owners = new Map(rules.map(({ ref }) => [placeText(ref.at), ref.owner]));
  return problems.list.map((problem) => {
    const owner = problem.owner ?? owners.get(placeText(problem));
    return owner === undefined ? problem : { ...problem, owner };
  });
}

function placeText({ file, line, col }: Place): string {
  return `${file}:${line}:${col}`;
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

function tooBroad({ ruling }: LoadedPolicy, rule: Rule, problems: Problems): void {
  const { items, kinds } = rule.match;
  const named = who.some((key) => items.get(key)?.every((item) => item !== '*') === true);
  const reads = [...(rule.when?.reads ?? [])];
  if (!named && !reads.some((path) => path.startsWith('identity.'))) {
    problems.add('SP-S210', rule.ref.at, `The rule ${rule.ref.id} allows without asking who it is`, {
      fix: 'Name groups, or write `identity: { kind: [human, workload, agent] }` when everyone who signed in is meant',
    });
    return;
  }
  // Kinds without a write, such as the gateway's own record, may be allowed whole.
  const changing = kinds.filter((name) =>
    Object.keys(ruling.kinds.get(name)?.verbs ?? {}).some((verb) => verb.startsWith('sql.')),
  );
  const asks = (items.get('action') ?? ['*']).some((item) => item !== '*') || items.has('access');
  if (changing.length === 0 || asks || reads.some((path) => ['action.verb', 'action.access'].includes(path)))
    return;
  problems.add(
    'SP-S210',
    rule.ref.at,
    `The rule ${rule.ref.id} allows everything that can be done to ${changing.join(', ')}`,
    {
      fix: 'Name the actions or the access: `access: read`',
    },
  );
}

/** Facts that the match itself says: what a condition may not contradict. */
function factsOf({ match, when }: Rule): readonly Fact[] {
  const facts: Fact[] = (when?.parts ?? []).flatMap(({ fact }) => (fact === undefined ? [] : [fact]));
  for (const key of ['resource.kind', 'identity.kind'] as const) {
    const values = match.items.get(key);
    if (values !== undefined) facts.push({ path: key, kind: 'is', values });
  }
  const access = match.items.get('access');
  if (access !== undefined) facts.push({ path: 'action.access', kind: 'is', values: access });
  const verbs = match.items.get('action');
  if (verbs?.every((verb) => !verb.includes('*')) === true)
    facts.push({ path: 'action.verb', kind: 'is', values: verbs });
  return facts;
}

function unreachable(rule: Rule, problems: Problems): void {
  if (!contradicts(factsOf(rule)) && !contradictsItself(rule)) return;
  problems.add(
    'SP-S201',
    rule.ref.at,
    `The rule ${rule.ref.id} can never match: its parts contradict each other`,
    {
      fix: 'Take out one of the parts that exclude each other',
    },
  );
}

/** Two parts of which one is the other's opposite; the one group that a match asks for is a part too. */
function contradictsItself({ match, when }: Rule): boolean {
  const groups = match.items.get('identity.groups') ?? [];
  const sources = [
    ...(when?.parts ?? []).map(({ source }) => source),
    ...(groups.length === 1 ? [`"${groups[0]}" in identity.groups`] : []),
  ];
  return sources.some((a, at) => sources.slice(at + 1).some((b) => opposite(a, b)));
}

/** A code owner's word is enough for a change, so an owner who also approves needs nobody else. */
function changedAlone(rule: Rule, { ownersOf }: Around, problems: Problems): void {
  const asked = [...(rule.duties?.approve ?? []), ...(rule.onRequest?.approve ?? [])];
  const approvers = asked.flatMap(({ groups, escalate }) => [...groups, ...(escalate?.groups ?? [])]);
  if (approvers.length === 0 || ownersOf === undefined) return;
  const owners = ownersOf(rule.ref.at.file);
  const alone = approvers.find((group) => owners.some((owner) => nameOf(owner) === nameOf(group)));
  if (alone === undefined) return;
  problems.add(
    'SP-S221',
    rule.ref.at,
    `The group ${alone} approves what ${rule.ref.id} holds, and CODEOWNERS lets it change the rule alone`,
    {
      fix: `Give ${rule.ref.at.file} an owner in CODEOWNERS that is not ${alone}`,
    },
  );
}

/** Access that is granted on request: by whom, and to whom. */
function onRequest(
  policy: LoadedPolicy,
  { ref, match, onRequest: asked }: Rule,
  around: Around,
  problems: Problems,
): void {
  if (asked === undefined) return;
  const approvers = asked.approve.flatMap(({ groups }) => groups);
  const askers = match.items.get('identity.groups');
  if (asked.approve.every(({ groups }) => groups.every((group) => askers?.includes(group)))) {
    problems.add(
      'SP-S222',
      ref.at,
      `Who may ask for ${ref.id} also approves it: two of ${approvers.join(', ')} give it to each other`,
      {
        fix: 'Let another group approve',
      },
    );
  }
  const known = groupsOf(policy, around);
  for (const group of new Set(approvers)) {
    if (known.has(group)) continue;
    const near = nearest(group, [...known]);
    problems.add(
      'SP-S223',
      ref.at,
      `The group ${group} approves what ${ref.id} gives, and nothing else here speaks of it${near === undefined ? '' : ` (did you mean ${near}?)`}`,
      {
        fix:
          near === undefined
            ? 'Name a group that there is, or put somebody of it into the fixtures of a test'
            : `${group} → ${near}`,
      },
    );
  }
}

/** Groups that some rule is about, that policy.yaml names, or that an identity of a test is in. */
function groupsOf({ ruling, composition }: LoadedPolicy, { groups = [] }: Around): ReadonlySet<string> {
  const conditions = ruling.rules
    .map(({ when }) => when?.source ?? '')
    .filter((text) => text.includes('identity.groups'));
  return new Set([
    ...groups,
    ...ruling.rules.flatMap(({ match }) => match.items.get('identity.groups') ?? []),
    ...composition.clear.flatMap((each) => each.groups),
    ...conditions.flatMap((text) => [...text.matchAll(/["']([^"'\\]+)["']/g)].map(([, word = '']) => word)),
  ]);
}

/** `@acme/dba` and `team:dba` are `dba`. */
function nameOf(owner: string): string {
  return (owner.split(/[/:@]/).at(-1) ?? owner).toLowerCase();
}

function redundant(policy: LoadedPolicy, rules: readonly Rule[], problems: Problems): void {
  const hard = byCondition(rules.filter(isHard));
  const columns = policy.schema.tags.map(({ column }) => columnOf(column));
  const asMuch = (rule: Rule, other: Rule): boolean => {
    // What must be asked for is less than what is simply allowed, whatever it matches.
    if (
      other.onRequest !== undefined &&
      JSON.stringify({ ...rule.onRequest, digest: '' }) !== JSON.stringify({ ...other.onRequest, digest: '' })
    )
      return false;
    if (rule.duties === undefined || other.duties === undefined) return true;
    if (rule.duties.window !== undefined || rule.duties.rates !== undefined) return false;
    const [own, others] = [rule.duties, other.duties].map((duties) => ({
      duties: joinDuties([duties], 'meta'),
      tagsOf: (column: ColumnRef) =>
        policy.schema.tags.find((line) => sameColumn(line.column, column))?.tags ?? [],
    }));
    return (
      own !== undefined &&
      others !== undefined &&
      weaker(own, others, columns).length === 0 &&
      unmet(rule, other)
    );
  };
  for (const rule of rules.filter(isHard)) {
    const other = hard(rule).find(
      (each) =>
        each !== rule &&
        each.layer === rule.layer &&
        each.ref.effect === rule.ref.effect &&
        within(rule, each) &&
        asMuch(rule, each) &&
        // Of two equal ones only the later is redundant.
        (!within(each, rule) || !asMuch(each, rule) || each.ref.id < rule.ref.id),
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

/** Whether the other rule speaks of every tag and entity of this one: tags that no column has yet count too. */
function unmet({ duties: own }: Rule, { duties: other }: Rule): boolean {
  const tags = new Set(other?.masks.map(({ tag, operator }) => `${tag} ${JSON.stringify(operator)}`));
  return (
    (own?.masks ?? []).every(({ tag, operator }) => tags.has(`${tag} ${JSON.stringify(operator)}`)) &&
    (own?.unknownLineage === undefined || own.unknownLineage === other?.unknownLineage)
  );
}

function columnOf(name: string): ColumnRef {
  const dot = name.lastIndexOf('.');
  return { object: name.slice(0, dot), column: name.slice(dot + 1) };
}

function sameColumn(name: string, { object, column }: ColumnRef): boolean {
  return name === `${object}.${column}`;
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
