import type { Check } from '../base/check.ts';
import type { Result } from '../base/result.ts';
import type { Secret } from '../base/secret.ts';
import type { Wire } from '../base/stream.ts';
import type { World } from '../base/time.ts';
import type { Action } from './action.ts';
import type { Entry } from './entry.ts';
import type { Decision, Denial, Outcome, Permit, Verdict } from './decision.ts';
import type { Held } from './held.ts';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import type { Log, Recorder } from './ports.ts';
import type { ReplayReader } from './replay.ts';
import type { ReviewId } from './review.ts';
import type { Resource, Session } from './session.ts';
import type { Visitors } from './visitors.ts';

/** A wire protocol the gateway speaks. One folder in protocols/, one line in protocols/index.ts. */
export interface Protocol {
  /** `postgres`: the `kind` of its resources and its key under `listen:`. */
  readonly name: string;
  readonly port: number; // where its clients expect it
  readonly verbs: Readonly<Record<string, string>>; // verb -> one line: feeds the policy checker and the docs
  readonly attributes: Readonly<Record<string, AttributeType>>; // of its actions, for the policy checker
  /** Reads a resource's entry of the configuration (without name, kind and tags). */
  readonly settings: Check<unknown>;
  /** Opens what the protocol keeps for all its sessions (catalogues, caches, cancel keys). */
  readonly start: (house: House) => Room;
  /** What its answers are made of (rows, texts) is whole before it is shown, so a model may read it; absent: it cannot wait for one. */
  readonly reads?: true;
  /** Reads what it recorded, to show it again; absent: answers are shown as text. */
  readonly replay?: () => ReplayReader;
}

export type AttributeType = 'string' | 'number' | 'boolean' | 'strings';

/** What a protocol may use of the running program: no global, no clock, no store, no policy. */
export interface House {
  readonly resources: readonly Resource[];
  readonly world: World;
  readonly limits: Limits;
  /** What all protocols hold whole of requests and answers. */
  readonly held: Held;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Connects to `host:port` (or `[v6]:port`). Rejects with a Fault `unreachable`. */
  readonly dial: (address: string, signal: AbortSignal) => Promise<Wire>;
  /** Runs a module's exported functions in a worker with a deadline; recycled after a crash or a miss. */
  readonly worker: (module: URL) => Worker;
  /** Key of masks that must be joinable and not guessable (hash). */
  readonly maskKey: Secret;
  /** The listener's certificate for TLS towards clients; absent: TLS is not offered. */
  readonly tls?: { readonly cert: string; readonly key: Secret };
  /** What the room must know again after a restart, by name; it is on disk when `set` has returned. Both throw a Fault `config`. */
  readonly kept?: {
    readonly get: (name: string) => string | undefined;
    readonly set: (name: string, text: string) => void;
  };
  /** Writes down what became of the definitions of tools. Rejects with a Fault `ledger`. */
  readonly pinned?: (
    entry: Omit<Extract<Entry, { readonly kind: 'tool.pin' }>, 'kind' | 'at'>,
  ) => Promise<void>;
  /** Browsers that sign in with a page of the gateway; absent: none can. */
  readonly visitors?: Visitors;
  /** The gateway's own doors, for a room that is a client of the others in its client's name; absent: it is nobody's. */
  readonly inside?: Inside;
}

/**
 * The gateway as its clients see it, without a network between. SECURITY: whoever comes in here shows the token of the one
 * it asks for, and is admitted, judged, masked and written down like everybody else.
 */
export interface Inside {
  /** A connection to the listener of this kind, as from `peer`. Throws a Fault `config` where there is none. */
  readonly connect: (kind: string, peer: string) => Wire;
  /** Says a text to a resource of this kind as its client would; undefined where this kind has no such client. */
  readonly say: (kind: string) => Room['say'];
  /** What a text would ask of this resource, with its kind; undefined where there is none. Nothing is executed. */
  readonly actions: (
    resource: string,
    text: string,
  ) => Promise<{ readonly kind: string; readonly actions: readonly Action[] } | undefined>;
  /** Asks the API. */
  readonly api: (ask: {
    readonly method: 'GET' | 'POST';
    readonly path: string;
    readonly body?: unknown;
    readonly token: Secret;
    readonly peer: string;
  }) => Promise<{ readonly status: number; readonly body: unknown }>;
}

export interface Worker extends AsyncDisposable {
  /** Calls `name` with a structured-cloneable argument. Rejects with a Fault `parser` on a crash or after `withinMs`. */
  readonly call: (name: string, argument: unknown, withinMs: number) => Promise<unknown>;
}

/** How often detectors found which type in a column of a resource that its database gives no tag. No value. */
export interface ColumnSeen {
  readonly resource: string;
  readonly object: string; // `public.customers`
  readonly column: string;
  /** Values that were searched. */
  readonly searched: number;
  /** Type (Presidio's name) -> values in which it was found. */
  readonly found: ReadonlyMap<string, number>;
}

