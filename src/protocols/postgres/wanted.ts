import { never } from '../../base/result.ts';
import { type Action, worstAccess } from '../../core/action.ts';
import type { Move, Outputs, SessionEffect, Statement } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import type { NameChange, Names, Portal, Prepared } from './names.ts';
import type { RefusedWith } from './refusal.ts';

/** What a statement will be run as: its own action, or that of the prepared statement or cursor it names. */
export interface Wanted {
  readonly action: Action;
  /** What is really run. The action may be that of another text with the same template (sql/template.ts). */
  readonly text: string;
  readonly outputs: Outputs;
  readonly catalogue: Catalogue;
  readonly statement: Statement;
  /** Of the statement, or of the one it runs by name. */
  readonly moves: readonly Move[];
  readonly changes: readonly NameChange[];
  /** The portal or cursor whose rows count together. */
  readonly portal?: Portal;
  /** The portal that Execute names. */
  readonly described?: Portal;
  readonly values?: string;
}

/** A statement as it was sent. */
export interface Sent {
  /** The whole text it came in. */
  readonly source: string;
  /** Its own text, which is the source where it came alone. */
  readonly text: string;
}

/** What names mean where the statement stands. */
export interface At {
  readonly names: Names;
  readonly catalogue: Catalogue;
  readonly epoch: object | undefined;
}

/** What a statement comes to, once the names it uses are looked up. */
export function wantedOf(statement: Statement, sent: Sent, at: At): Wanted | RefusedWith {
  const { names, catalogue, epoch } = at;
  const { effect, action, outputs } = statement;
  const { source, text } = sent;
  const plain = { action, text, outputs, catalogue, statement, moves: statement.moves ?? [], changes: [] };
  const inside = (inner: Statement): Prepared => ({
    text: inner.action.text,
    source,
    inside: true,
    statement: inner,
    catalogue,
    epoch,
  });
  switch (effect.kind) {
    case 'prepare': {
      const prepared = inside(effect.statement);
      return { ...plain, changes: [names.propose({ kind: 'statement', name: effect.name, prepared })] };
    }
    case 'execute': {
      const found = names.statement(effect.name);
      if (found?.statement === undefined) return missing('26000', 'prepared statement', effect.name);
      const inner = found.statement;
      if (inner.effect.kind !== 'none') return nested('EXECUTE', 'prepared statement');
      return {
        ...plain,
        action: together(action, inner.action),
        text: `${text} -- ${found.text}`,
        moves: [
          ...plain.moves,
          ...(inner.moves ?? []),
          ...(effect.into === undefined ? [] : movesOf(inner.outputs)),
        ],
        outputs: effect.into === undefined ? inner.outputs : outputs,
      };
    }
    case 'declare': {
      const prepared = inside(effect.statement);
      const portal: Portal = { prepared, resultFormats: [], cursor: true, rows: 0, bytes: 0 };
      return { ...plain, changes: [names.propose({ kind: 'portal', name: effect.name, portal })] };
    }
    case 'fetch': {
      const portal = names.portal(effect.name);
      const inner = portal?.prepared.statement;
      if (portal === undefined || inner === undefined) return missing('34000', 'cursor', effect.name);
      if (inner.effect.kind !== 'none') return nested('FETCH', 'portal');
      if (callsCode(inner) && codeDiffers(portal.prepared.catalogue, catalogue)) return otherCode;
      const wanted = {
        ...plain,
        action: together(action, inner.action),
        text: `${text} -- ${portal.prepared.text}`,
        moves: inner.moves ?? [],
        catalogue: portal.prepared.catalogue,
        portal,
        ...(portal.values === undefined ? {} : { values: portal.values }),
      };
      return effect.move ? wanted : { ...wanted, outputs: inner.outputs };
    }
    case 'deallocate':
      return { ...plain, changes: [names.propose({ kind: 'close-statement', ...named(effect.name) })] };
    case 'close':
      return { ...plain, changes: [names.propose({ kind: 'close-portal', ...named(effect.name) })] };
    case 'discard':
      return effect.what === 'all' ? { ...plain, changes: [names.propose({ kind: 'discard-all' })] } : plain;
    case 'none':
    case 'transaction':
    case 'search-path':
    case 'schema':
    case 'copy-out':
    case 'copy-in':
      return plain;
    default:
      return never(effect);
  }
}

/** Of a portal or cursor whose functions have been given another body since it was opened. */
export const otherCode: RefusedWith = {
  sqlstate: '0A000',
  message: 'Functions have changed since this cursor was opened',
  hint: 'Open it again',
};

/** Whether it runs functions that are not PostgreSQL's own. */
export function callsCode({ action }: Statement): boolean {
  return action.targets.some(({ kind }) => kind === 'function');
}

