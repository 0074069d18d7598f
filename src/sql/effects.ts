import type { CopyFormat, SessionEffect, Statement } from './analysis.ts';
import type { Found } from './reading.ts';
import { explained, isOn } from './statement.ts';
import { as, type Fields, isNode, list, type Node, open, stringOf, text } from './tree.ts';

/** What the statement leaves behind in the session. `inner` reads the statement that this one prepares or declares. */
export function effectOf(node: Node, found: Found, inner: (node: Node) => Statement): SessionEffect {
  const [type, fields] = open(node);
  const named = namedEffect(type, fields, inner);
  if (named !== undefined) return named;
  if (type === 'ExplainStmt') {
    const { runs, query } = explained(fields);
    return runs && isNode(query) && as(query, 'CreateTableAsStmt') !== undefined
      ? schema(found)
      : moved(found);
  }
  if (isDefinition(type, fields)) return schema(found);
  return moved(found);
}

function moved(found: Found): SessionEffect {
  return found.movesNames ? { kind: 'search-path' } : none;
}

const none: SessionEffect = { kind: 'none' };

function schema(found: Found): SessionEffect {
  return { kind: 'schema', temporary: found.temporary };
}

function namedEffect(
  type: string,
  fields: Fields,
  inner: (node: Node) => Statement,
): SessionEffect | undefined {
  const name = text(fields['name']);
  switch (type) {
    case 'PrepareStmt':
      return isNode(fields['query']) && name !== undefined
        ? { kind: 'prepare', name, statement: inner(fields['query']) }
        : undefined;
    case 'ExecuteStmt':
      return { kind: 'execute', name: name ?? '' };
    case 'DeallocateStmt':
      return { kind: 'deallocate', ...(name === undefined ? {} : { name }) };
    case 'DeclareCursorStmt':
      return isNode(fields['query'])
        ? { kind: 'declare', name: text(fields['portalname']) ?? '', statement: inner(fields['query']) }
        : undefined;
    case 'FetchStmt':
      return { kind: 'fetch', name: text(fields['portalname']) ?? '', move: fields['ismove'] === true };
    case 'ClosePortalStmt': {
      const portal = text(fields['portalname']);
      return { kind: 'close', ...(portal === undefined ? {} : { name: portal }) };
    }
    case 'DiscardStmt':
      return { kind: 'discard', what: discards[text(fields['target']) ?? ''] ?? 'all' };
    case 'TransactionStmt': {
      const what = transactions[text(fields['kind']) ?? ''];
      if (what === undefined) return none;
      return { kind: 'transaction', what, ...(fields['chain'] === true ? { chain: true } : {}) };
    }
    case 'CopyStmt':
      return copyEffect(fields);
    case 'CreateTableAsStmt': {
      const execute = as(fields['query'], 'ExecuteStmt');
      const into = (fields['into'] as Fields | undefined)?.['rel'] as Fields | undefined;
      return execute === undefined
        ? undefined
        : { kind: 'execute', name: text(execute['name']) ?? '', into: text(into?.['relname']) ?? '' };
    }
    default:
      return undefined;
  }
}

const discards: Readonly<Record<string, 'all' | 'plans' | 'sequences' | 'temp'>> = {
  DISCARD_ALL: 'all',
  DISCARD_PLANS: 'plans',
  DISCARD_SEQUENCES: 'sequences',
  DISCARD_TEMP: 'temp',
};

const transactions: Readonly<Record<string, Extract<SessionEffect, { kind: 'transaction' }>['what']>> = {
  TRANS_STMT_BEGIN: 'begin',
  TRANS_STMT_START: 'begin',
  TRANS_STMT_COMMIT: 'commit',
  TRANS_STMT_ROLLBACK: 'rollback',
  TRANS_STMT_SAVEPOINT: 'savepoint',
  TRANS_STMT_RELEASE: 'release',
  TRANS_STMT_ROLLBACK_TO: 'rollback-to',
  TRANS_STMT_PREPARE: 'prepare',
};

/** Statements after which the catalogue may hold something else. Rights count: a schema without USAGE is not in the path. */
function isDefinition(type: string, fields: Fields): boolean {
  if (type === 'SelectStmt') return fields['intoClause'] !== undefined;
  return (
    /^(?:Create|Alter|Drop|Rename|Grant|Comment|SecLabel|Define|Reassign|ImportForeign)/.test(type) ||
    ['ViewStmt', 'IndexStmt', 'RuleStmt', 'CompositeTypeStmt', 'RefreshMatViewStmt'].includes(type)
  );
}

function copyEffect(fields: Fields): SessionEffect | undefined {
  if (fields['filename'] !== undefined || fields['is_program'] === true) return undefined;
  if (fields['is_from'] === true) return { kind: 'copy-in' };
  return { kind: 'copy-out', copy: copyFormat(fields['options']) };
}

/** PostgreSQL 18 docs, COPY. The old spellings reach the tree as the new ones. */
function copyFormat(options: unknown): CopyFormat {
  const given = new Map<string, unknown>();
  for (const each of list(options)) {
    const option = as(each, 'DefElem');
    const name = text(option?.['defname']);
    if (option !== undefined && name !== undefined) given.set(name, option['arg']);
  }
  const format = stringOf(given.get('format'))?.toLowerCase();
  const csv = format === 'csv';
  const quote = stringOf(given.get('quote')) ?? '"';
  return {
    format: csv ? 'csv' : format === 'binary' ? 'binary' : 'text',
    delimiter: stringOf(given.get('delimiter')) ?? (csv ? ',' : '\t'),
    null: given.has('null') ? (stringOf(given.get('null')) ?? '') : csv ? '' : '\\N',
    header: given.has('header') && isOn(given.get('header')),
    quote,
    escape: stringOf(given.get('escape')) ?? quote,
  };
}
