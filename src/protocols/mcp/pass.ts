import type { HttpRequest, HttpResponse } from '../../carriers/http/client.ts';
import { costs } from '../../carriers/http/costs.ts';
import { denialOfFull, retryAfter, statusOfFull } from '../../carriers/http/full.ts';
import type { Ending } from '../../carriers/http/outcome.ts';
import { wholeOf } from '../../carriers/http/decoded.ts';
import { utf8 } from '../../carriers/http/cuts.ts';
import { documentMask } from '../../carriers/http/masks.ts';
import { Fault } from '../../base/errors.ts';
import type { Outcome, Permit } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import { Full } from '../../core/held.ts';
import type { Gate } from '../../core/protocol.ts';
import { EventReader, type ServerEvent } from '../../http/events.ts';
import { type Fields, first } from '../../http/headers.ts';
import { codes, errorOf, type Id, type Message, readMessage, textOf } from './message.ts';
import { shownTask } from './held/task.ts';
import { type Inner, itemsIn, maskedBy, noInner } from './inner.ts';
import { listed } from './listed.ts';
import { type Out, sayMessage, sayStatus } from './out.ts';
import { anew } from './anew.ts';
import { requestOf } from './request.ts';
import { askAboutChanges } from './changes.ts';
import { refusalOf } from './refusal.ts';
import { type Asked, keyOf, ownerOf, type ToolboxParts } from './talk.ts';
import { Shower } from './shown.ts';
import { type Unfit, unfitIn } from './unfit.ts';
import { Wishes } from './wishes.ts';
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
  readonly #wishes: Wishes;
  /** The client has its answer: no fault can be told any more. */
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
    this.#wishes = new Wishes({
      parts,
      asked,
      gate: this.#gate,
      permit,
      call: (request) => this.#call(request),
    });
    const shownBy = of?.permit ?? permit;
    const named = shownBy.action.targets[0]?.name ?? shownBy.action.attributes['method'];
    this.#mask = documentMask(maskedBy(shownBy, of?.inner ?? inner), String(named ?? ''), parts.maskKey);
    this.#shower = new Shower({ mask: this.#mask, uninspected: parts.settings.uninspected });
  }

  async run(): Promise<void> {
    let outcome: Outcome = this.#outcome({ kind: 'error', code: 'closed' });
    try {
      const unfit = await unfitIn(this.#parts, this.#asked, this.#gate);
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
        requestOf(this.#asked, message === undefined ? undefined : textOf(message)),
      );
      await this.#permit.written;
      await this.#answer(answer);
      outcome = this.#outcome({ kind: 'ok' });
    } catch (thrown) {
      outcome =
        thrown instanceof Full
          ? this.#outcome({ kind: 'cut', why: 'LIMIT' })
          : this.#outcome({ kind: 'error', code: thrown instanceof Fault ? thrown.code : 'closed' });
      if (!(await this.#failed(thrown))) throw thrown;
    } finally {
      this.#out.stop();
      this.#gate.done(this.#permit, outcome);
      this.#inner.done(outcome);
    }
  }

  #outcome(how: Ending): Outcome {
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
    if (thrown instanceof Full) return this.#tooFull(thrown, message.id);
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
      await this.#out.event(errorOf(message.id, codes.internal, why));
      this.#out.end();
      return true;
    }
    if (exchange.reply.started) return false;
    sayMessage(exchange.reply, late ? 504 : 502, errorOf(message.id, codes.internal, why));
    return true;
  }

  async #tooFull(full: Full, id: Id): Promise<true> {
    const { reply, stay } = this.#asked.exchange;
    const why = denialOfFull(full, this.#permit.id);
    const frame = { id: this.#permit.id, decision: 'deny', why: why.why };
    void stay.recorder.frame('decision', Buffer.from(JSON.stringify(frame)), this.#permit.id);
    const said = errorOf(id, codes.denied, why.why, { denial: why });
    if (this.#out.streams) {
      await this.#out.event(said);
      this.#out.end();
    } else if (reply.started) reply.destroy();
    else sayMessage(reply, statusOfFull(full), said, retryAfter);
    return true;
  }

  async #misfit(unfit: Unfit): Promise<Outcome> {
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
    const count = exchange.held.counting(costs.parsed);
    const bytes = await wholeOf(answer.body, this.#parts.house.limits.messageBytes, count);
    if (bytes === undefined) throw new Fault('mask', 'The answer is too long to be masked');
    if (bytes.length === 0 || type !== 'application/json') {
      this.#ended = true;
      if (status < 400 && bytes.length === 0) return this.#empty(status);
      const id = message?.kind === 'request' ? message.id : null;
      return sayMessage(
        exchange.reply,
        status >= 400 ? status : 502,
        errorOf(id, codes.internal, 'The MCP server did not answer with a message'),
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
    using level = exchange.held.level(costs.parsed.each);
    for await (const chunk of answer.body) {
      await level.set(reader.held + chunk.length);
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
        return (await this.#wishes.asked(message))
          ? this.#shower.show(message, this.#asked.exchange.signal)
          : undefined;
    }
  }

  /** What a server tells of one of its tasks is shown like the answer of its call, to who made it. */
  async #ofTask(message: Extract<Message, { kind: 'notification' }>): Promise<Message | undefined> {
    const { exchange, session } = this.#asked;
    const task = this.#parts.tasks.of(message.params['taskId'], whoseOf(exchange, session));
    if (task === undefined || !mayStill(task, this.#gate) || message.params['inputRequests'] !== undefined)
      return undefined;
    const now = await anew(exchange, task);
    return now.kind === 'refused'
      ? undefined
      : this.#showerOf(now.permit, { ...task, inner: now.inner }).show(message, exchange.signal);
  }

  #showerOf(permit: Permit, { inner, request }: Pick<Task, 'inner' | 'request'>): Shower {
    const object = permit.action.targets[0]?.name ?? request.method;
    const mask = documentMask(maskedBy(permit, inner), object, this.#parts.maskKey);
    return new Shower({ mask, uninspected: this.#parts.settings.uninspected });
  }

  /**
   * SECURITY: what was asked on another stream is shown as its own call demands by now, not as that of this stream; what nobody is
   * known to have asked is not shown.
   */
  async #resumed(message: Extract<Message, { kind: 'answer' }>): Promise<Message | undefined> {
    const { talk } = this.#asked;
    const open = talk?.asked.get(message.id);
    if (open === undefined) return undefined;
    talk?.asked.delete(message.id);
    const { exchange, modern } = this.#asked;
    const now = await anew(exchange, open);
    if (now.kind === 'refused') {
      const structured = !this.#parts.pins.promises(open.request.params['name']);
      return refusalOf(open.request, now.denial, { modern, structured });
    }
    const { permit, inner } = now;
    const shower = this.#showerOf(permit, { inner, request: open.request });
    return this.#result(message, open.request, { shower, inner, permit });
  }

  async #result(
    message: Extract<Message, { kind: 'answer' }>,
    asked: Extract<Message, { kind: 'request' }>,
    { shower, inner, permit }: { readonly shower: Shower; readonly inner: Inner; readonly permit: Permit },
  ): Promise<Message> {
    const ofTask = asked.method === 'tasks/get' && message.result['status'] === 'input_required';
    if (message.result['resultType'] === 'input_required' || ofTask) {
      const refused = await this.#wishes.inResult(message.result['inputRequests'], asked);
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
}

const ofTasks = /^notifications\/tasks(?:\/status)?$/;
const notifications =
  /^notifications\/(?:message|progress|cancelled|resources\/(?:updated|list_changed)|tools\/list_changed|prompts\/list_changed|elicitation\/complete|subscriptions\/acknowledged)$/;
