import type { FindMask, MaskOperator } from '../../core/decision.ts';
import type { Reading } from '../../carriers/reading.ts';
import { type ColumnVote, mayContain, noisyDecimal, showText, type MaskKey } from '../../mask/index.ts';
import type { Type } from '../../sql/catalogue.ts';
import { decode, encode } from './binary.ts';
import { codecOf } from './cell-codecs.ts';
import { howOf, type How } from './cell-how.ts';
import { remembering } from './cell-memo.ts';
import { shortcut } from './cell-shortcuts.ts';
import { type OperatorAt, textPaths } from './cell-paths.ts';
import { voted } from './voted.ts';
import type { Watch } from './watch.ts';

/** What becomes of one column's values. */
export type ColumnPlan =
  /** Forwarded as it is. */
  | { readonly kind: 'pass' }
  /** Shown by the operator. `whole`: the value is derived from a masked one, so nothing of it may stay. */
  | { readonly kind: 'mask'; readonly operator: MaskOperator; readonly whole?: boolean }
  /** A document of which only what stands at some paths is hidden; `inside`: the strongest of these, for what is no document. */
  | {
      readonly kind: 'paths';
      readonly operatorAt: OperatorAt;
      readonly inside: MaskOperator;
      readonly finds: readonly FindMask[];
    }
  /** Searched by detectors. */
  | { readonly kind: 'scan'; readonly finds: readonly FindMask[] }
  /** Where it comes from is unknown: `***` in a text, NULL in all else. */
  | { readonly kind: 'withhold' };

/** Whether its values are searched, and a model may read them. */
export function isSearched(plan: ColumnPlan | undefined): boolean {
  return plan?.kind === 'scan' || (plan?.kind === 'paths' && plan.finds.length > 0);
}

/** A column as the client gets it. */
export interface FieldShape {
  readonly type: number; // oid
  readonly format: 0 | 1; // 0 text, 1 binary
  /** Its name, as context for detectors. */
  readonly name?: string;
  /** What detectors know of the column. */
  readonly watch?: Watch;
}

export interface CellParts {
  readonly key: MaskKey;
  readonly typeOf: (oid: number) => Type | undefined;
  /** The types of a composite's columns, by the oid of its relation, in order: without it, fields in text lose their type. */
  readonly fieldsOf?: (relation: number) => readonly number[] | undefined;
  /** A model reads what is searched; it is shown inside of its `read` only. */
  readonly reading?: Reading;
}

/** One value's way through: `undefined` as it was, `null` NULL, `withheld` NULL because it is not understood. */
export type CellShown = Uint8Array | null | undefined | 'withheld';
export type Cell = (bytes: Uint8Array, start: number, end: number) => CellShown;

/** How one column's values are shown. */
export interface Way {
  /** Values in which the gate (`mayContain`) sees no sign, and of which no vote says anything, pass without `show`. */
  readonly gated: boolean;
  /** Whoever looks at a value counts it. */
  readonly watch?: Watch;
  readonly vote?: ColumnVote;
  /** Of a value that is not what its type says, and where anything throws on the way, the value is withheld. */
  readonly show: Cell;
  /** The same for a value that the gate was not asked about: quicker where values come again. */
  readonly recall?: Cell;
}

