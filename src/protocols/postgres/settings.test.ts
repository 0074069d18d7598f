import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../base/secret.ts';
import { allowedParameters, splitOptions } from './parameters.ts';
import { settings } from './settings.ts';

const minimal = { address: 'db.internal:5432', database: 'orders', credentials: { user: 'sallyport' } };
const pem = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';

function read(raw: unknown): { [key: string]: unknown } | string {
  const result = settings(raw, 'resources[0]');
  return result.ok
    ? { ...result.value }
    : result.error.map(({ path, message }) => `${path}: ${message}`).join('; ');
}

test('settings() reads an entry and fills in what is safe', () => {
  assert.deepEqual(read(minimal), {
    address: 'db.internal:5432',
    database: 'orders',
    user: 'sallyport',
    tls: 'verify-full',
    serverName: 'db.internal',
  });
  for (const [address, dialled, tls, serverName] of [
    ['db', 'db:5432', 'verify-full', 'db'],
    ['127.0.0.1:6000', '127.0.0.1:6000', 'disable', '127.0.0.1'],
    ['localhost', 'localhost:5432', 'disable', 'localhost'],
    ['[::1]:5433', '[::1]:5433', 'disable', '::1'],
    ['[2001:db8::5432]', '[2001:db8::5432]:5432', 'verify-full', '2001:db8::5432'],
    ['127.0.0.1.evil.example:1', '127.0.0.1.evil.example:1', 'verify-full', '127.0.0.1.evil.example'],
  ] as const) {
    const got = read({ ...minimal, address });
    assert.ok(typeof got === 'object');
    assert.deepEqual([got['address'], got['tls'], got['serverName']], [dialled, tls, serverName]);
  }
  const full = read({
    ...minimal,
    tls: 'verify-ca',
    serverName: 'pg.example',
    ca: pem,
    credentials: { user: 'u', password: new Secret('p'), cert: new Secret(pem), key: pem },
  });
  assert.ok(typeof full === 'object');
  assert.ok(full['password'] instanceof Secret && full['key'] instanceof Secret);
  assert.equal(full['password'].reveal('test'), 'p');
  assert.equal(full['cert'], pem);
  assert.equal(JSON.stringify(full['password']), '"***"');
});

test('settings() says what is wrong without quoting it', () => {
  for (const [change, expected] of [
    [{ address: 'http://db' }, /address: Expected host/],
    [{ tls: 'prefer' }, /tls: Expected "disable"/],
    [{ credentials: { user: 'u', password: { env: 'X' } } }, /credentials\.password: Expected a text/],
    [{ credentials: { user: 'u', cert: pem } }, /A certificate needs its key/],
    [{ credentials: { user: 'u', cert: 'hunter2', key: 'hunter2' } }, /Expected PEM/],
    [{ credentials: {} }, /credentials\.user: Missing/],
    [{ tls: 'disable', ca: pem }, /of no use with tls: disable/],
    [{ sslmode: 'x' }, /Unknown key/],
  ] as const) {
    const problems = read({ ...minimal, ...change });
    assert.ok(typeof problems === 'string', JSON.stringify(change));
    assert.match(problems, expected);
    assert.ok(!problems.includes('hunter2'));
  }
});

test('allowedParameters() passes harmless settings on, those of options first', () => {
  const given = new Map([
    ['user', 'a'],
    ['database', 'b'],
    ['client_encoding', "'utf-8'"],
    ['DateStyle', 'ISO'],
    ['TIMEZONE', 'UTC'],
    ['_pq_.future', '1'],
    ['statement_timeout', '5s'],
    ['options', '-c statement_timeout=1s --lock-timeout=2s -csearch_path=a,\\ b'],
  ]);
  const result = allowedParameters(given);
  assert.ok(result.ok);
  assert.deepEqual(Object.fromEntries(result.value), {
    statement_timeout: '5s',
    lock_timeout: '2s',
    search_path: 'a, b',
    DateStyle: 'ISO',
    TimeZone: 'UTC',
  });
});

test('allowedParameters() refuses what changes parsing, role or protocol', () => {
  for (const [name, value, why] of [
    ['replication', 'database', /Replication/],
    ['REPLICATION', 'true', /Replication/],
    ['client_encoding', 'SJIS', /encoding/],
    ['client_encoding', 'LATIN1', /encoding/],
    ['Client_Encoding', 'GBK', /encoding/],
    ['standard_conforming_strings', 'off', /"standard_conforming_strings"/],
    ['role', 'postgres', /"role"/],
    ['session_authorization', 'postgres', /"session_authorization"/],
    ['session_preload_libraries', 'x', /"session_preload_libraries"/],
    ['__proto__', 'x', /"__proto__"/],
    ['x\ny', 'x', /of this name/],
    ['options', '-c standard_conforming_strings=off', /"standard_conforming_strings"/],
    ['options', '-c client_encoding=SJIS', /encoding/],
    ['options', '--role=postgres', /"role"/],
    ['options', '-c\\ role=postgres', /of this name/],
    ['options', '-O', /more than settings/],
    ['options', '-c', /more than settings/],
    ['options', '-c =x', /more than settings/],
    ['options', 'statement_timeout=1', /more than settings/],
    ['options', '-d 5 -c a=b', /more than settings/],
  ] as const) {
    const result = allowedParameters(
      new Map([
        ['user', 'a'],
        [name, value],
      ]),
    );
    assert.ok(!result.ok, `${name}=${value}`);
    assert.match(result.error.message, why);
  }
});

test('splitOptions() splits as the server does', () => {
  assert.deepEqual(splitOptions(''), []);
  assert.deepEqual(splitOptions('  -c  a=b\t--c-d=e\\ f\\\\g=h '), [
    ['a', 'b'],
    ['c_d', 'e f\\g=h'],
  ]);
  assert.equal(splitOptions('a=b'), undefined);
  assert.deepEqual(splitOptions('-c a=b\\'), [['a', 'b']]);
});
