import { number, string } from '../base/check.ts';
import { Fault } from '../base/errors.ts';
import type { World } from '../base/time.ts';
import { pause } from './pause.ts';
import { picked } from './pick.ts';
import type { TeamsSettings } from './settings.ts';

// Bot Connector REST API: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference

/** Writes activities into the one conversation of the configuration. */
export interface Connector extends AsyncDisposable {
  /** Gives `<conversation>/<activity>`. */
  readonly post: (activity: Readonly<Record<string, unknown>>) => Promise<string>;
  readonly update: (place: string, activity: Readonly<Record<string, unknown>>) => Promise<void>;
}

const defaultTokenUrl = 'https://login.microsoftonline.com/botframework.com/oauth2/v2.0/token';
const scope = 'https://api.botframework.com/.default';
const attempts = 4;
const timeoutMs = 10_000;
const longestPauseMs = 30_000;

export function connectorClient(settings: TeamsSettings, world: World): Connector {
  const { conversation, serviceUrl, tokenUrl = defaultTokenUrl } = settings;
  const stop = new AbortController();
  let token: { readonly value: string; readonly until: number } | undefined;

  const bearer = async (): Promise<string> => {
    if (token !== undefined && token.until > world.now()) return token.value;
    const answer = await send(tokenUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: settings.app,
        client_secret: settings.password.reveal('sign in to the Bot Connector'),
        scope,
      }).toString(),
    });
    const read = tokenAnswer(await bodyOf(answer), '');
    if (!read.ok) throw new Fault('unreachable', `Teams gives no token: status ${answer.status}`);
    token = { value: read.value.access_token, until: world.now() + (read.value.expires_in - 60) * 1_000 };
    return token.value;
  };

  const call = async (method: 'POST' | 'PUT', path: string, activity: unknown): Promise<unknown> => {
    let answer: Response | undefined;
    for (let renewed = false; ; renewed = true) {
      answer = await send(
        `${serviceUrl}v3/conversations/${encodeURIComponent(conversation)}/activities${path}`,
        {
          method,
          headers: { 'content-type': 'application/json', authorization: `Bearer ${await bearer()}` },
          body: JSON.stringify(activity),
        },
      );
      if (answer.status !== 401 || renewed) break;
      token = undefined; // it was revoked before its time
      await answer.body?.cancel();
    }
    const body = await bodyOf(answer);
    if (!answer.ok)
      throw new Fault('unreachable', `Teams does not take the message: status ${answer.status}`);
    return body;
  };

  const send = async (url: string, request: RequestInit): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      const answer = await fetch(url, {
        ...request,
        redirect: 'error',
        signal: AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]),
      }).catch(() => undefined);
      const again = answer === undefined || answer.status === 429 || answer.status >= 500;
      if (answer !== undefined && !again) return answer;
      if (attempt === attempts || stop.signal.aborted) {
        throw new Fault(
          'unreachable',
          `Teams does not answer${answer === undefined ? '' : `: status ${answer.status}`}`,
        );
      }
      const after = Number(answer?.headers.get('retry-after') ?? Number.NaN);
      await answer?.body?.cancel();
      await pause(
        after >= 0 ? Math.min(after * 1_000, longestPauseMs) : 500 * 4 ** (attempt - 1),
        world,
        stop.signal,
      );
    }
  };

  return {
    post: async (activity) => {
      const read = posted(await call('POST', '', activity), '');
      if (!read.ok) throw new Fault('unreachable', 'Teams did not say where the message is');
      return `${conversation}/${read.value.id}`;
    },
    update: async (place, activity) => {
      const id = place.slice(place.lastIndexOf('/') + 1);
      await call('PUT', `/${encodeURIComponent(id)}`, { ...(activity as object), id });
    },
    [Symbol.asyncDispose]: () => {
      stop.abort();
      return Promise.resolve();
    },
  };
}

const tokenAnswer = picked({
  access_token: string({ max: 20_000 }),
  expires_in: number({ min: 60, max: 1_000_000 }),
});
const posted = picked({ id: string({ max: 500, pattern: /^[^\s/]+$/ }) });

async function bodyOf(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch {
    return undefined;
  }
}
