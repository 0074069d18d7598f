import { isObject } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import { type Body, textOf } from './body.ts';
import { isStructural } from './request.ts';
import { longestDocument, type Shown } from './shown.ts';
import { type AnswerStream, Channels, listOf, pick, type StreamParts, without } from './stream.ts';
import type { JudgeCall } from './tools.ts';

/** Texts of a delta, by their key: of OpenAI, vLLM, Ollama, DeepSeek and OpenRouter. */
const texts: ReadonlySet<string> = new Set([
  'content',
  'refusal',
  'reasoning_content',
  'reasoning',
  'thinking',
]);

/** What an event says beside its choices. */
const frameKeys = ['id', 'object', 'created', 'model', 'system_fingerprint', 'service_tier'];

/** A streamed answer of OpenAI Chat Completions, or of the older Completions. */
export function chatStream(parts: StreamParts): AnswerStream {
  const { shown } = parts;
  const choices = new Map<number, Choice>();
  let frame: Body = {};
  const framed = (choice: Body): Body => ({ ...frame, choices: [choice] });
  const of = (given: unknown): Choice => {
    const number = Number(given ?? 0);
    const at = Number.isSafeInteger(number) ? number : 0;
    const known = choices.get(at) ?? new Choice(at, { ...parts, framed });
    choices.set(at, known);
    return known;
  };

  async function end(how: 'whole' | 'broken'): Promise<readonly Body[]> {
    const out: Body[] = [];
    for (const choice of choices.values()) {
      out.push(...choice.rests());
      if (how === 'whole') out.push(...(await choice.release()).events);
    }
    choices.clear();
    return out;
  }

  return {
    event: async (event) => {
      if (isObject(event['error'])) {
        return [...(await end('broken')), shown.document(shown.needed ? pick(event, 'error') : event)];
      }
      frame = shown.needed ? shown.document(pick(event, ...frameKeys)) : without(event, 'choices', 'usage');
      const usage = Object.hasOwn(event, 'usage') ? { usage: shown.document(event['usage']) } : {};
      const given = listOf(event['choices']);
      if (given.length === 0) return [{ ...frame, choices: [], ...usage }];
      const out: Body[] = [];
      for (const each of given) out.push(...(await of(each['index']).take(each)));
      // Counts stand once, however many events became of this one.
      const last = out.pop();
      if (last !== undefined) return [...out, { ...last, ...usage }];
      return isObject(event['usage']) ? [{ ...frame, choices: [], ...usage }] : [];
    },
    end,
  };
}

interface Gathered {
  readonly id: string;
  readonly head: Body;
  name: string;
  text: string;
  readonly custom: boolean;
}

/** Stands for the index of the one call that the older `function_call` asks for. */
const older = 'function_call';

/** One of the answers that were asked for. */
class Choice {
  readonly #at: number;
  readonly #shown: Shown;
  readonly #judge: JudgeCall;
  readonly #framed: (choice: Body) => Body;
  readonly #channels: Channels;
  /** Calls that are not complete, by index; a call after another under the same index has a place of its own. */
  readonly #calls: Map<string, Gathered> = new Map();
  /** Calls that the client has been asked for. */
  #asked = 0;
  /** What is spoken, until it is known whether its words may be heard. */
  #sound = { data: '', said: '' };

  constructor(at: number, parts: StreamParts & { readonly framed: (choice: Body) => Body }) {
    this.#at = at;
    this.#shown = parts.shown;
    this.#judge = parts.judge;
    this.#framed = parts.framed;
    this.#channels = new Channels(parts.shown);
  }

