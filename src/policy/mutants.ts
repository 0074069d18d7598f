import type { Case } from './cases.ts';
import { decider } from './decide.ts';
import type { RuleDuties } from './duties.ts';
import type { LoadedPolicy } from './load.ts';
import type { MatchTest } from './match.ts';
import { type Lacking, reach, type Reach } from './reach.ts';
import type { Rule } from './rule.ts';
import { judgeCase, namesNearest } from './trial.ts';
import { identityKinds } from './words.ts';

/** A rule with one small fault put in: good tests notice. */
export interface Mutant {
  readonly rule: Rule;
  readonly change: string; // `without match access: read`
  /** Absent: the rule is gone. */
  readonly to?: Rule;
  /** The part of the rule that is taken away. */
  readonly less?: Lacking;
}

export interface Mutation {
  readonly killed: number;
  readonly all: number;
  readonly survivors: readonly Pick<Mutant, 'rule' | 'change'>[];
}

/**
 * How many of all small faults the cases notice. A fault can change only the answers to questions that the rule matches
 * with it or without it, so only these are asked again, of the rules that match: the time does not grow with
 * the faults times the cases. What names the nearest rule hangs on rules that do not match, and is asked of them all.
 */
export function mutate(policy: LoadedPolicy, cases: readonly Case[], reached?: Reach): Mutation {
  const { near, matching } = reached ?? reach(policy.ruling, cases);
  const whole = cases.filter(({ expect }) => expect.decision === 'deny' && namesNearest(expect));
  const noticed = ({ rule, to, less }: Mutant): boolean => {
    const with_ = (rules: Iterable<Rule>): readonly Rule[] => [
      ...[...rules].filter((each) => each !== rule),
      ...(to === undefined ? [] : [to]),
    ];
    const fails = (rules: readonly Rule[], each: Case): boolean => {
      const decide = decider({ ...policy.ruling, rules }, { nearest: namesNearest(each.expect) });
      return judgeCase({ decide, tagsOf: policy.tagsOf }, each).failures.length > 0;
    };
    const couldBeNearest = rule.ref.effect === 'allow' || to?.ref.effect === 'allow';
    const found = near.get(rule);
    const asks = [...(found?.get(undefined) ?? []), ...(less === undefined ? [] : (found?.get(less) ?? []))];
    for (const { of, label, question } of asks) {
      const others = whole.includes(of) ? policy.ruling.rules : (matching.get(question) ?? []);
      if (fails(with_(others), { ...of, questions: [{ label, question }] })) return true;
    }
    if (!couldBeNearest || whole.length === 0) return false;
    const rules = with_(policy.ruling.rules);
    return whole.some((each) => fails(rules, each));
  };
  const survivors: Pick<Mutant, 'rule' | 'change'>[] = [];
  const all = mutantsOf(policy.ruling.rules);
  for (const mutant of all) {
    if (!noticed(mutant)) survivors.push({ rule: mutant.rule, change: mutant.change });
  }
  return { killed: all.length - survivors.length, all: all.length, survivors };
}

export function mutantsOf(rules: readonly Rule[]): readonly Mutant[] {
  return rules
    .filter((rule) => rule.enforce === 'enforce')
    .flatMap((rule) =>
      changesOf(rule).map(([change, to, less]): Mutant => ({
        rule,
        change,
        ...(to === undefined ? {} : { to }),
        ...(less === undefined ? {} : { less }),
      })),
    );
}

type Change = readonly [change: string, to: Rule | undefined, less?: Lacking];

function changesOf(rule: Rule): readonly Change[] {
  return [
    ['without the rule', undefined],
    ...narrower(rule),
    ...flipped(rule),
    ...asked(rule),
    ...weaker(rule),
  ];
}

