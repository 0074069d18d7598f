import type { HttpRequest, HttpResponse } from '../../carriers/http/client.ts';
import { wholeOf } from '../../carriers/http/decoded.ts';
import { utf8 } from '../../carriers/http/cuts.ts';
import { documentMask } from '../../carriers/http/masks.ts';
import { isObject } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import type { Action } from '../../core/action.ts';
import type { Outcome, Permit } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import type { Gate } from '../../core/protocol.ts';
import { EventReader, type ServerEvent } from '../../http/events.ts';
import { type Fields, first } from '../../http/headers.ts';
import { plain } from './checks.ts';
import { codes, errorOf, type Json, type Message, messageOf, readMessage, textOf } from './message.ts';
import { shownTask } from './held/task.ts';
import { type Inner, itemsIn, maskedBy, noInner } from './inner.ts';
import { listed } from './listed.ts';
import { meaningOf } from './meaning.ts';
import { type Out, sayMessage, sayStatus } from './out.ts';
import type { Fit } from './pins.ts';
import { askAboutChanges } from './changes.ts';
import { refusalOf } from './refusal.ts';
import { type Asked, keyOf, ownerOf, type ToolboxParts } from './talk.ts';
import { Shower } from './shown.ts';
import { mayStill, servedIn, type Task, taskIn, whoseOf } from './tasks.ts';

interface Under {
  readonly permit: Permit;
  readonly out: Out;
  /** The gate that gave the permit, where it is not that of the exchange. */
  readonly gate?: Gate;
  /** What its arguments mean to other resources. */
  readonly inner?: Inner;
  /** The call whose task it asks for: what is told of it is shown as that call's answer. */
  readonly of?: Task;
}

const mostPages = 50;
const unknownTool = 'There is no such tool, or you may not see it';

/** One permitted message, from the server's first byte to the client's last. */
export class Pass {
  readonly #parts: ToolboxParts;
  readonly #asked: Asked;
  readonly #permit: Permit;
  readonly #gate: Gate;
  readonly #out: Out;
  readonly #inner: Inner;
  readonly #of: Task | undefined;
  readonly #shower: Shower;
  readonly #mask: ReturnType<typeof documentMask>;
  /** What was asked, by whoever is answered now. */
  #ended = false;

  constructor(parts: ToolboxParts, asked: Asked, { permit, out, gate, inner = noInner, of }: Under) {
    this.#inner = inner;
    this.#of = of;
    this.#parts = parts;
    this.#asked = asked;
    this.#permit = permit;
    out.recorded = { of: permit.id, full: permit.duties.record === 'full' };
    this.#out = out;
    this.#gate = gate ?? asked.exchange.stay.gate;
    const shownBy = of?.permit ?? permit;
    const named = shownBy.action.targets[0]?.name ?? shownBy.action.attributes['method'];
    this.#mask = documentMask(maskedBy(shownBy, of?.inner ?? inner), String(named ?? ''), parts.maskKey);
    this.#shower = new Shower({ mask: this.#mask, uninspected: parts.settings.uninspected });
  }

  async run(): Promise<void> {
    let outcome: Outcome = this.#outcome({ kind: 'error', code: 'closed' });
    try {
      const unfit = await this.#unfit();
      // SECURITY: no byte of an answer before its entry is on disk.
      if (unfit !== undefined) {
        await this.#permit.written;
        outcome = await this.#misfit(unfit);
        return;
      }
      const { message, talk } = this.#asked;
      if (message?.kind === 'request')
        talk?.asked.set(message.id, { permit: this.#permit, request: message, inner: this.#inner });
      const answer = await this.#call(
        this.#request(message, message === undefined ? undefined : textOf(message)),
      );
      await this.#permit.written;
      await this.#answer(answer);
      outcome = this.#outcome({ kind: 'ok' });
    } catch (thrown) {
      outcome = this.#outcome({ kind: 'error', code: thrown instanceof Fault ? thrown.code : 'closed' });
      if (!(await this.#failed(thrown))) throw thrown;
    } finally {
      this.#out.stop();
      this.#gate.done(this.#permit, outcome);
      this.#inner.done(outcome);
    }
  }

  #outcome(how: { readonly kind: 'ok' } | { readonly kind: 'error'; readonly code: string }): Outcome {
    return {
      ...how,
      rows: 0,
      bytes: this.#out.bytes,
      masked: this.#mask.masked,
      withheld: this.#shower.withheld,
    };
  }

  #call(request: HttpRequest): Promise<HttpResponse> {
    const { exchange } = this.#asked;
    return this.#gate.guardCalls((each: HttpRequest) => this.#parts.call(each, exchange))(
      this.#permit,
      request,
    );
  }

