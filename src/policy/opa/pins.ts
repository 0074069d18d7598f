import { createHash } from 'node:crypto';
import type { Composition } from '../layers.ts';
import { readLock } from '../layers.ts';
import { Problems } from '../problem.ts';
import { bundlePath } from './bundle.ts';

/** SHA-256 of the file itself, as `sha256sum` gives it. `text` is what `policyText` gave. */
export function bundleDigest(text: string): string {
  return `sha256:${createHash('sha256').update(Buffer.from(text, 'base64')).digest('hex')}`;
}

/** `policy.lock` pins every bundle; a `digest` at a layer pins that one. A bundle of no layer is refused. */
export function bundlePins(
  { layers }: Composition,
  sources: ReadonlyMap<string, string>,
  problems: Problems,
): void {
  const lockText = sources.get('policy.lock');
  // What is wrong with the file itself is said where modules are read from it.
  const lock =
    lockText === undefined ? undefined : readLock('policy.lock', lockText, new Problems(), 'bundles');
  const used = new Set<string>();
  for (const { opa } of layers) {
    if (opa?.source.kind !== 'bundle') continue;
    const { path, at, digest: pinnedHere } = opa.source;
    used.add(path);
    const text = sources.get(path);
    if (text === undefined) continue;
    const digest = bundleDigest(text);
    if (pinnedHere !== undefined && pinnedHere.value !== digest)
      problems.add('SP-L103', pinnedHere.at, `The bundle ${path} is ${digest}, not what is pinned here`);
    if (lock === undefined) continue;
    const pinned = lock.get(path);
    const fix = 'Review the change of the bundle; sallyport check --lock then writes the file anew';
    if (pinned === undefined)
      problems.add('SP-L103', at, `policy.lock does not name the bundle ${path}`, { fix });
    else if (pinned.digest !== digest)
      problems.add('SP-L103', pinned.at, `The bundle ${path} is ${digest}, not what is pinned here`, { fix });
  }
  for (const path of sources.keys()) {
    if (!bundlePath.test(path) || used.has(path)) continue;
    problems.add(
      'SP-L102',
      { file: path, line: 1, col: 1 },
      `No layer uses the bundle ${path}: it would decide nothing`,
    );
  }
}
