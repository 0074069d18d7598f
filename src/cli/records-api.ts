import { appendFile, readFile, truncate } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject } from '../base/check.ts';
import { messageOf } from '../base/errors.ts';
import { environment } from '../server/environment.ts';
import { gatewayUrl } from './api.ts';
import { CouldNotRun, safe } from './command.ts';

type Raw = Readonly<Record<string, unknown>>;

/**
 * Decisions of a running gateway, oldest first, by its API with the caller's token. With `keep` what came is kept in this
 * file, and a later run with the same file goes on where it ended. An answer that fails is asked for again, with patience.
 */
export async function* readFromApi(
  base: string,
  share: (part: number) => void,
  keep: string | undefined,
): AsyncGenerator<readonly Raw[]> {
  const url = gatewayUrl(base, '--from');
  const { token } = environment();
  if (token === undefined) throw new CouldNotRun(`Set SALLYPORT_TOKEN to your token for ${url.origin}`);
  const authorization = `Bearer ${token.reveal('reading the record from the API')}`;
  let after = 0;
  if (keep !== undefined) {
    const before = await kept(keep, url.origin);
    after = (before.at(-1)?.index ?? -1) + 1;
    yield before.map(({ entry }) => entry);
  }
  for (;;) {
    const page = await pageOf(new URL(`/api/v1/decisions?after=${after}`, url), authorization);
    if (keep !== undefined && page.entries.length > 0) {
      await appendFile(keep, page.entries.map((each) => `${JSON.stringify(each)}\n`).join(''), {
        mode: 0o600,
      });
    }
    yield page.entries.map(({ entry }) => entry);
    share(page.size === 0 ? 1 : page.next / page.size);
    if (page.next >= page.size) return;
    if (page.next <= after)
      throw new CouldNotRun(`The gateway at ${url.origin} does not go on after entry ${after}`);
    after = page.next;
  }
}

interface Page {
  readonly entries: readonly { readonly index: number; readonly entry: Raw }[];
  readonly next: number;
  readonly size: number;
}

const tries = 5;

async function pageOf(url: URL, authorization: string): Promise<Page> {
  for (let attempt = 1; ; attempt++) {
    const answer = await answerOf(url, authorization);
    if (typeof answer !== 'string') return answer;
    if (attempt >= tries) throw new CouldNotRun(`${answer}. With --keep FILE another run goes on from here`);
    await sleep(200 * 2 ** attempt);
  }
}

/** A page, or what went wrong where asking again may help. */
async function answerOf(url: URL, authorization: string): Promise<Page | string> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      headers: { authorization },
      redirect: 'error', // a token goes to nobody else
      signal: AbortSignal.timeout(30_000),
    });
    text = await response.text();
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause !== undefined ? `: ${messageOf(thrown.cause)}` : '';
    return `Cannot reach the gateway at ${url.origin}${cause}`;
  }
  const body = parsed(text);
  if (response.ok) {
    if (isPage(body)) return body;
    throw new CouldNotRun(
      `${url.origin} does not answer as a gateway does; --from is the address of its API`,
    );
  }
  const detail = isObject(body) && typeof body['detail'] === 'string' ? body['detail'] : response.statusText;
  const said = safe(`The gateway at ${url.origin} answered ${response.status}: ${detail}`);
  if (response.status >= 500 || response.status === 429) return said;
  const hint = response.status === 403 ? '; backtest needs record.list and record.read of everybody' : '';
  throw new CouldNotRun(`${said}${hint}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPage(raw: unknown): raw is Page {
  return (
    isObject(raw) &&
    Number.isSafeInteger(raw['next']) &&
    Number.isSafeInteger(raw['size']) &&
    Array.isArray(raw['entries']) &&
    raw['entries'].every(isNumbered)
  );
}

function isNumbered(raw: unknown): raw is Page['entries'][number] {
  return isObject(raw) && Number.isSafeInteger(raw['index']) && isObject(raw['entry']);
}

/** What an earlier run kept. A last line that is not whole is what it was writing when it ended: it is cut off. */
async function kept(path: string, origin: string): Promise<Page['entries']> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.split('\n');
  const open = lines.pop() ?? '';
  const head = JSON.stringify({ from: origin });
  if (text === '') {
    await appendFile(path, `${head}\n`, { mode: 0o600 });
    return [];
  }
  if (lines[0] !== head)
    throw new CouldNotRun(`${path} was not kept from ${origin}; name another file after --keep`);
  const entries = lines.slice(1).map((line, at) => {
    const raw = parsed(line);
    if (!isNumbered(raw))
      throw new CouldNotRun(`${path}:${at + 2} is no entry; delete the file to begin anew`);
    return raw;
  });
  if (open !== '') await truncate(path, Buffer.byteLength(text) - Buffer.byteLength(open));
  return entries;
}
