import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { err, ok, type Result } from '../base/result.ts';
import type { World } from '../base/time.ts';
import type { Opinion } from '../core/ports.ts';
import type { Evaluation, OpaEngines, WasmWanted } from '../policy/opa/engine.ts';
import { fleeting } from './builtins.ts';

export interface WorkerStart {
  readonly wasm: Uint8Array;
  readonly data: string;
  readonly flag: Int32Array<SharedArrayBuffer>;
}

export interface ToWorker {
  readonly id: number;
  readonly entrypoint: string;
  readonly input: string;
}

export type FromWorker =
  | {
      readonly kind: 'ready';
      readonly builtins: readonly string[];
      readonly missing: readonly string[];
      readonly entrypoints: readonly string[];
    }
  | { readonly kind: 'unusable'; readonly why: string }
  | { readonly kind: 'result'; readonly id: number; readonly json: string | undefined }
  | { readonly kind: 'error'; readonly id: number };

const mostWorkers = 4;
const startMs = 10_000;
const mostWaiting = 1_000;

/** Evaluates policies that were compiled to WebAssembly, each in a thread of its own that is ended when it takes too long. */
export function wasmEngine(world: World): OpaEngines['wasm'] {
  // By the bundle's digest: a policy that is loaded anew with the same bundle finds its thread still warm.
  const known = new Map<string, Thread>();
  const threadFor = (wanted: WasmWanted): Thread => {
    const thread = known.get(wanted.digest) ?? new Thread(world, wanted);
    known.delete(wanted.digest);
    known.set(wanted.digest, thread);
    const [eldest] = known;
    if (known.size > mostWorkers && eldest !== undefined) {
      known.delete(eldest[0]);
      eldest[1].rest();
    }
    return thread;
  };
  return (wanted) => {
    const thread = threadFor(wanted);
    const about = thread.about();
    if (!about.ok) {
      known.delete(wanted.digest);
      thread.rest();
      return about;
    }
    const { builtins, missing, entrypoints } = about.value;
    if (missing.length > 0)
      return err(`it calls builtins that are not supported here: ${missing.toSorted().join(', ')}`);
    const { entrypoint, deadlineMs } = wanted;
    if (!entrypoints.includes(entrypoint))
      return err(`it has no entrypoint ${entrypoint}; it has ${entrypoints.toSorted().join(', ')}`);
    const isFleeting = builtins.some((name) => fleeting.includes(name));
    const evaluation: Evaluation = {
      ask: (input) => thread.ask({ entrypoint, input }, deadlineMs),
      consult: (input) => thread.consult({ entrypoint, input }, deadlineMs),
      fleeting: isFleeting,
      ...(isFleeting
        ? {
            notReplayable:
              'reads the clock of now: a plan of it (`opa build -t plan`) is told the time of the record',
          }
        : {}),
    };
    return ok(evaluation);
  };
}

type Ready = Extract<FromWorker, { kind: 'ready' }>;

interface Waiting {
  readonly request: Omit<ToWorker, 'id'>;
  readonly deadlineMs: number;
  readonly answer: (opinion: Opinion) => void;
  readonly patience: Disposable;
}

interface Running {
  readonly id: number;
  readonly answer: (opinion: Opinion) => void;
  readonly deadline: Disposable;
}

interface Live {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly flag: Int32Array;
}

/** One thread and who waits for it. It has one question at a time, so that a slow one takes nobody's answer with it. */
class Thread {
  readonly #world: World;
  readonly #wanted: Pick<WasmWanted, 'wasm' | 'data'>;
  #live: Live | undefined;
  #ready: Ready | undefined;
  #unusable: string | undefined;
  #running: Running | undefined;
  #waiting: Waiting[] = [];
  #lastId = 0;

  constructor(world: World, wanted: Pick<WasmWanted, 'wasm' | 'data'>) {
    this.#world = world;
    this.#wanted = wanted;
  }

