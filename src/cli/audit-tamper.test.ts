import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { instant, realWorld } from '../base/time.ts';
import {
  encodeBundle,
  decodeBundle,
  leafHash,
  parseVerifierKey,
  signHead,
  Tree,
  verifierKey,
} from '../ledger/index.ts';
import { copyLive, decided, freshFolder, open, opened, talk } from '../stores/fake.ts';
import { realFiles } from '../stores/files.ts';
import { openWitness, type Witness } from '../stores/witness.ts';
import { audit } from './audit.ts';

// One real ledger, written by the real writer, with a witness, anchors and a change of its key; each case tampers with a copy.

const place = freshFolder();
const home = join(place.path, 'data');
const kept = join(place.path, 'kept'); // a directory with heads
const tags = join(place.path, 'tags.git');
const early = join(place.path, 'early.note');
const firstKey = join(place.path, 'first.pub');
let witness: Witness;
let stopWitness: () => void;

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: readonly string[]): Promise<Said> {
  const said = { out: '', err: '' };
  const code = await audit(args, { out: (text) => (said.out += text), err: (text) => (said.err += text) });
  return { code, ...said };
}

async function answered(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { out, err } = await run(...args, '--json');
  assert.equal(err, '');
  return JSON.parse(out) as Record<string, unknown>;
}

