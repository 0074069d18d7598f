import { isObject } from '../../../base/check.ts';
import { Fault, messageOf as whyOf, WireError } from '../../../base/errors.ts';
import type { Exchange } from '../../../carriers/http/exchange.ts';
import { shareOf } from '../../../core/session.ts';
import { statusOf } from '../../../carriers/http/problem.ts';
import type { Denial, DenyCode } from '../../../core/decision.ts';
import { denial } from '../../../core/denial.ts';
import type { Stay } from '../../../core/protocol.ts';
import type { ReviewId } from '../../../core/review.ts';
import type { Fields } from '../../../http/headers.ts';
import { codes, errorOf, type Json, type Message } from '../message.ts';
import { Out, sayMessage } from '../out.ts';
import { refusalOf } from '../refusal.ts';
import { type Asked, keyOf, ownerOf, type Lasting, type ToolboxParts } from '../talk.ts';
import { type Call, created, type HeldTask } from './task.ts';
import { type Caught, Turning } from './turning.ts';

/** Judges a request and carries it to its end, as for every client. */
export type Judge = (parts: ToolboxParts, asked: Asked, call: Call) => Promise<void>;

export interface Wish {
  /** Every call becomes a task, not only one that waits for a person (2025-11-25: the client asked for it). */
  readonly always: boolean;
  readonly ttl: unknown;
}

const mostPolls = 3_600;
const goesWith =
  /^(?:accept|content-type|prefer|user-agent|mcp-(?:protocol-version|method|name|param-[\w-]+)|sallyport-[\w-]+)$/;

/**
 * Carries a call that may go on without its client: once people are asked, the client gets a task, and the call waits on, in
 * the session and by the rules of who asked. Resolves when the client has its answer.
 */
export async function asTask(
  parts: ToolboxParts,
  asked: Asked,
  { call, wish, judge }: { readonly call: Call; readonly wish: Wish; readonly judge: Judge },
): Promise<void> {
  const { exchange } = asked;
  const stay = await joined(exchange, exchange.stay.session.run);
  if (!stay.ok) {
    const { class: code, why } = stay.error;
    return sayMessage(exchange.reply, statusOf(code), errorOf(call.id, codes.denied, why, { ...stay.error }));
  }
  const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
  const about = { parts, asked, call, stay: stay.value, judge };
  const drive = new Drive(about, { kind: 'client', wish, answered: resolve });
  drive.over.then(resolve, reject);
  return answered;
}

/** Goes on with a task that was left: after a restart, or when the token it was asked with had ended. */
export async function goOn(
  parts: ToolboxParts,
  asked: Asked,
  { task, judge }: { readonly task: HeldTask; readonly judge: Judge },
): Promise<void> {
  if (task.step !== 'held' || parts.held.driven(task) !== undefined) return;
  const { exchange } = asked;
  const came = await reviewOf(parts, exchange, task);
  if (parts.held.driven(task) !== undefined) return;
  if (came.phase !== 'waiting' && came.phase !== 'approved') return ended(parts, task, came);
  const stay = await joined(exchange, task.run);
  if (!stay.ok || parts.held.driven(task) !== undefined) return;
  const session = task.session === undefined ? undefined : sessionOf(parts, asked, task.session);
  const again: Asked = {
    ...asked,
    exchange: { ...exchange, method: 'POST', fields: task.fields },
    message: task.call,
    modern: task.modern,
    ...session,
  };
  const about = { parts, asked: again, call: task.call, stay: stay.value, judge };
  // Its answer is for nobody's connection.
  void new Drive(about, { kind: 'task', task }).over.catch(() => undefined);
}

/** The session of the server that it was asked in; that of who asks now, where the gateway does not know it any more. */
function sessionOf({ talks }: ToolboxParts, asked: Asked, named: string): Pick<Asked, 'session' | 'talk'> {
  const talk = talks.get(keyOf(asked.exchange, named));
  return talk?.owner === ownerOf(asked.exchange)
    ? { session: named, talk }
    : { session: asked.session, talk: asked.talk };
}

function joined(exchange: Exchange, run: string | undefined): ReturnType<Exchange['join']> {
  const { name, kind } = exchange.stay.session.resource;
  return exchange.join(name, kind, run);
}

interface About {
  readonly parts: ToolboxParts;
  readonly asked: Asked;
  readonly call: Call;
  readonly stay: Stay;
  readonly judge: Judge;
}

