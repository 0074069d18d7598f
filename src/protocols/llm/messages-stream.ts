import { isObject } from '../../base/check.ts';
import { judgeContent } from './answer.ts';
import { type Body, textOf } from './body.ts';
import { Joined } from './joined.ts';
import type { AnswerStream, StreamParts } from './stream.ts';

interface Held {
  readonly start: Body;
  readonly block: Body;
  text: string;
  signature: string;
}

/** A streamed answer of Anthropic Messages. */
export function messagesStream({ shown, judge, thoughts, signal }: StreamParts): AnswerStream {
  const texts = new Joined(shown);
  /** Blocks that are not complete: calls, and thoughts that are signed. */
  const held = new Map<unknown, Held>();
  let asked = 0;
  let denied = 0;

  async function handle(event: Body): Promise<readonly Body[]> {
    const { index } = event;
    switch (event['type']) {
      case 'content_block_start':
        // A block that was never stopped is over when another takes its place.
        return [...(await stopped({ type: 'content_block_stop', index }, false)), ...begun(event)];
      case 'content_block_delta':
        return delta(event, isObject(event['delta']) ? event['delta'] : {});
      case 'content_block_stop':
        return stopped(shown.needed ? { type: event['type'], index } : event, true);
      case 'message_delta': {
        const rests = await end('whole');
        const inner = isObject(event['delta']) ? event['delta'] : {};
        const stops = inner['stop_reason'] === 'tool_use' && denied > 0 && asked === 0;
        const said = stops ? { ...event, delta: { ...inner, stop_reason: 'end_turn' } } : event;
        return [...rests, shown.document(said)];
      }
      case 'ping':
        return [shown.document(event)];
      case 'message_stop':
        return [...(await end('whole')), shown.document(event)];
      case 'message_start':
        return [shown.document(await begins(event))];
      case 'error':
        return [...(await end('broken')), shown.document(event)];
      default:
        return shown.needed ? [] : [event]; // an event that nobody here knows could carry text past the masks
    }
  }

  /** SECURITY: a message begins empty. SDKs take what stands there for blocks, and calls among them for calls. */
  async function begins(event: Body): Promise<Body> {
    if (!isObject(event['message'])) return event;
    const message = { ...event['message'] };
    await judgeContent(message, judge);
    await shown.join(message, signal);
    return { ...event, message: thoughts.hide(message, shown) };
  }

  function begun(event: Body): readonly Body[] {
    const { index } = event;
    const block = isObject(event['content_block']) ? (event['content_block'] as Body) : {};
    const between = block['type'] === 'text' ? [] : texts.apart();
    if (isHeld(block)) {
      const [text, signature] = [textOf(block['thinking']), textOf(block['signature'])];
      held.set(index, { start: event, block, text, signature });
      return between;
    }
    const { text } = block;
    if (block['type'] !== 'text' || typeof text !== 'string' || text === '')
      return [...between, ...texts.pass(() => [shown.document(event)])];
    // What a block begins with and its first piece are one text.
    return [
      ...texts.pass(() => [shown.document({ ...event, content_block: { ...block, text: '' } })]),
      ...delta({ type: 'content_block_delta', index, delta: {} }, { type: 'text_delta', text }),
    ];
  }

  async function stopped(stop: Body, announced: boolean): Promise<readonly Body[]> {
    const { index } = stop;
    const waiting = held.get(index);
    held.delete(index);
    const rests = texts.close(textOf(index));
    if (waiting === undefined) return announced ? [...rests, ...texts.pass(() => [stop])] : rests;
    const out = waiting.block['type'] === 'thinking' ? thought(index, waiting) : await called(index, waiting);
    return [...rests, ...texts.pass(() => [...out, stop])];
  }

  /** What was still open when the message ended: it is over too. */
  async function end(how: 'whole' | 'broken'): Promise<readonly Body[]> {
    const out = [...texts.end()];
    for (const [index, { block }] of held) {
      const isCall = block['type'] !== 'thinking';
      if (isCall && how === 'broken') held.delete(index);
      else out.push(...(await stopped({ type: 'content_block_stop', index }, true)));
    }
    return out;
  }

  function delta(event: Body, inner: Body): readonly Body[] {
    const { index } = event;
    const waiting = held.get(index);
    if (waiting !== undefined) {
      if (inner['type'] === 'input_json_delta') waiting.text += textOf(inner['partial_json']);
      else if (inner['type'] === 'thinking_delta') waiting.text += textOf(inner['thinking']);
      else if (inner['type'] === 'signature_delta') waiting.signature += textOf(inner['signature']);
      return [];
    }
    const piece = inner['text'];
    if (inner['type'] === 'text_delta' && typeof piece === 'string') {
      const plain = shown.needed ? { type: 'content_block_delta', index } : event;
      const last = (text: string): readonly Body[] => [{ ...plain, delta: { type: 'text_delta', text } }];
      return texts.push({ of: textOf(index), kind: 'text', text: piece, last });
    }
    // These come whole.
    if (inner['type'] === 'citations_delta' || inner['type'] === 'compaction_delta')
      return texts.pass(() => [shown.document(event)]);
    // Arguments of a call that nobody asked for cannot be judged.
    return shown.needed || inner['type'] === 'input_json_delta' ? [] : texts.pass(() => [event]);
  }

  async function called(index: unknown, { start, block, text }: Held): Promise<readonly Body[]> {
    const written = text === '' ? JSON.stringify(block['input'] ?? {}) : text;
    const denial = await judge({ name: textOf(block['name']), arguments: written });
    if (denial !== undefined) {
      denied++;
      return [
        { type: start['type'], index, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index, delta: { type: 'text_delta', text: denial } },
      ];
    }
    asked++;
    if (text === '') return [shown.document(start)];
    const partial = { type: 'input_json_delta', partial_json: shown.json(text) };
    return [shown.document(start), { type: 'content_block_delta', index, delta: partial }];
  }

  function thought(index: unknown, { start, block, text, signature }: Held): readonly Body[] {
    const shownBlock = thoughts.hideBlock({ type: 'thinking', thinking: text, signature }, shown);
    const piece = (inner: object): Body => ({ type: 'content_block_delta', index, delta: inner });
    return [
      shown.document({ ...start, content_block: { ...block, thinking: '', signature: '' } }),
      piece({ type: 'thinking_delta', thinking: shownBlock['thinking'] }),
      ...(signature === '' ? [] : [shown.document(piece({ type: 'signature_delta', signature }))]),
    ];
  }

  function isHeld({ type }: Body): boolean {
    return typeof type === 'string' && (type.endsWith('tool_use') || (type === 'thinking' && shown.needed));
  }

  return { event: handle, end };
}
