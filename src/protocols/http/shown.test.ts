import assert from 'node:assert/strict';
import { realWorld } from '../../base/time.ts';
import { heldBy } from '../../core/held.ts';
import { defaultLimits } from '../../core/limits.ts';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { decoded } from '../../carriers/http/decoded.ts';
import { documentMask } from '../../carriers/http/masks.ts';
import type { MaskOperator, Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { columnsBy } from './documented.ts';
import { Shown } from './shown.ts';

const key = maskKey(Buffer.alloc(32, 1));
const redact: MaskOperator = { kind: 'redact' };
const permit = {
  duties: { masks: [[{ tag: 'pii/*', operator: redact }]], finds: [{ entity: '*', operator: redact }] },
  operatorOf: ({ column }: { readonly column: string }) =>
    column === 'nick' || column === '[].nick' ? redact : undefined,
} as unknown as Permit; // all that masks look at

function shown(most = 100_000): Shown {
  return new Shown({
    mask: documentMask(permit, '/people', key),
    most,
    signal: new AbortController().signal,
    held: heldBy(defaultLimits, realWorld).open('test'),
    columnOf: columnsBy(permit, '/people', key),
  });
}

async function* pieces(...all: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  for (const each of all) yield await Promise.resolve(each);
}

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function whole(
  body: AsyncIterable<Uint8Array>,
  kind: 'form' | 'text',
): Promise<AsyncIterable<Uint8Array>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const made = await shown().document(Buffer.concat(chunks), kind);
  assert.ok(made !== undefined);
  return pieces(...made);
}

