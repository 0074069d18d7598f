/** Where a member with this text as its value stands in a JSON text, as far as that can be told without reading it anew. */
export function lineOfText(
  source: string,
  key: string,
  value: string,
): { readonly line: number; readonly col: number } {
  const literal = JSON.stringify(value).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const found = new RegExp(`"${key}"\\s*:\\s*${literal}`).exec(source);
  const before = source.slice(0, found?.index ?? 0).split('\n');
  return { line: before.length, col: (before.at(-1)?.length ?? 0) + 1 };
}
