import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';

// SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL speaks it (PostgreSQL 18 docs, 54.3): the user name in the messages
// is empty, since the startup packet has named it.

export type Mechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';

export interface ClientParts {
  readonly password: string;
  readonly nonce: string; // printable ASCII without comma, new for each sign-in
  readonly binding: Binding;
  readonly user?: string; // empty in PostgreSQL
}

/**
 * The channel binding of RFC 5802, 6. `unused`: we could, but the server offers none: it must then know that nobody
 * has taken the offer out on the way.
 */
export type Binding =
  | { readonly kind: 'tls-server-end-point'; readonly hash: Uint8Array }
  | { readonly kind: 'unused' }
  | { readonly kind: 'none' };

/** A reason why the server is not who it must be, or does not speak SCRAM. Holds no secret. */
export class ScramError extends Error {
  override readonly name = 'ScramError';
}

/** One sign-in as a client: `first`, then `final` with what the server said, then `verify` with its last word. */
export class ScramClient {
  readonly mechanism: Mechanism;
  readonly first: string;
  readonly #parts: ClientParts;
  #serverSignature: Buffer | undefined;
  /** Whether the server has proved that it knows the password too. */
  verified = false;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.mechanism = parts.binding.kind === 'tls-server-end-point' ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256';
    this.first = gs2Header(parts.binding) + this.#firstBare;
  }

  get #firstBare(): string {
    return `n=${this.#parts.user ?? ''},r=${this.#parts.nonce}`;
  }

  /** Answers the server's challenge. */
  async final(serverFirst: string): Promise<string> {
    const { nonce, salt, iterations } = parseServerFirst(serverFirst);
    // The server's nonce must continue ours, or an old talk is being replayed (RFC 5802, 5.1).
    if (!nonce.startsWith(this.#parts.nonce) || nonce.length === this.#parts.nonce.length) {
      throw new ScramError('its nonce does not continue ours');
    }
    const { binding, password } = this.#parts;
    const header = Buffer.from(gs2Header(binding));
    const bound = binding.kind === 'tls-server-end-point' ? Buffer.concat([header, binding.hash]) : header;
    const withoutProof = `c=${bound.toString('base64')},r=${nonce}`;
    const authMessage = `${this.#firstBare},${serverFirst},${withoutProof}`;
    const salted = await saltedPassword(password, salt, iterations);
    const clientKey = hmac(salted, 'Client Key');
    const proof = xor(clientKey, hmac(sha256(clientKey), authMessage));
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), authMessage);
    return `${withoutProof},p=${proof.toString('base64')}`;
  }

  /** Checks the server's signature. @throws {ScramError} when it does not know the password */
  verify(serverFinal: string): void {
    const given = /^v=([A-Za-z0-9+/]{43}=)$/.exec(serverFinal)?.[1];
    const expected = this.#serverSignature;
    if (given === undefined || expected === undefined)
      throw new ScramError('its last word is not a signature');
    const signature = Buffer.from(given, 'base64');
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw new ScramError('it could not prove that it knows the password');
    }
    this.verified = true;
  }
}

/** What a server keeps instead of the password. */
export interface Verifier {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

export async function verifierOf(password: string, salt: Uint8Array, iterations: number): Promise<Verifier> {
  const salted = await saltedPassword(password, salt, iterations);
  return {
    salt,
    iterations,
    storedKey: sha256(hmac(salted, 'Client Key')),
    serverKey: hmac(salted, 'Server Key'),
  };
}

/** One sign-in as a server. */
export class ScramServer {
  readonly #verifier: Verifier;
  readonly #nonce: string;
  readonly #bindingHash: Uint8Array | undefined;
  #clientFirstBare = '';
  #serverFirst = '';
  #header = '';

  constructor(verifier: Verifier, nonce: string, bindingHash?: Uint8Array) {
    this.#verifier = verifier;
    this.#nonce = nonce;
    this.#bindingHash = bindingHash;
  }

