import { type MaskKey, mostRowBytes } from '../../mask/index.ts';
import { Fault, WireError } from '../../base/errors.ts';
import { denialOfDemand } from '../../core/denial.ts';
import { modelUseOf } from '../../core/duties.ts';
import type { Gate } from '../../core/protocol.ts';
import type { World } from '../../base/time.ts';
import type { FrameKind, Recorder } from '../../core/ports.ts';

import { decodeBackend, decodeDataRow, decodeErrorFields, decodeReadyForQuery } from './decode.ts';
import * as encode from './encode.ts';
import { type Flow, isCommitted, isOver, type Part, type Turn } from './flow.ts';
import { backendBounds, type Frame, Frames } from './frames.ts';
import { backend, type ErrorFields, type Field } from './messages.ts';
import { Maskers } from './maskers.ts';
import type { Names } from './names.ts';
import { maskText, type NoticeAbout, showFields } from './notices.ts';
import { Outgoing } from './outgoing.ts';
import { errorOf, type RefusedWith } from './refusal.ts';
import type { RowMasker } from './rows.ts';
import { type About, outcomeOf, type Run } from './run.ts';
import { showsAll, strict, TransactionAbout } from './shown.ts';
import { unreadCopy, unreadRows } from './unread.ts';
import { HeldRows, mostHeldMs } from './voted.ts';
import type { Watches } from './watch.ts';

export interface AnswersParts {
  readonly flow: Flow;
  readonly names: Names;
  readonly gate: Gate;
  readonly recorder: Recorder;
  readonly maskKey: MaskKey;
  readonly messageBytes: number;
  /** What detectors know of the columns of this database. */
  readonly watches: Watches;
  readonly after: World['after'];
  /** Sends to the client with the deadline for clients that do not read. */
  readonly write: (bytes: Uint8Array) => Promise<void> | undefined;
  /** A limit cut this statement's answer: stop the server's work on it. */
  readonly cancel: () => void;
  /** What a statement changed is now true on the server. */
  readonly settled: (run: Run) => void;
  /** A transaction that the gateway had begun for the client has ended, one way or the other. */
  readonly ended: () => void;
  /** The server reported a setting. Throws a Fault when the session must not go on with it. */
  readonly parameter: (name: string, value: string) => void;
}

/**
 * From the server to the client: finds the request that each message answers, masks what must be masked, and lets
 * everything else pass as the same bytes.
 */
export class Answers {
  readonly #parts: AnswersParts;
  readonly #frames: Frames;
  readonly #out: Outgoing = new Outgoing();
  #recordFull = false;
  /** The end of an answer waits in `#out`: it is not held back for the next statement's entry. */
  #ended = false;
  readonly #maskers: Maskers;
  /** RowDescriptions for the recording: the same columns come again and again. */
  readonly #toldColumns: WeakMap<readonly Field[], Uint8Array> = new WeakMap();
  /** Rows of the current answer that wait for the votes of its columns. */
  readonly #held: HeldRows = new HeldRows();
  #holding: Run | undefined;
  /** Rows of this statement wait until a model has read them. */
  #unread: Run | undefined;
  /** Ends the wait of what is held. */
  #timer: Disposable | undefined;
  #busy = false;
  #late = false;
  /** What was held too long is on its way to the client. */
  #leaving: Promise<void> | undefined;
  /** The statement answered last: governs messages that come between statements. */
  #last: About | undefined;
  /** What the open transaction has run: a deferred constraint or trigger speaks of any of it at the end. */
  readonly #transaction: TransactionAbout = new TransactionAbout();

  constructor(parts: AnswersParts) {
    this.#parts = parts;
    this.#maskers = new Maskers(parts);
    this.#frames = new Frames(backendBounds(parts.messageBytes));
  }

  /** Bytes of what is not whole yet. */
  get unfinished(): number {
    const copy = this.#current()?.copyOut;
    return this.#frames.unfinished + (copy === undefined || copy === 'pass' ? 0 : copy.heldBytes);
  }

