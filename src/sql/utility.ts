import type { Access } from '../core/action.ts';
import { addRoutine, addSetting, constantText, routinesNamed, visitCall } from './calls.ts';
import { addObject, alterRelation, createRelation, partsOf, placed } from './define.ts';
import type { Handler } from './access.ts';
import { canonicalName, creationSchema, nameFrom, quoted, relationName } from './names.ts';
import { add, addUnknown, type Env, type Reading } from './reading.ts';
import { lockedBy, rangeVarFields, relationOf, touch, touchRangeVar } from './touch.ts';
import { as, type Fields, isNode, list, open, text } from './tree.ts';

// Tables: every statement that is not a query or a change of rows. One row each; what is not here is unknown.

/** A part of the server or of its rights, as a whole. */
function administers(type: string, kind: string, ...nameFields: readonly string[]): Handler {
  return (reading, fields, env) => {
    const name = nameFields.map((each) => partsOf(fields[each])).find((each) => each !== undefined);
    add(reading, kind, name === undefined ? '*' : name.map(quoted).join('.'), 'administer');
    // Relations and names in it are what is administered, not read; expressions are still followed.
    reading.children(type, fields, env, nameFields);
  };
}

/** Something with a schema is made or changed. */
function defines(type: string, kind: string, nameField: string, access: Access = 'define'): Handler {
  return (reading, fields, env) => {
    addMade(reading, kind, fields[nameField], access);
    reading.children(type, fields, env, [nameField]);
  };
}

function addMade(reading: Reading, kind: string, name: unknown, access: Access): void {
  const parts = partsOf(name);
  const named = parts?.length === 1 ? [creationSchema(reading.scope), ...parts] : parts;
  const known = named?.flatMap((each) => each ?? []);
  add(reading, kind, known === undefined ? '*' : known.map(quoted).join('.'), access);
}

const quiet: Handler = () => {};

