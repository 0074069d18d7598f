/**
 * What the gateway's own connection asks of pg_catalog: PostgreSQL 13 to 18, nothing a plain role may not read. Every
 * relation is written with its schema, so that a temporary one cannot take its place; names are given as JSON, since
 * they may hold any character.
 */

// Objects that initdb made have oids below FirstNormalObjectId (PostgreSQL source, access/transam.h).
export const firstUserOid = 16_384;

/** One row: database, role, version number. */
export const facts: string = `SELECT current_database(), current_user, current_setting('server_version_num')`;

/** nspname */
export const schemas: string = `SELECT nspname FROM pg_catalog.pg_namespace ORDER BY oid`;

/** oid, schema, name, relkind, temporary, row security */
export const relations: string = `
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence = 't', c.relrowsecurity
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`;

/** relation, attnum, name, type, collation, generated ('', 's', 'v'), comment and labels of it and of its relation. Of indexes and toast tables nobody asks. */
export const columns: string = `
  SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.attcollation, a.attgenerated, NULLIF(
    pg_catalog.concat_ws(' ', d.description, t.description, 'sallyport:' || l.label, 'sallyport:' || m.label), '')
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind NOT IN ('i', 'I', 't')
  LEFT JOIN pg_catalog.pg_description d
    ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid = a.attrelid AND d.objsubid = a.attnum
  LEFT JOIN pg_catalog.pg_description t ON t.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND t.objoid = a.attrelid AND t.objsubid = 0 AND a.attrelid >= ${firstUserOid}
  LEFT JOIN pg_catalog.pg_seclabel l ON l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND l.objoid = a.attrelid AND l.objsubid = a.attnum AND l.provider = 'sallyport'
  LEFT JOIN pg_catalog.pg_seclabel m ON m.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND m.objoid = a.attrelid AND m.objsubid = 0 AND m.provider = 'sallyport'
  WHERE a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attrelid, a.attnum`;

/** relation, key columns ("1 2 5", INCLUDE ones last), how many are key, operator classes, collations */
export const keys: string = `
  SELECT i.indrelid, i.indkey::text, i.indnkeyatts, i.indclass::text, i.indcollation::text
  FROM pg_catalog.pg_index i
  WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indisready AND i.indislive
    AND NOT i.indisexclusion AND i.indpred IS NULL AND i.indexprs IS NULL`;

/** The operator classes that are their type's own. */
export const defaultClasses: string = `SELECT oid FROM pg_catalog.pg_opclass WHERE opcdefault`;

/** referenced relation, referencing relation, on delete, on update, JSON list of referenced columns */
export const cascades: string = `
  SELECT f.confrelid, f.conrelid, f.confdeltype, f.confupdtype,
    (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute a
     WHERE a.attrelid = f.confrelid AND a.attnum = ANY (f.confkey))
  FROM pg_catalog.pg_constraint f
  WHERE f.contype = 'f'`;

/** child, parent */
export const inherits: string = `SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits`;

/** view, its query as text */
export const views: string = `
  SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid) FROM pg_catalog.pg_class c WHERE c.relkind IN ('v', 'm')`;

export const viewOids: string = `SELECT oid FROM pg_catalog.pg_class WHERE relkind IN ('v', 'm')`;

export function viewOf(oid: number): string {
  return `SELECT pg_catalog.pg_get_viewdef(${oid}::pg_catalog.oid)`;
}

/**
 * catalogue, object, relation (0: of a type), type (0: of a relation), what it is, detail.
 * trigger: tgtype (bits) · rule: ev_type · policy: polcmd · default: attgenerated · constraint: contype · index: ''
 */