  /**
   * Handles one chunk of the server's bytes; resolves when the client has taken what came of it. A promise only where
   * something has to be waited for.
   */
  push(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#leaving !== undefined) return this.#leaving.then(() => this.push(chunk));
    this.#busy = true;
    const frames = this.#frames;
    frames.push(chunk);
    this.#out.begin(frames.bytes);
    while (frames.next()) {
      const run = this.#current();
      if ((run !== undefined && !run.released) || this.#waits(frames)) return this.#goOn(run);
      this.#answer(frames, run);
    }
    const taken = this.#flush();
    if (taken !== undefined) return taken.then(() => this.#handled());
    return this.#handled();
  }

  /** The client wants no more of what is being answered: no model is asked for the rest of it. */
  stopReading(): void {
    for (const run of [this.#unread, this.#current()]) {
      run?.unread?.batches.stop();
      run?.unreadCopy?.stop();
    }
  }

  /** The rest of a chunk, from the first message that has to wait: for a decision that may not be on disk yet, or for a model. */
  async #goOn(first: Run | undefined): Promise<void> {
    const frames = this.#frames;
    let run = first;
    for (;;) {
      if (this.#waits(frames)) await this.#read(frames);
      if (run !== undefined && !run.released) await this.#decided(run);
      this.#answer(frames, run);
      if (!frames.next()) break;
      run = this.#current();
    }
    const taken = this.#flush();
    if (taken !== undefined) await taken;
    await this.#handled();
  }

  #handled(): Promise<void> | undefined {
    this.#busy = false;
    if (this.#unread !== undefined) {
      if (this.#late || this.#unread.unread?.open !== true) return this.#letRead();
      this.#timer ??= this.#parts.after(mostHeldMs, () => this.#overdue());
    }
    if (this.#holding !== undefined) {
      if (this.#late) return this.#letGo();
      this.#timer ??= this.#parts.after(mostHeldMs, () => this.#overdue());
    }
    if (this.#parts.flow.length > 0) return undefined;
    this.#frames.settle();
    this.#out.settle();
    return undefined;
  }

  /** Time is up for what is held: it goes out now, or with the chunk that is being handled. */
  #overdue(): void {
    this.#timer = undefined;
    const unread = this.#unread !== undefined;
    if ((this.#holding === undefined && !unread) || this.#parts.flow.over) return;
    this.#late = true;
    if (this.#busy) return;
    this.#leaving = (unread ? this.#letRead() : this.#letGo())?.finally(() => (this.#leaving = undefined));
    // Told by the next chunk; a client that has gone is noticed without it.
    this.#leaving?.catch(() => undefined);
  }

  #letGo(): Promise<void> | undefined {
    this.#out.begin(nothing);
    this.#release();
    return this.#flush();
  }

  /** What waits for the model goes out; nothing else waits. */
  async #letRead(): Promise<void> {
    this.#busy = true;
    this.#out.begin(nothing);
    await this.#read();
    return this.#handled();
  }

  /** Whether what waits for the model must be read before this message is looked at. */
  #waits(frame: Frame): boolean {
    const run = this.#unread;
    if (run === undefined) return false;
    if (!overtaking.has(frame.type)) return true;
    if (frame.type !== backend.DataRow && frame.type !== backend.CopyData) return false;
    const { batches } = run.unread ?? {};
    return (
      (batches ?? run.unreadCopy)?.full === true ||
      this.#beyond(run, { rows: 1, bytes: frame.end - frame.start }) !== undefined
    );
  }

  /** Rows that wait go out as the model has read them, in their place before whatever comes now. */
  async #read(before?: Frame): Promise<void> {
    const run = this.#unread;
    if (run === undefined) return;
    const { unread, unreadCopy: copied, copyOut, masker } = run;
    const give = (bytes: Uint8Array): Promise<void> | undefined => {
      if (unread === undefined) this.#putCopyData(bytes);
      else if (bytes.length > 0) this.#put(bytes);
      return this.#flush();
    };
    if (before?.type === backend.CopyDone && copyOut !== 'pass' && copyOut?.reading !== undefined)
      copied?.add(copyOut.reading.last());
    const [masked, withheld] = [masker?.masked ?? 0, masker?.withheld ?? 0];
    await (unread?.batches ?? copied)?.read(give);
    if (unread !== undefined && masker !== undefined) {
      run.masked += masker.masked - masked;
      run.withheld += masker.withheld - withheld;
    }
    this.#unread = undefined;
    this.#late = false;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  /** What is held goes out, in its place before whatever comes now. */
  #release(): void {
    const run = this.#holding;
    if (run === undefined) return;
    this.#holding = undefined;
    this.#late = false;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const { copyOut, masker } = run;
    if (copyOut !== undefined && copyOut !== 'pass') this.#putCopyData(copyOut.release());
    if (masker === undefined || !this.#held.some) return;
    const [masked, withheld] = [masker.masked, masker.withheld];
    this.#held.release(masker, this.#out);
    run.masked += masker.masked - masked;
    run.withheld += masker.withheld - withheld;
  }

  /** The statement that is being answered. */
  #current(): Run | undefined {
    const head = this.#parts.flow.head;
    if (head === undefined) return undefined;
    if (head.kind === 'execute') return head.run;
    return head.kind === 'query' ? head.runs[head.at] : undefined;
  }

  /** SECURITY: no byte of an answer passes before the decision that permitted it is on disk. */
  async #decided(run: Run): Promise<void> {
    const full = run.permit.duties.record === 'full';
    // What only leads to this answer (BindComplete) goes out with it.
    if (this.#ended || full !== this.#recordFull) await this.#flush();
    await run.permit.written;
    run.released = true;
    this.#recordFull = full;
    if (full) this.#recordColumns(run);
    this.#last = run;
    this.#transaction.add(run);
  }

  /** Of a prepared statement the client may have been told the columns long ago, in other formats: its recording has to know them. */
  #recordColumns(run: Run): void {
    const portal = run.described;
    if (
      portal === undefined ||
      (portal.fields ?? (portal.cursor ? undefined : portal.prepared.fields)) === undefined
    )
      return;
    const fields = this.#maskers.fields(run);
    if (fields.length === 0) return;
    const told = this.#toldColumns.get(fields) ?? encode.rowDescription(fields);
    this.#toldColumns.set(fields, told);
    void this.#parts.recorder.frame('answer', told);
  }

  /** Gives a promise only where the recorder or the client make us wait. */
  #flush(): Promise<void> | undefined {
    this.#ended = false;
    const bytes = this.#out.take();
    if (bytes === undefined) return undefined;
    const { recorder, write } = this.#parts;
    const behind = this.#recordFull ? recorder.frame('answer' satisfies FrameKind, bytes) : undefined;
    return behind === undefined ? write(bytes) : behind.then(() => write(bytes));
  }

  #answer(frame: Frame, run: Run | undefined): void {
    const { head } = this.#parts.flow;
    if (head?.kind === 'own' && frame.type !== backend.NotificationResponse) return this.#own(frame, head);
    if (this.#holding !== undefined && !overtaking.has(frame.type)) this.#release();
    switch (frame.type) {
      case backend.DataRow:
        return this.#row(frame, this.#running(run));
      case backend.CommandComplete:
      case backend.EmptyQueryResponse:
        return this.#commandComplete(frame, run);
      case backend.ReadyForQuery:
        return this.#ready(frame);
      case backend.ParseComplete:
      case backend.BindComplete:
      case backend.CloseComplete:
        return this.#named(frame);
      case backend.RowDescription:
        return this.#rowDescription(frame, run);
      case backend.NoData:
        return this.#describe(frame, []);
      case backend.ParameterDescription:
        return this.#forwardDescribe(frame);
      case backend.PortalSuspended:
        return this.#suspended(frame, this.#running(run));
      case backend.ErrorResponse:
        return this.#error(frame, run);
      case backend.NoticeResponse:
        return this.#notice(frame);
      case backend.NotificationResponse:
        return this.#notification(frame);
      case backend.ParameterStatus:
        return this.#parameterStatus(frame);
      case backend.CopyInResponse:
        this.#parts.flow.copyStarted();
        return this.#pass(frame);
      case backend.CopyOutResponse:
        if (this.#running(run).copyOut === undefined) throw unexpected(frame);
        return this.#pass(frame);
      case backend.CopyData:
        return this.#copyData(frame, this.#running(run));
      case backend.CopyDone:
        return this.#copyDone(frame, this.#running(run));
      default:
        throw unexpected(frame);
    }
  }

  #pass(frame: Frame): void {
    if (!this.#parts.flow.muted) this.#out.pass(frame.start, frame.end);
  }

  #put(bytes: Uint8Array): void {
    if (!this.#parts.flow.muted) this.#out.put(bytes);
  }

  #running(run: Run | undefined): Run {
    if (run === undefined)
      throw new WireError('unexpected-message', 'The server answered a request that was not made');
    return run;
  }

  #row(frame: Frame, run: Run): void {
    run.rows += 1;
    run.bytes += frame.end - frame.start;
    if (!this.#within(run)) return;
    const masker = run.masker ?? this.#maskers.of(run, this.#maskers.fields(run));
    if (masker.passes) return this.#pass(frame);
    if (masker.read !== undefined) {
      run.unread ??= unreadRows(masker, masker.read);
      run.unread.add(frame);
      this.#unread = run;
      return;
    }
    if (masker.see !== undefined) {
      if (this.#held.takes(frame, masker)) {
        this.#holding = run;
        return;
      }
      this.#release();
    }
    const [masked, withheld] = [masker.masked, masker.withheld];
    // A row that `within` let through is not muted.
    const changed = masker.write(frame, this.#out);
    run.masked += masker.masked - masked;
    run.withheld += masker.withheld - withheld;
    if (!changed) this.#pass(frame);
    this.#clear(run, masker);
  }

  /** The rows behind the one that was just shown, as far as they stay as they are: all at once. */
  #clear(run: Run, masker: RowMasker): void {
    const { rowLimit, byteLimit } = run.permit.duties;
    if (rowLimit !== undefined || byteLimit !== undefined || this.#holding !== undefined) return;
    if (this.#parts.messageBytes < mostRowBytes) return; // then a row may be too long
    const frames = this.#frames;
    const from = frames.end;
    const to = masker.clear(frames.bytes, from, frames.limit);
    if (to === from) return;
    run.rows += masker.cleared;
    run.bytes += to - from;
    frames.skip(to);
    this.#out.pass(from, to);
  }

  /** False once the statement's limit is reached: the row beyond is an error, never a silent cut. */
  #within(run: Run): boolean {
    if (run.cut) return false;
    const beyond = this.#beyond(run, noMore);
    if (beyond !== undefined) this.#cut(run, beyond);
    return !run.cut;
  }

  /** The limit that the statement's answer has gone beyond, or would with so much more. */
  #beyond(run: Run, more: { readonly rows: number; readonly bytes: number }): string | undefined {
    const { rowLimit, byteLimit } = run.permit.duties;
    if (rowLimit === undefined && byteLimit === undefined) return undefined;
    const rows = (run.portal?.rows ?? 0) + run.rows + more.rows;
    const bytes = (run.portal?.bytes ?? 0) + run.bytes + more.bytes;
    if (rowLimit !== undefined && rows > rowLimit) return `${rowLimit} rows`;
    return byteLimit !== undefined && bytes > byteLimit ? `${byteLimit} bytes` : undefined;
  }

  #cut(run: Run, limit: string): void {
    run.cut = true;
    const part = partOf(this.#parts.flow.head);
    if (part !== undefined) part.failed = true;
    this.#release();
    const why = `The answer is longer than the ${limit} that the policy allows for one statement`;
    const cut = denialOfDemand(run.permit, 'LIMIT', 'limit', why);
    this.#put(encode.errorResponse(errorOf({ sqlstate: '54000', message: why, denial: cut })));
    this.#parts.flow.mute();
    this.#parts.cancel();
  }

  #copyData(frame: Frame, run: Run): void {
    const masker = run.copyOut;
    if (masker === undefined) throw unexpected(frame);
    run.rows += 1;
    run.bytes += frame.end - frame.start;
    if (!this.#within(run)) return;
    if (masker === 'pass') return this.#pass(frame);
    if (masker.reading !== undefined) {
      masker.push(frame.bytes.subarray(frame.start + 5, frame.end));
      run.unreadCopy ??= unreadCopy(masker.reading);
      run.unreadCopy.add(frame.end - frame.start);
      this.#unread = run;
      return;
    }
    this.#putCopyData(masker.push(frame.bytes.subarray(frame.start + 5, frame.end)));
    this.#holding = masker.holds ? run : undefined;
  }

  /** A masker that waits for the rest of a row gives nothing, and then nothing is sent. */
  #putCopyData(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#put(encode.copyData(bytes));
  }

