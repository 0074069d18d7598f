/** A part of a text; `known`: it is JSON. What is not known is the rest, which nobody looked at. */
interface JsonPart {
  readonly start: number;
  readonly end: number;
  readonly known: boolean;
}

/**
 * Where JSON objects and arrays stand in a text that is something else; not looked into further than that they end. Linear in the text:
 * where too many begin and do not end, the last part is not known.
 */
export function* jsonIn(text: string): Generator<JsonPart> {
  let budget = 4 * text.length + 1_024;
  begins.lastIndex = 0;
  for (let found = begins.exec(text); found !== null; found = begins.exec(text)) {
    const end = endOf(text, found.index);
    budget -= (end ?? text.length) - found.index;
    if (budget < 0) return yield { start: found.index, end: text.length, known: false };
    if (end === undefined) continue;
    const isJson = parses(text.slice(found.index, end));
    if (!isJson) continue;
    yield { start: found.index, end, known: true };
    begins.lastIndex = end;
  }
}

/** Of lists in lists no more are looked behind than that: time would grow with the square of them. */
const begins = /\{(?=\s*["}])|\[(?=[\s[]{0,6}["{])/g;

/** Whether some may stand in it. */
export function mayHoldJson(text: string): boolean {
  begins.lastIndex = 0;
  return begins.test(text);
}

/** Behind the bracket that closes the one at `start`. */
function endOf(text: string, start: number): number | undefined {
  let depth = 0;
  signs.lastIndex = start;
  for (let sign = signs.exec(text); sign !== null; sign = signs.exec(text)) {
    const [char] = sign;
    if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') {
      if (--depth === 0) return signs.lastIndex;
    } else {
      strings.lastIndex = sign.index;
      if (strings.exec(text) === null) return undefined;
      signs.lastIndex = strings.lastIndex;
    }
  }
  return undefined;
}

const signs = /[{}[\]"]/g;
const strings = /"[^"\\]*(?:\\[^][^"\\]*)*"/y;

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
