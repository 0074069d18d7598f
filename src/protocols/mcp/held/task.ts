import { isObject } from '../../../base/check.ts';
import { timestamp, type Instant } from '../../../base/time.ts';
import type { Fields } from '../../../http/headers.ts';
import { codes, type Json, type Message } from '../message.ts';
import { metaKey } from '../refusal.ts';

export type Call = Extract<Message, { kind: 'request' }>;

/** A call that goes on without its client: what is kept of it. */
export interface HeldTask {
  readonly id: string;
  /** Of whom: the identity and whom it acts for, and nobody else. */
  readonly whose: string;
  /** As it is judged and sent. */
  readonly call: Call;
  readonly modern: boolean;
  /** What of the client's headers goes with it. */
  readonly fields: Fields;
  readonly session: string | undefined;
  readonly run: string | undefined;
  readonly createdAt: Instant;
  readonly ttlMs: number;
  /** `held`: people are asked. `running`: it may have taken effect. */
  step: 'held' | 'running' | 'over';
  review: string | undefined;
  cancelled: boolean;
  said: string;
  at: Instant;
  /** What its client would have been answered, after the masks. */
  answer: Extract<Message, { kind: 'answer' | 'error' }> | undefined;
}

/** No server may call its tasks so. */
export const idPrefix = 'sallyport-';
export const extension = 'io.modelcontextprotocol/tasks';
/** How often a client should ask. */
const pollMs = 2_000;

/**
 * How it stands. In 2025-11-25 a tool's error is a failed task, in 2026-07-28 a completed one (Tasks, Task Status).
 */
export function statusOf(
  { step, cancelled, answer }: HeldTask,
  modern: boolean,
): 'working' | 'completed' | 'failed' | 'cancelled' {
  if (step !== 'over') return 'working';
  if (cancelled) return 'cancelled';
  if (answer === undefined || answer.kind === 'error') return 'failed';
  return answer.result['isError'] === true && !modern ? 'failed' : 'completed';
}

/** As its client sees it; in 2026-07-28 with what it was answered. */
export function shownTask(task: HeldTask, modern: boolean): Json {
  const { id, said, createdAt, at, ttlMs, answer } = task;
  const status = statusOf(task, modern);
  const about = {
    taskId: id,
    status,
    statusMessage: said,
    createdAt: timestamp(createdAt),
    lastUpdatedAt: timestamp(at),
  };
  const denied = denialIn(answer);
  const meta = denied === undefined ? {} : { _meta: { [metaKey]: denied } };
  if (!modern) return { ...about, ttl: ttlMs, pollInterval: pollMs, ...meta };
  return {
    ...about,
    ttlMs,
    pollIntervalMs: pollMs,
    ...meta,
    ...(status === 'completed' && answer?.kind === 'answer' ? { result: answer.result } : {}),
    ...(status === 'failed' ? { error: answer?.kind === 'error' ? answer.error : nothingKept } : {}),
  };
}

const nothingKept = { code: codes.internal, message: 'It has no answer' };

/** What the call is answered in place of its result (CreateTaskResult). */
export function created(task: HeldTask, modern: boolean): Json {
  const shown = shownTask(task, modern);
  return modern ? { ...shown, resultType: 'task' } : { task: shown };
}

/** The denial object of a call that was not let through. */
function denialIn(answer: HeldTask['answer']): unknown {
  if (answer?.kind !== 'answer') return answer?.error['data'];
  const meta = answer.result['_meta'];
  return isObject(meta) ? meta[metaKey] : undefined;
}

/** Whether the client of this request takes tasks (2026-07-28: it says so with each). */
export function takesTasks({ params }: Call): boolean {
  const meta = params['_meta'];
  const capabilities = isObject(meta) ? meta['io.modelcontextprotocol/clientCapabilities'] : undefined;
  const extensions = isObject(capabilities) ? capabilities['extensions'] : undefined;
  return isObject(extensions) && isObject(extensions[extension]);
}
