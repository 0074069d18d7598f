import { createHash } from 'node:crypto';
import type { Grant, Reach, Requestable, RequestTerms } from '../core/access.ts';
import { chainOf as chainNames } from '../core/access.ts';
import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { Resource } from '../core/session.ts';
import { isPattern, readApprovals } from './duties.ts';
import { readTime, shortTime } from './limits.ts';
import { type Match, type MatchKey, whoAndWhere } from './match.ts';
import type { Problems } from './problem.ts';
import type { Rule } from './rule.ts';
import { chainOf, type Ruling } from './ruling.ts';
import { fields, text, wrong } from './shape.ts';
import type { Located } from './yaml.ts';

/** `onRequest:` of an allow rule: it is in force only for who was granted it, for a time. */
export interface OnRequest extends RequestTerms {
  /** Of everything about the rule that could change a decision. */
  readonly digest: string;
}

const dayMs = 86_400_000;

/** Reads `onRequest: { approve: { from: leads }, longest: 2h, ticket: 'OPS-[0-9]+' }`. */
export function readOnRequest(node: Located, problems: Problems): RequestTerms | undefined {
  const before = problems.list.length;
  const keys = { required: ['approve', 'longest'], optional: ['ticket'] };
  const found = fields(node, 'onRequest', keys, problems);
  const [from, span, pattern] = ['approve', 'longest', 'ticket'].map((key) => found?.get(key)?.value);
  if (from === undefined || span === undefined) return undefined;
  const approve = readApprovals(from, problems);
  const longestMs = readTime(span, 'longest', { min: 1_000, max: 7 * dayMs }, problems);
  const ticket = pattern === undefined ? undefined : text(pattern, 'ticket', problems);
  if (pattern !== undefined && ticket !== undefined) isPattern({ ...pattern, value: ticket }, problems);
  if (approve?.some(({ holdMs }) => holdMs !== undefined) === true) {
    wrong(from, '`hold` is for requests that wait in flight: a request for access never does', problems);
  }
  if (approve?.some((each) => each.class !== undefined) === true) {
    wrong(from, '`class` is for statements: access is granted for a time by itself', problems);
  }
  if (problems.list.length > before || approve === undefined || longestMs === undefined) return undefined;
  return { approve, longestMs, ...(ticket === undefined ? {} : { ticket }) };
}

