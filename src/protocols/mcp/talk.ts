import type { HttpRequest, HttpResponse } from '../../carriers/http/client.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import type { Lru } from '../../base/lru.ts';
import type { Permit } from '../../core/decision.ts';
import type { Gate, House } from '../../core/protocol.ts';
import type { MaskKey } from '../../mask/index.ts';
import type { ReviewId } from '../../core/review.ts';
import type { HeldTasks } from './held/store.ts';
import type { Inner } from './inner.ts';
import type { Message } from './message.ts';
import type { Pins } from './pins.ts';
import type { McpSettings } from './settings.ts';
import type { Tasks } from './tasks.ts';

export interface ToolboxParts {
  readonly house: House;
  readonly settings: McpSettings;
  /** The servers behind this resource, as one that speaks streamable HTTP. */
  readonly call: (request: HttpRequest, exchange?: Exchange) => Promise<HttpResponse>;
  readonly maskKey: MaskKey;
  /** Sessions that servers opened (2025-11-25, Session Management): whose each is. */
  readonly talks: Lru<string, Talk>;
  readonly pins: Pins;
  /** Tasks of the servers. */
  readonly tasks: Tasks;
  /** Tasks of the gateway: calls that wait for people. */
  readonly held: HeldTasks;
  /** Aborts when the gateway stops. */
  readonly stop: AbortSignal;
}

/** One session of a server with one identity. */
export interface Talk {
  readonly owner: string;
  /**
   * What the client asked and the server has not answered yet, with the permit under whose masks the answer is shown, on
   * whatever stream it comes.
   */
  readonly asked: Map<
    string | number,
    {
      readonly permit: Permit;
      readonly request: Extract<Message, { kind: 'request' }>;
      readonly inner: Inner;
    }
  >;
  /** What the server asked and the client has not answered yet, by its id; each with the permit under which it asked. */
  readonly open: Map<string | number, { readonly gate: Gate; readonly permit: Permit }>;
  /** Whether the server goes on with calls by itself where it is asked to (2025-11-25, Tasks). */
  tasks?: boolean;
}

/** A call that goes on without its client once people are asked. */
export interface Lasting {
  /** Told of the review, and of what its client would be told while it waits. */
  readonly asked: (review: ReviewId) => void;
  readonly tell: (line: string) => void;
  /** Aborts when nobody waits here any more, and the review waits on. */
  readonly left: AbortSignal;
  /** Told right before it is sent. Throws where that cannot be kept: then it must not be. */
  readonly runs: () => void;
}

export interface Asked {
  readonly exchange: Exchange;
  readonly message: Message | undefined; // undefined for GET and DELETE
  readonly modern: boolean;
  readonly session: string | undefined;
  readonly talk: Talk | undefined;
  readonly lasting?: Lasting;
}

/** SECURITY: an id of a session is worth nothing to anybody else, however it became known. */
export function ownerOf({ stay }: Exchange): string {
  const { subject, actingFor } = stay.session.identity;
  return JSON.stringify([subject, actingFor?.subject ?? null]);
}

export function keyOf({ stay }: Exchange, session: string): string {
  return `${stay.session.resource.name} ${session}`;
}
