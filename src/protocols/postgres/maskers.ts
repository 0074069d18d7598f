import { WireError } from '../../base/errors.ts';
import { readingOf } from '../../carriers/reading.ts';
import type { Duties } from '../../core/decision.ts';
import type { MaskKey } from '../../mask/index.ts';
import type { Outputs } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import { decodeRowDescription } from './decode.ts';
import type { Frame } from './frames.ts';
import type { Field, Format } from './messages.ts';
import { contextNames, planOf, typesIn } from './plan.ts';
import { type RowMasker, rowMasker } from './rows.ts';
import type { Run } from './run.ts';
import type { Watches } from './watch.ts';

interface MaskersParts {
  readonly maskKey: MaskKey;
  readonly watches: Watches;
}

/** The columns of a session's answers, and how their rows are shown. What the last answer needed is kept for the next. */
export class Maskers {
  readonly #parts: MaskersParts;
  readonly #maskers: WeakMap<Outputs, Kept> = new WeakMap();
  /** The last RowDescription for each statement's outputs: as a rule the next is the same. */
  readonly #described: WeakMap<Outputs, { readonly bytes: Uint8Array; readonly fields: readonly Field[] }> =
    new WeakMap();
  /** Columns of a statement in the formats that the last Bind asked for. */
  readonly #formatted: WeakMap<
    readonly Field[],
    { readonly formats: readonly Format[]; readonly fields: readonly Field[] }
  > = new WeakMap();

  constructor(parts: MaskersParts) {
    this.#parts = parts;
  }

  /** The columns that a RowDescription tells; the same ones when it comes again for the same outputs, byte for byte. */
  columns(frame: Frame, of: Outputs | undefined): readonly Field[] {
    const known = of === undefined ? undefined : this.#described.get(of);
    if (known !== undefined && sameBytes(known.bytes, frame)) return known.fields;
    const fields = decodeRowDescription(frame);
    if (of !== undefined)
      this.#described.set(of, { bytes: frame.bytes.slice(frame.start, frame.end), fields });
    return fields;
  }

  /** The columns of a portal's answer: as the last Describe told, in the formats that Bind asked for. */
  fields(run: Run): readonly Field[] {
    const portal = run.described;
    if (portal?.fields !== undefined) return portal.fields;
    const fields = portal?.prepared.fields;
    if (portal === undefined || portal.cursor || fields === undefined) {
      throw new WireError('unexpected-message', 'Rows came without a description of their columns');
    }
    const known = this.#formatted.get(fields);
    if (known !== undefined && sameFormats(known.formats, portal.resultFormats)) return known.fields;
    const formatted = fields.map((field, at) => ({ ...field, format: formatAt(portal.resultFormats, at) }));
    this.#formatted.set(fields, { formats: portal.resultFormats, fields: formatted });
    return formatted;
  }

  /** Statements come again and again: their maskers are kept as long as judgement, catalogue and columns are the same. */
  of(run: Run, fields: readonly Field[]): RowMasker {
    const { permit, catalogue, outputs } = run;
    const kept = this.#maskers.get(outputs);
    if (kept?.duties === permit.duties && kept.catalogue === catalogue) {
      if (kept.fields !== fields && shapeOf(kept.fields) === shapeOf(fields)) kept.fields = fields;
      if (kept.fields === fields) {
        run.masker = kept.masker;
        return kept.masker;
      }
    }
    const masker = this.#made(run, fields);
    this.#maskers.set(outputs, { duties: permit.duties, catalogue, fields, masker });
    run.masker = masker;
    return masker;
  }

  #made(run: Run, fields: readonly Field[]): RowMasker {
    const plans = planOf(run.permit, run.outputs, fields, run.catalogue);
    const names = contextNames(
      run.outputs,
      fields.map(({ name }) => name),
    );
    const watches = this.#parts.watches.of(run.outputs, plans);
    const reading = readingOf(run.permit.duties.finds, 'rows');
    return rowMasker(
      plans,
      fields.map((field, at) => {
        const watch = watches[at];
        const shape = { type: field.typeOid, format: field.format, name: names[at] ?? field.name };
        return watch === undefined ? shape : { ...shape, watch };
      }),
      {
        key: this.#parts.maskKey,
        ...typesIn(run.catalogue),
        ...(reading === undefined ? {} : { reading }),
      },
    );
  }
}

/** A masker, and what it was made for. */
interface Kept {
  /** Of one decision: another policy or another judgement has others. */
  readonly duties: Duties;
  readonly catalogue: Catalogue;
  fields: readonly Field[];
  readonly masker: RowMasker;
}

/** All that a masker depends on. */
function shapeOf(fields: readonly Field[]): string {
  return fields
    .map(
      ({ typeOid, tableOid, column, format, name }) => `${typeOid} ${tableOid} ${column} ${format} ${name}\0`,
    )
    .join();
}

function sameBytes(kept: Uint8Array, { bytes, start, end }: Frame): boolean {
  if (kept.length !== end - start) return false;
  for (let at = 0; at < kept.length; at++) if (kept[at] !== bytes[start + at]) return false;
  return true;
}

function sameFormats(a: readonly Format[], b: readonly Format[]): boolean {
  return a.length === b.length && a.every((format, at) => format === b[at]);
}

/** One format stands for all columns, none for text (PostgreSQL 18 docs, 54.7, Bind). */
function formatAt(formats: readonly Format[], at: number): Format {
  return (formats.length === 1 ? formats[0] : formats[at]) ?? 0;
}
