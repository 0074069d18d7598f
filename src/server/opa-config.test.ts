import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Secret } from '../base/secret.ts';
import { opaCheck } from './opa-config.ts';

test('opa: takes origins with a token and certificates, and nothing that is half of one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-opa-config-'));
  try {
    writeFileSync(join(folder, 'ca.pem'), '-----BEGIN CERTIFICATE-----\n');
    writeFileSync(join(folder, 'empty.pem'), '');
    const check = opaCheck(folder);
    const token = new Secret('t0ken');
    const read = check([{ origin: 'https://opa.internal:8181/', token, ca: 'ca.pem' }], 'opa');
    assert.deepEqual(read.ok && read.value.map(({ origin, ca }) => [origin, ca]), [
      ['https://opa.internal:8181', '-----BEGIN CERTIFICATE-----\n'],
    ]);
    const wrong: readonly unknown[] = [
      { origin: 'https://opa.internal/path' },
      { origin: 'http://opa.internal' },
      { origin: 'https://user@opa.internal' },
      { origin: 'opa.internal' },
      { origin: 'https://opa.internal', token: 'plain' },
      { origin: 'https://opa.internal', ca: 'empty.pem' },
      { origin: 'https://opa.internal', ca: 'nothing.pem' },
      { origin: 'https://opa.internal', password: 'x' },
    ];
    for (const each of wrong) assert.equal(check([each], 'opa').ok, false, JSON.stringify(each));
    const twice = [{ origin: 'https://opa.internal' }, { origin: 'https://opa.internal/' }];
    assert.equal(check(twice, 'opa').ok, false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