export const sources: string = `
  SELECT 'pg_trigger', t.oid, t.tgrelid, 0, 'trigger', t.tgtype::text
    FROM pg_catalog.pg_trigger t WHERE t.tgenabled <> 'D' AND (NOT t.tgisinternal OR t.tgfoid >= ${firstUserOid})
  UNION ALL
  SELECT 'pg_rewrite', r.oid, r.ev_class, 0, 'rule', r.ev_type::text
    FROM pg_catalog.pg_rewrite r WHERE r.rulename <> '_RETURN' AND r.ev_enabled <> 'D'
  UNION ALL
  SELECT 'pg_policy', p.oid, p.polrelid, 0, 'policy', p.polcmd::text FROM pg_catalog.pg_policy p
  UNION ALL
  SELECT 'pg_attrdef', d.oid, d.adrelid, 0, 'default', a.attgenerated::text
    FROM pg_catalog.pg_attrdef d
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  UNION ALL
  SELECT 'pg_constraint', k.oid, k.conrelid, k.contypid, 'constraint', k.contype::text
    FROM pg_catalog.pg_constraint k WHERE k.oid >= ${firstUserOid}
  UNION ALL
  SELECT 'pg_class', i.indexrelid, i.indrelid, 0, 'index', ''
    FROM pg_catalog.pg_index i WHERE i.indexrelid >= ${firstUserOid}
  UNION ALL
  SELECT 'pg_class', p.partrelid, p.partrelid, 0, 'index', '' FROM pg_catalog.pg_partitioned_table p
  UNION ALL
  SELECT 'pg_type', t.oid, 0, t.oid, 'type', '' FROM pg_catalog.pg_type t WHERE t.oid >= ${firstUserOid}`;

/** catalogue, object, what it needs ('pg_proc', 'pg_operator', 'pg_type', 'pg_opclass'), which. Only what users made: the server's own is pinned and has no rows here. */
export const dependencies: string = `
  SELECT c.relname, d.objid, r.relname, d.refobjid
  FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_class c ON c.oid = d.classid
  JOIN pg_catalog.pg_class r ON r.oid = d.refclassid
  WHERE d.classid IN ('pg_catalog.pg_trigger'::pg_catalog.regclass, 'pg_catalog.pg_rewrite'::pg_catalog.regclass,
      'pg_catalog.pg_policy'::pg_catalog.regclass, 'pg_catalog.pg_attrdef'::pg_catalog.regclass,
      'pg_catalog.pg_constraint'::pg_catalog.regclass, 'pg_catalog.pg_class'::pg_catalog.regclass,
      'pg_catalog.pg_type'::pg_catalog.regclass)
    AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass,
      'pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_opclass'::pg_catalog.regclass)
    AND d.objid >= ${firstUserOid} AND d.refobjid >= ${firstUserOid}`;

/**
 * catalogue, object, function: PostgreSQL's own volatile functions inside stored expressions, which pg_depend does not
 * name because they are pinned. The printed tree names each call by oid (nodes/primnodes.h: funcid, opfuncid, …).
 * What only makes a value up is left out; nextval too where it is a column's default, as every serial column has it.
 */
