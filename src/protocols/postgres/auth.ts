import { createHash } from 'node:crypto';
import { Fault } from '../../base/errors.ts';
import { never } from '../../base/result.ts';
import type { Wire } from '../../base/stream.ts';
import type { World } from '../../base/time.ts';
import { textOf } from './reader.ts';
import { passwordMessage, saslInitialResponse, saslResponse } from './encode.ts';
import type { AuthenticationRequest } from './messages.ts';
import { type Binding, ScramClient, ScramError } from './scram.ts';
import type { PostgresSettings } from './settings.ts';

/** The gateway's side of a sign-in to a server: answers what the server asks, as far as that is safe. */
export class SignIn {
  readonly #settings: PostgresSettings;
  readonly #wire: Wire;
  readonly #world: World;
  #scram: ScramClient | undefined;
  #challenged = false;

  constructor(settings: PostgresSettings, wire: Wire, world: World) {
    this.#settings = settings;
    this.#wire = wire;
    this.#world = world;
  }

  /**
   * What to send in answer; `undefined` when nothing is to be sent. Ok is the end.
   * @throws {Fault} `upstream-auth` when the server wants what we do not give, or is not who it must be
   */
  async answer(request: AuthenticationRequest): Promise<Uint8Array | undefined> {
    switch (request.kind) {
      case 'Ok':
        // SECURITY: a server that skips its own proof may be somebody in between.
        if (this.#scram !== undefined && !this.#scram.verified)
          throw this.#fault('it did not prove who it is');
        return undefined;
      case 'CleartextPassword':
        return passwordMessage(this.#cleartext());
      case 'MD5Password':
        return passwordMessage(md5Password(this.#settings.user, this.#password(), request.salt));
      case 'SASL':
        return this.#begin(request.mechanisms);
      case 'SASLContinue':
        return saslResponse(Buffer.from(await this.#step((scram) => this.#final(scram, request.data))));
      case 'SASLFinal':
        await this.#step((scram) => scram.verify(textOf(request.data)));
        return undefined;
      case 'unsupported':
        throw this.#fault(`it wants an unsupported kind of sign-in (${request.code})`);
      default:
        return never(request);
    }
  }

  /** SECURITY: a password in clear goes only to a server whose certificate was checked. */
  #cleartext(): string {
    const { tls } = this.#settings;
    if (this.#wire.tls === undefined || tls === 'require' || tls === 'disable') {
      throw this.#fault('it wants the password in clear, which goes only over tls: verify-full or verify-ca');
    }
    return this.#password();
  }

  #begin(mechanisms: readonly string[]): Uint8Array {
    if (this.#scram !== undefined) throw this.#fault('it asked for a sign-in twice');
    const binding = this.#binding(mechanisms);
    const scram = new ScramClient({
      password: this.#password(),
      nonce: Buffer.from(this.#world.random(18)).toString('base64'),
      binding,
    });
    if (!mechanisms.includes(scram.mechanism)) throw this.#fault('it offers no SCRAM-SHA-256');
    this.#scram = scram;
    return saslInitialResponse(scram.mechanism, Buffer.from(scram.first));
  }

  #binding(mechanisms: readonly string[]): Binding {
    const hash = this.#wire.tls?.channelBinding;
    if (hash === undefined) return { kind: 'none' };
    return mechanisms.includes('SCRAM-SHA-256-PLUS')
      ? { kind: 'tls-server-end-point', hash }
      : { kind: 'unused' };
  }

  #final(scram: ScramClient, challenge: Uint8Array): Promise<string> {
    if (this.#challenged) throw new ScramError('it sent two challenges');
    this.#challenged = true;
    return scram.final(textOf(challenge));
  }

  async #step<T>(step: (scram: ScramClient) => T | Promise<T>): Promise<T> {
    if (this.#scram === undefined) throw this.#fault('it went on with a sign-in that was not begun');
    try {
      return await step(this.#scram);
    } catch (thrown) {
      if (thrown instanceof ScramError) throw this.#fault(thrown.message);
      throw thrown;
    }
  }

  #password(): string {
    const { password } = this.#settings;
    if (password === undefined) throw this.#fault('it wants a password, and credentials.password is not set');
    return password.reveal('sign in to the resource');
  }

  #fault(why: string): Fault {
    return new Fault('upstream-auth', `Cannot sign in to ${this.#settings.address}: ${why}`);
  }
}

/** PostgreSQL 18 docs, 54.2.1: 'md5' and md5(md5(password, user), salt), in hex. */
export function md5Password(user: string, password: string, salt: Uint8Array): string {
  return `md5${md5(md5(password + user), salt)}`;
}

function md5(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
