import { isObject } from '../base/check.ts';
import { messageOf } from '../base/errors.ts';
import { environment } from '../server/environment.ts';
import { CouldNotRun, safe } from './command.ts';

type Refused = { readonly ok: false; readonly refusal: string };

/** Asks the gateway's API. Gives its answer, or its refusal; throws CouldNotRun when there is no answer to have. */
export async function ask(
  path: string,
  body?: unknown,
): Promise<{ readonly ok: true; readonly answer: unknown } | Refused> {
  const { response, api } = await reach(path, AbortSignal.timeout(30_000), body);
  const answer = parsed(await textOf(response, api));
  return response.ok && answer !== undefined ? { ok: true, answer } : refused(response, answer, api);
}

/** Opens an answer of any length. Its bytes come as they are made; one that was broken off throws CouldNotRun. */
export async function openStream(
  path: string,
): Promise<{ readonly ok: true; readonly pieces: AsyncIterable<Uint8Array> } | Refused> {
  const { response, api } = await reach(path);
  if (response.ok && response.body !== null) return { ok: true, pieces: unbroken(response.body) };
  return refused(response, parsed(await textOf(response, api)), api);
}

/**
 * Where a gateway's API is, said in `setting`.
 * SECURITY: a token is a password; over plain HTTP everybody on the way would read it.
 */
export function gatewayUrl(text: string, setting: string): URL {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new CouldNotRun(`${setting} is no address such as http://127.0.0.1:8420`);
  if (url.protocol === 'http:' && !['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname))
    throw new CouldNotRun(
      `${setting}: ${url.origin} would show your token to everybody on the way; use https`,
    );
  return url;
}

interface Reached {
  readonly response: Response;
  readonly api: string;
}

async function reach(path: string, signal?: AbortSignal, body?: unknown): Promise<Reached> {
  const { api = 'http://127.0.0.1:8420', token } = environment();
  if (token === undefined)
    throw new CouldNotRun('Set SALLYPORT_TOKEN to your token (and SALLYPORT_API to the gateway)');
  gatewayUrl(api, 'SALLYPORT_API');
  const authorization = `Bearer ${token.reveal('signing in to the API')}`;
  const given = { redirect: 'error', ...(signal === undefined ? {} : { signal }) } as const; // a token goes to nobody else
  try {
    const response = await (body === undefined
      ? fetch(`${api}${path}`, { ...given, headers: { authorization } })
      : fetch(`${api}${path}`, {
          ...given,
          headers: { authorization, 'content-type': 'application/json' },
          method: 'POST',
          body: JSON.stringify(body),
        }));
    return { response, api };
  } catch (thrown) {
    throw unreached(thrown, api);
  }
}

async function textOf(response: Response, api: string): Promise<string> {
  try {
    return await response.text();
  } catch (thrown) {
    throw unreached(thrown, api);
  }
}

function unreached(thrown: unknown, api: string): CouldNotRun {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? `: ${messageOf(thrown.cause)}` : '';
  return new CouldNotRun(`Cannot reach the gateway at ${api}${cause}; set SALLYPORT_API`);
}

/** @throws {CouldNotRun} where it is no answer to the question: a wrong request or token, too many, a fault */
function refused(response: Response, answer: unknown, api: string): Refused {
  const { status, statusText } = response;
  const detail = isObject(answer) && typeof answer['detail'] === 'string' ? answer['detail'] : statusText;
  if (status >= 500 || [400, 401, 429].includes(status))
    throw new CouldNotRun(`The gateway at ${api} answered ${status}: ${safe(detail)}`);
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
