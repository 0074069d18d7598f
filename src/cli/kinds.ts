import { realWorld } from '../base/time.ts';
import { entities } from '../mask/entities.ts';
import { opaEngines } from '../opa/index.ts';
import { type Kinds, kindsOf } from '../policy/kinds.ts';
import { protocolWords } from '../protocols/words.ts';

/** Everything that the gateway knows of kinds, for reading a policy where none runs. */
export const policyKinds: Kinds = kindsWith([]);

/** The same with detectors of somebody's own. */
export function kindsWith(detectors: readonly { readonly name: string }[]): Kinds {
  const all = [...entities.map((name) => ({ name })), ...detectors];
  return kindsOf(protocolWords, all, opaEngines(realWorld));
}
