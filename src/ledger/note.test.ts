import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCheckpoint, parseNote, parseVerifierKey, signedBy, signHead, verifierKey } from './note.ts';
import { decodeBundle, encodeBundle, parseTilePath, tilePath, type TileName } from './tiles.ts';

const pair = generateKeyPairSync('ed25519');
const signer = { ...verifierKey('example.com/log', pair.publicKey), secret: pair.privateKey };

test('the signed note of the documentation of golang.org/x/mod/sumdb/note verifies', () => {
  const key = parseVerifierKey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
  const note = parseNote(
    'If you think cryptography is the answer to your problem,\n' +
      "then you don't know what your problem is.\n\n" +
      '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
  );
  assert.ok(key.ok && note.ok);
  assert.ok(signedBy(note.value, key.value));
  assert.ok(!signedBy({ ...note.value, text: note.value.text.replace('think', 'thunk') }, key.value));
  assert.ok(!signedBy(note.value, signer));
});

test('a head reads back as it was signed, and with any character changed it does not', () => {
  const root = Buffer.alloc(32, 7);
  const text = signHead({ origin: signer.name, size: 12_345n, root }, signer);
  const good = (candidate: string): boolean => {
    const checkpoint = parseCheckpoint(candidate);
    return checkpoint.ok && signedBy(checkpoint.value.note, signer);
  };
  assert.ok(good(text));
  for (let at = 0; at < text.length; at++) {
    const changed = `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`;
    assert.ok(!good(changed), `character ${at}`);
    assert.ok(!good(text.slice(0, at)), `cut at ${at}`);
  }
  const witnessed = `${text}— witness.example ${Buffer.alloc(72, 1).toString('base64')}\n`;
  assert.ok(good(witnessed), "another key's signature does not matter");
});

test('a verifier key reads back, and one that does not fit its id does not', () => {
  const read = parseVerifierKey(signer.text);
  assert.ok(read.ok && read.value.text === signer.text);
  for (const bad of [
    '',
    'a+b+c',
    signer.text.replace(signer.keyId, '00000000'),
    signer.text.replace('log', 'lag'),
  ])
    assert.ok(!parseVerifierKey(bad).ok, bad);
});

test('tile paths read back, and nothing else is one', () => {
  assert.equal(tilePath({ kind: 'hashes', level: 0, index: 1_234_067, width: 256 }), 'tile/0/x001/x234/067');
  assert.equal(tilePath({ kind: 'entries', index: 0, width: 5 }), 'tile/entries/000.p/5');
  const index = fc.nat({ max: 2 ** 40 });
  const width = fc.integer({ min: 1, max: 256 });
  const name: fc.Arbitrary<TileName> = fc.oneof(
    fc.record({ kind: fc.constant('entries' as const), index, width }),
    fc.record({ kind: fc.constant('hashes' as const), level: fc.nat({ max: 63 }), index, width }),
  );
  fc.assert(fc.property(name, (each) => assert.deepEqual(parseTilePath(tilePath(each)), { ...each })));
  for (const bad of [
    'tile/0/0',
    'tile/00/000',
    'tile/0/x000/001',
    'tile/0/001/002',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/05',
    'tile/0/000.p',
    'tile/entries/000.p/5/6',
    '/tile/0/000',
    'tile/0/../000',
    'tile/entries/000 ',
  ])
    assert.equal(parseTilePath(bad), undefined, bad);
});

test('bundles read back, and a cut one does not', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1 }),
      fc.nat(),
      (entries, cut) => {
        const bytes = encodeBundle(entries);
        assert.deepEqual(
          decodeBundle(bytes)?.map((each) => Uint8Array.from(each)),
          entries,
        );
        const shorter = decodeBundle(bytes.subarray(0, cut % bytes.length));
        assert.ok(shorter === undefined || shorter.length < entries.length);
      },
    ),
  );
});
