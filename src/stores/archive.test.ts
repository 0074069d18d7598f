import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Fault } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { realWorld } from '../base/time.ts';
import type { Subject } from '../core/identity.ts';
import type { ResourceName, Session } from '../core/session.ts';
import { type Archive, openArchive } from './archive.ts';
import { closed, freshFolder, open, opened, sessionId } from './fake.ts';
import type { OpenLedger } from './ledger.ts';
import { recordings } from './recordings.ts';
import { bucket, type BucketSettings } from './s3.ts';
import { type SessionRecords, sessionRecords } from './sessions.ts';

interface Stored {
  readonly body: Buffer;
  readonly lockedUntil: number;
}

/** S3 as its API reference has it, as far as it is used: objects, ranges, multipart uploads, Object Lock; it checks digests and signatures. */
interface Fake extends AsyncDisposable {
  readonly settings: BucketSettings;
  readonly objects: Map<string, Stored>;
  readonly uploads: Map<
    string,
    { readonly key: string; readonly parts: Map<number, Buffer>; readonly lockedUntil: number }
  >;
  readonly asked: string[];
  /** Called before each request; a number is the status it is answered with instead. */
  fail: (asked: string) => number | undefined;
}

async function fakeS3(lock?: BucketSettings['lock']): Promise<Fake> {
  const objects: Fake['objects'] = new Map();
  const uploads: Fake['uploads'] = new Map();
  const asked: string[] = [];
  let ids = 0;
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const url = new URL(request.url ?? '', 'http://s3');
      const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'));
      const { method = '', headers } = request;
      const what = `${method} ${key}${url.search}`;
      asked.push(what);
      const say = (status: number, text = '', more: Record<string, string> = {}): void =>
        void response.writeHead(status, more).end(text);
      const status = fake.fail(what);
      if (status !== undefined) return say(status, `<Error><Code>Fails</Code></Error>`);
      if (headers.authorization !== authorizationOf(request, url))
        return say(403, '<Error><Code>SignatureDoesNotMatch</Code></Error>');
      if (headers['x-amz-content-sha256'] !== createHash('sha256').update(body).digest('hex'))
        return say(400, '<Error><Code>XAmzContentSHA256Mismatch</Code></Error>');
      if (body.length > 0 && headers['content-md5'] !== createHash('md5').update(body).digest('base64'))
        return say(400, '<Error><Code>BadDigest</Code></Error>');
      const until = headers['x-amz-object-lock-retain-until-date'];
      const lockedUntil = typeof until === 'string' ? Date.parse(until) : 0;
      const id = url.searchParams.get('uploadId') ?? '';
      if (url.searchParams.has('uploads') && method === 'POST') {
        uploads.set(`u${++ids}`, { key, parts: new Map(), lockedUntil });
        return say(
          200,
          `<InitiateMultipartUploadResult><UploadId>u${ids}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      if (url.searchParams.has('uploads')) {
        const prefix = url.searchParams.get('prefix') ?? '';
        const found = [...uploads].filter(([, each]) => each.key.startsWith(prefix));
        return say(
          200,
          `<R>${found.map(([name, each]) => `<Upload><Key>${each.key}</Key><UploadId>${name}</UploadId></Upload>`).join('')}</R>`,
        );
      }
      const upload = uploads.get(id);
      if (id !== '' && upload === undefined) return say(404, '<Error><Code>NoSuchUpload</Code></Error>');
      if (upload !== undefined && method === 'PUT') {
        upload.parts.set(Number(url.searchParams.get('partNumber')), body);
        return say(200, '', { etag: `"${md5(body)}"` });
      }
      if (upload !== undefined && method === 'GET')
        return say(
          200,
          `<R>${[...upload.parts].map(([n, part]) => `<Part><PartNumber>${n}</PartNumber><ETag>&quot;${md5(part)}&quot;</ETag><Size>${part.length}</Size></Part>`).join('')}<IsTruncated>false</IsTruncated></R>`,
        );
      if (upload !== undefined && method === 'POST') {
        const listed = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)</g)];
        const parts = listed.map(
          ([, n, tag]) => [upload.parts.get(Number(n)), tag?.replaceAll(/"|&quot;/g, '')] as const,
        );
        if (parts.some(([part, tag]) => part === undefined || md5(part) !== tag))
          return say(400, '<Error><Code>InvalidPart</Code></Error>');
        objects.set(key, {
          body: Buffer.concat(parts.map(([part]) => part ?? Buffer.alloc(0))),
          lockedUntil: upload.lockedUntil,
        });
        uploads.delete(id);
        return say(200, '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>');
      }
      if (upload !== undefined && method === 'DELETE') return say(uploads.delete(id) ? 204 : 404);
      if (key === '') {
        const prefix = url.searchParams.get('prefix') ?? '';
        return say(
          200,
          `<R>${[...objects.keys()]
            .filter((name) => name.startsWith(prefix))
            .map((name) => `<Contents><Key>${name}</Key></Contents>`)
            .join('')}</R>`,
        );
      }
      if (method === 'PUT') {
        objects.set(key, { body, lockedUntil });
        return say(200, '', { etag: `"${md5(body)}"` });
      }
      const object = objects.get(key);
      if (object === undefined) return say(404);
      if (method === 'DELETE')
        return object.lockedUntil > Date.now()
          ? say(403, '<Error><Code>AccessDenied</Code></Error>')
          : say(objects.delete(key) ? 204 : 404);
      if (method === 'HEAD')
        return void response.writeHead(200, { 'content-length': object.body.length }).end();
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? '') ?? [];
      return void response.writeHead(206).end(object.body.subarray(Number(from), Number(to) + 1));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const fake: Fake = {
    settings: {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'eu-central-1',
      bucket: 'tapes',
      prefix: 'here/',
      accessKeyId: new Secret('id'),
      secretAccessKey: new Secret('key'),
      ...(lock === undefined ? {} : { lock }),
    },
    objects,
    uploads,
    asked,
    fail: () => undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

/** AWS Signature Version 4, as its documentation has it, of what came with the headers that the client signed. */
function authorizationOf({ method = '', headers }: IncomingMessage, url: URL): string {
  const names = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1] ?? '';
  const date = String(headers['x-amz-date']);
  const scope = `${date.slice(0, 8)}/eu-central-1/s3/aws4_request`;
  const encoded = (text: string): string =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonical = [
    method,
    url.pathname,
    [...url.searchParams]
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .sort()
      .join('&'),
    ...names.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    names,
    String(headers['x-amz-content-sha256']),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  );
  const key = [date.slice(0, 8), 'eu-central-1', 's3', 'aws4_request'].reduce<Buffer>(
    (above, part) => createHmac('sha256', above).update(part).digest(),
    Buffer.from('AWS4key'),
  );
  return `AWS4-HMAC-SHA256 Credential=id/${scope}, SignedHeaders=${names}, Signature=${createHmac('sha256', key).update(toSign).digest('hex')}`;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function md5(bytes: Buffer | undefined): string {
  return createHash('md5')
    .update(bytes ?? '')
    .digest('hex');
}

function session(name: string): Session {
  return {
    id: sessionId(name),
    identity: {
      kind: 'human',
      subject: 'analyst' as Subject,
      groups: [],
      attributes: {},
      proof: { kind: 'token', tokenId: 't', expiresAt: realWorld.now() },
    },
    resource: { name: 'shop' as ResourceName, kind: 'postgres', tags: [], settings: undefined },
    startedAt: realWorld.now(),
    peer: '192.0.2.7:5000',
  };
}

interface Studio {
  readonly ledger: OpenLedger;
  readonly records: SessionRecords;
  readonly archive: Archive;
  readonly taped: ReturnType<typeof recordings>;
}

const log = (): void => undefined;

async function studio(
  path: string,
  settings: BucketSettings,
  sizes: { spoolBytes?: number; waitMs?: number } = {},
): Promise<Studio> {
  const ledger = await open(path);
  const records = await sessionRecords(ledger, log);
  const archive = openArchive({
    directory: path,
    name: 'ledger-1',
    bucket: bucket(settings, { tries: 3, firstWaitMs: 1 }),
    recording: async (id) => {
      const of = await records.recording(id);
      return of === undefined ? undefined : { ...of, over: (await records.summary(id))?.state !== 'open' };
    },
    world: realWorld,
    log,
    segmentBytes: 3_000_000,
    partBytes: 1_000_000,
    everyMs: 3_600_000,
    ...sizes,
  });
  return {
    ledger,
    records,
    archive,
    taped: recordings({ directory: path, ledger, world: realWorld, log, archive }),
  };
}

/** Bytes that do not compress: as many are stored as are recorded. */
const noise = Buffer.from(
  Array.from({ length: 400_000 / 32 }, (_, at) =>
    createHash('sha256').update(String(at)).digest('hex').slice(0, 64),
  ).join(''),
  'hex',
);

async function record({ ledger, taped }: Studio, of: Session, frames: number): Promise<void> {
  await ledger.append(opened(of.id));
  const recorder = taped.recorder(of);
  for (let frame = 0; frame < frames; frame++) await recorder.frame('answer', noise);
  await recorder.close();
  await ledger.append(closed(of.id, 0, 0));
}

async function replayed(
  { records, taped }: Studio,
  of: Session,
): Promise<{ frames: number; missing: string[] }> {
  const found = await records.recording(of.id);
  assert.ok(found);
  const seen = { frames: 0, missing: [] as string[] };
  for await (const each of taped.read(found)) {
    if (each.kind === 'missing') seen.missing.push(each.why);
    else if (each.frame.kind === 'answer') {
      assert.ok(Buffer.from(each.frame.bytes).equals(noise));
      seen.frames += 1;
    }
  }
  return seen;
}

const chunksIn = (path: string): number =>
  readdirSync(`${path}/recordings`, { recursive: true }).filter((name) => String(name).endsWith('.chunk'))
    .length;

test('s3rver takes it all: an object, an upload in parts, a range, a listing', async () => {
  using folder = freshFolder();
  // @ts-expect-error: it has no types
  const { default: S3rver } = (await import('s3rver')) as {
    default: new (options: object) => { run: () => Promise<AddressInfo>; close: () => Promise<void> };
  }; // it has no types
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: folder.path,
    configureBuckets: [{ name: 'tapes' }],
  });
  const { port } = await server.run();
  try {
    const settings = {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      bucket: 'tapes',
      prefix: 'a/',
      accessKeyId: new Secret('S3RVER'),
      secretAccessKey: new Secret('S3RVER'),
    };
    const store = bucket(settings, { tries: 2, firstWaitMs: 1 });
    await store.put('day/s1/0-0', Buffer.from('one chunk'));
    const upload = await store.begin('day/s2/0-9');
    const parts = [
      await store.part('day/s2/0-9', { upload, number: 1, body: noise }),
      await store.part('day/s2/0-9', { upload, number: 2, body: Buffer.from('tail') }),
    ];
    await store.complete('day/s2/0-9', upload, parts);
    assert.deepEqual((await store.list('day/')).toSorted(), ['day/s1/0-0', 'day/s2/0-9']);
    assert.equal(await store.size('day/s2/0-9'), noise.length + 4);
    assert.equal(await store.size('day/s3/0-0'), undefined);
    assert.equal(Buffer.from(await store.read('day/s2/0-9', noise.length, 4)).toString(), 'tail');
    await store.remove('day/s1/0-0');
    assert.deepEqual(await store.list('day/s1/'), []);
  } finally {
    await server.close();
  }
});

test('ended sessions move to the store, in parts where they are long, and are read from there', async () => {
  using folder = freshFolder();
  await using store = await fakeS3();
  const room = await studio(folder.path, store.settings);
  const [long, short] = [session('long'), session('short')];
  await record(room, long, 12);
  await record(room, short, 1);
  assert.ok(chunksIn(folder.path) > 1);
  await room.archive.pass();
  assert.equal(chunksIn(folder.path), 0);
  assert.ok(
    store.asked.some((each) => each.includes('partNumber=2')),
    'in parts',
  );
  assert.ok([...store.objects.keys()].every((key) => key.startsWith('here/ledger-1/')));
  assert.equal(store.uploads.size, 0);
  assert.deepEqual(await replayed(room, long), { frames: 12, missing: [] });
  assert.deepEqual(await replayed(room, short), { frames: 1, missing: [] });
  for (const name of readdirSync(`${folder.path}/recordings`, { recursive: true }).map(String))
    if (name.endsWith('archived.json')) rmSync(`${folder.path}/recordings/${name}`);
  assert.deepEqual(
    await replayed(room, long),
    { frames: 12, missing: [] },
    'found by the names of its objects too',
  );
  await room.archive[Symbol.asyncDispose]();
  await room.ledger.close();
});

test('a store that is busy is asked again, one that is away loses nothing, and a cut upload is gone on with', async () => {
  using folder = freshFolder();
  await using store = await fakeS3();
  let room = await studio(folder.path, store.settings);
  const of = session('cut');
  let refusals = 0;
  store.fail = (asked) =>
    asked.includes('partNumber=1') && refusals++ < 2 ? 503 : asked.includes('partNumber=2') ? 500 : undefined;
  await record(room, of, 12);
  await assert.rejects(room.archive.pass());
  assert.equal(store.uploads.size, 1, 'begun');
  assert.deepEqual(await replayed(room, of), { frames: 12, missing: [] }, 'from here');
  await room.archive[Symbol.asyncDispose]();
  await room.ledger.close();

  // The next start: the upload is known by the store's listing, its first part is not sent again.
  store.fail = () => undefined;
  store.asked.length = 0;
  room = await studio(folder.path, store.settings);
  await room.archive.pass();
  assert.equal(store.uploads.size, 0);
  assert.ok(!store.asked.some((each) => each.startsWith('PUT') && each.includes('partNumber=1&uploadId=u1')));
  assert.ok(store.asked.some((each) => each.includes('partNumber=2&uploadId=u1')));
  assert.equal(chunksIn(folder.path), 0);
  assert.deepEqual(await replayed(room, of), { frames: 12, missing: [] });
  await room.archive[Symbol.asyncDispose]();
  await room.ledger.close();
});

test('a wrong key is refused, and said', async () => {
  await using store = await fakeS3();
  const wrong = bucket({ ...store.settings, secretAccessKey: new Secret('other') }, { tries: 1 });
  await assert.rejects(wrong.put('a', Buffer.from('x')), /SignatureDoesNotMatch/);
});

test('an upload of which nothing lies here any more is given up; those of others are left alone', async () => {
  using folder = freshFolder();
  await using store = await fakeS3();
  store.uploads.set('old', { key: 'here/ledger-1/2026-01-01/gone/0-3', parts: new Map(), lockedUntil: 0 });
  store.uploads.set('other', {
    key: 'here/ledger-2/2026-01-01/theirs/0-3',
    parts: new Map(),
    lockedUntil: 0,
  });
  const room = await studio(folder.path, store.settings);
  await room.archive.pass();
  assert.deepEqual([...store.uploads.keys()], ['other']);
  await room.archive[Symbol.asyncDispose]();
  await room.ledger.close();
});

test('what was changed on this disk is not sent and not shown, and holds up no other session', async () => {
  using folder = freshFolder();
  await using store = await fakeS3();
  const room = await studio(folder.path, store.settings);
  const [bad, good] = [session('bad'), session('good')];
  await record(room, bad, 1);
  await record(room, good, 1);
  const file = readdirSync(`${folder.path}/recordings`, { recursive: true })
    .map(String)
    .find((name) => name.includes('bad/'));
  writeFileSync(`${folder.path}/recordings/${file}`, 'changed');
  await assert.rejects(room.archive.pass(), /not the one the ledger knows/);
  assert.deepEqual(
    [...store.objects.keys()].map((key) => key.includes('good')),
    [true],
  );
  assert.equal((await replayed(room, bad)).missing.length, 1);
  await room.archive[Symbol.asyncDispose]();
  await room.ledger.close();
});

test('a full spool makes sessions wait, and ends them when the store takes nothing for too long', async () => {
  using folder = freshFolder();
  await using store = await fakeS3();
  store.fail = () => 503;
  const room = await studio(folder.path, store.settings, { spoolBytes: 1_000_000, waitMs: 50 });
  const of = session('full');
  await room.ledger.append(opened(of.id));
  const recorder = room.taped.recorder(of);
  await assert.rejects(
    async () => {
      for (;;) await recorder.frame('answer', noise);
    },
    (thrown: unknown) => thrown instanceof Fault && thrown.code === 'recorder',
  );
  await assert.rejects(recorder.close());
  await room.archive[Symbol.asyncDispose]();
  await room.ledger.close();
});

test('locked objects outlive the order to remove them, and nobody can read them', async () => {
  using folder = freshFolder();
  await using store = await fakeS3({ mode: 'COMPLIANCE', days: 30 });
  const room = await studio(folder.path, store.settings);
  const of = session('locked');
  await record(room, of, 12);
  await room.archive.pass();
  const lockedDays = [...store.objects.values()].map(({ lockedUntil }) =>
    Math.round((lockedUntil - Date.now()) / 86_400_000),
  );
  assert.ok(lockedDays.length > 0 && lockedDays.every((days) => days === 30));
  room.ledger.erase(of.id);
  await room.taped.remove(of.id, of.startedAt);
  assert.equal(store.objects.size, lockedDays.length);
  const seen = await replayed(room, of);
  assert.deepEqual([seen.frames, seen.missing[0]], [0, 'Its key was destroyed']);
  await room.archive[Symbol.asyncDispose]();
  await room.ledger.close();
});