export const utilities: Readonly<Record<string, Handler>> = {
  // Tables and what stands on them.
  CreateStmt: (reading, fields, env) => create(reading, fields, env, 'CreateStmt'),
  CreateForeignTableStmt: (reading, fields, env) => {
    const base = fields['base'] as Fields | undefined;
    if (base !== undefined) create(reading, base, env, 'CreateStmt');
    add(reading, 'foreign-server', text(fields['servername']) ?? '*', 'administer');
  },
  CreateTableAsStmt: (reading, fields, env) => {
    const into = (fields['into'] ?? {}) as Fields;
    createRelation(reading, rangeVarFields(into['rel']));
    reading.children('IntoClause', into, env, ['rel']);
    reading.children('CreateTableAsStmt', fields, env, ['into']);
  },
  ViewStmt: (reading, fields, env) => {
    const view = rangeVarFields(fields['view']);
    createRelation(reading, view);
    reading.children('ViewStmt', fields, env, ['view']);
  },
  IndexStmt: (reading, fields, env) => {
    alterRelation(reading, rangeVarFields(fields['relation']));
    reading.children('IndexStmt', fields, env, ['relation', 'excludeOpNames']);
  },
  CreateStatsStmt: (reading, fields, env) => {
    for (const each of list(fields['relations'])) alterRelation(reading, rangeVarFields(each));
    reading.children('CreateStatsStmt', fields, env, ['relations', 'defnames']);
  },
  AlterStatsStmt: defines('AlterStatsStmt', 'object', 'defnames'),
  CreateSeqStmt: (reading, fields, env) => {
    createRelation(reading, rangeVarFields(fields['sequence']), 'sequence');
    ownedBy(reading, fields);
    reading.children('CreateSeqStmt', fields, env, ['sequence', 'options']);
  },
  AlterSeqStmt: (reading, fields) => {
    alterRelation(reading, rangeVarFields(fields['sequence']));
    ownedBy(reading, fields);
  },
  AlterTableStmt: alterTable,
  AlterTableMoveAllStmt: administers('AlterTableMoveAllStmt', 'tablespace', 'orig_tablespacename'),
  CreateTrigStmt: (reading, fields, env) => {
    alterRelation(reading, rangeVarFields(fields['relation']));
    const named = nameFrom(fields['funcname']);
    // A trigger is a call that comes later: the function is noted as one.
    for (const each of named === undefined ? [] : routinesNamed(reading, named, 0)) addRoutine(reading, each);
    if (fields['constrrel'] !== undefined) alterRelation(reading, rangeVarFields(fields['constrrel']));
    reading.children('CreateTrigStmt', fields, env, ['relation', 'funcname', 'constrrel', 'columns']);
  },
  // The actions are kept, not run: what they do shows when the catalogue says that the table has rules.
  RuleStmt: (reading, fields) => alterRelation(reading, rangeVarFields(fields['relation']), 'administer'),
  CreatePolicyStmt: policy('CreatePolicyStmt'),
  AlterPolicyStmt: policy('AlterPolicyStmt'),
  RefreshMatViewStmt: refresh,
  DropStmt: drop,
  TruncateStmt: (reading, fields) => {
    reading.found.verbs.add('sql.truncate');
    reading.found.changes.push({ condition: 'none' });
    const cascade = fields['behavior'] === 'DROP_CASCADE';
    for (const each of list(fields['relations'])) {
      const range = rangeVarFields(each);
      if (range !== undefined) touchRangeVar(reading, range, 'truncate', { cascade });
    }
  },
  CommentStmt: (reading, fields) => addObject(reading, fields['objtype'], fields['object']),
  SecLabelStmt: (reading, fields) =>
    addObject(reading, fields['objtype'], fields['object'], { least: 'administer' }),
  RenameStmt: (reading, fields) =>
    addObject(reading, fields['renameType'], fields['object'] ?? fields['subname'], {
      relation: rangeVarFields(fields['relation']),
    }),
  AlterObjectSchemaStmt: (reading, fields) =>
    addObject(reading, fields['objectType'], fields['object'], {
      relation: rangeVarFields(fields['relation']),
    }),
  AlterObjectDependsStmt: (reading, fields) =>
    addObject(reading, fields['objectType'], fields['object'], {
      relation: rangeVarFields(fields['relation']),
    }),
  AlterOwnerStmt: (reading, fields) =>
    addObject(reading, fields['objectType'], fields['object'], {
      relation: rangeVarFields(fields['relation']),
      least: 'administer',
    }),

  // Schemas, types, functions, operators.
  CreateSchemaStmt: (reading, fields, env) => {
    const role = text((fields['authrole'] as Fields | undefined)?.['rolename']);
    const schema = text(fields['schemaname']) ?? role ?? '*';
    add(reading, 'schema', quoted(schema), 'define');
    // What it makes stands in the new schema, whatever the search path says; the names it uses are looked up there first.
    const inside: Reading = { ...reading, scope: { searchPath: [schema, ...reading.scope.searchPath] } };
    for (const each of list(fields['schemaElts'])) insideSchema(inside, each, env);
  },
  CreateFunctionStmt: createFunction,
  AlterFunctionStmt: (reading, fields) => {
    const access = runsAsOwner(fields['actions']) ? 'administer' : 'define';
    const parts = partsOf((fields['func'] as Fields | undefined)?.['objname']) ?? ['*'];
    for (const name of placed(reading, 'function', parts)) add(reading, 'function', name, access);
  },
  DefineStmt: (reading, fields) => {
    const kind = defineKinds[text(fields['kind']) ?? ''] ?? 'object';
    addMade(reading, kind, fields['defnames'], 'define');
  },
  CompositeTypeStmt: (reading, fields, env) => {
    createRelation(reading, rangeVarFields(fields['typevar']), 'type');
    reading.children('CompositeTypeStmt', fields, env, ['typevar']);
  },
  CreateEnumStmt: defines('CreateEnumStmt', 'type', 'typeName'),
  CreateRangeStmt: (reading, fields) => addMade(reading, 'type', fields['typeName'], 'define'),
  CreateDomainStmt: defines('CreateDomainStmt', 'type', 'domainname'),
  AlterDomainStmt: defines('AlterDomainStmt', 'type', 'typeName'),
  AlterEnumStmt: defines('AlterEnumStmt', 'type', 'typeName'),
  AlterTypeStmt: (reading, fields) => addMade(reading, 'type', fields['typeName'], 'administer'),
  AlterOperatorStmt: (reading, fields) =>
    add(
      reading,
      'object',
      partsOf((fields['opername'] as Fields | undefined)?.['objname'])?.join('.') ?? '*',
      'define',
    ),
  AlterCollationStmt: defines('AlterCollationStmt', 'object', 'collname'),
  AlterTSDictionaryStmt: (reading, fields) => addMade(reading, 'object', fields['dictname'], 'define'),
  AlterTSConfigurationStmt: (reading, fields) => addMade(reading, 'object', fields['cfgname'], 'define'),
  // They change what other people's statements run.
  CreateCastStmt: (reading) => add(reading, 'object', '*', 'administer'),
  CreateTransformStmt: (reading) => add(reading, 'object', '*', 'administer'),
  CreateConversionStmt: (reading, fields) =>
    addMade(reading, 'object', fields['conversion_name'], 'administer'),
  CreateOpClassStmt: (reading, fields) => addMade(reading, 'object', fields['opclassname'], 'administer'),
  CreateOpFamilyStmt: (reading, fields) => addMade(reading, 'object', fields['opfamilyname'], 'administer'),
  AlterOpFamilyStmt: (reading, fields) => addMade(reading, 'object', fields['opfamilyname'], 'administer'),
  CreateAmStmt: (reading) => add(reading, 'object', '*', 'administer'),
  CreatePLangStmt: (reading, fields) => add(reading, 'language', text(fields['plname']) ?? '*', 'administer'),

  // Rights.
  GrantStmt: grant,
  GrantRoleStmt: (reading) => add(reading, 'role', '*', 'administer'),
  AlterDefaultPrivilegesStmt: (reading) => add(reading, 'role', '*', 'administer'),
  DropOwnedStmt: (reading) => add(reading, 'role', '*', 'administer'),
  ReassignOwnedStmt: (reading) => add(reading, 'role', '*', 'administer'),
  CreateRoleStmt: administers('CreateRoleStmt', 'role', 'role'),
  AlterRoleStmt: (reading) => add(reading, 'role', '*', 'administer'),
  AlterRoleSetStmt: (reading, fields) => setElsewhere(reading, 'role', fields),
  DropRoleStmt: (reading) => add(reading, 'role', '*', 'administer'),

  // The server.
  CreatedbStmt: administers('CreatedbStmt', 'database', 'dbname'),
  AlterDatabaseStmt: administers('AlterDatabaseStmt', 'database', 'dbname'),
  AlterDatabaseSetStmt: (reading, fields) => setElsewhere(reading, 'database', fields),
  AlterDatabaseRefreshCollStmt: administers('AlterDatabaseRefreshCollStmt', 'database', 'dbname'),
  DropdbStmt: administers('DropdbStmt', 'database', 'dbname'),
  CreateTableSpaceStmt: administers('CreateTableSpaceStmt', 'tablespace', 'tablespacename'),
  AlterTableSpaceOptionsStmt: administers('AlterTableSpaceOptionsStmt', 'tablespace', 'tablespacename'),
  DropTableSpaceStmt: administers('DropTableSpaceStmt', 'tablespace', 'tablespacename'),
  CreateExtensionStmt: administers('CreateExtensionStmt', 'extension', 'extname'),
  AlterExtensionStmt: administers('AlterExtensionStmt', 'extension', 'extname'),
  AlterExtensionContentsStmt: (reading, fields) =>
    add(reading, 'extension', text(fields['extname']) ?? '*', 'administer'),
  CreateFdwStmt: (reading, fields) =>
    add(reading, 'foreign-server', text(fields['fdwname']) ?? '*', 'administer'),
  AlterFdwStmt: (reading, fields) =>
    add(reading, 'foreign-server', text(fields['fdwname']) ?? '*', 'administer'),
  CreateForeignServerStmt: administers('CreateForeignServerStmt', 'foreign-server', 'servername'),
  AlterForeignServerStmt: administers('AlterForeignServerStmt', 'foreign-server', 'servername'),
  CreateUserMappingStmt: administers('CreateUserMappingStmt', 'foreign-server', 'servername'),
  AlterUserMappingStmt: administers('AlterUserMappingStmt', 'foreign-server', 'servername'),
  DropUserMappingStmt: administers('DropUserMappingStmt', 'foreign-server', 'servername'),
  ImportForeignSchemaStmt: (reading, fields) => {
    add(reading, 'foreign-server', text(fields['server_name']) ?? '*', 'administer');
    add(reading, 'schema', quoted(text(fields['local_schema']) ?? '*'), 'define');
  },
  CreateEventTrigStmt: (reading) => add(reading, 'event-trigger', '*', 'administer'),
  AlterEventTrigStmt: (reading) => add(reading, 'event-trigger', '*', 'administer'),
  CreatePublicationStmt: (reading) => add(reading, 'publication', '*', 'administer'),
  AlterPublicationStmt: (reading) => add(reading, 'publication', '*', 'administer'),
  CreateSubscriptionStmt: (reading) => add(reading, 'subscription', '*', 'administer'),
  AlterSubscriptionStmt: (reading) => add(reading, 'subscription', '*', 'administer'),
  DropSubscriptionStmt: (reading) => add(reading, 'subscription', '*', 'administer'),
  AlterSystemStmt: (reading, fields) => {
    const name = text((fields['setstmt'] as Fields | undefined)?.['name']);
    if (name !== undefined) reading.found.settings.add(name.toLowerCase());
    add(reading, 'setting', name ?? '*', 'administer');
  },
  LoadStmt: (reading) => add(reading, 'file', '*', 'administer'),
  CheckPointStmt: (reading) => add(reading, 'server', '*', 'administer'),
  VacuumStmt: (reading, fields, env) => {
    const tables = list(fields['rels']).flatMap((each): readonly Fields[] => {
      const table = as(each, 'VacuumRelation');
      return table === undefined ? [] : [table];
    });
    if (tables.length === 0) add(reading, 'table', '*', 'administer');
    for (const each of tables) alterRelation(reading, rangeVarFields(each['relation']), 'administer');
    reading.visit(fields['options'], env);
  },
  ClusterStmt: (reading, fields) => tend(reading, fields),
  ReindexStmt: (reading, fields) => tend(reading, fields),

  // The session and its transactions.
  VariableSetStmt: (reading, fields) => setVariable(reading, fields),
  VariableShowStmt: (reading, fields) =>
    add(reading, 'setting', (text(fields['name']) ?? '*').toLowerCase(), 'read'),
  TransactionStmt: (reading, fields) => {
    const kind = text(fields['kind']) ?? '';
    // Two-phase commit outlives the session and can end what another one did.
    if (!transactions.has(kind)) add(reading, 'server', '*', 'administer');
  },
  ConstraintsSetStmt: quiet,
  DiscardStmt: quiet,
  DeallocateStmt: quiet,
  ClosePortalStmt: quiet,
  FetchStmt: quiet,
  ListenStmt: (reading, fields) =>
    add(reading, 'channel', quoted(text(fields['conditionname']) ?? '*'), 'read'),
  UnlistenStmt: quiet,
  NotifyStmt: (reading, fields) =>
    add(reading, 'channel', quoted(text(fields['conditionname']) ?? '*'), 'write'),
  LockStmt: (reading, fields) => {
    reading.found.locks = true;
    // AccessShareLock and RowShareLock (storage/lockdefs.h) stop no reader and no writer of rows.
    const access = fields['mode'] === 1 || fields['mode'] === 2 ? 'read' : 'write';
    for (const each of list(fields['relations'])) {
      const range = rangeVarFields(each);
      const relation = range === undefined ? undefined : relationOf(reading, range, access);
      if (relation === undefined) continue;
      touch(reading, relation, 'read', { inherited: range?.['inh'] === true });
      if (access !== 'write') continue;
      for (const each of lockedBy(reading, relation)) add(reading, 'table', relationName(each), 'write');
      alterRelation(reading, range, 'write');
    }
  },

  // Statements about statements.
  PrepareStmt: (reading, fields, env) => reading.children('PrepareStmt', fields, env),
  DeclareCursorStmt: (reading, fields, env) => reading.children('DeclareCursorStmt', fields, env),
  ExecuteStmt: (reading, fields, env) => reading.children('ExecuteStmt', fields, env),
  // analyse() opens an EXPLAIN at the top; elsewhere the grammar has none.
  ExplainStmt: (reading) => addUnknown(reading, 'EXPLAIN inside another statement'),
  CopyStmt: copy,
  // SECURITY: a body of code is never read: whatever it says can be put together while it runs.
  DoStmt: (reading) => {
    add(reading, 'code', 'do', 'execute');
    reading.found.notes.add('A DO block can do anything');
  },
  CallStmt: call,
};

