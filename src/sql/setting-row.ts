import { constantText, isOwnOperator, isSettingName, operatorsNamed } from './calls.ts';
import { firstUserOid } from './functions.ts';
import { nameFrom, rangeVarName, resolveRelation } from './names.ts';
import { type Env, isCte, type Reading } from './reading.ts';
import { as, type Fields, list, text } from './tree.ts';

const textOid = 25;

/**
 * The setting whose row alone a query reads: `FROM pg_settings WHERE name = 'work_mem'`, as pg_dump asks so that a server without
 * the setting does nothing. In its target list, and only there, the column `name` is that constant. Undefined for all else.
 */
export function settingOfRow(reading: Reading, fields: Fields, env: Env): string | undefined {
  const from = list(fields['fromClause']);
  const range = from.length === 1 ? as(from[0], 'RangeVar') : undefined;
  if (range === undefined || range['alias'] !== undefined) return undefined;
  const named = rangeVarName(range);
  if (named.name !== 'pg_settings' || (named.schema === undefined && isCte(env, named.name)))
    return undefined;
  const found = resolveRelation(reading.catalogue, reading.scope, named);
  if (found.kind === 'missing' || found.relation.schema !== 'pg_catalog') return undefined;
  if (found.relation.oid >= firstUserOid) return undefined;
  const where = as(fields['whereClause'], 'A_Expr');
  const operator = nameFrom(where?.['name']);
  if (text(where?.['kind']) !== 'AEXPR_OP' || operator?.name !== '=') return undefined;
  // A literal is taken for the type of the other side, so this very operator is meant (binary_oper_exact, parse_oper.c).
  const equal = operatorsNamed(reading, operator, false).find(
    (each) => each.left === textOid && each.right === textOid,
  );
  if (equal === undefined || !isOwnOperator(equal) || as(where?.['rexpr'], 'A_Const') === undefined)
    return undefined;
  return isSettingName(where?.['lexpr']) ? constantText(where?.['rexpr']) : undefined;
}
