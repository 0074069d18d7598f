import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { WireError } from '../../base/errors.ts';
import {
  decodeBackend,
  decodeFrontend,
  decodePassword,
  decodeSaslInitialResponse,
  decodeStartupPacket,
} from './decode.ts';
import { textOf } from './reader.ts';
import * as encode from './encode.ts';
import { backendBounds, type Bounds, Frames, frontendBounds } from './frames.ts';
import { backend, type BackendMessage, type Field, type Format, type FrontendMessage } from './messages.ts';

const front = frontendBounds(1_048_576);
const back = backendBounds(1_048_576);

function only(bytes: Uint8Array, bounds: Bounds): Frames {
  const frames = new Frames(bounds);
  frames.push(bytes);
  assert.ok(frames.next(), 'no whole message');
  assert.equal(frames.end, bytes.length);
  return frames;
}

function plain(message: FrontendMessage | BackendMessage): unknown {
  return JSON.parse(
    JSON.stringify({ ...message, raw: undefined }, (_, value: unknown) => {
      if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
      if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
      return value;
    }).replaceAll(/\{"type":"Buffer","data":(\[[0-9,]*\])\}/g, (_, data: string) =>
      JSON.stringify(Buffer.from(JSON.parse(data) as number[]).toString('hex')),
    ),
  );
}

const hex = (text: string): string => Buffer.from(text).toString('hex');

test('decodeFrontend() reads what clients say', () => {
  const cases: readonly (readonly [Uint8Array, object])[] = [
    [encode.query('SELECT 1'), { kind: 'Query', text: 'SELECT 1' }],
    [
      encode.parse('s', 'SELECT $1', [23, 0]),
      { kind: 'Parse', name: 's', text: 'SELECT $1', parameterTypes: [23, 0] },
    ],
    [
      encode.bind({
        portal: 'p',
        statement: 's',
        formats: [1],
        values: ['a', null, ''],
        resultFormats: [0, 1],
      }),
      {
        kind: 'Bind',
        portal: 'p',
        statement: 's',
        formats: [1, 1, 1],
        values: [hex('a'), null, ''],
        resultFormats: [0, 1],
      },
    ],
    [encode.describe('statement', 's'), { kind: 'Describe', of: 'statement', name: 's' }],
    [encode.describe('portal', ''), { kind: 'Describe', of: 'portal', name: '' }],
    [encode.close('portal', 'p'), { kind: 'Close', of: 'portal', name: 'p' }],
    [encode.execute('p', 10), { kind: 'Execute', portal: 'p', maxRows: 10 }],
    [encode.execute('', -1), { kind: 'Execute', portal: '', maxRows: 0 }],
    [encode.flush, { kind: 'Flush' }],
    [encode.sync, { kind: 'Sync' }],
    [encode.terminate, { kind: 'Terminate' }],
    [encode.copyDone, { kind: 'CopyDone' }],
    [encode.copyData(Buffer.from('x')), { kind: 'CopyData', data: hex('x') }],
    [encode.copyFail('no'), { kind: 'CopyFail', message: 'no' }],
    [encode.passwordMessage('t'), { kind: 'PasswordMessage', data: hex('t\0') }],
  ];
  for (const [bytes, expected] of cases) {
    const message = decodeFrontend(only(bytes, front));
    assert.deepEqual(plain(message), expected);
    assert.deepEqual(Buffer.from(message.raw), Buffer.from(bytes));
  }
  assert.equal(decodePassword(only(encode.passwordMessage('tök'), front)), 'tök');
  const sasl = decodeSaslInitialResponse(only(encode.saslInitialResponse('M', Buffer.from('d')), front));
  assert.deepEqual([sasl.mechanism, Buffer.from(sasl.data).toString()], ['M', 'd']);
});

const field: Field = {
  name: 'id',
  tableOid: 4_294_967_295,
  column: -3,
  typeOid: 23,
  typeSize: -1,
  typeModifier: -1,
  format: 1,
};

