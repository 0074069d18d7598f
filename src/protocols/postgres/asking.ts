import { Fault } from '../../base/errors.ts';
import type { Action } from '../../core/action.ts';
import type { Verdict } from '../../core/decision.ts';
import type { Limits } from '../../core/limits.ts';
import type { Recorder } from '../../core/ports.ts';
import type { Gate, Stated, Waiting } from '../../core/protocol.ts';
import type { MaskKey } from '../../mask/index.ts';
import type { Statement } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import type { Flow } from './flow.ts';
import type { Held } from './hold.ts';
import type { Meaning } from './meaning.ts';
import type { Names, Prepared } from './names.ts';
import { refusedBy, type RefusedWith } from './refusal.ts';
import type { Renewing } from './renewing.ts';
import type { Run } from './run.ts';
import { runOf } from './run-of.ts';
import { type Sent, type Wanted, wantedOf } from './wanted.ts';
import type { Watches } from './watch.ts';

export interface AskingParts {
  readonly flow: Flow;
  readonly names: Names;
  readonly meaning: Meaning;
  readonly gate: Gate;
  readonly recorder: Recorder;
  readonly limits: Limits;
  readonly maskKey: MaskKey;
  readonly watches: Watches;
  /** What the client says of its requests, where that is known; `settle` finds out where it may have changed. */
  readonly saying: { readonly stated: Stated | undefined; readonly settle: () => Promise<void> | undefined };
  /** A statement waits for people: tells and watches the client meanwhile. */
  readonly hold: (held: Held) => Promise<Waiting>;
}

/** What the gate's answer comes to. */
export type Asked =
  | { readonly kind: 'run'; readonly run: Run }
  | { readonly kind: 'refused'; readonly why: RefusedWith };

interface Around {
  readonly renewing: Renewing;
  /** Sends what stands before the request. */
  readonly flush: () => Promise<void>;
  /** The client is read on while the request waits: its bytes are kept. */
  readonly keepBytes: () => void;
}

/** Asks the gate about statements, and turns its answers into runs. */
export class Asking {
  readonly #parts: AskingParts;
  readonly #around: Around;

  constructor(parts: AskingParts, around: Around) {
    this.#parts = parts;
    this.#around = around;
  }

  wanted(statement: Statement, sent: Sent, catalogue: Catalogue): Wanted | RefusedWith {
    const { names, meaning } = this.#parts;
    return wantedOf(statement, sent, { names, catalogue, epoch: meaning.epoch() });
  }

  /** `from`: which statement of the text it is, or the prepared one. `whole`: what it was cut out of. */
  // oxlint-disable-next-line max-params
  ask(
    wanted: Wanted | RefusedWith,
    text: string,
    from: number | Prepared,
    whole: string = text,
  ): Asked | Promise<Asked> {
    if ('sqlstate' in wanted) return { kind: 'refused', why: wanted };
    const { stated } = this.#parts.saying;
    const verdict = this.#parts.gate.ask({
      action: wanted.action,
      text: wanted.text,
      ...(wanted.values === undefined ? {} : { values: wanted.values }),
      ...(stated === undefined ? {} : { stated }),
      wait: () => this.#wait(wanted, text, from, whole),
    });
    if (verdict instanceof Promise) return verdict.then((given) => this.#asked(wanted, text, given));
    return this.#asked(wanted, text, verdict);
  }

  /** Before a statement waits for people, all that was asked for before it is answered as far as it can be. */
  // oxlint-disable-next-line max-params
  async #wait(wanted: Wanted, source: string, from: number | Prepared, whole: string): Promise<Waiting> {
    await this.#around.flush();
    this.#around.keepBytes();
    const { flow, hold } = this.#parts;
    if (!flow.heldBack) await flow.drained();
    if (flow.skipping) throw new Fault('stopping', 'A request before this one has failed');
    const { action, text, values, portal } = wanted;
    const given =
      portal?.given ?? (values === undefined ? undefined : ['(bound before a review was to be expected)']);
    return hold({
      action,
      text,
      ...(typeof from === 'number' && whole !== text ? { within: whole } : {}),
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
    } else now = await this.#around.renewing.freshen('', from);
    if (now?.statement === undefined) return undefined;
    const wanted = this.wanted(now.statement, { source, text: now.statement.action.text }, now.catalogue);
    if ('sqlstate' in wanted) return undefined;
    for (const change of wanted.changes) names.drop(change);
    return wanted.action;
  }

  #asked(wanted: Wanted, text: string, verdict: Verdict): Asked | Promise<Asked> {
    if (verdict.kind === 'refusal') {
      for (const change of wanted.changes) this.#parts.names.drop(change);
      this.recordRefusal(wanted.text, verdict.denial.decisionId, verdict.denial.why);
      return { kind: 'refused', why: refusedBy(verdict.denial) };
    }
    const { maskKey, watches, limits, meaning } = this.#parts;
    const { pathTouched } = meaning;
    const run = runOf(wanted, verdict, { maskKey, watches, rowBytes: limits.messageBytes, pathTouched });
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
            (thrown: unknown) => this.lost(run, thrown),
          );
    } catch (thrown) {
      return this.lost(run, thrown);
    }
  }

  /** Sends what stands before it while the gate decides. */
  async whenAsked(asked: Promise<Asked>, go: (given: Asked) => Promise<void> | undefined): Promise<void> {
    try {
      await this.#around.flush();
    } catch (thrown) {
      const given = await asked;
      if (given.kind === 'run') this.lost(given.run, thrown);
      throw thrown;
    }
    await go(await asked);
  }

  /** The session ends before this run could be sent: its permit has an end all the same. */
  lost(run: Run, thrown: unknown): never {
    for (const change of run.changes) this.#parts.names.drop(change);
    this.#parts.gate.done(run.permit, { kind: 'unsent' });
    throw thrown;
  }

  recordRefusal(text: string, id: string, why: string): void {
    void this.#record('statement', { id, text });
    void this.#record('decision', { id, decision: 'deny', why });
  }

  #record(
    kind: 'statement' | 'decision',
    facts: Readonly<Record<string, string>>,
  ): Promise<void> | undefined {
    return this.#parts.recorder.frame(kind, Buffer.from(JSON.stringify(facts)));
  }
}
