import type { ColumnRef } from '../../core/action.ts';
import type { Duties, MaskOperator, Permit } from '../../core/decision.ts';
import { operatorForTags, stronger } from '../../core/duties.ts';
import type { CopyFormat, Lineage, Outputs } from '../../sql/analysis.ts';
import type { Catalogue, Relation } from '../../sql/catalogue.ts';
import { tagsOfColumn } from '../../sql/comments.ts';
import { relationName } from '../../sql/names.ts';
import type { CellParts, ColumnPlan } from './cells.ts';
import type { Field } from './messages.ts';

/**
 * How each column of an answer is shown. Three layers, the strongest wins: lineage of the output; the origin that the
 * server itself reports (RowDescription's table and column, PostgreSQL 18 docs, 54.7), which must agree with the
 * lineage or the column counts as unknown; detectors on what is left.
 */
export function planOf(
  permit: Permit,
  outputs: Outputs,
  fields: readonly Field[],
  catalogue: Catalogue,
): readonly ColumnPlan[] {
  const { masks, finds } = permit.duties;
  if (masks.length === 0 && finds.length === 0) return fields.map(() => pass);
  return fields.map((field, at) => {
    const lineage = checked(lineageAt(outputs, at, fields.length), field, catalogue);
    return planFor(permit, lineage, catalogue);
  });
}

/** The plan for outputs without a RowDescription: COPY, whose columns only lineage knows. */
export function planWithoutFields(
  permit: Permit,
  outputs: Outputs,
  catalogue: Catalogue,
): readonly ColumnPlan[] | undefined {
  if (outputs.kind !== 'columns') return undefined;
  return outputs.columns.map(({ lineage }) => planFor(permit, lineage, catalogue));
}

const systemSchemas = new Set(['pg_catalog', 'information_schema']);
const pass: ColumnPlan = { kind: 'pass' };
const withhold: ColumnPlan = { kind: 'withhold' };
const mismatch: Lineage = {
  kind: 'unknown',
  why: 'the server names another origin than the statement shows',
};

function lineageAt(outputs: Outputs, at: number, count: number): Lineage {
  if (outputs.kind !== 'columns' || outputs.columns.length !== count) {
    return { kind: 'unknown', why: 'the number of columns differs' };
  }
  return outputs.columns[at]?.lineage ?? mismatch;
}

function planFor(permit: Permit, lineage: Lineage, catalogue: Catalogue): ColumnPlan {
  const { masks, finds } = permit.duties;
  if (masks.length === 0 && finds.length === 0) return pass;
  switch (lineage.kind) {
    case 'clean':
      return pass;
    case 'unknown':
      if (hidesAny(permit, catalogue)) return withhold;
      break;
    case 'column': {
      const refs = [lineage.column, ...lineage.through];
      const operator = strongestOfWhole(permit, refs, catalogue);
      if (operator !== undefined) return { kind: 'mask', operator };
      const inside = strongest(permit, refs, catalogue);
      if (inside !== undefined)
        return { kind: 'paths', operatorAt: operatorAt(permit, refs, catalogue), inside, finds };
      break;
    }
    case 'derived': {
      const refs = [...lineage.from, ...lineage.through];
      const operator =
        lineage.path === undefined
          ? strongest(permit, refs, catalogue)
          : stronger(
              strongestOfWhole(permit, refs, catalogue),
              stronger(
                strongest(permit, lineage.through, catalogue),
                atPath(permit, lineage.path, catalogue),
              ),
            );
      // A partial view of a computed value could be turned into the value by computing it otherwise: masked whole.
      if (operator !== undefined)
        return { kind: 'mask', operator: stronger(operator, { kind: 'redact' }) ?? operator, whole: true };
      break;
    }
  }
  return finds.length === 0 ? pass : { kind: 'scan', finds };
}

