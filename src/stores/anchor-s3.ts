// Amazon S3 API: PutObject with Object Lock. Requests are signed with AWS Signature Version 4, path style, so that any
// S3-compatible store with Object Lock takes them.
import { createHash, createHmac } from 'node:crypto';
import { messageOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { World } from '../base/time.ts';

export interface S3Settings {
  readonly endpoint: string; // https://s3.eu-central-1.amazonaws.com
  readonly region: string;
  readonly bucket: string;
  readonly prefix: string; // ends with / unless it is empty
  readonly accessKeyId: Secret;
  readonly secretAccessKey: Secret;
  /** Nobody, not even the account's owner, can change or remove the object for so long (COMPLIANCE). */
  readonly retainDays: number;
}

const requestMs = 30_000;

/** An object of this name that cannot be replaced (If-None-Match) nor removed (Object Lock). */
export function lockedObject(
  settings: S3Settings,
  object: { readonly name: string; readonly body: string },
  world: World,
): { readonly where: string; readonly put: () => Promise<string | undefined> } {
  const url = new URL(
    `${settings.endpoint.replace(/\/+$/, '')}/${encodePath(settings.bucket)}/${encodePath(settings.prefix + object.name)}`,
  );
  const send = (
    method: 'GET' | 'PUT',
    body: string,
    extra: Readonly<Record<string, string>>,
  ): Promise<Response> => {
    const headers = signed({ method, url, body, extra, settings, now: world.now() });
    return fetch(url, {
      method,
      headers,
      redirect: 'error',
      signal: AbortSignal.timeout(requestMs),
      ...(method === 'PUT' ? { body } : {}),
    }).catch((thrown: unknown) => {
      throw new Error(`the store cannot be reached: ${causeOf(thrown)}`);
    });
  };
  return {
    where: `s3://${settings.bucket}/${settings.prefix}${object.name}`,
    put: async () => {
      const until = new Date(world.now() + settings.retainDays * 86_400_000).toISOString();
      const answer = await send('PUT', object.body, {
        'content-md5': createHash('md5').update(object.body).digest('base64'),
        'content-type': 'text/plain; charset=utf-8',
        'if-none-match': '*',
        'x-amz-object-lock-mode': 'COMPLIANCE',
        'x-amz-object-lock-retain-until-date': until,
      });
      if (answer.ok) return undefined;
      if (answer.status !== 412)
        throw new Error(`the store answered ${answer.status} ${await codeOf(answer)}`);
      const known = await send('GET', '', {});
      if (!known.ok) throw new Error(`the store answered ${known.status} ${await codeOf(known)}`);
      return known.text();
    },
  };
}

function causeOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : messageOf(cause);
}

/** `<Code>` of an error of S3: a word, never what the request held. */
async function codeOf(answer: Response): Promise<string> {
  return /<Code>([A-Za-z]{1,64})<\/Code>/.exec((await answer.text()).slice(0, 4_096))?.[1] ?? '';
}

function encodePath(path: string): string {
  return path
    .split('/')
    .map((part) =>
      encodeURIComponent(part).replaceAll(
        /[!'()*]/g,
        (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
    .join('/');
}

/** The headers of a request, signed (AWS Signature Version 4, "Create a signed AWS API request"). */
function signed(of: {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
  readonly extra: Readonly<Record<string, string>>;
  readonly settings: S3Settings;
  readonly now: number;
}): Record<string, string> {
  const { method, url, body, extra, settings } = of;
  const at = new Date(of.now).toISOString().replaceAll(/[-:]|\.\d{3}/g, ''); // 20261121T083517Z
  const day = at.slice(0, 8);
  const digest = sha256(body);
  const headers: Record<string, string> = { ...extra, 'x-amz-content-sha256': digest, 'x-amz-date': at };
  const all: Record<string, string> = { ...headers, host: url.host };
  const names = Object.keys(all).sort();
  const canonical = [
    method,
    url.pathname,
    '',
    ...names.map((name) => `${name}:${(all[name] ?? '').trim()}`),
    '',
    names.join(';'),
    digest,
  ].join('\n');
  const scope = `${day}/${settings.region}/s3/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${at}\n${scope}\n${sha256(canonical)}`;
  const secret = `AWS4${settings.secretAccessKey.reveal('sign a request to S3')}`;
  const key = [day, settings.region, 's3', 'aws4_request'].reduce<Buffer>(
    (above, part) => createHmac('sha256', above).update(part).digest(),
    Buffer.from(secret),
  );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const credential = `${settings.accessKeyId.reveal('sign a request to S3')}/${scope}`;
  headers['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return headers;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
