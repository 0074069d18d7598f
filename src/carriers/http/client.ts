import { Fault } from '../../base/errors.ts';
import type { SecureAs, Wire } from '../../base/stream.ts';
import type { World } from '../../base/time.ts';
import type { Fields } from '../../http/headers.ts';
import type { Patience } from '../../http/patience.ts';
import type { Upstream } from '../../http/upstream.ts';
import { Call, lateBy } from './call.ts';
import { Connections } from './connections.ts';
import { type MessageSocket, openSocket, type SocketRequest } from './socket.ts';
import { WireDuplex } from './wire-duplex.ts';

export interface HttpClientParts {
  /** `host:port`. */
  readonly address: string;
  /** What the resource is called in Host; `address` where it is not said. */
  readonly authority?: string;
  readonly tls?: Extract<SecureAs, { kind: 'client' }>;
  readonly dial: (address: string, signal: AbortSignal) => Promise<Wire>;
  readonly patience: Patience;
  readonly world: World;
  /** Connections kept at most; one client gets half of them. */
  readonly connections?: number;
}

/** For a client of this resource. */
export function towardsUpstream(
  { address, authority, tls, patience }: Upstream,
  { dial, world }: Pick<HttpClientParts, 'dial' | 'world'>,
): HttpClientParts {
  return {
    address,
    authority,
    dial,
    patience,
    world,
    ...(tls === undefined ? {} : { tls: { kind: 'client', ...tls } }),
  };
}

export interface HttpRequest {
  readonly method: string;
  readonly path: string; // with the query
  readonly fields: Fields; // without host and length
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /** For whom: nobody gets all connections to a resource. */
  readonly whose?: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly fields: Fields;
  /** Read once; breaking off drops the connection. Throws a Fault `upstream-closed` or `upstream-late`. */
  readonly body: Arriving;
}

export interface Arriving extends AsyncIterable<Uint8Array> {
  /** All of it where it is here already, and then it has been read; undefined where it must be read as it comes. */
  readonly arrived?: () => Uint8Array | undefined;
}

/** Calls one resource over kept connections. Redirects are answers like others; nothing is tried twice. */
export interface HttpClient extends AsyncDisposable {
  /** Rejects with a Fault `unreachable`, `upstream-closed` or `upstream-late`. */
  readonly call: (request: HttpRequest) => Promise<HttpResponse>;
  /** Opens a WebSocket on a connection of its own. Rejects like `call`. */
  readonly socket: (wanted: SocketRequest) => Promise<MessageSocket>;
}

const mostConnections = 512;

export function httpClient(parts: HttpClientParts): HttpClient {
  const most = parts.connections ?? mostConnections;
  const connections = new Connections({
    world: parts.world,
    most,
    mostOfOne: Math.ceil(most / 2),
    connect: () => connectTo(parts),
  });
  return {
    call: (request) => new Call(parts, connections, request).answer(),
    socket: async (wanted) => {
      const { address, authority = address, patience } = parts;
      const stream = new WireDuplex(await connectTo(parts));
      return openSocket(stream, { ...wanted, authority, withinMs: patience.firstByteMs });
    },
    [Symbol.asyncDispose]: () => {
      connections[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

/** Connected and, where it is so configured, secured, within one deadline. */
export async function connectTo({ address, tls, dial, patience, world }: HttpClientParts): Promise<Wire> {
  const late = new AbortController();
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => undefined);
  using _ = world.after(patience.connectMs, () => {
    const why = lateBy('could not be connected to', patience.connectMs);
    over.reject(why);
    late.abort(why);
  });
  const opening = dial(address, late.signal).then((wire) => {
    if (late.signal.aborted) wire.destroy();
    if (tls === undefined) return wire;
    if (wire.secure === undefined) throw new Fault('bug', 'TLS inside TLS');
    return wire.secure({ ...tls, signal: late.signal });
  });
  opening.catch(() => undefined); // where nobody waits for it any more
  return await Promise.race([opening, over.promise]);
}

/** Node's flat list of names and values, as pairs with lower-case names. */
export function fieldsOf(raw: readonly string[]): Fields {
  const fields: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    if (!name.startsWith(':')) fields.push([name, raw[at + 1] ?? '']);
  }
  return fields;
}
