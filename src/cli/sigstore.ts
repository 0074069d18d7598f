import type { Bundle } from '@sigstore/bundle';
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { isObject } from '../base/check.ts';
import { err, ok, type Result } from '../base/result.ts';
import { environment } from '../server/environment.ts';
import { readText } from './bundle.ts';
import { CouldNotRun } from './command.ts';

// Keyless signatures of Sigstore: a certificate of Fulcio for whoever an identity token names, written to the public log
// Rekor. What is signed and verified is DSSE, in a Sigstore bundle (v0.3) as JSON.

export interface Services {
  readonly fulcioUrl: string;
  readonly rekorUrl: string;
  readonly tsaUrl?: string | undefined;
}

export const publicGood: Services = {
  fulcioUrl: 'https://fulcio.sigstore.dev',
  rekorUrl: 'https://rekor.sigstore.dev',
};

/** Who must have signed: both exactly as the certificate has them. */
export interface Signer {
  readonly identity: string;
  readonly issuer: string;
}

const patienceMs = 30_000;
const longestToken = 65_536;

type Variables = Readonly<Record<string, string | undefined>>;

/** Whether the environment has, or can get, a token that says who runs here. */
function hasIdentity(env: Variables): boolean {
  return given(env['SIGSTORE_ID_TOKEN']) || (given(env[githubUrl]) && given(env[githubToken]));
}

const githubUrl = 'ACTIONS_ID_TOKEN_REQUEST_URL';
const githubToken = 'ACTIONS_ID_TOKEN_REQUEST_TOKEN';

function given(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

/** @throws {CouldNotRun} where there is no such token, and says where one comes from. */
export function requireIdentity(env: Variables): void {
  if (hasIdentity(env)) return;
  throw new CouldNotRun(
    'There is no identity token here: set SIGSTORE_ID_TOKEN, or let a job of GitHub Actions have one with ' +
      '`permissions: id-token: write`; or sign with --key FILE',
  );
}

async function identityToken(env: Variables): Promise<string> {
  const [own, url, bearer] = [env['SIGSTORE_ID_TOKEN'], env[githubUrl], env[githubToken]];
  if (given(own)) return own;
  if (!given(url) || !URL.canParse(url)) throw new CouldNotRun(`${githubUrl} is no address`);
  const at = new URL(url);
  at.searchParams.set('audience', 'sigstore');
  let read: unknown;
  try {
    const answer = await fetch(at, {
      headers: { accept: 'application/json', authorization: `Bearer ${bearer ?? ''}` },
      redirect: 'error',
      signal: AbortSignal.timeout(patienceMs),
    });
    read = answer.ok ? await answer.json() : undefined;
  } catch (cause) {
    throw new CouldNotRun('GitHub Actions cannot be reached for an identity token', { cause });
  }
  const token = isObject(read) ? read['value'] : undefined;
  if (typeof token !== 'string' || token.length > longestToken)
    throw new CouldNotRun(
      'GitHub Actions gave no identity token: the job needs `permissions: id-token: write`',
    );
  return token;
}

/** Signs, and gives the bundle as the one text that `openKeyless` takes. */
export async function signKeyless(
  {
    payloadType,
    body,
    env,
  }: { readonly payloadType: string; readonly body: Uint8Array; readonly env: Variables },
  { fulcioUrl, rekorUrl, tsaUrl }: Services,
): Promise<string> {
  const { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness } = await import('@sigstore/sign');
  const token = await identityToken(env);
  const http = { timeout: patienceMs, retry: 1 };
  const signer = new FulcioSigner({
    fulcioBaseURL: fulcioUrl,
    identityProvider: { getToken: () => Promise.resolve(token) },
    ...http,
  });
  const log = new RekorWitness({ rekorBaseURL: rekorUrl, entryType: 'dsse', ...http });
  const witnesses = tsaUrl === undefined ? [log] : [log, new TSAWitness({ tsaBaseURL: tsaUrl, ...http })];
  let bundle: Bundle;
  try {
    bundle = await new DSSEBundleBuilder({ signer, witnesses }).create({
      data: Buffer.from(body),
      type: payloadType,
    });
  } catch (thrown) {
    const why = codeOf(thrown) ?? 'the token, or an answer of its services, is not what is expected';
    throw new CouldNotRun(`Sigstore does not sign this: ${why}`, { cause: thrown });
  }
  return textOf(bundle);
}

async function textOf(bundle: Bundle): Promise<string> {
  const { bundleToJSON } = await import('@sigstore/bundle');
  return `${JSON.stringify(bundleToJSON(bundle))}\n`;
}

/** What the libraries call a failure: `CA_CREATE_SIGNING_CERTIFICATE_ERROR`. Their messages can hold tokens. */
function codeOf(thrown: unknown): string | undefined {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/**
 * What the library does not look at, since nothing of it is relied on: the version of the format, what an inclusion proof says
 * again of its checkpoint, how a checkpoint's signatures are written, and the second mention of a certificate's algorithm.
 * SECURITY: here a bundle has been changed, or it has not.
 */
async function isExact(bundle: Bundle, root: TrustedRoot): Promise<boolean> {
  const { BUNDLE_V03_MEDIA_TYPE } = await import('@sigstore/bundle');
  const { content, tlogEntries } = bundle.verificationMaterial;
  if (bundle.mediaType !== BUNDLE_V03_MEDIA_TYPE || content.$case !== 'certificate') return false;
  const proofs = tlogEntries.flatMap(({ inclusionProof }) => inclusionProof ?? []);
  const restated = proofs.every(({ checkpoint, rootHash, treeSize }) => {
    const [note = '', signatures = ''] = splitOnce(checkpoint?.envelope ?? '', '\n\n');
    const [, size, hash] = note.split('\n');
    const lines = signatures.split('\n').slice(0, -1);
    return (
      signatures.endsWith('\n') &&
      lines.every((line) => isCanonical(/^\u2014 \S+ (\S+)$/.exec(line)?.[1] ?? '!')) &&
      size === treeSize &&
      hash === rootHash.toString('base64')
    );
  });
  return restated && isIssued(content.certificate.rawBytes, root);
}

function splitOnce(text: string, by: string): readonly string[] {
  const at = text.indexOf(by);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + by.length)];
}

