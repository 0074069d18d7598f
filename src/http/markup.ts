import type { Undone } from './encoded.ts';

// HTML and XML, as far as it matters what stands next to what once it is displayed. Forgiving as browsers are: what is no tag is text.

/** A tag, a comment, or a sign around text (CDATA, a processing instruction); half-open ranges of UTF-16 units. */
export type Mark =
  | {
      readonly kind: 'open' | 'close';
      /** In lower case, without its prefix. */
      readonly name: string;
      /** Nothing stands inside. */
      readonly empty: boolean;
      readonly attributes: readonly Attribute[];
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: 'comment' | 'sign'; readonly start: number; readonly end: number };

export interface Attribute {
  readonly name: string; // in lower case, without its prefix
  /** Of its value, without the quotes. */
  readonly from: number;
  readonly to: number;
}

/** What looking for tags may cost: a multiple of the text. Only a text that is made for it takes more. */
export interface Budget {
  left: number;
}

export function budgetFor(text: string): Budget {
  return { left: 8 * text.length + 10_000 };
}

/** The mark that begins at this `<` or `]]>`; undefined where none does, or nothing ends it. */
export function markAt(text: string, at: number, budget: Budget): Mark | undefined {
  if (text.startsWith(']]>', at)) return { kind: 'sign', start: at, end: at + 3 };
  const next = text[at + 1] ?? '';
  if (next === '!' || next === '?') return signAt(text, at, budget);
  const close = next === '/';
  nameForm.lastIndex = at + (close ? 2 : 1);
  const written = nameForm.exec(text)?.[0];
  if (written === undefined) return undefined;
  const name = plainOf(written);
  const attributes: Attribute[] = [];
  let place = nameForm.lastIndex;
  for (;;) {
    blankForm.lastIndex = place;
    place += blankForm.exec(text)?.[0].length ?? 0;
    const char = text[place];
    if (char === '>') break;
    if (char === undefined || char === '<' || budget.left < 0) {
      budget.left -= place - at;
      return undefined;
    }
    const attribute = attributeAt(text, place);
    if (attribute === undefined) {
      budget.left -= text.length - at;
      return undefined;
    }
    attributes.push(attribute);
    place = attribute.to + (text[attribute.to] === '"' || text[attribute.to] === "'" ? 1 : 0);
    if (place === attribute.from && attribute.name === '') place++;
  }
  const empty = text[place - 1] === '/';
  return { kind: close ? 'close' : 'open', name, empty, attributes, start: at, end: place + 1 };
}

