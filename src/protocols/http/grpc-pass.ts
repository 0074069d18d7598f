import { type Ending, outcomeOf } from '../../carriers/http/outcome.ts';
import { type Http2Request, type Http2Response, NoStream, StreamReset } from '../../carriers/http/client2.ts';
import { shareOf } from '../../core/session.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { costs } from '../../carriers/http/costs.ts';
import { denialOfFull } from '../../carriers/http/full.ts';
import { Fault, WireError } from '../../base/errors.ts';
import type { Denial, Outcome, Permit } from '../../core/decision.ts';
import { denialOfDemand } from '../../core/denial.ts';
import { Full } from '../../core/held.ts';
import {
  decodeMessage,
  encodeMessage,
  grpcCodec,
  type GrpcMessage,
  grpcStatus,
  grpcTimeoutText,
  MessageReader,
  statusOfHttp,
} from '../../http/grpc.ts';
import { all, type Fields, first, towardsClient } from '../../http/headers.ts';
import { keysOf } from '../../http/key-scan.ts';
import { plainProto } from '../../http/protobuf.ts';
import { type GrpcParts, notFramed, passesUnseen, type Permitted, within } from './grpc-call.ts';
import { keylessMessage, keylessMetadata } from './grpc-keyless.ts';
import { expanded, MessageMask } from './grpc-mask.ts';
import type { Judge } from './grpc-judge.ts';
import { grpcStatusOf, sayRefusal, sayStatus } from './grpc-say.ts';
import { jarOf } from './cookies.ts';
import { recorded, towards, towardsAsker } from './head.ts';
import { json } from './pass.ts';

/** One permitted call, from the resource's first byte to the client's last. */
export class GrpcPass {
  readonly #parts: GrpcParts;
  readonly #exchange: Exchange;
  readonly #with: Permitted;
  readonly #mask: MessageMask;
  /** Nothing is looked into, because nothing must be or the configuration says so. */
  readonly #unseen: boolean;
  #bytes = 0;
  #brokenBy: string | undefined;
  #refusedBy: Denial | undefined;
  #fullBy: Full | undefined;
  /** Of what the client said last. */
  #written: Promise<void> | undefined;

