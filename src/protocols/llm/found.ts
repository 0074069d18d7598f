import { isClean } from '../../carriers/http/texts.ts';
import { scan } from '../../mask/index.ts';
import type { Body } from './body.ts';
import { textRuns } from '../../http/text-runs.ts';
import { layersOf, meetings, packedFindings } from './placeholders.ts';
import { mapTexts } from './request.ts';

/** What detectors see in a prompt. */
export interface Found {
  /** The types of it. */
  readonly types: readonly string[];
  /** Texts in which no detector sees anything: nothing has to be hidden in these. */
  readonly nothing: ReadonlySet<string>;
}

export function foundIn(body: Body): Found {
  const types = new Set<string>();
  const nothing = new Set<string>();
  mapTexts(body, (text) => {
    if (isClean(text) || nothing.has(text)) return text;
    let seen = false;
    for (const layer of layersOf(text)) {
      const found = layer === 'deeper' ? undefined : scan(layer.text);
      if (found === undefined || found.length > 0) seen = true;
      for (const { type } of found ?? []) types.add(type);
      for (const { types: packed } of layer === 'deeper'
        ? []
        : packedFindings(layer.text, (each) => scan(each))) {
        seen = true;
        for (const type of packed) types.add(type);
      }
    }
    if (!seen) nothing.add(text);
    return text;
  });
  for (const { text, at, from } of textRuns(body).flatMap((run) => [...meetings(run)])) {
    if (isClean(text)) continue;
    for (const layer of layersOf(text)) {
      if (layer === 'deeper') continue;
      for (const { type, end } of scan(layer.text)) if (from + layer.to(end - 1) > at) types.add(type);
    }
  }
  return { types: [...types].toSorted(), nothing };
}
