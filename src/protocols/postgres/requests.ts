import { WireError } from '../../base/errors.ts';
import type { Verdict } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Statement } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import { Absent, type Told } from './absent.ts';
import { Apart, mustGoApart } from './apart.ts';
import { type Asked, Asking, type AskingParts } from './asking.ts';
import { decodeBind, decodeFrontend, decodeParse, decodeQuery } from './decode.ts';
import * as encode from './encode.ts';
import type { Part } from './flow.ts';
import { type Frame, Frames, frontendBounds } from './frames.ts';
import { digest, textOrRefusal } from './given.ts';
import { shownValues } from './hold.ts';
import { frontend } from './messages.ts';
import type { Portal, Prepared } from './names.ts';
import {
  changedMeanwhile,
  notUtf8,
  refusedBy,
  type RefusedWith,
  several,
  standIn,
  togetherRefused,
  tooMany,
  unsettled,
} from './refusal.ts';
import { bodyOf } from './reader.ts';
import { Renewing, type RenewingParts } from './renewing.ts';
import type { About, Run } from './run.ts';
import { Sending, type SendingParts } from './sending.ts';
import { skimBind, skimExecute, skimNamed } from './skim.ts';
import { type Reading, unreadable } from './understanding.ts';
import { doubtOf, fetchedOf, missing, otherCode, withPortal } from './wanted.ts';

export interface RequestsParts extends SendingParts, RenewingParts, AskingParts {
  readonly metrics: Metrics;
  /** Resolves when no cancel of ours is on its way: it must not hit the next statement. */
  readonly calm: () => Promise<void> | undefined;
}

/** A statement with the catalogue it was read with. */
type How = { readonly simple: boolean; readonly part?: Part };
type Understood = { readonly statement: Statement; readonly catalogue: Catalogue; readonly text: string };

/**
 * From the client to the server: every request is read, asked about, and sent on as the same bytes; a refused one is
 * replaced by a statement that fails at that very place, so that the server's own state stays the client's.
 */
export class Requests {
  readonly #parts: RequestsParts;
  readonly #frames: Frames;
  readonly #sending: Sending;
  readonly #renewing: Renewing;
  readonly #asking: Asking;
  readonly #apart: Apart;
  readonly #absent: Absent;

