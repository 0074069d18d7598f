import { createHash } from 'node:crypto';
import type { HttpClient, HttpRequest, HttpResponse } from '../../carriers/http/client.ts';
import { decoded, wholeOf } from '../../carriers/http/decoded.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { documentMask, isClean, utf8 } from '../../carriers/http/masks.ts';
import { isObject } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import { Lru } from '../../base/lru.ts';
import type { Denial, Outcome, Permit } from '../../core/decision.ts';
import { denial, denialOfDemand } from '../../core/denial.ts';
import type { House } from '../../core/protocol.ts';
import type { SessionId } from '../../core/session.ts';
import { contentOf } from '../../http/content.ts';
import { inRun } from '../../carriers/http/run.ts';
import { statedBy } from '../../carriers/http/stated.ts';
import { EventReader, eventText, type ServerEvent } from '../../http/events.ts';
import { type Fields, first, towardsClient, towardsResource } from '../../http/headers.ts';
import { rewriteJson } from '../../http/json.ts';
import { type MaskKey, scan } from '../../mask/index.ts';
import { showAnswer, usedOf } from './answer.ts';
import { type Budgets, type Spent, tokensOf, type Used } from './budget.ts';
import { Hold } from './hold.ts';
import { promptAction, toolAction, unreadable } from './meaning.ts';
import { layersOf, Placeholders } from './placeholders.ts';
import { refuse, sentenceOf } from './refusal.ts';
import { givenIds } from './offered.ts';
import { type Body, textOf } from './body.ts';
import { type Api, apiOf, mapTexts, type Prompt, readPrompt } from './request.ts';
import type { LlmSettings } from './settings.ts';
import { Shown } from './shown.ts';
import { chatStream } from './chat-stream.ts';
import { messagesStream } from './messages-stream.ts';
import { responsesStream } from './responses-stream.ts';
import { type AnswerStream, named } from './stream.ts';
import { Thoughts } from './thoughts.ts';
import type { JudgeCall } from './tools.ts';

export interface ModelParts {
  readonly house: House;
  readonly settings: LlmSettings;
  readonly client: HttpClient;
  readonly maskKey: MaskKey;
  readonly budgets: Budgets;
  /** Whose a stored answer is: a provider gives it to everybody who has the gateway's key. */
  readonly stored: Lru<string, string>;
  /** What sessions hid in their prompts. */
  readonly memories: Lru<SessionId, Memory>;
}

export interface Memory {
  readonly placeholders: Placeholders;
  readonly thoughts: Thoughts;
}

export async function attend(parts: ModelParts, exchange: Exchange): Promise<void> {
  const { method, target, reply, body } = exchange;
  const api = apiOf(method, target.path);
  if (api === undefined || target.names.some((name) => !queries.has(name))) {
    return notUnderstood(
      exchange,
      `${method} ${target.path} is not among the requests to models that are understood`,
    );
  }
  const most = parts.house.limits.messageBytes;
  const bytes = await body.whole(most);
  if (bytes === undefined) {
    parts.house.metrics.count('limits_total', { limit: 'messageBytes' });
    return refuse(reply, denial('LIMIT', '', `The prompt is longer than ${most} bytes`), {
      path: target.path,
      status: 413,
    });
  }
  const text = utf8(bytes);
  const posts = method === 'POST';
  const read = text.ok && posts ? readPrompt(text.value) : undefined;
  if (!text.ok || read?.ok === false)
    return notUnderstood(exchange, text.ok ? 'The body cannot be read' : text.error, read);
  const prompt = read?.ok === true ? read.value : undefined;
  const named = await inRun(exchange, runIn(prompt));
  if (!named.ok) return refuse(reply, named.error, { path: target.path });
  using within = named.value;
  return judged(parts, within.exchange, { api, prompt, bytes: bytes.length, text: text.value });
}

/** What the client says the prompt belongs to: `metadata`, which providers let it have. */
function runIn(prompt: Prompt | undefined): unknown {
  const metadata = prompt?.body['metadata'];
  return isObject(metadata) ? metadata['run'] : undefined;
}

