// @peculiar/x509 puts itself together with tsyringe, which asks for these three functions of the metadata proposal at
// import, and for nothing else. A polyfill from the registry would be the larger risk.

type Metadata = Map<unknown, unknown>;
const kept = new WeakMap<object, Metadata>();

function own(key: unknown, target: object): unknown {
  return kept.get(target)?.get(key);
}

function inherited(key: unknown, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    if (kept.get(at)?.has(key) === true) return own(key, at);
  }
  return undefined;
}

function define(key: unknown, value: unknown, target: object): void {
  const metadata: Metadata = kept.get(target) ?? new Map<unknown, unknown>();
  kept.set(target, metadata.set(key, value));
}

/** Puts the three functions on Reflect where nobody has. */
export function provideMetadata(): void {
  if ('getMetadata' in Reflect) return;
  Object.assign(Reflect, { getMetadata: inherited, getOwnMetadata: own, defineMetadata: define });
}
