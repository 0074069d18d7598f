import type { Kinds } from '../policy/kinds.ts';
import { problemLine } from '../policy/problem.ts';
import { CouldNotRun, safe } from './command.ts';
import { kindsWith, policyKinds } from './kinds.ts';

/** For the help of commands that load a policy where no gateway runs. */
export const detectorsHelp = `--detectors FILE  detectors of your own, whose entities rules may name: a list, or the gateway's configuration`;

/**
 * What is known of kinds with the detectors of a file, where one is named.
 * @throws {CouldNotRun} when it cannot be read, or is wrong; the message has one line for each problem.
 */
export async function kindsOfFile(file: string | undefined): Promise<Kinds> {
  if (file === undefined) return policyKinds;
  return kindsWith(await detectorsOfFile(file));
}

/** Detectors take longer to load than most of what asks: only who has some of their own waits for them. */
export async function detectorsOfFile(file: string): Promise<readonly { readonly name: string }[]> {
  const { readDetectorsFile } = await import('./detectors-file.ts');
  const { detectors, problems } = readDetectorsFile(file);
  if (problems.length === 0) return detectors;
  throw new CouldNotRun(problems.map((problem) => safe(problemLine(problem))).join('\n'));
}