const transactions: ReadonlySet<string> = new Set(
  ['BEGIN', 'START', 'COMMIT', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'ROLLBACK_TO'].map(
    (each) => `TRANS_STMT_${each}`,
  ),
);

const defineKinds: Readonly<Record<string, string>> = {
  OBJECT_AGGREGATE: 'function',
  OBJECT_TYPE: 'type',
};

function create(reading: Reading, fields: Fields, env: Env, type: string): void {
  createRelation(reading, rangeVarFields(fields['relation']));
  for (const each of list(fields['inhRelations'])) alterRelation(reading, rangeVarFields(each));
  reading.children(type, fields, env, ['relation', 'inhRelations']);
}

function insideSchema(reading: Reading, element: unknown, env: Env): void {
  if (!isNode(element)) return addUnknown(reading, 'A part of CREATE SCHEMA that is not understood');
  const [type, fields] = open(element);
  const row = utilities[type];
  if (row === undefined) addUnknown(reading, `${type} inside CREATE SCHEMA`);
  else row(reading, fields, env);
}

function ownedBy(reading: Reading, fields: Fields): void {
  for (const each of list(fields['options'])) {
    const option = as(each, 'DefElem');
    if (option?.['defname'] !== 'owned_by') continue;
    const parts = partsOf(option['arg']);
    if (parts !== undefined && parts.length > 1) addObject(reading, 'OBJECT_COLUMN', option['arg']);
  }
}