export const ownCalls: string = `
  SELECT DISTINCT e.source, e.object, p.oid
  FROM (
    SELECT 'pg_trigger' AS source, oid AS object, tgqual::text AS tree FROM pg_catalog.pg_trigger
    UNION ALL SELECT 'pg_rewrite', oid, ev_action::text || ev_qual::text FROM pg_catalog.pg_rewrite WHERE rulename <> '_RETURN'
    UNION ALL SELECT 'pg_policy', oid, pg_catalog.concat(polqual::text, polwithcheck::text) FROM pg_catalog.pg_policy
    UNION ALL SELECT 'pg_attrdef', oid, adbin::text FROM pg_catalog.pg_attrdef
    UNION ALL SELECT 'pg_constraint', oid, conbin::text FROM pg_catalog.pg_constraint WHERE contype = 'c' AND oid >= ${firstUserOid}
    UNION ALL SELECT 'pg_class', indexrelid, pg_catalog.concat(indexprs::text, indpred::text) FROM pg_catalog.pg_index
      WHERE indexprs IS NOT NULL OR indpred IS NOT NULL
    UNION ALL SELECT 'pg_class', partrelid, partexprs::text FROM pg_catalog.pg_partitioned_table WHERE partexprs IS NOT NULL
    UNION ALL SELECT 'pg_type', oid, typdefaultbin::text FROM pg_catalog.pg_type WHERE typdefaultbin IS NOT NULL
  ) AS e
  CROSS JOIN LATERAL pg_catalog.regexp_matches(e.tree, ':(?:funcid|opfuncid|hashfuncid|negfuncid|aggfnoid|winfnoid) (\\d+)', 'g') AS m (ids)
  JOIN pg_catalog.pg_proc p ON p.oid = m.ids[1]::pg_catalog.oid
  WHERE p.oid < ${firstUserOid} AND p.provolatile = 'v'
    AND p.proname NOT IN ('currval', 'lastval', 'random', 'random_normal', 'gen_random_uuid', 'uuidv4', 'uuidv7',
      'clock_timestamp', 'timeofday')
    AND NOT (p.proname = 'nextval' AND e.source IN ('pg_attrdef', 'pg_type'))`;

/** opclass, function: what an index with an operator class of a user runs. */
export const classFunctions: string = `
  SELECT o.oid, p.amproc::pg_catalog.oid
  FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_amproc p ON p.amprocfamily = o.opcfamily
  WHERE o.oid >= ${firstUserOid}`;

/**
 * oid, schema, name, prokind, provolatile, security definer, owner, language, argument types ("23 25"), defaults,
 * variadic, returns, set, extension, JSON list of OUT and TABLE columns, signature's types as text
 */
export const functions: string = `
  SELECT p.oid, n.nspname, p.proname, p.prokind, p.provolatile, p.prosecdef,
    pg_catalog.pg_get_userbyid(p.proowner), l.lanname, p.proargtypes::text, p.pronargdefaults, p.provariadic <> 0,
    p.prorettype, p.proretset, e.extname,
    CASE WHEN p.proargmodes IS NULL THEN NULL ELSE
      (SELECT pg_catalog.json_agg(p.proargnames[m.at] ORDER BY m.at)
       FROM pg_catalog.unnest(p.proargmodes) WITH ORDINALITY AS m (mode, at) WHERE m.mode IN ('o', 'b', 't')) END,
    pg_catalog.oidvectortypes(p.proargtypes),
    CASE WHEN p.oid >= ${firstUserOid} AND p.prokind IN ('f', 'p') AND l.lanname IN ('sql', 'plpgsql')
      THEN pg_catalog.pg_get_functiondef(p.oid) END
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
  LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid`;

/** aggregate, its functions ("12 34") */
export const aggregates: string = `
  SELECT a.aggfnoid::pg_catalog.oid,
    pg_catalog.concat_ws(' ', aggtransfn::pg_catalog.oid, aggfinalfn::pg_catalog.oid, aggcombinefn::pg_catalog.oid,
      aggserialfn::pg_catalog.oid, aggdeserialfn::pg_catalog.oid, aggmtransfn::pg_catalog.oid,
      aggminvtransfn::pg_catalog.oid, aggmfinalfn::pg_catalog.oid, o.oprcode::pg_catalog.oid)
  FROM pg_catalog.pg_aggregate a LEFT JOIN pg_catalog.pg_operator o ON o.oid = a.aggsortop`;

/** oid, schema, name, left, right, function */
export const operators: string = `
  SELECT o.oid, n.nspname, o.oprname, o.oprleft, o.oprright, o.oprcode::pg_catalog.oid
  FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace`;

/**
 * source, target, function, method. A range's cast to its multirange is made by the server with the type and runs
 * nothing of a user's: it counts as binary. pg_range has no rngmultitypid before 14.
 */
