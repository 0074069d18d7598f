import { Fault, WireError } from '../../base/errors.ts';
import type { Wire } from '../../base/stream.ts';
import type { World } from '../../base/time.ts';
import type { Limits } from '../../core/limits.ts';
import { SignIn } from './auth.ts';
import { decodeBackend, decodeErrorFields } from './decode.ts';
import { cancelRequest, sslRequest, startupMessage } from './encode.ts';
import { backendBounds, Frames } from './frames.ts';
import { backend, type ErrorFields, startupCode } from './messages.ts';
import type { PostgresSettings } from './settings.ts';

export interface ConnectParts {
  readonly settings: PostgresSettings;
  /** Instead of the settings' own. */
  readonly database?: string;
  /** What the new session starts with, as `receiveStartup` let it pass. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly dial: (address: string, signal: AbortSignal) => Promise<Wire>;
  readonly limits: Limits;
  readonly world: World;
  readonly signal: AbortSignal;
}

/** A connection that is signed in and idle: the server has said ReadyForQuery. */
export interface UpstreamLink {
  readonly wire: Wire;
  /** What the server has reported of itself (ParameterStatus), by name; kept up to date by `simpleQuery` only. */
  readonly parameters: Map<string, string>;
  readonly key: UpstreamKey | undefined;
  /** Puts bytes back that were read but are not the reader's: the next `wire.read` gives them. */
  readonly unread: (bytes: Uint8Array) => void;
}

/** What cancels a request of this connection. The server's own: it never reaches a client. */
export interface UpstreamKey {
  readonly process: number;
  readonly secret: Uint8Array;
}

/** Settings that decide how statements are read: stronger than the defaults of a role or database, and than a client's. */
const ours: readonly (readonly [string, string])[] = [
  ['client_encoding', 'UTF8'],
  ['standard_conforming_strings', 'on'],
];

/**
 * Connects and signs in as the settings say.
 * @throws {Fault} `unreachable` when there is no server that could take us, `upstream-auth` when it does not take our
 *   credentials or asks for what we do not give; neither holds a secret
 */
export async function connectUpstream(parts: ConnectParts): Promise<UpstreamLink> {
  const { settings, limits, world, signal } = parts;
  let wire = await parts.dial(settings.address, signal);
  const drop = (why: Error): void => wire.destroy(why);
  const onAbort = (): void => drop(new WireError('closed', 'Connecting was given up'));
  signal.addEventListener('abort', onAbort, { once: true });
  using _deadline = world.after(limits.connectSeconds * 1_000, () =>
    drop(new WireError('deadline', `no sign-in within ${limits.connectSeconds} s`)),
  );
  try {
    if (signal.aborted) onAbort();
    wire = await secured(wire, settings);
    return await signIn(wire, parts);
  } catch (thrown) {
    wire.destroy();
    throw explained(thrown, settings);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Asks the server to stop what that connection is doing, and waits until it has: it never says whether there was
 * anything to stop.
 * @throws {Fault} `unreachable` when it cannot be asked within `connectSeconds`
 */
export async function cancelUpstream({
  settings,
  key,
  dial,
  limits,
  signal,
}: Pick<ConnectParts, 'settings' | 'dial' | 'limits' | 'signal'> & {
  readonly key: UpstreamKey | undefined;
}): Promise<void> {
  if (key === undefined) return;
  const until = AbortSignal.any([signal, AbortSignal.timeout(limits.connectSeconds * 1_000)]);
  let wire = await dial(settings.address, until);
  const stop = (): void => wire.destroy();
  until.addEventListener('abort', stop, { once: true });
  try {
    wire = await secured(wire, settings);
    await wire.write(cancelRequest(key.process, key.secret));
    // The server closes when it has passed the signal on; a request sent before that could be hit by it.
    await wire.read();
  } catch (thrown) {
    throw explained(thrown, settings);
  } finally {
    until.removeEventListener('abort', stop);
    wire.destroy();
  }
}

/** SSLRequest and the handshake (PostgreSQL 18 docs, 54.2.11), unless the settings want none. */
async function secured(wire: Wire, settings: PostgresSettings): Promise<Wire> {
  const { tls, serverName, ca, cert, key, address } = settings;
  if (tls === 'disable') return wire;
  await wire.write(sslRequest);
  const answer = await wire.read();
  if (answer === undefined) throw new WireError('closed', 'it closed the connection');
  // SECURITY: bytes after the answer were sent in plain, to be taken for encrypted ones (CVE-2021-23222).
  if (answer.length > 1)
    throw new WireError('unexpected-message', 'it sent more than an answer to SSLRequest');
  if (answer[0] !== 0x53) {
    throw new Fault(
      'unreachable',
      `The server at ${address} offers no TLS; where that is meant, say tls: disable`,
    );
  }
  if (wire.secure === undefined) throw new Fault('bug', 'The connection cannot be secured');
  return wire.secure({
    kind: 'client',
    serverName,
    verify: tls,
    alpn: ['postgresql'],
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: key.reveal('TLS client certificate') }),
  });
}

async function signIn(
  plain: Wire,
  { settings, database, parameters, world }: ConnectParts,
): Promise<UpstreamLink> {
  const { wire, unread } = rereadable(plain);
  const proof = new SignIn(settings, wire, world);
  const first: ReadonlyMap<string, string> = new Map([
    ...parameters,
    ...ours,
    ['user', settings.user],
    ['database', database ?? settings.database],
  ]);
  await wire.write(startupMessage(startupCode.protocol30, first));
  const frames = new Frames(backendBounds(signInBytesMax));
  const reported = new Map<string, string>();
  let key: UpstreamKey | undefined;
  let signedIn = false;
  for (;;) {
    while (frames.next()) {
      if (frames.type === backend.ErrorResponse)
        throw refused(settings, decodeErrorFields(frames, { lossy: true }));
      if (frames.type === backend.NoticeResponse) continue;
      const message = decodeBackend(frames);
      if (message.kind === 'Authentication') {
        if (signedIn) throw unexpected(message.kind);
        const answer = await proof.answer(message.request);
        if (answer !== undefined) await wire.write(answer);
        signedIn = message.request.kind === 'Ok';
        continue;
      }
      if (!signedIn) throw unexpected(message.kind);
      if (message.kind === 'ParameterStatus') reported.set(message.name, message.value);
      else if (message.kind === 'BackendKeyData')
        key = { process: message.process, secret: message.key.slice() };
      else if (message.kind === 'ReadyForQuery') {
        unread(frames.rest());
        return { wire, parameters: reported, key, unread };
      } else throw unexpected(message.kind);
    }
    const chunk = await wire.read();
    if (chunk === undefined) throw new WireError('closed', 'it closed the connection');
    frames.push(chunk);
  }
}

const signInBytesMax = 65_536;

/** The same wire, into which bytes can be put back. */
function rereadable(wire: Wire): Pick<UpstreamLink, 'wire' | 'unread'> {
  let held: Uint8Array | undefined;
  return {
    wire: {
      ...wire,
      read: () => {
        if (held === undefined) return wire.read();
        const chunk = held;
        held = undefined;
        return Promise.resolve(chunk);
      },
    },
    unread: (bytes) => {
      if (bytes.length > 0) held = held === undefined ? bytes : Buffer.concat([bytes, held]);
    },
  };
}

function unexpected(kind: string): WireError {
  return new WireError('unexpected-message', `it sent ${kind} where the sign-in has no place for it`);
}

/** SQLSTATE and primary text only: detail and hint may quote configuration lines of the server. */
function refused({ address, user }: PostgresSettings, fields: ErrorFields): Fault {
  const code = fields.get('C') ?? 'no SQLSTATE';
  const message = `${fields.get('M') ?? 'no message'} (${code})`;
  return code.startsWith('28')
    ? new Fault(
        'upstream-auth',
        `The server at ${address} does not take the sign-in of "${user}": ${message}`,
      )
    : new Fault('unreachable', `The server at ${address} refuses the connection: ${message}`);
}

/** A server that breaks the protocol during the sign-in is none we can reach. */
function explained(thrown: unknown, { address }: PostgresSettings): unknown {
  return thrown instanceof WireError
    ? new Fault('unreachable', `The server at ${address} cannot be used: ${thrown.message}`, {
        cause: thrown,
      })
    : thrown;
}
