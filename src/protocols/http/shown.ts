import { Fault } from '../../base/errors.ts';
import type { Holding } from '../../core/held.ts';
import { costs } from '../../carriers/http/costs.ts';
import { utf8 } from '../../carriers/http/cuts.ts';
import { type DocumentMask, heads } from '../../carriers/http/masks.ts';
import { mayBeDocument } from '../../carriers/http/texts.ts';
import { withRanges } from '../../carriers/http/ranges.ts';
import { inSlices } from '../../carriers/http/turns.ts';
import { contentOf, isMarkup, isScript, isYaml, tableOf, typeFits } from '../../http/content.ts';
import { type Column, CsvColumns } from '../../http/csv.ts';
import { EventReader, eventText, type ServerEvent } from '../../http/events.ts';
import { readMultipart, writeMultipart } from '../../http/multipart.ts';
import { jsonIn } from '../../http/json-in.ts';
import { wholeText } from './shown-read.ts';
import { shownMarkup } from './shown-markup.ts';
import { shownYaml } from './shown-yaml.ts';

export interface ShownParts {
  readonly mask: DocumentMask;
  readonly most: number;
  readonly signal: AbortSignal;
  /** Of the request: what is held back is counted. */
  readonly held: Holding;
  /** Undefined: no name has a tag that is masked. */
  readonly columnOf: ((name: string) => Column | undefined) | undefined;
}

/** Bodies of an answer as its mask shows them, by what they are. What takes long is done in slices. */
export class Shown {
  readonly #mask: DocumentMask;
  readonly #most: number;
  readonly #signal: AbortSignal;
  readonly #held: Holding;
  readonly #columnOf: ((name: string) => Column | undefined) | undefined;
  /** Cells and fields of a form that were shown otherwise because of their column. */
  masked = 0;

  /** No more than `most` units are held back; `signal` ends the work in between; `columnOf`: how a column of a table, or a field of a form, is shown. */
  constructor({ mask, most, signal, held, columnOf }: ShownParts) {
    this.#held = held;
    this.#mask = mask;
    this.#most = most;
    this.#signal = signal;
    this.#columnOf =
      columnOf &&
      ((name) => {
        const column = columnOf(name);
        if (column === undefined) return undefined;
        return (cell) => {
          this.masked++;
          return column(cell);
        };
      });
  }

