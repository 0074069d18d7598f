// Which columns a statement answers with, where each value comes from, and which stored columns it uses how.
// Pure and total: what is not understood has unknown lineage, never none.
import type { ColumnUse } from '../core/action.ts';
import type { Move, OutputColumn, Outputs, Scope } from './analysis.ts';
import type { Catalogue } from './catalogue.ts';
import { tagsOfColumn } from './comments.ts';
import { valueOf } from './lineage-expression.ts';
import {
  type Cell,
  clean,
  derive,
  lineageFrom,
  openRows,
  type Rows,
  unknown,
  type Value,
} from './lineage-flow.ts';
import { selectRows } from './lineage-query.ts';
import { openWhy, type Reader, type Space } from './lineage-scope.ts';
import { type Answer, answerOf } from './lineage-statement.ts';
import { collectUses, insideView, type Uses } from './lineage-uses.ts';
import { writings } from './lineage-write.ts';
import { relationName } from './names.ts';
import { isNode, type Node, open } from './tree.ts';

/** How much of one statement is followed, views included: steps of work, and levels of nesting. */
const mostSteps = 100_000;
const mostLevels = 400;

export interface Followed {
  readonly outputs: Outputs;
  readonly uses: readonly ColumnUse[];
  readonly moves: readonly Move[];
}

/**
 * Outputs: in the number and order of the server's own result columns; `unknown` where the number cannot be sure. Of
 * EXECUTE and FETCH: none, their outputs are those of what they name.
 *
 * Uses: every stored column that the statement uses. What flows into an answer or into a written value is `output`,
 * also where it is a condition at the same time. What cannot be resolved stands as the object's name with the column `*`.
 *
 * Moves: what is put somewhere besides the answer, a written column or anything else that can be read later.
 */
export function follow(statement: Node, catalogue: Catalogue, scope: Scope): Followed {
  const { uses, all, moves } = collectUses();
  try {
    const answer = answerOf(readerFor(catalogue, scope, uses), statement);
    if (answer.kind === 'rows') uses.output(flowOfRows(answer.rows));
    return { outputs: outputsOf(answer), uses: all().map((use) => labelled(catalogue, use)), moves: moves() };
  } catch {
    // SECURITY: whatever a tree of an unforeseen shape makes fail, its cells are withheld.
    uses.output(unresolved);
    uses.move(unresolved, []);
    const outputs = { kind: 'unknown', why: 'a statement that could not be followed' } as const;
    return { outputs, uses: all(), moves: moves() };
  }
}

/** follow().outputs */
export function lineageOf(statement: Node, catalogue: Catalogue, scope: Scope): Outputs {
  return follow(statement, catalogue, scope).outputs;
}

/** follow().uses */
export function columnUses(statement: Node, catalogue: Catalogue, scope: Scope): readonly ColumnUse[] {
  return follow(statement, catalogue, scope).uses;
}

/** With the tags that the database gives the column itself. */
function labelled(catalogue: Catalogue, use: ColumnUse): ColumnUse {
  const tags = tagsByColumn(catalogue).get(`${use.object}\0${use.column}`);
  return tags === undefined ? use : { ...use, tags };
}

const labels: WeakMap<Catalogue, ReadonlyMap<string, readonly string[]>> = new WeakMap();

function tagsByColumn(catalogue: Catalogue): ReadonlyMap<string, readonly string[]> {
  const before = labels.get(catalogue);
  if (before !== undefined) return before;
  const made = new Map<string, readonly string[]>();
  for (const relation of catalogue.data.relations) {
    for (const column of relation.columns) {
      const tags = tagsOfColumn(column);
      if (tags.length > 0) made.set(`${relationName(relation)}\0${column.name}`, tags);
    }
  }
  labels.set(catalogue, made);
  return made;
}

const anything = { object: '*', column: '*' };
const unresolved = { from: new Map([['*\0*', anything]]), through: clean.through };

function outputsOf(answer: Answer): Outputs {
  if (answer.kind === 'none') return { kind: 'none' };
  const { cells, open: hidden } = answer.rows;
  if (hidden !== undefined) return { kind: 'unknown', why: openWhy(hidden) };
  return { kind: 'columns', columns: cells.map(outputOf) };
}

function outputOf(cell: Cell): OutputColumn {
  return { name: cell.name, lineage: lineageFrom(cell.value.flow) };
}

function flowOfRows(rows: Rows): ReturnType<typeof derive> {
  return derive([
    ...rows.cells.map((each) => each.value.flow),
    ...(rows.open === undefined ? [] : [rows.open]),
  ]);
}

interface Shared {
  readonly catalogue: Catalogue;
  readonly left: { steps: number; levels: number };
  readonly equals: Map<Value, Set<Value>>;
  readonly last: Reader['last'];
  readonly origins: Reader['origins'];
  readonly held: Reader['held'];
  readonly firstNames: Map<unknown, string>;
  readonly cells: Map<number, readonly Cell[]>;
  readonly madeViews: Set<number>;
}

function readerFor(catalogue: Catalogue, scope: Scope, uses: Uses): Reader {
  const left = { steps: mostSteps, levels: mostLevels };
  const shared = {
    catalogue,
    left,
    equals: new Map(),
    last: new Map(),
    origins: new Map(),
    held: new Map(),
    firstNames: new Map(),
    cells: new Map(),
    madeViews: new Set<number>(),
  };
  return reader(shared, scope, uses, []);
}

function reader(shared: Shared, scope: Scope, uses: Uses, inside: readonly number[]): Reader {
  const { catalogue, left } = shared;
  const self: Reader = {
    catalogue,
    scope,
    uses,
    equals: shared.equals,
    last: shared.last,
    origins: shared.origins,
    held: shared.held,
    firstNames: shared.firstNames,
    cells: shared.cells,
    madeViews: shared.madeViews,
    enter: () => {
      left.steps -= 1;
      if (left.steps < 0 || left.levels === 0) return false;
      left.levels -= 1;
      return true;
    },
    leave: () => {
      left.levels += 1;
    },
    rows: (node, space) => rowsOf(self, node, space),
    select: (fields, space) => selectRows(self, fields, space),
    value: (node, space) => {
      if (!self.enter()) return { flow: unknown('too long to be followed', [unresolved]), scalar: false };
      try {
        const value = valueOf(self, node, space);
        shared.last.set(node, value);
        return value;
      } finally {
        self.leave();
      }
    },
    // A view's query is printed with all names qualified but PostgreSQL's own.
    forView: (oid) =>
      inside.includes(oid)
        ? undefined
        : reader(shared, { searchPath: ['pg_catalog'] }, insideView(uses), [...inside, oid]),
  };
  return self;
}

/** The rows of a query or of a writing statement with RETURNING. */
function rowsOf(self: Reader, node: unknown, space: Space): Rows {
  const [type, fields] = isNode(node) ? open(node) : (['', {}] as const);
  if (type === 'SelectStmt') return self.select(fields, space);
  const writing = writings[type];
  if (writing !== undefined) return writing(self, fields, space);
  return openRows(unknown('a query that is not understood', [unresolved]));
}
