import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { md5Password } from './auth.ts';
import { saslPrep, ScramClient, ScramError, ScramServer, verifierOf } from './scram.ts';

// RFC 7677, 3
const example = {
  password: 'pencil',
  user: 'user',
  nonce: 'rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
};

function client(): ScramClient {
  return new ScramClient({ ...example, binding: { kind: 'none' } });
}

test('ScramClient gives the messages of RFC 7677', async () => {
  const scram = client();
  assert.equal(scram.first, 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
  assert.equal(await scram.final(example.serverFirst), example.clientFinal);
  scram.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  assert.ok(scram.verified);
});

test('ScramClient refuses a server that does not know the password', async () => {
  for (const last of [
    'v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    'v=',
    'e=other-error',
    '',
    'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,x=1',
  ]) {
    const scram = client();
    await scram.final(example.serverFirst);
    assert.throws(() => scram.verify(last), ScramError, last);
    assert.equal(scram.verified, false);
  }
  assert.throws(() => client().verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), ScramError);
});

test('ScramClient refuses a challenge that is replayed, malformed or too dear', async () => {
  for (const challenge of [
    'r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'm=ext,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0',
    'r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2147483647',
    'r=rOprNGfwEbeRWgbNEkqOx,s=*,i=4096',
    '',
  ]) {
    await assert.rejects(async () => client().final(challenge), ScramError, challenge);
  }
});

test('client and server agree, with and without channel binding, and only on the right password', async () => {
  const verifier = await verifierOf('péncil', Buffer.from('salt'), 100);
  const hash = Buffer.alloc(32, 9);
  for (const [binding, offered, works] of [
    [{ kind: 'none' }, undefined, true],
    [{ kind: 'unused' }, undefined, true],
    [{ kind: 'tls-server-end-point', hash }, hash, true],
    [{ kind: 'tls-server-end-point', hash }, Buffer.alloc(32, 8), false], // a man in between has another certificate
    [{ kind: 'unused' }, hash, false], // and has taken the offer out
    [{ kind: 'tls-server-end-point', hash }, undefined, false],
  ] as const) {
    const scram = new ScramClient({ password: 'pe\u0301ncil', nonce: 'abc', binding });
    const server = new ScramServer(verifier, 'def', offered);
    const talk = async (): Promise<void> =>
      scram.verify(server.final(await scram.final(server.first(scram.first))) ?? 'e=');
    if (works) await talk();
    else await assert.rejects(talk, ScramError);
  }
  const wrong = new ScramClient({ password: 'pencil', nonce: 'abc', binding: { kind: 'none' } });
  const server = new ScramServer(verifier, 'def');
  assert.equal(server.final(await wrong.final(server.first(wrong.first))), undefined);
});

test('saslPrep() follows the examples of RFC 4013 and leaves forbidden passwords as they are', () => {
  for (const [given, prepared] of [
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['a\u00a0b', 'a b'],
    ['a\u0007', 'a\u0007'],
    ['\u0627\u0031', '\u0627\u0031'],
    ['\u0627\u00aa', '\u0627\u00aa'],
    ['\u00ad', '\u00ad'],
  ] as const) {
    assert.equal(saslPrep(given), prepared, JSON.stringify(given));
  }
});

test('md5Password() is what the server computes', () => {
  const inner = createHash('md5').update('secretalice').digest('hex');
  const outer = createHash('md5')
    .update(inner)
    .update(Buffer.from([1, 2, 3, 4]))
    .digest('hex');
  assert.equal(md5Password('alice', 'secret', Buffer.from([1, 2, 3, 4])), `md5${outer}`);
});