  /** A whole body, in parts; undefined where it is not what it says, and so cannot be shown. */
  async document(
    bytes: Uint8Array,
    content: 'json' | 'form' | 'text',
  ): Promise<readonly Uint8Array[] | undefined> {
    if (bytes.length === 0) return [bytes];
    if (content === 'json') {
      const guard = guardOf(bytes);
      const shown = await this.#mask.bytes(bytes.subarray(guard.length), this.#signal);
      return shown.ok ? inParts([guard, ...(shown.value ?? [bytes.subarray(guard.length)])]) : undefined;
    }
    const text = utf8(bytes);
    // As UTF-16 without a mark it would be another text.
    if (!text.ok || text.value.includes('\0')) return undefined;
    if (this.#columnOf !== undefined && beginsAsJson(text.value)) return this.#asJson(bytes, text.value);
    if (content === 'text') return [sameOr(bytes, text.value, this.#mask.text(text.value))];
    return [sameOr(bytes, text.value, this.#form(text.value))];
  }

  /** HTML and XML; undefined where it is no text. */
  async markup(bytes: Uint8Array, contentType: string): Promise<readonly Uint8Array[] | undefined> {
    const text = utf8(bytes);
    if (!text.ok || text.value.includes('\0')) return undefined;
    if (this.#columnOf !== undefined && beginsAsJson(text.value)) return this.#asJson(bytes, text.value);
    const shown = await shownMarkup(text.value, {
      mask: this.#mask,
      signal: this.#signal,
      columnOf: this.#columnOf,
      xml: /xml/i.test(contentType) && !/xhtml/i.test(contentType),
    });
    this.masked += shown.found;
    return inParts([sameOr(bytes, text.value, shown.text)]);
  }

  /** Some readers part fields at `;` too: where there is one, each piece is looked at for itself, and all of them together. */
  #form(text: string): string {
    const before = this.#all();
    const shown = new URLSearchParams();
    for (const [name, value] of new URLSearchParams(text)) {
      const pieces = value.split(';');
      const first = pieces.length > 1 ? this.#field(name, pieces[0] ?? '') : '';
      const parted = pieces.slice(1).map((piece) => {
        const at = piece.indexOf('=');
        const own = at < 0 ? '' : piece.slice(0, at);
        return at < 0 ? this.#field(name, piece) : `${own}=${this.#field(own, piece.slice(at + 1))}`;
      });
      shown.append(
        this.#mask.text(name),
        this.#field(name, pieces.length > 1 ? [first, ...parted].join(';') : value),
      );
    }
    return this.#all() === before ? text : shown.toString();
  }

  /** One field of a form: `user[mail]` is `user.mail` to whoever reads it. */
  #field(name: string, value: string): string {
    if (value === '') return value;
    const path = name.replaceAll(/\[\d*\]/g, '[]').replaceAll(/\[([^\]]+)\]/g, '.$1');
    // A tag on a list or mapping is one on all that is in it.
    const column = [name, ...heads(path, 0)]
      .map((each) => this.#columnOf?.(each))
      .find((each) => each !== undefined);
    if (column !== undefined) return column(value);
    const document = mayBeDocument(value) ? this.#mask.json(value, name) : undefined;
    if (document?.ok === true) return document.value;
    return this.#mask.mixed(value, name) ?? this.#mask.text(value, name);
  }

  /**
   * A text that begins as JSON has values by name, whatever its type says: shown as JSON, or as lines of it; undefined where it is
   * neither, since some readers stop at the end of the first value.
   */
  async #asJson(bytes: Uint8Array, text: string): Promise<readonly Uint8Array[] | undefined> {
    const before = this.#mask.masked;
    const whole = await this.#mask.bytes(bytes, this.#signal);
    if (whole.ok) return inParts(whole.value ?? [bytes]);
    if (prefixed.test(text)) return inParts([Buffer.from(await this.#embedded(text))]);
    const lines: string[] = [];
    for (const line of inSlices(text.split('\n'), this.#signal)) {
      const each = await line;
      const shown = each.trim() === '' ? undefined : await this.#mask.document(each, this.#signal);
      if (shown?.ok === false) return undefined;
      lines.push(shown?.value ?? each);
    }
    return this.#mask.masked === before ? [bytes] : inParts([Buffer.from(lines.join('\n'))]);
  }

  /** A text with JSON somewhere in it: that by its fields, and what stands around it as text. */
  async #embedded(text: string): Promise<string> {
    let out = '';
    let at = 0;
    for (const { start, end, known } of jsonIn(text)) {
      if (!known) {
        if (this.#columnOf === undefined) break; // without tags it is a text like every other
        throw new Fault('mask', 'The answer has more beginnings of JSON than can be looked into');
      }
      const json = text.slice(start, end);
      const shown = await this.#mask.document(json, this.#signal);
      out += this.#mask.text(text.slice(at, start)) + (shown.ok ? shown.value : this.#mask.text(json));
      at = end;
    }
    return out + this.#mask.text(text.slice(at));
  }

  /** A multipart body, each part as what it is; undefined where one of them cannot be looked into, or the whole is not strict. */
  async parts(
    bytes: Uint8Array,
    contentType: string,
    uninspected: readonly string[],
  ): Promise<readonly Uint8Array[] | undefined> {
    const read = readMultipart(contentType, bytes);
    if (!read.ok) return undefined;
    const before = this.#all();
    const shown: { readonly head: Uint8Array; content: Uint8Array; readonly isText: boolean }[] = [];
    for (const { head, content, contentType: type, name } of read.value.parts) {
      const text = utf8(head);
      const passes = uninspected.some((pattern) => typeFits(pattern, type));
      const part = passes ? content : await this.#part(content, type, name);
      if (part === undefined || !text.ok) return undefined;
      const isText = !passes && contentOf(type) === 'text';
      shown.push({ head: sameOr(head, text.value, this.#mask.text(text.value)), content: part, isText });
    }
    await this.#across(shown.filter(({ isText }) => isText));
    if (this.#all() === before) return [bytes];
    // What holds of the head of a part must hold of it still: a length, a name without a quote in it.
    const written = writeMultipart(read.value.boundary, shown);
    return written !== undefined && readMultipart(contentType, written).ok ? [written] : undefined;
  }

  /** What is found only where texts are put together again: pieces of one value in several parts. */
  async #across(parts: readonly { content: Uint8Array }[]): Promise<void> {
    const texts = parts.map(({ content }) => Buffer.from(content).toString());
    const starts = texts.map((_, at) => texts.slice(0, at).join('').length);
    const found = await this.#mask.hidden(texts.join(''), this.#signal);
    for (const [at, part] of parts.entries()) {
      const [start, text] = [starts[at] ?? 0, texts[at] ?? ''];
      const end = start + text.length;
      const own = found.filter(
        ({ from, to }) => from < end && to > start && (from < start || to > end), // the others were seen in the part itself
      );
      if (own.length === 0) continue;
      this.masked += own.length;
      const ranges = own.map(({ from, to, type, shown }) => ({
        from: Math.max(from, start) - start,
        to: Math.min(to, end) - start,
        type,
        shown: from < start ? '' : shown,
      }));
      part.content = Buffer.from(withRanges(text, ranges).text);
    }
  }

  async #part(content: Uint8Array, type: string, name: string | undefined): Promise<Uint8Array | undefined> {
    const kind = contentOf(type);
    if (kind === 'opaque' || kind === 'multipart' || content.length === 0)
      return content.length === 0 ? content : undefined;
    const column = name === undefined ? undefined : this.#columnOf?.(name);
    if (column !== undefined) {
      const text = utf8(content);
      const hidden = text.ok ? column(text.value) : undefined;
      return hidden === undefined
        ? undefined
        : Buffer.from(kind === 'json' ? JSON.stringify(hidden) : hidden);
    }
    const table = kind === 'text' ? tableOf(type) : undefined;
    if (kind === 'text' && isMarkup(type)) {
      const shown = await this.markup(content, type);
      return shown === undefined ? undefined : Buffer.concat(shown);
    }
    if (kind === 'json' || kind === 'form') {
      const shown = await this.document(content, kind);
      return shown === undefined ? undefined : Buffer.concat(shown);
    }
    const chunks: Uint8Array[] = [];
    const body = once(content);
    const shown =
      kind === 'lines'
        ? this.lines(body)
        : table !== undefined
          ? this.table(body, table)
          : kind === 'text'
            ? this.text(body, type)
            : this.events(body);
    for await (const chunk of shown) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  #all(): number {
    return this.#mask.masked + this.masked;
  }

  /** Lines of cells: whole columns, and then what is found anywhere, across cells too. */
  async *table(body: AsyncIterable<Uint8Array>, separator: 'tab' | 'any'): AsyncIterable<Uint8Array> {
    if (this.#columnOf === undefined) return yield* this.text(body);
    const table = new CsvColumns(this.#columnOf, separator === 'tab' ? '\t' : undefined);
    const cut = (read: () => string): Uint8Array => {
      try {
        return Buffer.from(read());
      } catch {
        throw new Fault('mask', 'The answer is not the table that it says, so it cannot be masked');
      }
    };
    const columns = async function* (): AsyncIterable<Uint8Array> {
      for await (const text of texts(body)) {
        yield cut(() => table.push(text));
        if (table.held > longestLine)
          throw new Fault('mask', 'A line of the answer is too long to be masked');
      }
      yield cut(() => table.end());
    };
    yield* this.#text(columns());
  }

  /** Any other text, as it comes; one that begins as JSON, and YAML, once it is whole; one that begins as a table does as a table. */
  async *text(body: AsyncIterable<Uint8Array>, contentType: string = ''): AsyncIterable<Uint8Array> {
    const columnOf = this.#columnOf;
    if (columnOf === undefined) return yield* this.#text(body);
    const from = body[Symbol.asyncIterator]();
    const held: Uint8Array[] = [];
    const begins = new Beginning(columnOf);
    let kind: 'json' | 'yaml' | 'script' | 'table' | 'text' | undefined = isYaml(contentType)
      ? 'yaml'
      : isScript(contentType)
        ? 'script'
        : undefined;
    let bytes = 0;
    const count = this.#held.counting(costs.answer);
    try {
      while (kind === undefined || wholes.has(kind)) {
        const next = await from.next();
        if (next.done === true) break;
        const full = count(next.value);
        if (full !== undefined) await full;
        held.push(next.value);
        bytes += next.value.length;
        this.#bounded(bytes);
        kind ??= begins.push(next.value);
      }
      kind ??= begins.end();
      if (kind === 'json' || kind === 'yaml' || kind === 'script')
        return yield* await this.#whole(Buffer.concat(held), kind);
      yield* kind === 'table' ? this.table(rest(held, from), 'any') : this.#text(rest(held, from));
    } finally {
      await from.return?.();
    }
  }

  async #whole(bytes: Uint8Array, kind: 'json' | 'yaml' | 'script'): Promise<readonly Uint8Array[]> {
    const text = utf8(bytes);
    if (kind === 'json') {
      const shown = text.ok ? await this.#asJson(bytes, text.value) : undefined;
      if (shown === undefined)
        throw new Fault('mask', 'The answer begins as JSON and is none, so it cannot be masked');
      return shown;
    }
    if (!text.ok || this.#columnOf === undefined)
      throw new Fault('mask', 'The answer is not UTF-8, so it cannot be masked');
    if (kind === 'script') return inParts([sameOr(bytes, text.value, await this.#embedded(text.value))]);
    const parts = { mask: this.#mask, signal: this.#signal, columnOf: this.#columnOf };
    const shown = await shownYaml(text.value, parts);
    if (shown !== text.value) this.masked++;
    return inParts([sameOr(bytes, text.value, shown)]);
  }

  async *#text(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    if (this.#mask.reading) return yield* wholeText(texts(body), { mask: this.#mask, signal: this.#signal });
    const mask = this.#mask.pieces();
    for await (const text of texts(body)) {
      if (text.includes('\0'))
        throw new Fault('mask', 'The answer is not the text that it says, so it cannot be masked');
      let shown = '';
      for (const piece of inSlices(piecesOf(text), this.#signal)) shown += mask.push(await piece);
      if (shown !== '') yield Buffer.from(shown);
    }
    const rest = mask.end();
    if (rest !== '') yield Buffer.from(rest);
  }

  async *lines(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    let rest = '';
    using held = this.#held.level(costs.request.each);
    for await (const text of texts(body)) {
      const full = held.set(rest.length + text.length);
      if (full !== undefined) await full;
      // What is held is looked at once: a line that never ends comes in thousands of pieces.
      if (!text.includes('\n')) {
        rest += text;
        this.#bounded(rest.length);
        continue;
      }
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.#bounded(rest.length);
      if (lines.length === 0) continue;
      let shown = '';
      for (const line of inSlices(lines, this.#signal)) shown += `${await this.#line(await line)}\n`;
      yield Buffer.from(shown);
    }
    if (rest !== '') yield Buffer.from(await this.#line(rest));
  }

  async #line(line: string): Promise<string> {
    if (line.trim() === '') return line;
    const mark = line.startsWith('\u001e') ? '\u001e' : ''; // RFC 7464
    const shown = await this.#mask.document(line.slice(mark.length), this.#signal);
    if (!shown.ok) throw new Fault('mask', 'A line of the answer is not JSON, so it cannot be masked');
    return mark + shown.value;
  }

  async *events(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const reader = new EventReader();
    using held = this.#held.level(costs.request.each);
    for await (const text of texts(body)) {
      const full = held.set(reader.held + text.length);
      if (full !== undefined) await full;
      const events = reader.push(text);
      this.#bounded(reader.held);
      if (events.length === 0) continue;
      let shown = '';
      for (const event of inSlices(events, this.#signal)) shown += eventText(await this.#event(await event));
      yield Buffer.from(shown);
    }
    const last = reader.end();
    if (last !== undefined) yield Buffer.from(eventText(await this.#event(last)));
  }

  async #event(event: ServerEvent): Promise<ServerEvent> {
    const { event: name, id, retry, data } = event;
    const shown = (text: string): string => this.#mask.mixed(text) ?? this.#mask.text(text);
    return {
      ...(name === undefined ? {} : { event: shown(name) }),
      ...(id === undefined ? {} : { id: shown(id) }),
      ...(retry === undefined || !/^\d+$/.test(retry) ? {} : { retry }),
      ...(data === undefined ? {} : { data: await this.#data(data) }),
      comments: event.comments.map(shown),
    };
  }

  async #data(data: string): Promise<string> {
    const shown = await this.#mask.document(data, this.#signal);
    if (shown.ok) return shown.value;
    if (this.#columnOf === undefined || !beginsAsJson(data)) return this.#embedded(data);
    const lines = await this.#asJson(Buffer.from(data), data);
    if (lines === undefined)
      throw new Fault('mask', 'An event of the answer begins as JSON and is none, so it cannot be masked');
    return Buffer.concat(lines).toString();
  }

  #bounded(held: number): void {
    if (held > this.#most) throw new Fault('mask', 'A part of the answer is too long to be masked');
  }
}

const longestLine = 1_048_576;
/** Looked at once they are whole. */
const wholes: ReadonlySet<string> = new Set(['json', 'yaml', 'script']);

async function* rest(
  held: readonly Uint8Array[],
  from: AsyncIterator<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield* held;
  for (let next = await from.next(); next.done !== true; next = await from.next()) yield next.value;
}

/** What some services put before JSON, so that no script of another site can read it, or so that it is one (JSONP). */
const guard = String.raw`(?:\)\]\}'?,?|for\s?\(;;\);?|while\s?\((?:1|true)\);?|throw 1;?|&&&START&&&|(?:\/\*\*\/)?\s?[A-Za-z_$][\w$.]{0,100}\()`;
const jsonForm = String.raw`(?:\{\s*["}]|\[[\s[]*["{])`;
const prefixed = new RegExp(String.raw`^[\ufeff\s]*${guard}\s*${jsonForm}`);
const begun = new RegExp(String.raw`^[\ufeff\s]*(?:${guard}\s*)?${jsonForm}`);
const guards =
  /^(?:\ufeff)?\s*(?:\)\]\}'?,?|for\s?\(;;\);?|while\s?\((?:1|true)\);?|throw 1;?|&&&START&&&)\s*(?=[[{])/;
/** What may still become one of these. */
const unsure =
  /^[\ufeff\s]*(?:[A-Za-z_$&/*][\w$.&/* ]{0,105}|\)[\]}',]{0,4})?[(;)1]{0,8}\s*(?:\{|\[[\s[]*)?\s*$/;

/** Whether a text begins as an object, or a list of texts or objects, of JSON does, or holds one behind what is put before it. */
function beginsAsJson(text: string): boolean {
  return begun.test(text);
}

/** What stands before the JSON of a body that says that it is JSON. */
function guardOf(bytes: Uint8Array): Uint8Array {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  return bytes.subarray(0, guards.exec(head)?.[0].length ?? 0);
}

/** How a text that comes in pieces begins: undefined where it is too early to say. */
class Beginning {
  readonly #columnOf: (name: string) => Column | undefined;
  #begun: Uint8Array = new Uint8Array();

  constructor(columnOf: (name: string) => Column | undefined) {
    this.#columnOf = columnOf;
  }

  push(piece: Uint8Array): 'json' | 'table' | 'text' | undefined {
    const bytes = Buffer.concat([this.#begun, piece]);
    const text = bytes.toString().replace(/^\ufeff/, '');
    if (beginsAsJson(text)) return 'json';
    this.#begun = bytes;
    if (text.length > longestHead) return 'text';
    const isMark = bytes.length < 3 && Buffer.from('\ufeff').subarray(0, bytes.length).equals(bytes);
    if (isMark || (text.length < 256 && unsure.test(text))) return undefined;
    const line = /^\s*([^\r\n]*)[\r\n]/.exec(text)?.[1];
    return line === undefined ? undefined : this.#kindOf(line);
  }

  end(): 'table' | 'text' {
    return this.#kindOf(Buffer.from(this.#begun).toString().trim());
  }

  /** A line with nothing but names, of which one has a tag, names the columns of a table, whatever its type says. */
  #kindOf(line: string): 'table' | 'text' {
    for (const separator of [',', ';', '\t', '|']) {
      const cells = line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
      const names = cells.every((cell) => /^[\p{L}_][\p{L}\p{N}_ .#()-]{0,63}$/u.test(cell));
      if (names && cells.some((cell) => this.#columnOf(cell) !== undefined)) return 'table';
    }
    return 'text';
  }
}

/** Characters of a line that can name the columns of a table. */
const longestHead = 8_192;

async function* texts(body: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const read = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw new Fault('mask', 'The answer is not UTF-8, so it cannot be masked');
    }
  };
  for await (const bytes of body) yield read(bytes);
  const rest = read();
  if (rest !== '') yield rest;
}

/** None so long that it is recorded and sent in one go: whoever takes them slowly gets them slowly. */
function inParts(all: readonly Uint8Array[]): readonly Uint8Array[] {
  return all.flatMap((bytes) => {
    const parts: Uint8Array[] = [];
    for (let at = 0; at === 0 || at < bytes.length; at += partBytes)
      parts.push(bytes.subarray(at, at + partBytes));
    return parts;
  });
}

const partBytes = 65_536;

function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += pieceUnits) pieces.push(text.slice(at, at + pieceUnits));
  return pieces;
}

const pieceUnits = 4_096;

function sameOr(bytes: Uint8Array, before: string, after: string): Uint8Array {
  return before === after ? bytes : Buffer.from(after);
}

// oxlint-disable-next-line require-await -- an iterable of what is there already
async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
