import { err, ok, type Result } from '../base/result.ts';
import { JsonWalk, type Leaf, type Shown } from './json-walk.ts';

export type { Leaf } from './json-walk.ts';

/** What is shown of a leaf: a text, `null`, or undefined for the value as it is. */
export type Show = (leaf: Leaf) => Shown;

/**
 * Rewrites the leaves of one JSON text (RFC 8259) and nothing else: layout, order, keys given twice and the spelling of
 * numbers stay byte for byte. Refuses what is not JSON, since nobody can say how its reader would take it; with `uniqueKeys`
 * also an object that names a key twice, of which readers take the first or the last.
 */
export function rewriteJson(
  text: string,
  show: Show,
  rules: { readonly uniqueKeys?: true } = {},
): Result<string, string> {
  const bytes = jsonBytes(text);
  if (bytes === undefined) return err('It is not JSON');
  const walk = new JsonWalk({ bytes, show, ...rules });
  walk.step(never);
  if (walk.error !== undefined) return err(walk.error);
  const shown = walk.end();
  return ok(shown === undefined ? text : Buffer.concat(shown).toString());
}

/** A JSON text as UTF-8. Half a character, which UTF-8 has no bytes for, is written as the escape that means the same. */
export function jsonBytes(text: string): Uint8Array | undefined {
  if (text.isWellFormed()) return Buffer.from(text);
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return Buffer.from(text.replaceAll(/\p{Surrogate}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`));
}

const never = (): boolean => false;
