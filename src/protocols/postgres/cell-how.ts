import type { FindMask, MaskOperator } from '../../core/decision.ts';
import { findMasker, isContext, type MaskKey } from '../../mask/index.ts';
import type { Shown } from './binary.ts';
import type { ColumnPlan, FieldShape } from './cells.ts';
import type { Watch } from './watch.ts';

// What is to be done with the values of one column, whatever their type: shown by an operator, or searched.

export type How = Mask | Search;

interface Mask {
  readonly kind: 'mask';
  readonly operator: MaskOperator;
  readonly whole: boolean;
  readonly key: MaskKey;
}

export interface Search {
  readonly kind: 'scan';
  readonly show: (text: string) => Shown<string>;
  /** Types that `show` found in the text before; `tell` counts them once more. */
  readonly last: () => readonly string[];
  readonly tell: (types: readonly string[]) => void;
  /** Values without any sign must be searched too: the column's name is context. */
  readonly always: boolean;
  /** The search of what stands under this key, inside this column. */
  readonly within: (key: string | undefined) => Search;
}

export function howOf(
  plan: Extract<ColumnPlan, { kind: 'mask' | 'scan' }>,
  key: MaskKey,
  { name, watch }: FieldShape,
): How {
  if (plan.kind === 'scan') return searchOf(plan.finds, key, { column: name, found: watch?.found });
  const whole = plan.whole === true;
  const operator: MaskOperator = whole && plan.operator.kind !== 'null' ? { kind: 'redact' } : plan.operator;
  return { kind: 'mask', operator, whole, key };
}

const nothing: readonly string[] = [];
const mostKeys = 1_000; // searches kept for each column

/** Where a search looks: the column's or key's name, and who is told what was found. */
interface Place {
  readonly column: string | undefined;
  readonly found: Watch['found'] | undefined;
}

function searchOf(finds: readonly FindMask[], key: MaskKey, { column, found: tell }: Place): Search {
  const entities = finds.map((find) => find.entity);
  const mask = findMasker(finds, column === undefined ? { key } : { key, column });
  const kept = new Map<string, Search>();
  let last: readonly string[] = nothing;
  const self: Search = {
    kind: 'scan',
    show: (value) => {
      const { text: shown, masked, types } = mask(value);
      last = masked === 0 ? nothing : types;
      if (masked === 0) return undefined;
      tell?.(types);
      return shown;
    },
    last: () => last,
    tell: (types) => tell?.(types),
    always: column !== undefined && isContext({ entities, column }),
    within: (inner) => {
      if (inner === undefined) return self;
      const found = kept.get(inner);
      if (found !== undefined) return found;
      const named = column === undefined ? inner : `${column} ${inner}`;
      const made = searchOf(finds, key, { column: named, found: tell });
      if (kept.size < mostKeys) kept.set(inner, made);
      return made;
    },
  };
  return self;
}