const kinds: readonly {
  readonly kind: string;
  readonly body: string;
  readonly wanted: string;
  readonly show: (
    body: AsyncIterable<Uint8Array>,
  ) => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
}[] = [
  {
    kind: 'text',
    body: 'grüße an ann.lee@example.com – bald',
    wanted: 'grüße an [EMAIL_ADDRESS] – bald',
    show: (body) => shown().text(body),
  },
  {
    kind: 'a program of a page',
    body: 'window.x = {"nick":"Zoë","n":1}; f([{"nick":"A"}]) // ann@example.com',
    wanted: 'window.x = {"nick":"***","n":1}; f([{"nick":"***"}]) // [EMAIL_ADDRESS]',
    show: (body) => shown().text(body, 'text/javascript; charset=utf-8'),
  },
  {
    kind: 'a form with a list',
    body: 'nick[]=Zoe&nick[0]=Bo&nick[last]=A&n=1',
    wanted: 'nick%5B%5D=***&nick%5B0%5D=***&nick%5Blast%5D=***&n=1',
    show: (body) => whole(body, 'form'),
  },
  {
    kind: 'events with JSON beside their data',
    body: ':{"nick":"Zoë"}\nevent: x {"nick":"Zoë"}\nid: {"nick":"Zoë"}\ndata: 1\n\n',
    wanted: ':{"nick":"***"}\nevent: x {"nick":"***"}\nid: {"nick":"***"}\ndata: 1\n\n',
    show: (body) => shown().events(body),
  },
  {
    kind: 'CSV',
    body: 'id,nick,about\r\n1,Zoë,"mail, bo@example.com"\r\n2,"A ""B""",\r\n',
    wanted: 'id,nick,about\r\n1,***,"mail, [EMAIL_ADDRESS]"\r\n2,***,\r\n',
    show: (body) => shown().table(body, 'any'),
  },
  {
    kind: 'TSV with commas among its names',
    body: 'a, b, c\tnick\n1\tZoë\n',
    wanted: 'a, b, c\tnick\n1\t***\n',
    show: (body) => shown().table(body, 'tab'),
  },
  {
    kind: 'JSON in a text',
    body: '\ufeff\n [ \n{"nick":"Zoë","n":1.0}]',
    wanted: '\n [ \n{"nick":"***","n":1.0}]', // the mark is no part of it
    show: (body) => shown().text(body),
  },
  {
    kind: 'lines of JSON in a text',
    body: '{ "nick":"Zoë"}\r\n\n{"m":"bo@example.com"}',
    wanted: '{ "nick":"***"}\r\n\n{"m":"[EMAIL_ADDRESS]"}',
    show: (body) => shown().text(body),
  },
  {
    kind: 'a log',
    body: '[2026-11-21] {"nick"} bo@example.com\n[[x]]',
    wanted: '[2026-11-21] {"nick"} [EMAIL_ADDRESS]\n[[x]]',
    show: (body) => shown().text(body),
  },
  {
    kind: 'TOML',
    body: ' \n[[people]]\nmail = "bo@example.com"',
    wanted: ' \n[[people]]\nmail = "[EMAIL_ADDRESS]"',
    show: (body) => shown().text(body),
  },
  {
    kind: 'markup that is JSON',
    body: '{"nick":"Zoë"}',
    wanted: '{"nick":"***"}',
    show: (body) => whole(body, 'text'),
  },
  {
    kind: 'NDJSON',
    body: '{"nick":"Zoë","n":1.0}\n\n{"m":"bo@example.com"}',
    wanted: '{"nick":"***","n":1.0}\n\n{"m":"[EMAIL_ADDRESS]"}',
    show: (body) => shown().lines(body),
  },
  {
    kind: 'events',
    body: 'id: 1\r\ndata: {"nick":"Zoë"}\r\n\r\n: bo@example.com\ndata: é a@example.com\n\ndata: {"nick":1}\ndata: {"nick":"Zoë"}\n\n',
    wanted:
      'id: 1\ndata: {"nick":"***"}\n\n: [EMAIL_ADDRESS]\ndata: é [EMAIL_ADDRESS]\n\ndata: {"nick":0}\ndata: {"nick":"***"}\n\n',
    show: (body) => shown().events(body),
  },
  {
    kind: 'a form that is JSON',
    body: '{"nick":"Zoë&a=b"}',
    wanted: '{"nick":"***"}',
    show: (body) => whole(body, 'form'),
  },
  {
    kind: 'a form',
    body: 'nick=Zo%C3%AB&m=bo%40example.com&x=1+2',
    wanted: 'nick=***&m=%5BEMAIL_ADDRESS%5D&x=1+2',
    show: (body) => whole(body, 'form'),
  },
  {
    kind: 'a form of lists and documents',
    body: '%5B0%5D%5Bnick%5D=Zo%C3%AB&d=%7B%22nick%22%3A%22Zo%22%7D',
    wanted: '%5B0%5D%5Bnick%5D=***&d=%7B%22nick%22%3A%22***%22%7D',
    show: (body) => whole(body, 'form'),
  },
];

const codings = {
  gzip: gzipSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
  deflate: deflateSync,
} as const;

