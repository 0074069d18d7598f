import { isObject } from '../../base/check.ts';
import type { ServerEvent } from '../../http/events.ts';
import { calledOf, callName, deniedItem, isCall } from './answer.ts';
import { type Body, textOf } from './request.ts';
import type { Channel, Shown } from './shown.ts';
import type { Thoughts } from './thoughts.ts';
import type { JudgeCall } from './tools.ts';

export interface StreamParts {
  readonly shown: Shown;
  readonly judge: JudgeCall;
  readonly thoughts: Thoughts;
}

/** One streamed answer: takes the provider's events and gives those that the client gets. */
export interface AnswerStream {
  readonly event: (event: Body) => Promise<readonly Body[]>;
}

/** The event's data, with the name that its protocol gives it. */
export function named(data: Body, event: string | undefined): ServerEvent {
  return { ...(event === undefined ? {} : { event }), data: JSON.stringify(data), comments: [] };
}

/** Pieces of one text, and a way to send what was still held back. */
class Channels {
  readonly #shown: Shown;
  readonly #open: Map<string, { readonly channel: Channel; last: (text: string) => Body }> = new Map();

  constructor(shown: Shown) {
    this.#shown = shown;
  }

  push(name: string, piece: string, last: (text: string) => Body): string {
    const known = this.#open.get(name) ?? { channel: this.#shown.channel(), last };
    known.last = last;
    this.#open.set(name, known);
    return known.channel.push(piece);
  }

  /** Ends the channels whose name begins so: the events that carry their rests. */
  end(prefix: string): readonly Body[] {
    const rests: Body[] = [];
    for (const [name, { channel, last }] of this.#open) {
      if (!name.startsWith(prefix)) continue;
      this.#open.delete(name);
      const rest = channel.end();
      if (rest !== '') rests.push(last(rest));
    }
    return rests;
  }
}

function listOf(value: unknown): readonly Body[] {
  return Array.isArray(value) ? value.filter((each): each is Body => isObject(each)) : [];
}

// ---- OpenAI Chat Completions (and the older Completions)

interface Gathered {
  readonly head: Body;
  name: string;
  text: string;
  custom: boolean;
}

/** Stands for the index of the one call that the older `function_call` asks for. */
const older = -1;

/** Texts of a delta, by their key. */
const texts = ['content', 'refusal', 'reasoning_content', 'reasoning'] as const;

