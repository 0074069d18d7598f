import { isObject } from '../base/check.ts';
import { messageOf } from '../base/errors.ts';
import { environment } from '../server/config.ts';
import { CouldNotRun, safe } from './command.ts';

/** Asks the gateway's API. Gives its answer, or its refusal; throws CouldNotRun when there is no answer to have. */
export async function ask(
  path: string,
  body?: unknown,
): Promise<
  { readonly ok: true; readonly answer: unknown } | { readonly ok: false; readonly refusal: string }
> {
  const { api = 'http://127.0.0.1:8420', token } = environment();
  if (token === undefined)
    throw new CouldNotRun('Set SALLYPORT_TOKEN to your token (and SALLYPORT_API to the gateway)');
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${api}${path}`, {
      headers: {
        authorization: `Bearer ${token.reveal('signing in to the API')}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      redirect: 'error', // a token goes to nobody else
      signal: AbortSignal.timeout(30_000),
    });
    text = await response.text();
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause !== undefined ? `: ${messageOf(thrown.cause)}` : '';
    throw new CouldNotRun(`Cannot reach the gateway at ${api}${cause}; set SALLYPORT_API`);
  }
  const answer = parsed(text);
  if (response.ok && answer !== undefined) return { ok: true, answer };
  const detail =
    isObject(answer) && typeof answer['detail'] === 'string' ? answer['detail'] : response.statusText;
  if (
    response.status >= 500 ||
    response.status === 400 ||
    response.status === 401 ||
    response.status === 429
  ) {
    throw new CouldNotRun(`The gateway at ${api} answered ${response.status}: ${safe(detail)}`);
  }
  return { ok: false, refusal: refusalText(detail, answer) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusalText(detail: string, answer: unknown): string {
  const denial = isObject(answer) ? answer['denial'] : undefined;
  if (!isObject(denial)) return safe(detail);
  const rule =
    typeof denial['rule'] === 'string' ? `\n  rule ${denial['rule']} (${String(denial['at'])})` : '';
  const fix = Array.isArray(denial['fix'])
    ? denial['fix'].map((each) => `\n  fix  ${String(each)}`).join('')
    : '';
  return safe(`${detail}${rule}${fix}`);
}
