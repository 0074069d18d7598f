import { isClean } from '../../carriers/http/texts.ts';
import { scan } from '../../mask/index.ts';
import type { Body } from './body.ts';
import { layersOf } from './placeholders.ts';
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
    }
    if (!seen) nothing.add(text);
    return text;
  });
  return { types: [...types].toSorted(), nothing };
}
