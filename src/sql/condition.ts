import { isOwnOperator, isPlainOperator, operatorsNamed, typeOf } from './calls.ts';
import type { Operator, Relation } from './catalogue.ts';
import { columnRefParts, nameFrom, type QualifiedName, rangeVarName, resolveRelation } from './names.ts';
import type { Change, Reading } from './reading.ts';
import { as, type Fields, list, text } from './tree.ts';

/**
 * What the WHERE of an UPDATE, DELETE or SELECT on one table says of how many rows it means. `key`: at most one row,
 * because every column of a key is compared with one value by PostgreSQL's own `=`, and all conditions hold together.
 */
export function conditionOf(
  reading: Reading,
  range: Fields | undefined,
  where: unknown,
  alone: boolean,
): Change['condition'] {
  if (where === undefined) return 'none';
  if (!alone || range === undefined) return 'other';
  const resolved = resolveRelation(reading.catalogue, reading.scope, rangeVarName(range));
  if (resolved.kind === 'missing' || resolved.relation.keys.length === 0) return 'other';
  const { relation } = resolved;
  const alias = text((range['alias'] as Fields | undefined)?.['aliasname']);
  const columns = new Set<string>();
  for (const each of conjuncts(where)) {
    const column = equalityColumn(reading, each, alias === undefined ? { relation } : { relation, alias });
    if (column === undefined) return 'other';
    columns.add(column);
  }
  return relation.keys.some((key) => key.every((column) => columns.has(column))) ? 'key' : 'other';
}

function conjuncts(where: unknown): readonly unknown[] {
  const all: unknown[] = [where];
  const found: unknown[] = [];
  for (let each = all.pop(); each !== undefined; each = all.pop()) {
    const bool = as(each, 'BoolExpr');
    if (bool?.['boolop'] === 'AND_EXPR') all.push(...list(bool['args']));
    else found.push(each);
  }
  return found;
}

interface Named {
  readonly relation: Relation;
  readonly alias?: string;
}

/** The column of `column = value`; undefined for anything else. */
function equalityColumn(reading: Reading, value: unknown, named: Named): string | undefined {
  const fields = as(value, 'A_Expr');
  const operator = nameFrom(fields?.['name']);
  if (fields?.['kind'] !== 'AEXPR_OP' || operator?.name !== '=') return undefined;
  const left = columnOf(fields['lexpr'], named);
  const [column, other] =
    left === undefined ? [columnOf(fields['rexpr'], named), fields['lexpr']] : [left, fields['rexpr']];
  const type = named.relation.columns.find((each) => each.name === column)?.type;
  if (column === undefined || type === undefined || !isOwnEqual(reading, operator, type)) return undefined;
  return isOneValue(reading, other, type) ? column : undefined;
}

/** Whether `=` on a column of this type is PostgreSQL's own: operators of users for types of users do not matter. */
function isOwnEqual(reading: Reading, operator: QualifiedName, type: number): boolean {
  if (isPlainOperator(reading, operator, false)) return true;
  const operators = operatorsNamed(reading, operator, false);
  return (
    operators.some(isOwnOperator) &&
    operators.every((each) => isOwnOperator(each) || !fits(reading, each, type))
  );
}

function fits(reading: Reading, { left, right }: Operator, type: number): boolean {
  return [left, right].some((operand) => {
    const pseudo = reading.catalogue.typeByOid(operand)?.kind === 'pseudo';
    const reached = reading.catalogue.casts.some((cast) => cast.source === type && cast.target === operand);
    return operand === type || pseudo || reached;
  });
}

function columnOf(value: unknown, { relation, alias }: Named): string | undefined {
  const reference = as(value, 'ColumnRef');
  if (reference === undefined) return undefined;
  const { parts, star } = columnRefParts(reference);
  if (star) return undefined;
  const [qualifier, column] = parts.length === 1 ? [undefined, parts[0]] : parts;
  if (parts.length > 2 || (qualifier !== undefined && qualifier !== (alias ?? relation.name)))
    return undefined;
  return relation.columns.some((each) => each.name === column) ? column : undefined;
}

/** A constant or a parameter. A cast to another type than the column's could make the comparison match several rows. */
function isOneValue(reading: Reading, value: unknown, type: number): boolean {
  if (as(value, 'ParamRef') !== undefined) return true;
  const constant = as(value, 'A_Const');
  if (constant !== undefined) return constant['isnull'] !== true;
  const cast = as(value, 'TypeCast');
  if (cast === undefined) return false;
  const named = nameFrom((cast['typeName'] as Fields | undefined)?.['names']);
  const target = named === undefined ? undefined : typeOf(reading, named);
  return target?.oid === type && isOneValue(reading, cast['arg'], type);
}