/** What detectors may take as context: the stored column's own name where an output is one, whatever it is called in the answer. */
export function contextNames(outputs: Outputs, given: readonly string[]): readonly string[] {
  if (outputs.kind !== 'columns') return given;
  const known = outputs.columns.map(({ lineage, name }) =>
    lineage.kind === 'column' ? lineage.column.column : name,
  );
  return given.length === 0 ? known : given.map((name, at) => known[at] ?? name);
}

/** What the maskers ask of the catalogue. */
export function typesIn(catalogue: Catalogue): Pick<CellParts, 'typeOf' | 'fieldsOf'> {
  return {
    typeOf: catalogue.typeByOid,
    fieldsOf: (oid) => catalogue.relationByOid(oid)?.columns.map(({ type }) => type),
  };
}

/** The strongest mask on any of these columns or on a path inside them. */
export function strongest(
  permit: Permit,
  columns: readonly ColumnRef[],
  catalogue: Catalogue,
): MaskOperator | undefined {
  const inside = columns.map(({ object, column }) => ({ object, column: `${column}$` }));
  return stronger(strongestOfWhole(permit, columns, catalogue), strongestOfWhole(permit, inside, catalogue));
}

/** The mask on what stands at a path: on itself, on what it stands in, or on what stands in it. */
function atPath(
  permit: Permit,
  { object, column }: ColumnRef,
  catalogue: Catalogue,
): MaskOperator | undefined {
  const [base = '', ...steps] = column.split('.');
  const above = steps.map((_, at) => ({ object, column: [base, ...steps.slice(0, at + 1)].join('.') }));
  const inside = { object, column: steps.length === 0 ? base : `${column}.$` };
  return strongestOfWhole(permit, [...above, inside], catalogue);
}

/** How each path of a document is shown. */
function operatorAt(
  permit: Permit,
  refs: readonly ColumnRef[],
  catalogue: Catalogue,
): (path: string) => MaskOperator | undefined {
  const known = new Map<string, MaskOperator | undefined>();
  return (path) => {
    if (known.has(path)) return known.get(path);
    const at = refs.map(({ object, column }) => ({ object, column: `${column}$${path}` }));
    const operator = strongestOfWhole(permit, at, catalogue);
    if (known.size < mostPaths) known.set(path, operator);
    return operator;
  };
}

const mostPaths = 10_000;

/** The strongest mask on any of these columns, or on the same column of a partition or child that their rows may come from. */
export function strongestOfWhole(
  permit: Permit,
  columns: readonly ColumnRef[],
  catalogue: Catalogue,
): MaskOperator | undefined {
  let operator: MaskOperator | undefined;
  for (const { object, column } of columns) {
    if (column === '*') {
      // Which of them cannot be told, so any.
      const known = relationNamed(catalogue, object);
      const names = [object, ...(known?.children ?? [])];
      const refs = names.flatMap((each) => {
        const relation = relationNamed(catalogue, each);
        const at = relation === undefined ? each : relationName(relation);
        return (relation?.columns ?? []).flatMap(({ name }) => [
          { object: at, column: name },
          { object: at, column: `${name}$` },
        ]);
      });
      operator = stronger(operator, strongestOfWhole(permit, refs, catalogue));
    }
    operator = stronger(operator, own(permit, relationNamed(catalogue, object), { object, column }));
    for (const child of relationNamed(catalogue, object)?.children ?? []) {
      const relation = relationNamed(catalogue, child);
      const name = relation === undefined ? child : relationName(relation);
      operator = stronger(operator, own(permit, relation, { object: name, column }));
    }
  }
  return operator;
}

/** Whether any column of this database has a mask: else there is nothing that a value of unknown origin could be. */
export function hidesAny(permit: Permit, catalogue: Catalogue): boolean {
  const { duties } = permit;
  if (duties.masks.length === 0) return duties.finds.length > 0 && duties.unknownLineage === 'deny';
  let known = hiding.get(catalogue);
  if (known === undefined) hiding.set(catalogue, (known = new WeakMap()));
  const before = known.get(duties);
  if (before !== undefined) return before;
  // Of a database that nothing is known of, anything can be hidden.
  const { relations } = catalogue.data;
  const hides =
    relations.length === 0 ||
    relations.some((relation) => {
      const object = relationName(relation);
      return relation.columns.some(
        ({ name }) => own(permit, relation, { object, column: name }) !== undefined,
      );
    });
  known.set(duties, hides);
  return hides;
}

