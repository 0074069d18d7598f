import type { FindMask, MaskOperator } from '../../core/decision.ts';
import type { Reading } from '../../carriers/reading.ts';
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
  /** A model reads them, so the gate says nothing of them. */
  readonly reads: 'required' | 'where-possible' | undefined;
  /** By detectors alone. */
  readonly aside: (text: string) => Shown<string>;
  /** The search of what stands under this key, inside this column. */
  readonly within: (key: string | undefined) => Search;
}

export function howOf(
  plan: Extract<ColumnPlan, { kind: 'mask' | 'scan' }>,
  { key, reading }: { readonly key: MaskKey; readonly reading?: Reading },
  { name, watch }: FieldShape,
): How {
  if (plan.kind === 'scan') return searchOf(plan.finds, key, { column: name, found: watch?.found, reading });
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
  readonly reading: Reading | undefined;
}

function searchOf(finds: readonly FindMask[], key: MaskKey, { column, found: tell, reading }: Place): Search {
  const entities = finds.map((find) => find.entity);
  const mask = findMasker(finds, {
    key,
    ...(column === undefined ? {} : { column }),
    ...(reading === undefined ? {} : { more: reading.more }),
  });
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
    reads: reading?.use,
    aside: (value) => (reading === undefined ? self.show(value) : reading.aside(() => self.show(value))),
    within: (inner) => {
      if (inner === undefined) return self;
      const found = kept.get(inner);
      if (found !== undefined) return found;
      const named = column === undefined ? inner : `${column} ${inner}`;
      const made = searchOf(finds, key, { column: named, found: tell, reading });
      if (kept.size < mostKeys) kept.set(inner, made);
      return made;
    },
  };
  return self;
}