/** Subcommands of ALTER TABLE that change who may do what, or what runs by itself. */
const guarded: ReadonlySet<string> = new Set(
  `ChangeOwner EnableTrig EnableAlwaysTrig EnableReplicaTrig DisableTrig EnableTrigAll DisableTrigAll EnableTrigUser
  DisableTrigUser EnableRule EnableAlwaysRule EnableReplicaRule DisableRule EnableRowSecurity DisableRowSecurity
  ForceRowSecurity NoForceRowSecurity ReplicaIdentity GenericOptions`
    .split(/\s+/)
    .map((each) => `AT_${each}`),
);

function alterTable(reading: Reading, fields: Fields, env: Env): void {
  const range = rangeVarFields(fields['relation']);
  alterRelation(reading, range);
  for (const each of list(fields['cmds'])) {
    const command = as(each, 'AlterTableCmd');
    const subtype = text(command?.['subtype']) ?? '';
    if (command === undefined) addUnknown(reading, 'A part of ALTER TABLE that is not understood');
    if (guarded.has(subtype)) alterRelation(reading, range, 'administer');
    if (subtype === 'AT_AlterColumnType') rewrite(reading, range);
    if (subtype === 'AT_AddInherit' || subtype === 'AT_DropInherit') {
      alterRelation(reading, rangeVarFields(command?.['def']));
      continue;
    }
    if (subtype === 'AT_AttachPartition' || subtype === 'AT_DetachPartition') {
      // The bounds are expressions, computed when the partition is attached.
      const partition = as(command?.['def'], 'PartitionCmd') ?? {};
      alterRelation(reading, rangeVarFields(partition['name']));
      reading.children('PartitionCmd', partition, env, ['name']);
      if (as(command?.['def'], 'PartitionCmd') !== undefined) continue;
    }
    reading.visit(each, env);
  }
}

