import { isObject } from '../../base/check.ts';
import { calledOf, callName, deniedItem, isCall } from './answer.ts';
import { type Body, textOf } from './body.ts';
import { Joined } from './joined.ts';
import { type AnswerStream, listOf, type StreamParts } from './stream.ts';

/** A streamed answer of OpenAI Responses. */
export function responsesStream({ shown, judge, signal }: StreamParts): AnswerStream {
  const texts = new Joined(shown);
  /** Calls that are not complete, by their place: what came of them waits. */
  const held = new Map<number, Body[]>();
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
    const waiting = typeof at === 'number' ? held.get(at) : undefined;
    if (item !== undefined && isCall(item)) {
      if (type !== 'response.output_item.added' || typeof at !== 'number') {
        // A call that was not announced is a call.
        if (typeof at === 'number') held.delete(at);
        const out = await called(at, waiting ?? [], event, item);
        return [...texts.apart(), ...texts.pass(() => out)];
      }
      held.set(at, [...(waiting ?? []), event]);
      return texts.apart();
    }
    if (waiting !== undefined && ofCalls.test(type)) {
      waiting.push(event);
      return [];
    }
    if (type.endsWith('.delta')) return delta(type, event);
    // What is told of a call that was never asked for cannot be judged.
    if (ofCalls.test(type) && tells.test(type)) return [];
    const isLast = lasts.has(type);
    const unseen = isLast ? await complete(event) : [];
    await judgeUnseen(event);
    const other = type === 'response.output_item.added' && item?.['type'] !== 'message';
    const rests = isLast ? texts.end() : other ? texts.apart() : ended(type, event);
    if (item !== undefined || isLast) await shown.join(event, signal);
    return [...rests, ...texts.pass(() => [...unseen, shown.document(replaceDenied(event))])];
  }

  /** What was held back of the texts that this event ends; others of the same item may go on. */
  function ended(type: string, event: Body): readonly Body[] {
    if (type === 'response.output_item.done') return texts.closeAll(placeOf(event));
    const kind = type.replace(/\.done$/, '.delta');
    if (kind === type || !streamed.has(kind)) return [];
    const of = `${placeOf(event)}${partOf(kind, event)}`;
    const whole = event['text'] ?? event['refusal'];
    if (typeof whole !== 'string') return texts.close(of);
    // A text without pieces may go on in the next one too.
    const unseen =
      texts.open(of) === undefined && whole !== ''
        ? texts.push({ of, kind, text: whole, last: () => [] })
        : [];
    return [...unseen, ...texts.close(of, whole)];
  }

  function delta(type: string, event: Body): readonly Body[] {
    const piece = event['delta'];
    // SECURITY: a piece of something that is not known may be a part of a text.
    if (typeof piece !== 'string' || !streamed.has(type))
      return shown.needed || ofCalls.test(type) ? [] : texts.pass(() => [event]);
    const { obfuscation: _, ...plain } = event;
    const frame = shown.document({ ...plain, delta: '' });
    const last = (text: string): Body => ({
      ...frame,
      delta: text,
      ...(Object.hasOwn(event, 'logprobs') ? { logprobs: [] } : {}),
    });
    return texts.push({
      of: `${placeOf(event)}${partOf(type, event)}`,
      kind: type,
      text: piece,
      last: (text) => [shown.needed ? last(text) : { ...event, delta: text }],
    });
  }

  async function called(
    at: unknown,
    waiting: readonly Body[],
    done: Body,
    item: Readonly<Body>,
  ): Promise<readonly Body[]> {
    judged.add(keyOf(item));
    const { text } = calledOf(item);
    const denial = await judge({ name: callName(item), arguments: text });
    if (denial !== undefined) {
      const message = deniedItem(textOf(item['id']), denial);
      denied.set(keyOf(item), message);
      return deniedEvents(at, message, denial);
    }
    const whole = typeof item['arguments'] === 'string' ? shown.json(text) : shown.text(text);
    const out: Body[] = [];
    let sent = false;
    for (const event of waiting) {
      const type = textOf(event['type']);
      if (!type.endsWith('.delta')) out.push(shown.document(event));
      else if (!wholes.test(type)) out.push(...(shown.needed ? [] : [event]));
      else {
        if (!sent) out.push({ ...shown.document({ ...event, delta: '' }), delta: whole });
        sent = true;
      }
    }
    return [...out, shown.document(done)];
  }

  /** Calls that were begun and never closed, and stand in the answer that its last event repeats. */
  async function complete({ response }: Body): Promise<readonly Body[]> {
    const output = isObject(response) ? response['output'] : undefined;
    const out: Body[] = [];
    for (const [at, waiting] of held) {
      held.delete(at);
      const item = Array.isArray(output) ? (output as unknown[])[at] : undefined;
      if (!isObject(item) || !isCall(item)) continue;
      const done = { type: 'response.output_item.done', sequence_number: 0, output_index: at, item };
      out.push(...(await called(at, waiting, done, item)));
    }
    return out;
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

  return {
    event: async (event) => numbered(await handle(event)),
    // A call that was never closed is not complete, and of that nobody can judge.
    end: () => Promise.resolve(numbered(texts.end())),
  };
}

/** Whose text it is: some providers leave the item's id empty, others the index. */
function placeOf(event: Body): string {
  const item = isObject(event['item']) ? event['item'] : {};
  return JSON.stringify([event['item_id'] ?? item['id'] ?? null, event['output_index'] ?? null]);
}

function partOf(type: string, event: Body): string {
  return `${type}/${textOf(event['content_index'])}/${textOf(event['summary_index'])}`;
}

/** Two calls are one where everything that is judged of them is the same. */
function keyOf(item: Readonly<Body>): string {
  return JSON.stringify([item['id'], item['type'], callName(item), calledOf(item).text]);
}

const ofCalls = /_call(?!_output)(?:_\w+)?\.\w+$|_arguments\.(?:delta|done)$/;

/** Events of calls that say more than how far they are. */
const tells = /\.(?:delta|done|partial_image)$/;

/** Of these the pieces are all of what is asked for. */
const wholes = /_arguments\.delta$|_call_input\.delta$|_call_code\.delta$/;

const lasts: ReadonlySet<string> = new Set([
  'response.completed',
  'response.failed',
  'response.incomplete',
  'response.cancelled',
  'error',
]);

const streamed: ReadonlySet<string> = new Set([
  'response.output_text.delta',
  'response.refusal.delta',
  'response.reasoning_summary_text.delta',
  'response.reasoning_text.delta',
  'response.reasoning.delta',
  'response.reasoning_summary.delta',
  'response.audio.transcript.delta',
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
