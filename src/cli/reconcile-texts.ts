/** A statement without its values, as far as a server's own statistics keep it: what both sides reduce to the same text is the same. */
export function reduced(text: string): string {
  return text
    .replaceAll(parts, (part) =>
      part.startsWith('--') || part.startsWith('/*') ? ' ' : part.startsWith('"') ? part : '?',
    )
    .replaceAll(/(^|[^\p{L}\p{N}_$"])(?:[+-]\s*)?(?:\$\d+|\d[\p{L}\p{N}_.]*)/gu, '$1?')
    .replaceAll(/(?<![\p{L}\p{N}_$."])(?:null|true|false)(?![\p{L}\p{N}_$"])/giu, '?')
    .replaceAll(/\?(?:\s*,\s*\?)+(?:\s*\/\*, \.\.\. \*\/)?/g, '?')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\s*([(),;=<>])\s*/g, '$1')
    .replaceAll(/[;\s]+$/g, '')
    .trim()
    .toLowerCase()
    .replaceAll(/\bin\((?:\?(?:::[\w."]+)?,?)+\)/g, 'in(?)')
    .replaceAll(/\bextract\(\w+ from /g, 'extract(? from ')
    .replace(/^(savepoint|release(?: savepoint)?|rollback to(?: savepoint)?) \S+$/, '$1 ?');
}

const parts =
  /\$([\p{L}_][\p{L}\p{N}_]*)?\$[^]*?\$\1\$|(?<![\p{L}\p{N}_])[EeBbXxNn]?'(?:[^'\\]|''|\\[^])*(?:'|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|--[^\n]*|\/\*[^]*?(?:\*\/|$)/gu;
