import { Fault } from '../base/errors.ts';
import { Refused } from './sink.ts';

/** Statuses that say "not this, ever": the request itself is wrong. Others (401, 404, 429, 5xx …) can change. */
const refusals = [400, 413, 415, 422];
const mostAnswerBytes = 1_000_000;

/**
 * Posts, and gives the answer's text. Rejects with `Refused` or a Fault `unreachable`; neither holds what was answered.
 * SECURITY: a redirect is a failure: entries go where the configuration says, or nowhere.
 */
export async function post(
  url: string,
  request: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
  signal: AbortSignal,
): Promise<string> {
  let answer: Response;
  try {
    answer = await fetch(url, { method: 'POST', ...request, redirect: 'manual', signal });
  } catch {
    throw new Fault('unreachable', 'No answer');
  }
  const text = await textOf(answer);
  if (answer.ok) return text;
  if (refusals.includes(answer.status)) throw new Refused(`Status ${answer.status}`);
  await afterPause(answer, signal);
  throw new Fault('unreachable', `Status ${answer.status}`);
}

async function textOf(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer.body ?? []) {
      bytes += chunk.length;
      if (bytes > mostAnswerBytes) throw new Fault('unreachable', 'The answer is too long');
      chunks.push(chunk);
    }
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    throw new Fault('unreachable', 'The answer broke off');
  }
  return Buffer.concat(chunks).toString('utf8');
}

const longestPauseSeconds = 60;

/** Waits as long as the destination asks, before the failure is told: the pump then tries again. */
async function afterPause(answer: Response, signal: AbortSignal): Promise<void> {
  const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
  if (!(seconds > 0)) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, Math.min(seconds, longestPauseSeconds) * 1_000);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
