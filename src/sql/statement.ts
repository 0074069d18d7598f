import type { Found } from './reading.ts';
import { as, type Fields, list, type Node, open, stringOf, text } from './tree.ts';

// A table: the verb of each statement.
const verbsByType: Readonly<Record<string, string>> = {
  SelectStmt: 'select',
  InsertStmt: 'insert',
  UpdateStmt: 'update',
  DeleteStmt: 'delete',
  MergeStmt: 'merge',
  TruncateStmt: 'truncate',
  CopyStmt: 'copy',
  ...verbFor(
    'create',
    `CreateStmt CreateForeignTableStmt CreateTableAsStmt ViewStmt IndexStmt CreateStatsStmt CreateSeqStmt CreateTrigStmt
    RuleStmt CreatePolicyStmt CreateSchemaStmt CreateFunctionStmt DefineStmt CompositeTypeStmt CreateEnumStmt
    CreateRangeStmt CreateDomainStmt CreateCastStmt CreateTransformStmt CreateConversionStmt CreateOpClassStmt
    CreateOpFamilyStmt ImportForeignSchemaStmt`,
  ),
  ...verbFor(
    'alter',
    `AlterTableStmt AlterStatsStmt AlterSeqStmt AlterPolicyStmt RenameStmt AlterObjectSchemaStmt AlterObjectDependsStmt
    AlterFunctionStmt AlterDomainStmt AlterEnumStmt AlterTypeStmt AlterOperatorStmt AlterCollationStmt
    AlterTSDictionaryStmt AlterTSConfigurationStmt AlterOpFamilyStmt RefreshMatViewStmt AlterTableMoveAllStmt`,
  ),
  ...verbFor('drop', 'DropStmt DropOwnedStmt'),
  ...verbFor('grant', 'GrantStmt GrantRoleStmt AlterDefaultPrivilegesStmt ReassignOwnedStmt AlterOwnerStmt'),
  ...verbFor('comment', 'CommentStmt SecLabelStmt'),
  VariableSetStmt: 'set',
  VariableShowStmt: 'show',
  ...verbFor('transaction', 'TransactionStmt ConstraintsSetStmt'),
  CallStmt: 'call',
  DoStmt: 'do',
  LockStmt: 'lock',
  ...verbFor('listen', 'ListenStmt UnlistenStmt'),
  NotifyStmt: 'notify',
  ...verbFor('maintain', 'VacuumStmt ClusterStmt ReindexStmt CheckPointStmt'),
  ...verbFor('session', 'DeallocateStmt DiscardStmt ClosePortalStmt'),
  ...verbFor(
    'admin',
    `CreateRoleStmt AlterRoleStmt AlterRoleSetStmt DropRoleStmt CreatedbStmt AlterDatabaseStmt AlterDatabaseSetStmt
    AlterDatabaseRefreshCollStmt DropdbStmt CreateTableSpaceStmt AlterTableSpaceOptionsStmt DropTableSpaceStmt
    CreateExtensionStmt AlterExtensionStmt AlterExtensionContentsStmt CreateFdwStmt AlterFdwStmt
    CreateForeignServerStmt AlterForeignServerStmt CreateUserMappingStmt AlterUserMappingStmt DropUserMappingStmt
    CreateEventTrigStmt AlterEventTrigStmt CreatePublicationStmt AlterPublicationStmt CreateSubscriptionStmt
    AlterSubscriptionStmt DropSubscriptionStmt AlterSystemStmt LoadStmt CreateAmStmt CreatePLangStmt`,
  ),
};

function verbFor(verb: string, types: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    types
      .trim()
      .split(/\s+/)
      .map((type) => [type, verb]),
  );
}

// The gravest part of a statement gives its verb: a rule on deletes also meets WITH x AS (DELETE …) SELECT.
const gravest: readonly string[] = ['sql.truncate', 'sql.delete', 'sql.merge', 'sql.update', 'sql.insert'];

/** The verb of a statement of which all has been read. */
export function verbOf(node: Node, found: Found): string {
  const [type, fields] = open(node);
  switch (type) {
    case 'PrepareStmt':
    case 'DeclareCursorStmt': {
      const inner = fields['query'];
      return typeof inner === 'object' && inner !== null ? verbOf(inner as Node, found) : 'sql.unknown';
    }
    case 'ExplainStmt': {
      const { runs, query } = explained(fields);
      return runs && typeof query === 'object' && query !== null
        ? verbOf(query as Node, found)
        : 'sql.explain';
    }
    case 'ExecuteStmt':
      return 'sql.select';
    case 'FetchStmt':
      return fields['ismove'] === true ? 'sql.session' : 'sql.select';
    case 'VariableSetStmt':
      return /TRANSACTION|SESSION CHARACTERISTICS/.test(text(fields['name']) ?? '')
        ? 'sql.transaction'
        : 'sql.set';
    case 'SelectStmt':
      if (fields['intoClause'] !== undefined) return 'sql.create';
      return graver(found, 'sql.select');
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
    case 'CopyStmt':
      return graver(found, plainVerb(type));
    default:
      return plainVerb(type);
  }
}

function plainVerb(type: string): string {
  const verb = verbsByType[type];
  return verb === undefined ? 'sql.unknown' : `sql.${verb}`;
}

function graver(found: Found, verb: string): string {
  return gravest.find((each) => found.verbs.has(each)) ?? verb;
}

export interface Explained {
  readonly query: unknown;
  readonly options: unknown;
  /** ANALYZE: the statement is run. */
  readonly runs: boolean;
}

/** The last ANALYZE option counts; `on`, `true`, 1 and no value mean yes (commands/define.c, defGetBoolean). */
export function explained(fields: Fields): Explained {
  let runs = false;
  for (const each of list(fields['options'])) {
    const option = as(each, 'DefElem');
    if (option === undefined) runs = true;
    else if (text(option['defname'])?.toLowerCase() === 'analyze') runs = isOn(option['arg']);
  }
  return { query: fields['query'], options: fields['options'], runs };
}

/** Anything that is not plainly off counts as on. */
export function isOn(value: unknown): boolean {
  const integer = as(value, 'Integer');
  if (integer !== undefined) return (integer['ival'] ?? 0) !== 0;
  const boolean = as(value, 'Boolean');
  if (boolean !== undefined) return boolean['boolval'] === true;
  const word = stringOf(value)?.toLowerCase();
  return word !== 'off' && word !== 'false';
}