interface Read {
  readonly api: Api;
  readonly prompt: Prompt | undefined;
  readonly bytes: number;
  readonly text: string;
}

/** A request that has been read, in the session that it belongs to. */
async function judged(
  parts: ModelParts,
  exchange: Exchange,
  { api, prompt, bytes, text }: Read,
): Promise<void> {
  const { method, target, reply, stay } = exchange;
  const posts = method === 'POST';
  const foreign = ownerOf(parts, api, exchange, prompt);
  if (foreign.some((owner) => owner !== stay.session.identity.subject)) {
    return refuse(reply, denial('SIGN_IN', '', 'There is no such stored answer, or it is not yours'), {
      path: target.path,
      status: 404,
    });
  }
  const found = prompt === undefined ? [] : foundIn(prompt.body);
  const shownText = posts ? text : `${method} ${target.path}`;
  const action = promptAction(api, prompt, { found, bytes, text: shownText });
  const hold = new Hold(parts.house.world, exchange, { streams: prompt?.stream === true });
  const verdict = await stay.gate.ask({
    action,
    ...statedBy(exchange.fields),
    wait: () => hold.waiting(action),
  });
  const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
  if (verdict.kind === 'refusal' || verdict.duties.record !== 'meta')
    void stay.recorder.frame('statement', json({ id, text: action.text }), id);
  if (verdict.kind === 'refusal') {
    void stay.recorder.frame('decision', json({ id, decision: 'deny', why: verdict.denial.why }), id);
    return refuse(reply, verdict.denial, { path: target.path });
  }
  if (prompt?.readable === false && verdict.duties.finds.length > 0) {
    const why = 'The prompt is given as numbers of tokens: nobody can look into it, so it cannot be masked';
    stay.gate.done(verdict, { kind: 'unsent' });
    void stay.recorder.frame('decision', json({ id, decision: 'deny', why }), id);
    return refuse(reply, denialOfDemand(verdict, 'LINEAGE', 'mask', why), { path: target.path });
  }
  try {
    await new Pass(parts, { exchange, api, prompt, permit: verdict, hold }).run();
  } catch (thrown) {
    // A client that reads comments already is told in the stream that the provider failed.
    if (!(thrown instanceof Fault) || !hold.began || exchange.signal.aborted) throw thrown;
    refuse(reply, denial('UNSUPPORTED', id, thrown.message), { path: target.path, status: 502 });
  }
}

const queries: ReadonlySet<string> = new Set([
  'beta',
  'limit',
  'after',
  'before',
  'after_id',
  'before_id',
  'include',
  'include[]',
  'stream',
]);

function json(facts: Readonly<Record<string, string>>): Uint8Array {
  return Buffer.from(JSON.stringify(facts));
}

async function notUnderstood(
  exchange: Exchange,
  said: string,
  read?: { readonly ok: boolean; readonly error?: string },
): Promise<void> {
  const { stay, reply, method, target } = exchange;
  const why = read?.error ?? said;
  const action = unreadable(`${method} ${target.path}`, why);
  const verdict = await stay.gate.ask({ action });
  if (verdict.kind === 'permit') stay.gate.done(verdict, { kind: 'unsent' });
  const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
  void stay.recorder.frame('decision', json({ id, decision: 'deny', why }), id);
  refuse(reply, denial('NOT_UNDERSTOOD', id, why, 'What is not understood is refused'), {
    path: target.path,
    status: 400,
  });
}

/** The subjects that what it names of stored answers belongs to; nobody's is nobody's to use. */
function ownerOf(
  { stored }: ModelParts,
  api: Api,
  { target }: Exchange,
  prompt: Prompt | undefined,
): readonly string[] {
  const named = api === 'stored' ? [target.path.split('/').at(-1) ?? ''] : (prompt?.stored ?? []);
  return named.map((id) => stored.get(id) ?? '');
}

function foundIn(body: Body): readonly string[] {
  const found = new Set<string>();
  mapTexts(body, (text) => {
    if (!isClean(text))
      for (const layer of layersOf(text))
        if (layer !== 'deeper') for (const { type } of scan(layer.text)) found.add(type);
    return text;
  });
  return [...found].toSorted();
}

