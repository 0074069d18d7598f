import { keyed, type MaskKey } from './key.ts';
import { scan } from './scan.ts';
import { unnumbered, unsealed } from './token.ts';

/** What became of one token. */
export type Revealed =
  | {
      readonly kind: 'value';
      readonly value: string;
      /** `digits`: nothing in a number proves that it was a token, so any number gives some other one. */
      readonly form: 'text' | 'digits';
      /** What detectors find in the whole of it, by Presidio's names; `OTHER` where that is nothing. */
      readonly type: string;
    }
  /** No token of these keys: another key's, a changed one, or none at all. Which of these is not told. */
  | { readonly kind: 'none' };

/** The type of what no detector knows, and of what is no token: who may reveal a type learns nothing of either. */
export const otherType = 'OTHER';

/**
 * Undoes tokens. A sealed text is tried with every key, since it proves whose it is; a number with `keys[digitsKey]`.
 * SECURITY: whoever calls this holds masked values: shown only where a rule allowed it, and it is written down.
 */
export function revealTokens(
  tokens: readonly string[],
  { keys, digitsKey = 0 }: { readonly keys: readonly MaskKey[]; readonly digitsKey?: number },
): readonly Revealed[] {
  const forDigits = keys[digitsKey];
  return tokens.map((token) => {
    const number = forDigits === undefined ? undefined : unnumbered(token, forDigits);
    if (number !== undefined) return { kind: 'value', value: number, form: 'digits', type: typeOf(number) };
    for (const key of keys) {
      const value = unsealed(token, key);
      if (value !== undefined) return { kind: 'value', value, form: 'text', type: typeOf(value) };
    }
    return { kind: 'none' };
  });
}

/** Names these tokens, in their order, to whoever has the key, and to nobody else. Hex. */
export function tokensDigest(tokens: readonly string[], key: MaskKey): string {
  return keyed(key, 'revealed', JSON.stringify(tokens)).toString('hex');
}

/** Nothing that has a type is longer; a search of all of a long text would be for nothing. */
const longestTyped = 1_000;

function typeOf(value: string): string {
  if (value.length > longestTyped) return otherType;
  return scan(value).find(({ start, end }) => start === 0 && end === value.length)?.type ?? otherType;
}