/** Each test of the match and each part of the condition taken away: the rule then matches more. */
function narrower(rule: Rule): readonly Change[] {
  const { match, when } = rule;
  // A rule reads the attributes of its kind, so about other kinds it would only fail; and a test that everything passes
  // can be taken away without a difference.
  const telling = match.tests.filter((test) => test.key !== 'resource.kind' && !isWhole(rule, test));
  const matches = telling.map((test): Change => {
    const tests = match.tests.filter((each) => each !== test);
    const verb = test.key === 'action' ? () => true : match.verb;
    return [`without match \`${test.source}\``, { ...rule, match: { ...match, tests, verb } }, test];
  });
  const parts = (when?.parts ?? []).map((part): Change => {
    const left = when?.parts.filter((each) => each !== part) ?? [];
    const { when: _, ...bare } = rule;
    return [
      `without \`${part.source.replaceAll(/\s+/g, ' ')}\``,
      when === undefined || left.length === 0 ? bare : { ...rule, when: { ...when, parts: left } },
      part,
    ];
  });
  return [...matches, ...parts];
}

/** Whether a test names everything there is. */
function isWhole({ match }: Rule, { key }: MatchTest): boolean {
  const items = match.items.get(key) ?? [];
  if (key === 'identity.kind') return identityKinds.every((kind) => items.includes(kind));
  return key === 'action' && items.some((item) => item === '*' || item === 'sql.*');
}

function flipped(rule: Rule): readonly Change[] {
  if (rule.ref.effect === 'require') return [];
  const effect = rule.ref.effect === 'allow' ? 'deny' : 'allow';
  const { onRequest: _always, ...other } = rule;
  return [[`as ${effect}`, { ...other, ref: { ...rule.ref, effect } }]];
}

/** In force without a request. */
function asked({ onRequest, ...rule }: Rule): readonly Change[] {
  return onRequest === undefined ? [] : [['without onRequest', rule]];
}

/** Each duty taken away or made weaker. */
function weaker(rule: Rule): readonly Change[] {
  const { duties } = rule;
  if (duties === undefined) return [];
  const change = (what: string, to: Partial<RuleDuties>): Change => [
    what,
    { ...rule, duties: { ...duties, ...to } },
  ];
  return [
    ...duties.masks.map((mask) =>
      change(`without the mask of ${mask.tag}`, { masks: duties.masks.filter((each) => each !== mask) }),
    ),
    ...duties.finds.map((find) =>
      change(`without the mask of a found ${find.entity}`, {
        finds: duties.finds.filter((each) => each !== find),
      }),
    ),
    ...duties.finds.flatMap(({ model, ...find }) =>
      model === undefined
        ? []
        : [
            change(`with ${find.entity} found without a model`, {
              finds: duties.finds.map((each) => (each.entity === find.entity ? find : each)),
            }),
          ],
    ),
    ...(duties.approve.length > 0 ? [change('without its approval', { approve: [] })] : []),
    ...(duties.approve.some(({ count }) => count > 1)
      ? [change('with one approver', { approve: duties.approve.map((each) => ({ ...each, count: 1 })) })]
      : []),
    ...(duties.notify.length > 0 ? [change('without telling anybody', { notify: [] })] : []),
    ...(duties.predicates ?? []).map(({ tag }) =>
      change(`without the predicates of ${tag}`, {
        predicates: duties.predicates?.filter((each) => each.tag !== tag) ?? [],
      }),
    ),
    ...removable.flatMap(([key, what]): readonly Change[] => {
      if (duties[key] === undefined) return [];
      const { [key]: _gone, ...rest } = duties;
      return [[`without its ${what}`, { ...rule, duties: rest as RuleDuties }]]; // the keys that must be there still are
    }),
    ...(duties.rowLimit === undefined
      ? []
      : [change('with a larger limit of rows', { rowLimit: duties.rowLimit + 1 })]),
  ];
}

const removable: readonly (readonly [keyof RuleDuties, string])[] = [
  ['window', 'window'],
  ['rowLimit', 'limit of rows'],
  ['byteLimit', 'limit of bytes'],
  ['rates', 'rate'],
  ['concurrency', 'limit of concurrency'],
  ['sessionMs', 'limit of the session'],
  ['idleMs', 'limit of idle time'],
  ['retainMs', 'retention'],
  ['onlyColumns', 'list of columns'],
  ['readOnly', 'readOnly'],
  ['justify', 'justify'],
  ['tickets', 'ticket'],
];