function isCanonical(base64: string): boolean {
  return Buffer.from(base64, 'base64').toString('base64') === base64;
}

/** OpenSSL reads a certificate, too, and strictly: one of the authorities has signed it as it stands there. */
function isIssued(rawBytes: Buffer, { certificateAuthorities }: TrustedRoot): boolean {
  try {
    const leaf = new X509Certificate(rawBytes);
    return certificateAuthorities
      .flatMap(({ certChain }) => certChain?.certificates ?? [])
      .some((each) => leaf.verify(new X509Certificate(each.rawBytes).publicKey));
  } catch {
    return false;
  }
}

/** The body, when `signer` signed exactly it, as exactly this type, and the log has it; otherwise why not. */
export async function openKeyless(
  text: string,
  payloadType: string,
  { signer, trustedRoot }: { readonly signer: Signer; readonly trustedRoot?: string | undefined },
): Promise<Result<Uint8Array, string>> {
  const [{ bundleFromJSON, isBundleWithDsseEnvelope }, { toSignedEntity, toTrustMaterial, Verifier }] =
    await Promise.all([import('@sigstore/bundle'), import('@sigstore/verify')]);
  let bundle: Bundle;
  try {
    bundle = bundleFromJSON(JSON.parse(text));
  } catch {
    return err('It is no Sigstore bundle');
  }
  // Much of a bundle is signed by nobody: it must be the one text that its parts make.
  if ((await textOf(bundle)) !== text) return err('The bundle was changed');
  if (!isBundleWithDsseEnvelope(bundle)) return err('It is no signed envelope');
  const { dsseEnvelope } = bundle.content;
  if (dsseEnvelope.payloadType !== payloadType) return err('The envelope holds something else');
  if (dsseEnvelope.signatures.length !== 1 || dsseEnvelope.signatures[0]?.keyid !== '')
    return err('The envelope was changed');
  const root = await rootOf(trustedRoot);
  const trust = toTrustMaterial(root);
  try {
    const verifier = new Verifier(trust, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
    const { identity } = verifier.verify(toSignedEntity(bundle));
    // SECURITY: compared here: the library takes an identity for a pattern that may match anywhere.
    if (identity?.subjectAlternativeName !== signer.identity)
      return err('Another identity than --certificate-identity has signed it');
    if (identity.extensions?.issuer !== signer.issuer)
      return err('Another issuer than --certificate-oidc-issuer named who signed it');
  } catch (thrown) {
    return err(`Sigstore does not vouch for it: ${codeOf(thrown) ?? 'a part of it is damaged'}`);
  }
  if (!(await isExact(bundle, root))) return err('The bundle was changed');
  return ok(dsseEnvelope.payload);
}

/** The trust root: of a file, or that of the public-good instance, by TUF. */
async function rootOf(file: string | undefined): Promise<TrustedRoot> {
  const { TrustedRoot } = await import('@sigstore/protobuf-specs');
  if (file !== undefined) {
    try {
      return TrustedRoot.fromJSON(JSON.parse(readText(file)));
    } catch (thrown) {
      if (thrown instanceof CouldNotRun) throw thrown;
      throw new CouldNotRun(`${file} is no trusted root of Sigstore (trusted_root.json)`, { cause: thrown });
    }
  }
  const { getTrustedRoot } = await import('@sigstore/tuf');
  try {
    return await getTrustedRoot({ cachePath: join(environment().home, 'sigstore') });
  } catch (cause) {
    throw new CouldNotRun(
      'The trust root of Sigstore cannot be fetched: give --trusted-root FILE to verify offline',
      { cause },
    );
  }
}