test('decodeBackend() reads what servers say', () => {
  const cases: readonly (readonly [Uint8Array, object])[] = [
    [encode.authenticationOk, { kind: 'Authentication', request: { kind: 'Ok' } }],
    [
      encode.authenticationCleartextPassword,
      { kind: 'Authentication', request: { kind: 'CleartextPassword' } },
    ],
    [
      encode.authenticationMd5Password(Buffer.from('salt')),
      { kind: 'Authentication', request: { kind: 'MD5Password', salt: hex('salt') } },
    ],
    [
      encode.authenticationSasl(['A', 'B']),
      { kind: 'Authentication', request: { kind: 'SASL', mechanisms: ['A', 'B'] } },
    ],
    [
      encode.authenticationSaslContinue(Buffer.from('x')),
      { kind: 'Authentication', request: { kind: 'SASLContinue', data: hex('x') } },
    ],
    [
      encode.authenticationSaslFinal(Buffer.from('x')),
      { kind: 'Authentication', request: { kind: 'SASLFinal', data: hex('x') } },
    ],
    [
      Buffer.from('520000000800000007', 'hex'),
      { kind: 'Authentication', request: { kind: 'unsupported', code: 7 } },
    ],
    [
      encode.backendKeyData(-5, Buffer.from('1234')),
      { kind: 'BackendKeyData', process: -5, key: hex('1234') },
    ],
    [
      encode.backendKeyData(5, Buffer.alloc(256, 1)),
      { kind: 'BackendKeyData', process: 5, key: '01'.repeat(256) },
    ],
    [encode.parameterStatus('a', 'b'), { kind: 'ParameterStatus', name: 'a', value: 'b' }],
    [encode.readyForQuery('E'), { kind: 'ReadyForQuery', status: 'E' }],
    [encode.rowDescription([field]), { kind: 'RowDescription', fields: [field] }],
    [encode.dataRow(['a', null, '']), { kind: 'DataRow', values: [hex('a'), null, ''] }],
    [encode.commandComplete('INSERT 0 5'), { kind: 'CommandComplete', tag: 'INSERT 0 5' }],
    [
      encode.errorResponse({ severity: 'ERROR', sqlstate: '42501', message: 'm', hint: 'h', position: 7 }),
      {
        kind: 'ErrorResponse',
        fields: [
          ['S', 'ERROR'],
          ['V', 'ERROR'],
          ['C', '42501'],
          ['M', 'm'],
          ['H', 'h'],
          ['P', '7'],
        ],
      },
    ],
    [
      encode.noticeResponse({ severity: 'NOTICE', sqlstate: '00000', message: 'a\0b' }),
      {
        kind: 'NoticeResponse',
        fields: [
          ['S', 'NOTICE'],
          ['V', 'NOTICE'],
          ['C', '00000'],
          ['M', 'a\uFFFDb'],
        ],
      },
    ],
    [
      encode.notificationResponse(7, 'c', 'p'),
      { kind: 'NotificationResponse', process: 7, channel: 'c', payload: 'p' },
    ],
    [encode.parameterDescription([23]), { kind: 'ParameterDescription', types: [23] }],
    [
      encode.copyResponse(backend.CopyInResponse, 1, [1, 1]),
      { kind: 'CopyInResponse', format: 1, formats: [1, 1] },
    ],
    [
      encode.copyResponse(backend.CopyOutResponse, 0, []),
      { kind: 'CopyOutResponse', format: 0, formats: [] },
    ],
    [
      encode.negotiateProtocolVersion(0x3_0002, ['_pq_.x']),
      { kind: 'NegotiateProtocolVersion', version: 0x3_0002, unknown: ['_pq_.x'] },
    ],
    [encode.parseComplete, { kind: 'ParseComplete' }],
    [encode.bindComplete, { kind: 'BindComplete' }],
    [encode.closeComplete, { kind: 'CloseComplete' }],
    [encode.noData, { kind: 'NoData' }],
    [encode.portalSuspended, { kind: 'PortalSuspended' }],
    [encode.emptyQueryResponse, { kind: 'EmptyQueryResponse' }],
  ];
  for (const [bytes, expected] of cases) {
    const message = decodeBackend(only(bytes, back));
    assert.deepEqual(plain(message), JSON.parse(JSON.stringify(expected)));
    assert.deepEqual(Buffer.from(message.raw), Buffer.from(bytes));
  }
});

test('decodeStartupPacket() reads the four kinds of first packets', () => {
  assert.deepEqual(decodeStartupPacket(encode.sslRequest), { kind: 'ssl' });
  assert.deepEqual(decodeStartupPacket(encode.gssEncryptionRequest), { kind: 'gssEncryption' });
  const cancel = decodeStartupPacket(encode.cancelRequest(-7, Buffer.alloc(32, 3)));
  assert.deepEqual(plain({ ...cancel } as never), { kind: 'cancel', process: -7, key: '03'.repeat(32) });
  assert.deepEqual(
    decodeStartupPacket(
      encode.startupMessage(0x3_0002, [
        ['user', 'a'],
        ['database', 'b'],
      ]),
    ),
    {
      kind: 'startup',
      version: 0x3_0002,
      parameters: new Map([
        ['user', 'a'],
        ['database', 'b'],
      ]),
    },
  );
});

