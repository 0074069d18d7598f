import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeMessage,
  encodeMessage,
  framed,
  grpcCodec,
  grpcMethod,
  grpcTimeout,
  grpcTimeoutText,
  MessageReader,
} from './grpc.ts';

test('messages are the same however their stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
      (messages, cuts) => {
        const stream = Buffer.concat(messages.map((each) => framed(each)));
        const reader = new MessageReader(100);
        const got: Uint8Array[] = [];
        for (let at = 0, index = 0; at < stream.length; index++) {
          const to = at + (cuts[index % cuts.length] ?? 1);
          const read = reader.push(stream.subarray(at, to));
          assert.ok(read.ok);
          got.push(...read.value.map(({ bytes }) => Uint8Array.from(bytes)));
          at = to;
        }
        assert.deepEqual(
          got,
          messages.map((each) => Uint8Array.from(each)),
        );
        assert.ok(reader.whole);
      },
    ),
  );
});

test('what is no message ends the stream for good', () => {
  for (const [bytes, why] of [
    [[2, 0, 0, 0, 0], 'flag'],
    [[0, 0, 0, 0, 101], 'length'],
    [[0, 255, 255, 255, 255], 'length'],
  ] as const) {
    const reader = new MessageReader(100);
    assert.deepEqual(reader.push(Uint8Array.from(bytes)), { ok: false, error: why });
    assert.equal(reader.push(framed(new Uint8Array())).ok, false);
    assert.equal(reader.whole, false);
  }
  const half = new MessageReader(100);
  assert.ok(half.push(Uint8Array.from([0, 0, 0, 0, 3, 1])).ok);
  assert.equal(half.whole, false);
});

test('a text is the same when it was grpc-message', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const whole = text.toWellFormed();
      assert.match(encodeMessage(whole), /^[\x20-\x7e]*$/);
      assert.equal(decodeMessage(encodeMessage(whole)), whole);
    }),
  );
  assert.equal(decodeMessage('50% of %zz'), '50% of %zz');
});

test('types, paths and timeouts are read strictly', () => {
  assert.equal(grpcCodec('application/grpc'), 'proto');
  assert.equal(grpcCodec('Application/GRPC+proto; x=y'), 'proto');
  assert.equal(grpcCodec('application/grpc+json'), 'json');
  assert.equal(grpcCodec('application/grpc+thrift'), 'other');
  for (const other of [
    'application/grpc-web',
    'application/grpc-web+proto',
    'application/json',
    '',
    undefined,
  ])
    assert.equal(grpcCodec(other), undefined);
  assert.deepEqual(grpcMethod('/a.b.C/Get'), { service: 'a.b.C', rpc: 'Get' });
  for (const path of ['/a.b.C', '/a.b.C/Get/x', '/a..b/Get', '/a/', '//Get', '/a b/Get', '/a/%47et'])
    assert.equal(grpcMethod(path), undefined);
  assert.equal(grpcTimeout('100m'), 100);
  assert.equal(grpcTimeout('2S'), 2_000);
  assert.equal(grpcTimeout('1H'), 3_600_000);
  for (const text of ['', '1', '1x', '-1S', '123456789S', '1.5S', ' 1S'])
    assert.equal(grpcTimeout(text), undefined);
  assert.equal(grpcTimeoutText(99.2), '100m');
  assert.equal(grpcTimeoutText(-5), '1m');
  assert.match(grpcTimeoutText(1e12), /^\d{1,8}S$/);
});