export const casts: string = `
  SELECT c.castsource, c.casttarget, CASE WHEN own.it THEN 0 ELSE c.castfunc END,
    CASE WHEN own.it THEN 'b' ELSE c.castmethod END
  FROM pg_catalog.pg_cast c
  CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_catalog.pg_range r
    WHERE r.rngtypid = c.castsource AND pg_catalog.to_jsonb(r) ->> 'rngmultitypid' = c.casttarget::text)) AS own (it)`;

/** oid, schema, name, typtype, element, base, relation, its functions ("12 34"), subtype of a range or range of a multirange */
export const types: string = `
  SELECT t.oid, n.nspname, t.typname, t.typtype,
    CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END, t.typbasetype, t.typrelid,
    pg_catalog.concat_ws(' ', t.typinput::pg_catalog.oid, t.typoutput::pg_catalog.oid, t.typreceive::pg_catalog.oid,
      t.typsend::pg_catalog.oid, t.typmodin::pg_catalog.oid, t.typmodout::pg_catalog.oid,
      r.rngcanonical::pg_catalog.oid, r.rngsubdiff::pg_catalog.oid),
    CASE WHEN t.typtype = 'm' THEN (SELECT m.rngtypid FROM pg_catalog.pg_range m
      WHERE pg_catalog.to_jsonb(m) ->> 'rngmultitypid' = t.oid::text) ELSE COALESCE(r.rngsubtype, 0) END
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid`;

// Each: catalogue, oid of a row, what else names it, condition. A row that is changed gets another xmin; one that is
// added or removed changes the sum. Maintenance (VACUUM, ANALYZE) writes in place and changes neither.
const watched: readonly (readonly [name: string, oid: string, also?: string, where?: string])[] = [
  ['pg_namespace', 'oid'],
  ['pg_class', 'oid'],
  ['pg_attribute', 'attrelid', 'attnum', `attrelid >= ${firstUserOid} AND attnum > 0`],
  ['pg_attrdef', 'oid'],
  ['pg_description', 'objoid', 'objsubid', `objoid >= ${firstUserOid}`],
  ['pg_seclabel', 'objoid', 'objsubid'],
  ['pg_index', 'indexrelid'],
  ['pg_opclass', 'oid'],
  ['pg_constraint', 'oid'],
  ['pg_inherits', 'inhrelid', 'inhseqno'],
  ['pg_partitioned_table', 'partrelid'],
  ['pg_rewrite', 'oid'],
  ['pg_trigger', 'oid'],
  ['pg_policy', 'oid'],
  ['pg_proc', 'oid'],
  ['pg_aggregate', 'aggfnoid::pg_catalog.oid'],
  ['pg_operator', 'oid'],
  ['pg_amproc', 'oid'],
  ['pg_cast', 'oid'],
  ['pg_type', 'oid'],
  ['pg_range', 'rngtypid'],
  ['pg_description', 'objoid', 'objsubid', `objoid >= ${firstUserOid}`],
  ['pg_depend', 'objid', 'refobjid::pg_catalog.int8', `deptype = 'e'`],
];

/** One row, one column. */
export const version: string = `
  SELECT pg_catalog.md5(pg_catalog.concat_ws(' ', current_database(), current_user, version(),
    (SELECT pg_catalog.string_agg(oid || rolname, ' ' ORDER BY oid) FROM pg_catalog.pg_roles),
    ${watched.map(fingerprint).join(',\n    ')}))`;

function fingerprint([name, oid, also, where]: (typeof watched)[number]): string {
  // xmin has no hash function before 18 and no cast to a number but by its text.
  const seed = also === undefined ? 'xmin::text::int8' : `xmin::text::int8 * 4096 + ${also}`;
  const condition = where === undefined ? '' : ` WHERE ${where}`;
  return `(SELECT pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(pg_catalog.hashoidextended(${oid}, ${seed})))
     FROM pg_catalog.${name}${condition})`;
}

/** One row, one column, at no cost: equal answers mean that no transaction that wrote anything ended between them. */
export const snapshot: string = `SELECT pg_catalog.pg_current_snapshot()::text`;
