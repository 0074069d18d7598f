import { Fault } from '../../base/errors.ts';
import type { Holding } from '../../core/held.ts';
import { costs } from '../../carriers/http/costs.ts';
import type { DocumentMask } from '../../carriers/http/masks.ts';
import { EventReader, eventText } from '../../http/events.ts';
import type { Shown } from './shown.ts';

/** What bodies are shown by. */
export type Showing = Pick<
  Shown,
  'masked' | 'document' | 'markup' | 'parts' | 'table' | 'text' | 'lines' | 'events'
>;

export interface ReadParts {
  readonly mask: DocumentMask;
  /** No more bytes are held back. */
  readonly most: number;
  readonly signal: AbortSignal;
  readonly held: Holding;
}

/**
 * The same, read by a model where a rule wants that: texts and tables once they are whole, lines and events as they come, each by
 * itself. A text that is too long to be held is shown without it, or not at all where it is required.
 */
export function readByModel(shown: Shown, { mask, most, signal, held: room }: ReadParts): Showing {
  if (!mask.reads) return shown;
  const read = <T>(run: () => Promise<T>): Promise<T> => {
    const { masked } = shown;
    return mask.read(() => {
      shown.masked = masked;
      return run();
    }, signal);
  };
  const whole = async function* (
    body: AsyncIterable<Uint8Array>,
    show: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
  ): AsyncIterable<Uint8Array> {
    const from = body[Symbol.asyncIterator]();
    const held: Uint8Array[] = [];
    let bytes = 0;
    const count = room.counting(costs.request);
    try {
      for (let next = await from.next(); next.done !== true; next = await from.next()) {
        await count(next.value);
        held.push(next.value);
        bytes += next.value.length;
        if (bytes > most) return yield* show(goingOn(held, from));
      }
      yield* await read(() => all(show(goingOn(held))));
    } finally {
      await from.return?.();
    }
  };
  const batches = async function* (
    body: AsyncIterable<string>,
    show: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
  ): AsyncIterable<Uint8Array> {
    for await (const batch of body) yield* await read(() => all(show(goingOn([Buffer.from(batch)]))));
  };
  return {
    get masked() {
      return shown.masked;
    },
    document: (...of) => read(() => shown.document(...of)),
    markup: (...of) => read(() => shown.markup(...of)),
    parts: (...of) => read(() => shown.parts(...of)),
    table: (body, separator) => whole(body, (held) => shown.table(held, separator)),
    text: (body, contentType) => whole(body, (held) => shown.text(held, contentType)),
    lines: (body) => batches(linesOf(body, most, room), (held) => shown.lines(held)),
    events: (body) => batches(eventsOf(body, most, room), (held) => shown.events(held)),
  };
}

/** A text that a model reads, as it is shown. */
export async function* wholeText(
  texts: AsyncIterable<string>,
  { mask, signal }: Pick<ReadParts, 'mask' | 'signal'>,
): AsyncIterable<Uint8Array> {
  let text = '';
  for await (const each of texts) text += each;
  if (text.includes('\0'))
    throw new Fault('mask', 'The answer is not the text that it says, so it cannot be masked');
  const [shown = '***'] = await mask.joined([text], signal);
  if (shown !== '') yield Buffer.from(shown);
}

async function all(body: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return parts;
}

async function* goingOn(
  held: readonly Uint8Array[],
  from?: AsyncIterator<Uint8Array>,
): AsyncIterable<Uint8Array> {
  yield* held;
  if (from === undefined) return;
  for (let next = await from.next(); next.done !== true; next = await from.next()) yield next.value;
}

/** Lines that are whole, as they come. */
async function* linesOf(body: AsyncIterable<Uint8Array>, most: number, room: Holding): AsyncIterable<string> {
  let rest = '';
  using held = room.level(costs.request.each);
  for await (const text of textsOf(body)) {
    await held.set(rest.length + text.length);
    // What is held is looked at once: a line that never ends comes in thousands of pieces.
    const end = text.lastIndexOf('\n') + 1;
    const batch = end === 0 ? '' : rest + text.slice(0, end);
    rest = end === 0 ? rest + text : text.slice(end);
    bounded(rest.length, most);
    if (batch !== '') yield batch;
  }
  if (rest !== '') yield rest;
}

/** Events that are whole, as they come. */
async function* eventsOf(
  body: AsyncIterable<Uint8Array>,
  most: number,
  room: Holding,
): AsyncIterable<string> {
  const reader = new EventReader();
  using held = room.level(costs.request.each);
  for await (const text of textsOf(body)) {
    await held.set(reader.held + text.length);
    const batch = reader.push(text).map(eventText).join('');
    bounded(reader.held, most);
    if (batch !== '') yield batch;
  }
  const last = reader.end();
  if (last !== undefined) yield eventText(last);
}

async function* textsOf(body: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const read = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw new Fault('mask', 'The answer is not UTF-8, so it cannot be masked');
    }
  };
  for await (const bytes of body) yield read(bytes);
  const last = read();
  if (last !== '') yield last;
}

function bounded(held: number, most: number): void {
  if (held > most) throw new Fault('mask', 'A part of the answer is too long to be masked');
}