before(async () => {
  mkdirSync(kept);
  execFileSync('git', ['init', '-q', '--bare', tags]);
  const first = await open(home);
  await talk(first, 's1', 300);
  await first.close();
  cpSync(join(home, 'ledger', 'checkpoint'), early);
  cpSync(join(home, 'ledger', 'key.pub'), firstKey);
  cpSync(join(home, 'keys', 'ledger.key'), firstSecret());
  const pinned = parseVerifierKey(readFileSync(firstKey, 'utf8'));
  assert.ok(pinned.ok);
  witness = openWitness({
    files: realFiles,
    folder: join(place.path, 'witness'),
    name: 'witness.example/w1',
    of: [pinned.value],
    world: realWorld,
  });
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      const { status, type, text } = witness.add(body);
      response.writeHead(status, { 'content-type': type }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stopWitness = () => void server.close();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const anchor = [
    'anchor',
    '--data',
    home,
    '--file',
    kept,
    '--git',
    tags,
    '--witness-url',
    url,
    '--witness',
    witness.key.text,
  ];
  const begun = await run(...anchor);
  assert.equal(begun.code, 0, begun.out + begun.err);
  const second = await open(home);
  await talk(second, 's2', 150);
  await second.close();
  const again = await run(...anchor);
  assert.equal(again.code, 0, again.out + again.err);
  const rotated = await run('rotate-key', '--data', home);
  assert.equal(rotated.code, 0, rotated.err);
  const third = await open(home);
  await talk(third, 's3', 300);
  await third.close();
});

after(() => {
  stopWitness();
  place[Symbol.dispose]();
});

const entriesIn = (data: string, bundle: string): Uint8Array[] => [
  ...(decodeBundle(readFileSync(join(data, 'ledger/tile/entries', bundle))) ?? []),
];

function edit(data: string, bundle: string, change: (entries: Uint8Array[]) => Uint8Array[]): void {
  const path = join(data, 'ledger/tile/entries', bundle);
  writeFileSync(path, encodeBundle(change(entriesIn(data, bundle))));
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What somebody with the ledger's own key can do: all of `ledger/` anew over other entries, in perfect form. */
function rewritten(
  data: string,
  change: (entries: Uint8Array[]) => Uint8Array[],
  key = `${data}/keys/ledger.key`,
): void {
  const ledger = join(data, 'ledger');
  const bundles = filesUnder(join(ledger, 'tile/entries')).sort();
  const all = bundles.flatMap((path) =>
    [...(decodeBundle(readFileSync(path)) ?? [])].map((entry) => Buffer.from(entry)),
  );
  const entries = change(all).map((entry, n) => Buffer.from(entry.toString().replace(/"n":\d+/, `"n":${n}`)));
  rmSync(join(ledger, 'tile'), { recursive: true });
  const put = (path: string, bytes: Uint8Array): void => {
    mkdirSync(join(ledger, path, '..'), { recursive: true });
    writeFileSync(join(ledger, path), bytes);
  };
  const tileName = (level: number, index: number, width: number): string =>
    `tile/${level}/${String(index).padStart(3, '0')}${width < 256 ? `.p/${width}` : ''}`;
  const tree = new Tree((level, index, hashes) => put(tileName(level, index, 256), hashes.slice()));
  for (const entry of entries) tree.append(leafHash(entry));
  for (let at = 0; at < entries.length; at += 256) {
    const some = entries.slice(at, at + 256);
    const partial = some.length < 256 ? `.p/${some.length}` : '';
    put(`tile/entries/${String(at / 256).padStart(3, '0')}${partial}`, encodeBundle(some));
  }
  for (const { level, index, hashes } of tree.partials())
    put(tileName(level, index, hashes.length / 32), hashes);
  const secret = createPrivateKey(readFileSync(key));
  const signer = { ...verifierKey('example.com/test', createPublicKey(secret)), secret };
  const head = { origin: signer.name, size: BigInt(entries.length), root: tree.root() };
  writeFileSync(join(ledger, 'checkpoint'), signHead(head, signer));
}

interface Case {
  readonly what: string;
  readonly tamper: (data: string) => void | Promise<void>;
  readonly says: RegExp;
  /** Which outside knowledge each alone must notice it; `none` where the copy itself shows it. */
  readonly by: readonly ('none' | 'key' | 'checkpoint' | 'witness' | 'file' | 'git')[];
}

const outside = ['checkpoint', 'witness', 'file', 'git'] as const;

const cases: readonly Case[] = [
  {
    what: 'an entry edited',
    tamper: (data) =>
      edit(data, '000', (all) =>
        all.map((e, at) =>
          at === 7 ? Buffer.from(Buffer.from(e).toString().replace('sql.select', 'sql.delete')) : e,
        ),
      ),
    says: /first bad {2}entry 7\n/,
    by: ['none'],
  },
  {
    what: 'an entry removed',
    tamper: (data) => edit(data, '001', (all) => all.toSpliced(9, 1)),
    says: /does not hold 256 entries[^]*first bad {2}entry 256\n/,
    by: ['none'],
  },
  {
    what: 'two entries in another order',
    tamper: (data) =>
      edit(data, '000', ([a, b, c, ...all]) => [a, c, b, ...all].filter((e) => e !== undefined)),
    says: /The entry says it is number 2[^]*first bad {2}entry 1\n/,
    by: ['none'],
  },
  {
    what: 'an entry twice',
    tamper: (data) => edit(data, '000', (all) => all.with(5, all[4] ?? new Uint8Array())),
    says: /first bad {2}entry 5\n/,
    by: ['none'],
  },
  {
    what: 'a removed bundle',
    tamper: (data) => rmSync(join(data, 'ledger/tile/entries/001')),
    says: /The file is missing[^]*first bad {2}entry 256\n/,
    by: ['none'],
  },
  {
    what: 'a removed segment: bundle and hashes',
    tamper: (data) => {
      rmSync(join(data, 'ledger/tile/entries/001'));
      rmSync(join(data, 'ledger/tile/0/001'));
    },
    says: /The file is missing/,
    by: ['none'],
  },
  {
    what: 'a removed head',
    tamper: (data) => rmSync(join(data, 'ledger/checkpoint')),
    says: /The signed head is missing/,
    by: ['none'],
  },
  {
    what: 'another signature beside the one of the head',
    tamper: (data) => {
      const path = join(data, 'ledger/checkpoint');
      writeFileSync(path, `${readFileSync(path, 'utf8')}— someone ${Buffer.alloc(68).toString('base64')}\n`);
    },
    says: /more than its signature/,
    by: ['none'],
  },
  {
    what: 'an old head over the whole ledger, its key too',
    tamper: (data) => {
      cpSync(early, join(data, 'ledger/checkpoint'));
      cpSync(firstKey, join(data, 'ledger/key.pub'));
    },
    says: /an old head was put back/,
    by: ['witness', 'file', 'git'], // the early head is what --checkpoint has: nothing contradicts it
  },
  {
    what: 'a cut tail, everything signed anew with the stolen key',
    tamper: (data) => rewritten(data, (all) => all.slice(0, 200), firstSecret()),
    says: /more than this copy holds/,
    by: outside,
  },
  {
    what: 'an entry edited and everything signed anew with the stolen key',
    tamper: (data) =>
      rewritten(data, (all) =>
        all.map((e, at) =>
          at === 7 ? Buffer.from(Buffer.from(e).toString().replaceAll('sql.select', 'sql.delete')) : e,
        ),
      ),
    says: /it was forked/,
    by: outside,
  },
  {
    what: 'a session that never was, with the stolen key',
    tamper: (data) => rewritten(data, (all) => all.filter((e) => !Buffer.from(e).includes('"session":"s1"'))),
    says: /it was forked/,
    by: outside,
  },
  {
    what: 'an old copy put back',
    tamper: async (data) => {
      for (const name of ['ledger', 'wal', 'keys']) rmSync(join(data, name), { recursive: true });
      const before = await open(data); // a ledger that ends before any head was kept
      await talk(before, 's1', 5);
      await before.close();
    },
    says: /more than this copy holds|signed by/,
    by: outside,
  },
  {
    what: 'a replaced key, everything signed anew with it',
    tamper: (data) => {
      const pair = generateKeyPairSync('ed25519');
      const pem = pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
      writeFileSync(join(data, 'keys/ledger.key'), pem);
      writeFileSync(
        join(data, 'ledger/key.pub'),
        `${verifierKey('example.com/test', pair.publicKey).text}\n`,
      );
      rewritten(data, (all) => all.filter((e) => !Buffer.from(e).includes('key.rotated')));
    },
    says: /another key than the pinned one|not signed by/,
    by: ['key', ...outside],
  },
  {
    what: 'a key that nobody handed over to',
    tamper: (data) => {
      const pair = generateKeyPairSync('ed25519');
      writeFileSync(
        join(data, 'ledger/key.pub'),
        `${verifierKey('example.com/test', pair.publicKey).text}\n`,
      );
    },
    says: /not the key that the entries of this ledger changed to/,
    by: ['none'],
  },
  {
    what: 'a change of the key that the old key did not sign',
    tamper: (data) =>
      rewritten(data, (all) =>
        all.map((e) =>
          Buffer.from(
            Buffer.from(e)
              .toString()
              .replace(/"signature":"..../, '"signature":"AAAA'),
          ),
        ),
      ),
    says: /The old key did not sign the new one/,
    by: ['none'],
  },
  {
    what: 'a head after the change of the key, signed with the old key',
    tamper: (data) => rewritten(data, (all) => all, firstSecret()),
    says: /The head is not signed by/,
    by: ['none'],
  },
  {
    what: 'a foreign ledger in its place',
    tamper: async (data) => {
      for (const name of ['ledger', 'wal', 'keys']) rmSync(join(data, name), { recursive: true });
      const other = await open(data, { origin: 'example.com/other' });
      await talk(other, 's1', 800);
      await other.close();
    },
    says: /NOT VERIFIED/,
    by: ['key', ...outside],
  },
];

/** The key that was changed: a copy of it is what a thief has. */
function firstSecret(): string {
  return join(place.path, 'first.key');
}

function knowing(how: Case['by'][number]): readonly string[] {
  switch (how) {
    case 'none':
      return [];
    case 'key':
      return ['--key', firstKey];
    case 'checkpoint':
      return ['--checkpoint', early];
    case 'witness':
      return ['--witness', witness.key.text];
    case 'file':
      return ['--anchor', kept];
    case 'git':
      return ['--git', tags];
    default:
      return how satisfies never;
  }
}

function copied(): { readonly path: string } & Disposable {
  const copy = freshFolder();
  cpSync(home, copy.path, { recursive: true });
  return copy;
}

test('the untouched copy verifies with everything there is to know, and says how far it is anchored', async () => {
  using copy = copied();
  const all = (['key', 'checkpoint', 'witness', 'file', 'git'] as const).flatMap(knowing);
  const report = await answered('verify', '--data', copy.path, ...all);
  assert.deepEqual(
    [report['verified'], report['size'], report['anchoredTo'], report['unanchored'], report['problemCount']],
    [true, 760, 456, 304, 0],
    JSON.stringify(report['problems']),
  );
  assert.deepEqual(
    (report['keys'] as { from: number }[]).map(({ from }) => from),
    [0, 457],
  );
  assert.equal((report['anchors'] as unknown[]).length, 7); // early; two each of receipts, files and tags
  const alone = await answered('verify', '--data', copy.path);
  assert.deepEqual(
    [alone['verified'], alone['anchoredTo']],
    [true, null],
    'receipts beside it prove nothing alone',
  );
  const newest = await answered('verify', '--data', copy.path, '--key', join(home, 'ledger/key.pub'));
  assert.equal(newest['verified'], true);
});

for (const { what, tamper, says, by } of cases) {
  test(`audit verify notices ${what}`, async () => {
    using copy = copied();
    await tamper(copy.path);
    for (const how of by) {
      const { code, out, err } = await run('verify', '--data', copy.path, ...knowing(how));
      assert.equal(err, '');
      assert.equal(code, 1, `${how}: ${out}`);
      assert.match(out, says, how);
    }
  });
}

test('audit verify notices any flipped bit of any file in ledger/', async () => {
  using copy = copied();
  const files = filesUnder(join(copy.path, 'ledger'));
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 7 }), async (which, where, bit) => {
      const file = files[which % files.length] ?? '';
      const bytes = readFileSync(file);
      const at = where % bytes.length;
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      writeFileSync(file, flipped);
      const { code } = await run('verify', '--data', copy.path);
      writeFileSync(file, bytes);
      assert.equal(code, 1, `bit ${bit} of byte ${at} of ${file}`);
    }),
    { numRuns: 60 },
  );
  assert.equal((await run('verify', '--data', copy.path)).code, 0);
});

