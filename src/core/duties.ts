import type { Decision, Duties, FindMask, MaskOperator, ModelUse, TagMask } from './decision.ts';

const strength: Readonly<Record<MaskOperator['kind'], number>> = {
  partial: 1,
  noise: 2,
  generalise: 3,
  token: 4,
  hash: 5,
  fake: 6,
  redact: 7,
  null: 8,
};

/** The stronger of two operators; two partials keep the smaller of both ends, two noises the larger. Commutative, associative, idempotent. */
export function stronger(a: MaskOperator | undefined, b: MaskOperator | undefined): MaskOperator | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  if (a.kind === 'partial' && b.kind === 'partial') {
    return {
      kind: 'partial',
      keepFirst: Math.min(a.keepFirst, b.keepFirst),
      keepLast: Math.min(a.keepLast, b.keepLast),
    };
  }
  if (a.kind === 'noise' && b.kind === 'noise') {
    const [percent, days] = [larger(a.percent, b.percent), larger(a.days, b.days)];
    return {
      kind: 'noise',
      ...(percent === undefined ? {} : { percent }),
      ...(days === undefined ? {} : { days }),
    };
  }
  // A redaction that shows the width says more than one that does not.
  if (a.kind === 'redact' && b.kind === 'redact') return a.keepWidth === true ? b : a;
  return strength[a.kind] >= strength[b.kind] ? a : b;
}

/** Of two noises; where one of them says nothing of a kind of value, that is hidden. */
function larger(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.max(a, b);
}

/** `pii/*` matches `pii/ssn` and `pii/tax/id`; `*` matches every tag; anything else only itself. */
export function tagMatches(pattern: string, tag: string): boolean {
  if (pattern === '*' || pattern === tag) return true;
  return pattern.endsWith('/*') && tag.startsWith(pattern.slice(0, -1));
}

/** The operator that the groups demand for a column with these tags. */
export function operatorForTags(
  groups: readonly (readonly TagMask[])[],
  tags: readonly string[],
): MaskOperator | undefined {
  let result: MaskOperator | undefined;
  for (const group of groups) result = stronger(result, inGroup(group, tags));
  return result;
}

function inGroup(group: readonly TagMask[], tags: readonly string[]): MaskOperator | undefined {
  let operator: MaskOperator | undefined;
  let specificity = -1;
  for (const mask of group) {
    if (!tags.some((tag) => tagMatches(mask.tag, tag))) continue;
    const own = mask.tag.endsWith('*') ? mask.tag.length - 1 : 1_000 + mask.tag.length;
    if (own > specificity) {
      specificity = own;
      operator = mask.operator;
    } else if (own === specificity) {
      operator = stronger(operator, mask.operator);
    }
  }
  return operator;
}

/** The operator for a detected value of this entity type: of one rule the one that names it, across rules the strongest. */
export function operatorForFind(finds: readonly FindMask[], entity: string): MaskOperator | undefined {
  let result: MaskOperator | undefined;
  for (const find of finds) {
    const fits = find.entity === entity || (find.entity === '*' && find.except?.includes(entity) !== true);
    if (fits) result = stronger(result, find.operator);
  }
  return result;
}

/** Whether a model is asked what it finds, and what holds where none can be: the strictest of what the rules say. */
export function modelUseOf(finds: readonly FindMask[]): ModelUse | undefined {
  let use: ModelUse | undefined;
  for (const { model } of finds) if (model !== undefined && use !== 'required') use = model;
  return use;
}

/** What a decision demands, by name, as entries have it. */
export function dutyNames({ duties, kind }: Pick<Decision, 'duties' | 'kind'>): readonly string[] {
  if (kind === 'deny') return [];
  const names: string[] = [];
  for (const [name, demands] of named) if (demands(duties)) names.push(name);
  names.push(`record:${duties.record}`);
  return names;
}

const named: readonly (readonly [string, (duties: Duties) => boolean])[] = [
  ['mask', ({ masks, finds }) => masks.length > 0 || finds.length > 0],
  ['limit', ({ rowLimit, byteLimit }) => rowLimit !== undefined || byteLimit !== undefined],
  ['approve', ({ approve }) => approve.length > 0],
  ['retention', ({ retainMs }) => retainMs !== undefined],
  ['notify', ({ notify }) => notify.length > 0],
  ['predicates', ({ predicates = [] }) => predicates.length > 0],
  ['columns', ({ onlyColumns }) => onlyColumns !== undefined],
  ['rate', ({ rates = [] }) => rates.length > 0],
  ['concurrency', ({ concurrency }) => concurrency !== undefined],
  ['session', ({ sessionMs }) => sessionMs !== undefined],
  ['idle', ({ idleMs }) => idleMs !== undefined],
  ['readOnly', ({ readOnly }) => readOnly === true],
  ['justify', ({ justify }) => justify === true],
  ['ticket', ({ tickets = [] }) => tickets.length > 0],
];