/** All rows are written anew: checks, generated columns and indexes run their functions. */
function rewrite(reading: Reading, range: Fields | undefined): void {
  const relation = range === undefined ? undefined : relationOf(reading, range, 'define');
  if (relation !== undefined) touch(reading, relation, 'update', { inherited: true });
}

function policy(type: string): Handler {
  return (reading, fields, env) => {
    alterRelation(reading, rangeVarFields(fields['table']), 'administer');
    reading.children(type, fields, env, ['table']);
  };
}

function refresh(reading: Reading, fields: Fields): void {
  const range = rangeVarFields(fields['relation']);
  const view = range === undefined ? undefined : relationOf(reading, range, 'define');
  if (view === undefined) return;
  touch(reading, view, 'read', { inherited: false });
  // It makes a new relation in place of the old one, and event triggers see it as any other definition.
  alterRelation(reading, range);
  // Unlike reading it, filling it runs its query.
  const inside = reading.insideView(view);
  for (const each of inside?.targets.values() ?? []) add(reading, each.kind, each.name, each.access);
}

function drop(reading: Reading, fields: Fields): void {
  for (const each of list(fields['objects'])) {
    addObject(reading, fields['removeType'], each);
    if (fields['removeType'] === 'OBJECT_SCHEMA') dropSchema(reading, partsOf(each)?.[0]);
  }
  if (fields['behavior'] !== 'DROP_CASCADE') return;
  add(reading, 'object', '*', 'define');
  reading.found.notes.add('CASCADE drops whatever depends on it');
}

