import { Worker as Thread } from 'node:worker_threads';
import { Fault } from '../base/errors.ts';
import { never } from '../base/result.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Worker } from '../core/protocol.ts';

export interface WorkerOptions {
  readonly metrics: Metrics;
  /** How many calls run at the same time; 1 when absent. */
  readonly threads?: number;
  /** How many calls may wait for a thread; 1,000 when absent. The next is rejected at once. */
  readonly waiting?: number;
  /** The heap of a thread; 512 when absent. Beyond it the thread crashes, not the process. */
  readonly heapMegabytes?: number;
}

export interface Request {
  readonly name: string;
  readonly argument: unknown;
}

export type Reply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: string };

const startMs = 20_000;

interface Call extends Request {
  readonly withinMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (fault: Fault) => void;
  timer: NodeJS.Timeout | undefined;
}

/** One thread, from its start to its end. */
interface Seat {
  readonly thread: Thread;
  state: 'starting' | 'idle' | 'busy' | 'over';
  call: Call | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Runs the functions that `module` exports in threads of its own, started with the first call. A thread runs one call
 * at a time; one that misses its deadline or crashes takes its thread with it and nothing else: what waits goes to a
 * new thread. A call may wait `withinMs` for a thread and then run `withinMs`.
 */
export function worker(module: URL, options: WorkerOptions): Worker {
  const { metrics, threads = 1, waiting = 1_000, heapMegabytes = 512 } = options;
  const seats = new Set<Seat>();
  const queue: Call[] = [];
  let closed = false;

  const take = (): void => {
    while (queue.length > 0) {
      const seat = [...seats].find(({ state }) => state === 'idle');
      if (seat === undefined) break;
      const call = queue.shift();
      if (call !== undefined) run(seat, call);
    }
    const starting = [...seats].filter(({ state }) => state === 'starting').length;
    if (queue.length > starting && seats.size < threads) start();
  };

  const start = (): void => {
    const thread = new Thread(threadFile, {
      workerData: besideUs(module).href,
      env: {}, // it has no business with our secrets
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    });
    const seat: Seat = { thread, state: 'starting', call: undefined, timer: undefined };
    seats.add(seat);
    seat.timer = setTimeout(() => lose(seat, 'did not start in time'), startMs);
    thread.on('message', (reply: Reply) => answered(seat, reply));
    thread.on('error', () => lose(seat, 'crashed'));
    thread.on('exit', () => lose(seat, 'ended'));
  };

  const run = (seat: Seat, call: Call): void => {
    clearTimeout(call.timer);
    seat.state = 'busy';
    seat.call = call;
    // An answer may be here already when we are the ones who were late: it is looked for first.
    const missed = (): void => {
      if (seat.call === call) lose(seat, `did not answer within ${call.withinMs} ms`);
    };
    seat.timer = setTimeout(() => setImmediate(missed), call.withinMs);
    seat.thread.ref();
    try {
      seat.thread.postMessage({ name: call.name, argument: call.argument } satisfies Request);
    } catch (error) {
      const cause = error instanceof Error ? error.name : undefined;
      finish(seat);
      call.reject(new Fault('parser', `Cannot hand "${call.name}" to its worker`, { cause }));
    }
  };

  const answered = (seat: Seat, reply: Reply): void => {
    if (seat.state === 'over') return;
    const { call } = seat;
    finish(seat);
    switch (reply.kind) {
      case 'ready':
        break;
      case 'value':
        call?.resolve(reply.value);
        break;
      case 'failed':
        call?.reject(new Fault('parser', `"${call.name}" failed in its worker`, { cause: reply.error }));
        break;
      default:
        never(reply);
    }
    take();
  };

  const finish = (seat: Seat): void => {
    clearTimeout(seat.timer);
    seat.call = undefined;
    seat.state = 'idle';
    seat.thread.unref();
  };

  const lose = (seat: Seat, how: string): void => {
    if (seat.state === 'over') return;
    const { state, call } = seat;
    clearTimeout(seat.timer);
    seat.state = 'over';
    seats.delete(seat);
    void seat.thread.terminate();
    if (closed) return;
    metrics.count('parser_restarts_total');
    const fault = (): Fault => new Fault('parser', `The worker ${how}`);
    call?.reject(fault());
    // A thread that cannot start would be started for ever: who waits for it is told instead.
    if (state === 'starting') for (const each of queue.splice(0)) refuse(each, fault());
    take();
  };

  return {
    call: (name, argument, withinMs) =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(new Fault('stopping', 'The worker has been stopped'));
          return;
        }
        if (queue.length >= waiting) {
          reject(new Fault('parser', `More than ${waiting} calls wait for the worker`));
          return;
        }
        const call: Call = { name, argument, withinMs, resolve, reject, timer: undefined };
        queue.push(call);
        take();
        if (!queue.includes(call)) return;
        // A start has its own, longer deadline; from then on the call waits no longer than it may run.
        const startsUp = [...seats].some(({ state }) => state === 'starting');
        const busy = (): void => {
          const at = queue.indexOf(call);
          if (at < 0) return;
          queue.splice(at, 1);
          reject(new Fault('parser', `The worker was busy for ${withinMs} ms`));
        };
        call.timer = setTimeout(() => setImmediate(busy), startsUp ? withinMs + startMs : withinMs);
      }),
    [Symbol.asyncDispose]: async () => {
      closed = true;
      for (const call of queue.splice(0)) refuse(call, new Fault('stopping', 'The worker has been stopped'));
      const threadsLeft = [...seats].map((seat) => {
        clearTimeout(seat.timer);
        // An answer that comes while its thread ends would take away what keeps the process until it has ended.
        seat.state = 'over';
        seat.call?.reject(new Fault('stopping', 'The worker has been stopped'));
        return seat.thread.terminate();
      });
      seats.clear();
      await Promise.all(threadsLeft);
    },
  };
}

function refuse(call: Call, fault: Fault): void {
  clearTimeout(call.timer);
  call.reject(fault);
}

// Run from source the files are .ts, published they are .js, and a URL is not rewritten by the compiler as an import is.
const compiled = import.meta.filename.endsWith('.js');
const threadFile = besideUs(new URL('./worker-thread.ts', import.meta.url));

function besideUs(module: URL): URL {
  return compiled && module.pathname.endsWith('.ts') ? new URL(module.href.replace(/\.ts$/, '.js')) : module;
}
