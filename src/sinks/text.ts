import { type MaskKey, maskFindings } from '../mask/index.ts';
import { withoutValues } from '../sql/bare.ts';

/**
 * A statement without its values, for sinks that are told to send texts; detectors look over what is left. Texts of other
 * families are left out whole.
 */
export function maskedText(verb: string, text: string, key: MaskKey): string {
  if (!verb.startsWith('sql.')) return '[withheld]';
  const bare = withoutValues(text);
  const masked = maskFindings(bare.text, [{ entity: '*', operator: { kind: 'redact' } }], { key });
  return bare.whole ? masked.text : `${masked.text}[withheld]`;
}
