import type { World } from '../base/time.ts';

/** Remembers what was seen for a while. */
export interface Seen {
  /** `new` the first time; `full` when there is no room to remember it: then it must not count either. */
  readonly add: (key: string) => 'new' | 'again' | 'full';
}

const most = 50_000;

/** INVARIANT: what was seen in the last `forMs` is known; the oldest is forgotten only when it is older. */
export function seen(forMs: number, world: World): Seen {
  const at = new Map<string, number>(); // in the order of time
  return {
    add: (key) => {
      const now = world.now();
      for (const [old, when] of at) {
        if (when + forMs > now) break;
        at.delete(old);
      }
      if (at.has(key)) return 'again';
      if (at.size >= most) return 'full';
      at.set(key, now);
      return 'new';
    },
  };
}
