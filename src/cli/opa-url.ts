import { realWorld } from '../base/time.ts';
import { entities } from '../mask/entities.ts';
import { opaEngines } from '../opa/index.ts';
import { noResult } from '../opa/server.ts';
import { type Kinds, kindsOf } from '../policy/kinds.ts';
import { protocolWords } from '../protocols/words.ts';
import { CouldNotRun } from './command.ts';

const patienceMs = 5_000;
const loopback = ['localhost', '127.0.0.1', '[::1]'];

/** Kinds under which every layer that is an OPA server asks this one; `own`: detectors of somebody's own. */
export function kindsAsking(
  given: string,
  own: readonly { readonly name: string }[],
): {
  readonly kinds: Kinds;
  /** @throws {CouldNotRun} once the server could not answer: that would be a deny, and says nothing of the policy. */
  readonly checkAnswers: () => void;
} {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback.includes(url.hostname));
  if (url === undefined || !safe || url.username !== '' || url.search !== '')
    throw new CouldNotRun('--opa-url is an https:// address (http:// only on this machine)');
  const engines = opaEngines(realWorld);
  let failure: string | undefined;
  const kinds = kindsOf(protocolWords, [...entities.map((name) => ({ name })), ...own], {
    ...engines,
    askingAgain: true,
    server: ({ entrypoint }) => {
      const ask = engines.server({ url, entrypoint, deadlineMs: patienceMs });
      return async (input) => {
        const opinion = await ask(input);
        if (opinion.kind === 'failed' && opinion.why !== noResult) failure = opinion.why;
        return opinion;
      };
    },
  });
  return {
    kinds,
    checkAnswers: () => {
      if (failure !== undefined) throw new CouldNotRun(`--opa-url: ${failure}`);
    },
  };
}
