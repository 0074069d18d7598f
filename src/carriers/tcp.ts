import { connect, createServer } from 'node:net';
import { Fault } from '../base/errors.ts';
import type { Wire } from '../base/stream.ts';
import { joinAddress, parseAddress } from './address.ts';
import { type Carrier, socketWire } from './socket-wire.ts';

export interface ListenOptions {
  readonly host: string;
  readonly port: number; // 0: any free one
  /** Takes over a new connection and sees to its end. */
  readonly onWire: (wire: Wire) => void;
  /** Stops listening; connections that are open live on. */
  readonly signal?: AbortSignal;
  readonly carrier?: Carrier;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Stops listening at once; connections that are open live on. */
  readonly close: () => Promise<void>;
}

const keepAliveMs = 60_000;

/**
 * Listens for TCP connections; resolves once it does.
 * @throws {Fault} `config` when the port cannot be had
 */
export async function listenTcp({ host, port, onWire, signal, carrier }: ListenOptions): Promise<Listener> {
  const server = createServer({
    pauseOnConnect: true,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
  });
  server.on('connection', (socket) => onWire(socketWire(socket, carrier)));
  await new Promise<void>((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => {
      const reason = listenReasons[error.code ?? ''] ?? error.code ?? 'unknown reason';
      reject(new Fault('config', `Cannot listen on ${joinAddress(host, port)}: ${reason}`, { cause: error }));
    };
    server.once('error', refused);
    server.listen(port, host, () => {
      server.off('error', refused);
      // A failed accept (out of descriptors) is not the end of the listener: the next may succeed.
      server.on('error', () => {});
      resolve();
    });
  });
  const close = (): Promise<void> => {
    signal?.removeEventListener('abort', stop);
    server.close();
    return Promise.resolve();
  };
  const stop = (): void => void server.close();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  const address = server.address();
  return {
    host,
    port: address !== null && typeof address === 'object' ? address.port : port,
    close,
  };
}

/**
 * Connects to `host:port` or `[v6]:port`.
 * @throws {Fault} `unreachable` when nobody answers there in time, `stopping` when `signal` aborts first
 */
export function dialTcp(
  address: string,
  signal: AbortSignal,
  timeoutMs: number,
  carrier?: Carrier,
): Promise<Wire> {
  const place = parseAddress(address);
  if (place === undefined) {
    return Promise.reject(
      new Fault('unreachable', `Cannot reach "${address}": expected host:port or [v6]:port`),
    );
  }
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(stopped(address));
      return;
    }
    const socket = connect({
      ...place,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    });
    socket.pause(); // nothing is read before somebody asks for it
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError).off('connect', onConnect);
    };
    const fail = (fault: Fault): void => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
      reject(fault);
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      const reason = dialReasons[error.code ?? ''] ?? error.code ?? 'unknown reason';
      fail(new Fault('unreachable', `Cannot reach ${address}: ${reason}`, { cause: error }));
    };
    const onAbort = (): void => fail(stopped(address));
    const onConnect = (): void => {
      settle();
      resolve(socketWire(socket, carrier));
    };
    const timer = setTimeout(
      () =>
        fail(new Fault('unreachable', `Cannot reach ${address}: no answer within ${timeoutMs / 1_000} s`)),
      timeoutMs,
    );
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError).once('connect', onConnect);
  });
}

function stopped(address: string): Fault {
  return new Fault('stopping', `Connecting to ${address} was given up`);
}

const listenReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; stop what uses it or choose another port',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'not permitted; choose a port above 1023 or grant the right to bind it',
};

const dialReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'it closed the connection',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name could not be resolved',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  EADDRNOTAVAIL: 'no local address or port left for it',
  EMFILE: 'out of file descriptors',
};
