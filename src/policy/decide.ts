import { Lru } from '../base/lru.ts';
import type { Grant } from '../core/access.ts';
import type { Decision, DenyCode, Duties, RuleRef } from '../core/decision.ts';
import { noDuties } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { Answer } from './condition.ts';
import { outsideColumns } from './columns.ts';
import type { RuleDuties } from './duties.ts';
import { joinDuties } from './join.ts';
import type { MatchTest } from './match.ts';
import { nearestMiss } from './nearest.ts';
import { grantFor, requestLine } from './on-request.ts';
import type { OpaLayer } from './opa/layer.ts';
import type { Rule } from './rule.ts';
import { chainOf, longestChain, type Ruling } from './ruling.ts';
import type { Words } from './words.ts';

/** What the rules say to one identity of the delegation chain. */
interface Said {
  readonly allows: Rule[];
  readonly denies: Rule[];
  /** Deny and require rules that could not be evaluated: each is a deny. */
  readonly failed: Rule[];
  readonly requires: Rule[];
  readonly wouldBe: Rule[];
  /** Rules on request that match, with what puts them in force; and those that nothing does. */
  readonly granted: { readonly rule: Rule; readonly grant: Grant }[];
  readonly askable: Rule[];
  fleeting: boolean;
}

/**
 * The decision function of a policy: pure, total, and the same whatever order files, layers and rules stand in.
 *
 * 1. What was not understood is denied, whatever the rules say.
 * 2. All rules are asked; a deny or require rule that cannot be evaluated is a deny, an allow rule then does not match.
 * 3. Any deny wins. Where all of them are soft and may be broken by who asks, the decision says what holds past them.
 * 4. Every ceiling layer and at least one grant layer must allow.
 * 5. The duties of all matching require rules are joined; one whose window is shut is a deny; with an approval among them, the answer is a review. Duties deny by themselves what is not a read under `readOnly`, or shows other columns than `columns`.
 * 6. An allow rule with `onRequest` allows only where a live grant of the question fits all of it, and says so.
 * 7. Who acts for another is judged as itself and as everyone up its chain: denies win, allows intersect, duties add up.
 *
 * Without `nearest` a denial names no nearest rule: for who only asks whether, and asks often.
 */
