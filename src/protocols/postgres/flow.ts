import { WireError } from '../../base/errors.ts';
import type { NameChange, Names, Portal, Prepared } from './names.ts';
import type { RefusedWith } from './refusal.ts';
import type { About, Run } from './run.ts';

/**
 * One request that the server has been sent and has not answered whole. Answers come strictly in the order of requests
 * (PostgreSQL 18 docs, 54.2), so the oldest turn is the one that is being answered.
 */
export type Turn =
  /** Simple Query: its statements in order, then ReadyForQuery. `part`: one statement of a text that is sent apart. */
  | { readonly kind: 'query'; readonly runs: readonly Run[]; at: number; readonly part?: Part }
  | { readonly kind: 'parse' | 'bind'; readonly change: NameChange; readonly about?: About }
  /** `own`: the gateway asked, the client must not see the answer. */
  | {
      readonly kind: 'describe';
      readonly prepared?: Prepared;
      readonly portal?: Portal;
      readonly own: boolean;
    }
  | { readonly kind: 'execute'; readonly run: Run }
  /** Execute of an empty text: EmptyQueryResponse. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'close'; readonly change: NameChange }
  | { readonly kind: 'sync' }
  /** A statement that fails by design was sent in place of a refused one: the server's error is replaced by the denial. */
  | {
      readonly kind: 'refused';
      readonly why: RefusedWith;
      readonly simple: boolean;
      readonly part?: Part;
      readonly probe?: Probe;
    }
  /** The gateway begins or ends the transaction that the statements of one text are in. `last`: the client's text is over with it. */
  | { readonly kind: 'block'; readonly ends: boolean; readonly last: boolean; failed: boolean }
  /** The client ended its COPY data. Not a request of its own: marks where Syncs count again. */
  | { readonly kind: 'copy-end' }
  /** A query of the gateway itself, sent while nothing else was under way. */
  | {
      readonly kind: 'own';
      readonly rows: (string | null)[][];
      failed: boolean;
      readonly done: PromiseWithResolvers<void>;
    };

/** The statement itself is prepared before the one that fails by design, so that the server says what is missing in it. */
export interface Probe {
  readonly run: Run;
  /** It could be prepared: what was missing has come meanwhile, and the next error is the one by design. */
  prepared: boolean;
}

/** How the answer to one statement of a text stands in the answer to the whole text (apart.ts). */
export interface Part {
  /** Others follow it. */
  readonly more: boolean;
  /** It runs in a transaction block that the gateway has begun, and ends before the client hears that the text is over. */
  readonly ours: boolean;
  /** It is the client's own BEGIN, and makes that block the client's. */
  readonly begins: boolean;
  /** Where it begins in the text, in characters: places that errors name are places of the whole text. */
  readonly from: () => number;
  /** The client was told of an error: nothing behind it is sent. */
  failed: boolean;
}

/** Whether the text is over with this answer, so that ReadyForQuery is the client's. */
export function isOver(part: Part): boolean {
  return part.failed ? !part.ours : !part.more && (!part.ours || part.begins);
}

/** Whether the server, which would have committed by now, commits behind this: the client hears of its end only then. */
export function isCommitted(part: Part): boolean {
  return part.ours && !part.more && !part.begins && !part.failed;
}

/** The end of a text's last statement, kept until its transaction is committed. */
export interface HeldEnd {
  readonly run: Run;
  readonly bytes: Uint8Array;
}

/**
 * Whose answer is it? Holds the turns and what an error, a Sync and a COPY do to them. Pure: no bytes, no waiting.
 */
