import type { Instant } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import type { Decision, RuleRef } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Resource, SessionId } from '../core/session.ts';
import type { LoadedPolicy } from '../policy/load.ts';
import type { Finding, Piece, Verdict } from './finding.ts';

/** Who is supposed to run it, where, and when. */
export interface Circumstances {
  readonly policy: LoadedPolicy;
  readonly identity: Identity;
  readonly at: Instant;
}

const session = 'scan' as SessionId;

/** What the gateway would say to this action; none where it would let it pass and no rule has anything to say. */
export function judgeAction(
  { policy, identity, at }: Circumstances,
  resource: Resource,
  action: Action,
  piece: Piece,
): readonly Finding[] {
  const decision = policy.decide({ identity, resource, action, session: { id: session, startedAt: at }, at });
  const warned = decision.wouldBe
    .filter((rule) => rule.effect !== 'allow')
    .map((rule) => ({
      ...placed(piece),
      ...ofRule(rule),
      verdict: 'warned' as const,
      message: `A rule that is not enforced yet speaks of this: ${subjectOf(action)}`,
      why: rule.why ?? `Rule ${rule.id} says so`,
      tool: 'sallyport',
    }));
  const main = findingOf(decision, action, piece);
  return main === undefined ? warned : [main, ...warned];
}

const words: Readonly<Record<'deny' | 'review', { readonly verdict: Verdict; readonly does: string }>> = {
  deny: { verdict: 'refused', does: 'refuse' },
  review: { verdict: 'held', does: 'hold' },
};

function findingOf(decision: Decision, action: Action, piece: Piece): Finding | undefined {
  if (decision.kind === 'allow') return undefined;
  const { verdict, does } = words[decision.kind];
  const rule = decision.because[0];
  const end = decision.kind === 'review' ? ' for a review' : '';
  const { nearest } = decision;
  const near =
    nearest === undefined ? [] : [`nearest is ${nearest.rule.id}, which fails at ${nearest.failed}`];
  const fix = [...decision.fix, ...near].join('; ');
  return {
    ...placed(piece),
    ...(rule === undefined ? { rule: decision.code ?? 'NO_ALLOW_RULE' } : ofRule(rule)),
    verdict,
    message: `The gateway would ${does} this at run time${end}: ${subjectOf(action)}`,
    why: decision.why,
    ...(fix === '' ? {} : { fix }),
    tool: 'sallyport',
  };
}

function placed({ file, line, col, endLine }: Piece): Piece {
  return { file, line, col, ...(endLine === undefined ? {} : { endLine }) };
}

function ofRule({ id, at, fix, owner }: RuleRef): Pick<Finding, 'rule' | 'at' | 'fix' | 'owner'> {
  return {
    rule: id,
    at,
    ...(fix === undefined ? {} : { fix }),
    ...(owner === undefined ? {} : { owner }),
  };
}

const namesShown = 3;

/** What is done to what, without a value of it. */
function subjectOf({ verb, targets }: Action): string {
  const worst = targets.filter((each) => each.access !== 'read');
  const names = [...new Set((worst.length === 0 ? targets : worst).map(({ name }) => name))];
  const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : '';
  return names.length === 0 ? verb : `${verb} on ${names.slice(0, namesShown).join(', ')}${more}`;
}

/** Whether an allow or deny rule of the policy names this kind of thing; else it was never meant to judge it. */
export function speaksOf(policy: LoadedPolicy, kind: string): boolean {
  return policy.ruling.rules.some(
    (rule) =>
      rule.enforce !== 'off' &&
      rule.ref.effect !== 'require' &&
      rule.match.items.get('resource.kind')?.includes(kind) === true,
  );
}
