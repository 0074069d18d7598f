import { type Action, type Attribute, type Target, worstAccess } from '../core/action.ts';
import { handlers } from './access.ts';
import type { Analysis, MissingNames, Scope, Statement } from './analysis.ts';
import type { Catalogue, Relation } from './catalogue.ts';
import { conditionOf } from './condition.ts';
import { effectOf } from './effects.ts';
import { childrenOf } from './grammar.ts';
import { knowledge, type Knowledge } from './knowledge.ts';
import { follow } from './lineage.ts';
import { addUnknown, type Env, type Found, noNames, nothingFound, type Reading } from './reading.ts';
import { explained, verbOf } from './statement.ts';
import { rangeVarFields } from './touch.ts';
import { as, type Fields, isNode, list, type Node, open, type RawStatement } from './tree.ts';
import { utilities } from './utility.ts';

/**
 * What the statements of one text mean. Pure and total: what is not understood has access `unknown`.
 * Statements are read one by one against the catalogue as it is: what an earlier one makes is not known to a later one.
 */
export function analyse(statements: readonly RawStatement[], catalogue: Catalogue, scope: Scope): Analysis {
  return { statements: statements.map((each) => analyseOne(each.node, each.text, catalogue, scope)) };
}

function analyseOne(node: Node, text: string, catalogue: Catalogue, scope: Scope): Statement {
  const [type, fields] = open(node);
  const explain = type === 'ExplainStmt' ? explained(fields) : undefined;
  const found = nothingFound();
  const reading = readingOf({
    catalogue,
    scope,
    known: knowledge(catalogue),
    found,
    planOnly: explain?.runs === false,
  });
  if (explain === undefined) reading.visit(node, noNames);
  else {
    // The target table and all that EXPLAIN says of a plan are read; what ANALYZE runs counts as if it stood alone.
    reading.visit(explain.options, noNames);
    reading.visit(explain.query, noNames);
    if (as(explain.query, 'ExecuteStmt') !== undefined) addUnknown(reading, 'EXPLAIN of something prepared');
  }
  const effect = effectOf(node, found, (inner) => analyseOne(inner, text, catalogue, scope));
  if (found.movesNames && effect.kind !== 'search-path') {
    addUnknown(reading, 'It changes how names are resolved while it does something else');
  }
  const { outputs, uses, moves } = follow(node, catalogue, scope);
  const action = actionOf(node, text, { reading, columns: uses });
  const missing = found.missing.size === 0 ? undefined : missingOf(type, action, found);
  return {
    action,
    outputs,
    effect,
    ...(moves.length === 0 ? {} : { moves }),
    ...(missing === undefined ? {} : { missing }),
  };
}

/** Undefined where more than names is not understood. */
function missingOf(type: string, action: Action, { targets, missing }: Found): MissingNames | undefined {
  const would: Target[] = [];
  for (const [key, target] of targets) {
    const absent = missing.get(key);
    if (absent === undefined) would.push(target);
    else if (absent.target !== undefined) would.push(absent.target);
  }
  const access = worstAccess(would.map((each) => each.access));
  if (access === 'unknown') return undefined;
  const absent = new Set([...missing.values()].map(({ written }) => written));
  const said = [...missing.values()].find((each) => each.said !== undefined)?.said;
  return {
    action: {
      ...action,
      access,
      targets: would,
      columns: action.columns.filter(({ object }) => !absent.has(object)),
    },
    whenPrepared: analysedAtOnce.has(type),
    ...(said === undefined ? {} : { said }),
  };
}

// What transformStmt() does more of than wrapping (source, parser/analyze.c).
const analysedAtOnce: ReadonlySet<string> = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'ExplainStmt',
  'CreateTableAsStmt',
  'DeclareCursorStmt',
  'CallStmt',
]);

type Start = Pick<Reading, 'catalogue' | 'scope' | 'known' | 'found' | 'planOnly'>;

function readingOf(start: Start): Reading {
  const reading: Reading = {
    ...start,
    visit: (value, env) => visit(reading, value, env),
    enter: (type, fields, env) => enter(reading, type, fields, env),
    children: (type, fields, env, except) => children({ reading, type, fields, env }, except),
    insideView: (view) => insideView(start.catalogue, start.known, view),
  };
  return reading;
}

