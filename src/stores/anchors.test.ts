import assert from 'node:assert/strict';
import { createHash, createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Secret } from '../base/secret.ts';
import { realWorld } from '../base/time.ts';
import {
  changeLine,
  cosignedAt,
  emptyRoot,
  leafHash,
  lines,
  nodeHash,
  parseNote,
  rotationOf,
  type SignerKey,
  signHead,
  verifierKey,
} from '../ledger/index.ts';
import { anchorable, anchorTo } from './anchors.ts';
import { freshFolder } from './fake.ts';
import { realFiles } from './files.ts';
import { openWitness } from './witness.ts';

const pair = generateKeyPairSync('ed25519');
const signer = {
  ...verifierKey('example.com/log', createPublicKey(pair.privateKey)),
  secret: pair.privateKey,
};
const [a, b] = [leafHash(Buffer.from('a')), leafHash(Buffer.from('b'))];
const roots = [emptyRoot, a, nodeHash(a, b)] as const;
const head = (size: number, root: Uint8Array = roots[size] ?? emptyRoot): string =>
  signHead({ origin: signer.name, size: BigInt(size), root }, signer);

test('a witness answers with the status codes of tlog-witness, and never signs two stories', () => {
  using folder = freshFolder();
  const parts = {
    files: realFiles,
    folder: folder.path,
    name: 'w.example/1',
    of: [signer],
    world: realWorld,
  };
  let witness = openWitness(parts);
  const stranger = generateKeyPairSync('ed25519');
  const foreign = { ...verifierKey('example.com/other', stranger.publicKey), secret: stranger.privateKey };
  const forged = { ...verifierKey('example.com/log', stranger.publicKey), secret: stranger.privateKey };
  const proof = lines([b]);
  const steps: readonly [string, string, number, string?][] = [
    ['no request', 'x', 400],
    ['a foreign ledger', `old 0\n\n${signHead({ origin: foreign.name, size: 1n, root: a }, foreign)}`, 404],
    ['a forged signature', `old 0\n\n${signHead({ origin: signer.name, size: 1n, root: a }, forged)}`, 403],
    ['an old size beyond the head', `old 2\n\n${head(1)}`, 400],
    ['an old size that it never saw', `old 1\n${proof}\n${head(2)}`, 409, '0\n'],
    ['a proof from nothing', `old 0\n${proof}\n${head(1)}`, 422],
    ['the first head', `old 0\n\n${head(1)}`, 200],
    ['the same head again', `old 1\n\n${head(1)}`, 200],
    ['another head of the same size', `old 1\n\n${head(1, b)}`, 409, '1\n'],
    ['a false proof', `old 1\n${lines([a])}\n${head(2)}`, 422],
    ['the next head', `old 1\n${proof}\n${head(2)}`, 200],
    ['an older head', `old 1\n\n${head(1)}`, 409, '2\n'],
    ['an older head as the first', `old 0\n\n${head(1)}`, 409, '2\n'],
  ];
  for (const [what, body, status, text] of steps) {
    witness = openWitness(parts); // what it saw is on disk
    const answer = witness.add(body);
    assert.equal(answer.status, status, `${what}: ${answer.text}`);
    if (text !== undefined) assert.deepEqual([answer.text, answer.type], [text, 'text/x.tlog.size'], what);
    if (status !== 200) continue;
    const note = parseNote(body.slice(body.indexOf('\n\n') + 2) + answer.text);
    assert.ok(note.ok && cosignedAt(note.value, witness.key) !== undefined, what);
    assert.equal(cosignedAt({ ...note.value, text: `${note.value.text}x\n` }, witness.key), undefined);
  }
});