export function decider(
  ruling: Ruling,
  { nearest = true }: { readonly nearest?: boolean } = {},
): (question: Question) => Decision {
  const candidates = index(ruling);
  const exempted = Map.groupBy(ruling.exemptions, (exemption) => exemption.rule as string);
  const joined = new Lru<string, Duties>(1_024);

  // oxlint-disable-next-line max-params
  const hear = (question: Question, identity: Identity, at: number, rules: readonly Candidate[]): Said => {
    const said = silent();
    for (const layer of ruling.opa ?? [])
      if (layer.judges(question.resource.kind)) listen(said, layer, question, { identity, at });
    let words: Words | undefined;
    for (const { rule, tests } of rules) {
      if (!passes(tests, question, identity)) continue;
      const exemption =
        exempted.size === 0
          ? undefined
          : exempted.get(rule.ref.id)?.find((each) => each.covers(identity, question.resource));
      if (exemption !== undefined) {
        said.fleeting = true; // the day it expires the answer changes
        if (question.at < exemption.expires) {
          said.wouldBe.push(rule);
          continue;
        }
      }
      let answer: Answer = 'yes';
      if (rule.when !== undefined) {
        words ??= ruling.words(question, identity);
        if (rule.when.fleeting) said.fleeting = true;
        answer = ask(rule, words);
      }
      if (rule.onRequest !== undefined && rule.enforce === 'enforce') {
        if (answer === 'yes') request(rule, question, said);
        continue;
      }
      const shut = answer === 'yes' && outside(rule, question, said);
      if (answer !== 'no') sort(said, rule, shut ? 'outside' : answer);
    }
    return said;
  };

  const undemanding = bare(ruling.recordAtLeast);
  const duties = (rules: readonly Rule[], broken: readonly Rule[]): Duties => {
    if (rules.length === 0 && broken.length === 0) return undemanding;
    const key = [...rules, ...broken].map(({ ref, variant = '' }) => `${ref.id}#${variant}`).join(' ');
    const known = joined.get(key);
    if (known !== undefined) return known;
    const own = rules.map((rule) => rule.duties).filter((each) => each !== undefined);
    const made = joinDuties([...own, ...broken.map(glassDuties)], ruling.recordAtLeast);
    joined.set(key, made);
    return made;
  };

  return (question) => {
    const refused = outright(ruling, question);
    if (refused !== undefined) return refused;
    const rules = candidates(question.resource.kind, question.action.verb);
    const chain = chainOf(question.identity);
    if (chain === undefined) {
      return denied(ruling, 'POLICY_ERROR', `The delegation chain is longer than ${longestChain}`);
    }
    const said = chain.map((identity, at) => hear(question, identity, at, rules));
    const wouldBe = refs(said.flatMap((each) => each.wouldBe));
    const cacheable = !said.some((each) => each.fleeting);
    const denies = distinct(said.flatMap((each) => each.denies));
    const failed = distinct(said.flatMap((each) => each.failed));
    const common = { wouldBe, cacheable };
    if (denies.length === 0 && failed.length === 0)
      return granted({ question, chain, said, broken: [], common });
    const decision: Decision = { ...byRules(ruling, denies, failed), ...common };
    if (failed.length > 0 || !breakable(chain, said)) return decision;
    const past = granted({ question, chain, said, broken: denies, common });
    return past.kind === 'deny' ? decision : { ...decision, soft: true, past };
  };

  /** The decision where nothing denies, or where the rules that do are `broken`. */
  function granted({ question, chain, said, broken, common }: Heard): Decision {
    const granted: Said['granted'] = [];
    for (const [at, each] of said.entries()) {
      const missing = ungranted(ruling, each.allows);
      const identity = chain[at];
      if (missing === undefined || identity === undefined) continue;
      const longest = missing === '' ? each.granted.toSorted(byEnd)[0] : undefined;
      if (longest !== undefined) granted.push(longest);
      else
        return {
          ...ungrantedDecision(ruling, { question, identity, askable: each.askable, nearest }, missing),
          ...common,
        };
    }
    const requires = distinct(said.flatMap((each) => each.requires));
    const allows = distinct([...said.flatMap((each) => each.allows), ...granted.map(({ rule }) => rule)]);
    const demanded = duties(requires, broken);
    const forbidden = forbids(ruling, question, requires, demanded);
    if (forbidden !== undefined) return { ...forbidden, ...common };
    const holding = requires.filter((rule) => (rule.duties?.approve.length ?? 0) > 0);
    const held = holding.length > 0;
    const others = held ? requires.filter((rule) => !holding.includes(rule)) : requires;
    const because = [...broken, ...holding, ...allows, ...others];
    const headline = because[0]?.ref;
    return {
      kind: held ? 'review' : 'allow',
      because: because.map((rule) => rule.ref),
      why: headline?.why ?? (headline === undefined ? '' : `Rule ${headline.id} says so`),
      fix: held ? fixes(holding) : [],
      duties: demanded,
      policy: ruling.id,
      ...common,
      ...(granted.length === 0 ? {} : { grants: [...new Set(granted.map(({ grant }) => grant.id))].sort() }),
    };
  }
}

/** What holds where no rule demands anything. */
function bare(record: Duties['record']): Duties {
  const known = bareDuties.get(record) ?? joinDuties([], record);
  bareDuties.set(record, known);
  return known;
}

const bareDuties = new Map<Duties['record'], Duties>();

function silent(): Said {
  return {
    allows: [],
    denies: [],
    failed: [],
    requires: [],
    wouldBe: [],
    granted: [],
    askable: [],
    fleeting: false,
  };
}

/** What a layer of OPA says counts like what rules say. */
function listen(
  said: Said,
  layer: OpaLayer,
  question: Question,
  { identity, at }: { readonly identity: Identity; readonly at: number },
): void {
  const heard = layer.hear(question, identity, at);
  // A failure may be over the next moment: a deadline, a server that is down.
  if (layer.fleeting || heard.failed !== undefined) said.fleeting = true;
  for (const rule of [heard.allows, heard.denies, heard.requires])
    if (rule !== undefined) sort(said, rule, 'yes');
  if (heard.failed !== undefined) sort(said, heard.failed, 'error');
}

/** A rule on request that matches. What hangs on a grant is never remembered: it ends, or may come, at any moment. */
function request(rule: Rule, question: Question, said: Said): void {
  said.fleeting = true;
  const grant = grantFor(rule, question);
  if (grant === undefined) said.askable.push(rule);
  else said.granted.push({ rule, grant });
}

/** The one that lasts longest first. */
function byEnd(a: Said['granted'][number], b: Said['granted'][number]): number {
  return b.grant.until - a.grant.until || (a.grant.id < b.grant.id ? -1 : 1);
}

interface Heard {
  readonly question: Question;
  readonly chain: readonly Identity[];
  readonly said: readonly Said[];
  readonly broken: readonly Rule[];
  readonly common: Pick<Decision, 'wouldBe' | 'cacheable'>;
}

/** Whether everyone of the chain whom a rule denies may break it: each rule is soft, and names one of their own groups. */
function breakable(chain: readonly Identity[], said: readonly Said[]): boolean {
  return said.every(({ denies }, at) =>
    denies.every(({ breakGlass }) => breakGlass?.groups.some((group) => chain[at]?.groups.includes(group))),
  );
}

