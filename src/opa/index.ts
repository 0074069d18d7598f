import type { World } from '../base/time.ts';
import type { Log } from '../core/ports.ts';
import type { OpaEngines } from '../policy/opa/engine.ts';
import { type OpaOrigin, reaching } from './reach.ts';
import { remoteEngine } from './remote.ts';
import { serverEngine } from './server.ts';
import { wasmEngine } from './wasm.ts';

// Policies of OPA that are evaluated outside of the policy engine: WebAssembly in a thread with a deadline, and a server
// over HTTP, and bundles that are fetched. How they become a layer, and the plans that need neither, is in policy/opa. Everything that fails here is an
// opinion that failed, and the policy makes a deny of it.

/** Everything that evaluates policies of OPA outside. `origins`: whom to show which token, and whose certificates to believe. */
export function opaEngines(
  world: World,
  {
    origins = [],
    log = () => undefined,
  }: { readonly origins?: readonly OpaOrigin[]; readonly log?: Log } = {},
): OpaEngines {
  const reach = reaching(origins);
  const wasm = wasmEngine(world);
  return { wasm, server: serverEngine(world, reach), remote: remoteEngine({ world, reach, wasm, log }) };
}
