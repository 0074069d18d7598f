import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Secret } from '../../base/secret.ts';
import type { Denial } from '../../core/decision.ts';
import type { Count, Holding } from '../../core/held.ts';
import type { House, Seat, Stay } from '../../core/protocol.ts';
import type { Visitors } from '../../core/visitors.ts';
import type { Fields } from '../../http/headers.ts';
import type { Target } from '../../http/target.ts';
import type { MessageSocket } from './socket.ts';

/** One request of a signed-in client, and the way to answer it. */
export interface Exchange {
  readonly method: string;
  /** As the client named it: Host, or :authority. */
  readonly host: string;
  /** Inside the resource: without the segment that names it. */
  readonly target: Target;
  readonly fields: Fields;
  readonly stay: Stay;
  readonly body: Body;
  readonly reply: Reply;
  /** What is held of it and of its answer; given back when all of that has gone to the client, or nothing will. */
  readonly held: Holding;
  /** Aborts when the client has left or its session must end. */
  readonly signal: AbortSignal;
  /** What stands before the target in the client's URL: `/web`, or nothing where a host names the resource. */
  readonly prefix: string;
  /** The token of this gateway that the client showed. SECURITY: never for an upstream. */
  readonly token: Secret;
  /** The session of the same client with another resource, in the same run or the one that is named: what is asked for there is judged there. */
  readonly join: (resource: string, kind: string, run?: string) => ReturnType<Seat['join']>;
  /** Writes down that it was turned away before there was anything to judge; many alike become one entry. `why` holds nothing of the request. */
  readonly turnedAway: (why: string) => void;
}

/** A client that wants to go on with WebSocket (RFC 6455, 4.2). Until it is accepted it is answered like others. */
export interface SocketWish {
  /** Says 101; the connection carries nothing but messages from here on. */
  readonly accept: (protocol: string, held: Holding) => Promise<MessageSocket>;
  /** Aborts when the gateway wants connections to end by themselves. */
  readonly draining: AbortSignal;
}

export interface Body {
  /** As declared; undefined where it is chunked; 0 where there is none. */
  readonly length: number | undefined;
  /** All of it; undefined when it is longer than `most` bytes. Rejects with a WireError when the client broke off, and as `count` does. */
  readonly whole: (most: number, count?: Count) => Promise<Uint8Array | undefined>;
  /** A minute without a byte gives it up, where no other time is said. */
  readonly stream: (stalledMs?: number) => AsyncIterable<Uint8Array>;
}

export interface Reply {
  readonly started: boolean;
  /** Nothing happens where the client has left. */
  readonly start: (status: number, fields: Fields) => void;
  /** Gives a promise where the client must catch up first. Throws a WireError `closed` where it has left. */
  readonly write: (bytes: Uint8Array) => Promise<void> | undefined;
  /** Ends it, with these bytes where they are the last. Nothing happens where the client has left. */
  readonly end: (last?: Uint8Array) => void;
  /** Breaks off, so that the client sees that the answer is not whole. */
  readonly destroy: () => void;
  /** What HTTP/2 can do besides; absent in HTTP/1.1. Nothing happens where the client has left. */
  readonly over2?: {
    /** Ends an answer that was begun, with trailers. */
    readonly finish: (trailers: Fields) => void;
    /** Answers with a head and nothing else: the stream ends with it. */
    readonly headOnly: (status: number, fields: Fields) => void;
  };
}

export interface DoorParts {
  readonly house: House;
  readonly kind: string;
  /** The hosts that name a resource by themselves. */
  readonly hostsOf: (resource: string) => readonly string[];
  readonly serve: (exchange: Exchange) => Promise<void>;
  /** Serves a WebSocket until it is closed; absent: none is served. */
  readonly socket?: (exchange: Exchange, wish: SocketWish) => Promise<void>;
  /** Says a refusal in the words of the protocol. */
  readonly refuse: (
    reply: Reply,
    status: number,
    why: Denial,
    about: { readonly fields: Fields; readonly path: string },
  ) => void;
  /** Further parameters of the Bearer challenge (RFC 6750, 3), for this resource. */
  readonly challenge?: (resource: string, host: string, secure: boolean) => string;
  /** Browsers that sign in with the gateway's page; absent: cookies say nothing here. */
  readonly visitors?: Visitors | undefined;
  /** Answers what needs no sign-in (metadata documents); false where the path is none of these. */
  readonly open?: (
    path: string,
    about: { readonly host: string; readonly method: string; readonly secure: boolean },
    reply: Reply,
  ) => boolean;
}

/** Requests and answers of Node's HTTP/1.1 and HTTP/2. */
export type Incoming = IncomingMessage | Http2ServerRequest;
export type Outgoing = ServerResponse | Http2ServerResponse;
