import type * as X509 from '@peculiar/x509';
import { X509Certificate, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Secret } from '../base/secret.ts';
import type { World } from '../base/time.ts';
import { provideMetadata } from './reflect-metadata.ts';

/** A certificate for the listeners. */
export interface Certificate {
  readonly cert: string; // PEM chain
  readonly key: Secret; // PEM
  /** The CA's file that clients are given; absent where the certificate is the user's own. */
  readonly ca?: string;
}

const dayMs = 86_400_000;
const lifeDays = 825; // the longest that common clients accept
const renewBeforeDays = 30;

/**
 * A certificate of our own CA under `home/tls` for `hosts` (names and addresses) and localhost. The CA stays, so clients
 * that trust it keep doing so; the certificate is made anew when it nears its end or lacks a host.
 */
export async function ownCertificate(
  home: string,
  hosts: readonly string[],
  world: World,
): Promise<Certificate> {
  const folder = join(home, 'tls');
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const at = (name: string): string => join(folder, name);
  const names = namesFor(hosts);
  const [ca, server] = [at('ca.pem'), at('server.pem')];
  if (!isGood(server, { names, issuer: ca, world })) {
    provideMetadata(); // before the import
    const x509 = await import('@peculiar/x509');
    const authority = await authorityIn(x509, folder, world);
    const made = await serverCertificate(x509, authority, { names, world });
    write(at('server.key'), made.key);
    write(server, made.cert);
  }
  return {
    cert: readFileSync(server, 'utf8'),
    key: new Secret(readFileSync(at('server.key'), 'utf8')),
    ca,
  };
}

function namesFor(hosts: readonly string[]): readonly string[] {
  const everywhere = hosts.some((host) => host === '0.0.0.0' || host === '::');
  const own = everywhere
    ? [
        hostname(),
        ...Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
      ]
    : [];
  const all = ['localhost', '127.0.0.1', '::1', ...hosts, ...own].map((each) => each.replace(/%.*$/, ''));
  return [...new Set(all)].filter((each) => each !== '0.0.0.0' && each !== '::');
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

type Library = typeof X509;

interface Authority {
  readonly cert: X509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

async function authorityIn(x509: Library, folder: string, world: World): Promise<Authority> {
  const [certFile, keyFile] = [join(folder, 'ca.pem'), join(folder, 'ca.key')];
  if (existsSync(certFile) && existsSync(keyFile)) {
    const cert = new x509.X509Certificate(readFileSync(certFile, 'utf8'));
    if (cert.notAfter.getTime() - world.now() > lifeDays * dayMs) {
      const der = x509.PemConverter.decodeFirst(readFileSync(keyFile, 'utf8'));
      const key = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
      return { cert, key };
    }
  }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(world),
    name: `CN=Sallyport CA ${serial(world).slice(0, 8)}`,
    ...validity(world, lifeDays * 4),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  write(keyFile, await pemOf(x509, keys.privateKey));
  write(certFile, cert.toString('pem'), 0o644);
  return { cert, key: keys.privateKey };
}

async function serverCertificate(
  x509: Library,
  authority: Authority,
  { names, world }: { readonly names: readonly string[]; readonly world: World },
): Promise<{ readonly cert: string; readonly key: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const cert = await x509.X509CertificateGenerator.create({
    serialNumber: serial(world),
    subject: 'CN=Sallyport',
    issuer: authority.cert.subject,
    ...validity(world, lifeDays),
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(authority.cert.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    cert: `${cert.toString('pem')}\n${authority.cert.toString('pem')}\n`,
    key: await pemOf(x509, keys.privateKey),
  };
}

function isGood(
  file: string,
  wanted: { readonly names: readonly string[]; readonly issuer: string; readonly world: World },
): boolean {
  if (!existsSync(file) || !existsSync(wanted.issuer)) return false;
  const cert = new X509Certificate(readFileSync(file));
  const daysLeft = (cert.validToDate.getTime() - wanted.world.now()) / dayMs;
  const covers = wanted.names.every(
    (each) => (isIP(each) === 0 ? cert.checkHost(each) : cert.checkIP(each)) !== undefined,
  );
  return (
    daysLeft > renewBeforeDays &&
    covers &&
    cert.verify(new X509Certificate(readFileSync(wanted.issuer)).publicKey)
  );
}

function validity(world: World, days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const from = world.now() - dayMs / 24; // clocks of clients may be behind
  return { notBefore: new Date(from), notAfter: new Date(from + days * dayMs) };
}

function serial(world: World): string {
  const bytes = world.random(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40; // RFC 5280, 4.1.2.2: positive, and of this length
  return Buffer.from(bytes).toString('hex');
}

async function pemOf(x509: Library, key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

function write(file: string, text: string, mode: number = 0o600): void {
  writeFileSync(`${file}.new`, text, { mode });
  renameSync(`${file}.new`, file);
}