export interface Room extends AsyncDisposable {
  /** What detectors found in columns since the start; absent where answers have no columns. */
  readonly seen?: () => Promise<readonly ColumnSeen[]>;
  /** Carries one client from first byte to last. Rejects only with a WireError (the peer's fault) or a Fault (ours). */
  readonly serve: (seat: Seat) => Promise<void>;
  /** Resolves when the resource answers, with one line about it; rejects with a Fault. */
  readonly probe: (resource: Resource, signal: AbortSignal) => Promise<string>;
  /** What a request would ask of the gate, as text a person gives: for `explain` and `scan`. Nothing is executed. */
  readonly actions: (resource: Resource, text: string) => Promise<readonly Action[]>;
  /**
   * Plays the client that a ticket no longer has: sends what `Waiting.errand` kept, once, over this wire to a session of its
   * own, and gives what the client would have been shown. Rejects with a Fault when it could not say all of it, or when
   * `signal` aborts.
   */
  readonly errand?: (wire: Wire, errand: Errand) => Promise<TicketResult>;
  /**
   * Plays a client that has nothing but a text: signs in over this wire, says it, and gives what it was shown. Rejects with a
   * Fault when the answer broke off, or when `signal` aborts.
   */
  readonly say?: (wire: Wire, saying: Saying) => Promise<TicketResult>;
}

/** One text, from whom, and how much of its answer is wanted. */
export interface Saying {
  readonly user: string;
  readonly token: Secret;
  readonly resource: string;
  readonly text: string;
  /** Values for the places that the text leaves open. */
  readonly values?: readonly (string | null)[];
  readonly stated?: Stated;
  readonly run?: string;
  /** What the client calls itself. */
  readonly client: string;
  /** How long it waits for a person at most. */
  readonly patienceMs: number;
  readonly rows: number;
  readonly bytes: number;
  /** Passes on what the client is told while it waits. */
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What a ticket keeps, and for whom. */
export interface Errand {
  readonly subject: string;
  readonly resource: string;
  /** What `Waiting.errand` gave. */
  readonly kept: string;
  /** No more of the answer is kept than this. */
  readonly bytes: number;
  readonly signal: AbortSignal;
}

/** What a client would have been shown: after the masks. */
export interface TicketResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** What the resource says of how it ended: `DELETE 3`. */
  readonly tag?: string;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly detail?: string;
    readonly hint?: string;
  };
  /** Rows that were answered and not kept, because there were too many. */
  readonly cut: number;
  /** Each answer by itself, where the text held several statements; what stands above is of the last. */
  readonly answers?: readonly Pick<TicketResult, 'columns' | 'rows' | 'tag' | 'cut'>[];
}

/** Neither holds anything that the client said: the resource only where there is one of that name. */
export interface TurnedAway {
  readonly resource: string;
  readonly why: string;
}

/** One client's place, from its first byte. */
export interface Seat {
  readonly client: Wire;
  /** Whether a connection without TLS may carry a token: loopback only, by default. */
  readonly plainAllowed: boolean;
  /** Checks who it is and which resource is wanted, opens the session and writes it down. */
  readonly admit: (claim: Claim) => Promise<Result<Admission, Denial>>;
  /**
   * For protocols in which every request says who asks (HTTP): the session of this token with this resource and run, from
   * this host; opened and written down when there is none, ended when nothing asked for it for a while. Any number of times.
   */
  readonly join: (claim: Claim) => Promise<Result<Stay, Denial>>;
  /** Writes down that a request was turned away before anybody could be judged; many alike become one entry. Absent: nobody keeps a record. */
  readonly turnedAway?: (what: TurnedAway) => void;
  /** An administrator's stop, expiry, or shutdown; `reason` says which. */
  readonly signal: AbortSignal;
  /** Resolves when the gateway wants the session to end at its next quiet moment (graceful drain). */
  readonly draining: AbortSignal;
}

/** One request's share of a session; disposed when its answer is over. */
export interface Stay extends Admission, Disposable {
  /** Aborts when the session must end now. */
  readonly signal: AbortSignal;
}

export interface Claim {
  /** The name the client gave; must be the token's subject. Absent where the protocol has none. */
  readonly user?: string;
  readonly token: Secret;
  readonly resource: string;
  readonly kind: string; // the protocol's name: a resource of another kind is not found
  readonly run?: string;
  readonly client?: string;
}

export interface Admission {
  readonly session: Session;
  readonly gate: Gate;
  readonly recorder: Recorder;
}

