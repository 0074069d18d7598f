import { flowsIn } from './lineage-expression.ts';
import { clean, constant, derive, openRows, type Rows, unknown } from './lineage-flow.ts';
import { relationItem } from './lineage-relation.ts';
import { codeIn, namesOf, routinesFor } from './lineage-routine.ts';
import { type Item, nowhere, type Reader, type Space } from './lineage-scope.ts';
import { holdsFreeText } from './lineage-system.ts';
import { changesOf, reachFlow } from './lineage-change.ts';
import { byHand, hasReturning, writings } from './lineage-write.ts';
import { rangeVarName, resolveRelation } from './names.ts';
import { as, type Fields, isNode, list, type Node, open, stringOf, text } from './tree.ts';

export type Answer = { readonly kind: 'none' } | { readonly kind: 'rows'; readonly rows: Rows };

const none: Answer = { kind: 'none' };

/** What a statement answers with. Statements not listed here may answer with anything. */
export function answerOf(reader: Reader, statement: Node): Answer {
  const [type, fields] = open(statement);
  const answering = answerings[type];
  if (answering !== undefined) return answering(reader, fields);
  if (writings[type] !== undefined) return written(reader, type, fields);
  if (!silent.has(type)) return unknownRows('a statement that is not understood');
  definition(reader, type, fields);
  return none;
}

const answerings: Readonly<Record<string, (reader: Reader, fields: Fields) => Answer>> = {
  SelectStmt: (reader, fields) => {
    const rows = reader.select(fields, nowhere);
    return hasInto(fields) ? kept(reader, rows) : { kind: 'rows', rows };
  },
  DeclareCursorStmt: (reader, fields) => inner(reader, fields['query']),
  PrepareStmt: (reader, fields) => inner(reader, fields['query']),
  ExplainStmt: (reader, fields) => {
    const answer = inner(reader, fields['query']);
    if (answer.kind === 'rows') swallowed(reader, answer.rows);
    // SECURITY: the planner runs what is declared immutable, and the plan shows the value it gave.
    const planned = reader.uses.coded.filter((each) => each.planned);
    const flow = derive(planned.map((each) => each.flow));
    return {
      kind: 'rows',
      rows: { cells: [{ name: 'QUERY PLAN', value: { flow, scalar: true } }], control: clean },
    };
  },
  CreateTableAsStmt: (reader, fields) => {
    const answer = inner(reader, fields['query']);
    return answer.kind === 'rows' ? kept(reader, answer.rows) : none;
  },
  ViewStmt: (reader, fields) => {
    changesOf['ViewStmt']?.(reader, fields);
    const answer = inner(reader, fields['query']);
    return answer.kind === 'rows' ? swallowed(reader, answer.rows) : none;
  },
  CopyStmt: copy,
  VariableShowStmt: (_, fields) => show(text(fields['name']) ?? ''),
  CallStmt: call,
  // Their rows are those of what they name.
  ExecuteStmt: (reader, fields) => {
    // SECURITY: what was prepared takes a parameter for the client's own value; code can have read it anywhere.
    for (const each of list(fields['params'])) reader.uses.move(reader.value(each, nowhere).flow, []);
    return none;
  },
  FetchStmt: () => none,
};

function unknownRows(why: string): Answer {
  return { kind: 'rows', rows: openRows(unknown(why)) };
}

function inner(reader: Reader, node: unknown): Answer {
  return isNode(node) ? answerOf(reader, node) : unknownRows('a query that is not understood');
}

/** Rows that go into something else than the answer. */
function swallowed(reader: Reader, rows: Rows): Answer {
  for (const cell of rows.cells) reader.uses.output(cell.value.flow);
  if (rows.open !== undefined) reader.uses.output(rows.open);
  return none;
}

/** Rows that go into a new table or a file. */
function kept(reader: Reader, rows: Rows): Answer {
  for (const cell of rows.cells) reader.uses.move(cell.value.flow, []);
  if (rows.open !== undefined) reader.uses.move(rows.open, []);
  return swallowed(reader, rows);
}

function written(reader: Reader, type: string, fields: Fields): Answer {
  const rows =
    writings[type]?.(reader, fields, nowhere) ?? openRows(unknown('a statement that is not understood'));
  return hasReturning(fields) || rows.open !== undefined ? { kind: 'rows', rows } : none;
}