interface Asked {
  readonly exchange: Exchange;
  readonly api: Api;
  readonly prompt: Prompt | undefined;
  readonly permit: Permit;
  readonly hold: Hold;
}

/** One permitted request to a model, to its last event. */
class Pass {
  readonly #parts: ModelParts;
  readonly #asked: Asked;
  readonly #memory: Memory;
  readonly #shown: Shown;
  #bytes = 0;
  #used: Used | undefined;
  #eventName: string | undefined; // of the provider's last event
  #sent = false; // to the provider
  #answered = 0; // characters, for providers that do not count

  constructor(parts: ModelParts, asked: Asked) {
    this.#parts = parts;
    this.#asked = asked;
    const { session } = asked.exchange.stay;
    const memory = parts.memories.get(session.id) ?? {
      placeholders: new Placeholders(),
      thoughts: new Thoughts(),
    };
    parts.memories.set(session.id, memory);
    this.#memory = memory;
    this.#shown = new Shown({
      permit: asked.permit,
      key: parts.maskKey,
      mask: documentMask(asked.permit, 'answer', parts.maskKey),
      placeholders: memory.placeholders,
      wantsJson: wantsJson(asked.prompt?.body),
    });
  }

  async run(): Promise<void> {
    const { exchange, permit, prompt } = this.#asked;
    const { gate, session } = exchange.stay;
    const body = this.#body();
    const promptTokens = tokensOf(body?.length ?? 0);
    const bound = prompt?.maxTokens ?? 0;
    const most = { input: promptTokens, output: bound < 0 ? undefined : bound * (prompt?.answers ?? 1) };
    const reserved = this.#parts.budgets.reserve(session, prompt?.model ?? '', most);
    let outcome = this.#outcome({ kind: 'error', code: 'closed' });
    try {
      if ('why' in reserved) {
        outcome = this.#outcome({ kind: 'cut', why: 'LIMIT' });
        await permit.written;
        const { why, retryAfterSeconds } = reserved;
        const said = denial('LIMIT', permit.id, why, 'Wait, or ask for a larger budget');
        return refuse(exchange.reply, said, { path: exchange.target.path, status: 429, retryAfterSeconds });
      }
      // SECURITY: a prompt takes data out and an answer brings some in: neither before its entry is on disk.
      await permit.written;
      this.#sent = true;
      const answer = await gate.guardCalls((request: HttpRequest) => this.#parts.client.call(request))(
        permit,
        this.#request(body),
      );
      outcome = await this.#answer(answer);
    } catch (thrown) {
      outcome = this.#outcome({ kind: 'error', code: thrown instanceof Fault ? thrown.code : 'closed' });
      throw thrown;
    } finally {
      if (!('why' in reserved)) reserved.settle(this.#used ?? this.#guessed(promptTokens, outcome));
      gate.done(permit, outcome);
    }
  }

  /**
   * What was used where nobody said it. SECURITY: a provider goes on with an answer that its client does not wait for: whoever breaks
   * off pays what was reserved, if not more.
   */
  #guessed(input: number, { kind }: Outcome): Spent {
    const output = tokensOf(this.#answered);
    return { input, output, ...(kind === 'error' && this.#sent ? { atLeastReserved: true } : {}) };
  }

  #outcome(
    how:
      | { readonly kind: 'ok' }
      | { readonly kind: 'error'; readonly code: string }
      | { readonly kind: 'cut'; readonly why: Denial['class'] },
  ): Outcome {
    return { ...how, rows: 0, bytes: this.#bytes, masked: this.#shown.masked, withheld: 0 };
  }

  /** Written anew from what was read and judged, with what must not reach the provider hidden. */
  #body(): Uint8Array | undefined {
    const { prompt, permit, api } = this.#asked;
    if (prompt === undefined) return undefined;
    const { finds } = permit.duties;
    const restored = this.#memory.thoughts.restore(prompt.body);
    const hidden =
      finds.length === 0
        ? restored
        : mapTexts(restored, (text) => this.#memory.placeholders.hide(text, finds, this.#parts.maskKey).text);
    const body = hidden as Body;
    // Without it a streamed chat does not say how many tokens it took.
    if (
      (api === 'chat' || api === 'completions') &&
      prompt.stream &&
      this.#parts.settings.budgets.length > 0
    ) {
      body['stream_options'] = {
        ...(isObject(body['stream_options']) ? body['stream_options'] : {}),
        include_usage: true,
      };
    }
    return Buffer.from(JSON.stringify(body));
  }

  #request(body: Uint8Array | undefined): HttpRequest {
    const { exchange } = this.#asked;
    const { method, target, fields, signal } = exchange;
    const { upstream } = this.#parts.settings;
    const kept = towardsResource(fields).filter(
      ([name]) => allowed.test(name) && name !== upstream.credential?.header,
    );
    const out: (readonly [string, string])[] = [...kept, ['accept-encoding', 'identity']];
    // Written anew, in UTF-8, whatever the client's bytes were said to be.
    if (body !== undefined) out.push(['content-type', 'application/json']);
    // SECURITY: under one key of the provider's, what one client calls by this name is answered with what another asked by it.
    const once = first(fields, 'idempotency-key');
    if (once !== undefined)
      out.push(['idempotency-key', ownKey(exchange.stay.session.identity.subject, once)]);
    if (upstream.credential !== undefined) {
      out.push([upstream.credential.header, upstream.credential.value.reveal('sign in to a provider')]);
    }
    const query = target.query === '' ? '' : `?${target.query}`;
    return {
      method,
      path: `${upstream.base}${target.path}${query}`,
      fields: out,
      signal,
      ...(body === undefined ? {} : { body }),
    };
  }

  async #answer(answer: HttpResponse): Promise<Outcome> {
    const { exchange, api } = this.#asked;
    const content = contentOf(first(answer.fields, 'content-type'));
    const body = decoded(answer);
    if (body === undefined) return this.#withhold();
    if (content === 'events') return this.#events(body, answer);
    const most = this.#parts.house.limits.messageBytes;
    const bytes = await wholeOf(body, most);
    const read = bytes === undefined ? undefined : utf8(bytes);
    if (read?.ok !== true) return this.#withhold();
    const text = this.#withoutKey(read.value);
    const parsed = parsedOf(text);
    if (parsed === undefined) return text === '' ? this.#say(answer, text) : this.#withhold();
    const before = JSON.stringify(parsed);
    this.#used = usedOf(parsed);
    this.#remember(parsed);
    await this.#shown.ready(parsed, exchange.signal);
    const shown = await showAnswer(api, parsed, {
      shown: this.#shown,
      judge: this.#judge,
      thoughts: this.#memory.thoughts,
    });
    if (exchange.signal.aborted) throw exchange.signal.reason;
    // Numbers and spaces stay as the provider wrote them where nothing was changed.
    const after = JSON.stringify(shown);
    return this.#say(answer, after === before && isUnique(text) ? text : after);
  }

  /** SECURITY: providers say which key it was that they did not like. */
  #withoutKey(text: string): string {
    const key = this.#parts.settings.upstream.credential?.value
      .reveal('it is looked for where it must not be')
      .replace(/^(?:Bearer|Basic) /, '');
    return key === undefined || key.length < 8 || !text.includes(key) ? text : text.replaceAll(key, '***');
  }

  #say(answer: HttpResponse, text: string): Outcome {
    const { reply, stay } = this.#asked.exchange;
    const bytes = Buffer.from(text);
    this.#bytes = bytes.length;
    this.#answered = text.length;
    const { id, duties } = this.#asked.permit;
    if (duties.record === 'full') void stay.recorder.frame('answer', bytes, id);
    if (this.#asked.hold.began) {
      this.#asked.hold.began = false;
      reply.end(Buffer.from(eventText(named(text, answer.status < 400 ? undefined : 'error'))));
      return this.#outcome({ kind: 'ok' });
    }
    reply.start(answer.status, [...this.#fields(answer.fields), ['content-length', String(bytes.length)]]);
    reply.end(bytes);
    return this.#outcome({ kind: 'ok' });
  }

  async #events(body: AsyncIterable<Uint8Array>, answer: HttpResponse): Promise<Outcome> {
    const { reply, signal } = this.#asked.exchange;
    if (this.#asked.hold.began) this.#asked.hold.began = false;
    else reply.start(answer.status, this.#fields(answer.fields));
    const reader = new EventReader();
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const stream = this.#stream();
    try {
      for await (const chunk of body) {
        await this.#pass(reader.push(decoder.decode(chunk, { stream: true })), stream);
        if (reader.held > this.#parts.house.limits.messageBytes)
          throw new Fault('mask', 'An event is too long to be masked');
        if (signal.aborted) throw signal.reason;
      }
      const last = reader.end();
      if (last !== undefined) await this.#pass([last], stream);
      await this.#rest(stream, 'whole');
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.code !== 'mask') {
        // What came is the client's, masked, although nothing will follow.
        if (!signal.aborted) await this.#rest(stream, 'broken');
        throw thrown;
      }
      // The masks failed: what came is shown, nothing else may follow.
      const said = denialOfDemand(this.#asked.permit, 'LINEAGE', 'mask', thrown.message);
      await this.#write([
        named({ type: 'error', error: { type: 'permission_error', message: sentenceOf(said) } }, 'error'),
      ]);
      reply.end();
      return this.#outcome({ kind: 'cut', why: 'LINEAGE' });
    }
    reply.end();
    return this.#outcome({ kind: 'ok' });
  }

  #stream(): AnswerStream {
    const parts = { shown: this.#shown, judge: this.#judge, thoughts: this.#memory.thoughts };
    switch (this.#asked.api) {
      case 'messages':
        return messagesStream(parts);
      case 'responses':
      case 'stored':
        return responsesStream(parts);
      default:
        return chatStream(parts);
    }
  }

  async #pass(events: readonly ServerEvent[], stream: AnswerStream): Promise<void> {
    const out: ServerEvent[] = [];
    for (const event of events) {
      const isDone = event.data?.trim() === '[DONE]';
      if (event.data === undefined || isDone) {
        if (isDone) out.push(...this.#named(await stream.end('whole')));
        out.push({
          ...(event.data === undefined ? {} : { data: event.data }),
          comments: event.comments.map((comment) => this.#shown.text(comment)),
        });
        continue;
      }
      const text = this.#withoutKey(event.data);
      const data = parsedOf(text);
      if (data === undefined)
        throw new Fault('mask', 'An event of the answer is not JSON, so it cannot be masked');
      const before = this.#shown.needed ? '' : JSON.stringify(data);
      this.#meter(data);
      this.#remember(data);
      this.#eventName = event.event;
      for (const each of await stream.event(data)) {
        // What was not changed is sent as the same bytes.
        const same = !this.#shown.needed && JSON.stringify(each) === before && isUnique(text);
        out.push(...(same ? [{ ...event, data: text }] : this.#named([each])));
      }
    }
    if (out.length > 0) await this.#write(out);
  }

  async #rest(stream: AnswerStream, how: 'whole' | 'broken'): Promise<void> {
    const rest = this.#named(await stream.end(how));
    if (rest.length > 0) await this.#write(rest);
  }

  /** Events with names, where the provider's have them. */
  #named(events: readonly Body[]): readonly ServerEvent[] {
    const given = this.#eventName;
    return events.map((each) => {
      const name = given === undefined ? undefined : textOf(each['type'] ?? given);
      return named(each, name !== undefined && /^[\w.]{1,100}$/.test(name) ? name : undefined);
    });
  }

  async #write(events: readonly ServerEvent[]): Promise<void> {
    const { reply, stay } = this.#asked.exchange;
    const bytes = Buffer.from(events.map(eventText).join(''));
    this.#bytes += bytes.length;
    const { id, duties } = this.#asked.permit;
    const full = duties.record === 'full' ? stay.recorder.frame('answer', bytes, id) : undefined;
    if (full !== undefined) await full;
    await reply.write(bytes);
  }

  #meter(event: Body): void {
    const used = usedOf(event);
    this.#answered += textLength(event);
    if (used === undefined) return;
    this.#used = {
      input: Math.max(this.#used?.input ?? 0, used.input),
      output: Math.max(this.#used?.output ?? 0, used.output),
    };
  }

  /** A stored answer is its asker's: others use the same key at the provider. */
  #remember(answer: Body): void {
    const { api, exchange } = this.#asked;
    if (api !== 'responses' && api !== 'messages') return;
    const { subject } = exchange.stay.session.identity;
    for (const id of givenIds(answer)) this.#parts.stored.set(id, subject);
  }

  readonly #judge: JudgeCall = async (call) => {
    const { exchange, prompt } = this.#asked;
    const { gate, recorder } = exchange.stay;
    // Judged as the client gets it, with what this session hid put back.
    const { placeholders } = this.#memory;
    const given = { name: call.name, arguments: placeholders.restoreJson(call.arguments) };
    const action = toolAction(prompt?.model ?? '', given);
    const verdict = await gate.ask({
      action,
      ...statedBy(exchange.fields),
      wait: () => this.#asked.hold.waiting(action),
    });
    if (verdict.kind === 'refusal') {
      const { decisionId, why } = verdict.denial;
      void recorder.frame('decision', json({ id: decisionId, decision: 'deny', why }), decisionId);
      return sentenceOf(verdict.denial);
    }
    await verdict.written;
    gate.done(verdict, { kind: 'ok', rows: 0, bytes: call.arguments.length, masked: 0, withheld: 0 });
    return undefined;
  };

  #withhold(): Outcome {
    const { reply, target } = this.#asked.exchange;
    const why = 'The answer cannot be looked into, so it cannot be masked';
    refuse(reply, denialOfDemand(this.#asked.permit, 'LINEAGE', 'mask', why), {
      path: target.path,
      status: 502,
    });
    return this.#outcome({ kind: 'cut', why: 'LINEAGE' });
  }

  #fields(fields: Fields): Fields {
    const kept = towardsClient(fields, { changed: true }).filter(([name]) => given.test(name));
    return [...kept, ['cache-control', 'private, no-store']];
  }
}

