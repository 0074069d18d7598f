import { Fault } from '../../base/errors.ts';
import type { DocumentMask } from '../../carriers/http/masks.ts';
import { type Hidden, withRanges } from '../../carriers/http/ranges.ts';
import { inSlices } from '../../carriers/http/turns.ts';
import { mayBeDocument } from '../../carriers/http/texts.ts';
import { jsonIn } from '../../http/json-in.ts';
import { undoAll } from '../../http/encoded.ts';
import { budgetFor, type Mark, markAt, mayBeMarkup } from '../../http/markup.ts';
import type { Column } from '../../http/csv.ts';

export interface MarkupParts {
  readonly mask: DocumentMask;
  readonly signal: AbortSignal;
  /** How what has this name, or this path, is shown; undefined: no name has a tag that is masked. */
  readonly columnOf: ((name: string) => Column | undefined) | undefined;
  /** Elements nest as they are written (XML), and their names are names of values. */
  readonly xml: boolean;
}

/** One element that is open. */
interface Open {
  readonly name: string;
  readonly path: string;
  /** What values in it are called. */
  readonly called: readonly string[];
  readonly hides: Column | undefined;
}

const deepest = 500;
const longestPath = 16_384;

/**
 * HTML and XML as their mask shows them: what is displayed together is judged together, whatever tags and comments stand in the middle; values of
 * attributes and elements under their names; JSON in scripts as JSON. Throws a Fault `mask` where nobody can say what a reader makes of it.
 */
