import type { World } from '../base/time.ts';
import type { OpaEngines } from '../policy/opa/engine.ts';
import { serverEngine } from './server.ts';
import { wasmEngine } from './wasm.ts';

// Policies of OPA that are evaluated outside of the policy engine: WebAssembly in a thread with a deadline, and a server
// over HTTP. How they become a layer, and the plans that need neither, is in policy/opa. Everything that fails here is an
// opinion that failed, and the policy makes a deny of it.

/** Everything that evaluates policies of OPA outside. */
export function opaEngines(world: World): OpaEngines {
  return { wasm: wasmEngine(world), server: serverEngine(world) };
}
