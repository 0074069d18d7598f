import type { Exchange } from '../../../carriers/http/exchange.ts';
import { codes, errorOf, type Json, type Message } from '../message.ts';
import type { Out } from '../out.ts';
import { refusalOf } from '../refusal.ts';
import { denial } from '../../../core/denial.ts';
import { type Asked, ownerOf, type ToolboxParts } from '../talk.ts';
import { goOn, type Judge, withdraw } from './drive.ts';
import { type Call, extension, type HeldTask, shownTask, statusOf, takesTasks } from './task.ts';

/** The methods about tasks, by the era that has them. */
const methods: Readonly<Record<string, 'both' | 'modern' | 'legacy'>> = {
  'tasks/get': 'both',
  'tasks/cancel': 'both',
  'tasks/update': 'modern',
  'tasks/result': 'legacy',
  'tasks/list': 'legacy',
};

export function isTaskMethod(method: string): boolean {
  return Object.hasOwn(methods, method);
}

/** Whether this era has such a method. */
export function hasTaskMethod(method: string, modern: boolean): boolean {
  const era = methods[method];
  return era === 'both' || era === (modern ? 'modern' : 'legacy');
}

/** The error for a client that does not take tasks and asks about them (2026-07-28, Tasks, Protocol Errors). */
export function lacksTasks(message: Message, modern: boolean): Message | undefined {
  if (!modern || message.kind !== 'request') return undefined;
  const { method, params } = message;
  const listens = method === 'subscriptions/listen' && taskIdsIn(params) !== undefined;
  if (!listens && !hasTaskMethod(method, modern)) return undefined;
  if (takesTasks(message)) return undefined;
  const requiredCapabilities = { extensions: { [extension]: {} } };
  return errorOf(message.id, codes.missingCapability, 'Missing required client capability', {
    requiredCapabilities,
  });
}

/** The tasks whose changes a client wants to be told of. */
export function taskIdsIn({ notifications }: Json): readonly string[] | undefined {
  const ids: unknown =
    typeof notifications === 'object' && notifications !== null && 'taskIds' in notifications
      ? notifications.taskIds
      : undefined;
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string').slice(0, mostIds) : undefined;
}

const mostIds = 1_000;

/** What a permitted request about tasks of the gateway is answered. `task`: the one it names; absent for a list. */
export async function answerTask(
  parts: ToolboxParts,
  asked: Asked,
  {
    call,
    task,
    out,
    judge,
  }: {
    readonly call: Call;
    readonly task: HeldTask | undefined;
    readonly out: Out;
    readonly judge: Judge;
  },
): Promise<Message> {
  const { exchange, modern } = asked;
  const answer = (result: Json): Message => ({
    kind: 'answer',
    id: call.id,
    result: modern ? { ...result, resultType: 'complete' } : result,
  });
  if (task === undefined)
    return answer({ tasks: parts.held.own(ownerOf(exchange)).map((each) => shownTask(each, false)) });
  switch (call.method) {
    case 'tasks/cancel':
      if (task.step === 'over' && !modern)
        return errorOf(call.id, codes.invalidParams, `The task is ${statusOf(task, modern)} already`);
      await cancel(parts, exchange, task);
      return answer(modern ? {} : shownTask(task, false));
    case 'tasks/update': // it asks its client nothing, so nothing of it is outstanding
      return answer({});
    case 'tasks/result':
      await goOn(parts, asked, { task, judge });
      await over(parts, exchange, { task, out });
      return resultOf(parts, call, task);
    default:
      await goOn(parts, asked, { task, judge });
      return answer(shownTask(task, modern));
  }
}

async function cancel(parts: ToolboxParts, exchange: Exchange, task: HeldTask): Promise<void> {
  if (task.step === 'over') return;
  const driven = parts.held.driven(task);
  if (driven === undefined) return withdraw(parts, exchange, task);
  driven.cancel('Its client cancelled it');
  await driven.over.catch(() => undefined);
}

/** Resolves when it is over, or who waits has left. */
async function over(
  { held }: ToolboxParts,
  { signal }: Exchange,
  { task, out }: { readonly task: HeldTask; readonly out: Out },
): Promise<void> {
  if (task.step === 'over') return;
  out.begin();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const left = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('It left'));
  using _listener = held.listen((changed) => {
    if (changed === task && task.step === 'over') resolve();
  });
  signal.addEventListener('abort', left, { once: true });
  try {
    if (signal.aborted) left();
    await promise;
  } finally {
    signal.removeEventListener('abort', left);
  }
}

/** Exactly what the call would have been answered, and which task it is of (2025-11-25, Tasks, Associating). */
function resultOf(parts: ToolboxParts, { id }: Call, task: HeldTask): Message {
  const { answer, call, said } = task;
  if (answer?.kind === 'error') return { ...answer, id };
  const gone = denial('REVIEW_WITHDRAWN', '', said, 'Ask again where it is still wanted');
  const structured = !parts.pins.promises(call.params['name']);
  const own = answer ?? refusalOf(call, gone, { modern: false, structured });
  if (own.kind !== 'answer') return own;
  const meta = typeof own.result['_meta'] === 'object' ? own.result['_meta'] : {};
  return {
    ...own,
    id,
    result: {
      ...own.result,
      _meta: { ...meta, 'io.modelcontextprotocol/related-task': { taskId: task.id } },
    },
  };
}
