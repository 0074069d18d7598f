import { messageOf } from '../base/errors.ts';
import { worker } from '../carriers/worker.ts';
import type { Metrics } from '../core/metrics.ts';
import type { EnvironmentParams } from '../policy/load.ts';
import type { PolicyProblem } from '../policy/problem.ts';
import type { Tried } from './policy-trial-worker.ts';

/** How long a policy may take to be read, and in how much memory. */
const withinMs = 30_000;
const heapMegabytes = 512;

/** All that is wrong with a policy that is not in force yet. Never rejects. */
export type PolicyTrial = (files: ReadonlyMap<string, string>) => Promise<readonly PolicyProblem[]>;

/**
 * Reads a policy in a thread of its own, so that one that takes for ever, or all memory, costs that thread and no session.
 * The gateway reads it only when nothing is wrong with it.
 */
export function policyTrial(parts: {
  readonly metrics: Metrics;
  readonly params?: EnvironmentParams;
  readonly entities: readonly string[];
}): PolicyTrial {
  const { metrics, params = {}, entities } = parts;
  return async (files) => {
    // Policies change seldom: a thread that waits for the next one would only keep its memory.
    await using thread = worker(new URL('./policy-trial-worker.ts', import.meta.url), {
      metrics,
      heapMegabytes,
    });
    const tried: Tried = { files, params, entities };
    try {
      return (await thread.call('problemsOf', tried, withinMs)) as readonly PolicyProblem[]; // our own thread
    } catch (thrown) {
      const message = `The policy cannot be read within ${withinMs / 1_000} s and ${heapMegabytes} MB: ${messageOf(thrown)}`;
      return [{ code: 'SP-Y006', message, file: 'policy.yaml', line: 1, col: 1 }];
    }
  };
}