export function chatStream({ shown, judge }: StreamParts): AnswerStream {
  const channels = new Channels(shown);
  const calls = new Map<number, Map<number, Gathered>>();
  let frame: Body = {};

  const only = (index: unknown, delta: Body, more: Body = {}): Body => ({
    ...frame,
    choices: [{ index, delta, finish_reason: null, ...more }],
  });

  async function choice(given: Body): Promise<readonly Body[]> {
    const { index } = given;
    const at = Number(index ?? 0);
    const out: Body[] = [];
    const delta = isObject(given['delta']) ? (given['delta'] as Body) : {};
    const shownDelta: Body = {};
    for (const [key, value] of Object.entries(delta)) {
      if (key === 'tool_calls') gather(at, listOf(value));
      else if (key === 'function_call' && isObject(value)) gather(at, [{ index: older, function: value }]);
      else if (typeof value === 'string' && (texts as readonly string[]).includes(key)) {
        shownDelta[key] = channels.push(`${at}/${key}`, value, (text) => only(index, { [key]: text }));
      } else if (key === 'role' || value === null) shownDelta[key] = value;
      else if (!shown.needed) shownDelta[key] = value;
      // Else a field that nobody here knows: it could carry text past the masks.
    }
    const text = given['text'];
    const completion =
      typeof text === 'string'
        ? channels.push(`${at}/text`, text, (rest) => ({
            ...frame,
            choices: [{ index, text: rest, finish_reason: null }],
          }))
        : undefined;
    const says = Object.entries(shownDelta).some(
      ([key, value]) => key === 'role' || (value !== '' && value !== null),
    );
    if (completion !== undefined && completion !== '')
      out.push({ ...frame, choices: [{ index, text: completion, finish_reason: null }] });
    else if (says) out.push(only(index, shownDelta, shown.needed ? {} : pick(given, 'logprobs')));
    const reason = given['finish_reason'];
    if (typeof reason !== 'string') return out;
    out.push(...channels.end(`${at}/`));
    const { events, asked, denied } = await release(index, at);
    out.push(...events);
    const calls = reason === 'tool_calls' || reason === 'function_call';
    const ends = calls && denied > 0 && asked === 0 ? 'stop' : reason;
    out.push(
      completion === undefined
        ? only(index, {}, { finish_reason: ends })
        : { ...frame, choices: [{ index, text: '', finish_reason: ends }] },
    );
    return out;
  }

  function gather(at: number, deltas: readonly Body[]): void {
    const known = calls.get(at) ?? new Map<number, Gathered>();
    calls.set(at, known);
    for (const delta of deltas) {
      const place = Number(delta['index'] ?? 0);
      const custom = isObject(delta['custom']);
      const gathered = known.get(place) ?? { head: pick(delta, 'id', 'type'), name: '', text: '', custom };
      const inner = isObject(delta['function']) ? delta['function'] : custom ? (delta['custom'] as Body) : {};
      gathered.name += typeof inner['name'] === 'string' ? inner['name'] : '';
      const piece = inner['arguments'] ?? inner['input'];
      gathered.text += typeof piece === 'string' ? piece : '';
      known.set(place, gathered);
    }
  }

  /** A call is complete only here: judged, and sent on in one piece. */
  async function release(
    index: unknown,
    at: number,
  ): Promise<{ readonly events: readonly Body[]; readonly asked: number; readonly denied: number }> {
    const events: Body[] = [];
    let asked = 0;
    let denied = 0;
    for (const [place, { head, name, text, custom }] of calls.get(at) ?? []) {
      const denial = await judge({ name, arguments: text });
      if (denial !== undefined) {
        denied++;
        events.push(only(index, { content: denial }));
        continue;
      }
      if (place === older) {
        events.push(only(index, { function_call: { name, arguments: shown.json(text) } }));
        asked++;
        continue;
      }
      const inner = custom
        ? { custom: { name, input: shown.text(text) } }
        : { function: { name, arguments: shown.json(text) } };
      events.push(only(index, { tool_calls: [{ index: asked, ...head, ...inner }] }));
      asked++;
    }
    calls.delete(at);
    return { events, asked, denied };
  }

  return {
    event: async (event) => {
      const { choices, ...rest } = event;
      if (isObject(event['error'])) return [shown.document(event)];
      frame = shown.needed ? pick(rest, ...frameKeys) : rest;
      const given = listOf(choices);
      if (given.length === 0) return [{ ...frame, choices: [], ...pick(rest, 'usage') }];
      const out: Body[] = [];
      for (const each of given) out.push(...(await choice(each)));
      return out;
    },
  };
}

const frameKeys = ['id', 'object', 'created', 'model', 'system_fingerprint', 'service_tier', 'usage'];

function pick(from: Body, ...keys: readonly string[]): Body {
  return Object.fromEntries(Object.entries(from).filter(([key]) => keys.includes(key)));
}

// ---- OpenAI Responses

