import { withoutKey } from '../../http/key-scan.ts';
import { type Ending, outcomeOf } from '../../carriers/http/outcome.ts';
import type { HttpRequest, HttpResponse } from '../../carriers/http/client.ts';
import { costs } from '../../carriers/http/costs.ts';
import { denialOfFull, statusOfFull } from '../../carriers/http/full.ts';
import { decoded, wholeOf } from '../../carriers/http/decoded.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { utf8 } from '../../carriers/http/cuts.ts';
import { documentMask } from '../../carriers/http/masks.ts';
import { readingOf } from '../../carriers/reading.ts';
import { isObject } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import type { Outcome, Permit } from '../../core/decision.ts';
import { denial, denialOfDemand } from '../../core/denial.ts';
import { Full, fullForSeconds } from '../../core/held.ts';
import { modelUseOf } from '../../core/duties.ts';
import { shareOf } from '../../core/session.ts';
import { contentOf } from '../../http/content.ts';
import { statedBy } from '../../carriers/http/stated.ts';
import { textRuns } from '../../http/text-runs.ts';
import { EventReader, eventText, type ServerEvent } from '../../http/events.ts';
import { type Fields, first, towardsClient, towardsResource } from '../../http/headers.ts';
import type { More } from '../../mask/index.ts';
import { showAnswer, usedOf } from './answer.ts';
import { type Spent, tokensOf, type Used } from './budget.ts';
import { toolAction } from './meaning.ts';
import { Placeholders } from './placeholders.ts';
import { refuse, sentenceOf } from './refusal.ts';
import { givenIds } from './offered.ts';
import { type Body, textOf } from './body.ts';
import { type Api, mapTexts, type Prompt } from './request.ts';
import { Shown } from './shown.ts';
import { chatStream } from './chat-stream.ts';
import { messagesStream } from './messages-stream.ts';
import { responsesStream } from './responses-stream.ts';
import { type AnswerStream, named } from './stream.ts';
import { Thoughts } from './thoughts.ts';
import type { JudgeCall } from './tools.ts';
import type { Found } from './found.ts';
import { allowed, given, ownKey } from './head.ts';
import type { Hold } from './hold.ts';
import { json, type Memory, type ModelParts } from './parts.ts';
import { isUnchanged, parsedOf, textLength, wantsJson } from './reading.ts';

export interface Asked {
  readonly exchange: Exchange;
  readonly api: Api;
  readonly prompt: Prompt | undefined;
  readonly permit: Permit;
  readonly hold: Hold;
  /** What stands in the prompt. */
  readonly found: Found | undefined;
}

/** One permitted request to a model, to its last event. */
export class Pass {
  readonly #parts: ModelParts;
  readonly #asked: Asked;
  readonly #memory: Memory;
  readonly #shown: Shown;
  #bytes = 0;
  #used: Used | undefined;
  #eventName: string | undefined; // of the provider's last event
  #sent = false; // to the provider
  #full = false; // nobody could hold its answer
  #done = false; // the provider said `[DONE]`
  #answered = 0; // characters, for providers that do not count

  constructor(parts: ModelParts, asked: Asked) {
    this.#parts = parts;
    this.#asked = asked;
    const { session } = asked.exchange.stay;
    let memory = parts.memories.get(session.id);
    if (memory === undefined) {
      memory = { placeholders: new Placeholders(), thoughts: new Thoughts() };
      parts.memories.set(session.id, memory);
    }
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
    const body = await this.#body();
    const promptTokens = tokensOf(body?.length ?? 0);
    const bound = prompt?.maxTokens ?? 0;
    const answers = prompt?.answers ?? 1;
    const most = { input: promptTokens, output: bound < 0 ? undefined : bound * answers, answers };
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
      if (thrown instanceof Full) {
        outcome = this.#tooFull(thrown);
        return;
      }
      outcome = this.#outcome({ kind: 'error', code: thrown instanceof Fault ? thrown.code : 'closed' });
      throw thrown;
    } finally {
      if (!('why' in reserved)) reserved.settle(this.#spent(promptTokens, outcome));
      gate.done(permit, outcome);
    }
  }

