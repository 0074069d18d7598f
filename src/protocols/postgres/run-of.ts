import type { MaskKey } from '../../mask/index.ts';
import type { Action } from '../../core/action.ts';
import type { Permit } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import { readingOf } from '../../carriers/reading.ts';
import { copyMasker } from './copy.ts';
import { refusedMove } from './moves.ts';
import { contextNames, planWithoutFields, typesIn, typesOf } from './plan.ts';
import type { RefusedWith } from './refusal.ts';
import { passAll, type Run } from './run.ts';
import { takesBack, type Wanted } from './wanted.ts';
import type { Watches } from './watch.ts';

export interface RunParts {
  readonly maskKey: MaskKey;
  readonly watches: Watches;
  /** The longest row of a COPY. */
  readonly rowBytes: number;
  /** The end of a transaction may change what names mean. */
  readonly pathTouched: boolean;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What a permitted statement is from here to the end of its answer; a refusal where its answer could not be masked. */
export function runOf(wanted: Wanted, permit: Permit, parts: RunParts): Run | RefusedWith {
  const { maskKey, watches, rowBytes, pathTouched } = parts;
  const { effect, action } = wanted.statement;
  const { masks, finds } = permit.duties;
  const refused = refusedMove(permit, wanted.moves, wanted.catalogue);
  if (refused !== undefined) return refused;
  if (changesRun(action)) return lateRun(permit);
  const unmasked = masks.length === 0 && finds.length === 0;
  // Field by field: what is spread into a literal is copied many times slower, and this is made for every statement.
  const base: Writable<Run> = {
    permit,
    outputs: wanted.outputs,
    catalogue: wanted.catalogue,
    changes: wanted.changes,
    copyIn: effect.kind === 'copy-in',
    unsettles: unsettles(wanted, pathTouched),
    takesBack: takesBack(effect),
    defines: effect.kind === 'schema' || deep(wanted.action),
    rows: 0,
    bytes: 0,
    masked: 0,
    withheld: 0,
    cut: false,
    released: false,
  };
  if (wanted.portal !== undefined) base.portal = wanted.portal;
  if (wanted.described !== undefined) base.described = wanted.described;
  if (unmasked) base.masker = passAll;
  if (effect.kind !== 'copy-out') return base;
  const plans = planWithoutFields(permit, wanted.outputs, wanted.catalogue);
  if (plans === undefined && !unmasked) {
    return {
      sqlstate: '42501',
      message: 'The columns of this COPY cannot be told, so they cannot be masked',
      denial: denial(
        'LINEAGE',
        permit.id,
        action.notes.join('; '),
        'Name the columns: COPY (SELECT a, b FROM t) TO STDOUT',
      ),
    };
  }
  if (unmasked || plans === undefined || plans.every((plan) => plan.kind === 'pass'))
    return { ...base, copyOut: 'pass' };
  const reading = readingOf(finds, 'rows');
  const masking = {
    ...(reading === undefined ? {} : { reading }),
    key: maskKey,
    ...typesIn(wanted.catalogue),
    names: contextNames(wanted.outputs, []),
    watches: watches.of(wanted.outputs, plans),
    rowBytes,
  };
  const types = typesOf(wanted.outputs, wanted.catalogue, effect.copy);
  return { ...base, copyOut: copyMasker(effect.copy, plans, types, masking) };
}

/** A run belongs to a whole session: one that is named later would stand beside the session's own in the record. */
function changesRun({ attributes: { settings } }: Action): boolean {
  return Array.isArray(settings) && settings.some((name) => String(name).toLowerCase() === 'sallyport.run');
}

function lateRun(permit: Permit): RefusedWith {
  const why = 'A run is named when a session begins: this one has its own';
  const fix = "Connect with the startup parameter sallyport.run (PGOPTIONS='-c sallyport.run=turn-7')";
  return { sqlstate: '0A000', message: why, denial: denial('UNSUPPORTED', permit.id, why, fix) };
}

/** Whether names may mean something else behind this statement. */
export function unsettles(
  { action, statement: { effect } }: Pick<Wanted, 'action' | 'statement'>,
  pathTouched: boolean,
): boolean {
  return (
    (pathTouched && takesBack(effect)) ||
    effect.kind === 'search-path' ||
    effect.kind === 'schema' ||
    effect.kind === 'discard' ||
    deep(action)
  );
}

/** Statements that may do anything, or change what the catalogue holds: what names mean is asked anew behind them. */
function deep({ access }: Action): boolean {
  return access !== 'read' && access !== 'write';
}
