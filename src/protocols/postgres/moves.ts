import type { ColumnRef } from '../../core/action.ts';
import type { MaskOperator, Permit } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import { stronger } from '../../core/duties.ts';
import type { Move } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import { hidesAny, isKnown, strongest, strongestOfWhole } from './plan.ts';
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

function isCovered(permit: Permit, { from, to, same }: Move, catalogue: Catalogue): boolean {
  // What code reads cannot be told: a person who saw the statement may have let it pass.
  if (from.some(({ object, column }) => column === '*' && !isKnown(catalogue, object))) {
    return permit.duties.approve.length > 0 || !hidesAny(permit, catalogue);
  }
  // What of the server's own is named at all holds samples of any column (pg_statistic), or texts of anybody's.
  if (from.some(({ object }) => object.startsWith('pg_catalog.')) && hidesAny(permit, catalogue))
    return false;
  const needed = strongest(permit, from, catalogue);
  if (needed === undefined) return true;
  // It is read under any one name it is written by: each must hide it.
  return (
    to.length > 0 &&
    to.every((there) => isHidden(permit, { from, there, same: same === true, needed }, catalogue))
  );
}

interface Put {
  readonly from: readonly ColumnRef[];
  readonly there: ColumnRef;
  readonly same: boolean;
  readonly needed: MaskOperator;
}

/**
 * Whether the mask on the column that is written shows no more of what is put there than the one on where it is from.
 *
 * SECURITY: an operator that shows a part shows another part of a value that was turned (`UPDATE people SET email =
 * reverse(email)`), one that gives equal values equal signs tells what `left(ssn, 1)` is, and a mask on a path of a
 * document does not see what was put at another path.
 */
function isHidden(permit: Permit, { from, there, same, needed }: Put, catalogue: Catalogue): boolean {
  const [only, ...others] = from;
  if (same && others.length === 0 && only?.object === there.object && only.column === there.column)
    return true;
  const operator = strongestOfWhole(permit, [there], catalogue);
  if (operator === undefined || stronger(operator, needed)?.kind !== operator.kind) return false;
  return operator.kind === 'redact' || operator.kind === 'null' || (same && !showsPart.has(operator.kind));
}

const showsPart: ReadonlySet<MaskOperator['kind']> = new Set(['partial', 'noise', 'generalise']);