/** What goes past a soft rule says why and for which ticket, is recorded whole, and is told to the rule's owner. */
function glassDuties({ ref, breakGlass }: Rule): RuleDuties {
  return {
    masks: [],
    finds: [],
    approve: [],
    record: 'full',
    justify: true,
    tickets: [breakGlass?.ticket ?? '.+'],
    notify: ref.owner === undefined ? [] : [ref.owner],
  };
}

/** What duties themselves rule out: anything but reads, and columns that are not in the list. */
function forbids(
  ruling: Ruling,
  { action }: Question,
  requires: readonly Rule[],
  { readOnly, onlyColumns }: Duties,
): Decision | undefined {
  const by = (demand: string): readonly Rule[] =>
    requires.filter((rule) => rule.ref.demands?.includes(demand) === true);
  const deny = (rules: readonly Rule[], why: string): Decision => ({
    ...denied(ruling, 'RULE', why),
    because: rules.map((rule) => rule.ref),
    fix: fixes(rules),
  });
  const writes = action.access !== 'read' || action.targets.some(({ access }) => access !== 'read');
  if (readOnly === true && writes) {
    return deny(by('readOnly'), `Only reads are allowed here, and this has ${action.access} access`);
  }
  if (onlyColumns === undefined) return undefined;
  if (action.opaque === true) {
    return deny(
      by('columns'),
      'Only some columns may be read, and it cannot be told which this answer holds',
    );
  }
  const outside = outsideColumns(action, onlyColumns);
  if (outside === undefined) return undefined;
  const columns = onlyColumns.length === 0 ? 'none' : onlyColumns.join(', ');
  return deny(
    by('columns'),
    `Only these columns may be read here: ${columns}; the answer would hold ${outside.object}.${outside.column}`,
  );
}

/** What no rule can change. */
function outright(ruling: Ruling, { action, resource }: Question): Decision | undefined {
  if (action.access === 'unknown' || action.targets.some((target) => target.access === 'unknown')) {
    const notes = action.notes.length === 0 ? '' : `: ${action.notes.join('; ')}`;
    return denied(
      ruling,
      'NOT_UNDERSTOOD',
      `What this request does cannot be told, and what is not understood is refused${notes}`,
    );
  }
  if (ruling.kinds.has(resource.kind)) return undefined;
  return denied(ruling, 'POLICY_ERROR', `The policy knows no resource of kind ${resource.kind}`);
}

function denied(ruling: Ruling, code: DenyCode, why: string): Decision {
  return {
    kind: 'deny',
    code,
    because: [],
    why,
    fix: [],
    duties: noDuties,
    policy: ruling.id,
    wouldBe: [],
    cacheable: true,
  };
}

/** A rule that may concern a question, and what of its match is still to be asked. */
interface Candidate {
  readonly rule: Rule;
  readonly tests: readonly MatchTest[];
}

interface OfKind {
  readonly all: readonly Candidate[];
  readonly byVerb: Map<string, readonly Candidate[]>;
}

/** Rules by resource kind and verb, so that a question meets only those that may concern it. Made when first asked for. */
function index(ruling: Ruling): (kind: string, verb: string) => readonly Candidate[] {
  const byKind = new Map<string, OfKind>();
  const kindOf = (kind: string): OfKind => {
    const all = ruling.rules
      .filter((rule) => rule.enforce !== 'off' && rule.match.kinds.includes(kind))
      .map((rule) => ({ rule, tests: rule.match.tests.filter(({ key }) => key !== 'resource.kind') }));
    const made = { all, byVerb: new Map<string, readonly Candidate[]>() };
    byKind.set(kind, made);
    return made;
  };
  return (kind, verb) => {
    const { all, byVerb } = byKind.get(kind) ?? kindOf(kind);
    const known = byVerb.get(verb);
    if (known !== undefined) return known;
    // Only verbs that the kind declares are remembered: others come from nobody knows where.
    if (!Object.hasOwn(ruling.kinds.get(kind)?.verbs ?? {}, verb)) return all;
    const found = all
      .filter(({ rule }) => rule.match.verb(verb))
      .map(({ rule, tests }) => ({ rule, tests: tests.filter(({ key }) => key !== 'action') }));
    byVerb.set(verb, found);
    return found;
  };
}

function passes(tests: readonly MatchTest[], question: Question, identity: Identity): boolean {
  for (const test of tests) if (!test.passes(question, identity)) return false;
  return true;
}

/** CEL's `&&` over the parts: one that is false decides; else one that failed. */
function ask(rule: Rule, words: Words): Answer {
  words.params = rule.params;
  let answer: Answer = 'yes';
  if (rule.when === undefined) return answer;
  for (const part of rule.when.parts) {
    const said = part.ask(words);
    if (said === 'no') return 'no';
    if (said === 'error') answer = 'error';
  }
  return answer;
}

