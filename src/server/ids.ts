import type { World } from '../base/time.ts';
import type { SessionId } from '../core/session.ts';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford's base 32, in the order of its values

/** A session's name: 10 characters of time and 16 of chance (80 bits): sorts by start, cannot be guessed. */
export function newSessionId(world: World): SessionId {
  let at = world.now() as number;
  let time = '';
  for (let index = 0; index < 10; index++) {
    time = (alphabet[at % 32] ?? '0') + time;
    at = Math.floor(at / 32);
  }
  const chance = [...world.random(16)].map((byte) => alphabet[byte % 32] ?? '0').join('');
  return `${time}${chance}` as SessionId; // the one place where a session's id is made
}
