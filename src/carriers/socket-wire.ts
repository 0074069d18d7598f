import type { Socket } from 'node:net';
import type { Wire } from '../base/stream.ts';
import { peerOf } from './address.ts';
import { rawWire, rawWires } from './raw-wire.ts';
import { streamWire } from './stream-wire.ts';
import { secureSocket } from './tls.ts';

/** `fast` is over the socket's handle where this Node lets us, else over streams; both keep the same promises. */
export type Carrier = 'fast' | 'streams';

/** A connected TCP socket, paused and never read, as a wire. */
export function socketWire(socket: Socket, carrier: Carrier = 'fast'): Wire {
  const peer = peerOf(socket);
  const make = carrier === 'fast' && rawWires(socket) ? rawWire : streamWire;
  const wire = make(socket, {
    peer,
    secure: (as) => secureSocket(socket, as, { peer, early: wire.detach() }),
  });
  return wire;
}