test('a message is read to its last byte or refused', () => {
  const bodies: readonly (readonly [string, string, string])[] = [
    ['bytes behind the text of a Query', 'Q', hex('SELECT 1\0; DELETE FROM t\0')],
    ['a Query without its NUL', 'Q', hex('SELECT 1')],
    ['a text that is not UTF-8', 'Q', `${hex('SELECT ')}c32800`],
    ['an overlong NUL in UTF-8', 'Q', `${hex('SELECT ')}c08000`],
    ['a surrogate in UTF-8', 'Q', `${hex('SELECT ')}eda08000`],
    ['a count larger than the message', 'P', `0000ffff`],
    ['a value longer than the message', 'B', `000000000001000000ff61000000000000000000`],
    ['a negative length of a value', 'B', `00000000000001fffffffe0000`],
    ['an unknown format code', 'B', `0000000100020000000000000000`],
    ['two formats for three values', 'B', `000000020000000100030000000000000000000000000000`],
    ['neither statement nor portal', 'D', hex('X\0')],
    ['half a row limit', 'E', '00000000'],
  ];
  for (const [name, type, body] of bodies) {
    const bytes = Buffer.concat([Buffer.alloc(5, type), Buffer.from(body, 'hex')]);
    bytes.writeUInt32BE(bytes.length - 1, 1);
    assert.throws(
      () => decodeFrontend(only(bytes, front)),
      (error) => error instanceof WireError,
      name,
    );
  }
  const startups: readonly (readonly [string, string])[] = [
    ['no end', `00030000${hex('user\0a\0')}`],
    ['bytes behind the end', `00030000${hex('user\0a\0\0x')}`],
    ['a name without value', `00030000${hex('user\0')}`],
    ['a parameter with two values', `00030000${hex('user\0a\0user\0b\0\0')}`],
    ['SSLRequest with more', '04d2162f00'],
    ['a key that is too short', '04d2162e00000001aabb'],
    ['a key that is too long', `04d2162e00000001${'aa'.repeat(257)}`],
    ['nothing', ''],
  ];
  for (const [name, body] of startups) {
    const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(body, 'hex')]);
    bytes.writeUInt32BE(bytes.length);
    assert.throws(
      () => decodeStartupPacket(bytes),
      (error) => error instanceof WireError,
      name,
    );
  }
});

test('textOf() gives every byte of valid UTF-8, a byte order mark and U+FFFD included', () => {
  for (const text of ['', 'a', '\uFEFFa', 'a\uFFFDb', '😀', 'ß'])
    assert.equal(textOf(Buffer.from(text)), text);
  for (const bad of ['ff', 'c3', 'efbf', 'f5808080', 'efbfbdff']) {
    assert.throws(() => textOf(Buffer.from(bad, 'hex')), { code: 'bad-encoding' });
  }
});

const text = fc.string({ unit: 'binary', maxLength: 20 }).map((each) => each.replaceAll('\0', ''));
const format = fc.constantFrom<Format>(0, 1);
const value = fc.option(fc.uint8Array({ maxLength: 30 }));
const oid = fc.integer({ min: 0, max: 0xffff_ffff });

test('what is written is read back the same', () => {
  fc.assert(
    fc.property(text, text, fc.array(oid, { maxLength: 5 }), (name, sql, parameterTypes) => {
      const message = decodeFrontend(only(encode.parse(name, sql, parameterTypes), front));
      assert.deepEqual(plain(message), { kind: 'Parse', name, text: sql, parameterTypes });
    }),
  );
  fc.assert(
    fc.property(
      text,
      text,
      fc.array(fc.tuple(format, value), { maxLength: 6 }),
      (portal, statement, given) => {
        const formats = given.map(([each]) => each);
        const values = given.map(([, each]) => each);
        const bytes = encode.bind({ portal, statement, formats, values, resultFormats: formats });
        const message = decodeFrontend(only(bytes, front));
        assert.ok(message.kind === 'Bind');
        assert.deepEqual([message.portal, message.statement, message.formats], [portal, statement, formats]);
        assert.deepEqual(
          message.values.map((each) => (each === null ? null : [...each])),
          values.map((each) => (each === null ? null : [...each])),
        );
      },
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.record({ name: text, typeOid: oid, format }), { maxLength: 6 }), (given) => {
      const fields = given.map((each) => ({ ...encode.textField(each.name), ...each }));
      const message = decodeBackend(only(encode.rowDescription(fields), back));
      assert.ok(message.kind === 'RowDescription');
      assert.deepEqual(message.fields, fields);
    }),
  );
});

test('damage ends in a message or in a WireError, whatever the type', () => {
  const types = [...Buffer.from('BCDEFHPQSXcdfp')];
  const serverTypes = Object.values(backend);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(), (body, pick) => {
      for (const [list, decode] of [
        [types, decodeFrontend],
        [serverTypes, decodeBackend],
      ] as const) {
        const bytes = Buffer.concat([Buffer.alloc(5, list[pick % list.length]), body]);
        bytes.writeUInt32BE(bytes.length - 1, 1);
        try {
          decode({ type: bytes[0] ?? 0, bytes, start: 0, end: bytes.length });
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }
      const packet = Buffer.concat([Buffer.alloc(4), body]);
      try {
        decodeStartupPacket(packet);
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }),
    { numRuns: 5_000 },
  );
});

test('the encoders write no NUL into a text and no message that is too long', () => {
  assert.throws(() => encode.query('SELECT 1\0'), { code: 'bug' });
  assert.throws(() => encode.commandComplete('a\0'), { code: 'bug' });
  assert.throws(() => encode.copyData(new Uint8Array(0x4000_0000)), { code: 'bug' });
});
