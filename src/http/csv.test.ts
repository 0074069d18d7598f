import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CsvColumns } from './csv.ts';

const hides = (name: string): ((cell: string) => string) | undefined =>
  name === 'mail' || name === 'full name' ? () => '***' : undefined;

function shown(pieces: readonly string[]): string {
  const csv = new CsvColumns(hides);
  return pieces.map((piece) => csv.push(piece)).join('') + csv.end();
}

const cases: readonly (readonly [what: string, text: string, wanted: string])[] = [
  ['a column', 'id,mail\n1,a@b\n2,c@d\n', 'id,mail\n1,***\n2,***\n'],
  ['no line end at the end', 'mail\r\na@b\r\nc', 'mail\r\n***\r\n***'],
  [
    'quotes, separators and lines in a cell',
    'id,"full name",x\r\n1,"Lee, ""A""\r\nB",y\r\n',
    'id,"full name",x\r\n1,***,y\r\n',
  ],
  ['semicolons', 'id;mail;z\n1;a,b;2\n', 'id;mail;z\n1;***;2\n'],
  ['tabs', 'id\tmail\n1\ta\n', 'id\tmail\n1\t***\n'],
  ['empty cells and lines', 'id,mail,x\n1,,\n\n,"",\n', 'id,mail,x\n1,,\n\n,"",\n'],
  ['a mark at the beginning', '\ufeffmail,id\na,1\n', '\ufeffmail,id\n***,1\n'],
  ['short lines', 'id,mail\n1\n', 'id,mail\n1\n'],
  ['carriage returns', 'id,mail\r1,a\r2,b', 'id,mail\r1,***\r2,***'],
  ['nothing to hide', 'id,x\n1,"a, b"\n\n2\n', 'id,x\n1,"a, b"\n\n2\n'],
  ['a separator that is said', 'sep=;\nid;mail\n1;a,b\n', 'sep=;\nid;mail\n1;***\n'],
  ['names with blanks and quotes of other kinds', "id, 'mail' \n1,a\n", "id, 'mail' \n1,***\n"],
];
for (const [what, text, wanted] of cases) {
  test(`CsvColumns shows ${what}, wherever it is cut`, () => {
    assert.equal(shown([text]), wanted);
    assert.equal(shown(text.split('')), wanted);
    for (let at = 0; at <= text.length; at++)
      assert.equal(shown([text.slice(0, at), text.slice(at)]), wanted);
  });
}

test('CsvColumns takes a separator that is known', () => {
  const csv = new CsvColumns(hides, '\t');
  assert.equal(csv.push('a, b, c\tmail\n1\tx\n') + csv.end(), 'a, b, c\tmail\n1\t***\n');
});

for (const text of [
  'id,mail\n1,a,b\n',
  'id,mail\n1,"a"b\n',
  'id,mail\n1,x"a"\n',
  'id,mail\n1,"a\n',
  // The first line is no head, or nobody knows what separates its names.
  'Export of people\n\nid,mail\n1,a\n',
  '# made today\nid,mail\n1,a\n',
  'last, first;mail\n1;a\n',
  'id^mail\n1^a\n',
  'id:mail\n1:a\n',
  'id mail\n1 a\n',
])
  test(`CsvColumns refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => shown([text]));
  });
