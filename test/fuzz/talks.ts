import * as encode from '../../src/protocols/postgres/encode.ts';
import type { Format } from '../../src/protocols/postgres/messages.ts';
import type { Chance } from './random.ts';

/** Stands in rows and literals; must be in no error, log or entry, and where it is a masked value in no answer. */
export const canary = 'canary-7f3e91';

type Words = readonly [string, ...string[]];

const reads: Words = [
  'SELECT id, status FROM orders',
  'SELECT id, status FROM orders WHERE id = 1',
  `SELECT 1 AS one, '${canary}' AS two`,
  'SELECT ssn FROM customers',
  'SELECT ssn, email FROM customers WHERE id = 7',
  'SELECT c FROM customers AS c',
  'SELECT name FROM customer_names',
  'TABLE orders',
  'SHOW search_path',
  'FETCH 2 FROM c',
  'EXECUTE p',
  'COPY orders TO STDOUT',
  'COPY customers TO STDOUT',
  '',
];
const others: Words = [
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
  `INSERT INTO audit (note) VALUES ('${canary}')`,
  'DECLARE c CURSOR FOR SELECT ssn FROM customers',
  'PREPARE p AS SELECT id FROM orders',
  'DEALLOCATE p',
  'CLOSE c',
  'DISCARD ALL',
  'COPY audit (note) FROM STDIN',
  'SET search_path = app, public',
  `SET application_name = 'x'`,
  'SELECT fail FROM orders',
];
const refused: Words = [
  'DELETE FROM payments',
  'DROP TABLE orders',
  'SELECT app.innocent()',
  `SELECT '${canary}' FROM nowhere`,
  'SELEC 1',
  `SELECT '${canary}`,
  'SELECT 1; DELETE FROM payments',
];

function text(chance: Chance): string {
  const one = (): string => chance.one(chance.below(6) < 3 ? reads : chance.once(3) ? refused : others);
  return chance.once(8) ? `${one()}; ${one()}` : one();
}

const names: readonly ['', ...string[]] = ['', 's', 'p'];
const portals: readonly ['', ...string[]] = ['', 'q', 'c'];
const formats: readonly [readonly Format[], ...(readonly Format[])[]] = [[], [0], [1], [0, 1]];

function one(chance: Chance): readonly Uint8Array[] {
  const name = chance.one(names);
  const portal = chance.one(portals);
  switch (chance.below(12)) {
    case 0:
    case 1:
    case 2:
      return [encode.query(text(chance))];
    case 3:
    case 4: {
      // As a driver does it.
      const values = chance.once(2) ? [canary] : [];
      return [
        encode.parse(name, text(chance), chance.once(3) ? [25] : []),
        encode.bind({ portal, statement: name, values, resultFormats: chance.one(formats) }),
        ...(chance.once(2) ? [encode.describe('portal', portal)] : []),
        encode.execute(portal, chance.below(3)),
        ...(chance.once(3) ? [] : [encode.sync]),
      ];
    }
    case 5:
      return [encode.parse(name, text(chance))];
    case 6:
      return [encode.bind({ portal, statement: name, values: [], resultFormats: chance.one(formats) })];
    case 7:
      return [encode.describe(chance.one(['statement', 'portal']), chance.one([name, portal]))];
    case 8:
      return [encode.execute(portal, chance.below(3))];
    case 9:
      return [encode.close(chance.one(['statement', 'portal']), chance.one([name, portal]))];
    case 10:
      return [
        encode.query('COPY audit (note) FROM STDIN'),
        encode.copyData(Buffer.from(`1\t${canary}\n`)),
        ...copyEnd(chance),
      ];
    default:
      return [chance.one([encode.sync, encode.sync, encode.flush])];
  }
}

function copyEnd(chance: Chance): readonly Uint8Array[] {
  return chance.once(4) ? [encode.copyFail('no')] : [encode.copyDone];
}

/** What a client says after its sign-in: requests in any order a driver, or an enemy, could send them. */
export function clientTalk(chance: Chance): readonly Uint8Array[] {
  const length = 1 + chance.below(8);
  return [...Array.from({ length }, () => one(chance)).flat(), encode.sync, encode.terminate];
}

/** What a server says after the sign-in, without any client: for its decoder. */
export function serverTalk(chance: Chance): readonly Uint8Array[] {
  const field = encode.textField('value');
  const length = 1 + chance.below(10);
  return Array.from({ length }, (): Uint8Array => {
    switch (chance.below(12)) {
      case 0:
        return encode.rowDescription([field, { ...field, name: canary, format: 1 }]);
      case 1:
      case 2:
        return encode.dataRow(['1', null, canary]);
      case 3:
        return encode.commandComplete('SELECT 1');
      case 4:
        return encode.readyForQuery(chance.one(['I', 'T', 'E']));
      case 5:
        return encode.errorResponse({ severity: 'ERROR', sqlstate: '22P02', message: canary, position: 3 });
      case 6:
        return encode.noticeResponse({ severity: 'NOTICE', sqlstate: '00000', message: canary });
      case 7:
        return encode.parameterStatus('TimeZone', 'UTC');
      case 8:
        return encode.notificationResponse(7, 'channel', canary);
      case 9:
        return encode.copyResponse(0x48, 0, [0, 0]);
      case 10:
        return encode.parameterDescription([23, 25]);
      default:
        return chance.one([
          encode.parseComplete,
          encode.bindComplete,
          encode.copyDone,
          encode.authenticationOk,
        ]);
    }
  });
}

/** What comes before a session: the first packets, in the order libpq sends them, or in none. */
export function opening(chance: Chance): readonly Uint8Array[] {
  const version = chance.one([0x0003_0000, 0x0003_0002, 0x0003_0005, 0x0002_0000, 0x0003_ffff]);
  const parameters: (readonly [string, string])[] = [
    ['user', 'analyst'],
    ['database', 'shop'],
    ...(chance.once(2) ? [['application_name', 'fuzz'] as const] : []),
    ...(chance.once(4) ? [['options', '-c search_path=evil --timezone=UTC'] as const] : []),
    ...(chance.once(6) ? [['replication', 'true'] as const] : []),
    ...(chance.once(6) ? [['_pq_.extra', '1'] as const] : []),
  ];
  const asked = [encode.sslRequest, encode.gssEncryptionRequest] as const;
  return [
    ...(chance.once(2) ? [chance.one(asked)] : []),
    ...(chance.once(6) ? [chance.one(asked)] : []),
    ...(chance.once(8) ? [Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0])] : []),
    chance.once(6)
      ? encode.cancelRequest(4_711, Buffer.from('key!'))
      : encode.startupMessage(version, parameters),
    encode.passwordMessage(chance.once(8) ? '' : `token-${canary}`),
  ];
}
