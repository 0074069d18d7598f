import { realWorld } from '../base/time.ts';
import { opaEngines } from '../opa/index.ts';
import { kindsOf } from '../policy/kinds.ts';
import { type EnvironmentParams, loadPolicy } from '../policy/load.ts';
import type { PolicyProblem } from '../policy/problem.ts';
import { protocolWords } from '../protocols/words.ts';

// The inside of a thread in which a policy is read before the gateway itself reads it.

export interface Tried {
  readonly files: ReadonlyMap<string, string>;
  readonly params: EnvironmentParams;
  /** What detectors find. */
  readonly entities: readonly string[];
}

/** All that is wrong with a policy. */
export function problemsOf({ files, params, entities }: Tried): readonly PolicyProblem[] {
  const engines = opaEngines(realWorld);
  const kinds = kindsOf(
    protocolWords,
    entities.map((name) => ({ name })),
    // What is fetched is fetched by the gateway, once the policy is in force.
    { ...engines, remote: () => () => Promise.resolve({ kind: 'failed', why: 'Nothing is fetched here' }) },
  );
  const loaded = loadPolicy(files, kinds, { params });
  return loaded.ok ? [] : loaded.error;
}
