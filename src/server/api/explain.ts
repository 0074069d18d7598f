import { object, optional, string, type Check } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import type { Action } from '../../core/action.ts';
import type {
  ApproveDuty,
  Decision,
  DenyCode,
  Duties,
  MaskOperator,
  Place,
  RuleRef,
} from '../../core/decision.ts';
import type { IdentityExplanation, RuleExplanation, TestExplanation } from '../../core/explanation.ts';
import { modelUseOf, operatorForTags } from '../../core/duties.ts';
import type { Identity } from '../../core/identity.ts';
import type { Policy } from '../../core/ports.ts';
import type { Resource } from '../../core/session.ts';
import type { Access } from '../../gate/access.ts';
import { readable, traceable } from '../../gate/refusing.ts';
import type { Known } from '../../identity/directory.ts';
import { newSessionId } from '../ids.ts';
import { judge, type JudgeParts } from './judge.ts';
import { json, problem, type Answer, type ApiRequest } from './route.ts';

export interface ExplainParts extends JudgeParts {
  readonly resources: readonly Resource[];
  readonly find: (subject: string) => Known | undefined;
  /** What the text would ask of the gate. Nothing is executed. Rejects with a Fault. */
  readonly actions: (resource: Resource, text: string) => Promise<readonly Action[]>;
  readonly statementBytes: number;
  readonly access?: Pick<Access, 'of'>;
  /** Whether a model reads the answers of resources of this kind, as the gate asks it; absent: none does. */
  readonly reads?: ((kind: string, finds: Duties['finds']) => boolean) | undefined;
}

/** What the policy in force would decide on a statement, for the caller or, where the policy lets them ask, another. */
export async function explain(parts: ExplainParts, request: ApiRequest): Promise<Answer> {
  const read = question(parts.statementBytes)(request.body, '');
  if (!read.ok) return problem(400, 'The body is not a question', { problems: read.error });
  const caller = request.caller();
  const { as: subject = caller.subject, on, statement } = read.value;
  const refused = await judge(parts, caller, { verb: 'decision.explain', own: subject === caller.subject });
  if (refused !== undefined) return refused;

  const identity = subject === caller.subject ? caller : supposed(parts.find(subject), caller);
  if (identity === undefined) return problem(404, 'There is no identity with this subject');
  const resource = parts.resources.find(({ name }) => name === on);
  if (resource === undefined) return problem(404, 'There is no resource by this name');
  const policy = parts.policy();
  if (policy === undefined) return problem(503, 'No policy is in force, so everything is denied');

  let actions: readonly Action[];
  try {
    actions = await parts.actions(resource, statement);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return problem(503, `The statement could not be analysed (${thrown.code})`);
  }
  const at = parts.world.now();
  const grants = parts.access?.of(identity) ?? [];
  const session = { id: newSessionId(parts.world), startedAt: at };
  const explanation: Explanation = {
    identity: identity.subject,
    resource: resource.name,
    policy: policy.id.digest,
    statements: await Promise.all(
      actions.map(async (action) => {
        const about = { identity, resource, action, session, at, ...(grants.length === 0 ? {} : { grants }) };
        const opinions = await policy.consult?.(about);
        const asked = opinions === undefined ? about : { ...about, opinions };
        const decided = policy.decide(asked);
        const isRead = parts.reads?.(resource.kind, decided.duties.finds) === true;
        const decision = readable(traceable(decided, action), isRead);
        return explained({ policy, resource, action, decision, said: policy.explain?.(asked) ?? [] });
      }),
    ),
  };
  return json(explanation);
}

/** The answer, in the shape of its schema. */
export interface Explanation {
  readonly identity: string;
  readonly resource: string;
  readonly policy: string;
  readonly statements: readonly ExplainedStatement[];
}

export interface ExplainedStatement extends Pick<
  Action,
  'verb' | 'access' | 'targets' | 'columns' | 'notes'
> {
  readonly decision: Decision['kind'];
  readonly class?: DenyCode;
  readonly why: string;
  readonly fix: readonly string[];
  readonly rules: readonly ExplainedRule[];
  readonly wouldBe: readonly ExplainedRule[];
  readonly nearest?: { readonly rule: ExplainedRule; readonly failed: string };
  readonly masks: readonly { readonly object: string; readonly column: string; readonly operator: string }[];
  readonly rowLimit?: number;
  readonly byteLimit?: number;
  readonly record: Duties['record'];
  readonly approve: readonly ApproveDuty[];
  /** Everyone of the delegation chain, with all rules that matched and those that came near. */
  readonly identities: readonly ExplainedIdentity[];
}