test('a proof of an entry stands alone, and falls with any change', async () => {
  const [proof, key] = [join(place.path, 'p.tlog-proof'), join(home, 'ledger/key.pub')];
  for (const index of [0, 7, 255, 256, 456, 700]) {
    assert.equal((await run('prove', String(index), '--data', home, '--out', proof)).code, 0);
    const told = await answered('check-proof', proof, '--key', key);
    assert.deepEqual([told['holds'], told['index']], [true, String(index)]);
    assert.equal((JSON.parse(String(told['entry'])) as { n: number }).n, index);
  }
  assert.match(
    readFileSync(proof, 'utf8'),
    /^c2sp\.org\/tlog-proof@v1\nextra \S+\nindex 700\n(\S{44}\n)+\nexample\.com\/test\n/,
  );
  assert.equal((await run('check-proof', proof, '--key', firstKey)).code, 1, 'another key');
  const text = readFileSync(proof, 'utf8');
  for (let at = 0; at < text.length; at += 13) {
    if (text[at] === '\n') continue;
    writeFileSync(proof, `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`);
    assert.equal((await run('check-proof', proof, '--key', key)).code, 1, `character ${at}`);
  }
  assert.equal((await run('prove', '100000', '--data', home)).code, 2);
  assert.equal((await run('check-proof', proof)).code, 2, 'without a key');
});

