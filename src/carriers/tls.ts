import { createHash, X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { connect, createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { Fault, messageOf, WireError } from '../base/errors.ts';
import { Lru } from '../base/lru.ts';
import type { SecureAs, Wire } from '../base/stream.ts';
import { streamWire } from './stream-wire.ts';

/**
 * Upgrades a plain socket to TLS. `early`: bytes the socket's reader had taken from the network and not handed out.
 *
 * SECURITY: bytes that came before the handshake and are not part of it were sent in plain by somebody in between, to
 * be taken for encrypted ones (CVE-2021-23222). They end the connection.
 */
export async function secureSocket(
  socket: Socket,
  as: SecureAs,
  { peer, early }: { readonly peer: string; readonly early: Uint8Array },
): Promise<Wire> {
  // The plain socket's own errors arrive at the secured one too; unheard they would end the process.
  socket.on('error', ignore);
  const ahead = as.kind === 'server' ? as.ahead : undefined;
  if (early.length > 0 && ahead === undefined) {
    socket.destroy();
    throw new WireError('unexpected-message', 'Bytes came in plain before the TLS handshake');
  }
  if (early.length > 0) socket.unshift(Buffer.from(early));
  if (ahead !== undefined && ahead.length > 0) socket.unshift(Buffer.from(ahead));
  const secured = await handshake(socket, as);
  const binding = as.kind === 'client' ? channelBinding(secured) : undefined;
  return streamWire(secured, {
    peer,
    copies: true,
    tls: {
      protocol: secured.getProtocol() ?? 'unknown',
      ...(typeof secured.alpnProtocol === 'string' ? { alpn: secured.alpnProtocol } : {}),
      ...(binding === undefined ? {} : { channelBinding: binding }),
    },
  });
}

async function handshake(socket: Socket, as: SecureAs): Promise<TLSSocket> {
  const secured = opened(socket, as);
  const outcome = Promise.withResolvers<void>();
  const onClose = (): void =>
    outcome.reject(new WireError('closed', 'Connection closed during the TLS handshake'));
  const onError = (error: Error): void => outcome.reject(failed(as, error));
  secured.once(as.kind === 'server' ? 'secure' : 'secureConnect', () => outcome.resolve());
  secured.once('error', onError).once('end', onClose).once('close', onClose);
  const signal = as.kind === 'client' ? as.signal : undefined;
  if (signal?.aborted === true) onClose();
  signal?.addEventListener('abort', onClose, { once: true });
  try {
    await outcome.promise;
  } catch (error) {
    secured.on('error', ignore);
    secured.destroy();
    socket.destroy();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onClose);
  }
  secured.off('error', onError).off('end', onClose).off('close', onClose);
  return secured;
}

function opened(socket: Socket, as: SecureAs): TLSSocket {
  try {
    return open(socket, as);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function open(socket: Socket, as: SecureAs): TLSSocket {
  const alpn = as.alpn === undefined ? {} : { ALPNProtocols: [...as.alpn] };
  if (as.kind === 'server') {
    return new TLSSocket(socket, {
      isServer: true,
      requestCert: false,
      secureContext: serverContext(as.cert, as.key),
      ...alpn,
    });
  }
  return connect({
    socket,
    host: as.serverName, // checked against the certificate's names and addresses
    ...(isIP(as.serverName) === 0 ? { servername: as.serverName } : {}), // RFC 6066, 3: no addresses in SNI
    secureContext: clientContext(as),
    rejectUnauthorized: as.verify !== 'require',
    ...(as.verify === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...alpn,
  });
}

// Reading keys and certificates costs more than a handshake; a process meets few different ones.
const contexts: Lru<string, SecureContext> = new Lru(64);

function serverContext(cert: string, key: string): SecureContext {
  return cached(['server', cert, key], () => createSecureContext({ cert, key, minVersion: 'TLSv1.2' }));
}

function clientContext({ ca, cert, key }: SecureAs & { readonly kind: 'client' }): SecureContext {
  return cached(['client', ca, cert, key], () =>
    createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    }),
  );
}

function cached(parts: readonly (string | undefined)[], make: () => SecureContext): SecureContext {
  // A digest, so that no private key lives on as the name of a cache entry.
  const name = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  const known = contexts.get(name);
  if (known !== undefined) return known;
  const made = making(make);
  contexts.set(name, made);
  return made;
}

function making(make: () => SecureContext): SecureContext {
  try {
    return make();
  } catch (error) {
    throw new Fault('config', `A TLS certificate, key or CA cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function failed(as: SecureAs, error: Error): Error {
  if (as.kind === 'server') {
    const failure = new WireError('closed', 'The TLS handshake failed');
    failure.cause = error;
    return failure;
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'no code';
  return new Fault(
    'unreachable',
    `The TLS handshake with "${as.serverName}" failed: ${reasons[code] ?? code}`,
    {
      cause: error,
    },
  );
}

const reasons: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name; use that name, or tls: verify-ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not from a known CA; give that CA as ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself; give it as ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not from a known CA; give that CA as ca',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is not from a known CA; give that CA as ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not from a known CA; give that CA as ca',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  ECONNRESET: 'it closed the connection',
};

/**
 * tls-server-end-point (RFC 5929, 4.1): the hash of the server's certificate by the hash of its signature, where MD5
 * and SHA-1 count as SHA-256. `undefined` where the signature names no hash (Ed25519) or one we do not know.
 */
function channelBinding(secured: TLSSocket): Uint8Array | undefined {
  const certificate = secured.getPeerX509Certificate();
  return certificate === undefined ? undefined : endPointHash(certificate);
}

export function endPointHash(certificate: X509Certificate): Uint8Array | undefined {
  const hash = signatureHashes[certificate.signatureAlgorithmOid ?? ''];
  return hash === undefined ? undefined : createHash(hash).update(certificate.raw).digest();
}

const signatureHashes: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'sha256', // md5WithRSAEncryption
  '1.2.840.113549.1.1.5': 'sha256', // sha1WithRSAEncryption
  '1.2.840.113549.1.1.11': 'sha256', // sha256WithRSAEncryption
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.113549.1.1.14': 'sha224',
  '1.2.840.10045.4.1': 'sha256', // ecdsa-with-SHA1
  '1.2.840.10045.4.3.1': 'sha224', // ecdsa-with-SHA224
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

function ignore(): void {
  // Heard on the secured socket.
}
