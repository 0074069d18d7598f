import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { Secret } from '../../base/secret.ts';
import { rewriteProto, type RewriteParts, type Shape } from '../../http/protobuf.ts';
import { type Protos, protosCheck } from './protos.ts';

const text = `
// the shop
syntax = "proto3";
package shop.v1;
import "google/protobuf/any.proto";
import "google/protobuf/wrappers.proto";
enum Colour { RED = 0; BLUE = 1; }
message Person {
  string name = 1;
  repeated string mails = 2;
  map<string, Person> friends = 3;
  map<int32, string> notes = 4;
  Person boss = 5;
  bytes photo = 6;
  repeated int64 cards = 7;
  int64 card = 8;
  Colour colour = 9;
  google.protobuf.Any extra = 10;
  google.protobuf.StringValue nick = 11;
  oneof way { string phone = 12; bool none = 13; }
  double weight = 14;
  sint32 below = 15;
  fixed64 wide = 16;
}
service People {
  rpc Get(Person) returns (Person) { option idempotency_level = NO_SIDE_EFFECTS; }
  rpc Watch(stream Person) returns (stream Person);
}`;

function read(...files: readonly string[]): ReturnType<typeof protosCheck> {
  return protosCheck(
    files.map((file) => new Secret(file)),
    'protos',
  );
}

function made(...files: readonly string[]): Protos {
  const checked = read(...files);
  assert.ok(checked.ok, JSON.stringify(checked));
  return checked.value;
}

function personOf(protos: Protos): Shape {
  const shape = protos.type('shop.v1.Person');
  assert.ok(shape);
  return shape;
}

const root = protobuf.parse(text, { keepCase: true }).root;
for (const name of ['google/protobuf/any.proto', 'google/protobuf/wrappers.proto'])
  root.addJSON(protobuf.common.get(name)?.nested ?? {});
const Person = root.lookupType('shop.v1.Person');

const encode = (value: object): Uint8Array => Person.encode(Person.fromObject(value)).finish();
const decode = (bytes: Uint8Array): Record<string, unknown> =>
  Person.toObject(Person.decode(bytes), { longs: String, bytes: String });

const ann = {
  name: 'Ann',
  mails: ['a@x.ch', 'plain'],
  friends: { Bo: { name: 'Bo', mails: ['b@x.ch'] } },
  notes: { '-3': 'note' },
  boss: { name: 'Cy', boss: { name: 'Di' } },
  photo: Buffer.from('pic').toString('base64'),
  cards: ['4111111111111111', '-5'],
  card: '4111111111111111',
  colour: 'BLUE',
  nick: { value: 'Annie' },
  phone: '+41',
  weight: 1.5,
  below: -7,
  wide: '18446744073709551615',
};

const keep: RewriteParts = { leaf: () => undefined, unknown: () => true, anyOf: () => undefined };

test('a message of which nothing is changed keeps its very bytes', () => {
  const bytes = encode(ann);
  assert.equal(rewriteProto(bytes, personOf(made(text)), keep), bytes);
});

test('every value is shown by its path, and what is changed is read as that by others', () => {
  const paths: string[] = [];
  const shown = rewriteProto(encode(ann), personOf(made(text)), {
    ...keep,
    leaf: ({ kind, path, value }) => {
      paths.push(`${kind} ${path}=${value}`);
      return kind === 'string' ? `<${value.toUpperCase()}>` : kind === 'key' ? `k${value}` : undefined;
    },
  });
  assert.deepEqual(
    new Set(paths),
    new Set([
      'string name=Ann',
      'string mails[]=a@x.ch',
      'string mails[]=plain',
      'key friends.Bo=Bo',
      'string friends.Bo.name=Bo',
      'string friends.Bo.mails[]=b@x.ch',
      'string notes.-3=note',
      'string boss.name=Cy',
      'string boss.boss.name=Di',
      'bytes photo=',
      'number cards[]=4111111111111111',
      'number cards[]=-5',
      'number card=4111111111111111',
      'enum colour=1',
      'string nick.value=Annie',
      'string phone=+41',
      'number weight=1.5',
      'number below=-7',
      'number wide=18446744073709551615',
    ]),
  );
  const read = decode(shown);
  assert.equal(read['name'], '<ANN>');
  assert.deepEqual(read['mails'], ['<A@X.CH>', '<PLAIN>']);
  assert.deepEqual(Object.keys(read['friends'] as object), ['kBo']);
  assert.deepEqual(read['nick'], { value: '<ANNIE>' });
  assert.deepEqual(read['cards'], ann.cards);
  assert.equal(read['weight'], 1.5);
});

