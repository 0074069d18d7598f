import type { Finding } from './detector.ts';

// A model that reads texts, beside the detectors: there is one for the whole process or none, as with detectors, for every
// way out must be read by the same. It is set when the program starts, before anything is searched.

export interface TextModel {
  /** The types that it may find. */
  readonly types: readonly string[];
  /** How long it may take for all texts of one answer together. */
  readonly withinMs: number;
  /** UTF-16 units of all texts of one answer together that it is given. */
  readonly most: number;
  /**
   * What it finds in each text; undefined where it fails, or has not done so in time: then nobody knows. Texts are as `normalise`
   * gives them. Never rejects. What is still to be read when the signal comes is not read any more.
   */
  readonly find: (
    texts: readonly string[],
    withinMs: number,
    signal: AbortSignal,
  ) => Promise<readonly (readonly Finding[] | undefined)[]>;
}

let inUse: TextModel | undefined;

export function modelInUse(): TextModel | undefined {
  return inUse;
}

/** This model is asked from now on; undefined: none is. */
export function useModel(model: TextModel | undefined): void {
  inUse = model;
}
