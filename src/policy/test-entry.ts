import type { Decision } from '../core/decision.ts';
import { dutyNames } from '../core/duties.ts';
import type { Question } from '../core/ports.ts';

/** Fields of a decision's entry that a case can name: those that the question and the decision make. */
export const entryFields: readonly string[] = [
  'kind',
  'identity',
  'resource',
  'decision',
  'verb',
  'access',
  'targets',
  'columns',
  'attributes',
  'rules',
  'wouldBe',
  'duties',
  'opaque',
  'denial',
];

/** What the gate would write down of this decision, without ids, times and texts. */
export function entryOf(
  { identity, resource, action }: Question,
  decision: Decision,
): Readonly<Record<string, unknown>> {
  return {
    kind: 'decision',
    identity,
    resource: resource.name,
    decision: decision.kind,
    verb: action.verb,
    access: action.access,
    targets: action.targets,
    columns: action.columns,
    attributes: action.attributes,
    rules: decision.because.map((rule) => rule.id),
    wouldBe: decision.wouldBe.map((rule) => rule.id),
    duties: dutyNames(decision),
    opaque: action.opaque === true,
    ...(decision.kind === 'deny' ? { denial: denialOf(decision) } : {}),
  };
}

function denialOf({ code, because, nearest, why, fix }: Decision): object {
  const rule = because[0] ?? nearest?.rule;
  return {
    class: code,
    why,
    fix,
    ...(rule === undefined ? {} : { rule: rule.id, at: `${rule.at.file}:${rule.at.line}:${rule.at.col}` }),
  };
}

/** Whether `got` is what is wanted: of a mapping the named keys, of a list all items in this order. */
export function holds(wanted: unknown, got: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(got) &&
      wanted.length === got.length &&
      wanted.every((item: unknown, at) => holds(item, got[at] as unknown))
    );
  }
  if (typeof wanted !== 'object' || wanted === null) return wanted === got;
  return (
    typeof got === 'object' &&
    got !== null &&
    Object.entries(wanted).every(
      ([key, value]) =>
        Object.hasOwn(got, key) && holds(value, (got as Readonly<Record<string, unknown>>)[key]),
    )
  );
}
