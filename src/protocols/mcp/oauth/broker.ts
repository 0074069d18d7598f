import {
  auth,
  checkResourceAllowed,
  computeScopeUnion,
  createPrivateKeyJwtAuth,
  type DpopSession,
  extractWWWAuthenticateParams,
  isDpopNonceChallenge,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import { isObject } from '../../../base/check.ts';
import { Fault } from '../../../base/errors.ts';
import type { Secret } from '../../../base/secret.ts';
import type { World } from '../../../base/time.ts';
import type { Upstream } from '../../../http/upstream.ts';
import { assertionOf } from './assertion.ts';
import { proofs } from './proofs.ts';
import type { Vault } from './sealed.ts';

/** How the gateway signs in to a server that wants OAuth: as itself, or for the operator who let it. */
export interface OAuthSettings {
  /** The only authorization server that is believed, whatever the MCP server names. */
  readonly issuer: string;
  /**
   * Absent: the gateway registers itself when it is let in (RFC 7591). An https URL: that of a document about it (Client ID
   * Metadata Documents); where the issuer takes no such, it registers itself.
   */
  readonly clientId?: string;
  /** Absent: a public client, which proves itself by PKCE. */
  readonly clientSecret?: Secret;
  /** A private key in PEM (PKCS 8), in place of a secret (RFC 7523: private_key_jwt). */
  readonly clientKey?: Secret;
  readonly algorithm?: string; // of the key; ES256 where it is absent
  /** Absent: what the server asks for. */
  readonly scope?: string;
  /** What may be asked for besides, once the server says that it needs it (RFC 6750, insufficient_scope), where nobody is there to agree. */
  readonly stepUp?: readonly string[];
  /** A token for each person; an agent has that of the person it acts for. */
  readonly per?: 'identity';
  /** `jwt_bearer`: a token of the platform that the gateway runs on stands for it (RFC 7523, workload identity federation). */
  readonly grant: 'client_credentials' | 'authorization_code' | 'jwt_bearer';
  /** Where the platform puts that token, and puts a new one before it ends: it is read each time. */
  readonly assertionFile?: string;
  /** Tokens are bound to a key of the gateway's (DPoP, RFC 9449); one that is not is not used. */
  readonly dpop?: true;
}

export interface BrokerParts {
  readonly settings: OAuthSettings;
  readonly upstream: Upstream;
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  readonly vault: Vault;
  readonly world: World;
}

/** Where a person comes back to who lets the gateway in. */
interface Login {
  readonly redirect: string;
  readonly state: string;
}

type Fields = readonly (readonly [string, string])[];

/** The token, and the fields of a request that shows it. */
interface Signed {
  readonly token: string;
  readonly fields: Fields;
}

interface Held {
  readonly tokens: StoredOAuthTokens;
  readonly until: number; // of the access token; it is not used in its last half minute
}

const marginMs = 30_000;
const usualSeconds = 300; // of a token that does not say

/** The URL by which a server is meant: what its tokens are for (RFC 8707). */
export function resourceUrl({ authority, base, tls }: Upstream): string {
  return `${tls === undefined ? 'http' : 'https'}://${authority}${base === '' ? '/' : base}`;
}

/**
 * Gets, keeps and renews the token of one MCP server: protected-resource metadata (RFC 9728), metadata of the authorization server
 * (RFC 8414), client credentials or an authorization code with PKCE, refresh; every token is asked for this server alone (RFC 8707).
 * SECURITY: secrets and tokens go to the configured issuer and to the server, and nowhere else; nothing of a client's is in it.
 */
export class Broker {
  readonly #parts: BrokerParts;
  #held: Held | undefined;
  #asking: Promise<string> | undefined;
  #discovered: OAuthDiscoveryState | undefined;
  #asked: { readonly scope?: string; readonly resourceMetadataUrl?: URL } | undefined;
  #verifier = '';
  /** The key that tokens are bound to, and what servers want proofs to repeat. */
  #proofs: Promise<DpopSession> | undefined;
  #proofKey: object | undefined;
  /** What it was registered as, where it registered itself. */
  #client: StoredOAuthClientInformation | undefined;
  /** Scopes that the server has said it needs besides. */
  #wants: string | undefined;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** How a request to the server shows the token. Rejects with a Fault `upstream-auth`. */
  async signed(method: string): Promise<Signed> {
    const token = await this.#token();
    if (this.#parts.settings.dpop !== true) return { token, fields: [['authorization', `Bearer ${token}`]] };
    const session = await this.#session();
    const htu = resourceUrl(this.#parts.upstream);
    const proof = await session.buildProof({ htm: method, htu, accessToken: token });
    return {
      token,
      fields: [
        ['authorization', `DPoP ${token}`],
        ['dpop', proof],
      ],
    };
  }

  /** What the server says of proofs (RFC 9449, 8.2 and 9). Gives whether the same request is to be sent once more, with a new one. */
  async heard({ status, fields }: { readonly status: number; readonly fields: Fields }): Promise<boolean> {
    if (this.#parts.settings.dpop !== true) return false;
    const nonce = fields.find(([name]) => name.toLowerCase() === 'dpop-nonce')?.[1];
    if (nonce === undefined || !nonces.test(nonce)) return false;
    (await this.#session()).rememberNonce(resourceUrl(this.#parts.upstream), nonce);
    if (status !== 401) return false;
    const said = fields.filter(([name]) => name.toLowerCase() === 'www-authenticate');
    return isDpopNonceChallenge(
      new Response(null, { status, headers: said.map(([name, value]): [string, string] => [name, value]) }),
    );
  }

  #session(): Promise<DpopSession> {
    this.#proofs ??= proofs(this.#proofKey, (key) => {
      this.#proofKey = key;
    });
    return this.#proofs;
  }

  /** Whoever asks meanwhile waits for the same one. */
  #token(): Promise<string> {
    const held = this.#held;
    if (held !== undefined && held.until > this.#parts.world.now())
      return Promise.resolve(held.tokens.access_token);
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** The server does not take it: it is not used again. */
  refused(token: string): void {
    if (this.#held?.tokens.access_token === token) this.#held = { ...this.#held, until: 0 };
  }

  /**
   * The server wants more scopes than the token has. Gives whether another token may be asked for now; else a person has to
   * let the gateway in again, and is asked for these then.
   */
  more(challenge: string): boolean {
    const params = extractWWWAuthenticateParams(
      new Response(null, { status: 403, headers: { 'www-authenticate': challenge } }),
    );
    if (params.error !== 'insufficient_scope' || params.scope === undefined || !scopes.test(params.scope))
      return false;
    const { settings } = this.#parts;
    const wanted = params.scope.split(' ');
    if (settings.grant !== 'authorization_code') {
      const may = new Set([...(settings.scope ?? '').split(' '), ...(settings.stepUp ?? [])]);
      if (!wanted.every((each) => may.has(each))) return false;
      this.#wants = computeScopeUnion(this.#wants, params.scope);
      if (this.#held !== undefined) this.#held = { ...this.#held, until: 0 };
      return true;
    }
    this.#wants = computeScopeUnion(this.#wants, params.scope);
    this.#store();
    return false;
  }

  async #ask(): Promise<string> {
    try {
      const { settings, vault, world } = this.#parts;
      if (settings.grant === 'authorization_code') {
        const kept = this.#read(vault.get());
        // A person may have signed in meanwhile, from the command line.
        if (kept !== undefined && kept.tokens.access_token !== this.#held?.tokens.access_token) {
          this.#held = kept;
          if (kept.until > world.now()) return kept.tokens.access_token;
        }
        if (this.#held?.tokens.refresh_token === undefined) throw new Fault('upstream-auth', nobody);
      }
      await auth(this.#provider(), await this.#where());
    } catch (thrown) {
      if (thrown instanceof Fault) throw thrown;
      throw new Fault('upstream-auth', 'The authorization server of an MCP server gave no token', {
        cause: thrown,
      });
    }
    const token = this.#held?.tokens.access_token;
    if (token === undefined) throw new Fault('upstream-auth', nobody);
    return token;
  }

  /** Where an operator signs in, to come back to `redirect` with a code. */
  async begin(login: Login): Promise<URL> {
    let page: URL | undefined;
    this.#read(this.#parts.vault.get());
    const provider = this.#provider({ ...login, show: (url) => (page = url) });
    await auth(provider, { ...(await this.#where()), forceReauthorization: true });
    if (page === undefined)
      throw new Fault('upstream-auth', 'The authorization server has no page to sign in');
    return page;
  }

  /** What the operator came back with; the tokens are kept from here on. `iss`: RFC 9207. */
  async finish(
    login: Login,
    came: { readonly code: string; readonly iss: string | undefined },
  ): Promise<void> {
    await auth(this.#provider(login), {
      ...(await this.#where()),
      authorizationCode: came.code,
      ...(came.iss === undefined ? {} : { iss: came.iss }),
    });
  }

  async #where(): Promise<{
    serverUrl: string;
    fetchFn: BrokerParts['fetch'];
    scope?: string;
    resourceMetadataUrl?: URL;
  }> {
    const { settings, upstream, fetch } = this.#parts;
    this.#asked ??= settings.scope === undefined ? await this.#challenge() : {};
    const { scope: said, resourceMetadataUrl } = this.#asked;
    const scope = computeScopeUnion(settings.scope ?? said, this.#wants);
    return {
      serverUrl: resourceUrl(upstream),
      fetchFn: fetch,
      ...(scope === undefined ? {} : { scope }),
      ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
    };
  }

  /** What the server says to who shows no token: which scopes it wants, and where its metadata is (RFC 9728, 5.1). */
  async #challenge(): Promise<{ readonly scope?: string; readonly resourceMetadataUrl?: URL }> {
    const { upstream, fetch } = this.#parts;
    const answer = await fetch(resourceUrl(upstream), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: asking,
    });
    await answer.body?.cancel();
    if (answer.status !== 401) return {};
    const { scope, resourceMetadataUrl } = extractWWWAuthenticateParams(answer);
    const own = resourceMetadataUrl?.origin === new URL(resourceUrl(upstream)).origin;
    return {
      ...(scope === undefined || !scopes.test(scope) ? {} : { scope }),
      ...(resourceMetadataUrl === undefined || !own ? {} : { resourceMetadataUrl }),
    };
  }

  #provider(login?: Login & { readonly show?: (url: URL) => void }): OAuthClientProvider {
    const { settings, upstream } = this.#parts;
    const { issuer, clientId, clientSecret, clientKey, scope, grant, algorithm = 'ES256' } = settings;
    const { assertionFile, dpop } = settings;
    const byDocument =
      clientId?.startsWith('https://') === true && clientSecret === undefined && clientKey === undefined;
    const registers = clientId === undefined || byDocument;
    const byCode = grant === 'authorization_code';
    const server = resourceUrl(upstream);
    return {
      // Only to refresh, where nobody is there to be sent anywhere.
      redirectUrl: byCode ? (login?.redirect ?? 'http://127.0.0.1/') : undefined,
      clientMetadata: {
        client_name: 'sallyport',
        redirect_uris: login === undefined ? [] : [login.redirect],
        grant_types: byCode ? ['authorization_code', 'refresh_token'] : [grants[grant]],
        ...(scope === undefined ? {} : { scope }),
      },
      ...(login === undefined ? {} : { state: () => login.state }),
      clientInformation: () =>
        registers
          ? this.#client
          : {
              client_id: clientId,
              ...(clientSecret === undefined
                ? {}
                : { client_secret: clientSecret.reveal('sign in as a client') }),
              issuer,
            },
      ...(byDocument ? { clientMetadataUrl: clientId } : {}),
      ...(registers
        ? {
            saveClientInformation: (client: StoredOAuthClientInformation) => {
              // SECURITY: it is for the configured issuer alone; #discover has seen that it is that one.
              this.#client = { ...client, issuer: client.issuer ?? issuer };
              this.#store();
            },
          }
        : {}),
      ...(clientKey === undefined || clientId === undefined
        ? {}
        : {
            addClientAuthentication: createPrivateKeyJwtAuth({
              issuer: clientId,
              subject: clientId,
              privateKey: clientKey.reveal('sign in as a client'),
              alg: algorithm,
            }),
          }),
      tokens: () => this.#held?.tokens,
      saveTokens: (tokens) => this.#keep(tokens),
      redirectToAuthorization: (url) => {
        if (login?.show === undefined) throw new Fault('upstream-auth', nobody);
        login.show(url);
      },
      saveCodeVerifier: (verifier) => {
        this.#verifier = verifier;
      },
      codeVerifier: () => this.#verifier,
      invalidateCredentials: (what) => {
        // The same assertion would be refused again (RFC 7523, 3.1).
        if (grant === 'jwt_bearer')
          throw new Fault('upstream-auth', 'The authorization server does not take the assertion');
        if (what === 'tokens' || what === 'all') this.#forget();
      },
      // The token is for this server, whatever it calls itself; what calls itself another is not this one.
      validateResourceURL: (_url, resource) => {
        if (
          resource !== undefined &&
          !checkResourceAllowed({ requestedResource: server, configuredResource: resource })
        )
          throw new Fault('upstream-auth', 'The MCP server says that its tokens are for another server');
        return Promise.resolve(asWritten(resource ?? server));
      },
      discoveryState: () => this.#discovered ?? { authorizationServerUrl: issuer },
      saveDiscoveryState: (state) => this.#discover(state),
      ...(byCode
        ? {}
        : {
            prepareTokenRequest: async (wanted?: string) =>
              new URLSearchParams({
                grant_type: grants[grant],
                ...(assertionFile === undefined ? {} : { assertion: await assertionOf(assertionFile) }),
                ...(wanted === undefined ? {} : { scope: wanted }),
              }),
          }),
      ...(dpop === true ? { dpop: () => this.#session() } : {}),
    };
  }

  /** SECURITY: the issuer is the configured one, and a server that has metadata must name it. */
  #discover(state: OAuthDiscoveryState): void {
    const named = state.resourceMetadata?.authorization_servers;
    const wanted = this.#parts.settings.issuer;
    if (named !== undefined && !named.some((each) => sameIssuer(each, wanted)))
      throw new Fault(
        'upstream-auth',
        'The MCP server names other authorization servers than the configured issuer',
      );
    this.#discovered = state;
  }

  #keep(tokens: StoredOAuthTokens): void {
    const { settings, world } = this.#parts;
    this.#wants = undefined;
    if (tokens.token_type.toLowerCase() !== (settings.dpop === true ? 'dpop' : 'bearer'))
      throw new Fault(
        'upstream-auth',
        'The authorization server gave a token of a kind that is not understood',
      );
    if (!/^[\x21-\x7e]{1,16384}$/.test(tokens.access_token))
      throw new Fault('upstream-auth', 'The authorization server gave a token that cannot be sent');
    const ms = (tokens.expires_in ?? usualSeconds) * 1_000;
    // A refresh that gives no new refresh token goes on with the old one (RFC 6749, 6).
    const refresh = tokens.refresh_token ?? this.#held?.tokens.refresh_token;
    const whole = { ...tokens, ...(refresh === undefined ? {} : { refresh_token: refresh }) };
    const until = world.now() + Math.max(0, ms - Math.min(marginMs, ms / 2));
    this.#held = { tokens: whole, until };
    this.#store();
  }

  /** What must be known again: by who comes after a restart, and by the gateway while an operator lets it in. */
  #store(): void {
    const { vault, settings } = this.#parts;
    if (settings.grant !== 'authorization_code') return;
    const { tokens, until } = this.#held ?? {};
    const said = { tokens, until, client: this.#client, wants: this.#wants, key: this.#proofKey };
    vault.set(JSON.stringify(said));
  }

  #read(text: string | undefined): Held | undefined {
    const read = text === undefined ? undefined : (JSON.parse(text) as unknown);
    if (!isObject(read)) return undefined;
    const { client, wants, key } = read as Stored; // #store wrote it, and the seal says so
    if (key !== undefined && JSON.stringify(key) !== JSON.stringify(this.#proofKey)) {
      this.#proofKey = key;
      this.#proofs = undefined;
    }
    this.#client = client ?? this.#client;
    this.#wants = wants ?? this.#wants;
    if (!isObject(read['tokens']) || typeof read['until'] !== 'number') return undefined;
    return { tokens: read['tokens'] as unknown as StoredOAuthTokens, until: read['until'] };
  }

  #forget(): void {
    this.#held = undefined;
    this.#store();
  }
}

interface Stored {
  readonly client?: StoredOAuthClientInformation;
  readonly wants?: string;
  readonly key?: object;
}

const grants = {
  client_credentials: 'client_credentials',
  authorization_code: 'authorization_code',
  jwt_bearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
} as const;

/** RFC 9449, 8.1: NQCHAR. */
const nonces = /^[\x21\x23-\x5b\x5d-\x7e]{1,500}$/;

const nobody = 'Nobody has let the gateway in to this MCP server: sallyport mcp-login';

const scopes = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+){0,50}$/;
const asking = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'tools/list', params: {} });

/** A URL that is sent as it was written: an address without a path gets no `/` (RFC 8707 compares texts). */
function asWritten(text: string): URL {
  return Object.defineProperty(new URL(text), 'href', { value: text });
}

function sameIssuer(one: string, other: string): boolean {
  return one.replace(/\/$/, '') === other.replace(/\/$/, '');
}