describe('Shown gives the same however a body is cut', () => {
  for (const { kind, body, wanted, show } of kinds) {
    const bytes = Buffer.from(body);
    test(`${kind} at every byte`, async () => {
      for (let at = 0; at <= bytes.length; at++) {
        const cut = pieces(bytes.subarray(0, at), bytes.subarray(at));
        assert.equal(await text(await show(cut)), wanted, String(at));
      }
      assert.equal(await text(await show(pieces(...[...bytes].map((byte) => Uint8Array.of(byte))))), wanted);
    });

    for (const [coding, compress] of Object.entries(codings))
      test(`${kind} in ${coding}, byte by byte`, async () => {
        const coded = [...compress(bytes)].map((byte) => Uint8Array.of(byte));
        const plain = decoded({
          status: 200,
          fields: [['content-encoding', coding]],
          body: pieces(...coded),
        });
        assert.ok(plain !== undefined);
        assert.equal(await text(await show(plain)), wanted);
      });

    test(`${kind} in gzip that ends too early is no answer`, async () => {
      const coded = gzipSync(bytes);
      const plain = decoded({
        status: 200,
        fields: [['content-encoding', 'gzip']],
        body: pieces(coded.subarray(0, coded.length - 9)),
      });
      assert.ok(plain !== undefined);
      await assert.rejects(async () => text(await show(plain)));
    });
  }

  test('what is no table, and no UTF-8, is not shown', async () => {
    await assert.rejects(text(shown().table(pieces(Buffer.from('nick\na,b\n')), 'any')));
    await assert.rejects(text(shown().text(pieces(Buffer.from([0x61, 0xff])))));
    await assert.rejects(text(shown().lines(pieces(Buffer.from('{"a":\n')))));
    for (const cut of ['{"nick":"a"};', '{"nick":"a', '{"nick":"a"}\nb', '[{nick:1}]']) {
      await assert.rejects(text(shown().text(pieces(Buffer.from(cut)))), cut);
      await assert.rejects(
        text(shown().events(pieces(Buffer.from(`data: ${cut.replace('\n', '\ndata:')}\n\n`)))),
      );
      assert.equal(await shown().document(Buffer.from(cut), 'text'), undefined);
    }
  });

  test('a part of a form is shown as the field of its name', async () => {
    const form = (nick: string): Buffer =>
      Buffer.from(
        `--b\r\nContent-Disposition: form-data; name="nick"\r\n\r\n${nick}\r\n--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nZoë\r\n--b--\r\n`,
      );
    const made = await shown().parts(form('Zoë'), 'multipart/form-data; boundary=b', []);
    assert.ok(made !== undefined);
    assert.equal(Buffer.concat(made).toString(), form('***').toString());
  });
});

async function plain(body: string, type: string = 'text/plain'): Promise<string> {
  return text(shown().text(pieces(Buffer.from(body)), type));
}

for (const [what, body, wanted] of [
  ['a table that says it is text', 'id,nick\n1,Zoë\n', 'id,nick\n1,***\n'],
  ['one with one column', 'nick\nZoë\nQuin', 'nick\n***\n***'],
  ['one with quotes and semicolons', '"id";"nick"\n"1";"Zoë"\n', '"id";"nick"\n"1";***\n'],
  ['prose', 'nick, as I said: Zoë\nid,nick\n', 'nick, as I said: Zoë\nid,nick\n'],
  ['a guard', ')]}\',\n{"nick":"Zoë"}', ')]}\',\n{"nick":"***"}'],
  ['an endless loop', 'for (;;);[{"nick":"Zoë"}]', 'for (;;);[{"nick":"***"}]'],
  ['a callback', '/**/ app.take({"nick":"Zoë"});', '/**/ app.take({"nick":"***"});'],
] as const) {
  test(`values by name in a text: ${what}`, async () => {
    assert.equal(await plain(body), wanted);
    for (let cut = 1; cut < Buffer.byteLength(body); cut++) {
      const bytes = Buffer.from(body);
      assert.equal(await text(shown().text(pieces(bytes.subarray(0, cut), bytes.subarray(cut)))), wanted);
    }
  });
}

test('a guard before what says it is JSON stays, and nothing else may stand there', async () => {
  const made = await shown().document(Buffer.from('while(1);{"nick":"Zoë"}'), 'json');
  assert.equal(Buffer.concat(made ?? []).toString(), 'while(1);{"nick":"***"}');
  assert.equal(await shown().document(Buffer.from('x({"nick":"Zoë"})'), 'json'), undefined);
});

test('JSON behind something else in an event', async () => {
  const body = 'data: msg {"nick":"Zoë"} and {"a":{"m":"bo@example.com"}} of bo@example.com\n\n';
  assert.equal(
    await text(shown().events(pieces(Buffer.from(body)))),
    'data: msg {"nick":"***"} and {"a":{"m":"[EMAIL_ADDRESS]"}} of [EMAIL_ADDRESS]\n\n',
  );
});