type Begun =
  | { readonly kind: 'client'; readonly wish: Wish; readonly answered: () => void }
  | { readonly kind: 'task'; readonly task: HeldTask };

/** One call from here to its end, or to where nobody waits for it any more. */
class Drive implements Lasting {
  readonly #about: About;
  readonly #begun: Begun;
  readonly #ending: AbortController = new AbortController();
  readonly #left: AbortController = new AbortController();
  readonly #reply: Turning;
  #task: HeldTask | undefined;
  #caught: Caught | undefined;
  #review: ReviewId | undefined;
  #cancelled: string | undefined;
  readonly over: Promise<void>;

  constructor(about: About, begun: Begun) {
    this.#about = about;
    this.#begun = begun;
    this.#reply = new Turning(about.asked.exchange.reply);
    if (begun.kind === 'task') this.#takeOver(begun.task);
    this.over = this.#run();
    if (this.#task !== undefined) this.#drivenBy(this.#task);
  }

  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** People are asked: the entry of that is on disk. */
  asked(review: ReviewId): void {
    this.#review = review;
    if (this.#task !== undefined) this.#changed({ review });
  }

  tell(line: string): void {
    const said = line
      .split('\n')
      .filter((each) => !/^(?:Runs once|It waits|To answer)/.test(each))
      .join('. ');
    if (this.#task !== undefined) this.#changed({ said });
    else if (this.#review !== undefined) this.#become('held', said);
  }

  /** It is permitted, and sent next: from here on it may have taken effect. */
  runs(): void {
    if (this.#task !== undefined) this.#changed({ step: 'running', said: 'It runs' });
    else if (this.#begun.kind === 'client' && this.#begun.wish.always) this.#become('running', 'It runs');
  }

  /** Its client gets a task in place of an answer, and may leave. */
  #become(step: 'held' | 'running', said: string): void {
    if (this.#begun.kind !== 'client') return;
    const { parts, asked, call } = this.#about;
    const { exchange, modern, session } = asked;
    try {
      const { wish, answered } = this.#begun;
      const { session: own } = exchange.stay;
      const { _meta: meta, ...params } = call.params;
      const task = parts.held.add(
        {
          whose: ownerOf(exchange),
          call: { ...call, params: isObject(meta) ? { ...params, _meta: withoutProgress(meta) } : params },
          modern,
          fields: exchange.fields.filter(([name]) => goesWith.test(name)),
          session,
          run: own.run,
          step,
          review: this.#review,
          said,
        },
        wish.ttl,
      );
      const out = new Out(exchange, parts.house.world);
      this.#takeOver(task);
      this.#drivenBy(task);
      void out
        .whole({ kind: 'answer', id: call.id, result: created(task, modern) })
        .then(() => out.end())
        .catch(() => undefined) // the client has left: the task is there all the same
        .finally(answered);
    } catch (thrown) {
      parts.house.log('error', 'mcp.task-not-kept', { why: whyOf(thrown) });
      const why = new Fault('config', 'It could not be kept as a task');
      this.#ending.abort(why);
      if (step === 'running') throw why; // or it would be sent
    }
  }

  #takeOver(task: HeldTask): void {
    this.#task = task;
    this.#caught = this.#reply.turn(this.#about.parts.house.limits.messageBytes);
  }

  #drivenBy(task: HeldTask): void {
    const cancel = (why: string): void => {
      this.#cancelled = why;
      this.#ending.abort(new WireError('closed', why));
    };
    this.#about.parts.held.drive(task, { cancel, over: this.over });
  }

  /** What cannot be kept any more is ended: nobody could say later what became of it. */
  #changed(what: Parameters<ToolboxParts['held']['changed']>[1]): void {
    const { parts } = this.#about;
    if (this.#task === undefined) return;
    try {
      parts.held.changed(this.#task, what);
    } catch (thrown) {
      parts.house.log('error', 'mcp.task-not-kept', { why: whyOf(thrown) });
      this.#ending.abort(new Fault('config', 'It could not be kept as a task'));
      throw thrown;
    }
  }

  async #run(): Promise<void> {
    const { parts, asked, call, stay, judge } = this.#about;
    await Promise.resolve(); // whoever made this has what it needs
    const { signal: client } = asked.exchange;
    const gone = (): void => {
      if (this.#task === undefined) this.#ending.abort(client.reason);
    };
    const sessionOver = (): void => this.#sessionOver(stay.signal);
    const stopping = (): void => this.#left.abort();
    client.addEventListener('abort', gone, { once: true });
    stay.signal.addEventListener('abort', sessionOver, { once: true });
    parts.stop.addEventListener('abort', stopping, { once: true });
    // Its client may leave, and what that held with it.
    const held = parts.house.held.open(shareOf(stay.session), this.#ending.signal);
    held.takeOver(asked.exchange.held);
    try {
      if (client.aborted) gone();
      if (stay.signal.aborted) sessionOver();
      const exchange: Exchange = {
        ...asked.exchange,
        stay,
        held,
        reply: this.#reply,
        signal: this.#ending.signal,
      };
      await judge(parts, { ...asked, exchange, lasting: this }, call);
      await this.#followed(exchange);
      this.#finish(undefined);
    } catch (thrown) {
      if (this.#task === undefined) throw thrown;
      parts.house.metrics.count('faults_total', {
        code: thrown instanceof Fault || thrown instanceof WireError ? thrown.code : 'bug',
      });
      this.#finish(thrown);
    } finally {
      client.removeEventListener('abort', gone);
      stay.signal.removeEventListener('abort', sessionOver);
      parts.stop.removeEventListener('abort', stopping);
      held[Symbol.dispose]();
      stay[Symbol.dispose]();
    }
  }

  /** Where the server goes on with it by itself, its answer is what comes of that. */
  async #followed(exchange: Exchange): Promise<void> {
    const { asked, call } = this.#about;
    const { answer } = this.#caught ?? {};
    if (this.#task === undefined || answer?.kind !== 'answer') return;
    const { task: made, resultType, taskId } = answer.result;
    if (isObject(made) && call.params['task'] !== undefined)
      return this.#also(exchange, { method: 'tasks/result', params: { taskId: made['taskId'] } });
    if (!asked.modern || resultType !== 'task') return;
    // In 2026-07-28 it is asked how it stands until it is over; what it asks its client, nobody is there to answer.
    const { _meta: meta } = call.params;
    for (let times = 0; times < mostPolls; times++) {
      await this.#also(exchange, { method: 'tasks/get', params: { taskId, _meta: meta } });
      const now: Extract<Message, { kind: 'answer' | 'error' }> | undefined = this.#caught?.answer;
      if (now?.kind !== 'answer') return;
      const { status, result, error } = now.result;
      if (status === 'completed' && isObject(result) && this.#caught !== undefined)
        this.#caught.answer = { ...now, id: call.id, result };
      else if (status === 'failed' && isObject(error) && this.#caught !== undefined)
        this.#caught.answer = { kind: 'error', id: call.id, error };
      else if (status !== 'working') {
        const why = 'The server asks something of the client, who is not there, or ended its task';
        if (this.#caught !== undefined)
          this.#caught.answer = errorOf(call.id, codes.internal, why) as Caught['answer'];
      }
      if (status !== 'working') return;
      await this.#pause(1_000);
      if (this.#ending.signal.aborted) throw this.#ending.signal.reason;
    }
  }

  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#about.parts.house.world.after(ms, resolve);
    const { signal } = this.#ending;
    signal.addEventListener('abort', () => resolve(), { once: true });
    return promise.finally(() => timer[Symbol.dispose]());
  }

  async #also(exchange: Exchange, { method, params }: Pick<Call, 'method' | 'params'>): Promise<void> {
    const { parts, asked, judge } = this.#about;
    const reply = new Turning(exchange.reply);
    this.#caught = reply.turn(parts.house.limits.messageBytes);
    const next: Call = { kind: 'request', id: this.#task?.id ?? '', method, params };
    const named: Fields = [
      ...exchange.fields.filter(([name]) => !/^mcp-(?:method|name|param-)/.test(name)),
      ...(asked.modern
        ? ([
            ['mcp-method', method],
            ['mcp-name', String(params['taskId'])],
          ] as const)
        : []),
    ];
    const { lasting: _, ...rest } = asked;
    await judge(parts, { ...rest, exchange: { ...exchange, reply, fields: named }, message: next }, next);
  }

  /**
   * SECURITY: a session that somebody ended takes its calls with it. One whose token was only over leaves what waits for people
   * to whoever comes with a new one, as a ticket; what runs ends with it like every call.
   */
  #sessionOver({ reason }: AbortSignal): void {
    const why = reason instanceof Error ? reason.message : 'The session was ended';
    const waits = this.#task?.step === 'held' && kindly.test(why);
    if (waits) return this.#left.abort();
    this.#cancelled = why;
    this.#ending.abort(reason);
  }

  #finish(thrown: unknown): void {
    const task = this.#task;
    if (task === undefined) return;
    const { parts, call } = this.#about;
    const answer = this.#caught?.answer;
    if (this.#left.signal.aborted && task.step === 'held' && this.#cancelled === undefined) {
      this.#changed({ said: 'It waits for a person; ask for it again to go on with it' });
      return;
    }
    const said =
      this.#cancelled ?? saidBy(answer) ?? (thrown instanceof Fault ? 'The gateway failed' : 'It broke off');
    const own = answer ?? {
      kind: 'error' as const,
      id: call.id,
      error: { code: codes.internal, message: said },
    };
    try {
      parts.held.changed(task, { step: 'over', cancelled: this.#cancelled !== undefined, said, answer: own });
    } catch (failed) {
      parts.house.log('error', 'mcp.task-not-kept', { why: whyOf(failed) });
    }
  }
}

/** How sessions end without anybody having ended them. */
const kindly = /: (?:token expired|session limit|idle limit|stopping|client left)$/;

/** What its answer says in a line, where it is a refusal. */
function saidBy(answer: Caught['answer']): string | undefined {
  if (answer === undefined) return undefined;
  if (answer.kind === 'error') return String(answer.error['message']).slice(0, 1_000);
  if (answer.result['isError'] !== true) return 'It is done';
  const meta = answer.result['_meta'];
  const why = isObject(meta) ? meta['dev.sallyport/denial'] : undefined;
  return isObject(why) && typeof why['why'] === 'string' ? why['why'] : 'The tool failed';
}

function withoutProgress(meta: Json): Json {
  const { progressToken: _, ...rest } = meta;
  return rest;
}

interface Came {
  readonly phase: string;
  readonly end: string;
}

/** How the review of a task stands: asked of the API as whoever asks. */
async function reviewOf(
  { house }: ToolboxParts,
  { token, stay }: Exchange,
  { review }: HeldTask,
): Promise<Came> {
  const answer = await house.inside?.api({
    method: 'GET',
    path: `/api/v1/reviews/${encodeURIComponent(review ?? '')}`,
    token,
    peer: stay.session.peer,
  });
  const body = isObject(answer?.body) ? answer.body : {};
  if (answer === undefined || answer.status === 503) return { phase: 'waiting', end: '' };
  if (answer.status >= 400 || body['own'] !== true)
    return { phase: 'gone', end: 'The review is not there any more' };
  const more = isObject(body['review']) ? body['review'] : {};
  return {
    phase: String(body['phase']),
    end: typeof more['end'] === 'string' ? more['end'] : 'The review is over',
  };
}

const classes: Readonly<Record<string, DenyCode>> = {
  refused: 'REVIEW_REFUSED',
  expired: 'REVIEW_EXPIRED',
  withdrawn: 'REVIEW_WITHDRAWN',
};

/** It was decided while nobody waited for it. */
function ended(parts: ToolboxParts, task: HeldTask, { phase, end }: Came): void {
  const why: Denial = {
    ...denial(classes[phase] ?? 'REVIEW_VOID', '', end, 'Ask again where it is still wanted'),
    ...(task.review === undefined ? {} : { review: task.review }),
  };
  const structured = !parts.pins.promises(task.call.params['name']);
  const answer = refusalOf(task.call, why, { modern: task.modern, structured });
  parts.held.changed(task, {
    step: 'over',
    cancelled: phase === 'withdrawn',
    said: end,
    answer: answer as Extract<Message, { kind: 'answer' | 'error' }>, // refusals are
  });
}

/** Ends a task that nobody drives, for its owner. */
export async function withdraw(
  { house, held }: ToolboxParts,
  { token, stay }: Exchange,
  task: HeldTask,
): Promise<void> {
  await house.inside?.api({
    method: 'POST',
    path: `/api/v1/reviews/${encodeURIComponent(task.review ?? '')}/withdraw`,
    body: {},
    token,
    peer: stay.session.peer,
  });
  held.changed(task, { step: 'over', cancelled: true, said: 'Its client cancelled it' });
}