/** `SELECT … INTO`: in a set operation it stands in the first arm. */
function hasInto(fields: Fields): boolean {
  let at: unknown = fields;
  while (typeof at === 'object' && at !== null) {
    if ((at as Fields)['intoClause'] !== undefined) return true;
    at = (at as Fields)['larg'];
  }
  return false;
}

function named(names: readonly string[]): Rows {
  return { cells: names.map((name) => ({ name, value: constant })), control: clean };
}

function copy(reader: Reader, fields: Fields): Answer {
  const toServer = fields['filename'] !== undefined || fields['is_program'] === true;
  if (fields['query'] !== undefined) {
    const answer = inner(reader, fields['query']);
    return toServer && answer.kind === 'rows' ? kept(reader, answer.rows) : answer;
  }
  const item = relationItem(reader, (fields['relation'] ?? {}) as Fields);
  const named = list(fields['attlist']).flatMap((each) => stringOf(each) ?? []);
  if (fields['is_from'] === true) {
    const meant = resolveRelation(
      reader.catalogue,
      reader.scope,
      rangeVarName((fields['relation'] ?? {}) as Fields),
    );
    if (meant.kind === 'relation') byHand(reader, meant.relation);
    copyIn(reader, item, named, fields['whereClause']);
    // A file of the server, or what a program prints there, can hold anything of any table.
    if (toServer) reader.uses.move(reachFlow(undefined), []);
    return none;
  }
  const rows = copied(reader, item, fields, named);
  return toServer ? kept(reader, rows) : { kind: 'rows', rows };
}

/** The columns of COPY: the named ones, else all that are not generated (CopyGetAttnums). */
function copied(reader: Reader, item: Item, fields: Fields, named: readonly string[]): Rows {
  if (item.open !== undefined) return openRows(item.open);
  const meant = rangeVarName((fields['relation'] ?? {}) as Fields);
  const found = resolveRelation(reader.catalogue, reader.scope, meant);
  const columns = found.kind === 'relation' ? found.relation.columns : [];
  const generated = new Set(columns.filter((each) => each.generated).map((each) => each.name));
  const all = item.cells.filter((each) => !generated.has(each.name));
  if (named.length === 0) return { cells: all, control: clean };
  const cells = named.map((name) => item.cells.find((each) => each.name === name));
  const present = cells.flatMap((each) => each ?? []);
  if (present.length === cells.length) return { cells: present, control: clean };
  return openRows(
    unknown(
      'a column that is not there',
      all.map((each) => each.value.flow),
    ),
  );
}

function copyIn(reader: Reader, item: Item, names: readonly string[], where: unknown): void {
  const cells = item.cells.filter((each) => names.length === 0 || names.includes(each.name));
  const flow = derive([
    ...cells.map((each) => each.value.flow),
    ...(item.open === undefined ? [] : [item.open]),
  ]);
  reader.uses.write([...flow.from.values(), ...flow.through.values()]);
  if (where !== undefined) reader.uses.filter(reader.value(where, over(item)).flow);
}

function over(item: Item): Space {
  return { ...nowhere, items: [item] };
}

// GetConfigOptionByName() gives the name as PostgreSQL spells it.
const spelled: Readonly<Record<string, string>> = {
  datestyle: 'DateStyle',
  intervalstyle: 'IntervalStyle',
  timezone: 'TimeZone',
};

function show(setting: string): Answer {
  const lower = setting.toLowerCase();
  if (lower === 'all') return { kind: 'rows', rows: named(['name', 'setting', 'description']) };
  if (!holdsFreeText(setting)) return { kind: 'rows', rows: named([spelled[lower] ?? lower]) };
  const flow = unknown('a setting can have been filled with any text');
  return {
    kind: 'rows',
    rows: { cells: [{ name: setting, value: { flow, scalar: true } }], control: clean },
  };
}

const voidType = 2278;