/** SECURITY: of a key that stands twice only the last was looked at. */
function isUnique(text: string): boolean {
  return rewriteJson(text, () => undefined, { uniqueKeys: true }).ok;
}

/** Whether its answer is to be JSON: then it must stay so behind the masks. */
function wantsJson(body: Body | undefined): boolean {
  const text = body?.['text'];
  const output = body?.['output_config'];
  const formats = [
    body?.['response_format'],
    body?.['output_format'],
    isObject(text) ? text['format'] : undefined,
    isObject(output) ? output['format'] : undefined,
  ];
  return formats.some((each) => isObject(each) && textOf(each['type']).startsWith('json'));
}

function ownKey(subject: string, key: string): string {
  return createHash('sha256')
    .update(JSON.stringify([subject, key]))
    .digest('hex');
}

/** What SDKs send that providers understand; nothing that could name another host, account or key. */
const allowed =
  /^(?:accept|user-agent|anthropic-(?:version|beta|dangerous-direct-browser-access)|openai-beta|x-stainless-.*|x-claude-code-session-id)$/;
const given =
  /^(?:content-type|request-id|x-request-id|retry-after|x-should-retry|openai-processing-ms|openai-version|(?:x|anthropic)-ratelimit-.*|date)$/;

function parsedOf(text: string): Body | undefined {
  try {
    const parsed = JSON.parse(text) as unknown;
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Characters of the pieces that an event brings. */
function textLength(event: Body): number {
  let length = 0;
  const walk = (value: unknown, depth: number): void => {
    if (typeof value === 'string') length += value.length;
    else if (depth < 4 && typeof value === 'object' && value !== null)
      for (const each of Object.values(value)) walk(each, depth + 1);
  };
  walk(event['delta'], 0);
  if (Array.isArray(event['choices']))
    for (const choice of event['choices']) if (isObject(choice)) walk([choice['delta'], choice['text']], 0);
  return length;
}
