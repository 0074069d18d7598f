import { type PlaceOf, placesIn } from './places.ts';

/** Where the elements of a list of a JSON text stand: of element `at` its member `key`, else the element itself. */
export type ElementPlace = (at: number, key: string) => ReturnType<PlaceOf>;

/** Of the list under these keys, in a text that is JSON; every element is on the first line where there is no such list. */
export function elementPlaces(source: string, path: readonly string[]): ElementPlace {
  const place = placesIn(source);
  const starts = elementStarts(source, path);
  return (at, key) => {
    const start = starts[at] ?? 0;
    const member = source.indexOf(`"${key}"`, start);
    return place(member !== -1 && member < (starts[at + 1] ?? source.length) ? member : start);
  };
}

/** Of a text with one JSON document a line. */
export function linePlaces(source: string): ElementPlace {
  const lines = source.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [at + 1]));
  return (at) => ({ line: lines[at] ?? 1, col: 1 });
}

const token = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[-+.\w]+/g;

/** Offsets of the elements; the text has been read as JSON before, so that it is only walked along here. */
function elementStarts(source: string, path: readonly string[]): readonly number[] {
  const found: number[] = [];
  // What is open: of an object the key that is being read, of a list the number of its element.
  const open: { readonly list: boolean; key: string }[] = [];
  let text = '';
  const inside = (): boolean =>
    open.length === path.length + 1 &&
    open.at(-1)?.list === true &&
    path.every((key, depth) => open[depth]?.list === false && open[depth]?.key === key);
  const element = (offset: number): void => {
    if (inside()) found.push(offset);
  };
  for (const { 0: sign, index } of source.matchAll(token)) {
    const here = open.at(-1);
    if (sign === '{' || sign === '[') {
      element(index);
      open.push({ list: sign === '[', key: '' });
    } else if (sign === '}' || sign === ']') open.pop();
    else if (sign === ':') {
      if (here !== undefined) here.key = text;
    } else if (sign !== ',') {
      if (here?.list === true) element(index);
      else if (sign.startsWith('"')) text = unquoted(sign);
    }
  }
  return found;
}

function unquoted(literal: string): string {
  return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
}
