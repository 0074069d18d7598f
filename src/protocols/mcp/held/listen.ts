import type { Message } from '../message.ts';
import type { Out } from '../out.ts';
import { type Asked, ownerOf, type ToolboxParts } from '../talk.ts';
import { type HeldTask, shownTask } from './task.ts';
import { taskIdsIn } from './methods.ts';

const subscription = 'io.modelcontextprotocol/subscriptionId';

/** Tells the client of a stream what becomes of its tasks (2025-11-25, Task Status Notification), while the stream is open. */
export function tellOf(parts: ToolboxParts, { exchange }: Asked, out: Out): Disposable {
  const whose = ownerOf(exchange);
  return parts.held.listen((task) => {
    if (task.whose !== whose || !out.streams || exchange.signal.aborted) return;
    say(out, 'notifications/tasks/status', shownTask(task, false));
  });
}

function say(out: Out, method: string, params: Record<string, unknown>): void {
  out.event({ kind: 'notification', method, params }).catch(() => undefined); // the client has left
}

/** The gateway's own tasks that a `subscriptions/listen` names. */
export function heldIn(
  parts: ToolboxParts,
  { exchange, modern }: Asked,
  message: Message,
): readonly HeldTask[] {
  if (!modern || message.kind !== 'request' || message.method !== 'subscriptions/listen') return [];
  const whose = ownerOf(exchange);
  return (taskIdsIn(message.params) ?? []).flatMap((id) => parts.held.of(id, whose) ?? []);
}

/** Whether nothing but tasks is listened to: then no server is asked. */
export function onlyTasks({ params }: Extract<Message, { kind: 'request' }>): boolean {
  const { notifications } = params;
  const wanted =
    typeof notifications === 'object' && notifications !== null ? Object.entries(notifications) : [];
  return (
    taskIdsIn(params) !== undefined && wanted.every(([key, value]) => key === 'taskIds' || value === false)
  );
}

/** A stream of what becomes of these tasks (2026-07-28, Tasks, Task Status Notifications); until the client leaves. */
export async function listenTo(
  parts: ToolboxParts,
  { exchange }: Asked,
  {
    id,
    tasks,
    out,
  }: { readonly id: string | number; readonly tasks: readonly HeldTask[]; readonly out: Out },
): Promise<void> {
  const stamped = { [subscription]: id };
  const tell = (task: HeldTask): void => {
    const { _meta: meta, ...shown } = shownTask(task, true);
    const own = typeof meta === 'object' ? meta : {};
    say(out, 'notifications/tasks', { ...shown, _meta: { ...own, ...stamped } });
  };
  out.begin();
  const taskIds = tasks.map((task) => task.id);
  await out.event({
    kind: 'notification',
    method: 'notifications/subscriptions/acknowledged',
    params: { notifications: taskIds.length === 0 ? {} : { taskIds }, _meta: stamped },
  });
  using _listener = parts.held.listen((task) => {
    if (tasks.includes(task)) tell(task);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  exchange.signal.addEventListener('abort', end, { once: true });
  if (taskIds.length === 0 || exchange.signal.aborted) resolve();
  // What it was when it began to listen.
  for (const task of tasks) tell(task);
  await promise;
  exchange.signal.removeEventListener('abort', end);
  if (exchange.signal.aborted) return;
  await out.event({ kind: 'answer', id, result: { resultType: 'complete', _meta: stamped } });
}
