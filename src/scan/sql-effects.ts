import type { Cascade, Relation, RelationKind, Runs } from '../sql/catalogue.ts';
import { knowledge } from '../sql/knowledge.ts';
import { canonicalName, nameFrom, type QualifiedName, rangeVarName } from '../sql/names.ts';
import { as, type Fields, isNode, list, type Node, open, stringOf, text } from '../sql/tree.ts';
import { column, type Model } from './sql-model.ts';

// What a statement of a migration makes of the database that the next one meets.

type Effect = (model: Model, fields: Fields) => void;

/** Applies a statement to the model. What is not here changes nothing that a later statement is judged by. */
export function apply(model: Model, node: Node): void {
  const [type, fields] = open(node);
  effects[type]?.(model, fields);
}

const effects: Readonly<Record<string, Effect>> = {
  CreateStmt: createTable,
  CreateForeignTableStmt: (model, fields) => {
    const base = fields['base'];
    if (isFields(base)) createTable(model, base, 'foreign');
  },
  CreateTableAsStmt: (model, fields) => {
    const into = fields['into'];
    const kind = fields['objtype'] === 'OBJECT_MATVIEW' ? 'materialized' : 'table';
    if (!isFields(into) || !isFields(into['rel'])) return;
    const query = fields['query'];
    const definition =
      kind === 'materialized' && isNode(query) ? { definition: qualified(model, query) } : {};
    model.addRelation(rangeVarName(into['rel']), kind, { ...temporary(into['rel']), ...definition });
  },
  ViewStmt: (model, fields) => {
    const { view, query } = fields;
    if (!isFields(view) || !isNode(query)) return;
    model.addRelation(rangeVarName(view), 'view', {
      ...temporary(view),
      definition: qualified(model, query),
    });
  },
  CreateSeqStmt: (model, fields) => {
    if (isFields(fields['sequence'])) model.addRelation(rangeVarName(fields['sequence']), 'sequence');
  },
  CompositeTypeStmt: (model, fields) => {
    if (isFields(fields['typevar'])) model.addType(rangeVarName(fields['typevar']), { kind: 'composite' });
  },
  CreateEnumStmt: (model, fields) => addNamedType(model, fields['typeName']),
  CreateRangeStmt: (model, fields) => addNamedType(model, fields['typeName']),
  CreateDomainStmt: (model, fields) => {
    const named = nameFrom(fields['domainname']);
    if (named !== undefined)
      model.addType(named, { kind: 'domain', base: typeOf(model, fields['typeName']) });
  },
  DefineStmt: (model, fields) => {
    if (fields['kind'] === 'OBJECT_TYPE') addNamedType(model, fields['defnames']);
  },
  CreateSchemaStmt: (model, fields) => {
    const name = text(fields['schemaname']);
    if (name !== undefined) model.addSchema(name);
    const before = model.searchPath;
    if (name !== undefined) model.setSearchPath([name, ...before]);
    for (const each of list(fields['schemaElts'])) if (isNode(each)) apply(model, each);
    model.setSearchPath(before);
  },
  CreateFunctionStmt: createFunction,
  CreateTrigStmt: createTrigger,
  RuleStmt: (model, fields) => {
    const event = /^CMD_(SELECT|INSERT|UPDATE|DELETE)$/.exec(text(fields['event']) ?? '')?.[1]?.toLowerCase();
    const rule = (['select', 'insert', 'update', 'delete'] as const).find((each) => each === event);
    if (!isFields(fields['relation']) || rule === undefined) return;
    model.changeRelation(rangeVarName(fields['relation']), (relation) => ({
      ...relation,
      rules: [...relation.rules, rule],
    }));
  },
  IndexStmt: (model, fields) => {
    if (fields['unique'] !== true || fields['whereClause'] !== undefined) return;
    const names = list(fields['indexParams']).map((each) => text(as(each, 'IndexElem')?.['name']));
    const columns = names.flatMap((each) => each ?? []);
    if (isFields(fields['relation']) && columns.length === names.length) {
      addKey(model, rangeVarName(fields['relation']), columns);
    }
  },
  AlterTableStmt: alterTable,
  RenameStmt: rename,
  AlterObjectSchemaStmt: (model, fields) => {
    const schema = text(fields['newschema']);
    if (!isFields(fields['relation']) || schema === undefined) return;
    move(model, rangeVarName(fields['relation']), (relation) => ({ ...relation, schema }));
  },
  DropStmt: (model, fields) => {
    if (!droppedKinds.has(text(fields['removeType']) ?? '')) return;
    for (const each of list(fields['objects'])) {
      const named = nameFrom(as(each, 'List')?.['items']);
      if (named !== undefined) model.dropRelation(named);
    }
  },
  VariableSetStmt: (model, fields) => {
    if (text(fields['name'])?.toLowerCase() !== 'search_path') return;
    const values = list(fields['args']).map((each) => constant(each));
    model.setSearchPath(values.length === 0 ? ['public'] : values.flatMap((each) => each ?? []));
  },
  SelectStmt: setConfig,
};