/** SHA-256, hex: a rule that allows more or less than this one has another. What it says to people does not count. */
// oxlint-disable-next-line max-params
export function ruleDigest(
  id: string,
  match: Match,
  more: Pick<Rule, 'when' | 'values' | 'layer'>,
  terms: RequestTerms,
): string {
  const asks = more.when?.reads.has('params') === true ? [...more.values] : [];
  const items = [...match.items].map(([key, of]) => [key, of.toSorted()] as const);
  const all = [1, id, more.layer, items.sort(byKey), more.when?.source, asks, terms];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** `leads, at most 2h, with a ticket`. */
export function termsText({ approve, longestMs, ticket }: RequestTerms): string {
  const who = approve.map(({ groups, count }) => `${count} of ${groups.join(' or ')}`).join(' and ');
  return `${who}, at most ${shortTime(longestMs)}${ticket === undefined ? '' : ', with a ticket'}`;
}

/** The grant that puts this rule in force for the question, the one that lasts longest; SECURITY: all of it must fit. */
export function grantFor(rule: Rule, question: Question): Grant | undefined {
  const { grants, resource, action, at, identity } = question;
  if (grants === undefined || grants.length === 0) return undefined;
  const chain = JSON.stringify(chainNames(identity));
  let best: Grant | undefined;
  for (const grant of grants) {
    const fits =
      grant.rule === rule.ref.id &&
      grant.ruleDigest === rule.onRequest?.digest &&
      grant.resource === resource.name &&
      grant.verbs.includes(action.verb) &&
      grant.until > at &&
      JSON.stringify(grant.chain) === chain;
    if (fits && (best === undefined || grant.until > best.until)) best = grant;
  }
  return best;
}

/** The question as it is for somebody who has been granted these rules: what tests and analysis ask with. */
export function asGranted(question: Question, rules: readonly Rule[]): Question {
  const grants = rules.flatMap(({ ref, onRequest }): readonly Grant[] =>
    onRequest === undefined
      ? []
      : [
          {
            id: `granted ${ref.id}` as Grant['id'], // stands for any
            rule: ref.id,
            ruleDigest: onRequest.digest,
            resource: question.resource.name,
            verbs: [question.action.verb],
            chain: chainNames(question.identity),
            until: (question.at + 1) as Grant['until'], // any later moment
          },
        ],
  );
  return grants.length === 0 ? question : { ...question, grants };
}

/** What who is denied can do: the request in full. `verb` is what they wanted to do. */
export function requestLine({ ref, onRequest }: Rule, { resource, action }: Question): string {
  const longest = onRequest?.longestMs ?? 0;
  const parts = [
    `sallyport access request ${resource.name} --verbs ${action.verb} --for ${shortTime(Math.min(longest, hourMs))}`,
    '--reason TEXT',
    ...(onRequest?.ticket === undefined ? [] : ['--ticket ID']),
  ];
  return `You can ask for this: ${parts.join(' ')} (rule ${ref.id}: ${onRequest === undefined ? '' : termsText(onRequest)})`;
}

const hourMs = 3_600_000;

const aboutWhoAndWhere: ReadonlySet<MatchKey> = new Set(whoAndWhere);

/** What rules let this identity do on this resource by their match alone, and which of those on request it could use. */
export function reach(ruling: Ruling, identity: Identity, resource: Resource): Reach {
  const chain = chainOf(identity);
  const kind = ruling.kinds.get(resource.kind);
  if (chain === undefined || kind === undefined) return { verbs: [], onRequest: [] };
  const question = asking(identity, resource);
  const grants = new Set(ruling.layers.filter(({ role }) => role === 'grant').map(({ name }) => name));
  const meets = (rule: Rule, who: Identity): boolean =>
    rule.enforce === 'enforce' &&
    rule.match.kinds.includes(resource.kind) &&
    rule.match.tests.every(({ key, passes }) => !aboutWhoAndWhere.has(key) || passes(question, who));
  const each = chain.map((who) => {
    const rules = ruling.rules.filter((rule) => meets(rule, who));
    const allows = rules.filter(({ ref, layer }) => ref.effect === 'allow' && grants.has(layer));
    return {
      plain: allows.filter(({ onRequest }) => onRequest === undefined),
      asked: allows.filter(({ onRequest }) => onRequest !== undefined),
      denies: rules.filter(
        ({ ref, when, match }) => ref.effect === 'deny' && when === undefined && !match.items.has('access'),
      ),
    };
  });
  const open = Object.keys(kind.verbs).filter(
    (verb) => !each.some(({ denies }) => denies.some((rule) => rule.match.verb(verb))),
  );
  const has = (rules: readonly Rule[], verb: string): boolean => rules.some((rule) => rule.match.verb(verb));
  const askable = [...new Set(each.flatMap(({ asked }) => asked))];
  return {
    verbs: open.filter((verb) => each.every(({ plain }) => has(plain, verb))),
    onRequest: askable.flatMap((rule) => {
      const verbs = open.filter(
        (verb) => rule.match.verb(verb) && each.every(({ plain, asked }) => has([...plain, ...asked], verb)),
      );
      return verbs.length === 0 ? [] : [requestable(rule, verbs)].flat();
    }),
  };
}

function requestable({ ref, onRequest, match }: Rule, verbs: readonly string[]): readonly Requestable[] {
  if (onRequest === undefined) return [];
  const { digest, ...terms } = onRequest;
  const access = match.items.get('access');
  return [{ ...terms, rule: ref, ruleDigest: digest, verbs, ...(access === undefined ? {} : { access }) }];
}

function asking(identity: Identity, resource: Resource): Question {
  const at = 0 as Question['at']; // no test of who and where reads it
  const action = {
    verb: '',
    access: 'read',
    targets: [],
    columns: [],
    attributes: {},
    text: '',
    notes: [],
  } as const;
  return { identity, resource, action, session: { id: '' as Question['session']['id'], startedAt: at }, at };
}
