import { WireError } from '../base/errors.ts';
import type { Wire } from '../base/stream.ts';
import type { World } from '../base/time.ts';
import type { Limits } from '../core/limits.ts';

/** A client's wire under the limits on silence, and who holds it now: `secure` makes another of it. */
export interface Watched {
  readonly wire: Wire;
  readonly destroy: (why?: Error) => void;
  /** Lets what was written go out, for a moment, then closes. */
  readonly finish: () => void;
  readonly closed: Promise<void>;
}

const finishMs = 5_000;
const looksMs = 5_000;

/**
 * Closes a connection on which nothing moved for `idleSeconds`, or whose client did not take its answer for
 * `stallSeconds`. One slow look for all of it, so that the bytes' way costs two assignments.
 */
export function watched(inner: Wire, world: World, limits: Limits): Watched {
  let current = inner;
  let movedAt = world.now() as number;
  let stalledAt: number | undefined;
  let look: Disposable | undefined;
  const closed = Promise.withResolvers<void>();

  const later = (): void => {
    look = world.after(looksMs, () => {
      const now = world.now();
      if (stalledAt !== undefined && now - stalledAt >= limits.stallSeconds * 1_000) {
        current.destroy(new WireError('deadline', 'The client does not take its answer'));
      } else if (now - movedAt >= limits.idleSeconds * 1_000) {
        current.destroy(new WireError('deadline', 'Nothing happened for too long'));
      } else {
        later();
      }
    });
  };
  later();

  const moved = (bytes: Uint8Array | undefined): Uint8Array | undefined => {
    movedAt = world.now();
    return bytes;
  };

  const wrap = (wire: Wire): Wire => {
    current = wire;
    // A plain wire that became TLS may count as closed then: only the last one tells.
    void wire.closed.then(() => {
      if (current !== wire) return;
      look?.[Symbol.dispose]();
      closed.resolve();
    });
    const { secure } = wire;
    return {
      read: () => wire.read().then(moved),
      write: (bytes) => {
        movedAt = world.now();
        const full = wire.write(bytes);
        if (full === undefined) return undefined;
        stalledAt ??= movedAt;
        return full.finally(() => {
          stalledAt = undefined;
          movedAt = world.now();
        });
      },
      end: wire.end,
      destroy: wire.destroy,
      closed: wire.closed,
      peer: wire.peer,
      ...(wire.tls === undefined ? {} : { tls: wire.tls }),
      ...(secure === undefined ? {} : { secure: async (as) => wrap(await secure(as)) }),
    };
  };

  return {
    wire: wrap(inner),
    destroy: (why) => current.destroy(why),
    finish: () => {
      current.end();
      const late = world.after(finishMs, () => current.destroy());
      void closed.promise.then(() => late[Symbol.dispose]());
    },
    closed: closed.promise,
  };
}
