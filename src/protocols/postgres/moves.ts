import type { MaskOperator, Permit } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import { stronger } from '../../core/duties.ts';
import type { Move } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import { hidesAny, isKnown, strongest } from './plan.ts';
import type { RefusedWith } from './refusal.ts';

/**
 * Why a statement must not carry these values elsewhere.
 *
 * SECURITY: a mask is on a column. Who could copy a masked value into a column without that mask, a channel, a sequence or
 * a lock would read it there (`UPDATE people SET name = reverse(ssn) WHERE id = 1`, then `SELECT name`).
 */
export function refusedMove(
  permit: Permit,
  moves: readonly Move[],
  catalogue: Catalogue,
): RefusedWith | undefined {
  if (permit.duties.masks.length === 0) return undefined;
  const uncovered = moves.some((move) => !isCovered(permit, move, catalogue));
  if (!uncovered) return undefined;
  const why = 'This puts values of a masked column where they could be read without the mask';
  const fix =
    'Leave masked columns out, or tag the column that is written in schema.yaml as the one it is read from';
  return { sqlstate: '42501', message: why, denial: denial('LINEAGE', permit.id, why, fix) };
}

function isCovered(permit: Permit, { from, to }: Move, catalogue: Catalogue): boolean {
  // What code reads cannot be told: a person who saw the statement may have let it pass.
  if (from.some(({ object, column }) => column === '*' && !isKnown(catalogue, object))) {
    return permit.duties.approve.length > 0 || !hidesAny(permit, catalogue);
  }
  // What of the server's own is named at all holds samples of any column (pg_statistic), or texts of anybody's.
  if (from.some(({ object }) => object.startsWith('pg_catalog.')) && hidesAny(permit, catalogue))
    return false;
  const needed = strongest(permit, from, catalogue);
  if (needed === undefined) return true;
  const [only, ...others] = from;
  // It is read under any one name it is written by: each must hide all of it, or be the very column it comes from.
  return (
    to.length > 0 &&
    to.every(({ object, column }) => {
      if (others.length === 0 && only?.object === object && only.column === column) return true;
      const there = strongest(permit, [{ object, column }], catalogue);
      return there !== undefined && hides(there) && stronger(there, needed)?.kind === there.kind;
    })
  );
}

/** Whether nothing of the value is shown, so that it does not matter how it was turned before. */
function hides({ kind }: MaskOperator): boolean {
  return kind !== 'partial' && kind !== 'noise' && kind !== 'generalise';
}
