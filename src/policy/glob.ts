/** A pattern in which `*` stands for any text, as a test. Linear in the text. */
export function glob(pattern: string): (text: string) => boolean {
  const pieces = pattern.split('*');
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return (text) => text === pattern;
  if (rest.length === 0 && last === '') return first === '' ? () => true : (text) => text.startsWith(first);
  return (text) => {
    if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
      return false;
    let at = first.length;
    const end = text.length - last.length;
    for (const piece of rest) {
      const found = text.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}

/** Any of the patterns. */
export function anyGlob(patterns: readonly string[]): (text: string) => boolean {
  const tests = patterns.map(glob);
  const [only] = tests;
  if (tests.length === 1 && only !== undefined) return only;
  if (patterns.every((pattern) => !pattern.includes('*'))) {
    const known = new Set(patterns);
    return (text) => known.has(text);
  }
  return (text) => tests.some((test) => test(text));
}
