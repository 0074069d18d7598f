import type { Result } from '../base/result.ts';
import type { Secret } from '../base/secret.ts';
import type { Instant } from '../base/time.ts';
import type { Denial } from './decision.ts';

/** Somebody with a browser who has signed in: the cookie's id stands for this, and for nothing else. */
export interface Visitor {
  readonly subject: string;
  /** The token of this gateway by which each request is admitted. SECURITY: never leaves the process. */
  readonly token: Secret;
}

/** From where a browser asks: its address, and the origin that it sees (`https://shop.example`). */
export interface BrowserAt {
  readonly peer: string;
  readonly origin: string;
}

/** What a person typed into the page. */
export interface SignInAttempt {
  /** The name of the way to sign in: one of `Visitors.ways`. */
  readonly way: string;
  readonly name: string;
  readonly secret: Secret;
  /** The resource the person wanted, where one is named. */
  readonly resource?: string;
}

/** The browsers that have signed in at this gateway. */
export interface Visitors {
  /** The ways to sign in, in the order in which they are offered. */
  readonly ways: readonly string[];
  /** Checks it and writes it down; gives the id for the cookie, once. Every failure is an error that says no more than the page may show. */
  readonly signIn: (
    attempt: SignInAttempt,
    at: BrowserAt,
  ) => Promise<Result<{ readonly id: Secret; readonly until: Instant }, Denial>>;
  /** Who holds this id at this origin; counts as use. Undefined where nobody does, or not any more. */
  readonly find: (id: Secret, at: BrowserAt) => Visitor | undefined;
  /** Ends it, with the sessions it has open; nothing where it is none. Rejects with a Fault `ledger`. */
  readonly signOut: (id: Secret, why: 'signed out' | 'token refused') => Promise<void>;
}