  constructor(parts: RequestsParts) {
    this.#parts = parts;
    const frames = new Frames(frontendBounds(parts.limits.messageBytes));
    const sending = new Sending(parts);
    this.#frames = frames;
    this.#sending = sending;
    this.#renewing = new Renewing(parts);
    this.#asking = new Asking(parts, {
      renewing: this.#renewing,
      flush: () => sending.flush(),
      keepBytes: () => {
        frames.keep();
        sending.begin(frames.bytes);
      },
    });
    this.#absent = new Absent(parts);
    this.#apart = new Apart(parts, {
      absent: this.#absent,
      asking: this.#asking,
      sending,
      renewing: this.#renewing,
      drain: () => this.drain(),
      refuse: (why, part) => this.#refuse(why, { simple: true, part }),
      refuseTold: (told, text, part) => this.#refuseTold(told, text, { simple: true, part }),
      refuseUnread: (reading, part) => this.#refuseUnread(reading, { simple: true, part }),
    });
  }

  /** Bytes of a request that is not whole yet. */
  get unfinished(): number {
    return this.#frames.unfinished;
  }

  /**
   * Handles one chunk of the client's bytes; gives false when the client said goodbye. A promise only where something
   * has to be waited for: for most chunks nothing has.
   */
  push(chunk: Uint8Array): boolean | Promise<boolean> {
    const frames = this.#frames;
    frames.push(chunk);
    this.#sending.begin(frames.bytes);
    const { flow } = this.#parts;
    while (!flow.over && frames.next()) {
      if (frames.type === frontend.Terminate) return this.#goodbye();
      const waiting = this.#request(frames);
      if (waiting !== undefined) return this.#goOn(waiting);
    }
    const sent = this.#sending.flushNow();
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
    await this.#sending.flush();
    return this.#handled();
  }

  async #goodbye(): Promise<boolean> {
    await this.#sending.flush();
    return false;
  }

  #handled(): boolean {
    if (this.#frames.unfinished === 0) this.#frames.settle();
    this.#sending.settle();
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
    if (type === frontend.Sync) return this.#sending.keep(frame, { kind: 'sync' });
    if (type === frontend.Flush) return this.#sending.keep(frame);
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
    await this.#sending.flush();
    // The client may send its Sync only later; without one the server would keep its answers, and both would wait.
    if (flow.heldBack) await upstream.say(encode.flush);
    await flow.drained();
  }

  async #after(wait: Promise<void>, frame: Frame): Promise<void> {
    await this.#sending.flush();
    await wait;
    await this.#request(frame);
  }

  async #refuse(why: RefusedWith, how: How): Promise<void> {
    await this.#sending.flush();
    const text = standIn(why.denial?.decisionId ?? '');
    const bytes = how.simple ? encode.query(text) : encode.parse(this.#standInName(), text);
    await this.#sending.say(bytes, { kind: 'refused', why, ...how });
  }

  /**
   * Refused in the server's own words where it has them: the statement is prepared, and what fails by design stands right
   * behind that. Of the two exactly one fails, and nothing ran.
   */
  async #refuseTold(
    { why, probe }: Told,
    text: string,
    how: How,
    types: readonly number[] = [],
  ): Promise<void> {
    if (probe === undefined) return this.#refuse(why, how);
    await this.drain();
    const name = how.simple ? '' : this.#standInName();
    const parts = [
      encode.parse(name, text, types),
      encode.close('statement', name),
      encode.parse(name, standIn(probe.run.permit.id)),
      ...(how.simple ? [encode.sync] : []),
    ];
    const turn = { kind: 'refused', why, ...how, probe } as const;
    return this.#sending.sendApart(encode.join(parts), probe.run.permit, turn);
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
    await this.#sending.flush();
    await this.#readQuery(frame, text, await reading);
  }

  #readQuery(frame: Frame, text: string, reading: Reading | undefined): Promise<void> | undefined {
    if (reading === undefined) return this.#refuse(unsettled, { simple: true });
    if (reading.kind === 'not-understood') return this.#refuseUnread(reading, { simple: true });
    const { statements } = reading.analysis;
    if (statements.length === 0) return this.#sending.keep(frame, { kind: 'query', runs: [], at: 0 });
    const doubt = doubtOf(statements, this.#parts.names);
    if (doubt !== undefined) return this.#after(doubt, frame);
    const renewed = this.#renewing.renewed(statements);
    if (renewed === undefined) return this.#askQuery(frame, text, reading);
    return this.#sending.flush().then(async () => {
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
    if (statements.length > 1 && mustGoApart(statements, this.#parts.meaning.pathTouched))
      return this.#apart.run(text, statements);
    if (statements.length > 1 || only === undefined) return this.#batch(frame, text, reading);
    if (only.missing !== undefined) return this.#askAbsent(frame, text, only, reading.catalogue);
    return this.#askOne(frame, text, only, reading.catalogue);
  }

  // oxlint-disable-next-line max-params
  async #askAbsent(frame: Frame, text: string, only: Statement, catalogue: Catalogue): Promise<void> {
    await this.#sending.flush();
    const told = await this.#absent.told(only, text, catalogue);
    await (told === undefined
      ? this.#askOne(frame, text, only, catalogue)
      : this.#refuseTold(told, text, { simple: true }));
  }

  // oxlint-disable-next-line max-params
  #askOne(frame: Frame, text: string, only: Statement, catalogue: Catalogue): Promise<void> | undefined {
    const asked = this.#asking.ask(this.#asking.wanted(only, { source: text, text }, catalogue), text, 0);
    if (asked instanceof Promise)
      return this.#asking.whenAsked(asked, (given) => this.#sendQuery(frame, given));
    return this.#sendQuery(frame, asked);
  }

  #sendQuery(frame: Frame, asked: Asked): Promise<void> | undefined {
    if (asked.kind === 'refused') return this.#refuse(asked.why, { simple: true });
    this.#sending.pass(frame, [asked.run.permit], { kind: 'query', runs: [asked.run], at: 0 });
    return undefined;
  }

  /** Several statements in one text: all are permitted, or none is sent. */
  async #batch(frame: Frame, text: string, reading: Extract<Reading, { kind: 'understood' }>): Promise<void> {
    await this.#sending.flush();
    const { statements } = reading.analysis;
    const runs: Run[] = [];
    let refused: RefusedWith | undefined;
    for (const [at, statement] of statements.entries()) {
      const sent = { source: text, text: statement.action.text }; // several together have no template
      const asked = await this.#asking.ask(this.#asking.wanted(statement, sent, reading.catalogue), text, at);
      if (asked.kind === 'run') runs.push(asked.run);
      refused = asked.kind === 'refused' ? asked.why : togetherRefused(asked.run, statements.slice(at + 1));
      if (refused !== undefined) break;
    }
    refused ??= await this.#stillAsJudged(runs);
    if (refused === undefined) {
      this.#sending.pass(
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
      return this.#sending
        .flush()
        .then(async () => this.#parsed(frame, parse.name, parse.text, await reading));
    }
    return this.#parsed(frame, parse.name, parse.text, reading);
  }

  #parsed(frame: Frame, name: string, text: string, reading: Reading | undefined): Promise<void> | undefined {
    if (reading === undefined) return this.#refuse(unsettled, { simple: false });
    if (reading.kind === 'not-understood') return this.#refuseUnread(reading, { simple: false });
    const { statements } = reading.analysis;
    if (statements.length > 1) return this.#refuse(several, { simple: false });
    const [statement] = statements;
    const epoch = this.#renewing.epochOf(reading.catalogue);
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
      this.#sending.keep(frame, { kind: 'parse', change, ...(about === undefined ? {} : { about }) });
    };
    if (statement === undefined) {
      go();
      return undefined;
    }
    const understood = { statement, catalogue: reading.catalogue, text };
    if (statement.missing === undefined) return this.#prepare(understood, go);
    const types = decodeParse(frame).parameterTypes;
    return this.#sending.flush().then(async () => {
      const told = await this.#absent.told(statement, text, reading.catalogue);
      await (told === undefined
        ? this.#prepare(understood, go)
        : this.#refuseTold(told, text, { simple: false }, types));
    });
  }

  /** Goes on under a permit for this one step, or refuses. */
  #prepare(prepared: Understood, go: (about: About) => void): Promise<void> | undefined {
    const verdict = this.#parts.gate.prepare(prepared.statement.action, prepared.text);
    if (verdict instanceof Promise)
      return this.#sending.flush().then(async () => this.#prepared(await verdict, prepared, go));
    return this.#prepared(verdict, prepared, go);
  }

  #prepared(
    verdict: Verdict,
    { statement, catalogue, text }: Understood,
    go: (about: About) => void,
  ): Promise<void> | undefined {
    if (verdict.kind === 'refusal') {
      this.#asking.recordRefusal(text, verdict.denial.decisionId, verdict.denial.why);
      return this.#refuse(refusedBy(verdict.denial), { simple: false });
    }
    this.#sending.cover(verdict);
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
        this.#sending.keep(
          frame,
          about === undefined ? { kind: 'bind', change } : { kind: 'bind', change, about },
        );
      };
      const { statement, catalogue, text } = prepared;
      if (statement !== undefined) return this.#prepare({ statement, catalogue, text }, go);
      go();
      return undefined;
    };
    const fresh = this.#renewing.fresh(bind.statement, found);
    if (fresh instanceof Promise) {
      return this.#sending.flush().then(async () => {
        const prepared = await fresh;
        await (prepared === undefined ? this.#refuse(unsettled, { simple: false }) : bound(prepared));
      });
    }
    return bound(fresh);
  }

  #describe(frame: Frame): Promise<void> | undefined {
    const describe = skimNamed(frame);
    const doubt = this.#parts.names.doubt(describe.of, describe.name);
    if (doubt !== undefined) return this.#after(doubt, frame);
    if (describe.of === 'statement') {
      const prepared = this.#parts.names.statement(describe.name);
      return this.#sending.keep(
        frame,
        prepared === undefined
          ? { kind: 'describe', own: false }
          : { kind: 'describe', prepared, own: false },
      );
    }
    const portal = this.#parts.names.portal(describe.name);
    return this.#sending.keep(
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
    return this.#sending.keep(frame, { kind: 'close', change });
  }

  #execute(frame: Frame): Promise<void> | undefined {
    const name = skimExecute(frame);
    const doubt = this.#parts.names.doubt('portal', name);
    if (doubt !== undefined) return this.#after(doubt, frame);
    const portal = this.#parts.names.portal(name);
    if (portal === undefined) return this.#refuse(missing('34000', 'portal', name), { simple: false });
    const { prepared } = portal;
    const { statement } = prepared;
    if (statement === undefined) return this.#sending.keep(frame, { kind: 'empty' });
    const within = portal.cursor ? undefined : doubtOf([statement], this.#parts.names);
    if (within !== undefined) return this.#after(within, frame);
    const replaced = this.#renewing.replaced(prepared);
    if (replaced !== false)
      return this.#sending.flush().then(async () => {
        const differs = await replaced;
        if (differs === false) await this.#executeAs(frame, name, portal, statement);
        else await this.#refuse(differs === true ? otherCode : unsettled, { simple: false });
      });
    return this.#executeAs(frame, name, portal, statement);
  }

  #executeAs(frame: Frame, name: string, portal: Portal, statement: Statement): Promise<void> | undefined {
    const renewed = portal.cursor ? undefined : this.#renewing.renewed([statement]);
    if (renewed === undefined) return this.#askExecute(frame, name, portal, statement);
    return this.#sending.flush().then(async () => {
      await ((await renewed)
        ? this.#askExecute(frame, name, portal, statement)
        : this.#refuse(unsettled, { simple: false }));
    });
  }

  #askExecute(frame: Frame, name: string, portal: Portal, statement: Statement): Promise<void> | undefined {
    const { prepared } = portal;
    const wanted = portal.cursor
      ? fetchedOf(statement, portal, prepared.catalogue)
      : this.#asking.wanted(statement, prepared, prepared.catalogue);
    const asked = this.#asking.ask(
      'sqlstate' in wanted ? wanted : withPortal(wanted, portal),
      prepared.source,
      prepared,
    );
    if (asked instanceof Promise) {
      return this.#asking.whenAsked(asked, (given) => this.#sendExecute(frame, name, portal, given));
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
      return this.#sending.say(encode.describe('portal', name), { kind: 'describe', portal, own: true }).then(
        () => this.#sending.pass(frame, [run.permit], { kind: 'execute', run }),
        (thrown: unknown) => this.#asking.lost(run, thrown),
      );
    }
    this.#sending.pass(frame, [run.permit], { kind: 'execute', run });
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
      return this.#sending.keep(frame, { kind: 'copy-end' });
    }
    this.#sending.keep(frame);
    return recorder.frame('ask', bodyOf(frame));
  }

  /** A text that could not be read: written down as refused by the policy, answered in the parser's own words. */
  async #refuseUnread(reading: Extract<Reading, { kind: 'not-understood' }>, how: How): Promise<void> {
    await this.#sending.flush();
    const verdict = await this.#parts.gate.ask({ action: reading.action });
    const { sqlstate, message, position } = reading;
    const own = denial(
      'NOT_UNDERSTOOD',
      verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId,
      message,
      'Sallyport could not read this, so it was not sent: what is not understood is refused',
    );
    if (verdict.kind === 'permit') this.#parts.gate.done(verdict, { kind: 'unsent' });
    this.#asking.recordRefusal(reading.action.text, own.decisionId, message);
    await this.#refuse(
      { sqlstate, message, denial: own, ...(position === undefined ? {} : { position }) },
      how,
    );
  }
}

function isCopy(type: number): boolean {
  return type === frontend.CopyData || type === frontend.CopyDone || type === frontend.CopyFail;
}