  constructor(parts: GrpcParts, exchange: Exchange, permitted: Permitted) {
    const { call, permit } = permitted;
    this.#parts = parts;
    this.#exchange = exchange;
    this.#with = permitted;
    this.#mask = new MessageMask({
      permit,
      object: `/${call.service}/${call.rpc}`,
      key: parts.maskKey,
      codec: call.codec,
      shape: call.shape?.response,
      protos: parts.settings.protos,
      most: parts.house.limits.messageBytes,
      held: exchange.held,
      bytesPass: parts.settings.uninspected.includes('application/octet-stream'),
    });
    this.#unseen = !this.#mask.texts.needed || passesUnseen(parts.settings, call);
  }

  async run(send: (permit: Permit, request: Http2Request) => Promise<Http2Response>): Promise<void> {
    const { stay } = this.#exchange;
    const { permit } = this.#with;
    if (!this.#unseen && !this.#mask.able) {
      stay.gate.done(permit, { kind: 'unsent' });
      return this.#say('No schema says what the answer is (`protos`), so it cannot be masked');
    }
    let outcome: Outcome = this.#outcome({ kind: 'error', code: 'closed' });
    try {
      const answer = await send(permit, this.#request());
      // SECURITY: no byte of an answer before its entry is on disk.
      await permit.written;
      outcome = await this.#answer(answer);
    } catch (thrown) {
      outcome = this.#failed(thrown);
      const left = thrown instanceof WireError && thrown.code === 'closed';
      if (left || !(thrown instanceof Fault || thrown instanceof WireError)) throw thrown;
    } finally {
      stay.gate.done(permit, outcome);
    }
  }

  #outcome(how: Ending): Outcome {
    const { masked, withheld } = this.#mask;
    return outcomeOf(how, { bytes: this.#bytes, masked, withheld });
  }

  #request(): Http2Request {
    const { call, bounds } = this.#with;
    const { path, fields } = towards(this.#parts, this.#exchange, (name) => madeAnew.has(name));
    const left = bounds.left();
    fields.push(['te', 'trailers'], ['content-type', call.contentType]);
    if (left !== undefined) fields.push(['grpc-timeout', grpcTimeoutText(left)]);
    const accepts = first(this.#exchange.fields, 'grpc-accept-encoding');
    if (!this.#unseen) fields.push(['grpc-accept-encoding', 'identity,gzip,deflate']);
    else if (this.#parts.settings.upstream.credential !== undefined)
      fields.push(['grpc-accept-encoding', 'identity']);
    else if (accepts !== undefined) fields.push(['grpc-accept-encoding', accepts]);
    const { firstByteMs, streamIdleMs } = this.#parts.settings.upstream.patience;
    // A stream may be quiet for long before its first message, and some services send no head before that.
    const headMs =
      call.shape?.serverStreams === false && call.message !== undefined ? firstByteMs : streamIdleMs;
    const whose = shareOf(this.#exchange.stay.session);
    return { method: 'POST', path, fields, body: this.#body(), signal: bounds.signal, headMs, whose };
  }

  /** The client's messages as they came, whole and one after the other. */
  async *#body(): AsyncIterable<Uint8Array> {
    const { call, bounds, permit, judge } = this.#with;
    const { stay, body, held } = this.#exchange;
    if (call.message !== undefined) {
      yield call.message.raw;
      return;
    }
    const reader = new MessageReader(this.#parts.house.limits.messageBytes);
    const { streamIdleMs } = this.#parts.settings.upstream.patience;
    using level = held.level(costs.request.each);
    for await (const piece of within(body.stream(streamIdleMs), bounds.signal)) {
      await this.#roomFor(level.set(reader.held + piece.length));
      const read = reader.push(piece);
      if (!read.ok) throw this.#broken(notFramed(read.error));
      for (const message of read.value) {
        if (judge !== undefined) {
          yield* this.#judged(message, judge);
          continue;
        }
        const full =
          permit.duties.record === 'full' ? stay.recorder.frame('ask', message.raw, permit.id) : undefined;
        if (full !== undefined) await full;
        yield message.raw;
      }
    }
    if (!reader.whole) throw this.#broken('The message is cut off');
  }

  async #roomFor(full: Promise<void> | undefined): Promise<void> {
    try {
      await full;
    } catch (thrown) {
      if (thrown instanceof Full) this.#fullBy = thrown;
      throw thrown;
    }
  }

  /** One message of a stream, sent once it is permitted; a refusal ends the call. */
  async *#judged(message: GrpcMessage, judge: Judge): AsyncIterable<Uint8Array> {
    const { gate } = this.#exchange.stay;
    const judged = await judge(message);
    if (judged.kind === 'broken') throw this.#broken(judged.why);
    if (judged.kind === 'refusal') {
      this.#refusedBy = judged.denial;
      throw new WireError('bad-message', 'A message of the client was refused');
    }
    const { permit } = judged;
    this.#written = permit.written;
    const pass = gate.guardCalls(({ raw }: GrpcMessage) => Promise.resolve(raw));
    let sent = false;
    try {
      yield await pass(permit, message);
      sent = true;
    } finally {
      const none = { rows: 0, bytes: 0, masked: 0, withheld: 0 };
      gate.done(permit, sent ? { kind: 'ok', ...none } : { kind: 'error', code: 'closed', ...none });
    }
  }

  /** What the client did wrong; told to it when the call ends by that. */
  #broken(why: string): Error {
    this.#brokenBy = why;
    return new WireError('bad-message', why);
  }

  async #answer(answer: Http2Response): Promise<Outcome> {
    const { reply, stay } = this.#exchange;
    const { permit } = this.#with;
    const { status, fields } = answer;
    const type = first(fields, 'content-type');
    if (status !== 200 || all(fields, 'content-type').length > 1 || grpcCodec(type) === undefined) {
      for await (const _ of answer.body) break;
      sayStatus(reply, statusOfHttp(status), `The resource answered with HTTP ${status} instead of gRPC`);
      return this.#outcome({ kind: 'error', code: String(status) });
    }
    if (!this.#unseen && grpcCodec(type) !== this.#with.call.codec)
      throw new Fault('mask', 'The answer has another codec than the request, so it cannot be masked');
    const head = this.#head(fields);
    const whole = permit.duties.record === 'full';
    if (whole) void stay.recorder.frame('answer', Buffer.from(`200\n${recorded(head)}\n`), permit.id);
    if (answer.ended) {
      reply.over2?.headOnly(200, head);
      return this.#ended(fields);
    }
    reply.start(200, head);
    const cut = await this.#messages(answer);
    if (cut !== undefined) return cut;
    const trailers = answer.trailers();
    if (first(trailers, 'grpc-status') === undefined) {
      sayStatus(reply, grpcStatus.internal, 'The resource ended the call without a status');
      return this.#outcome({ kind: 'error', code: 'upstream-closed' });
    }
    // A cookie is set by a head: whoever takes one from here takes it without its seal and path.
    const told = trailers.filter(([name]) => name !== 'set-cookie');
    const shown = this.#metadata(towardsClient(told, { changed: false }));
    if (whole) void stay.recorder.frame('answer', Buffer.from(`${recorded(shown)}\n`), permit.id);
    reply.over2?.finish(shown);
    return this.#ended(trailers);
  }

  #ended(fields: Fields): Outcome {
    const status = first(fields, 'grpc-status') ?? '';
    const known = /^\d{1,3}$/.test(status) ? status : 'unknown';
    return this.#outcome(known === '0' ? { kind: 'ok' } : { kind: 'error', code: `grpc-${known}` });
  }

  async #messages({ body, fields }: Http2Response): Promise<Outcome | undefined> {
    const { reply, stay, held } = this.#exchange;
    const { permit, bounds } = this.#with;
    const { byteLimit } = permit.duties;
    const encoding = first(fields, 'grpc-encoding');
    const keys = keysOf(this.#parts.settings.upstream.credential);
    const most = this.#parts.house.limits.messageBytes;
    const reader = new MessageReader(most);
    using level = held.level(this.#unseen ? costs.answer.each : costs.request.each);
    for await (const piece of this.#inTime(body)) {
      const full = level.set(reader.held + piece.length);
      if (full !== undefined) await full;
      const read = reader.push(piece);
      if (!read.ok)
        throw new Fault('upstream-closed', `The resource broke the protocol: ${notFramed(read.error)}`);
      for (const message of read.value) {
        const shown = this.#unseen ? message.raw : await this.#mask.show(message, encoding, bounds.signal);
        const bytes = await keylessMessage(shown, { encoding, keys, most, held });
        this.#bytes += bytes.length;
        if (byteLimit !== undefined && this.#bytes > byteLimit) return this.#cut(byteLimit);
        if (permit.duties.record === 'full') {
          const slow = stay.recorder.frame('answer', await this.#readable(bytes, encoding), permit.id);
          if (slow !== undefined) await slow;
        }
        // SECURITY: no byte of an answer before the entry of what it answers is on disk.
        if (this.#written !== undefined) await this.#written;
        const waiting = reply.write(bytes);
        if (waiting !== undefined) await waiting;
        bounds.signal.throwIfAborted();
      }
    }
    if (!reader.whole) throw new Fault('upstream-closed', 'The answer of the resource is cut off');
    return undefined;
  }

  /** A resource that says nothing for too long is given up; the time that the client takes to read does not count. */
  async *#inTime(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const { world } = this.#parts.house;
    const { streamIdleMs } = this.#parts.settings.upstream.patience;
    const late = new AbortController();
    const start = (): Disposable =>
      world.after(streamIdleMs, () =>
        late.abort(new Fault('upstream-late', `The resource did not go on within ${streamIdleMs / 1_000} s`)),
      );
    let timer = start();
    try {
      for await (const piece of within(body, late.signal)) {
        timer[Symbol.dispose]();
        yield piece;
        timer = start();
      }
    } finally {
      timer[Symbol.dispose]();
    }
  }

  /** What a recording shows of a message: JSON where its schema is known. */
  async #readable(framed: Uint8Array, encoding: string | undefined): Promise<Uint8Array> {
    const shape = this.#with.call.codec === 'proto' ? this.#with.call.shape?.response : undefined;
    if (shape === undefined) return framed;
    try {
      const message = { compressed: framed[0] === 1, bytes: framed.subarray(5), raw: framed };
      using level = this.#exchange.held.level(costs.answer.each);
      const { messageBytes: most } = this.#parts.house.limits;
      const plain = await expanded(message, encoding, { most, level });
      return Buffer.from(`${JSON.stringify(plainProto(plain, shape))}\n`);
    } catch (thrown) {
      if (thrown instanceof Full) throw thrown;
      return framed; // it is recorded as what it is
    }
  }

  #head(fields: Fields): Fields {
    const { settings } = this.#parts;
    const { prefix } = this.#exchange;
    const jar = jarOf(settings.cookies, this.#parts.maskKey, this.#exchange);
    const behind = { upstream: settings.upstream, prefix, mask: this.#mask.texts, jar };
    const changed = { changed: !this.#unseen };
    if (this.#unseen) return this.#keyless(towardsAsker(fields, changed, behind));
    const [own, others] = [fields.filter(isOwn), fields.filter((field) => !isOwn(field))];
    const shown = this.#mask.texts.aside(() => towardsAsker(others, changed, behind));
    return [...shown, ...this.#metadata(own)];
  }

  /** Metadata: texts, and bytes in base64 where the name ends so. */
  #metadata(fields: Fields): Fields {
    return this.#keyless(this.#unseen ? fields : this.#mask.texts.aside(() => this.#masked(fields)));
  }

  #keyless(fields: Fields): Fields {
    return keylessMetadata(fields, this.#parts.settings.upstream.credential);
  }

  #masked(fields: Fields): Fields {
    const { texts } = this.#mask;
    return fields.flatMap(([name, value]): Fields => {
      if (name === 'grpc-message') {
        const message = decodeMessage(value);
        const shown = texts.text(message);
        return [[name, shown === message ? value : encodeMessage(shown)]];
      }
      if (name === 'grpc-status-details-bin') {
        const shown = this.#mask.details(value);
        return shown === undefined ? [] : [[name, shown]];
      }
      if (!name.endsWith('-bin')) return [[name, plainNames.has(name) ? value : texts.text(value, name)]];
      const shown = this.#mask.binary(name, value);
      return shown === undefined ? [] : [[name, shown]];
    });
  }

  #cut(byteLimit: number): Outcome {
    const why = `The answer is longer than ${byteLimit} bytes`;
    const said = denialOfDemand(this.#with.permit, 'LIMIT', 'limit', why);
    sayRefusal(this.#exchange.reply, grpcStatus.resourceExhausted, said);
    return this.#outcome({ kind: 'cut', why: 'LIMIT' });
  }

  /** What failed, in the words of gRPC; a client that has left is told nothing. */
  #failed(thrown: unknown): Outcome {
    const { reply, signal } = this.#exchange;
    const { bounds } = this.#with;
    if (this.#refusedBy !== undefined) {
      sayRefusal(reply, grpcStatusOf(this.#refusedBy.class), this.#refusedBy);
      return this.#outcome({ kind: 'cut', why: this.#refusedBy.class });
    }
    if (this.#brokenBy !== undefined) {
      sayStatus(reply, grpcStatus.invalidArgument, this.#brokenBy);
      return this.#outcome({ kind: 'error', code: 'bad-message' });
    }
    if (bounds.late() && !signal.aborted) {
      sayStatus(reply, grpcStatus.deadlineExceeded, 'The deadline of the call has passed');
      return this.#outcome({ kind: 'error', code: 'upstream-late' });
    }
    const full = this.#fullBy ?? thrown;
    if (full instanceof Full) {
      const { id } = this.#with.permit;
      const { stay } = this.#exchange;
      void stay.recorder.frame('decision', json({ id, decision: 'deny', why: full.message }), id);
      sayRefusal(reply, grpcStatus.resourceExhausted, denialOfFull(full, id));
      return this.#outcome({ kind: 'cut', why: 'LIMIT' });
    }
    if (!(thrown instanceof Fault)) return this.#outcome({ kind: 'error', code: 'closed' });
    if (thrown.code === 'mask') {
      this.#mask.withheld++;
      this.#say(thrown.message);
      return this.#outcome({ kind: 'cut', why: 'LINEAGE' });
    }
    const ended = thrown.code === 'stopping' ? grpcStatus.permissionDenied : statusOfFault(thrown);
    const known = thrown.code === 'ledger' ? 'The call could not be written down' : thrown.message;
    this.#parts.house.metrics.count('faults_total', { code: thrown.code });
    sayStatus(reply, ended, known);
    return this.#outcome({ kind: 'error', code: thrown.code });
  }

  #say(why: string): void {
    const { permit } = this.#with;
    const { stay, reply } = this.#exchange;
    const said = denialOfDemand(permit, 'LINEAGE', 'mask', why);
    void stay.recorder.frame('decision', json({ id: permit.id, decision: 'deny', why }), permit.id);
    sayRefusal(reply, grpcStatus.permissionDenied, said);
  }
}

/** Said by the gateway itself, whatever the client said. */
const madeAnew: ReadonlySet<string> = new Set(['te', 'content-type', 'grpc-timeout', 'grpc-accept-encoding']);

/** The protocol's own words. */
const plainNames: ReadonlySet<string> = new Set([
  'grpc-status',
  'grpc-encoding',
  'grpc-accept-encoding',
  'content-type',
  'date',
]);

function isOwn([name]: readonly [string, string]): boolean {
  return name.startsWith('grpc-') || name.endsWith('-bin');
}

/** What a reset of the resource's stream means (PROTOCOL-HTTP2.md, Errors). */
function statusOfFault(fault: Fault): number {
  if (fault.code === 'upstream-late') return grpcStatus.deadlineExceeded;
  if (fault instanceof NoStream && fault.own) return grpcStatus.resourceExhausted;
  const reset: Readonly<Record<number, number>> = {
    7: grpcStatus.unavailable, // REFUSED_STREAM
    8: grpcStatus.cancelled, // CANCEL
    11: grpcStatus.resourceExhausted, // ENHANCE_YOUR_CALM
    12: grpcStatus.permissionDenied, // INADEQUATE_SECURITY
  };
  if (fault instanceof StreamReset) return reset[fault.reset] ?? grpcStatus.internal;
  return grpcStatus.unavailable;
}