  #only(delta: Body, reason: string | null = null): Body {
    return this.#framed({ index: this.#at, delta, finish_reason: reason });
  }

  #piece(text: string, part: string, last: (text: string) => Body): string {
    return this.#channels.push(text, { of: '', part, last });
  }

  async take(given: Body): Promise<readonly Body[]> {
    const out: Body[] = [];
    const { needed } = this.#shown;
    const delta = this.#delta(isObject(given['delta']) ? given['delta'] : {});
    const said = textOf(given['text']);
    const completion = typeof given['text'] === 'string';
    const text = completion ? this.#piece(said, 'text', (rest) => this.#text(rest)) : '';
    // SECURITY: a `message` in a stream is one more answer, with calls of its own, that nobody has judged.
    const more = needed
      ? {}
      : without(given, 'index', 'delta', 'text', 'message', 'finish_reason', 'tool_calls', 'function_call');
    const says = text !== '' || Object.entries(delta).some(([key, value]) => key === 'role' || speaks(value));
    const reason = given['finish_reason'];
    if (says || (Object.keys(more).length > 0 && typeof reason !== 'string')) {
      const shownDelta = completion ? { text } : { delta };
      out.push(this.#framed({ index: this.#at, ...shownDelta, finish_reason: null, ...more }));
    }
    if (typeof reason !== 'string') return out;
    out.push(...this.rests());
    const { events, asked, denied } = await this.release();
    out.push(...events);
    const calls = reason === 'tool_calls' || reason === 'function_call';
    const ends =
      (calls && denied > 0 && asked === 0) || !isStructural('finish_reason', reason) ? 'stop' : reason;
    const last = completion ? this.#text('', ends) : this.#only({}, ends);
    if (says || needed) return [...out, last];
    return [...out, this.#framed({ ...listOf(last['choices'])[0], ...more })];
  }

  #text(text: string, reason: string | null = null): Body {
    return this.#framed({ index: this.#at, text, finish_reason: reason });
  }

  #delta(delta: Body): Body {
    const { needed } = this.#shown;
    const out: Body = {};
    for (const [key, value] of Object.entries(delta)) {
      if (key === 'tool_calls') this.#gather(listOf(value));
      else if (key === 'function_call')
        this.#gather(isObject(value) ? [{ index: older, function: value }] : []);
      else if (texts.has(key) && typeof value === 'string') {
        out[key] = this.#piece(value, key, (text) => this.#only({ [key]: text }));
      } else if (key === 'audio' && isObject(value) && needed) out[key] = this.#audio(value);
      else if (key === 'role' && typeof value === 'string')
        out[key] = this.#shown.document({ role: value })['role'];
      else if (key === 'annotations') out[key] = this.#shown.document(value);
      else if (value === null || !needed) out[key] = value;
      // Else a field that nobody here knows: it could carry text past the masks.
    }
    return out;
  }

  /** Sound waits until its words are known: what may not be read may not be heard. */
  #audio(audio: Body): Body {
    this.#sound.data += textOf(audio['data']);
    if (this.#sound.data.length > longestDocument)
      throw new Fault('mask', 'A sound of the answer is too long');
    const said = textOf(audio['transcript']);
    this.#sound.said += said;
    const last = (transcript: string): Body => this.#only({ audio: { transcript } });
    const transcript = said === '' ? '' : this.#piece(said, 'audio', last);
    const known = this.#shown.document(pick(audio, 'id', 'expires_at'));
    return { ...known, ...(transcript === '' ? {} : { transcript }) };
  }

  /** What was held back of its texts. */
  rests(): readonly Body[] {
    const rests = this.#channels.endAll();
    const { data, said } = this.#sound;
    this.#sound = { data: '', said: '' };
    if (data === '' || this.#shown.text(said) !== said) return rests;
    return [...rests, this.#only({ audio: { data } })];
  }

  #gather(deltas: readonly Body[]): void {
    for (const delta of deltas) {
      const id = textOf(delta['id']);
      const index = delta['index'] === undefined || delta['index'] === null ? id : textOf(delta['index']);
      const known = this.#current(index, id);
      const inner = isObject(delta['function'])
        ? delta['function']
        : isObject(delta['custom'])
          ? delta['custom']
          : {};
      const custom = isObject(delta['custom']);
      const gathered = known ?? { id, head: pick(delta, 'id', 'type'), name: '', text: '', custom };
      gathered.name += textOf(inner['name']);
      gathered.text += textOf(inner['arguments'] ?? inner['input']);
      if (known === undefined) this.#calls.set(`${this.#calls.size}/${index}`, gathered);
    }
  }

  /** The call that a piece goes on with: the last under its index, unless the piece has another id. */
  #current(index: string, id: string): Gathered | undefined {
    const all = [...this.#calls];
    const under = all.findLast(([key]) => key.slice(key.indexOf('/') + 1) === index)?.[1];
    // A piece without an index and an id goes on with the call that came last.
    const found = under ?? (index === '' ? all.at(-1)?.[1] : undefined);
    return found !== undefined && id !== '' && found.id !== '' && found.id !== id ? undefined : found;
  }

  /** A call is complete only here: judged, and sent on in one piece. */
  async release(): Promise<{
    readonly events: readonly Body[];
    readonly asked: number;
    readonly denied: number;
  }> {
    const events: Body[] = [];
    let asked = 0;
    let denied = 0;
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const [key, { head, name, text, custom }] of calls) {
      const denial = await this.#judge({ name, arguments: text });
      if (denial !== undefined) {
        denied++;
        events.push(this.#only({ content: denial }));
        continue;
      }
      const called = { name: this.#shown.toolName(name), arguments: custom ? '' : this.#shown.json(text) };
      if (key.endsWith(`/${older}`)) events.push(this.#only({ function_call: called }));
      else {
        const inner = custom
          ? { custom: { name: called.name, input: this.#shown.text(text) } }
          : { function: called };
        events.push(
          this.#only({ tool_calls: [{ index: this.#asked, ...this.#shown.document(head), ...inner }] }),
        );
      }
      asked++;
      this.#asked++;
    }
    return { events, asked, denied };
  }
}

function speaks(value: unknown): boolean {
  return isObject(value) ? Object.keys(value).length > 0 : value !== '' && value !== null;
}
