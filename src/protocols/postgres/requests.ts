import type { MaskKey } from '../../mask/index.ts';
import { Fault, WireError } from '../../base/errors.ts';
import type { Action } from '../../core/action.ts';
import type { Permit, Verdict } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import type { Limits } from '../../core/limits.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Recorder } from '../../core/ports.ts';
import type { Gate, Stated, Upstream, Waiting } from '../../core/protocol.ts';
import type { Statement } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';

import { bodyOf, decodeBind, decodeFrontend, decodeParse, decodeQuery } from './decode.ts';
import * as encode from './encode.ts';
import type { Flow, Turn } from './flow.ts';
import { digest, textOrRefusal } from './given.ts';
import { type Held, shownValues } from './hold.ts';
import { type Frame, Frames, frontendBounds } from './frames.ts';
import type { Meaning } from './meaning.ts';
import { frontend } from './messages.ts';
import type { Names, Portal, Prepared } from './names.ts';
import {
  notUtf8,
  refusedBy,
  type RefusedWith,
  several,
  changedMeanwhile,
  standIn,
  togetherRefused,
  tooMany,
  unsettled,
} from './refusal.ts';
import { Outgoing } from './outgoing.ts';
import { skimBind, skimExecute, skimNamed } from './skim.ts';
import type { About, Run } from './run.ts';
import { runOf } from './run-of.ts';
import { type Reading, unreadable } from './understanding.ts';
import {
  doubtOf,
  fetchedOf,
  insideOf,
  missing,
  type Sent,
  type Wanted,
  wantedOf,
  withPortal,
} from './wanted.ts';

export interface RequestsParts {
  readonly flow: Flow;
  readonly names: Names;
  readonly meaning: Meaning;
  readonly gate: Gate;
  readonly upstream: Upstream;
  readonly recorder: Recorder;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly maskKey: MaskKey;
  /** Resolves when no cancel of ours is on its way: it must not hit the next statement. */
  readonly calm: () => Promise<void> | undefined;
  /** What the client says of its requests, where that is known; `settle` finds out where it may have changed. */
  readonly saying: { readonly stated: Stated | undefined; readonly settle: () => Promise<void> | undefined };
  /** A statement waits for people: tells and watches the client meanwhile. */
  readonly hold: (held: Held) => Promise<Waiting>;
}

/** A statement with the catalogue it was read with. */
type Understood = { readonly statement: Statement; readonly catalogue: Catalogue; readonly text: string };

type Asked =
  | { readonly kind: 'run'; readonly run: Run }
  | { readonly kind: 'refused'; readonly why: RefusedWith };

/**
 * From the client to the server: every request is read, asked about, and sent on as the same bytes; a refused one is
 * replaced by a statement that fails at that very place, so that the server's own state stays the client's.
 */
export class Requests {
  readonly #parts: RequestsParts;
  readonly #frames: Frames;
  /** Requests of this chunk that may go and have not gone, and the permits that cover them. */
  readonly #out: Outgoing = new Outgoing();
  #permits: Permit[] = [];
  /** The first request in `#out`, how many requests had failed when it got there, and the permits before the first Sync. */
  #waiting: { readonly turn: Turn; readonly failures: number; beforeSync: number | undefined } | undefined;

  constructor(parts: RequestsParts) {
    this.#parts = parts;
    this.#frames = new Frames(frontendBounds(parts.limits.messageBytes));
  }

  /**
   * Handles one chunk of the client's bytes; gives false when the client said goodbye. A promise only where something
   * has to be waited for: for most chunks nothing has.
   */
  push(chunk: Uint8Array): boolean | Promise<boolean> {
    const frames = this.#frames;
    frames.push(chunk);
    this.#out.begin(frames.bytes);
    const { flow } = this.#parts;
    while (!flow.over && frames.next()) {
      if (frames.type === frontend.Terminate) return this.#goodbye();
      const waiting = this.#request(frames);
      if (waiting !== undefined) return this.#goOn(waiting);
    }
    const sent = this.#flushNow();
    if (sent !== undefined) return sent.then(() => this.#handled());
    return this.#handled();
  }

  /** The rest of a chunk in which something had to be waited for. */
  async #goOn(first: Promise<void>): Promise<boolean> {
    const frames = this.#frames;
    const { flow } = this.#parts;
    await first;
    while (!flow.over && frames.next()) {
      if (frames.type === frontend.Terminate) return this.#goodbye();
      const waiting = this.#request(frames);
      if (waiting !== undefined) await waiting;
    }
    await this.#flush();
    return this.#handled();
  }

