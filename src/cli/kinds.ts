import { realWorld } from '../base/time.ts';
import { entities } from '../mask/entities.ts';
import { opaEngines } from '../opa/index.ts';
import { type Kinds, kindsOf } from '../policy/kinds.ts';
import { protocolWords } from '../protocols/words.ts';

/** Everything that the gateway knows of kinds, for reading a policy where none runs. */
export const policyKinds: Kinds = kindsOf(
  protocolWords,
  entities.map((name) => ({ name })),
  opaEngines(realWorld),
);