  /** A fault, said in the words of the protocol where that can still be done. */
  async #failed(thrown: unknown): Promise<boolean> {
    const { message, exchange } = this.#asked;
    if (
      !(thrown instanceof Fault) ||
      thrown.code === 'bug' ||
      thrown.code === 'ledger' ||
      thrown.code === 'recorder'
    )
      return false;
    if (message?.kind !== 'request' || this.#ended || exchange.signal.aborted) return false;
    this.#parts.house.metrics.count('faults_total', { code: thrown.code });
    const late = thrown.code === 'upstream-late';
    const why =
      thrown.code === 'mask'
        ? thrown.message
        : late
          ? 'The MCP server did not answer in time'
          : thrown.code === 'upstream-auth'
            ? 'The gateway could not sign in to the MCP server'
            : 'The MCP server could not be reached, or broke off';
    if (this.#out.streams) {
      await this.#out.event(errorOf(message.id, -32_603, why));
      this.#out.end();
      return true;
    }
    if (exchange.reply.started) return false;
    sayMessage(exchange.reply, late ? 504 : 502, errorOf(message.id, -32_603, why));
    return true;
  }

  #request(message: Message | undefined, body: string | undefined): HttpRequest {
    const { exchange, modern, session } = this.#asked;
    const { fields, method, signal } = exchange;
    const out: (readonly [string, string])[] = [];
    const pass = (name: string): void => {
      const value = first(fields, name);
      if (value !== undefined) out.push([name, value]);
    };
    pass('accept');
    pass('mcp-protocol-version');
    if (session !== undefined) {
      pass('last-event-id');
      out.push(['mcp-session-id', session]);
    }
    if (body !== undefined) out.push(['content-type', 'application/json']);
    if (modern) {
      pass('mcp-method');
      pass('mcp-name');
      for (const [name, value] of fields) if (name.startsWith('mcp-param-')) out.push([name, value]);
    }
    void message;
    return {
      method,
      path: '',
      fields: out,
      signal,
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    };
  }

  /** A call must be one of a tool as it is pinned, with the arguments of its schema: asked of the server right before. */
  async #unfit(): Promise<Exclude<Fit, { kind: 'fits' }> | string | undefined> {
    const { message, modern, exchange } = this.#asked;
    if (message?.kind !== 'request' || message.method !== 'tools/call') return undefined;
    const name = String(message.params['name']);
    await this.#refresh(message);
    const given = message.params['arguments'] ?? {};
    const fit = this.#parts.pins.fit(name, given);
    if (fit.kind !== 'fits') return fit;
    if (!modern) return undefined;
    const mirrors = this.#parts.pins.mirrors(name);
    for (const [header, value] of exchange.fields) {
      if (!header.startsWith('mcp-param-')) continue;
      const key = mirrors.get(header);
      const own = key === undefined || !isObject(given) ? undefined : worded(given[key]);
      if (own === undefined || own !== plain(value))
        return 'Header mismatch: an Mcp-Param header is not the argument in the body';
    }
    return undefined;
  }

  async #refresh(call: Extract<Message, { kind: 'request' }>): Promise<void> {
    const meta = call.params['_meta'];
    let cursor: unknown;
    for (let page = 0; page < mostPages; page++) {
      const id = `sallyport-${page}`;
      const params: Json = {
        ...(cursor === undefined ? {} : { cursor }),
        ...(this.#asked.modern && isObject(meta) ? { _meta: withoutProgress(meta) } : {}),
      };
      const list: Message = { kind: 'request', id, method: 'tools/list', params };
      const asked = this.#request(list, textOf(list));
      const fields = asked.fields.filter(
        ([name]) => !/^(?:mcp-(?:method|name|param-.*)|last-event-id)$/.test(name),
      );
      if (this.#asked.modern) fields.push(['mcp-method', 'tools/list']);
      // Nothing of the client's is in it: what the server offers now is asked by the gateway itself.
      const answer = await this.#parts.call({ ...asked, fields }, this.#asked.exchange);
      const result = await this.#only(answer, id);
      if (result === undefined) return; // what is not listed is not known, and so not called
      const { tools } = result;
      if (Array.isArray(tools)) for (const each of tools) if (isObject(each)) this.#parts.pins.take(each);
      cursor = result['nextCursor'];
      if (typeof cursor !== 'string') break;
    }
    askAboutChanges(this.#parts, this.#gate);
  }

  /** The result of a request that the gateway made itself. */
  async #only(answer: HttpResponse, id: string): Promise<Json | undefined> {
    const bytes = await wholeOf(answer.body, this.#parts.house.limits.messageBytes);
    if (bytes === undefined || answer.status !== 200) return undefined;
    const text = Buffer.from(bytes).toString('utf8');
    const events = first(answer.fields, 'content-type')?.startsWith('text/event-stream') === true;
    const reader = new EventReader();
    const texts = events ? reader.push(text).flatMap(({ data = '' }) => (data === '' ? [] : [data])) : [text];
    for (const each of texts) {
      const read = readMessage(each);
      if (read.ok && read.value.kind === 'answer' && read.value.id === id) return read.value.result;
    }
    return undefined;
  }

  async #misfit(unfit: Exclude<Fit, { kind: 'fits' }> | string): Promise<Outcome> {
    const { message, modern, exchange } = this.#asked;
    if (message?.kind !== 'request') throw new Fault('bug', 'Only a call can be unfit');
    if (typeof unfit === 'string') {
      sayMessage(exchange.reply, 400, errorOf(message.id, codes.headerMismatch, unfit));
    } else if (unfit.kind === 'unknown' && modern) {
      await this.#out.whole(errorOf(message.id, codes.invalidParams, unknownTool));
      this.#out.end();
    } else if (unfit.kind === 'unknown') {
      // Servers of this era say it where the model reads it.
      const result = { content: [{ type: 'text', text: unknownTool }], isError: true };
      await this.#out.whole({ kind: 'answer', id: message.id, result });
      this.#out.end();
    } else {
      const why = denial('NOT_UNDERSTOOD', this.#permit.id, unfit.why, unfit.fix);
      const structured = !this.#parts.pins.promises(message.params['name']);
      await this.#out.whole(refusalOf(message, why, { modern, structured }));
      this.#out.end();
    }
    return { kind: 'cut', why: 'NOT_UNDERSTOOD', rows: 0, bytes: this.#out.bytes, masked: 0, withheld: 0 };
  }

  async #answer(answer: HttpResponse): Promise<void> {
    const { exchange, message } = this.#asked;
    const { status, fields } = answer;
    const session = this.#opened(fields);
    const type = first(fields, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
    if (status === 401 || (status === 403 && type !== 'application/json')) {
      throw new Fault('upstream-closed', 'The MCP server refuses the credentials of the gateway');
    }
    if (type === 'text/event-stream' && status === 200) return this.#stream(answer, session);
    const bytes = await wholeOf(answer.body, this.#parts.house.limits.messageBytes);
    if (bytes === undefined) throw new Fault('mask', 'The answer is too long to be masked');
    if (bytes.length === 0 || type !== 'application/json') {
      this.#ended = true;
      if (status < 400 && bytes.length === 0) return this.#empty(status);
      const id = message?.kind === 'request' ? message.id : null;
      return sayMessage(
        exchange.reply,
        status >= 400 ? status : 502,
        errorOf(id, -32_603, 'The MCP server did not answer with a message'),
      );
    }
    const text = utf8(bytes);
    const read = text.ok ? readMessage(text.value) : text;
    if (!read.ok) throw new Fault('mask', 'The answer of the MCP server cannot be read');
    const shown = await this.#towardsClient(read.value);
    if (shown === undefined) throw new Fault('mask', 'The MCP server answered something that was not asked');
    await this.#out.whole(shown, { status, session });
    this.#ended = true;
    this.#out.end();
  }

  #empty(status: number): void {
    if (this.#out.streams) this.#out.end();
    else sayStatus(this.#asked.exchange.reply, status);
  }

  /** A session that the server opened is this identity's, and nobody else's. */
  #opened(fields: Fields): string | undefined {
    const { exchange, message, modern } = this.#asked;
    const session = first(fields, 'mcp-session-id');
    if (session === undefined || modern) return undefined;
    if (message?.kind !== 'request' || message.method !== 'initialize') return this.#asked.session;
    if (!/^[\x21-\x7e]{1,500}$/.test(session))
      throw new Fault('upstream-closed', 'The MCP server named its session wrongly');
    const key = keyOf(exchange, session);
    const known = this.#parts.talks.get(key);
    if (known !== undefined && known.owner !== ownerOf(exchange))
      throw new Fault('upstream-closed', 'The MCP server gave a session of another identity');
    if (known === undefined)
      this.#parts.talks.set(key, { owner: ownerOf(exchange), asked: new Map(), open: new Map() });
    return session;
  }

  async #stream(answer: HttpResponse, session: string | undefined): Promise<void> {
    const { exchange } = this.#asked;
    const reader = new EventReader();
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const most = this.#parts.house.limits.messageBytes;
    if (!this.#out.streams) this.#out.begin(session);
    for await (const chunk of answer.body) {
      for (const event of reader.push(decoder.decode(chunk, { stream: true }))) await this.#event(event);
      if (reader.held > most) throw new Fault('mask', 'An event of the answer is too long to be masked');
      if (exchange.signal.aborted) throw exchange.signal.reason;
    }
    this.#ended = true;
    this.#out.end();
  }

  async #event({ data, id, retry }: ServerEvent): Promise<void> {
    const about = { ...(id === undefined ? {} : { id }), ...(retry === undefined ? {} : { retry }) };
    if (data === undefined || data === '') return this.#out.event(undefined, about);
    const read = readMessage(data);
    if (!read.ok) throw new Fault('mask', 'An event of the answer is no message, so it cannot be masked');
    const shown = await this.#towardsClient(read.value);
    if (shown !== undefined) await this.#out.event(shown, about);
  }

  /** What the client may see of a message of the server; undefined where it sees nothing of it. */
  async #towardsClient(message: Message): Promise<Message | undefined> {
    const { message: asked } = this.#asked;
    switch (message.kind) {
      case 'answer':
        // An answer to what another stream of this session asked comes here when a client comes back (Resumability).
        if (asked === undefined) return this.#resumed(message);
        if (asked.kind !== 'request' || asked.id !== message.id) return undefined;
        this.#ended = true;
        this.#asked.talk?.asked.delete(message.id);
        return this.#result(message, asked, {
          shower: this.#shower,
          inner: this.#of?.inner ?? this.#inner,
          permit: this.#permit,
        });
      case 'error':
        if (asked?.kind === 'request' && message.id !== asked.id && message.id !== null) return undefined;
        if (asked === undefined) return undefined; // whose it is cannot be told from the masks of this stream
        if (asked?.kind === 'request' && message.id !== null) this.#asked.talk?.asked.delete(message.id);
        return this.#shower.show(message, this.#asked.exchange.signal);
      case 'notification':
        if (ofTasks.test(message.method)) return this.#ofTask(message);
        return notifications.test(message.method)
          ? this.#shower.show(message, this.#asked.exchange.signal)
          : undefined;
      case 'request':
        return this.#wish(message);
    }
  }

  /** What a server tells of one of its tasks is shown like the answer of its call, to who made it. */
  async #ofTask(message: Extract<Message, { kind: 'notification' }>): Promise<Message | undefined> {
    const { exchange, session } = this.#asked;
    const task = this.#parts.tasks.of(message.params['taskId'], whoseOf(exchange, session));
    if (task === undefined || !mayStill(task, this.#gate) || message.params['inputRequests'] !== undefined)
      return undefined;
    return this.#showerOf(task.permit, task).show(message, exchange.signal);
  }

  #showerOf(permit: Permit, { inner, request }: Pick<Task, 'inner' | 'request'>): Shower {
    const object = permit.action.targets[0]?.name ?? request.method;
    const mask = documentMask(maskedBy(permit, inner), object, this.#parts.maskKey);
    return new Shower({ mask, uninspected: this.#parts.settings.uninspected });
  }

  /**
   * SECURITY: what was asked on another stream is shown as its own permit demands, not as that of this stream; what nobody is
   * known to have asked is not shown.
   */
  async #resumed(message: Extract<Message, { kind: 'answer' }>): Promise<Message | undefined> {
    const { talk } = this.#asked;
    const open = talk?.asked.get(message.id);
    if (open === undefined) return undefined;
    talk?.asked.delete(message.id);
    const shower = this.#showerOf(open.permit, open);
    return this.#result(message, open.request, { shower, inner: open.inner, permit: open.permit });
  }

  async #result(
    message: Extract<Message, { kind: 'answer' }>,
    asked: Extract<Message, { kind: 'request' }>,
    { shower, inner, permit }: { readonly shower: Shower; readonly inner: Inner; readonly permit: Permit },
  ): Promise<Message> {
    const ofTask = asked.method === 'tasks/get' && message.result['status'] === 'input_required';
    if (message.result['resultType'] === 'input_required' || ofTask) {
      const refused = await this.#wishes(message.result['inputRequests'], asked);
      if (refused !== undefined) return refused;
    }
    const whose = whoseOf(this.#asked.exchange, this.#asked.session);
    const made = taskIn(message.result, asked);
    if (made !== undefined) this.#parts.tasks.made(made, whose, { permit, inner, request: asked });
    if (asked.method === 'tasks/list') return this.#tasks(message, asked, shower);
    if (asked.method === 'initialize') this.#parts.tasks.served = servedIn(message.result);
    const { rowLimit } = inner;
    if (rowLimit !== undefined && itemsIn(message.result) > rowLimit) {
      const why = denial(
        'LIMIT',
        this.#permit.id,
        `The answer has more than the ${rowLimit} rows that a rule allows`,
        'Ask for fewer: aggregate, or add a LIMIT',
      );
      const structured = !this.#parts.pins.promises(asked.params['name']);
      return refusalOf(asked, { ...why, retryable: false }, { modern: this.#asked.modern, structured });
    }
    const result = listed(message.result, {
      method: asked.method,
      tasks:
        !this.#asked.modern && first(this.#asked.exchange.fields, 'mcp-protocol-version') === '2025-11-25',
      settings: this.#parts.settings,
      take: (definition) => this.#parts.pins.take(definition),
      sees: (action) => this.#gate.foresee?.(action) !== 'deny',
    });
    if (asked.method === 'tools/list' || asked.method === 'initialize' || asked.method === 'server/discover')
      askAboutChanges(this.#parts, this.#gate);
    return shower.show({ ...message, result }, this.#asked.exchange.signal);
  }

  /** The server's tasks that are this session's, after the gateway's own. */
  async #tasks(
    message: Extract<Message, { kind: 'answer' }>,
    { params }: Extract<Message, { kind: 'request' }>,
    shower: Shower,
  ): Promise<Message> {
    const { exchange, session } = this.#asked;
    const left = this.#parts.tasks.own(message.result, whoseOf(exchange, session));
    const shown = await shower.show({ ...message, result: left }, exchange.signal);
    const tasks = shown.kind === 'answer' ? shown.result['tasks'] : undefined;
    if (shown.kind !== 'answer' || !Array.isArray(tasks) || params['cursor'] !== undefined) return shown;
    const own = this.#parts.held.own(ownerOf(exchange)).map((task) => shownTask(task, false));
    return { ...shown, result: { ...shown.result, tasks: [...own, ...(tasks as readonly unknown[])] } };
  }

  /** A server asks something of the client's side (2025-11-25: a request in the stream). */
  async #wish(message: Extract<Message, { kind: 'request' }>): Promise<Message | undefined> {
    const { talk } = this.#asked;
    if (message.method === 'ping') {
      await this.#reply({ kind: 'answer', id: message.id, result: {} });
      return undefined;
    }
    const given = talk === undefined || talk.open.size >= 100 ? undefined : await this.#wished(message);
    if (given === undefined || talk === undefined) {
      await this.#reply(errorOf(message.id, codes.denied, 'The gateway refuses this request'));
      return undefined;
    }
    talk.open.set(message.id, { gate: this.#gate, permit: given });
    return this.#shower.show(message, this.#asked.exchange.signal);
  }

  async #wished(message: Extract<Message, { kind: 'request' }>): Promise<Permit | undefined> {
    const kind = wishes[message.method];
    if (kind === undefined || !this.#parts.settings.allow.has(kind)) return undefined;
    const meant = meaningOf(this.#parts.settings, message);
    if (meant.kind === 'refused') return undefined;
    const action: Action = meant.action;
    const verdict = await this.#gate.ask({ action });
    if (verdict.kind === 'refusal') return undefined;
    await verdict.written;
    return verdict;
  }

  /** The same in 2026-07-28: its result says what it needs, and the client sends the request again with it. */
  async #wishes(given: unknown, asked: Extract<Message, { kind: 'request' }>): Promise<Message | undefined> {
    for (const each of Object.values(isObject(given) ? given : {})) {
      const read = messageOf({ jsonrpc: '2.0', id: 0, ...(isObject(each) ? each : {}) });
      const permit = read.ok && read.value.kind === 'request' ? await this.#wished(read.value) : undefined;
      if (permit === undefined) {
        const why = denial(
          'UNSUPPORTED',
          this.#permit.id,
          'The server asks something of the client that is not allowed',
          'Let it be allowed under `allow` and by a rule',
        );
        return refusalOf(asked, why, {
          modern: true,
          structured: !this.#parts.pins.promises(asked.params['name']),
        });
      }
      this.#gate.done(permit, { kind: 'ok', rows: 0, bytes: 0, masked: 0, withheld: 0 });
    }
    return undefined;
  }

  async #reply(message: Message): Promise<void> {
    const asked = this.#request(message, textOf(message));
    const fields = asked.fields.filter(([name]) => name !== 'last-event-id' && name !== 'accept');
    const answer = await this.#call({
      ...asked,
      method: 'POST',
      fields: [
        ...fields.filter(([name]) => name !== 'content-type'),
        ['accept', 'application/json, text/event-stream'],
        ['content-type', 'application/json'],
      ],
    });
    await wholeOf(answer.body, 65_536);
  }
}

function withoutProgress(meta: Json): Json {
  const { progressToken: _, ...rest } = meta;
  return rest;
}

/** How a header repeats an argument (2026-07-28, Streamable HTTP): only these kinds can be repeated. */
function worded(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

const wishes: Readonly<Record<string, 'sampling' | 'elicitation' | 'roots'>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};

const ofTasks = /^notifications\/tasks(?:\/status)?$/;
const notifications =
  /^notifications\/(?:message|progress|cancelled|resources\/(?:updated|list_changed)|tools\/list_changed|prompts\/list_changed|elicitation\/complete|subscriptions\/acknowledged)$/;
