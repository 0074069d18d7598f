/**
 * Amazon S3 API, as far as recordings need it, path style, for any S3-compatible store: whole objects, multipart uploads and
 * their listing, ranges. Requests are signed with AWS Signature Version 4.
 */
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import type { Secret } from '../base/secret.ts';

export interface BucketSettings {
  readonly endpoint: string; // https://s3.eu-central-1.amazonaws.com
  readonly region: string;
  readonly bucket: string;
  readonly prefix: string; // ends with / unless it is empty
  readonly accessKeyId: Secret;
  readonly secretAccessKey: Secret;
  /** Objects cannot be changed or removed for so long. */
  readonly lock?: { readonly mode: 'COMPLIANCE' | 'GOVERNANCE'; readonly days: number };
}

/** A store that refused, or could not be reached after all tries. The message holds a code, never what was sent. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: string;

  constructor(code: string, what: string) {
    super(`The store ${what}: ${code}`);
    this.code = code;
  }
}

export interface Part {
  readonly number: number; // from 1
  readonly tag: string; // ETag, as the store gave it
  readonly bytes: number;
}

export interface Upload {
  readonly key: string;
  readonly id: string;
}

/** Names are below the prefix of the settings. Every call tries again when the store is busy or away; rejects with a StoreError. */
export interface Bucket {
  readonly put: (name: string, body: Uint8Array) => Promise<void>;
  readonly begin: (name: string) => Promise<string>;
  readonly part: (
    name: string,
    of: { readonly upload: string; readonly number: number; readonly body: Uint8Array },
  ) => Promise<Part>;
  readonly complete: (name: string, upload: string, parts: readonly Part[]) => Promise<void>;
  readonly abort: (name: string, upload: string) => Promise<void>;
  /** Uploads under this name that were begun and neither completed nor aborted. */
  readonly uploads: (under: string) => Promise<readonly Upload[]>;
  readonly parts: (name: string, upload: string) => Promise<readonly Part[]>;
  readonly list: (under: string) => Promise<readonly string[]>;
  /** Bytes of an object; `undefined` where there is none. */
  readonly size: (name: string) => Promise<number | undefined>;
  readonly read: (name: string, from: number, bytes: number) => Promise<Uint8Array>;
  /** Rejects where the object is locked. */
  readonly remove: (name: string) => Promise<void>;
}

const requestMs = 60_000;

