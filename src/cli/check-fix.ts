import type { PolicyProblem, ProblemCode } from '../policy/problem.ts';

/** A word that was put in place of another. */
export interface Fixed {
  readonly problem: PolicyProblem;
  readonly from: string;
  readonly to: string;
}

/** Where the fix is one word for another that exists nearly so. */
const mechanical: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'SP-Y002',
  'SP-T101',
  'SP-T105',
  'SP-T107',
]);

/**
 * The files in which something can be mended by a word for a word, mended; and what was. SECURITY: what nobody finds is only taken
 * for a slip where all detectors are known: else it may be one of somebody's own.
 */
export function mend(
  files: ReadonlyMap<string, string>,
  problems: readonly PolicyProblem[],
  isEveryDetectorKnown: boolean = false,
): { readonly files: ReadonlyMap<string, string>; readonly fixed: readonly Fixed[] } {
  const mended = new Map<string, string>();
  const fixed: Fixed[] = [];
  // From the end of a file to its beginning, so that the places of the others stay true.
  const backwards = problems
    .filter(({ code }) => mechanical.has(code) || (isEveryDetectorKnown && code === 'SP-T108'))
    .toSorted((a, b) => b.line - a.line || b.col - a.col);
  for (const problem of backwards) {
    const [, from, to] = /^([\w./-]+) → ([\w./-]+)$/.exec(problem.fix ?? '') ?? [];
    const source = mended.get(problem.file) ?? files.get(problem.file);
    if (from === undefined || to === undefined || source === undefined) continue;
    const at = offsetOf(source, problem);
    // Only where the word stands where the problem says: a value that came from a param does not.
    if (at === undefined || !source.startsWith(from, at) || /[\w-]/.test(source.charAt(at + from.length)))
      continue;
    mended.set(problem.file, source.slice(0, at) + to + source.slice(at + from.length));
    fixed.push({ problem, from, to });
  }
  return { files: mended, fixed: fixed.reverse() };
}

function offsetOf(source: string, { line, col }: PolicyProblem): number | undefined {
  let start = 0;
  for (let at = 1; at < line; at++) {
    const end = source.indexOf('\n', start);
    if (end < 0) return undefined;
    start = end + 1;
  }
  return start + col - 1;
}