/** Whether a rule's window is shut now. What a window decides is never remembered. */
function outside({ duties }: Rule, { at }: Question, said: Said): boolean {
  if (duties?.window === undefined) return false;
  said.fleeting = true;
  return !duties.window.open(at);
}

function sort(said: Said, rule: Rule, answer: 'yes' | 'error' | 'outside'): void {
  const { effect } = rule.ref;
  if (rule.enforce === 'warn' || rule.enforce === 'shadow') {
    if (answer === 'yes' || effect !== 'allow') said.wouldBe.push(rule);
  } else if (effect === 'allow') {
    if (answer === 'yes') said.allows.push(rule);
  } else if (answer === 'error') said.failed.push(rule);
  else if (effect === 'deny' || answer === 'outside') said.denies.push(rule);
  else said.requires.push(rule);
}

function byRules(ruling: Ruling, denies: readonly Rule[], failed: readonly Rule[]): Decision {
  const [first] = [...denies, ...failed];
  const broken = denies.length === 0;
  const id = first?.ref.id ?? '';
  return {
    ...denied(
      ruling,
      broken ? 'POLICY_ERROR' : 'RULE',
      broken
        ? `Rule ${id} could not be evaluated for this request, and a rule that fails denies`
        : (first?.ref.why ?? `Rule ${id} denies it`),
    ),
    because: [...denies, ...failed].map((rule) => rule.ref),
    fix: broken
      ? ['Tell the owner of the rule: a fact that its condition reads was absent or of another type']
      : [...fixes(denies), ...windows(denies)],
  };
}

/** The ceiling that does not allow, or `grant` when no grant layer does; undefined when all is well. */
function ungranted(ruling: Ruling, allows: readonly Rule[]): string | undefined {
  const layers = new Set(allows.map((rule) => rule.layer));
  let granted = false;
  let missing: string | undefined;
  for (const { name, role } of ruling.layers) {
    if (role === 'grant' && layers.has(name)) granted = true;
    // Of several ceilings the first by name, so that the order of layers changes nothing.
    if (role === 'ceiling' && !layers.has(name) && (missing === undefined || name < missing)) missing = name;
  }
  return granted ? missing : (missing ?? '');
}

interface Ungranted {
  readonly question: Question;
  readonly identity: Identity;
  readonly askable: readonly Rule[];
  /** Whether the nearest rule is to be named. */
  readonly nearest: boolean;
}

function ungrantedDecision(
  ruling: Ruling,
  { question, identity, askable, nearest: naming }: Ungranted,
  missing: string,
): Decision {
  const { action, resource } = question;
  const where = missing === '' ? '' : ` in the ceiling ${missing}`;
  const decision = denied(
    ruling,
    'NO_ALLOW_RULE',
    `No rule${where} allows ${identity.subject} ${action.verb} with ${action.access} access on ${resource.name}`,
  );
  const offered = missing === '' ? distinct(askable) : [];
  if (offered[0] !== undefined) {
    return {
      ...decision,
      why: `${decision.why}, unless it was granted on request`,
      nearest: { rule: offered[0].ref, failed: 'onRequest' },
      fix: [...offered.map((rule) => requestLine(rule, question)), ...fixes(offered)],
    };
  }
  const nearest = naming ? nearestMiss(ruling, question, identity, missing) : undefined;
  if (nearest === undefined) return decision;
  const { rule, failed } = nearest;
  const place = `${rule.at.file}:${rule.at.line}:${rule.at.col}`;
  return {
    ...decision,
    nearest,
    fix: [
      `The nearest rule is ${rule.id} (${place}); it does not match because of \`${failed}\``,
      ...(rule.fix === undefined ? [] : [rule.fix]),
    ],
  };
}

function fixes(rules: readonly Rule[]): readonly string[] {
  return [...new Set(rules.map((rule) => rule.ref.fix).filter((fix) => fix !== undefined))];
}

/** When it would be allowed, of rules that deny because their window is shut. */
function windows(rules: readonly Rule[]): readonly string[] {
  const sources = rules.map(({ duties }) => duties?.window?.source).filter((each) => each !== undefined);
  return [...new Set(sources)].map((source) => `Do it in the window ${source}`);
}

function refs(rules: readonly Rule[]): readonly RuleRef[] {
  return rules.length === 0 ? [] : distinct(rules).map((rule) => rule.ref);
}

/** Each once, by id: what a decision lists does not depend on the order of the files. */
function distinct(rules: readonly Rule[]): readonly Rule[] {
  if (rules.length < 2) return rules;
  return [...new Set(rules)].sort((a, b) => (a.ref.id < b.ref.id ? -1 : a.ref.id > b.ref.id ? 1 : 0));
}