test('values that are no texts become nothing, or zero where others stand beside them', () => {
  const shown = rewriteProto(encode(ann), personOf(made(text)), {
    ...keep,
    leaf: ({ kind, value }) =>
      (kind === 'number' && value.startsWith('4111')) || kind === 'bytes' ? null : undefined,
  });
  const read = decode(shown);
  assert.deepEqual(read['cards'], ['0', '-5']);
  assert.equal(read['card'], undefined);
  assert.equal(read['photo'], undefined);
});

test('what the schema does not have, or has of another type, is unknown; so is what an Any holds', () => {
  const narrow = made(
    'syntax = "proto3"; package shop.v1; message Person { int64 name = 1; string boss = 5; }',
  );
  const seen: string[] = [];
  const shown = rewriteProto(encode(ann), personOf(narrow), {
    ...keep,
    unknown: (path) => {
      seen.push(path);
      return false;
    },
  });
  assert.ok(seen.includes('#1'), 'a number that comes as a text');
  assert.ok(seen.includes('#2'));
  assert.deepEqual(Object.keys(decode(shown)), ['boss']);

  const inner = encode({ name: 'Ann' });
  const any = encode({ extra: { type_url: 'type.googleapis.com/shop.v1.Person', value: inner } });
  const protos = made(text);
  const masked = rewriteProto(any, personOf(protos), {
    leaf: ({ kind }) => (kind === 'string' ? '***' : undefined),
    unknown: () => false,
    anyOf: (url) => protos.type(url.slice(url.lastIndexOf('/') + 1)),
  });
  const extra = decode(masked)['extra'] as { readonly value: string };
  assert.equal(decode(Buffer.from(extra.value, 'base64'))['name'], '***');
  const hidden = rewriteProto(any, personOf(protos), { ...keep, unknown: () => false });
  assert.ok(!Buffer.from(hidden).includes('Ann'));
});

const damaged: readonly (readonly [string, readonly number[]])[] = [
  ['a tag without its value', [0x0a]],
  ['a length beyond the end', [0x0a, 0x05, 0x41]],
  ['a length of 4 GiB', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ['a number without end', Array.from({ length: 12 }, () => 0xff)],
  ['field 0', [0x02, 0x00]],
  ['wire type 7', [0x0f]],
  ['the end of no group', [0x0c]],
  ['a group without end', [0x0b, 0x0b, 0x0b]],
  ['a text that is not UTF-8', [0x0a, 0x01, 0xff]],
  ['half a packed number', [0x3a, 0x01, 0x80]],
];
for (const [what, bytes] of damaged)
  test(`${what} is no message`, () => {
    assert.throws(() => rewriteProto(Uint8Array.from(bytes), personOf(made(text)), keep), { name: 'Error' });
  });

test('a message in messages without end is refused, not walked', () => {
  let bytes: Uint8Array = new Uint8Array();
  for (let depth = 0; depth < 2_000; depth++) {
    const head: number[] = [0x2a];
    for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
      head.push(rest >= 128 ? (rest % 128) + 128 : rest);
      if (rest < 128) break;
    }
    bytes = Buffer.concat([Uint8Array.from(head), bytes]);
  }
  assert.throws(() => rewriteProto(bytes, personOf(made(text)), keep), /deep/);
});