export interface ExplainedIdentity extends Omit<IdentityExplanation, 'rules'> {
  readonly rules: readonly ExplainedAnswer[];
}

export interface ExplainedAnswer extends Omit<RuleExplanation, 'rule' | 'tests'> {
  readonly rule: ExplainedRule;
  readonly tests: readonly (Omit<TestExplanation, 'at'> & { readonly at: string })[];
}

export interface ExplainedRule extends Omit<RuleRef, 'at'> {
  readonly at: string; // file:line:col
}

interface Question {
  readonly as?: string;
  readonly on: string;
  readonly statement: string;
}

function question(statementBytes: number): Check<Question> {
  return object({
    as: optional(string({ max: 256 })),
    on: string({ max: 256 }),
    statement: string({ max: statementBytes }),
  });
}

/** An identity nobody has signed in as: what it would be if it did now, with as good a proof as the caller's. */
function supposed(known: Known | undefined, caller: Identity): Identity | undefined {
  return known === undefined ? undefined : { ...known, proof: caller.proof };
}

interface Explained {
  readonly policy: Policy;
  readonly resource: Resource;
  readonly action: Action;
  readonly decision: Decision;
  readonly said: readonly IdentityExplanation[];
}

function explained({ policy, resource, action, decision, said }: Explained): ExplainedStatement {
  const { duties, nearest } = decision;
  const masks = action.columns
    .filter(({ use }) => use === 'output')
    .flatMap(({ object: of, column }) => {
      const operator = operatorForTags(duties.masks, policy.tagsOf(resource, { object: of, column }));
      return operator === undefined ? [] : [{ object: of, column, operator: operatorText(operator) }];
    });
  return {
    verb: action.verb,
    access: action.access,
    targets: action.targets,
    columns: action.columns,
    notes: decision.kind === 'deny' ? action.notes : [...action.notes, ...readBy(decision)],
    decision: decision.kind,
    ...(decision.code === undefined ? {} : { class: decision.code }),
    why: decision.why,
    fix: decision.fix,
    rules: decision.because.map(ruleOf),
    wouldBe: decision.wouldBe.map(ruleOf),
    ...(nearest === undefined ? {} : { nearest: { rule: ruleOf(nearest.rule), failed: nearest.failed } }),
    masks: decision.kind === 'deny' ? [] : masks,
    ...(duties.rowLimit === undefined ? {} : { rowLimit: duties.rowLimit }),
    ...(duties.byteLimit === undefined ? {} : { byteLimit: duties.byteLimit }),
    record: duties.record,
    approve: duties.approve,
    identities: said.map(({ rules, ...identity }) => ({ ...identity, rules: rules.map(answerOf) })),
  };
}

function readBy({ duties }: Decision): readonly string[] {
  const use = modelUseOf(duties.finds);
  return use === undefined ? [] : [`a model reads the answer (model: ${use})`];
}

function answerOf({ rule, tests, ...rest }: RuleExplanation): ExplainedAnswer {
  return { ...rest, rule: ruleOf(rule), tests: tests.map((test) => ({ ...test, at: placeOf(test.at) })) };
}

function placeOf({ file, line, col }: Place): string {
  return `${file}:${line}:${col}`;
}

function ruleOf({ id, effect, at, why, fix, owner }: RuleRef): ExplainedRule {
  return {
    id,
    effect,
    at: placeOf(at),
    ...(why === undefined ? {} : { why }),
    ...(fix === undefined ? {} : { fix }),
    ...(owner === undefined ? {} : { owner }),
  };
}

function operatorText(operator: MaskOperator): string {
  return operator.kind === 'partial'
    ? `partial (first ${operator.keepFirst}, last ${operator.keepLast})`
    : operator.kind === 'noise'
      ? [
          'noise',
          ...(operator.percent === undefined ? [] : [`${operator.percent} %`]),
          ...(operator.days === undefined ? [] : [`${operator.days} days`]),
        ].join(' ')
      : operator.kind;
}