test('a proof that the newest head contains an older one stands alone', async () => {
  const [proof, key] = [join(place.path, 'p.consistency'), join(home, 'ledger/key.pub')];
  const [, last = ''] = readdirSync(kept).sort();
  assert.equal(
    (await run('prove', '--from', early, '--to', join(kept, last), '--data', home, '--out', proof)).code,
    0,
  );
  const told = await answered('check-proof', proof, '--key', firstKey);
  assert.deepEqual(
    [told['holds'], told['old']],
    [true, { ...(told['old'] as object), size: '303', signed: true }],
  );
  assert.equal((await run('prove', '--from', '303', '--data', home, '--out', proof)).code, 0);
  const bare = await answered('check-proof', proof, '--key', key);
  assert.deepEqual([bare['holds'], (bare['old'] as { signed: boolean }).signed], [true, false]);
  const text = readFileSync(proof, 'utf8');
  writeFileSync(proof, text.replace(/^old 303/m, 'old 302'));
  assert.equal((await run('check-proof', proof, '--key', key)).code, 1);
  using other = freshFolder();
  const fork = await open(other.path);
  await talk(fork, 'x', 400);
  await fork.close();
  const foreign = await run('prove', '--from', early, '--data', other.path);
  assert.deepEqual([foreign.code, foreign.out], [2, '']);
});

test('a copy taken while the gateway writes verifies, and holds what was kept before it', async () => {
  using live = copied();
  const ledger = await open(live.path);
  await ledger.append(opened('live'));
  const done = { stopped: false };
  const writing = (async () => {
    for (let at = 1; !done.stopped; at++) await ledger.append(decided('live', at, `SELECT ${at}`));
  })();
  for (let round = 0; round < 6; round++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    using copy = freshFolder();
    copyLive(join(live.path, 'ledger'), join(copy.path, 'ledger'));
    const { code, out } = await run('verify', '--data', copy.path, '--key', firstKey, '--anchor', kept);
    assert.equal(code, 0, out);
  }
  done.stopped = true;
  await writing;
  await ledger.close();
});

test('a clock that jumps back is told, and nothing is lost by it', async () => {
  using folder = freshFolder();
  let now = realWorld.now();
  const world = { ...realWorld, now: () => now };
  const ledger = await open(folder.path, { world });
  await ledger.append(opened('s', 'p', world));
  now = instant(now - 86_400_000);
  await ledger.append(opened('t', 'p', world));
  now = instant(now + 10 * 86_400_000);
  await ledger.append(opened('u', 'p', world));
  await ledger.close();
  const report = await answered('verify', '--data', folder.path);
  assert.deepEqual(report['clock'], { steps: 1, largestMs: 86_400_000, firstAt: 1 });
  assert.deepEqual([report['verified'], report['size']], [true, 3]);
});