test('a descriptor set says the same as its text', () => {
  const set = root.toDescriptor('proto3');
  const bytes = descriptor.FileDescriptorSet.encode(set).finish();
  for (const protos of [made(text), made(`base64:${Buffer.from(bytes).toString('base64')}`)]) {
    const method = protos.method('shop.v1.People', 'Get');
    assert.equal(method?.request.name, 'shop.v1.Person');
    assert.equal(method.clientStreams, false);
    assert.equal(personOf(protos).field(12)?.name, 'phone');
    assert.equal(personOf(protos).field(3)?.map, true);
    const watch = protos.method('shop.v1.People', 'Watch');
    assert.deepEqual([watch?.clientStreams, watch?.serverStreams], [true, true]);
    for (const [service, rpc] of [
      ['People', 'Get'],
      ['shop.v1.People', 'get'],
      ['shop.v1.People', 'constructor'],
      ['shop.v1.People', '__proto__'],
      ['v1.People', 'Get'],
    ])
      assert.equal(protos.method(service ?? '', rpc ?? ''), undefined);
  }
  assert.equal(made(text).method('shop.v1.People', 'Get')?.reads, true);
});

test('files of one list import each other; what is missing or no schema is said without its text', () => {
  const person = 'syntax = "proto3"; package a; message P { string x = 1; }';
  const service = 'syntax = "proto3"; package a; import "p.proto"; service S { rpc Get(P) returns (P); }';
  assert.ok(made(service, person).method('a.S', 'Get'));
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [[new Secret(service)], /missing/],
    [[new Secret('message { canary }')], /\.proto/],
    [[new Secret('syntax = "proto3"; message A { string x = canary; }')], /line 1/],
    [[new Secret('base64:AAAAcanary')], /Neither/],
    [['shop.proto'], /file/],
    ['shop.proto', /list/],
  ];
  for (const [raw, expected] of cases) {
    const checked = protosCheck(raw, 'protos');
    assert.equal(checked.ok, false);
    const said = JSON.stringify(checked);
    assert.match(said, expected);
    assert.ok(!said.includes('canary'), said);
  }
});

test('what a wrapper or a Value holds is called as they are', () => {
  const open = `
syntax = "proto3";
package shop.v1;
import "google/protobuf/struct.proto";
import "google/protobuf/wrappers.proto";
message Open {
  google.protobuf.StringValue ssn = 1;
  google.protobuf.Struct more = 2;
  google.protobuf.Value any = 3;
  repeated google.protobuf.Int64Value cards = 4;
}`;
  const files = ['google/protobuf/struct.proto', 'google/protobuf/wrappers.proto'];
  const schema = protobuf.parse(open, { keepCase: true }).root;
  for (const name of files) schema.addJSON(protobuf.common.get(name)?.nested ?? {});
  const type = schema.lookupType('shop.v1.Open');
  const shape = made(open).type('shop.v1.Open');
  assert.ok(shape);
  const values = [{ stringValue: 'b' }, { listValue: { values: [{ numberValue: 1 }] } }];
  const bytes = type
    .encode(
      type.fromObject({
        ssn: { value: 'a' },
        more: {
          fields: {
            phone: { listValue: { values } },
            deep: { structValue: { fields: { mail: values[0] } } },
          },
        },
        any: { stringValue: 'c' },
        cards: [{ value: 7 }],
      }),
    )
    .finish();
  const called: string[] = [];
  const parts: RewriteParts = {
    leaf: ({ kind, key, value }) => {
      if (kind !== 'key') called.push(`${key} ${value}`);
      return undefined;
    },
    unknown: () => true,
    anyOf: () => undefined,
  };
  assert.equal(rewriteProto(bytes, shape, parts), bytes);
  assert.deepEqual(called, ['ssn a', 'phone b', 'phone 1', 'mail b', 'any c', 'cards 7']);
});
