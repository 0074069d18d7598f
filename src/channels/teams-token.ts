import {
  createRemoteJWKSet,
  customFetch,
  decodeProtectedHeader,
  jwtVerify,
  type JWTVerifyGetKey,
} from 'jose';
import { isObject, string } from '../base/check.ts';
import type { World } from '../base/time.ts';
import { picked } from './pick.ts';
import { serviceUrl, type TeamsSettings } from './settings.ts';

// Bot Connector, "Authenticate requests from the Bot Connector service to your bot":
// https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication

export const connector = {
  metadataUrl: 'https://login.botframework.com/v1/.well-known/openidconfiguration',
  issuer: 'https://api.botframework.com',
} as const;

const skewSeconds = 300;
const metadataMs = 24 * 3_600_000;
const timeoutMs = 10_000;

export type Caller =
  | { readonly kind: 'good'; readonly serviceUrl: string }
  | { readonly kind: 'bad'; readonly why: string };

/** Checks the token of a request from the Bot Connector: signature, issuer, audience, time, key and service. */
export function connectorTokens(
  settings: TeamsSettings,
  world: World,
): (authorization: string | undefined) => Promise<Caller> {
  const { metadataUrl = connector.metadataUrl, issuer = connector.issuer } = settings;
  let keys: { readonly get: JWTVerifyGetKey; readonly at: number } | undefined;
  const keySet = async (): Promise<JWTVerifyGetKey> => {
    if (keys !== undefined && keys.at + metadataMs > world.now()) return keys.get;
    keys = { get: await fetchKeys(metadataUrl), at: world.now() };
    return keys.get;
  };
  return async (authorization) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(authorization ?? '')?.[1];
    if (token === undefined) return { kind: 'bad', why: 'no token' };
    try {
      if (decodeProtectedHeader(token).kid === undefined) return { kind: 'bad', why: 'bad token' };
      const { payload } = await jwtVerify(token, await keySet(), {
        issuer,
        audience: settings.app,
        algorithms: ['RS256'],
        clockTolerance: skewSeconds,
        currentDate: new Date(world.now()),
        requiredClaims: ['exp', 'iss', 'aud', 'serviceurl'],
      });
      const { serviceurl } = payload;
      return typeof serviceurl === 'string'
        ? { kind: 'good', serviceUrl: serviceurl }
        : { kind: 'bad', why: 'bad token' };
    } catch {
      return { kind: 'bad', why: 'bad token' };
    }
  };
}

const metadata = picked({ jwks_uri: string({ max: 2_000 }) });

async function fetchKeys(metadataUrl: string): Promise<JWTVerifyGetKey> {
  const answer = await fetch(metadataUrl, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  const read = metadata(await answer.json(), '');
  const uri = read.ok ? serviceUrl(read.value.jwks_uri, '') : read;
  if (!answer.ok || !uri.ok) throw new TypeError('The metadata of the Bot Connector cannot be read');
  return createRemoteJWKSet(new URL(uri.value), {
    timeoutDuration: timeoutMs,
    cooldownDuration: 30_000,
    [customFetch]: async (url: string, options: RequestInit) => {
      const keys = await fetch(url, { ...options, redirect: 'error' });
      const set: unknown = await keys.json();
      return new Response(JSON.stringify(forTeams(set)), {
        status: keys.status,
        headers: { 'content-type': 'application/json' },
      });
    },
  });
}

/** A key says for which channels it may sign (`endorsements`); those that do not name Teams are left out. */
function forTeams(set: unknown): unknown {
  if (!isObject(set) || !Array.isArray(set['keys'])) return set;
  return {
    keys: (set['keys'] as readonly unknown[]).filter(
      (key) =>
        isObject(key) &&
        Array.isArray(key['endorsements']) &&
        (key['endorsements'] as readonly unknown[]).includes('msteams'),
    ),
  };
}
