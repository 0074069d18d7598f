import { Lru } from '../base/lru.ts';
import type { Session } from '../core/session.ts';

const kept = 20_000;
const most = 200;

/**
 * What a client has seen so far, over all sessions and protocols: the tags of data that it was shown in clear, and what its
 * resources say of themselves (`untrusted`).
 *
 * SECURITY: it is remembered by the token too, which a client cannot change by itself, and not only by the run that it declares.
 */
export class Taint {
  readonly #seen: Lru<string, Set<string>> = new Lru(kept);
  /** Changes whenever something is seen that was not. */
  version = 0;

  /** Sorted; empty where it has seen nothing that has a name. */
  saw(session: Session): readonly string[] {
    const all = new Set<string>();
    for (const key of keysOf(session)) for (const each of this.#seen.get(key) ?? []) all.add(each);
    return all.size === 0 ? [] : [...all].toSorted();
  }

  add(session: Session, what: readonly string[]): void {
    if (what.length === 0) return;
    for (const key of keysOf(session)) {
      const seen = this.#seen.get(key) ?? new Set();
      const before = seen.size;
      for (const each of what) if (seen.size < most) seen.add(each);
      if (seen.size > before) this.version += 1;
      this.#seen.set(key, seen);
    }
  }
}

/** The tags of a resource that say something of what it answers with. */
export function saysOf(tags: readonly string[]): readonly string[] {
  return tags.filter((tag) => tag === 'untrusted' || tag === 'private' || tag.startsWith('data/'));
}

function keysOf({ identity, run }: Session): readonly string[] {
  const { subject, proof } = identity;
  const token = JSON.stringify(['token', proof.tokenId]);
  return run === undefined ? [token] : [token, JSON.stringify(['run', subject, run])];
}
