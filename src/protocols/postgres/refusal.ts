import type { Denial, DenyCode } from '../../core/decision.ts';
import type { Statement } from '../../sql/analysis.ts';
import type { ErrorParts } from './encode.ts';
import type { Run } from './run.ts';

/** Why a request is refused, before it is put into the words of the protocol. */
export interface RefusedWith {
  readonly sqlstate: string;
  readonly message: string;
  readonly denial?: Denial;
  readonly hint?: string;
  readonly position?: number; // 1-based, in characters of the statement
}

// PostgreSQL 18 docs, appendix A.
const sqlstates: Partial<Record<DenyCode, string>> = {
  LIMIT: '54000', // program_limit_exceeded
  SIGN_IN: '28000', // invalid_authorization_specification
  UNSUPPORTED: '0A000', // feature_not_supported
  NOT_WRITTEN: '58030', // io_error
  REVIEW_WITHDRAWN: '57014', // query_canceled
};

export function refusedBy(denial: Denial): RefusedWith {
  return { sqlstate: sqlstates[denial.class] ?? '42501', message: denial.why, denial };
}

/** The denial object as PostgreSQL says it: message = why, DETAIL = rule and place, HINT = fix (DESIGN, 9). */
export function errorOf({ sqlstate, message, denial, hint, position }: RefusedWith): ErrorParts {
  const fix = [...(denial?.fix ?? []), ...(hint === undefined ? [] : [hint])].join('; ');
  return {
    severity: 'ERROR',
    sqlstate,
    message,
    ...(denial === undefined ? {} : { detail: detailOf(denial) }),
    ...(fix === '' ? {} : { hint: fix }),
    ...(position === undefined ? {} : { position }),
  };
}

function detailOf(denial: Denial): string {
  const nearest = denial.class === 'NO_ALLOW_RULE' ? 'Nearest rule' : 'Rule';
  const rule = denial.rule === undefined ? 'No rule' : `${nearest} ${denial.rule}`;
  const at = denial.at === undefined ? '' : ` at ${denial.at}`;
  const policy =
    denial.policy === undefined || denial.policy === '' ? '' : `, policy ${shortened(denial.policy)}`;
  return `${rule}${at} (${denial.class}${policy}); decision ${denial.decisionId}`;
}

/** Enough of a digest to find it; a commit behind it is kept whole enough for git. */
function shortened(policy: string): string {
  const [digest = '', commit] = policy.split('@');
  return commit === undefined ? digest.slice(0, 12) : `${digest.slice(0, 12)}@${commit.slice(0, 12)}`;
}

/**
 * What is sent in place of a refused statement: text that no server can parse, so that it fails at that very place of
 * the pipeline, aborts the transaction as any failed statement does, and the server's own log says why.
 */
export function standIn(decisionId: string): string {
  return `sallyport refused this statement: decision ${decisionId.replaceAll(/[^A-Za-z0-9.-]/g, '')}`;
}

/** Why a statement cannot share a text with those behind it. */
export function togetherRefused(run: Run, behind: readonly Statement[]): RefusedWith | undefined {
  if (behind.length === 0) return undefined;
  if (run.unsettles && behind.some(usesNames)) {
    return {
      sqlstate: '0A000',
      message: 'This statement changes what names mean in the statements behind it',
      hint: 'Send it in a query of its own',
    };
  }
  return limitedRefused(run, behind);
}

/**
 * Whether what names mean matters to it.
 * SECURITY: what EXECUTE runs is planned anew where the search path has changed, with the names of that moment.
 */
export function usesNames({ action, effect }: Statement): boolean {
  return action.targets.length > 0 || action.columns.length > 0 || effect.kind === 'execute';
}

/** A cut answer would leave open whether the writes behind it have run. */
export function limitedRefused(run: Run, behind: readonly Statement[]): RefusedWith | undefined {
  const { rowLimit, byteLimit } = run.permit.duties;
  if (
    (rowLimit !== undefined || byteLimit !== undefined) &&
    behind.some(({ action }) => action.access !== 'read')
  ) {
    return {
      sqlstate: '0A000',
      message: 'A statement whose answer is limited cannot share a query with a write behind it',
      hint: 'Send them one at a time',
    };
  }
  return undefined;
}

export const notUtf8: RefusedWith = {
  sqlstate: '22021',
  message: 'invalid byte sequence for encoding "UTF8"',
};
export const changedMeanwhile: RefusedWith = {
  sqlstate: '42501',
  message: 'The policy changed while a statement of this query waited for a review',
  hint: 'Send it again',
};
export const several: RefusedWith = {
  sqlstate: '42601',
  message: 'cannot insert multiple commands into a prepared statement',
};
export const tooMany: RefusedWith = {
  sqlstate: '54000',
  message: 'Too many prepared statements and portals in this session',
  hint: 'Close those that are no longer needed, or raise limits.preparedStatements',
};
export const unsettled: RefusedWith = {
  sqlstate: '0A000',
  message:
    'A statement before this one may have changed what names mean, and the server can only be asked after a Sync',
  hint: 'Send Sync (end the pipeline) after SET search_path, DDL, DO, CALL and calls of functions',
};