const droppedKinds: ReadonlySet<string> = new Set(
  ['TABLE', 'VIEW', 'MATVIEW', 'SEQUENCE', 'FOREIGN_TABLE'].map((each) => `OBJECT_${each}`),
);

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function temporary(range: Fields): Partial<Relation> {
  return range['relpersistence'] === 't' ? { temporary: true } : {};
}

function addNamedType(model: Model, names: unknown): void {
  const named = nameFrom(names);
  if (named !== undefined) model.addType(named);
}

function typeOf(model: Model, value: unknown): number {
  const fields = isNode(value) ? as(value, 'TypeName') : isFields(value) ? value : undefined;
  const named = nameFrom(fields?.['names']);
  return named === undefined ? 25 : model.typeOid(named);
}

function createTable(model: Model, fields: Fields, kind: RelationKind = 'table'): void {
  const { relation } = fields;
  if (!isFields(relation)) return;
  const named = rangeVarName(relation);
  if (fields['if_not_exists'] === true && model.relation(named) !== undefined) return;
  const parents = list(fields['inhRelations']).flatMap((each) => {
    const range = as(each, 'RangeVar');
    const parent = range === undefined ? undefined : model.relation(rangeVarName(range));
    return parent === undefined ? [] : [parent];
  });
  const made = model.addRelation(named, fields['partspec'] === undefined ? kind : 'partitioned', {
    ...temporary(relation),
    columns: parents.flatMap((each) => each.columns),
    parents: parents.flatMap((each) => [plain(each), ...each.parents]),
  });
  for (const parent of parents) {
    model.changeRelation(parent, (each) => ({ ...each, children: [...each.children, plain(made)] }));
  }
  for (const each of list(fields['tableElts'])) {
    const [type, inner] = isNode(each) ? open(each) : ['', {}];
    if (type === 'ColumnDef') addColumn(model, named, inner);
    else if (type === 'Constraint') addConstraint(model, named, inner, strings(inner['keys']));
  }
}

/** As the catalogue's lists of children and parents name relations. */
function plain({ schema, name }: Relation): string {
  return `${schema}.${name}`;
}

function addColumn(model: Model, of: QualifiedName, fields: Fields): void {
  const name = text(fields['colname']);
  if (name === undefined) return;
  const type = typeOf(model, fields['typeName']);
  model.changeRelation(of, (relation) => ({
    ...relation,
    columns: [
      ...relation.columns.filter((each) => each.name !== name),
      column(name, type, relation.columns.length + 1),
    ],
  }));
  for (const each of list(fields['constraints'])) {
    const constraint = as(each, 'Constraint');
    if (constraint !== undefined) addConstraint(model, of, constraint, [name]);
  }
}

function addConstraint(model: Model, of: QualifiedName, fields: Fields, keys: readonly string[]): void {
  switch (fields['contype']) {
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
      if (fields['deferrable'] !== true) addKey(model, of, keys);
      return;
    case 'CONSTR_FOREIGN':
      addForeignKey(model, of, fields);
      return;
    default:
      return;
  }
}

