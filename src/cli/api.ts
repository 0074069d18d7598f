import { isObject } from '../base/check.ts';
import { messageOf } from '../base/errors.ts';
import { environment } from '../server/environment.ts';
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

/** Opens an answer of any length. Its bytes come as they are made; one that was broken off throws CouldNotRun. */
export async function openStream(
  path: string,
): Promise<
  | { readonly ok: true; readonly pieces: AsyncIterable<Uint8Array> }
  | { readonly ok: false; readonly refusal: string }
> {
  const { api = 'http://127.0.0.1:8420', token } = environment();
  if (token === undefined)
    throw new CouldNotRun('Set SALLYPORT_TOKEN to your token (and SALLYPORT_API to the gateway)');
  let response: Response;
  try {
    response = await fetch(`${api}${path}`, {
      headers: { authorization: `Bearer ${token.reveal('signing in to the API')}` },
      redirect: 'error', // a token goes to nobody else
    });
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause !== undefined ? `: ${messageOf(thrown.cause)}` : '';
    throw new CouldNotRun(`Cannot reach the gateway at ${api}${cause}; set SALLYPORT_API`);
  }
  if (response.ok && response.body !== null) return { ok: true, pieces: unbroken(response.body) };
  const answer = parsed(await response.text());
  const detail =
    isObject(answer) && typeof answer['detail'] === 'string' ? answer['detail'] : response.statusText;
  if (response.status >= 500 || [400, 401, 429].includes(response.status))
    throw new CouldNotRun(`The gateway at ${api} answered ${response.status}: ${safe(detail)}`);
  return { ok: false, refusal: refusalText(detail, answer) };
}

async function* unbroken(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of body) yield piece;
  } catch {
    throw new CouldNotRun('The gateway broke off its answer: what was shown is not all of it');
  }
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