export class Flow {
  readonly #names: Names;
  #turns: Turn[] = [];
  #first = 0;
  #drained: (() => void)[] = [];
  #moved: (() => void)[] = [];
  /** As the last ReadyForQuery said: idle, in a transaction block, in a failed one. */
  status: 'I' | 'T' | 'E' = 'I';
  /** After an error in an extended request the server throws away everything up to the next Sync; so must we. */
  skipping = false;
  /** A limit cut an answer: the client was told of an error, and nothing more reaches it until ReadyForQuery. */
  muted = false;
  /** The server takes COPY data (CopyInResponse was seen). */
  copying = false;
  /** The connection has ended: what is still being decided goes nowhere. */
  over = false;
  /** The last statement of a text has ended, and its transaction has not. */
  held: HeldEnd | undefined;
  /** How many extended requests have failed so far, and taken those behind them with them. */
  failures = 0;
  /** Extended requests were sent that no Sync has ended yet: the server may hold their answers back. */
  #unsynced = false;

  constructor(names: Names) {
    this.#names = names;
  }

  get length(): number {
    return this.#turns.length - this.#first;
  }

  get head(): Turn | undefined {
    return this.#turns[this.#first];
  }

  /** Between requests: nothing is under way, and the last thing the server said is ReadyForQuery. */
  get quiet(): boolean {
    return this.length === 0 && !this.skipping && !this.#unsynced;
  }

  /** The server keeps answers to itself until it is sent Sync or Flush (PostgreSQL 18 docs, 54.2.3). */
  get heldBack(): boolean {
    return this.length > 0 && this.#unsynced;
  }

  push(turn: Turn): void {
    if (turn.kind === 'sync') {
      // In COPY mode the server ignores a Sync that comes before the end of the data (54.2.6).
      if (this.copyOpen) return;
      this.skipping = false;
    }
    if (turn.kind !== 'copy-end') this.#unsynced = !endsSeries(turn);
    this.#turns.push(turn);
    if (endsSeries(turn) && turn.kind !== 'own') this.#names.fence();
  }

  /** The request at the head is answered. */
  complete(): void {
    this.#turns[this.#first] = vacant;
    this.#first += 1;
    // A marker at the head belongs to a COPY that is over.
    while (this.head?.kind === 'copy-end') this.#first += 1;
    this.#move();
    if (this.#first === this.#turns.length) {
      this.#turns = [];
      this.#first = 0;
      this.#wake();
    } else if (this.#first > 1_024) {
      this.#turns = this.#turns.slice(this.#first);
      this.#first = 0;
    }
  }