/** Everything a session may ask of the chamber between the two doors. */
export interface Gate {
  /**
   * Decides; waits for a person where the policy says so; has the answer written down. A read's permit may come before
   * its entry is on disk (see Permit.written); a write's permit and a refusal never do. Never rejects: what fails on
   * the way is a refusal. Gives the verdict itself, not a promise, where nothing has to be waited for.
   */
  readonly ask: (ask: Ask) => Verdict | Promise<Verdict>;
  /**
   * Judges a statement that is only prepared or bound: nothing of it runs yet, so a permit (and a decision that needs a
   * review at execution) leaves no entry; a refusal does. The permit covers the bytes of that one step and is not `done`.
   */
  readonly prepare: (action: Action, text?: string) => Verdict | Promise<Verdict>;
  /**
   * What would be decided of it, for lists that show only what could be used: no entry, no permit, no promise.
   * Absent where nobody can tell.
   */
  readonly foresee?: (action: Action) => Decision['kind'];
  /**
   * Judges anew what was permitted before: an answer to it that comes later is shown by what this gives. Nothing may be sent under it.
   * A refusal where the policy in force denies it, or wants a person asked who was not; written down like any.
   */
  readonly again: (permit: Permit) => Verdict | Promise<Verdict>;
  /** Says how a permitted action ended. Exactly once per permit. */
  readonly done: (permit: Permit, outcome: Outcome) => void;
  /** The same for resources that are called, not connected to: throws a Fault `bug` without a live permit. */
  readonly guardCalls: <Request, Answer>(
    call: (request: Request) => Answer,
  ) => (permit: Permit, request: Request) => Answer;
  /** Puts a connection to the resource behind the gate: from here on it takes no client's bytes without a live permit. */
  readonly guard: (wire: Wire) => Upstream;
}

export interface Ask {
  readonly action: Action;
  /** What was really sent, where the action stands for all texts that differ from it in compared constants only. */
  readonly text?: string;
  /** Digest of bound values and their formats, hex: the same text with other values is another request. */
  readonly values?: string;
  /** What the client said of its reasons (`SET sallyport.reason`, a header): recorded and shown to reviewers, never trusted. */
  readonly stated?: Stated;
  /** What the protocol says and does while its client waits for a review; called only where one is needed. Absent: nobody can wait here. */
  readonly wait?: () => Waiting | Promise<Waiting>;
}

/** A client that waits for a person. Everything here is bound to the approval, or only tells of it. */
export interface Waiting extends Disposable {
  /** Passes a line to the waiting client, where its protocol has a way to say one. Never throws. */
  readonly tell: (line: string) => void;
  /** Aborts when the client withdraws (cancel, disconnect); `signal.reason` is an Error whose message says which. */
  readonly signal: AbortSignal;
  /** Why it must not wait longer than this (an open transaction holds locks). */
  readonly limit?: { readonly why: string };
  /** How long the client itself wants to wait at most; 0: it wants a ticket at once. */
  readonly patienceMs?: number;
  /** When it has waited so long, the request waits on as a ticket; else nobody answered in time. */
  readonly thenTicket?: true;
  /**
   * Nobody's connection waits: the request is a ticket from the start, which outlives this process, and whoever sends the same
   * with this again goes on waiting for it. It waits as long as an answer can count.
   */
  readonly lasting?: {
    /** Told of the review once it is written down. Must not throw. */
    readonly asked: (review: ReviewId) => void;
    /** Aborts when nobody waits here any more and the ticket waits on by itself. */
    readonly left: AbortSignal;
  };
  /** Bound values as a person would read them, where there are any. */
  readonly values?: readonly string[];
  /** The whole text the action came in, where other statements come with it: it is bound too. */
  readonly within?: string;
  /**
   * The text without the constants in which requests of one class may differ. Two texts with one shape must do the same to
   * the same objects by the same columns, and only choose other rows. Absent: a class has one text.
   */
  readonly shape?: string;
  /** The texts without any constant, for readers who may not see what is in them; absent: those see nothing of it. */
  readonly veiled?: { readonly text: string; readonly within?: string };
  /** Settings of the session that change what the text means (`search_path`, `role`), by name. */
  readonly settings: Readonly<Record<string, string>>;
  readonly stated?: Stated;
  /** All that the protocol needs to send this again by itself, on a connection like this one; absent where that could mean something else. */
  readonly errand?: string;
  /** Rows it would touch, from a plan that is never executed. */
  readonly estimate?: () => Promise<{ readonly rows: number; readonly about: string } | undefined>;
  /** What the request means now, right before it would run; undefined where that cannot be told any more. */
  readonly again: () => Promise<
    { readonly action: Action; readonly settings: Readonly<Record<string, string>> } | undefined
  >;
}

export interface Stated {
  readonly reason?: string;
  readonly ticket?: string;
  /** Asks to go past `soft` denies: needs reason and ticket, and is written down and told at once. */
  readonly breakGlass?: true;
}

export interface Upstream {
  readonly read: () => Promise<Uint8Array | undefined>;
  /**
   * Sends a client's bytes: one or more requests, each with its permit, and the upkeep between them.
   * Throws a Fault `bug` when there is no permit, or one is not the gate's or has ended.
   */
  readonly send: (permits: readonly Permit[], bytes: Uint8Array) => Promise<void> | undefined;
  /** Sends bytes that the gateway itself made (protocol upkeep such as Sync, Describe, Terminate): never a client's statement. */
  readonly say: (bytes: Uint8Array) => Promise<void> | undefined;
  readonly destroy: (why?: Error) => void;
  readonly closed: Promise<void>;
}
