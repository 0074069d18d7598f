import type { Envelope } from './envelope.ts';

/** A place where the record is not whole although the tree is: something was never appended. */
export interface Gap {
  readonly index: number; // of the entry where it shows
  readonly session: string;
  readonly what: string;
}

export interface SessionsReport {
  readonly opened: number;
  readonly closed: number;
  /** Open when their gateway stopped without closing them. */
  readonly abandoned: number;
  readonly unclosed: readonly string[]; // the first 100, without the abandoned
  readonly unclosedCount: number;
  /** Allowed decisions whose outcome was never written: in flight at the end, or lost with a crash. */
  readonly withoutOutcome: number;
}

export interface ClockReport {
  readonly steps: number; // how often an entry is older than the one before
  readonly largestMs: number;
  readonly firstAt?: number; // index
}

interface Open {
  next: number; // sequence of its next decision, from 1
  chunks: number;
  waiting: number; // allowed, without outcome
}

const listed = 100;

/** Follows sessions through the entries in order. Holds open sessions only. */
export class Continuity {
  readonly gaps: Gap[] = [];
  gapCount = 0;
  readonly #open: Map<string, Open> = new Map();
  #opened = 0;
  #closed = 0;
  #abandoned = 0;
  #withoutOutcome = 0;
  #last = -Infinity;
  #steps = 0;
  #largest = 0;
  #first: number | undefined;

  note({ index, kind, at, fields }: Envelope): void {
    this.#clock(index, at);
    const session = typeof fields['session'] === 'string' ? fields['session'] : '';
    switch (kind) {
      case 'gateway.started':
        this.#abandon();
        return;
      case 'session.opened':
        this.#opened += 1;
        if (this.#open.has(session)) this.#gap(index, session, 'The session is opened twice');
        this.#open.set(session, { next: 1, chunks: 0, waiting: 0 });
        return;
      case 'decision':
        this.#decision(index, session, fields);
        return;
      case 'outcomes':
        this.#outcomes(session, fields['outcomes']);
        return;
      case 'recording.chunk':
        this.#chunk(index, session, fields['chunk']);
        return;
      case 'session.closed':
        this.#close(index, session, fields);
        return;
      case 'review.used': {
        // From here on it may run, as from an allow: it has an outcome to come.
        const open = this.#open.get(session);
        if (open !== undefined) open.waiting += 1;
        return;
      }
      case 'break-glass':
      case 'incident':
      case 'tool.pin':
      case 'access.granted':
      case 'class.granted':
      case 'class.revoked':
      case 'review.asked':
      case 'review.answered':
      case 'review.escalated':
      case 'review.ended':
      case 'gateway.stopped':
      case 'policy.loaded':
      case 'policy.refused':
      case 'key.rotated':
      case 'sign-in.refused':
      case 'sign-in.accepted':
      case 'sign-in.ended':
      case 'record.read':
      // These say by themselves what is missing, and why.
      case 'recording.gap':
      case 'hold.added':
      case 'hold.removed':
      case 'record.erased':
        return;
      default:
        kind satisfies never;
    }
  }

  sessions(): SessionsReport {
    return {
      opened: this.#opened,
      closed: this.#closed,
      abandoned: this.#abandoned,
      unclosed: [...this.#open.keys()].slice(0, listed),
      unclosedCount: this.#open.size,
      withoutOutcome: [...this.#open.values()].reduce(
        (sum, { waiting }) => sum + waiting,
        this.#withoutOutcome,
      ),
    };
  }

  clock(): ClockReport {
    return {
      steps: this.#steps,
      largestMs: this.#largest,
      ...(this.#first === undefined ? {} : { firstAt: this.#first }),
    };
  }

  #clock(index: number, at: number): void {
    if (at < this.#last) {
      this.#steps += 1;
      this.#largest = Math.max(this.#largest, this.#last - at);
      this.#first ??= index;
    }
    this.#last = at;
  }

  #decision(index: number, session: string, fields: Readonly<Record<string, unknown>>): void {
    const state = this.#state(index, session);
    const id = fields['id'];
    const sequence =
      typeof id === 'string' && id.startsWith(`${session}.`) ? Number(id.slice(session.length + 1)) : NaN;
    if (!Number.isSafeInteger(sequence)) {
      this.#gap(index, session, 'The decision does not carry an id of its session');
      return;
    }
    if (sequence > state.next)
      this.#gap(index, session, `Decisions ${state.next} to ${sequence - 1} are missing`);
    if (sequence < state.next) this.#gap(index, session, `Decision ${sequence} comes again or too late`);
    state.next = Math.max(state.next, sequence + 1);
    if (fields['decision'] === 'allow') state.waiting += 1;
  }

  #outcomes(session: string, outcomes: unknown): void {
    const state = this.#open.get(session);
    if (Array.isArray(outcomes)) {
      if (state === undefined) this.#withoutOutcome = Math.max(0, this.#withoutOutcome - outcomes.length);
      else state.waiting = Math.max(0, state.waiting - outcomes.length);
    }
  }

  #chunk(index: number, session: string, chunk: unknown): void {
    const state = this.#open.get(session);
    if (state === undefined) return; // a recorder may write its last chunk after the close
    if (chunk !== state.chunks)
      this.#gap(index, session, `Recording chunk ${state.chunks} is missing or out of turn`);
    state.chunks = typeof chunk === 'number' ? Math.max(state.chunks, chunk + 1) : state.chunks;
  }

  #close(index: number, session: string, fields: Readonly<Record<string, unknown>>): void {
    const state = this.#state(index, session);
    const [decisions, chunks] = [fields['decisions'], fields['chunks']];
    if (decisions !== state.next - 1)
      this.#gap(
        index,
        session,
        `It closed after ${String(decisions)} decisions, the ledger has ${state.next - 1}`,
      );
    if (typeof chunks === 'number' && chunks > state.chunks)
      this.#gap(index, session, `It closed after ${chunks} recording chunks, the ledger has ${state.chunks}`);
    this.#closed += 1;
    this.#withoutOutcome += state.waiting;
    this.#open.delete(session);
  }

  #state(index: number, session: string): Open {
    const known = this.#open.get(session);
    if (known !== undefined) return known;
    this.#gap(index, session, 'The session was never opened, or is closed already');
    const state = { next: 1, chunks: 0, waiting: 0 };
    this.#open.set(session, state);
    return state;
  }

  #abandon(): void {
    this.#abandoned += this.#open.size;
    for (const { waiting } of this.#open.values()) this.#withoutOutcome += waiting;
    this.#open.clear();
  }

  #gap(index: number, session: string, what: string): void {
    this.gapCount += 1;
    if (this.gaps.length < listed) this.gaps.push({ index, session, what });
  }
}
