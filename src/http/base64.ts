/**
 * The bytes of a text in Base64 (RFC 4648), of either alphabet, with or without its padding and line ends; undefined where anything else
 * stands in it. Lenient readers stop at the first padding: what stands behind it would be passed unseen.
 */
export function base64Bytes(text: string): Uint8Array | undefined {
  const plain = text.replaceAll(/\r?\n/g, '');
  const match = /^([A-Za-z0-9+/]*|[A-Za-z0-9_-]*)(={0,2})$/.exec(plain);
  const [, digits = '', padding = ''] = match ?? [];
  if (match === null || digits.length % 4 === 1) return undefined;
  if (padding !== '' && (digits.length + padding.length) % 4 !== 0) return undefined;
  return Buffer.from(digits, 'base64');
}
