import assert from 'node:assert/strict';
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

function shown(): Shown {
  return new Shown({
    mask: documentMask(permit, '/people', key),
    most: 100_000,
    signal: new AbortController().signal,
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
