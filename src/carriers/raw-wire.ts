import type { Socket } from 'node:net';
import { WireError } from '../base/errors.ts';
import type { Wire } from '../base/stream.ts';
import { closedBy, lingerMs, type StreamOptions } from './stream-wire.ts';

/**
 * What Node keeps below its streams (source, lib/internal/stream_base_commons.js, src/stream_base.cc). Private, so it
 * is looked for and never relied on: without it every wire is a `streamWire`, which is slower and does the same.
 */
interface Handle {
  onread: unknown; // called after each read; the buffer it gives takes the next bytes
  readonly readStart: () => number;
  readonly readStop: () => number;
  readonly useUserBuffer: (buffer: Uint8Array) => void;
  readonly writeBuffer: (request: Request, bytes: Uint8Array) => number;
  readonly shutdown: (request: Request) => number;
}

interface Request {
  oncomplete?: (status: number) => void;
  /** Keeps the memory alive while the kernel has not taken all of it. */
  buffer?: Uint8Array;
}

interface Binding {
  readonly WriteWrap: new () => Request;
  readonly ShutdownWrap: new () => Request;
  readonly streamBaseState: Readonly<Record<number, number>>;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

const empty = new Uint8Array(0);
const endOfFile = -4_095; // UV_EOF

/**
 * Every handle reads into this one; what came is copied out before anything else can happen, so that an idle connection
 * holds nearly nothing and no view of these bytes, which soon are another session's, ever leaves this file.
 */
const landing = new Uint8Array(131_072);
const leastBytes = 1_024;

const binding = found();

/** Whether this Node has what `rawWire` needs. */
export function rawWires(socket: Socket): boolean {
  return binding !== undefined && handleOf(socket) !== undefined;
}

/**
 * A wire straight over the socket's handle: no stream, and no tick between what came and its reader. The socket must be
 * paused and never read; it stays the owner of the handle and closes it.
 *
 * INVARIANT: what was read lies in memory of this wire's own until the next `read`. Meanwhile at most one more chunk is
 * taken in; then the handle stops until somebody asks.
 */
export function rawWire(
  socket: Socket,
  options: StreamOptions,
): Wire & { readonly detach: () => Uint8Array } {
  const handle = handleOf(socket);
  if (binding === undefined || handle === undefined)
    throw new TypeError('No raw handles here: see rawWires()');
  const { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = binding;
  const before = handle.onread;
  const closed = Promise.withResolvers<void>();
  let reader: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  let pending: Uint8Array | undefined; // read, and not asked for yet
  let lent: Uint8Array = empty; // the reader's, until it reads again; then ours to use again
  let landed = false; // the handle knows where to put what it reads
  let reading = false;
  let ended = false; // by the peer
  let finished = false; // by us
  let failure: Error | undefined;
  let request: Request | undefined;

  const fail = (why: unknown): void => {
    failure ??= closedBy(why);
    reader?.reject(failure);
    reader = undefined;
    socket.destroy();
  };

  const stop = (): void => {
    if (!reading) return;
    reading = false;
    handle.readStop();
  };

  const start = (): void => {
    if (reading || ended || failure !== undefined) return;
    if (!landed) handle.useUserBuffer(landing);
    landed = true;
    const code = handle.readStart();
    if (code === 0) reading = true;
    else fail(codeError(code));
  };

  const onRead = (): void => {
    const count = streamBaseState[kReadBytesOrError] ?? 0;
    if (count > 0) {
      const came = landing.subarray(0, count);
      if (reader === undefined) {
        pending = new Uint8Array(came);
        stop();
        return;
      }
      lent = roomFor(count, lent);
      lent.set(came);
      const { resolve } = reader;
      reader = undefined;
      resolve(lent.subarray(0, count));
      return;
    }
    if (count === endOfFile) {
      ended = true;
      stop();
      reader?.resolve(undefined);
      reader = undefined;
      if (finished) socket.destroy();
    } else if (count < 0) {
      fail(codeError(count));
    }
  };

  handle.onread = onRead;
  socket.on('error', fail);
  socket.once('close', () => {
    fail(undefined);
    closed.resolve();
  });

  return {
    peer: options.peer,
    closed: closed.promise,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.secure === undefined ? {} : { secure: options.secure }),
    read: () => {
      if (reader !== undefined) return Promise.reject(new WireError('closed', 'Read twice at once'));
      if (pending !== undefined) {
        const chunk = pending;
        pending = undefined;
        start();
        return Promise.resolve(chunk);
      }
      if (ended) return Promise.resolve(undefined);
      if (failure !== undefined) return Promise.reject(failure);
      reader = Promise.withResolvers();
      const { promise } = reader;
      start();
      return promise;
    },
    write: (bytes) => {
      if (failure !== undefined) return Promise.reject(failure);
      if (finished) return Promise.reject(new WireError('closed', 'Written after end'));
      if (bytes.length === 0) return undefined;
      const writing = request ?? new WriteWrap();
      const code = handle.writeBuffer(writing, bytes);
      if (code !== 0) {
        fail(codeError(code));
        return Promise.reject(failure ?? closedBy());
      }
      if (streamBaseState[kLastWriteWasAsync] === 0) {
        request = writing; // the kernel took all of it and knows nothing of the request
        return undefined;
      }
      request = undefined;
      const done = Promise.withResolvers<void>();
      writing.buffer = bytes;
      writing.oncomplete = (status) => {
        if (status >= 0 && failure === undefined) done.resolve();
        else {
          fail(codeError(status));
          done.reject(failure ?? closedBy());
        }
      };
      return done.promise;
    },
    end: () => {
      if (finished || failure !== undefined) return;
      finished = true;
      const ending = new ShutdownWrap();
      ending.oncomplete = () => {
        if (ended) socket.destroy();
      };
      if (handle.shutdown(ending) !== 0) socket.destroy();
      else start(); // to see the peer's end
      const timer = setTimeout(() => socket.destroy(), lingerMs);
      timer.unref();
      socket.once('close', () => clearTimeout(timer));
    },
    destroy: (why) => {
      pending = undefined;
      fail(why);
    },
    detach: () => {
      stop();
      handle.onread = before;
      socket.off('error', fail);
      const early = pending ?? empty;
      pending = undefined;
      failure = closedBy();
      return early;
    },
  };
}

/** Memory for `count` bytes: what is there, unless it is too small or much too large. */
function roomFor(count: number, there: Uint8Array): Uint8Array {
  if (count <= there.length && there.length <= Math.max(16 * leastBytes, 8 * count)) return there;
  let size = leastBytes;
  while (size < count) size *= 2;
  return new Uint8Array(size);
}

function codeError(code: number): Error {
  const error = new Error(`Network error ${code}`);
  return Object.assign(error, { errno: code });
}

function handleOf(socket: Socket): Handle | undefined {
  const handle = (socket as unknown as { readonly _handle?: Partial<Handle> | null })._handle;
  const { readStart, readStop, useUserBuffer, writeBuffer, shutdown } = handle ?? {};
  const all = [readStart, readStop, useUserBuffer, writeBuffer, shutdown];
  return all.every((each) => typeof each === 'function') ? (handle as Handle) : undefined; // checked just now
}

function found(): Binding | undefined {
  try {
    const get = (process as unknown as { readonly binding?: (name: string) => Partial<Binding> }).binding;
    const { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } =
      get?.('stream_wrap') ?? {};
    if (typeof WriteWrap !== 'function' || typeof ShutdownWrap !== 'function') return undefined;
    if (
      streamBaseState === undefined ||
      kReadBytesOrError === undefined ||
      kLastWriteWasAsync === undefined
    ) {
      return undefined;
    }
    if (typeof streamBaseState[kReadBytesOrError] !== 'number') return undefined;
    return { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync };
  } catch {
    return undefined; // forbidden (permissions) or gone (a later Node)
  }
}