export function responsesStream({ shown, judge }: StreamParts): AnswerStream {
  const channels = new Channels(shown);
  /** Calls that are not complete: what came of them waits. */
  const held = new Map<unknown, Body[]>();
  const denied = new Map<string, Body>();
  const judged = new Set<string>();
  let sequence = 0;
  const numbered = (events: readonly Body[]): readonly Body[] =>
    events.map((event) =>
      Object.hasOwn(event, 'sequence_number') ? { ...event, sequence_number: sequence++ } : event,
    );

  async function handle(event: Body): Promise<readonly Body[]> {
    const type = textOf(event['type']);
    const at = event['output_index'];
    const item = isObject(event['item']) ? (event['item'] as Body) : undefined;
    if (type === 'response.output_item.added' && item !== undefined && isCall(item)) {
      held.set(at, [event]);
      return [];
    }
    const waiting = held.get(at);
    if (waiting !== undefined) {
      if (type !== 'response.output_item.done' || item === undefined) {
        waiting.push(event);
        return [];
      }
      held.delete(at);
      return called(at, waiting, event, item);
    }
    // A call that was not announced is a call.
    if (type === 'response.output_item.done' && item !== undefined && isCall(item)) {
      return called(at, [], event, item);
    }
    if (type.endsWith('.delta')) return delta(type, event);
    // What is told of a call that was never asked for cannot be judged.
    if (ofCalls.test(type)) return [];
    await judgeUnseen(event);
    const rests = channels.end(`${textOf(event['item_id'] ?? item?.['id'])}/`);
    const replaced = replaceDenied(event);
    return [...rests, shown.document(replaced)];
  }

  function delta(type: string, event: Body): readonly Body[] {
    const piece = event['delta'];
    // SECURITY: a piece of something that is not known may be a part of a text.
    if (typeof piece !== 'string' || !streamed.has(type))
      return shown.needed || ofCalls.test(type) ? [] : [event];
    const name = `${textOf(event['item_id'])}/${type}/${textOf(event['content_index'] ?? event['summary_index'])}`;
    const { obfuscation: _, ...plain } = event;
    const last = (text: string): Body => ({
      ...plain,
      delta: text,
      ...(Object.hasOwn(event, 'logprobs') ? { logprobs: [] } : {}),
    });
    const text = channels.push(name, piece, last);
    return text === '' ? [] : [shown.needed ? last(text) : { ...event, delta: text }];
  }

  async function called(
    at: unknown,
    waiting: readonly Body[],
    done: Body,
    item: Body,
  ): Promise<readonly Body[]> {
    judged.add(keyOf(item));
    const denial = await judge({ name: callName(item), arguments: calledOf(item).text });
    if (denial !== undefined) {
      const message = deniedItem(textOf(item['id']), denial);
      denied.set(keyOf(item), message);
      return deniedEvents(at, message, denial);
    }
    const arguments_ = typeof item['arguments'] === 'string' ? shown.json(item['arguments']) : undefined;
    const out: Body[] = [];
    let sent = false;
    for (const event of waiting) {
      const type = textOf(event['type']);
      if (type.endsWith('.delta')) {
        if (!sent && arguments_ !== undefined) out.push({ ...event, delta: arguments_ });
        sent = true;
      } else out.push(shown.document(event));
    }
    return [...out, shown.document(done)];
  }

  /** The closing event repeats all items: a call that only stands there is judged there. */
  async function judgeUnseen({ response }: Body): Promise<void> {
    if (!isObject(response)) return;
    for (const item of listOf(response['output'])) {
      if (!isCall(item) || judged.has(keyOf(item))) continue;
      judged.add(keyOf(item));
      const denial = await judge({ name: callName(item), arguments: calledOf(item).text });
      if (denial !== undefined) denied.set(keyOf(item), deniedItem(textOf(item['id']), denial));
    }
  }

  function replaceDenied(event: Body): Body {
    const response = event['response'];
    if (denied.size === 0 || !isObject(response) || !Array.isArray(response['output'])) return event;
    const output = response['output'].map((each: unknown) =>
      isObject(each) && isCall(each) ? (denied.get(keyOf(each)) ?? each) : each,
    );
    return { ...event, response: { ...response, output } };
  }

  return { event: async (event) => numbered(await handle(event)) };
}

/** Two calls are one where everything that is judged of them is the same. */
function keyOf(item: Body): string {
  return JSON.stringify([item['id'], item['type'], callName(item), calledOf(item).text]);
}

const ofCalls = /_call(?:_arguments|_input|_code)?\.(?:delta|done)$|_arguments\.(?:delta|done)$/;

const streamed: ReadonlySet<string> = new Set([
  'response.output_text.delta',
  'response.refusal.delta',
  'response.reasoning_summary_text.delta',
  'response.reasoning_text.delta',
  'response.reasoning.delta',
  'response.reasoning_summary.delta',
]);

function deniedEvents(at: unknown, message: Body, denial: string): readonly Body[] {
  const place = { item_id: message['id'], output_index: at, content_index: 0 };
  const part = { type: 'output_text', text: denial, annotations: [] };
  const event = (type: string, more: object): Body => ({ type, sequence_number: 0, ...more });
  return [
    event('response.output_item.added', {
      output_index: at,
      item: { ...message, status: 'in_progress', content: [] },
    }),
    event('response.content_part.added', { ...place, part: { ...part, text: '' } }),
    event('response.output_text.delta', { ...place, delta: denial, logprobs: [] }),
    event('response.output_text.done', { ...place, text: denial, logprobs: [] }),
    event('response.content_part.done', { ...place, part }),
    event('response.output_item.done', { output_index: at, item: message }),
  ];
}

// ---- Anthropic Messages

