import { isObject } from '../base/check.ts';
import type { ReplayReader, Shown } from '../core/replay.ts';
import { type ServerEvent, EventReader } from './events.ts';

/** Undecoded ends of texts are kept for so many statements at once. */
const mostOpen = 1_000;

/**
 * Reads recorded bodies: pieces of text, of several statements at once. `shorten` makes what a person would read of an
 * event of a stream; where it gives nothing, the event is not shown.
 */
export function bodyReplay(shorten?: (event: unknown) => string | undefined): ReplayReader {
  const open = new Map<string, Body>();
  const bodyOf = (of: string | undefined): Body => {
    const key = of ?? '';
    const known = open.get(key) ?? new Body(shorten);
    open.delete(key);
    open.set(key, known);
    const [oldest] = open.keys();
    if (open.size > mostOpen && oldest !== undefined) open.delete(oldest);
    return known;
  };
  return {
    answer: (bytes, of) => bodyOf(of).read(bytes),
    ask: (bytes, of) => bodyOf(`<${of ?? ''}`).read(bytes),
  };
}

class Body {
  readonly #decoder: InstanceType<typeof TextDecoder> = new TextDecoder('utf-8', { fatal: true });
  readonly #events: EventReader = new EventReader();
  readonly #shorten: ((event: unknown) => string | undefined) | undefined;
  #broken = false;
  /** What it is, as its first bytes tell. */
  #stream: boolean | undefined;

  constructor(shorten: ((event: unknown) => string | undefined) | undefined) {
    this.#shorten = shorten;
  }

  read(bytes: Uint8Array): readonly Shown[] {
    if (this.#broken) return [{ kind: 'binary', bytes: bytes.length }];
    let text: string;
    try {
      text = this.#decoder.decode(bytes, { stream: true });
    } catch {
      this.#broken = true;
      return [{ kind: 'binary', bytes: bytes.length }];
    }
    if (text === '') return [];
    if (this.#shorten === undefined) return [{ kind: 'text', text }];
    this.#stream ??= /^(?:data|event|id|retry|):/.test(text);
    if (!this.#stream) return [{ kind: 'text', text }];
    const shown = this.#events
      .push(text)
      .map((event) => this.#told(event))
      .join('');
    return shown === '' ? [] : [{ kind: 'text', text: shown }];
  }

  #told(event: ServerEvent): string {
    if (event.data === undefined) return '';
    let data: unknown;
    try {
      data = JSON.parse(event.data);
    } catch {
      return event.data === '[DONE]' ? '' : `${event.data}\n`; // how some providers end a stream
    }
    return isObject(data) ? (this.#shorten?.(data) ?? '') : `${event.data}\n`;
  }
}
