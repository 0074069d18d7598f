import { webcrypto } from 'node:crypto';
import type * as X509 from '@peculiar/x509';

export interface Pair {
  readonly cert: string; // PEM
  readonly key: string; // PEM
}

/** A CA of its own, a server's certificate for localhost and 127.0.0.1, and a client's for the user `postgres`. */
export interface Certificates {
  readonly ca: Pair;
  readonly server: Pair;
  readonly client: Pair;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export async function makeCertificates(clientName: string = 'postgres'): Promise<Certificates> {
  installReflect();
  const x509 = await import('@peculiar/x509');
  const keys = await keyPair();
  const validity = {
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 86_400_000),
  };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: 'CN=Test CA',
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  const issue = async (subject: string, extensions: X509.Extension[]): Promise<Pair> => {
    const own = await keyPair();
    const cert = await x509.X509CertificateGenerator.create({
      ...validity,
      subject,
      issuer: ca.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions,
    });
    return { cert: cert.toString('pem'), key: await pem(own.privateKey) };
  };
  const names = new x509.SubjectAlternativeNameExtension([
    { type: 'dns', value: 'localhost' },
    { type: 'ip', value: '127.0.0.1' },
  ]);
  return {
    ca: { cert: ca.toString('pem'), key: await pem(keys.privateKey) },
    server: await issue('CN=localhost', [names]),
    client: await issue(`CN=${clientName}`, []),
  };
}

function keyPair(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function pem(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  const body = Buffer.from(der).toString('base64').replaceAll(/.{64}/g, '$&\n');
  return `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`;
}

/**
 * @peculiar/x509 2 asks at its load that somebody has installed the metadata half of Reflect. Its own classes carry no
 * such metadata, so that empty answers do.
 */
function installReflect(): void {
  const none = {
    getMetadata: () => undefined,
    getOwnMetadata: () => undefined,
    defineMetadata: () => undefined,
    metadata: () => () => undefined,
  };
  for (const [name, value] of Object.entries(none)) {
    if (!(name in Reflect)) Object.defineProperty(Reflect, name, { value, configurable: true });
  }
}