function addKey(model: Model, of: QualifiedName, columns: readonly string[]): void {
  if (columns.length === 0) return;
  model.changeRelation(of, (relation) => ({ ...relation, keys: [...relation.keys, columns] }));
}

const reactions: Readonly<Record<string, Cascade['onDelete']>> = { c: 'cascade', n: 'set', d: 'set' };

function addForeignKey(model: Model, of: QualifiedName, fields: Fields): void {
  const from = model.relation(of);
  if (!isFields(fields['pktable']) || from === undefined) return;
  const to = rangeVarName(fields['pktable']);
  const columns = strings(fields['pk_attrs']);
  model.addCascade(to, {
    from: plain(from),
    onDelete: reactions[text(fields['fk_del_action']) ?? ''] ?? 'none',
    onUpdate: reactions[text(fields['fk_upd_action']) ?? ''] ?? 'none',
    columns: columns.length > 0 ? columns : (model.relation(to)?.keys[0] ?? []),
  });
}

function strings(value: unknown): readonly string[] {
  return list(value).flatMap((each) => stringOf(each) ?? []);
}

function alterTable(model: Model, fields: Fields): void {
  if (!isFields(fields['relation'])) return;
  const named = rangeVarName(fields['relation']);
  for (const each of list(fields['cmds'])) {
    const command = as(each, 'AlterTableCmd');
    const { def } = command ?? {};
    const name = text(command?.['name']);
    switch (command?.['subtype']) {
      case 'AT_AddColumn':
        addColumn(model, named, as(def, 'ColumnDef') ?? {});
        break;
      case 'AT_DropColumn':
        model.changeRelation(named, (relation) => without(relation, name ?? ''));
        break;
      case 'AT_AddConstraint':
        addConstraint(model, named, as(def, 'Constraint') ?? {}, strings(as(def, 'Constraint')?.['keys']));
        break;
      case 'AT_DropConstraint':
        // Which key it was is not followed: without any, nothing is taken for a change of one row.
        model.changeRelation(named, (relation) => ({ ...relation, keys: [] }));
        break;
      case 'AT_EnableRowSecurity':
        model.changeRelation(named, (relation) => ({ ...relation, rowSecurity: true }));
        break;
      case 'AT_AttachPartition':
        attach(model, named, def);
        break;
      default:
    }
  }
}

function attach(model: Model, named: QualifiedName, def: unknown): void {
  const range = as(def, 'PartitionCmd')?.['name'];
  const child = isFields(range) ? model.relation(rangeVarName(range)) : undefined;
  const parent = model.relation(named);
  if (child === undefined || parent === undefined) return;
  model.changeRelation(child, (each) => ({ ...each, parents: [...each.parents, plain(parent)] }));
  model.changeRelation(named, (each) => ({ ...each, children: [...each.children, plain(child)] }));
}

function without(relation: Relation, name: string): Relation {
  return {
    ...relation,
    columns: relation.columns.filter((each) => each.name !== name),
    keys: relation.keys.filter((key) => !key.includes(name)),
  };
}

function rename(model: Model, fields: Fields): void {
  const to = text(fields['newname']);
  if (!isFields(fields['relation']) || to === undefined) return;
  const named = rangeVarName(fields['relation']);
  const from = text(fields['subname']);
  if (fields['renameType'] === 'OBJECT_COLUMN' && from !== undefined) {
    const renamed = (name: string): string => (name === from ? to : name);
    model.changeRelation(named, (relation) => ({
      ...relation,
      columns: relation.columns.map((each) => ({ ...each, name: renamed(each.name) })),
      keys: relation.keys.map((key) => key.map(renamed)),
    }));
  } else if (from === undefined) move(model, named, (relation) => ({ ...relation, name: to }));
}

