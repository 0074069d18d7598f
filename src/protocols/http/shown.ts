import { Fault } from '../../base/errors.ts';
import { type DocumentMask, mayBeDocument, utf8 } from '../../carriers/http/masks.ts';
import { inSlices } from '../../carriers/http/turns.ts';
import { contentOf, isMarkup, tableOf, typeFits } from '../../http/content.ts';
import { type Column, CsvColumns } from '../../http/csv.ts';
import { EventReader, eventText, type ServerEvent } from '../../http/events.ts';
import { readMultipart, writeMultipart } from '../../http/multipart.ts';
import { shownMarkup } from './shown-markup.ts';

export interface ShownParts {
  readonly mask: DocumentMask;
  readonly most: number;
  readonly signal: AbortSignal;
  /** Undefined: no name has a tag that is masked. */
  readonly columnOf: ((name: string) => Column | undefined) | undefined;
}

/** Bodies of an answer as its mask shows them, by what they are. What takes long is done in slices. */
export class Shown {
  readonly #mask: DocumentMask;
  readonly #most: number;
  readonly #signal: AbortSignal;
  readonly #columnOf: ((name: string) => Column | undefined) | undefined;
  /** Cells and fields of a form that were shown otherwise because of their column. */
  masked = 0;

  /** No more than `most` units are held back; `signal` ends the work in between; `columnOf`: how a column of a table, or a field of a form, is shown. */
  constructor({ mask, most, signal, columnOf }: ShownParts) {
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
      const shown = await this.#mask.bytes(bytes, this.#signal);
      return shown.ok ? inParts(shown.value ?? [bytes]) : undefined;
    }
    const text = utf8(bytes);
    // As UTF-16 without a mark it would be another text.
    if (!text.ok || text.value.includes('\0')) return undefined;
    if (this.#columnOf !== undefined && beginsAsJson(text.value)) return this.#asJson(bytes, text.value);
    if (content === 'text') return [sameOr(bytes, text.value, this.#mask.text(text.value))];
    const shown = new URLSearchParams();
    const before = this.#all();
    for (const [name, value] of new URLSearchParams(text.value)) {
      shown.append(this.#mask.text(name), this.#field(name, value));
    }
    return [this.#all() === before ? bytes : Buffer.from(shown.toString())];
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

  /** One field of a form: `user[mail]` is `user.mail` to whoever reads it. */
  #field(name: string, value: string): string {
    if (value === '') return value;
    const path = name.replaceAll(/\[\d*\]/g, '[]').replaceAll(/\[([^\]]+)\]/g, '.$1');
    const column = this.#columnOf?.(name) ?? this.#columnOf?.(path);
    if (column !== undefined) return column(value);
    const document = mayBeDocument(value) ? this.#mask.json(value, name) : undefined;
    return document?.ok === true ? document.value : this.#mask.text(value, name);
  }

  /**
   * A text that begins as JSON has values by name, whatever its type says: shown as JSON, or as lines of it; undefined where it is
   * neither, since some readers stop at the end of the first value.
   */
  async #asJson(bytes: Uint8Array, text: string): Promise<readonly Uint8Array[] | undefined> {
    const before = this.#mask.masked;
    const whole = await this.#mask.bytes(bytes, this.#signal);
    if (whole.ok) return inParts(whole.value ?? [bytes]);
    const lines: string[] = [];
    for (const line of inSlices(text.split('\n'), this.#signal)) {
      const each = await line;
      const shown = each.trim() === '' ? undefined : await this.#mask.document(each, this.#signal);
      if (shown?.ok === false) return undefined;
      lines.push(shown?.value ?? each);
    }
    return this.#mask.masked === before ? [bytes] : inParts([Buffer.from(lines.join('\n'))]);
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
    const shown: { readonly head: Uint8Array; readonly content: Uint8Array }[] = [];
    for (const { head, content, contentType: type, name } of read.value.parts) {
      const text = utf8(head);
      const part = uninspected.some((pattern) => typeFits(pattern, type))
        ? content
        : await this.#part(content, type, name);
      if (part === undefined || !text.ok) return undefined;
      shown.push({ head: sameOr(head, text.value, this.#mask.text(text.value)), content: part });
    }
    if (this.#all() === before) return [bytes];
    // What holds of the head of a part must hold of it still: a length, a name without a quote in it.
    const written = writeMultipart(read.value.boundary, shown);
    return written !== undefined && readMultipart(contentType, written).ok ? [written] : undefined;
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
    if (kind === 'json' || kind === 'form' || (kind === 'text' && table === undefined)) {
      const shown = await this.document(content, kind);
      return shown === undefined ? undefined : Buffer.concat(shown);
    }
    const chunks: Uint8Array[] = [];
    const body = once(content);
    const shown =
      kind === 'lines' ? this.lines(body) : table !== undefined ? this.table(body, table) : this.events(body);
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

  /** Any other text, as it comes; one that begins as JSON once it is whole. */
  async *text(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    if (this.#columnOf === undefined) return yield* this.#text(body);
    const from = body[Symbol.asyncIterator]();
    const held: Uint8Array[] = [];
    const begins = new Beginning();
    let isJson: boolean | undefined;
    let bytes = 0;
    try {
      while (isJson !== false) {
        const next = await from.next();
        if (next.done === true) break;
        held.push(next.value);
        bytes += next.value.length;
        this.#bounded(bytes);
        isJson ??= begins.push(next.value);
      }
      if (isJson === true) {
        const whole = Buffer.concat(held);
        const shown = utf8(whole).ok ? await this.#asJson(whole, whole.toString()) : undefined;
        if (shown === undefined)
          throw new Fault('mask', 'The answer begins as JSON and is none, so it cannot be masked');
        return yield* shown;
      }
      yield* this.#text(rest(held, from));
    } finally {
      await from.return?.();
    }
  }

  async *#text(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
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
    for await (const text of texts(body)) {
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
    for await (const text of texts(body)) {
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
    return {
      ...(name === undefined ? {} : { event: this.#mask.text(name) }),
      ...(id === undefined ? {} : { id: this.#mask.text(id) }),
      ...(retry === undefined || !/^\d+$/.test(retry) ? {} : { retry }),
      ...(data === undefined ? {} : { data: await this.#data(data) }),
      comments: event.comments.map((comment) => this.#mask.text(comment)),
    };
  }

  async #data(data: string): Promise<string> {
    const shown = await this.#mask.document(data, this.#signal);
    if (shown.ok) return shown.value;
    if (this.#columnOf === undefined || !beginsAsJson(data)) return this.#mask.text(data);
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

async function* rest(
  held: readonly Uint8Array[],
  from: AsyncIterator<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield* held;
  for (let next = await from.next(); next.done !== true; next = await from.next()) yield next.value;
}

/** Whether a text begins as an object, or a list of texts or objects, of JSON does. */
function beginsAsJson(text: string): boolean {
  return /^[\ufeff\s]*(?:\{\s*["}]|\[[\s[]*["{])/.test(text);
}

/** The same of a text that comes in pieces: undefined where it is too early to say. */
class Beginning {
  #begun: Uint8Array = new Uint8Array();

  push(piece: Uint8Array): boolean | undefined {
    const bytes = Buffer.concat([this.#begun, piece]);
    const text = bytes.toString().replace(/^\ufeff/, '');
    if (beginsAsJson(text)) return true;
    const marked = bytes.length < 3 && Buffer.from('\ufeff').subarray(0, bytes.length).equals(bytes);
    if (!marked && !/^\s*(?:\{|\[[\s[]*)?\s*$/.test(text)) return false;
    this.#begun = marked ? bytes : Buffer.from(text.replaceAll(/\s+/g, ''));
    return undefined;
  }
}

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
