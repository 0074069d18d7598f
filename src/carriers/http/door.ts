import { createServer as createHttp } from 'node:http';
import { WireError } from '../../base/errors.ts';
import type { Wire } from '../../base/stream.ts';
import type { Seat } from '../../core/protocol.ts';
import { mostHeaderBytes, serveHttp2, startsHttp2 } from './door2.ts';
import type { DoorParts } from './exchange.ts';
import { Visit } from './visit.ts';
import { WireDuplex } from './wire-duplex.ts';

/** Carries HTTP/1.1 and HTTP/2 clients: parses, signs in every request, finds its resource, and hands it on. */
export function httpDoor(parts: DoorParts): (seat: Seat) => Promise<void> {
  const visits = new WeakMap<object, Visit>();
  const plain = createHttp(
    {
      insecureHTTPParser: false,
      maxHeaderSize: mostHeaderBytes,
      requireHostHeader: true,
      keepAliveTimeout: 0,
    },
    (request, response) => visits.get(request.socket)?.inTurn(request, response),
  );
  // Else Node answers by itself, and nobody hears of it.
  plain.on('checkExpectation', (request, response) => visits.get(request.socket)?.inTurn(request, response));
  listenForTroubles(plain, (stream, why) => visits.get(stream)?.broken(why));
  plain.on('upgrade', (request, tunnel, head) => visits.get(tunnel)?.upgrade(request, head));
  return async (seat) => {
    const opened = await open(parts, seat);
    if (opened === undefined) return;
    const { wire, ahead } = opened;
    const stream = new WireDuplex(wire, { ahead });
    const visit = new Visit(parts, seat, wire, stream);
    if (wire.tls?.alpn === 'h2' || startsHttp2(ahead)) serveHttp2(visit, stream);
    else {
      visits.set(stream, visit);
      plain.emit('connection', stream);
    }
    stream.on('error', () => undefined); // told by `closed`
    await visit.over();
  };
}

function listenForTroubles(
  server: ReturnType<typeof createHttp>,
  tell: (stream: object, why: WireError) => void,
): void {
  server.on('clientError', (error: NodeJS.ErrnoException, broken) => {
    const what = /^[A-Z_]{1,60}$/.exec(error.code ?? '')?.[0] ?? 'no code';
    tell(broken, new WireError('bad-message', `The request could not be read (${what})`));
    if (broken.writable) broken.end(`HTTP/1.1 400 Bad Request\r\n${closing}`, () => broken.destroy());
    else broken.destroy();
  });
  server.on('connect', (_request, tunnel) => {
    tell(tunnel, new WireError('unsupported', 'This method is not served'));
    tunnel.destroy();
  });
}

const closing = 'Connection: close\r\nContent-Length: 0\r\n\r\n';

/** The first bytes say whether it is TLS. */
async function open(
  { house }: DoorParts,
  seat: Seat,
): Promise<{ readonly wire: Wire; readonly ahead?: Uint8Array } | undefined> {
  const stop = (): void => {
    const { reason } = seat.signal as { readonly reason: unknown };
    seat.client.destroy(reason instanceof Error ? reason : undefined);
  };
  seat.signal.addEventListener('abort', stop, { once: true });
  const bytes = await seat.client.read();
  seat.signal.removeEventListener('abort', stop);
  if (bytes === undefined) return undefined;
  const ahead = bytes.slice();
  if (ahead[0] !== 0x16) return { wire: seat.client, ahead };
  if (house.tls === undefined || seat.client.secure === undefined) {
    throw new WireError('unsupported', 'TLS is not offered here');
  }
  const wire = await seat.client.secure({
    kind: 'server',
    cert: house.tls.cert,
    key: house.tls.key.reveal('TLS towards clients'),
    alpn: ['h2', 'http/1.1'],
    ahead,
  });
  return { wire };
}
