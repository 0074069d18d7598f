import { isObject } from '../../../base/check.ts';
import { Fault, messageOf as whyOf } from '../../../base/errors.ts';
import { instant } from '../../../base/time.ts';
import type { House } from '../../../core/protocol.ts';
import { codes } from '../message.ts';
import { type Vault, vault } from '../oauth/sealed.ts';
import { type HeldTask, idPrefix } from './task.ts';

/** A call that is under way here. */
export interface Driven {
  /** Ends it, and withdraws what people were asked. */
  readonly cancel: (why: string) => void;
  /** Resolves when it is over, or nobody here waits for it any more. */
  readonly over: Promise<void>;
}

const mostTasks = 2_000;
/** Of one identity: all, and those that are not over. */
const mostOwn = 200;
const mostOpen = 100;
/** Of all answers together; the oldest go first. */
const mostAnswerChars = 33_554_432;
const shortestMs = 3_600_000;
const longestMs = 7 * 86_400_000;
const mostKeptChars = 65_536;

/**
 * The calls that the gateway goes on with by itself, by the ids that it gave them. Those that people are asked about are known
 * again after a restart: they lie on disk, sealed.
 */
export class HeldTasks {
  readonly #house: House;
  readonly #resource: string;
  readonly #name: string;
  readonly #vault: Vault | undefined;
  readonly #tasks: Map<string, HeldTask> = new Map();
  readonly #driven: Map<string, Driven> = new Map();
  readonly #listeners: Set<(task: HeldTask) => void> = new Set();

  constructor(resource: string, house: House) {
    this.#house = house;
    this.#resource = resource;
    const { kept, maskKey, world } = house;
    this.#name = `.tasks.${resource}`; // no resource has a name that begins like this
    this.#vault = kept === undefined ? undefined : vault(kept, maskKey, world, this.#name);
    this.#load();
  }

  /** A new one. Throws a Fault where it cannot be kept: then there is none. */
  add(
    made: Pick<
      HeldTask,
      'whose' | 'call' | 'modern' | 'fields' | 'session' | 'run' | 'step' | 'review' | 'said'
    >,
    ttl: unknown,
  ): HeldTask {
    this.#prune();
    const { world } = this.#house;
    const own = [...this.#tasks.values()].filter(({ whose }) => whose === made.whose);
    if (own.filter(({ step }) => step !== 'over').length >= mostOpen)
      throw new Fault('config', `${mostOpen} tasks of this identity are under way`);
    if (own.length >= mostOwn) this.#drop(own);
    if (this.#tasks.size >= mostTasks) this.#drop([...this.#tasks.values()]);
    const at = world.now();
    const wished = typeof ttl === 'number' && Number.isFinite(ttl) ? Math.ceil(ttl) : 24 * shortestMs;
    const task: HeldTask = {
      ...made,
      id: `${idPrefix}${Buffer.from(world.random(20)).toString('hex')}`,
      createdAt: at,
      at,
      ttlMs: Math.min(longestMs, Math.max(shortestMs, wished)),
      cancelled: false,
      answer: undefined,
    };
    this.#tasks.set(task.id, task);
    try {
      this.#keep(task);
    } catch (thrown) {
      this.#tasks.delete(task.id);
      throw thrown;
    }
    return task;
  }

  /** Undefined in the same way where there is none and where it is another's. */
  of(id: unknown, whose: string): HeldTask | undefined {
    this.#prune();
    const task = typeof id === 'string' ? this.#tasks.get(id) : undefined;
    return task?.whose === whose ? task : undefined;
  }

  own(whose: string): readonly HeldTask[] {
    this.#prune();
    return [...this.#tasks.values()].filter((task) => task.whose === whose);
  }

  /** Something of it has changed. */
  changed(
    task: HeldTask,
    what: Partial<Pick<HeldTask, 'step' | 'review' | 'cancelled' | 'said' | 'answer'>>,
  ): void {
    const told = what.said !== undefined && what.said === task.said && Object.keys(what).length === 1;
    if (told || task.step === 'over') return;
    Object.assign(task, what);
    task.at = this.#house.world.now();
    if (what.answer !== undefined) this.#makeRoom();
    try {
      if (what.step !== undefined || what.review !== undefined) this.#keep(task);
    } finally {
      for (const listener of this.#listeners) listener(task); // who waits for its end is not left waiting
    }
  }

  /** The oldest that is over. Throws a Fault where none is. */
  #drop(among: readonly HeldTask[]): void {
    const oldest = among.find(({ step }) => step === 'over');
    if (oldest === undefined) throw new Fault('config', 'There are too many tasks');
    this.#tasks.delete(oldest.id);
  }

  /** Answers are kept as long as there is room. */
  #makeRoom(): void {
    let chars = 0;
    for (const task of [...this.#tasks.values()].toReversed()) {
      if (task.answer === undefined) continue;
      chars += JSON.stringify(task.answer).length;
      if (chars > mostAnswerChars) this.#tasks.delete(task.id);
    }
  }

  driven({ id }: HeldTask): Driven | undefined {
    return this.#driven.get(id);
  }

  drive({ id }: HeldTask, driven: Driven): void {
    this.#driven.set(id, driven);
    const over = (): void => {
      if (this.#driven.get(id) === driven) this.#driven.delete(id);
    };
    driven.over.then(over, over); // how it ended is told to who drives it
  }

  /** Is told of each change, until it is disposed. */
  listen(listener: (task: HeldTask) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #prune(): void {
    const now = this.#house.world.now();
    const over = [...this.#tasks.values()].filter(({ createdAt, ttlMs }) => createdAt + ttlMs <= now);
    for (const task of over) {
      this.#driven.get(task.id)?.cancel('Its time is over');
      this.#tasks.delete(task.id);
    }
    const last = over.find(({ review }) => review !== undefined);
    if (last !== undefined) this.#keep(last);
  }

  // Who was never asked about leaves nothing on disk: such a call is as short as others.
  #keep(changed: HeldTask): void {
    if (changed.review === undefined || this.#vault === undefined) return;
    const all = [...this.#tasks.values()].filter(({ review }) => review !== undefined);
    const short = all.map((task) =>
      JSON.stringify(task.answer ?? null).length > mostKeptChars ? { ...task, answer: undefined } : task,
    );
    this.#vault.set(JSON.stringify(short));
  }

  /** What another key may still open is not written over. */
  #setAside(): void {
    const { kept } = this.#house;
    const text = kept?.get(this.#name);
    if (text !== undefined) kept?.set(`${this.#name}.unread`, text);
  }

  /** What ran when the gateway stopped has an end that says so; what cannot be read is nobody's. */
  #load(): void {
    try {
      const text = this.#vault?.get();
      const read: unknown = text === undefined ? [] : JSON.parse(text);
      for (const each of Array.isArray(read) ? read.filter(isObject) : []) {
        const task = each as unknown as HeldTask; // #keep wrote it, and the seal says so
        if (task.step === 'running') {
          task.step = 'over';
          task.said = 'The gateway stopped while it ran: whether it took effect is not known';
          task.answer = {
            kind: 'error',
            id: task.call.id,
            error: { code: codes.internal, message: task.said },
          };
        } else if (task.step === 'over' && !task.cancelled && task.answer === undefined) {
          task.said = 'It ran, and its answer was too long to be kept when the gateway stopped';
        }
        this.#tasks.set(task.id, { ...task, at: instant(task.at) });
      }
    } catch (thrown) {
      this.#house.log('error', 'mcp.tasks-unread', { resource: this.#resource, why: whyOf(thrown) });
      this.#setAside();
    }
  }
}