  async #goodbye(): Promise<boolean> {
    await this.#flush();
    return false;
  }

  #handled(): boolean {
    if (this.#frames.unfinished === 0) this.#frames.settle();
    this.#out.settle();
    return !this.#parts.flow.over;
  }

  /** Gives a promise only where something has to be waited for: most requests are decided at once. */
  #request(frame: Frame): Promise<void> | undefined {
    const { flow, limits } = this.#parts;
    const { type } = frame;
    if (flow.skipping && type !== frontend.Sync) return undefined; // as the server does after an error
    // What ends a COPY must not wait for the COPY's end.
    if (flow.length > limits.pipelined && !flow.takesCopyData) return this.#after(this.drain(), frame);
    const calm = this.#parts.calm();
    if (calm !== undefined) return this.#after(calm, frame);
    const said = flow.takesCopyData ? undefined : this.#parts.saying.settle();
    if (said !== undefined) return this.#after(said, frame);
    if (isCopy(type)) return this.#copy(frame);
    if (type === frontend.Sync) return this.#keep(frame, { kind: 'sync' });
    if (type === frontend.Flush) return this.#keep(frame);
    if (flow.takesCopyData) {
      // In COPY mode the server reads any other message as a broken protocol; whose answer is whose would be lost.
      if (flow.copyOpen) throw new WireError('unexpected-message', 'A request during COPY FROM STDIN');
      return this.#after(flow.moved(), frame); // the COPY may yet fail before its data is asked for
    }
    switch (type) {
      case frontend.Query:
        return this.#query(frame);
      case frontend.Parse:
        return this.#parse(frame);
      case frontend.Bind:
        return this.#bind(frame);
      case frontend.Describe:
        return this.#describe(frame);
      case frontend.Execute:
        return this.#execute(frame);
      case frontend.Close:
        return this.#close(frame);
      case frontend.FunctionCall:
        return this.#functionCall();
      default:
        throw new WireError('unexpected-message', 'A message that has no place in a session');
    }
  }

  /** Resolves once everything that was asked for is answered. */
  async drain(): Promise<void> {
    const { flow, upstream } = this.#parts;
    await this.#flush();
    // The client may send its Sync only later; without one the server would keep its answers, and both would wait.
    if (flow.heldBack) await upstream.say(encode.flush);
    await flow.drained();
  }

  async #after(wait: Promise<void>, frame: Frame): Promise<void> {
    await this.#flush();
    await wait;
    await this.#request(frame);
  }

  // ---- what goes to the server

  /** The request's own bytes go on; `permits` cover them. */
  #pass(frame: Frame, permits: readonly Permit[], turn: Turn): void {
    if (this.#skipped(turn)) return;
    this.#out.pass(frame.start, frame.end);
    this.#permits.push(...permits);
    this.#enter(turn);
  }

  /** Upkeep that carries no statement. */
  #keep(frame: Frame, turn?: Turn): undefined {
    if (turn !== undefined && this.#skipped(turn)) return undefined;
    this.#out.pass(frame.start, frame.end);
    if (turn !== undefined) this.#enter(turn);
    return undefined;
  }

  #enter(turn: Turn): void {
    const { flow } = this.#parts;
    this.#waiting ??= { turn, failures: flow.failures, beforeSync: undefined };
    if (turn.kind === 'sync') this.#waiting.beforeSync ??= this.#permits.length;
    flow.push(turn);
  }

  /** An error may have come while this request was being decided: the server would not look at it any more. */
  #skipped(turn: Turn): boolean {
    const { flow, names, gate } = this.#parts;
    if (!flow.over && (!flow.skipping || turn.kind === 'sync')) return false;
    if (turn.kind === 'parse' || turn.kind === 'bind' || turn.kind === 'close') names.drop(turn.change);
    for (const run of runsOf(turn)) {
      for (const change of run.changes) names.drop(change);
      gate.done(run.permit, { kind: 'unsent' });
    }
    return true;
  }

  async #flush(): Promise<void> {
    await this.#flushNow();
  }

  /** A promise only where the server's side makes us wait. */
  #flushNow(): Promise<void> | undefined {
    const bytes = this.#out.take();
    if (bytes === undefined) return undefined;
    const permits = this.#permits;
    const waiting = this.#waiting;
    this.#permits = [];
    this.#waiting = undefined;
    const { flow } = this.#parts;
    const failed = waiting !== undefined && waiting.failures !== flow.failures && !flow.has(waiting.turn);
    return failed ? this.#sendRest(bytes, permits, waiting.beforeSync) : this.#send(bytes, permits);
  }

  #send(bytes: Uint8Array, permits: readonly Permit[]): Promise<void> | undefined {
    const { upstream } = this.#parts;
    return permits.length === 0 ? upstream.say(bytes) : upstream.send(permits, bytes);
  }

  /**
   * An error came while these requests waited to be sent: the server throws away all up to the next Sync, and their
   * permits are over. Only what stands from that Sync on is sent.
   */
  async #sendRest(
    bytes: Uint8Array,
    permits: readonly Permit[],
    beforeSync: number | undefined,
  ): Promise<void> {
    // How runs ended was told with the error; what a preparation's permit covered is told by nobody else.
    const steps = permits.slice(0, beforeSync).filter(({ id }) => id === '');
    for (const permit of steps) this.#parts.gate.done(permit, { kind: 'unsent' });
    if (beforeSync !== undefined) await this.#send(fromSync(bytes), permits.slice(beforeSync));
  }

  /** Something of the gateway's own goes in at this place of the pipeline. */
  async #say(bytes: Uint8Array, turn: Turn): Promise<void> {
    await this.#flush();
    if (this.#parts.flow.skipping) return;
    this.#parts.flow.push(turn);
    await this.#parts.upstream.say(bytes);
  }

  async #refuse(why: RefusedWith, how: { readonly simple: boolean }): Promise<void> {
    await this.#flush();
    const text = standIn(why.denial?.decisionId ?? '');
    const bytes = how.simple ? encode.query(text) : encode.parse(this.#standInName(), text);
    await this.#say(bytes, { kind: 'refused', why, simple: how.simple });
  }

  /** A Parse without a name takes the unnamed statement away even where it fails; no other failure touches a name. */
  #standInName(): string {
    const { type, bytes, start } = this.#frames;
    return type === frontend.Parse && bytes[start + 5] === 0 ? '' : 'sallyport_refused';
  }

  #refuseTooMany(): Promise<void> {
    this.#parts.metrics.count('limits_total', { limit: 'preparedStatements' });
    return this.#refuse(tooMany, { simple: false });
  }

  // ---- simple query

  #query(frame: Frame): Promise<void> | undefined {
    const text = textOrRefusal(() => decodeQuery(frame).text);
    if (text === undefined) return this.#refuse(notUtf8, { simple: true });
    const reading = this.#parts.meaning.read(text);
    if (reading instanceof Promise) return this.#laterQuery(frame, text, reading);
    return this.#readQuery(frame, text, reading);
  }

  async #laterQuery(frame: Frame, text: string, reading: Promise<Reading | undefined>): Promise<void> {
    await this.#flush();
    await this.#readQuery(frame, text, await reading);
  }

  #readQuery(frame: Frame, text: string, reading: Reading | undefined): Promise<void> | undefined {
    if (reading === undefined) return this.#refuse(unsettled, { simple: true });
    if (reading.kind === 'not-understood') return this.#refuseUnread(reading, { simple: true });
    const { statements } = reading.analysis;
    if (statements.length === 0) return this.#keep(frame, { kind: 'query', runs: [], at: 0 });
    const doubt = doubtOf(statements, this.#parts.names);
    if (doubt !== undefined) return this.#after(doubt, frame);
    const renewed = this.#renewed(statements);
    if (renewed === undefined) return this.#askQuery(frame, text, reading);
    return this.#flush().then(async () => {
      await ((await renewed)
        ? this.#askQuery(frame, text, reading)
        : this.#refuse(unsettled, { simple: true }));
    });
  }

  #askQuery(
    frame: Frame,
    text: string,
    reading: Extract<Reading, { kind: 'understood' }>,
  ): Promise<void> | undefined {
    const { statements } = reading.analysis;
    const [only] = statements;
    if (statements.length > 1 || only === undefined) return this.#batch(frame, text, reading);
    const asked = this.#ask(this.#wanted(only, { source: text, text }, reading.catalogue), text, 0);
    if (asked instanceof Promise) return this.#whenAsked(asked, (given) => this.#sendQuery(frame, given));
    return this.#sendQuery(frame, asked);
  }

  #sendQuery(frame: Frame, asked: Asked): Promise<void> | undefined {
    if (asked.kind === 'refused') return this.#refuse(asked.why, { simple: true });
    this.#pass(frame, [asked.run.permit], { kind: 'query', runs: [asked.run], at: 0 });
    return undefined;
  }

  /** Several statements in one text: all are permitted, or none is sent. */
  async #batch(frame: Frame, text: string, reading: Extract<Reading, { kind: 'understood' }>): Promise<void> {
    await this.#flush();
    const { statements } = reading.analysis;
    const runs: Run[] = [];
    let refused: RefusedWith | undefined;
    for (const [at, statement] of statements.entries()) {
      const sent = { source: text, text: statement.action.text }; // several together have no template
      const asked = await this.#ask(this.#wanted(statement, sent, reading.catalogue), text, at);
      if (asked.kind === 'run') runs.push(asked.run);
      refused = asked.kind === 'refused' ? asked.why : togetherRefused(asked.run, statements.slice(at + 1));
      if (refused !== undefined) break;
    }
    refused ??= await this.#stillAsJudged(runs);
    if (refused === undefined) {
      this.#pass(
        frame,
        runs.map((run) => run.permit),
        { kind: 'query', runs, at: 0 },
      );
      return;
    }
    for (const run of runs) {
      for (const change of run.changes) this.#parts.names.drop(change);
      this.#parts.gate.done(run.permit, { kind: 'unsent' });
    }
    await this.#refuse(refused, { simple: true });
  }

  /** While one of them waited for people, the policy may have changed for all of them. */
  async #stillAsJudged(runs: readonly Run[]): Promise<RefusedWith | undefined> {
    const { gate } = this.#parts;
    if (!runs.some(({ permit }) => permit.duties.approve.length > 0)) return undefined;
    for (const { permit } of runs) {
      const now = await gate.prepare(permit.action);
      if (now.kind === 'refusal') return refusedBy(now.denial);
      gate.done(now, { kind: 'unsent' });
      if (now.duties !== permit.duties) return changedMeanwhile;
    }
    return undefined;
  }

  // ---- extended query

  #parse(frame: Frame): Promise<void> | undefined {
    const parse = textOrRefusal(() => decodeParse(frame));
    if (parse === undefined) return this.#refuse(notUtf8, { simple: false });
    if (this.#parts.names.size >= this.#parts.limits.preparedStatements) return this.#refuseTooMany();
    const reading = this.#parts.meaning.read(parse.text);
    if (reading instanceof Promise) {
      return this.#flush().then(async () => this.#parsed(frame, parse.name, parse.text, await reading));
    }
    return this.#parsed(frame, parse.name, parse.text, reading);
  }

  #parsed(frame: Frame, name: string, text: string, reading: Reading | undefined): Promise<void> | undefined {
    if (reading === undefined) return this.#refuse(unsettled, { simple: false });
    if (reading.kind === 'not-understood') return this.#refuseUnread(reading, { simple: false });
    const { statements } = reading.analysis;
    if (statements.length > 1) return this.#refuse(several, { simple: false });
    const [statement] = statements;
    const epoch = this.#epochOf(reading.catalogue);
    const prepared: Prepared = {
      text,
      source: text,
      inside: false,
      statement,
      catalogue: reading.catalogue,
      epoch,
    };
    const go = (about?: About): void => {
      const change = this.#parts.names.propose({ kind: 'statement', name, prepared });
      this.#keep(frame, { kind: 'parse', change, ...(about === undefined ? {} : { about }) });
    };
    if (statement === undefined) {
      go();
      return undefined;
    }
    return this.#prepare({ statement, catalogue: reading.catalogue, text }, go);
  }

  /** Goes on under a permit for this one step, or refuses. */
  #prepare(prepared: Understood, go: (about: About) => void): Promise<void> | undefined {
    const verdict = this.#parts.gate.prepare(prepared.statement.action, prepared.text);
    if (verdict instanceof Promise)
      return this.#flush().then(async () => this.#prepared(await verdict, prepared, go));
    return this.#prepared(verdict, prepared, go);
  }

  #prepared(
    verdict: Verdict,
    { statement, catalogue, text }: Understood,
    go: (about: About) => void,
  ): Promise<void> | undefined {
    if (verdict.kind === 'refusal') {
      this.#recordRefusal(text, verdict.denial.decisionId, verdict.denial.why);
      return this.#refuse(refusedBy(verdict.denial), { simple: false });
    }
    this.#permits.push(verdict);
    go({ permit: verdict, outputs: statement.outputs, catalogue });
    return undefined;
  }

  #bind(frame: Frame): Promise<void> | undefined {
    const bind = skimBind(frame);
    const doubt = this.#parts.names.doubt('statement', bind.statement);
    if (doubt !== undefined) return this.#after(doubt, frame);
    const found = this.#parts.names.statement(bind.statement);
    if (found === undefined) {
      return this.#refuse(missing('26000', 'prepared statement', bind.statement), { simple: false });
    }
    if (this.#parts.names.size >= this.#parts.limits.preparedStatements) return this.#refuseTooMany();
    const values = bind.values === 0 ? undefined : digest(frame, bind.behindNames);
    const bound = (prepared: Prepared): Promise<void> | undefined => {
      const { resultFormats } = bind;
      const portal: Portal =
        values === undefined
          ? { prepared, resultFormats, cursor: false, rows: 0, bytes: 0 }
          : { prepared, resultFormats, cursor: false, values, rows: 0, bytes: 0 };
      const go = (about?: About): void => {
        if (values !== undefined && (about?.permit.duties.approve.length ?? 0) > 0) {
          const given = decodeBind(frame);
          portal.given = shownValues(given.values, given.formats);
        }
        const change = this.#parts.names.propose({ kind: 'portal', name: bind.portal, portal });
        this.#keep(frame, about === undefined ? { kind: 'bind', change } : { kind: 'bind', change, about });
      };
      const { statement, catalogue, text } = prepared;
      if (statement !== undefined) return this.#prepare({ statement, catalogue, text }, go);
      go();
      return undefined;
    };
    const fresh = this.#fresh(bind.statement, found);
    if (fresh instanceof Promise) {
      return this.#flush().then(async () => {
        const prepared = await fresh;
        await (prepared === undefined ? this.#refuse(unsettled, { simple: false }) : bound(prepared));
      });
    }
    return bound(fresh);
  }

  /** The prepared statement as the server would plan it now: read again where the catalogue or the path has changed. */
  #fresh(name: string, prepared: Prepared): Prepared | Promise<Prepared | undefined> {
    const now = this.#parts.meaning.epoch();
    if (now !== undefined && now === prepared.epoch && !this.#parts.flow.some((run) => run.unsettles))
      return prepared;
    return this.#freshen(name, prepared);
  }

  /** The epoch of something read with this catalogue; none when a newer one has come since. */
  #epochOf(catalogue: Catalogue): object | undefined {
    const now = this.#parts.meaning.epoch();
    return now?.catalogue === catalogue ? now : undefined;
  }

  async #freshen(name: string, prepared: Prepared): Promise<Prepared | undefined> {
    const reading = await this.#parts.meaning.read(prepared.text);
    if (reading === undefined || reading.kind === 'not-understood') return undefined;
    const statement = prepared.inside
      ? insideOf(reading.analysis.statements)
      : reading.analysis.statements[0];
    const { fields } = prepared;
    const now: Prepared = {
      ...prepared,
      statement,
      catalogue: reading.catalogue,
      epoch: this.#epochOf(reading.catalogue),
      ...(fields === undefined ? {} : { fields }),
    };
    this.#parts.names.renew(name, prepared, now);
    return now;
  }

  /** Reads again what EXECUTE names, where that has become old; false where it cannot be read now. */
  #renewed(statements: readonly Statement[]): Promise<boolean> | undefined {
    for (const { effect } of statements) {
      if (effect.kind !== 'execute') continue;
      const found = this.#parts.names.statement(effect.name);
      const fresh = found === undefined ? undefined : this.#fresh(effect.name, found);
      // One that the server has not confirmed yet cannot be renewed; it is refused then.
      if (fresh instanceof Promise) {
        return fresh.then((now) => now !== undefined && this.#parts.names.statement(effect.name) === now);
      }
    }
    return undefined;
  }

  #describe(frame: Frame): Promise<void> | undefined {
    const describe = skimNamed(frame);
    const doubt = this.#parts.names.doubt(describe.of, describe.name);
    if (doubt !== undefined) return this.#after(doubt, frame);
    if (describe.of === 'statement') {
      const prepared = this.#parts.names.statement(describe.name);
      return this.#keep(
        frame,
        prepared === undefined
          ? { kind: 'describe', own: false }
          : { kind: 'describe', prepared, own: false },
      );
    }
    const portal = this.#parts.names.portal(describe.name);
    return this.#keep(
      frame,
      portal === undefined ? { kind: 'describe', own: false } : { kind: 'describe', portal, own: false },
    );
  }

  #close(frame: Frame): undefined {
    const { of, name } = skimNamed(frame);
    const change = this.#parts.names.propose({
      kind: of === 'statement' ? 'close-statement' : 'close-portal',
      name,
    });
    return this.#keep(frame, { kind: 'close', change });
  }

  #execute(frame: Frame): Promise<void> | undefined {
    const name = skimExecute(frame);
    const doubt = this.#parts.names.doubt('portal', name);
    if (doubt !== undefined) return this.#after(doubt, frame);
    const portal = this.#parts.names.portal(name);
    if (portal === undefined) return this.#refuse(missing('34000', 'portal', name), { simple: false });
    const { prepared } = portal;
    const { statement } = prepared;
    if (statement === undefined) return this.#keep(frame, { kind: 'empty' });
    const within = portal.cursor ? undefined : doubtOf([statement], this.#parts.names);
    if (within !== undefined) return this.#after(within, frame);
    const renewed = portal.cursor ? undefined : this.#renewed([statement]);
    if (renewed === undefined) return this.#askExecute(frame, name, portal, statement);
    return this.#flush().then(async () => {
      await ((await renewed)
        ? this.#askExecute(frame, name, portal, statement)
        : this.#refuse(unsettled, { simple: false }));
    });
  }

  #askExecute(frame: Frame, name: string, portal: Portal, statement: Statement): Promise<void> | undefined {
    const { prepared } = portal;
    const wanted = portal.cursor
      ? fetchedOf(statement, portal, prepared.catalogue)
      : this.#wanted(statement, prepared, prepared.catalogue);
    const asked = this.#ask(
      'sqlstate' in wanted ? wanted : withPortal(wanted, portal),
      prepared.source,
      prepared,
    );
    if (asked instanceof Promise) {
      return this.#whenAsked(asked, (given) => this.#sendExecute(frame, name, portal, given));
    }
    return this.#sendExecute(frame, name, portal, asked);
  }

  #sendExecute(frame: Frame, name: string, portal: Portal, asked: Asked): Promise<void> | undefined {
    if (asked.kind === 'refused') return this.#refuse(asked.why, { simple: false });
    const { run } = asked;
    const described =
      portal.fields !== undefined ||
      (!portal.cursor && portal.prepared.fields !== undefined) ||
      this.#parts.flow.describes(portal);
    if (run.masker === undefined && run.outputs.kind !== 'none' && !described) {
      // The client did not ask which columns come; the masks must know.
      return this.#say(encode.describe('portal', name), { kind: 'describe', portal, own: true }).then(
        () => this.#pass(frame, [run.permit], { kind: 'execute', run }),
        (thrown: unknown) => this.#lost(run, thrown),
      );
    }
    this.#pass(frame, [run.permit], { kind: 'execute', run });
    return undefined;
  }

  #functionCall(): Promise<void> {
    // FunctionCall runs a function without any SQL (PostgreSQL 18 docs, 54.2.4): there is no statement to judge.
    return this.#refuseUnread(
      {
        kind: 'not-understood',
        action: unreadable('FunctionCall', 'FunctionCall carries no SQL'),
        sqlstate: '42501',
        message: 'FunctionCall is refused: it runs a function without a statement that could be judged',
      },
      { simple: true },
    );
  }

  #copy(frame: Frame): Promise<void> | undefined {
    const { flow, recorder } = this.#parts;
    if (!flow.takesCopyData) return undefined; // as the server does when no COPY is under way
    if (frame.type !== frontend.CopyData) {
      decodeFrontend(frame); // a CopyFail that is not one goes nowhere
      return this.#keep(frame, { kind: 'copy-end' });
    }
    this.#keep(frame);
    return recorder.frame('ask', bodyOf(frame));
  }

  // ---- asking

  #wanted(statement: Statement, sent: Sent, catalogue: Catalogue): Wanted | RefusedWith {
    const { names, meaning } = this.#parts;
    return wantedOf(statement, sent, { names, catalogue, epoch: meaning.epoch() });
  }

  /** `from`: which statement of the text it is, or the prepared one. */
  #ask(wanted: Wanted | RefusedWith, text: string, from: number | Prepared): Asked | Promise<Asked> {
    if ('sqlstate' in wanted) return { kind: 'refused', why: wanted };
    const { stated } = this.#parts.saying;
    const verdict = this.#parts.gate.ask({
      action: wanted.action,
      text: wanted.text,
      ...(wanted.values === undefined ? {} : { values: wanted.values }),
      ...(stated === undefined ? {} : { stated }),
      wait: () => this.#wait(wanted, text, from),
    });
    if (verdict instanceof Promise) return verdict.then((given) => this.#asked(wanted, text, given));
    return this.#asked(wanted, text, verdict);
  }

  /** Before a statement waits for people, all that was asked for before it is answered as far as it can be. */
  async #wait(wanted: Wanted, source: string, from: number | Prepared): Promise<Waiting> {
    await this.#flush();
    // The client is read on meanwhile, and with that the bytes of this request would be gone.
    this.#frames.keep();
    this.#out.begin(this.#frames.bytes);
    const { flow, hold } = this.#parts;
    if (!flow.heldBack) await flow.drained();
    if (flow.skipping) throw new Fault('stopping', 'A request before this one has failed');
    const { action, text, values, portal } = wanted;
    const given =
      portal?.given ?? (values === undefined ? undefined : ['(bound before a review was to be expected)']);
    return hold({
      action,
      text,
      ...(typeof from === 'number' && source !== text ? { within: source } : {}),
      ...(given === undefined ? {} : { values: given }),
      alone: typeof from === 'number' && values === undefined && portal === undefined,
      again: () => this.#again(source, from),
    });
  }

  /** What the statement means now; undefined where that cannot be told. */
  async #again(source: string, from: number | Prepared): Promise<Action | undefined> {
    const { meaning, names } = this.#parts;
    meaning.suspect();
    let now:
      | Prepared
      | { readonly statement: Statement | undefined; readonly catalogue: Catalogue }
      | undefined;
    if (typeof from === 'number') {
      const reading = await meaning.read(source);
      if (reading?.kind !== 'understood') return undefined;
      now = { statement: reading.analysis.statements[from], catalogue: reading.catalogue };
    } else now = await this.#freshen('', from);
    if (now?.statement === undefined) return undefined;
    const wanted = this.#wanted(now.statement, { source, text: now.statement.action.text }, now.catalogue);
    if ('sqlstate' in wanted) return undefined;
    for (const change of wanted.changes) names.drop(change);
    return wanted.action;
  }

  #asked(wanted: Wanted, text: string, verdict: Verdict): Asked | Promise<Asked> {
    if (verdict.kind === 'refusal') {
      for (const change of wanted.changes) this.#parts.names.drop(change);
      this.#recordRefusal(wanted.text, verdict.denial.decisionId, verdict.denial.why);
      return { kind: 'refused', why: refusedBy(verdict.denial) };
    }
    const { maskKey, limits, meaning } = this.#parts;
    const { pathTouched } = meaning;
    const run = runOf(wanted, verdict, { maskKey, rowBytes: limits.messageBytes, pathTouched });
    if ('sqlstate' in run) {
      for (const change of wanted.changes) this.#parts.names.drop(change);
      this.#parts.gate.done(verdict, { kind: 'unsent' });
      return { kind: 'refused', why: run };
    }
    const asked: Asked = { kind: 'run', run };
    if (verdict.duties.record === 'meta') return asked;
    try {
      const { values } = wanted;
      const { id } = verdict;
      const waiting = this.#record('statement', values === undefined ? { id, text } : { id, text, values });
      return waiting === undefined
        ? asked
        : waiting.then(
            () => asked,
            (thrown: unknown) => this.#lost(run, thrown),
          );
    } catch (thrown) {
      return this.#lost(run, thrown);
    }
  }

  /** Sends what stands before it while the gate decides. */
  async #whenAsked(asked: Promise<Asked>, go: (given: Asked) => Promise<void> | undefined): Promise<void> {
    try {
      await this.#flush();
    } catch (thrown) {
      const given = await asked;
      if (given.kind === 'run') this.#lost(given.run, thrown);
      throw thrown;
    }
    await go(await asked);
  }

  /** The session ends before this run could be sent: its permit has an end all the same. */
  #lost(run: Run, thrown: unknown): never {
    for (const change of run.changes) this.#parts.names.drop(change);
    this.#parts.gate.done(run.permit, { kind: 'unsent' });
    throw thrown;
  }

  #recordRefusal(text: string, id: string, why: string): void {
    void this.#record('statement', { id, text });
    void this.#record('decision', { id, decision: 'deny', why });
  }

  #record(
    kind: 'statement' | 'decision',
    facts: Readonly<Record<string, string>>,
  ): Promise<void> | undefined {
    return this.#parts.recorder.frame(kind, Buffer.from(JSON.stringify(facts)));
  }

  /** A text that could not be read: written down as refused by the policy, answered in the parser's own words. */
  async #refuseUnread(
    reading: Extract<Reading, { kind: 'not-understood' }>,
    how: { readonly simple: boolean },
  ): Promise<void> {
    await this.#flush();
    const verdict = await this.#parts.gate.ask({ action: reading.action });
    const { sqlstate, message, position } = reading;
    const own = denial(
      'NOT_UNDERSTOOD',
      verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId,
      message,
      'Sallyport could not read this, so it was not sent: what is not understood is refused',
    );
    if (verdict.kind === 'permit') this.#parts.gate.done(verdict, { kind: 'unsent' });
    this.#recordRefusal(reading.action.text, own.decisionId, message);
    await this.#refuse(
      { sqlstate, message, denial: own, ...(position === undefined ? {} : { position }) },
      how,
    );
  }
}

function runsOf(turn: Turn): readonly Run[] {
  if (turn.kind === 'execute') return [turn.run];
  return turn.kind === 'query' ? turn.runs : [];
}

/** What is left of whole messages from the first Sync on. */
function fromSync(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at < bytes.length && bytes[at] !== frontend.Sync) at += 1 + view.getUint32(at + 1);
  return bytes.subarray(at);
}

function isCopy(type: number): boolean {
  return type === frontend.CopyData || type === frontend.CopyDone || type === frontend.CopyFail;
}
