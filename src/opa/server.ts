import type { World } from '../base/time.ts';
import type { Opinion } from '../core/ports.ts';
import type { OpaEngines } from '../policy/opa/engine.ts';
import { type Reach, reaching } from './reach.ts';

const mostBytes = 1_048_576;
const mostAtOnce = 256;

/** The one failure that is an answer: the server was asked, and nothing holds. */
export const noResult =
  'The OPA server has no result: the rule is undefined for this input, or does not exist';

/**
 * Asks OPA's data API (`POST /v1/data/<entrypoint>` with `{"input": …}`). One question is one request: nothing is tried
 * again, and nothing is remembered.
 * SECURITY: a redirect is a failure: what is asked goes where the policy says, or nowhere.
 */
export function serverEngine(world: World, reach: Reach = reaching([])): OpaEngines['server'] {
  let underWay = 0;
  return ({ url, entrypoint, deadlineMs }) => {
    const at = new URL(`${url.pathname.replace(/\/*$/, '')}/v1/data/${entrypoint}`, url);
    return async (input) => {
      if (underWay >= mostAtOnce) return failed('Too many wait for the OPA server');
      underWay += 1;
      const stop = new AbortController();
      using _deadline = world.after(deadlineMs, () => stop.abort());
      try {
        return await post(reach, at, `{"input":${input}}`, stop.signal);
      } catch {
        return failed(
          stop.signal.aborted
            ? `The OPA server took longer than ${deadlineMs} ms`
            : 'The OPA server cannot be reached',
        );
      } finally {
        underWay -= 1;
      }
    };
  };
}

async function post(reach: Reach, at: URL, body: string, signal: AbortSignal): Promise<Opinion> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const answer = await reach(at, { method: 'POST', headers, body, mostBytes, signal });
  if (answer.status !== 200) return failed(`The OPA server answered with status ${answer.status}`);
  if (answer.body === undefined)
    return failed(`The answer of the OPA server has more than ${mostBytes} bytes`);
  let read: unknown;
  try {
    read = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(answer.body));
  } catch {
    return failed('The answer of the OPA server is no JSON');
  }
  if (typeof read !== 'object' || read === null || !('result' in read)) return failed(noResult);
  return { kind: 'said', json: JSON.stringify(read.result) };
}

function failed(why: string): Opinion {
  return { kind: 'failed', why };
}