export async function shownMarkup(
  text: string,
  parts: MarkupParts,
): Promise<{ readonly text: string; readonly found: number }> {
  if (parts.xml && /<!DOCTYPE[^>]*\[/i.test(text))
    throw new Fault('mask', 'The answer has definitions of its own (DOCTYPE), so it cannot be masked');
  const found = await parts.mask.hidden(text, parts.signal);
  const walk = new Walk(text, parts);
  const budget = budgetFor(text);
  const marks = marksOf(text, parts.xml, budget);
  for (const each of inSlices(marks, parts.signal)) await walk.take(await each);
  await walk.text(text.length);
  const ranges = [...walk.ranges, ...found];
  return { text: ranges.length === 0 ? text : withRanges(text, ranges).text, found: found.length };
}

/** The marks in order; what stands in a script is none. */
function* marksOf(text: string, xml: boolean, budget: ReturnType<typeof budgetFor>): Generator<Mark> {
  const endless = new Set<string>();
  let at = text.indexOf('<');
  while (at >= 0) {
    const mark = markAt(text, at, budget);
    if (budget.left < 0) throw new Fault('mask', 'The answer is no markup that can be read in time');
    if (mark !== undefined) yield mark;
    let next = mark?.end ?? at + 1;
    if (mark?.kind === 'sign' && text.startsWith('<![CDATA[', at)) {
      const end = text.indexOf(']]>', next);
      next = xml && end >= 0 ? end + 3 : next;
    } else if (!xml && mark?.kind === 'open' && rawNames.has(mark.name)) {
      const end = endless.has(mark.name) ? -1 : endOf(text, mark.name, next);
      if (end < 0) endless.add(mark.name);
      else next = end;
    }
    at = text.indexOf('<', next);
  }
}

const rawNames: ReadonlySet<string> = new Set(['script', 'style', 'textarea', 'title']);

function endOf(text: string, name: string, from: number): number {
  const end = new RegExp(`</${name}\\b`, 'gi');
  end.lastIndex = from;
  return end.exec(text)?.index ?? -1;
}

class Walk {
  readonly ranges: Hidden[] = [];
  readonly #whole: string;
  readonly #parts: MarkupParts;
  readonly #open: Open[] = [];
  /** The script that is open: what it holds is JSON, or a program. */
  #script: 'json' | 'program' | undefined;
  #at = 0;

  constructor(whole: string, parts: MarkupParts) {
    this.#whole = whole;
    this.#parts = parts;
  }

  async take(mark: Mark): Promise<void> {
    await this.text(mark.start);
    this.#at = mark.end;
    if (mark.kind === 'comment') {
      const [from, to] = [mark.start + 4, Math.max(mark.start + 4, mark.end - 3)];
      if (this.#open.at(-1)?.hides !== undefined) this.#hide(from, to, '');
      else await this.#comment(from, to);
      return;
    }
    if (mark.kind === 'close') this.#close(mark.name);
    else if (mark.kind === 'open') this.#opened(mark);
  }

  #opened(mark: Extract<Mark, { readonly kind: 'open' | 'close' }>): void {
    const values = mark.attributes.map((each) => ({
      ...each,
      value: plain(this.#whole.slice(each.from, each.to)),
    }));
    const said = values.find(({ name }) => naming.has(name))?.value ?? '';
    const above = this.#open.at(-1);
    const path = above === undefined || above.path === '' ? mark.name : `${above.path}.${mark.name}`;
    if (path.length > longestPath || this.#open.length >= deepest)
      throw new Fault('mask', 'The answer has too many levels to be masked');
    const { xml } = this.#parts;
    const own = this.#columnOf(xml ? [path, withoutRoot(path), said] : [said]);
    const hides = above?.hides ?? own;
    for (const { name, from, to, value } of values) {
      if (value === '' || naming.has(name)) continue;
      const called = name === 'value' || name === 'content' ? [said, name] : [name.replace(/^data-/, '')];
      const column =
        hides ??
        this.#columnOf(xml ? [`${path}.${name}`, `${withoutRoot(path)}.${name}`] : called.slice(0, 1));
      this.#show(from, to, { value, called, column });
    }
    const called = [said, ...(xml ? [mark.name] : [])];
    const empty = mark.empty || (!xml && alwaysEmpty.has(mark.name));
    if (!empty) this.#enter({ name: mark.name, path: xml ? path : '', called, hides });
    if (!xml && mark.name === 'script')
      this.#script = /json|importmap|speculationrules/i.test(
        values.find(({ name }) => name === 'type')?.value ?? '',
      )
        ? 'json'
        : 'program';
  }

  /** What stands up to there. */
  async text(to: number): Promise<void> {
    const from = this.#at;
    this.#at = to;
    if (to <= from) return;
    const text = this.#whole.slice(from, to);
    if (text.trim() === '') return;
    if (this.#script !== undefined) return this.#shownScript(from, text, this.#script);
    const open = this.#open.at(-1);
    if (open === undefined) return;
    const inner = text.replace(/\]\]>$/, '');
    this.#show(from, from + inner.length, { value: plain(inner), called: open.called, column: open.hides });
  }

  /** A page that is left out is a page. */
  async #comment(from: number, to: number): Promise<void> {
    const inner = this.#whole.slice(from, to);
    if (!mayBeMarkup(inner)) return;
    for (const each of await this.#parts.mask.hidden(inner, this.#parts.signal))
      this.ranges.push({ ...each, from: each.from + from, to: each.to + from });
  }

  #show(
    from: number,
    to: number,
    of: { readonly value: string; readonly called: readonly string[]; readonly column: Column | undefined },
  ): void {
    const { value, called, column } = of;
    if (value.trim() === '') return;
    if (column !== undefined) {
      this.#hide(from, to, column(value.trim()));
      return;
    }
    const json = this.#json(value);
    if (json !== undefined) return this.#hide(from, to, json);
    for (const name of called) {
      if (!this.#parts.mask.names(name)) continue;
      const shown = this.#parts.mask.text(value, name);
      if (shown !== value) return this.#hide(from, to, shown);
    }
  }

  /** JSON in an attribute or element (`data-page="{…}"`), by its paths; undefined where nothing of it is shown otherwise. */
  #json(value: string): string | undefined {
    const { mask, columnOf } = this.#parts;
    if (columnOf === undefined) return undefined;
    const whole = mayBeDocument(value) ? mask.json(value) : undefined;
    if (whole?.ok !== true) return mask.mixed(value);
    return whole.value === value ? undefined : whole.value;
  }

  async #shownScript(from: number, text: string, kind: 'json' | 'program'): Promise<void> {
    const { mask, signal, columnOf } = this.#parts;
    if (kind === 'json') {
      const shown = await mask.document(text, signal);
      if (shown.ok && shown.value !== text)
        this.#hide(from, from + text.length, shown.value.replaceAll('<', '\\u003c'), true);
      if (!shown.ok && columnOf !== undefined)
        throw new Fault(
          'mask',
          'A script of the answer is not the JSON that it says, so it cannot be masked',
        );
      return;
    }
    for (const { start, end, known } of jsonIn(text)) {
      if (!known) {
        if (columnOf === undefined) break; // without tags it is a text like every other
        throw new Fault('mask', 'A script of the answer has more beginnings of JSON than can be looked into');
      }
      const json = text.slice(start, end);
      const shown = await mask.document(json, signal);
      if (shown.ok && shown.value !== json)
        this.#hide(from + start, from + end, shown.value.replaceAll('<', '\\u003c'), true);
    }
  }

  #hide(from: number, to: number, shown: string, asIs: boolean = false): void {
    this.ranges.push({ from, to, type: undefined, shown: asIs ? shown : escaped(shown) });
  }

  #columnOf(names: readonly string[]): Column | undefined {
    const { columnOf } = this.#parts;
    if (columnOf === undefined) return undefined;
    for (const name of names) {
      const column = name === '' ? undefined : columnOf(name);
      if (column !== undefined) return column;
    }
    return undefined;
  }

  #enter(open: Open): void {
    // What HTML leaves open ends somewhere: only the innermost count.
    if (!this.#parts.xml && this.#open.length >= 64) this.#open.shift();
    this.#open.push(open);
  }

  #close(name: string): void {
    if (name === 'script') this.#script = undefined;
    const at = this.#open.findLastIndex((each) => each.name === name);
    if (at >= 0) this.#open.length = at;
  }
}

const naming: ReadonlySet<string> = new Set(['name', 'id', 'key', 'property', 'itemprop', 'field', 'for']);
const alwaysEmpty: ReadonlySet<string> = new Set(
  'area base br col embed hr img input link meta param source track wbr'.split(' '),
);

function withoutRoot(path: string): string {
  const at = path.indexOf('.');
  return at < 0 ? '' : path.slice(at + 1);
}

/** As a reader shows it: without references. */
function plain(text: string): string {
  if (!text.includes('&')) return text;
  for (const layer of undoAll(text)) return layer === 'deeper' ? text : layer.text;
  return text;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
