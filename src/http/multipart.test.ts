import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readMultipart, writeMultipart } from './multipart.ts';

const form = 'multipart/form-data; boundary=b0';
const field = (name: string, value: string, more: string = ''): string =>
  `--b0\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
const end = '--b0--\r\n';

function read(body: string, type: string = form): ReturnType<typeof readMultipart> {
  return readMultipart(type, Buffer.from(body, 'latin1'));
}

describe('readMultipart() reads', () => {
  const cases: readonly (readonly [what: string, body: string, type?: string])[] = [
    ['one field', field('a', '1') + end],
    ['no line end behind the end', field('a', '1') + '--b0--'],
    ['a file', field('f', 'x\r\ny', '; filename="a b.txt"\r\nContent-Type: text/csv') + end],
    ['an empty value', field('a', '') + end],
    [
      'several files of one name',
      field('f', '1', '; filename="a"') + field('f', '2', '; filename="b"') + end,
    ],
    ['a list', field('f[]', '1') + field('f[]', '2') + end],
    ['a quoted boundary', field('a', '1') + end, 'Multipart/Form-Data; Boundary="b0"'],
    ['an unquoted name', '--b0\r\ncontent-disposition:form-data; name=a\r\n\r\n1\r\n' + end],
    ['parts without a head', '--b0\r\n\r\nplain\r\n' + end, 'multipart/mixed; boundary=b0'],
    ['a right length', field('a', '12', '\r\nContent-Length: 2') + end],
  ];
  for (const [what, body, type] of cases) {
    test(what, () => {
      const found = read(body, type);
      assert.ok(found.ok, JSON.stringify(found));
    });
  }
});

describe('readMultipart() refuses', () => {
  const mixed = 'multipart/mixed; boundary=b0';
  const raw = (head: string, content: string = '1'): string => `--b0\r\n${head}\r\n\r\n${content}\r\n${end}`;
  const named = 'Content-Disposition: form-data; name="a"';
  const cases: readonly (readonly [what: string, body: string, type?: string])[] = [
    ['nothing', ''],
    ['no part', end],
    ['no end', field('a', '1')],
    ['half an end', field('a', '1') + '--b0-'],
    ['a preamble', `hello\r\n${field('a', '1')}${end}`],
    ['an empty line before', `\r\n${field('a', '1')}${end}`],
    ['an epilogue', `${field('a', '1')}${end}more`],
    ['a second body behind the end', `${field('a', '1')}${end}${field('role', 'x')}${end}`],
    ['no boundary', field('a', '1') + end, 'multipart/form-data'],
    ['an empty boundary', field('a', '1') + end, 'multipart/form-data; boundary='],
    ['two boundaries', field('a', '1') + end, 'multipart/form-data; boundary=b0; boundary=b1'],
    [
      'two boundaries, one in capitals',
      field('a', '1') + end,
      'multipart/form-data; boundary=b0; BOUNDARY=b1',
    ],
    ['an encoded boundary', field('a', '1') + end, "multipart/form-data; boundary*=utf-8''b0"],
    ['a boundary with a blank', field('a', '1') + end, 'multipart/form-data; boundary="b0 "'],
    ['a boundary that is too long', field('a', '1') + end, `multipart/form-data; boundary=${'b'.repeat(71)}`],
    ['no semicolon', field('a', '1') + end, 'multipart/form-data boundary=b0'],
    ['a comma', field('a', '1') + end, 'multipart/form-data; boundary=b0, text/plain'],
    ['another charset', field('a', '1') + end, 'multipart/form-data; charset=utf-16; boundary=b0'],
    ['a boundary behind a bare line feed', field('a', `x\n--b0\n${named}\n\n2`) + end],
    ['a boundary in the middle of a line', field('a', 'x--b0 y') + end],
    ['a longer word that begins as the boundary', field('a', 'x\r\n--b0more') + end],
    ['blanks behind a boundary', `--b0 \r\n${named}\r\n\r\n1\r\n${end}`],
    ['bare line feeds', `--b0\n${named}\n\n1\n--b0--\n`],
    ['a folded field', raw('Content-Disposition: form-data;\r\n name="a"')],
    ['a blank before a colon', raw('Content-Disposition : form-data; name="a"')],
    ['two dispositions', raw(`${named}\r\nContent-Disposition: form-data; name="b"`)],
    ['an unknown field', raw(`${named}\r\nX-Name: b`)],
    ['a coding of content', raw(`${named}\r\nContent-Encoding: gzip`)],
    ['a transfer encoding', raw(`${named}\r\nContent-Transfer-Encoding: base64`, 'cm9sZQ==')],
    ['a wrong length', raw(`${named}\r\nContent-Length: 5`)],
    ['no disposition in a form', '--b0\r\n\r\n1\r\n' + end],
    ['no name', raw('Content-Disposition: form-data')],
    ['an empty name', raw('Content-Disposition: form-data; name=""')],
    ['an attachment in a form', raw('Content-Disposition: attachment; name="a"')],
    ['an encoded letter in a name', raw('Content-Disposition: form-data; name="%72ole"')],
    ['a blank behind a name', raw('Content-Disposition: form-data; name="role "')],
    ['two names', raw('Content-Disposition: form-data; name="a"; name="b"')],
    ['two names, one in capitals', raw('Content-Disposition: form-data; name="a"; NAME="b"')],
    ['an encoded name', raw('Content-Disposition: form-data; name="a"; name*=utf-8\'\'b')],
    ['an encoded filename', raw('Content-Disposition: form-data; name="a"; filename*=utf-8\'\'b.png')],
    ['an escaped quote', raw('Content-Disposition: form-data; name="a\\"; name=\\"b"')],
    ['a quote that is not closed', raw('Content-Disposition: form-data; name="a')],
    ['something behind a quote', raw('Content-Disposition: form-data; name="a"b')],
    ['a NUL in a name', raw('Content-Disposition: form-data; name="a\0b"')],
    ['a name that is not UTF-8', raw('Content-Disposition: form-data; name="a\xff"')],
    ['one name for two values', field('a', '1') + field('a', '2') + end],
    ['one name for a value and a file', field('a', '1') + field('a', '2', '; filename="x"') + end],
    ['another charset by a field', field('_charset_', 'utf-16') + field('a', '1') + end],
    ['a form in a form', raw(`${named}\r\nContent-Type: multipart/mixed; boundary=c`)],
    ['a head without an end', '--b0\r\nContent-Type: text/plain\r\n' + end, mixed],
    ['too many parts', '--b0\r\n\r\nx\r\n'.repeat(1_001) + end, mixed],
    ['a head that is too long', raw(`Content-Description: ${'a'.repeat(20_000)}`), mixed],
  ];
  for (const [what, body, type] of cases) {
    test(what, () => {
      assert.equal(read(body, type).ok, false);
    });
  }
});

test('what was written is read again, byte for byte', () => {
  const content = fc.uint8Array({ maxLength: 60 });
  const name = fc.stringMatching(/^[a-zA-Z0-9._][a-zA-Z0-9._ ]{0,10}x$/);
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, content), { minLength: 1, maxLength: 5, selector: ([key]) => key }),
      (given) => {
        const parts = given.map(([key, bytes]) => ({
          head: Buffer.from(`Content-Disposition: form-data; name="${key}"`),
          content: bytes,
        }));
        const body = writeMultipart('b0', parts);
        if (body === undefined) return;
        const found = readMultipart(form, body);
        assert.ok(found.ok, JSON.stringify(found));
        assert.deepEqual(
          found.value.parts.map((part) => [part.name, Uint8Array.from(part.content)]),
          given.map(([key, bytes]) => [key, bytes]),
        );
      },
    ),
  );
});

test('a body that is cut anywhere is refused', () => {
  const body =
    field('a', '{"role": 1}', '\r\nContent-Type: application/json') + field('f', 'x', '; filename="y"') + end;
  for (let at = 0; at < body.length - 2; at++) assert.equal(read(body.slice(0, at)).ok, false, String(at));
});