/** A procedure with OUT arguments answers with one row. */
function call(reader: Reader, fields: Fields): Answer {
  const made = (fields['funccall'] ?? {}) as Fields;
  const args = list(made['args']).map((each) =>
    reader.value(as(each, 'NamedArgExpr')?.['arg'] ?? each, nowhere),
  );
  reader.uses.output(derive(args.map((each) => each.flow)));
  const routines = routinesFor(reader, namesOf(made['funcname']), args);
  const code = codeIn(reader, routines);
  if (code?.writes === true) reader.uses.move(derive([code.flow, ...args.map((each) => each.flow)]), []);
  const quiet = routines.length > 0 && routines.every((each) => each.returns === voidType);
  return quiet ? none : unknownRows('what a procedure gives back');
}

// ---------------------------------------------------------------------------------------------- definitions

// Statements that never answer with rows. What is in neither table is taken to answer with anything.
const silent: ReadonlySet<string> = new Set(
  `AlterCollation AlterDatabaseRefreshColl AlterDatabaseSet AlterDatabase AlterDefaultPrivileges AlterDomain AlterEnum
  AlterEventTrig AlterExtensionContents AlterExtension AlterFdw AlterForeignServer AlterFunction AlterObjectDepends
  AlterObjectSchema AlterOpFamily AlterOperator AlterOwner AlterPolicy AlterPublication AlterRoleSet AlterRole AlterSeq
  AlterStats AlterSubscription AlterSystem AlterTSConfiguration AlterTSDictionary AlterTableMoveAll
  AlterTableSpaceOptions AlterTable AlterType AlterUserMapping CheckPoint ClosePortal Cluster Comment CompositeType
  ConstraintsSet CreateAm CreateCast CreateConversion CreateDomain CreateEnum CreateEventTrig CreateExtension CreateFdw
  CreateForeignServer CreateForeignTable CreateFunction CreateOpClass CreateOpFamily CreatePLang CreatePolicy
  CreatePublication CreateRange CreateRole CreateSchema CreateSeq CreateStats Create CreateSubscription
  CreateTableSpace CreateTransform CreateTrig CreateUserMapping Createdb Deallocate Define Discard Do DropOwned DropRole
  Drop DropSubscription DropTableSpace DropUserMapping Dropdb GrantRole Grant ImportForeignSchema Index Listen Load
  Lock Notify ReassignOwned RefreshMatView Reindex Rename ReplicaIdentity Rule SecLabel Transaction Truncate Unlisten
  Vacuum VariableSet`
    .split(/\s+/)
    .map((each) => `${each}Stmt`),
);

/** Where a definition names the relation whose columns its expressions use, and how it uses them. */
const about: Readonly<Record<string, readonly ['relation' | 'table', 'filter' | 'output']>> = {
  // A generated column or a changed type carries values on.
  AlterTableStmt: ['relation', 'output'],
  IndexStmt: ['relation', 'filter'],
  CreatePolicyStmt: ['table', 'filter'],
  AlterPolicyStmt: ['table', 'filter'],
  CreateTrigStmt: ['relation', 'filter'],
};

function definition(reader: Reader, type: string, fields: Fields): void {
  changesOf[type]?.(reader, fields);
  const [field, use] = about[type] ?? [];
  if (field === undefined || use === undefined) {
    for (const select of queriesIn(fields)) swallowed(reader, reader.rows(select, nowhere));
    return;
  }
  const item = relationItem(reader, (fields[field] ?? {}) as Fields);
  const { [field]: _, ...rest } = fields;
  reader.uses[use](derive(flowsIn(reader, rest, over(item))));
  for (const name of indexed(fields)) {
    const cell = item.cells.find((each) => each.name === name);
    reader.uses[use](cell?.value.flow ?? item.open ?? clean);
  }
}

/** Columns that an index names without an expression. */
function indexed(fields: Fields): readonly string[] {
  const elements = [...list(fields['indexParams']), ...list(fields['indexIncludingParams'])];
  return elements.flatMap((each) => text(as(each, 'IndexElem')?.['name']) ?? []);
}

function queriesIn(inside: unknown): readonly Node[] {
  if (Array.isArray(inside)) return inside.flatMap(queriesIn);
  if (typeof inside !== 'object' || inside === null) return [];
  if (isNode(inside) && (as(inside, 'SelectStmt') !== undefined || writings[open(inside)[0]] !== undefined))
    return [inside];
  return Object.values(inside).flatMap(queriesIn);
}
