import { WireError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import type { Wire } from '../../base/stream.ts';
import type { World } from '../../base/time.ts';
import type { Limits } from '../../core/limits.ts';
import { decodePassword, decodeStartupPacket } from './decode.ts';
import {
  authenticationCleartextPassword,
  type ErrorParts,
  errorResponse,
  negotiateProtocolVersion,
} from './encode.ts';
import { Frames, frontendBounds } from './frames.ts';
import { frontend, startupBytesMax, startupCode, type StartupPacket } from './messages.ts';
import { allowedParameters } from './parameters.ts';

export interface StartupParts {
  /** Absent: TLS is not offered. */
  readonly tls?: { readonly cert: string; readonly key: Secret };
  /** Whether a token may come over a connection without TLS. */
  readonly plainAllowed: boolean;
  readonly world: World;
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

export type StartupOutcome =
  | Started
  /** Somebody wants a session's request cancelled; says nothing in answer (PostgreSQL 18 docs, 54.2.8). */
  | { readonly kind: 'cancel'; readonly process: number; readonly key: Uint8Array; readonly wire: Wire }
  /** The client was told why, in its own protocol, and the wire is ending. */
  | { readonly kind: 'refused'; readonly sqlstate: string };

/** A client that said who it is and gave a token; nothing of it is checked yet. */
export interface Started {
  readonly kind: 'session';
  readonly user: string;
  readonly database: string;
  /** Settings for the server, by the names it spells them with; all of them allowed. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly token: Secret;
  readonly protocol: '3.0' | '3.2';
  /** How long the secret of its cancel key is: what its protocol has room for. */
  readonly secretBytes: number;
  /** From here on: secured, where it asked for TLS. */
  readonly wire: Wire;
}

/**
 * Takes a client from its first byte to its password (54.2.1): TLS by SSLRequest or at once, protocol, parameters, token.
 * @throws {WireError} when it breaks the protocol or does not come to its end within `signInSeconds`; it was told so
 *   where it could be
 */
export async function receiveStartup(client: Wire, parts: StartupParts): Promise<StartupOutcome> {
  const intake = new Intake(client);
  const seconds = parts.limits.signInSeconds;
  using _deadline = parts.world.after(seconds * 1_000, () =>
    intake.wire.destroy(
      new WireError('deadline', `No sign-in within ${seconds} s (limit \`signInSeconds\`)`),
    ),
  );
  const stop = (): void => intake.wire.destroy(new WireError('closed', 'The gateway is stopping'));
  parts.signal.addEventListener('abort', stop, { once: true });
  if (parts.signal.aborted) stop();
  try {
    const packet = await firstPacket(intake, parts);
    if (packet.kind === 'cancel') {
      return { kind: 'cancel', process: packet.process, key: packet.key.slice(), wire: intake.wire };
    }
    return await signIn(intake, packet, parts);
  } catch (thrown) {
    if (thrown instanceof Refused) return await refuse(intake.wire, thrown.parts);
    if (thrown instanceof WireError) await complain(intake.wire, thrown);
    throw thrown;
  } finally {
    parts.signal.removeEventListener('abort', stop);
  }
}

type Opening = Extract<StartupPacket, { readonly kind: 'startup' | 'cancel' }>;

/** The packet that is not a question about encryption. Each of these may be asked once (54.2.11). */
async function firstPacket(intake: Intake, parts: StartupParts): Promise<Opening> {
  const asked = new Set<string>();
  if ((await intake.peek()) === 0x16) {
    await secure(intake, parts, 'direct');
    asked.add('ssl').add('gssEncryption');
  }
  for (;;) {
    const packet = decodeStartupPacket(await intake.packet());
    if (packet.kind === 'startup' || packet.kind === 'cancel') return packet;
    if (asked.has(packet.kind)) throw new WireError('unexpected-message', 'Encryption was asked for twice');
    asked.add(packet.kind);
    if (packet.kind === 'ssl' && parts.tls !== undefined) {
      asked.add('gssEncryption');
      await secure(intake, parts, 'asked');
    } else {
      await intake.wire.write(no);
    }
  }
}

const yes = Buffer.from('S');
const no = Buffer.from('N');
const alpn = 'postgresql';

async function secure(intake: Intake, { tls }: StartupParts, how: 'asked' | 'direct'): Promise<void> {
  const { wire } = intake;
  if (tls === undefined || wire.secure === undefined)
    throw new WireError('unsupported', 'TLS is not offered here');
  const ahead = intake.takeAll();
  if (how === 'asked') {
    // SECURITY: what came with the request came in plain, to be taken for encrypted (CVE-2021-23222).
    if (ahead.length > 0)
      throw new WireError('unexpected-message', 'Bytes came in plain before the TLS handshake');
    await wire.write(yes);
  }
  intake.wire = await wire.secure({
    kind: 'server',
    cert: tls.cert,
    key: tls.key.reveal('TLS towards clients'),
    alpn: [alpn],
    ...(how === 'direct' ? { ahead } : {}),
  });
  // Without ALPN another protocol's client could be led here (54.2.11, direct TLS).
  if (how === 'direct' && intake.wire.tls?.alpn !== alpn) {
    throw new WireError('unsupported', 'TLS at once needs the ALPN protocol "postgresql"');
  }
}

async function signIn(
  intake: Intake,
  { version, parameters }: Opening & { readonly kind: 'startup' },
  { plainAllowed }: StartupParts,
): Promise<Started> {
  const { wire } = intake;
  const protocol = await negotiate(wire, version, [...parameters.keys()]);
  const allowed = allowedParameters(parameters);
  if (!allowed.ok) throw new Refused(allowed.error);
  const user = parameters.get('user') ?? '';
  if (user === '') throw new Refused(nameless);
  if (wire.tls === undefined && !plainAllowed) throw new Refused(plain);
  await wire.write(authenticationCleartextPassword);
  const token = await intake.password();
  if (token === '') throw new Refused(tokenless);
  return {
    kind: 'session',
    user,
    database: parameters.get('database') ?? user,
    parameters: allowed.value,
    token: new Secret(token),
    protocol,
    secretBytes: protocol === '3.2' ? 32 : 4,
    wire,
  };
}

/** Settles on 3.0 or 3.2 and says so where the client wanted more (54.2.1, NegotiateProtocolVersion). */
async function negotiate(wire: Wire, version: number, names: readonly string[]): Promise<'3.0' | '3.2'> {
  const [major, minor] = [version >>> 16, version & 0xffff];
  if (major !== 3) throw new Refused(foreignProtocol(major, minor));
  const unknown = names.filter((name) => name.startsWith('_pq_.'));
  const settled = minor >= 2 ? startupCode.protocol32 : startupCode.protocol30;
  if (unknown.length > 0 || version > settled) await wire.write(negotiateProtocolVersion(settled, unknown));
  return settled === startupCode.protocol32 ? '3.2' : '3.0';
}

/** Reads what a client says before its messages have types. Holds no more than the longest of them. */
class Intake {
  wire: Wire;
  #held: Uint8Array = Buffer.alloc(0);

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** The next byte, which stays. */
  async peek(): Promise<number> {
    await this.#have(1);
    return this.#held[0] ?? 0;
  }

  /** A whole packet: 4 bytes length, itself included. */
  async packet(): Promise<Uint8Array> {
    await this.#have(4);
    const length = Buffer.from(this.#held.buffer, this.#held.byteOffset, 4).readUInt32BE();
    if (length < 8 || length > startupBytesMax) {
      throw new WireError('bad-length', 'The first packet has a length that none can have');
    }
    await this.#have(length);
    const packet = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return packet;
  }

  async password(): Promise<string> {
    const frames = new Frames(frontendBounds(tokenBytesMax));
    frames.push(this.takeAll());
    while (!frames.next()) frames.push(await this.#chunk());
    if (frames.type !== frontend.PasswordMessage) {
      throw new WireError('unexpected-message', 'Expected a PasswordMessage');
    }
    const password = decodePassword(frames);
    if (frames.rest().length > 0)
      throw new WireError('unexpected-message', 'More came before the sign-in was over');
    return password;
  }

  /** Everything that has come and was not taken. */
  takeAll(): Uint8Array {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held;
  }

  async #have(bytes: number): Promise<void> {
    while (this.#held.length < bytes) this.#held = Buffer.concat([this.#held, await this.#chunk()]);
  }

  async #chunk(): Promise<Uint8Array> {
    const chunk = await this.wire.read();
    if (chunk === undefined) throw new WireError('closed', 'The client left before its sign-in was over');
    return chunk;
  }
}

const tokenBytesMax = 32_768;

type Refusal = Omit<ErrorParts, 'severity'>;

/** An expected "no" on the way through the sign-in; caught once, in `receiveStartup`. */
class Refused extends Error {
  readonly parts: Refusal;

  constructor(parts: Refusal) {
    super(parts.message);
    this.parts = parts;
  }
}

async function refuse(wire: Wire, parts: Refusal): Promise<StartupOutcome> {
  await wire.write(errorResponse({ severity: 'FATAL', ...parts }));
  wire.end();
  return { kind: 'refused', sqlstate: parts.sqlstate };
}

/** Tells a client that it broke the protocol, where something may still reach it. */
async function complain(wire: Wire, error: WireError): Promise<void> {
  if (error.code === 'closed' || error.code === 'deadline') return;
  try {
    await wire.write(errorResponse({ severity: 'FATAL', sqlstate: '08P01', message: error.message }));
    wire.end();
  } catch {
    // It has gone already; what it did is reported all the same.
  }
}

const nameless: Refusal = {
  sqlstate: '28000',
  message: 'The connection names no user',
  hint: 'Give your name as user: the one your token is for',
};

const plain: Refusal = {
  sqlstate: '28000',
  message: 'A token is only taken over TLS',
  hint: 'Connect with sslmode=verify-full, or sslmode=require',
};

const tokenless: Refusal = {
  sqlstate: '28P01',
  message: 'The password is empty',
  hint: 'Give your token as the password: `sallyport token` prints one',
};

function foreignProtocol(major: number, minor: number): Refusal {
  return {
    sqlstate: '0A000',
    message: `Unsupported protocol ${major}.${minor}: this gateway speaks 3.0 and 3.2`,
    hint: 'Use a client of PostgreSQL 7.4 or newer',
  };
}
