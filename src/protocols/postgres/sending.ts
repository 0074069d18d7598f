import type { Permit } from '../../core/decision.ts';
import type { Gate, Upstream } from '../../core/protocol.ts';
import type { Flow, Turn } from './flow.ts';
import type { Frame } from './frames.ts';
import { frontend } from './messages.ts';
import type { Names } from './names.ts';
import { Outgoing } from './outgoing.ts';
import type { Run } from './run.ts';

export interface SendingParts {
  readonly flow: Flow;
  readonly names: Names;
  readonly gate: Gate;
  readonly upstream: Upstream;
}

/** Requests on their way to the server: those of one chunk of the client's go together, under their permits. */
export class Sending {
  readonly #parts: SendingParts;
  /** Requests of this chunk that may go and have not gone, and the permits that cover them. */
  readonly #out: Outgoing = new Outgoing();
  #permits: Permit[] = [];
  /** The first request in `#out`, how many requests had failed when it got there, and the permits before the first Sync. */
  #waiting: { readonly turn: Turn; readonly failures: number; beforeSync: number | undefined } | undefined;

  constructor(parts: SendingParts) {
    this.#parts = parts;
  }

  /** Starts with a new chunk; everything before must have been flushed. */
  begin(chunk: Uint8Array): void {
    this.#out.begin(chunk);
  }

  settle(): void {
    this.#out.settle();
  }

  /** The permit of one step covers what is kept next. */
  cover(permit: Permit): void {
    this.#permits.push(permit);
  }

  /** The request's own bytes go on; `permits` cover them. */
  pass(frame: Frame, permits: readonly Permit[], turn: Turn): void {
    if (this.#skipped(turn)) return;
    this.#out.pass(frame.start, frame.end);
    this.#permits.push(...permits);
    this.#enter(turn);
  }

  /** Upkeep that carries no statement. */
  keep(frame: Frame, turn?: Turn): undefined {
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

  async flush(): Promise<void> {
    await this.flushNow();
  }

  /** A promise only where the server's side makes us wait. */
  flushNow(): Promise<void> | undefined {
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

  /** One statement of a longer text, by itself. */
  async sendApart(bytes: Uint8Array, permit: Permit, turn: Turn): Promise<void> {
    await this.flush();
    if (this.#skipped(turn)) return;
    this.#parts.flow.push(turn);
    await this.#send(bytes, [permit]);
  }

  /** Something of the gateway's own goes in at this place of the pipeline. */
  async say(bytes: Uint8Array, turn: Turn): Promise<void> {
    await this.flush();
    if (this.#parts.flow.skipping) return;
    this.#parts.flow.push(turn);
    await this.#parts.upstream.say(bytes);
  }
}

function runsOf(turn: Turn): readonly Run[] {
  if (turn.kind === 'execute') return [turn.run];
  if (turn.kind === 'refused') return turn.probe === undefined ? [] : [turn.probe.run];
  return turn.kind === 'query' ? turn.runs : [];
}

/** What is left of whole messages from the first Sync on. */
function fromSync(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at < bytes.length && bytes[at] !== frontend.Sync) at += 1 + view.getUint32(at + 1);
  return bytes.subarray(at);
}