  /** The answer was cut: the client waits for ReadyForQuery as after any error, and must see nothing else before it. */
  mute(): void {
    this.muted = true;
    if (this.head?.kind === 'execute' && !this.#hasKind('sync')) this.skipping = true;
  }

  /** Resolves once nothing is under way. */
  drained(): Promise<void> {
    if (this.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Resolves when an answer has moved on: a request ended, or a COPY began. */
  moved(): Promise<void> {
    if (this.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#moved.push(resolve));
  }

  /**
   * An extended request failed: the server skips to the next Sync. Gives the runs that will never happen; what the
   * skipped requests would have named is forgotten.
   */
  fail(): readonly Run[] {
    const unsent: Run[] = [];
    this.failures += 1;
    while (this.head !== undefined && this.head.kind !== 'sync' && this.head.kind !== 'own') {
      const turn = this.head;
      if (turn.kind === 'parse' || turn.kind === 'bind' || turn.kind === 'close')
        this.#names.drop(turn.change);
      if (turn.kind === 'execute') unsent.push(turn.run);
      if (turn.kind === 'query') unsent.push(...turn.runs);
      if (turn.kind === 'refused' && turn.probe !== undefined) unsent.push(turn.probe.run);
      this.#first += 1;
    }
    this.copying = false;
    this.#move();
    if (this.head === undefined) {
      this.skipping = true;
      this.#turns = [];
      this.#first = 0;
      this.#wake();
    }
    return unsent;
  }

  /** The server asks for COPY data: Syncs sent before the end of the data were ignored by it. */
  copyStarted(): void {
    this.copying = true;
    const rest = this.#turns.slice(this.#first + 1);
    const end = rest.findIndex((turn) => turn.kind === 'copy-end');
    const within = end < 0 ? rest : rest.slice(0, end);
    const behind = end < 0 ? [] : rest.slice(end);
    const head = this.head;
    if (head === undefined) throw new WireError('unexpected-message', 'CopyInResponse to nothing');
    this.#turns = [head, ...within.filter((turn) => turn.kind !== 'sync'), ...behind];
    this.#first = 0;
    const last = this.#turns.findLast((turn) => turn.kind !== 'copy-end');
    this.#unsynced = last !== undefined && !endsSeries(last);
    this.#move();
  }

  /** The COPY is over (CommandComplete or an error came): its end marker, if the client has sent it, is used up. */
  copyFinished(): void {
    this.copying = false;
    const at = this.#turns.findIndex((turn, index) => index > this.#first && turn.kind === 'copy-end');
    if (at >= 0) this.#turns.splice(at, 1);
  }

  /** Whether the client has asked which columns this portal answers with, and the answer is on its way. */
  describes(portal: Portal): boolean {
    for (let at = this.#turns.length - 1; at >= this.#first; at--) {
      const turn = this.#turns[at];
      if (turn?.kind === 'describe' && turn.portal === portal) return true;
      if (turn?.kind === 'sync' || turn?.kind === 'query') return false;
    }
    return false;
  }

  /** The server reads COPY data now, and the client has not ended it. */
  get copyOpen(): boolean {
    return this.copying && !this.#hasKind('copy-end');
  }

  /** Whether COPY data from the client has somewhere to go: a permitted COPY FROM STDIN whose data has not ended. */
  get takesCopyData(): boolean {
    let open = 0;
    for (let at = this.#first; at < this.#turns.length; at++) {
      const turn = this.#turns[at];
      if (turn?.kind === 'execute' && turn.run.copyIn) open += 1;
      if (turn?.kind === 'query') open += turn.runs.slice(turn.at).filter((run) => run.copyIn).length;
      if (turn?.kind === 'copy-end') open -= 1;
    }
    return open > 0;
  }

  /** Whether this request still waits for its answer. */
  has(turn: Turn): boolean {
    return this.#turns.includes(turn, this.#first);
  }

  /** Every turn that is left when the connection ends. */
  abandon(): readonly Run[] {
    const runs: Run[] = this.held === undefined ? [] : [this.held.run];
    this.held = undefined;
    for (const turn of this.#turns.slice(this.#first)) {
      if (turn.kind === 'execute') runs.push(turn.run);
      if (turn.kind === 'query') runs.push(...turn.runs.slice(turn.at));
      if (turn.kind === 'refused' && turn.probe !== undefined) runs.push(turn.probe.run);
      if (turn.kind === 'own') turn.done.reject(new WireError('closed', 'Connection closed'));
    }
    this.#turns = [];
    this.#first = 0;
    this.over = true;
    this.#wake();
    return runs;
  }

  /** Whether a statement that is under way has been limited or can still change what names mean. */
  some(test: (run: Run) => boolean): boolean {
    for (let at = this.#first; at < this.#turns.length; at++) {
      const turn = this.#turns[at];
      if (turn?.kind === 'execute' && test(turn.run)) return true;
      if (turn?.kind === 'query' && turn.runs.some(test)) return true;
    }
    return false;
  }

  #hasKind(kind: Turn['kind']): boolean {
    return this.#turns.some((turn, index) => index >= this.#first && turn.kind === kind);
  }

  #move(): void {
    const waiting = this.#moved;
    this.#moved = [];
    for (const resolve of waiting) resolve();
  }

  #wake(): void {
    this.#move();
    const waiting = this.#drained;
    this.#drained = [];
    for (const resolve of waiting) resolve();
  }
}

/** Whether the server answers with ReadyForQuery behind this. */
function endsSeries(turn: Turn): boolean {
  return (
    turn.kind === 'sync' ||
    turn.kind === 'query' ||
    turn.kind === 'own' ||
    turn.kind === 'block' ||
    (turn.kind === 'refused' && turn.simple)
  );
}

const vacant: Turn = { kind: 'copy-end' };
