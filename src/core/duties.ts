import type { FindMask, MaskOperator, TagMask } from './decision.ts';

const strength: Readonly<Record<MaskOperator['kind'], number>> = {
  partial: 1,
  generalise: 2,
  hash: 3,
  redact: 4,
  null: 5,
};

/** The stronger of two operators; two partials keep the smaller of both ends. Commutative, associative, idempotent. */
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
  return strength[a.kind] >= strength[b.kind] ? a : b;
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

/** The operator for a detected value of this entity type. */
export function operatorForFind(finds: readonly FindMask[], entity: string): MaskOperator | undefined {
  let result: MaskOperator | undefined;
  for (const find of finds) {
    if (find.entity === '*' || find.entity === entity) result = stronger(result, find.operator);
  }
  return result;
}
