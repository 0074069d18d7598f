import { type Fields, first } from '../../http/headers.ts';

/**
 * How long the client wants to wait, in milliseconds, `most` at most (RFC 7240): not at all with `respond-async`, so many seconds
 * with `wait=N`.
 */
export function preferred(fields: Fields, most: number): number {
  const said = first(fields, 'prefer') ?? '';
  if (/(?:^|[,;\s])respond-async(?:$|[,;\s])/i.test(said)) return 0;
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?(?:$|[,;\s])/i.exec(said)?.[1];
  return seconds === undefined ? most : Math.min(most, Number(seconds) * 1_000);
}
