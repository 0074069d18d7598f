import type { Socket } from 'node:net';
import { WireError } from '../base/errors.ts';
import type { Wire } from '../base/stream.ts';

/** How many bytes a stream may hold before `write` asks its caller to wait. */
const highWaterBytes = 65_536;
/** How long a peer may take to end its side after we ended ours. */
export const lingerMs = 2_000;

export interface StreamOptions {
  readonly peer: string;
  readonly tls?: Wire['tls'];
  readonly secure?: Wire['secure'];
  /** The socket copies what it is given before `write` returns (TLS encrypts it). */
  readonly copies?: boolean;
}

/** A wire over Node's stream layer: for TLS, and where the faster carrier is not available. */
export function streamWire(
  socket: Socket,
  options: StreamOptions,
): Wire & { readonly detach: () => Uint8Array } {
  const closed = Promise.withResolvers<void>();
  let reader: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  let ended = socket.readableEnded; // by the peer
  let finished = false; // by us
  let failure: Error | undefined;

  const take = (): void => {
    if (reader === undefined) return;
    const chunk = socket.read() as Buffer | null;
    if (chunk === null && !ended) return;
    reader.resolve(chunk === null ? undefined : plain(chunk));
    reader = undefined;
  };
  const onEnd = (): void => {
    ended = true;
    take();
  };
  const onError = (error: Error): void => {
    failure ??= closedBy(error);
  };
  const onClose = (): void => {
    failure ??= new WireError('closed', 'Connection closed');
    if (ended) reader?.resolve(undefined);
    else reader?.reject(failure);
    reader = undefined;
    closed.resolve();
  };
  socket.on('readable', take).on('end', onEnd).on('error', onError).on('close', onClose);

  return {
    peer: options.peer,
    closed: closed.promise,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.secure === undefined ? {} : { secure: options.secure }),
    read: () => {
      if (reader !== undefined) return Promise.reject(new WireError('closed', 'Read twice at once'));
      if (failure !== undefined && !ended) return Promise.reject(failure);
      reader = Promise.withResolvers();
      const { promise } = reader;
      if (socket.destroyed) onClose();
      else take();
      return promise;
    },
    write: (bytes) => {
      if (failure !== undefined) return Promise.reject(failure);
      if (bytes.length === 0) return undefined;
      const busy = socket.writableLength > 0;
      const done = Promise.withResolvers<void>();
      // While one write is under way the stream keeps the next by reference: the caller may reuse its memory.
      socket.write(busy ? Buffer.from(bytes) : bytes, (error) => {
        if (error === undefined || error === null) done.resolve();
        else done.reject(closedBy(error));
      });
      if (
        socket.writableLength === 0 ||
        (options.copies === true && socket.writableLength < highWaterBytes)
      ) {
        done.promise.catch(ignore);
        return undefined;
      }
      return done.promise;
    },
    end: () => {
      if (finished) return;
      finished = true;
      socket.end();
      linger(socket);
    },
    destroy: (why) => {
      if (failure === undefined) failure = closedBy(why);
      socket.destroy();
    },
    detach: () => {
      socket.off('readable', take).off('end', onEnd).off('error', onError).off('close', onClose);
      socket.once('close', () => closed.resolve());
      return (socket.read() as Buffer | null) ?? Buffer.alloc(0);
    },
  };
}

/** Waits for the peer's end, so that it can read our last word and is not reset; but not for ever. */
function linger(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** The same bytes without Buffer's slice(), which would share the memory where a copy is meant. */
function plain(chunk: Buffer): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
}

/** What a broken connection is to its user; the reason stays as the cause. */
export function closedBy(reason?: unknown): WireError {
  if (reason instanceof WireError) return reason;
  const error = new WireError('closed', 'Connection closed');
  if (reason !== undefined) error.cause = reason;
  return error;
}

function ignore(): void {
  // Nobody waits for this write; a broken connection shows at the next read or write.
}