/** `undefined`: its values pass unseen. */
export function wayOf(plan: ColumnPlan, field: FieldShape, parts: CellParts): Way | undefined {
  if (plan.kind === 'pass') return undefined;
  const codec = codecOf(field.type, parts, 0);
  const ungated = (show: Cell): Way => ({ gated: false, show });
  if (plan.kind === 'withhold') return ungated(codec.kind === 'text' ? () => stars : () => 'withheld');
  if (plan.kind === 'paths') return documentOf(plan, field, parts);
  const { reading } = parts;
  const told = reading === undefined ? field : heard(field, reading);
  const how = howOf(plan, parts, told);
  if (plan.kind === 'scan' && (plan.finds.length === 0 || codec.kind === 'number')) return undefined;
  if (how.kind === 'mask' && how.operator.kind === 'null') return ungated(() => null);
  // Nothing can be shown of a type that is not known; its text can at least be searched.
  if (codec.kind === 'unknown' && (how.kind === 'mask' || field.format === 1))
    return ungated(() => 'withheld');
  const by =
    (known: How): Cell =>
    (bytes, start, end) => {
      try {
        const value = bytes.subarray(start, end);
        if (field.format === 1) return codec.binary(value, known);
        const shown = codec.text(decode(value), known);
        return typeof shown === 'string' ? encode(shown) : shown;
      } catch {
        return 'withheld';
      }
    };
  const whole = by(how);
  if (how.kind === 'mask') {
    const quick = codec.kind === 'text' ? shortcut(how.operator) : undefined;
    if (quick === undefined) return ungated(whole);
    return ungated((bytes, start, end) => {
      const known = quick(bytes, start, end);
      return known === 'slow' ? whole(bytes, start, end) : known;
    });
  }
  const gated =
    reading === undefined && !how.always && (codec.kind === 'text' || (codec.gated && field.format === 0));
  const memo =
    codec.kind === 'text' && reading === undefined
      ? remembering(whole, how, (bytes, start, end) => !gated || mayContain(bytes, start, end))
      : { show: whole };
  const search = memo.show;
  const { watch } = field;
  if (watch === undefined) return { gated, ...memo };
  const vote = voteOf(plan, field, parts);
  if (vote === undefined || plan.kind !== 'scan') return { gated, watch, ...memo };
  // Of a column whose vote says something the gate is not asked before.
  const searched: Cell = (bytes, start, end) =>
    gated && !mayContain(bytes, start, end) ? undefined : search(bytes, start, end);
  const byVote = voted(told.watch ?? watch, plan.finds, parts.key, {
    search: searched,
    under: (type) => by(howOf(plan, parts, { ...told, name: `${field.name ?? ''} ${type}` })),
  });
  return {
    ...memo,
    gated,
    watch,
    vote,
    show: (bytes, start, end) => (vote.verdict() === undefined ? search : byVote)(bytes, start, end),
  };
}

/** What is found is told when a value is shown for the last time. */
function heard(field: FieldShape, reading: Reading): FieldShape {
  const { watch } = field;
  if (watch === undefined) return field;
  return {
    ...field,
    watch: { ...watch, found: (types) => reading.later(() => watch.found(types)) },
  };
}

/** The same for one value after the other: everything that is done with it. `undefined`: they pass unseen. */
export function cellOf(plan: ColumnPlan, field: FieldShape, parts: CellParts): Cell | undefined {
  const way = wayOf(plan, field, parts);
  if (way === undefined) return undefined;
  const { gated, watch, vote, show } = way;
  if (!gated && watch === undefined) return show;
  return (bytes, start, end) => {
    if (watch !== undefined) watch.searched++;
    if (gated && vote?.verdict() === undefined && !mayContain(bytes, start, end)) return undefined;
    return show(bytes, start, end);
  };
}

/** Only a column of texts has one: what a number, an array or a document holds is told by its name or its tag. */
export function voteOf(
  plan: ColumnPlan,
  field: FieldShape | undefined,
  parts: CellParts,
): ColumnVote | undefined {
  if (plan.kind !== 'scan' || plan.finds.length === 0 || field?.watch === undefined) return undefined;
  return codecOf(field.type, parts, 0).kind === 'text' ? field.watch.vote : undefined;
}

/** A document of json or jsonb; of any other type the value is hidden whole. */
function documentOf(
  plan: Extract<ColumnPlan, { kind: 'paths' }>,
  field: FieldShape,
  parts: CellParts,
): Way | undefined {
  if (field.type !== 114 && field.type !== 3802) {
    return wayOf({ kind: 'mask', operator: plan.inside, whole: true }, field, parts);
  }
  const search =
    plan.finds.length === 0 ? undefined : cellOf({ kind: 'scan', finds: plan.finds }, field, parts);
  const version = field.type === 3802 && field.format === 1 ? 1 : 0;
  const show: Cell = (bytes, start, end) => {
    try {
      if (version === 1 && bytes[start] !== 1) return 'withheld';
      const shown = textPaths(
        decode(bytes.subarray(start + version, end)),
        plan.operatorAt,
        (operator, value) => showText(operator, value, parts.key),
        (operator, literal) =>
          operator.kind === 'noise' && operator.percent !== undefined
            ? noisyDecimal(literal, { key: parts.key, percent: operator.percent })
            : undefined,
      );
      if (shown === undefined) return search?.(bytes, start, end);
      const changed = encode(version === 1 ? `\u0001${shown}` : shown);
      const found = search?.(changed, 0, changed.length);
      return found === undefined ? changed : found;
    } catch {
      return 'withheld';
    }
  };
  return { gated: false, show };
}

/** What a withheld text shows: by identity, so that it counts as withheld. */
export const stars: Uint8Array = encode('***');
