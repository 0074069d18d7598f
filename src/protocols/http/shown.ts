import { Fault } from '../../base/errors.ts';
import { type DocumentMask, utf8 } from '../../carriers/http/masks.ts';
import { inSlices } from '../../carriers/http/turns.ts';
import { contentOf, isTable, typeFits } from '../../http/content.ts';
import { type Column, CsvColumns } from '../../http/csv.ts';
import { EventReader, eventText, type ServerEvent } from '../../http/events.ts';
import { readMultipart, writeMultipart } from '../../http/multipart.ts';

export interface ShownParts {
  readonly mask: DocumentMask;
  readonly most: number;
  readonly signal: AbortSignal;
  readonly columnOf: (name: string) => Column | undefined;
}

/** Bodies of an answer as its mask shows them, by what they are. What takes long is done in slices. */
export class Shown {
  readonly #mask: DocumentMask;
  readonly #most: number;
  readonly #signal: AbortSignal;
  readonly #columnOf: (name: string) => Column | undefined;
  /** Cells and fields of a form that were shown otherwise because of their column. */
  masked = 0;

  /** No more than `most` units are held back; `signal` ends the work in between; `columnOf`: how a column of a table, or a field of a form, is shown. */
  constructor({ mask, most, signal, columnOf }: ShownParts) {
    this.#mask = mask;
    this.#most = most;
    this.#signal = signal;
    this.#columnOf = (name) => {
      const column = columnOf(name);
      if (column === undefined) return undefined;
      return (cell) => {
        this.masked++;
        return column(cell);
      };
    };
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
    if (content === 'text') return [sameOr(bytes, text.value, this.#mask.text(text.value))];
    const shown = new URLSearchParams();
    const before = this.#all();
    for (const [name, value] of new URLSearchParams(text.value)) {
      const column = value === '' ? undefined : this.#columnOf(name);
      shown.append(this.#mask.text(name), column?.(value) ?? this.#mask.text(value, name));
    }
    return [this.#all() === before ? bytes : Buffer.from(shown.toString())];
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
    for (const { head, content, contentType: type } of read.value.parts) {
      const text = utf8(head);
      const part = uninspected.some((pattern) => typeFits(pattern, type))
        ? content
        : await this.#part(content, type);
      if (part === undefined || !text.ok) return undefined;
      shown.push({ head: sameOr(head, text.value, this.#mask.text(text.value)), content: part });
    }
    if (this.#all() === before) return [bytes];
    // What holds of the head of a part must hold of it still: a length, a name without a quote in it.
    const written = writeMultipart(read.value.boundary, shown);
    return written !== undefined && readMultipart(contentType, written).ok ? [written] : undefined;
  }

  async #part(content: Uint8Array, type: string): Promise<Uint8Array | undefined> {
    const kind = contentOf(type);
    if (kind === 'opaque' || kind === 'multipart' || content.length === 0)
      return content.length === 0 ? content : undefined;
    if (kind === 'json' || kind === 'form' || (kind === 'text' && !isTable(type))) {
      const shown = await this.document(content, kind);
      return shown === undefined ? undefined : Buffer.concat(shown);
    }
    const chunks: Uint8Array[] = [];
    const body = once(content);
    const shown =
      kind === 'lines' ? this.lines(body) : kind === 'text' ? this.table(body) : this.events(body);
    for await (const chunk of shown) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  #all(): number {
    return this.#mask.masked + this.masked;
  }

  /** Lines of cells: whole columns, and then what is found anywhere, across cells too. */
  async *table(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const table = new CsvColumns(this.#columnOf);
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
    yield* this.text(columns());
  }

  async *text(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
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
    return shown.ok ? shown.value : this.#mask.text(data);
  }

  #bounded(held: number): void {
    if (held > this.#most) throw new Fault('mask', 'A part of the answer is too long to be masked');
  }
}

const longestLine = 1_048_576;

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