  /**
   * What was used, as the provider says it, or as long as the answer is where it does not. SECURITY: a provider goes on with an answer
   * that its client does not wait for, and counts it: whoever breaks off pays what was reserved, if not more, whatever was said of it at
   * the beginning.
   */
  #spent(input: number, { kind }: Outcome): Spent {
    const spent = this.#used ?? { input, output: tokensOf(this.#answered) };
    return (kind === 'error' || this.#full) && this.#sent ? { ...spent, atLeastReserved: true } : spent;
  }

  #outcome(how: Ending): Outcome {
    return outcomeOf(how, { bytes: this.#bytes, masked: this.#shown.masked, withheld: 0 });
  }

  /** Written anew from what was read and judged, with what must not reach the provider hidden. */
  async #body(): Promise<Uint8Array | undefined> {
    const { prompt, api } = this.#asked;
    if (prompt === undefined) return undefined;
    const body = (await this.#withoutFound(this.#memory.thoughts.restore(prompt.body))) as Body;
    // Without it a streamed chat does not say how many tokens it took.
    const asks =
      (api === 'chat' || api === 'completions') && prompt.stream && this.#parts.settings.budgets.length > 0;
    const options = isObject(body['stream_options']) ? body['stream_options'] : {};
    const sent = asks ? { ...body, stream_options: { ...options, include_usage: true } } : body;
    return Buffer.from(JSON.stringify(sent));
  }

  /** A prompt with what is found in it hidden; read by a model, where a rule wants that. */
  async #withoutFound(prompt: unknown): Promise<unknown> {
    const { permit, exchange } = this.#asked;
    const { finds } = permit.duties;
    if (finds.length === 0) return prompt;
    const reading = readingOf(finds);
    if (reading === undefined) return this.#hidden(prompt);
    // Nothing is to be forgotten before it is hidden again: what has a placeholder keeps it.
    const fresh = (): void => undefined;
    return reading.read(() => this.#hidden(prompt, reading.more), { fresh, signal: exchange.signal });
  }

  #hidden(prompt: unknown, more?: More): unknown {
    const { permit, found } = this.#asked;
    const joined = this.#joined(prompt, more);
    const hide = (text: string): string =>
      joined.get(text) ??
      (more === undefined && found?.nothing.has(text) === true
        ? text
        : this.#memory.placeholders.hide(text, permit.duties.finds, this.#parts.maskKey, more).text);
    return mapTexts(prompt, hide);
  }

  /** Texts of a prompt of which a reader may make one, as they are shown then. */
  #joined(body: unknown, more: More | undefined): ReadonlyMap<string, string> {
    const { finds } = this.#asked.permit.duties;
    const joined = new Map<string, string>();
    for (const run of textRuns(body)) {
      const shown = this.#memory.placeholders.hideAll(run, finds, this.#parts.maskKey, more);
      for (const [index, text] of run.entries()) {
        const [known, each = '***'] = [joined.get(text), shown[index]];
        // SECURITY: of the same text in two places nobody can say which one is meant.
        joined.set(text, known === undefined || known === each ? each : '***');
      }
    }
    return joined;
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
      whose: shareOf(exchange.stay.session),
      ...(body === undefined ? {} : { body }),
    };
  }

  async #answer(answer: HttpResponse): Promise<Outcome> {
    const { exchange, api } = this.#asked;
    const content = contentOf(first(answer.fields, 'content-type'));
    const body = decoded(answer);
    if (body === undefined) return this.#withhold();
    if (content === 'events')
      return modelUseOf(this.#asked.permit.duties.finds) === 'required'
        ? this.#withhold()
        : this.#events(body, answer);
    const most = this.#parts.house.limits.messageBytes;
    const bytes = await wholeOf(body, most, exchange.held.counting(costs.parsed));
    const read = bytes === undefined ? undefined : utf8(bytes);
    if (read?.ok !== true) return this.#withhold();
    const text = this.#withoutKey(read.value);
    const parsed = parsedOf(text);
    if (parsed === undefined) return text === '' ? this.#say(answer, text) : this.#withhold();
    const before = JSON.stringify(parsed);
    this.#used = usedOf(parsed);
    this.#remember(parsed);
    if (text.length > longText && !this.#shown.reads) await this.#shown.ready(parsed, exchange.signal);
    const shown = await showAnswer(api, parsed, {
      shown: this.#shown,
      judge: this.#judge,
      thoughts: this.#memory.thoughts,
      signal: exchange.signal,
    });
    if (exchange.signal.aborted) throw exchange.signal.reason;
    // Numbers and spaces stay as the provider wrote them where nothing was changed.
    const after = JSON.stringify(shown);
    return this.#say(answer, after === before && isUnchanged(text, before) ? text : after);
  }

  #withoutKey(text: string): string {
    return withoutKey(text, this.#parts.settings.upstream.credential);
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
    const { reply, signal, held } = this.#asked.exchange;
    if (this.#asked.hold.began) this.#asked.hold.began = false;
    else reply.start(answer.status, this.#fields(answer.fields));
    // Calls that are not whole yet are kept until they are judged, however long they become.
    const count = held.counting({ each: 1, node: 0 });
    using level = held.level(costs.parsed.each);
    const reader = new EventReader();
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const stream = this.#stream();
    try {
      for await (const chunk of body) {
        await count(chunk);
        await level.set(reader.held + chunk.length);
        await this.#pass(reader.push(decoder.decode(chunk, { stream: true })), stream);
        if (reader.held > this.#parts.house.limits.messageBytes)
          throw new Fault('mask', 'An event is too long to be masked');
        if (signal.aborted) throw signal.reason;
      }
      const last = reader.end();
      if (last !== undefined) await this.#pass([last], stream);
      await this.#rest(stream, 'whole');
    } catch (thrown) {
      if (thrown instanceof Full) return this.#tooFull(thrown);
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
    const { signal } = this.#asked.exchange;
    const parts = { shown: this.#shown, judge: this.#judge, thoughts: this.#memory.thoughts, signal };
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
      // SECURITY: who reads on behind the end would put together what was shown in two.
      if (this.#done) break;
      const isDone = event.data?.trim() === '[DONE]';
      this.#done = isDone;
      if (event.data === undefined || isDone) {
        if (isDone) out.push(...this.#named(await stream.end('whole')));
        out.push({
          ...(event.data === undefined ? {} : { data: event.data }),
          comments: event.comments.map((comment) => this.#shown.text(this.#withoutKey(comment))),
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
      this.#eventName = event.event === undefined ? undefined : this.#withoutKey(event.event);
      for (const each of await stream.event(data)) {
        // What was not changed is sent as the same bytes.
        const same = !this.#shown.needed && JSON.stringify(each) === before && isUnchanged(text, before);
        out.push(...(same ? [this.#keyless(event, text)] : this.#named([each])));
      }
    }
    if (out.length > 0) await this.#write(out);
  }

  /** A provider can say what it was signed in to with wherever a text is. */
  #keyless({ event, id, retry, comments }: ServerEvent, data: string): ServerEvent {
    const shown = (text: string): string => this.#withoutKey(text);
    return {
      ...(event === undefined ? {} : { event: shown(event) }),
      data,
      ...(id === undefined ? {} : { id: shown(id) }),
      ...(retry === undefined ? {} : { retry: shown(retry) }),
      comments: comments.map(shown),
    };
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

  #tooFull(full: Full): Outcome {
    const { reply, stay, target } = this.#asked.exchange;
    const { id } = this.#asked.permit;
    this.#full = true;
    void stay.recorder.frame('decision', json({ id, decision: 'deny', why: full.message }), id);
    refuse(reply, denialOfFull(full, id), {
      path: target.path,
      status: statusOfFull(full),
      retryAfterSeconds: fullForSeconds,
    });
    return this.#outcome({ kind: 'cut', why: 'LIMIT' });
  }

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
    const shown = kept.map(([name, value]) => [name, this.#withoutKey(value)] as const);
    return [...shown, ['cache-control', 'private, no-store']];
  }
}

/** Characters of an answer from which on a text of it can be one that is masked in slices. */
const longText = 8_192;