/** Whatever stands in it goes with it. */
function dropSchema(reading: Reading, schema: string | undefined): void {
  for (const relation of reading.catalogue.data.relations) {
    if (relation.schema !== schema || relation.kind === 'index' || relation.kind === 'composite') continue;
    add(reading, 'table', relationName(relation), 'define');
  }
}

function createFunction(reading: Reading, fields: Fields): void {
  const options = fields['options'];
  // In C or without a sandbox it is code of the server's own process.
  const trusted = trustedLanguages.has(optionText(options, 'language') ?? 'sql');
  const access = runsAsOwner(options) || !trusted ? 'administer' : 'define';
  addMade(reading, 'function', fields['funcname'], access);
}

const trustedLanguages: ReadonlySet<string> = new Set(['sql', 'plpgsql', 'plperl', 'pltcl', 'plv8']);

function runsAsOwner(options: unknown): boolean {
  return list(options).some((each) => {
    const option = as(each, 'DefElem');
    if (option?.['defname'] !== 'security') return false;
    return as(option['arg'], 'Boolean')?.['boolval'] === true;
  });
}

function optionText(options: unknown, name: string): string | undefined {
  for (const each of list(options)) {
    const option = as(each, 'DefElem');
    if (option?.['defname'] === name) return partsOf(option['arg'])?.[0]?.toLowerCase();
  }
  return undefined;
}

