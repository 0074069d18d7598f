import type { Socket } from 'node:net';
import type { Wire } from '../base/stream.ts';
import { peerOf } from './address.ts';
import { streamWire } from './stream-wire.ts';
import { secureSocket } from './tls.ts';

/** A connected TCP socket, paused and never read, as a wire. */
export function socketWire(socket: Socket): Wire {
  const peer = peerOf(socket);
  const wire = streamWire(socket, {
    peer,
    secure: (as) => {
      wire.detach();
      const early = socket.read() as Buffer | null;
      return secureSocket(socket, as, { peer, early: early ?? Buffer.alloc(0) });
    },
  });
  return wire;
}