test('JSON behind more beginnings than can be looked into is not shown where values are known by their paths', async () => {
  const body = `data: for(;;); ${'{"a" '.repeat(2_000)} {"nick":"Zoë"}\n\n`;
  await assert.rejects(text(shown().events(pieces(Buffer.from(body)))), /beginnings of JSON/);
});

for (const [what, body, wanted] of [
  ['by its path', 'a: 1 # one\nnick: Zoë\n', 'a: 1 # one\nnick: "***"\n'],
  [
    'in a list of documents',
    '---\n- nick: >-\n    Zo\n    ë\n  m: 1\n---\nb: 2\n',
    '---\n- nick: "***"\n  m: 1\n---\nb: 2\n',
  ],
  ['flow, quotes and tags', '[{"nick": !!str "Zo\\x65", n: [1]}]', '[{"nick": !!str "***", n: [1]}]'],
  ['everything in it', 'nick: {a: Zoë, b: [1, true, null]}', 'nick: {a: "***", b: ["***", "***", null]}'],
  ['an alias', 'x: &x Zoë\nnick: *x\n', 'x: &x Zoë\nnick: "***"\n'],
  [
    'a merged mapping',
    'x: &x {nick: Zoë}\ny: {z: 1, <<: *x}\n<<: *x\n',
    'x: &x {nick: "***"}\ny: {z: 1, <<: *x}\n<<: *x\n',
  ],
  [
    'what is found, as it is read',
    'a: "4111 1111\\\n  \\x20 1111 1111"\nssn: 78051120\n# bo@example.com\n',
    'a: "[CREDIT_CARD]"\nssn: "[NATIONAL_ID]"\n# [EMAIL_ADDRESS]\n',
  ],
] as const) {
  test(`YAML: ${what}`, async () => {
    assert.equal(await plain(body, 'application/yaml; charset=utf-8'), wanted);
  });
}

for (const body of [
  'a: [',
  'a: 1\na: 2\n',
  '? {a: b}\n: c\n',
  'a: *x',
  `a: &a [x]\nb: ${'[*a,'.repeat(300)}1${']'.repeat(300)}`,
])
  test(`YAML that is withheld: ${body.slice(0, 20)}`, async () => {
    await assert.rejects(plain(body, 'text/yaml'), /mask/);
  });

test('fields behind semicolons, and values that go on in the next field', async () => {
  for (const [body, wanted] of [
    ['a=1;nick=Zoe&b=2', 'a=1;nick=***&b=2'],
    ['a=1;b=2', 'a=1;b=2'],
    ['a=4111;1111', 'a=4111;1111'],
  ] as const) {
    const made = await shown().document(Buffer.from(body), 'form');
    assert.equal(decodeURIComponent(Buffer.concat(made ?? []).toString()), wanted);
  }
});

test('a value in two parts', async () => {
  const part = (type: string, content: string): string =>
    `--b\r\nContent-Type: ${type}\r\n\r\n${content}\r\n`;
  const body = `${part('text/plain', 'pay 4111 1111 ')}${part('image/png', '!')}${part('text/plain', '1111 1111 now')}--b--\r\n`;
  const made = await shown().parts(Buffer.from(body), 'multipart/mixed; boundary=b', ['image/*']);
  assert.equal(
    Buffer.concat(made ?? []).toString(),
    `${part('text/plain', 'pay [CREDIT_CARD]')}${part('image/png', '!')}${part('text/plain', ' now')}--b--\r\n`,
  );
});

test('a line without an end costs what its bytes cost, in however many pieces it comes', async () => {
  const piece = Buffer.from('x'.repeat(4_096));
  // Looked at from its beginning for each piece, this takes minutes; it is too long in the end.
  const body = pieces(...Array.from({ length: 4_097 }, () => piece));
  const read = async (): Promise<void> => {
    for await (const _ of shown(16_777_216).lines(body)) assert.fail('Something of it was shown');
  };
  await assert.rejects(read());
});