  /** What the module says of itself. Blocks until it has been compiled, once. */
  about(): Result<Ready, string> {
    const live = this.#started();
    this.#block(live, startMs, () => this.#ready !== undefined || this.#unusable !== undefined);
    if (this.#ready !== undefined) return ok(this.#ready);
    return err(`its policy.wasm cannot be loaded (${this.#unusable ?? 'it takes too long'})`);
  }

  /** Blocks. */
  ask(request: Omit<ToWorker, 'id'>, deadlineMs: number): Opinion {
    const live = this.#started();
    this.#block(live, startMs, () => this.#ready !== undefined || this.#unusable !== undefined);
    if (this.#ready === undefined) return failed('The policy cannot be loaded');
    // What runs already has its own deadline; it is not this one's.
    const busyMs = this.#running === undefined ? 0 : deadlineMs;
    let opinion: Opinion | undefined;
    const before = this.#running;
    const id = this.#send(live, request);
    this.#sync = { id, answer: (given) => (opinion = given) };
    this.#block(live, deadlineMs + busyMs, () => opinion !== undefined);
    this.#sync = undefined;
    if (opinion !== undefined) return opinion;
    before?.deadline[Symbol.dispose]();
    this.rest('The policy was ended: another question took too long');
    return failed(`The policy took longer than ${deadlineMs} ms`);
  }

  #sync: { readonly id: number; readonly answer: (opinion: Opinion) => void } | undefined;

  consult(request: Omit<ToWorker, 'id'>, deadlineMs: number): Promise<Opinion> {
    if (this.#waiting.length >= mostWaiting) return Promise.resolve(failed('Too many wait for this policy'));
    return new Promise((answer) => {
      // Until a thread has started nobody can be quick.
      const patienceMs = deadlineMs + (this.#ready === undefined ? startMs : 0);
      const waiting: Waiting = {
        request,
        deadlineMs,
        answer,
        patience: this.#world.after(patienceMs, () => {
          if (this.#live !== undefined) this.#block(this.#live, 0, () => true); // as below
          if (!this.#waiting.includes(waiting)) return;
          this.#waiting = this.#waiting.filter((each) => each !== waiting);
          answer(failed(`No answer within ${patienceMs} ms: too many wait for this policy`));
        }),
      };
      this.#waiting.push(waiting);
      this.#next();
    });
  }

  /** Ends the thread; the next question starts another one. */
  rest(why = 'The policy was replaced'): void {
    const live = this.#live;
    this.#live = undefined;
    this.#ready = undefined;
    const running = this.#running;
    this.#running = undefined;
    running?.deadline[Symbol.dispose]();
    running?.answer(failed(why));
    live?.port.close();
    void live?.worker.terminate();
  }

  #started(): Live {
    if (this.#live !== undefined) return this.#live;
    const { port1: port, port2: theirs } = new MessageChannel();
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const start: WorkerStart & { readonly port: MessagePort } = { ...this.#wanted, flag, port: theirs };
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: start,
      transferList: [theirs],
      stdout: true,
      stderr: true,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
    });
    const live: Live = { worker, port, flag };
    this.#live = live;
    this.#unusable = undefined;
    const ended = (): void => {
      if (this.#live !== live) return;
      this.#unusable ??= 'it ended by itself';
      this.rest('The policy ended without an answer');
      this.#next();
    };
    worker.on('error', ended);
    worker.on('exit', ended);
    port.on('message', (message: FromWorker) => {
      if (this.#live === live) this.#heard(message);
    });
    worker.unref();
    port.unref();
    return live;
  }

  #block(live: Live, ms: number, done: () => boolean): void {
    const until = performance.now() + ms;
    for (;;) {
      const seen = Atomics.load(live.flag, 0);
      for (
        let got = receiveMessageOnPort(live.port);
        got !== undefined;
        got = receiveMessageOnPort(live.port)
      )
        this.#heard(got.message as FromWorker); // our own worker's
      const left = until - performance.now();
      if (done() || left <= 0) return;
      Atomics.wait(live.flag, 0, seen, left);
    }
  }

  #heard(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.#ready = message;
        break;
      case 'unusable':
        this.#unusable = message.why;
        break;
      case 'result':
      case 'error': {
        const opinion =
          message.kind === 'error'
            ? failed('The policy failed')
            : message.json === undefined
              ? failed('It has no result: the rule is undefined for this input')
              : ({ kind: 'said', json: message.json } as const);
        if (this.#sync?.id === message.id) this.#sync.answer(opinion);
        else if (this.#running?.id === message.id) {
          const { answer, deadline } = this.#running;
          deadline[Symbol.dispose]();
          this.#running = undefined;
          answer(opinion);
        }
        break;
      }
      default:
        message satisfies never;
    }
    this.#next();
  }

  #send({ port }: Live, request: Omit<ToWorker, 'id'>): number {
    this.#lastId += 1;
    port.postMessage({ id: this.#lastId, ...request } satisfies ToWorker);
    return this.#lastId;
  }

  #next(): void {
    if (this.#waiting.length === 0 || this.#running !== undefined) return;
    const live = this.#started();
    if (this.#unusable !== undefined) {
      for (const { answer, patience } of this.#waiting.splice(0)) {
        patience[Symbol.dispose]();
        answer(failed('The policy cannot be loaded'));
      }
      return;
    }
    const next = this.#ready === undefined ? undefined : this.#waiting.shift();
    if (next === undefined) return;
    next.patience[Symbol.dispose]();
    const id = this.#send(live, next.request);
    const deadline = this.#world.after(next.deadlineMs, () => {
      // Its answer may be here already when we are the ones who were late.
      this.#block(live, 0, () => true);
      if (this.#running?.id !== id) return;
      this.rest(`The policy took longer than ${next.deadlineMs} ms`);
      this.#next();
    });
    this.#running = { id, answer: next.answer, deadline };
  }
}

function failed(why: string): Opinion {
  return { kind: 'failed', why };
}
