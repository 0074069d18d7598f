import { wirePair } from '../base/memory-wire.ts';
import { isObject } from '../base/check.ts';
import { Fault } from '../base/errors.ts';
import type { Inside, Room } from '../core/protocol.ts';
import type { Resource } from '../core/session.ts';
import type { Reception } from './listen.ts';
import { hostOf } from './live.ts';

export interface InsideParts {
  readonly room: (kind: string) => Room | undefined;
  readonly resource: (name: string) => Resource | undefined;
  readonly attend: Reception['attend'];
  /** Answers a request to the API, as from this address. */
  readonly api: (request: Request, peer: string) => Promise<Response>;
}

/** The gateway's doors for its own rooms: the same ones that clients use, with memory in place of a network. */
export function insideOf({ room, resource, attend, api }: InsideParts): Inside {
  return {
    say: (kind) => room(kind)?.say,
    actions: async (name, text) => {
      const found = resource(name);
      const actions = found === undefined ? undefined : await room(found.kind)?.actions(found, text);
      return found === undefined || actions === undefined ? undefined : { kind: found.kind, actions };
    },
    connect: (kind, peer) => {
      const to = room(kind);
      if (to === undefined) throw new Fault('config', 'There is no listener for this kind of resource');
      const [far, near] = wirePair();
      void attend({ ...far, peer }, to, 'inside');
      return near;
    },
    api: async ({ method, path, body, token, peer }) => {
      const answer = await api(
        new Request(`http://inside.invalid${path}`, {
          method,
          headers: {
            authorization: `Bearer ${token.reveal('ask the API as its owner')}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
        hostOf(peer),
      );
      return { status: answer.status, body: await answer.json() };
    },
  };
}

/** The address that a request from inside is made for; undefined where it came over a network. */
export function peerInside(env: unknown): string | undefined {
  const peer = isObject(env) ? env['inside'] : undefined;
  return typeof peer === 'string' ? peer : undefined;
}
