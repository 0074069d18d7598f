import { constants, createServer, type Http2Session } from 'node:http2';
import { WireError } from '../../base/errors.ts';
import { mostFields } from './asker.ts';
import type { Visit } from './visit.ts';
import type { WireDuplex } from './wire-duplex.ts';

/** Of one request's header fields, names and values together, in HTTP/1.1 and HTTP/2. */
export const mostHeaderBytes = 65_536;

/** Streams that one connection may have open at once: told to the client, and kept to (RFC 9113, 5.1.2). */
const mostStreams = 100;
/**
 * Requests of one connection that may be worked on at once. SECURITY: a stream that its client resets counts no longer among those
 * that are open, but the work that it began does (CVE-2023-44487).
 */
const mostWorked = 200;
/** Streams that a client may reset at once, and in each second after that; then its connection ends. */
const resets = { streamResetBurst: 500, streamResetRate: 50 };

/** Whether the first bytes are the preface of HTTP/2 (RFC 9113, 3.4): prior knowledge, without TLS or where ALPN named nothing. */
export function startsHttp2(ahead: Uint8Array | undefined): boolean {
  return ahead !== undefined && Buffer.from(ahead.subarray(0, 14)).toString('latin1') === 'PRI * HTTP/2.0';
}

/** Carries one connection of HTTP/2. */
export function serveHttp2(visit: Visit, stream: WireDuplex): void {
  let talk: Http2Session | undefined;
  let worked = 0;
  const server = createServer(
    {
      settings: { maxConcurrentStreams: mostStreams, maxHeaderListSize: mostHeaderBytes, enablePush: false },
      maxHeaderListPairs: mostFields,
      maxSessionInvalidFrames: 20,
      maxSessionRejectedStreams: 50,
      maxOutstandingPings: 10,
      ...resets,
    },
    (request, response) => {
      worked++;
      if (worked > mostWorked) {
        visit.broken(new WireError('too-large', `More than ${mostWorked} requests under way`));
        talk?.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
        stream.destroy();
        return;
      }
      void visit.attend(request, response).finally(() => worked--);
    },
  );
  server.on('sessionError', () => {
    visit.broken(new WireError('bad-message', 'The HTTP/2 connection could not be read'));
    stream.destroy();
  });
  // Tells the client to ask elsewhere; what is under way goes on (RFC 9113, 6.8).
  server.on('session', (session) => {
    talk = session;
    visit.onDrain(() => session.close());
    visit.parsed = new Promise((resolve) => {
      session.once('close', () => resolve(visit.closedByParser()));
    });
  });
  server.emit('connection', stream);
}