function grant(reading: Reading, fields: Fields): void {
  const type = fields['objtype'];
  const objects = list(fields['objects']);
  if (objects.length === 0) add(reading, 'object', '*', 'administer');
  for (const each of objects) {
    const range = as(each, 'RangeVar');
    if (range !== undefined) alterRelation(reading, range, 'administer');
    else if (fields['targtype'] !== 'ACL_TARGET_OBJECT')
      addObject(reading, 'OBJECT_SCHEMA', each, { least: 'administer' });
    else addObject(reading, type, each, { least: 'administer' });
  }
}

function setElsewhere(reading: Reading, kind: string, fields: Fields): void {
  const name = text((fields['setstmt'] as Fields | undefined)?.['name']);
  if (name !== undefined) reading.found.settings.add(name.toLowerCase());
  const role = text((fields['role'] as Fields | undefined)?.['rolename']) ?? text(fields['dbname']);
  add(reading, kind, role === undefined ? '*' : quoted(role), 'administer');
}

function tend(reading: Reading, fields: Fields): void {
  const range = rangeVarFields(fields['relation']);
  if (range === undefined) add(reading, 'table', '*', 'administer');
  else alterRelation(reading, range, 'administer');
}

function setVariable(reading: Reading, fields: Fields): void {
  const name = text(fields['name']) ?? '';
  switch (text(fields['kind']) ?? '') {
    case 'VAR_SET_VALUE':
      return addSetting(reading, name, settingValue(fields['args']));
    case 'VAR_SET_DEFAULT':
    case 'VAR_RESET':
      return addSetting(reading, name, undefined);
    case 'VAR_RESET_ALL':
      // Back to what the session began with, which was accepted then. It moves the search path.
      reading.found.movesNames = true;
      return;
    case 'VAR_SET_MULTI':
      if (multi.has(name)) return;
      return addUnknown(reading, 'A SET of this form is not understood');
    default:
      addUnknown(reading, 'A SET of this form is not understood');
  }
}

const multi: ReadonlySet<string> = new Set([
  'TRANSACTION',
  'SESSION CHARACTERISTICS',
  'TRANSACTION SNAPSHOT',
]);

function settingValue(args: unknown): string | undefined {
  const [only, ...more] = list(args);
  if (more.length > 0) return undefined;
  const constant = as(only, 'A_Const');
  const integer = constant?.['ival'] as { readonly ival?: number } | undefined;
  if (integer !== undefined) return String(integer.ival ?? 0);
  return constantText(only);
}

function copy(reading: Reading, fields: Fields, env: Env): void {
  const from = fields['is_from'] === true;
  const range = rangeVarFields(fields['relation']);
  if (fields['is_program'] === true) {
    add(reading, 'program', '*', 'administer');
    reading.found.notes.add("COPY runs a program on the server's machine");
  } else if (fields['filename'] !== undefined) {
    add(reading, 'file', '*', 'administer');
    reading.found.notes.add("COPY uses a file of the server's machine");
  }
  const encoding = optionText(fields['options'], 'encoding');
  if (encoding !== undefined && !/^utf-?8$/i.test(encoding))
    addUnknown(reading, 'COPY in another encoding than UTF8');
  if (range !== undefined && from) {
    reading.found.verbs.add('sql.copy');
    touchRangeVar(reading, range, 'insert', { inherited: false });
  } else if (range !== undefined) touchRangeVar(reading, range, 'read', { inherited: false });
  reading.children('CopyStmt', fields, env, ['relation']);
}

function call(reading: Reading, fields: Fields, env: Env): void {
  const called = (fields['funccall'] ?? {}) as Fields;
  const named = nameFrom(called['funcname']);
  visitCall(reading, called, env);
  if (named === undefined) return;
  // A procedure is a program, whatever language it is in.
  for (const each of routinesNamed(reading, named, list(called['args']).length)) {
    add(reading, 'function', reading.known.signature(each), 'execute');
    reading.found.notes.add(`${canonicalName(each.schema, each.name)} can do anything`);
  }
}