  #copyDone(frame: Frame, run: Run): void {
    const masker = run.copyOut;
    if (masker === undefined) throw unexpected(frame);
    if (masker !== 'pass') {
      this.#putCopyData(masker.end());
      run.masked += masker.masked;
      run.withheld += masker.withheld;
    }
    this.#pass(frame);
  }

  #rowDescription(frame: Frame, run: Run | undefined): void {
    const { head } = this.#parts.flow;
    if (head?.kind === 'describe') {
      const of = (head.prepared ?? head.portal?.prepared)?.statement?.outputs;
      return this.#describe(frame, this.#maskers.columns(frame, of));
    }
    if (head?.kind !== 'query') throw unexpected(frame);
    const current = this.#running(run);
    this.#maskers.of(current, this.#maskers.columns(frame, current.outputs));
    this.#pass(frame);
  }

  #describe(frame: Frame, fields: readonly Field[]): void {
    const { flow } = this.#parts;
    const head = flow.head;
    if (head?.kind !== 'describe') throw unexpected(frame);
    if (head.prepared !== undefined) head.prepared.fields = fields;
    if (head.portal !== undefined) head.portal.fields = fields;
    if (!head.own) this.#pass(frame);
    flow.complete();
  }

  #forwardDescribe(frame: Frame): void {
    const head = this.#parts.flow.head;
    if (head?.kind !== 'describe') throw unexpected(frame);
    if (!head.own) this.#pass(frame);
  }

  #named(frame: Frame): void {
    const { flow, names } = this.#parts;
    const head = flow.head;
    if (head?.kind === 'refused' && head.probe !== undefined && frame.type !== backend.BindComplete) {
      head.probe.prepared = true;
      return;
    }
    const expected =
      (head?.kind === 'parse' && frame.type === backend.ParseComplete) ||
      (head?.kind === 'bind' && frame.type === backend.BindComplete) ||
      (head?.kind === 'close' && frame.type === backend.CloseComplete);
    if (!expected) throw unexpected(frame);
    if (head.kind === 'parse' || head.kind === 'bind' || head.kind === 'close') names.confirm(head.change);
    this.#pass(frame);
    flow.complete();
  }

  #commandComplete(frame: Frame, run: Run | undefined): void {
    const { flow } = this.#parts;
    const { head } = flow;
    if (head?.kind === 'query' && head.runs.length === 0) return this.#pass(frame); // an empty text
    if (head?.kind === 'block') return this.#blockEnded();
    if (head?.kind === 'empty') {
      this.#pass(frame);
      return flow.complete();
    }
    const current = this.#running(run);
    if (head?.kind === 'query' && head.part !== undefined && isCommitted(head.part)) {
      head.at += 1;
      flow.held = { run: current, bytes: new Uint8Array(frame.bytes.subarray(frame.start, frame.end)) };
      return;
    }
    this.#pass(frame);
    this.#finish(current);
    if (current.copyIn) flow.copyFinished();
    if (head?.kind === 'query') head.at += 1;
    else flow.complete();
  }

  /** BEGIN, COMMIT or ROLLBACK of the gateway's own has succeeded: the end of the statement before it may be told. */
  #blockEnded(): void {
    const { flow } = this.#parts;
    const { held } = flow;
    if (held === undefined) return;
    flow.held = undefined;
    this.#put(held.bytes);
    this.#finish(held.run);
  }

  #suspended(frame: Frame, run: Run): void {
    this.#pass(frame);
    this.#finish(run);
    this.#parts.flow.complete();
  }

  #finish(run: Run, sqlstate?: string): void {
    this.#ended = true;
    if (run.portal !== undefined) {
      run.portal.rows += run.rows;
      run.portal.bytes += run.bytes;
    }
    for (const change of run.changes) {
      if (sqlstate === undefined) this.#parts.names.confirm(change);
      else this.#parts.names.drop(change);
    }
    this.#parts.settled(run);
    this.#parts.gate.done(run.permit, outcomeOf(run, sqlstate));
  }

  #error(frame: Frame, run: Run | undefined): void {
    this.#ended = true;
    const message = decodeBackend(frame);
    if (message.kind !== 'ErrorResponse') throw unexpected(frame);
    const sqlstate = message.fields.get('C') ?? 'XX000';
    const severity = message.fields.get('V') ?? message.fields.get('S') ?? 'ERROR';
    const { flow } = this.#parts;
    const head = flow.head;
    // FATAL: the server ends the connection; what is left has no answer.
    if (severity !== 'ERROR' || head === undefined) return this.#show(message.fields);
    switch (head.kind) {
      case 'refused':
        if (head.probe?.prepared === false) this.#show(message.fields);
        else this.#put(encode.errorResponse(placed(errorOf(inPlace(head.why, flow)), head.part)));
        if (head.probe !== undefined) this.#finish(head.probe.run, sqlstate);
        if (head.part !== undefined) head.part.failed = true;
        if (!head.simple) this.#unsent(flow.fail().filter((run) => run !== head.probe?.run));
        return;
      case 'query':
        this.#show(message.fields);
        if (run !== undefined) this.#finish(run, sqlstate);
        this.#unsent(head.runs.slice(head.at + 1));
        if (run?.copyIn === true) flow.copyFinished();
        head.at = head.runs.length;
        if (head.part !== undefined) head.part.failed = true;
        return;
      case 'block': {
        this.#show(message.fields);
        head.failed = true;
        const { held } = flow;
        flow.held = undefined;
        if (held !== undefined) this.#finish(held.run, sqlstate);
        return;
      }
      case 'sync': // a deferred constraint failed at the end of the implicit transaction
        return this.#show(message.fields);
      default:
        this.#show(message.fields);
        if (head.kind === 'execute') {
          this.#finish(head.run, sqlstate);
          flow.complete();
        }
        this.#unsent(flow.fail());
    }
  }

  #unsent(runs: readonly Run[]): void {
    for (const run of runs) {
      for (const change of run.changes) this.#parts.names.drop(change);
      this.#parts.gate.done(run.permit, { kind: 'unsent' });
    }
  }

  #ready(frame: Frame): void {
    const { flow, names } = this.#parts;
    this.#ended = true;
    const head = flow.head;
    flow.status = decodeReadyForQuery(frame);
    const simple = head?.kind === 'query' || (head?.kind === 'refused' && head.simple);
    if (!simple && head?.kind !== 'sync' && head?.kind !== 'block') throw unexpected(frame);
    if (head.kind === 'query' && head.at < head.runs.length) {
      throw new WireError('unexpected-message', 'The server answered fewer statements than it was sent');
    }
    if (flow.status === 'I') {
      names.endTransaction();
      this.#transaction.clear();
    }
    flow.muted = false;
    flow.copying = false;
    const part = partOf(head);
    const over = head.kind === 'block' ? head.last || head.failed : part === undefined || isOver(part);
    if (head.kind === 'block' && head.ends) this.#parts.ended();
    if (over) this.#pass(frame);
    flow.complete();
  }

  /** The answer to a query of the gateway itself: nothing of it reaches the client. */
  #own(frame: Frame, turn: Extract<Turn, { kind: 'own' }>): void {
    const { flow } = this.#parts;
    switch (frame.type) {
      case backend.DataRow:
        turn.rows.push(
          decodeDataRow(frame).map((value) => (value === null ? null : Buffer.from(value).toString())),
        );
        return;
      case backend.ErrorResponse: {
        const fields = decodeErrorFields(frame);
        if ((fields.get('V') ?? fields.get('S')) !== 'ERROR') this.#show(fields);
        turn.failed = true;
        return;
      }
      case backend.ParameterStatus:
        return this.#parameterStatus(frame);
      case backend.ReadyForQuery:
        flow.status = decodeReadyForQuery(frame);
        flow.complete();
        if (turn.failed) turn.done.reject(new Fault('catalogue', 'A query of the gateway itself failed'));
        else turn.done.resolve();
    }
  }

  #about(): NoticeAbout {
    const { head } = this.#parts.flow;
    // Planning runs functions too, and what they say comes before the answer to Parse or Bind.
    if ((head?.kind === 'parse' || head?.kind === 'bind') && head.about !== undefined)
      this.#last = head.about;
    if (head?.kind === 'refused' && head.probe !== undefined) this.#last = head.probe.run;
    return this.#last === undefined ? strict : this.#transaction.with(this.#last);
  }

  #show(fields: ErrorFields): void {
    this.#put(encode.fieldsMessage(backend.ErrorResponse, this.#shown(fields, this.#about())));
  }

  #shown(fields: ErrorFields, about: NoticeAbout): Map<string, string> {
    const shown = showFields(fields, about, this.#parts.maskKey);
    const part = partOf(this.#parts.flow.head);
    const position = shown.get('P');
    if (part !== undefined && position !== undefined) shown.set('P', String(Number(position) + part.from()));
    return shown;
  }

  #notice(frame: Frame): void {
    const about = this.#about();
    const part = partOf(this.#parts.flow.head);
    if (part === undefined && showsAll(about)) return this.#pass(frame);
    const message = decodeBackend(frame);
    if (message.kind !== 'NoticeResponse') throw unexpected(frame);
    // "There is already a transaction in progress": the gateway's own, which the client's BEGIN takes over.
    if (part?.begins === true && message.fields.get('C') === '25001') return;
    this.#put(encode.fieldsMessage(backend.NoticeResponse, this.#shown(message.fields, about)));
  }

  #notification(frame: Frame): void {
    const { finds } = this.#about();
    if (finds.length === 0) return this.#pass(frame);
    const message = decodeBackend(frame);
    if (message.kind !== 'NotificationResponse') throw unexpected(frame);
    // What a model must read and is no row waits for none.
    const hidden = modelUseOf(finds) === 'required' && message.payload !== '';
    this.#put(
      encode.notificationResponse(
        message.process,
        message.channel,
        hidden ? '***' : maskText(message.payload, finds, this.#parts.maskKey),
      ),
    );
  }

  #parameterStatus(frame: Frame): void {
    const message = decodeBackend(frame);
    if (message.kind !== 'ParameterStatus') throw unexpected(frame);
    this.#parts.parameter(message.name, message.value);
    this.#pass(frame);
  }
}

