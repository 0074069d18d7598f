/** One server-sent event (WHATWG HTML, 9.2). `data` has its lines joined by \n; absent where the block has no data line. */
export interface ServerEvent {
  readonly event?: string;
  readonly data?: string;
  readonly id?: string;
  readonly retry?: string;
  /** Comment lines, without their colon: they keep a connection alive. */
  readonly comments: readonly string[];
}

/** Cuts a stream of text into events, wherever it was split. What is not ended by an empty line is not an event yet. */
export class EventReader {
  #rest = '';
  /** What is held ends with the end of a line. */
  #lineEnded = false;
  #last = '';
  #begun = false;

  /** How much is held back, in UTF-16 units: its bound is the caller's. */
  get held(): number {
    return this.#rest.length;
  }

  push(text: string): readonly ServerEvent[] {
    let all = this.#last + text;
    this.#last = '';
    if (!this.#begun && all !== '') {
      this.#begun = true;
      if (all.startsWith('\ufeff')) all = all.slice(1);
    }
    // A \r at the very end may be half of \r\n.
    if (all.endsWith('\r')) {
      this.#last = '\r';
      all = all.slice(0, -1);
    }
    const fresh = all.replace(/\r\n?/g, '\n');
    // SECURITY: what is held is looked at once: an event that never ends comes in thousands of pieces.
    const ends = fresh.includes('\n\n') || (this.#lineEnded && fresh.startsWith('\n'));
    if (fresh !== '') this.#lineEnded = fresh.endsWith('\n');
    if (!ends) {
      this.#rest += fresh;
      return [];
    }
    const blocks = (this.#rest + fresh).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    this.#lineEnded = this.#rest.endsWith('\n');
    return blocks
      .map((block) => block.replace(/^\n+/, ''))
      .filter((block) => block !== '')
      .map(readEvent);
  }

  /** What came after the last whole event, for those who count it as one (clients of LLM providers do). */
  end(): ServerEvent | undefined {
    const block = this.#rest.replace(/^\n+|\n+$/g, '');
    this.#rest = '';
    this.#lineEnded = false;
    return block === '' ? undefined : readEvent(block);
  }
}

function readEvent(block: string): ServerEvent {
  let event: string | undefined;
  let id: string | undefined;
  let retry: string | undefined;
  const data: string[] = [];
  const comments: string[] = [];
  for (const line of block.split('\n')) {
    const at = line.indexOf(':');
    const name = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
    if (name === '' && at === 0) comments.push(line.slice(1));
    else if (name === 'data') data.push(value);
    else if (name === 'event') event = value;
    else if (name === 'id') id = value;
    else if (name === 'retry') retry = value;
  }
  return {
    ...(event === undefined ? {} : { event }),
    ...(data.length === 0 ? {} : { data: data.join('\n') }),
    ...(id === undefined ? {} : { id }),
    ...(retry === undefined ? {} : { retry }),
    comments,
  };
}

/** The event as it is sent. */
export function eventText({ event, data, id, retry, comments }: ServerEvent): string {
  let text = '';
  for (const comment of comments) text += `:${comment}\n`;
  if (event !== undefined) text += `event: ${event}\n`;
  if (id !== undefined) text += `id: ${id}\n`;
  if (retry !== undefined) text += `retry: ${retry}\n`;
  if (data !== undefined) for (const line of data.split('\n')) text += `data: ${line}\n`;
  return text === '' ? '' : `${text}\n`;
}
