import type { HttpResponse } from '../../carriers/http/client.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import { Full, type Level } from '../../core/held.ts';
import { first } from '../../http/headers.ts';
import { codes, errorOf, type Id, textOf } from './message.ts';

/**
 * The body of a server's answer, for the client library. SECURITY: that keeps a message until it is whole, however long it is, and waits
 * on for the answer to the request `id` where its stream is over: what is longer than `most` bytes breaks off, and a stream that
 * has no more to say says so. What is held so is counted in `level`.
 */
export async function* heard(
  { fields, body }: HttpResponse,
  {
    most,
    id,
    level,
  }: { readonly most: number; readonly id: Id | undefined; readonly level: Level | undefined },
): AsyncIterable<Uint8Array> {
  const events = /^text\/event-stream\b/i.test(first(fields, 'content-type') ?? '');
  let held = 0;
  let last = '\n';
  let resumes = false;
  let why = 'The MCP server ended its answer without one';
  try {
    for await (const chunk of body) {
      held += chunk.length;
      if (events) {
        const text = last + Buffer.from(chunk).toString('latin1');
        resumes ||= /[\r\n]id:/.test(text);
        held = Math.min(held, text.length - lastEnd(text));
        last = text.slice(-4);
      }
      await level?.set(held);
      if (held > most) {
        resumes = false;
        throw new Fault('upstream-closed', 'A message of the MCP server is too long');
      }
      yield chunk;
    }
  } catch (thrown) {
    if (thrown instanceof Full) throw thrown;
    // Who can go on from an event asks for the rest by itself.
    if (!events || resumes || id === undefined) throw thrown;
    why = thrown instanceof Fault ? messageOf(thrown) : 'The MCP server broke off';
  }
  if (events && !resumes && id !== undefined)
    yield Buffer.from(`\n\ndata: ${textOf(errorOf(id, codes.internal, why))}\n\n`);
}

/** Where the last whole event ends; before the text where none does. */
function lastEnd(text: string): number {
  const ends = ['\n\n', '\r\r', '\n\r\n'].map((end) => text.lastIndexOf(end));
  const at = Math.max(...ends);
  return at < 0 ? -Infinity : at;
}
