import { err, type Result } from '../../base/result.ts';
import type { Evaluation } from './engine.ts';

export function planEvaluation(
  _plan: unknown,
  _data: Readonly<Record<string, unknown>>,
  _entrypoint: string,
): Result<Evaluation, string> {
  return err('plans are not evaluated yet');
}