export function messagesStream({ shown, judge, thoughts }: StreamParts): AnswerStream {
  const channels = new Channels(shown);
  const held = new Map<
    unknown,
    { readonly start: Body; readonly block: Body; text: string; signature: string; readonly others: Body[] }
  >();
  let asked = 0;
  let denied = 0;

  async function handle(event: Body): Promise<readonly Body[]> {
    const { index } = event;
    switch (event['type']) {
      case 'content_block_start': {
        const block = isObject(event['content_block']) ? (event['content_block'] as Body) : {};
        if (isHeld(block)) {
          held.set(index, { start: event, block, text: '', signature: '', others: [] });
          return [];
        }
        const { text } = block;
        if (block['type'] !== 'text' || typeof text !== 'string' || text === '')
          return [shown.document(event)];
        // What a block begins with and its first piece are one text.
        return [
          shown.document({ ...event, content_block: { ...block, text: '' } }),
          ...delta({ type: 'content_block_delta', index, delta: {} }, { type: 'text_delta', text }),
        ];
      }
      case 'content_block_delta':
        return delta(event, isObject(event['delta']) ? event['delta'] : {});
      case 'content_block_stop': {
        const waiting = held.get(index);
        held.delete(index);
        if (waiting === undefined) return [...channels.end(`${textOf(index)}/`), event];
        return waiting.block['type'] === 'thinking' ? thought(event, waiting) : called(event, waiting);
      }
      case 'message_delta': {
        const inner = isObject(event['delta']) ? event['delta'] : {};
        if (inner['stop_reason'] !== 'tool_use' || denied === 0 || asked > 0) return [shown.document(event)];
        return [shown.document({ ...event, delta: { ...inner, stop_reason: 'end_turn' } })];
      }
      case 'ping':
      case 'message_stop':
        return [event];
      case 'message_start':
      case 'error':
        return [shown.document(event)];
      default:
        return shown.needed ? [] : [event]; // an event that nobody here knows could carry text past the masks
    }
  }

  function delta(event: Body, inner: Body): readonly Body[] {
    const { index } = event;
    const waiting = held.get(index);
    if (waiting !== undefined) {
      if (inner['type'] === 'input_json_delta') waiting.text += textOf(inner['partial_json']);
      else if (inner['type'] === 'thinking_delta') waiting.text += textOf(inner['thinking']);
      else if (inner['type'] === 'signature_delta') waiting.signature += textOf(inner['signature']);
      else waiting.others.push(event);
      return [];
    }
    if (inner['type'] === 'text_delta' && typeof inner['text'] === 'string') {
      const last = (text: string): Body => ({ ...event, delta: { ...inner, text } });
      const text = channels.push(`${textOf(index)}/text`, inner['text'], last);
      return text === '' ? [] : [last(text)];
    }
    if (inner['type'] === 'citations_delta') return [shown.document(event)];
    return shown.needed ? [] : [event];
  }

  async function called(
    stop: Body,
    waiting: { readonly start: Body; readonly block: Body; readonly text: string },
  ): Promise<readonly Body[]> {
    const { start, block, text } = waiting;
    const { index } = stop;
    const written = text === '' ? JSON.stringify(block['input'] ?? {}) : text;
    const denial = await judge({ name: textOf(block['name']), arguments: written });
    if (denial !== undefined) {
      denied++;
      return [
        { ...start, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index, delta: { type: 'text_delta', text: denial } },
        stop,
      ];
    }
    asked++;
    const partial =
      text === ''
        ? []
        : [
            {
              type: 'content_block_delta',
              index,
              delta: { type: 'input_json_delta', partial_json: shown.json(text) },
            },
          ];
    return [shown.document(start), ...partial, stop];
  }

  function thought(
    stop: Body,
    waiting: { readonly start: Body; readonly text: string; readonly signature: string },
  ): readonly Body[] {
    const { start, text, signature } = waiting;
    const { index } = stop;
    const block = thoughts.hideBlock({ type: 'thinking', thinking: text, signature }, shown);
    const piece = (inner: object): Body => ({ type: 'content_block_delta', index, delta: inner });
    return [
      start,
      piece({ type: 'thinking_delta', thinking: block['thinking'] }),
      ...(signature === '' ? [] : [piece({ type: 'signature_delta', signature })]),
      stop,
    ];
  }

  function isHeld({ type }: Body): boolean {
    return typeof type === 'string' && (type.endsWith('tool_use') || (type === 'thinking' && shown.needed));
  }

  return { event: handle };
}
