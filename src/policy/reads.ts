import type { FactExplanation } from '../core/explanation.ts';
import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { MatchKey } from './match.ts';
import type { Rule } from './rule.ts';
import type { Expr } from './typecheck.ts';

const words: ReadonlySet<string> = new Set(['identity', 'resource', 'action', 'session', 'params']);

/**
 * The attributes a part of a condition reads: `identity.mfa`, `action.objects`, `now`; each once, in their order. `action.*` where it
 * does not say which of them. INVARIANT: nothing of a question is read that is not named here.
 */
export function readsOf(expr: Expr): readonly string[] {
  const found = new Set<string>();
  const walk = (at: Expr | undefined): void => {
    const exprKind = at?.exprKind;
    switch (exprKind?.case) {
      case 'selectExpr': {
        const { operand, field } = exprKind.value;
        const name = operand?.exprKind.case === 'identExpr' ? operand.exprKind.value.name : '';
        if (words.has(name)) found.add(`${name}.${field}`);
        else walk(operand);
        return;
      }
      case 'identExpr':
        if (exprKind.value.name === 'now') found.add('now');
        else if (words.has(exprKind.value.name)) found.add(`${exprKind.value.name}.*`);
        return;
      case 'callExpr':
        walk(exprKind.value.target);
        exprKind.value.args.forEach(walk);
        return;
      case 'listExpr':
        exprKind.value.elements.forEach(walk);
        return;
      case 'comprehensionExpr': {
        const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
        [iterRange, accuInit, loopCondition, loopStep, result].forEach(walk);
        return;
      }
      case 'structExpr': // refused by the type checker
      case 'constExpr':
      case undefined:
      default:
        return;
    }
  };
  walk(expr);
  return [...found];
}

/** What a key of `match` looks at. */
export const readByKey: Readonly<Record<MatchKey, string>> = {
  'resource.kind': 'resource.kind',
  'resource.name': 'resource.name',
  'resource.tags': 'resource.tags',
  'resource.env': 'resource.tags',
  action: 'action.verb',
  access: 'action.access',
  'identity.kind': 'identity.kind',
  'identity.groups': 'identity.groups',
  'identity.subject': 'identity.subject',
  'identity.actingFor': 'identity.actingFor',
};

const longest = 160;

/** These attributes, as a question has them, for `identity` of its delegation chain. */
export function factsOf(
  paths: readonly string[],
  question: Question,
  identity: Identity,
  rule: Rule,
): readonly FactExplanation[] {
  return paths.map((path) => {
    const value = valueOf(path, question, identity, rule);
    if (value === undefined) return { path };
    const text = shown(value);
    return { path, value: text.length > longest ? `${text.slice(0, longest)}…` : text };
  });
}

// oxlint-disable-next-line max-params
function valueOf(path: string, question: Question, identity: Identity, rule: Rule): unknown {
  const [word = '', field = ''] = path.split('.');
  const { action, resource, session, at } = question;
  switch (word) {
    case 'now':
      return new Date(at).toISOString();
    case 'params':
      return rule.values.get(field);
    case 'identity': {
      const { subject, kind, groups, actingFor } = identity;
      return own({ subject, kind, groups, actingFor: actingFor?.subject }, field, identity.attributes);
    }
    case 'resource': {
      const { name, kind, tags } = resource;
      return own({ name, kind, tags }, field, {});
    }
    case 'session': {
      const { id, startedAt, run, saw = [] } = session;
      return own({ id, startedAt: new Date(startedAt).toISOString(), run, saw }, field, {});
    }
    default: {
      const objects = action.targets.map(({ name, access }) => `${name} (${access})`);
      const columns = action.columns.map(({ object, column, use }) => `${object}.${column} (${use})`);
      const { verb, access, opaque = false } = action;
      return own({ verb, access, opaque, objects, columns }, field, action.attributes);
    }
  }
}

function own(
  first: Readonly<Record<string, unknown>>,
  field: string,
  others: Readonly<Record<string, unknown>>,
): unknown {
  if (Object.hasOwn(first, field)) return first[field];
  return Object.hasOwn(others, field) ? others[field] : undefined;
}

function shown(value: unknown): string {
  return Array.isArray(value)
    ? `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
    : JSON.stringify(value);
}