/** PutObject and GetObject as the API's documentation has them: signatures, conditions and locks are checked. */
function fakeS3(
  objects: Map<string, { readonly body: string; readonly until: string }>,
): ReturnType<typeof createServer> {
  return createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      const fail = (status: number, code: string): void =>
        void response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`);
      const path = request.url ?? '';
      const known = objects.get(path);
      if (!isSigned(request.method ?? '', path, request.headers, body))
        return fail(403, 'SignatureDoesNotMatch');
      if (request.method === 'GET')
        return known === undefined ? fail(404, 'NoSuchKey') : void response.end(known.body);
      const {
        'content-md5': md5,
        'if-none-match': condition,
        'x-amz-object-lock-mode': mode,
      } = request.headers;
      const until = String(request.headers['x-amz-object-lock-retain-until-date']);
      if (md5 !== createHash('md5').update(body).digest('base64')) return fail(400, 'BadDigest');
      if (mode !== 'COMPLIANCE' || !(Date.parse(until) > Date.now())) return fail(400, 'InvalidRequest');
      if (condition === '*' && known !== undefined) return fail(412, 'PreconditionFailed');
      objects.set(path, { body, until });
      response.end();
    });
  });
}

function isSigned(method: string, path: string, headers: IncomingHttpHeaders, body: string): boolean {
  const match =
    /^AWS4-HMAC-SHA256 Credential=id\/(\d{8})\/(\S+)\/s3\/aws4_request, SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  if (match === null) return false;
  const [, day = '', region = '', names = '', signature] = match;
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string): Buffer =>
    createHmac('sha256', key).update(text).digest();
  const listed = names.split(';').map((name) => `${name}:${String(headers[name])}\n`);
  const canonical = `${method}\n${path}\n\n${listed.join('')}\n${names}\n${sha(body)}`;
  const toSign = `AWS4-HMAC-SHA256\n${String(headers['x-amz-date'])}\n${day}/${region}/s3/aws4_request\n${sha(canonical)}`;
  const key = hmac(hmac(hmac(hmac('AWS4key', day), region), 's3'), 'aws4_request');
  return (
    names.includes('host') &&
    names.includes('x-amz-object-lock-mode') === (method === 'PUT') &&
    hmac(key, toSign).toString('hex') === signature
  );
}

test('a head is put under lock in S3 once, and another one of the same size is a fork', async () => {
  const objects = new Map<string, { readonly body: string; readonly until: string }>();
  const server = fakeS3(objects);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const settings = {
      kind: 's3',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'eu-central-1',
      bucket: 'evidence',
      prefix: 'ledger/',
      accessKeyId: new Secret('id'),
      secretAccessKey: new Secret('key'),
      retainDays: 30,
    } as const;
    const where = await anchorTo(settings, anchorable(head(2)), realWorld);
    assert.equal(where, 's3://evidence/ledger/example.com_log-0000000000000002.note');
    assert.equal(objects.get('/evidence/ledger/example.com_log-0000000000000002.note')?.body, head(2));
    await anchorTo(settings, anchorable(head(2)), realWorld); // again: what lies there is the same
    await assert.rejects(anchorTo(settings, anchorable(head(2, a)), realWorld), /was forked/);
    await assert.rejects(
      anchorTo({ ...settings, secretAccessKey: new Secret('wrong') }, anchorable(head(1)), realWorld),
      /403 SignatureDoesNotMatch/,
    );
  } finally {
    server.close();
  }
  await assert.rejects(
    anchorTo({ kind: 'git', repository: '/nowhere' }, anchorable(head(1)), realWorld),
    /Cannot keep the head/,
  );
});

test('a head in a directory is never replaced by another', async () => {
  using folder = freshFolder();
  const settings = { kind: 'file', path: join(folder.path, 'kept') } as const;
  const where = await anchorTo(settings, anchorable(head(1)), realWorld);
  await anchorTo(settings, anchorable(head(1)), realWorld);
  await assert.rejects(anchorTo(settings, anchorable(head(1, b)), realWorld), /was forked/);
  assert.equal(readFileSync(where, 'utf8'), head(1));
});

test('a witness follows a key only from one that it knows, and from then on knows no other', () => {
  using folder = freshFolder();
  const parts = {
    files: realFiles,
    folder: folder.path,
    name: 'w.example/1',
    of: [signer],
    world: realWorld,
  };
  const keyOf = (name: string): SignerKey => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    return { ...verifierKey(name, publicKey), secret: privateKey };
  };
  const [second, third, stolen] = [keyOf(signer.name), keyOf(signer.name), keyOf(signer.name)];
  const line = (from: SignerKey, to: SignerKey): string => `${changeLine(rotationOf(from, to))}\n`;
  const signed = (by: SignerKey): string => {
    const note = signHead({ origin: by.name, size: 1n, root: a }, by);
    const seen = openWitness(parts).add(`old 0\n\n${note}`);
    return `${seen.status === 409 ? openWitness(parts).add(`old 1\n\n${note}`).status : seen.status}`;
  };
  const other = keyOf('example.com/other');
  const steps: readonly [string, () => string, string][] = [
    ['no line', () => `${openWitness(parts).follow('x').status}`, '400'],
    ['no change', () => `${openWitness(parts).follow('a b c d\n').status}`, '422'],
    ['an unknown ledger', () => `${openWitness(parts).follow(line(other, keyOf(other.name))).status}`, '404'],
    ['from an unknown key', () => `${openWitness(parts).follow(line(stolen, third)).status}`, '403'],
    [
      'a forged change',
      () => `${openWitness(parts).follow(line(signer, second).replace(second.text, stolen.text)).status}`,
      '422',
    ],
    ['the new key, before', () => signed(second), '403'],
    ['the old key, before', () => signed(signer), '200'],
    ['the change', () => `${openWitness(parts).follow(line(signer, second)).status}`, '200'],
    ['the change again', () => `${openWitness(parts).follow(line(signer, second)).status}`, '200'],
    ['the old key, after', () => signed(signer), '403'],
    ['the new key, after', () => signed(second), '200'],
    ['another from the old key', () => `${openWitness(parts).follow(line(signer, stolen)).status}`, '403'],
    ['the next change', () => `${openWitness(parts).follow(line(second, third)).status}`, '200'],
    ['the third key', () => signed(third), '200'],
  ];
  for (const [what, run, status] of steps) assert.equal(run(), status, what);
});