function partOf(turn: Turn | undefined): Part | undefined {
  return turn?.kind === 'query' || turn?.kind === 'refused' ? turn.part : undefined;
}

/** In a failed transaction the server looks for no names: it says of anything but its end that it is not done. */
function inPlace(why: RefusedWith, { status }: Flow): RefusedWith {
  return status === 'E' && why.denial === undefined && ofMissingNames.has(why.sqlstate)
    ? { sqlstate: '25P02', message: abortedTransaction }
    : why;
}

// invalid_sql_statement_name, invalid_cursor_name, undefined_table, undefined_object
const ofMissingNames: ReadonlySet<string> = new Set(['26000', '34000', '42P01', '42704']);
const abortedTransaction = 'current transaction is aborted, commands ignored until end of transaction block';

/** Where it is in the whole text. */
function placed(error: encode.ErrorParts, part: Part | undefined): encode.ErrorParts {
  const { position } = error;
  return part === undefined || position === undefined
    ? error
    : { ...error, position: position + part.from() };
}

const nothing = new Uint8Array(0);
const noMore = { rows: 0, bytes: 0 };

/** What the server may say at any time does not end the wait of rows. */
const overtaking: ReadonlySet<number> = new Set([
  backend.DataRow,
  backend.CopyData,
  backend.NoticeResponse,
  backend.NotificationResponse,
  backend.ParameterStatus,
]);

function unexpected(frame: Frame): WireError {
  return new WireError(
    'unexpected-message',
    `The server sent message '${String.fromCharCode(frame.type)}' out of turn`,
  );
}
