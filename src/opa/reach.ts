import { Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent, request } from 'node:https';
import type { Secret } from '../base/secret.ts';

/** What the configuration says of one place where policies of OPA, or answers of a server, come from. */
export interface OpaOrigin {
  readonly origin: string; // `https://opa.internal:8181`
  /** Shown as a bearer token to this origin, and to no other. */
  readonly token?: Secret;
  readonly ca?: string; // PEM, in place of the system's trust anchors
}

export interface Wanted {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly mostBytes: number;
  readonly signal: AbortSignal;
}

export interface Answered {
  readonly status: number;
  readonly etag?: string;
  /** Undefined where it is longer than was wanted. */
  readonly body: Uint8Array | undefined;
}

/** Asks once. Redirects are not followed. Rejects where there is no whole answer. */
export type Reach = (url: URL, wanted: Wanted) => Promise<Answered>;

/**
 * SECURITY: which address is asked stands in the policy, and whoever writes that must not learn a token by naming his own:
 * tokens stand in the gateway's configuration, each for one origin.
 */
export function reaching(origins: readonly OpaOrigin[]): Reach {
  const plain = new PlainAgent({ keepAlive: true });
  const known = new Map(
    origins.map((each) => [
      each.origin,
      { ...each, agent: new Agent({ keepAlive: true, ...(each.ca === undefined ? {} : { ca: each.ca }) }) },
    ]),
  );
  const others = new Agent({ keepAlive: true });
  return (url, { method, headers = {}, body, mostBytes, signal }) =>
    new Promise((resolve, reject) => {
      const place = known.get(url.origin);
      const bearer = place?.token?.reveal('asks the origin that it is for');
      const sent = {
        ...headers,
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      };
      const secure = url.protocol === 'https:';
      const asked = secure
        ? request(url, { method, headers: sent, signal, agent: place?.agent ?? others })
        : plainRequest(url, { method, headers: sent, signal, agent: plain });
      asked.on('error', reject);
      asked.on('response', (response) => {
        const { statusCode: status = 0, headers: got } = response;
        const etag = got.etag === undefined ? {} : { etag: got.etag };
        const chunks: Uint8Array[] = [];
        let bytes = 0;
        response.on('error', reject);
        response.on('close', () => reject(new Error('The answer breaks off'))); // nothing, after a whole one
        response.on('data', (chunk: Uint8Array) => {
          bytes += chunk.length;
          if (bytes <= mostBytes) return void chunks.push(chunk);
          resolve({ status, body: undefined });
          response.destroy();
        });
        response.on('end', () => {
          if (response.complete) resolve({ status, ...etag, body: Buffer.concat(chunks) });
        });
      });
      asked.end(body);
    });
}