const hiding: WeakMap<Catalogue, WeakMap<Duties, boolean>> = new WeakMap();

/** Whether the catalogue has a relation of this name, so that its columns are known. */
export function isKnown(catalogue: Catalogue, object: string): boolean {
  return relationNamed(catalogue, object) !== undefined;
}

/** By the policy's tags and by those that the database itself gives the column. */
function own(permit: Permit, relation: Relation | undefined, ref: ColumnRef): MaskOperator | undefined {
  const told = permit.operatorOf(ref);
  const column = relation?.columns.find(({ name }) => name === ref.column);
  const tags = column === undefined ? [] : tagsOfColumn(column);
  return tags.length === 0 ? told : stronger(told, operatorForTags(permit.duties.masks, tags));
}

/** The tags that the database itself gives this column. */
export function databaseTags(catalogue: Catalogue, { object, column }: ColumnRef): readonly string[] {
  const found = relationNamed(catalogue, object)?.columns.find(({ name }) => name === column);
  return found === undefined ? [] : tagsOfColumn(found);
}

const relationsOf: WeakMap<Catalogue, ReadonlyMap<string, Relation>> = new WeakMap();

/** By its canonical name, or as the catalogue writes it (unquoted). */
function relationNamed(catalogue: Catalogue, name: string): Relation | undefined {
  let known = relationsOf.get(catalogue);
  if (known === undefined) {
    const { relations } = catalogue.data;
    known = new Map([
      ...relations.map((each) => [`${each.schema}.${each.name}`, each] as const),
      ...relations.map((each) => [relationName(each), each] as const),
    ]);
    relationsOf.set(catalogue, known);
  }
  return known.get(name);
}

/** The lineage, or unknown where the server's own word contradicts it. */
function checked(lineage: Lineage, field: Field, catalogue: Catalogue): Lineage {
  // Negative numbers are system columns (ctid, tableoid): they carry no stored value.
  if (field.tableOid === 0 || field.column < 0 || lineage.kind === 'unknown') return lineage;
  const relation = catalogue.relationByOid(field.tableOid);
  if (relation === undefined) return mismatch;
  // What the server tells of itself is clean but for the columns that lineage knows to carry data (sql/system.ts).
  if (lineage.kind === 'clean') return systemSchemas.has(relation.schema) ? lineage : mismatch;
  const object = `${relation.schema}.${relation.name}`;
  const column = relation.columns.find((each) => each.attnum === field.column)?.name;
  const known =
    lineage.kind === 'column' ? [lineage.column, ...lineage.through] : [...lineage.from, ...lineage.through];
  const agrees = known.some(
    (each) => sameObject(each.object, object) && (field.column === 0 || each.column === column),
  );
  return agrees ? lineage : mismatch;
}

/** Canonical names quote where SQL would (`public."Orders"`); the catalogue's do not. */
function sameObject(canonical: string, plain: string): boolean {
  return canonical === plain || canonical.replaceAll('"', '') === plain.replaceAll('"', '');
}

/**
 * The types of a COPY's columns: by the catalogue where an output is a column, else text where the format is text, and
 * unknown where it is binary (so that a masked value becomes NULL).
 */
export function typesOf(outputs: Outputs, catalogue: Catalogue, copy: CopyFormat): readonly number[] {
  if (outputs.kind !== 'columns') return [];
  const otherwise = copy.format === 'binary' ? 0 : textOid;
  return outputs.columns.map(
    ({ lineage }) => (lineage.kind === 'column' ? typeOf(lineage.column, catalogue) : undefined) ?? otherwise,
  );
}

const textOid = 25;

function typeOf(ref: ColumnRef, catalogue: Catalogue): number | undefined {
  return relationNamed(catalogue, ref.object)?.columns.find((each) => each.name === ref.column)?.type;
}