  /** The challenge. */
  first(clientFirst: string): string {
    const match = /^((?:n|y|p=tls-server-end-point),,)(n=[^,]*,r=([\x21-\x2b\x2d-\x7e]+))$/.exec(clientFirst);
    if (match === null) throw new ScramError('its first message is malformed');
    const [, header = '', bare = '', nonce = ''] = match;
    // A client that could bind but saw no offer, while one was made: somebody took it out (RFC 5802, 6).
    if (header === 'y,,' && this.#bindingHash !== undefined)
      throw new ScramError('the offer was tampered with');
    if (header.startsWith('p=') && this.#bindingHash === undefined)
      throw new ScramError('nothing to bind to');
    this.#header = header;
    this.#clientFirstBare = bare;
    const { salt, iterations } = this.#verifier;
    this.#serverFirst = `r=${nonce}${this.#nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`;
    return this.#serverFirst;
  }

  /** Checks the proof and gives the last word; `undefined` when the password is not the one. */
  final(clientFinal: string): string | undefined {
    const match = /^(c=([A-Za-z0-9+/=]+),r=([^,]+)),p=([A-Za-z0-9+/]{43}=)$/.exec(clientFinal);
    const nonce = /^r=([^,]+)/.exec(this.#serverFirst)?.[1];
    if (match === null || match[3] !== nonce) throw new ScramError('its last message is malformed');
    const [, withoutProof = '', binding = '', , proof = ''] = match;
    const header = Buffer.from(this.#header);
    const bound = this.#header.startsWith('p=')
      ? Buffer.concat([header, this.#bindingHash ?? Buffer.alloc(0)])
      : header;
    if (binding !== bound.toString('base64')) throw new ScramError('the channel binding differs');
    const authMessage = `${this.#clientFirstBare},${this.#serverFirst},${withoutProof}`;
    const { storedKey, serverKey } = this.#verifier;
    const clientKey = xor(Buffer.from(proof, 'base64'), hmac(storedKey, authMessage));
    if (!timingSafeEqual(sha256(clientKey), storedKey)) return undefined;
    return `v=${hmac(serverKey, authMessage).toString('base64')}`;
  }
}

function gs2Header(binding: Binding): string {
  switch (binding.kind) {
    case 'tls-server-end-point':
      return 'p=tls-server-end-point,,';
    case 'unused':
      return 'y,,';
    case 'none':
      return 'n,,';
  }
}

// More would let a hostile server keep our processors busy; PostgreSQL's default is 4096.
const iterationsMax = 2_000_000;

function parseServerFirst(message: string): {
  readonly nonce: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
} {
  const match =
    /^r=([\x21-\x2b\x2d-\x7e]+),s=((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?),i=([1-9]\d{0,9})$/.exec(
      message,
    );
  if (match === null) throw new ScramError('its challenge is malformed');
  const iterations = Number(match[3]);
  if (iterations > iterationsMax) throw new ScramError(`it wants more than ${iterationsMax} iterations`);
  return { nonce: match[1] ?? '', salt: Buffer.from(match[2] ?? '', 'base64'), iterations };
}

/** Hi() of RFC 5802, 2.2, off the main thread: it is slow on purpose. */
function saltedPassword(password: string, salt: Uint8Array, iterations: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    pbkdf2(saslPrep(password), salt, iterations, 32, 'sha256', (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)));
}

/**
 * The password as it is hashed (SASLprep, RFC 4013). Like PostgreSQL, one that it would forbid is used as it is.
 * SPEC: what was not assigned in Unicode 3.2 is not told apart (RFC 3454, A.1), and of the bidirectional rules only
 * mixing is looked for; both matter for no password that normalisation leaves alone.
 */
export function saslPrep(password: string): string {
  const mapped = password.replaceAll(otherSpaces, ' ').replaceAll(nothing, '').normalize('NFKC');
  const mixed = rightToLeft.test(mapped) && leftToRight.test(mapped);
  return mapped === '' || forbidden.test(mapped) || mixed ? password : mapped;
}

// RFC 3454: C.1.2 become a space, B.1 vanish; C.2 to C.9 are forbidden.
const otherSpaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
// oxlint-disable-next-line no-misleading-character-class
const nothing = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
const forbidden =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class
  /[\u0000-\u001f\u007f-\u009f\u06dd\u070f\u180e\u2028\u2029\u2061-\u2063\u206a-\u206f\ufff9-\ufffd\u{1d173}-\u{1d17a}\u2ff0-\u2ffb\u0340\u0341\u200e\u200f\u202a-\u202e\u{e0001}\u{e0020}-\u{e007f}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}]/u;
const rightToLeft = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const leftToRight = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}]/u;