export function bucket(
  settings: BucketSettings,
  how: { readonly tries?: number; readonly firstWaitMs?: number } = {},
): Bucket {
  const { tries = 6, firstWaitMs = 200 } = how;
  const send = async (asked: Asked): Promise<Answer> => {
    for (let tried = 1; ; tried++) {
      const answer = await once(settings, asked);
      const again = answer.status === 0 || answer.status === 429 || answer.status >= 500;
      if (!again) return answer;
      if (tried >= tries) throw new StoreError(answer.code, 'cannot be used');
      await wait(firstWaitMs * 2 ** (tried - 1) * (0.5 + Math.random()));
    }
  };
  const good = async (asked: Asked): Promise<Answer> => {
    const answer = await send(asked);
    if (answer.status >= 300) throw new StoreError(`${answer.status} ${answer.code}`, 'refused it');
    return answer;
  };
  const full = (name: string): string => settings.prefix + name;
  const locked = (): Readonly<Record<string, string>> => {
    const { lock } = settings;
    return lock === undefined
      ? {}
      : {
          'x-amz-object-lock-mode': lock.mode,
          'x-amz-object-lock-retain-until-date': new Date(Date.now() + lock.days * 86_400_000).toISOString(),
        };
  };
  return {
    put: async (name, body) => void (await good({ method: 'PUT', key: full(name), body, headers: locked() })),
    begin: async (name) => {
      const { text } = await good({
        method: 'POST',
        key: full(name),
        query: { uploads: '' },
        headers: locked(),
      });
      const id = tagged(text, 'UploadId');
      if (id === undefined) throw new StoreError('no UploadId', 'answered without sense');
      return id;
    },
    part: async (name, { upload, number, body }) => {
      const query = { partNumber: String(number), uploadId: upload };
      const { tag } = await good({ method: 'PUT', key: full(name), query, body });
      return { number, tag, bytes: body.length };
    },
    complete: async (name, upload, parts) => {
      const listed = parts
        .map(
          ({ number, tag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`,
        )
        .join('');
      const body = Buffer.from(`<CompleteMultipartUpload>${listed}</CompleteMultipartUpload>`);
      const { text } = await good({ method: 'POST', key: full(name), query: { uploadId: upload }, body });
      // CompleteMultipartUpload can answer 200 and then say in its body that it failed.
      if (text.includes('<Error>'))
        throw new StoreError(tagged(text, 'Code') ?? '', 'could not complete the upload');
    },
    abort: async (name, upload) => {
      const answer = await send({ method: 'DELETE', key: full(name), query: { uploadId: upload } });
      if (answer.status >= 300 && answer.status !== 404) throw new StoreError(answer.code, 'refused it');
    },
    uploads: async (under) => {
      const { text } = await good({
        method: 'GET',
        key: '',
        query: { uploads: '', prefix: full(under), 'max-uploads': '1000' },
      });
      return blocks(text, 'Upload').flatMap((each) => {
        const [key, id] = [tagged(each, 'Key'), tagged(each, 'UploadId')];
        return key?.startsWith(settings.prefix) === true && id !== undefined
          ? [{ key: key.slice(settings.prefix.length), id }]
          : [];
      });
    },
    parts: async (name, upload) => {
      const found: Part[] = [];
      for (let marker = '0'; ;) {
        const query = { uploadId: upload, 'part-number-marker': marker };
        const answer = await send({ method: 'GET', key: full(name), query });
        // A store that cannot list parts has none that could be used again.
        if (answer.status >= 300) return [];
        for (const each of blocks(answer.text, 'Part'))
          found.push({
            number: Number(tagged(each, 'PartNumber')),
            tag: tagged(each, 'ETag') ?? '',
            bytes: Number(tagged(each, 'Size')),
          });
        const next = tagged(answer.text, 'NextPartNumberMarker');
        if (tagged(answer.text, 'IsTruncated') !== 'true' || next === undefined || next === marker)
          return found;
        marker = next;
      }
    },
    list: async (under) => {
      const found: string[] = [];
      for (let token: string | undefined; ;) {
        const query = {
          'list-type': '2',
          prefix: full(under),
          ...(token === undefined ? {} : { 'continuation-token': token }),
        };
        const { text } = await good({ method: 'GET', key: '', query });
        for (const each of blocks(text, 'Contents'))
          found.push((tagged(each, 'Key') ?? '').slice(settings.prefix.length));
        token = tagged(text, 'NextContinuationToken');
        if (token === undefined) return found;
      }
    },
    size: async (name) => {
      const answer = await send({ method: 'HEAD', key: full(name) });
      if (answer.status === 404) return undefined;
      if (answer.status >= 300) throw new StoreError(String(answer.status), 'refused it');
      return answer.length;
    },
    read: async (name, from, bytes) => {
      const range = `bytes=${from}-${from + bytes - 1}`;
      const answer = await good({ method: 'GET', key: full(name), headers: { range } });
      if (answer.body.length !== bytes) throw new StoreError('short', 'gave less than was asked for');
      return answer.body;
    },
    remove: async (name) => {
      const answer = await send({ method: 'DELETE', key: full(name) });
      if (answer.status >= 300 && answer.status !== 404)
        throw new StoreError(`${answer.status} ${answer.code}`, 'refused it');
    },
  };
}

interface Asked {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD';
  readonly key: string; // '' is the bucket
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

interface Answer {
  readonly status: number; // 0: none came
  readonly code: string;
  readonly text: string;
  readonly body: Uint8Array;
  readonly tag: string;
  readonly length: number;
}

async function once(
  settings: BucketSettings,
  { method, key, query = {}, headers = {}, body }: Asked,
): Promise<Answer> {
  const path = [settings.bucket, ...(key === '' ? [] : key.split('/'))].map(encodeURIComponent).join('/');
  const search = Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  const url = `${settings.endpoint.replace(/\/+$/, '')}/${path}${search === '' ? '' : `?${search}`}`;
  const own: Record<string, string> = {
    ...headers,
    'x-amz-content-sha256': createHash('sha256')
      .update(body ?? '')
      .digest('hex'),
    // Object Lock asks for it; and a part that was damaged on its way is refused.
    ...(body === undefined ? {} : { 'content-md5': createHash('md5').update(body).digest('base64') }),
  };
  const signed = await new AwsV4Signer({
    method,
    url,
    headers: own,
    accessKeyId: settings.accessKeyId.reveal('sign a request to S3'),
    secretAccessKey: settings.secretAccessKey.reveal('sign a request to S3'),
    service: 's3',
    region: settings.region,
    allHeaders: true,
  }).sign();
  try {
    const answer = await fetch(signed.url, {
      method,
      headers: signed.headers,
      redirect: 'error',
      signal: AbortSignal.timeout(requestMs),
      ...(body === undefined
        ? {}
        : { body: Buffer.from(body.buffer, body.byteOffset, body.length) as Uint8Array<ArrayBuffer> }),
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const isXml = !answer.ok || !key || method === 'POST' || (method === 'GET' && 'uploadId' in query);
    const text = isXml ? Buffer.from(bytes).toString('utf8') : '';
    return {
      status: answer.status,
      code: /<Code>([A-Za-z]{1,64})<\/Code>/.exec(text)?.[1] ?? String(answer.status),
      text,
      body: bytes,
      tag: answer.headers.get('etag') ?? '',
      length: Number(answer.headers.get('content-length') ?? '0'),
    };
  } catch (thrown) {
    const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer';
    return { status: 0, code, text: '', body: new Uint8Array(0), tag: '', length: 0 };
  }
}

/** The content of the first element of this name. What S3 puts there has no elements inside. */
function tagged(text: string, name: string): string | undefined {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
  return found
    ?.replaceAll('&quot;', '"')
    .replaceAll('&#34;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function blocks(text: string, name: string): readonly string[] {
  return [...text.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(([, inner = '']) => inner);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