const nameForm = /[A-Za-z_][^\s/><"'=]{0,200}/y;
const blankForm = /[\s/]{0,4096}/y;
const attributeForm = /([^\s=<>"'/]{0,200})(?:\s{0,100}=\s{0,100})?/y;
const bareForm = /[^\s>"'<]{0,4096}/y;

function plainOf(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1).toLowerCase();
}

function attributeAt(text: string, at: number): Attribute | undefined {
  attributeForm.lastIndex = at;
  const [all = '', name = ''] = attributeForm.exec(text) ?? [];
  const from = at + all.length;
  const quote = text[from];
  if (quote === '"' || quote === "'") {
    const to = text.indexOf(quote, from + 1);
    return to < 0 ? undefined : { name: plainOf(name), from: from + 1, to };
  }
  if (!all.includes('='))
    return { name: '', from: from + (all === '' ? 1 : 0), to: from + (all === '' ? 1 : 0) };
  bareForm.lastIndex = from;
  return { name: plainOf(name), from, to: from + (bareForm.exec(text)?.[0].length ?? 0) };
}

function signAt(text: string, at: number, budget: Budget): Mark | undefined {
  if (text.startsWith('<![CDATA[', at)) return { kind: 'sign', start: at, end: at + 9 };
  const comment = text.startsWith('<!--', at);
  const end = comment ? text.indexOf('-->', at + 2) : text.indexOf('>', at + 2);
  if (end < 0) {
    budget.left -= text.length - at;
    return undefined;
  }
  return { kind: comment ? 'comment' : 'sign', start: at, end: end + (comment ? 3 : 1) };
}

/** A text without its tags, and the way back: what stands together in it may stand in several places of the original. */
export interface Stripped extends Undone {
  /** Where `[start, end)` stands in the original. */
  readonly places: (start: number, end: number) => readonly (readonly [from: number, to: number])[];
}

const sign = /<[A-Za-z/!?_]|\]\]>/;

/** Whether there may be a tag. */
export function mayBeMarkup(text: string): boolean {
  return sign.test(text);
}

/**
 * The text as it is displayed: without tags and comments, with a line end where the text around one is not on one line. Undefined where it has none;
 * `deeper` where nobody can say in reasonable time.
 */
export function withoutTags(text: string): Stripped | 'deeper' | undefined {
  if (!mayBeMarkup(text)) return undefined;
  const budget = budgetFor(text);
  const runs: { readonly at: number; readonly from: number; readonly length: number }[] = [];
  let out = '';
  let copied = 0;
  let gap = new Gap();
  const copy = (to: number): void => {
    if (to <= copied) return;
    if (out !== '') out += gap.between;
    gap = new Gap();
    runs.push({ at: out.length, from: copied, length: to - copied });
    out += text.slice(copied, to);
  };
  let some = false;
  for (let at = nextSign(text, 0); at >= 0;) {
    const mark = markAt(text, at, budget);
    if (budget.left < 0) return 'deeper';
    if (mark === undefined) {
      at = nextSign(text, at + 1);
      continue;
    }
    some = true;
    copy(mark.start);
    gap.add(mark);
    copied = mark.end;
    at = nextSign(text, mark.end);
  }
  if (!some) return undefined;
  copy(text.length);
  const runAt = (unit: number): number => {
    let [low, high] = [0, runs.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((runs[middle]?.at ?? 0) <= unit) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const place = (unit: number): number => {
    const run = runs[runAt(unit)];
    return run === undefined ? text.length : run.from + Math.min(unit - run.at, run.length);
  };
  return {
    text: out,
    from: place,
    to: (at) => place(at) + 1,
    places: (start, end) => {
      const found: (readonly [number, number])[] = [];
      for (let index = runAt(start); index < runs.length; index++) {
        const run = runs[index];
        if (run === undefined || run.at >= end) break;
        const from = Math.max(start, run.at) - run.at + run.from;
        const to = Math.min(end, run.at + run.length) - run.at + run.from;
        if (to > from) found.push([from, to]);
      }
      return found;
    },
  };
}

function nextSign(text: string, from: number): number {
  signFrom.lastIndex = from;
  return signFrom.exec(text)?.index ?? -1;
}

const signFrom = /<[A-Za-z/!?_]|\]\]>/g;

/** What stands between two pieces of text. */
class Gap {
  #apart = false;
  #closed: string | undefined;
  #opened: string | undefined;

  add(mark: Mark): void {
    if (mark.kind !== 'open' && mark.kind !== 'close') return;
    if (lines.has(mark.name)) this.#apart = true;
    if (inline.has(mark.name)) return;
    if (mark.kind === 'close') this.#closed ??= mark.name;
    else this.#opened = mark.name;
  }

  /** Elements that nobody knows part what they hold, but where one kind of them follows itself, or one stands inside of the text of another. */
  get between(): string {
    if (this.#apart) return '\n';
    return this.#closed === undefined || this.#opened === undefined || this.#closed === this.#opened
      ? ''
      : '\n';
  }
}

/** Elements of HTML that stand on lines, or in cells, of their own. */
const lines: ReadonlySet<string> = new Set(
  (
    'address article aside blockquote body br button caption center col colgroup dd details dialog dir div dl dt fieldset figcaption ' +
    'figure footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html iframe input legend li link main menu meta nav noscript object ol ' +
    'optgroup option p pre script section select style summary table tbody td template textarea tfoot th thead title tr ul'
  ).split(' '),
);
/** And those that do not. */
const inline: ReadonlySet<string> = new Set(
  (
    'a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr output q rp rt ruby s samp slot small span ' +
    'strike strong sub sup svg text time tspan tt u var wbr'
  ).split(' '),
);