/** Another name: what pointed at the old one is not followed, and is then not known. */
function move(model: Model, named: QualifiedName, change: (relation: Relation) => Relation): void {
  const known = model.relation(named);
  if (known === undefined) return;
  const { name, schema, kind, ...rest } = change(known);
  model.dropRelation(named);
  model.addRelation({ schema, name }, kind, { ...rest });
}

function createFunction(model: Model, fields: Fields): void {
  const named = nameFrom(fields['funcname']);
  if (named === undefined) return;
  const given = list(fields['parameters'])
    .map((each) => as(each, 'FunctionParameter'))
    .filter((each) => each !== undefined);
  const inputs = given.filter(({ mode }) => mode !== 'FUNC_PARAM_OUT' && mode !== 'FUNC_PARAM_TABLE');
  const option = (name: string): unknown =>
    list(fields['options'])
      .map((each) => as(each, 'DefElem'))
      .find((each) => each?.['defname'] === name)?.['arg'];
  const volatility = stringOf(option('volatility'));
  model.addRoutine(named, {
    kind: fields['is_procedure'] === true ? 'procedure' : 'function',
    volatility: volatility === 'immutable' || volatility === 'stable' ? volatility : 'volatile',
    securityDefiner: as(option('security'), 'Boolean')?.['boolval'] === true,
    language: stringOf(option('language')) ?? 'sql',
    arguments: inputs.map((each) => typeOf(model, each['argType'])),
    defaults: inputs.filter((each) => each['defexpr'] !== undefined).length,
    variadic: inputs.some((each) => each['mode'] === 'FUNC_PARAM_VARIADIC'),
    returns: typeOf(model, fields['returnType']),
  });
}

// Bits of TRIGGER_TYPE_* (catalog/pg_trigger.h).
const events: readonly (readonly [number, Runs['on']])[] = [
  [4, 'insert'],
  [8, 'delete'],
  [16, 'update'],
  [32, 'truncate'],
];

function createTrigger(model: Model, fields: Fields): void {
  const named = nameFrom(fields['funcname']);
  if (!isFields(fields['relation']) || named === undefined) return;
  const known = knowledge(model.catalogue());
  const schema = named.schema ?? model.placeOf(named).schema;
  const [routine] = model.catalogue().routines(schema, named.name);
  const signature =
    routine === undefined ? `${canonicalName(schema, named.name)}()` : known.signature(routine);
  const mask = Number(fields['events'] ?? 0);
  const runs = events
    .filter(([bit]) => (mask & bit) !== 0)
    .map(([, on]): Runs => ({ on, routine: signature }));
  model.changeRelation(rangeVarName(fields['relation']), (relation) => ({
    ...relation,
    runs: [...relation.runs, ...runs],
  }));
}

function constant(value: unknown): string | undefined {
  const held = as(value, 'A_Const')?.['sval'];
  return isFields(held) ? (text(held['sval']) ?? '') : undefined;
}

/** pg_dump begins with `SELECT pg_catalog.set_config('search_path', '', false)`. */
function setConfig(model: Model, fields: Fields): void {
  const [target, ...others] = list(fields['targetList']);
  const call = as(as(target, 'ResTarget')?.['val'], 'FuncCall');
  if (others.length > 0 || nameFrom(call?.['funcname'])?.name !== 'set_config') return;
  const [name, value] = list(call?.['args']).map(constant);
  if (name?.toLowerCase() === 'search_path' && value !== undefined) {
    model.setSearchPath(value.split(',').map((each) => each.trim()));
  }
}

/** A view's query with every relation under its schema, as the server would print it with an empty search path. */
function qualified(model: Model, query: Node): Node {
  return rewrite(query) as Node; // the same shape, by construction

  function rewrite(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(rewrite);
    if (!isFields(value)) return value;
    const copy = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rewrite(each)]));
    if (typeof copy['relname'] !== 'string' || copy['schemaname'] !== undefined) return copy;
    const found = model.relation(rangeVarName(copy));
    return found === undefined ? copy : { ...copy, schemaname: found.schema };
  }
}