/** Whether functions of somebody's own do something else in the one than in the other. */
export function codeDiffers(before: Catalogue, now: Catalogue): boolean {
  if (before === now) return false;
  const known = compared.get(before)?.get(now);
  if (known !== undefined) return known;
  const sources = new Map(before.data.functions.map(({ oid, source }) => [oid, source]));
  const differs = now.data.functions.some(
    ({ oid, source }) => sources.has(oid) && sources.get(oid) !== source,
  );
  const byBefore = compared.get(before) ?? new WeakMap<Catalogue, boolean>();
  compared.set(before, byBefore.set(now, differs));
  return differs;
}

const compared: WeakMap<Catalogue, WeakMap<Catalogue, boolean>> = new WeakMap();

/** What Execute of a cursor that SQL declared comes to. */
export function fetchedOf(statement: Statement, portal: Portal, catalogue: Catalogue): Wanted {
  return {
    action: statement.action,
    text: portal.prepared.text,
    outputs: statement.outputs,
    catalogue,
    statement,
    moves: statement.moves ?? [],
    changes: [],
    portal,
  };
}

export function withPortal(wanted: Wanted, portal: Portal): Wanted {
  const values = portal.values ?? wanted.values;
  // A portal over EXECUTE or FETCH counts for the statement behind it.
  const counted = wanted.portal ?? portal;
  // What is conditionally spread into a literal is copied many times slower, and this is made for every statement.
  return values === undefined
    ? { ...wanted, described: portal, portal: counted }
    : { ...wanted, described: portal, portal: counted, values };
}

/** The action of a statement that runs another by name: what either does, under the other's verb. */
function together(own: Action, inner: Action): Action {
  const both = merged.get(own)?.get(inner);
  if (both !== undefined) return both;
  const made: Action = {
    ...inner,
    verb: own.access === 'read' || own.access === 'execute' ? inner.verb : own.verb,
    access: worstAccess([own.access, inner.access]),
    targets: [...inner.targets, ...own.targets],
    columns: [...inner.columns, ...own.columns],
    text: `${own.text} -- ${inner.text}`,
    notes: [...own.notes, ...inner.notes],
  };
  const byInner = merged.get(own) ?? new WeakMap<Action, Action>();
  byInner.set(inner, made);
  merged.set(own, byInner);
  return made;
}

// Decisions are cached by the Action object: the same two must give the same one.
const merged: WeakMap<Action, WeakMap<Action, Action>> = new WeakMap();

/** Whether one of these uses a name whose last change may yet fail; resolves when the server has answered that. */
export function doubtOf(statements: readonly Statement[], names: Names): Promise<void> | undefined {
  for (const { effect } of statements) {
    if (effect.kind !== 'execute' && effect.kind !== 'fetch') continue;
    const doubt = names.doubt(effect.kind === 'execute' ? 'statement' : 'portal', effect.name);
    if (doubt !== undefined) return doubt;
  }
  return undefined;
}

function named(name: string | undefined): { readonly name?: string } {
  return name === undefined ? {} : { name };
}

/**
 * SECURITY: what Parse prepares can be any statement, `EXECUTE other`, `PREPARE`, `SET search_path` or COPY too. Run by
 * another statement, its effect would be that of something this session's books do not show.
 */
function nested(verb: string, what: string): RefusedWith {
  return {
    sqlstate: '0A000',
    message: `${verb} of a ${what} that is not a plain SELECT, INSERT, UPDATE, DELETE, MERGE or VALUES is not supported`,
    hint: 'Send that statement by itself',
  };
}

export function missing(sqlstate: string, what: string, name: string): RefusedWith {
  return {
    sqlstate,
    message: `${what} "${name}" does not exist`,
    hint: 'Sallyport knows only the names made in this session',
  };
}

/** Ends a transaction or a part of it, and with it what SET LOCAL or a roll-back takes back; to begin one takes nothing back. */
export function takesBack(effect: SessionEffect): boolean {
  return (
    effect.kind === 'transaction' &&
    effect.what !== 'begin' &&
    effect.what !== 'savepoint' &&
    effect.what !== 'release'
  );
}

/** The statement that PREPARE or DECLARE made. */
export function insideOf(statements: readonly Statement[]): Statement | undefined {
  for (const { effect } of statements) {
    if (effect.kind === 'prepare' || effect.kind === 'declare') return effect.statement;
  }
  return undefined;
}

/** All that is answered, put into a new table. */
function movesOf(outputs: Outputs): readonly Move[] {
  const anything = { object: '*', column: '*' };
  if (outputs.kind === 'none') return [];
  if (outputs.kind === 'unknown') return [{ from: [anything], to: [] }];
  return outputs.columns.flatMap(({ lineage }): readonly Move[] => {
    switch (lineage.kind) {
      case 'clean':
        return [];
      case 'column':
        return [{ from: [lineage.column, ...lineage.through], to: [] }];
      case 'derived':
        return [{ from: [...lineage.from, ...lineage.through], to: [] }];
      case 'unknown':
        return [{ from: [anything], to: [] }];
    }
  });
}
