import { as, type Fields, isNode, list, open, stringOf, text } from './tree.ts';

// How an output without an alias is called: FigureColnameInternal() in parse_target.c. A cast's type is a weak name
// (1), which a better one inside takes over; everything else that names is strong (2).
type Strength = 0 | 1 | 2;
type Named = readonly [Strength, string];
const nameless: Named = [0, '?column?'];

/** `firstNames`: of the sub-selects in it, the first output's name. */
export function outputName(node: unknown, firstNames: ReadonlyMap<unknown, string>): string {
  return figure(node, firstNames)[1];
}

const fixed: Readonly<Record<string, string>> = {
  GroupingFunc: 'grouping',
  MergeSupportFunc: 'merge_action',
  A_ArrayExpr: 'array',
  RowExpr: 'row',
  CoalesceExpr: 'coalesce',
  XmlSerialize: 'xmlserialize',
  JsonParseExpr: 'json',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonArrayQueryConstructor: 'json_array',
  JsonObjectAgg: 'json_objectagg',
  JsonArrayAgg: 'json_arrayagg',
};

const byOperation: Readonly<Record<string, string>> = {
  IS_GREATEST: 'greatest',
  IS_LEAST: 'least',
  IS_XMLCONCAT: 'xmlconcat',
  IS_XMLELEMENT: 'xmlelement',
  IS_XMLFOREST: 'xmlforest',
  IS_XMLPARSE: 'xmlparse',
  IS_XMLPI: 'xmlpi',
  IS_XMLROOT: 'xmlroot',
  JSON_EXISTS_OP: 'json_exists',
  JSON_QUERY_OP: 'json_query',
  JSON_VALUE_OP: 'json_value',
  SVFOP_CURRENT_DATE: 'current_date',
  SVFOP_CURRENT_TIME: 'current_time',
  SVFOP_CURRENT_TIME_N: 'current_time',
  SVFOP_CURRENT_TIMESTAMP: 'current_timestamp',
  SVFOP_CURRENT_TIMESTAMP_N: 'current_timestamp',
  SVFOP_LOCALTIME: 'localtime',
  SVFOP_LOCALTIME_N: 'localtime',
  SVFOP_LOCALTIMESTAMP: 'localtimestamp',
  SVFOP_LOCALTIMESTAMP_N: 'localtimestamp',
  SVFOP_CURRENT_ROLE: 'current_role',
  SVFOP_CURRENT_USER: 'current_user',
  SVFOP_USER: 'user',
  SVFOP_SESSION_USER: 'session_user',
  SVFOP_CURRENT_CATALOG: 'current_catalog',
  SVFOP_CURRENT_SCHEMA: 'current_schema',
};

function figure(node: unknown, firstNames: ReadonlyMap<unknown, string>): Named {
  if (!isNode(node)) return nameless;
  const [type, fields] = open(node);
  const inner = (of: unknown): Named => figure(of, firstNames);
  switch (type) {
    case 'ColumnRef':
      return lastString(fields['fields']) ?? nameless;
    case 'A_Indirection':
      return lastString(fields['indirection']) ?? inner(fields['arg']);
    case 'FuncCall':
      return lastString(fields['funcname']) ?? nameless;
    case 'A_Expr':
      return fields['kind'] === 'AEXPR_NULLIF' ? [2, 'nullif'] : nameless;
    case 'CollateClause':
      return inner(fields['arg']);
    case 'TypeCast':
      return weak(inner(fields['arg']), typeWord(fields['typeName']));
    case 'CaseExpr':
      return weak(inner(fields['defresult']), 'case');
    case 'SubLink':
      return ofSubLink(fields, firstNames);
    default:
      return strong(fixed[type] ?? byOperation[text(fields['op']) ?? '']);
  }
}

function strong(name: string | undefined): Named {
  return name === undefined ? nameless : [2, name];
}

function weak(inner: Named, name: string | undefined): Named {
  return inner[0] > 1 || name === undefined ? inner : [1, name];
}

function lastString(parts: unknown): Named | undefined {
  const names = list(parts).flatMap((each) => stringOf(each) ?? []);
  const last = names.at(-1);
  return last === undefined ? undefined : [2, last];
}

function typeWord(typeName: unknown): string | undefined {
  if (typeof typeName !== 'object' || typeName === null) return undefined;
  return lastString((typeName as Fields)['names'])?.[1];
}

function ofSubLink(fields: Fields, firstNames: ReadonlyMap<unknown, string>): Named {
  const kind = fields['subLinkType'];
  if (kind === 'EXISTS_SUBLINK') return [2, 'exists'];
  if (kind === 'ARRAY_SUBLINK') return [2, 'array'];
  if (kind !== 'EXPR_SUBLINK') return nameless;
  return strong(firstNames.get(as(fields['subselect'], 'SelectStmt')));
}
