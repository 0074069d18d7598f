import { detectors } from './detectors/index.ts';
import type { Detector } from './detector.ts';

// The detectors in use: the program's own and those of whoever runs it. One list for the whole process, for every way out
// must look for the same. It is set when the program starts, before anything is searched.

let inUse: readonly Detector[] = detectors;
const watchers: (() => void)[] = [];

export function detectorsInUse(): readonly Detector[] {
  return inUse;
}

/** Looks for these too from now on, instead of those given before; `[]` for none. Searches made ready before keep theirs. */
export function useDetectors(own: readonly Detector[]): void {
  inUse = own.length === 0 ? detectors : [...detectors, ...own];
  for (const changed of watchers) changed();
}

/** Calls when the list has changed. */
export function onDetectors(changed: () => void): void {
  watchers.push(changed);
}
