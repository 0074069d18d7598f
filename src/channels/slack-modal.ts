import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { World } from '../base/time.ts';
import type { Click } from './click.ts';

/** What a form was opened for goes out with it, sealed, and comes back with what was typed. */
export interface Modals {
  readonly seal: (click: Click) => string;
  /** Undefined where it is not ours, was opened for somebody else, or too long ago. */
  readonly open: (
    sealed: string,
    account: string,
  ) => { readonly place: string; readonly button: string } | undefined;
}

const openMs = 15 * 60_000;

/** The key lives as long as the process: forms from before a restart count no more. */
export function modals(world: World): Modals {
  const key = randomBytes(32);
  const mac = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return {
    seal: ({ account, place, button }) => {
      const text = JSON.stringify([account, place, button, world.now()]);
      return `${mac(text).toString('hex')}.${text}`;
    },
    open: (sealed, account) => {
      const text = sealed.slice(65);
      const given = Buffer.from(sealed.slice(0, 64), 'hex');
      if (given.length !== 32 || !timingSafeEqual(given, mac(text))) return undefined;
      const [by, place, button, at] = JSON.parse(text) as [string, string, string, number]; // ours, by its seal
      return by === account && world.now() - at <= openMs ? { place, button } : undefined;
    },
  };
}