function visit(reading: Reading, value: unknown, env: Env): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const each of value as readonly unknown[]) visit(reading, each, env);
    return;
  }
  if (!isNode(value)) {
    // An absent node in a list is an empty object.
    if (Object.keys(value).length > 0) addUnknown(reading, 'A part of the statement has no type');
    return;
  }
  const [type, fields] = open(value);
  enter(reading, type, fields, env);
}

function enter(reading: Reading, type: string, fields: Fields, env: Env): void {
  const handler = handlers[type] ?? utilities[type];
  if (handler !== undefined) handler(reading, fields, env);
  else children({ reading, type, fields, env });
}

interface Place {
  readonly reading: Reading;
  readonly type: string;
  readonly fields: Fields;
  readonly env: Env;
}

/** By the grammar's own table: a field that it does not know makes the statement unknown. */
function children({ reading, type, fields, env }: Place, except: readonly string[] = []): void {
  const slots = childrenOf(type);
  if (slots === undefined) return addUnknown(reading, `Syntax that is not known: ${type}`);
  for (const field in fields) {
    const value = fields[field];
    if (typeof value !== 'object' || value === null || except.includes(field)) continue;
    const bare = slots.get(field);
    if (bare === undefined) addUnknown(reading, `Syntax that is not known: ${type}.${field}`);
    else if (bare === '') visit(reading, value, env);
    else enterBare(reading, bare, value, env);
  }
}

function enterBare(reading: Reading, type: string, value: object, env: Env): void {
  if (!Array.isArray(value)) return enter(reading, type, value as Fields, env);
  for (const each of value as readonly unknown[]) {
    if (typeof each === 'object' && each !== null) enter(reading, type, each as Fields, env);
  }
}

/** What reading a view does, once for each catalogue. The server prints its query with an empty search_path. */
function insideView(catalogue: Catalogue, known: Knowledge, view: Relation): Found | undefined {
  const seen = known.views.get(view.oid);
  if (seen !== undefined) return seen === 'open' ? undefined : seen;
  if (view.definition === undefined) return undefined;
  known.views.set(view.oid, 'open');
  const found = nothingFound();
  const reading = readingOf({
    catalogue,
    scope: { searchPath: ['pg_catalog'] },
    known,
    found,
    planOnly: false,
  });
  reading.visit(view.definition, noNames);
  known.views.set(view.oid, found);
  return found;
}

function actionOf(
  node: Node,
  text: string,
  of: { readonly reading: Reading; readonly columns: Action['columns'] },
): Action {
  const { reading, columns } = of;
  const { found } = reading;
  const targets: readonly Target[] = [...found.targets.values()];
  return {
    verb: verbOf(node, found),
    access: worstAccess(targets.map((each) => each.access)),
    targets,
    columns,
    attributes: attributesOf(node, reading),
    text,
    notes: [...found.notes],
  };
}

function attributesOf(node: Node, reading: Reading): Readonly<Record<string, Attribute>> {
  const { found } = reading;
  const condition = widest(found.changes.map((each) => each.condition)) ?? conditionOfSelect(reading, node);
  const copied = as(node, 'CopyStmt');
  return {
    byKey: condition === 'key',
    condition,
    functions: [...found.functions],
    settings: [...found.settings],
    copy: copied === undefined ? 'none' : copied['is_from'] === true ? 'in' : 'out',
    explain: as(node, 'ExplainStmt') !== undefined,
    temporary: found.temporary,
    locks: found.locks,
  };
}

type Condition = 'none' | 'key' | 'other';

function widest(conditions: readonly Condition[]): Condition | undefined {
  return (['none', 'other', 'key'] as const).find((each) => conditions.includes(each));
}

function conditionOfSelect(reading: Reading, node: Node): Condition {
  const select = as(node, 'SelectStmt');
  const from = list(select?.['fromClause']);
  if (select === undefined) return 'none';
  const range =
    isNode(from[0]) && as(from[0], 'RangeVar') !== undefined ? rangeVarFields(from[0]) : undefined;
  const alone = from.length === 1 && select['withClause'] === undefined;
  return conditionOf(reading, range, select['whereClause'], alone);
}
