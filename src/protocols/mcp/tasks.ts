import { isObject } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import { Lru } from '../../base/lru.ts';
import type { Permit } from '../../core/decision.ts';
import type { Gate } from '../../core/protocol.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { type Call, idPrefix, takesTasks } from './held/task.ts';
import type { Inner } from './inner.ts';
import type { Json, Message } from './message.ts';

/** A call that a server goes on with by itself (2025-11-25, Tasks), and what its answer is shown by. */
export interface Task {
  readonly permit: Permit;
  readonly inner: Inner;
  readonly request: Extract<Message, { kind: 'request' }>;
}

interface Kept extends Task {
  readonly whose: string;
}

const tasksKept = 20_000;

/**
 * Whose each task of a resource's servers is: of the identity and the session that made the call, and nobody else's. Servers know
 * the gateway only, so nobody but it can tell.
 */
export class Tasks {
  readonly #byId: Lru<string, Kept> = new Lru(tasksKept);
  /** What the servers can do with tasks, as they said; absent: nothing. */
  served: { readonly list: boolean } | undefined;

  /** @throws {Fault} where a server gives the task of one to another, or one id to two calls: by whose rules is its answer shown? */
  made(id: string, whose: string, task: Task): void {
    if (id.startsWith(idPrefix))
      throw new Fault('upstream-closed', 'The MCP server named its task as the gateway names its own');
    const known = this.#byId.get(id);
    if (known !== undefined && known.whose !== whose)
      throw new Fault('upstream-closed', 'The MCP server gave a task of another session');
    if (known !== undefined && known.permit !== task.permit)
      throw new Fault('upstream-closed', 'The MCP server gave the task of another call');
    if (known === undefined) this.#byId.set(id, { ...task, whose });
  }

  /** Undefined in the same way where there is none and where it is another's. */
  of(id: unknown, whose: string): Task | undefined {
    const known = typeof id === 'string' ? this.#byId.get(id) : undefined;
    return known?.whose === whose ? known : undefined;
  }

  /** A list of a server's tasks with those of this session only. */
  own(result: Json, whose: string): Json {
    const { tasks } = result;
    if (!Array.isArray(tasks)) return result;
    const own = tasks.filter(
      (each: unknown) => isObject(each) && this.of(each['taskId'], whose) !== undefined,
    );
    return { ...result, tasks: own };
  }
}

/** Who may ask for a task. */
export function whoseOf({ stay }: Exchange, session: string | undefined): string {
  const { subject, actingFor } = stay.session.identity;
  return JSON.stringify([subject, actingFor?.subject ?? null, session ?? null]);
}

/**
 * The id of the task that an answer to a call tells of, where it is one (CreateTaskResult).
 * @throws {Fault} where its client takes none, or it has no name.
 */
export function taskIn(result: Json, call: Call): string | undefined {
  if (call.method !== 'tools/call') return undefined;
  const { task, resultType } = result;
  const wanted = call.params['task'] !== undefined && isObject(task);
  if (!wanted && resultType !== 'task') return undefined;
  if (!wanted && !takesTasks(call))
    throw new Fault('upstream-closed', 'The MCP server made a task of a call whose client takes none');
  const id = wanted ? task['taskId'] : result['taskId'];
  if (typeof id !== 'string' || !/^[\x21-\x7e]{1,500}$/.test(id))
    throw new Fault('upstream-closed', 'The MCP server named its task wrongly');
  return id;
}

/** Whether a server that answers `initialize` so goes on with calls by itself. */
export function servedIn({ capabilities }: Json): Tasks['served'] {
  const tasks = isObject(capabilities) ? capabilities['tasks'] : undefined;
  const requests = isObject(tasks) ? tasks['requests'] : undefined;
  const tools = isObject(requests) ? requests['tools'] : undefined;
  if (!isObject(tasks) || !isObject(tools) || !isObject(tools['call'])) return undefined;
  return { list: isObject(tasks['list']) };
}

/** What a client may say of the task that it wants: how long its answer is to be kept. */
export function isTaskWish(given: unknown): boolean {
  return (
    isObject(given) &&
    Object.keys(given).every((key) => key === 'ttl') &&
    (given['ttl'] === undefined || (typeof given['ttl'] === 'number' && given['ttl'] >= 0))
  );
}

/**
 * Whether what was called may still be seen: a rule that denies it by now denies its answer too. SECURITY: every request for a
 * task is judged anew, as a connection and as the call it came from.
 */
export function mayStill(task: Task, gate: Gate): boolean {
  return gate.foresee?.(task.permit.action) !== 'deny';
}
